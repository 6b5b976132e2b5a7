//! endoflife.date, version 1 of its interface: one product, or the whole data set. It decides what is asked and
//! how much is read; what an answer means is `lcm::support`'s.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reqwest::Url;
use tokio::sync::OnceCell;

use super::web::{Ask, Web, plain};
use crate::lcm::support::dataset::{self, Unreadable, Whole};
use crate::lcm::support::product::Product;
use crate::port::upstream::{Silence, Support, Unanswered};

/// Where the interface is, unless somebody keeps a copy of it.
pub const HOME: &str = "https://endoflife.date/api/v1";

/// The most bytes of the whole data set: some ten times what it has.
const WHOLE: u64 = 32 * 1024 * 1024;

/// The most bytes of one product: some ten times what the longest one has.
const ONE: u64 = 4 * 1024 * 1024;

/// An answer for all who ask for it at once or later.
type Once<T> = Arc<OnceCell<Result<Arc<T>, Unanswered>>>;

/// endoflife.date, for one run.
pub struct EndOfLife {
    web: Arc<Web>,
    home: String,
    whole: Once<Whole>,
    products: Mutex<BTreeMap<String, Once<Product>>>,
}

impl EndOfLife {
    /// The interface at an address ([`HOME`], or that of a copy), asked over `web`.
    pub fn new(web: Arc<Web>, home: impl Into<String>) -> Self {
        Self { web, home: home.into(), whole: Once::default(), products: Mutex::default() }
    }

    async fn read<T>(
        &self,
        what: &str,
        most: u64,
        read: fn(&[u8]) -> Result<T, Unreadable>,
    ) -> Result<T, Unanswered> {
        let text = format!("{}/products/{what}/", self.home.trim_end_matches('/'));
        let url = Url::parse(&text).map_err(|error| {
            let words = format!("`{}` is no address of support windows: {error}", plain(&self.home));
            Unanswered::new(Silence::Invalid, words)
        })?;
        let ask = Ask::get(url).accept("application/json").most(most).kept();
        let answer = self.web.ask(ask).await?.good()?;
        read(&answer.body).map_err(|error| {
            let words = format!("the support windows of {}: {error}", told(what));
            Unanswered::new(Silence::Invalid, words)
        })
    }

    async fn one(&self, name: &str) -> Result<Product, Unanswered> {
        let product = self.read(name, ONE, dataset::product).await?;
        // Products are renamed, and the old address leads to the new name. Dates of another one are no answer.
        if product.name == name || product.aliases.iter().any(|alias| alias == name) {
            return Ok(product);
        }
        let words = format!("the support windows of {name}: the answer is about `{}`", product.name);
        Err(Unanswered::new(Silence::Invalid, words))
    }
}

#[async_trait]
impl Support for EndOfLife {
    async fn product(&self, name: &str) -> Result<Arc<Product>, Unanswered> {
        if !is_name(name) {
            let words = format!("`{}` is no name of a product of endoflife.date", plain(name));
            return Err(Unanswered::new(Silence::Invalid, words));
        }
        let once = {
            let mut products = self.products.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(products.entry(name.to_owned()).or_default())
        };
        once.get_or_init(async || self.one(name).await.map(Arc::new)).await.clone()
    }

    async fn whole(&self) -> Result<Arc<Whole>, Unanswered> {
        let read = async || self.read("full", WHOLE, dataset::whole).await.map(Arc::new);
        self.whole.get_or_init(read).await.clone()
    }
}

/// Whether a text can stand in an address as a product's name; `full` is that of all of them.
fn is_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    name != "full"
        && name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(inner)
}

fn told(what: &str) -> &str {
    if what == "full" { "all products" } else { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_no_other_address() {
        for name in ["redis", "ros-2", "amazon-eks", "7-zip"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "full", "..", "a/b", "a?b", "a#b", "A", "a b", "%2e", "a\n", &"a".repeat(101)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
