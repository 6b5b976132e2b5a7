//! What a chart's package consists of, as far as two versions of it are compared: its description, its
//! values and their schema, and its definitions of resources, with those of the charts within it.
//!
//! What can't be read is noted and left out: a package that is broken in one place can still be compared in
//! the others.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::plain;
use crate::diag::Source;
use crate::json::{list, text};
use crate::model::Tree;
use crate::render::packed::{Unpackable, unpack};
use crate::yaml::{self, Reading};

/// How deep charts may lie within charts.
const DEEPEST: usize = 8;
/// So many bytes of the files that matter are read.
const MOST_READ: usize = 16 * 1024 * 1024;
/// So many sentences are noted.
const MOST_NOTES: usize = 20;

/// A chart, as far as it is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// Its `Chart.yaml`.
    pub chart: Value,
    /// Its `values.yaml`, with those of the charts within it below their names.
    pub values: Value,
    /// Its `values.schema.json`.
    pub schema: Option<Value>,
    /// The objects below `crds/`, also of the charts within it.
    pub crds: Vec<Value>,
    /// What could not be read, a sentence each.
    pub notes: Vec<String>,
}

impl Package {
    /// Reads the archive that `helm package` makes.
    ///
    /// # Errors
    /// When it is no archive, or too large.
    pub fn read(archive: &[u8]) -> Result<Self, Unpackable> {
        Ok(Self::of(&unpack(archive)?))
    }

    /// Reads a chart's folder.
    pub fn of(tree: &Tree) -> Self {
        let mut reader = Reader { left: MOST_READ, notes: Vec::new() };
        let mut package = reader.chart(tree, "", 0);
        package.notes = reader.notes;
        package
    }

    /// What its dependencies call themselves in values: the name, or each alias.
    fn names_of(&self, chart: &str) -> Vec<String> {
        let own = list(&self.chart, "/dependencies").iter().filter(|one| text(one, "/name") == chart);
        let alias = |one: &Value| match text(one, "/alias") {
            "" => chart.to_owned(),
            alias => alias.to_owned(),
        };
        let names: Vec<String> = own.map(alias).collect();
        if names.is_empty() { vec![chart.to_owned()] } else { names }
    }
}

struct Reader {
    left: usize,
    notes: Vec<String>,
}

