//! Who knows which vulnerabilities an image has. A source that has not looked at an image is told apart from
//! one that found nothing, and from one that is silent: none of these three may pass for another.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::upstream::Unanswered;
use crate::digest::Digest;
use crate::model::image::Repository;
use crate::scan::vulnerabilities::{Kev, Report};

/// An image that is asked about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Where it is kept, as files name it.
    pub repository: Repository,
    /// Its tag, where one is said.
    pub tag: Option<String>,
    /// The digest of its manifest, or of its index.
    pub digest: Digest,
    /// The digests of the platforms, where it is an index.
    pub platforms: BTreeSet<Digest>,
}

impl Subject {
    /// All digests that mean it.
    pub fn digests(&self) -> BTreeSet<Digest> {
        self.platforms.iter().copied().chain([self.digest]).collect()
    }
}

/// A source of scans.
#[async_trait]
pub trait Scans: Send + Sync {
    /// Its name for people: what kind it is, and where.
    fn name(&self) -> &str;
    /// What has to be known of all that it says; a sentence.
    fn caveat(&self) -> Option<&'static str> {
        None
    }
    /// What has to be known of what it says of one image, a sentence; asked for after its report.
    async fn caveat_of(&self, _image: &Subject) -> Option<String> {
        self.caveat().map(str::to_owned)
    }
    /// What was found in an image. [`super::upstream::Silence::Missing`] says that nobody has looked.
    async fn report(&self, image: &Subject) -> Result<Report, Unanswered>;
    /// Why it can't tell all that it has, whoever asks; asked for after the reports.
    async fn partial(&self) -> Option<Unanswered> {
        None
    }
}

/// What is known to be exploited.
#[async_trait]
pub trait Exploits: Send + Sync {
    /// Its name for people.
    fn name(&self) -> &str;
    /// The whole catalogue.
    async fn catalogue(&self) -> Result<Kev, Unanswered>;
}
