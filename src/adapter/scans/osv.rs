//! OSV: first which vulnerabilities each package of a bill of materials has, many packages in one question, then
//! what each of them is. A vulnerability that many images have is fetched once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::{Bills, below, refused};
use crate::adapter::web::{Ask, Web};
use crate::model::VulnerabilityId;
use crate::port::scans::{Scans, Subject};
use crate::port::upstream::{Silence, Unanswered};
use crate::scan::vulnerabilities::osv::{self, MOST_QUESTIONS, Question};
use crate::scan::vulnerabilities::{Asked, Report, Vulnerability};

/// Where its makers keep it (osv.dev).
pub(super) const HOME: &str = "https://api.osv.dev";

/// The most bytes of an answer to many questions, and of a record.
const MOST: u64 = 32 * 1024 * 1024;

/// The most pages of the answer about one image.
const MOST_PAGES: usize = 200;

/// The most vulnerabilities of one image.
const MOST_RECORDS: usize = 10_000;

/// How many records are asked for at once for one image; how many of them a host sees is for `web`.
const AT_ONCE: usize = 32;

/// A record for all who ask for it at once or later.
type Once = Arc<OnceCell<Result<Arc<Vec<u8>>, Unanswered>>>;

/// OSV.
pub struct Osv {
    web: Arc<Web>,
    address: String,
    name: String,
    bills: Arc<Bills>,
    records: Mutex<BTreeMap<VulnerabilityId, Once>>,
}

impl Osv {
    /// The one at an address.
    pub fn new(web: Arc<Web>, address: &str, bills: Arc<Bills>) -> Self {
        let (address, name) = (address.to_owned(), format!("osv {address}"));
        Self { web, address, name, bills, records: Mutex::default() }
    }

    /// Which vulnerabilities packages have, by their package URLs.
    async fn names(&self, purls: Vec<String>) -> Result<BTreeSet<(VulnerabilityId, String)>, Unanswered> {
        let mut open: Vec<Question> = purls.into_iter().map(|purl| Question { purl, page: None }).collect();
        let mut found = BTreeSet::new();
        let mut pages = 0;
        while !open.is_empty() {
            pages += 1;
            if pages > MOST_PAGES || found.len() > MOST_RECORDS {
                let words = format!("{} told more of one image than any image has", self.name);
                return Err(Unanswered::new(Silence::TooMuch, words));
            }
            let asked: Vec<Question> = open.drain(..open.len().min(MOST_QUESTIONS)).collect();
            let url = below(&self.address, osv::QUERY_BATCH)?;
            let ask = Ask::post(url, "application/json", osv::batch(&asked).to_string());
            let answer = self.web.ask(ask.accept("application/json").most(MOST)).await?.good()?;
            let answers = osv::read_batch(&answer.body, asked.len()).map_err(|refusal| refused(&refusal))?;
            for (question, page) in asked.into_iter().zip(answers) {
                found.extend(page.found.into_iter().map(|id| (id, question.purl.clone())));
                open.extend(page.next.map(|next| Question { page: Some(next), ..question }));
            }
        }
        Ok(found)
    }

    /// What one vulnerability is, for one package.
    async fn record(&self, id: &VulnerabilityId, purl: &str) -> Result<Vec<Vulnerability>, Unanswered> {
        let once = {
            let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(records.entry(id.clone()).or_default())
        };
        let bytes = once.get_or_init(async || self.fetch(id).await.map(Arc::new)).await.clone()?;
        osv::read_record(&bytes, purl).map_err(|refusal| refused(&refusal))
    }

    async fn fetch(&self, id: &VulnerabilityId) -> Result<Vec<u8>, Unanswered> {
        let mut url = below(&self.address, osv::RECORD)?;
        // A name is one part of the path, whatever is in it.
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().push(id.as_str());
        }
        let ask = Ask::get(url).accept("application/json").most(MOST).kept();
        Ok(self.web.ask(ask).await?.good()?.body)
    }
}

#[async_trait]
impl Scans for Osv {
    fn name(&self) -> &str {
        &self.name
    }

    fn caveat(&self) -> Option<&'static str> {
        Some("told by a bill of materials: what it does not list was not looked at")
    }

    async fn report(&self, image: &Subject) -> Result<Report, Unanswered> {
        let bill = self.bills.bill(image).await?;
        let at = Timestamp::now();
        let purls: BTreeSet<String> = bill.packages.iter().map(|one| one.purl.clone()).collect();
        let names = self.names(purls.into_iter().collect()).await?;
        let found: Vec<Vec<Vulnerability>> = futures::stream::iter(names)
            .map(|(id, purl)| async move { lost(&id, self.record(&id, &purl).await) })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(osv::report(&Asked::of_service(image.digests(), at), found.into_iter().flatten()))
    }
}

/// A record that was named and is not there is no sign of a clean image.
fn lost(
    id: &VulnerabilityId,
    record: Result<Vec<Vulnerability>, Unanswered>,
) -> Result<Vec<Vulnerability>, Unanswered> {
    record.map_err(|silent| match silent.why {
        Silence::Missing => {
            Unanswered::new(Silence::Invalid, format!("{id} was named, and is not there: {silent}"))
        }
        _ => silent,
    })
}
