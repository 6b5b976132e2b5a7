//! Kubernetes as fleets of several providers have it.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::journal::Body;
use crate::lcm::declared;
use crate::model::{ClusterUid, Observed};
use crate::report::sample::Story;
use crate::report::sample_fleet::{Files, members};
use crate::report::standing::Standings;

/// A fleet in which clusters have these providers, if any, and these servers, if they were seen.
fn used(channels: &[&str], clusters: &[(&str, Option<&str>, Option<&str>)], release: bool) -> InUse {
    let upstream: String =
        channels.iter().map(|channel| format!("    - kubernetes: {{ channel: {channel} }}\n")).collect();
    let product = format!(
        "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: nodes }}\nspec:\n  version: 1.0.0\n  owner: nodes-team\n  upstream:\n{upstream}"
    );
    let entry = |(name, provider, _): &(&str, Option<&str>, Option<&str>)| {
        let provider = provider.map(|text| format!(", provider: {text}")).unwrap_or_default();
        format!("    - {{ name: {name}{provider}, kubeconfig: {{ path: k, context: {name} }} }}\n")
    };
    let entries: String = clusters.iter().map(entry).collect();
    let fleet = format!(
        "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: {{ name: f }}\nspec:\n  clusters:\n{entries}"
    );
    let mut files = Files::default().with("pipelines/fleet.yaml", &fleet);
    if !channels.is_empty() {
        files = files.with("products/nodes/product.yaml", &product);
    }
    if release {
        files = files.release("R1", "", &[("app", "1.0.0")]);
    }
    let catalog = files.catalog();
    let mut story = Story::begin();
    for (name, _, server) in clusters {
        let Some(server) = server else { continue };
        let minor = KubeVersion::of_numbers(server).unwrap().minor();
        let observed = Observed {
            at: story.now,
            uid: ClusterUid::new(&format!("uid-{name}")),
            kubernetes: minor,
            server: (*server).into(),
            products: Arc::default(),
        };
        let cluster = name.parse().unwrap();
        story.push(None, Body::ClusterObserved { cluster, observed: Box::new(observed) });
    }
    let standings = Standings::of(&catalog, Some(&story.state), story.now);
    let fleet: Vec<Standing> = members(&catalog).values().map(|entry| standings.cluster(entry)).collect();
    let mut used = InUse { declared: declared::of(&catalog), ..InUse::default() };
    put(&catalog, &fleet, standings.newest(), &mut used);
    used
}

fn told(used: &InUse) -> (Vec<String>, Vec<String>) {
    let line = |one: &Declared| format!("{} {}", one.item, one.version.as_deref().unwrap_or("-"));
    let declared = used.declared.iter().map(line).collect();
    let clusters = |one: &Running| one.clusters.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let running = used.running.iter().map(|one| format!("{}: {}", line(&one.declared), clusters(one)));
    (declared, running.collect())
}

#[test]
fn each_channel_has_the_clusters_of_its_provider() {
    let used = used(
        &["eks", "gke-regular"],
        &[
            ("a", Some("eks"), Some("v1.34.6-eks-b9bdc7c")),
            ("b", None, Some("v1.34.6-eks-b9bdc7c")),
            ("c", None, Some("v1.35.2-eks-b9bdc7c")),
            ("d", None, Some("v1.35.7-gke.1222000")),
            ("e", Some("aks"), Some("v1.33.1")),
            ("f", Some("bare-metal"), Some("v1.32.0")),
            ("g", Some("aks"), None),
        ],
        true,
    );
    let (declared, running) = told(&used);
    let channels = ["aks", "eks", "gke-regular", "stable"];
    assert_eq!(declared, channels.map(|channel| format!("kubernetes {channel} 1.36")));
    assert_eq!(
        running,
        [
            "kubernetes aks v1.33.1: e",
            "kubernetes eks v1.34.6-eks-b9bdc7c: a b",
            "kubernetes eks v1.35.2-eks-b9bdc7c: c",
            "kubernetes gke-regular v1.35.7-gke.1222000: d",
            "kubernetes stable v1.32.0: f",
        ]
    );
    let minors: Vec<String> = used.minors[&Provider::Eks].iter().map(ToString::to_string).collect();
    assert_eq!(minors, ["1.34", "1.35"]);
    assert!(used.declared.iter().all(|one| one.product == KUBERNETES && one.owner == "nodes-team"));
}

#[test]
fn who_was_never_seen_has_what_the_release_says() {
    let used = used(&[], &[("a", Some("eks"), None)], true);
    assert_eq!(told(&used), (vec!["kubernetes eks 1.36".to_owned()], vec![]));
    assert_eq!(used.minors[&Provider::Eks].len(), 1);
}

#[test]
fn before_the_first_release_is_cut_what_it_says_is_declared() {
    let written = "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: { name: R1 }\nspec:\n  kubernetes: \"1.36\"\n  products: {}\n";
    let catalog = Files::default().with("releases/R1.yaml", written).catalog();
    let mut used = InUse::default();
    put(&catalog, &[], None, &mut used);
    assert_eq!((told(&used).0, used.released.len()), (vec!["kubernetes stable 1.36".to_owned()], 0));
}

#[test]
fn without_a_release_what_runs_is_told_and_without_both_nothing_is() {
    let seen = used(&["stable"], &[("a", None, Some("v1.34.6"))], false);
    assert_eq!(told(&seen), (vec![], vec!["kubernetes stable v1.34.6: a".to_owned()]));
    let nothing = used(&["stable"], &[("a", None, None)], false);
    assert_eq!(told(&nothing), (vec!["kubernetes stable -".to_owned()], vec![]));
}
