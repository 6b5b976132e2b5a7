//! The tests of planning, and the small world in which they plan: files as people write them,
//! locked by the same code as `release cut`, and clusters that were seen to run something.

#![allow(clippy::unwrap_used)]

mod cases;
mod deadlines;
mod digests;
mod files;
mod hotfixes;
mod images;
mod making;
mod resolving;
mod rollbacks;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Durations, Plan, PlanInput, PlanOptions, PlannedWave, Renderers, make};
use crate::catalog::product::Content;
use crate::catalog::release::{Locked, Tagged, cut};
use crate::catalog::{Catalog, fleet, load};
use crate::diag::{Findings, Place};
use crate::digest::{self, Digest};
use crate::model::{
    ClusterEntry, ClusterName, ClusterUid, File, ObservedProduct, PinFile, ProductName, RecordPhase,
    ReleaseFile, ReleaseId, Tree,
};
use crate::resolve::{Ground, HeldProduct, Observation, PastPin, ProductVersion, fixed_contents};
use crate::yaml::Spanned;

/// A calendar with a freeze.
pub(super) const FREEZE: &str = "  freezes: [ { name: f, from: 2025-01-01, until: 2999-01-01, timeZone: UTC, author: me, reason: why } ]\n";

/// When plans of these tests are made.
pub(super) const NOW: &str = "2026-11-21T09:00:00Z";

/// Files, contents and observations to plan with.
pub(super) struct World {
    files: BTreeMap<String, String>,
    contents: Vec<(ProductName, Content)>,
    pub release: ReleaseId,
    pub observed: BTreeMap<ClusterName, Observation>,
    pub renderers: Renderers,
    pub past_pins: BTreeMap<ClusterUid, Vec<PastPin>>,
    pub durations: Durations,
    pub holds: BTreeMap<ClusterName, Vec<HeldProduct>>,
    pub defer_unknown: bool,
    pub now: jiff::Timestamp,
    /// Changes the release after it was locked.
    pub tamper: fn(&mut ReleaseFile),
    /// Of releases whose locks have digests of images: what `redis:8` names.
    pub digests: BTreeMap<String, String>,
    /// A release whose lock was changed by hand.
    pub forged: Option<String>,
}

/// The catalog of a world, as `with` hands it to planning.
struct Built {
    catalog: Catalog,
    members: BTreeMap<ClusterName, ClusterEntry>,
    versions: BTreeMap<Digest, ProductVersion>,
}

impl World {
    /// One product `agent` 1.0.0 in release R1, a fleet of these clusters, all observed empty on
    /// 1.36, and one wave `all` that takes them.
    pub fn new(clusters: &[&str]) -> Self {
        let mut world = Self {
            files: BTreeMap::new(),
            contents: Vec::new(),
            release: "R1".parse().unwrap(),
            observed: BTreeMap::new(),
            renderers: Renderers { manifests: 1, helm: Some("v4.0.1".to_owned()) },
            past_pins: BTreeMap::new(),
            durations: Durations::default(),
            holds: BTreeMap::new(),
            defer_unknown: false,
            now: NOW.parse().unwrap(),
            tamper: |_| {},
            digests: BTreeMap::new(),
            forged: None,
        };
        world.product("agent", "1.0.0", "  tests: []\n");
        world.releases("R1", "  products: { agent: 1.0.0 }\n");
        let entries: Vec<String> = clusters.iter().map(|name| entry(name, "env: dev")).collect();
        world.fleet("", &entries);
        world.pipeline("  waves:\n    - { name: all, selector: {} }\n");
        world
    }

    /// A product version; the last one of a name is also in the working tree.
    pub fn product(&mut self, name: &str, version: &str, more: &str) -> Digest {
        let text = format!(
            "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: {name} }}\nspec:\n  version: {version}\n  owner: team\n{more}"
        );
        let mut folder = Tree::new();
        folder.insert("product.yaml", file(&text));
        let content = Content::at(&folder, &format!("products/{name}")).unwrap();
        let digest = content.digest;
        self.contents.retain(|(_, old)| {
            (&old.file.metadata.name.value, &old.file.spec.version.value)
                != (&content.file.metadata.name.value, &content.file.spec.version.value)
        });
        self.contents.push((name.parse().unwrap(), content));
        self.files.insert(format!("products/{name}/product.yaml"), text);
        digest
    }

    /// The lock of a release has a digest of this digit for `redis:8`.
    pub fn fix(&mut self, id: &str, digit: char) {
        self.digests.insert(id.to_owned(), format!("sha256:{}", digit.to_string().repeat(64)));
    }

    /// A release; the last one is planned.
    pub fn releases(&mut self, id: &str, spec: &str) {
        let text = format!(
            "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: {{ name: {id} }}\nspec:\n  kubernetes: \"1.36\"\n{spec}"
        );
        self.files.insert(format!("releases/{id}.yaml"), text);
        self.release = id.parse().unwrap();
    }

