//! What two versions of a chart's values differ in: keys that are gone, types and defaults that are others,
//! and what their schemas take less.
//!
//! Whether that breaks anything depends on what somebody sets: of a key that nobody sets nobody will miss
//! it. Values that somebody sets are never shown, only where.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::change::{Kind, Sign, Weight};
use super::found::{Found, Told};
use super::own::{Own, kind};
use super::schema::{self, Dialect, below, shown};

/// No values are nested deeper than this.
const DEEPEST: usize = 100;
/// So many new keys, and so many other defaults, are told.
const MOST_TOLD: usize = 40;

/// What two versions of values differ in; all in the order of paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Keys that only the old ones have: the uppermost ones.
    pub removed: Vec<Removed>,
    /// Keys that only the new ones have: the uppermost ones.
    pub added: Vec<String>,
    /// Keys whose values are of another type.
    pub retyped: Vec<Retyped>,
    /// Keys whose values are others.
    pub defaults: Vec<Other>,
}

/// A key that is gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Removed {
    /// Where it was: `controller.image`.
    pub path: String,
    /// Where a new key has the same last name and shape: perhaps it is that one now.
    pub moved: Option<String>,
}

/// A key of another type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Retyped {
    /// Where it is.
    pub path: String,
    /// What it was.
    pub from: &'static str,
    /// What it is.
    pub to: &'static str,
}

/// A key with another default.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Other {
    /// Where it is.
    pub path: String,
    /// What it was, as JSON, perhaps cut.
    pub from: String,
    /// What it is.
    pub to: String,
}

/// What two versions of a chart's values differ in; the order of keys makes no difference.
pub fn between(old: &Value, new: &Value) -> Difference {
    let mut walk = Walk::default();
    walk.compare(old, new, "", 0);
    let Walk { mut difference, mut gone, mut come } = walk;
    difference.removed = gone
        .iter()
        .map(|(path, value)| Removed { path: path.clone(), moved: moved(path, value, &come) })
        .collect();
    gone.clear();
    come.clear();
    difference.removed.sort();
    difference.added.sort();
    difference.retyped.sort();
    difference.defaults.sort();
    difference
}

/// New keys by their last name: where, and with what shape.
type Come = BTreeMap<String, Vec<(String, String)>>;

#[derive(Default)]
struct Walk<'v> {
    difference: Difference,
    gone: Vec<(String, &'v Value)>,
    come: Come,
}

impl<'v> Walk<'v> {
    fn compare(&mut self, old: &'v Value, new: &'v Value, path: &str, depth: usize) {
        if depth >= DEEPEST {
            return;
        }
        match (old, new) {
            // An empty mapping is where somebody may put anything: what stands in it is a default.
            (Value::Object(before), Value::Object(after))
                if path.is_empty() || before.is_empty() == after.is_empty() =>
            {
                for (key, before) in before {
                    match after.get(key) {
                        Some(after) => self.compare(before, after, &below(path, key), depth + 1),
                        None => self.gone.push((below(path, key), before)),
                    }
                }
                for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
                    self.difference.added.push(below(path, key));
                    self.arrive(&below(path, key), key, value, depth + 1);
                }
            }
            (before, after) if before == after => {}
            (before, after) if kind(before) != kind(after) && !before.is_null() && !after.is_null() => {
                let (from, to) = (kind(before), kind(after));
                self.difference.retyped.push(Retyped { path: path.to_owned(), from, to });
            }
            (before, after) => {
                let (from, to) = (shown(before), shown(after));
                self.difference.defaults.push(Other { path: path.to_owned(), from, to });
            }
        }
    }

    /// Remembers a new key, and those below it.
    fn arrive(&mut self, path: &str, key: &str, value: &Value, depth: usize) {
        self.come.entry(key.to_owned()).or_default().push((path.to_owned(), shape(value)));
        if depth < DEEPEST {
            for (key, value) in value.as_object().into_iter().flatten() {
                self.arrive(&below(path, key), key, value, depth + 1);
            }
        }
    }
}

/// What a value looks like: its type, and the keys of a mapping.
fn shape(value: &Value) -> String {
    let keys = value.as_object().map(|fields| fields.keys().map(String::as_str).collect::<BTreeSet<_>>());
    let keys = keys.map(|keys| keys.into_iter().collect::<Vec<_>>().join("\n"));
    format!("{}\n{}", kind(value), keys.unwrap_or_default())
}

