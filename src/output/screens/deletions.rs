//! The objects of earlier versions that a plan deletes, named before it starts. What is really there,
//! and what keeps an object, is found out in the cluster.

use std::collections::BTreeSet;

use crate::model::{ProductName, TombstoneWhen};
use crate::plan::{Plan, Target};

/// An object of earlier versions that a product deletes, if it is still there.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// The product.
    pub product: ProductName,
    /// Its version.
    pub version: String,
    /// The object, as people write it.
    pub object: String,
    /// `before` its deploy steps, or `after` them.
    pub when: TombstoneWhen,
}

impl Deletion {
    /// In one sentence, without the product.
    pub fn words(&self) -> String {
        format!("{} {} it is applied, if it is there", self.object, self.when)
    }
}

/// What the products among these targets that change delete; those that go first come first.
pub fn deletes<'t>(plan: &Plan, targets: impl Iterator<Item = &'t Target>) -> Vec<Deletion> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for target in targets.filter(|t| t.change.acts() && seen.insert(t.digest)) {
        let stones = plan.products.get(&target.digest).into_iter().flat_map(|p| &p.tombstones);
        found.extend(stones.map(|stone| Deletion {
            product: target.product.clone(),
            version: target.version.to_string(),
            object: stone.to_string(),
            when: stone.when,
        }));
    }
    found
}
