//! What comes out of a config: texts of files, and for every key what became of it.

use serde::Serialize;

use crate::diag::Place;
use crate::model::ProductName;

/// For whom it is imported.
#[derive(Debug, Clone)]
pub struct Target {
    /// The product that gets the tools, charts and images.
    pub product: ProductName,
    /// The team that owns it.
    pub owner: String,
}

/// What a platform gets from a config.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// The text of the product's file; none if the config names nothing that has versions.
    #[serde(skip)]
    pub product: Option<String>,
    /// The text of `pipelines/sources.yaml`; none if the config says nothing of the kind.
    #[serde(skip)]
    pub sources: Option<String>,
    /// How much of what was found.
    pub upstreams: Upstreams,
    /// Keys that are in the files now, in order of the config.
    pub taken: Vec<Taken>,
    /// Keys that are in none, in order of the config.
    pub left: Vec<Left>,
}

/// How much of what was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Upstreams {
    /// Tools.
    pub tools: usize,
    /// Charts.
    pub charts: usize,
    /// Images.
    pub images: usize,
    /// Mirrors.
    pub mirrors: usize,
    /// Hosts that are asked at another address.
    pub hosts: usize,
    /// Policies.
    pub policies: usize,
}

/// A key that is in the files now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The key, such as `github.repos[0].repo`.
    pub key: String,
    /// Its line, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
    /// What it is now.
    pub becomes: String,
    #[serde(skip)]
    pub(super) start: usize,
}

/// A key that is in no file, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The key, such as `github.credentials.token`.
    pub key: String,
    /// Its line, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
    /// Why.
    pub because: String,
    /// What to do instead; nothing where nothing is to be done.
    pub instead: Option<String>,
    #[serde(skip)]
    pub(super) start: usize,
}

impl Taken {
    pub(super) fn new(key: &str, place: &Place, becomes: impl Into<String>) -> Self {
        let (line, column, start) = (place.line(), place.column(), place.start());
        Self { key: key.to_owned(), line, column, becomes: becomes.into(), start }
    }
}

impl Left {
    pub(super) fn new(
        key: &str,
        place: &Place,
        because: impl Into<String>,
        instead: Option<impl Into<String>>,
    ) -> Self {
        let (line, column, start) = (place.line(), place.column(), place.start());
        let instead = instead.map(Into::into);
        Self { key: key.to_owned(), line, column, because: because.into(), instead, start }
    }
}

/// Everything that goes into files.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// `OWNER/NAME` at GitHub with the version in use.
    pub tools: Vec<(String, Option<String>)>,
    /// Repository, name, and whether all prereleases count.
    pub charts: Vec<(String, String, bool)>,
    /// Repository, with the tag in use.
    pub images: Vec<(String, Option<String>)>,
    /// Where copies are, and what they are copies of.
    pub mirrors: Vec<(String, String)>,
    /// A host, and the address that is asked instead.
    pub hosts: Vec<(String, String)>,
    /// What a policy is for, and whether everything counts; in order.
    pub policies: Vec<(String, bool)>,
}

impl Found {
    pub(super) fn counts(&self) -> Upstreams {
        Upstreams {
            tools: self.tools.len(),
            charts: self.charts.len(),
            images: self.images.len(),
            mirrors: self.mirrors.len(),
            hosts: self.hosts.len(),
            policies: self.policies.len(),
        }
    }
}
