//! Whatever bytes a file of the platform holds: reading, checking, planning and rendering never
//! panic, every mistake has a place in that file, and its excerpt can be drawn.
//!
//! `TIDEGATE_SEED=N` plays one run again, `TIDEGATE_MUTATIONS=N` plays more of them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tidegate::catalog::product::Content;
use tidegate::catalog::release::{Locked, Tagged, cut};
use tidegate::catalog::{Catalog, check, check_members, fleet, load};
use tidegate::diag::{Findings, Place, Source};
use tidegate::digest::{self, Digest};
use tidegate::model::{
    ClusterName, ClusterUid, DeployStep, File, ObservedProduct, PinFile, ProductName, RecordPhase,
    ReleaseFile, ReleaseId, Tree,
};
use tidegate::plan::{Durations, PlanInput, PlanOptions, Renderers, make, read, stale, write};
use tidegate::render::values::Resolved;
use tidegate::render::{Context, Facts, Mask, helm, manifests, scan};
use tidegate::resolve::{Observation, ProductVersion};
use tidegate::yaml::{self, Spanned};

const MUTATIONS: u64 = 100;

/// A random number generator that needs no crate: splitmix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.roll() % n.max(1) as u64).unwrap()
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

/// The sample platform of this repository, and beside it a product, a pipeline, a pin and a release
/// that use what the sample does not.
fn platform() -> Vec<(String, Vec<u8>)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join("products"), root.join("releases"), root.join("pipelines")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    let rich = [
        ("products/rich/product.yaml", include_str!("inputs/product.yaml")),
        ("products/rich/manifests/odd.yaml", include_str!("inputs/odd.yaml")),
        ("products/rich/manifests/odd.yaml.j2", include_str!("inputs/odd.yaml.j2")),
        ("products/rich/ping.yaml", "apiVersion: batch/v1\nkind: Job\nmetadata: { name: ping }\n"),
        ("products/rich/smoke.sh", "#!/bin/sh\n"),
        ("releases/R43.yaml", include_str!("inputs/release.yaml")),
        ("pipelines/odd.yaml", include_str!("inputs/pipeline.yaml")),
        ("pipelines/pins/P-1.yaml", include_str!("inputs/pin.yaml")),
    ];
    files.extend(rich.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())));
    files.retain(|(path, _)| path != "pipelines/calendar.yaml");
    let monitoring = tree(&files).subtree("products/monitoring");
    let digest = Content::of(&monitoring).unwrap().digest.to_string();
    for (_, bytes) in files.iter_mut().filter(|(path, _)| path.starts_with("pipelines/pins/")) {
        *bytes = String::from_utf8(bytes.clone()).unwrap().replace("DIGEST", &digest).into_bytes();
    }
    files.sort();
    files
}

/// What people and broken tools write where something else belongs.
const SCALARS: [&str; 48] = [
    "",
    "~",
    "null",
    "true",
    "no",
    "0",
    "-1",
    "1e999",
    "-0.0",
    ".inf",
    ".nan",
    "0x1f",
    "0o17",
    "017",
    "1_000",
    "99999999999999999999999999",
    "18446744073709551616",
    "-9223372036854775809",
    "4294967295",
    "4294967296",
    "100%",
    "101%",
    "0%",
    "%",
    "10.5%",
    "10y",
    "9999999999999999d",
    "0",
    "-5s",
    "2026-13-45",
    "2026-12-15T25:00:00Z",
    "9999-12-31",
    "-9999-01-01T00:00:00Z",
    "\"\"",
    "'",
    "\"",
    "[]",
    "{}",
    "[[[[[[",
    "{{{{",
    "*x",
    "&x y",
    "!!binary aGk=",
    "!!int x",
    "!x",
    "<<: *x",
    "? x",
    "über-größe-日本-\u{1F600}",
];

const PIECES: [&str; 40] = [
    "\n",
    "\r\n",
    "\t",
    "\u{feff}",
    "\u{0}",
    "\u{85}",
    "\u{2028}",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "- ",
    ": ",
    "? ",
    "#",
    "&a ",
    "*a",
    "<<: *a\n",
    "|\n",
    ">-\n",
    "|9\n",
    "!!str ",
    "{{ ",
    " }}",
    "{% for x in range(9) %}",
    "{% endfor %}",
    "{%",
    "\\x",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    ",",
    "  ",
    "\u{1F600}",
    "e\u{301}",
    "\u{202e}",
    "$(",
    "\u{7f}",
];

