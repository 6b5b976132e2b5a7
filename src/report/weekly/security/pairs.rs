//! Which images are asked about: for each row that is one, those that run (else those that are declared), and
//! the one that would take their place.

use std::collections::{BTreeMap, BTreeSet};

use crate::lcm::declared::{Declared, Item};
use crate::lcm::row::{InUse, Row, Status};
use crate::model::image::{Image, Repository};

/// The images of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The product.
    pub product: String,
    /// The repository.
    pub repository: Repository,
    /// What runs; else what is declared; else what the newest release has.
    pub in_use: BTreeSet<Image>,
    /// What would take its place: the newest version, or what a tag that moved names now.
    pub candidate: Option<Image>,
}

impl Pair {
    /// All its images.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.in_use.iter().chain(&self.candidate)
    }
}

/// The images of all rows that are images.
pub fn pairs(rows: &[Row], used: &InUse) -> Vec<Pair> {
    let mut by_row: BTreeMap<(&str, &Item), [BTreeSet<Image>; 3]> = BTreeMap::new();
    let running = used.running.iter().map(|one| &one.declared);
    let all = [running.collect::<Vec<_>>(), used.declared.iter().collect(), used.released.iter().collect()];
    for (rank, some) in all.into_iter().enumerate() {
        for one in some {
            let Some(image) = image(one) else { continue };
            by_row.entry((&one.product, &one.item)).or_default()[rank].insert(image);
        }
    }
    let pair = |row: &Row| {
        let Item::Image(repository) = &row.item else { return None };
        let ranked = by_row.get(&(row.product.as_str(), &row.item))?;
        let in_use = ranked.iter().find(|images| !images.is_empty())?.clone();
        let candidate = candidate(row, repository).filter(|one| !in_use.contains(one));
        Some(Pair { product: row.product.clone(), repository: repository.clone(), in_use, candidate })
    };
    rows.iter().filter_map(pair).collect()
}

fn image(one: &Declared) -> Option<Image> {
    let Item::Image(repository) = &one.item else { return None };
    let (tag, digest) = (one.version.clone(), one.digest.clone());
    (tag.is_some() || digest.is_some()).then(|| Image { repository: repository.clone(), tag, digest })
}

fn candidate(row: &Row, repository: &Repository) -> Option<Image> {
    let image = |tag: &str, digest: Option<&String>| Image {
        repository: repository.clone(),
        tag: Some(tag.to_owned()),
        digest: digest.cloned(),
    };
    if row.behind().is_some() {
        return row.newest.as_deref().map(|newest| image(newest, None));
    }
    row.statuses.iter().find_map(|status| match status {
        Status::TagMoved { tag, digest: Some(digest) } => Some(image(tag, Some(digest))),
        _ => None,
    })
}
