//! Clusters that stand at every place of a line of releases.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::journal::Body;
use crate::report::sample::Story;
use crate::report::sample_fleet::{Files, members, sees};

const PIN: &str = "apiVersion: tidegate.dev/v1\nkind: Pin\nmetadata: { name: PIN-1 }\nspec:\n  product: app\n  version: 1.0.0\n  \
    commit: cccccccccccccccccccccccccccccccccccccccc\n  digest: sha256:0000000000000000000000000000000000000000000000000000000000000000\n  \
    clusters: [pinned]\n  owner: web\n  reason: later\n  expires: 2999-01-01\n";

/// R40 to R43; R41.1 mends R41 and is contained in none of the others.
fn line() -> Files {
    let base = |version: &'static str| ("base", version);
    Files::default()
        .release("R40", "", &[base("1.0.0"), ("app", "1.0.0")])
        .release("R41", "  parent: R40\n", &[base("1.0.0"), ("app", "1.1.0")])
        .release("R41.1", "  parent: R41\n  lane: hotfix\n", &[base("1.0.1"), ("app", "1.1.0")])
        .release("R42", "  parent: R41\n", &[base("1.0.0"), ("app", "1.2.0")])
        .release("R43", "  parent: R42\n", &[base("1.0.0"), ("app", "1.2.0"), ("guard", "1.0.0")])
        .with("pipelines/pins/PIN-1.yaml", PIN)
}

const CLUSTERS: &[&str] =
    &["newest", "without-guard", "old", "mended", "pinned", "ahead", "orphan", "half", "never"];

fn stands() -> BTreeMap<String, Standing> {
    let fleet: Vec<(&str, &str)> = CLUSTERS.iter().map(|name| (*name, "env: prod")).collect();
    let catalog = line().fleet(&fleet).catalog();
    let mut story = Story::begin();
    let base = ("base", "1.0.0", "R40");
    let guard = ("guard", "1.0.0", "R43");
    let app = |version: &'static str, release: &'static str| ("app", version, release);
    sees(&mut story, "newest", &[base, app("1.2.0", "R42"), guard]);
    sees(&mut story, "without-guard", &[base, app("1.2.0", "R42")]);
    sees(&mut story, "old", &[base, app("1.0.0", "R40")]);
    sees(&mut story, "mended", &[("base", "1.0.1", "R41.1"), app("1.1.0", "R41")]);
    sees(&mut story, "pinned", &[base, app("1.0.0", "R42"), guard]);
    sees(&mut story, "ahead", &[base, app("2.0.0", "X1"), guard]);
    sees(&mut story, "orphan", &[base, app("1.2.0", "R42"), guard, ("gone", "0.9.0", "R39")]);
    sees(&mut story, "half", &[base, guard]);
    story.push(
        None,
        Body::ClusterHold {
            cluster: "old".parse().unwrap(),
            product: None,
            version: None,
            commit: None,
            digest: None,
            reason: "demo".into(),
            until: None,
        },
    );
    let standings = Standings::of(&catalog, Some(&story.state), story.now);
    assert_eq!(standings.newest().unwrap().as_str(), "R43");
    members(&catalog).values().map(|entry| (entry.name.value.to_string(), standings.cluster(entry))).collect()
}

fn place(standing: &Standing) -> (Option<&str>, Option<u32>) {
    (standing.release.as_ref().map(ReleaseId::as_str), standing.behind)
}

#[test]
fn a_cluster_is_as_far_behind_as_its_oldest_product() {
    let all = stands();
    assert_eq!(place(&all["newest"]), (Some("R43"), Some(0)));
    assert_eq!(place(&all["without-guard"]), (Some("R42"), Some(1)), "what R43 brought is not there");
    assert_eq!(place(&all["old"]), (Some("R40"), Some(3)));
    assert_eq!(place(&all["half"]), (Some("R43"), Some(0)), "no release lacks the app: it is missing");
    assert_eq!(place(&all["never"]), (None, None));
    assert!(all["never"].products.is_empty(), "of what was never seen nothing is told");
}

#[test]
fn a_hotfix_is_as_far_behind_as_what_it_mends_and_is_named() {
    let all = stands();
    assert_eq!(place(&all["mended"]), (Some("R41.1"), Some(2)));
}

#[test]
fn pins_are_told_and_do_not_count_as_behind() {
    let all = stands();
    let pinned = &all["pinned"];
    assert_eq!(place(pinned), (Some("R43"), Some(0)));
    assert_eq!(pinned.pins[0].pin.as_str(), "PIN-1");
    assert_eq!(pinned.products[&"app".parse::<ProductName>().unwrap()].marks, [Mark::Pinned, Mark::Behind]);
}

#[test]
fn every_product_says_what_is_worth_saying() {
    let all = stands();
    let marks = |cluster: &str, product: &str| {
        all[cluster].products[&product.parse::<ProductName>().unwrap()].marks.clone()
    };
    assert_eq!(marks("newest", "app"), []);
    assert_eq!(marks("without-guard", "guard"), [Mark::Behind]);
    assert_eq!(marks("ahead", "app"), [Mark::Ahead]);
    assert_eq!(marks("orphan", "gone"), [Mark::Orphaned]);
    assert_eq!(marks("half", "app"), [Mark::Missing]);
    assert_eq!(marks("old", "app"), [Mark::Behind]);
    assert_eq!(all["old"].holds.len(), 1);
}
