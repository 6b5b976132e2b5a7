//! Decoding a tree into a type with every mistake reported.
//!
//! Decides how errors become findings, and what is taken out of the tree after each so that the
//! next one shows. Where errors lie is the deserializer's.

use serde::de::DeserializeOwned;
use std::sync::Arc;

use super::deserializer::NodeDeserializer;
use super::fault::{Error, Fault, Spot, Step};
use super::removed::Removed;
use super::{Node, Value, parse_all};
use crate::diag::{Finding, Findings, Place, Source, codes, did_you_mean};
use crate::version::Version;

/// After so many mistakes in one file, the rest waits for the next run.
const MOST_MISTAKES: usize = 200;

/// Decodes a tree into a type.
///
/// # Errors
/// All mistakes: unknown and missing fields, wrong types, unknown names, values that break their
/// type's rule; each with its place.
pub fn decode<T: DeserializeOwned>(node: &Node) -> Result<T, Findings> {
    match decode_rest(node) {
        (Some(value), findings) if findings.is_empty() => Ok(value),
        (_, findings) => Err(findings.sorted()),
    }
}

/// Parses one document of our files and decodes it; nothing for an empty file.
///
/// # Errors
/// The mistakes of [`super::parse`] and of [`decode`] together: a duplicate key hides no unknown
/// field.
pub fn load<T: DeserializeOwned>(source: &Arc<Source>) -> Result<Option<T>, Findings> {
    let parsed = parse_all(source);
    let mut findings = parsed.findings;
    let mut value = None;
    if let Some(node) = &parsed.node {
        let (decoded, mistakes) = decode_rest(node);
        findings.extend(mistakes);
        value = decoded;
    }
    findings.into_result(value)
}

/// Decodes what is right of a tree, and reports what is wrong.
///
/// The value lacks what the findings are about (the faulty item of a list, the faulty optional
/// field), so that checks across files can go on with the rest; it is absent when a mistake
/// reaches the root.
pub fn decode_rest<T: DeserializeOwned>(node: &Node) -> (Option<T>, Findings) {
    let removed = Removed::default();
    let mut findings = Findings::new();
    loop {
        let deserializer = NodeDeserializer { node, removed: &removed };
        let error = match T::deserialize(deserializer) {
            Ok(value) => return (Some(value), findings),
            Err(error) => error.at_root(node),
        };
        if let Some(finding) = finding(node, &error, &removed) {
            findings.push(finding);
        }
        if let (Fault::MissingField(first), Some(Spot::Node(mapping))) = (&error.fault, &error.spot) {
            findings.extend(other_missing::<T>(deserializer, first, *mapping));
        }
        if !take_out(node, &error, &removed) {
            return (None, findings);
        }
        if findings.len() >= MOST_MISTAKES {
            findings.push(
                Finding::error(
                    &codes::INVALID_VALUE,
                    format!("more than {MOST_MISTAKES} mistakes; the rest shows after these"),
                )
                .at(&node.place),
            );
            return (None, findings);
        }
    }
}

/// The fields that are missing beside the first one in the same mapping.
///
/// serde stops at the first. Something is filled in for it, so that the next one shows; several
/// texts are tried, since most fields are names, versions and the like with rules of their own.
/// Nothing filled in is ever part of a decoded value.
fn other_missing<T: DeserializeOwned>(
    deserializer: NodeDeserializer<'_>,
    first: &'static str,
    mapping: *const Node,
) -> Vec<Finding> {
    const ZEROS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    const TEXTS: [&str; 9] =
        ["a", "1.0.0", "1.30", "1h", "2000-01-01", "2000-01-01T00:00:00Z", "18:00", ZEROS, ""];
    let NodeDeserializer { node: root, removed } = deserializer;
    let mut found = Vec::new();
    let mut filled: Vec<(&'static str, &'static str)> = Vec::new();
    let mut missing = first;
    'fields: loop {
        for text in TEXTS {
            let mut trial = filled.clone();
            trial.push((missing, text));
            removed.stand_in(Some((mapping, trial.clone())));
            let Err(error) = T::deserialize(deserializer) else {
                break 'fields;
            };
            if error.stand_in {
                continue;
            }
            let same = matches!(&error.spot, Some(Spot::Node(node)) if *node == mapping);
            let Fault::MissingField(next) = error.fault else {
                break 'fields;
            };
            if !same || trial.iter().any(|(field, _)| *field == next) {
                break 'fields;
            }
            found.extend(finding(root, &error, removed));
            filled = trial;
            missing = next;
            continue 'fields;
        }
        break;
    }
    removed.stand_in(None);
    found
}

/// Takes the faulty node out of the tree; false when it is the root.
fn take_out(root: &Node, error: &Error, removed: &Removed) -> bool {
    let faulty = match &error.spot {
        Some(Spot::Node(node) | Spot::Key(node)) => *node,
        None => return false,
    };
    if std::ptr::eq(faulty, root) {
        return false;
    }
    if let Some((container, Step::Key(key))) = error.trail.first() {
        removed.excuse(*container, key.clone());
        if let Fault::UnknownField { found, expected } = &error.fault {
            // `verison` is unknown, so `version` is not missing as well.
            if let Some(meant) = did_you_mean(found, expected.iter().copied()) {
                removed.excuse(*container, meant);
            }
        }
    }
    removed.take_out(faulty)
}