fn mutate(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let lines: Vec<Vec<u8>> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    let line = dice.below(lines.len());
    let mut changed = lines.clone();
    match dice.below(14) {
        0 if !bytes.is_empty() => {
            let at = dice.below(bytes.len());
            bytes[at] = dice.roll().to_le_bytes()[0];
            return;
        }
        1 => {
            let at = dice.below(bytes.len() + 1);
            bytes.splice(at..at, dice.of(&PIECES).bytes());
            return;
        }
        2 => {
            let at = dice.below(bytes.len() + 1);
            let end = (at + dice.below(30)).min(bytes.len());
            bytes.drain(at..end);
            return;
        }
        3 => {
            let at = dice.below(bytes.len() + 1);
            bytes.truncate(at);
            return;
        }
        4 if !lines.is_empty() => drop(changed.remove(line)),
        5 if !lines.is_empty() => changed.insert(line, lines[line].clone()),
        6 if !lines.is_empty() => {
            let other = dice.below(lines.len());
            changed.swap(line, other);
        }
        7 if !lines.is_empty() => {
            let indent = dice.below(9);
            let text: Vec<u8> = lines[line].iter().copied().skip_while(|b| *b == b' ').collect();
            changed[line] = [vec![b' '; indent], text].concat();
        }
        // A value is replaced by another.
        _ if !lines.is_empty() => {
            let text = String::from_utf8_lossy(&lines[line]).into_owned();
            let scalar = dice.of(&SCALARS);
            changed[line] = match text.rfind(": ").or_else(|| text.rfind("- ")) {
                Some(at) => format!("{}{scalar}\n", &text[..at + 2]),
                None => format!("{text}{scalar}\n"),
            }
            .into_bytes();
        }
        _ => {}
    }
    *bytes = changed.concat();
}

fn tree(files: &[(String, Vec<u8>)]) -> Tree {
    let mut tree = Tree::new();
    for (path, bytes) in files {
        tree.insert(
            path.clone(),
            File { bytes: Arc::from(bytes.as_slice()), executable: path.ends_with(".sh") },
        );
    }
    tree
}

/// Every mistake can be shown, as text and as JSON, and every error has its place.
fn can_be_shown(findings: &Findings, placeless: bool) {
    for finding in findings {
        assert!(!finding.message.trim().is_empty(), "a finding without words: {finding:?}");
        assert!(!finding.to_string().is_empty());
        let json = serde_json::to_string(finding).unwrap();
        if !placeless && finding.severity == tidegate::diag::Severity::Error {
            let place = finding.place.as_ref().filter(|place| !place.is_none());
            let place = place.unwrap_or_else(|| panic!("an error without a place: {json}"));
            assert!(place.line() >= 1 && place.column() >= 1, "{json}");
        }
    }
}

/// The catalog of some files as every command reads it, and all that can be done with it in memory.
fn use_all(files: &[(String, Vec<u8>)], changed: Option<&str>) {
    let tree = tree(files);
    let (mut catalog, findings) = load(&tree);
    can_be_shown(&findings, false);
    can_be_shown(&check(&catalog), false);
    for (name, source) in &catalog.products {
        // What did not change was rendered without mutations.
        if changed.is_some_and(|path| !path.starts_with(&format!("products/{name}/"))) {
            continue;
        }
        let folder = tree.subtree(&format!("products/{name}"));
        render(&folder, name, &source.file.spec);
    }
    if findings.has_errors() {
        return;
    }
    lock(&mut catalog, &tree);
    plan(&catalog, &tree, changed.is_none());
}

fn render(folder: &Tree, name: &ProductName, product: &tidegate::model::Product) {
    let cluster: ClusterName = "c1".parse().unwrap();
    let labels = [("env".to_owned(), "prod".to_owned())].into();
    let version = product.version.value.clone();
    let facts = Facts {
        cluster: &cluster,
        labels: &labels,
        provider: None,
        kubernetes: "1.36".parse().unwrap(),
        product: name,
        version: &version,
    };
    let values = product.values.as_ref().map(|v| v.to_json()).unwrap_or_default();
    let context = Context::new(&facts, &Resolved::plain(&values));
    for step in &product.deploy {
        match &step.value {
            DeployStep::Manifests(step) => {
                if let Err(wrong) = manifests(folder, "products/x", step.path.as_str(), None, &context) {
                    can_be_shown(&wrong, true);
                }
            }
            DeployStep::Helm(step) => {
                can_be_shown(&scan::chart(folder, "products/x", step.chart.as_str()), true)
            }
            _ => {}
        }
    }
}

