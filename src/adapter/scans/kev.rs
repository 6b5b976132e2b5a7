//! CISA's catalogue of known exploited vulnerabilities, or a copy of it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{below, refused};
use crate::adapter::web::{Ask, Web};
use crate::port::scans::Exploits;
use crate::port::upstream::Unanswered;
use crate::scan::vulnerabilities::Kev;

/// Where its makers keep it (cisa.gov/known-exploited-vulnerabilities-catalog).
pub(super) const HOME: &str =
    "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";

/// The most bytes of it: some twenty times what it has.
const MOST: u64 = 32 * 1024 * 1024;

/// The catalogue at an address.
pub struct Catalogue {
    web: Arc<Web>,
    address: String,
}

impl Catalogue {
    /// The catalogue at an address.
    pub fn new(web: Arc<Web>, address: &str) -> Self {
        Self { web, address: address.to_owned() }
    }
}

#[async_trait]
impl Exploits for Catalogue {
    fn name(&self) -> &str {
        "kev"
    }

    async fn catalogue(&self) -> Result<Kev, Unanswered> {
        let ask = Ask::get(below(&self.address, "")?).accept("application/json").most(MOST).kept();
        let answer = self.web.ask(ask).await?.good()?;
        Kev::read(&answer.body).map_err(|refusal| refused(&refusal))
    }
}
