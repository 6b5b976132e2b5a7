//! Tools: values whose key says whose version they are. `helm: { version: v3.19.0 }` and `helmVersion: v3.19.0`
//! name the tool `github:helm/helm`; a version in a script or an address is only mentioned.

use super::drafts::{Found, Target, Use};
use super::trail::{Trail, written};
use super::types::{Left, Part, Reason};
use crate::catalog::images::keys::is_templated;
use crate::yaml::edit::Way;
use crate::yaml::{Mapping, Node, Value};

/// Words behind a tool's name that make a key its version.
const VERSIONS: [&str; 2] = ["version", "tag"];
/// Keys of what is a digest of the tool, beside its version.
const DIGESTS: [&str; 4] = ["sha256", "digest", "checksum", "sha512"];

/// Looks for the versions of a tool, by the last part of its project's name.
pub(super) struct Look<'f> {
    tool: String,
    trail: Trail,
    found: &'f mut Found,
}

impl<'f> Look<'f> {
    /// Looks through the value behind a way; `at` is the way, and the same in words.
    pub fn through(project: &str, at: (Way, &str), node: &Node, found: &'f mut Found) {
        let tool = folded(project.rsplit(['/', ':']).next().unwrap_or(project));
        let mut look = Self { tool, trail: Trail::behind(at), found };
        look.node(node, false);
    }

    /// `own` says that the node is the value of a key that is the tool's name.
    fn node(&mut self, node: &Node, own: bool) {
        match &node.value {
            Value::Sequence(items) => {
                for (number, item) in items.iter().enumerate() {
                    let mark = self.trail.item(number);
                    self.node(item, false);
                    self.trail.back(mark);
                }
            }
            Value::Mapping(mapping) => {
                for (number, (key, child)) in mapping.iter().enumerate() {
                    let name = folded(&key.text);
                    if child.is_scalar() && self.is_key(&VERSIONS, &name, own) {
                        self.version(mapping, number, own);
                    } else {
                        let mark = self.trail.key(number, &key.text);
                        self.node(child, name == self.tool);
                        self.trail.back(mark);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether a key is one of these of the tool: by its name, or beside its name.
    fn is_key(&self, words: &[&str], key: &str, own: bool) -> bool {
        let behind = key.strip_prefix(self.tool.as_str()).unwrap_or_default();
        words.contains(&behind) || own && words.contains(&key)
    }

    /// The version that a key of a mapping says, with the digests beside it.
    fn version(&mut self, mapping: &Mapping, number: usize, own: bool) {
        let Some(target) = self.target(mapping, number) else { return };
        let keys = mapping.keys().enumerate();
        let digests: Vec<usize> = keys
            .filter(|(_, key)| self.is_key(&DIGESTS, &folded(key), own))
            .map(|(number, _)| number)
            .collect();
        let digests = digests.into_iter().filter_map(|number| self.target(mapping, number));
        let digests: Vec<Target> = digests.filter(|target| !target.text.is_empty()).collect();
        if digests.iter().chain([&target]).any(|part| is_templated(&part.place)) {
            self.found.left.push(Left::new(&target.place, target.place.text(), Reason::Templated));
            return;
        }
        self.found.uses.push(Use { digests, any_v: true, ..Use::bare(Part::Tool, target) });
    }

    fn target(&mut self, mapping: &Mapping, number: usize) -> Option<Target> {
        let (key, node) = mapping.iter().nth(number)?;
        Some(self.trail.below(number, &key.text, &node.place, written(node)?))
    }
}

/// A key without case, dashes and underscores.
fn folded(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '-' | '_' | '.')).map(|c| c.to_ascii_lowercase()).collect()
}
