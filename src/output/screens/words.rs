//! Words and marks that several screens share: the tone of every state, counts as `6/18`.

use crate::output::mark::Tone;
use crate::report::event::Weight;
use crate::report::summary::Tally;

/// What a state's word means to who looks at it; unknown words are quiet.
pub fn tone(state: &str) -> Tone {
    match state {
        "succeeded" | "done" | "no-op" | "open" | "verified" | "unchanged" => Tone::Good,
        "running" | "rolling" | "verifying" | "claimed" | "preflight" | "upgrading" | "testing" => Tone::Busy,
        "planned" | "pausing" | "paused" | "gates-before" | "gates-after" | "soaking" | "blocked"
        | "deferred" | "waits" | "stopped" | "closed" | "absent" => Tone::Waits,
        "succeeded-with-failures" | "aborting" | "rolling-back" | "rolled-back" | "stale" => Tone::Warn,
        "failed" | "failures" | "timed-out" | "halted" | "aborted" | "unknown" | "unreachable" => Tone::Bad,
        _ => Tone::Quiet,
    }
}

/// The tone of an event.
pub fn weight(weight: Weight) -> Tone {
    match weight {
        Weight::Routine => Tone::Quiet,
        Weight::Milestone => Tone::Good,
        Weight::Notice => Tone::Waits,
        Weight::Trouble => Tone::Bad,
    }
}

/// `6/18`.
pub fn done(tally: &Tally) -> String {
    format!("{}/{}", tally.done, tally.total)
}

/// The words of a tally that spend the failure budget.
const FAILURES: [&str; 3] = [" failed", " rolled back", " unknown"];

/// What is not simply done or waiting for its turn: `4 run · 1 failed (1 tolerated)`.
pub fn rest(tally: &Tally, failure_budget: Option<u32>) -> String {
    let mut words = tally.words();
    if let Some(budget) = failure_budget.filter(|_| tally.failed + tally.rolled_back + tally.unknown > 0)
        && let Some(word) = words.iter_mut().rfind(|w| FAILURES.iter().any(|failure| w.ends_with(failure)))
    {
        word.push_str(&format!(" ({budget} tolerated)"));
    }
    words.join(" · ")
}

/// At most so many at once, as a number.
pub fn cap(cap: Option<u32>) -> String {
    match cap {
        None => "unlimited".to_owned(),
        Some(0) => "0 (hold)".to_owned(),
        Some(n) => n.to_string(),
    }
}
