//! Other people's products: their cycles, and the names that things of theirs have elsewhere.

use std::collections::BTreeMap;

use super::cycle::{self, Cycle};

/// A product of other people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Product {
    /// Its name: what addresses have (`amazon-eks`).
    pub name: String,
    /// Other names of it.
    pub aliases: Vec<String>,
    /// Its name for people (`Amazon EKS`).
    pub label: String,
    /// What it is called elsewhere.
    pub identifiers: Vec<Identifier>,
    /// What of it could not be read, in words.
    pub problems: Vec<String>,
    cycles: Vec<Cycle>,
}

/// A name of a product elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Identifier {
    /// Whose name it is: `purl`, `cpe`, `repology`.
    pub kind: String,
    /// The name.
    pub id: String,
}

impl Product {
    /// A product with these cycles. Of two with the same name and different ends neither can be believed: they
    /// become one whose ends nobody can say.
    pub fn new(name: impl Into<String>, label: impl Into<String>, cycles: Vec<Cycle>) -> Self {
        let (name, label) = (name.into(), label.into());
        let (aliases, identifiers, problems) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, aliases, label, identifiers, problems, cycles: agreed(cycles) }
    }

    /// Its cycles.
    pub fn cycles(&self) -> &[Cycle] {
        &self.cycles
    }

    /// The cycle that a version belongs to.
    pub fn cycle(&self, version: &str) -> Option<&Cycle> {
        let mut names: Vec<&str> = self.aliases.iter().map(String::as_str).collect();
        names.push(&self.name);
        cycle::of_version(version, &self.cycles, &names)
    }

    /// The same without what a file of one's own says of it.
    #[must_use]
    pub fn as_published(&self) -> Self {
        let cycles = self.cycles.iter().filter(|cycle| !cycle.own).cloned().collect();
        Self { cycles, ..self.clone() }
    }

    /// Puts a cycle in the place of the one with its name, or beside the others.
    pub(super) fn replace(&mut self, cycle: Cycle) {
        let key = cycle.key();
        match self.cycles.iter_mut().find(|other| other.key() == key) {
            Some(other) => *other = cycle,
            None => self.cycles.push(cycle),
        }
    }
}

fn agreed(cycles: Vec<Cycle>) -> Vec<Cycle> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut all: Vec<Cycle> = Vec::new();
    for cycle in cycles {
        match places.get(&cycle.key()).and_then(|place| all.get_mut(*place)) {
            Some(other) if other.ends != cycle.ends => {
                other.ends = Err("it is listed twice, with different ends".to_owned());
            }
            Some(_) => {}
            None => {
                places.insert(cycle.key(), all.len());
                all.push(cycle);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::cycle::{End, Ends};
    use super::*;

    #[test]
    fn two_that_contradict_each_other_are_believed_neither_in_any_order() {
        let cycle = |name: &str, life: End| Cycle {
            ends: Ok(Ends { life, ..Ends::default() }),
            ..Cycle::named(name, "")
        };
        let mut cycles = vec![cycle("1.2", End::Past), cycle("1.2.x", End::Open), cycle("1.3", End::Past)];
        for _ in 0..2 {
            let product = Product::new("a", "A", cycles.clone());
            assert_eq!(product.cycles().len(), 2);
            let ends = product.cycle("1.2.7").map(|cycle| cycle.ends.clone());
            assert_eq!(ends, Some(Err("it is listed twice, with different ends".to_owned())));
            cycles.reverse();
        }
        let same = Product::new("a", "A", vec![cycle("1", End::Open), cycle("v1", End::Open)]);
        assert_eq!(same.cycle("1.0").map(|cycle| cycle.ends.is_ok()), Some(true));
    }
}
