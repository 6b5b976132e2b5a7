//! Merging of values: product defaults, then environment, pool and cluster. Maps merge, lists and
//! scalars replace, `null` removes. Every value keeps its place, every leaf its layer. Which keys
//! and values are right is for `catalog::values`.

use std::collections::BTreeMap;

use super::{EffectiveValues, Layer};
use crate::diag::Place;
use crate::digest::{self, CanonicalError};
use crate::model::{IMAGES, secrets};
use crate::yaml::{Key, Mapping, Node, Value};

/// A value under way, with the layer of each leaf.
enum Merged {
    Leaf(Node, Layer),
    Map { place: Place, layer: Layer, entries: Vec<(Key, Merged)> },
}

/// Merges layers, in order, over a product's defaults.
///
/// A layer that is no mapping is left out: `catalog::values` finds it. So is, in every layer, the key under
/// which a lock says what images are fixed to: that comes after all layers, from the lock alone.
///
/// # Errors
/// When a value has no canonical JSON (infinity, NaN).
pub fn merge<'a>(
    defaults: Option<&'a Node>,
    layers: impl IntoIterator<Item = (Layer, &'a Node)>,
) -> Result<EffectiveValues, CanonicalError> {
    let mut merged = Merged::Map {
        place: defaults.map_or_else(Place::none, |node| node.place.clone()),
        layer: Layer::Product,
        entries: Vec::new(),
    };
    let defaults = defaults.map(|node| (Layer::Product, node));
    for (layer, node) in defaults.into_iter().chain(layers) {
        if node.as_mapping().is_some() {
            merged = overlay(Some(merged), node, &layer).unwrap_or_else(|| empty(&node.place, &layer));
        }
    }
    if let Merged::Map { entries, .. } = &mut merged {
        entries.retain(|(key, _)| key.text != IMAGES);
    }
    let mut leaves = BTreeMap::new();
    let node = finish(merged, &mut String::new(), &mut leaves);
    let digest = digest::of(&node)?;
    Ok(EffectiveValues { node, digest, layers: leaves })
}

/// Whether a value is a reference to a secret, which is one value although it looks like a map.
fn is_reference(node: &Node) -> bool {
    node.get(secrets::REFERENCE).is_some()
}

fn empty(place: &Place, layer: &Layer) -> Merged {
    Merged::Map { place: place.clone(), layer: layer.clone(), entries: Vec::new() }
}

/// `node` over `base`; nothing is left if it is `null` in a layer above the defaults. In the
/// defaults, `null` is a value: it says that the key exists.
fn overlay(base: Option<Merged>, node: &Node, layer: &Layer) -> Option<Merged> {
    let mapping = match &node.value {
        Value::Null if *layer != Layer::Product => return None,
        Value::Mapping(mapping) if !is_reference(node) => mapping,
        _ => return Some(Merged::Leaf(node.clone(), layer.clone())),
    };
    let (place, owner, mut entries) = match base {
        Some(Merged::Map { place, layer, entries }) => (place, layer, entries),
        _ => (node.place.clone(), layer.clone(), Vec::new()),
    };
    for (key, value) in mapping.iter() {
        let index = entries.iter().position(|(found, _)| found.text == key.text);
        match index {
            Some(index) => {
                let (_, old) = entries.remove(index);
                if let Some(new) = overlay(Some(old), value, layer) {
                    entries.insert(index, (key.clone(), new));
                }
            }
            None => {
                if let Some(new) = overlay(None, value, layer) {
                    entries.push((key.clone(), new));
                }
            }
        }
    }
    Some(Merged::Map { place, layer: owner, entries })
}

fn finish(merged: Merged, path: &mut String, leaves: &mut BTreeMap<String, Layer>) -> Node {
    match merged {
        Merged::Leaf(node, layer) => {
            leaves.insert(path.clone(), layer);
            node
        }
        Merged::Map { place, layer, entries } => {
            // An empty map is a leaf: somebody said that it is empty.
            if entries.is_empty() && !path.is_empty() {
                leaves.insert(path.clone(), layer);
            }
            let entries = entries.into_iter().map(|(key, value)| {
                let length = path.len();
                path.push('/');
                path.push_str(&key.text.replace('~', "~0").replace('/', "~1"));
                let node = finish(value, path, leaves);
                path.truncate(length);
                (key, node)
            });
            Node { value: Value::Mapping(Mapping::new(entries.collect())), place }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::diag::Source;
    use crate::yaml;

    #[test]
    fn what_locks_say_comes_from_no_layer_of_values() {
        let node = |text: &str| yaml::parse(&Source::new("v.yaml", text)).unwrap().unwrap();
        let hostile = node("a: 2\ntidegate.dev/images: { 'redis:8': x }\nb: { tidegate.dev/images: 1 }\n");
        let plain = node("a: 2\nb: { tidegate.dev/images: 1 }\n");
        let of = |defaults: &Node, layer: &Node| merge(Some(defaults), [(Layer::Cluster, layer)]).unwrap();
        let defaults = node("a: 1\n");
        for (defaults, layer) in [(&defaults, &hostile), (&hostile, &hostile)] {
            let merged = of(defaults, layer);
            assert_eq!(merged.digest, of(&plain, &plain).digest);
            assert!(merged.layers.keys().all(|path| !path.starts_with("/tidegate.dev~1images")));
        }
    }
}
