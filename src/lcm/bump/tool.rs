//! Tools: values whose key says whose version they are. `helm: { version: v3.19.0 }` and `helmVersion: v3.19.0`
//! name the tool `github:helm/helm`; a version in a script or an address is only mentioned.

use super::drafts::{Found, Target, Use};
use super::image::is_templated;
use super::types::{Left, Part, Reason};
use crate::yaml::edit::Way;
use crate::yaml::{Mapping, Node, Value};

/// Words behind a tool's name that make a key its version.
const VERSIONS: [&str; 2] = ["version", "tag"];
/// Keys of what is a digest of the tool, beside its version.
const DIGESTS: [&str; 4] = ["sha256", "digest", "checksum", "sha512"];

/// Looks for the versions of a tool, by the last part of its project's name.
pub(super) struct Look<'f> {
    tool: String,
    way: Way,
    field: String,
    found: &'f mut Found,
}

impl<'f> Look<'f> {
    /// Looks through the value behind a way; `field` is the way in words.
    pub fn through(project: &str, (way, field): (Way, &str), node: &Node, found: &'f mut Found) {
        let tool = folded(project.rsplit(['/', ':']).next().unwrap_or(project));
        let mut look = Self { tool, way, field: field.to_owned(), found };
        look.node(node, false);
    }

    /// `own` says that the node is the value of a key that is the tool's name.
    fn node(&mut self, node: &Node, own: bool) {
        match &node.value {
            Value::Sequence(items) => {
                for (number, item) in items.iter().enumerate() {
                    self.step(number, &format!("[{number}]"), |look| look.node(item, false));
                }
            }
            Value::Mapping(mapping) => {
                for (number, (key, child)) in mapping.iter().enumerate() {
                    let name = folded(&key.text);
                    let dot = if self.field.is_empty() { "" } else { "." };
                    self.step(number, &format!("{dot}{}", key.text), |look| {
                        if child.is_scalar() && look.is_version(&name, own) {
                            look.version(mapping, child, own);
                        } else {
                            look.node(child, name == look.tool);
                        }
                    });
                }
            }
            _ => {}
        }
    }

    fn is_version(&self, key: &str, own: bool) -> bool {
        let behind = key.strip_prefix(self.tool.as_str()).unwrap_or_default();
        VERSIONS.contains(&behind) || own && VERSIONS.contains(&key)
    }

    fn version(&mut self, beside: &Mapping, node: &Node, own: bool) {
        let Some(target) = self.target(node) else { return };
        let digests = beside.iter().enumerate().filter(|(_, (key, _))| {
            let key = folded(&key.text);
            let behind = key.strip_prefix(self.tool.as_str()).unwrap_or_default();
            DIGESTS.contains(&behind) || own && DIGESTS.contains(&key.as_str())
        });
        let digests = digests.filter_map(|(number, (key, digest))| {
            let mut target = self.target(digest).filter(|target| !target.text.is_empty())?;
            if let Some(last) = target.way.as_mut().and_then(|way| way.steps.last_mut()) {
                *last = number;
            }
            let folder = self.field.rfind('.').and_then(|dot| self.field.get(..=dot)).unwrap_or_default();
            target.field = format!("{folder}{}", key.text);
            Some(target)
        });
        let digests: Vec<Target> = digests.collect();
        if digests.iter().chain([&target]).any(|part| is_templated(&part.place)) {
            self.found.left.push(Left::new(&target.place, target.place.text(), Reason::Templated));
            return;
        }
        self.found.uses.push(Use { digests, any_v: true, ..Use::bare(Part::Tool, target) });
    }

    fn target(&self, node: &Node) -> Option<Target> {
        let text = match &node.value {
            Value::String(text) => text.clone(),
            Value::Integer(_) | Value::Unsigned(_) | Value::Float(_) => node.place.text().to_owned(),
            _ => return None,
        };
        let (way, field) = (Some(self.way.clone()), self.field.clone());
        Some(Target { place: node.place.clone(), way, field, text })
    }

    fn step(&mut self, number: usize, name: &str, inside: impl FnOnce(&mut Self)) {
        let length = self.field.len();
        self.way.steps.push(number);
        self.field.push_str(name);
        inside(self);
        self.way.steps.pop();
        self.field.truncate(length);
    }
}

/// A key without case, dashes and underscores.
fn folded(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '-' | '_' | '.')).map(|c| c.to_ascii_lowercase()).collect()
}
