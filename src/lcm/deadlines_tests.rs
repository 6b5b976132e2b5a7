//! By when rows of Kubernetes must be on their way.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::lcm::policy::Policy;
use crate::lcm::projects::Projects;
use crate::lcm::row::{Answers, InUse, Running, rows};
use crate::lcm::support::kubernetes::offered;
use crate::lcm::upstream::{Answer, Tags};
use crate::lcm::version::{Level, Scheme};

const EKS: &[u8] = include_bytes!("../../tests/upstream/fixtures/eks.json");

/// The rows of clusters with these versions of EKS on a day of 2026, the release being 1.34.
fn told(running: &[&str], now: &str) -> Vec<Row> {
    let item = Item::Kubernetes("eks".to_owned());
    let declared = |version: &str| crate::lcm::declared::Declared {
        product: "kubernetes".to_owned(),
        owner: "platform".to_owned(),
        item: item.clone(),
        version: Some(version.to_owned()),
        digest: None,
        place: crate::diag::Place::none(),
    };
    let named = |number: usize| format!("c{number}").parse().unwrap();
    let running = running.iter().enumerate();
    let running =
        running.map(|(number, version)| Running::new(declared(version), BTreeSet::from([named(number)])));
    let used = InUse { declared: vec![declared("1.34")], running: running.collect(), ..InUse::default() };
    let tags: Tags = ["1.33", "1.34", "1.35", "1.36", "1.34.9"].into_iter().collect();
    let answers = Answers::from([(item, Ok(Answer::of(Arc::new(tags))))]);
    let policy = |_: &str, _: &Item| Policy::of(Scheme::Kubernetes);
    let mut rows = rows(&used, &answers, &policy);
    let eks = Arc::new(offered(Provider::Eks, EKS).unwrap());
    let material = Material { offered: BTreeMap::from([(Provider::Eks, eks)]), ..Material::default() };
    let now: jiff::Timestamp = now.parse().unwrap();
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    material.complete(&mut rows, &answers, &Projects::default(), &policy, today);
    put(&mut rows, &material, &Course::default(), now);
    rows
}

#[test]
fn each_minor_has_its_own_end_and_one_hop_out_of_it_is_enough() {
    let rows =
        told(&["v1.34.6-eks-b9bdc7c", "v1.36.1-eks-b9bdc7c", "v1.34.9-eks-b9bdc7c"], "2026-11-22T12:00:00Z");
    let minors: Vec<String> = rows.iter().map(|row| row.minor.unwrap().to_string()).collect();
    assert_eq!(minors, ["1.34", "1.36"]);
    let deadline = rows[0].deadline.as_ref().unwrap();
    assert_eq!(
        deadline.words(),
        "to upgrade before EKS 1.34 leaves standard support on 2026-12-02 the first wave must start by \
         2026-12-01, in 9 days (about 1 day)"
    );
    assert_eq!(deadline.to, "1.35");
    assert_eq!(rows[0].stops, ["1.35", "1.36"]);
    let words = "the first wave must start by 2026-12-01, in 9 days".to_owned();
    assert_eq!(rows[0].statuses, [Status::Ending { days: 9, words }, Status::Behind(Level::Minor)]);
    assert_eq!(rows[0].running.iter().map(|(_, clusters)| clusters.len()).sum::<usize>(), 2);
    // The newest has nowhere to go.
    assert_eq!(
        (&rows[1].deadline, rows[1].statuses.as_slice()),
        (&None, &[Status::Skewed, Status::Same][..]).clone()
    );
}

#[test]
fn what_is_past_standard_support_counts_down_to_the_end_of_the_extended_one() {
    let rows = told(&["v1.33.9-eks-b9bdc7c"], "2026-12-04T12:00:00Z");
    let deadline = rows[0].deadline.as_ref().unwrap();
    assert!(
        deadline.words().contains("EKS 1.33 leaves extended support on 2027-07-29"),
        "{}",
        deadline.words()
    );
    assert_eq!(deadline.to, "1.34", "its extended support ends a year later");
    assert!(
        rows[0].notes.contains(&"standard support ended on 2026-07-29".to_owned()),
        "{:?}",
        rows[0].notes
    );
    assert!(
        !rows[0].statuses.iter().any(|status| matches!(status, Status::Ending { .. })),
        "{:?}",
        rows[0].statuses
    );
}

#[test]
fn who_is_too_late_is_told_so_and_an_end_that_is_past_is_no_countdown() {
    let rows = told(&["v1.34.6-eks-b9bdc7c"], "2026-12-02T12:00:00Z");
    assert_eq!(
        rows[0].statuses[0],
        Status::Ending { days: -1, words: "the first wave is 1 day late".to_owned() }
    );
    let over = told(&["v1.33.6-eks-b9bdc7c"], "2027-08-01T12:00:00Z");
    assert!(matches!(over[0].status(), Status::Ended { .. }) && over[0].deadline.is_none());
    assert!(over[0].notes.iter().any(|note| note.contains("`eks.json` is")), "{:?}", over[0].notes);
}
