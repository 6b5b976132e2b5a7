//! What is published somewhere else: registries of images, repositories of charts, forges, support windows, and
//! versions of Kubernetes that providers offer. A source that
//! does not answer is told apart from one that has nothing: whoever asks must be able to say which of both it
//! was, and must never take silence for "nothing newer".

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::lcm::charts::Entry;
use crate::lcm::index::Chart;
use crate::lcm::support::dataset::Whole;
use crate::lcm::support::kubernetes::{Addons, Offered, Provider};
use crate::lcm::support::product::Product;
use crate::model::image::{Image, Repository};

pub use crate::lcm::upstream::{Known, Project, Published, Silence, Tags, Unanswered};

/// How much somebody wants to know of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// Their names.
    Names,
    /// Also what they name and since when, where the registry tells it in its listing. Where it does not,
    /// names are the answer all the same.
    Digests,
}

/// Registries of images (and of charts kept as images): the distribution API, and what registries offer
/// beside it.
#[async_trait]
pub trait Registry: Send + Sync {
    /// All tags of a repository. Whoever asks the same again in a run is given the same list.
    async fn tags(&self, repository: &Repository, wanted: Wanted) -> Result<Arc<Tags>, Unanswered>;
    /// Of a repository at a mirror: the tags that the mirror itself has, since [`Registry::tags`] asks where it
    /// comes from. None if it is no copy, or its mirror lists not all that can be pulled there.
    async fn copies(&self, _: &Repository) -> Option<Result<Arc<Tags>, Unanswered>> {
        None
    }
    /// What a tag names now: the digest of its manifest or index, without pulling it. Of an image by digest
    /// alone, that digest, if it is there.
    async fn digest(&self, image: &Image) -> Result<String, Unanswered>;
    /// What a pull of just this image gets, proved as well: of a copy at a mirror that is filled by hand, what the
    /// mirror has under the tag now, and not what [`Registry::digest`] says of where it comes from.
    async fn pulled(&self, image: &Image) -> Result<String, Unanswered> {
        self.proved(image).await
    }
    /// What [`Registry::digest`] tells, to be written down: what came has that digest, whatever the registry calls
    /// it. Docker Hub is believed: there that would be a pull.
    async fn proved(&self, image: &Image) -> Result<String, Unanswered> {
        self.digest(image).await
    }
    /// The digests of the platforms of what a tag names now, or a digest; none if it is no index. Docker Hub, whose
    /// listing tells them, is not asked: there that is a pull.
    async fn platforms(&self, image: &Image) -> Result<Vec<String>, Unanswered>;
    /// The packed chart that a tag names. Docker Hub is not asked: there that is a pull.
    async fn chart(&self, image: &Image) -> Result<Vec<u8>, Unanswered>;
}

/// The charts that were asked for, by name: their versions, or why there is nothing to be said of them.
pub type Listed = BTreeMap<String, Result<Chart, Unanswered>>;

/// A chart as somebody published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The archive, as it came.
    pub bytes: Vec<u8>,
    /// Where people get it; nothing if that is no web address.
    pub address: Option<String>,
}

/// Repositories of Helm charts: over HTTP, and in registries.
#[async_trait]
pub trait Charts: Send + Sync {
    /// The versions of the wanted charts of a repository (`https://`, `oci://`), each of them with an answer
    /// of its own.
    async fn versions(&self, repository: &str, charts: &[&str]) -> Result<Listed, Unanswered>;
    /// The archive of a version that the repository lists. If its digest is told it has that digest.
    async fn package(&self, repository: &str, chart: &str, entry: &Entry) -> Result<Packed, Unanswered>;
}

/// Forges: GitHub and GitLab.
#[async_trait]
pub trait Forge: Send + Sync {
    /// The releases of a project, the newest first; drafts are none.
    async fn releases(&self, project: &Project) -> Result<Arc<Vec<Published>>, Unanswered>;
    /// The git tags of a project.
    async fn tags(&self, project: &Project) -> Result<Arc<Tags>, Unanswered>;
    /// A file of a project at a tag, branch or commit; nothing if it has none there.
    async fn file(&self, project: &Project, at: &str, path: &str) -> Result<Option<String>, Unanswered>;
}

/// Until when versions of other people's products are supported.
#[async_trait]
pub trait Support: Send + Sync {
    /// One product, by any of its names. Whoever asks the same again in a run is given the same answer.
    async fn product(&self, name: &str) -> Result<Arc<Product>, Unanswered>;
    /// All products: one question, where many are wanted or identifiers have to be looked up.
    async fn whole(&self) -> Result<Arc<Whole>, Unanswered>;
}

/// Which versions of Kubernetes, and of add-ons, there are to be had.
#[async_trait]
pub trait Offers: Send + Sync {
    /// The versions that a provider offers. When it told them is part of the answer.
    async fn versions(&self, provider: Provider) -> Result<Arc<Offered>, Unanswered>;
    /// The versions of its add-ons.
    async fn addons(&self, provider: Provider) -> Result<Arc<Addons>, Unanswered>;
}
