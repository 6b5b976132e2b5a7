//! Kubernetes manifests: many documents, read as kubectl reads them.
//!
//! Decides what the objects of a file are. Whether an object may be applied, and what its fields
//! mean, is left to others.

use std::sync::Arc;

use super::scalar::Dialect;
use super::{Key, Node, Value, build};
use crate::diag::{Finding, Findings, Place, Source, codes};

/// One object of a manifest file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The object as JSON.
    pub object: serde_json::Value,
    /// Where its document (or list item) begins.
    pub place: Place,
    /// The object with the places of its fields.
    pub node: Node,
}

/// Reads the objects of a manifest file, in order: empty documents are dropped, lists expanded.
///
/// A file of JSON is read as one, too; where it is not YAML as well (an escaped emoji, a tab), all
/// places are the file's start.
///
/// # Errors
/// Broken syntax, duplicate keys, bombs, values JSON has not, documents that are no objects.
pub fn manifests(source: &Arc<Source>) -> Result<Vec<Manifest>, Findings> {
    let (mut documents, mut findings) = build::documents(source, Dialect::Kubernetes);
    if findings.has_errors()
        && let Some(objects) = json(source)
    {
        documents = objects;
        findings = Findings::new();
    }
    let mut manifests = Vec::new();
    for document in documents {
        expand(document, &mut manifests, &mut findings);
    }
    findings.into_result(manifests)
}

/// The objects of a JSON stream, if the text is one; duplicate keys make it none.
fn json(source: &Arc<Source>) -> Option<Vec<Node>> {
    let text = source.text().trim_start_matches('\u{FEFF}');
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let start = source.text().find('{').unwrap_or(0);
    let place = Place::new(source, start, start + 1);
    let mut nodes = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Node>() {
        let mut node = value.ok()?;
        put(&mut node, &place);
        nodes.push(node);
    }
    Some(nodes)
}

fn put(node: &mut Node, place: &Place) {
    *node = Node::from_json(&node.to_json(), place);
}

fn expand(node: Node, manifests: &mut Vec<Manifest>, findings: &mut Findings) {
    let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if version.is_empty() || kind.is_empty() {
        findings.push(not_an_object(&node));
        return;
    }
    let is_list = kind.ends_with("List") && node.get("items").and_then(Node::as_sequence).is_some();
    if !is_list {
        manifests.push(Manifest { object: node.to_json(), place: node.place.clone(), node });
        return;
    }
    let Some(items) = node.get("items").and_then(Node::as_sequence) else {
        return;
    };
    // Items of a typed list (`ConfigMapList`) may leave out what the list says already.
    let item_kind = kind.strip_suffix("List").unwrap_or_default();
    for item in items {
        let mut item = item.clone();
        if !item_kind.is_empty()
            && let Value::Mapping(mapping) = &mut item.value
        {
            for (key, value) in [("apiVersion", &version), ("kind", &item_kind.to_owned())] {
                if mapping.get(key).is_none() {
                    let key = Key { text: key.to_owned(), place: node.place.clone() };
                    let value = Node { value: Value::String(value.clone()), place: node.place.clone() };
                    mapping.insert(key, value);
                }
            }
        }
        expand(item, manifests, findings);
    }
}

fn not_an_object(node: &Node) -> Finding {
    let message = match &node.value {
        Value::Mapping(mapping) => {
            let unfit = |key: &&str| mapping.get(key).and_then(Node::as_str).is_none_or(str::is_empty);
            let missing: Vec<&str> = ["apiVersion", "kind"].into_iter().filter(unfit).collect();
            format!("the object lacks `{}`", missing.join("` and `"))
        }
        other => format!("expected a Kubernetes object, found {}", other.kind()),
    };
    Finding::error(&codes::NOT_AN_OBJECT, message).at(&node.place)
}
