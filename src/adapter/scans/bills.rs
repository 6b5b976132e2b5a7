//! What images are made of: bills of materials among the files of a platform, else attached to the image in its
//! registry. Whatever is fetched for an image is fetched once for all sources that want it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::Files;
use crate::adapter::registry::Registries;
use crate::port::scans::Subject;
use crate::port::upstream::{Silence, Unanswered};
use crate::scan::vulnerabilities::Asked;
use crate::scan::vulnerabilities::bill::{self, Bill};

/// The most digests of one image whose attachments are looked at: its own, and those of its platforms.
const MOST_DIGESTS: usize = 8;

/// An answer for all who ask for it at once or later.
type Once<T> = Arc<OnceCell<Result<Arc<T>, Unanswered>>>;

/// Documents that are attached to an image.
type Documents = Vec<Vec<u8>>;

/// Bills of materials, for one run.
pub struct Bills {
    folders: Vec<Arc<Files>>,
    registries: Arc<Registries>,
    attached: Mutex<BTreeMap<Subject, Once<Documents>>>,
    bills: Mutex<BTreeMap<Subject, Once<Bill>>>,
}

impl Bills {
    /// Those in folders, then those in registries.
    pub fn new(folders: Vec<Arc<Files>>, registries: Arc<Registries>) -> Self {
        Self { folders, registries, attached: Mutex::default(), bills: Mutex::default() }
    }

    /// The documents that are attached to an image, to itself or to one of its platforms.
    ///
    /// # Errors
    /// When the registry gives no answer.
    pub async fn attached(&self, image: &Subject) -> Result<Arc<Documents>, Unanswered> {
        let once = once(&self.attached, image);
        once.get_or_init(async || self.fetch(image).await.map(Arc::new)).await.clone()
    }

    /// What an image is made of.
    ///
    /// # Errors
    /// `Missing` where nobody says it; else as the folders and the registry fail.
    pub async fn bill(&self, image: &Subject) -> Result<Arc<Bill>, Unanswered> {
        let once = once(&self.bills, image);
        once.get_or_init(async || self.find(image).await.map(Arc::new)).await.clone()
    }

    /// Whoever attaches something does so to the index or to platforms: the first that has anything counts.
    async fn fetch(&self, image: &Subject) -> Result<Documents, Unanswered> {
        let platforms = image.platforms.iter().filter(|digest| **digest != image.digest);
        for digest in std::iter::once(&image.digest).chain(platforms).take(MOST_DIGESTS) {
            let found = self.registries.attached(&image.repository, digest).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Documents::new())
    }

    async fn find(&self, image: &Subject) -> Result<Bill, Unanswered> {
        for folder in &self.folders {
            if let Some(bill) = folder.bill(image).await? {
                return Ok(bill);
            }
        }
        // What is attached to an image is about it, even where it does not say so.
        let asked = Asked::of_service(image.digests(), jiff::Timestamp::now());
        let documents = self.attached(image).await?;
        let found = documents.iter().find_map(|document| bill::read(document, &asked).ok());
        found.ok_or_else(|| {
            let words =
                "nobody says what it is made of: no bill of materials is attached, or among the files";
            Unanswered::new(Silence::Missing, words)
        })
    }
}

fn once<T>(all: &Mutex<BTreeMap<Subject, Once<T>>>, image: &Subject) -> Once<T> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(all.entry(image.clone()).or_default())
}
