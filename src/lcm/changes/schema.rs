//! Where a schema takes less than it took: of a version of a CustomResourceDefinition (OpenAPI v3 as
//! Kubernetes has it, kubernetes.io/docs/tasks/extend-kubernetes/custom-resources), or of a chart's values
//! (JSON Schema). What it takes besides, and what is only described, makes no difference.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::change::Weight;
use super::plain;

/// Whose schema it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A definition of resources: fields that it does not name are dropped.
    Definition,
    /// A chart's values: keys that it does not name are let through, unless it says otherwise.
    Values,
}

/// A place where less is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Narrowing {
    /// The place: `spec.foo[].bar`.
    pub path: String,
    /// What is different there, to be read behind the place.
    pub what: String,
    /// How much it says about a break.
    pub weight: Weight,
    /// Whether it is missing values that are refused.
    pub is_demand: bool,
}

/// No schema is nested deeper than this, references followed.
const DEEPEST: usize = 60;
/// So many places are compared.
const MOST_PLACES: usize = 200_000;
/// So many differences are told.
const MOST: usize = 1_000;

/// Bounds that take less when they rise, and those that do when they fall.
const LOWER: [&str; 5] = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
const UPPER: [&str; 5] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
/// How lists and mappings are merged, and what holds where it is not said
/// (kubernetes.io/docs/reference/using-api/server-side-apply, "Merge strategy").
const MERGES: [(&str, &str); 3] = [
    ("x-kubernetes-list-type", "\"atomic\""),
    ("x-kubernetes-list-map-keys", "none"),
    ("x-kubernetes-map-type", "\"granular\""),
];
/// Fields that only describe.
const DESCRIBES: [&str; 5] = ["description", "title", "example", "examples", "$comment"];

/// The places where the new schema takes less than the old one, in order, and how many were left out.
pub(super) fn narrowed(old: &Value, new: &Value, path: &str, dialect: Dialect) -> (Vec<Narrowing>, usize) {
    let roots = (old, new);
    let mut walk = Walk { dialect, roots, open: Vec::new(), left: MOST_PLACES, found: Vec::new(), cut: 0 };
    walk.compare(old, new, path);
    (walk.found, walk.cut)
}

/// A place with a key more: `a.b`, `a["b.c"]`.
pub(super) fn below(path: &str, key: &str) -> String {
    let is_plain =
        !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'));
    match (is_plain, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[{}]", Value::from(key)),
    }
}

/// A value as it is shown: short.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Array(items) if items.len() > 8 => format!("a list of {}", items.len()),
        Value::Object(fields) if fields.len() > 8 => format!("a mapping of {}", fields.len()),
        other => other.to_string(),
    };
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

struct Walk<'v> {
    dialect: Dialect,
    roots: (&'v Value, &'v Value),
    /// The pairs that are being compared: a reference may lead back to them.
    open: Vec<(*const Value, *const Value)>,
    left: usize,
    found: Vec<Narrowing>,
    cut: usize,
}

impl<'v> Walk<'v> {
    fn tell(&mut self, weight: Weight, path: &str, what: impl Into<String>) {
        if self.found.len() < MOST {
            self.found.push(Narrowing { path: path.to_owned(), what: what.into(), weight, is_demand: false });
        } else {
            self.cut += 1;
        }
    }

    fn compare(&mut self, old: &'v Value, new: &'v Value, path: &str) {
        let (old, new) = (resolved(old, self.roots.0), resolved(new, self.roots.1));
        let pair = (std::ptr::from_ref(old), std::ptr::from_ref(new));
        if self.open.contains(&pair) {
            return;
        }
        if self.left == 0 || self.open.len() >= DEEPEST {
            self.cut += 1;
            return;
        }
        self.left -= 1;
        match (old, new) {
            (Value::Object(before), Value::Object(after)) => {
                self.open.push(pair);
                self.both(before, after, path);
                self.open.pop();
            }
            (before, Value::Bool(false)) if before != &Value::Bool(false) => {
                self.tell(Weight::Certain, path, "takes nothing any more");
            }
            _ => {}
        }
    }

