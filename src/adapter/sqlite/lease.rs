//! The driver's lease: one row. Decides who gets it and which fence comes with it; whether a
//! holder is gone is for the caller to say.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::fault::fault;
use crate::port::{DriverLease, Fault, LeaseAnswer};

/// The holder as the row keeps it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Holder {
    process: String,
    host: String,
    boot: String,
    /// Rows of older versions have none: then no death can be proved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pid_namespace: String,
    pid: i32,
    start_ticks: u64,
    until: jiff::Timestamp,
}

fn row(connection: &Connection, path: &Path) -> Result<(u64, Option<DriverLease>), Fault> {
    let (fence, holder): (i64, Option<String>) = connection
        .query_row("SELECT fence, holder FROM driver", [], |r| Ok((r.get(0)?, r.get(1)?)))
        .map_err(|e| fault(path, "reading the driver's lease", &e))?;
    let fence = u64::try_from(fence).unwrap_or(0);
    let holder = holder
        .map(|text| {
            serde_json::from_str::<Holder>(&text).map_err(|e| {
                Fault::permanent(format!("journal {}: the driver's lease can't be read: {e}", path.display()))
            })
        })
        .transpose()?
        .map(|Holder { process, host, boot, pid_namespace, pid, start_ticks, until }| DriverLease {
            fence,
            process,
            host,
            boot,
            pid_namespace,
            pid,
            start_ticks,
            until,
        });
    Ok((fence, holder))
}

/// Who drives.
pub(super) fn driver(connection: &Connection, path: &Path) -> Result<Option<DriverLease>, Fault> {
    row(connection, path).map(|(_, holder)| holder)
}

/// Takes or renews the lease if it is free, ours, or still held as `gone` was when the caller
/// found that holder to be gone.
pub(super) fn take(
    connection: &mut Connection,
    path: &Path,
    us: &DriverLease,
    gone: Option<&DriverLease>,
) -> Result<LeaseAnswer, Fault> {
    let failed = |e: rusqlite::Error| fault(path, "taking the driver's lease", &e);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let (current, holder) = row(&transaction, path)?;
    let fence = match holder {
        Some(holder) if holder.is_of_same_process(us) => current,
        Some(holder) if gone.is_none_or(|gone| *gone != holder) => return Ok(LeaseAnswer::Held(holder)),
        _ => current + 1,
    };
    let holder = Holder {
        process: us.process.clone(),
        host: us.host.clone(),
        boot: us.boot.clone(),
        pid_namespace: us.pid_namespace.clone(),
        pid: us.pid,
        start_ticks: us.start_ticks,
        until: us.until,
    };
    let text = serde_json::to_string(&holder)
        .map_err(|e| Fault::permanent(format!("the driver's lease has no JSON: {e}")))?;
    transaction
        .execute(
            "UPDATE driver SET fence = ?1, holder = ?2",
            (i64::try_from(fence).unwrap_or(i64::MAX), text),
        )
        .map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok(LeaseAnswer::Granted { fence })
}

/// Gives the lease back, if it is held with this fence.
pub(super) fn release(connection: &Connection, path: &Path, fence: u64) -> Result<(), Fault> {
    connection
        .execute(
            "UPDATE driver SET holder = NULL WHERE fence = ?1",
            [i64::try_from(fence).unwrap_or(i64::MAX)],
        )
        .map(|_| ())
        .map_err(|e| fault(path, "giving the driver's lease back", &e))
}
