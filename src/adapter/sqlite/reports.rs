//! Weekly reports that were made, in a table of their own beside the journal: what was different last week.
//! They are no events and in no chain: nothing depends on them, so they have a file to themselves, and what
//! can't be read of it is only a comparison less.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::schema;
use crate::port::Fault;
use crate::report::weekly::{Past, forgotten};

/// Marks the file as tidegate's reports in SQLite's header ("tdgr").
const APPLICATION: i64 = 0x7464_6772;

/// The version of the table; a file with a higher one is refused.
const TABLE: i64 = 1;

/// What helps where a file is not ours, or not any more. It is never done by itself.
const AWAY: &str = "move it away, and the next report begins a new one";

/// How long a lock of another process is waited for.
const BUSY: Duration = Duration::from_secs(5);

const CREATE: &str = "CREATE TABLE reports (at INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT";

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is there.
    Whole(Past),
    /// It is there, in no form that this version reads: why.
    Damaged(String),
    /// It is not there.
    Gone,
}

/// Reports that were made.
#[derive(Debug)]
pub struct SqliteReports {
    path: PathBuf,
}

impl SqliteReports {
    /// Those beside this journal: of `journal.db` they are in `journal-reports.db`.
    pub fn beside(journal: &Path) -> Self {
        let stem = journal.file_stem().unwrap_or_default().to_string_lossy();
        Self { path: journal.with_file_name(format!("{stem}-reports.db")) }
    }

    /// When the reports that are kept were made, the oldest first. Looking makes no file.
    ///
    /// # Errors
    /// When the file can't be read, or is not ours.
    pub async fn kept(&self) -> Result<Vec<Timestamp>, Fault> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        self.on(|connection| moments(connection)).await
    }

    /// The file, whether it is there or not.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One of those that are kept, or that it is not there, or why it can't be read.
    ///
    /// # Errors
    /// As [`SqliteReports::kept`].
    pub async fn of(&self, at: Timestamp) -> Result<Kept, Fault> {
        let read = move |connection: &mut Connection| {
            let text = "SELECT text FROM reports WHERE at = ?1";
            // As bytes: also what is no text is one report that can't be read, and not all of them.
            let bytes = |row: &rusqlite::Row<'_>| Ok(row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec());
            connection.query_row(text, [at.as_millisecond()], bytes).optional()
        };
        Ok(match self.on(read).await?.map(|text| serde_json::from_slice(&text)) {
            Some(Ok(things)) => Kept::Whole(Past { at, things }),
            Some(Err(error)) => Kept::Damaged(error.to_string()),
            None => Kept::Gone,
        })
    }

    /// Keeps one, and forgets those that are not needed any more.
    ///
    /// # Errors
    /// As [`SqliteReports::kept`], and when the file can't be written.
    pub async fn keep(&self, past: &Past) -> Result<(), Fault> {
        let text = serde_json::to_string(&past.things)
            .map_err(|error| Fault::permanent(format!("the report has no form in JSON: {error}")))?;
        let now = past.at;
        self.on(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let insert = "INSERT OR REPLACE INTO reports (at, text) VALUES (?1, ?2)";
            transaction.execute(insert, (now.as_millisecond(), text))?;
            for old in forgotten(&moments(&transaction)?, now) {
                transaction.execute("DELETE FROM reports WHERE at = ?1", [old.as_millisecond()])?;
            }
            transaction.commit()
        })
        .await
    }

    /// Does something with the file, off the runtime's threads.
    async fn on<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, Fault> {
        let path = self.path.clone();
        let ended = tokio::task::spawn_blocking(move || {
            schema::prepare(&path)?;
            let done = open(&path).and_then(|opened| match opened {
                Ok(mut connection) => work(&mut connection).map(Ok),
                Err(why) => Ok(Err(why)),
            });
            match done {
                Ok(Ok(done)) => Ok(done),
                Ok(Err(why)) => Err(Fault::permanent(why)),
                Err(error) => Err(fault(&error)),
            }
        });
        ended.await.map_err(|error| Fault::permanent(format!("past reports: {error}")))?
    }
}

