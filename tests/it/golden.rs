//! A journal that the first build of the spine wrote is read, told and continued by this one: the same
//! bytes, the same digests, and a rollout whose driver was killed in the middle comes to its end.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use tidegate::adapter::sqlite::SqliteJournal;
use tidegate::journal::{self, Body, Entry, Event};
use tidegate::model::{Actor, RolloutId};
use tidegate::plan::{self, Plan};
use tidegate::port::{DriverLease, Journal, LeaseAnswer, NewEvent};
use tidegate::rollout::RolloutState;

use crate::lab::Lab;
use crate::scripted::world::{Calm, World};

/// How many events the spine's journal has.
const EVENTS: usize = 198;

/// A laboratory whose journal is a copy of the golden one.
fn lab() -> Lab {
    let lab = Lab::new();
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/spine.db");
    std::fs::copy(golden, path(&lab)).unwrap();
    lab
}

fn path(lab: &Lab) -> PathBuf {
    lab.around().join("journal.db")
}

fn open(path: &Path) -> SqliteJournal {
    SqliteJournal::open(path, jiff::Timestamp::now(), &Actor("person:test".to_owned())).unwrap()
}

async fn entries(journal: &SqliteJournal) -> Vec<Entry> {
    journal.entries(0, 10_000).await.unwrap()
}

fn plans(events: &[Event]) -> Vec<&Plan> {
    let planned = |event| match event {
        &Event { body: Body::RolloutPlanned { ref plan, .. }, .. } => Some(&**plan),
        _ => None,
    };
    events.iter().filter_map(planned).collect()
}

#[test]
fn a_journal_of_the_first_build_is_told_by_every_command_that_only_looks() {
    let lab = lab();
    let verified = lab.tidegate("journal verify -o json").ok().json();
    assert_eq!(verified["data"]["events"], EVENTS, "{verified:#}");

    let events = lab.events();
    assert_eq!(events.len(), EVENTS);
    let positions: Vec<u64> = events.iter().map(|e| e["seq"].as_u64().unwrap()).collect();
    assert!(positions.iter().copied().eq(1..=EVENTS as u64), "{positions:?}");

    let done = lab.tidegate("rollout status R41 -o json").ok().json();
    assert_eq!(done["data"]["state"], "succeeded", "{done:#}");
    let open = lab.tidegate("rollout status -o json").ok().json();
    assert_eq!(open["data"]["rollout"], "R42-1", "{open:#}");
    assert_eq!(open["data"]["state"], "running", "{open:#}");
    assert_eq!(open["data"]["wave"], "prod", "{open:#}");
    let words = |wave: &serde_json::Value| wave["state"].as_str().unwrap().to_owned();
    let waves: Vec<String> = open["data"]["waves"].as_array().unwrap().iter().map(words).collect();
    assert_eq!(waves, ["done", "rolling"], "{open:#}");

    let why = lab.tidegate("rollout why R42 -o json").ok().json();
    let text = why.to_string();
    assert!(text.contains("tidegate rollout run"), "{why:#}");
    lab.tidegate("rollout list").ok();
    lab.tidegate("rollout why R42").ok();
    lab.tidegate("rollout status R42").ok();

    let again = lab.tidegate("journal verify -o json").ok().json();
    assert_eq!(again["data"], verified["data"], "who only looked has written");
}

#[tokio::test]
async fn every_entry_of_the_first_build_is_written_by_this_one_byte_for_byte() {
    let lab = lab();
    let entries = entries(&open(&path(&lab))).await;
    assert_eq!(entries.len(), EVENTS);
    for entry in &entries {
        let event = journal::decode(entry).unwrap();
        let again = journal::encode(&event).unwrap();
        assert_eq!(again.seq, entry.seq);
        if again.text != entry.text {
            let same = again.text.bytes().zip(entry.text.bytes()).take_while(|(a, b)| a == b).count();
            let near = |text: &str| text.chars().skip(same.saturating_sub(80)).take(200).collect::<String>();
            panic!("event {}:\n{}\nwas:\n{}", entry.seq, near(&again.text), near(&entry.text));
        }
    }
}

#[tokio::test]
async fn the_digests_of_plans_of_the_first_build_have_not_moved() {
    let lab = lab();
    let events = open(&path(&lab)).read(0, 10_000).await.unwrap();
    let plans = plans(&events);
    assert_eq!(plans.len(), 2);
    for old in plans {
        let release = &old.release;
        for wave in &old.waves {
            let now = plan::digest::wave(release.digest, release.lane, wave, &old.products).unwrap();
            assert_eq!(now, wave.digest, "wave {} of {}", wave.name, release.id);
        }
        let now = plan::digest::plan(old.waves.iter().map(|wave| &wave.digest)).unwrap();
        assert_eq!(now, old.digest, "the plan of {}", release.id);
        plan::verify(old).unwrap();
    }
}

#[tokio::test]
async fn a_rollout_whose_driver_was_killed_under_the_first_build_is_brought_to_its_end() {
    let lab = lab();
    let rollout: RolloutId = "R42-1".parse().unwrap();
    let file = path(&lab);
    let journal = open(&file);
    let before = journal.read(0, 10_000).await.unwrap();

    let mut world = World::over(&before, Calm);
    world.take_over();
    assert!(world.settle(500), "it does not come to rest");
    assert_eq!(world.refused, None);
    assert_eq!(world.unsafe_repeats, Vec::<String>::new());
    assert_eq!(*world.state.rollout(&rollout).unwrap().state(), RolloutState::Succeeded);
    let mut more = world.events.split_off(before.len());
    more.push(Event { body: Body::DriverReleased {}, ..more.last().unwrap().clone() });

    // The lease is still the dead process's; whoever takes it over gets the next fence.
    let holder = journal.driver().await.unwrap().unwrap();
    let us =
        DriverLease { process: "1@golden".to_owned(), host: "golden".to_owned(), pid: 1, ..holder.clone() };
    assert_eq!(journal.lease(&us, &|_| false).await.unwrap(), LeaseAnswer::Held(holder.clone()));
    let fence = holder.fence + 1;
    assert_eq!(journal.lease(&us, &|_| true).await.unwrap(), LeaseAnswer::Granted { fence });
    let new = more.into_iter().map(|event| NewEvent { at: event.at, actor: event.actor, body: event.body });
    let written = journal.append(EVENTS as u64, Some(fence), new.collect()).await.unwrap();
    journal.release(fence).await.unwrap();

    let whole = journal::verify(journal.id(), entries(&journal).await).unwrap();
    assert_eq!(whole.events, EVENTS as u64 + written.len() as u64);
    drop(journal);
    lab.tidegate("journal verify").ok();
    let status = lab.tidegate("rollout status R42 -o json").ok().json();
    assert_eq!(status["data"]["state"], "succeeded", "{status:#}");
    lab.tidegate("rollout events R42").ok();
}
