//! `check`: how many of what was checked, and how much is wrong.

use crate::catalog::Catalog;
use crate::diag::{Findings, count};
use crate::output::mark::Tone;
use crate::output::{Look, Screen};

/// What a check found.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckScreen {
    /// How many products there are.
    pub products: usize,
    /// How many releases.
    pub releases: usize,
    /// How many pipelines.
    pub pipelines: usize,
    /// How many clusters the Fleet file lists.
    pub clusters: usize,
    /// How many pins.
    pub pins: usize,
    /// How many errors were found.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
    /// All of them, with places.
    pub findings: Findings,
}

impl CheckScreen {
    /// Of a catalog and what was found in it.
    pub fn of(catalog: &Catalog, findings: Findings) -> Self {
        Self {
            products: catalog.products.len(),
            releases: catalog.releases.len(),
            pipelines: catalog.pipelines.len(),
            clusters: catalog.fleet.as_ref().map_or(0, |f| f.file.spec.clusters.len()),
            pins: catalog.pins.len(),
            errors: findings.errors().count(),
            warnings: findings.warnings().count(),
            findings,
        }
    }
}

impl Screen for CheckScreen {
    const KIND: &'static str = "Check";

    fn text(&self, _: &Look) -> String {
        let (tone, words) = match (self.errors, self.warnings) {
            (0, 0) => (Tone::Good, "no mistakes".to_owned()),
            (0, warnings) => (Tone::Warn, count(warnings, "warning")),
            (errors, 0) => (Tone::Bad, count(errors, "error")),
            (errors, warnings) => {
                (Tone::Bad, format!("{}, {}", count(errors, "error"), count(warnings, "warning")))
            }
        };
        format!(
            "{} in {}, {}, {}, {}, {}\n",
            tone.paint(&tone.mark(&words)),
            count(self.products, "product"),
            count(self.releases, "release"),
            count(self.pipelines, "pipeline"),
            count(self.clusters, "cluster"),
            count(self.pins, "pin")
        )
    }

    fn next(&self) -> Option<String> {
        let first = self.findings.errors().next()?;
        Some(format!("tidegate explain {}", first.code.id))
    }
}
