//! The course by files and a journal.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::report::sample::Story;
use crate::report::sample_fleet::{Files, members};

const PIPELINE: &str = "apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: { name: main }
spec:
  unassigned: exclude
  waves:
    - { name: staging, selector: { env: staging } }
    - { name: empty, selector: { env: dev }, soak: { for: 9d } }
    - { name: prod, selector: { env: prod }, atOnce: 2, soak: { for: 2h } }
";

fn files() -> Files {
    Files::default().with("pipelines/main.yaml", PIPELINE).fleet(&[
        ("a", "env: staging"),
        ("b", "env: prod"),
        ("c", "env: prod"),
        ("d", "env: prod"),
        ("e", "env: other"),
    ])
}

#[test]
fn waves_with_clusters_count_with_their_soaks_and_a_day_of_work_is_assumed() {
    let catalog = files().catalog();
    let course = of(&catalog, &members(&catalog), None);
    let told: Vec<(&str, usize, u64, u64)> = course
        .waves
        .iter()
        .map(|wave| (wave.name.as_str(), wave.clusters.len(), wave.work.as_seconds(), wave.soak.as_seconds()))
        .collect();
    assert_eq!(told, [("staging", 1, 86_400, 0), ("prod", 3, 86_400, 7_200)]);
    assert_eq!(course.basis, "2 waves of `main` with 2 h of soak, a day of work in each is assumed");
}

#[test]
fn past_work_is_better_than_an_assumption() {
    let catalog = files().catalog();
    let mut story = Story::begin();
    story.drive(24);
    let course = of(&catalog, &members(&catalog), Some(&story.state));
    // Ten seconds for a cluster; three of them two at a time.
    let work: Vec<u64> = course.waves.iter().map(|wave| wave.work.as_seconds()).collect();
    assert_eq!(work, [10, 20]);
    assert_eq!(course.basis, "2 waves of `main` with 2 h of soak, work as long as in 1 past run");
}

#[test]
fn without_a_pipeline_or_a_fleet_a_day_is_assumed_and_told() {
    let nothing = Files::default().catalog();
    let course = of(&nothing, &BTreeMap::new(), None);
    assert_eq!(course.basis, "no pipeline says its waves: a day for each minor is assumed");
    let alone = Files::default().with("pipelines/main.yaml", PIPELINE).catalog();
    let course = of(&alone, &BTreeMap::new(), None);
    assert_eq!(course.basis, "no wave of `main` has a cluster: a day for each minor is assumed");
}
