//! Where newer versions come from, in `pipelines/sources.yaml`: mirrors, hosts that are asked in their own
//! way, and policies for what several products use. A product says more of its own sources; how either is
//! read is for `lcm`, how hosts are asked for `adapter`.

use super::{Document, ScanSource, SourcesName};
use crate::yaml::Spanned;

/// `pipelines/sources.yaml`.
pub type SourcesFile = Document<SourcesName, Sources>;

/// How what is published somewhere else is asked for, and how far to go.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Sources {
    /// Registries of one's own that keep copies: what is pulled there has its news where it comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<Spanned<SourceMirror>>,
    /// Hosts that are asked in their own way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Spanned<SourceHost>>,
    /// Fields of custom resources that name images: clusters that are asked what runs are asked for these, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Spanned<SourceImages>>,
    /// How far to go, for what several products use; the first that fits counts. What a product says of
    /// its own source comes before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Spanned<SourcePolicy>>,
    /// Who is asked which vulnerabilities images have; of several that know an image the first counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scans: Vec<Spanned<ScanSource>>,
}

/// A copy of somebody else's repositories.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SourceMirror {
    /// Where the copies are: a registry with the first parts of the repositories' names, such as
    /// `registry.example.com/mirror/quay.io`. Of several that fit, the longest counts.
    pub at: Spanned<String>,
    /// What they are copies of, such as `quay.io`.
    pub of: Spanned<String>,
    /// Whether it fetches what it has not got as soon as somebody pulls it (a pull-through cache). What it
    /// lists is not all then, and nothing is called missing there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fetches: bool,
}

/// A host that is asked in its own way.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SourceHost {
    /// `HOST` or `HOST:PORT`, as images, charts and projects name it.
    pub host: Spanned<String>,
    /// The address that is asked instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Spanned<String>>,
    /// What it is, of a forge whose name does not tell: where pull requests are opened there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forge: Option<ForgeKind>,
    /// Whether it is asked without TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plain: bool,
    /// A file with certificates of authorities in PEM that count for this host, beside those of the
    /// system; relative to the root of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<Spanned<String>>,
    /// A file outside the repository with a client certificate and its key, both in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Spanned<String>>,
}

/// Which interface a forge has.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ForgeKind {
    /// GitHub, also on a host of one's own.
    GitHub,
    /// GitLab, also self-managed.
    GitLab,
}

/// Fields of one kind of custom resources that name images.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SourceImages {
    /// The API group, such as `monitoring.coreos.com`.
    pub group: Spanned<String>,
    /// The kind, such as `Prometheus`.
    pub kind: Spanned<String>,
    /// Ways to a name of an image, or to its parts (`registry`, `repository`, `tag`, `digest`), such as
    /// `spec.image` and `spec.containers[].image`.
    pub fields: Vec<Spanned<String>>,
}

/// How far to go with some sources.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SourcePolicy {
    /// Which: repositories of images, `CHART of REPOSITORY`, `github:OWNER/NAME`. `*` is any part of a
    /// name, `**` any number of parts.
    pub of: Spanned<String>,
    /// How far.
    pub policy: UpstreamPolicy,
}

/// How far to go: which of the published versions count. What is absent is as the policies of
/// `pipelines/sources.yaml` say, then as the rules that come with the program, then the scheme's usual.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UpstreamPolicy {
    /// How versions are read: `auto`, `docker`, `semver`, `helm`, `loose`, `redhat`, `eks-addon`, `k8s`,
    /// `date`, `lex`, `regex:RE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Spanned<String>>,
    /// The layout of the scheme `date`, in strptime's letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Spanned<String>>,
    /// The farthest step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Farthest>,
    /// Numbers that must stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinnedNumbers>,
    /// The range that a version must be in, as npm writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Spanned<String>>,
    /// If there are any, only these count: a tag or `/RE/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Spanned<String>>,
    /// These never count: a tag or `/RE/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<Spanned<String>>,
    /// These are deprecated: they do not count unless the version in use is deprecated too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip_deprecated: Vec<Spanned<String>>,
    /// If there are any, only these majors count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lts: Vec<u64>,
    /// Which prereleases count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prerelease: Option<WhichPrereleases>,
    /// `any`: missing numbers count as zero, so that 1.2 may become 1.2.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// `ignore`: the words of variants are not compared, so that 1.2-alpine may become 1.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Variant>,
    /// The most majors at once; 0 is as many as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_major_jump: Option<u64>,
    /// A text in versions, and what it is read as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace: Option<Replaced>,
    /// What is read of a version: the first group of a regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extract: Option<Spanned<String>>,
}

/// The farthest step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Farthest {
    /// Another first number.
    Major,
    /// The same first number.
    Minor,
    /// The same two first numbers.
    Patch,
}

/// Numbers of a version that must stay.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinnedNumbers {
    /// The first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub major: Option<u64>,
    /// The second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor: Option<u64>,
    /// The third.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<u64>,
}

/// Which prereleases count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhichPrereleases {
    /// From a prerelease those of the same numbers; from a release none.
    Auto,
    /// All.
    Any,
    /// Only those with the word of the version in use, and no releases.
    SameWord,
}

/// Whether a version may be written more or less exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As many numbers as now.
    Keep,
    /// Any.
    Any,
}

/// Whether another variant counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// Only the one in use.
    Keep,
    /// Any.
    Ignore,
}

/// A text that is read as another one.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// What stands in versions.
    pub from: String,
    /// What it is read as.
    pub to: String,
}
