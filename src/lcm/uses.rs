//! How a product uses a chart of a repository: the copy in its folder, what it sets in the chart's values and
//! where, and as what it is installed. A product's own chart is either the chart itself, copied, or one that
//! is made of it.

use serde_json::Value;

use crate::catalog::{Catalog, ProductSource, values};
use crate::diag::Source;
use crate::model::{DeployStep, Fleet, HelmStep, ProductName, Tree};
use crate::render::packed::unpack;
use crate::render::values::masked;
use crate::yaml::{Node, Reading};

use super::changes::Own;

/// What a chart gets from all charts above it.
const GLOBAL: &str = "global";

/// A use of a chart.
#[derive(Debug, Clone, Default)]
pub struct Use {
    /// The name of the release that templates see.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// What the product sets, with references to secrets masked.
    pub values: Value,
    /// The keys that it sets, and those that the fleet's file sets for some of its clusters.
    pub own: Own,
}

impl Use {
    /// As a product would use a chart that is not in its folder: with nothing set.
    pub fn unset(product: &str) -> Self {
        let values = Value::Object(serde_json::Map::new());
        Self { release: product.to_owned(), namespace: product.to_owned(), values, own: Own::default() }
    }
}

/// A chart in the folder of a product.
struct OwnChart<'p> {
    product: &'p ProductSource,
    step: &'p HelmStep,
    /// `Chart.yaml`.
    file: Node,
}

/// The uses of a chart by a product, in the order of its steps.
pub fn of(catalog: &Catalog, product: &str, chart: &str) -> Vec<Use> {
    let Some(source) = find(catalog, product) else { return Vec::new() };
    let fleet = catalog.fleet.as_ref().map(|loaded| &loaded.file.spec);
    charts(source).flat_map(|own| own.uses(fleet, chart)).collect()
}

/// The copy of a version of a chart in a product's folder, if there is one.
pub fn copy(catalog: &Catalog, product: &str, chart: &str, version: &str) -> Option<Tree> {
    charts(find(catalog, product)?).find_map(|own| own.copy(chart, version))
}

fn find<'c>(catalog: &'c Catalog, product: &str) -> Option<&'c ProductSource> {
    catalog.products.iter().find(|(name, _)| name.as_str() == product).map(|(_, source)| source)
}

fn charts(product: &ProductSource) -> impl Iterator<Item = OwnChart<'_>> {
    product.file.spec.deploy.iter().filter_map(move |step| {
        let DeployStep::Helm(step) = &step.value else { return None };
        let file = document(product, &format!("{}/Chart.yaml", step.folder()))?;
        Some(OwnChart { product, step, file })
    })
}

/// A file with one mapping in it, as Kubernetes reads YAML.
fn document(product: &ProductSource, path: &str) -> Option<Node> {
    let source = product.with_part(|part| part.source(path))?;
    Reading::MANIFESTS.documents(&source).ok()?.into_iter().next()
}

fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key)?.as_written()
}

impl OwnChart<'_> {
    fn name(&self) -> &ProductName {
        &self.product.file.metadata.name.value
    }

    fn uses(&self, fleet: Option<&Fleet>, chart: &str) -> Vec<Use> {
        let release = self.step.release.as_ref().map(|release| release.value.clone());
        let with = |key: Option<&str>| {
            let (values, own) = self.set(fleet, key);
            let release = release.clone().unwrap_or_else(|| self.name().to_string());
            Use { release, namespace: self.step.namespace.value.clone(), values, own }
        };
        if text(&self.file, "name").as_deref() == Some(chart) {
            return vec![with(None)];
        }
        self.keys(chart).iter().map(|key| with(Some(key))).collect()
    }

    /// What this chart calls another one that it is made of: its name, or each alias.
    fn keys(&self, chart: &str) -> Vec<String> {
        let listed = self.file.get("dependencies").and_then(Node::as_sequence).unwrap_or_default();
        let of_it = listed.iter().filter(|one| text(one, "name").as_deref() == Some(chart));
        of_it.map(|one| text(one, "alias").unwrap_or_else(|| chart.to_owned())).collect()
    }

    /// What is set for the chart, below a key if it is one that this chart is made of.
    fn set(&self, fleet: Option<&Fleet>, key: Option<&str>) -> (Value, Own) {
        let own = |node: &Node| key.map_or_else(|| Some(node.clone()), |key| node.get(key).cloned());
        let given = |node: &Node| match &self.step.values_from {
            None => Some(node.clone()),
            Some(path) => node.at(&path.value.split('.').collect::<Vec<_>>()).cloned(),
        };
        // The values of a copied chart are its makers'; those of one that is made of it are the product's.
        let file = key.and_then(|_| document(self.product, &format!("{}/values.yaml", self.step.folder())));
        let product = self.product.file.spec.values.as_ref().and_then(given);
        let bases: Vec<&Node> = file.iter().chain(&product).collect();
        let values: Vec<Node> = bases.iter().filter_map(|node| own(node)).collect();
        let over = overrides(fleet, self.name()).into_iter().filter_map(given);
        let over: Vec<Node> = over.filter_map(|node| own(&node)).collect();
        let set = Own::of_layers(over.iter().chain(values.iter().rev()));
        let mut whole = merged(&values);
        let global: Vec<Node> = bases.iter().filter_map(|node| node.get(GLOBAL)).cloned().collect();
        if key.is_some()
            && !global.is_empty()
            && let Some(fields) = whole.as_object_mut()
        {
            fields.entry(GLOBAL).or_insert_with(|| merged(&global));
        }
        (masked(&whole).expose().clone(), set)
    }

    fn copy(&self, chart: &str, version: &str) -> Option<Tree> {
        let folder = self.step.folder();
        let is_it = |file: &Node| {
            text(file, "name").as_deref() == Some(chart) && text(file, "version").as_deref() == Some(version)
        };
        if is_it(&self.file) {
            return Some(self.product.folder.subtree(folder));
        }
        let inner = format!("{folder}/charts/{chart}");
        if document(self.product, &format!("{inner}/Chart.yaml")).is_some_and(|file| is_it(&file)) {
            return Some(self.product.folder.subtree(&inner));
        }
        let packed = unpack(&self.product.folder.get(&format!("{inner}-{version}.tgz"))?.bytes).ok()?;
        let file = packed.get("Chart.yaml")?;
        let source = Source::from_bytes("Chart.yaml", file.bytes.to_vec()).ok()?;
        let read = Reading::MANIFESTS.documents(&source).ok()?;
        read.first().is_some_and(is_it).then_some(packed)
    }
}

/// What the fleet's file sets for a product: what is nearest to a cluster first.
fn overrides<'f>(fleet: Option<&'f Fleet>, product: &ProductName) -> Vec<&'f Node> {
    let Some(fleet) = fleet else { return Vec::new() };
    let clusters = fleet.clusters.iter().map(|cluster| &cluster.value.values);
    let pools = fleet.pools.values().map(|pool| &pool.values);
    let environments = fleet.environments.values().map(|environment| &environment.values);
    let all = clusters.chain(pools).chain(environments).flatten();
    all.filter(|(name, _)| name.value == *product).map(|(_, node)| node).collect()
}

/// Values laid over each other, the last one on top.
fn merged(layers: &[Node]) -> Value {
    let mut layers = layers.iter();
    let Some(first) = layers.next() else { return Value::Object(serde_json::Map::new()) };
    let whole = layers.fold(first.clone(), |under, over| values::merge(&under, over)).to_json();
    if whole.is_object() { whole } else { Value::Object(serde_json::Map::new()) }
}

#[cfg(test)]
#[path = "uses_tests.rs"]
mod tests;