/// The finding of an error, unless it only follows from something that was taken out before.
fn finding(root: &Node, error: &Error, removed: &Removed) -> Option<Finding> {
    let place = error.place.as_deref().unwrap_or(&root.place);
    let path = path(error);
    let faulty = find(root, error);
    if let Some(node) = faulty {
        let follows = match &error.fault {
            Fault::MissingField(name) => removed.is_excused(std::ptr::from_ref(node), name),
            Fault::WrongLength { .. } | Fault::Custom(_) => removed.anything_below(node),
            _ => false,
        };
        if follows {
            return None;
        }
    }
    Some(match &error.fault {
        Fault::UnknownField { found, expected } => {
            let container = parent_of(&path);
            let finding =
                Finding::error(&codes::UNKNOWN_FIELD, format!("unknown field `{found}`{container}"))
                    .at(place)
                    .label("not known here");
            offer(finding, found, expected, "the fields here are")
        }
        Fault::UnknownVariant { found, expected } => {
            let finding =
                Finding::error(&codes::UNKNOWN_VALUE, format!("unknown value `{found}`{}", in_path(&path)))
                    .at(place)
                    .label(format!("expected {}", one_of(expected)));
            finding.did_you_mean(found, expected.iter().copied())
        }
        Fault::MissingField(name) => {
            let subject = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
            Finding::error(&codes::MISSING_FIELD, format!("{subject} lacks the field `{name}`"))
                .at(place)
                .label(format!("`{name}` is missing here"))
        }
        Fault::WrongType { found, expected } => {
            let found = match (faulty.map(|node| &node.value), *found) {
                // serde cannot tell 1.0 from 1 in its message; the tree can.
                (Some(value), "a whole number") if !expected.contains("number") => value.kind(),
                _ => found,
            };
            let mut finding = Finding::error(
                &codes::WRONG_TYPE,
                format!("expected {expected}, found {found}{}", in_path(&path)),
            )
            .at(place)
            .label(format!("expected {expected}"));
            if let Some(hint) = faulty.and_then(|node| quoting_hint(node, expected, place)) {
                finding = finding.hint(hint);
            }
            finding
        }
        Fault::OutOfBounds { expected } => {
            Finding::error(&codes::INVALID_VALUE, format!("the value{} is out of bounds", in_path(&path)))
                .at(place)
                .label(format!("expected {expected}"))
        }
        Fault::WrongLength { found, expected } => Finding::error(
            &codes::INVALID_VALUE,
            format!("expected {expected}, found {}{}", crate::diag::count(*found, "item"), in_path(&path)),
        )
        .at(place),
        Fault::Custom(message) => {
            // What may help stands behind what is wrong, on a line of its own.
            let (message, hint) = match message.split_once("\nhint: ") {
                Some((message, hint)) => (message, Some(hint)),
                None => (message.as_str(), None),
            };
            let finding =
                Finding::error(&codes::INVALID_VALUE, format!("{message}{}", in_path(&path))).at(place);
            match hint {
                Some(hint) => finding.hint(hint),
                None => finding,
            }
        }
    })
}

/// Adds "did you mean", or else the whole list.
fn offer(finding: Finding, found: &str, expected: &[&str], words: &str) -> Finding {
    match did_you_mean(found, expected.iter().copied()) {
        Some(name) => finding.hint(format!("did you mean `{name}`?")),
        None if expected.is_empty() => finding.hint("no fields are known here"),
        None => finding.hint(format!("{words} {}", list(expected))),
    }
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        names => format!("one of {}", list(names)),
    }
}

/// Text is expected and something else was written bare: `1.10` has to be quoted.
fn quoting_hint(node: &Node, expected: &str, place: &Place) -> Option<String> {
    let written = place.text();
    let short = !written.is_empty() && written.len() <= 40 && !written.contains('\n');
    let scalar =
        matches!(node.value, Value::Bool(_) | Value::Integer(_) | Value::Unsigned(_) | Value::Float(_));
    let number = expected.contains("number") || expected.contains("bool");
    match &node.value {
        // In quotes it would still be none.
        _ if scalar && expected == Version::EXPECTED => {
            Version::meant(written).map(|meant| format!("write {meant}"))
        }
        _ if scalar && short && !number && !is_container(expected) => {
            Some(format!("quote it: \"{written}\""))
        }
        Value::String(text) if number && looks_bare(text, expected) => {
            Some("write it without quotes".to_owned())
        }
        Value::Null => Some("an empty value is nothing; leave the field out, or fill it".to_owned()),
        _ => None,
    }
}

fn is_container(expected: &str) -> bool {
    ["mapping", "list", "nothing"].iter().any(|word| expected.contains(word))
}

fn looks_bare(text: &str, expected: &str) -> bool {
    if expected.contains("bool") {
        matches!(text, "true" | "false")
    } else {
        text.parse::<f64>().is_ok_and(f64::is_finite)
    }
}

/// The faulty node itself, found by its address.
fn find<'a>(root: &'a Node, error: &Error) -> Option<&'a Node> {
    let Some(Spot::Node(address)) = &error.spot else {
        return None;
    };
    let mut node = root;
    for (_, step) in error.trail.iter().rev() {
        node = match (step, &node.value) {
            (Step::Key(key), Value::Mapping(mapping)) => mapping.get(key)?,
            (Step::Index(index), Value::Sequence(items)) => items.get(*index)?,
            _ => return None,
        };
    }
    std::ptr::eq(node, *address).then_some(node)
}

/// `spec.waves[2].cap`.
fn path(error: &Error) -> String {
    let mut path = String::new();
    for (_, step) in error.trail.iter().rev() {
        match step {
            Step::Key(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

fn in_path(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" in `{path}`") }
}

/// The same for the path that has this key: of `spec.waves.name`, ` in ` and `spec.waves`.
fn parent_of(path: &str) -> String {
    path.rsplit_once('.').map_or(String::new(), |(parent, _)| in_path(parent))
}
