//! What somebody else changed in an object that a product applied: which fields of it are not ours
//! any more, and whose they are. By the ownership that the API server keeps, so that what a server
//! writes in another form than it was sent (`1000m` and `1`) is no change.

use serde_json::{Map, Value};

use crate::json::list;

/// A field that a product set and does not own any more.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LostField {
    /// Its path: `spec.ports[name=web].port`.
    pub field: String,
    /// What was applied.
    pub applied: Value,
    /// What is there; null if it was taken away.
    pub found: Value,
    /// The manager that owns it now; absent if nobody does.
    pub by: Option<String>,
    /// When that manager last wrote the object.
    pub at: Option<String>,
}

/// One other manager, with the part of its fields that is being looked at.
#[derive(Clone)]
struct Other<'a> {
    manager: &'a str,
    at: Option<&'a str>,
    fields: &'a Value,
}

/// What is being looked at: the same place in what was sent, what we own, what is there, and what
/// others own.
struct At<'a> {
    path: String,
    sent: &'a Value,
    own: Option<&'a Value>,
    live: Option<&'a Value>,
    others: Vec<Other<'a>>,
}

/// The fields of `payload` that `manager` does not own in `live` and that are not as they were applied.
pub fn lost_fields(payload: &Value, live: &Value, manager: &str) -> Vec<LostField> {
    let own = live.get("metadata").and_then(|m| super::inventory::own_entry(m, manager));
    let own_fields = own.and_then(|entry| entry.get("fieldsV1"));
    let others = list(live, "/metadata/managedFields").iter().filter_map(|entry| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let by = text("manager").filter(|by| *by != manager)?;
        Some(Other { manager: by, at: text("time"), fields: entry.get("fieldsV1")? })
    });
    let others: Vec<Other<'_>> = others.collect();
    let mut lost = Vec::new();
    for (key, sent) in payload.as_object().into_iter().flatten() {
        if matches!(key.as_str(), "apiVersion" | "kind") {
            continue;
        }
        let at = At {
            path: String::new(),
            sent: payload,
            own: own_fields,
            live: Some(live),
            others: others.clone(),
        };
        let at = at.key(key, sent);
        match key.as_str() {
            // Name and namespace are nobody's.
            "metadata" => {
                for (key, sent) in sent.as_object().into_iter().flatten() {
                    if !matches!(key.as_str(), "name" | "namespace") {
                        at.key(key, sent).walk(&mut lost);
                    }
                }
            }
            _ => at.walk(&mut lost),
        }
    }
    lost
}

impl<'a> At<'a> {
    /// The same a key deeper.
    fn key(&self, key: &str, sent: &'a Value) -> Self {
        let field = format!("f:{key}");
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        self.deeper(path, sent, &field, self.live.and_then(|live| live.get(key)))
    }

    fn deeper(&self, path: String, sent: &'a Value, field: &str, live: Option<&'a Value>) -> Self {
        let others = self.others.iter().filter_map(|other| {
            Some(Other { fields: other.fields.get(field)?, manager: other.manager, at: other.at })
        });
        At { path, sent, own: self.own.and_then(|own| own.get(field)), live, others: others.collect() }
    }

    fn walk(&self, lost: &mut Vec<LostField>) {
        match self.sent {
            Value::Null => {}
            Value::Object(map) if !map.is_empty() && !self.is_atomic() => {
                for (key, sent) in map {
                    self.key(key, sent).walk(lost);
                }
            }
            Value::Array(items) if !items.is_empty() && !self.is_atomic() => self.items(items, lost),
            _ => self.judge(lost),
        }
    }

    /// Whether we own it as a whole, with nothing below told apart.
    fn is_atomic(&self) -> bool {
        self.own.and_then(Value::as_object).is_some_and(Map::is_empty)
    }

