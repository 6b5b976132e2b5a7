//! Where images stand in values and objects: which keys hold a whole reference, which hold its parts, and what
//! the parts name together. It is one rule for all who look: what a report tells, a cut fixes and `check` warns
//! of is what a bump can change. What is done with an image is theirs.

use crate::diag::Place;
use crate::model::image::Repository;
use crate::yaml::{Mapping, Node, Value};

/// Keys of a repository in an image of parts.
pub(crate) const NAMES: [&str; 4] = ["repository", "image", "imageRepository", "imageName"];
/// Keys of its tag, the usual one first.
pub(crate) const TAGS: [&str; 3] = ["tag", "imageTag", "version"];
/// Keys of its digest; `sha` has the digits alone.
pub(crate) const DIGESTS: [&str; 5] = ["digest", "imageDigest", "sha", "sha256", "digestChroot"];

/// Keys beside a repository that only an image has. A `version` is also that of a chart or of a plugin.
const MARKS: [&str; 9] = [
    "tag",
    "imageTag",
    "digest",
    "imageDigest",
    "sha",
    "sha256",
    "registry",
    "pullPolicy",
    "imagePullPolicy",
];

/// How keys among `images` end whose values are about the images, and none.
const ABOUT: [&str; 11] =
    ["registry", "tag", "version", "digest", "sha", "sha256", "policy", "secret", "secrets", "host", "url"];

/// Hosts of git, whose projects look like repositories of images and have versions.
const FORGES: [&str; 3] = ["github.com", "gitlab.com", "bitbucket.org"];

/// A reference in its parts; joined again they are the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts<'t> {
    /// The repository as it is written.
    pub name: &'t str,
    /// The tag.
    pub tag: Option<&'t str>,
    /// The digest, with its algorithm.
    pub digest: Option<&'t str>,
}

impl<'t> Parts<'t> {
    /// Takes a text apart; what is no reference falls apart all the same, and its name says so.
    pub fn of(text: &'t str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash is a port's.
        match rest.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
            Some((name, tag)) => Self { name, tag: Some(tag), digest },
            None => Self { name: rest, tag: None, digest },
        }
    }
}

