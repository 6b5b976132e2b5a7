//! The user's own repository and helm as a rehearsal has them: read, each question once, and answered from
//! memory from then on, so that every seed reads the same. Tags that a rehearsal makes stay with it.
//! Gates that would ask the world beyond the fleet are answered as when all is well.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::runtime::Handle;

use crate::digest::{self, Digest};
use crate::model::{ClusterEntry, ProductName, Source, Tree};
use crate::plan::Access;
use crate::port::{
    Clusters, Fault, Git, GitTag, HelmOutput, HelmRequest, HelmVersion, KubeconfigFile, MetricRequest,
    Metrics, Packages, Renderer, Signatures,
};
use crate::sim::setup::KUBECONFIG;
use crate::sim::steady::held;
use crate::version::Version;

/// Answers by question.
struct Answers<T>(Mutex<BTreeMap<String, Result<T, Fault>>>);

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Send> Answers<T> {
    /// The answer, asked for once. While it is asked for, nothing moves in the simulation that asks.
    fn get(
        &self,
        real: &Handle,
        question: &str,
        ask: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, Fault> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(question).cloned();
        if let Some(known) = known {
            return known;
        }
        let answer = held(real, ask);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Who asked at the same time has the same answer.
        all.entry(question.to_owned()).or_insert(answer).clone()
    }
}

/// Repository and helm, with what they have answered.
pub struct Kept {
    git: Arc<dyn Git>,
    packages: Arc<dyn Packages>,
    renderer: Arc<dyn Renderer>,
    real: Handle,
    texts: Answers<String>,
    identity: Answers<Option<String>>,
    lists: Answers<Vec<String>>,
    trees: Answers<Option<Tree>>,
    tags: Answers<Vec<GitTag>>,
    truths: Answers<bool>,
    contents: Answers<Arc<Tree>>,
    helm: Answers<HelmVersion>,
    charts: Answers<String>,
}

impl Kept {
    /// Nothing asked yet. `real` is a runtime whose clock is the real one.
    pub fn new(
        git: Arc<dyn Git>,
        packages: Arc<dyn Packages>,
        renderer: Arc<dyn Renderer>,
        real: Handle,
    ) -> Arc<Self> {
        Arc::new(Self {
            git,
            packages,
            renderer,
            real,
            texts: Answers::default(),
            identity: Answers::default(),
            lists: Answers::default(),
            trees: Answers::default(),
            tags: Answers::default(),
            truths: Answers::default(),
            contents: Answers::default(),
            helm: Answers::default(),
            charts: Answers::default(),
        })
    }
}

/// Repository and helm as one rehearsal has them.
pub struct Asked {
    kept: Arc<Kept>,
    /// The tags that it made.
    made: Mutex<BTreeMap<String, GitTag>>,
}

impl Asked {
    /// As they are, without a tag made yet.
    pub fn new(kept: Arc<Kept>) -> Arc<Self> {
        Arc::new(Self { kept, made: Mutex::default() })
    }
}

#[async_trait]
impl Git for Asked {
    async fn head(&self) -> Result<String, Fault> {
        self.kept.texts.get(&self.kept.real, "head", self.kept.git.head())
    }

    async fn first_commit(&self) -> Result<String, Fault> {
        self.kept.texts.get(&self.kept.real, "first", self.kept.git.first_commit())
    }

    async fn dirty(&self, under: &[&str]) -> Result<Vec<String>, Fault> {
        let question = format!("dirty {under:?}");
        self.kept.lists.get(&self.kept.real, &question, self.kept.git.dirty(under))
    }

    async fn tree(&self, commit: &str, folder: &str) -> Result<Option<Tree>, Fault> {
        let question = format!("{commit} {folder}");
        self.kept.trees.get(&self.kept.real, &question, self.kept.git.tree(commit, folder))
    }

    async fn tag(&self, name: &str) -> Result<Option<GitTag>, Fault> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if made.is_some() {
            return Ok(made);
        }
        let ask = async { Ok(self.kept.git.tag(name).await?.into_iter().collect()) };
        let found = self.kept.tags.get(&self.kept.real, &format!("tag {name}"), ask)?;
        Ok(found.into_iter().next())
    }

    async fn tags(&self, prefix: &str) -> Result<Vec<GitTag>, Fault> {
        let question = format!("tags {prefix}");
        let mut all = self.kept.tags.get(&self.kept.real, &question, self.kept.git.tags(prefix))?;
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(made.values().filter(|tag| tag.name.starts_with(prefix)).cloned());
        Ok(all)
    }

    async fn create_tag(&self, name: &str, commit: &str, message: &str) -> Result<(), Fault> {
        if self.tag(name).await?.is_some() {
            return Err(Fault::permanent(format!("the tag {name} exists")));
        }
        let tag =
            GitTag { name: name.to_owned(), commit: commit.to_owned(), message: Some(message.to_owned()) };
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), tag);
        Ok(())
    }

    async fn push_tag(&self, _: &str, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn authors(&self, since: Option<&str>, until: &str, under: &[&str]) -> Result<Vec<String>, Fault> {
        let question = format!("authors {since:?} {until} {under:?}");
        self.kept.lists.get(&self.kept.real, &question, self.kept.git.authors(since, until, under))
    }

    async fn descends(&self, commit: &str, from: &str) -> Result<bool, Fault> {
        let question = format!("{commit} {from}");
        self.kept.truths.get(&self.kept.real, &question, self.kept.git.descends(commit, from))
    }

    async fn identity(&self) -> Result<Option<String>, Fault> {
        self.kept.identity.get(&self.kept.real, "identity", self.kept.git.identity())
    }
}

