//! Rendered objects: what is checked of them without a cluster, which images they name, and how
//! they are shown to people. What applying them means is for `apply`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::mask::MASK;
use crate::diag::{Finding, Findings, Place, codes};

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
    fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
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
            findings.push(finding);
            continue;
        }
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
                    let images = items.iter().filter_map(|item| item.pointer(field)?.as_str());
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
