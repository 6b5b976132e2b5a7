//! What is in use, gathered from files, a release and clusters.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::catalog::testing::tree;
use crate::digest::Digest;
use crate::lcm::row::{InUse, Running};
use crate::model::{ProductName, Tree};
use crate::port::{Fault, Packages};
use crate::report::sample::Story;
use crate::report::sample_fleet::{Files, members, sees};
use crate::report::standing::{Standing, Standings};
use crate::version::Version;

/// Each version of `app` declares the tool in its own version; of `lost` there is nothing any more.
struct Versions;

#[async_trait]
impl Packages for Versions {
    async fn fetch(
        &self,
        product: &ProductName,
        version: &Version,
        _: &str,
        _: &Digest,
    ) -> Result<Arc<Tree>, Fault> {
        if product.as_str() == "lost" {
            return Err(Fault::permanent("it is nowhere"));
        }
        Ok(Arc::new(tree(&[("product.yaml", &text(product.as_str(), &version.to_string()))])))
    }
}

/// Three clusters are to have 1.1.0, of which one was never seen and one has another version.
const PIN: &str = "apiVersion: tidegate.dev/v1\nkind: Pin\nmetadata: { name: PIN-1 }\nspec:\n  product: app\n  version: 1.1.0\n  commit: cccccccccccccccccccccccccccccccccccccccc\n  digest: sha256:0000000000000000000000000000000000000000000000000000000000000000\n  clusters: [a, b, never]\n  owner: web\n  reason: later\n  expires: 2999-01-01\n";

fn text(product: &str, version: &str) -> String {
    format!(
        "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: {product} }}\nspec:\n  version: {version}\n  owner: team\n  upstream:\n    - tool: {{ repository: github:a/b, version: v{version} }}\n"
    )
}

async fn gathered() -> Gathered {
    let catalog = Files::default()
        .with("products/app/product.yaml", &text("app", "1.3.0"))
        .release("R1", "", &[("app", "1.1.0")])
        .release("R2", "  parent: R1\n", &[("app", "1.2.0")])
        .with("pipelines/pins/PIN-1.yaml", PIN)
        .fleet(&[("a", "env: prod"), ("b", "env: prod"), ("c", "env: prod"), ("never", "env: prod")])
        .catalog();
    let mut story = Story::begin();
    sees(&mut story, "a", &[("app", "1.2.0", "R2")]);
    sees(&mut story, "b", &[("app", "1.1.0", "R1"), ("lost", "0.1.0", "R1")]);
    sees(&mut story, "c", &[("app", "1.1.0", "R1")]);
    let standings = Standings::of(&catalog, Some(&story.state), story.now);
    let fleet: Vec<Standing> = members(&catalog).values().map(|entry| standings.cluster(entry)).collect();
    gather(&catalog, &fleet, standings.newest(), &Versions).await
}

#[tokio::test]
async fn files_the_newest_release_and_clusters_each_say_their_version() {
    let gathered = gathered().await;
    let tool = |all: &[crate::lcm::declared::Declared]| -> Vec<String> {
        let tools = all.iter().filter(|one| matches!(one.item, Item::Tool(_)));
        tools.filter_map(|one| one.version.clone()).collect()
    };
    assert_eq!(gathered.release.as_ref().unwrap().as_str(), "R2");
    assert_eq!(tool(&gathered.used.declared), ["v1.3.0"]);
    assert_eq!(tool(&gathered.used.released), ["v1.2.0"]);
    let mut running: Vec<(String, Vec<&str>)> = gathered
        .used
        .running
        .iter()
        .filter(|one| matches!(one.declared.item, Item::Tool(_)))
        .map(|one| (one.declared.version.clone().unwrap(), one.clusters.iter().map(|c| c.as_str()).collect()))
        .collect();
    running.sort();
    assert_eq!(running, [("v1.1.0".to_owned(), vec!["b", "c"]), ("v1.2.0".to_owned(), vec!["a"])]);
}

#[tokio::test]
async fn content_that_is_gone_is_told_and_keeps_nothing_else_back() {
    let lost = gathered().await.lost;
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].0, "lost 0.1.0");
    assert!(lost[0].1.contains("it is nowhere"), "{lost:?}");
}

