//! Repositories of Helm charts: over HTTP by their index, in registries by the tags of a repository for each
//! chart. It decides what is asked and how much is read; what an index says is `lcm::index`'s.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use super::web::{Ask, Web};
use crate::lcm::charts::{Entry, from_oci_tag};
use crate::lcm::index::{Chart, Doubt, Index, IndexError, Limits, Outcome, Scan, whole};
use crate::model::image::Repository;
use crate::port::upstream::{Charts, Listed, Registry, Silence, Unanswered, Wanted};

/// The largest index that is read at all, in bytes: seven times what the largest public one has.
const LARGEST: u64 = 1024 * 1024 * 1024;

/// How long an index may take to arrive.
const WITHIN: Duration = Duration::from_secs(120);

/// All repositories of charts, for one run.
pub struct ChartRepositories {
    web: Arc<Web>,
    registry: Arc<dyn Registry>,
    limits: Limits,
    largest: u64,
    /// Hosts with the address that is asked instead.
    endpoints: BTreeMap<String, String>,
}

impl ChartRepositories {
    /// Repositories asked over `web`, and those in registries over `registry`.
    pub fn new(web: Arc<Web>, registry: Arc<dyn Registry>) -> Self {
        Self { web, registry, limits: Limits::default(), largest: LARGEST, endpoints: BTreeMap::new() }
    }

    /// With another bound on the size of an index, in bytes.
    pub fn reading_at_most(self, largest: u64) -> Self {
        Self { largest, ..self }
    }

    /// With other addresses for some hosts (`HOST` or `HOST:PORT`).
    pub fn with_endpoints(self, endpoints: BTreeMap<String, String>) -> Self {
        Self { endpoints, ..self }
    }

    /// What an index says of some charts. It is read as it arrives; only what a stream can't tell is read
    /// again as a whole, from the disk if it was kept.
    async fn index(&self, repository: &str, charts: &[&str]) -> Result<Index, Unanswered> {
        let url = index_of(&self.asked(repository))?;
        let ask = Ask::get(url).kept().within(WITHIN);
        let wrong = |error: IndexError| Unanswered::new(Silence::Invalid, format!("{repository}: {error}"));
        match self.scan(ask.clone().most(self.largest), charts, &wrong).await? {
            Outcome::Found(index) => Ok(index),
            Outcome::NeedsWhole(_) => {
                let ask = ask.most(self.limits.whole as u64);
                let answer = self.web.ask(ask).await?.good()?;
                whole(&answer.body, charts.iter().copied(), &self.limits).map_err(wrong)
            }
        }
    }

    /// The address that is asked for a repository.
    fn asked(&self, repository: &str) -> String {
        let instead = || {
            let url = Url::parse(repository).ok()?;
            let host = url.host_str()?;
            let named = url.port().map(|port| format!("{host}:{port}"));
            let named = named.and_then(|named| self.endpoints.get(&named));
            let endpoint = named.or_else(|| self.endpoints.get(host))?;
            Some(format!("{}{}", endpoint.trim_end_matches('/'), url.path()))
        };
        instead().unwrap_or_else(|| repository.to_owned())
    }

    async fn scan(
        &self,
        ask: Ask,
        charts: &[&str],
        wrong: &(dyn Fn(IndexError) -> Unanswered + Sync),
    ) -> Result<Outcome, Unanswered> {
        let (answer, mut body) = self.web.stream(ask).await?;
        answer.good()?;
        let mut scan = Scan::new(charts.iter().copied(), self.limits);
        let mut doubt: Option<Doubt> = None;
        while let Some(chunk) = body.chunk().await? {
            // What is doubted is read on nevertheless, if it may be needed as a whole: so it is kept.
            if doubt.is_none() {
                scan.feed(&chunk).map_err(wrong)?;
                doubt = scan.doubt();
            }
        }
        scan.finish().map_err(wrong)
    }

    /// The versions of a chart that is kept in a registry: no tag says more than its name.
    async fn tags(&self, repository: &str, chart: &str) -> Result<Chart, Unanswered> {
        let bare = repository.trim_start_matches("oci://").trim_end_matches('/');
        let place: Repository = format!("{bare}/{chart}").parse().map_err(|error| {
            Unanswered::new(Silence::Invalid, format!("`{repository}` is no repository of charts: {error}"))
        })?;
        let tags = self.registry.tags(&place, Wanted::Names).await?;
        let entry = |tag| Entry { version: from_oci_tag(tag), ..Entry::default() };
        Ok(Chart { entries: tags.iter().map(entry).collect(), ..Chart::default() })
    }
}

#[async_trait]
impl Charts for ChartRepositories {
    async fn versions(&self, repository: &str, charts: &[&str]) -> Result<Listed, Unanswered> {
        if repository.starts_with("oci://") {
            let each =
                charts.iter().map(async |chart| ((*chart).to_owned(), self.tags(repository, chart).await));
            return Ok(futures::future::join_all(each).await.into_iter().collect());
        }
        let mut index = self.index(repository, charts).await?;
        let of = |name: &str| match index.charts.remove(name) {
            Some(Ok(chart)) => Ok(chart),
            Some(Err(error)) => {
                Err(Unanswered::new(Silence::Invalid, format!("{repository}: {name}: {error}")))
            }
            None => Err(Unanswered::new(Silence::Missing, format!("{repository} has no chart `{name}`"))),
        };
        Ok(charts
            .iter()
            .copied()
            .map(str::to_owned)
            .zip(charts.iter().copied().map(of))
            .collect::<BTreeMap<_, _>>())
    }
}

/// The address of a repository's index.
fn index_of(repository: &str) -> Result<Url, Unanswered> {
    let wrong = |why: String| {
        Unanswered::new(Silence::Invalid, format!("`{repository}` is no repository of charts: {why}"))
    };
    let mut url = Url::parse(repository).map_err(|error| wrong(error.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(wrong("expected https:// or oci://".to_owned()));
    }
    let path = format!("{}/index.yaml", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_lies_below_its_repository_whatever_stands_behind_it() {
        let index = |text: &str| index_of(text).map(|url| url.to_string());
        assert_eq!(
            index("https://charts.example.com").as_deref(),
            Ok("https://charts.example.com/index.yaml")
        );
        assert_eq!(
            index("https://example.com/charts/").as_deref(),
            Ok("https://example.com/charts/index.yaml")
        );
        assert_eq!(
            index("https://example.com/c?token=x").as_deref(),
            Ok("https://example.com/c/index.yaml?token=x")
        );
        for wrong in ["charts.example.com", "file:///etc", "ftp://example.com"] {
            assert!(index(wrong).is_err_and(|silence| silence.why == Silence::Invalid), "{wrong}");
        }
    }
}
