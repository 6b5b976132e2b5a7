//! Clients for clusters, from contexts of kubeconfig files. It decides how a file is found, that a
//! client never retries by itself and never waits without end, and that credential plugins run
//! under a deadline. Whether the cluster behind a client is the right one, and what its errors
//! mean, is for the engine.
//!
//! kube's own way of running plugins has no deadline and runs them three times for each client
//! (kube-client 5.0.0, client/auth), so plugins are run here and their token is put in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, NamedContext};

use super::plugin::{self, Credentials};
use super::sources;
use super::temporary::Document;
use crate::diag::did_you_mean;
use crate::model::{ClusterEntry, Source};
use crate::plan::Access;
use crate::port::{Clusters, Fault, KubeconfigFile};

/// How long TCP and TLS may take together.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a request may take to be written.
const WRITE: Duration = Duration::from_secs(10);

/// A backstop below the caller's own deadline for a whole call. Watches live longer by asking
/// again.
const READ: Duration = Duration::from_secs(60);

/// How long getting a client may take, plugin included.
const WHOLE: Duration = Duration::from_secs(30);

/// A token that ends sooner is fetched again, so that a client lives through a step. A client that
/// is answered 401 asks for another client.
const LEAST_LIFE: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// A token without end is fetched again after this time.
const ENDLESS_LIFE: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// Clusters by kubeconfig files.
pub struct KubeconfigClusters {
    root: PathBuf,
    home: Option<PathBuf>,
    tokens: Mutex<BTreeMap<(PathBuf, String), Kept>>,
}

/// A plugin's answer that may be used again.
struct Kept {
    credentials: Credentials,
    until: jiff::Timestamp,
}

impl KubeconfigClusters {
    /// Relative paths count from `root`, the repository's root; `~/` is `home`.
    pub fn new(root: impl Into<PathBuf>, home: Option<PathBuf>) -> Self {
        Self { root: root.into(), home, tokens: Mutex::default() }
    }

    async fn read(&self, access: &Access) -> Result<(PathBuf, Kubeconfig, NamedContext), Fault> {
        let path = locate(&self.root, self.home.as_deref(), &access.kubeconfig)?;
        let file = read(&path, &access.kubeconfig).await?;
        let context = context(&file, access)?.clone();
        Ok((path, file, context))
    }

    async fn config(&self, access: &Access) -> Result<Config, Fault> {
        let (path, file, context) = self.read(access).await?;
        let words = |error: &dyn std::fmt::Display| {
            Fault::permanent(format!(
                "the context `{}` of `{}` can't be used: {error}",
                context.name, access.kubeconfig
            ))
        };
        let options = KubeConfigOptions { context: Some(context.name.clone()), ..Default::default() };
        let mut config =
            Config::from_custom_kubeconfig(file, &options).await.map_err(|error| words(&error))?;
        if config.auth_info.auth_provider.is_some() {
            return Err(words(&"`auth-provider` left Kubernetes in 1.26; use a credential plugin (`exec`)"));
        }
        if let Some(exec) = config.auth_info.exec.take() {
            let key = (path, context.name.clone());
            let credentials = match self.kept(&key) {
                Some(credentials) => credentials,
                None => {
                    let fresh = plugin::run(&exec).await?;
                    self.keep(key, &fresh);
                    fresh
                }
            };
            credentials.put_into(&mut config.auth_info);
        }
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT);
        config.write_timeout = Some(WRITE);
        config.read_timeout = Some(READ);
        // Otherwise the idle time of a pooled connection counts.
        config.reset_reader_on_write = true;
        Ok(config)
    }

    fn kept(&self, key: &(PathBuf, String)) -> Option<Credentials> {
        let tokens = self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tokens
            .get(key)
            .filter(|kept| kept.until > jiff::Timestamp::now())
            .map(|kept| kept.credentials.clone())
    }

    fn keep(&self, key: (PathBuf, String), credentials: &Credentials) {
        let until = match credentials.expires {
            Some(expires) => expires.checked_sub(LEAST_LIFE),
            None => jiff::Timestamp::now().checked_add(ENDLESS_LIFE),
        };
        let mut tokens = self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Ok(until) = until {
            tokens.insert(key, Kept { credentials: credentials.clone(), until });
        }
    }
}

/// Where a path of the Fleet file is on the disk.
///
/// # Errors
/// Permanent when `~/` is used and there is no home folder.
pub(super) fn locate(root: &Path, home: Option<&Path>, written: &str) -> Result<PathBuf, Fault> {
    match written.strip_prefix("~/") {
        Some(rest) => match home {
            Some(home) => Ok(home.join(rest)),
            None => Err(Fault::permanent(format!("`{written}`: there is no home folder (HOME is not set)"))),
        },
        None => Ok(root.join(written)),
    }
}

