//! The files of a product's folder, each looked at in its own way: `product.yaml`, manifests, templates,
//! charts with their values, and the rest, which is only text.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::drafts::{Found, Use};
use super::image::{self, Layers};
use super::reference::Wanted;
use super::types::{Left, Moving, Reason, Request};
use super::{chart, text, tool, upstream};
use crate::catalog::blank;
use crate::catalog::charts::{DEEPEST, inner, laid, own, wrapped};
use crate::catalog::product::FILE;
use crate::diag::{Findings, Place, Source};
use crate::model::{DeployStep, File, Test, Tree};
use crate::yaml::edit::Way;
use crate::yaml::{Node, Reading, Value};

/// The key of values that every chart in a chart gets as well.
const GLOBAL: &str = "global";

/// A file and what was found in it.
pub(super) struct View {
    /// Its path in the folder.
    pub path: String,
    /// Its text.
    pub source: Arc<Source>,
    /// How it is read as a tree; none if it is only text.
    pub reading: Option<Reading>,
    /// What was found.
    pub found: Found,
    /// Of a `Chart.yaml`: what it says to install.
    pub installs: Option<Use>,
    /// Where its blocks of text are.
    pub blocks: Vec<Range<usize>>,
    /// Why it could not be read as a tree.
    pub broken: Option<Findings>,
    /// Why it could not even be read as text.
    pub unread: Option<Findings>,
}

impl View {
    fn new(path: &str, source: Arc<Source>, reading: Option<Reading>) -> Self {
        Self {
            path: path.to_owned(),
            source,
            reading,
            found: Found::default(),
            installs: None,
            blocks: Vec::new(),
            broken: None,
            unread: None,
        }
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Product,
    Chart,
    Manifests,
    Json,
    Template,
    ChartTemplate,
    Text,
}

fn kind(folder: &Tree, path: &str) -> Kind {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    let is_template = path.match_indices("templates/").any(|(at, _)| {
        let chart = path.get(..at).unwrap_or_default();
        (chart.is_empty() || chart.ends_with('/')) && folder.get(&format!("{chart}{}", chart::FILE)).is_some()
    });
    match name {
        _ if path == FILE => Kind::Product,
        chart::FILE | "requirements.yaml" => Kind::Chart,
        _ if is_template && ends(&[".yaml", ".yml", ".tpl", ".json"]) => Kind::ChartTemplate,
        _ if ends(&[".yaml.j2", ".yml.j2", ".json.j2"]) => Kind::Template,
        _ if is_template => Kind::Text,
        _ if ends(&[".yaml", ".yml"]) => Kind::Manifests,
        _ if ends(&[".json"]) => Kind::Json,
        _ => Kind::Text,
    }
}

/// Every text file of the folder but its changelog, looked at. What is no text is told as broken, or left where
/// nothing that is deployed or tested is written in it.
pub(super) fn views(request: &Request<'_>) -> Vec<View> {
    let product = request.product;
    let at = folder_of(request);
    let layered = layered(request, at);
    let files = product.folder.iter().filter(|(path, _)| !super::changelog::is(path));
    let none = (None, None);
    let look =
        |(path, file): (&str, &File)| match Source::from_bytes(format!("{at}{path}"), file.bytes.to_vec()) {
            Ok(source) => look(request, path, source, layered.get(path).unwrap_or(&none)),
            Err(findings) => unread(request, path, findings),
        };
    files.map(look).collect()
}

/// A file that is no text.
fn unread(request: &Request<'_>, path: &str, findings: Findings) -> View {
    let source = Source::new(format!("{}{path}", folder_of(request)), "");
    let mut view = View::new(path, source, None);
    if kind(&request.product.folder, path) == Kind::Text && !is_run(request, path) {
        view.found.left.push(Left::new(&Place::new(&view.source, 0, 0), "", Reason::NoText));
    } else {
        view.unread = Some(findings);
    }
    view
}

/// Whether a step or a test starts a file.
fn is_run(request: &Request<'_>, path: &str) -> bool {
    let spec = &request.product.file.spec;
    let steps = spec.deploy.iter().filter_map(|step| match &step.value {
        DeployStep::Run(step) => Some(&step.command),
        _ => None,
    });
    let tests = spec.tests.iter().filter_map(|test| match &test.value {
        Test::Run(test) => Some(&test.command),
        _ => None,
    });
    let mut words = steps.chain(tests).flatten();
    words.any(|word| word.value.trim_start_matches("./") == path)
}

fn folder_of<'r>(request: &'r Request<'_>) -> &'r str {
    request.product.source.path().strip_suffix(FILE).unwrap_or_default()
}

fn look(
    request: &Request<'_>,
    path: &str,
    source: Arc<Source>,
    layers: &(Option<Node>, Option<Node>),
) -> View {
    let kind = kind(&request.product.folder, path);
    let reading = match kind {
        Kind::Product => Some(Reading::OURS),
        Kind::Chart | Kind::Manifests => Some(Reading::MANIFESTS),
        Kind::Json => Some(Reading::JSON),
        Kind::Template => Some(Reading::template(blank)),
        Kind::ChartTemplate | Kind::Text => None,
    };
    let mut view = View::new(path, source, reading);
    let documents = match reading.map(|reading| reading.documents(&view.source)) {
        Some(Ok(documents)) => documents,
        Some(Err(findings)) if kind != Kind::Template => {
            view.broken = Some(findings);
            return view;
        }
        // What is no YAML even without its expressions is text.
        Some(Err(_)) => {
            view.reading = None;
            in_text(request, &mut view);
            return view;
        }
        None => {
            if kind == Kind::ChartTemplate {
                in_text(request, &mut view);
            }
            return view;
        }
    };
    for (number, document) in documents.iter().enumerate() {
        blocks(document, &mut view.blocks);
        let root = Way { document: number, steps: Vec::new() };
        match kind {
            Kind::Chart => {
                chart::look(request, document, &mut view.found);
                view.installs = chart::app_version(document);
            }
            Kind::Product => {
                if let Some((way, list)) = below(document, root.clone(), &["spec", "upstream"]) {
                    upstream::look(&request.moving, (way, "spec.upstream"), list, &mut view.found);
                }
                if let Some((way, values)) = below(document, root, &["spec", "values"]) {
                    in_tree(request, (way, "spec.values"), values, layers, &mut view.found);
                }
            }
            _ => in_tree(request, (root, ""), document, layers, &mut view.found),
        }
    }
    view
}

fn in_text(request: &Request<'_>, view: &mut View) {
    if let Moving::Image(repository) = &request.moving {
        let wanted = Wanted { repository, mirrors: &request.all_mirrors() };
        text::look(wanted, &view.source, &mut view.found);
    }
}

fn in_tree(
    request: &Request<'_>,
    at: (Way, &str),
    node: &Node,
    (under, over): &(Option<Node>, Option<Node>),
    found: &mut Found,
) {
    match &request.moving {
        Moving::Image(repository) => {
            let mirrors = request.all_mirrors();
            let wanted = Wanted { repository, mirrors: &mirrors };
            let layers = Layers { under: under.as_ref(), over: over.as_ref() };
            image::Look::through(wanted, &request.asked.fields, at, node, layers, found);
        }
        Moving::Tool(project) => tool::Look::through(project, at, node, found),
        Moving::Chart(_) | Moving::Addon(_) => {}
    }
}

/// The value under keys, with the way to it.
pub(super) fn below<'n>(node: &'n Node, mut way: Way, keys: &[&str]) -> Option<(Way, &'n Node)> {
    let mut node = node;
    for key in keys {
        way.steps.push(node.as_mapping()?.keys().position(|found| found == *key)?);
        node = node.get(key)?;
    }
    Some((way, node))
}

