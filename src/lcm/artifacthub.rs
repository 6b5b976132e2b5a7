//! What the makers of a chart tell Artifact Hub about a version, in annotations whose values are texts that
//! hold YAML (artifacthub.io/docs/topics/annotations/helm).
//!
//! People write them by hand and nothing checks them: what can be read counts, and for the rest there are
//! notes. None of it decides whether a version is newer, but for the mark of a prerelease.

use std::collections::BTreeMap;

use super::index::written;
use crate::diag::{Source, count};
use crate::yaml::{self, Node};

const CHANGES: &str = "artifacthub.io/changes";
const CRDS: &str = "artifacthub.io/crds";
const IMAGES: &str = "artifacthub.io/images";
const LICENSE: &str = "artifacthub.io/license";
const LINKS: &str = "artifacthub.io/links";
const PRERELEASE: &str = "artifacthub.io/prerelease";
const SECURITY: &str = "artifacthub.io/containsSecurityUpdates";

/// More of them than this in one list are no help to anybody.
const MOST: usize = 1000;

/// What is told of a version.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// What changed since the version before.
    pub changes: Vec<Change>,
    /// The images that it runs.
    pub images: Vec<ChartImage>,
    /// Whether it fixes something about security.
    pub security_updates: bool,
    /// Whether it is a prerelease, whatever its version looks like.
    pub prerelease: bool,
    /// An SPDX identifier.
    pub license: Option<String>,
    /// Pages about it.
    pub links: Vec<Link>,
    /// The kinds of resources that it defines.
    pub crds: Vec<Crd>,
    /// What could not be read, a sentence each.
    pub notes: Vec<String>,
}

/// A change.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// What kind of change; absent where nobody said.
    pub kind: Option<ChangeKind>,
    /// In words.
    pub description: String,
    /// Where to read more.
    pub links: Vec<Link>,
}

/// Kinds of changes, as in keepachangelog.com.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Something new.
    Added,
    /// Something is different.
    Changed,
    /// Something will be removed.
    Deprecated,
    /// Something is gone.
    Removed,
    /// Something works again.
    Fixed,
    /// Something was dangerous.
    Security,
}

/// A named page.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// An image that a chart runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ChartImage {
    /// What its makers call it.
    pub name: Option<String>,
    /// The image, as it is written.
    pub image: String,
    /// The platforms that it is built for.
    pub platforms: Vec<String>,
    /// Whether its makers do not want it to be looked at for vulnerabilities.
    pub whitelisted: bool,
}

/// A kind of resources.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Crd {
    /// The kind.
    pub kind: String,
    /// The version of its API.
    pub version: Option<String>,
    /// The name of its definition.
    pub name: Option<String>,
}

impl ChangeKind {
    /// Reads its word, in any case.
    fn read(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "added" => Self::Added,
            "changed" => Self::Changed,
            "deprecated" => Self::Deprecated,
            "removed" => Self::Removed,
            "fixed" => Self::Fixed,
            "security" => Self::Security,
            _ => return None,
        })
    }
}

/// Whether an annotation is one of those that are read.
pub fn reads(name: &str) -> bool {
    [CHANGES, CRDS, IMAGES, LICENSE, LINKS, PRERELEASE, SECURITY].contains(&name)
}

/// Whether a version is marked as a prerelease; a mark that can't be read is none.
pub fn is_prerelease(annotations: &BTreeMap<String, String>) -> bool {
    annotations.get(PRERELEASE).and_then(|text| truth(text)).unwrap_or(false)
}

