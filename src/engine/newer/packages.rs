//! The packages of charts that are behind: those of the version in use and of the newest one are fetched,
//! read, rendered with the product's values if helm is at hand, and compared. Whatever can't be done is a
//! note; the report never fails for it.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::ask::Upstreams;
use crate::catalog::Catalog;
use crate::diag::Source;
use crate::journal::FailureClass;
use crate::json::text;
use crate::lcm::changes::package::Package;
use crate::lcm::changes::{Found, served};
use crate::lcm::charts::Entry;
use crate::lcm::compared::{Compared, Pair, Rendering, Renderings};
use crate::lcm::declared::Item;
use crate::lcm::row::{Answers, Row};
use crate::lcm::uses::{self, Use};
use crate::model::{Duration, Tree};
use crate::port::upstream::Charts;
use crate::port::{HelmRequest, Renderer};
use crate::render::packed::unpack_foreign;
use crate::version::{KubeMinor, KubeVersion};
use crate::yaml;

/// How many pairs of packages are in memory at once.
const AT_ONCE: usize = 3;
/// How long helm may take for one rendering.
const RENDER: Duration = Duration::seconds(30);
/// So many bytes of a rendering are read.
const MOST_RENDERED: usize = 16 * 1024 * 1024;

/// What packages are compared with.
pub struct Comparing<'a> {
    /// The products, with what they set.
    pub catalog: &'a Catalog,
    /// The versions of Kubernetes in use.
    pub kubernetes: &'a BTreeSet<KubeVersion>,
    /// What renders charts.
    pub renderer: &'a dyn Renderer,
    /// How long it may take in all.
    pub within: std::time::Duration,
}

/// What was learned of charts, by product.
pub type Differences = BTreeMap<(String, Item), Compared>;

/// A chart with the two versions that are compared, and the products that have it so.
struct Job<'r> {
    item: &'r Item,
    repository: &'r str,
    chart: &'r str,
    from: &'r str,
    to: &'r str,
    products: Vec<&'r str>,
}

/// A package, read.
struct Read {
    tree: Tree,
    package: Package,
    address: Option<String>,
}

/// Compares the packages of all charts that are behind, each pair once however many products have it.
pub async fn compare(
    rows: &[Row],
    answers: &Answers,
    upstreams: &Upstreams,
    with: &Comparing<'_>,
) -> Differences {
    let until = Instant::now() + with.within;
    // Helm is looked for once; without it files are compared all the same.
    let helm = with.renderer.version().await.map(drop).map_err(|fault| fault.message);
    let one = async |job: Job<'_>| {
        let found = timeout_at(until, with.pair(&job, answers, &*upstreams.charts, helm.clone())).await;
        let late = || Err("there was no time left to compare its packages".to_owned());
        let found = found.unwrap_or_else(|_| late());
        let compared = |product: &&str| {
            let compared = match &found {
                Ok(found) => Compared::of(job.from, job.to, found.get(*product).cloned().unwrap_or_default()),
                Err(why) => Compared::failed(job.from, job.to, why.clone()),
            };
            (((*product).to_owned(), job.item.clone()), compared)
        };
        job.products.iter().map(compared).collect::<Vec<_>>()
    };
    let all: Vec<_> = futures::stream::iter(jobs(rows)).map(one).buffer_unordered(AT_ONCE).collect().await;
    all.into_iter().flatten().collect()
}

/// What is compared.
fn jobs(rows: &[Row]) -> Vec<Job<'_>> {
    let mut jobs: BTreeMap<(&Item, &str, &str), Job<'_>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.behind().is_some()) {
        let Item::Chart { repository, name } = &row.item else { continue };
        let (Some(from), Some(to)) = (row.judged.as_deref(), row.newest.as_deref()) else { continue };
        let job = jobs.entry((&row.item, from, to)).or_insert_with(|| Job {
            item: &row.item,
            repository,
            chart: name,
            from,
            to,
            products: Vec::new(),
        });
        job.products.push(&row.product);
    }
    jobs.into_values().collect()
}