impl Reader {
    fn note(&mut self, note: String) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(plain::line(&note));
        }
    }

    /// Reads a chart; `shown` is the way to it.
    fn chart(&mut self, tree: &Tree, shown: &str, depth: usize) -> Package {
        let schema = self.text(tree, "values.schema.json", shown).and_then(|text| {
            let read = serde_json::from_str::<Value>(&text);
            read.map_err(|error| self.note(format!("`{shown}values.schema.json` can't be read: {error}")))
                .ok()
        });
        let mut package = Package {
            chart: self.document(tree, "Chart.yaml", shown),
            values: self.document(tree, "values.yaml", shown),
            schema,
            crds: self.definitions(tree, shown),
            notes: Vec::new(),
        };
        for (name, inner) in self.within(tree, shown) {
            if depth >= DEEPEST {
                self.note(format!("`{shown}` nests charts more than {DEEPEST} deep"));
                break;
            }
            let inner = self.chart(&inner, &format!("{shown}charts/{name}/"), depth + 1);
            let called = match text(&inner.chart, "/name") {
                "" => name,
                own => own.to_owned(),
            };
            for (number, key) in package.names_of(&called).into_iter().enumerate() {
                // Each alias is another copy of all values.
                let size = if number == 0 { 0 } else { inner.values.to_string().len() };
                let Some(left) = self.left.checked_sub(size) else {
                    self.note(format!("`{shown}` has too many aliases of {called}"));
                    break;
                };
                self.left = left;
                let above = package.values.as_object_mut().and_then(|values| values.remove(&key));
                let merged = merged(inner.values.clone(), above);
                if let Some(values) = package.values.as_object_mut() {
                    values.insert(key, merged);
                }
            }
            package.crds.extend(inner.crds);
        }
        package
    }

    /// The charts in `charts/`: folders and archives, in order.
    fn within(&mut self, tree: &Tree, shown: &str) -> Vec<(String, Tree)> {
        let mut all: Vec<(String, Tree)> = Vec::new();
        for (path, file) in tree.below("charts") {
            let rest = path.strip_prefix("charts/").unwrap_or(path);
            match rest.split_once('/') {
                // Helm passes over names that begin with a dot or an underscore.
                Some((name, _)) if name.starts_with(['.', '_']) => {}
                Some((name, _)) if all.last().is_none_or(|(last, _)| last != name) => {
                    all.push((name.to_owned(), tree.subtree(&format!("charts/{name}"))));
                }
                None if rest.ends_with(".tgz") => match unpack(&file.bytes) {
                    Ok(inner) => all.push((rest.to_owned(), inner)),
                    Err(why) => self.note(format!("the packed chart `{shown}{path}` can't be read: {why}")),
                },
                _ => {}
            }
        }
        all
    }

    /// The text of a file, if it is there.
    fn text(&mut self, tree: &Tree, path: &str, shown: &str) -> Option<String> {
        let file = tree.get(path)?;
        let Some(left) = self.left.checked_sub(file.bytes.len()) else {
            self.note(format!("`{shown}{path}` is left out: there is too much to be read"));
            return None;
        };
        self.left = left;
        let text = std::str::from_utf8(&file.bytes).map(str::to_owned);
        text.map_err(|_| self.note(format!("`{shown}{path}` can't be read: it is not UTF-8"))).ok()
    }

    /// A file with one mapping in it; an empty one if it is none.
    fn document(&mut self, tree: &Tree, path: &str, shown: &str) -> Value {
        let Some(text) = self.text(tree, path, shown) else { return Value::Object(Map::new()) };
        let answer = Reading::MANIFESTS.documents(&Source::new(path, text));
        let read = answer.map(|documents| documents.first().map(yaml::Node::to_json));
        match read {
            Ok(Some(value)) if value.is_object() => return value,
            Ok(None | Some(Value::Null)) => {}
            Ok(Some(_)) => self.note(format!("`{shown}{path}` can't be read: it is no mapping")),
            Err(findings) => self.note(format!("`{shown}{path}` can't be read: {}", first(&findings))),
        }
        Value::Object(Map::new())
    }

    fn definitions(&mut self, tree: &Tree, shown: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let ends = |path: &str| [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end));
        for (path, _) in tree.below("crds").filter(|(path, _)| ends(path)) {
            let Some(text) = self.text(tree, path, shown) else { continue };
            let source: Arc<Source> = Source::new(path, text);
            match yaml::manifests(&source) {
                Ok(objects) => all.extend(objects.into_iter().map(|manifest| manifest.object)),
                Err(findings) => self.note(format!("`{shown}{path}` can't be read: {}", first(&findings))),
            }
        }
        all
    }
}

fn first(findings: &crate::diag::Findings) -> String {
    findings.errors().next().map_or_else(String::new, |finding| finding.message.clone())
}

/// A chart's own values below those that the chart above gives it: mappings merge, all else is replaced, and
/// `null` takes a key away (helm.sh/docs/chart_template_guide/values_files).
fn merged(own: Value, above: Option<Value>) -> Value {
    match (own, above) {
        (own, None) => own,
        (Value::Object(mut own), Some(Value::Object(above))) => {
            for (key, value) in above {
                let before = own.remove(&key);
                if !value.is_null() {
                    own.insert(key, merged(before.unwrap_or(Value::Null), Some(value)));
                }
            }
            Value::Object(own)
        }
        (_, Some(above)) => above,
    }
}

#[cfg(test)]
#[path = "package_tests.rs"]
mod tests;
