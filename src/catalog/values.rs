//! Values against what a product says about them: keys that neither its defaults nor its schema
//! know, and its schema itself. The layers of one cluster's values, with their origin, are
//! `resolve`'s.

use serde_json::Value as Json;

use crate::diag::{Finding, Findings, Place, codes};
use crate::model::{Product, ProductName, secrets};
use crate::yaml::{Mapping, Node, Value};

/// Values with others laid over them: mappings merge, everything else replaces, null removes. A
/// merged mapping stands where the lower one does.
pub fn merge(under: &Node, over: &Node) -> Node {
    let (Value::Mapping(lower), Value::Mapping(upper)) = (&under.value, &over.value) else {
        return over.clone();
    };
    // A reference to a secret is one value and never mixes with what it replaces.
    if upper.get(secrets::REFERENCE).is_some() || lower.get(secrets::REFERENCE).is_some() {
        return over.clone();
    }
    let mut merged = lower.clone();
    for (key, value) in upper.iter() {
        if value.value == Value::Null {
            merged.remove(&key.text);
            continue;
        }
        match lower.get(&key.text) {
            Some(old) => {
                let key = crate::yaml::Key {
                    text: key.text.clone(),
                    place: lower.get_key_place(&key.text).unwrap_or(&key.place).clone(),
                };
                merged.insert(key, merge(old, value));
            }
            None => merged.insert(key.clone(), value.clone()),
        }
    }
    Node { value: Value::Mapping(merged), place: under.place.clone() }
}

/// Keys of `over` that neither the product's defaults nor its schema know, each at its line.
///
/// An empty mapping among the defaults, or a schema that allows any keys there, takes any keys.
pub fn unknown_keys(name: &ProductName, product: &Product, over: &Node) -> Findings {
    let schema = product.values_schema.as_ref().map(Node::to_json);
    let root = schema.unwrap_or(Json::Bool(false));
    let schemas = if product.values_schema.is_some() { vec![&root] } else { Vec::new() };
    let mut looking = Looking { name, root: &root, findings: Findings::new() };
    if let Some(mapping) = over.as_mapping() {
        looking.level(mapping, product.values.as_ref(), &schemas, "");
    } else if over.value != Value::Null {
        looking.findings.push(
            Finding::error(
                &codes::WRONG_TYPE,
                format!("the values of `{name}` are a mapping, found {}", over.value.kind()),
            )
            .at(&over.place),
        );
    }
    looking.findings
}

struct Looking<'a> {
    name: &'a ProductName,
    root: &'a Json,
    findings: Findings,
}

impl<'a> Looking<'a> {
    fn level(&mut self, over: &Mapping, defaults: Option<&Node>, schemas: &[&'a Json], path: &str) {
        let known = defaults.and_then(Node::as_mapping);
        let rules = self.rules(schemas);
        let free = rules.free || (!path.is_empty() && known.is_some_and(Mapping::is_empty));
        for (key, value) in over.iter() {
            let default = known.and_then(|known| known.get(&key.text));
            let below = rules.of(&key.text);
            if default.is_none() && below.is_none() && !free {
                let candidates: Vec<&str> =
                    known.into_iter().flat_map(Mapping::keys).chain(rules.names()).collect();
                self.findings.push(
                    Finding::error(
                        &codes::UNKNOWN_VALUE_KEY,
                        format!("`{}` has no value `{path}{}`", self.name, key.text),
                    )
                    .at(&key.place)
                    .label("neither its defaults nor its schema know it")
                    .did_you_mean(&key.text, candidates),
                );
                continue;
            }
            let below = below.unwrap_or_default();
            let inner = value.as_mapping().filter(|inner| inner.get(secrets::REFERENCE).is_none());
            let says_something = default.and_then(Node::as_mapping).is_some() || !below.is_empty();
            if let Some(inner) = inner.filter(|_| says_something) {
                self.level(inner, default, &below, &format!("{path}{}.", key.text));
            }
        }
    }

    /// What some schemas of one mapping say about its keys.
    fn rules(&self, schemas: &[&'a Json]) -> Rules<'a> {
        let mut rules = Rules::default();
        for schema in schemas {
            self.gather(schema, &mut rules, 0);
        }
        rules
    }

    fn gather(&self, schema: &'a Json, rules: &mut Rules<'a>, depth: u32) {
        // Schemas that refer to themselves in a circle end here.
        if depth > 16 {
            return;
        }
        let Some(object) = schema.as_object() else {
            rules.free |= schema == &Json::Bool(true);
            return;
        };
        let mut says_nothing = true;
        if let Some(target) = object.get("$ref").and_then(Json::as_str) {
            says_nothing = false;
            if let Some(target) = target.strip_prefix('#').and_then(|path| self.root.pointer(path)) {
                self.gather(target, rules, depth + 1);
            }
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            for part in object.get(word).and_then(Json::as_array).into_iter().flatten() {
                says_nothing = false;
                self.gather(part, rules, depth + 1);
            }
        }
        for word in ["if", "then", "else"] {
            if let Some(part) = object.get(word) {
                says_nothing = false;
                self.gather_named(part, rules, depth + 1);
            }
        }
        says_nothing &= !self.gather_named(schema, rules, depth);
        match object.get("additionalProperties") {
            Some(Json::Bool(allowed)) => {
                says_nothing = false;
                rules.free |= allowed;
            }
            Some(other) => {
                says_nothing = false;
                rules.others.push(other);
            }
            None => {}
        }
        let takes_mappings = match object.get("type") {
            None => true,
            Some(Json::String(one)) => one == "object",
            Some(Json::Array(several)) => several.iter().any(|one| one == "object"),
            Some(_) => false,
        };
        rules.free |= says_nothing && takes_mappings;
    }

    fn gather_named(&self, schema: &'a Json, rules: &mut Rules<'a>, _depth: u32) -> bool {
        let properties = schema.get("properties").and_then(Json::as_object);
        let patterns = schema.get("patternProperties").and_then(Json::as_object);
        rules.named.extend(properties.into_iter().flatten().map(|(key, rule)| (key.as_str(), rule)));
        rules.patterns.extend(patterns.into_iter().flatten().map(|(key, rule)| (key.as_str(), rule)));
        properties.is_some() || patterns.is_some()
    }
}

#[derive(Default)]
struct Rules<'a> {
    named: Vec<(&'a str, &'a Json)>,
    patterns: Vec<(&'a str, &'a Json)>,
    others: Vec<&'a Json>,
    free: bool,
}

impl<'a> Rules<'a> {
    /// The schemas of one key; `None` if no rule knows it.
    fn of(&self, key: &str) -> Option<Vec<&'a Json>> {
        let named = self.named.iter().filter(|(name, _)| *name == key).map(|(_, rule)| *rule);
        let patterned =
            self.patterns.iter().filter(|(pattern, _)| matches(pattern, key)).map(|(_, rule)| *rule);
        let mut found: Vec<&Json> = named.chain(patterned).collect();
        if found.is_empty() {
            found.extend(&self.others);
        }
        (!found.is_empty()).then_some(found)
    }

    fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.named.iter().map(|(name, _)| *name)
    }
}

