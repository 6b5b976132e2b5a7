//! Reading and appending events: the part that runs on the database's threads. An append is one
//! transaction that checks position and fence first, so it happens whole or not at all.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::fault::fault;
use crate::digest::Digest;
use crate::journal::{self, Draft, Entry, Event};
use crate::port::{AppendError, Fault, NewEvent};

fn number(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn integer(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The last position and its hash.
pub(super) fn head(connection: &Connection, path: &Path) -> Result<(u64, Digest), Fault> {
    let row: Option<(i64, String)> = connection
        .query_row("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .optional()
        .map_err(|e| fault(path, "reading its end", &e))?;
    let Some((seq, hash)) = row else {
        return Err(Fault::permanent(format!(
            "journal {}: it has no event, not even the first",
            path.display()
        )));
    };
    let hash = hash
        .parse()
        .map_err(|e| Fault::permanent(format!("journal {}: the hash of event {seq}: {e}", path.display())))?;
    Ok((number(seq), hash))
}

/// The last position alone: what waiting readers ask for.
pub(super) fn last(connection: &Connection, path: &Path) -> Result<u64, Fault> {
    connection
        .query_row("SELECT coalesce(max(seq), 0) FROM events", [], |r| r.get(0))
        .map(number)
        .map_err(|e| fault(path, "reading its end", &e))
}

/// Entries after a position, as they are kept.
pub(super) fn entries(
    connection: &Connection,
    path: &Path,
    after: u64,
    limit: usize,
) -> Result<Vec<Entry>, Fault> {
    let failed = |e: rusqlite::Error| fault(path, "reading events", &e);
    let mut statement = connection
        .prepare_cached("SELECT seq, text FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2")
        .map_err(failed)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement
        .query_map((integer(after), limit), |r| Ok(Entry { seq: number(r.get(0)?), text: r.get(1)? }))
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// Events after a position.
pub(super) fn read(
    connection: &Connection,
    path: &Path,
    after: u64,
    limit: usize,
) -> Result<Vec<Event>, Fault> {
    entries(connection, path, after, limit)?
        .iter()
        .map(|entry| {
            journal::decode(entry).map_err(|e| Fault::permanent(format!("journal {}: {e}", path.display())))
        })
        .collect()
}

/// Writes one event at a position; part of a transaction.
pub(super) fn insert(
    connection: &Connection,
    path: &Path,
    seq: u64,
    prev: Digest,
    draft: Draft,
) -> Result<Event, Fault> {
    let odd = |e: crate::digest::CanonicalError| Fault::permanent(format!("journal {}: {e}", path.display()));
    let event = journal::chain(draft, seq, prev).map_err(odd)?;
    let entry = journal::encode(&event).map_err(odd)?;
    connection
        .prepare_cached("INSERT INTO events (seq, hash, text) VALUES (?1, ?2, ?3)")
        .and_then(|mut s| s.execute((integer(seq), event.hash.to_string(), entry.text)))
        .map_err(|e| fault(path, "appending", &e))?;
    Ok(event)
}

/// Appends events if the last position is `expected` and the fence, if there is one, is the
/// driver's.
pub(super) fn append(
    connection: &mut Connection,
    path: &Path,
    expected: u64,
    fence: Option<u64>,
    events: Vec<NewEvent>,
) -> Result<Vec<Event>, AppendError> {
    let failed = |e: rusqlite::Error| AppendError::Fault(fault(path, "appending", &e));
    AppendError::unless_fenced(fence, &events)?;
    // Immediate: the lock is taken before the position is read, so two writers can't both be right.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let (found, mut hash) = head(&transaction, path)?;
    if let Some(ours) = fence {
        let (current, held): (i64, bool) = transaction
            .query_row("SELECT fence, holder IS NOT NULL FROM driver", [], |r| Ok((r.get(0)?, r.get(1)?)))
            .map_err(failed)?;
        AppendError::unless_driver(ours, number(current), held)?;
    }
    if found != expected {
        return Err(AppendError::Moved { expected, found });
    }
    let mut written = Vec::with_capacity(events.len());
    for (seq, NewEvent { at, actor, body }) in (expected + 1..).zip(events) {
        // What a person adds while driving is still a person's event.
        let fence = fence.filter(|_| body.is_engines());
        let event = insert(&transaction, path, seq, hash, Draft { at, actor, fence, body })?;
        hash = event.hash;
        written.push(event);
    }
    transaction.commit().map_err(failed)?;
    Ok(written)
}
