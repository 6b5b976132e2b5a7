//! Repositories of Helm charts: over HTTP by their index, in registries by the tags of a repository for each
//! chart; and the archives that they name. It decides what is asked and how much is read; what an index says
//! is `lcm::index`'s, what an archive holds `lcm::changes`'.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use super::web::{Ask, Lead, Place, Web, Whence, plain};
use crate::digest::Digest;
use crate::lcm::charts::{Entry, from_oci_tag, to_oci_tag};
use crate::lcm::index::{Chart, Doubt, Index, IndexError, Limits, Outcome, Scan, whole};
use crate::model::image::{Image, Repository};
use crate::port::upstream::{Charts, Listed, Packed, Registry, Silence, Unanswered, Wanted};

/// The largest index that is read at all, in bytes: seven times what the largest public one has.
const LARGEST: u64 = 1024 * 1024 * 1024;

/// The largest packed chart, in bytes: some ten times what the largest public ones have.
pub(super) const LARGEST_PACKED: u64 = 20 * 1024 * 1024;

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
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            Some(format!("{}{}{query}", endpoint.trim_end_matches('/'), url.path()))
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
        let place = in_registry(repository, chart)?;
        let tags = self.registry.tags(&place, Wanted::Names).await?;
        let entry = |tag| Entry { version: from_oci_tag(tag), ..Entry::default() };
        Ok(Chart { entries: tags.iter().map(entry).collect(), ..Chart::default() })
    }

    /// The archive at an address that the index of a repository names. Only the repository's own host, and
    /// hosts that a person named, may stand anywhere.
    async fn archive(&self, repository: &str, url: Url, entry: &Entry) -> Result<Vec<u8>, Unanswered> {
        let index = index_of(&self.asked(repository))?;
        let home = index_of(repository)?;
        let named = self.asked(url.as_str());
        let asked = Url::parse(&named).unwrap_or_else(|_| url.clone());
        let is_led = url.origin() != home.origin() && asked == url;
        let mut ask = Ask::get(asked).most(LARGEST_PACKED);
        if is_led {
            let place = self.web.place(&index).unwrap_or(Place::Public);
            ask = ask.led(&Whence { url: index, place }, Lead::On);
        }
        let ask = match digest(entry)? {
            Some(digest) => ask.sealed(digest),
            None => ask.kept(),
        };
        Ok(self.web.ask(ask).await?.good()?.body)
    }
}

