//! What SQLite's errors mean for people: full, locked, no database, read-only, damaged.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::journal::FailureClass;
use crate::port::Fault;

/// What was being done, to which file, and what SQLite said.
pub(super) fn fault(path: &Path, doing: &str, error: &rusqlite::Error) -> Fault {
    let path = path.display();
    let (class, why) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (
            FailureClass::Transient,
            "there is no space left: free some, nothing was written by halves".to_owned(),
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (FailureClass::Transient, "another process holds its lock for longer than 10 s".to_owned())
        }
        // A full disk shows itself so too, when it is the shared memory that can't grow.
        Some(ErrorCode::SystemIoFailure) => {
            (FailureClass::Transient, format!("the disk or its file system failed: {error}"))
        }
        Some(ErrorCode::NotADatabase) => {
            (FailureClass::Permanent, "the file is no SQLite database".to_owned())
        }
        Some(ErrorCode::ReadOnly) => (
            FailureClass::Permanent,
            "it is read-only: check the owner and mode of file and folder".to_owned(),
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => (
            FailureClass::Permanent,
            "it can't be opened: check the owner and mode of file and folder".to_owned(),
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            FailureClass::Permanent,
            format!("the file is damaged ({error}): keep a copy of it, then `tidegate journal verify`"),
        ),
        _ => (FailureClass::Permanent, error.to_string()),
    };
    Fault::new(class, format!("journal {path}: {doing}: {why}"))
}
