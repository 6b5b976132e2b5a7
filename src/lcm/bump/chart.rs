//! Charts: the file that says which version one has, what it installs and what it depends on.

use super::drafts::{Found, Target, Use};
use super::trail::written;
use super::types::{Left, Moving, Part, Reason, Request};
use crate::model::{Tree, Upstream};
use crate::yaml::Node;
use crate::yaml::edit::Way;

/// The file that makes a folder a chart.
pub(super) const FILE: &str = "Chart.yaml";

/// What stands in a `Chart.yaml` (or in the `requirements.yaml` of old charts) about a chart that moves.
pub(super) fn look(request: &Request<'_>, root: &Node, found: &mut Found) {
    let Moving::Chart(name) = &request.moving else { return };
    if root.get("name").and_then(Node::as_str) == Some(name) {
        found.uses.extend(scalar(root, &[], "", "version").map(|t| Use::bare(Part::ChartVersion, t)));
        if request.asked.app_version.is_none()
            && let Some(installs) = root.get("appVersion")
        {
            found.left.push(Left::new(&installs.place, installs.place.text(), Reason::Chart));
        }
    }
    let list = root.as_mapping().and_then(|map| map.keys().position(|key| key == "dependencies"));
    let items = root.get("dependencies").and_then(Node::as_sequence).unwrap_or_default();
    for (number, item) in items.iter().enumerate() {
        let named = item.get("name").and_then(Node::as_str) == Some(name);
        let (true, Some(list)) = (named, list) else { continue };
        let field = format!("dependencies[{number}].");
        let Some(version) = scalar(item, &[list, number], &field, "version") else { continue };
        if !is_of(request, name, item) {
            found.left.push(Left::new(&version.place, version.text, Reason::AnotherRepository));
        } else if is_range(&version.text) {
            found.left.push(Left::new(&version.place, version.text, Reason::Range));
        } else {
            found.uses.push(Use::bare(Part::Dependency, version));
        }
    }
}

/// Whether a dependency is the chart that moves, and not one of the same name in another repository than the
/// product's file says. One that names no repository lies in the chart's folder, whoever made it.
fn is_of(request: &Request<'_>, name: &str, item: &Node) -> bool {
    let bare = |address: &str| address.trim_end_matches('/').to_owned();
    let own = item.get("repository").and_then(Node::as_str).map(bare).filter(|own| !own.is_empty());
    let mut said = request.product.file.spec.upstream.iter().filter_map(|upstream| match &upstream.value {
        Upstream::Chart(chart) if chart.name.value == name => Some(bare(&chart.repository.value)),
        _ => None,
    });
    match (own, said.next()) {
        (Some(own), Some(first)) => own == first || said.any(|said| own == said),
        _ => true,
    }
}

/// What a chart says to install.
pub(super) fn app_version(root: &Node) -> Option<Use> {
    let target = scalar(root, &[], "", "appVersion").filter(|target| !target.text.is_empty())?;
    Some(Use { any_v: true, ..Use::bare(Part::AppVersion, target) })
}

fn scalar(node: &Node, above: &[usize], field: &str, key: &str) -> Option<Target> {
    let number = node.as_mapping()?.keys().position(|found| found == key)?;
    let value = node.get(key)?;
    let text = written(value)?;
    let steps = above.iter().copied().chain([number]).collect();
    let way = Some(Way { document: 0, steps });
    Some(Target { place: value.place.clone(), way, field: format!("{field}{key}"), text })
}

/// Whether a version is one of many: helm takes Masterminds' constraints there.
fn is_range(text: &str) -> bool {
    let constraint = |c: char| matches!(c, '^' | '~' | '<' | '>' | '=' | '*' | '|' | ',' | ' ' | '!');
    text.contains(constraint) || text.split('.').any(|part| matches!(part, "x" | "X"))
}

/// The files of a folder that hold the content of a chart which `file` (a path in the folder) names: what
/// would stay that of the old version if only the file's text changed.
pub(super) fn content<'t>(folder: &'t Tree, file: &str, name: &str, part: Part) -> Option<&'t str> {
    let chart = file.rsplit_once('/').map_or("", |(chart, _)| chart);
    let below = |inside: &str| if chart.is_empty() { inside.to_owned() } else { format!("{chart}/{inside}") };
    let first = |folders: &[String]| {
        folders.iter().find_map(|inside| folder.below(inside).map(|(path, _)| path).next())
    };
    if part == Part::ChartVersion {
        return first(&[below("templates"), below("charts"), below("crds")]);
    }
    let packed = below(&format!("charts/{name}-"));
    let archive = folder.iter().map(|(path, _)| path).find(|path| {
        path.strip_prefix(&packed).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    let lock = [below("Chart.lock"), below("requirements.lock")];
    let lock = folder.iter().map(|(path, _)| path).find(|path| lock.iter().any(|lock| lock == path));
    first(&[below(&format!("charts/{name}"))]).or(archive).or(lock)
}
