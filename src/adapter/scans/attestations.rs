//! Attestations about vulnerabilities that are attached to an image in its registry. Their signatures are not
//! verified: whoever may push to the repository may have written them, and the report says so.

use std::sync::Arc;

use async_trait::async_trait;

use super::Bills;
use crate::port::scans::{Scans, Subject};
use crate::port::upstream::{Silence, Unanswered};
use crate::scan::vulnerabilities::{Asked, Refusal, Report, read};

/// What is attached to images.
pub struct Attestations {
    bills: Arc<Bills>,
}

impl Attestations {
    /// What is attached to images, each asked about once for all who want to know.
    pub fn new(bills: Arc<Bills>) -> Self {
        Self { bills }
    }
}

#[async_trait]
impl Scans for Attestations {
    fn name(&self) -> &str {
        "attestations"
    }

    fn caveat(&self) -> Option<&'static str> {
        Some("told by an attestation whose signature was not verified")
    }

    async fn report(&self, image: &Subject) -> Result<Report, Unanswered> {
        let documents = self.bills.attached(image).await?;
        let asked = Asked::of_file(image.digests());
        let (mut best, mut broken): (Option<Report>, Option<Refusal>) = (None, None);
        for document in documents.iter() {
            match read(document, &asked) {
                Ok(report) if best.as_ref().is_none_or(|best| best.knows_until() < report.knows_until()) => {
                    best = Some(report);
                }
                Ok(_) => {}
                Err(refusal @ Refusal::Broken { .. }) => broken = Some(refusal),
                // Signatures, provenance, bills of materials, and statements about other images.
                Err(_) => {}
            }
        }
        let none = || match &broken {
            Some(refusal) => Unanswered::new(Silence::Invalid, format!("{}: {refusal}", image.repository)),
            None => {
                let words = "no attestation about vulnerabilities is attached";
                Unanswered::new(Silence::Missing, words)
            }
        };
        best.ok_or_else(none)
    }
}
