//! Which keys and values a product takes: a key that neither its defaults nor its schema know is a
//! slip of the pen, and effective values must satisfy the schema. Merging is for `values`.

use std::collections::BTreeSet;

use super::values::is_reference;
use crate::diag::{Finding, Findings, Place, codes};
use crate::model::{Product, ProductName};
use crate::yaml::{Mapping, Node, Value};

/// How many schemas one level may come to through `$ref` and `allOf`; more is a circle.
const MOST_SCHEMAS: usize = 64;

/// The keys of one layer's values that the product does not know, each at its place.
///
/// A level is open, and takes any key, where the schema says so (`additionalProperties`), or where
/// the defaults have an empty map or nothing and the schema lists no properties: there the keys are
/// the user's own, as in node selectors.
pub fn unknown_keys(name: &ProductName, product: &Product, values: &Node) -> Findings {
    let root = product.values_schema.as_ref();
    let mut findings = Findings::new();
    match &values.value {
        Value::Null => {}
        Value::Mapping(mapping) => {
            let mut walk = Walk { name, root, findings: &mut findings };
            let schemas = root.map(|schema| walk.expand(schema)).unwrap_or_default();
            walk.level(mapping, product.values.as_ref(), &schemas, "", true);
        }
        other => findings.push(
            Finding::error(
                &codes::VALUES_NOT_A_MAP,
                format!("values of `{name}` are {}, expected a mapping of keys to values", other.kind()),
            )
            .at(&values.place),
        ),
    }
    findings
}

struct Walk<'a, 'f> {
    name: &'a ProductName,
    root: Option<&'a Node>,
    findings: &'f mut Findings,
}

impl<'a> Walk<'a, '_> {
    fn level(
        &mut self,
        mapping: &Mapping,
        defaults: Option<&'a Node>,
        schemas: &[&'a Node],
        path: &str,
        top: bool,
    ) {
        let listed = defaults.and_then(Node::as_mapping);
        let properties = || schemas.iter().filter_map(|s| s.get("properties")).filter_map(Node::as_mapping);
        let nothing_listed = properties().next().is_none();
        let open = schemas.iter().any(|schema| extends(schema))
            || (nothing_listed && !top && listed.is_none_or(Mapping::is_empty));
        for (key, value) in mapping.iter() {
            let default = listed.and_then(|m| m.get(&key.text));
            let mut below: Vec<&'a Node> = properties().filter_map(|m| m.get(&key.text)).collect();
            if default.is_none() && below.is_empty() {
                if !open {
                    self.unknown(&key.text, &key.place, path, listed, properties());
                    continue;
                }
                below.extend(
                    schemas
                        .iter()
                        .filter_map(|s| s.get("additionalProperties"))
                        .filter(|s| s.as_mapping().is_some()),
                );
                // What lies below an open key is the user's own unless a schema speaks of it.
                if below.is_empty() {
                    continue;
                }
            }
            if let Some(inner) = value.as_mapping().filter(|_| !is_reference(value)) {
                let below: Vec<&'a Node> = below.into_iter().flat_map(|s| self.expand(s)).collect();
                self.level(inner, default, &below, &format!("{path}{}.", key.text), false);
            }
        }
    }

    fn unknown(
        &mut self,
        key: &str,
        place: &Place,
        path: &str,
        listed: Option<&'a Mapping>,
        properties: impl Iterator<Item = &'a Mapping>,
    ) {
        let mut known: BTreeSet<&str> = listed.into_iter().flat_map(Mapping::keys).collect();
        known.extend(properties.flat_map(Mapping::keys));
        let mut finding = Finding::error(
            &codes::UNKNOWN_VALUE_KEY,
            format!("`{}` knows no value `{path}{key}`", self.name),
        )
        .at(place)
        .label("neither the defaults nor the schema have this key")
        .did_you_mean(key, known.iter().copied());
        if known.is_empty() {
            finding = finding.hint(format!("`{}` takes no values here", self.name));
        } else {
            let known: Vec<&str> = known.into_iter().collect();
            finding = finding.hint(format!("known here: {}", known.join(", ")));
        }
        self.findings.push(finding);
    }

    /// A schema with everything that applies at the same level: `$ref` within the same schema,
    /// `allOf`, `anyOf`, `oneOf`, `if`, `then`, `else`.
    fn expand(&self, schema: &'a Node) -> Vec<&'a Node> {
        let mut found: Vec<&'a Node> = Vec::new();
        let mut open = vec![schema];
        while let Some(schema) = open.pop() {
            if found.len() >= MOST_SCHEMAS || found.iter().any(|known| std::ptr::eq(*known, schema)) {
                continue;
            }
            found.push(schema);
            if let Some(target) = schema.get("$ref").and_then(Node::as_str) {
                open.extend(self.pointed(target));
            }
            for keyword in ["allOf", "anyOf", "oneOf"] {
                open.extend(schema.get(keyword).and_then(Node::as_sequence).into_iter().flatten());
            }
            open.extend(["if", "then", "else"].iter().filter_map(|keyword| schema.get(keyword)));
        }
        found
    }

    fn pointed(&self, target: &str) -> Option<&'a Node> {
        let path = target.strip_prefix('#')?;
        path.split('/').skip(1).try_fold(self.root?, |node, part| {
            let part = part.replace("~1", "/").replace("~0", "~");
            match &node.value {
                Value::Sequence(items) => items.get(part.parse::<usize>().ok()?),
                _ => node.get(&part),
            }
        })
    }
}