#[async_trait]
impl Packages for Asked {
    async fn fetch(
        &self,
        product: &ProductName,
        version: &Version,
        commit: &str,
        digest: &Digest,
    ) -> Result<Arc<Tree>, Fault> {
        let question = format!("{product} {version} {commit} {digest}");
        let ask = self.kept.packages.fetch(product, version, commit, digest);
        self.kept.contents.get(&self.kept.real, &question, ask)
    }
}

#[async_trait]
impl Renderer for Asked {
    async fn version(&self) -> Result<HelmVersion, Fault> {
        self.kept.helm.get(&self.kept.real, "helm", self.kept.renderer.version())
    }

    async fn render(&self, request: HelmRequest) -> Result<HelmOutput, Fault> {
        let question = rendered(&request);
        let ask = async { Ok(self.kept.renderer.render(request).await?.manifests) };
        Ok(HelmOutput { manifests: self.kept.charts.get(&self.kept.real, &question, ask)? })
    }
}

/// What makes two renderings the same.
fn rendered(request: &HelmRequest) -> String {
    let HelmRequest { chart, release, namespace, values, kubernetes, api_versions, .. } = request;
    let mut text = format!("{release} {namespace} {values} {kubernetes} {api_versions:?}");
    for (path, file) in chart.iter() {
        text.push_str(&format!("\n{} {path}", digest::bytes(&file.bytes)));
    }
    digest::bytes(text.as_bytes()).hex()
}

/// Clusters that are reached as the fleet says, and are simulated ones.
pub(super) struct Reached {
    /// The simulated ones.
    pub clusters: Arc<dyn Clusters>,
    /// Their names, by how they are reached.
    pub names: Arc<BTreeMap<(String, Option<String>), String>>,
    /// The clusters that the fleet's source lists.
    pub sourced: Arc<Vec<ClusterEntry>>,
}

impl Reached {
    fn access(&self, asked: &Access) -> Result<Access, Fault> {
        let key = (asked.kubeconfig.clone(), asked.context.clone());
        let name = self.names.get(&key).cloned().ok_or_else(|| {
            let context = asked.context.as_deref().unwrap_or("its current one");
            Fault::permanent(format!(
                "no cluster of the fleet is reached by {} (context {context}) any more",
                asked.kubeconfig
            ))
        })?;
        Ok(Access { kubeconfig: KUBECONFIG.to_owned(), context: Some(name) })
    }
}

#[async_trait]
impl Clusters for Reached {
    async fn connect(&self, access: &Access, user_agent: &str) -> Result<kube::Client, Fault> {
        self.clusters.connect(&self.access(access)?, user_agent).await
    }

    async fn kubeconfig(&self, access: &Access) -> Result<KubeconfigFile, Fault> {
        self.clusters.kubeconfig(&self.access(access)?).await
    }

    async fn members(&self, _: &Source) -> Result<Vec<ClusterEntry>, Fault> {
        Ok(self.sourced.to_vec())
    }
}

/// Metrics that stay as a gate wants them, and signatures that hold.
#[derive(Default)]
pub(super) struct Well {
    /// What each query should give; queries by their texts before names are filled in.
    metrics: Mutex<Vec<(String, f64)>>,
}

impl Well {
    /// What a query should give.
    pub fn learn(&self, query: &str, good: f64) {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner).push((query.to_owned(), good));
    }
}

#[async_trait]
impl Metrics for Well {
    async fn range(&self, request: MetricRequest) -> Result<Vec<Vec<f64>>, Fault> {
        let fits = |text: &str| match text.split_once("$clusters") {
            Some((before, after)) => request.query.starts_with(before) && request.query.ends_with(after),
            None => request.query == text,
        };
        let known = self.metrics.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let good = known.iter().find(|(text, _)| fits(text)).map_or(0.0, |(_, good)| *good);
        let step = request.step.as_seconds().max(1);
        let length = u64::try_from(request.to.duration_since(request.from).as_secs()).unwrap_or_default();
        let samples = usize::try_from(length / step + 1).unwrap_or(1).min(100_000);
        Ok(vec![vec![good; samples]])
    }
}

#[async_trait]
impl Signatures for Well {
    async fn sign(&self, _: &std::path::Path, _: &str) -> Result<String, Fault> {
        Err(Fault::permanent("a rehearsal signs nothing"))
    }

    async fn verify(
        &self,
        _: &str,
        _: &str,
        _: &str,
        _: &str,
        _: jiff::Timestamp,
    ) -> Result<Result<(), String>, Fault> {
        Ok(Ok(()))
    }
}