fn matches(pattern: &str, key: &str) -> bool {
    let schema = serde_json::json!({ "pattern": pattern });
    jsonschema::draft7::new(&schema).is_ok_and(|rule| rule.is_valid(&Json::String(key.to_owned())))
}

/// Whether a schema's demand for keys counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// All layers are there: what is required has to be.
    Whole,
    /// Further layers come: what is required may still be missing.
    Partial,
}

/// What is wrong with a product's `valuesSchema` itself.
pub fn check_schema(product: &Product) -> Findings {
    let Some(node) = &product.values_schema else { return Findings::new() };
    let schema = node.to_json();
    let wrong = |message: String, path: &str| {
        Finding::error(&codes::BAD_VALUES_SCHEMA, format!("`valuesSchema` is no JSON Schema: {message}"))
            .at(place_of(node, path))
    };
    let meta = jsonschema::draft7::meta::validator();
    let findings: Findings = meta
        .iter_errors(&schema)
        .map(|error| wrong(error.masked_with("this").to_string(), error.instance_path().as_str()))
        .collect();
    if !findings.is_empty() {
        return findings;
    }
    match jsonschema::draft7::new(&schema) {
        Ok(_) => findings,
        Err(error) => wrong(error.to_string(), "").into(),
    }
}

/// What of a product's values breaks its schema; nothing if the schema is none. References to
/// secrets fit everywhere. No message shows a value.
pub fn break_schema(
    name: &ProductName,
    product: &Product,
    values: &Node,
    completeness: Completeness,
) -> Findings {
    let Some(schema) = product.values_schema.as_ref().map(Node::to_json) else { return Findings::new() };
    let Ok(rule) = jsonschema::draft7::new(&schema) else { return Findings::new() };
    let (references, _) = secrets::references(values);
    let mut instance = values.to_json();
    for (path, _, _) in &references {
        if let Some(value) = instance.pointer_mut(path) {
            *value = Json::String("secret".to_owned());
        }
    }
    // A malformed reference is reported as that, and not for its shape as well.
    let refers = |path: &str| node_at(values, path).get(secrets::REFERENCE).is_some();
    let hidden = |path: &str| refers(path) || path.contains("/secretRef");
    rule.iter_errors(&instance)
        .filter(|error| !hidden(error.instance_path().as_str()))
        .filter_map(|error| {
            let path = error.instance_path().as_str();
            let missing = matches!(error.kind(), jsonschema::error::ValidationErrorKind::Required { .. });
            if missing && completeness == Completeness::Partial {
                return None;
            }
            let place = match error.kind() {
                jsonschema::error::ValidationErrorKind::AdditionalProperties { unexpected } => {
                    key_place(values, path, unexpected.first()).unwrap_or_else(|| place_of(values, path))
                }
                _ => place_of(values, path),
            };
            let subject = if path.is_empty() { String::new() } else { format!(" in `{}`", dotted(path)) };
            let message = error.masked_with("the value").to_string();
            Some(
                Finding::error(
                    &codes::VALUES_BREAK_SCHEMA,
                    format!("the values of `{name}` break its schema: {message}{subject}"),
                )
                .at(place),
            )
        })
        .collect()
}

fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".").replace("~1", "/").replace("~0", "~")
}

/// The node at a pointer (RFC 6901), or the nearest one above it.
fn node_at<'a>(node: &'a Node, pointer: &str) -> &'a Node {
    let mut at = node;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match &at.value {
            Value::Mapping(mapping) => mapping.get(&step),
            Value::Sequence(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return at,
        }
    }
    at
}

fn place_of<'a>(node: &'a Node, pointer: &str) -> &'a Place {
    &node_at(node, pointer).place
}

fn key_place<'a>(node: &'a Node, pointer: &str, key: Option<&String>) -> Option<&'a Place> {
    node_at(node, pointer).as_mapping()?.get_key_place(key?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::testing::lines;
    use super::*;
    use crate::diag::Source;
    use crate::yaml;

    fn node(text: &str) -> Node {
        yaml::parse(&Source::new("v.yaml", text)).unwrap().unwrap()
    }

    fn product(values: &str, schema: Option<&str>) -> Product {
        let mut spec = serde_json::json!({"version": "1.0.0", "owner": "team"});
        spec["values"] = node(values).to_json();
        if let Some(schema) = schema {
            spec["valuesSchema"] = node(schema).to_json();
        }
        serde_json::from_value(spec).unwrap()
    }

    fn name() -> ProductName {
        "agent".parse().unwrap()
    }

    #[test]
    fn mappings_merge_lists_replace_and_null_removes() {
        let merged = merge(
            &node("a: { b: 1, c: [1, 2] }\nd: 1\ns: { secretRef: { env: X } }\n"),
            &node("a: { c: [3], e: 4 }\nd: ~\ns: { secretRef: { file: y } }\n"),
        );
        assert_eq!(
            merged.to_json(),
            serde_json::json!({"a": {"b": 1, "c": [3], "e": 4}, "s": {"secretRef": {"file": "y"}}})
        );
    }

    #[test]
    fn a_key_that_neither_defaults_nor_schema_know_is_found_at_its_line() {
        let product = product(
            "replicas: 1\nnodeSelector: {}\nlogging: { level: info }\n",
            Some("properties: { ports: { type: object }, tls: { properties: { on: { type: boolean } } } }"),
        );
        let over = node(
            "replica: 2\nnodeSelector: { any: x }\nlogging:\n  levle: debug\nports: { http: 1 }\ntls: { of: true }\n",
        );
        let findings = unknown_keys(&name(), &product, &over);
        assert_eq!(lines(&findings), ["TG0215 v.yaml:1:1", "TG0215 v.yaml:4:3", "TG0215 v.yaml:6:8"]);
        assert!(findings.to_string().contains("did you mean `replicas`?"), "{findings}");
    }

    #[test]
    fn references_and_pattern_properties_of_a_schema_know_keys() {
        let product = product(
            "{}",
            Some(
                "definitions: { port: { properties: { number: {} } } }\nproperties: { http: { $ref: '#/definitions/port' } }\n\
                 patternProperties: { '^x-': {} }\n",
            ),
        );
        let over = node("http: { number: 1, name: a }\nx-note: 1\ny-note: 1\n");
        assert_eq!(
            lines(&unknown_keys(&name(), &product, &over)),
            ["TG0215 v.yaml:1:20", "TG0215 v.yaml:3:1"]
        );
    }

    #[test]
    fn a_value_that_breaks_the_schema_is_found_and_never_shown_in_the_message() {
        let product =
            product("{}", Some("properties: { n: { type: integer }, s: { minLength: 9 } }\nrequired: [z]"));
        let values = node("n: sesame\ns: { secretRef: { env: X } }\n");
        let partial = break_schema(&name(), &product, &values, Completeness::Partial);
        assert_eq!(lines(&partial), ["TG0217 v.yaml:1:4"]);
        let message = &partial.iter().next().unwrap().message;
        assert!(!message.contains("sesame"), "{message}");
        let whole = break_schema(&name(), &product, &values, Completeness::Whole);
        assert_eq!(lines(&whole), ["TG0217 v.yaml:1:1", "TG0217 v.yaml:1:4"]);
    }

    #[test]
    fn a_schema_that_is_none_is_found_at_its_keyword() {
        let mut product = product("{}", None);
        product.values_schema = Some(node("properties:\n  a: { type: strnig }\n"));
        assert_eq!(lines(&check_schema(&product)), ["TG0216 v.yaml:2:14"]);
        product.values_schema = Some(node("$ref: https://example.com/schema.json\n"));
        assert_eq!(check_schema(&product).len(), 1, "nothing is fetched");
    }
}
