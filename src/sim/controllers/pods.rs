//! What pods are, as far as controllers ask.

use jiff::Timestamp;
use serde_json::Value;

use super::fields::{after, condition, holds, is_going, list, text, time};
use crate::sim::json::At as _;

/// Whether it neither ended nor is being deleted.
pub(super) fn is_active(pod: &Value) -> bool {
    !has_ended(pod) && !is_going(pod)
}

/// Whether it ended, well or not.
pub(super) fn has_ended(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Whether it is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    holds(pod, "Ready")
}

/// Since when it is ready.
pub(super) fn ready_since(pod: &Value) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").filter(|ready| text(ready, "/status") == "True")?;
    time(ready, "/lastTransitionTime")
}

/// When it has been ready for so many seconds; `None` if it is not ready.
pub(super) fn available_at(pod: &Value, seconds: i64) -> Option<Timestamp> {
    ready_since(pod).map(|since| after(since, seconds))
}

/// Whether it has been ready for so many seconds.
pub(super) fn is_available(pod: &Value, seconds: i64, now: Timestamp) -> bool {
    available_at(pod, seconds).is_some_and(|at| seconds == 0 || at <= now)
}

/// How often its containers were started again.
pub(super) fn restarts(pod: &Value) -> i64 {
    ["/status/initContainerStatuses", "/status/containerStatuses"]
        .iter()
        .flat_map(|path| list(pod, path))
        .map(|status| super::fields::count(status, "/restartCount"))
        .sum()
}

/// A label.
pub(super) fn label<'p>(object: &'p Value, key: &str) -> &'p str {
    object.at("/metadata/labels").and_then(|l| l.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// An annotation.
pub(super) fn annotation<'p>(object: &'p Value, key: &str) -> &'p str {
    let notes = object.at("/metadata/annotations");
    notes.and_then(|notes| notes.get(key)).and_then(Value::as_str).unwrap_or_default()
}
