//! Rows of Kubernetes and of clouds' add-ons.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::diag::Place;
use crate::lcm::around::Pinned;
use crate::lcm::support::kubernetes::addons as read_addons;
use crate::lcm::version::Scheme;

const ADDONS: &[u8] = include_bytes!("../../../tests/upstream/fixtures/eks-addons.json");

fn declared(item: &Item, version: &str) -> Declared {
    Declared {
        product: "p".to_owned(),
        owner: "platform".to_owned(),
        item: item.clone(),
        version: Some(version.to_owned()),
        digest: None,
        place: Place::none(),
    }
}

fn on(item: &Item, version: &str, clusters: &[&str]) -> Running {
    let clusters = clusters.iter().map(|name| name.parse().unwrap()).collect();
    Running::new(declared(item, version), clusters)
}

/// The rows of a channel that offers these, where clusters run these.
fn kubernetes(channel: &str, release: &str, running: &[(&str, &[&str])], offered: &[&str]) -> Vec<Row> {
    pinned(channel, release, running, offered, Vec::new())
}

/// The same where pins hold.
fn pinned(
    channel: &str,
    release: &str,
    running: &[(&str, &[&str])],
    offered: &[&str],
    pinned: Vec<Pinned>,
) -> Vec<Row> {
    let item = Item::Kubernetes(channel.to_owned());
    let used = InUse {
        declared: vec![declared(&item, release)],
        released: vec![declared(&item, release)],
        running: running.iter().map(|(version, clusters)| on(&item, version, clusters)).collect(),
        pinned,
        ..InUse::default()
    };
    let answer = Answer::of(Arc::new(offered.iter().collect()));
    rows(&used, &Answers::from([(item, Ok(answer))]), &|_, _| Policy::of(Scheme::Kubernetes))
}

fn minors(rows: &[Row]) -> Vec<String> {
    rows.iter().filter_map(|row| row.minor).map(|minor| minor.to_string()).collect()
}

#[test]
fn each_minor_that_runs_has_a_row_with_its_clusters() {
    let offered = ["1.33", "1.34", "1.35", "v1.33.12", "v1.34.9", "v1.35.4"];
    let running: &[(&str, &[&str])] =
        &[("v1.33.9", &["a"]), ("v1.34.6", &["b", "c"]), ("v1.34.9", &["d"]), ("v1.35.4", &["e"])];
    let rows = kubernetes("stable", "1.35", running, &offered);
    assert_eq!(minors(&rows), ["1.33", "1.34", "1.35"]);
    let of = |row: &Row| (row.judged.clone().unwrap(), row.newest.clone().unwrap(), row.steps);
    assert_eq!(of(&rows[0]), ("v1.33.9".to_owned(), "1.35.4".to_owned(), Some(2)));
    assert_eq!(rows[0].stops, ["1.34.9", "1.35.4"]);
    assert_eq!(rows[0].levels[&Level::Patch], "1.33.12");
    assert_eq!(rows[1].running.len(), 2);
    assert_eq!(rows[1].judged.as_deref(), Some("v1.34.6"));
    assert_eq!(rows[1].statuses, [Status::Behind(Level::Minor), Status::Skewed]);
    assert_eq!(rows[2].statuses, [Status::Same], "what the release says runs");
}

#[test]
fn a_pin_explains_a_minor_on_the_clusters_that_it_holds() {
    let offered = ["1.34", "1.35", "v1.34.9", "v1.35.4"];
    let running: &[(&str, &[&str])] = &[("v1.34.9", &["b", "c"]), ("v1.35.4", &["e"])];
    let pin = |clusters: &[&str]| Pinned {
        product: "p".to_owned(),
        owner: "nodes".to_owned(),
        until: "2027-01-01".to_owned(),
        clusters: clusters.iter().map(|name| name.parse().unwrap()).collect(),
    };
    let told = |clusters: &[&str]| {
        let rows = pinned("stable", "1.35", running, &offered, vec![pin(clusters)]);
        let words = |row: &Row| row.statuses.iter().map(Status::word).collect::<Vec<_>>().join(" ");
        rows.iter().map(words).collect::<Vec<_>>()
    };
    assert_eq!(told(&["b", "c"]), ["minor pinned", "same"]);
    assert_eq!(told(&["b"]), ["minor skewed pinned", "same"], "c runs it without one");
    assert_eq!(told(&[]), ["minor skewed", "same"]);
}

#[test]
fn a_policy_ends_the_way_too() {
    let item = Item::Kubernetes("eks".to_owned());
    let used = InUse { running: vec![on(&item, "v1.33.2-eks-b9bdc7c", &["a"])], ..InUse::default() };
    let answer = Answer::of(Arc::new(["1.33", "1.34", "1.35", "1.36"].into_iter().collect()));
    let policy = Policy { range: Some("<1.36".to_owned()), ..Policy::of(Scheme::Kubernetes) };
    let rows = rows(&used, &Answers::from([(item, Ok(answer))]), &|_, _| policy.clone());
    assert_eq!((rows[0].newest.as_deref(), rows[0].stops.len()), (Some("1.35"), 2));
}

