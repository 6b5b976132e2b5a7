//! Which resource a kind is: its path, and whether it lives in namespaces. Asked once per connection;
//! a group is asked again after a definition of it was applied. A fleet's API servers mostly serve the
//! same: what one of them said is read once for all who say the same.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::apply::{Kind as ObjectKind, ObjectId};
use crate::digest::{self, Digest};
use crate::json::{list, text};

use super::wire::{Ask, Form, escape};
use super::{Cluster, Error, Kind, Outcome};

/// How many different answers are remembered: a fleet has one for each of its versions of Kubernetes and
/// sets of definitions, and one more while definitions come.
const REMEMBERED: usize = 16;

/// What API servers were found to serve, by what they said; the newest first. Clones are the same.
#[derive(Clone, Default)]
pub struct Discoveries(Arc<Mutex<VecDeque<Said>>>);

/// What was said, and what it means.
type Said = (Digest, Arc<Served>);

impl Discoveries {
    /// What an API server serves that said this.
    fn read(&self, texts: &[String]) -> Result<Arc<Served>, serde_json::Error> {
        let said = digest::bytes(texts.concat().as_bytes());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().position(|(digest, _)| *digest == said);
        let entry = match found.and_then(|at| known.remove(at)) {
            Some(entry) => entry,
            None => {
                let mut served = Served::default();
                for text in texts {
                    served.read(&text.parse()?);
                }
                (said, Arc::new(served))
            }
        };
        let served = Arc::clone(&entry.1);
        known.push_front(entry);
        known.truncate(REMEMBERED);
        Ok(served)
    }
}

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

/// What is being done, in words.
const ASKING: &str = "asking what the API server serves";

/// One resource of an API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub kind: ObjectKind,
    pub plural: String,
    pub namespaced: bool,
}

impl Resource {
    /// The path of all objects, or of those of one namespace.
    pub fn collection(&self, namespace: Option<&str>) -> String {
        let root = if self.kind.group.is_empty() { "/api" } else { "/apis" };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => {
                let namespace = escape(namespace);
                format!("{root}/{}/namespaces/{namespace}/{}", self.kind.api_version(), self.plural)
            }
            None => format!("{root}/{}/{}", self.kind.api_version(), self.plural),
        }
    }

    /// The path of one object.
    pub fn path(&self, id: &ObjectId) -> String {
        format!("{}/{}", self.collection(Some(&id.namespace)), escape(&id.name))
    }
}

/// What an API server serves, in its own order of preference of versions.
#[derive(Debug, Clone, Default)]
pub(super) struct Served {
    resources: BTreeMap<ObjectKind, Resource>,
    /// The preferred version of each group and kind.
    preferred: BTreeMap<(String, String), String>,
}

impl Served {
    pub fn get(&self, kind: &ObjectKind) -> Option<&Resource> {
        self.resources.get(kind)
    }

    /// The kind in that version, else in the one that the server prefers.
    pub fn any_version(&self, kind: &ObjectKind) -> Option<&Resource> {
        self.get(kind).or_else(|| {
            let version = self.preferred.get(&(kind.group.clone(), kind.kind.clone()))?;
            self.get(&ObjectKind { version: version.clone(), ..kind.clone() })
        })
    }

    fn add(&mut self, resource: Resource) {
        let kind = resource.kind.clone();
        self.preferred.entry((kind.group.clone(), kind.kind.clone())).or_insert(kind.version.clone());
        self.resources.insert(kind, resource);
    }

    fn read(&mut self, said: &Value) {
        for group in list(said, "/items") {
            let name = text(group, "/metadata/name");
            for version in list(group, "/versions") {
                for resource in list(version, "/resources") {
                    let kind = text(resource, "/responseKind/kind");
                    let plural = text(resource, "/resource");
                    if kind.is_empty() || plural.is_empty() {
                        continue;
                    }
                    self.add(Resource {
                        kind: ObjectKind {
                            group: name.to_owned(),
                            version: text(version, "/version").to_owned(),
                            kind: kind.to_owned(),
                        },
                        plural: plural.to_owned(),
                        namespaced: text(resource, "/scope") == "Namespaced",
                    });
                }
            }
        }
    }
}

