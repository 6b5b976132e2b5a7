//! Which image of a product somebody means by the last part of its name: that is tried where nothing in the
//! product's folder has the name as it was said.

use std::collections::BTreeSet;

use crate::catalog::Catalog;
use crate::diag::{Finding, Findings, codes};
use crate::lcm::bump::Moving;
use crate::lcm::declared;
use crate::model::ProductName;
use crate::model::image::Repository;

/// So many images are listed.
const MOST_LISTED: usize = 12;

/// Where a name without a registry and a folder is taken to be.
const BARE: &str = "docker.io/library/";

/// Whether a bump was refused since nothing names its source.
pub(super) fn is_not_named(refused: &Findings) -> bool {
    refused.errors().all(|finding| finding.code == &codes::BUMP_NOT_NAMED)
}

/// The one image that is meant.
///
/// # Errors
/// The refusal, with what could be meant, if that is not one.
pub(super) fn meant(
    catalog: &Catalog,
    product: &ProductName,
    moving: &Moving,
    refused: Findings,
) -> Result<Moving, Findings> {
    let Moving::Image(said) = moving else { return Err(refused) };
    let declared = declared::of(catalog).into_iter().filter(|one| one.product == product.as_str());
    let own: BTreeSet<Repository> = declared.filter_map(|one| one.item.into_image()).collect();
    if own.is_empty() || own.contains(said) {
        return Err(refused);
    }
    let whole = said.to_string();
    let bare = whole.strip_prefix(BARE);
    let is_meant = |one: &&Repository| bare == Some(one.short());
    let fitting: Vec<&Repository> = own.iter().filter(is_meant).collect();
    match fitting.as_slice() {
        [one] => Ok(Moving::Image((*one).clone())),
        [] => {
            Err(refused.into_iter().map(|finding| with_list(finding, bare.unwrap_or(&whole), &own)).collect())
        }
        several => {
            let message = format!("{product} has several images called `{}`", bare.unwrap_or(&whole));
            let finding = Finding::error(&codes::BUMP_AMBIGUOUS, message);
            Err(finding
                .hint(format!("say which one with `--image`: {}", list(several.iter().copied())))
                .into())
        }
    }
}

fn with_list(finding: Finding, said: &str, own: &BTreeSet<Repository>) -> Finding {
    let names: Vec<String> = own.iter().map(ToString::to_string).collect();
    let all = names.iter().map(String::as_str).chain(own.iter().map(Repository::short));
    finding.did_you_mean(said, all).hint(format!("its images are {}", list(own)))
}

fn list<'r>(all: impl IntoIterator<Item = &'r Repository>) -> String {
    let names: Vec<String> = all.into_iter().map(|one| format!("`{one}`")).collect();
    let more = names.len().saturating_sub(MOST_LISTED);
    let shown = names.get(..MOST_LISTED).unwrap_or(&names).join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
