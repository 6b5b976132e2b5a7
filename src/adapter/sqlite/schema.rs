//! How the journal's file comes into being and is opened: folders, mode, pragmas, tables, the
//! number of their version, and the first event.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::fault::fault;
use crate::journal::{self, Body, Draft};
use crate::model::Actor;
use crate::port::Fault;

/// The version of the tables; a file with a higher one is refused.
pub(super) const TABLES: i64 = 1;

/// Marks the file as a tidegate journal in SQLite's header ("tdgt").
const APPLICATION: i64 = 0x7464_6774;

/// How long a lock of another process is waited for.
const BUSY: Duration = Duration::from_secs(10);

const CREATE: &str = "
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  tables INTEGER NOT NULL,
  journal TEXT NOT NULL
) STRICT;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE TABLE driver (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  fence INTEGER NOT NULL,
  holder TEXT
) STRICT;
INSERT INTO driver (one, fence, holder) VALUES (1, 0, NULL);
";

/// Makes folders (0700) and file (0600) as far as they are missing, and takes group's and others'
/// rights away from a file that has them.
pub(super) fn prepare(path: &Path) -> Result<(), Fault> {
    let failed = |doing: &str, error: std::io::Error| {
        Fault::permanent(format!("journal {}: {doing}: {error}", path.display()))
    };
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|e| failed("making its folder", e))?;
    }
    if path.is_dir() {
        return Err(Fault::permanent(format!(
            "journal {}: it is a folder, a file is needed",
            path.display()
        )));
    }
    if path.exists() {
        let found = std::fs::metadata(path).map_err(|e| failed("looking at it", e))?.permissions().mode();
        if found & 0o077 != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(found & 0o700))
                .map_err(|e| failed("taking others' rights away", e))?;
        }
        return Ok(());
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        // Another process was quicker.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed("making the file", error)),
    }
}

/// A connection with every setting it needs.
pub(super) fn connect(path: &Path) -> Result<Connection, Fault> {
    let failed = |error: rusqlite::Error| fault(path, "opening it", &error);
    let connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    // WAL lets others read while one writes; FULL makes a commit durable before it is reported.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).map_err(failed)?;
    connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
    Ok(connection)
}

/// Makes the tables and the first event if the file is new; else checks that it is ours and not
/// newer. Returns the journal's UUID; a new one gets `id`.
pub(super) fn establish(
    connection: &mut Connection,
    path: &Path,
    id: uuid::Uuid,
    at: jiff::Timestamp,
    actor: &Actor,
) -> Result<uuid::Uuid, Fault> {
    let failed = |error: rusqlite::Error| fault(path, "reading its tables", &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let application: i64 =
        transaction.pragma_query_value(None, "application_id", |r| r.get(0)).map_err(failed)?;
    let objects: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)).map_err(failed)?;
    let id = match (application, objects) {
        (0, 0) => {
            transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
            transaction.execute_batch(CREATE).map_err(failed)?;
            transaction
                .execute("INSERT INTO meta VALUES (1, ?1, ?2)", (TABLES, id.to_string()))
                .map_err(failed)?;
            let draft =
                Draft { at, actor: actor.clone(), fence: None, body: Body::JournalCreated { journal: id } };
            super::store::insert(&transaction, path, 1, journal::origin(id), draft)?;
            id
        }
        (APPLICATION, _) => {
            let found: Option<(i64, String)> = transaction
                .query_row("SELECT tables, journal FROM meta", [], |r| Ok((r.get(0)?, r.get(1)?)))
                .optional()
                .map_err(failed)?;
            let Some((tables, id)) = found else {
                return Err(Fault::permanent(format!("journal {}: it has lost its UUID", path.display())));
            };
            if tables > TABLES {
                return Err(Fault::permanent(format!(
                    "journal {}: its tables have version {tables}, this tidegate knows up to {TABLES}: install \
                     the newer version",
                    path.display()
                )));
            }
            // It was made with its first event; without any, a chain would still seem to hold.
            let any: bool = transaction
                .query_row("SELECT EXISTS (SELECT 1 FROM events)", [], |r| r.get(0))
                .map_err(failed)?;
            if !any {
                return Err(Fault::permanent(format!(
                    "journal {}: it has lost all its events: restore it from a copy",
                    path.display()
                )));
            }
            id.parse().map_err(|error| {
                Fault::permanent(format!("journal {}: its UUID is no UUID: {error}", path.display()))
            })?
        }
        _ => {
            return Err(Fault::permanent(format!(
                "journal {}: it is another program's SQLite database",
                path.display()
            )));
        }
    };
    transaction.commit().map_err(failed)?;
    Ok(id)
}
