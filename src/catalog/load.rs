//! From a tree to a catalog: which file is what, and every mistake inside a single file. What only
//! holds between files is for `check`.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::de::DeserializeOwned;

use crate::diag::{Finding, Findings, Place, Source, codes};
use crate::digest::Digest;
use crate::model::{
    API_VERSION, AcceptanceId, CalendarName, DeferralId, Expiry, FleetName, Kind, PinId, PipelineName,
    ProductFile, ProductName, ReleaseId, SourcesName, SupportName, Tree, secrets,
};
use crate::version::{KubeVersion, Version};
use crate::yaml::{self, Key, Mapping, Node, Value};

use super::product::FILE;
use super::{Catalog, Loaded, ProductSource};

/// The folders that a catalog is read from.
pub const FOLDERS: [&str; 3] = ["products", "releases", "pipelines"];

/// Below `pipelines`: what clouds said that they offer. It is read by who reports on it.
const OFFERED: &str = "offered/";

/// Below `pipelines`: folders of files of one kind.
const OWN_CALL: [&str; 3] = ["pins/", "acceptances/", "deferrals/"];

/// Reads `products/*/product.yaml`, `releases/*.yaml`, `pipelines/*.yaml`, `pipelines/pins/*.yaml`,
/// `pipelines/acceptances/*.yaml` and `pipelines/deferrals/*.yaml`. Every mistake inside a file is a finding, and what is right of the file is in
/// the catalog all the same.
pub fn load(tree: &Tree) -> (Catalog, Findings) {
    let mut loading =
        Loading { tree, catalog: Catalog::default(), findings: Findings::new(), hidden: Vec::new() };
    loading.products();
    loading.folder("releases", Loading::release);
    loading.folder("pipelines", Loading::pipeline);
    loading.folder("pipelines/pins", Loading::pin);
    loading.folder("pipelines/acceptances", Loading::acceptance);
    loading.folder("pipelines/deferrals", Loading::deferral);
    let others = tree.below("pipelines").filter(|(path, _)| !is_yaml(path));
    loading.catalog.pipeline_files = others.map(|(path, file)| (path.to_owned(), file.executable)).collect();
    loading.findings.mask(&loading.hidden);
    (loading.catalog, loading.findings.sorted())
}

struct Loading<'a> {
    tree: &'a Tree,
    catalog: Catalog,
    findings: Findings,
    /// Where literal secrets stand.
    hidden: Vec<Place>,
}

