//! The journal over real files: what two writers, a full disk, a foreign file and a crash do.

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;
use crate::journal::{self, Body, ChainFault, FailureClass};

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn ann() -> Actor {
    Actor("person:ann".to_owned())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("state").join("journal.db")
}

fn open(path: &Path) -> SqliteJournal {
    SqliteJournal::open(path, at(0), &ann()).unwrap()
}

fn seen(cluster: &str) -> NewEvent {
    let body = Body::ClusterUnreachable { cluster: cluster.parse().unwrap(), cause: "no route".to_owned() };
    NewEvent { at: at(1), actor: ann(), body }
}

fn started() -> NewEvent {
    let body = Body::RolloutStarted { rollout: "R1-1".parse().unwrap() };
    NewEvent { at: at(1), actor: Actor::engine(), body }
}

fn process(name: &str) -> DriverLease {
    DriverLease {
        fence: 0,
        process: name.to_owned(),
        host: "here".to_owned(),
        boot: "boot".to_owned(),
        pid_namespace: "host".to_owned(),
        pid: 7,
        start_ticks: 70,
        until: at(30),
    }
}

#[tokio::test]
async fn a_new_journal_has_its_folders_mode_and_first_event() {
    let folder = folder();
    let path = file(&folder);
    let journal = open(&path);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let wal = path.with_extension("db-wal");
    assert_eq!(std::fs::metadata(wal).unwrap().permissions().mode() & 0o777, 0o600);
    let events = journal.read(0, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].body, Body::JournalCreated { journal: journal.id() });
    assert_eq!(events[0].prev, journal::origin(journal.id()));
}

#[tokio::test]
async fn what_was_appended_is_there_when_the_journal_is_opened_again() {
    let folder = folder();
    let path = file(&folder);
    let (id, written) = {
        let journal = open(&path);
        (journal.id(), journal.append(1, None, vec![seen("a"), seen("b")]).await.unwrap())
    };
    let journal = open(&path);
    assert_eq!(journal.id(), id);
    assert_eq!(journal.read(1, 10).await.unwrap(), written);
    assert_eq!(journal.head().await.unwrap(), (3, written[1].hash));
    let entries = journal.entries(0, 10).await.unwrap();
    assert_eq!(journal::verify(id, entries).unwrap().events, 3);
}

#[tokio::test]
async fn an_append_at_another_position_than_the_last_is_refused_whole() {
    let folder = folder();
    let journal = open(&file(&folder));
    journal.append(1, None, vec![seen("a")]).await.unwrap();
    let refused = journal.append(1, None, vec![seen("b"), seen("c")]).await.unwrap_err();
    assert!(matches!(refused, AppendError::Moved { expected: 1, found: 2 }), "{refused}");
    assert_eq!(journal.head().await.unwrap().0, 2);
}

#[test]
fn of_many_writers_exactly_one_wins_each_position() {
    let folder = folder();
    let path = file(&folder);
    let id = open(&path).id();
    let threads: Vec<_> = (0..4)
        .map(|writer| {
            let path = path.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let journal = open(&path);
                    let (mut won, mut position) = (Vec::new(), 1);
                    while won.len() < 15 {
                        match journal.append(position, None, vec![seen(&format!("w{writer}"))]).await {
                            Ok(events) => won.push(events[0].seq),
                            Err(AppendError::Moved { found, .. }) => {
                                position = found;
                                continue;
                            }
                            Err(other) => panic!("{other}"),
                        }
                        position = *won.last().unwrap();
                    }
                    won
                })
            })
        })
        .collect();
    let mut won: Vec<u64> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
    won.sort_unstable();
    assert_eq!(won, (2..62).collect::<Vec<u64>>(), "each position was won once");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let entries = runtime.block_on(open(&path).entries(0, 100)).unwrap();
    assert_eq!(journal::verify(id, entries).unwrap().events, 61);
}

