//! A failure that is planted in one wave, to see what it costs: on every cluster of the wave one product
//! that changes there fails, in one way, for good.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::catalog::product::Content;
use crate::engine::contents::Contents;
use crate::engine::preview;
use crate::engine::rendering::{For, job};
use crate::model::{ClusterName, ProductName, Test, WaveName};
use crate::plan::{Plan, PlannedCluster, PlannedWave, Target};
use crate::port::{Fault, Renderer};
use crate::render::values::masked;
use crate::sim::Simulation;

/// So many products of a wave are looked at.
const LOOKED_AT: usize = 8;

/// In which way a product fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Its images can't be pulled.
    Image,
    /// Its containers end as soon as they start.
    Crash,
    /// Its tests fail.
    Test,
}

impl How {
    /// In words, after the product's name.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Image => "image can't be pulled",
            Self::Crash => "containers crash",
            Self::Test => "tests fail",
        }
    }
}

/// A failure that is planted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// In which wave.
    pub wave: WaveName,
    /// On which clusters.
    pub clusters: Vec<ClusterName>,
    /// Which product fails.
    pub product: ProductName,
    /// How.
    pub how: How,
    /// The images that fail.
    images: BTreeSet<String>,
    /// The commands that fail.
    commands: BTreeSet<String>,
}

impl Planted {
    /// From now on it fails.
    pub fn begin(&self, simulation: &Simulation) {
        for name in &self.clusters {
            simulation.fleet.with(name.as_str(), |cluster| {
                let list = match self.how {
                    How::Image => &mut cluster.conditions.unpullable,
                    How::Crash => &mut cluster.conditions.crashing,
                    How::Test => &mut cluster.conditions.failing,
                };
                list.extend(self.images.iter().cloned());
            });
        }
        if !self.commands.is_empty() {
            let failing = self.clusters.iter().flat_map(|name| {
                self.commands.iter().map(move |command| (command.clone(), name.to_string()))
            });
            simulation.scripts.fail(failing.collect());
        }
    }
}

/// What can fail in a wave: of the products that change on most of its clusters, the one that can fail in
/// most ways, in each of them.
///
/// # Errors
/// When content is gone, or something can't be rendered.
pub async fn possible(
    renderer: &dyn Renderer,
    contents: &Contents,
    simulation: &Simulation,
    plan: &Plan,
    wave: &PlannedWave,
) -> Result<Vec<Planted>, Fault> {
    let mut changing: BTreeMap<&ProductName, Vec<(&PlannedCluster, &Target)>> = BTreeMap::new();
    for cluster in wave.pools.iter().flat_map(|pool| &pool.clusters) {
        for target in cluster.targets.iter().filter(|target| target.change.acts()) {
            changing.entry(&target.product).or_default().push((cluster, target));
        }
    }
    let mut by_reach: Vec<_> = changing.into_iter().collect();
    by_reach.sort_by_key(|(_, clusters)| std::cmp::Reverse(clusters.len()));
    let mut best: Vec<Planted> = Vec::new();
    for (product, places) in by_reach.into_iter().take(LOOKED_AT) {
        let mut failing = Failing::default();
        // Clusters may run different versions: pins.
        let mut seen = BTreeSet::new();
        for (cluster, target) in &places {
            if seen.insert(target.digest) {
                failing.look(renderer, contents, plan, cluster, target).await?;
                // What runs already is on the nodes, and goes on running.
                let runs = running(simulation, &cluster.name);
                failing.images.retain(|image| !runs.contains(image));
            }
        }
        let clusters: Vec<ClusterName> = places.iter().map(|(cluster, _)| cluster.name.clone()).collect();
        let found = failing.planted(&wave.name, product, &clusters);
        if found.len() > best.len() {
            best = found;
        }
    }
    Ok(best)
}

/// The images that run in a cluster of the copy.
fn running(simulation: &Simulation, name: &ClusterName) -> BTreeSet<String> {
    let pods = simulation.fleet.with(name.as_str(), |cluster| cluster.store.list("", "pods", None));
    let mut found = BTreeSet::new();
    for (_, pod) in pods.unwrap_or_default() {
        images(&pod, &mut found);
    }
    found
}

/// What of a product can fail.
#[derive(Default)]
struct Failing {
    images: BTreeSet<String>,
    tests: BTreeSet<String>,
    commands: BTreeSet<String>,
}

impl Failing {
    async fn look(
        &mut self,
        renderer: &dyn Renderer,
        contents: &Contents,
        plan: &Plan,
        cluster: &PlannedCluster,
        target: &Target,
    ) -> Result<(), Fault> {
        let sets = preview::cluster(renderer, contents, plan, cluster).await?;
        for set in sets.iter().filter(|set| set.product == target.product) {
            // What runs at its own times runs in no rehearsal.
            for object in set.objects.iter().filter(|object| object.object["kind"] != "CronJob") {
                images(&object.object, &mut self.images);
            }
        }
        let lacks = || Fault::permanent(format!("the plan lacks what it says of {}", target.product));
        let planned = plan.products.get(&target.digest).ok_or_else(lacks)?;
        let content = contents.get(planned).await?;
        let values = masked(plan.values.get(&target.values).ok_or_else(lacks)?);
        self.tests_of(&content, cluster, target, &values)
    }

    fn tests_of(
        &mut self,
        content: &Content,
        cluster: &PlannedCluster,
        target: &Target,
        values: &crate::render::values::Resolved,
    ) -> Result<(), Fault> {
        for test in &content.file.spec.tests {
            match &test.value {
                Test::Job(test) => {
                    let what = For { cluster, target, content, values, provides: &[] };
                    images(&job(&what, test)?.object, &mut self.tests);
                }
                Test::Run(test) => {
                    let words: Vec<&str> = test.command.iter().map(|word| word.value.as_str()).collect();
                    self.commands.insert(words.join(" "));
                }
            }
        }
        Ok(())
    }

    fn planted(&self, wave: &WaveName, product: &ProductName, clusters: &[ClusterName]) -> Vec<Planted> {
        let plant = |how, images: &BTreeSet<String>, commands: &BTreeSet<String>| Planted {
            wave: wave.clone(),
            clusters: clusters.to_vec(),
            product: product.clone(),
            how,
            images: images.clone(),
            commands: commands.clone(),
        };
        let none = BTreeSet::new();
        let mut found = Vec::new();
        if !self.images.is_empty() {
            found.push(plant(How::Image, &self.images, &none));
            found.push(plant(How::Crash, &self.images, &none));
        }
        if !self.tests.is_empty() || !self.commands.is_empty() {
            found.push(plant(How::Test, &self.tests, &self.commands));
        }
        found
    }
}

/// The images that the pods of an object run.
fn images(object: &Value, found: &mut BTreeSet<String>) {
    match object {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("containers" | "initContainers", Value::Array(containers)) => {
                        let named = containers.iter().filter_map(|c| c.get("image")?.as_str());
                        found.extend(named.map(str::to_owned));
                    }
                    _ => images(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| images(item, found)),
        _ => {}
    }
}