    pub fn fleet(&mut self, spec: &str, clusters: &[String]) {
        let list = if clusters.is_empty() { " []\n".to_owned() } else { format!("\n{}", clusters.concat()) };
        let text = format!(
            "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: {{ name: main }}\nspec:\n{spec}  clusters:{list}"
        );
        self.files.insert("pipelines/fleet.yaml".to_owned(), text);
        self.observed.clear();
        for name in self.build().members.keys() {
            self.observed.insert(name.clone(), seen(name.as_str()));
        }
    }

    pub fn pipeline(&mut self, spec: &str) {
        let text =
            format!("apiVersion: tidegate.dev/v1\nkind: Pipeline\nmetadata: {{ name: main }}\nspec:\n{spec}");
        self.files.insert("pipelines/main.yaml".to_owned(), text);
    }

    pub fn calendar(&mut self, spec: &str) {
        let text =
            format!("apiVersion: tidegate.dev/v1\nkind: Calendar\nmetadata: {{ name: main }}\nspec:\n{spec}");
        self.files.insert("pipelines/calendar.yaml".to_owned(), text);
    }

    /// A pin; `more` are its clusters or selector, and what else it says.
    pub fn pin(&mut self, id: &str, product: &str, version: &str, digest: Digest, until: &str, more: &str) {
        let text = format!(
            "apiVersion: tidegate.dev/v1\nkind: Pin\nmetadata: {{ name: {id} }}\nspec:\n  product: {product}\n  version: {version}\n  \
             commit: {}\n  digest: {digest}\n  owner: payments\n  reason: test\n  expires: {until}\n{more}",
            "d".repeat(40)
        );
        self.files.insert(format!("pipelines/pins/{id}.yaml"), text);
    }

    pub fn unpin(&mut self, id: &str) {
        self.files.remove(&format!("pipelines/pins/{id}.yaml"));
    }

    /// Lets a cluster be seen to run a version, verified, brought by a release.
    pub fn runs(&mut self, cluster: &str, product: &str, version: &str, digest: Digest, release: &str) {
        let observation = self.observed.get_mut(cluster).unwrap();
        let found = ObservedProduct {
            release: release.parse().unwrap(),
            version: version.parse().unwrap(),
            commit: "e".repeat(40),
            digest,
            inputs: digest::bytes(b"other inputs"),
            phase: RecordPhase::Verified,
        };
        Arc::make_mut(&mut observation.products).insert(product.parse().unwrap(), found);
    }

    /// Lets every cluster of a plan be seen to run what it planned.
    pub fn settle(&mut self, plan: &Plan) {
        for (_, _, cluster) in plan.clusters() {
            let observation = self.observed.get_mut(&cluster.name).unwrap();
            let products = cluster.targets.iter().map(|target| {
                let found = ObservedProduct {
                    release: plan.release.id.clone(),
                    version: target.version.clone(),
                    commit: "c".repeat(40),
                    digest: target.digest,
                    inputs: target.inputs,
                    phase: RecordPhase::Verified,
                };
                (target.product.clone(), found)
            });
            observation.products = Arc::new(products.collect());
        }
    }

    fn build(&self) -> Built {
        let mut tree = Tree::new();
        for (path, text) in &self.files {
            tree.insert(path.clone(), file(text));
        }
        let (mut catalog, findings) = load(&tree);
        assert!(!findings.has_errors(), "{findings}");
        let ids: Vec<ReleaseId> = catalog.releases.keys().cloned().collect();
        for id in ids {
            let wanted = &catalog.releases[&id].spec.products;
            let tagged: BTreeMap<ProductName, Tagged> = wanted
                .iter()
                .filter_map(|(name, version)| {
                    let (_, content) = self.contents.iter().find(|(product, content)| {
                        *product == name.value && content.file.spec.version.value == version.value
                    })?;
                    Some((name.value.clone(), Tagged { commit: "c".repeat(40), content: content.clone() }))
                })
                .collect();
            let mut cut = match cut(&catalog, &id, &tagged) {
                Ok(cut) => cut,
                Err(findings) => panic!("{findings}"),
            };
            if let Some(digest) = self.digests.get(id.as_str()) {
                let digests = [("redis:8".parse().unwrap(), digest.clone())].into();
                cut = cut.with_digests(&catalog, &id, &digests);
            }
            if self.forged.as_deref() == Some(id.as_str()) {
                cut.lock.digest = digest::bytes(b"another");
            }
            let loaded = catalog.releases.get_mut(&id).unwrap();
            loaded.file.lock = Some(Spanned::new(cut.lock, Place::none()));
        }
        let members = match &catalog.fleet {
            Some(fleet) => fleet::members(&fleet.spec, Vec::new()).0,
            None => BTreeMap::new(),
        };
        let fixed = fixed_contents(catalog.releases.values().map(|loaded| &loaded.file));
        let version =
            |content: &Content| ProductVersion::of(content.clone(), fixed.contains(&content.digest));
        let versions = self.contents.iter().map(|(_, content)| (content.digest, version(content))).collect();
        Built { catalog, members, versions }
    }