impl Loading<'_> {
    fn products(&mut self) {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for (path, _) in self.tree.below("products") {
            let rest = &path["products/".len()..];
            if let Some((name, _)) = rest.split_once('/') {
                names.insert(name);
            } else if is_yaml(rest) {
                let hint = "a product is a folder with a `product.yaml` in it";
                self.findings.push(stray(path).hint(hint));
            }
        }
        for folder in names {
            let path = format!("products/{folder}/{FILE}");
            let Some(file) = self.tree.get(&path) else {
                self.no_product_file(folder);
                continue;
            };
            let Some((source, node)) = self.parse(&path, &file.bytes) else { continue };
            let Some(name) = self.name::<ProductName>(folder, &source) else { continue };
            let Some(file) = self.decode::<ProductFile>(Kind::Product, folder, &source, &node) else {
                continue;
            };
            let folder = self.tree.subtree(&format!("products/{folder}"));
            self.catalog.products.insert(name, ProductSource { file, folder, source, node });
        }
    }

    fn no_product_file(&mut self, folder: &str) {
        let path = format!("products/{folder}/{FILE}");
        let place = Place::new(&Source::new(path.as_str(), ""), 0, 0);
        let mut finding = Finding::error(&codes::MISSING_FILE, format!("`{path}` is missing")).at(&place);
        let folder = format!("products/{folder}");
        let beside: Vec<&str> = self
            .tree
            .below(&folder)
            .filter_map(|(path, _)| path.get(folder.len() + 1..))
            .filter(|name| !name.contains('/'))
            .collect();
        finding = finding.did_you_mean(FILE, beside);
        self.findings.push(finding);
        self.catalog.unreadable.push(path);
    }

    /// Calls `each` for the YAML files right in a folder.
    fn folder(&mut self, folder: &str, each: fn(&mut Self, &str, &str)) {
        let paths: Vec<&str> = self.tree.below(folder).map(|(path, _)| path).collect();
        for path in paths {
            let Some(name) = path.get(folder.len() + 1..) else { continue };
            let nested = name.contains('/');
            let own_call = OWN_CALL.iter().any(|folder| name.starts_with(folder));
            if folder == "pipelines" && name.starts_with(OFFERED) {
                continue;
            }
            if nested && (folder != "pipelines" || own_call) {
                // Below those, and deeper: their own call looks at the first, nobody at the rest.
                if folder != "pipelines" && is_yaml(name) {
                    self.findings.push(stray(path));
                }
            } else if nested {
                if is_yaml(name) {
                    self.findings.push(stray(path));
                }
            } else if let Some(stem) = name.strip_suffix(".yaml") {
                each(self, path, stem);
            } else if is_yaml(name) {
                let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
                self.findings.push(stray(path).hint(format!("rename it to `{folder}/{stem}.yaml`")));
            }
        }
    }

    fn release(&mut self, path: &str, stem: &str) {
        if let Some((name, loaded)) = self.file::<ReleaseId, _>(Kind::Release, path, stem) {
            self.catalog.releases.insert(name, loaded);
        }
    }

    fn pipeline(&mut self, path: &str, stem: &str) {
        match stem {
            "fleet" => {
                self.catalog.fleet = self.file_of_any_name::<_>(Kind::Fleet, path, stem);
            }
            "calendar" => {
                self.catalog.calendar = self.file_of_any_name::<_>(Kind::Calendar, path, stem);
            }
            "sources" => {
                self.catalog.sources = self.file_of_any_name::<_>(Kind::Sources, path, stem);
            }
            "support" => {
                self.catalog.support = self.file_of_any_name::<_>(Kind::Support, path, stem);
            }
            _ => {
                if let Some((name, loaded)) = self.file::<PipelineName, _>(Kind::Pipeline, path, stem) {
                    self.catalog.pipelines.insert(name, loaded);
                }
            }
        }
    }

    fn pin(&mut self, path: &str, stem: &str) {
        if let Some((name, loaded)) = self.file::<PinId, _>(Kind::Pin, path, stem) {
            self.catalog.pins.insert(name, loaded);
        }
    }

    fn acceptance(&mut self, path: &str, stem: &str) {
        if let Some((name, loaded)) = self.file::<AcceptanceId, _>(Kind::Acceptance, path, stem) {
            self.catalog.acceptances.insert(name, loaded);
        }
    }

    fn deferral(&mut self, path: &str, stem: &str) {
        if let Some((name, loaded)) = self.file::<DeferralId, _>(Kind::Deferral, path, stem) {
            self.catalog.deferrals.insert(name, loaded);
        }
    }

    fn file<N, T>(&mut self, kind: Kind, path: &str, stem: &str) -> Option<(N, Loaded<T>)>
    where
        N: FromStr,
        N::Err: std::fmt::Display,
        T: DeserializeOwned,
    {
        let loaded = self.file_of_any_name(kind, path, stem)?;
        let name = self.name(stem, &loaded.source)?;
        Some((name, loaded))
    }

    fn file_of_any_name<T: DeserializeOwned>(
        &mut self,
        kind: Kind,
        path: &str,
        stem: &str,
    ) -> Option<Loaded<T>> {
        let bytes = self.tree.get(path)?.bytes.clone();
        let (source, node) = self.parse(path, &bytes)?;
        let file = self.decode(kind, stem, &source, &node)?;
        Some(Loaded { file, source, node })
    }

    fn parse(&mut self, path: &str, bytes: &[u8]) -> Option<(std::sync::Arc<Source>, Node)> {
        let source = match Source::from_bytes(path, bytes.to_vec()) {
            Ok(source) => source,
            Err(findings) => {
                self.findings.extend(findings);
                self.catalog.unreadable.push(path.to_owned());
                return None;
            }
        };
        let parsed = yaml::parse_all(&source);
        let broken = parsed.findings.has_errors();
        self.findings.extend(parsed.findings);
        match parsed.node {
            Some(node) => {
                // A finding about something else may show the line of a literal secret, which
                // `check` is yet to find.
                self.hidden.extend(secrets::in_values(&node).into_iter().filter_map(|f| f.place));
                Some((source, node))
            }
            None => {
                if !broken {
                    self.findings.push(
                        Finding::error(&codes::MISSING_FIELD, "the file is empty")
                            .at(&Place::new(&source, 0, 0)),
                    );
                }
                self.catalog.unreadable.push(path.to_owned());
                None
            }
        }
    }

    /// The name of a file or folder as a name of its kind.
    fn name<N>(&mut self, stem: &str, source: &std::sync::Arc<Source>) -> Option<N>
    where
        N: FromStr,
        N::Err: std::fmt::Display,
    {
        match stem.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                self.findings.push(
                    Finding::error(
                        &codes::INVALID_VALUE,
                        format!("the name of `{}`: {error}", source.path()),
                    )
                    .at(&Place::new(source, 0, 0)),
                );
                self.catalog.unreadable.push(source.path().to_owned());
                None
            }
        }
    }

    fn decode<T: DeserializeOwned>(
        &mut self,
        kind: Kind,
        stem: &str,
        source: &std::sync::Arc<Source>,
        node: &Node,
    ) -> Option<T> {
        if !self.kind_fits(kind, node) {
            self.catalog.unreadable.push(source.path().to_owned());
            return None;
        }
        let (file, findings) = yaml::decode_rest(node);
        let kind_is_known = |f: &Finding| f.place.as_ref() == node.get("kind").map(|n| &n.place);
        self.findings.extend(findings.iter().filter(|f| !kind_is_known(f)).cloned());
        let file = file.or_else(|| {
            // One wrong required field must not hide what else is wrong with the file.
            let repaired = repaired(kind, stem, node);
            yaml::decode_rest(&repaired).0
        });
        if file.is_none() {
            self.catalog.unreadable.push(source.path().to_owned());
        }
        file
    }

    /// Whether the file says that it is of the kind that belongs to its place; says it if not. A
    /// file without the two fields is left to the decoder.
    fn kind_fits(&mut self, kind: Kind, node: &Node) -> bool {
        if let Some(version) = node.get("apiVersion")
            && let Some(text) = version.as_str()
            && text != API_VERSION
        {
            self.findings.push(
                Finding::error(&codes::WRONG_KIND, format!("the `apiVersion` is `{text}`"))
                    .at(&version.place)
                    .label(format!("expected `{API_VERSION}`"))
                    .did_you_mean(text, [API_VERSION]),
            );
        }
        let Some(found) = node.get("kind") else { return true };
        let Some(text) = found.as_str().filter(|text| *text != kind.as_str()) else { return true };
        let another = Kind::ALL.iter().any(|other| other.as_str() == text);
        let finding = Finding::error(&codes::WRONG_KIND, format!("the `kind` is `{text}`"))
            .at(&found.place)
            .label(format!("a file here is a `{kind}`"));
        self.findings.push(if another {
            finding.hint(format!("move the file to where a `{text}` belongs"))
        } else {
            finding.did_you_mean(text, [kind.as_str()])
        });
        // A misspelled kind is read on, another kind is not: all of its fields would be unknown.
        !another
    }
}

