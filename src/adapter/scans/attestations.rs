//! Attestations about vulnerabilities that are attached to an image in its registry. Their signatures are not
//! verified: whoever may push to the repository may have written them, and the report says so.

use std::sync::Arc;

use async_trait::async_trait;

use super::Bills;
use crate::port::scans::{Scans, Subject};
use crate::port::upstream::{Silence, Unanswered};
use crate::scan::vulnerabilities::Report;

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
        let attached = self.bills.attached(image).await?;
        let none = || match &attached.broken {
            Some(refusal) => Unanswered::new(Silence::Invalid, format!("{}: {refusal}", image.repository)),
            None => {
                let words = "no attestation about vulnerabilities is attached";
                Unanswered::new(Silence::Missing, words)
            }
        };
        attached.report.clone().ok_or_else(none)
    }
}
