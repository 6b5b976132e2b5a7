//! What is found in a file before anything is decided: every place that names the source, at whatever
//! version, and what only comes near to it.

use super::types::{Digests, Left, Part};
use crate::catalog::images::keys::Parts;
use crate::diag::Place;
use crate::model::image::is_digest;
use crate::yaml::edit::Way;

/// A scalar that can be changed.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Where it stands.
    pub place: Place,
    /// The way to it; none in a file that is only text, where the place is all there is.
    pub way: Option<Way>,
    /// The way in words.
    pub field: String,
    /// Its text.
    pub text: String,
}

/// A place that names the source at a version.
#[derive(Debug, Clone)]
pub(super) struct Use {
    /// What it is.
    pub part: Part,
    /// The version that it names.
    pub version: String,
    /// The scalar that says the version; none where only a digest stands here and the version elsewhere.
    pub target: Option<Target>,
    /// What the scalar says before the version: of a whole reference its repository.
    pub prefix: String,
    /// The digest in the same scalar.
    pub digest: Option<String>,
    /// Digests of it in scalars of their own.
    pub digests: Vec<Target>,
    /// Digests in another file that go on counting here.
    pub inherited: Vec<Place>,
    /// Whether the product's values, which stand above it, name a version for it.
    pub overridden: bool,
    /// Whether a `v` more or less before the version means nothing here.
    pub any_v: bool,
}

impl Use {
    /// A scalar that says nothing but a version.
    pub fn bare(part: Part, target: Target) -> Self {
        let parts = Parts::of(&target.text);
        Self {
            part,
            version: parts.name.to_owned(),
            prefix: String::new(),
            digest: parts.digest.map(str::to_owned),
            target: Some(target),
            digests: Vec::new(),
            inherited: Vec::new(),
            overridden: false,
            any_v: false,
        }
    }

    /// A whole reference; nothing if it has no tag.
    pub fn whole(target: Target) -> Option<Self> {
        let parts = Parts::of(&target.text);
        let (name, version) = (parts.name.to_owned(), parts.tag?.to_owned());
        let digest = parts.digest.map(str::to_owned);
        Some(Self { version, prefix: format!("{name}:"), digest, ..Self::bare(Part::Image, target) })
    }

    /// Where it is shown.
    pub fn place(&self) -> Option<&Place> {
        self.target.as_ref().or(self.digests.first()).map(|target| &target.place)
    }

    /// Whether it names this version.
    pub fn names(&self, version: &str) -> bool {
        self.version == version || self.any_v && without_v(&self.version) == without_v(version)
    }

    /// The text of its scalar at another version.
    pub fn text_at(&self, version: &str, digests: &Digests) -> String {
        let version = match (self.any_v, self.version.starts_with('v')) {
            (false, _) => version.to_owned(),
            (true, true) => format!("v{}", without_v(version)),
            (true, false) => without_v(version).to_owned(),
        };
        let digest = match (&self.digest, digests) {
            (None, _) | (_, Digests::Drop) => String::new(),
            (Some(_), Digests::Become(digest)) => format!("@{digest}"),
            (Some(old), Digests::Refuse) => format!("@{old}"),
        };
        format!("{}{version}{digest}", self.prefix)
    }

    /// The places of digests that a new version would leave behind.
    pub fn stale(&self) -> Vec<&Place> {
        let own = self.target.as_ref().filter(|_| self.digest.is_some());
        own.into_iter().chain(&self.digests).map(|target| &target.place).collect()
    }
}

fn without_v(version: &str) -> &str {
    match version.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => version,
    }
}

/// Whether a digest can stand where an old one does: both are of one algorithm, which the old one and its key
/// say.
pub(super) fn takes(target: &Target, digest: &str) -> bool {
    let new = digest.split(':').next().unwrap_or_default();
    let key = target.field.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let named = ["sha1", "sha224", "sha384", "sha512", "md5"].iter().find(|name| key.contains(*name));
    let named = named.copied().or_else(|| key.contains("sha256").then_some("sha256"));
    let text = target.text.trim();
    let written = if text.contains(':') { text.to_owned() } else { format!("{new}:{text}") };
    named.is_none_or(|named| named == new)
        && is_digest(&written.to_ascii_lowercase())
        && written.split(':').next() == Some(new)
}

/// The text of a digest's scalar: in the form in which the old one is written.
pub(super) fn digest_text(old: &str, digests: &Digests) -> String {
    match digests {
        Digests::Become(digest) if old.contains(':') => digest.clone(),
        // Some charts write the digits alone.
        Digests::Become(digest) => digest.rsplit(':').next().unwrap_or(digest).to_owned(),
        Digests::Drop => String::new(),
        Digests::Refuse => old.to_owned(),
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Places that name the source.
    pub uses: Vec<Use>,
    /// What comes near to it.
    pub left: Vec<Left>,
    /// Whether the image is named without any tag, so that a chart's `appVersion` says it.
    pub untagged: bool,
}
