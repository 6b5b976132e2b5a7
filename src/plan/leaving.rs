//! What becomes of installed products that a cluster is not to have any more: which are taken away, in
//! which order, and which stay. A product goes before what it requires, and nothing goes that something
//! which stays requires.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::graph::Graph;
use crate::digest::Digest;
use crate::model::{ObservedProduct, ProductName};
use crate::resolve::ProductVersion;

/// The installed products that are not wanted, sorted out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Leaving<'a> {
    /// Those that the release takes away, in the order in which they go.
    pub removals: Vec<&'a ProductName>,
    /// Those that are left alone, by name.
    pub stays: Vec<&'a ProductName>,
    /// Those of [`Self::stays`] that the release would take away, each with a product that stays and
    /// requires it.
    pub needed: BTreeMap<&'a ProductName, &'a ProductName>,
}

/// Sorts out what is installed and not wanted; `removes` are the products that the release takes away.
pub(super) fn leaving<'a>(
    gone: &[(&'a ProductName, &ObservedProduct)],
    removes: &BTreeSet<&ProductName>,
    versions: &'a BTreeMap<Digest, ProductVersion>,
) -> Leaving<'a> {
    // Of content that is gone nobody knows what it requires.
    let requires: BTreeMap<&ProductName, Option<Vec<&ProductName>>> = gone
        .iter()
        .map(|(name, found)| {
            let content = versions.get(&found.digest);
            (*name, content.map(|c| c.file.spec.requires.keys().map(|r| &r.value).collect()))
        })
        .collect();
    let required_by = |who: &ProductName, what: &ProductName| {
        requires.get(who).and_then(Option::as_ref).is_some_and(|all| all.contains(&what))
    };
    let (mut going, mut stays): (Vec<&ProductName>, Vec<&ProductName>) =
        gone.iter().map(|(name, _)| *name).partition(|name| removes.contains(name));
    let mut needed = BTreeMap::new();
    while let Some((what, who)) =
        going.iter().find_map(|what| Some((*what, *stays.iter().find(|who| required_by(who, what))?)))
    {
        needed.insert(what, who);
        going.retain(|name| *name != what);
        stays.push(what);
    }
    stays.sort();
    let edges = |name: &ProductName| requires.get(name).and_then(Option::as_ref).cloned().unwrap_or_default();
    let phases = Graph::of(going.iter().map(|name| (*name, edges(name)))).phases();
    let last = phases.values().max().copied().unwrap_or(0);
    let turn = |name: &ProductName| {
        let known = requires.get(name).is_some_and(Option::is_some);
        // It may require any of the others, and none of them requires it: it goes before them.
        let first = !known && !going.iter().any(|other| required_by(other, name));
        if first { last + 1 } else { phases.get(name).copied().unwrap_or(0) }
    };
    let mut removals = going.clone();
    removals.sort_by_key(|name| std::cmp::Reverse((turn(name), *name)));
    Leaving { removals, stays, needed }
}
