//! A driver that comes after another one: how long it takes from opening the journal's file to knowing
//! what is to be done next, in the middle of the rollout.

use std::sync::Arc;
use std::time::Instant;

use tidegate::adapter::sqlite::SqliteJournal;
use tidegate::engine::Follower;
use tidegate::journal::{Body, Event};
use tidegate::model::Actor;
use tidegate::port::{DriverLease, Journal, LeaseAnswer, NewEvent};
use tidegate::rollout::effects;
use tidegate::sim::scenario::Played;

/// Runs and prints it.
pub fn run(played: &Played, clusters: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let half = played.verdict.events / 2;
    let last = runtime.block_on(async {
        let events = played.journal.read(0, usize::try_from(half).unwrap()).await.unwrap();
        write(&path, &events).await;
        events.last().unwrap().at
    });
    let begun = Instant::now();
    let named = runtime.block_on(async {
        let journal = SqliteJournal::open(&path, last, &Actor("person:bench".to_owned())).unwrap();
        let mut follower = Follower::new(Arc::new(journal));
        follower.catch_up(|_, _| {}).await.unwrap();
        assert_eq!(follower.position(), half);
        effects(follower.state(), last).effects.len()
    });
    println!(
        "resume: {clusters} clusters, {half} events from a file, {named} things to do: {:.2} s (goal: 3 s)",
        begun.elapsed().as_secs_f64()
    );
}

/// Writes what happened into a journal of its own.
async fn write(path: &std::path::Path, events: &[Event]) {
    let first = &events[0];
    let Body::JournalCreated { journal: id } = first.body else { panic!("{first:?}") };
    let journal = SqliteJournal::open_as(path, id, first.at, &first.actor).unwrap();
    let (mut fence, mut position) = (0, 1);
    for some in events[1..].chunk_by(|_, next| !matches!(next.body, Body::DriverTookOver { .. })) {
        if let Body::DriverTookOver { new_fence, .. } = some[0].body {
            while fence < new_fence {
                fence = take(&journal, fence).await;
            }
        }
        for batch in some.chunks(1_000) {
            let new = |e: &Event| NewEvent { at: e.at, actor: e.actor.clone(), body: e.body.clone() };
            let fence = (fence > 0).then_some(fence);
            journal.append(position, fence, batch.iter().map(new).collect()).await.unwrap();
            position += batch.len() as u64;
        }
    }
}

/// The driver's lease, for one more process.
async fn take(journal: &SqliteJournal, fence: u64) -> u64 {
    let us = DriverLease {
        fence,
        process: format!("{fence}@bench"),
        host: "bench".to_owned(),
        boot: "boot".to_owned(),
        pid_namespace: "1".to_owned(),
        pid: i32::try_from(fence).unwrap(),
        start_ticks: fence,
        until: jiff::Timestamp::MAX,
    };
    match journal.lease(&us, &|_| true).await.unwrap() {
        LeaseAnswer::Granted { fence } => fence,
        LeaseAnswer::Held(holder) => panic!("{holder:?}"),
    }
}
