//! Commands on the repository: products are tagged, releases cut, pins and freezes added, and all
//! of them shown. Rules are the catalog's; here they meet git and the working tree, through ports. Nothing
//! is printed: every command returns what it did or found.

mod accept;
mod bump;
mod deferral;
mod freezes;
mod hotfix;
mod images;
mod import;
mod meant;
mod pin_extend;
mod pin_impact;
mod pins;
mod products;
mod published;
mod read;
mod releases;
mod start;
mod tag;
mod writing;

use std::sync::Arc;

use crate::diag::{Finding, Findings};
use crate::port::{Fault, Git, Packages, Trees};

pub use accept::{AcceptRequest, LcmAccepted, lcm_accept};
pub use bump::{BumpRequest, Bumped, Standpoint, product_bump};
pub use deferral::{DeferralAdded, DeferralRequest, defer};
pub use freezes::{
    FreezeAdded, FreezeRequest, FreezeRow, FreezeState, freeze_add, freeze_list, freeze_remove,
};
pub use hotfix::{HotfixRequest, HotfixWritten, Raised, release_hotfix};
pub use import::{ImportRequest, ImportedFile, LcmImported, lcm_import};
pub use pin_extend::{PinExtended, pin_extend};
pub use pin_impact::{Dependent, ImpactedCluster, KeptBack, PinImpact, TakingWave, pin_impact};
pub use pins::{PinAdded, PinRequest, PinRow, pin_add, pin_list, pin_remove};
pub use products::{ProductRow, ProductView, StepRow, TagState, TestRow, product_list, product_show};
pub use read::{Platform, check, load};
pub use releases::{CutDone, ReleaseRow, ReleaseView, release_cut, release_diff, release_list, release_show};
pub use start::starting_platform;
pub use tag::{TagDone, product_tag, tagged};

/// The ports that commands on the repository use.
#[derive(Clone)]
pub struct Repository {
    /// Objects and tags.
    pub git: Arc<dyn Git>,
    /// Content of locked versions.
    pub packages: Arc<dyn Packages>,
    /// The working tree.
    pub trees: Arc<dyn Trees>,
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// The files, or what was asked, are wrong.
    #[error(transparent)]
    Findings(Findings),
    /// Git or the disk failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Findings> for RepoError {
    fn from(findings: Findings) -> Self {
        Self::Findings(findings.sorted())
    }
}

impl From<Finding> for RepoError {
    fn from(finding: Finding) -> Self {
        Self::Findings(finding.into())
    }
}

impl From<Box<Finding>> for RepoError {
    fn from(finding: Box<Finding>) -> Self {
        Self::from(*finding)
    }
}

/// A text as a double-quoted YAML scalar: JSON's strings are YAML's, too, and no dialect reads a
/// number, a date or a switch in them.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod bump_tests;
#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod images_tests;
#[cfg(test)]
mod import_tests;
#[cfg(test)]
mod tests;
