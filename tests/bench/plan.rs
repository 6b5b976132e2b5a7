//! The plan of a large fleet: 10,000 clusters with 40 products each, all of which change. Goal: under
//! 1 s and 300 MB.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use tidegate::catalog::release::{self, Locked};
use tidegate::digest::{self, Digest};
use tidegate::model::{
    ClusterEntry, ClusterName, ClusterUid, Fleet, Lock, LockedProduct, ObservedProduct, PipelineFile,
    ProductFile, ProductName, RecordPhase, ReleaseFile, ReleaseId,
};
use tidegate::plan::{Durations, PlanInput, PlanOptions, Renderers, make};
use tidegate::resolve::{Observation, ProductVersion};

const CLUSTERS: usize = 10_000;
const PRODUCTS: usize = 40;

fn document<T: serde::de::DeserializeOwned>(kind: &str, name: &str, spec: &Value) -> T {
    serde_json::from_value(json!({
        "apiVersion": "tidegate.dev/v1", "kind": kind, "metadata": { "name": name }, "spec": spec
    }))
    .unwrap()
}

/// A product that requires one of the four before it, has a handful of values, and is rendered by us
/// or by helm.
fn product(n: usize) -> ProductVersion {
    let name = format!("product-{n:02}");
    let mut requires = serde_json::Map::new();
    if n >= 4 {
        requires.insert(format!("product-{:02}", n - 4), ">=1.0.0".into());
    }
    let step = if n.is_multiple_of(2) {
        json!({ "manifests": { "path": "manifests" } })
    } else {
        json!({ "helm": { "chart": "chart", "namespace": name } })
    };
    let file: ProductFile = document(
        "Product",
        &name,
        &json!({
            "version": "1.1.0", "owner": "platform", "requires": requires, "deploy": [step],
            "kubernetes": ">=1.34 <1.38",
            "values": { "replicas": 2, "image": { "tag": "1.1.0" }, "resources": { "cpu": "1", "memory": "1Gi" },
                        "tolerations": [], "level": "info" },
            "valuesSchema": { "properties": { "replicas": { "type": "integer" } } }
        }),
    );
    ProductVersion {
        file: Arc::new(file),
        digest: digest::bytes(name.as_bytes()),
        test_digest: digest::bytes(format!("tests of {name}").as_bytes()),
        images: Default::default(),
    }
}

fn entry(n: usize) -> ClusterEntry {
    let (env, pool) = match n % 20 {
        0 => ("staging", "staging".to_owned()),
        1..=7 => ("nonprod", format!("np-{}", n % 4)),
        _ => ("prod", format!("prod-{}", n % 10)),
    };
    let mut entry = json!({
        "name": format!("cluster-{n:05}"),
        "labels": { "env": env, "pool": pool, "region": format!("region-{}", n % 7), "team": format!("team-{}", n % 300) },
        "provider": "eks",
        "kubeconfig": { "path": "~/.kube/config", "context": format!("cluster-{n:05}") }
    });
    // Every twentieth cluster says something of its own.
    if n % 20 == 3 {
        entry["values"] = json!({ "product-07": { "replicas": n } });
    }
    serde_json::from_value(entry).unwrap()
}

fn observation(n: usize, names: &[ProductName]) -> Observation {
    let products = names.iter().enumerate().map(|(p, name)| {
        let found = ObservedProduct {
            release: "R41".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            commit: "c".repeat(40),
            digest: digest::bytes(&[p as u8]),
            inputs: digest::bytes(format!("{n} {p}").as_bytes()),
            phase: RecordPhase::Verified,
        };
        (name.clone(), found)
    });
    Observation {
        at: "2026-11-21T09:00:00Z".parse().unwrap(),
        uid: ClusterUid::new(&format!("6f1c0000-0000-4000-8000-{n:012}")),
        kubernetes: "1.36".parse().unwrap(),
        server: "v1.36.2-eks-1a2b3c4".to_owned(),
        products: Arc::new(products.collect()),
        stale: false,
    }
}