/// Whether a schema says that keys beyond its properties are welcome.
fn extends(schema: &Node) -> bool {
    let extra = match schema.get("additionalProperties").map(|n| &n.value) {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::Mapping(_)) => true,
        _ => false,
    };
    extra || schema.get("patternProperties").is_some()
}

/// Checks effective values against the product's schema (draft-07); each mistake at the place of
/// the value, in whichever layer that was written. References to secrets satisfy every schema, since
/// what they stand for is not known before dispatch.
pub fn violations(name: &ProductName, product: &Product, values: &Node) -> Findings {
    let Some(schema) = &product.values_schema else { return Findings::new() };
    let validator = match jsonschema::draft7::new(&schema.to_json()) {
        Ok(validator) => validator,
        Err(error) => {
            return Finding::error(
                &codes::BAD_VALUES_SCHEMA,
                format!("the valuesSchema of `{name}` is no JSON Schema (draft-07): {error}"),
            )
            .at(&schema.place)
            .into();
        }
    };
    let instance = values.to_json();
    let mut findings = Findings::new();
    for error in validator.iter_errors(&instance) {
        let pointer = error.instance_path().as_str().to_owned();
        let Some(node) = reached(values, &pointer) else { continue };
        let path = pointer.trim_start_matches('/').replace('/', ".");
        let subject = if path.is_empty() { "the values".to_owned() } else { format!("the value `{path}`") };
        // The value itself is not repeated: it may be a secret that was written down literally.
        let message = error.masked_with("the value").to_string();
        findings.push(
            Finding::error(
                &codes::VALUES_BREAK_SCHEMA,
                format!("{subject} of `{name}` breaks the product's schema: {message}"),
            )
            .at(&node.place)
            .related(&schema.place, "the schema"),
        );
    }
    findings
}

/// The node at a JSON pointer; nothing if it lies in a reference to a secret.
fn reached<'n>(root: &'n Node, pointer: &str) -> Option<&'n Node> {
    let mut node = root;
    for part in pointer.split('/').skip(1) {
        if is_reference(node) {
            return None;
        }
        let part = part.replace("~1", "/").replace("~0", "~");
        node = match &node.value {
            Value::Sequence(items) => items.get(part.parse::<usize>().ok()?)?,
            _ => node.get(&part)?,
        };
    }
    (!is_reference(node)).then_some(node)
}
