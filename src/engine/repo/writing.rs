//! What commands have in common that write a file: its end is to come, its id is free, and it is looked at as
//! `check` looks at every file before it is written.

use std::str::FromStr;

use jiff::Timestamp;

use super::RepoError;
use crate::catalog;
use crate::diag::{Finding, Findings, codes};
use crate::model::{Expiry, File, NameError, Tree};

/// What is wrong with an end that is not to come.
pub(super) fn passed(end: &Expiry, now: Timestamp) -> Option<Finding> {
    let finding = || Finding::error(&codes::EXPIRY_PASSED, format!("the end {end} has passed"));
    end.passed(now).then(|| finding().hint("give a day to come, such as 2026-12-15"))
}

/// The id after all that are taken: the prefix, and a number higher than theirs.
pub(super) fn next_id<'i, T: FromStr<Err = NameError>>(
    prefix: &str,
    taken: impl IntoIterator<Item = &'i str>,
) -> Result<T, RepoError> {
    let numbers = taken.into_iter().filter_map(|id| id.strip_prefix(prefix)?.parse::<u64>().ok());
    let next = numbers.max().unwrap_or(0).saturating_add(1);
    let id = format!("{prefix}{next}").parse();
    id.map_err(|error: NameError| Finding::error(&codes::INVALID_VALUE, error.to_string()).into())
}

/// What `check` finds in a file that is to be written, where the others are as they are.
///
/// # Errors
/// When a mistake is among it.
pub(super) fn checked(mut tree: Tree, file: &str, text: &str) -> Result<Findings, RepoError> {
    tree.insert(file, File { bytes: text.as_bytes().into(), executable: false });
    let (catalog, mut findings) = catalog::load(&tree);
    findings.extend(catalog::check(&catalog));
    let own = |finding: &Finding| finding.place.as_ref().is_some_and(|place| place.file() == file);
    let findings: Findings = findings.into_iter().filter(own).collect();
    Ok(findings.clone().into_result(findings)?)
}
