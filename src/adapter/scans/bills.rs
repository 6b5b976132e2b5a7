//! What images are made of: bills of materials among the files of a platform, else attached to the image in its
//! registry. Whatever is fetched for an image is fetched once for all sources that want it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::Files;
use crate::adapter::registry::Registries;
use crate::port::scans::Subject;
use crate::port::upstream::{Silence, Unanswered};
use crate::scan::vulnerabilities::bill::{self, Bill};
use crate::scan::vulnerabilities::{Asked, Refusal, Report, read};

/// The most digests of one image whose attachments are looked at: its own, and those of its platforms.
const MOST_DIGESTS: usize = 8;

/// An answer for all who ask for it at once or later.
type Once<T> = Arc<OnceCell<Result<Arc<T>, Unanswered>>>;

/// The most bytes of all documents that are attached to one image.
const MOST_ATTACHED: u64 = 64 * 1024 * 1024;

/// What is attached to an image, as far as it is about vulnerabilities or packages.
#[derive(Default)]
pub struct Attached {
    /// What was found in it: of several reports the one that knows the most recent ones.
    pub report: Option<Report>,
    /// What it is made of.
    pub bill: Option<Arc<Bill>>,
    /// Why something that looks like a report is none.
    pub broken: Option<Refusal>,
}

impl Attached {
    fn says_something(&self) -> bool {
        self.report.is_some() || self.bill.is_some()
    }

    /// One more document: signatures, provenance and statements about other images are nothing.
    fn add(&mut self, document: &[u8], image: &Subject) {
        match read(document, &Asked::of_file(image.digests())) {
            Ok(report)
                if self.report.as_ref().is_none_or(|best| best.knows_until() < report.knows_until()) =>
            {
                self.report = Some(report);
            }
            Err(refusal @ Refusal::Broken { .. }) => self.broken = Some(refusal),
            _ => {}
        }
        if self.bill.is_none() {
            // What is attached to an image is about it, even where it does not say so.
            let asked = Asked::of_service(image.digests(), jiff::Timestamp::now());
            self.bill = bill::read(document, &asked).ok().map(Arc::new);
        }
    }
}

/// Bills of materials, for one run.
pub struct Bills {
    folders: Vec<Arc<Files>>,
    registries: Arc<Registries>,
    attached: Mutex<BTreeMap<Subject, Once<Attached>>>,
    bills: Mutex<BTreeMap<Subject, Once<Bill>>>,
}

impl Bills {
    /// Those in folders, then those in registries.
    pub fn new(folders: Vec<Arc<Files>>, registries: Arc<Registries>) -> Self {
        Self { folders, registries, attached: Mutex::default(), bills: Mutex::default() }
    }

    /// What is attached to an image, to itself or to one of its platforms.
    ///
    /// # Errors
    /// When the registry gives no answer, or there is too much.
    pub async fn attached(&self, image: &Subject) -> Result<Arc<Attached>, Unanswered> {
        let once = once(&self.attached, image);
        once.get_or_init(async || self.fetch(image).await.map(Arc::new)).await.clone()
    }

    /// What an image is made of.
    ///
    /// # Errors
    /// `Missing` where nobody says it; else as the folders and the registry fail.
    pub async fn bill(&self, image: &Subject) -> Result<Arc<Bill>, Unanswered> {
        let once = once(&self.bills, image);
        once.get_or_init(async || self.find(image).await).await.clone()
    }

    /// Whoever attaches something does so to the index or to platforms: the first that has a report or a bill
    /// counts. A signature alone says nothing.
    async fn fetch(&self, image: &Subject) -> Result<Attached, Unanswered> {
        let (mut attached, mut left) = (Attached::default(), MOST_ATTACHED);
        let platforms = image.platforms.iter().filter(|digest| **digest != image.digest);
        for digest in std::iter::once(&image.digest).chain(platforms).take(MOST_DIGESTS) {
            for document in self.registries.attached(&image.repository, digest, left).await? {
                left = left.saturating_sub(document.len() as u64);
                attached.add(&document, image);
            }
            if attached.says_something() {
                break;
            }
        }
        Ok(attached)
    }

    async fn find(&self, image: &Subject) -> Result<Arc<Bill>, Unanswered> {
        for folder in &self.folders {
            if let Some(bill) = folder.bill(image).await? {
                return Ok(Arc::new(bill));
            }
        }
        self.attached(image).await?.bill.clone().ok_or_else(|| {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_signature_says_nothing_and_a_bill_behind_it_counts() {
        let digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        let repository = "quay.io/a/b".parse().unwrap();
        let image = Subject { repository, tag: None, digest, platforms: Default::default() };
        let mut attached = Attached::default();
        attached.add(br#"{"payload": "e30=", "signatures": []}"#, &image);
        assert!(!attached.says_something());
        let bill = r#"{"bomFormat": "CycloneDX", "components": [{"name": "x", "purl": "pkg:npm/x@1"}]}"#;
        attached.add(bill.as_bytes(), &image);
        assert!(attached.says_something() && attached.report.is_none());
        assert_eq!(attached.bill.unwrap().packages.len(), 1);
    }
}