impl Comparing<'_> {
    /// What two packages differ in, to each product.
    async fn pair(
        &self,
        job: &Job<'_>,
        answers: &Answers,
        charts: &dyn Charts,
        helm: Result<(), String>,
    ) -> Result<BTreeMap<String, Found>, String> {
        let entries = match answers.get(job.item) {
            Some(Ok(answer)) => answer.entries.as_slice(),
            _ => &[],
        };
        let copy =
            job.products.iter().find_map(|product| uses::copy(self.catalog, product, job.chart, job.from));
        let old = async {
            match copy {
                Some(tree) => Ok(Read { package: Package::of(&tree), tree, address: None }),
                None => fetch(job, job.from, entries, charts).await,
            }
        };
        let (old, new) = futures::join!(old, fetch(job, job.to, entries, charts));
        let (old, new) = (old?, new?);
        let mut all = BTreeMap::new();
        for product in &job.products {
            let found = self.found(job, product, (&old, &new), &helm).await;
            let listed = entries.iter().find(|entry| entry.version == job.to);
            let home =
                listed.and_then(|entry| entry.home.as_deref().or(entry.sources.first().map(String::as_str)));
            let address = new.address.as_deref().or(home).unwrap_or_default();
            all.insert((*product).to_owned(), found.linked(&format!("{} {}", job.chart, job.to), address));
        }
        Ok(all)
    }

    async fn found(
        &self,
        job: &Job<'_>,
        product: &str,
        (old, new): (&Read, &Read),
        helm: &Result<(), String>,
    ) -> Found {
        let uses = uses::of(self.catalog, product, job.chart);
        let uses = if uses.is_empty() { vec![Use::unset(product)] } else { uses };
        let pair = Pair { old: &old.package, new: &new.package, newest: job.to };
        let mut all: Vec<Found> = uses.iter().map(|one| pair.files(&one.own)).collect();
        // What belongs to other charts, or is none by itself, can't be rendered alone.
        if text(&new.package.chart, "/type") != "library" {
            match helm {
                Ok(()) => {
                    let provides = self.provides();
                    for one in &uses {
                        let renderings = self.renderings(one, old, new, &provides).await;
                        all.push(pair.renderings(&renderings, &provides));
                    }
                }
                Err(why) => {
                    let note = format!("what it renders to is not compared: {why}");
                    all.push(Found { notes: vec![note], ..Found::default() });
                }
            }
        }
        all.into_iter().collect()
    }

    /// The APIs that products say to provide.
    fn provides(&self) -> Vec<String> {
        let all = self.catalog.products.values().flat_map(|product| &product.file.spec.provides);
        all.map(|one| one.value.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    async fn renderings(&self, one: &Use, old: &Read, new: &Read, provides: &[String]) -> Renderings {
        let targets = targets(&new.package, self.kubernetes);
        let Some(first) = targets.first() else {
            let why = "the newer version refuses every version of Kubernetes in use".to_owned();
            return Renderings { old: Rendering::Untried(why), new: Vec::new() };
        };
        let before = self.render(one, &old.tree, first, provides).await;
        let mut after = Vec::new();
        for kubernetes in &targets {
            let rendering = self.render(one, &new.tree, kubernetes, provides).await;
            after.push((kubernetes.minor(), rendering));
        }
        Renderings { old: before, new: after }
    }

    async fn render(
        &self,
        one: &Use,
        chart: &Tree,
        kubernetes: &KubeVersion,
        provides: &[String],
    ) -> Rendering {
        let request = HelmRequest {
            chart: chart.clone(),
            release: one.release.clone(),
            namespace: one.namespace.clone(),
            values: one.values.clone(),
            kubernetes: kubernetes.clone(),
            api_versions: provides.to_vec(),
            timeout: RENDER,
            mask: Vec::new(),
        };
        match self.renderer.render(request).await {
            Ok(output) if output.manifests.len() > MOST_RENDERED => {
                Rendering::Untried(format!("it renders to more than {} MiB", MOST_RENDERED / 1024 / 1024))
            }
            Ok(output) => match yaml::manifests(&Source::new("helm template", output.manifests)) {
                Ok(all) => Rendering::Objects(all.into_iter().map(|manifest| manifest.object).collect()),
                Err(findings) => {
                    Rendering::Untried(format!("what helm printed can't be read: {}", findings.brief()))
                }
            },
            Err(fault) if fault.class == FailureClass::Permanent => Rendering::Refused(fault.message),
            Err(fault) => Rendering::Untried(fault.message),
        }
    }
}

/// Which versions of Kubernetes a chart is rendered for: the highest and the lowest in use that it takes; if
/// none is known to be in use, the newest that this program knows.
fn targets(new: &Package, used: &BTreeSet<KubeVersion>) -> Vec<KubeVersion> {
    let range = Entry {
        kube_version: Some(text(&new.chart, "/kubeVersion").to_owned()).filter(|text| !text.is_empty()),
        ..Entry::default()
    };
    let newest = KubeVersion::from(served::NEWEST);
    let all: BTreeMap<KubeMinor, &KubeVersion> = match used.is_empty() {
        true => BTreeMap::from([(newest.minor(), &newest)]),
        false => used.iter().map(|version| (version.minor(), version)).collect(),
    };
    let admitted = range.admits(all.into_values()).admitted;
    let ends = admitted.last().into_iter().chain(admitted.first().filter(|_| admitted.len() > 1));
    ends.map(|version| (*version).clone()).collect()
}

/// Fetches a package and reads it.
async fn fetch(job: &Job<'_>, version: &str, entries: &[Entry], charts: &dyn Charts) -> Result<Read, String> {
    let what = format!("the package of {} {version}", job.chart);
    let listed = entries.iter().find(|entry| entry.version == version);
    let entry = listed.ok_or_else(|| format!("{what}: {} does not list it", job.repository))?;
    let packed = charts.package(job.repository, job.chart, entry).await;
    let packed = packed.map_err(|silent| silent.to_string())?;
    let (name, listed, address) = (job.chart.to_owned(), version.to_owned(), packed.address);
    let bytes = packed.bytes;
    let read = tokio::task::spawn_blocking(move || {
        let tree = unpack_foreign(&bytes).map_err(|why| why.to_string())?;
        let package = Package::of(&tree);
        let short = |text: &str| text.chars().take(60).collect::<String>();
        // Some repositories list versions with a `v` that the chart has not, and the other way round.
        let bare = |text: &'_ str| text.trim_start_matches('v').to_owned();
        match (text(&package.chart, "/name"), text(&package.chart, "/version")) {
            (own, _) if own != name => Err(format!("it is of the chart `{}`", short(own))),
            (_, own) if bare(own) != bare(&listed) => Err(format!("it is of the version `{}`", short(own))),
            _ => Ok((tree, package)),
        }
    });
    let read = read.await.map_err(|_| format!("{what}: reading it was given up"))?;
    let (tree, package) = read.map_err(|why| format!("{what}: {why}"))?;
    Ok(Read { tree, package, address })
}

#[cfg(test)]
#[path = "packages_tests.rs"]
mod tests;
