//! Versions of Kubernetes that are offered: by the project's channels over HTTP, and by clouds in files with
//! their own answers, since credentials of clouds are not this program's to hold. The commands that write the
//! files are told by [`Provider::versions`] and [`Provider::addons`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reqwest::Url;
use tokio::io::AsyncReadExt as _;
use tokio::sync::OnceCell;

use super::web::{Ask, Web, plain};
use crate::diag::count;
use crate::lcm::support::kubernetes::{
    Addons, Marker, Offered, Provider, Recording, addons, channel, markers, offered,
};
use crate::port::upstream::{Offers, Silence, Unanswered};

/// Where the Kubernetes project keeps its channels.
pub const CHANNELS: &str = "https://dl.k8s.io/release";

/// The most bytes of a channel.
const CHANNEL: u64 = 4 * 1024;

/// The most bytes of a file with a provider's answer: some three times what all add-ons of EKS take.
const LARGEST: u64 = 16 * 1024 * 1024;

/// An answer for all who ask for it at once or later.
type Once<T> = Arc<OnceCell<Result<Arc<T>, Unanswered>>>;

/// What is offered, for one run.
pub struct KubernetesOffers {
    web: Arc<Web>,
    channels: String,
    folder: PathBuf,
    versions: Mutex<BTreeMap<Provider, Once<Offered>>>,
    addons: Mutex<BTreeMap<Provider, Once<Addons>>>,
}

impl KubernetesOffers {
    /// The channels at an address ([`CHANNELS`], or that of a copy) asked over `web`, and the files of a folder.
    pub fn new(web: Arc<Web>, channels: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        let (channels, folder) = (channels.into(), folder.into());
        Self { web, channels, folder, versions: Mutex::default(), addons: Mutex::default() }
    }

    /// The channels of the project: the stable and the latest one, and those of the minors below.
    async fn upstream(&self) -> Result<Offered, Unanswered> {
        let stable = self.channel("stable").await?;
        let mut names = markers(&stable.version);
        names.push("latest".to_owned());
        let all = futures::future::join_all(names.iter().map(|name| self.channel(name))).await;
        let (mut found, mut problems) = (vec![stable], Vec::new());
        for answer in all {
            match answer {
                Ok(marker) => found.push(marker),
                // A minor that never had a release has no channel.
                Err(silence) if silence.why == Silence::Missing => {}
                Err(silence) => problems.push(silence.message),
            }
        }
        Ok(Offered::upstream(found, problems))
    }

    async fn channel(&self, name: &str) -> Result<Marker, Unanswered> {
        let text = format!("{}/{name}.txt", self.channels.trim_end_matches('/'));
        let url = Url::parse(&text).map_err(|error| {
            let words = format!("`{}` is no address of channels: {error}", plain(&self.channels));
            Unanswered::new(Silence::Invalid, words)
        })?;
        let answer = self.web.ask(Ask::get(url).most(CHANNEL).kept()).await?.good()?;
        channel(name, &answer.body).map_err(|error| Unanswered::new(Silence::Invalid, error.to_string()))
    }

    /// A provider's versions from its file; when they were told is the file's own time where it says no other.
    async fn recorded(&self, provider: Provider) -> Result<Offered, Unanswered> {
        let Some(recording) = provider.versions() else { return self.upstream().await };
        let (bytes, written) = read(&self.folder, &recording).await?;
        let mut told = offered(provider, &bytes).map_err(|error| wrong(&recording, &error.to_string()))?;
        told.recorded = told.recorded.or(written);
        Ok(told)
    }

    async fn with_addons(&self, provider: Provider) -> Result<Addons, Unanswered> {
        let Some(recording) = provider.addons() else {
            let words = format!("{provider} tells no versions of add-ons");
            return Err(Unanswered::new(Silence::Missing, words));
        };
        let (bytes, written) = read(&self.folder, &recording).await?;
        let mut told = addons(provider, &bytes).map_err(|error| wrong(&recording, &error.to_string()))?;
        told.recorded = told.recorded.or(written);
        Ok(told)
    }

    fn once<T>(all: &Mutex<BTreeMap<Provider, Once<T>>>, provider: Provider) -> Once<T> {
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(provider).or_default())
    }
}

#[async_trait]
impl Offers for KubernetesOffers {
    async fn versions(&self, provider: Provider) -> Result<Arc<Offered>, Unanswered> {
        let once = Self::once(&self.versions, provider);
        once.get_or_init(async || self.recorded(provider).await.map(Arc::new)).await.clone()
    }

    async fn addons(&self, provider: Provider) -> Result<Arc<Addons>, Unanswered> {
        let once = Self::once(&self.addons, provider);
        once.get_or_init(async || self.with_addons(provider).await.map(Arc::new)).await.clone()
    }
}

/// The bytes of a file and when it was written. Only a file is read: whatever else has its name may never end.
async fn read(
    folder: &Path,
    recording: &Recording,
) -> Result<(Vec<u8>, Option<jiff::Timestamp>), Unanswered> {
    let Recording { file, command } = recording;
    let path = folder.join(file);
    let facts = match tokio::fs::symlink_metadata(&path).await {
        Ok(facts) => facts,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let words = format!("`{file}` is not there; `{command}` writes it");
            return Err(Unanswered::new(Silence::Missing, words));
        }
        Err(error) => return Err(unread(file, &error)),
    };
    if !facts.is_file() {
        return Err(wrong(recording, "it is no file"));
    }
    let opened = tokio::fs::File::open(&path).await.map_err(|error| unread(file, &error))?;
    let mut bytes = Vec::new();
    let read = opened.take(LARGEST + 1).read_to_end(&mut bytes).await;
    read.map_err(|error| unread(file, &error))?;
    if bytes.len() as u64 > LARGEST {
        let words = format!("`{file}` has more than {}", count(LARGEST, "byte"));
        return Err(Unanswered::new(Silence::TooMuch, words));
    }
    let written = facts.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    Ok((bytes, written))
}

fn unread(file: &str, error: &std::io::Error) -> Unanswered {
    let why = match error.kind() {
        std::io::ErrorKind::PermissionDenied => Silence::Forbidden,
        _ => Silence::Invalid,
    };
    Unanswered::new(why, format!("`{file}` can't be read: {error}"))
}

fn wrong(recording: &Recording, why: &str) -> Unanswered {
    let Recording { file, command } = recording;
    Unanswered::new(Silence::Invalid, format!("`{file}`: {why}; `{command}` writes it"))
}
