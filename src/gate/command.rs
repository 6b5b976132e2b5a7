//! The command gate: a script says yes or no. Decides what counts as an answer (the last line that
//! it printed, as JSON), and that everything else is a no; running it is for the engine.

use crate::digest::Digest;
use crate::journal::Answer;
use crate::model::Duration;

/// What the script must print as its last line. Unknown fields are ignored, so that it may say more.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    open: bool,
    #[serde(default)]
    facts: Vec<String>,
    #[serde(default)]
    valid_for: Option<Duration>,
}

/// How the script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Exited {
        /// Its exit code; `None` if a signal ended it.
        code: Option<i32>,
        /// Its last lines, masked.
        output: Vec<String>,
    },
    /// Its time passed.
    TimedOut,
    /// It could not be run.
    NotRun(String),
}

/// What the gate rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The evidence digest when it was asked.
    pub evidence: Digest,
    /// How the script ended.
    pub ended: Ended,
    /// How long a yes counts.
    pub valid_for: Duration,
    /// How long after a no it is asked again.
    pub ask_every: Duration,
}

/// The most lines of facts that are kept, and the longest.
const LINES: usize = 20;
const LONGEST: usize = 400;

/// The answer: open only by a script that ended well and said so. Both answers end: a yes so that it
/// does not outlive what it saw, a no so that it is asked again.
pub fn decide(facts: &Facts, now: jiff::Timestamp) -> Answer {
    let no = |why: Vec<String>| Answer {
        open: false,
        evidence: facts.evidence,
        facts: why,
        expires: Some(facts.ask_every.after(now)),
    };
    match &facts.ended {
        Ended::NotRun(why) => no(vec![format!("the command could not be run: {why}")]),
        Ended::TimedOut => no(vec!["the command did not end in time".to_owned()]),
        Ended::Exited { code: Some(0), output } => {
            let last = output.iter().rev().find(|line| !line.trim().is_empty());
            let said = last.map(|line| serde_json::from_str::<Said>(line));
            match said {
                Some(Ok(said)) => {
                    let mut lines: Vec<String> =
                        said.facts.iter().take(LINES).map(|f| f.chars().take(LONGEST).collect()).collect();
                    if lines.is_empty() {
                        lines.push(format!("the command said {}", if said.open { "yes" } else { "no" }));
                    }
                    if !said.open {
                        return no(lines);
                    }
                    // A script may trust its answer for less long than the gate allows, never longer.
                    let length = said.valid_for.map_or(facts.valid_for, |l| l.min(facts.valid_for));
                    let expires = Some(length.after(now));
                    Answer { open: true, evidence: facts.evidence, facts: lines, expires }
                }
                Some(Err(error)) => no(vec![format!(
                    "the last line that the command printed is no answer such as {{\"open\": true}}: {error}"
                )]),
                None => no(vec!["the command printed nothing".to_owned()]),
            }
        }
        Ended::Exited { code, output } => {
            let how = code.map_or("a signal ended it".to_owned(), |code| format!("it exited with {code}"));
            let mut lines = vec![format!("the command failed: {how}")];
            lines.extend(output.iter().rev().take(5).rev().cloned());
            no(lines)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::digest;

    fn now() -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_000_000).unwrap()
    }

    fn asked(ended: Ended) -> Answer {
        let facts = Facts {
            evidence: digest::bytes(b"evidence"),
            ended,
            valid_for: Duration::seconds(600),
            ask_every: Duration::seconds(60),
        };
        decide(&facts, now())
    }

    fn printed(lines: &[&str]) -> Answer {
        asked(Ended::Exited { code: Some(0), output: lines.iter().map(|l| (*l).to_owned()).collect() })
    }

    #[test]
    fn a_yes_counts_for_as_long_as_the_gate_says() {
        let answer = printed(&["looking", r#"{"open": true, "facts": ["3 on call"]}"#, ""]);
        assert!(answer.open);
        assert_eq!(answer.facts, ["3 on call"]);
        assert_eq!(answer.expires, Some(Duration::seconds(600).after(now())));
    }

    #[test]
    fn a_script_may_trust_itself_for_less_long_but_not_longer() {
        let end = |text| printed(&[text]).expires;
        assert_eq!(end(r#"{"open": true, "validFor": "30s"}"#), Some(Duration::seconds(30).after(now())));
        assert_eq!(end(r#"{"open": true, "validFor": "2h"}"#), Some(Duration::seconds(600).after(now())));
    }

    #[test]
    fn everything_else_is_a_no_that_is_asked_again() {
        let all = [
            printed(&[r#"{"open": false}"#]),
            printed(&["yes"]),
            printed(&[r#"{"open": "true"}"#]),
            printed(&[]),
            asked(Ended::Exited { code: Some(1), output: vec![r#"{"open": true}"#.to_owned()] }),
            asked(Ended::Exited { code: None, output: vec![] }),
            asked(Ended::TimedOut),
            asked(Ended::NotRun("no such file".to_owned())),
        ];
        for answer in all {
            assert!(!answer.open, "{answer:?}");
            assert!(!answer.facts.is_empty());
            assert_eq!(answer.expires, Some(Duration::seconds(60).after(now())));
        }
    }
}
