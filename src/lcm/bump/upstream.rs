//! Versions that a product says of its sources itself, in `upstream`: of what no manifest and no values name.

use super::drafts::{Found, Use};
use super::trail::{Trail, written};
use super::types::{Moving, Part};
use crate::model::image::Repository;
use crate::yaml::edit::Way;
use crate::yaml::{Node, Value};

/// Looks for the source that moves in the list behind a way; `at` is the way, and the same in words.
pub(super) fn look(moving: &Moving, at: (Way, &str), list: &Node, found: &mut Found) {
    let mut trail = Trail::behind(at);
    for (number, entry) in list.as_sequence().unwrap_or_default().iter().enumerate() {
        let mark = trail.item(number);
        if let Value::Mapping(entry) = &entry.value {
            for (number, (kind, source)) in entry.iter().enumerate() {
                let mark = trail.key(number, &kind.text);
                version(moving, &kind.text, source, &mut trail, found);
                trail.back(mark);
            }
        }
        trail.back(mark);
    }
}

fn version(moving: &Moving, kind: &str, source: &Node, trail: &mut Trail, found: &mut Found) {
    let Value::Mapping(mapping) = &source.value else { return };
    let named = |key: &str| mapping.get(key).and_then(Node::as_str);
    let repository = named("repository").unwrap_or_default();
    let part = match moving {
        Moving::Image(wanted) if kind == "image" => {
            repository.parse::<Repository>().is_ok_and(|named| named == *wanted).then_some(Part::Tag)
        }
        Moving::Tool(wanted) if kind == "tool" => (repository == wanted).then_some(Part::Tool),
        Moving::Addon(wanted) if kind == "addon" => (named("name") == Some(wanted)).then_some(Part::Addon),
        _ => None,
    };
    let number = mapping.keys().position(|key| key == "version");
    if let (Some(part), Some(number), Some(node)) = (part, number, mapping.get("version"))
        && let Some(text) = written(node)
    {
        let target = trail.below(number, "version", &node.place, text);
        found.uses.push(Use { any_v: part == Part::Tool, ..Use::bare(part, target) });
    }
}
