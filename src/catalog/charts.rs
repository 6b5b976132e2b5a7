//! The values of charts that lie in a product's folder, with those of the charts in them under them, as Helm
//! lays them over each other. Charts in archives are `render`'s to open.

use crate::diag::Source;
use crate::model::Tree;
use crate::yaml::{Key, Mapping, Node, Reading, Value};

use super::product::join;
use super::values::merge;

/// How deep charts may lie in charts.
pub(crate) const DEEPEST: usize = 8;

/// The default values of the chart in a folder of the product's tree; `at` is the product's own folder.
pub(crate) fn values(tree: &Tree, at: &str, chart: &str) -> Option<Node> {
    of_depth(tree, at, chart, 0)
}

fn of_depth(tree: &Tree, at: &str, chart: &str, depth: usize) -> Option<Node> {
    let mut under: Option<Node> = None;
    for inner in inner(tree, chart).into_iter().filter(|_| depth < DEEPEST) {
        let values = of_depth(tree, at, &format!("{chart}/charts/{inner}"), depth + 1);
        under = laid(under.as_ref(), values.map(|values| wrapped(&inner, values)).as_ref());
    }
    laid(under.as_ref(), own(tree, at, chart).as_ref())
}

/// What the `values.yaml` of a chart says itself.
pub(crate) fn own(tree: &Tree, at: &str, chart: &str) -> Option<Node> {
    let path = format!("{chart}/values.yaml");
    let source = Source::from_bytes(join(at, &path), tree.get(&path)?.bytes.to_vec()).ok()?;
    Reading::MANIFESTS.documents(&source).ok()?.into_iter().next()
}

/// Values over others; either may be missing.
pub(crate) fn laid(under: Option<&Node>, over: Option<&Node>) -> Option<Node> {
    match (under, over) {
        (Some(under), Some(over)) => Some(merge(under, over)),
        (under, over) => under.or(over).cloned(),
    }
}

/// The names of the charts that lie in a chart.
pub(crate) fn inner(tree: &Tree, chart: &str) -> Vec<String> {
    let charts = format!("{chart}/charts");
    let name = |path: &str| Some(path.get(charts.len() + 1..)?.split_once('/')?.0.to_owned());
    let mut names: Vec<String> = tree.below(&charts).filter_map(|(path, _)| name(path)).collect();
    names.dedup();
    names
}

/// Values as those of a key.
pub(crate) fn wrapped(key: &str, node: Node) -> Node {
    let place = node.place.clone();
    let key = Key { text: key.to_owned(), place: place.clone() };
    Node { value: Value::Mapping(Mapping::new(vec![(key, node)])), place }
}
