//! A release: an immutable set of product versions and a Kubernetes version, in
//! `releases/ID.yaml`, with the lock that `release cut` writes under it.

use std::collections::BTreeMap;

use super::image::Image;
use super::{Kind, Metadata, ProductName, ReleaseId};
use crate::digest::Digest;
use crate::version::{KubeVersion, Version};
use crate::yaml::Spanned;

/// `releases/ID.yaml`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReleaseFile {
    /// Always `tidegate.dev/v1`.
    pub api_version: Spanned<String>,
    /// Always `Release`.
    pub kind: Spanned<Kind>,
    /// The release's id.
    pub metadata: Metadata<ReleaseId>,
    /// What the release contains.
    pub spec: Release,
    /// What `release cut` fixed; absent until then. Never edited by hand.
    #[serde(default)]
    pub lock: Option<Spanned<Lock>>,
}

/// An immutable set of product versions.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Release {
    /// A nickname for people.
    #[serde(default)]
    pub title: Option<String>,
    /// The release it follows; the first one has none.
    #[serde(default)]
    pub parent: Option<Spanned<ReleaseId>>,
    /// `normal`, or `hotfix` for a small change that may overtake.
    #[serde(default)]
    pub lane: Spanned<Lane>,
    /// Hotfixes whose changes this release contains although they are no ancestors.
    #[serde(default)]
    pub includes: Vec<Spanned<ReleaseId>>,
    /// Products that it takes away on purpose.
    #[serde(default)]
    pub removes: Vec<Spanned<ProductName>>,
    /// Products that it lowers on purpose.
    #[serde(default)]
    pub lowers: Vec<Spanned<ProductName>>,
    /// The Kubernetes version: a minor (`"1.36"`) or full (`"1.36.3"`).
    pub kubernetes: Spanned<KubeVersion>,
    /// Each product's version.
    pub products: BTreeMap<Spanned<ProductName>, Spanned<Version>>,
    /// What people should know; not part of the digest.
    #[serde(default)]
    pub notes: Option<String>,
}

/// Which waves of a pipeline a release goes through.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Every wave, in order.
    #[default]
    Normal,
    /// The short way for an urgent change.
    Hotfix,
}

impl std::fmt::Display for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Normal => "normal",
            Self::Hotfix => "hotfix",
        })
    }
}

/// What `release cut` fixed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Lock {
    /// The lock's format number: 1, or 2 if it has the digests of images.
    pub format: u32,
    /// The release digest: over format, name, lane, parent digest, includes, removes, lowers,
    /// kubernetes and products (name, version, digest); in format 2 also over the images.
    pub digest: Digest,
    /// The parent's release digest, if it has a parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Digest>,
    /// Who ran `release cut`, by git's `user.email`; gates that want other eyes read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_by: Option<String>,
    /// Each product's content, in order of names.
    pub products: BTreeMap<ProductName, LockedProduct>,
    /// The images that products declare (with default values), sorted. In format 1 as the files write
    /// them; in format 2 with full names and digests: what a tag named as NAME:TAG@DIGEST, what a file
    /// fixed itself as NAME@DIGEST.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
}

impl Lock {
    /// The format of a lock without digests of images.
    pub const FORMAT: u32 = 1;
    /// The format of a lock with them. Its fields are those of format 1, so that a program which knows only
    /// that one can read it and refuse it by its number.
    pub const WITH_DIGESTS: u32 = 2;

    /// The images with their digests, which the release digest covers. Nothing in format 1.
    pub fn fixed_images(&self) -> &[String] {
        if self.format == Self::WITH_DIGESTS { &self.images } else { &[] }
    }

    /// What each tag named when the release was cut: images by tag, with their digests. Nothing in format 1.
    pub fn image_digests(&self) -> BTreeMap<Image, String> {
        let read = self.fixed_images().iter().filter_map(|text| text.parse::<Image>().ok());
        let tagged = read.filter(|image| image.tag.is_some());
        tagged.filter_map(|mut image| image.digest.take().map(|digest| (image, digest))).collect()
    }
}

/// The key under which what a lock says of images stands among effective values. No product has it.
pub const IMAGES: &str = "tidegate.dev/images";

/// One product's content, fixed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LockedProduct {
    /// The version.
    pub version: Version,
    /// The git commit whose tree holds the content.
    pub commit: String,
    /// The product digest.
    pub digest: Digest,
}
