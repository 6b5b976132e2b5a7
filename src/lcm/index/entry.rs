//! One version of a chart, from what the index says of it.
//!
//! What decides (its version, what it can be installed on, whether it is given up) must be readable, or the
//! version is a problem; what only informs is left out where it can't be read.

use std::collections::BTreeMap;

use super::error::Doubt;
use crate::diag::{Findings, Source};
use crate::lcm::artifacthub;
use crate::lcm::charts::{Dependency, Entry};
use crate::yaml::{self, Node, Value};

/// Reads the lines of one item of a list.
pub(super) fn from_lines(text: &str) -> Result<Result<Entry, String>, Doubt> {
    let node = match parse(text)? {
        Ok(node) => node,
        Err(reason) => return Ok(Err(reason)),
    };
    match node.as_ref().and_then(Node::as_sequence) {
        Some([item]) => Ok(read(item)),
        // The parser saw the lines in another way.
        _ => Err(Doubt::Indentation),
    }
}

/// Reads a text that may lean on another part of the index.
pub(super) fn parse(text: &str) -> Result<Result<Option<Node>, String>, Doubt> {
    match yaml::parse(&Source::new("index.yaml", text)) {
        Ok(node) => Ok(Ok(node)),
        Err(findings) if leans(&findings) => Err(Doubt::Anchors),
        Err(findings) => Ok(Err(first(&findings))),
    }
}

/// Whether an alias has no anchor: it may be elsewhere.
fn leans(findings: &Findings) -> bool {
    findings.errors().any(|finding| finding.message.contains("unknown anchor"))
}

/// The first thing that is wrong, in words.
pub(super) fn first(findings: &Findings) -> String {
    findings.errors().next().map_or_else(String::new, |finding| finding.message.clone())
}

/// Reads one version.
pub(super) fn read(node: &Node) -> Result<Entry, String> {
    let Value::Mapping(_) = &node.value else {
        return Err(format!("it is {}, where a mapping with a version is expected", node.value.kind()));
    };
    let version = decisive(node, "version")?.ok_or("it has no `version`")?;
    Ok(Entry {
        version,
        repo: None,
        app_version: informing(node, "appVersion"),
        deprecated: flag(node, "deprecated")?,
        kube_version: decisive(node, "kubeVersion")?,
        kind: informing(node, "type"),
        digest: informing(node, "digest"),
        created: informing(node, "created").and_then(|text| text.parse().ok()),
        urls: texts(node, "urls"),
        home: informing(node, "home"),
        sources: texts(node, "sources"),
        dependencies: dependencies(node),
        annotations: annotations(node),
    })
}

/// A scalar as it is written: `1.10` is no number here.
pub(in crate::lcm) fn written(node: &Node) -> Option<String> {
    // An alias stands for a number that is written elsewhere; a quoted one has a tag.
    let place = node.place.text().trim_start_matches(['*', '"', '\'']);
    let place = if place.len() == node.place.text().len() { place } else { "" };
    match &node.value {
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => None,
        Value::String(text) => Some(text.clone()),
        _ if !place.is_empty() => Some(place.to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Integer(value) => Some(value.to_string()),
        Value::Unsigned(value) => Some(value.to_string()),
        // Only the number is left, as of JSON: 1.1 may have been 1.10.
        Value::Float(_) => None,
    }
}

fn decisive(node: &Node, key: &str) -> Result<Option<String>, String> {
    let Some(value) = node.get(key).filter(|value| value.value != Value::Null) else { return Ok(None) };
    let text = written(value)
        .ok_or_else(|| format!("its `{key}` is {}, where a string is expected", value.value.kind()))?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

fn informing(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(written).filter(|text| !text.is_empty())
}

/// YAML 1.1, which Helm reads, has more words for true than 1.2.
fn flag(node: &Node, key: &str) -> Result<bool, String> {
    let Some(value) = node.get(key) else { return Ok(false) };
    match (&value.value, written(value).unwrap_or_default().to_ascii_lowercase().as_str()) {
        (Value::Null, _) | (_, "false" | "no" | "off" | "n") => Ok(false),
        (_, "true" | "yes" | "on" | "y") => Ok(true),
        (other, _) => Err(format!("its `{key}` is {}, where true or false is expected", other.kind())),
    }
}

fn texts(node: &Node, key: &str) -> Vec<String> {
    let items = node.get(key).and_then(Node::as_sequence).unwrap_or_default();
    items.iter().filter_map(written).collect()
}

fn dependencies(node: &Node) -> Vec<Dependency> {
    let items = node.get("dependencies").and_then(Node::as_sequence).unwrap_or_default();
    let one = |item: &Node| {
        Some(Dependency {
            name: informing(item, "name")?,
            version: informing(item, "version"),
            repository: informing(item, "repository"),
        })
    };
    items.iter().filter_map(one).collect()
}

fn annotations(node: &Node) -> BTreeMap<String, String> {
    let Some(all) = node.get("annotations").and_then(Node::as_mapping) else { return BTreeMap::new() };
    let wanted = all.iter().filter(|(key, _)| artifacthub::reads(&key.text));
    wanted.filter_map(|(key, value)| Some((key.text.clone(), written(value)?))).collect()
}
