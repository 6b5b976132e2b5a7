//! Vulnerabilities: what scanners found in an image, read from whatever they write, and what changes when
//! another image takes its place.

pub mod accepted;
mod alias;
mod asked;
mod attestation;
pub mod bill;
mod cyclonedx;
pub mod delta;
mod grype;
pub mod harbor;
pub mod kev;
pub mod looked;
pub mod osv;
mod package;
mod read;
mod refusal;
mod report;
mod severity;
mod trivy;
mod trivy_blob;
pub mod trivy_server;
mod wire;
pub mod xray;

pub use asked::{Asked, Naming};
pub use attestation::enclosed;
pub use kev::{Exploited, Kev};
pub use looked::{Looked, Named, Told};
pub use package::{Package, Purl};
pub use read::read;
pub use refusal::{Format, Refusal};
pub use report::{Distribution, Report, Status, Tool, Vulnerability, counts};
pub use severity::{Counts, Severity};
