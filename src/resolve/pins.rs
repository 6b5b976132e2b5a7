//! Which pin holds where: by cluster or selector, until it ends. Two pins for one product on one
//! cluster contradict each other, and nobody may guess which one was meant.

use std::collections::{BTreeMap, HashSet};

use crate::model::{ClusterName, Labels, OnExpiry, PinFile, ProductName};

/// The pins of a fleet, by product.
#[derive(Debug)]
pub(super) struct Pins<'a> {
    by_product: BTreeMap<&'a ProductName, Vec<Scoped<'a>>>,
}

#[derive(Debug)]
struct Scoped<'a> {
    pin: &'a PinFile,
    named: HashSet<&'a ClusterName>,
    ended: bool,
}

impl Scoped<'_> {
    fn selects(&self, cluster: &ClusterName, labels: &Labels) -> bool {
        self.named.contains(cluster)
            || self.pin.spec.selector.as_ref().is_some_and(|selector| selector.value.matches(labels))
    }
}

/// What the pins say about one product on one cluster.
#[derive(Debug, Default)]
pub(super) struct Pinned<'a> {
    /// Those that hold, in order of ids; more than one is a contradiction.
    pub holding: Vec<&'a PinFile>,
    /// Those that have ended, and let their clusters take no further release.
    pub blocking: Vec<&'a PinFile>,
    /// Those that have ended, so that their clusters rejoin.
    pub ended: Vec<&'a PinFile>,
}

impl<'a> Pinned<'a> {
    /// The pin whose version goes: one that holds before one that blocks.
    pub fn chooses(&self) -> Option<&'a PinFile> {
        self.holding.first().or_else(|| self.blocking.first()).copied()
    }
}

impl<'a> Pins<'a> {
    /// Sorts the pins.
    pub fn new(pins: &[&'a PinFile], now: jiff::Timestamp) -> Self {
        let mut by_product: BTreeMap<&ProductName, Vec<Scoped<'a>>> = BTreeMap::new();
        for pin in pins {
            by_product.entry(&pin.spec.product.value).or_default().push(Scoped {
                pin,
                named: pin.spec.clusters.iter().map(|name| &name.value).collect(),
                ended: pin.spec.expires.value.passed(now),
            });
        }
        for scoped in by_product.values_mut() {
            scoped.sort_by(|a, b| a.pin.metadata.name.value.cmp(&b.pin.metadata.name.value));
        }
        Self { by_product }
    }

    /// The pins for one product on one cluster.
    pub fn of(&self, product: &ProductName, cluster: &ClusterName, labels: &Labels) -> Pinned<'a> {
        let mut pinned = Pinned::default();
        for scoped in self.by_product.get(product).into_iter().flatten() {
            if scoped.selects(cluster, labels) {
                let list = match (scoped.ended, scoped.pin.spec.on_expiry.value) {
                    (false, _) => &mut pinned.holding,
                    (true, OnExpiry::Block) => &mut pinned.blocking,
                    (true, OnExpiry::Rejoin) => &mut pinned.ended,
                };
                list.push(scoped.pin);
            }
        }
        pinned
    }

    /// The products that have pins.
    pub fn products(&self) -> impl Iterator<Item = &'a ProductName> + '_ {
        self.by_product.keys().copied()
    }
}