    /// Calls `look` with what planning reads.
    pub fn with<T>(&self, look: impl FnOnce(&PlanInput<'_>) -> T) -> T {
        let mut built = self.build();
        let loaded = built.catalog.releases.get_mut(&self.release).unwrap();
        (self.tamper)(&mut loaded.file);
        let loaded = &built.catalog.releases[&self.release];
        let releases: Vec<&ReleaseFile> = built.catalog.releases.values().map(|l| &l.file).collect();
        let pins: Vec<&PinFile> = built.catalog.pins.values().map(|l| &l.file).collect();
        let pipeline = built.catalog.pipelines.values().next().unwrap();
        look(&PlanInput {
            now: self.now,
            commit: "0123456789012345678901234567890123456789",
            release: Locked {
                id: &self.release,
                file: &loaded.file,
                lock: &loaded.file.lock.as_ref().unwrap().value,
            },
            releases: &releases,
            fleet: &built.catalog.fleet.as_ref().unwrap().spec,
            clusters: &built.members,
            pipeline: &pipeline.file,
            pipeline_digest: digest::bytes(pipeline.source.text().as_bytes()),
            pins: &pins,
            holds: &self.holds,
            calendar: built.catalog.calendar.as_ref().map(|calendar| &calendar.spec),
            versions: &built.versions,
            past_pins: &self.past_pins,
            observed: &self.observed,
            renderers: &self.renderers,
            durations: &self.durations,
            options: PlanOptions::default(),
            authors: &std::collections::BTreeSet::new(),
            defer_unknown: self.defer_unknown,
            question: false,
        })
    }

    /// The plan, or every mistake.
    pub fn plan(&self) -> Result<Plan, Findings> {
        self.with(|input| make(input).map(|(plan, _)| plan))
    }

    /// What one cluster shall run, with what was found about it.
    pub fn desired(&self, cluster: &str) -> (crate::resolve::Desired, Findings) {
        self.with(|input| {
            let ground: Ground<'_> = input.ground();
            let entry = input.clusters.get(cluster).unwrap();
            let observed = input.observed.get(cluster);
            crate::resolve::desired(&crate::resolve::ResolveInput { ground, cluster: entry, observed })
        })
    }
}

pub(super) fn file(text: &str) -> File {
    File { bytes: Arc::from(text.as_bytes()), executable: false }
}

/// An entry of the Fleet file.
pub(super) fn entry(name: &str, labels: &str) -> String {
    format!("    - {{ name: {name}, labels: {{ {labels} }}, kubeconfig: {{ path: k, context: {name} }} }}\n")
}

/// A cluster on 1.36 that runs nothing yet.
pub(super) fn seen(name: &str) -> Observation {
    Observation {
        at: NOW.parse().unwrap(),
        uid: ClusterUid::new(&format!("uid-{name}")),
        kubernetes: "1.36".parse().unwrap(),
        server: "v1.36.2".to_owned(),
        products: Arc::default(),
        stale: false,
    }
}

/// `c00`, `c01`, ...
pub(super) fn many(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("c{n:03}")).collect()
}

/// The names of a wave's clusters, in order.
pub(super) fn names(wave: &PlannedWave) -> Vec<&str> {
    wave.pools.iter().flat_map(|pool| &pool.clusters).map(|cluster| cluster.name.as_str()).collect()
}

/// The sizes of a wave's pools.
pub(super) fn sizes(wave: &PlannedWave) -> Vec<usize> {
    wave.pools.iter().map(|pool| pool.clusters.len()).collect()
}

/// The only finding with this code.
#[track_caller]
pub(super) fn only<'f>(findings: &'f Findings, code: &crate::diag::Code) -> &'f crate::diag::Finding {
    let found: Vec<_> = findings.iter().filter(|finding| finding.code == code).collect();
    match found.as_slice() {
        [one] => one,
        others => panic!("{} findings {} among:\n{findings}", others.len(), code.id),
    }
}

/// The notice with this code.
#[track_caller]
pub(super) fn notice<'p>(plan: &'p Plan, code: &crate::diag::Code) -> &'p str {
    match plan.notices.iter().find(|notice| notice.code == code.id) {
        Some(notice) => &notice.message,
        None => panic!("no notice {} among {:?}", code.id, plan.notices),
    }
}