/// Reads the annotations of a version.
pub fn told(annotations: &BTreeMap<String, String>) -> Told {
    let mut notes = Notes::default();
    let text = |name: &str| annotations.get(name).map_or("", |text| text.trim());
    let told = Told {
        changes: notes.list(CHANGES, text(CHANGES), change),
        images: notes.list(IMAGES, text(IMAGES), image),
        security_updates: notes.flag(SECURITY, text(SECURITY)),
        prerelease: notes.flag(PRERELEASE, text(PRERELEASE)),
        license: Some(text(LICENSE).to_owned()).filter(|text| !text.is_empty()),
        links: notes.list(LINKS, text(LINKS), |node| link(node).ok_or_else(|| "it has no `url`".to_owned())),
        crds: notes.list(CRDS, text(CRDS), crd),
        notes: Vec::new(),
    };
    Told { notes: notes.0, ..told }
}

/// What could not be read.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn flag(&mut self, name: &str, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        truth(text).unwrap_or_else(|| {
            self.0.push(format!("`{name}` is neither true nor false: `{}`", short(text)));
            false
        })
    }

    /// Reads a list; items that can't be read are left out.
    fn list<T>(&mut self, name: &str, text: &str, read: fn(&Node) -> Result<T, String>) -> Vec<T> {
        let node = match yaml::parse(&Source::new(name, text)) {
            Ok(None) => return Vec::new(),
            Ok(Some(node)) => node,
            Err(findings) => {
                let why = findings.errors().next().map_or("", |finding| &finding.message);
                self.0.push(format!("`{name}` can't be read: {why}"));
                return Vec::new();
            }
        };
        let Some(items) = node.as_sequence() else {
            self.0.push(format!("`{name}` is {}, where a list is expected", node.value.kind()));
            return Vec::new();
        };
        if items.len() > MOST {
            self.0.push(format!("`{name}` has {}; {MOST} are read", count(items.len(), "item")));
        }
        let mut all = Vec::new();
        for (index, item) in items.iter().take(MOST).enumerate() {
            match read(item) {
                Ok(one) => all.push(one),
                Err(why) => self.0.push(format!("item {} of `{name}` can't be read: {why}", index + 1)),
            }
        }
        all
    }
}