    /// Items of a list that the server merges by keys or by value.
    fn items(&self, items: &'a [Value], lost: &mut Vec<LostField>) {
        let fields = self.own.into_iter().chain(self.others.iter().map(|other| other.fields));
        let names: Vec<&String> = fields.filter_map(Value::as_object).flat_map(Map::keys).collect();
        if !names.iter().any(|name| name.starts_with("k:") || name.starts_with("v:")) {
            return self.judge(lost);
        }
        for item in items {
            if !item.is_object() {
                let name = format!("v:{item}");
                let live = self.live.and_then(Value::as_array);
                let live = live.and_then(|all| all.iter().find(|found| *found == item));
                self.deeper(format!("{}[{item}]", self.path), item, &name, live).judge(lost);
                continue;
            }
            let keys = names.iter().filter_map(|name| {
                let keys: Map<String, Value> = serde_json::from_str(name.strip_prefix("k:")?).ok()?;
                // What is left out was defaulted by the server (`protocol: TCP`).
                let same = keys.iter().all(|(k, v)| item.get(k).is_none_or(|own| own == v));
                let some = keys.keys().any(|k| item.get(k).is_some());
                (same && some).then_some((*name, keys))
            });
            let Some((name, keys)) = keys.into_iter().next() else {
                let at = At {
                    path: format!("{}[]", self.path),
                    sent: item,
                    own: None,
                    live: None,
                    others: Vec::new(),
                };
                at.judge(lost);
                continue;
            };
            let shown: Vec<String> = keys
                .iter()
                .filter(|(k, _)| item.get(*k).is_some())
                .map(|(k, v)| format!("{k}={}", v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
                .collect();
            let live = self
                .live
                .and_then(Value::as_array)
                .and_then(|all| all.iter().find(|found| keys.iter().all(|(k, v)| found.get(k) == Some(v))));
            let at = self.deeper(format!("{}[{}]", self.path, shown.join(",")), item, name, live);
            if live.is_none() {
                at.judge(lost);
                continue;
            }
            for (key, sent) in item.as_object().into_iter().flatten() {
                at.key(key, sent).walk(lost);
            }
        }
    }

    fn judge(&self, lost: &mut Vec<LostField>) {
        if self.own.is_some() || self.live == Some(self.sent) {
            return;
        }
        let newest = self.others.iter().max_by_key(|other| other.at);
        lost.push(LostField {
            field: self.path.clone(),
            applied: self.sent.clone(),
            found: self.live.cloned().unwrap_or_default(),
            by: newest.map(|other| other.manager.to_owned()),
            at: newest.and_then(|other| other.at).map(str::to_owned),
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const US: &str = "tidegate/app";

    /// A Service as applied, and what the server has after `edit` by hand.
    fn lost(sent: &Value, live_spec: &Value, ours: &Value, theirs: &Value) -> Vec<String> {
        let live = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "labels": {"a": "b"}, "managedFields": [
                {"manager": US, "operation": "Apply", "time": "2026-11-21T09:00:00Z",
                 "fieldsV1": {"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": ours}},
                {"manager": "kubectl-edit", "operation": "Update", "time": "2026-11-21T10:00:00Z",
                 "fieldsV1": {"f:spec": theirs}}]},
            "spec": live_spec});
        let payload = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": "shop", "labels": {"a": "b"}}, "spec": sent});
        let words = |f: LostField| {
            format!(
                "{}: {} -> {} by {}",
                f.field,
                f.applied,
                f.found,
                f.by.unwrap_or_else(|| "nobody".into())
            )
        };
        lost_fields(&payload, &live, US).into_iter().map(words).collect()
    }

    #[test]
    fn a_field_that_somebody_took_is_told_with_both_values_and_who() {
        let found = lost(
            &json!({"replicas": 3, "paused": false}),
            &json!({"replicas": 5, "paused": false}),
            &json!({"f:paused": {}}),
            &json!({"f:replicas": {}}),
        );
        assert_eq!(found, ["spec.replicas: 3 -> 5 by kubectl-edit"]);
    }

    #[test]
    fn what_the_server_writes_in_another_form_is_no_change_while_it_is_ours() {
        let sent = json!({"cpu": "1000m", "list": [1, 2]});
        let live = json!({"cpu": "1", "list": [1, 2], "added": true});
        let found = lost(&sent, &live, &json!({"f:cpu": {}, "f:list": {}}), &json!({"f:added": {}}));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn items_of_a_list_are_found_by_their_keys() {
        let sent =
            json!({"ports": [{"name": "web", "port": 80, "targetPort": 8080}, {"name": "tls", "port": 443}]});
        let live = json!({"ports": [{"name": "web", "port": 80, "protocol": "TCP", "targetPort": 9090}]});
        let ours = json!({"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}}}});
        let theirs = json!({"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {"f:targetPort": {}}}});
        assert_eq!(
            lost(&sent, &live, &ours, &theirs),
            [
                "spec.ports[port=80].targetPort: 8080 -> 9090 by kubectl-edit",
                "spec.ports[]: {\"name\":\"tls\",\"port\":443} -> null by nobody"
            ]
        );
    }

    #[test]
    fn a_field_that_was_taken_away_is_nobodys() {
        let found = lost(&json!({"a": 1, "b": 2}), &json!({"a": 1}), &json!({"f:a": {}}), &json!({}));
        assert_eq!(found, ["spec.b: 2 -> null by nobody"]);
    }

    #[test]
    fn what_another_set_to_the_same_is_no_change() {
        let found = lost(&json!({"a": 1}), &json!({"a": 1}), &json!({}), &json!({"f:a": {}}));
        assert!(found.is_empty(), "{found:?}");
    }
}
