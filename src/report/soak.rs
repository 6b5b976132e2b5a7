//! An observed soak in words: how many clusters have soaked, which are not well, and by when the next
//! look must come so that what was soaked so far keeps counting.

use super::explanation::Unblock;
use super::failures;
use crate::rollout::{ObservedSoak, Rollout};

/// What looks say, and what goes on by looking.
pub(super) fn observed(rollout: &Rollout, soak: &ObservedSoak) -> (Vec<String>, Unblock) {
    let mut lines = vec![format!(
        "{} of {} have soaked; time counts while looks at most {} apart find a cluster well",
        soak.soaked, soak.of, soak.every
    )];
    for (cluster, cause, looks) in soak.ill.iter().take(failures::NAMED) {
        let again = if *looks > 1 { format!(" ({looks} looks in a row)") } else { String::new() };
        lines.push(format!("{cluster} is not seen well{again}: {cause}"));
    }
    if soak.ill.len() > failures::NAMED {
        lines.push(format!("and {} more", soak.ill.len() - failures::NAMED));
    }
    match (soak.look_by, soak.next) {
        (Some(by), _) => lines.push(format!("looked at again by {by}, or the time so far counts no more")),
        (None, Some(next)) => lines.push(format!("no time is running; the next look is due at {next}")),
        (None, None) => {}
    }
    let condition = if soak.ill.is_empty() {
        "each cluster was seen well for that long without a break"
    } else {
        "those clusters are well again, and each was seen well for that long without a break"
    };
    let unblock = Unblock {
        condition: condition.to_owned(),
        earliest: None,
        actors: vec!["the driver".to_owned()],
        commands: vec![format!("tidegate rollout run {}", rollout.id())],
    };
    (lines, unblock)
}
