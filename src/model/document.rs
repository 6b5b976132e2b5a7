//! What every file of ours has in common: `apiVersion: tidegate.dev/v1`, `kind`, `metadata` and
//! `spec`.

use std::collections::BTreeMap;

use crate::yaml::Spanned;

/// The only API version there is.
pub const API_VERSION: &str = "tidegate.dev/v1";

/// The kinds of file that people write.
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
pub enum Kind {
    /// A part of the platform: `products/NAME/product.yaml`.
    Product,
    /// An immutable set of product versions: `releases/ID.yaml`.
    Release,
    /// The clusters: `pipelines/fleet.yaml`.
    Fleet,
    /// Ordered waves: `pipelines/NAME.yaml`.
    Pipeline,
    /// One cluster's own version of one product: `pipelines/pins/ID.yaml`.
    Pin,
    /// Vulnerabilities that are lived with for a while: `pipelines/acceptances/ID.yaml`.
    Acceptance,
    /// Newer versions that wait until a day: `pipelines/deferrals/ID.yaml`.
    Deferral,
    /// Windows and freezes: `pipelines/calendar.yaml`.
    Calendar,
    /// Where newer versions come from: `pipelines/sources.yaml`.
    Sources,
    /// Until when versions of other people's products are supported: `pipelines/support.yaml`.
    Support,
    /// A simulated fleet, what happens to it, and what must hold: any `*.yaml`.
    Scenario,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Product,
        Self::Release,
        Self::Fleet,
        Self::Pipeline,
        Self::Pin,
        Self::Acceptance,
        Self::Deferral,
        Self::Calendar,
        Self::Sources,
        Self::Support,
        Self::Scenario,
    ];

    /// The word in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Product => "Product",
            Self::Release => "Release",
            Self::Fleet => "Fleet",
            Self::Pipeline => "Pipeline",
            Self::Pin => "Pin",
            Self::Acceptance => "Acceptance",
            Self::Deferral => "Deferral",
            Self::Calendar => "Calendar",
            Self::Sources => "Sources",
            Self::Support => "Support",
            Self::Scenario => "Scenario",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A file of ours. `N` is the type of its name, `S` of its `spec`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Document<N, S> {
    /// Always `tidegate.dev/v1`.
    pub api_version: Spanned<String>,
    /// The kind of file.
    pub kind: Spanned<Kind>,
    /// Name and annotations.
    pub metadata: Metadata<N>,
    /// What the file says.
    pub spec: S,
}

/// A file's name and notes.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata<N> {
    /// The name, equal to the file's (or folder's) name.
    pub name: Spanned<N>,
    /// Notes for people and other tools; not interpreted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}