/// Whether a scalar under this key is an image by its name; `[]` is the key of what stands in a list.
pub(crate) fn is_image_key(key: &str, parent: &str) -> bool {
    let ends = |ending: &str| {
        let end = key.len().checked_sub(ending.len()).and_then(|at| key.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    let is_one_of_many = parent == "images" && !ABOUT.iter().any(|about| ends(about));
    ends("image") || is_one_of_many || parent == "image" && key == "reference"
}

/// Whether a repository with nothing but a `version` beside it, under this key, is an image: its key says so,
/// or it stands at a registry's host. `is_said` tells which keys are beside it.
pub(crate) fn is_versioned(is_said: impl Fn(&str) -> bool, name: &str, (key, parent): (&str, &str)) -> bool {
    let has = |keys: &[&str]| keys.iter().any(|key| is_said(key));
    if has(&MARKS) || has(&["image", "imageRepository", "imageName"]) || is_image_key(key, parent) {
        return true;
    }
    let host = host(name).filter(|host| !FORGES.contains(host));
    host.is_some() && name.parse::<Repository>().is_ok() && key != "chart" && !has(&["chart"])
}

/// Whether a mapping says more of a repository than its name, as only images have it.
pub(super) fn is_marked(mapping: &Mapping) -> bool {
    MARKS.iter().any(|key| mapping.get(key).is_some())
}

/// The keys of a digest beside a reference: of its own name, and for the usual names those that need none.
pub(crate) fn digests_of(key: &str) -> Vec<String> {
    let of = |digest: &str| {
        let mut rest = digest.chars();
        let first = rest.next().map(|c| c.to_ascii_uppercase());
        format!("{key}{}{}", first.map(String::from).unwrap_or_default(), rest.as_str())
    };
    let own = [of("digest"), of("sha"), of("sha256")];
    let usual = DIGESTS.iter().filter(|_| NAMES.contains(&key) || key == "reference");
    let mut keys: Vec<String> = usual.map(|digest| (*digest).to_owned()).chain(own).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The registry that a chart's values say for all of its images.
pub(crate) fn registry_of(root: &Node) -> Option<&str> {
    [&["global", "imageRegistry"][..], &["global", "image", "registry"], &["global", "registry"]]
        .iter()
        .find_map(|path| root.at(path).and_then(Node::as_str).filter(|text| !text.is_empty()))
}

/// Every repository that the names of an image in parts may mean, each with the key that holds it; `own` is the
/// registry beside them, `global` the one for all images.
pub(crate) fn candidates(
    mut names: Vec<(&'static str, String)>,
    own: Option<&str>,
    global: Option<&str>,
) -> Vec<(&'static str, String)> {
    // `repository: nvcr.io/nvidia` with `image: driver`.
    if let (Some(folder), Some(image)) = (named(&names, "repository"), named(&names, "image")) {
        let joined = below(folder, image);
        names.push(("image", joined));
    }
    let at =
        |registry: &str| names.iter().map(|(key, name)| (*key, below(registry, name))).collect::<Vec<_>>();
    match (own, global) {
        (Some(own), _) => at(own),
        // Whether a template puts it before names that have a registry is not known.
        (None, Some(global)) => at(global).into_iter().chain(names.iter().cloned()).collect(),
        (None, None) => names,
    }
}

/// The one of the candidates that they mean most likely: a registry for all stands before what names none.
pub(super) fn meant(
    names: &[(&'static str, String)],
    own: Option<&str>,
    global: Option<&str>,
) -> Option<(&'static str, String)> {
    let (key, name) = match (named(names, "repository"), named(names, "image")) {
        (Some(folder), Some(image)) if host(image).is_none() => ("image", below(folder, image)),
        (_, Some(image)) => ("image", image.to_owned()),
        _ => names.first().cloned()?,
    };
    let registry = own.or_else(|| global.filter(|_| host(&name).is_none()));
    Some((key, registry.map_or_else(|| name.clone(), |registry| below(registry, &name))))
}

fn named<'n>(names: &'n [(&'static str, String)], wanted: &str) -> Option<&'n str> {
    names.iter().find(|(key, _)| *key == wanted).map(|(_, name)| name.as_str())
}

fn below(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// The host that a name begins with, if it says one (the distribution project's grammar, "domain").
fn host(name: &str) -> Option<&str> {
    let (host, _) = name.split_once('/')?;
    (host.contains(['.', ':']) || host == "localhost").then_some(host)
}

/// A scalar's text: of a string what it says, of a number what is written, of nothing the empty text.
pub(crate) fn text_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Integer(_) | Value::Unsigned(_) | Value::Float(_) => Some(node.place.text().to_owned()),
        _ => None,
    }
}

/// Whether a template writes (a part of) what stands at a place, or goes on right beside it.
pub(crate) fn is_templated(place: &Place) -> bool {
    const OPEN: [&str; 3] = ["{{", "{%", "{#"];
    let text = place.source().text();
    let behind = text.get(place.end()..).unwrap_or_default();
    let before = text.get(..place.start()).unwrap_or_default();
    OPEN.iter().any(|mark| place.text().contains(mark) || behind.starts_with(mark))
        || ["%}", "#}"].iter().any(|mark| before.ends_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag_and_a_digest_stands_apart() {
        let parts = |text| {
            let Parts { name, tag, digest } = Parts::of(text);
            (name, tag, digest)
        };
        assert_eq!(parts("r:5000/a/b"), ("r:5000/a/b", None, None));
        assert_eq!(parts("r:5000/a/b:1.2"), ("r:5000/a/b", Some("1.2"), None));
        assert_eq!(parts("a:1@sha256:0"), ("a", Some("1"), Some("sha256:0")));
        assert_eq!(parts("a@sha256:0"), ("a", None, Some("sha256:0")));
    }

    #[test]
    fn a_key_says_whether_its_text_is_an_image() {
        for (key, parent) in
            [("image", ""), ("sidecarImage", "x"), ("IMAGE", ""), ("api", "images"), ("[]", "images")]
        {
            assert!(is_image_key(key, parent), "{parent}.{key}");
        }
        for (key, parent) in [
            ("imagePullPolicy", ""),
            ("imageTag", ""),
            ("images", ""),
            ("[]", "pullSecrets"),
            ("reference", "x"),
            ("registry", "images"),
            ("imageRegistry", "images"),
            ("pullPolicy", "images"),
            ("ärger", ""),
            ("", ""),
        ] {
            assert!(!is_image_key(key, parent), "{parent}.{key}");
        }
        assert!(is_image_key("reference", "image"));
    }

    #[test]
    fn what_is_meant_is_among_the_candidates() {
        let all = |names: &[(&'static str, &str)], own, global| {
            let names: Vec<_> = names.iter().map(|(key, name)| (*key, (*name).to_owned())).collect();
            let one = meant(&names, own, global);
            let all = candidates(names, own, global);
            assert!(one.iter().all(|one| all.contains(one)), "{one:?} of {all:?}");
            one.map(|(key, name)| format!("{key} {name}")).unwrap_or_default()
        };
        assert_eq!(all(&[("repository", "a/b")], Some("q.io/"), Some("g.io")), "repository q.io/a/b");
        assert_eq!(all(&[("repository", "a/b")], None, Some("g.io")), "repository g.io/a/b");
        assert_eq!(all(&[("repository", "q.io/a")], None, Some("g.io")), "repository q.io/a");
        let both = [("repository", "nvcr.io/nvidia"), ("image", "driver")];
        assert_eq!(all(&both, None, None), "image nvcr.io/nvidia/driver");
        assert_eq!(all(&[("repository", "x"), ("image", "q.io/a")], None, None), "image q.io/a");
        assert_eq!(all(&[("imageName", "a")], None, None), "imageName a");
        assert_eq!(all(&[], Some("q.io"), None), "");
    }
}
