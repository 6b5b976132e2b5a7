//! Label and field selectors of lists and watches.

use serde_json::Value;

use super::json::text;
use super::names;
use super::status::causes::quoted;
use super::status::{Fault, Outcome};
use crate::sim::json::At as _;
use crate::sim::kinds::Resource;

/// Which objects of a resource a list or a watch shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Debug, Clone)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
    Above(i64),
    Below(i64),
}

impl Selector {
    pub fn parse(resource: &Resource, labels: &str, fields: &str) -> Outcome<Self> {
        let wrong = |why: String| Fault::bad_request(why);
        let labels = parse_labels(labels).map_err(wrong)?;
        let fields = parse_fields(resource, fields)?;
        Ok(Self { labels, fields })
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub fn matches(&self, object: &Value) -> bool {
        let labels = object.at("/metadata/labels");
        let label = |key: &str| labels.and_then(|l| l.get(key)).and_then(Value::as_str);
        self.labels.iter().all(|requirement| requirement.holds(label(&requirement.key)))
            && self.fields.iter().all(|(field, equal, value)| (field_of(object, field) == *value) == *equal)
    }
}

impl Requirement {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|v| v.parse::<i64>().ok());
        match &self.test {
            Test::In(values) => value.is_some_and(|v| values.iter().any(|one| one == v)),
            Test::NotIn(values) => value.is_none_or(|v| values.iter().all(|one| one != v)),
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
            Test::Above(limit) => number().is_some_and(|n| n > *limit),
            Test::Below(limit) => number().is_some_and(|n| n < *limit),
        }
    }
}

/// The words of a selector: identifiers and the signs between them.
fn words(selector: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut chars = selector.chars().peekable();
    let sign = |c: char| "=!(),><".contains(c);
    while let Some(&c) = chars.peek() {
        if c.is_whitespace() {
            chars.next();
        } else if sign(c) {
            chars.next();
            let mut word = c.to_string();
            if matches!(c, '=' | '!') && chars.peek() == Some(&'=') {
                chars.next();
                word.push('=');
            }
            words.push(word);
        } else {
            let mut word = String::new();
            while let Some(&c) = chars.peek().filter(|c| !c.is_whitespace() && !sign(**c)) {
                word.push(c);
                chars.next();
            }
            words.push(word);
        }
    }
    words
}

fn is_identifier(word: &str) -> bool {
    !word.is_empty() && !word.starts_with(|c: char| "=!(),><".contains(c))
}

fn parse_labels(selector: &str) -> Result<Vec<Requirement>, String> {
    let words = words(selector);
    let mut rest = words.iter().map(String::as_str).peekable();
    let mut requirements = Vec::new();
    while rest.peek().is_some() {
        let requirement =
            requirement(&mut rest).map_err(|why| format!("unable to parse requirement: {why}"))?;
        requirements.push(requirement);
        match rest.next() {
            None => break,
            Some(",") => match rest.peek() {
                Some(word) if *word == "!" || is_identifier(word) => {}
                other => {
                    let found = other.copied().unwrap_or_default();
                    return Err(format!("found '{found}', expected: identifier after ','"));
                }
            },
            Some(other) => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
        }
    }
    Ok(requirements)
}

fn requirement<'w>(
    rest: &mut std::iter::Peekable<impl Iterator<Item = &'w str>>,
) -> Result<Requirement, String> {
    let word = rest.next().unwrap_or_default();
    let negated = word == "!";
    let key = if negated { rest.next().unwrap_or_default() } else { word };
    if !is_identifier(key) {
        return Err(format!("found '{key}', expected: identifier"));
    }
    if let Some(wrong) = names::qualified(key).into_iter().next() {
        return Err(format!("key: Invalid value: {}: {wrong}", quoted(key)));
    }
    let test = match rest.peek().copied() {
        _ if negated => Test::Missing,
        None | Some(",") => Test::Exists,
        Some(operator) => {
            rest.next();
            match operator {
                "=" | "==" => Test::In(vec![single(key, rest)?]),
                "!=" => Test::NotIn(vec![single(key, rest)?]),
                "in" => Test::In(many(key, rest)?),
                "notin" => Test::NotIn(many(key, rest)?),
                ">" | "<" => {
                    let value = single(key, rest)?;
                    let Ok(limit) = value.parse() else {
                        return Err(format!(
                            "values[0]: Invalid value: {}: for 'Gt', 'Lt' operators, the value must be an integer",
                            quoted(&value)
                        ));
                    };
                    if operator == ">" { Test::Above(limit) } else { Test::Below(limit) }
                }
                other => {
                    return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt"));
                }
            }
        }
    };
    Ok(Requirement { key: key.to_owned(), test })
}

