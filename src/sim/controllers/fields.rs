//! Reading and writing single fields of objects as JSON. Nothing here panics, whatever an object looks
//! like: a field of another type than expected counts as absent, and is replaced when it is written.

use crate::sim::json::At as _;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(super) use crate::sim::json::{condition, holds, is_true, list, seconds, text};

/// The whole number at a JSON pointer.
pub(super) fn number(object: &Value, path: &str) -> Option<i64> {
    object.at(path).and_then(Value::as_i64)
}

/// The number at a JSON pointer; 0 if there is none.
pub(super) fn count(object: &Value, path: &str) -> i64 {
    number(object, path).unwrap_or(0)
}

/// Whether something other than null stands at a JSON pointer.
pub(super) fn has(object: &Value, path: &str) -> bool {
    object.at(path).is_some_and(|value| !value.is_null())
}

/// The fields of the map at a JSON pointer.
pub(super) fn map<'v>(object: &'v Value, path: &str) -> Option<&'v Map<String, Value>> {
    object.at(path).and_then(Value::as_object)
}

/// Writes a field, with the maps above it.
pub(super) fn set(object: &mut Value, path: &[&str], value: Value) {
    let mut here = object;
    for key in path {
        here = fields(here).entry(*key).or_insert(Value::Null);
    }
    *here = value;
}

/// Takes a field away.
pub(super) fn unset(object: &mut Value, path: &[&str]) {
    let Some((last, above)) = path.split_last() else { return };
    let mut here = object;
    for key in above {
        match here.get_mut(key) {
            Some(next) => here = next,
            None => return,
        }
    }
    if let Some(here) = here.as_object_mut() {
        here.shift_remove(*last);
    }
}

/// The fields of a map; what is none becomes one.
pub(super) fn fields(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("it was just made a map"),
    }
}

/// The list in a field of a map, made if it is not there.
pub(super) fn items<'v>(object: &'v mut Value, path: &[&str]) -> &'v mut Vec<Value> {
    let mut here = object;
    for key in path {
        here = fields(here).entry(*key).or_insert(Value::Null);
    }
    if !here.is_array() {
        *here = json!([]);
    }
    match here {
        Value::Array(items) => items,
        _ => unreachable!("it was just made a list"),
    }
}

/// A moment as objects carry it: whole seconds.
pub(super) fn stamp(now: Timestamp) -> Value {
    seconds(now).to_string().into()
}

/// The moment at a JSON pointer.
pub(super) fn time(object: &Value, path: &str) -> Option<Timestamp> {
    text(object, path).parse().ok()
}

/// So many seconds after a moment.
pub(super) fn after(moment: Timestamp, seconds: i64) -> Timestamp {
    moment.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// So long after a moment.
pub(super) fn later(moment: Timestamp, by: std::time::Duration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Writes a condition into a list of them. One with the same status keeps the time of its last
/// transition; nothing is touched if status, reason and message are as they were. Answers whether
/// something changed.
pub(super) fn state(conditions: &mut Vec<Value>, new: &Condition<'_>, now: Timestamp) -> bool {
    let known = conditions.iter_mut().find(|condition| text(condition, "/type") == new.kind);
    let Some(known) = known else {
        conditions.push(new.value(now));
        return true;
    };
    let same_status = text(known, "/status") == new.status;
    let same = same_status && text(known, "/reason") == new.reason && text(known, "/message") == new.message;
    if same {
        return false;
    }
    let since = known.get("lastTransitionTime").cloned();
    let mut value = new.value(now);
    if let (true, Some(since)) = (same_status, since) {
        set(&mut value, &["lastTransitionTime"], since);
    }
    *known = value;
    true
}

/// A condition as it is to be.
pub(super) struct Condition<'c> {
    pub kind: &'c str,
    pub status: &'c str,
    pub reason: &'c str,
    pub message: &'c str,
}

impl Condition<'_> {
    /// As JSON, with its beginning.
    pub(super) fn value(&self, now: Timestamp) -> Value {
        let mut value = json!({"type": self.kind, "status": self.status, "lastTransitionTime": stamp(now)});
        for (key, text) in [("reason", self.reason), ("message", self.message)] {
            if !text.is_empty() {
                set(&mut value, &[key], text.into());
            }
        }
        value
    }
}

/// Who controls an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub kind: String,
    pub name: String,
    pub uid: String,
}

/// The owner that controls an object, if one does.
pub(super) fn controller(object: &Value) -> Option<Owner> {
    let owner = list(object, "/metadata/ownerReferences").iter().find(|o| is_true(o, "/controller"))?;
    let field = |path| text(owner, path).to_owned();
    Some(Owner { kind: field("/kind"), name: field("/name"), uid: field("/uid") })
}

/// Whether an object is controlled by the one with this UID.
pub(super) fn is_controlled_by(object: &Value, uid: &str) -> bool {
    controller(object).is_some_and(|owner| owner.uid == uid)
}

/// The reference that makes `owner` the controller of an object.
pub(super) fn control(api_version: &str, kind: &str, owner: &Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "name": text(owner, "/metadata/name"),
        "uid": text(owner, "/metadata/uid"), "controller": true, "blockOwnerDeletion": true})
}

/// The UID of an object.
pub(super) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// Whether an object is being deleted.
pub(super) fn is_going(object: &Value) -> bool {
    has(object, "/metadata/deletionTimestamp")
}

/// What a field that is a number or a percentage makes of `total`.
pub(super) fn share(value: Option<&Value>, total: i64, up: bool) -> Option<i64> {
    let value = value?;
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let percent: i64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    let hundredths = percent.checked_mul(total)?;
    Some(if up { (hundredths + 99).div_euclid(100) } else { hundredths.div_euclid(100) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_total_is_rounded_as_asked() {
        assert_eq!(share(Some(&json!("25%")), 10, true), Some(3));
        assert_eq!(share(Some(&json!("25%")), 10, false), Some(2));
        assert_eq!(share(Some(&json!(4)), 10, false), Some(4));
        assert_eq!(share(Some(&json!("x")), 10, false), None);
    }

    #[test]
    fn a_field_is_written_whatever_stood_in_the_way() {
        let mut object = json!({"status": "odd"});
        set(&mut object, &["status", "phase"], "Active".into());
        items(&mut object, &["spec", "finalizers"]).push("x".into());
        assert_eq!(object, json!({"status": {"phase": "Active"}, "spec": {"finalizers": ["x"]}}));
        unset(&mut object, &["spec", "finalizers"]);
        unset(&mut object, &["nothing", "there"]);
        assert_eq!(object, json!({"status": {"phase": "Active"}, "spec": {}}));
    }

    #[test]
    fn a_condition_keeps_its_beginning_while_its_status_stays() {
        let (begin, end) = (Timestamp::from_second(10).unwrap(), Timestamp::from_second(20).unwrap());
        let mut conditions = Vec::new();
        let mut ready = Condition { kind: "Ready", status: "False", reason: "A", message: "" };
        assert!(state(&mut conditions, &ready, begin));
        assert!(!state(&mut conditions, &ready, end));
        ready.reason = "B";
        assert!(state(&mut conditions, &ready, end));
        assert_eq!(conditions[0]["lastTransitionTime"], stamp(begin));
        ready.status = "True";
        assert!(state(&mut conditions, &ready, end));
        assert_eq!(conditions[0]["lastTransitionTime"], stamp(end));
    }
}
