//! Tests of the module, one file for each of its subjects.
#![allow(clippy::unwrap_used)]

mod building;
mod decoding;
mod dialects;
mod editing;
mod manifest_files;

use std::sync::Arc;

use crate::diag::{Findings, Source};

fn source(text: &str) -> Arc<Source> {
    Source::new("f.yaml", text)
}

/// `code line:column` of each finding, sorted.
fn places(findings: &Findings) -> Vec<String> {
    findings
        .clone()
        .into_iter()
        .map(|finding| match &finding.place {
            Some(place) => format!("{} {}:{}", finding.code.id, place.line(), place.column()),
            None => finding.code.id.to_owned(),
        })
        .collect()
}
