//! Rendered objects: what is checked of them without a cluster, which images they name, and how
//! they are shown to people. What applying them means is for `apply`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::mask::MASK;
use crate::diag::{Finding, Findings, Place, codes};
use crate::json::{At as _, text};

/// One object as a product's files and a cluster's values give it.
#[derive(Clone, PartialEq)]
pub struct RenderedObject {
    /// The object.
    pub object: Value,
    /// Where it comes from, for people: file and line in the product's folder, or the template of
    /// a chart.
    pub origin: String,
    /// The namespace for an object of a namespaced kind that names none.
    pub namespace: Option<String>,
    /// The line of the file or template.
    pub place: Place,
}

impl fmt::Debug for RenderedObject {
    // Never the object: secrets may be in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.words(), self.origin)
    }
}

impl RenderedObject {
    fn text(&self, path: &str) -> &str {
        text(&self.object, path)
    }

    fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    fn own_namespace(&self) -> &str {
        match self.text("/metadata/namespace") {
            "" => self.namespace.as_deref().unwrap_or_default(),
            own => own,
        }
    }

    /// Kind and name for people.
    pub fn words(&self) -> String {
        format!("{} {}", self.text("/kind"), self.name())
    }

    fn is_secret(&self) -> bool {
        self.text("/kind") == "Secret" && self.text("/apiVersion") == "v1"
    }
}

/// What can be said against the objects of one product (all its steps together) without a cluster:
/// an object without a name, and the same object twice.
pub fn check(objects: &[RenderedObject]) -> Findings {
    let mut findings = Findings::new();
    let mut seen: BTreeMap<(String, String, String, String), &RenderedObject> = BTreeMap::new();
    for object in objects {
        if object.name().is_empty() {
            let kind = object.text("/kind");
            let mut finding = Finding::error(
                &codes::OBJECT_WITHOUT_NAME,
                format!("an object of kind {kind} from {} has no `metadata.name`", object.origin),
            )
            .at(&object.place);
            if !object.text("/metadata/generateName").is_empty() {
                finding = finding.hint("`generateName` would make a new object at every run");
            }
            if object.text("/kind").ends_with("List") {
                finding = finding.hint("a list of objects has them under `items`");
            }
            findings.push(finding);
            continue;
        }
        findings.extend(unreachable(object));
        findings.extend(no_text(object));
        let group = object.text("/apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
        let key = (
            group.to_owned(),
            object.text("/kind").to_owned(),
            object.own_namespace().to_owned(),
            object.name().to_owned(),
        );
        match seen.get(&key) {
            Some(first) => findings.push(
                Finding::error(
                    &codes::DUPLICATE_OBJECT,
                    format!(
                        "{} is rendered twice: from {} and from {}",
                        object.words(),
                        first.origin,
                        object.origin
                    ),
                )
                .at(&object.place)
                .related(&first.place, "first here"),
            ),
            None => {
                seen.insert(key, object);
            }
        }
    }
    findings
}

/// A name or namespace that can't be part of a path (k8s.io/apimachinery, `IsValidPathSegmentName`).
fn unreachable(object: &RenderedObject) -> Option<Finding> {
    let unfit = |name: &&str| matches!(*name, "." | "..") || name.contains(['/', '%']);
    let name = [object.name(), object.own_namespace()].into_iter().find(unfit)?;
    let message = format!("`{name}` of {} from {} can't be part of a path", object.words(), object.origin);
    Some(Finding::error(&codes::OBJECT_NAME, message).at(&object.place))
}

/// Values of a ConfigMap or a Secret that no API server takes. Keys are named, values never.
fn no_text(object: &RenderedObject) -> Vec<Finding> {
    let fields: &[(&str, bool)] = match object.text("/kind") {
        _ if object.text("/apiVersion") != "v1" => &[],
        "Secret" => &[("data", true), ("stringData", false)],
        "ConfigMap" => &[("data", false), ("binaryData", true)],
        _ => &[],
    };
    let mut findings = Vec::new();
    for (field, encoded) in fields {
        let values = object.object.get(field).and_then(Value::as_object);
        for (key, value) in values.into_iter().flatten() {
            let why = match value {
                Value::Null => continue,
                Value::String(text) if *encoded && !is_base64(text) => "is not base64",
                Value::String(_) => continue,
                Value::Number(_) => "is a number and not a text",
                Value::Bool(_) => "is a boolean and not a text",
                Value::Array(_) => "is a list and not a text",
                Value::Object(_) => "is a mapping and not a text",
            };
            let message = format!("`{field}.{key}` of {} from {} {why}", object.words(), object.origin);
            findings.push(Finding::error(&codes::OBJECT_TEXT, message).at(&object.place));
        }
    }
    findings
}

/// As an API server reads it: line breaks do not count. What is masked for being shown may be
/// anything.
fn is_base64(text: &str) -> bool {
    use base64::Engine as _;
    let bare: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    bare.contains(MASK) || base64::engine::general_purpose::STANDARD.decode(bare).is_ok()
}

/// The image references that objects name, as written: of containers of every sort, wherever a pod
/// is described, and of image volumes.
pub fn images<'a>(objects: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for object in objects {
        collect(object, &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(object) => {
            for (key, inner) in object {
                let field = match key.as_str() {
                    "containers" | "initContainers" | "ephemeralContainers" => Some("/image"),
                    "volumes" => Some("/image/reference"),
                    _ => None,
                };
                if let (Some(field), Some(items)) = (field, inner.as_array()) {
                    let images = items.iter().filter_map(|item| item.at(field)?.as_str());
                    found.extend(images.filter(|image| !image.is_empty()).map(str::to_owned));
                }
                collect(inner, found);
            }
        }
        _ => {}
    }
}

