//! Images of rendered pods are fixed: where a tag stands whose digest the release's lock has, the digest is
//! put behind it. It decides in which fields: those of pods and of what Kubernetes makes pods from. What an
//! operator makes of a custom resource's image is not known here, so that stays as it was rendered.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::IMAGES;
use crate::model::image::Image;

/// The lists of containers of a pod.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Images by tag, with the digests that they are fixed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FixedImages(BTreeMap<Image, String>);

impl FixedImages {
    /// Takes them out of values: no template and no chart sees them.
    pub(super) fn taken(values: &mut Value) -> Self {
        let taken = values.as_object_mut().and_then(|values| values.shift_remove(IMAGES));
        let all = taken.as_ref().and_then(Value::as_object).into_iter().flatten();
        let read = all.filter_map(|(image, digest)| Some((image.parse().ok()?, digest.as_str()?.to_owned())));
        Self(read.collect())
    }

    /// Puts the digests into an object.
    pub fn fix(&self, object: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        let Some(pod) = pod(object) else { return };
        for list in CONTAINERS {
            for container in items(pod.get_mut(list)) {
                self.put(container.get_mut("image"));
            }
        }
        for volume in items(pod.get_mut("volumes")) {
            self.put(volume.pointer_mut("/image/reference"));
        }
    }

    fn put(&self, field: Option<&mut Value>) {
        let Some(Value::String(text)) = field else { return };
        let Ok(image) = text.parse::<Image>() else { return };
        let Some(digest) = self.0.get(&image) else { return };
        let is_bare = text.rsplit('/').next().is_some_and(|name| !name.contains(':'));
        let tag = image.tag.filter(|_| is_bare).map(|tag| format!(":{tag}")).unwrap_or_default();
        *text = format!("{text}{tag}@{digest}");
    }
}

/// The specification of the pods that an object is, or that Kubernetes makes from it.
fn pod(object: &mut Value) -> Option<&mut Value> {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let way = match (text("apiVersion")?, text("kind")?) {
        ("v1", "Pod") => "/spec",
        ("v1", "PodTemplate") => "/template/spec",
        ("v1", "ReplicationController") => "/spec/template/spec",
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") => "/spec/template/spec",
        ("batch/v1", "Job") => "/spec/template/spec",
        ("batch/v1", "CronJob") => "/spec/jobTemplate/spec/template/spec",
        _ => return None,
    };
    object.pointer_mut(way)
}

fn items(list: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    list.and_then(Value::as_array_mut).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// From a pod's specification to the object around it.
    type Way = fn(Value) -> Value;

    fn digest() -> String {
        format!("sha256:{}", "a".repeat(64))
    }

    fn fixing(names: &[&str]) -> FixedImages {
        let all: serde_json::Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), json!(digest()))).collect();
        FixedImages::taken(&mut json!({ IMAGES: all }))
    }

    fn spec() -> Value {
        json!({
            "containers": [{"name": "a", "image": "redis:8"}, {"name": "b", "image": "quay.io/org/b:1"}],
            "initContainers": [{"name": "c", "image": "docker.io/library/redis:8"}, {"name": "d"}],
            "volumes": [{"name": "v", "image": {"reference": "redis:8"}}, {"name": "w", "emptyDir": {}}],
        })
    }

    fn with_digests() -> Value {
        let redis = format!("redis:8@{}", digest());
        json!({
            "containers": [{"name": "a", "image": redis}, {"name": "b", "image": "quay.io/org/b:1"}],
            "initContainers": [{"name": "c", "image": format!("docker.io/library/{redis}")}, {"name": "d"}],
            "volumes": [{"name": "v", "image": {"reference": redis}}, {"name": "w", "emptyDir": {}}],
        })
    }

    #[test]
    fn every_way_to_pods_is_gone_and_nothing_else_changes() {
        let ways: [(&str, &str, Way); 5] = [
            ("v1", "Pod", |pod| json!({ "spec": pod })),
            ("v1", "PodTemplate", |pod| json!({ "template": { "spec": pod } })),
            (
                "apps/v1",
                "Deployment",
                |pod| json!({ "spec": { "replicas": 0, "template": { "spec": pod } } }),
            ),
            ("batch/v1", "Job", |pod| json!({ "spec": { "template": { "spec": pod } } })),
            (
                "batch/v1",
                "CronJob",
                |pod| json!({ "spec": { "jobTemplate": { "spec": { "template": { "spec": pod } } } } }),
            ),
        ];
        for (version, kind, way) in ways {
            let whole = |pod: Value| {
                let mut object = way(pod);
                object["apiVersion"] = json!(version);
                object["kind"] = json!(kind);
                object["metadata"] = json!({ "name": "redis:8" });
                object
            };
            let mut object = whole(spec());
            fixing(&["docker.io/library/redis:8"]).fix(&mut object);
            assert_eq!(object, whole(with_digests()), "{kind}");
            let once = object.clone();
            fixing(&["docker.io/library/redis:8"]).fix(&mut object);
            assert_eq!(object, once, "what has a digest keeps it");
        }
    }

    #[test]
    fn what_an_operator_reads_and_what_only_looks_like_an_image_stays() {
        let map = fixing(&["docker.io/library/redis:8"]);
        for object in [
            json!({"apiVersion": "redis.example.com/v1", "kind": "Redis", "spec": {"image": "redis:8"}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"image": "redis:8"}}),
            json!({"apiVersion": "apps.example.com/v1", "kind": "Deployment", "spec": {"template": {"spec": spec()}}}),
            json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": {"image": "redis:8"}}}),
            json!({"apiVersion": "v1", "kind": "Pod", "spec": "redis:8"}),
            json!("redis:8"),
        ] {
            let mut after = object.clone();
            map.fix(&mut after);
            assert_eq!(after, object);
        }
    }

    #[test]
    fn a_name_without_a_tag_means_latest_and_says_so() {
        let pod = |image: &str| json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": image}]}});
        for (before, after) in [
            ("redis", format!("redis:latest@{}", digest())),
            ("r.example.com:5000/a", format!("r.example.com:5000/a:latest@{}", digest())),
            ("r.example.com:5000/a:1", "r.example.com:5000/a:1".to_owned()),
            ("not an image", "not an image".to_owned()),
        ] {
            let mut object = pod(before);
            fixing(&["docker.io/library/redis:latest", "r.example.com:5000/a:latest"]).fix(&mut object);
            assert_eq!(object, pod(&after));
        }
    }

    #[test]
    fn what_is_taken_is_gone_and_what_is_none_is_nothing() {
        let mut values = json!({ "replicas": 2, IMAGES: { "redis:8": digest(), "Not One": "x", "a:1": 3 } });
        assert_eq!(FixedImages::taken(&mut values).0.len(), 1);
        assert_eq!(values, json!({ "replicas": 2 }));
        assert_eq!(FixedImages::taken(&mut json!([1])), FixedImages::default());
    }
}
