//! Commits of the journal: one event each, durable when it returns, beside the floor of the same disk:
//! as many appends to a plain file, each followed by fdatasync.

use std::io::Write;
use std::time::{Duration, Instant};

use tidegate::adapter::sqlite::SqliteJournal;
use tidegate::journal::Body;
use tidegate::model::Actor;
use tidegate::port::{Journal, NewEvent};

const COMMITS: u32 = 500;

/// Runs and prints it.
pub async fn run() {
    let folder = tempfile::tempdir().unwrap();
    let floor = floor(folder.path());
    let now = jiff::Timestamp::now();
    let actor = Actor("person:bench".to_owned());
    let journal = SqliteJournal::open(folder.path().join("journal.db"), now, &actor).unwrap();
    let begun = Instant::now();
    for n in 0..COMMITS {
        let (position, _) = journal.head().await.unwrap();
        let body = Body::ClusterUnreachable {
            cluster: format!("cluster-{n}").parse().unwrap(),
            cause: "no answer within 30 s".to_owned(),
        };
        journal.append(position, None, vec![NewEvent { at: now, actor: actor.clone(), body }]).await.unwrap();
    }
    let took = begun.elapsed();
    println!(
        "journal: {COMMITS} commits in {:.2} s, {:.0} a second; a plain file with fdatasync {:.0} a second ({:.1} times)",
        took.as_secs_f64(),
        f64::from(COMMITS) / took.as_secs_f64(),
        f64::from(COMMITS) / floor.as_secs_f64(),
        took.as_secs_f64() / floor.as_secs_f64(),
    );
}

fn floor(folder: &std::path::Path) -> Duration {
    let mut file = std::fs::File::create(folder.join("plain")).unwrap();
    let line = [b'x'; 600];
    let begun = Instant::now();
    for _ in 0..COMMITS {
        file.write_all(&line).unwrap();
        file.sync_data().unwrap();
    }
    begun.elapsed()
}