fn is_yaml(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
}

fn stray(path: &str) -> Finding {
    let place = Place::new(&Source::new(path, ""), 0, 0);
    Finding::warning(&codes::STRAY_FILE, format!("`{path}` is not read")).at(&place)
}

/// A copy of the file with placeholders where a required field is missing or wrong, so that the
/// rest of it can still be looked at. Only ever made of a file that has an error.
fn repaired(kind: Kind, stem: &str, node: &Node) -> Node {
    const ZEROS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    let mut copy = node.clone();
    let mut put = |path: &[&str], placeholder: &str, fits: fn(&str) -> bool| {
        set_unless(&mut copy, path, placeholder, fits);
    };
    put(&["apiVersion"], API_VERSION, |_| true);
    put(&["kind"], kind.as_str(), |text| Kind::ALL.iter().any(|kind| kind.as_str() == text));
    let name = if stem.is_empty() { "unnamed" } else { stem };
    match kind {
        Kind::Product => {
            put(&["metadata", "name"], name, |t| t.parse::<ProductName>().is_ok());
            put(&["spec", "version"], "0.0.0", |t| t.parse::<Version>().is_ok());
            put(&["spec", "owner"], "unknown", |_| true);
        }
        Kind::Release => {
            put(&["metadata", "name"], name, |t| t.parse::<ReleaseId>().is_ok());
            put(&["spec", "kubernetes"], "1.0", |t| t.parse::<KubeVersion>().is_ok());
        }
        Kind::Fleet => put(&["metadata", "name"], name, |t| t.parse::<FleetName>().is_ok()),
        Kind::Pipeline => put(&["metadata", "name"], name, |t| t.parse::<PipelineName>().is_ok()),
        Kind::Calendar => put(&["metadata", "name"], name, |t| t.parse::<CalendarName>().is_ok()),
        Kind::Sources => put(&["metadata", "name"], name, |t| t.parse::<SourcesName>().is_ok()),
        Kind::Support => put(&["metadata", "name"], name, |t| t.parse::<SupportName>().is_ok()),
        // None lies in a folder that is read here.
        Kind::Scenario => {}
        Kind::Pin => {
            put(&["metadata", "name"], name, |t| t.parse::<PinId>().is_ok());
            put(&["spec", "version"], "0.0.0", |t| t.parse::<Version>().is_ok());
            put(&["spec", "commit"], "0000000000000000000000000000000000000000", |_| true);
            put(&["spec", "digest"], ZEROS, |t| t.parse::<Digest>().is_ok());
            put(&["spec", "owner"], "unknown", |_| true);
            put(&["spec", "reason"], "unknown", |_| true);
            put(&["spec", "expires"], "9999-01-01", |t| t.parse::<Expiry>().is_ok());
        }
        Kind::Acceptance => {
            put(&["metadata", "name"], name, |t| t.parse::<AcceptanceId>().is_ok());
            put(&["spec", "owner"], "unknown", |_| true);
            put(&["spec", "reason"], "unknown", |_| true);
            put(&["spec", "expires"], "9999-01-01", |t| t.parse::<Expiry>().is_ok());
        }
        Kind::Deferral => {
            put(&["metadata", "name"], name, |t| t.parse::<DeferralId>().is_ok());
            put(&["spec", "owner"], "unknown", |_| true);
            put(&["spec", "reason"], "unknown", |_| true);
            put(&["spec", "until"], "9999-01-01", |t| t.parse::<Expiry>().is_ok());
        }
    }
    for (path, empty) in [
        (["spec", "products"], Value::Mapping(Mapping::default())),
        (["spec", "waves"], Value::Sequence(Vec::new())),
        (["spec", "vulnerabilities"], Value::Sequence(Vec::new())),
    ] {
        let wanted = matches!(
            (kind, path[1]),
            (Kind::Release, "products") | (Kind::Pipeline, "waves") | (Kind::Acceptance, "vulnerabilities")
        );
        let fits = copy.at(&path).is_some_and(|found| found.value.kind() == empty.kind());
        if wanted && !fits {
            set(&mut copy, &path, empty);
        }
    }
    copy
}

fn set_unless(node: &mut Node, path: &[&str], placeholder: &str, fits: fn(&str) -> bool) {
    if !node.at(path).and_then(Node::as_str).is_some_and(fits) {
        set(node, path, Value::String(placeholder.to_owned()));
    }
}

/// Sets what is at a path, making mappings on the way. What is set stands where the wrong value is,
/// or where the mapping begins that lacks it: a finding about it still names file and line.
fn set(node: &mut Node, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        node.value = value;
        return;
    };
    if node.as_mapping().is_none() {
        node.value = Value::Mapping(Mapping::default());
    }
    let place = node.place.clone();
    if let Value::Mapping(mapping) = &mut node.value {
        let key_place = mapping.get_key_place(first).cloned().unwrap_or_else(|| place.clone());
        let mut child =
            mapping.get(first).cloned().unwrap_or(Node { value: Value::Mapping(Mapping::default()), place });
        set(&mut child, rest, value);
        mapping.insert(Key { text: (*first).to_owned(), place: key_place }, child);
    }
}
