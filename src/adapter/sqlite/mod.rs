//! The journal in one SQLite file. Decides how calls reach the database: one connection writes and
//! one reads, each on a thread of its own, so that no call ever blocks the runtime, and how a
//! reader learns of new events, its own process's at once and others' within a tenth of a second.

mod fault;
mod lease;
mod reports;
mod schema;
mod store;

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration as StdDuration;

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

pub use reports::{Kept, SqliteReports};

use crate::digest::Digest;
use crate::journal::{Entry, Event};
use crate::model::Actor;
use crate::port::{AppendError, DriverLease, Fault, Journal, LeaseAnswer, NewEvent};

/// How often other processes' appends are looked for.
const POLL: StdDuration = StdDuration::from_millis(100);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A journal in a file.
pub struct SqliteJournal {
    id: uuid::Uuid,
    path: Arc<Path>,
    writer: mpsc::Sender<Job>,
    reader: mpsc::Sender<Job>,
    /// The last position that this process has seen.
    last: watch::Sender<u64>,
}

impl std::fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteJournal").field("id", &self.id).field("path", &self.path).finish()
    }
}

impl SqliteJournal {
    /// Opens the journal at a path; makes it, with its folders and its first event, if there is
    /// none. `at` and `actor` are the first event's. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// When the file can't be made, opened or read, is not a journal, or is one of a newer version.
    pub fn open(path: impl Into<PathBuf>, at: jiff::Timestamp, actor: &Actor) -> Result<Self, Fault> {
        Self::open_as(path, uuid::Uuid::now_v7(), at, actor)
    }

    /// As [`SqliteJournal::open`]; a journal that is made gets this UUID.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`].
    pub fn open_as(
        path: impl Into<PathBuf>,
        id: uuid::Uuid,
        at: jiff::Timestamp,
        actor: &Actor,
    ) -> Result<Self, Fault> {
        let path: Arc<Path> = path.into().into();
        schema::prepare(&path)?;
        let mut writing = schema::connect(&path)?;
        let id = schema::establish(&mut writing, &path, id, at, actor)?;
        let reading = schema::connect(&path)?;
        let last = store::last(&reading, &path)?;
        Ok(Self {
            id,
            writer: thread("journal-writer", writing)?,
            reader: thread("journal-reader", reading)?,
            path,
            last: watch::Sender::new(last),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn on<T: Send + 'static>(
        &self,
        thread: &mpsc::Sender<Job>,
        work: impl FnOnce(&mut Connection, &Path) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let path = Arc::clone(&self.path);
        let job: Job = Box::new(move |connection| {
            // Nobody waits any more when the caller was dropped; the work is done all the same.
            let _ = answer.send(work(connection, &path));
        });
        let gone = || Fault::permanent(format!("journal {}: its thread has ended", self.path.display()));
        thread.send(job).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }

    fn saw(&self, position: u64) {
        self.last.send_if_modified(|last| {
            let newer = position > *last;
            *last = position.max(*last);
            newer
        });
    }
}

/// A thread that owns a connection and works jobs off until its sender is dropped.
fn thread(name: &str, mut connection: Connection) -> Result<mpsc::Sender<Job>, Fault> {
    let (sender, jobs) = mpsc::channel::<Job>();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            for job in jobs {
                job(&mut connection);
            }
        })
        .map_err(|e| Fault::permanent(format!("the journal's thread could not be started: {e}")))?;
    Ok(sender)
}

#[async_trait]
impl Journal for SqliteJournal {
    fn id(&self) -> uuid::Uuid {
        self.id
    }

    async fn head(&self) -> Result<(u64, Digest), Fault> {
        self.on(&self.reader, |c, path| store::head(c, path)).await?
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Event>, Fault> {
        self.on(&self.reader, move |c, path| store::read(c, path, after, limit)).await?
    }

    async fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, Fault> {
        self.on(&self.reader, move |c, path| store::entries(c, path, after, limit)).await?
    }

    async fn append(
        &self,
        expected: u64,
        fence: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Event>, AppendError> {
        let written =
            self.on(&self.writer, move |c, path| store::append(c, path, expected, fence, events)).await??;
        if let Some(event) = written.last() {
            self.saw(event.seq);
        }
        Ok(written)
    }

    async fn wait(&self, after: u64, at_most: StdDuration) -> Result<(), Fault> {
        let end = tokio::time::Instant::now() + at_most;
        let mut last = self.last.subscribe();
        loop {
            if *last.borrow_and_update() > after || tokio::time::Instant::now() >= end {
                return Ok(());
            }
            let next_look = end.min(tokio::time::Instant::now() + POLL);
            tokio::select! {
                _ = last.changed() => {}
                () = tokio::time::sleep_until(next_look) => {
                    let found = self.on(&self.reader, |c, path| store::last(c, path)).await??;
                    self.saw(found);
                }
            }
        }
    }

    async fn lease(
        &self,
        us: &DriverLease,
        may_take_over: &(dyn for<'a> Fn(&'a DriverLease) -> bool + Send + Sync),
    ) -> Result<LeaseAnswer, Fault> {
        let mut gone: Option<DriverLease> = None;
        loop {
            let (ours, predecessor) = (us.clone(), gone.clone());
            let answer = self
                .on(&self.writer, move |c, path| lease::take(c, path, &ours, predecessor.as_ref()))
                .await??;
            match answer {
                // Asked outside the transaction; the lease is taken only if it is still the same.
                LeaseAnswer::Held(holder) if gone.as_ref() != Some(&holder) && may_take_over(&holder) => {
                    gone = Some(holder);
                }
                answer => return Ok(answer),
            }
        }
    }

    async fn release(&self, fence: u64) -> Result<(), Fault> {
        self.on(&self.writer, move |c, path| lease::release(c, path, fence)).await?
    }

    async fn driver(&self) -> Result<Option<DriverLease>, Fault> {
        self.on(&self.reader, |c, path| lease::driver(c, path)).await?
    }
}

#[cfg(test)]
mod tests;
