//! A support file of one's own, put over the data set: a cycle in it replaces the one of its name, with all that
//! was said of that one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cycle::{Cycle, End, Ends};
use super::product::Product;
use crate::lcm::declared::{Item, addon_of};
use crate::model::{Support, SupportCycle, SupportEnd, Upstream};
use crate::yaml::Spanned;

/// Puts the cycles of a file over products, by name; what is not among them is added.
pub(super) fn put(products: &mut BTreeMap<String, Arc<Product>>, file: &Support) {
    for told in &file.products {
        let name = told.name.as_str();
        // A product may be named by another of its names.
        let known = match products.contains_key(name) {
            true => Some(name.to_owned()),
            false => alias(products, name),
        };
        let known = known.unwrap_or_else(|| name.to_owned());
        let product = products
            .entry(known)
            .or_insert_with_key(|name| Arc::new(Product::new(name.as_str(), name.as_str(), Vec::new())));
        let product = Arc::make_mut(product);
        told.cycles.iter().for_each(|told| product.replace(cycle(told)));
    }
}

/// The product that has this name among its others.
pub(super) fn alias(products: &BTreeMap<String, Arc<Product>>, name: &str) -> Option<String> {
    let found = products.values().find(|product| product.aliases.iter().any(|alias| alias == name));
    found.map(|product| product.name.clone())
}

/// The thing that an entry of a file names; nothing if it names none.
pub(super) fn item(upstream: &Upstream) -> Option<Item> {
    Some(match upstream {
        Upstream::Chart(chart) => {
            Item::Chart { repository: chart.repository.value.clone(), name: chart.name.value.clone() }
        }
        Upstream::Image(image) => Item::Image(image.repository.value.parse().ok()?),
        Upstream::Tool(tool) => Item::Tool(tool.repository.value.parse().ok()?),
        Upstream::Addon(addon) => addon_of(&addon.name.value)?,
        Upstream::Kubernetes(kubernetes) => Item::Kubernetes(kubernetes.channel.value.clone()),
    })
}

fn cycle(told: &SupportCycle) -> Cycle {
    let end = |end: &Spanned<SupportEnd>| match end.value {
        SupportEnd::On(day) => End::On(day),
        SupportEnd::Open => End::Open,
        SupportEnd::Over => End::Past,
    };
    let ends = Ends {
        active: told.support_ends.as_ref().map(end).unwrap_or_default(),
        life: end(&told.ends),
        extended: told.extended_ends.as_ref().map(end).unwrap_or_default(),
        ..Ends::default()
    };
    Cycle {
        codename: told.codename.as_ref().map(|name| name.value.clone()),
        released: told.released.as_ref().map(|day| day.value.0),
        own: true,
        ends: Ok(ends),
        note: told.note.as_ref().map(|note| note.value.clone()),
        ..Cycle::named(told.cycle.value.as_str(), told.source.value.as_str())
    }
}
