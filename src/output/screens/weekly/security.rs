//! Words about vulnerabilities that the forms of the report share: what is open in a thing, what its update
//! changes, and what became of acceptances.

use crate::diag::count;
use crate::model::Nearness;
use crate::report::weekly::Weekly;
use crate::report::weekly::security::{Found, Secured, Security, Update};
use crate::scan::vulnerabilities::Counts;

/// So many vulnerabilities are named where there is room for few.
const NAMED: usize = 5;

/// `1 kev 2 crit 5 high, -4 +0`: what is open, and what the update mends and brings. `0` where nothing is, `?`
/// where nobody knows.
pub(super) fn short(security: &Security) -> String {
    let Some(open) = &security.open else { return "?".to_owned() };
    let mut parts: Vec<String> = Vec::new();
    if security.exploited > 0 {
        parts.push(format!("{} kev", security.exploited));
    }
    let weighty = [(open.critical, "crit"), (open.high, "high")];
    let lighter = [(open.medium, "med"), (open.low, "low"), (open.unknown, "unrated")];
    let some = |all: &[(usize, &str)]| -> Vec<String> {
        all.iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect()
    };
    parts.extend(some(&weighty));
    if parts.is_empty() {
        parts.extend(some(&lighter).into_iter().take(1));
    }
    let open = if parts.is_empty() { "0".to_owned() } else { parts.join(" ") };
    let changes = |update: &&Update| !parts.is_empty() || update.fixed.total() + update.new.total() > 0;
    match security.update.as_ref().filter(changes) {
        Some(update) => format!("{open}, -{} +{}", update.fixed.total(), update.new.total()),
        None => open,
    }
}

/// A sentence: all counts, what is accepted, what the update changes, who says so, and what speaks against it.
pub(super) fn sentence(security: &Security) -> String {
    let mut parts: Vec<String> = Vec::new();
    match (&security.open, &security.unknown) {
        (Some(open), _) => parts.push(format!("{}: {}", security.image, told(open))),
        (None, Some(why)) => parts.push(format!("{}: not known: {why}", security.image)),
        (None, None) => {}
    }
    if security.exploited > 0 {
        parts.push(format!("{} exploited", security.exploited));
    }
    if security.accepted > 0 {
        parts.push(format!("{} accepted", security.accepted));
    }
    if let Some(update) = &security.update {
        let unsettled = match update.unsettled {
            0 => String::new(),
            some => format!(", not known of {some}"),
        };
        let all = [&update.fixed, &update.new, &update.remaining];
        parts.push(match all.map(told) {
            _ if update.unsettled == 0 && all.iter().all(|counts| counts.total() == 0) => {
                format!("{}: none", update.to)
            }
            [fixed, new, stays] => {
                format!("{} mends {fixed}, brings {new}, leaves {stays}{unsettled}", update.to)
            }
        });
    }
    parts.extend(security.incomparable.clone().map(|why| format!("what the update changes is {why}")));
    if let Some(scanner) = &security.scanner {
        let source = security.source.as_deref().unwrap_or_default();
        parts.push(format!("by {scanner} ({source})"));
    }
    parts.extend(security.notes.iter().cloned());
    parts.join("; ")
}

fn told(counts: &Counts) -> String {
    if counts.total() == 0 { "none".to_owned() } else { counts.to_string() }
}

/// The vulnerabilities that are worth a line where there is room for few: what is open, the worst first.
pub(super) fn named(security: &Security) -> impl Iterator<Item = &Found> {
    security.findings.iter().filter(|found| found.is_open()).take(NAMED)
}

/// What became of acceptances, in parts of a line; nothing where there are none.
pub(super) fn acceptances(report: &Weekly) -> Vec<String> {
    let Some(Secured { acceptances, .. }) = &report.security else { return Vec::new() };
    let of = |nearness: &[Nearness]| -> Vec<&str> {
        let some = acceptances.iter().filter(|one| nearness.contains(&one.nearness));
        some.map(|one| one.id.as_str()).collect()
    };
    let ended = of(&[Nearness::Ended]);
    let soon = of(&[Nearness::Week, Nearness::Day]);
    let idle = acceptances.iter().filter(|one| one.is_idle());
    let idle: Vec<&str> = idle.map(|one| one.id.as_str()).collect();
    let mut parts = Vec::new();
    let holding = acceptances.len() - ended.len();
    if holding > 0 {
        parts.push(count(holding as u64, "acceptance"));
    }
    let mut tell = |ids: Vec<&str>, one: &str, more: &str| {
        if !ids.is_empty() {
            let verb = if ids.len() == 1 { one } else { more };
            parts.push(format!("{} {verb}", ids.join(", ")));
        }
    };
    tell(ended, "has ended: what it covered counts again", "have ended: what they covered counts again");
    tell(soon, "ends within a week", "end within a week");
    tell(idle, "is about nothing that was found", "are about nothing that was found");
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::weekly::security::Update;

    fn counts(critical: usize, high: usize, medium: usize) -> Counts {
        Counts { critical, high, medium, ..Counts::default() }
    }

    #[test]
    fn what_weighs_most_is_told_in_short() {
        let of = |open: Option<Counts>, exploited, update: Option<(usize, usize)>| {
            let update = update.map(|(fixed, new)| Update {
                fixed: counts(fixed, 0, 0),
                new: counts(0, new, 0),
                ..Update::default()
            });
            short(&Security { open, exploited, update, ..Security::default() })
        };
        assert_eq!(of(Some(counts(2, 5, 9)), 0, Some((4, 0))), "2 crit 5 high, -4 +0");
        assert_eq!(of(Some(counts(0, 1, 0)), 1, None), "1 kev 1 high");
        assert_eq!(of(Some(counts(0, 0, 7)), 0, Some((0, 1))), "7 med, -0 +1");
        assert_eq!(of(Some(counts(0, 0, 0)), 0, None), "0");
        assert_eq!(of(None, 0, None), "?");
    }

    #[test]
    fn a_sentence_says_who_says_so_and_what_speaks_against_it() {
        let security = Security {
            image: "quay.io/a/b:1".to_owned(),
            open: Some(counts(1, 0, 0)),
            accepted: 2,
            update: Some(Update {
                to: "quay.io/a/b:2".to_owned(),
                fixed: counts(1, 0, 0),
                ..Update::default()
            }),
            source: Some("files scans".to_owned()),
            scanner: Some("Trivy 0.60.0".to_owned()),
            notes: vec!["a doubt".to_owned()],
            ..Security::default()
        };
        assert_eq!(
            sentence(&security),
            "quay.io/a/b:1: 1 critical; 2 accepted; quay.io/a/b:2 mends 1 critical, brings none, leaves none; by \
             Trivy 0.60.0 (files scans); a doubt"
        );
    }
}
