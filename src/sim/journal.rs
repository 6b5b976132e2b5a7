//! A journal in memory, with the same rules as a kept one: expected position, fence, hash chain, the
//! driver's lease. Its disk can be full, hang, or forget to answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::life::Life;
use super::world::Keeps;
use crate::digest::Digest;
use crate::journal::{self, Body, Draft, Entry, Event};
use crate::model::Actor;
use crate::port::{AppendError, DriverLease, Fault, Journal, LeaseAnswer, NewEvent};

/// How the disk below a journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disk {
    /// As it should be.
    #[default]
    Well,
    /// Every write fails, and nothing is written.
    Full,
    /// Every other write is done and reported as failed.
    Forgetful,
    /// No write is done, and none is answered, until it is otherwise again.
    Hangs,
}

#[derive(Clone)]
struct Inner {
    events: Vec<Arc<Event>>,
    last: Digest,
    fence: u64,
    holder: Option<DriverLease>,
    disk: Disk,
    forgot: bool,
    /// How often which disk failed a write.
    struck: BTreeMap<String, u64>,
}

impl Inner {
    fn position(&self) -> u64 {
        self.events.len() as u64
    }
}

/// A journal in memory; clones are the same journal.
#[derive(Clone)]
pub struct MemoryJournal {
    id: Uuid,
    inner: Arc<Mutex<Inner>>,
    last: watch::Sender<u64>,
    /// The disk is another one now.
    changed: Arc<Notify>,
}

impl MemoryJournal {
    /// A journal with its first event.
    ///
    /// # Errors
    /// When the first event has no canonical form, which does not happen.
    pub fn new(id: Uuid, at: jiff::Timestamp, actor: Actor) -> Result<Self, Fault> {
        let inner = Inner {
            events: Vec::new(),
            last: journal::origin(id),
            fence: 0,
            holder: None,
            disk: Disk::Well,
            forgot: false,
            struck: BTreeMap::new(),
        };
        let made = Self {
            id,
            inner: Arc::new(Mutex::new(inner)),
            last: watch::Sender::new(0),
            changed: Arc::default(),
        };
        let first = NewEvent { at, actor, body: Body::JournalCreated { journal: id } };
        made.add(&mut made.inner(), None, vec![first])?;
        Ok(made)
    }

    /// A journal with the history of another one; a new one where there is none. Nobody drives it.
    ///
    /// # Errors
    /// As [`MemoryJournal::new`].
    pub fn copied(id: Uuid, at: jiff::Timestamp, history: &[Event]) -> Result<Self, Fault> {
        let made = Self::new(id, at, Actor("person:rehearsal".to_owned()))?;
        if let Some(last) = history.last() {
            let mut inner = made.inner();
            inner.fence = history.iter().filter_map(|event| event.fence).max().unwrap_or_default();
            inner.last = last.hash;
            inner.events = history.iter().cloned().map(Arc::new).collect();
            made.last.send_replace(inner.position());
        }
        Ok(made)
    }

    /// What becomes of writes from now on.
    pub fn disk(&self, disk: Disk) {
        self.inner().disk = disk;
        self.changed.notify_waiters();
    }

    /// Returns when the disk hangs no more.
    async fn hangs(&self) {
        loop {
            let changed = self.changed.notified();
            if self.inner().disk != Disk::Hangs {
                return;
            }
            changed.await;
        }
    }

    /// Another journal that is what this one is now.
    pub(super) fn copy(&self) -> Self {
        let inner = self.inner().clone();
        let last = watch::Sender::new(inner.position());
        Self { id: self.id, inner: Arc::new(Mutex::new(inner)), last, changed: Arc::default() }
    }

    /// How the disk is for a write; whatever is wrong with it is counted.
    fn strikes(&self) -> Disk {
        let mut inner = self.inner();
        let disk = inner.disk;
        if let Some(name) = disk.name() {
            *inner.struck.entry(name.to_owned()).or_default() += 1;
        }
        disk
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, inner: &mut Inner, fence: Option<u64>, new: Vec<NewEvent>) -> Result<Vec<Event>, Fault> {
        let odd = |e: crate::digest::CanonicalError| Fault::permanent(format!("the journal: {e}"));
        let mut written = Vec::with_capacity(new.len());
        let mut prev = inner.last;
        for (seq, NewEvent { at, actor, body }) in (inner.position() + 1..).zip(new) {
            let fence = fence.filter(|_| body.is_engines());
            let event = journal::chain(Draft { at, actor, fence, body }, seq, prev).map_err(odd)?;
            prev = event.hash;
            written.push(event);
        }
        inner.events.extend(written.iter().cloned().map(Arc::new));
        inner.last = prev;
        self.last.send_replace(inner.position());
        Ok(written)
    }