/// Cuts every release that can be cut.
fn lock(catalog: &mut Catalog, tree: &Tree) {
    let contents: Vec<(ProductName, Content)> = catalog
        .products
        .keys()
        .filter_map(|name| {
            let content =
                Content::at(&tree.subtree(&format!("products/{name}")), &format!("products/{name}"));
            content.ok().map(|content| (name.clone(), content))
        })
        .collect();
    for id in catalog.releases.keys().cloned().collect::<Vec<ReleaseId>>() {
        let tagged: BTreeMap<ProductName, Tagged> = contents
            .iter()
            .map(|(name, content)| {
                (name.clone(), Tagged { commit: "c".repeat(40), content: content.clone() })
            })
            .collect();
        match cut(catalog, &id, &tagged) {
            Ok(cut) => {
                let loaded = catalog.releases.get_mut(&id).unwrap();
                loaded.file.lock = Some(Spanned::new(cut.lock, Place::none()));
            }
            Err(wrong) => can_be_shown(&wrong, true),
        }
    }
}

/// Plans the newest release that was cut, or all of them.
fn plan(catalog: &Catalog, tree: &Tree, all: bool) {
    let Some(fleet) = &catalog.fleet else { return };
    let (members, wrong) = fleet::members(&fleet.spec, Vec::new());
    can_be_shown(&wrong, true);
    can_be_shown(&check_members(catalog, &members), true);
    let versions: BTreeMap<Digest, ProductVersion> = catalog
        .products
        .keys()
        .filter_map(|name| {
            Content::at(&tree.subtree(&format!("products/{name}")), &format!("products/{name}")).ok()
        })
        .map(|content| (content.digest, (&content).into()))
        .collect();
    let now: jiff::Timestamp = "2026-11-21T09:00:00Z".parse().unwrap();
    let observed: BTreeMap<ClusterName, Observation> = members
        .keys()
        .map(|name| {
            let found = ObservedProduct {
                release: "R40".parse().unwrap(),
                version: "0.1.0".parse().unwrap(),
                commit: "e".repeat(40),
                digest: digest::bytes(b"old"),
                inputs: digest::bytes(b"old"),
                phase: RecordPhase::Verified,
            };
            let observation = Observation {
                at: now,
                uid: ClusterUid::new(&format!("uid-{name}")),
                kubernetes: "1.36".parse().unwrap(),
                server: "v1.36.2".to_owned(),
                products: Arc::new([("shop".parse().unwrap(), found)].into()),
                stale: false,
            };
            (name.clone(), observation)
        })
        .collect();
    let releases: Vec<&ReleaseFile> = catalog.releases.values().map(|l| &l.file).collect();
    let pins: Vec<&PinFile> = catalog.pins.values().map(|l| &l.file).collect();
    let renderers = Renderers { manifests: 1, helm: Some("v4.0.1".to_owned()) };
    let cut = catalog.releases.iter().rev().filter(|(_, loaded)| loaded.file.lock.is_some());
    for (id, loaded) in cut.take(if all { usize::MAX } else { 1 }) {
        let Some(lock) = &loaded.file.lock else { continue };
        for pipeline in catalog.pipelines.values() {
            let input = PlanInput {
                authors: &std::collections::BTreeSet::new(),
                now,
                commit: "0123456789012345678901234567890123456789",
                release: Locked { id, file: &loaded.file, lock: &lock.value },
                releases: &releases,
                fleet: &fleet.spec,
                clusters: &members,
                pipeline: &pipeline.file,
                pipeline_digest: digest::bytes(b"pipeline"),
                pins: &pins,
                calendar: None,
                versions: &versions,
                past_pins: &BTreeMap::new(),
                holds: &BTreeMap::new(),
                observed: &observed,
                renderers: &renderers,
                durations: &Durations::default(),
                options: PlanOptions::default(),
                defer_unknown: false,
                question: false,
            };
            match make(&input) {
                Ok((plan, warnings)) => {
                    can_be_shown(&warnings, true);
                    assert_eq!(stale(&plan, &input), [], "a plan just made is not stale");
                    let text = write(&plan).unwrap();
                    assert_eq!(read(&text).unwrap(), plan, "a plan reads back as it was written");
                }
                Err(wrong) => can_be_shown(&wrong, true),
            }
        }
    }
}