    fn both(&mut self, old: &'v Map<String, Value>, new: &'v Map<String, Value>, path: &str) {
        if !self.types(old, new, path) {
            return;
        }
        self.choices(old, new, path);
        self.bounds(old, new, path);
        self.texts(old, new, path);
        self.required(old, new, path);
        self.fields(old, new, path);
        self.rules(old, new, path);
        if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
            self.compare(old, new, &format!("{path}[]"));
        }
        if let (Some(old), Some(new)) = (others(old), others(new)) {
            self.compare(old, new, &format!("{path}.*"));
        }
    }

    /// Whether what was taken is still of a type that is taken.
    fn types(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, path: &str) -> bool {
        let Some(after) = types(new) else { return true };
        let Some(before) = types(old) else {
            self.tell(Weight::Likely, path, format!("must be {} now", words(&after)));
            return true;
        };
        let fits = |kind: &&str| after.contains(*kind) || *kind == "integer" && after.contains("number");
        let lost: Vec<&str> = before.iter().copied().filter(|kind| !fits(kind)).collect();
        if lost == ["null"] {
            self.tell(Weight::Likely, path, "may not be null any more");
        } else if !lost.is_empty() {
            let what = format!("changes its type from {} to {}", words(&before), words(&after));
            self.tell(Weight::Certain, path, what);
        }
        lost.len() < before.len()
    }

    fn choices(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, path: &str) {
        let Some(after) = choices(new) else { return };
        let Some(before) = choices(old) else {
            self.tell(Weight::Likely, path, "takes only some values now");
            return;
        };
        for value in before.into_iter().filter(|value| !after.contains(value)) {
            self.tell(Weight::Certain, path, format!("does not take `{}` any more", shown(value)));
        }
    }

    fn bounds(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, path: &str) {
        let all = LOWER.iter().map(|name| (*name, false)).chain(UPPER.iter().map(|name| (*name, true)));
        for (name, falls) in all {
            let (before, after) = (old.get(name), new.get(name));
            let narrower = match (before, after) {
                (_, Some(Value::Bool(true))) => before != Some(&Value::Bool(true)),
                (Some(before), Some(after)) => match (before.as_f64(), after.as_f64()) {
                    (Some(before), Some(after)) if falls => after < before,
                    (Some(before), Some(after)) => after > before,
                    _ => false,
                },
                (None, Some(after)) => {
                    // That there is nothing less than nothing is no bound.
                    let is_none = !falls && name != "minimum" && after.as_f64() == Some(0.0);
                    after.is_number() && !is_none
                }
                _ => false,
            };
            if narrower {
                let from = before.filter(|value| value.is_number()).map_or("none".to_owned(), shown);
                let to = after.map(shown).unwrap_or_default();
                self.tell(Weight::Likely, path, format!("has a narrower `{name}`: {from} -> {to}"));
            }
        }
    }

    fn texts(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, path: &str) {
        for (name, weight) in
            [("pattern", Weight::Likely), ("format", Weight::Hint), ("multipleOf", Weight::Hint)]
        {
            if let Some(after) = new.get(name)
                && old.get(name) != Some(after)
            {
                self.tell(weight, path, format!("has another `{name}`: `{}`", shown(after)));
            }
        }
        let is_unique = |schema: &Map<String, Value>| schema.get("uniqueItems") == Some(&Value::Bool(true));
        if is_unique(new) && !is_unique(old) {
            self.tell(Weight::Likely, path, "may not have an item twice any more");
        }
        for name in ["allOf", "anyOf", "oneOf", "not"] {
            let same = |after: &Value| old.get(name).is_some_and(|before| is_same(before, after));
            if new.get(name).is_some_and(|after| !same(after)) {
                self.tell(Weight::Hint, path, format!("has other conditions under `{name}`"));
            }
        }
        let default = |schema: &Map<String, Value>| schema.get("default").map(shown);
        if self.dialect == Dialect::Definition && default(old) != default(new) {
            let word = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
            let what = format!("has another default: {} -> {}", word(default(old)), word(default(new)));
            self.tell(Weight::Hint, path, what);
        }
    }

    fn required(&mut self, old: &Map<String, Value>, new: &'v Map<String, Value>, path: &str) {
        let before = required(old);
        for key in required(new).difference(&before) {
            let field = properties(new).and_then(|fields| fields.get(*key));
            let field = field.map(|field| resolved(field, self.roots.1));
            if self.dialect == Dialect::Values || field.is_none_or(|field| field.get("default").is_none()) {
                self.tell(Weight::Certain, &below(path, key), "is required now");
                if let Some(told) = self.found.last_mut().filter(|told| told.what == "is required now") {
                    told.is_demand = true;
                }
            }
        }
    }

    fn fields(&mut self, old: &'v Map<String, Value>, new: &'v Map<String, Value>, path: &str) {
        let flag = |schema: &Map<String, Value>, name: &str| schema.get(name) == Some(&Value::Bool(true));
        const KEEPS: &str = "x-kubernetes-preserve-unknown-fields";
        if flag(old, KEEPS) && !flag(new, KEEPS) && others(new).is_none() {
            self.tell(Weight::Certain, path, "drops fields that it does not name");
        }
        let closed = |schema: &Map<String, Value>| schema.get("additionalProperties") == Some(&false.into());
        if self.dialect == Dialect::Values && closed(new) && !closed(old) {
            self.tell(Weight::Likely, path, "takes only keys that it names now");
        }
        let drops = match self.dialect {
            Dialect::Definition => !flag(new, KEEPS) && !flag(new, "additionalProperties"),
            Dialect::Values => closed(new),
        };
        for (key, before) in properties(old).into_iter().flatten() {
            let path = below(path, key);
            match properties(new).and_then(|fields| fields.get(key)).or_else(|| others(new)) {
                Some(after) => self.compare(before, after, &path),
                None if drops => self.tell(Weight::Certain, &path, "is gone"),
                None => {}
            }
        }
    }

    /// What only Kubernetes has.
    fn rules(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, path: &str) {
        let of = |schema: &'_ Map<String, Value>| -> BTreeSet<String> {
            let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array);
            let texts = rules.into_iter().flatten().filter_map(|rule| rule.get("rule")?.as_str());
            texts.map(|rule| rule.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
        };
        for rule in of(new).difference(&of(old)) {
            self.tell(Weight::Likely, path, format!("has a new rule: `{}`", plain::line(rule)));
        }
        for (name, usual) in MERGES {
            let way = |schema: &Map<String, Value>| schema.get(name).map_or_else(|| usual.to_owned(), shown);
            if way(old) != way(new) {
                self.tell(Weight::Hint, path, format!("is merged in another way: `{name}` is {}", way(new)));
            }
        }
    }
}

