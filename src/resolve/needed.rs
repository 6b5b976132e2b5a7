//! Which product versions have to be at hand before a release can be resolved: those that the lock,
//! the pins and the holds name, and those that clusters run beyond the release.

use std::collections::{BTreeMap, BTreeSet};

use super::{HeldProduct, Needed, Observation};
use crate::catalog::release::Locked;
use crate::model::{ClusterName, PinFile, ProductName};

/// The product versions whose content [`super::desired`] and the plan may ask for.
pub fn needed<'a>(
    release: &Locked<'_>,
    pins: &[&PinFile],
    holds: &BTreeMap<ClusterName, Vec<HeldProduct>>,
    observed: impl IntoIterator<Item = &'a Observation>,
    now: jiff::Timestamp,
) -> BTreeSet<Needed> {
    let locked = &release.lock.products;
    let mut needed: BTreeSet<Needed> = locked
        .iter()
        .map(|(product, locked)| Needed {
            product: product.clone(),
            version: locked.version.clone(),
            commit: locked.commit.clone(),
            digest: locked.digest,
            leaving: false,
        })
        .collect();
    let holding = pins.iter().map(|pin| &pin.spec).filter(|pin| pin.holds(now));
    needed.extend(holding.filter(|pin| locked.contains_key(&pin.product.value)).map(|pin| Needed {
        product: pin.product.value.clone(),
        version: pin.version.value.clone(),
        commit: pin.commit.value.clone(),
        digest: pin.digest.value,
        leaving: false,
    }));
    let held = holds.values().flatten().filter(|held| locked.contains_key(&held.product));
    needed.extend(held.map(|held| Needed {
        product: held.product.clone(),
        version: held.version.clone(),
        commit: held.commit.clone(),
        digest: held.digest,
        leaving: false,
    }));
    let leaves: BTreeSet<&ProductName> = release.spec().removes.iter().map(|name| &name.value).collect();
    // A pin or a hold may be lower than both the release and what runs, so each of their products
    // counts.
    let own = holds.values().flatten().map(|held| &held.product);
    let pinned: BTreeSet<&ProductName> = pins.iter().map(|pin| &pin.spec.product.value).chain(own).collect();
    for observation in observed {
        for (product, found) in observation.products.iter() {
            // Where something goes, all that is installed counts: what stays may require it.
            let other = locked.get(product).is_none_or(|locked| locked.digest != found.digest);
            let leaving = !leaves.is_empty() && other;
            let beyond = locked
                .get(product)
                .is_some_and(|locked| found.version > locked.version || pinned.contains(product));
            if leaving || beyond {
                needed.insert(Needed {
                    product: product.clone(),
                    version: found.version.clone(),
                    commit: found.commit.clone(),
                    digest: found.digest,
                    leaving: !beyond,
                });
            }
        }
    }
    needed
}