#[async_trait]
impl Charts for ChartRepositories {
    async fn package(&self, repository: &str, chart: &str, entry: &Entry) -> Result<Packed, Unanswered> {
        let what = |silence: Unanswered| {
            let words = format!("the package of {chart} {}: {silence}", entry.version);
            Unanswered::new(silence.why, words)
        };
        let missing = || Unanswered::new(Silence::Missing, "the index names no address of it");
        let (image, address) = if repository.starts_with("oci://") {
            let repository = in_registry(repository, chart).map_err(what)?;
            let tag = Some(to_oci_tag(&entry.version));
            (Some(Image { repository, tag, digest: None }), None)
        } else {
            match entry.urls.first().ok_or_else(missing).map_err(what)?.strip_prefix("oci://") {
                Some(image) => (Some(image_of(image, &entry.version).map_err(what)?), None),
                None => (None, Some(address_of(repository, entry).map_err(what)?)),
            }
        };
        let told = address.as_ref().filter(|url| url.query().is_none()).map(ToString::to_string);
        let bytes = match (image, address) {
            (Some(image), _) => self.registry.chart(&image).await,
            (None, Some(url)) => self.archive(repository, url, entry).await,
            (None, None) => Err(missing()),
        };
        Ok(Packed { bytes: bytes.map_err(what)?, address: told })
    }

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

/// Where a chart lies in a registry.
fn in_registry(repository: &str, chart: &str) -> Result<Repository, Unanswered> {
    let bare = repository.trim_start_matches("oci://").trim_end_matches('/');
    format!("{bare}/{chart}").parse().map_err(|error| {
        Unanswered::new(Silence::Invalid, format!("`{repository}` is no repository of charts: {error}"))
    })
}

/// What an index names in a registry; without a tag it is the version.
fn image_of(text: &str, version: &str) -> Result<Image, Unanswered> {
    let wrong =
        |error| Unanswered::new(Silence::Invalid, format!("`oci://{}` is no chart: {error}", plain(text)));
    let image: Image = text.parse().map_err(wrong)?;
    let names_tag = text.rsplit('/').next().is_some_and(|last| last.contains(':'));
    let tag = image.tag.filter(|_| names_tag).or_else(|| Some(to_oci_tag(version)));
    Ok(Image { tag, ..image })
}

/// The digest that an index tells of a version. One that can't be read is not taken for none.
fn digest(entry: &Entry) -> Result<Option<Digest>, Unanswered> {
    let Some(text) = entry.digest.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let digits = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    format!("sha256:{digits}").parse().map(Some).map_err(|error| {
        Unanswered::new(Silence::Invalid, format!("the index tells a digest that is none: {error}"))
    })
}

/// The address of an archive: as Helm finds it, one that is relative lies below the repository and gets its
/// query.
fn address_of(repository: &str, entry: &Entry) -> Result<Url, Unanswered> {
    let text = entry.urls.first().map(String::as_str).unwrap_or_default();
    let wrong = || {
        let words = format!("the index names `{}`, which is no address", plain(text));
        Unanswered::new(Silence::Invalid, words)
    };
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => return Ok(url),
        Ok(_) => return Err(wrong()),
        Err(_) if text.is_empty() => return Err(wrong()),
        Err(_) => {}
    }
    let index = index_of(repository)?;
    let mut url = index.join(text).map_err(|_| wrong())?;
    if url.query().is_none() {
        url.set_query(index.query());
    }
    Ok(url)
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
    fn an_archive_lies_where_helm_finds_it() {
        let of = |repository: &str, text: &str| {
            let entry = Entry { urls: vec![text.to_owned()], ..Entry::default() };
            address_of(repository, &entry).map(|url| url.to_string())
        };
        let home = "https://charts.example.com/stable/";
        assert_eq!(of(home, "a-1.0.0.tgz").as_deref(), Ok("https://charts.example.com/stable/a-1.0.0.tgz"));
        assert_eq!(
            of("https://charts.example.com/stable?t=1", "charts/a.tgz").as_deref(),
            Ok("https://charts.example.com/stable/charts/a.tgz?t=1")
        );
        assert_eq!(of(home, "/a.tgz").as_deref(), Ok("https://charts.example.com/a.tgz"));
        assert_eq!(
            of(home, "https://cdn.example.com/a.tgz?s=2").as_deref(),
            Ok("https://cdn.example.com/a.tgz?s=2")
        );
        for wrong in ["", "file:///etc/passwd", "ftp://x/a.tgz"] {
            assert!(of(home, wrong).is_err_and(|silence| silence.why == Silence::Invalid), "{wrong}");
        }
    }

    #[test]
    fn a_digest_is_told_with_or_without_its_kind() {
        let of = |text: &str| digest(&Entry { digest: Some(text.to_owned()), ..Entry::default() });
        let digits = "ab".repeat(32);
        let whole: Digest = format!("sha256:{digits}").parse().expect("a digest");
        for text in
            [digits.clone(), digits.to_uppercase(), format!("sha256:{digits}"), format!(" {digits}\n")]
        {
            assert_eq!(of(&text), Ok(Some(whole)), "{text}");
        }
        assert_eq!(of(""), Ok(None));
        assert!(of("abc").is_err());
    }

    #[test]
    fn an_index_may_name_what_lies_in_a_registry() {
        let of = |text: &str| image_of(text, "1.0.0+b").map(|image| image.to_string());
        assert_eq!(of("ghcr.io/a/charts/web:1.0.0").as_deref(), Ok("ghcr.io/a/charts/web:1.0.0"));
        assert_eq!(of("127.0.0.1:5000/web").as_deref(), Ok("127.0.0.1:5000/web:1.0.0_b"));
        assert!(of("../x y").is_err());
    }

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