/// Whether two schemas are the same but for what they describe.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let told = |fields: &'_ Map<String, Value>| {
                fields.keys().filter(|key| !DESCRIBES.contains(&key.as_str())).count()
            };
            let same = |(key, value): (&String, &Value)| {
                DESCRIBES.contains(&key.as_str()) || other.get(key).is_some_and(|other| is_same(value, other))
            };
            told(one) == told(other) && one.iter().all(same)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        _ => one == other,
    }
}

/// The schema that a reference within its document stands for.
fn resolved<'v>(schema: &'v Value, root: &'v Value) -> &'v Value {
    let mut schema = schema;
    for _ in 0..8 {
        let Some(pointer) = schema.get("$ref").and_then(Value::as_str) else { break };
        let Some(target) = pointer.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) else { break };
        schema = target;
    }
    schema
}

/// The types that a schema takes, if it says so.
fn types(schema: &Map<String, Value>) -> Option<BTreeSet<&str>> {
    let mut types: BTreeSet<&str> = match schema.get("type") {
        _ if schema.get("x-kubernetes-int-or-string") == Some(&true.into()) => ["integer", "string"].into(),
        Some(Value::String(kind)) => [kind.as_str()].into(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    if schema.get("nullable") == Some(&true.into()) {
        types.insert("null");
    }
    Some(types)
}

fn words(types: &BTreeSet<&str>) -> String {
    types.iter().map(|kind| plain::line(kind)).collect::<Vec<_>>().join(" or ")
}

fn choices(schema: &Map<String, Value>) -> Option<Vec<&Value>> {
    let listed = schema.get("enum").and_then(Value::as_array).map(|values| values.iter().collect());
    listed.or_else(|| schema.get("const").map(|value| vec![value]))
}

fn required(schema: &Map<String, Value>) -> BTreeSet<&str> {
    let all = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(Value::as_str).collect()
}

fn properties(schema: &Map<String, Value>) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

/// The schema of fields without a name.
fn others(schema: &Map<String, Value>) -> Option<&Value> {
    schema.get("additionalProperties").filter(|others| others.is_object())
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
