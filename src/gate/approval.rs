//! The approval gate: enough people have said yes to exactly what there is now. Decides which
//! approvals count and until when, and what a person signs who signs one. Whether a signature holds
//! is for a port.

use std::collections::BTreeSet;

use crate::digest::Digest;
use crate::journal::{Answer, Side};
use crate::model::{AuthorMay, Duration, GateId, RolloutId, WaveName};
use crate::plan::GateKind;
use crate::rollout::{Approval, Rollout};

/// What the gate rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The release digest now.
    pub release: Digest,
    /// The wave digest now.
    pub wave: Digest,
    /// The evidence digest now.
    pub evidence: Digest,
    /// Who may, as a word for people.
    pub by: String,
    /// How many distinct people.
    pub quorum: u32,
    /// How long a yes counts.
    pub valid_for: Option<Duration>,
    /// Whose yes does not count: the release's authors, unless the gate allows them.
    pub authors: BTreeSet<String>,
    /// Whether every yes must be signed.
    pub signed: bool,
    /// The approvals that were given and not revoked.
    pub approvals: Vec<Given>,
}

/// An approval, and what became of its signature when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The approval.
    pub approval: Approval,
    /// Whether its signature holds, or why it does not; `None` where nobody had to look.
    pub signature: Option<Result<(), String>>,
}

/// The facts of an approval gate, all of which the core knows itself but whether signatures hold;
/// `None` if there is no such gate.
pub fn facts(rollout: &Rollout, wave: &WaveName, side: Side, gate: &GateId) -> Option<Facts> {
    let (planned, state) = rollout.wave(wave)?;
    let gates = match side {
        Side::Before => &planned.gates_before,
        Side::After => &planned.gates_after,
    };
    let kind = &gates.iter().find(|g| &g.id == gate)?.kind;
    let GateKind::Approval { by, quorum, valid_for, author, signed } = kind else { return None };
    let (release, wave_digest) = rollout.bindings(wave)?;
    let given = state.gate(side, gate).map(|g| g.approvals().to_vec()).unwrap_or_default();
    Some(Facts {
        release,
        wave: wave_digest,
        evidence: rollout.evidence(wave, side),
        by: by.clone(),
        quorum: *quorum,
        valid_for: *valid_for,
        authors: match author {
            AuthorMay::Refused => {
                rollout.plan().release.authors.iter().map(|a| a.to_ascii_lowercase()).collect()
            }
            AuthorMay::Allowed => BTreeSet::new(),
        },
        signed: *signed,
        approvals: given.into_iter().map(|approval| Given { approval, signature: None }).collect(),
    })
}

/// At which gate of which journal an approval is given.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The journal.
    pub journal: uuid::Uuid,
    /// The rollout.
    pub rollout: &'a RolloutId,
    /// The wave.
    pub wave: &'a WaveName,
    /// The side.
    pub side: Side,
    /// The gate.
    pub gate: &'a GateId,
}

/// The text that a person signs: all that an approval binds to, one fact a line. It ends with when
/// it was signed and how often the gate had been revoked, so that it can't be used again.
pub fn statement(at: &At<'_>, approval: &Approval, round: u64, signed_at: jiff::Timestamp) -> String {
    let or = |value: Option<String>, absent: &str| value.unwrap_or_else(|| absent.to_owned());
    let At { journal, rollout, wave, side, gate } = at;
    let side = if *side == Side::Before { "before" } else { "after" };
    let evidence = or(approval.evidence.map(|d| d.to_string()), "early");
    let expires = or(approval.expires.map(|t| t.to_string()), "never");
    let comment = serde_json::Value::from(approval.comment.clone()).to_string();
    format!(
        "tidegate approval v1\njournal: {journal}\nrollout: {rollout}\nwave: {wave}\nside: {side}\n\
         gate: {gate}\nrelease: {}\nwave-digest: {}\nevidence: {evidence}\nexpires: {expires}\n\
         person: {}\ncomment: {comment}\nround: {round}\nsigned: {signed_at}\n",
        approval.release,
        approval.wave,
        approval.actor.person()
    )
}