/// Where a key that is gone may be now: the only new one of its name and shape whose path ends most alike.
fn moved(path: &str, value: &Value, come: &Come) -> Option<String> {
    let ends = |path: &str| path.rsplit('.').map(str::to_owned).collect::<Vec<String>>();
    let own = ends(path);
    let (shape, name) = (shape(value), own.first()?);
    let alike = |other: &str| ends(other).iter().zip(&own).take_while(|(one, other)| one == other).count();
    let all = come.get(name)?.iter().filter(|(_, other)| *other == shape);
    let ranked: Vec<(usize, &str)> = all.map(|(other, _)| (alike(other), other.as_str())).collect();
    let best = ranked.iter().map(|(rank, _)| *rank).max()?;
    match ranked.iter().filter(|(rank, _)| *rank == best).collect::<Vec<_>>().as_slice() {
        [(_, only)] => Some((*only).to_owned()),
        _ => None,
    }
}

impl Difference {
    /// What it says about a break to somebody who sets these keys; what nobody knows of them is a hint.
    /// `newest` is the version that has the new ones.
    pub fn found(&self, newest: &str, own: Option<&Own>) -> Found {
        let set = |path: &str| own.and_then(|own| own.kind(path));
        let at = |path: &str| own.map(|own| own.place(path)).unwrap_or_default();
        let mut found = Found::default();
        for Removed { path, moved } in &self.removed {
            let perhaps =
                moved.as_ref().map(|moved| format!("; perhaps it is `{moved}` now")).unwrap_or_default();
            let (weight, what) = match set(path) {
                Some(_) => {
                    (Weight::Certain, format!("the values set `{path}`{}, which is gone{perhaps}", at(path)))
                }
                None => (Weight::Hint, format!("the value `{path}` is gone{perhaps}")),
            };
            found.compare(Sign::Values, weight, &what);
        }
        for Retyped { path, from, to } in &self.retyped {
            match set(path) {
                Some(own) if own == *to => {}
                Some(own) => {
                    let what = format!("the values set `{path}`{} to {own}, and it is {to} now", at(path));
                    found.compare(Sign::Values, Weight::Certain, &what);
                }
                None => {
                    let what = format!("the value `{path}` was {from}, and is {to} now");
                    found.compare(Sign::Values, Weight::Hint, &what);
                }
            }
        }
        let tells = |other: &&Other| set(&other.path).is_none() && !names_a_version(&other.path);
        let others: Vec<&Other> = self.defaults.iter().filter(tells).collect();
        let others = others.iter().map(|other| {
            (
                Kind::Changed,
                format!("the value `{}`: its default {} is {} now", other.path, other.from, other.to),
            )
        });
        let added = self.added.iter().map(|path| (Kind::Added, format!("the value `{path}`")));
        found.cut += others.len().saturating_sub(MOST_TOLD) + self.added.len().saturating_sub(MOST_TOLD);
        for (kind, text) in others.take(MOST_TOLD).chain(added.take(MOST_TOLD)) {
            found.tell(Told { version: newest, kind, text: &text, links: Vec::new(), weight: None });
        }
        found
    }
}

/// Whether a key names the version of an image: that it is another one is why there is a new chart.
fn names_a_version(path: &str) -> bool {
    matches!(path.rsplit('.').next(), Some("tag" | "digest" | "sha"))
}

/// What the schema of a chart's values takes less than the one before. `defaults` are the new chart's own
/// values, `own` those that somebody sets.
pub fn schemas(old: &Value, new: &Value, defaults: &Value, own: Option<&Own>) -> Found {
    let (narrowed, cut) = schema::narrowed(old, new, "", Dialect::Values);
    let defaults = Own::of(defaults);
    let mut found = Found { cut, ..Found::default() };
    for one in narrowed {
        let set = own.map(|own| own.kind(&one.path).is_some());
        let weight = match (one.is_demand, set) {
            (true, _) if defaults.kind(&one.path).is_some() => continue,
            (true, Some(true)) => continue,
            (true, Some(false)) | (false, Some(true)) => one.weight,
            (true, None) => one.weight.min(Weight::Likely),
            (false, _) => Weight::Hint,
        };
        let at = own.map(|own| own.place(&one.path)).unwrap_or_default();
        let place = if one.path.is_empty() { "it".to_owned() } else { format!("`{}`{at}", one.path) };
        found.compare(Sign::Values, weight, &format!("the schema of the values: {place} {}", one.what));
    }
    found
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