fn blocks(node: &Node, found: &mut Vec<Range<usize>>) {
    match &node.value {
        Value::Sequence(items) => items.iter().for_each(|item| blocks(item, found)),
        Value::Mapping(mapping) => mapping.iter().for_each(|(_, item)| blocks(item, found)),
        _ if node.place.text().starts_with(['|', '>']) => found.push(node.place.start()..node.place.end()),
        _ => {}
    }
}

/// Which values lie under and over those of a file, by its path.
type Layered = BTreeMap<String, (Option<Node>, Option<Node>)>;

/// The product's values over those of its charts, and those over their own charts'.
fn layered(request: &Request<'_>, at: &str) -> Layered {
    let spec = &request.product.file.spec;
    let mut charts = Charts { folder: &request.product.folder, at, layered: Layered::new() };
    let mut defaults: Option<Node> = None;
    for step in &spec.deploy {
        let DeployStep::Helm(step) = &step.value else { continue };
        let path: Vec<&str> =
            step.values_from.as_ref().map(|path| path.value.split('.').collect()).unwrap_or_default();
        let over = spec.values.as_ref().and_then(|values| values.at(&path));
        if let Some(own) = charts.values(step.folder(), over, 0) {
            let own = path.iter().rev().fold(own, |node, key| wrapped(key, node));
            defaults = laid(defaults.as_ref(), Some(&own));
        }
    }
    charts.layered.insert(FILE.to_owned(), (defaults, None));
    charts.layered
}

/// The charts of a folder while their values are laid over each other.
struct Charts<'t> {
    folder: &'t Tree,
    at: &'t str,
    layered: Layered,
}

impl Charts<'_> {
    /// The values of a chart with those of the charts in it under them.
    fn values(&mut self, chart: &str, over: Option<&Node>, depth: usize) -> Option<Node> {
        let path = format!("{chart}/values.yaml");
        let own = own(self.folder, self.at.trim_end_matches('/'), chart);
        let above = laid(own.as_ref(), over);
        // What is said for all of the charts reaches each.
        let global = above.as_ref().and_then(|values| values.get(GLOBAL)).cloned();
        let global = global.map(|global| wrapped(GLOBAL, global));
        let mut under: Option<Node> = None;
        for inner in inner(self.folder, chart).into_iter().filter(|_| depth < DEEPEST) {
            let over = laid(above.as_ref().and_then(|values| values.get(&inner)), global.as_ref());
            let values = self.values(&format!("{chart}/charts/{inner}"), over.as_ref(), depth + 1);
            under = laid(under.as_ref(), values.map(|values| wrapped(&inner, values)).as_ref());
        }
        let whole = laid(under.as_ref(), own.as_ref());
        self.layered.insert(path, (under, over.cloned()));
        whole
    }
}
