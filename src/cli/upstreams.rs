//! The sources of newer versions, wired: whom the platform's `pipelines/sources.yaml` says to ask in which
//! way, and as whom this user asks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use etcetera::BaseStrategy;

use super::failure::Failure;
use super::forge_tokens::{self, GITHUB, GITLAB};
use super::place::Place;
use crate::adapter::charts::ChartRepositories;
use crate::adapter::forge::{self, ForgeRequests, Forges};
use crate::adapter::offers::{self, KubernetesOffers};
use crate::adapter::registry::{self, Credentials, Registries};
use crate::adapter::scans::{self, Means};
use crate::adapter::secrets::LocalSecrets;
use crate::adapter::support::{self, EndOfLife};
use crate::adapter::web::{self, Keep, Pass, Trust, Web};
use crate::diag::{Finding, codes};
use crate::engine::newer::{Scanners, Upstreams};
use crate::engine::repo::Platform;
use crate::lcm::remote::Home;
use crate::model::{ForgeKind, Mirrors, ScanSource, SourceHost, SourcesFile};
use crate::output::exit::Code;
use crate::port::{Secret, Secrets};
use crate::yaml::Spanned;

/// The most bytes of answers of sources that are kept for the next time.
const KEPT: u64 = 1024 * 1024 * 1024;

/// The file that says how.
const SOURCES: &str = "pipelines/sources.yaml";

/// The folder with what clouds said that they offer.
const OFFERED: &str = "pipelines/offered";

/// How sources are asked here.
pub struct Asking {
    web: Arc<Web>,
    /// Hosts with the address that is asked instead.
    endpoints: BTreeMap<String, String>,
    /// Copies with what they are copies of.
    mirrors: Mirrors,
    credentials: Credentials,
    /// The repository's root.
    root: PathBuf,
    /// Hosts of which the platform says that they are a forge.
    forges: BTreeMap<String, ForgeKind>,
    /// Who is asked about vulnerabilities.
    scans: Vec<ScanSource>,
    secrets: Arc<dyn Secrets>,
}

impl Asking {
    /// As the platform says, if it says something; answers that take longer than `whole` in all are not
    /// waited for.
    ///
    /// # Errors
    /// When a file with certificates can't be read.
    pub fn of(
        place: &Place,
        root: Option<&Path>,
        sources: Option<&SourcesFile>,
        whole: Option<Duration>,
    ) -> Result<Self, Failure> {
        let keep = etcetera::base_strategy::Xdg::new()
            .ok()
            .map(|folders| Keep { folder: folders.cache_dir().join("tidegate/answers"), most: KEPT });
        let mut settings = web::Settings { keep, ..web::Settings::default() };
        settings.whole = whole.unwrap_or(settings.whole);
        let (mut endpoints, mut mirrors) = (BTreeMap::new(), Mirrors::default());
        if let (Some(file), Some(root)) = (sources, root) {
            for host in &file.spec.hosts {
                let SourceHost { host, endpoint, plain, .. } = &host.value;
                if let Some(endpoint) = endpoint {
                    endpoints.insert(host.value.clone(), endpoint.value.clone());
                }
                if *plain {
                    settings.plain.insert(host.value.clone());
                }
            }
            let trusts = file.spec.hosts.iter().map(|host| trust(&host.value, root));
            settings.trusts = trusts.filter_map(Result::transpose).collect::<Result<_, _>>()?;
            mirrors = Mirrors::of(&file.spec);
        }
        let env = |name: &str| std::env::var(name).ok();
        let credentials = Credentials::of_user(&env, place.home());
        let root = root.map(Path::to_path_buf).unwrap_or_default();
        let hosts = sources.into_iter().flat_map(|file| &file.spec.hosts);
        let forges =
            hosts.filter_map(|host| Some((host.value.host.value.clone(), host.value.forge?))).collect();
        let named = sources.into_iter().flat_map(|file| &file.spec.scans);
        let scans = named.map(|scan| scan.value.clone()).collect();
        let secrets = Arc::new(LocalSecrets::new(&root, place.home()));
        let web = Arc::new(Web::new(settings));
        Ok(Self { web, endpoints, mirrors, credentials, root, forges, scans, secrets })
    }

    /// The registries of images.
    pub fn registries(self) -> Registries {
        let Self { web, endpoints, mirrors, credentials, .. } = self;
        let settings = registry::Settings { mirrors, endpoints, ..registry::Settings::default() };
        Registries::new(web, settings, credentials)
    }

    /// Where forges are asked, and as whom.
    fn forge(&self) -> forge::Settings {
        let pass = |names: &[&str]| token(names).map(|token| Pass::bearer(&token));
        forge::Settings { endpoints: self.endpoints.clone(), github: pass(&GITHUB), gitlab: pass(&GITLAB) }
    }

    /// The requests of a project of one's own; none if nobody said who asks.
    pub fn requests(&self, home: &Home) -> Option<ForgeRequests> {
        let pass = Pass::bearer(&token(&self.tokens(home))?);
        Some(ForgeRequests::new(Arc::clone(&self.web), self.forge(), home.clone(), pass))
    }

