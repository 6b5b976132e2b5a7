//! What is known of support, put together: which product a thing is, and where a version of it stands on a day.
//!
//! A file of one's own counts before the identifiers of the data set, and those before a table of this program.
//! Where two products claim a thing, or nothing fits, nobody is guessed: it is unknown, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::identifiers::{items, key};
use super::overrides;
use super::product::Product;
use super::standing::Standing;
use crate::diag::{Source, count};
use crate::lcm::declared::Item;
use crate::model::Support;
use crate::yaml;

/// The table of this program.
const TABLE: &str = include_str!("products.yaml");

/// All that is known of support.
#[derive(Debug, Clone, Default)]
pub struct Known {
    products: BTreeMap<String, Arc<Product>>,
    chosen: BTreeMap<Item, String>,
    identified: BTreeMap<Item, BTreeSet<String>>,
    table: BTreeMap<Item, String>,
}

/// Where a version stands, or why nobody can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// It belongs to a cycle whose ends are known, as far as anybody tells them.
    Known {
        /// The product, for people.
        product: String,
        /// The cycle.
        cycle: String,
        /// Where that stands.
        standing: Standing,
        /// What people should know of it.
        note: Option<String>,
        /// Where it is said.
        source: String,
    },
    /// Nobody can say, and why.
    Unknown(String),
}

impl Known {
    /// What the products of the data set and a file of one's own say together.
    pub fn new(products: impl IntoIterator<Item = Arc<Product>>, file: Option<&Support>) -> Self {
        let mut all: BTreeMap<String, Arc<Product>> = BTreeMap::new();
        let mut identified: BTreeMap<Item, BTreeSet<String>> = BTreeMap::new();
        for product in products {
            for item in product.identifiers.iter().flat_map(items) {
                identified.entry(item).or_default().insert(product.name.clone());
            }
            all.insert(product.name.clone(), product);
        }
        if let Some(file) = file {
            overrides::put(&mut all, file);
        }
        let chosen = file.map(named).unwrap_or_default();
        let table = table().as_ref().map(named).unwrap_or_default();
        Self { products: all, chosen, identified, table }
    }

    /// A product by one of its names.
    pub fn product(&self, name: &str) -> Option<&Product> {
        let by_alias = || self.products.get(&overrides::alias(&self.products, name)?);
        self.products.get(name).or_else(by_alias).map(Arc::as_ref)
    }

    /// All products that one of these things may be, as they are published.
    pub fn may_be<'i>(&self, items: impl IntoIterator<Item = &'i Item>) -> Vec<Product> {
        let names = |item: &Item| {
            let item = key(item);
            let named = [self.chosen.get(&item), self.table.get(&item)].into_iter().flatten();
            let all = named.chain(self.identified.get(&item).into_iter().flatten());
            all.filter_map(|name| Some(self.product(name)?.name.clone())).collect::<Vec<_>>()
        };
        let names: BTreeSet<String> = items.into_iter().flat_map(names).collect();
        names.iter().filter_map(|name| self.product(name)).map(Product::as_published).collect()
    }

    /// The product that a thing is.
    ///
    /// # Errors
    /// Why nobody knows, in words.
    pub fn product_of(&self, item: &Item) -> Result<&Product, String> {
        let item = key(item);
        let claims = self.identified.get(&item);
        let name = match (self.chosen.get(&item), claims.map(|names| names.iter().collect::<Vec<_>>())) {
            (Some(name), _) => name,
            (None, Some(names)) => match names.as_slice() {
                [name] => *name,
                several => {
                    let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
                    return Err(format!("it is claimed by {}", names.join(" and ")));
                }
            },
            (None, None) => {
                self.table.get(&item).ok_or("no product with known support windows is known for it")?
            }
        };
        self.product(name).ok_or_else(|| format!("nothing was read of the product `{name}`"))
    }

    /// Where a version of a thing stands on a day. Of a chart it is the version of what it installs that
    /// counts.
    pub fn window(&self, item: &Item, version: &str, today: Date) -> Window {
        match self.product_of(item) {
            Ok(product) => window(product, version, today),
            Err(why) => Window::Unknown(why),
        }
    }
}

/// Where a version of a product stands on a day.
pub fn window(product: &Product, version: &str, today: Date) -> Window {
    let Some(cycle) = product.cycle(version) else {
        let unread = match product.problems.len() {
            0 => String::new(),
            n => format!(" ({} of it can't be read)", count(n, "cycle")),
        };
        let version = super::tidy(version);
        return Window::Unknown(format!(
            "`{version}` is of no cycle of {} that is known{unread}",
            product.label
        ));
    };
    match &cycle.ends {
        Ok(ends) => Window::Known {
            product: product.label.clone(),
            cycle: cycle.label.clone(),
            standing: Standing::of(ends, today),
            note: cycle.note.clone(),
            source: cycle.source.clone(),
        },
        Err(why) => Window::Unknown(format!("{} {}: {why}", product.label, cycle.name)),
    }
}

impl Window {
    /// In words: `Amazon EKS 1.34: support ends in 10 days, on 2026-12-02`.
    pub fn words(&self) -> String {
        match self {
            Self::Known { product, cycle, standing, .. } => {
                format!("{product} {cycle}: {}", standing.words())
            }
            Self::Unknown(why) => why.clone(),
        }
    }

    /// Where it stands, if that is known.
    pub fn standing(&self) -> Option<&Standing> {
        match self {
            Self::Known { standing, .. } => Some(standing),
            Self::Unknown(_) => None,
        }
    }
}

pub(super) fn named(file: &Support) -> BTreeMap<Item, String> {
    let each = file.products.iter().flat_map(|product| product.of.iter().map(move |of| (product, of)));
    each.filter_map(|(product, of)| {
        Some((key(&overrides::item(&of.value)?), product.name.value.as_str().to_owned()))
    })
    .collect()
}

/// The table of this program; a test holds that it can be read.
pub(super) fn table() -> Option<Support> {
    yaml::load(&Source::new("products.yaml", TABLE)).ok().flatten()
}
