//! JFrog Xray, version 2 of its summary of artifacts.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Key, below, refused};
use crate::adapter::web::{Ask, Pass, Web};
use crate::port::scans::{Scans, Subject};
use crate::port::upstream::Unanswered;
use crate::scan::vulnerabilities::{Asked, Report, read, xray};

/// The most bytes of a summary.
const MOST: u64 = 64 * 1024 * 1024;

/// An Xray.
pub struct Xray {
    web: Arc<Web>,
    address: String,
    name: String,
    key: Key,
}

impl Xray {
    /// The one at an address, such as `https://example.jfrog.io/xray`.
    pub fn new(web: Arc<Web>, address: &str, key: Key) -> Self {
        Self { web, address: address.to_owned(), name: format!("xray {address}"), key }
    }
}

#[async_trait]
impl Scans for Xray {
    fn name(&self) -> &str {
        &self.name
    }

    async fn report(&self, image: &Subject) -> Result<Report, Unanswered> {
        let digests = image.digests();
        let body = xray::question(&digests).to_string();
        let ask = Ask::post(below(&self.address, xray::SUMMARY)?, "application/json", body);
        let pass = self.key.pass(Pass::bearer).await?;
        let ask = ask.accept("application/json").pass(pass).most(MOST);
        let answer = self.web.ask(ask).await?.good()?;
        read(&answer.body, &Asked::of_service(digests, Timestamp::now())).map_err(|refusal| refused(&refusal))
    }
}