/// The objects as they may be shown: the content of Secrets is `***`. Values are masked before
/// rendering ([`super::values::masked`]); this hides what a template or a chart made of its own.
pub fn masked(objects: &[RenderedObject]) -> Vec<RenderedObject> {
    objects
        .iter()
        .cloned()
        .map(|mut object| {
            if object.is_secret() {
                for field in ["data", "stringData"] {
                    let data = object.object.get_mut(field).and_then(Value::as_object_mut);
                    for value in data.into_iter().flat_map(|data| data.values_mut()) {
                        *value = Value::String(MASK.to_owned());
                    }
                }
                // What kubectl keeps of a whole object.
                if let Some(notes) =
                    object.object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut)
                    && let Some(last) = notes.get_mut("kubectl.kubernetes.io/last-applied-configuration")
                {
                    *last = Value::String(MASK.to_owned());
                }
            }
            object
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rendered(object: Value, origin: &str) -> RenderedObject {
        RenderedObject {
            object,
            origin: origin.to_owned(),
            namespace: Some("web".into()),
            place: Place::none(),
        }
    }

    fn config_map(version: &str, namespace: Option<&str>, name: &str) -> Value {
        json!({"apiVersion": version, "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}})
    }

    #[test]
    fn the_same_object_twice_is_found_whatever_its_version_and_however_its_namespace_is_given() {
        let objects = [
            rendered(config_map("v1", None, "a"), "a.yaml:1"),
            rendered(config_map("v1", Some("web"), "a"), "b.yaml:1"),
            rendered(config_map("v1", Some("other"), "a"), "c.yaml:1"),
            rendered(config_map("x.io/v1", None, "a"), "d.yaml:1"),
            rendered(config_map("x.io/v2", None, "a"), "e.yaml:1"),
        ];
        let messages: Vec<String> = check(&objects).into_iter().map(|finding| finding.message).collect();
        assert_eq!(
            messages,
            [
                "ConfigMap a is rendered twice: from a.yaml:1 and from b.yaml:1",
                "ConfigMap a is rendered twice: from d.yaml:1 and from e.yaml:1"
            ]
        );
    }

    #[test]
    fn an_object_needs_a_name() {
        let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-"}});
        let findings = check(&[rendered(object, "a.yaml:1")]);
        assert_eq!(findings.into_iter().next().map(|finding| finding.code.id), Some("TG0406"));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for name in ["system:foo/bar", "100%", "..", "."] {
            let findings = check(&[rendered(config_map("v1", None, name), "a.yaml:1")]);
            let finding = findings.into_iter().next();
            assert_eq!(finding.map(|f| f.code.id), Some("TG0408"), "{name}");
        }
        for name in ["system:foo", "...", "a.b-c"] {
            assert!(check(&[rendered(config_map("v1", None, name), "a.yaml:1")]).is_empty(), "{name}");
        }
    }

    #[test]
    fn what_is_no_text_is_found_before_a_server_sees_it_and_is_not_shown() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
            "data": {"good": "Y2Fu\nYXJ5", "shown": "***", "bad": "canary!", "none": null},
            "stringData": {"good": "canary!", "port": 4711}});
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"},
            "data": {"port": 80, "on": true, "list": [1], "map": {"a": "b"}, "good": "80"}});
        let found: Vec<String> = check(&[rendered(secret, "s.yaml:1"), rendered(config, "c.yaml:1")])
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        let expected = [
            "`data.bad` of Secret s from s.yaml:1 is not base64",
            "`stringData.port` of Secret s from s.yaml:1 is a number and not a text",
            "`data.list` of ConfigMap c from c.yaml:1 is a list and not a text",
            "`data.map` of ConfigMap c from c.yaml:1 is a mapping and not a text",
            "`data.on` of ConfigMap c from c.yaml:1 is a boolean and not a text",
            "`data.port` of ConfigMap c from c.yaml:1 is a number and not a text",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        assert!(expected.iter().all(|line| found.iter().any(|f| f == line)), "{found:#?}");
        assert!(!format!("{found:?}").contains("canary") && !format!("{found:?}").contains("4711"));
    }

    #[test]
    fn images_are_found_in_every_place_a_pod_is_described() {
        let object = json!({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": {
            "initContainers": [{"image": "init:1"}],
            "containers": [{"image": "main@sha256:00"}, {"name": "none"}, {"image": ""}],
            "volumes": [{"image": {"reference": "files:2"}}, {"emptyDir": {}}],
        }}}}}});
        let found: Vec<String> = images([&object]).into_iter().collect();
        assert_eq!(found, ["files:2", "init:1", "main@sha256:00"]);
    }

    #[test]
    fn the_content_of_a_secret_is_never_shown() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
            "data": {"a": "Y2FuYXJ5"}, "stringData": {"b": "canary"}});
        let shown = masked(&[rendered(secret.clone(), "a"), rendered(config_map("v1", None, "c"), "b")]);
        assert_eq!(shown[0].object["data"]["a"], "***");
        assert_eq!(shown[0].object["stringData"]["b"], "***");
        assert_eq!(shown[1].object["metadata"]["name"], "c");
        assert!(!format!("{:?}", rendered(secret, "a")).contains("canary"));
    }
}