/// The words of Go's `strconv.ParseBool`, which Artifact Hub reads.
fn truth(text: &str) -> Option<bool> {
    match text.trim() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The begin of a text, for a note.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn field(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(written).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn items<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    node.get(key).and_then(Node::as_sequence).unwrap_or_default()
}

fn change(node: &Node) -> Result<Change, String> {
    if let Some(description) = written(node) {
        return Ok(Change { description: description.trim().to_owned(), ..Change::default() });
    }
    if let Some(description) = field(node, "description") {
        let kind = field(node, "kind");
        let kind = kind.as_deref().and_then(ChangeKind::read);
        let links = items(node, "links").iter().filter_map(link).collect();
        return Ok(Change { kind, description, links });
    }
    // `- fix: the port`, which was meant as a text.
    match node.as_mapping().map(|mapping| (mapping.len(), mapping.iter().next())) {
        Some((1, Some((key, value)))) if key.text != "kind" && written(value).is_some() => {
            Ok(Change { description: node.place.text().to_owned(), ..Change::default() })
        }
        _ => Err("it has no `description`".to_owned()),
    }
}

fn link(node: &Node) -> Option<Link> {
    let url = field(node, "url")?;
    Some(Link { name: field(node, "name").unwrap_or_else(|| url.clone()), url })
}

fn image(node: &Node) -> Result<ChartImage, String> {
    let whitelisted = field(node, "whitelisted").and_then(|text| truth(&text)).unwrap_or(false);
    Ok(ChartImage {
        name: field(node, "name"),
        image: field(node, "image").ok_or("it has no `image`")?,
        platforms: items(node, "platforms").iter().filter_map(written).collect(),
        whitelisted,
    })
}

fn crd(node: &Node) -> Result<Crd, String> {
    Ok(Crd {
        kind: field(node, "kind").ok_or("it has no `kind`")?,
        version: field(node, "version"),
        name: field(node, "name"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotated(pairs: &[(&str, &str)]) -> Told {
        let name = |name: &str| format!("artifacthub.io/{name}");
        told(&pairs.iter().map(|(key, text)| (name(key), (*text).to_owned())).collect())
    }

    fn said(description: &str) -> Change {
        Change { description: description.to_owned(), ..Change::default() }
    }

    #[test]
    fn changes_are_texts() {
        let told = annotated(&[("changes", "- Added cool feature\n- \"Fixed: a bug\"\n- 1.10\n")]);
        assert_eq!(told.changes, [said("Added cool feature"), said("Fixed: a bug"), said("1.10")]);
        assert_eq!(told.notes, [""; 0]);
    }

    #[test]
    fn or_have_a_kind_and_links() {
        let text = "- kind: Security\n  description: CVE-2026-1\n  links:\n    - name: CVE\n      url: https://x.example/1\n    - url: https://x.example/2\n    - name: none\n- kind: odd\n  description: |\n    two\n    lines\n";
        let told = annotated(&[("changes", text)]);
        let link = |name: &str, url: &str| Link { name: name.to_owned(), url: url.to_owned() };
        assert_eq!(told.changes[0].kind, Some(ChangeKind::Security));
        assert_eq!(
            told.changes[0].links,
            [link("CVE", "https://x.example/1"), link("https://x.example/2", "https://x.example/2")]
        );
        assert_eq!((told.changes[1].kind, told.changes[1].description.as_str()), (None, "two\nlines"));
    }

    #[test]
    fn a_change_with_a_colon_that_nobody_quoted_is_still_a_text() {
        let told = annotated(&[("changes", "- fix: the port\n- kind: added\n- [a]\n")]);
        assert_eq!(told.changes, [said("fix: the port")]);
        assert_eq!(told.notes.len(), 2, "{:?}", told.notes);
    }

    #[test]
    fn images_links_and_definitions() {
        let told = annotated(&[
            (
                "images",
                "- name: a\n  image: r.example/a:1.0\n  platforms: [linux/amd64]\n- image: b\n  whitelisted: true\n- name: c\n",
            ),
            ("links", "- name: support\n  url: https://x.example\n"),
            ("crds", "- kind: Issuer\n  version: v1\n  name: issuers.x.example\n"),
            ("license", "Apache-2.0"),
        ]);
        assert_eq!(told.images.len(), 2);
        assert_eq!(
            (told.images[0].platforms.as_slice(), told.images[0].whitelisted),
            (&["linux/amd64".to_owned()][..], false)
        );
        assert!(told.images[1].whitelisted && told.images[1].name.is_none());
        assert_eq!((told.links.len(), told.crds[0].kind.as_str()), (1, "Issuer"));
        assert_eq!(told.license.as_deref(), Some("Apache-2.0"));
        assert_eq!(told.notes, ["item 3 of `artifacthub.io/images` can't be read: it has no `image`"]);
    }

    #[test]
    fn a_broken_annotation_is_a_note_and_the_others_count() {
        let told = annotated(&[
            ("changes", "- \"open"),
            ("images", "name: a"),
            ("containsSecurityUpdates", "true"),
            ("prerelease", "maybe"),
        ]);
        assert!(told.security_updates && !told.prerelease);
        assert_eq!(told.notes.len(), 3, "{:?}", told.notes);
        assert!(told.notes[1].contains("is a mapping, where a list is expected"), "{:?}", told.notes);
    }

    #[test]
    fn nothing_told_is_nothing_read() {
        assert_eq!(told(&BTreeMap::new()), Told::default());
        assert_eq!(annotated(&[("changes", ""), ("prerelease", "")]), Told::default());
    }

    #[test]
    fn a_bomb_is_a_note() {
        let mut bomb = "- &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
            bomb.push_str(&format!("- &a{n} [{aliases}]\n"));
        }
        let told = annotated(&[("changes", &bomb)]);
        assert!(told.changes.is_empty());
        assert!(told.notes[0].contains("expands to more than"), "{:?}", told.notes);
    }
}