#[tokio::test]
async fn the_drivers_events_need_the_drivers_fence() {
    let folder = folder();
    let journal = open(&file(&folder));
    let refused = journal.append(1, None, vec![started()]).await.unwrap_err();
    assert!(refused.to_string().contains("needs a fence"), "{refused}");
    let granted = journal.lease(&process("1@here"), &|_| false).await.unwrap();
    assert_eq!(granted, LeaseAnswer::Granted { fence: 1 });
    let written = journal.append(1, Some(1), vec![started()]).await.unwrap();
    assert_eq!(written[0].fence, Some(1));
    let granted = journal.lease(&process("2@here"), &|_| true).await.unwrap();
    assert_eq!(granted, LeaseAnswer::Granted { fence: 2 });
    let refused = journal.append(2, Some(1), vec![started()]).await.unwrap_err();
    assert!(matches!(refused, AppendError::Fenced { ours: 1, current: 2 }), "{refused}");
    assert_eq!(journal.head().await.unwrap().0, 2);
}

#[tokio::test]
async fn the_fence_rises_with_each_takeover_and_stays_with_a_renewal() {
    let folder = folder();
    let journal = open(&file(&folder));
    let one = process("1@here");
    assert_eq!(journal.lease(&one, &|_| false).await.unwrap(), LeaseAnswer::Granted { fence: 1 });
    assert_eq!(journal.lease(&one, &|_| false).await.unwrap(), LeaseAnswer::Granted { fence: 1 });
    let held = journal.lease(&process("2@here"), &|_| false).await.unwrap();
    assert!(matches!(held, LeaseAnswer::Held(holder) if holder.process == "1@here" && holder.fence == 1));
    journal.release(1).await.unwrap();
    assert_eq!(journal.driver().await.unwrap(), None);
    let refused = journal.append(1, Some(1), vec![started()]).await.unwrap_err();
    assert!(refused.to_string().contains("gave fence 1 back"), "{refused}");
    // The same process again is a takeover all the same: what it had begun may be anything by now.
    assert_eq!(journal.lease(&one, &|_| false).await.unwrap(), LeaseAnswer::Granted { fence: 2 });
    journal.release(1).await.unwrap();
    assert!(journal.driver().await.unwrap().is_some(), "an old fence gives nothing back");
}

#[tokio::test]
async fn a_reader_is_woken_by_its_own_process_and_by_another_connection() {
    let folder = folder();
    let path = file(&folder);
    let (here, there) = (open(&path), open(&path));
    let long = StdDuration::from_secs(60);
    let (woken, written) = tokio::join!(here.wait(1, long), there.append(1, None, vec![seen("a")]));
    woken.unwrap();
    written.unwrap();
    let (woken, written) = tokio::join!(here.wait(2, long), here.append(2, None, vec![seen("b")]));
    woken.unwrap();
    written.unwrap();
    here.wait(3, StdDuration::from_millis(1)).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_an_append_whole_and_takes_it_later() {
    let folder = folder();
    let path = file(&folder);
    let journal = open(&path);
    let limit = |pages: &'static str| {
        journal.on(&journal.writer, move |c, _| {
            c.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        })
    };
    limit("1").await.unwrap();
    let many: Vec<NewEvent> = (0..400).map(|n| seen(&format!("c{n}"))).collect();
    let refused = journal.append(1, None, many.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("no space left"), "{refused}");
    assert!(matches!(refused, AppendError::Fault(f) if f.class == FailureClass::Transient));
    assert_eq!(journal.head().await.unwrap().0, 1, "nothing was written by halves");
    limit("1000000").await.unwrap();
    assert_eq!(journal.append(1, None, many).await.unwrap().len(), 400);
}

#[test]
fn a_file_that_is_no_journal_is_left_alone() {
    let folder = folder();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "these are notes of somebody, and certainly no database at all".repeat(40))
        .unwrap();
    let refused = SqliteJournal::open(&text, at(0), &ann()).unwrap_err().to_string();
    assert!(refused.contains("no SQLite database"), "{refused}");
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let refused = SqliteJournal::open(&other, at(0), &ann()).unwrap_err().to_string();
    assert!(refused.contains("another program's"), "{refused}");
    let refused = SqliteJournal::open(folder.path(), at(0), &ann()).unwrap_err().to_string();
    assert!(refused.contains("it is a folder"), "{refused}");
}