#[test]
fn a_provider_that_patches_by_itself_is_compared_by_minors() {
    let rows =
        kubernetes("eks", "1.34", &[("v1.34.2-eks-b9bdc7c", &["a"])], &["1.34", "1.34.9", "1.35", "1.35.6"]);
    assert_eq!((rows[0].newest.as_deref(), rows[0].steps), (Some("1.35"), Some(1)));
    assert_eq!(rows[0].stops, ["1.35"]);
    let newest = kubernetes("eks", "1.35", &[("v1.35.2-eks-b9bdc7c", &["a"])], &["1.34", "1.35", "1.35.6"]);
    assert_eq!(newest[0].statuses, [Status::Same]);
}

#[test]
fn a_minor_that_nobody_offers_any_more_is_told_and_a_gap_on_the_way_too() {
    let rows =
        kubernetes("eks", "1.36", &[("v1.31.2-eks-b9bdc7c", &["a"])], &["1.33", "1.34", "1.35", "1.36"]);
    let statuses = [Status::Missing, Status::Behind(Level::Minor), Status::Skewed];
    assert_eq!(rows[0].statuses, statuses);
    assert_eq!((rows[0].steps, rows[0].stops.len()), (Some(5), 0));
    assert_eq!(rows[0].notes, ["there is no way to 1.36 by single minors: EKS lacks 1.32"]);
}

#[test]
fn where_no_cluster_was_seen_the_release_is_judged() {
    let rows = kubernetes("gke", "1.34", &[], &["1.34", "1.35", "1.34.9-gke.1655001", "1.35.7-gke.1222000"]);
    assert_eq!((minors(&rows), rows[0].newest.as_deref()), (vec!["1.34".to_owned()], Some("1.35")));
    let odd = kubernetes("gke", "1.34", &[("weird", &["a"])], &["1.34"]);
    assert!(matches!(odd[0].status(), Status::Unknown { .. }) && odd[0].minor.is_none(), "{odd:?}");
}

/// The row of vpc-cni in a version, where these minors are in use.
fn addon(version: &str, minors: &[&str]) -> Row {
    let item = Item::Addon { provider: Provider::Eks, name: "vpc-cni".to_owned() };
    let told = read_addons(Provider::Eks, ADDONS).unwrap();
    let addon = told.get("vpc-cni").unwrap();
    let tags = addon.versions.iter().map(|one| one.version.as_str()).collect();
    let answer = Answer { addon: addon.versions.clone(), ..Answer::of(Arc::new(tags)) };
    let minors: BTreeSet<KubeMinor> = minors.iter().map(|minor| minor.parse().unwrap()).collect();
    let used = InUse {
        declared: vec![declared(&item, version)],
        minors: BTreeMap::from([(Provider::Eks, minors)]),
        ..InUse::default()
    };
    let mut rows = rows(&used, &Answers::from([(item, Ok(answer))]), &|_, _| Policy::of(Scheme::EksAddon));
    rows.remove(0)
}

#[test]
fn the_newest_of_an_add_on_goes_with_all_that_clusters_have() {
    let row = addon("v1.20.4-eksbuild.2", &["1.33", "1.34"]);
    assert_eq!(
        (row.newest.as_deref(), row.status()),
        (Some("v1.21.1-eksbuild.3"), &Status::Behind(Level::Minor))
    );
    let row = addon("v1.20.4-eksbuild.2", &["1.34"]);
    assert_eq!((row.newest.as_deref(), row.steps), (Some("v1.21.1-eksbuild.10"), Some(1)));
    let told: Vec<(String, bool, bool, Option<&str>)> = row
        .fits
        .iter()
        .map(|fit| (fit.minor.to_string(), fit.in_use, fit.fits, fit.newest.as_deref()))
        .collect();
    let newest = Some("v1.21.1-eksbuild.10");
    assert_eq!(told, [("1.34".to_owned(), true, true, newest), ("1.35".to_owned(), false, false, newest)]);
    assert_eq!(
        row.notes,
        ["v1.20.4-eksbuild.2 does not go with Kubernetes 1.35: raise it to v1.21.1-eksbuild.10 before that"]
    );
}

#[test]
fn an_add_on_that_does_not_go_with_a_cluster_is_told() {
    let row = addon("v1.20.4-eksbuild.2", &["1.34", "1.36"]);
    let refused = Status::Incompatible {
        version: "v1.20.4-eksbuild.2".to_owned(),
        kubernetes: vec!["1.36".to_owned()],
    };
    assert_eq!(row.statuses, [refused, Status::Behind(Level::Minor)]);
    // Nothing goes with both.
    let apart = addon("v1.20.4-eksbuild.2", &["1.33", "1.36"]);
    assert_eq!(apart.newest, None);
    assert!(matches!(apart.statuses.as_slice(), [Status::Incompatible { .. }]), "{apart:?}");
    assert_eq!(addon("v1.21.1-eksbuild.10", &["1.36"]).statuses, [Status::Same]);
    let gone = addon("v1.1.0-eksbuild.1", &["1.36"]);
    assert_eq!(gone.statuses, [Status::Missing, Status::Behind(Level::Minor)]);
}
