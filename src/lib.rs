//! tidegate

pub mod diag;
pub mod digest;
pub mod version;
pub mod yaml;
