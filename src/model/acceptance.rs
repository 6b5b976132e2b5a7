//! An acceptance: vulnerabilities that somebody has looked at and lives with for a while, with an owner, a
//! reason and an end, in `pipelines/acceptances/ID.yaml`. Which vulnerabilities it covers is for `scan`.

use super::image::Repository;
use super::{AcceptanceId, Document, Expiry, Nearness, ProductName, VulnerabilityId};
use crate::yaml::Spanned;

/// `pipelines/acceptances/ID.yaml`.
pub type AcceptanceFile = Document<AcceptanceId, Acceptance>;

/// Vulnerabilities that are lived with until a day. A list that is empty leaves out nothing: without
/// products, images and packages it holds wherever one of the vulnerabilities is found.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Acceptance {
    /// The vulnerabilities, by any of their names.
    #[schemars(length(min = 1))]
    pub vulnerabilities: Vec<Spanned<VulnerabilityId>>,
    /// Only in images of these products.
    #[serde(default)]
    pub products: Vec<Spanned<ProductName>>,
    /// Only in images of these repositories, whatever tag or digest they have.
    #[serde(default)]
    pub images: Vec<Spanned<Repository>>,
    /// Only in these packages, by name (`golang.org/x/net`) or package URL without a version
    /// (`pkg:golang/golang.org/x/net`).
    #[serde(default)]
    pub packages: Vec<Spanned<String>>,
    /// The team that answers for it.
    pub owner: Spanned<String>,
    /// Why it can be lived with.
    pub reason: Spanned<String>,
    /// When it was written: a day (its end in UTC) or a moment.
    #[serde(default)]
    pub created: Option<Spanned<Expiry>>,
    /// The day (in UTC) at whose end it ends, or the exact moment. From then on it covers nothing.
    pub expires: Spanned<Expiry>,
}

impl Acceptance {
    /// Whether it counts: its day has come, and not passed.
    pub fn holds(&self, now: jiff::Timestamp) -> bool {
        self.has_begun(now) && !self.expires.value.passed(now)
    }

    /// Whether the day has come on which it was written.
    pub fn has_begun(&self, now: jiff::Timestamp) -> bool {
        self.created.as_ref().is_none_or(|created| created.value.begins() <= now)
    }

    /// How near its end is.
    pub fn nearness(&self, now: jiff::Timestamp) -> Nearness {
        self.expires.value.nearness(now)
    }
}

/// That a text names packages as scanners do: by name, or by a package URL
/// (github.com/package-url/purl-spec) without a version, since a vulnerability is accepted in a package, whichever
/// version of it is there.
///
/// # Errors
/// What is wrong with it.
pub fn package_name(text: &str) -> Result<(), String> {
    if text.trim() != text || text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '*') {
        return Err("it has spaces or `*`, and names of packages have none".to_owned());
    }
    let Some(rest) = text.strip_prefix("pkg:") else { return Ok(()) };
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let (kind, name) = path.split_once('/').unwrap_or_default();
    if kind.is_empty() || name.trim_end_matches('/').is_empty() {
        return Err("a package URL has a kind and a name, such as pkg:golang/golang.org/x/net".to_owned());
    }
    match name.rsplit_once('@') {
        Some((bare, version)) if !bare.is_empty() => {
            Err(format!("it has a version, `{version}`; leave it out: it would not count"))
        }
        _ => Ok(()),
    }
}