    /// The variables whose token may be shown to the host of a project.
    pub fn tokens(&self, home: &Home) -> Vec<&'static str> {
        let host = home.remote.host.as_str();
        let bare = host.split(':').next().unwrap_or(host);
        let named = [host, bare].iter().any(|host| self.forges.get(*host) == Some(&home.forge));
        forge_tokens::names(home, named, &|name| std::env::var(name).ok())
    }

    /// All sources.
    pub fn upstreams(self) -> Upstreams {
        let root = self.root.clone();
        let settings = self.forge();
        let forge = Arc::new(Forges::new(Arc::clone(&self.web), settings));
        let (web, endpoints) = (Arc::clone(&self.web), self.endpoints.clone());
        let (named, secrets) = (self.scans.clone(), Arc::clone(&self.secrets));
        let registry = Arc::new(self.registries());
        let home = |host: &str, usual: &str| match endpoints.get(host) {
            Some(endpoint) => usual.replacen(&format!("https://{host}"), endpoint.trim_end_matches('/'), 1),
            None => usual.to_owned(),
        };
        let support = EndOfLife::new(Arc::clone(&web), home("endoflife.date", support::HOME));
        let channels = home("dl.k8s.io", offers::CHANNELS);
        let offers = KubernetesOffers::new(Arc::clone(&web), channels, root.join(OFFERED));
        let means = Means { web: Arc::clone(&web), registries: Arc::clone(&registry), secrets, root: &root };
        let scans::Named { sources, exploits } = scans::of(&named, &means);
        let charts = ChartRepositories::new(web, Arc::clone(&registry) as _).with_endpoints(endpoints);
        Upstreams {
            registry,
            charts: Arc::new(charts),
            forge,
            support: Arc::new(support),
            offers: Arc::new(offers),
            scanners: Scanners { sources, exploits },
        }
    }
}

impl Place {
    /// How sources are asked from here: by the repository's `pipelines/sources.yaml`, if the command works in
    /// a repository that has one.
    ///
    /// # Errors
    /// When the file, or one with certificates that it names, can't be read.
    pub async fn asking(&self) -> Result<Asking, Failure> {
        match self.files().await {
            Ok(files) => self.asking_by(&Platform::working(&files).await?).await,
            Err(_) => Asking::of(self, None, None, None),
        }
    }

    /// The same by files that were read already.
    ///
    /// # Errors
    /// As [`Place::asking`].
    pub async fn asking_by(&self, platform: &Platform) -> Result<Asking, Failure> {
        let Platform { catalog, findings, .. } = platform;
        if catalog.is_unreadable(SOURCES) {
            return Err(Failure::invalid(findings.clone()));
        }
        let git = self.repository().await?;
        Asking::of(self, Some(git.root()), catalog.sources.as_ref().map(|loaded| &loaded.file), None)
    }
}

/// The first of these variables that is set.
fn token(names: &[&str]) -> Option<Secret> {
    let set = names.iter().filter_map(|name| std::env::var(name).ok());
    set.map(|token| token.trim().to_owned()).find(|token| !token.is_empty()).map(Secret::new)
}

/// What counts for a host; nothing if the file says nothing of it.
fn trust(host: &SourceHost, root: &Path) -> Result<Option<Trust>, Failure> {
    if host.authorities.is_none() && host.certificate.is_none() {
        return Ok(None);
    }
    let authorities = host.authorities.as_ref().map(|file| read(file, root)).transpose()?;
    let certificate = host.certificate.as_ref().map(|file| read(file, root)).transpose()?;
    let certificate = match (certificate, &host.certificate) {
        (Some(bytes), Some(file)) => {
            let text = String::from_utf8(bytes).map_err(|_| unread(file, "it is no text"))?;
            Some(Secret::new(text))
        }
        _ => None,
    };
    // An empty file is no bundle either.
    if let (Some([]), Some(file)) = (authorities.as_deref(), &host.authorities) {
        return Err(unread(file, "it is empty"));
    }
    let (authorities, hosts) = (authorities.unwrap_or_default(), [host.host.value.clone()].into());
    // Each by itself, so that the one that is wrong is told.
    let of_authorities = Trust { authorities: authorities.clone(), ..Trust::default() };
    let of_certificate = Trust { certificate: certificate.clone(), ..Trust::default() };
    for (trust, file) in [(of_authorities, &host.authorities), (of_certificate, &host.certificate)] {
        if let (Err(why), Some(file)) = (trust.check(), file) {
            return Err(unread(file, &why));
        }
    }
    Ok(Some(Trust { hosts, authorities, certificate }))
}

fn read(file: &Spanned<String>, root: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(root.join(&file.value)).map_err(|error| unread(file, &error.to_string()))
}

fn unread(file: &Spanned<String>, why: &str) -> Failure {
    let message = format!("`{}` can't be read: {why}", file.value);
    Failure::new(Code::Invalid, Finding::error(&codes::FILE_UNREADABLE, message).at(&file.place))
}