/// What went wrong. Of what somebody wrote over, or broke, a message of SQLite's says too little.
fn fault(error: &rusqlite::Error) -> Fault {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => {
            Fault::permanent(format!("the file is damaged ({error}); {AWAY}"))
        }
        _ => Fault::permanent(error.to_string()),
    }
}

/// A connection to the file, with its table; or why the file is not to be touched.
fn open(path: &Path) -> Result<Result<Connection, String>, rusqlite::Error> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let pragma = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let objects: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (pragma("application_id")?, pragma("user_version")?, objects) {
        (0, 0, 0) => {
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", TABLE)?;
            transaction.execute_batch(CREATE)?;
        }
        (APPLICATION, TABLE, _) => {}
        (APPLICATION, newer, _) => {
            return Ok(Err(format!("its table has version {newer}: install the newer tidegate, or {AWAY}")));
        }
        _ => return Ok(Err(format!("it is another program's SQLite database; {AWAY}"))),
    }
    transaction.commit()?;
    Ok(Ok(connection))
}

fn moments(connection: &Connection) -> Result<Vec<Timestamp>, rusqlite::Error> {
    let mut read = connection.prepare("SELECT at FROM reports ORDER BY at")?;
    let moments = read.query_map([], |row| row.get::<_, i64>(0))?;
    // What is no moment was written by nobody of ours.
    moments.filter_map(|at| at.map(|at| Timestamp::from_millisecond(at).ok()).transpose()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + day * 86_400).unwrap()
    }

    fn past(day: i64) -> Past {
        Past { at: at(day), things: Vec::new() }
    }

    #[tokio::test]
    async fn a_report_comes_back_and_looking_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let reports = SqliteReports::beside(&folder.path().join("state/journal.db"));
        assert_eq!(reports.kept().await.unwrap(), []);
        assert!(!folder.path().join("state").exists());
        reports.keep(&past(0)).await.unwrap();
        reports.keep(&past(1)).await.unwrap();
        assert_eq!(reports.kept().await.unwrap(), [at(0), at(1)]);
        assert_eq!(reports.of(at(1)).await.unwrap(), Kept::Whole(past(1)));
        assert_eq!(reports.of(at(2)).await.unwrap(), Kept::Gone);
        assert!(folder.path().join("state/journal-reports.db").exists());
    }

    #[tokio::test]
    async fn of_weeks_that_are_over_only_the_last_report_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let reports = SqliteReports::beside(&folder.path().join("journal.db"));
        for day in 0..70 {
            reports.keep(&past(day)).await.unwrap();
        }
        let kept = reports.kept().await.unwrap();
        // Eight weeks that are over, and fifteen days.
        assert!((22..=24).contains(&kept.len()), "{kept:?}");
        assert_eq!(kept.last(), Some(&at(69)));
    }

    #[tokio::test]
    async fn a_file_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal-reports.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
        let reports = SqliteReports::beside(&folder.path().join("journal.db"));
        let fault = reports.keep(&past(0)).await.unwrap_err();
        assert!(fault.message.contains("another program's"), "{fault}");
        std::fs::write(&path, "no database, but long enough to look like one of those").unwrap();
        let fault = reports.kept().await.unwrap_err();
        assert!(fault.message.contains("damaged") && fault.message.contains(AWAY), "{fault}");
    }

    #[tokio::test]
    async fn a_newer_table_is_refused_and_a_form_that_is_not_ours_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let reports = SqliteReports::beside(&folder.path().join("journal.db"));
        reports.keep(&past(0)).await.unwrap();
        let raw = Connection::open(folder.path().join("journal-reports.db")).unwrap();
        for wrong in ["'{\"of\": 2030}'", "'{'", "''", "CAST(x'ff' AS TEXT)"] {
            raw.execute_batch(&format!("UPDATE reports SET text = {wrong}")).unwrap();
            let found = reports.of(at(0)).await.unwrap();
            assert!(matches!(&found, Kept::Damaged(why) if !why.is_empty()), "{wrong}: {found:?}");
        }
        raw.pragma_update(None, "user_version", 7).unwrap();
        let fault = reports.kept().await.unwrap_err();
        assert!(fault.message.contains("install the newer"), "{fault}");
    }
}