/// Reads a kubeconfig file; paths in it are made absolute.
///
/// # Errors
/// Permanent, without any of the content: it holds credentials.
pub(super) async fn read(path: &Path, written: &str) -> Result<Kubeconfig, Fault> {
    let at = path.to_owned();
    let read = tokio::task::spawn_blocking(move || Kubeconfig::read_from(&at))
        .await
        .map_err(|error| Fault::transient(format!("reading `{written}`: {error}")))?;
    read.map_err(|error| match error {
        kube::config::KubeconfigError::ReadConfig(source, _) => {
            let why = match source.kind() {
                std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
                _ => source.to_string(),
            };
            Fault::permanent(format!("the kubeconfig file `{written}` can't be read: {why}"))
        }
        // The parser's own words quote the text.
        _ => Fault::permanent(format!(
            "`{written}` is no kubeconfig file: `kubectl config view --kubeconfig {}` says more",
            path.display()
        )),
    })
}

fn context<'a>(file: &'a Kubeconfig, access: &Access) -> Result<&'a NamedContext, Fault> {
    let written = &access.kubeconfig;
    let Some(name) = access.context.as_deref().or(file.current_context.as_deref()).filter(|n| !n.is_empty())
    else {
        return Err(Fault::permanent(format!(
            "`{written}` has no current context: name one in the Fleet file (`kubeconfig.context`)"
        )));
    };
    file.contexts.iter().find(|known| known.name == name).ok_or_else(|| {
        let known: Vec<&str> = file.contexts.iter().map(|context| context.name.as_str()).collect();
        let hint = match did_you_mean(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "the file has none".to_owned(),
            None => {
                format!(
                    "it has {}{}",
                    known[..known.len().min(5)].join(", "),
                    if known.len() > 5 { ", ..." } else { "" }
                )
            }
        };
        Fault::permanent(format!("`{written}` has no context `{name}`: {hint}"))
    })
}

/// Only what one context needs, with it as the current one.
fn only(file: Kubeconfig, context: NamedContext) -> Kubeconfig {
    let inner = context.context.clone().unwrap_or_default();
    Kubeconfig {
        clusters: file.clusters.into_iter().filter(|cluster| cluster.name == inner.cluster).collect(),
        auth_infos: file
            .auth_infos
            .into_iter()
            .filter(|user| Some(&user.name) == inner.user.as_ref())
            .collect(),
        current_context: Some(context.name.clone()),
        contexts: vec![context],
        kind: Some("Config".to_owned()),
        api_version: Some("v1".to_owned()),
        ..Kubeconfig::default()
    }
}

#[async_trait]
impl Clusters for KubeconfigClusters {
    async fn connect(&self, access: &Access, user_agent: &str) -> Result<kube::Client, Fault> {
        let whole = async {
            let mut config = self.config(access).await?;
            let agent = user_agent
                .parse()
                .map_err(|_| Fault::permanent(format!("`{user_agent}` is no value for a header")))?;
            let name =
                "user-agent".parse().map_err(|_| Fault::permanent("`user-agent` is no name of a header"))?;
            config.headers.push((name, agent));
            // Certificates are read from files and parsed.
            let built = {
                let handle = tokio::runtime::Handle::current();
                tokio::task::spawn_blocking(move || {
                    let _inside = handle.enter();
                    kube::client::ClientBuilder::try_from(config).map(|builder| builder.build())
                })
            }
            .await
            .map_err(|error| Fault::transient(format!("making a client: {error}")))?;
            built.map_err(|error| {
                Fault::permanent(format!(
                    "`{}` does not make a client: {error}",
                    access.context.as_deref().unwrap_or(&access.kubeconfig)
                ))
            })
        };
        tokio::time::timeout(WHOLE, whole).await.unwrap_or_else(|_| {
            Err(Fault::transient(format!(
                "reading `{}` and its credentials took more than {} s",
                access.kubeconfig,
                WHOLE.as_secs()
            )))
        })
    }

    async fn kubeconfig(&self, access: &Access) -> Result<KubeconfigFile, Fault> {
        let (_, file, context) = self.read(access).await?;
        let text = serde_json::to_vec(&only(file, context))
            .map_err(|_| Fault::permanent(format!("`{}` can't be written again", access.kubeconfig)))?;
        let made = Document::new(".kubeconfig", &text)
            .map_err(|error| Fault::transient(format!("writing a kubeconfig file: {error}")))?;
        Ok(KubeconfigFile { path: made.path().to_owned(), guard: Some(Box::new(made)) })
    }

    async fn members(&self, source: &Source) -> Result<Vec<ClusterEntry>, Fault> {
        sources::clusters(source, &self.root, self.home.as_deref()).await
    }
}

#[cfg(test)]
#[path = "clusters_tests.rs"]
mod tests;