#[test]
fn a_journal_without_any_event_is_refused_and_not_taken_for_an_empty_one() {
    let folder = folder();
    let path = file(&folder);
    drop(open(&path));
    Connection::open(&path).unwrap().execute("DELETE FROM events", []).unwrap();
    let refused = SqliteJournal::open(path.clone(), at(0), &ann()).unwrap_err().to_string();
    assert!(refused.contains("it has lost all its events"), "{refused}");
}

#[tokio::test]
async fn an_event_of_a_newer_tidegate_is_refused_with_words() {
    for (from, to, words) in [
        ("\"schema\":1", "\"schema\":99", "install the newer version"),
        ("journal.created", "journal.exploded", "unknown variant `journal.exploded`"),
    ] {
        let folder = folder();
        let path = file(&folder);
        drop(open(&path));
        let connection = Connection::open(&path).unwrap();
        connection.execute("UPDATE events SET text = replace(text, ?1, ?2)", (from, to)).unwrap();
        drop(connection);
        let refused = open(&path).read(0, 10).await.unwrap_err().to_string();
        assert!(refused.contains(words) && refused.contains("event 1"), "{refused}");
    }
}

#[test]
fn tables_of_a_newer_version_are_refused() {
    let folder = folder();
    let path = file(&folder);
    drop(open(&path));
    Connection::open(&path).unwrap().execute("UPDATE meta SET tables = 2", []).unwrap();
    let refused = SqliteJournal::open(&path, at(0), &ann()).unwrap_err().to_string();
    assert!(refused.contains("install the newer version"), "{refused}");
}

#[tokio::test]
async fn an_event_changed_in_the_file_is_found() {
    let folder = folder();
    let path = file(&folder);
    let journal = open(&path);
    journal.append(1, None, vec![seen("a"), seen("b")]).await.unwrap();
    let forger = Connection::open(&path).unwrap();
    forger
        .execute("UPDATE events SET text = replace(text, 'no route', 'no power') WHERE seq = 2", [])
        .unwrap();
    let broken = journal::verify(journal.id(), journal.entries(0, 10).await.unwrap()).unwrap_err();
    assert_eq!(broken.seq, 2);
    assert!(matches!(broken.fault, ChainFault::Changed { .. }), "{broken}");
    forger.execute("DELETE FROM events WHERE seq = 2", []).unwrap();
    let broken = journal::verify(journal.id(), journal.entries(0, 10).await.unwrap()).unwrap_err();
    assert!(matches!(broken.fault, ChainFault::Gap { expected: 2 }), "{broken}");
}

#[test]
fn a_lock_held_by_another_process_is_a_fault_that_may_pass() {
    let path = Path::new("/somewhere/journal.db");
    let busy = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None);
    let fault = fault::fault(path, "appending", &busy);
    assert_eq!(fault.class, FailureClass::Transient);
    let readonly =
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY), None);
    assert!(fault::fault(path, "appending", &readonly).message.contains("read-only"));
}

#[tokio::test]
async fn a_drivers_row_of_an_older_version_is_read_and_names_no_namespace() {
    let folder = folder();
    let path = file(&folder);
    let journal = open(&path);
    let row = r#"{"process":"7@here","host":"here","boot":"boot","pid":7,"start_ticks":70,"until":"2026-01-01T00:00:00Z"}"#;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute("UPDATE driver SET fence = 3, holder = ?1", [row]).unwrap();
    let found = journal.driver().await.unwrap().unwrap();
    assert_eq!((found.fence, found.pid, found.pid_namespace.as_str()), (3, 7, ""));
    let answer = journal.lease(&process("7@here"), &|_| false).await.unwrap();
    assert!(matches!(answer, LeaseAnswer::Held(_)), "a process that says more is another one");
}
