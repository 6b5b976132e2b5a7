//! Makes answers comparable: what differs by nature (UIDs, revisions, times, addresses, generated names)
//! becomes names that count up, so that it still shows where the same came back and where another.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The names given on one side.
#[derive(Debug, Default)]
pub struct Names {
    uids: BTreeMap<String, String>,
    named: BTreeMap<String, usize>,
    revisions: BTreeMap<String, Vec<String>>,
}

impl Names {
    /// An answer with names in place of what differs by nature.
    pub fn made_comparable(&mut self, body: Value) -> Value {
        match body {
            Value::Object(fields) => self.object(fields),
            Value::Array(items) => items.into_iter().map(|item| self.made_comparable(item)).collect(),
            Value::String(text) => self.text(&text).into(),
            other => other,
        }
    }

    fn object(&mut self, fields: Map<String, Value>) -> Value {
        let mut sorted: Vec<(String, Value)> = fields.into_iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let find = |key: &str| {
            let found = sorted.iter().find(|(k, _)| k == key).and_then(|(_, v)| v.as_str());
            found.map(str::to_owned)
        };
        let (uid, prefix) = (find("uid"), find("generateName"));
        if let (Some(uid), Some(name)) = (&uid, find("name")) {
            self.know(uid, prefix.as_deref().filter(|prefix| name.starts_with(*prefix)).unwrap_or(&name));
        }
        let mut out = Map::new();
        for (key, value) in sorted {
            let named = match (key.as_str(), &value) {
                ("resourceVersion", Value::String(revision)) => {
                    Value::String(self.revision(uid.as_deref(), revision))
                }
                ("name", Value::String(name)) if prefix.as_ref().is_some_and(|p| name.starts_with(p)) => {
                    let length = name.len() - prefix.as_ref().map_or(0, String::len);
                    Value::String(format!("{}<{length} letters>", prefix.clone().unwrap_or_default()))
                }
                // Entries of one second stand in another order than those of two.
                ("managedFields", Value::Array(entries)) => {
                    let mut entries: Vec<Value> =
                        entries.iter().map(|entry| self.made_comparable(entry.clone())).collect();
                    entries.sort_by_key(|entry| {
                        ["manager", "operation", "subresource", "apiVersion"]
                            .map(|key| entry[key].to_string())
                    });
                    entries.into()
                }
                ("continue", Value::String(token)) if !token.is_empty() => "<token>".into(),
                ("clusterIP", Value::String(ip)) if ip.starts_with("10.96.") => "<address>".into(),
                ("clusterIPs", Value::Array(ips)) => ips
                    .iter()
                    .map(|ip| match ip.as_str() {
                        Some(ip) if ip.starts_with("10.96.") => "<address>".into(),
                        _ => ip.clone(),
                    })
                    .collect(),
                ("nodePort", Value::Number(_)) => "<port>".into(),
                _ => self.made_comparable(value),
            };
            out.insert(self.text(&key), named);
        }
        Value::Object(out)
    }

    /// Names a UID by the object that has it: the n-th of that name.
    fn know(&mut self, uid: &str, name: &str) {
        if !self.uids.contains_key(uid) {
            let count = self.named.entry(name.to_owned()).or_default();
            *count += 1;
            self.uids.insert(uid.to_owned(), format!("{name} {count}"));
        }
    }

    /// The n-th revision that was seen of an object; of a list only that it has one.
    fn revision(&mut self, uid: Option<&str>, revision: &str) -> String {
        let Some(uid) = uid else {
            return if matches!(revision, "" | "0") { revision.to_owned() } else { "<revision>".to_owned() };
        };
        let seen = self.revisions.entry(uid.to_owned()).or_default();
        let at = seen.iter().position(|one| one == revision).unwrap_or_else(|| {
            seen.push(revision.to_owned());
            seen.len() - 1
        });
        format!("<revision {}>", at + 1)
    }

    fn text(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        // The bed's servers share one etcd.
        let text = match text.split_once("Key: /") {
            Some((before, after)) => {
                let rest = after.split_once('/').map_or(after, |(_, rest)| rest);
                format!("{before}Key: /<prefix>/{rest}")
            }
            None => text.to_owned(),
        };
        let chars: Vec<char> = text.chars().collect();
        let speaks_of_revisions =
            ["ResourceVersion", "resourceVersion", "resource version"].iter().any(|w| text.contains(w))
                && text.len() > 16;
        let mut at = 0;
        while let Some(c) = chars.get(at) {
            let rest = chars.get(at..).unwrap_or_default();
            if is_like(rest, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh") {
                let uid: String = rest.iter().take(36).collect();
                let known = self.uids.get(&uid).cloned().unwrap_or_else(|| "of nobody".to_owned());
                out.push_str(&format!("<uid {known}>"));
                at += 36;
            } else if is_like(rest, "dddd-dd-ddTdd:dd:dd") {
                at += 19;
                while chars.get(at).is_some_and(|c| c.is_ascii_digit() || matches!(c, '.' | 'Z')) {
                    at += 1;
                }
                out.push_str("<time>");
            } else if speaks_of_revisions && c.is_ascii_digit() {
                while chars.get(at).is_some_and(char::is_ascii_digit) {
                    at += 1;
                }
                out.push_str("<n>");
            } else {
                out.push(*c);
                at += 1;
            }
        }
        out
    }
}

/// Whether a text begins like a pattern: `h` a hexadecimal digit, `d` a decimal one.
fn is_like(text: &[char], pattern: &str) -> bool {
    text.len() >= pattern.len()
        && text.iter().zip(pattern.chars()).all(|(c, p)| match p {
            'h' => c.is_ascii_hexdigit(),
            'd' => c.is_ascii_digit(),
            p => *c == p,
        })
}