impl Cluster {
    /// What the server serves; asked at the first call.
    pub(super) async fn served(&self) -> Outcome<Arc<Served>> {
        let mut known = self.inner.served.lock().await;
        if let Some(served) = known.as_ref() {
            return Ok(Arc::clone(served));
        }
        let mut texts = Vec::new();
        for path in ["/api", "/apis"] {
            let ask = Ask::get(path).accept(AGGREGATED).form(Form::Text);
            if let Some(Value::String(text)) = self.read_by(&ask, ASKING).await? {
                texts.push(text);
            }
        }
        let read = self.inner.discoveries.read(&texts);
        let broken = |e| Error::new(Kind::Unreachable, format!("{ASKING}: the answer is no JSON: {e}"));
        let served = read.map_err(broken)?;
        *known = Some(Arc::clone(&served));
        Ok(served)
    }

    /// Asks for one group and version again; whether it now serves the kind.
    pub(super) async fn look_again(&self, kind: &ObjectKind) -> Outcome<bool> {
        let root = if kind.group.is_empty() { "/api" } else { "/apis" };
        let path = format!("{root}/{}", kind.api_version());
        let said = self.read(&path, super::wire::JSON, ASKING).await?;
        let mut served = (*self.served().await?).clone();
        for resource in list(&said.unwrap_or_default(), "/resources") {
            let plural = text(resource, "/name");
            // `deployments/status` and the like are parts of a resource.
            if plural.contains('/') {
                continue;
            }
            served.add(Resource {
                kind: ObjectKind { kind: text(resource, "/kind").to_owned(), ..kind.clone() },
                plural: plural.to_owned(),
                namespaced: resource.get("namespaced").and_then(Value::as_bool) == Some(true),
            });
        }
        let found = served.get(kind).is_some();
        *self.inner.served.lock().await = Some(Arc::new(served));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_again_is_read_once_and_what_is_long_ago_is_forgotten() {
        let known = Discoveries::default();
        let said = |group: &str| {
            let version = serde_json::json!({"version": "v1", "resources": [
                {"resource": "things", "responseKind": {"kind": "Thing"}, "scope": "Namespaced"}]});
            let group = serde_json::json!({"metadata": {"name": group}, "versions": [version]});
            [serde_json::json!({"items": [group]}).to_string()]
        };
        let first = known.read(&said("a")).unwrap();
        assert!(first.get(&ObjectKind::parse("a/v1", "Thing")).is_some_and(|r| r.namespaced));
        assert!(Arc::ptr_eq(&first, &known.read(&said("a")).unwrap()));
        for n in 0..REMEMBERED {
            assert!(
                known
                    .read(&said(&format!("g{n}")))
                    .unwrap()
                    .get(&ObjectKind::parse("a/v1", "Thing"))
                    .is_none()
            );
        }
        assert!(!Arc::ptr_eq(&first, &known.read(&said("a")).unwrap()));
        assert!(known.read(&["<html>".to_owned()]).is_err());
    }

    #[test]
    fn a_name_stays_one_segment_of_its_path_whatever_is_in_it() {
        let kind = ObjectKind::parse("rbac.authorization.k8s.io/v1", "Role");
        let resource = Resource { kind, plural: "roles".to_owned(), namespaced: true };
        let path = |name: &str| {
            resource.path(&ObjectId {
                group: resource.kind.group.clone(),
                kind: "Role".to_owned(),
                namespace: "shop".to_owned(),
                name: name.to_owned(),
            })
        };
        let base = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles";
        assert_eq!(path("reader.v1"), format!("{base}/reader.v1"));
        assert_eq!(path("system:foo/bar"), format!("{base}/system%3Afoo%2Fbar"));
        assert_eq!(path("a%2Fb?x=y#z"), format!("{base}/a%252Fb%3Fx%3Dy%23z"));
        assert_eq!(path("größe"), format!("{base}/gr%C3%B6%C3%9Fe"));
    }
}