fn single<'w>(
    key: &str,
    rest: &mut std::iter::Peekable<impl Iterator<Item = &'w str>>,
) -> Result<String, String> {
    let value = match rest.peek() {
        Some(word) if is_identifier(word) => (*word).to_owned(),
        None | Some(&",") => return Ok(String::new()),
        Some(other) => return Err(format!("found '{other}', expected: identifier")),
    };
    rest.next();
    checked(key, value)
}

fn checked(key: &str, value: String) -> Result<String, String> {
    match names::label_value(&value).into_iter().next() {
        Some(wrong) => Err(format!("values[0][{key}]: Invalid value: {}: {wrong}", quoted(&value))),
        None => Ok(value),
    }
}

fn many<'w>(
    key: &str,
    rest: &mut std::iter::Peekable<impl Iterator<Item = &'w str>>,
) -> Result<Vec<String>, String> {
    match rest.next() {
        Some("(") => {}
        other => return Err(format!("found '{}' expected: '('", other.unwrap_or_default())),
    }
    let mut values = Vec::new();
    loop {
        match rest.next() {
            Some(")") => return Ok(values),
            Some(",") => {}
            Some(word) if is_identifier(word) => values.push(checked(key, word.to_owned())?),
            other => {
                return Err(format!("found '{}', expected: ',', or identifier", other.unwrap_or_default()));
            }
        }
    }
}

/// The fields that objects of a resource can be selected by, beside name and namespace.
fn selectable(resource: &Resource) -> &'static [&'static str] {
    match (&*resource.group, &*resource.plural) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "namespaces") => &["status.phase"],
        ("", "secrets") => &["type"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("batch", "jobs") => &["status.successful"],
        ("apps", "replicasets") | ("", "replicationcontrollers") => &["status.replicas"],
        ("", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        _ => &[],
    }
}

fn parse_fields(resource: &Resource, selector: &str) -> Outcome<Vec<(String, bool, String)>> {
    let mut terms = Vec::new();
    for part in selector.split(',').filter(|part| !part.is_empty()) {
        let split = part.split_once("!=").map(|(f, v)| (f, false, v)).or_else(|| {
            let split = part.split_once("==").or_else(|| part.split_once('='));
            split.map(|(f, v)| (f, true, v))
        });
        let Some((field, equal, value)) = split else {
            return Err(Fault::bad_request(format!(
                "invalid selector: '{selector}'; can't understand '{part}'"
            )));
        };
        let known = field == "metadata.name"
            || (field == "metadata.namespace")
            || selectable(resource).contains(&field);
        if !known {
            let special = !selectable(resource).is_empty() || resource.defined.is_some();
            return Err(Fault::bad_request(if special {
                format!("field label not supported: {field}")
            } else {
                format!(
                    "{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
                    quoted(field)
                )
            }));
        }
        terms.push((field.to_owned(), equal, value.to_owned()));
    }
    Ok(terms)
}

fn field_of(object: &Value, field: &str) -> String {
    let found = object.at(&format!("/{}", field.replace('.', "/")));
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None if field == "source" => text(object, "/source/component").to_owned(),
        None if matches!(field, "spec.unschedulable" | "spec.hostNetwork") => "false".to_owned(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matching(selector: &str) -> Vec<&'static str> {
        let labels = [
            ("none", json!({})),
            ("a1", json!({"a": "1"})),
            ("a2", json!({"a": "2", "b": "x"})),
            ("b", json!({"b": "y"})),
        ];
        let selector = Selector { labels: parse_labels(selector).unwrap(), fields: Vec::new() };
        let found = labels.into_iter().filter(|(_, l)| selector.matches(&json!({"metadata": {"labels": l}})));
        found.map(|(name, _)| name).collect()
    }

    #[test]
    fn every_operator_selects_what_it_says() {
        assert_eq!(matching(""), ["none", "a1", "a2", "b"]);
        assert_eq!(matching("a=1"), ["a1"]);
        assert_eq!(matching("a==2,b"), ["a2"]);
        assert_eq!(matching("a!=1"), ["none", "a2", "b"]);
        assert_eq!(matching("a in (1, 2)"), ["a1", "a2"]);
        assert_eq!(matching("a notin (1,2)"), ["none", "b"]);
        assert_eq!(matching("!a"), ["none", "b"]);
        assert_eq!(matching("a,!b"), ["a1"]);
        assert_eq!(matching("a>1"), ["a2"]);
        assert_eq!(matching("a<2"), ["a1"]);
        assert_eq!(matching("a="), Vec::<&str>::new());
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for wrong in ["a in 1", "a in (1", "=1", "a,,b", "a=1 b", "a>x", "-a=1", "a=_"] {
            assert!(parse_labels(wrong).is_err(), "{wrong}");
        }
    }
}
