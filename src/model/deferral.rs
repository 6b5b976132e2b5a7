//! A deferral: "not now" to newer versions of something, with an owner, a reason and an end, in
//! `pipelines/deferrals/ID.yaml`. What it keeps from being asked for is for `lcm`.

use super::image::Repository;
use super::{DeferralId, Document, Expiry, ProductName};
use crate::yaml::Spanned;

/// `pipelines/deferrals/ID.yaml`.
pub type DeferralFile = Document<DeferralId, Deferral>;

/// Newer versions that wait until a day. Without `image`, `chart`, `tool` and `addon` it is about everything of
/// the product; of these it has one at most.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Deferral {
    /// The product; `kubernetes` is Kubernetes itself.
    pub product: Spanned<ProductName>,
    /// The image, as the report names it.
    #[serde(default)]
    pub image: Option<Spanned<Repository>>,
    /// The chart, by its name.
    #[serde(default)]
    pub chart: Option<Spanned<String>>,
    /// The tool: `github:OWNER/NAME` or `gitlab:GROUP/NAME`.
    #[serde(default)]
    pub tool: Option<Spanned<String>>,
    /// The add-on of a cloud: `eks/vpc-cni`.
    #[serde(default)]
    pub addon: Option<Spanned<String>>,
    /// The highest version that waits: one above it is asked for all the same. Any, if absent.
    #[serde(default)]
    pub up_to: Option<Spanned<String>>,
    /// The team that answers for it.
    pub owner: Spanned<String>,
    /// Why it can wait.
    pub reason: Spanned<String>,
    /// When it was written: a day (its end in UTC) or a moment.
    #[serde(default)]
    pub created: Option<Spanned<Expiry>>,
    /// The day (in UTC) at whose end it ends, or the exact moment. From then on it defers nothing.
    pub until: Spanned<Expiry>,
}

impl Deferral {
    /// Whether it counts: its day has come, and not passed.
    pub fn holds(&self, now: jiff::Timestamp) -> bool {
        self.has_begun(now) && !self.until.value.passed(now)
    }

    /// Whether the day has come on which it was written.
    pub fn has_begun(&self, now: jiff::Timestamp) -> bool {
        self.created.as_ref().is_none_or(|created| created.value.begins() <= now)
    }
}