fn seed() -> u64 {
    let fresh = || u64::from(uuid::Uuid::new_v4().as_fields().0);
    std::env::var("TIDEGATE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(fresh)
}

fn mutations() -> u64 {
    std::env::var("TIDEGATE_MUTATIONS").ok().and_then(|s| s.parse().ok()).unwrap_or(MUTATIONS)
}

/// Calls `case` for every number; the first that panics is told with its seed.
fn every(case: impl Fn(&mut Dice) -> String) {
    let seed = seed();
    for n in 0..mutations() {
        let mut dice = Dice(seed.wrapping_add(n.wrapping_mul(0x1_0001)));
        let told = std::sync::Mutex::new(String::new());
        let ended = catch_unwind(AssertUnwindSafe(|| *told.lock().unwrap() = case(&mut dice)));
        assert!(
            ended.is_ok(),
            "TIDEGATE_SEED={}: see the panic above",
            seed.wrapping_add(n.wrapping_mul(0x1_0001))
        );
    }
}

#[test]
fn the_platform_without_mutations_has_no_errors_and_is_planned() {
    let files = platform();
    let (catalog, findings) = load(&tree(&files));
    assert!(!findings.has_errors(), "{findings}");
    assert!(!check(&catalog).has_errors(), "{}", check(&catalog));
    use_all(&files, None);
}

#[test]
fn no_bytes_in_a_file_of_the_platform_make_it_panic() {
    let files = platform();
    every(|dice| {
        let mut files = files.clone();
        let which = dice.below(files.len());
        for _ in 0..=dice.below(3) {
            mutate(dice, &mut files[which].1);
        }
        let text = String::from_utf8_lossy(&files[which].1).into_owned();
        let outcome = catch_unwind(AssertUnwindSafe(|| use_all(&files, Some(&files[which].0))));
        if let Err(panic) = outcome {
            eprintln!("{}:\n{text}", files[which].0);
            std::panic::resume_unwind(panic);
        }
        text
    });
}

#[test]
fn no_output_of_helm_makes_it_panic() {
    let output = include_str!("inputs/helm.txt");
    let folder = tree(&[("chart/templates/a.yaml".to_owned(), b"a: b\n".to_vec())]);
    let chart = helm::Chart { tree: &folder, folder: "products/x", path: "chart", namespace: "x" };
    let mask = Mask::new(["hunter2-hunter2"]);
    every(|dice| {
        let mut bytes = output.as_bytes().to_vec();
        for _ in 0..=dice.below(3) {
            mutate(dice, &mut bytes);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match helm::objects(&text, &chart, &mask) {
            Ok(_) => {}
            Err(wrong) => {
                can_be_shown(&wrong, true);
                assert!(!wrong.to_string().contains("hunter2-hunter2"), "{wrong}");
            }
        }
        text
    });
}

#[test]
fn what_is_edited_in_place_reads_back() {
    let files = platform();
    every(|dice| {
        let mut bytes = files[dice.below(files.len())].1.clone();
        for _ in 0..=dice.below(2) {
            mutate(dice, &mut bytes);
        }
        let Ok(source) = Source::from_bytes("f.yaml", bytes) else { return String::new() };
        let parsed = yaml::parse_all(&source);
        if let Some(node) = parsed.node.filter(|_| !parsed.findings.has_errors()) {
            let version = node.get("spec").and_then(|spec| spec.get("version"));
            if let Some(version) = version.filter(|v| v.as_str().is_some())
                && let Ok(edited) = yaml::edit::set_scalar(&source, &version.place, "9.9.9")
            {
                let again = yaml::parse_all(&Source::new("f.yaml", edited));
                let found = again.node.unwrap();
                assert_eq!(found.get("spec").unwrap().get("version").unwrap().as_str(), Some("9.9.9"));
            }
            if let Ok(edited) = yaml::edit::replace_block(&source, "lock", "lock:\n  format: 1\n") {
                let again = yaml::parse_all(&Source::new("f.yaml", edited));
                assert!(again.node.unwrap().get("lock").is_some());
            }
        }
        source.text().to_owned()
    });
}