#[tokio::test]
async fn kubernetes_is_declared_by_the_release_and_runs_as_clusters_say() {
    let used = gathered().await.used;
    let kubernetes = |one: &&crate::lcm::declared::Declared| matches!(one.item, Item::Kubernetes(_));
    let declared: Vec<_> = used.declared.iter().filter(kubernetes).collect();
    assert_eq!(declared.len(), 1);
    assert_eq!(
        (declared[0].product.as_str(), declared[0].version.as_deref()),
        (crate::lcm::declared::KUBERNETES, Some("1.36"))
    );
    let running: Vec<_> = used.running.iter().filter(|one| kubernetes(&&one.declared)).collect();
    assert_eq!((running.len(), running[0].clusters.len()), (1, 3));
    assert_eq!(running[0].declared.version.as_deref(), Some("v1.36.1"));
    let versions: Vec<String> = used.kubernetes.iter().map(ToString::to_string).collect();
    assert_eq!(versions, ["1.36.1"]);
}

#[tokio::test]
async fn a_pin_explains_only_what_runs_its_version() {
    let pinned = gathered().await.used.pinned;
    let clusters: Vec<&str> = pinned.iter().flat_map(|pin| &pin.clusters).map(|c| c.as_str()).collect();
    assert_eq!((pinned.len(), clusters), (1, vec!["b"]));
    assert_eq!((pinned[0].owner.as_str(), pinned[0].until.as_str()), ("web", "2999-01-01"));
}

#[test]
fn a_pin_of_kubernetes_holds_the_minor_that_clusters_serve() {
    let pins = |version: &str| {
        let pin = PIN.replace("product: app", "product: kubernetes").replace("1.1.0", version);
        let catalog = Files::default()
            .with("pipelines/pins/PIN-1.yaml", &pin)
            .fleet(&[("a", "env: prod"), ("b", "env: prod"), ("never", "env: prod")])
            .catalog();
        let mut story = Story::begin();
        sees(&mut story, "a", &[]);
        let standings = Standings::of(&catalog, Some(&story.state), story.now);
        let fleet: Vec<Standing> = members(&catalog).values().map(|entry| standings.cluster(entry)).collect();
        let pinned = used::pinned(&fleet);
        pinned[0].clusters.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(pins("1.36.0"), ["a"]);
    assert!(pins("1.35.0").is_empty());
}

#[tokio::test]
async fn what_clusters_say_themselves_takes_the_place_of_what_was_known_of_their_images() {
    let one = |item: Item, clusters: &[&str]| {
        let declared = crate::lcm::declared::Declared {
            product: "app".to_owned(),
            owner: "team".to_owned(),
            item,
            version: Some("v1".to_owned()),
            digest: None,
            place: crate::diag::Place::none(),
        };
        Running::new(declared, clusters.iter().map(|name| name.parse().unwrap()).collect())
    };
    let image = |name: &str| Item::Image(name.parse().unwrap());
    let tool = || Item::Tool("github:a/b".parse().unwrap());
    let mut used = InUse {
        running: vec![
            one(image("r.io/old"), &["a"]),
            one(image("r.io/both"), &["a", "b"]),
            one(tool(), &["a"]),
        ],
        ..InUse::default()
    };
    let observed = crate::model::Observed {
        at: jiff::Timestamp::UNIX_EPOCH,
        uid: crate::model::ClusterUid::new("u"),
        kubernetes: "1.36".parse().unwrap(),
        server: "v1.36.3".to_owned(),
        products: Arc::default(),
    };
    let mut live = Live { running: vec![one(image("r.io/new"), &["a"])], ..Live::default() };
    live.observed.insert("a".parse().unwrap(), observed);
    live.replace(&mut used);
    let line = |one: &Running| {
        let at: Vec<&str> = one.clusters.iter().map(|cluster| cluster.as_str()).collect();
        format!("{} {}", one.declared.item, at.join(","))
    };
    let lines: Vec<String> = used.running.iter().map(line).collect();
    assert_eq!(lines, ["r.io/both b", "github:a/b a", "r.io/new a"]);
}
