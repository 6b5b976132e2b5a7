//! Reading objects as JSON: the handles that kinds, API and controllers share. A field of another type
//! than expected counts as absent.

use jiff::Timestamp;
use serde_json::Value;

pub(super) use crate::json::{At, list, text};

/// A text as JSON. By `FromStr`, which serde_json brings compiled: much faster where this crate is not
/// optimized.
pub(super) fn parse(text: &[u8]) -> Result<Value, serde_json::Error> {
    match std::str::from_utf8(text) {
        Ok(text) => text.parse(),
        Err(_) => serde_json::from_slice(text),
    }
}

/// Whether `true` stands at a path.
pub(super) fn is_true(object: &Value, path: &str) -> bool {
    object.at(path).and_then(Value::as_bool).unwrap_or(false)
}

/// A condition of `status.conditions`.
pub(super) fn condition<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    list(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
}

/// Whether a condition is True.
pub(super) fn holds(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| text(condition, "/status") == "True")
}

/// The second that a moment lies in, which is what objects carry.
pub(super) fn seconds(now: Timestamp) -> Timestamp {
    let second = now.as_nanosecond().div_euclid(1_000_000_000);
    i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok()).unwrap_or(now)
}