    fn kept<T>(&self, after: u64, limit: usize, each: impl Fn(&Event) -> T) -> Vec<T> {
        let from = usize::try_from(after).unwrap_or(usize::MAX);
        self.inner().events.iter().skip(from).take(limit).map(|event| each(event)).collect()
    }

    /// Position and fence are right.
    fn fits(inner: &Inner, expected: u64, fence: Option<u64>, new: &[NewEvent]) -> Result<(), AppendError> {
        AppendError::unless_fenced(fence, new)?;
        if let Some(ours) = fence {
            AppendError::unless_driver(ours, inner.fence, inner.holder.is_some())?;
        }
        match inner.position() {
            found if found != expected => Err(AppendError::Moved { expected, found }),
            _ => Ok(()),
        }
    }
}

impl Disk {
    /// What it is called in counts.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Well => None,
            Self::Full => Some("disk-full"),
            Self::Forgetful => Some("disk-forgetful"),
            Self::Hangs => Some("disk-hangs"),
        }
    }
}

impl Keeps for MemoryJournal {
    fn disk(&self, disk: Disk) {
        Self::disk(self, disk);
    }

    fn struck(&self) -> BTreeMap<String, u64> {
        self.inner().struck.clone()
    }

    fn of(&self, life: Life) -> Arc<dyn Journal> {
        Arc::new(Handle { journal: self.clone(), life })
    }

    fn memory(&self) -> Option<&MemoryJournal> {
        Some(self)
    }
}

/// The journal as one process has it.
struct Handle {
    journal: MemoryJournal,
    life: Life,
}

fn full() -> Fault {
    Fault::transient("the journal can't be written: no space left on device")
}

#[async_trait]
impl Journal for Handle {
    fn id(&self) -> Uuid {
        self.journal.id
    }

    async fn head(&self) -> Result<(u64, Digest), Fault> {
        self.life.lasting().await;
        let inner = self.journal.inner();
        Ok((inner.position(), inner.last))
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Event>, Fault> {
        self.life.lasting().await;
        Ok(self.journal.kept(after, limit, Event::clone))
    }

    async fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, Fault> {
        self.life.lasting().await;
        let kept = self.journal.kept(after, limit, journal::encode);
        kept.into_iter().collect::<Result<_, _>>().map_err(|e| Fault::permanent(format!("the journal: {e}")))
    }

    async fn append(
        &self,
        expected: u64,
        fence: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Event>, AppendError> {
        self.life.lasting().await;
        let disk = self.journal.strikes();
        if disk == Disk::Hangs {
            self.journal.hangs().await;
            self.life.lasting().await;
        }
        let written = {
            let mut inner = self.journal.inner();
            MemoryJournal::fits(&inner, expected, fence, &events)?;
            if disk == Disk::Full {
                return Err(full().into());
            }
            let written = self.journal.add(&mut inner, fence, events)?;
            inner.forgot = disk == Disk::Forgetful && !inner.forgot;
            if inner.forgot { Err(full()) } else { Ok(written) }
        };
        self.life.wrote_journal().await;
        Ok(written?)
    }

    async fn wait(&self, after: u64, at_most: Duration) -> Result<(), Fault> {
        self.life.lasting().await;
        let mut last = self.journal.last.subscribe();
        // Too late is as good as in time: the caller reads on in any case.
        let _ = tokio::time::timeout(at_most, last.wait_for(|last| *last > after)).await;
        Ok(())
    }

    async fn lease(
        &self,
        us: &DriverLease,
        may_take_over: &(dyn for<'a> Fn(&'a DriverLease) -> bool + Send + Sync),
    ) -> Result<LeaseAnswer, Fault> {
        self.life.lasting().await;
        let disk = self.journal.strikes();
        match disk {
            Disk::Hangs => {
                self.journal.hangs().await;
                self.life.lasting().await;
            }
            Disk::Full => return Err(full()),
            Disk::Well | Disk::Forgetful => {}
        }
        let mut inner = self.journal.inner();
        match inner.holder.clone() {
            Some(holder) if holder.is_of_same_process(us) => {}
            Some(holder) if !may_take_over(&holder) => return Ok(LeaseAnswer::Held(holder)),
            _ => inner.fence += 1,
        }
        let fence = inner.fence;
        inner.holder = Some(DriverLease { fence, ..us.clone() });
        Ok(LeaseAnswer::Granted { fence })
    }

    async fn release(&self, fence: u64) -> Result<(), Fault> {
        self.life.lasting().await;
        let mut inner = self.journal.inner();
        if inner.fence == fence {
            inner.holder = None;
        }
        Ok(())
    }

    async fn driver(&self) -> Result<Option<DriverLease>, Fault> {
        self.life.lasting().await;
        Ok(self.journal.inner().holder.clone())
    }
}
