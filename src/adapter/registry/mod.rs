//! Registries of images: the distribution API, and what some registries tell beside it. It decides which
//! interface is asked for what, and that within a run nothing is asked twice; politeness is `web`'s.

mod attached;
mod challenge;
mod chart;
mod credentials;
mod door;
mod ecr;
mod helper;
mod list;
mod names;
mod native;
mod page;
mod settings;
mod token;
mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use http::HeaderName;
use tokio::sync::OnceCell;

pub use credentials::Credentials;
pub use settings::Settings;

use super::web::{Ask, Web, plain};
use crate::model::image::{Image, Repository, is_digest};
use crate::port::upstream::{Registry, Silence, Tags, Unanswered, Wanted};
use door::{Doors, Visit};
use names::Proof;
use native::Native;

/// The kinds of manifests: OCI's and docker's, of one platform and of several.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// The largest manifest, in bytes (OCI distribution-spec, "Pushing Manifests").
const LARGEST: u64 = 4 * 1024 * 1024;

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// All registries, for one run.
pub struct Registries {
    web: Arc<Web>,
    settings: Settings,
    credentials: Credentials,
    doors: Doors,
    /// By repository and whether details were wanted.
    listed: Mutex<BTreeMap<(Repository, bool), Listed>>,
    digests: Mutex<BTreeMap<(Image, Proof), Once<String>>>,
}

/// An answer for all who ask for it at once or later.
type Once<T> = Arc<OnceCell<Result<T, Unanswered>>>;

/// The tags of a repository, listed once.
type Listed = Once<Arc<Tags>>;

impl Registries {
    /// Registries asked over `web`, as whom `credentials` say.
    pub fn new(web: Arc<Web>, settings: Settings, credentials: Credentials) -> Self {
        Self {
            web,
            settings,
            credentials,
            doors: Doors::default(),
            listed: Mutex::default(),
            digests: Mutex::default(),
        }
    }

    fn visit<'a>(&'a self, repository: &'a Repository) -> Result<Visit<'a>, Unanswered> {
        Ok(Visit {
            web: &self.web,
            settings: &self.settings,
            credentials: &self.credentials,
            base: self.settings.base(&repository.registry, &self.web)?,
            repository,
        })
    }

    fn listed(&self, repository: &Repository, details: bool) -> Listed {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        // What is asked for with digests answers also who wants names.
        let details = details || listed.contains_key(&(repository.clone(), true));
        Arc::clone(listed.entry((repository.clone(), details)).or_default())
    }

    async fn list(&self, repository: &Repository, details: bool) -> Result<Tags, Unanswered> {
        let visit = self.visit(repository)?;
        let Some(native) = Native::of(&repository.registry).filter(|_| details) else {
            return list::tags(&self.doors, &visit, details).await;
        };
        match native.list(&visit).await {
            Ok(listed) if listed.is_all => Ok(listed.tags),
            Ok(listed) => {
                let mut tags = list::tags(&self.doors, &visit, false).await?;
                tags.known = listed.tags.known;
                Ok(tags)
            }
            // It may be private, or only this interface is out of order: names are worth a try.
            Err(_) => list::tags(&self.doors, &visit, false).await,
        }
    }

    async fn index(&self, repository: &Repository, named: &str) -> Result<Vec<String>, Unanswered> {
        let visit = self.visit(repository)?;
        let what = format!("the platforms of {repository} at {named}");
        let url = visit.base.join(&format!("v2/{}/manifests/{named}", repository.name));
        let url = url.map_err(|_| Unanswered::new(Silence::Invalid, format!("{what}: that is no path")))?;
        let mut heard = self.doors.ask(&visit, Ask::get(url).accept(MANIFESTS).most(LARGEST)).await?;
        if !heard.answer.status.is_success() {
            return Err(words::of(&heard.answer, &what, repository, &heard.found));
        }
        let bytes = heard.body.all().await?;
        let index: Manifest = serde_json::from_slice(&bytes)
            .map_err(|_| Unanswered::new(Silence::Invalid, format!("{what}: what came is no manifest")))?;
        Ok(index.manifests.into_iter().map(|platform| platform.digest).collect())
    }

    /// What an image's tag names in a repository, or its digest if that is there; asked once.
    async fn named(&self, image: &Image, repository: Repository, proof: Proof) -> Result<String, Unanswered> {
        let image = match (&image.tag, &image.digest) {
            (Some(tag), _) => Image { repository, tag: Some(tag.clone()), digest: None },
            (None, Some(digest)) => Image { repository, tag: None, digest: Some(digest.clone()) },
            (None, None) => Image { repository, tag: Some("latest".to_owned()), digest: None },
        };
        let once = {
            let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(digests.entry((image.clone(), proof)).or_default())
        };
        once.get_or_init(async || match &image.digest {
            Some(digest) => self.present(&image.repository, digest, proof).await,
            None => self.resolve(&image.repository, image.tag.as_deref().unwrap_or("latest"), proof).await,
        })
        .await
        .clone()
    }
}

/// What every manifest has.
#[derive(serde::Deserialize)]
struct Manifest {
    #[serde(rename = "schemaVersion")]
    _version: u64,
    /// Of an index: the manifests of its platforms.
    #[serde(default)]
    manifests: Vec<Platform>,
}

#[derive(serde::Deserialize)]
struct Platform {
    digest: String,
}

#[async_trait]
impl Registry for Registries {
    async fn tags(&self, repository: &Repository, wanted: Wanted) -> Result<Arc<Tags>, Unanswered> {
        let repository = self.settings.upstream(repository);
        let details = wanted == Wanted::Digests;
        let once = self.listed(&repository, details);
        once.get_or_init(async || self.list(&repository, details).await.map(Arc::new)).await.clone()
    }

    async fn copies(&self, repository: &Repository) -> Option<Result<Arc<Tags>, Unanswered>> {
        if !self.settings.mirrors.lists_all(repository) {
            return None;
        }
        let once = self.listed(repository, false);
        Some(once.get_or_init(async || self.list(repository, false).await.map(Arc::new)).await.clone())
    }

    async fn digest(&self, image: &Image) -> Result<String, Unanswered> {
        self.named(image, self.settings.upstream(&image.repository), Proof::Word).await
    }

    async fn proved(&self, image: &Image) -> Result<String, Unanswered> {
        self.named(image, self.settings.upstream(&image.repository), Proof::Content).await
    }

    async fn pulled(&self, image: &Image) -> Result<String, Unanswered> {
        // A mirror that fetches gets what its origin names as soon as somebody pulls it.
        let repository = match self.settings.mirrors.lists_all(&image.repository) {
            true => image.repository.clone(),
            false => self.settings.upstream(&image.repository),
        };
        self.named(image, repository, Proof::Content).await
    }

    async fn platforms(&self, image: &Image) -> Result<Vec<String>, Unanswered> {
        let repository = self.settings.upstream(&image.repository);
        if repository.registry == "docker.io" {
            return Ok(Vec::new());
        }
        let named = image.tag.as_deref().or(image.digest.as_deref());
        self.index(&repository, named.unwrap_or("latest")).await
    }

    async fn chart(&self, image: &Image) -> Result<Vec<u8>, Unanswered> {
        let repository = self.settings.upstream(&image.repository);
        self.packed(&repository, image.tag.as_deref().unwrap_or("latest")).await
    }
}