pub fn run() {
    let contents: Vec<ProductVersion> = (0..PRODUCTS).map(product).collect();
    let names: Vec<ProductName> = contents.iter().map(|c| c.file.metadata.name.value.clone()).collect();
    let versions: BTreeMap<Digest, ProductVersion> = contents.into_iter().map(|c| (c.digest, c)).collect();
    let wanted: BTreeMap<&str, &str> = names.iter().map(|name| (name.as_str(), "1.1.0")).collect();
    let release: ReleaseFile =
        document("Release", "R42", &json!({ "kubernetes": "1.36", "products": wanted }));
    let products: BTreeMap<ProductName, LockedProduct> = names
        .iter()
        .map(|name| {
            let locked = LockedProduct {
                version: "1.1.0".parse().unwrap(),
                commit: "d".repeat(40),
                digest: digest::bytes(name.as_str().as_bytes()),
            };
            (name.clone(), locked)
        })
        .collect();
    let id: ReleaseId = "R42".parse().unwrap();
    let lock = Lock {
        cut_by: None,
        format: 1,
        digest: release::digest(&id, &release.spec, None, &products, &[]),
        parent: None,
        products,
        images: Vec::new(),
    };
    let layers: serde_json::Map<String, Value> =
        names.iter().map(|name| (name.to_string(), json!({ "replicas": 3 }))).collect();
    let fleet: Fleet = serde_json::from_value(json!({
        "environments": { "prod": { "values": layers }, "nonprod": { "values": { "product-01": { "level": "debug" } } } },
        "pools": { "prod-3": { "values": { "product-02": { "resources": { "cpu": "4" } } } } }
    }))
    .unwrap();
    let pipeline: PipelineFile = document(
        "Pipeline",
        "main",
        &json!({ "waves": [
            { "name": "staging", "selector": { "env": "staging" } },
            { "name": "nonprod", "selector": { "env": "nonprod" }, "pools": { "sizes": [6, 200] }, "atOnce": "10%" },
            { "name": "prod", "selector": { "env": "prod" }, "pools": { "sizes": [20, 500] }, "atOnce": "5%" }
        ] }),
    );
    let clusters: BTreeMap<ClusterName, ClusterEntry> =
        (0..CLUSTERS).map(entry).map(|entry| (entry.name.value.clone(), entry)).collect();
    let observed: BTreeMap<ClusterName, Observation> =
        clusters.keys().enumerate().map(|(n, name)| (name.clone(), observation(n, &names))).collect();
    let past_pins = BTreeMap::new();
    let holds = BTreeMap::new();
    let renderers = Renderers { manifests: 1, helm: Some("v4.0.1".to_owned()) };
    let input = PlanInput {
        authors: &std::collections::BTreeSet::new(),
        now: "2026-11-21T09:00:00Z".parse().unwrap(),
        commit: "0123456789abcdef0123456789abcdef01234567",
        release: Locked { id: &id, file: &release, lock: &lock },
        releases: &[&release],
        fleet: &fleet,
        clusters: &clusters,
        pipeline: &pipeline,
        pipeline_digest: digest::bytes(b"pipeline"),
        pins: &[],
        holds: &holds,
        calendar: None,
        versions: &versions,
        past_pins: &past_pins,
        observed: &observed,
        renderers: &renderers,
        durations: &Durations::default(),
        options: PlanOptions::default(),
        defer_unknown: false,
        question: false,
    };
    let before = peak();
    let start = Instant::now();
    let plan = match make(&input) {
        Ok((plan, _)) => plan,
        Err(findings) => {
            println!("plan: it could not be made:\n{findings}");
            return;
        }
    };
    let took = start.elapsed();
    let targets: usize = plan.clusters().map(|(_, _, cluster)| cluster.targets.len()).sum();
    println!(
        "plan of {CLUSTERS} clusters x {PRODUCTS} products ({targets} targets, {} values): {:.2} s, peak {} MB, of which \
         its input {} MB (goal: 1 s, 300 MB)",
        plan.values.len(),
        took.as_secs_f64(),
        peak(),
        before
    );
}

/// The most memory that this process ever had, in MB (`VmHWM` of proc(5)); 0 where there is no such
/// file.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes: Option<u64> = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    kilobytes.unwrap_or(0) / 1024
}
