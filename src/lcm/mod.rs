//! What is newer: which of the published versions stands above the one in use, by which rule, and which rule
//! keeps the others out.
//!
//! A scheme ([`version`]) reads tags; a policy ([`policy`]) says how far to go; [`pick`] puts both together.
//! Nothing here asks anybody anything: the same tags in any order give the same answer.

pub mod answers;
pub mod around;
pub mod artifacthub;
pub mod bump;
pub mod changelogs;
pub mod changes;
pub mod charts;
pub mod compared;
pub mod constraint;
pub mod deadlines;
pub mod declared;
pub mod deferred;
pub mod digests;
pub mod filter;
pub mod fixed;
pub mod import;
pub mod index;
pub mod live;
pub mod material;
mod outline;
pub mod path;
pub mod pick;
pub mod policies;
pub mod policy;
pub mod projects;
pub mod pushed;
pub mod remote;
pub mod row;
pub mod sort;
pub mod status;
pub mod support;
pub mod upstream;
pub mod uses;
pub mod version;
