//! A Trivy server. It is told the packages of a bill of materials, as `trivy sbom --server` tells them, and says
//! which vulnerabilities they have: layers of images are not pulled. An image of which nobody says what it is
//! made of can't be asked about.

use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderName;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{Bills, Key, below, refused};
use crate::adapter::web::{Ask, Pass, Web};
use crate::port::scans::{Scans, Subject};
use crate::port::upstream::Unanswered;
use crate::scan::vulnerabilities::trivy_server::{self, ServerVersion};
use crate::scan::vulnerabilities::{Asked, Report};

/// The most bytes of an answer.
const MOST: u64 = 64 * 1024 * 1024;

/// The header of the server's token (trivy.dev, "Client/Server": `--token-header`).
const TOKEN: HeaderName = HeaderName::from_static("trivy-token");

/// A Trivy server.
pub struct TrivyServer {
    web: Arc<Web>,
    address: String,
    name: String,
    key: Key,
    bills: Arc<Bills>,
    version: OnceCell<Result<ServerVersion, Unanswered>>,
}

impl TrivyServer {
    /// The one at an address.
    pub fn new(web: Arc<Web>, address: &str, key: Key, bills: Arc<Bills>) -> Self {
        let (address, name) = (address.to_owned(), format!("trivy {address}"));
        Self { web, address, name, key, bills, version: OnceCell::new() }
    }

    async fn post(&self, path: &str, message: &Value) -> Result<Vec<u8>, Unanswered> {
        let ask = Ask::post(below(&self.address, path)?, "application/json", message.to_string());
        let pass = self.key.pass(|token| Pass::header(TOKEN, token)).await?;
        let ask = ask.accept("application/json").pass(pass).most(MOST);
        Ok(self.web.ask(ask).await?.good()?.body)
    }

    async fn ask_version(&self) -> Result<ServerVersion, Unanswered> {
        let ask = Ask::get(below(&self.address, trivy_server::VERSION)?).accept("application/json");
        let answer = self.web.ask(ask).await?.good()?;
        trivy_server::read_version(&answer.body).map_err(|refusal| refused(&refusal))
    }
}

#[async_trait]
impl Scans for TrivyServer {
    fn name(&self) -> &str {
        &self.name
    }

    fn caveat(&self) -> Option<&'static str> {
        Some("told by a bill of materials: what it does not list was not looked at")
    }

    async fn caveat_of(&self, image: &Subject) -> Option<String> {
        let general = self.caveat().map(str::to_owned);
        // It was read for the report already.
        let Ok(bill) = self.bills.bill(image).await else { return general };
        match trivy_server::left_out(&bill) {
            0 => general,
            count => {
                general.map(|general| format!("{general}; nor were {count} of the packages that it lists"))
            }
        }
    }

    async fn report(&self, image: &Subject) -> Result<Report, Unanswered> {
        let bill = self.bills.bill(image).await?;
        let version = self.version.get_or_init(async || self.ask_version().await).await.clone()?;
        let blob = trivy_server::blob(&bill).map_err(|refusal| refused(&refusal))?;
        let keys = [blob.key.clone()];
        let question = trivy_server::missing_question(&blob.key, &keys);
        let missing = self.post(trivy_server::MISSING, &question).await?;
        let missing = trivy_server::read_missing(&missing).map_err(|refusal| refused(&refusal))?;
        if missing.missing_blob_ids.contains(&blob.key) {
            self.post(trivy_server::PUT, &blob.message).await?;
        }
        let target = format!("{}@{}", image.repository, image.digest);
        let answer =
            self.post(trivy_server::SCAN, &trivy_server::scan_question(&target, &blob.key, &keys)).await?;
        let asked = Asked::of_service(image.digests(), Timestamp::now());
        trivy_server::read(&answer, &asked, &version).map_err(|refusal| refused(&refusal))
    }
}
