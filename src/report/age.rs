//! How old what is known about a cluster is. What was last seen more than a quarter of an hour ago
//! is stale: it is shown, and said to be old.

use crate::model::{ClusterName, Duration};
use crate::rollout::FleetState;

/// From this age on an observation is stale.
pub const STALE: Duration = Duration::minutes(15);

/// When a cluster was last seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// When it was last seen; absent if never.
    pub at: Option<jiff::Timestamp>,
    /// How long ago, in seconds.
    pub age: Option<Duration>,
    /// Whether that is too long ago to rely on (15 minutes and more, or never).
    pub stale: bool,
    /// Since when it can't be reached, while it can't.
    pub unreachable_since: Option<jiff::Timestamp>,
    /// Why it can't be reached.
    pub unreachable_cause: Option<String>,
}

/// When `cluster` was last seen, looked at from `now`.
pub fn seen(state: &FleetState, cluster: &ClusterName, now: jiff::Timestamp) -> Seen {
    let known = state.seen(cluster);
    let at = known.and_then(|s| s.observed.as_ref()).map(|o| o.at);
    let lost = known.and_then(|s| s.unreachable.as_ref());
    of(at, lost.map(|(since, cause)| (*since, cause.as_str())), now)
}

/// The age of an observation.
pub fn of(
    at: Option<jiff::Timestamp>,
    unreachable: Option<(jiff::Timestamp, &str)>,
    now: jiff::Timestamp,
) -> Seen {
    let age = at.map(|at| Duration::between(at, now));
    Seen {
        at,
        age,
        stale: age.is_none_or(|age| age >= STALE),
        unreachable_since: unreachable.map(|(since, _)| since),
        unreachable_cause: unreachable.map(|(_, cause)| cause.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_seen_a_quarter_of_an_hour_ago_is_stale() {
        let at = |text: &str| -> jiff::Timestamp { text.parse().unwrap() };
        let now = at("2026-11-21T10:15:00Z");
        assert!(of(Some(at("2026-11-21T10:00:00Z")), None, now).stale);
        assert!(!of(Some(at("2026-11-21T10:00:01Z")), None, now).stale);
        assert!(of(None, None, now).stale, "never seen is not fresh");
    }
}
