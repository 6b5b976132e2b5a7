//! What a repository says, file by file, after reading. Whether the files fit together was not
//! asked yet; `check` asks.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::diag::Source;
use crate::model::{
    AcceptanceFile, AcceptanceId, CalendarFile, DeferralFile, DeferralId, FleetFile, PinFile, PinId,
    PipelineFile, PipelineName, ProductFile, ProductName, ReleaseFile, ReleaseId, SourcesFile, SupportFile,
    Tree,
};
use crate::yaml::Node;

/// A file as it was understood, with what it was read from.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// What the file says.
    pub file: T,
    /// Its text and path.
    pub source: Arc<Source>,
    /// Its values as written, also those that `file` could not take in.
    pub node: Node,
}

impl<T> Deref for Loaded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.file
    }
}

/// A product of the working tree (or of one commit): its file and its folder.
#[derive(Debug, Clone)]
pub struct ProductSource {
    /// `product.yaml`.
    pub file: ProductFile,
    /// The folder's files, with paths relative to the folder.
    pub folder: Tree,
    /// The text and path of `product.yaml`.
    pub source: Arc<Source>,
    /// The values of `product.yaml` as written.
    pub node: Node,
}

/// Everything that the three folders `products`, `releases` and `pipelines` say.
///
/// Keys are the names of files and folders. A catalog whose loading found errors is good for
/// `check` alone: what could not be read is left out or stands at a placeholder.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// `products/NAME/product.yaml` with its folder.
    pub products: BTreeMap<ProductName, ProductSource>,
    /// `pipelines/support.yaml`.
    pub support: Option<Loaded<SupportFile>>,
    /// `releases/ID.yaml`.
    pub releases: BTreeMap<ReleaseId, Loaded<ReleaseFile>>,
    /// `pipelines/fleet.yaml`.
    pub fleet: Option<Loaded<FleetFile>>,
    /// `pipelines/NAME.yaml`.
    pub pipelines: BTreeMap<PipelineName, Loaded<PipelineFile>>,
    /// `pipelines/pins/ID.yaml`.
    pub pins: BTreeMap<PinId, Loaded<PinFile>>,
    /// `pipelines/acceptances/ID.yaml`.
    pub acceptances: BTreeMap<AcceptanceId, Loaded<AcceptanceFile>>,
    /// `pipelines/deferrals/ID.yaml`.
    pub deferrals: BTreeMap<DeferralId, Loaded<DeferralFile>>,
    /// `pipelines/calendar.yaml`.
    pub calendar: Option<Loaded<CalendarFile>>,
    /// `pipelines/sources.yaml`.
    pub sources: Option<Loaded<SourcesFile>>,
    /// Every other file below `pipelines`, by its path, and whether it is executable: commands of
    /// gates, and `allowed_signers`.
    pub pipeline_files: BTreeMap<String, bool>,
    /// Paths of files that could not be read at all; what they would have defined is not called
    /// unknown.
    pub unreadable: Vec<String>,
}

impl Catalog {
    /// Whether a file is there and could not be read at all.
    pub fn is_unreadable(&self, path: &str) -> bool {
        self.unreadable.iter().any(|found| found == path)
    }
}