/// Until when an approval counts, if it ends at all.
fn end(approval: &Approval, valid_for: Option<Duration>) -> Option<jiff::Timestamp> {
    // A signed yes ages from its signature: recording it late makes it no fresher.
    let given = approval.signature.as_ref().map_or(approval.at, |s| s.at.min(approval.at));
    let by_gate = valid_for.map(|length| length.after(given));
    match (approval.expires, by_gate) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Why an approval does not count, if it doesn't.
fn void(given: &Given, facts: &Facts, now: jiff::Timestamp) -> Option<String> {
    let approval = &given.approval;
    if facts.authors.contains(&approval.actor.person().to_ascii_lowercase()) {
        return Some("whoever made the release does not approve it".to_owned());
    }
    match &given.signature {
        Some(Ok(())) => {}
        Some(Err(why)) => return Some(why.clone()),
        None if facts.signed => return Some("it is not signed".to_owned()),
        None => {}
    }
    if approval.release != facts.release {
        return Some(format!("for release {}, it is {}", approval.release.short(), facts.release.short()));
    }
    if approval.wave != facts.wave {
        return Some(format!("for wave {}, it is {}", approval.wave.short(), facts.wave.short()));
    }
    if let Some(seen) = approval.evidence
        && seen != facts.evidence
    {
        return Some(format!("for evidence {}, it is {} now", seen.short(), facts.evidence.short()));
    }
    if approval.evidence.is_none() && approval.expires.is_none() {
        return Some("given early and without end".to_owned());
    }
    end(approval, facts.valid_for).filter(|end| *end <= now).map(|end| format!("expired at {end}"))
}

/// The answer: open when enough distinct people have a yes that counts. It expires as soon as too
/// few of them are left; while it is closed, the next approval makes the gate be asked again.
pub fn decide(facts: &Facts, now: jiff::Timestamp) -> Answer {
    let mut people = BTreeSet::new();
    let mut ends = Vec::new();
    let mut lines = Vec::new();
    for given in &facts.approvals {
        let approval = &given.approval;
        match void(given, facts, now) {
            Some(why) => lines.push(format!("{} at {}: does not count, {why}", approval.actor, approval.at)),
            None => {
                let said = approval.comment.as_deref().map(|c| format!(": {c}")).unwrap_or_default();
                let early = if approval.evidence.is_none() { " (early)" } else { "" };
                let signed = if given.signature.is_some() { " (signed)" } else { "" };
                lines.push(format!("{} at {}: yes{early}{signed}{said}", approval.actor, approval.at));
                if people.insert(approval.actor.person().to_ascii_lowercase()) {
                    ends.push(end(approval, facts.valid_for));
                }
            }
        }
    }
    let quorum = usize::try_from(facts.quorum.max(1)).unwrap_or(usize::MAX);
    let open = people.len() >= quorum;
    lines.insert(0, format!("{} of {quorum} from {}", people.len(), facts.by));
    // Sorted with "never" last; the quorum breaks when the first of the last `quorum` ends.
    ends.sort_by_key(|end| end.unwrap_or(jiff::Timestamp::MAX));
    let expires = if open { ends.get(ends.len() - quorum).copied().flatten() } else { None };
    Answer { open, evidence: facts.evidence, facts: lines, expires }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::digest;
    use crate::model::Actor;

    fn at(second: i64) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn facts(approvals: Vec<Approval>, quorum: u32) -> Facts {
        Facts {
            release: digest::bytes(b"release"),
            wave: digest::bytes(b"wave"),
            evidence: digest::bytes(b"evidence"),
            by: "platform-leads".to_owned(),
            quorum,
            valid_for: None,
            authors: BTreeSet::new(),
            signed: false,
            approvals: approvals.into_iter().map(|approval| Given { approval, signature: None }).collect(),
        }
    }

    fn yes(who: &str) -> Approval {
        Approval {
            actor: Actor(format!("person:{who}")),
            at: at(0),
            release: digest::bytes(b"release"),
            wave: digest::bytes(b"wave"),
            evidence: Some(digest::bytes(b"evidence")),
            expires: None,
            comment: None,
            signature: None,
        }
    }

    #[test]
    fn nobody_has_said_yes_so_the_gate_is_closed_without_end() {
        let answer = decide(&facts(vec![], 1), at(10));
        assert!(!answer.open);
        assert_eq!(answer.expires, None);
        assert_eq!(answer.facts, ["0 of 1 from platform-leads"]);
    }

    #[test]
    fn a_yes_to_exactly_this_opens_the_gate() {
        assert!(decide(&facts(vec![yes("ann")], 1), at(10)).open);
    }

    #[test]
    fn a_yes_to_another_release_wave_or_evidence_does_not_count() {
        let other = digest::bytes(b"other");
        let spoil: [fn(&mut Approval, Digest); 3] =
            [|a, d| a.release = d, |a, d| a.wave = d, |a, d| a.evidence = Some(d)];
        for change in spoil {
            let mut approval = yes("ann");
            change(&mut approval, other);
            assert!(!decide(&facts(vec![approval], 1), at(10)).open);
        }
    }

    #[test]
    fn two_yeses_of_one_person_are_one() {
        assert!(!decide(&facts(vec![yes("ann"), yes("ann")], 2), at(10)).open);
        assert!(decide(&facts(vec![yes("ann"), yes("bob")], 2), at(10)).open);
    }

    #[test]
    fn the_answer_ends_when_the_quorum_does() {
        let mut approvals = vec![yes("ann"), yes("bob"), yes("eve")];
        approvals[0].expires = Some(at(20));
        approvals[1].expires = Some(at(30));
        let facts = facts(approvals, 2);
        assert_eq!(decide(&facts, at(10)).expires, Some(at(30)));
        assert!(!decide(&facts, at(30)).open);
    }

    #[test]
    fn a_yes_counts_no_longer_than_the_gate_allows() {
        let mut facts = facts(vec![yes("ann")], 1);
        facts.valid_for = Some(Duration::seconds(60));
        assert_eq!(decide(&facts, at(10)).expires, Some(at(60)));
        assert!(!decide(&facts, at(60)).open);
    }

    #[test]
    fn an_early_yes_counts_only_with_an_end() {
        let mut early = yes("ann");
        early.evidence = None;
        assert!(!decide(&facts(vec![early.clone()], 1), at(10)).open);
        early.expires = Some(at(99));
        assert!(decide(&facts(vec![early], 1), at(10)).open);
    }

    #[test]
    fn who_made_the_release_is_no_other_pair_of_eyes() {
        let mut facts = facts(vec![yes("ann@example.com"), yes("bob@example.com")], 2);
        assert!(decide(&facts, at(10)).open);
        facts.authors.insert("ann@example.com".to_owned());
        let answer = decide(&facts, at(10));
        assert!(!answer.open);
        assert!(answer.facts.iter().any(|f| f.contains("whoever made the release")), "{:?}", answer.facts);
    }

    #[test]
    fn one_person_in_two_spellings_is_one() {
        assert!(!decide(&facts(vec![yes("ann@example.com"), yes("Ann@Example.com")], 2), at(10)).open);
    }

    #[test]
    fn where_signatures_are_wanted_only_one_that_holds_counts() {
        let mut facts = facts(vec![yes("ann")], 1);
        facts.signed = true;
        assert!(!decide(&facts, at(10)).open);
        facts.approvals[0].signature = Some(Err("it is not ann's key".to_owned()));
        assert!(!decide(&facts, at(10)).open);
        facts.approvals[0].signature = Some(Ok(()));
        assert!(decide(&facts, at(10)).open);
    }

    #[test]
    fn a_signed_yes_that_is_recorded_late_is_no_fresher() {
        let mut facts = facts(vec![yes("ann")], 1);
        facts.valid_for = Some(Duration::seconds(60));
        facts.approvals[0].approval.at = at(100);
        facts.approvals[0].approval.signature =
            Some(crate::journal::Signature { round: 0, at: at(0), armored: String::new() });
        assert!(!decide(&facts, at(110)).open);
    }
}
