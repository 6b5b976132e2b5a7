//! A journal in memory whose disk may be full, or hang.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::digest::Digest;
use crate::journal::{Body, Entry, Event};
use crate::model::Actor;
use crate::port::{AppendError, DriverLease, Fault, Journal, LeaseAnswer, NewEvent};

/// How the disk below is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    Well,
    /// Every write fails.
    Full,
    /// Every write fails the first time, although it was done.
    Forgetful,
    /// No write ever answers.
    Hangs,
}

struct Inner {
    events: Vec<Event>,
    fence: u64,
    holder: Option<DriverLease>,
    disk: Disk,
    forgot: bool,
}

pub struct Memory {
    inner: Mutex<Inner>,
    last: watch::Sender<u64>,
}

impl Memory {
    pub fn new() -> Self {
        let inner = Inner { events: Vec::new(), fence: 0, holder: None, disk: Disk::Well, forgot: false };
        let memory = Self { inner: Mutex::new(inner), last: watch::Sender::new(0) };
        let actor = Actor("person:ann".to_owned());
        memory.push(None, actor, Body::JournalCreated { journal: uuid::Uuid::nil() });
        memory
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What becomes of writes from now on.
    pub fn disk(&self, disk: Disk) {
        self.inner().disk = disk;
    }

    pub fn events(&self) -> Vec<Event> {
        self.inner().events.clone()
    }

    /// Somebody else's word.
    pub fn push(&self, fence: Option<u64>, actor: Actor, body: Body) {
        self.add(fence, NewEvent { at: jiff::Timestamp::now(), actor, body });
    }

    /// Puts a driver there who is not of this process.
    pub fn hand_to(&self, holder: DriverLease) {
        let mut inner = self.inner();
        inner.fence = holder.fence;
        inner.holder = Some(holder);
    }

    fn add(&self, fence: Option<u64>, new: NewEvent) -> Event {
        let zero = Digest::from_bytes([0; 32]);
        let mut inner = self.inner();
        let seq = inner.events.len() as u64 + 1;
        let NewEvent { at, actor, body } = new;
        let event = Event { seq, at, schema: 1, actor, fence, body, prev: zero, hash: zero };
        inner.events.push(event.clone());
        self.last.send_replace(seq);
        event
    }

    /// Whether this write is done, and whether that is said.
    async fn write(&self) -> (bool, Result<(), Fault>) {
        let disk = self.inner().disk;
        let full = || Err(Fault::transient("there is no space left"));
        match disk {
            Disk::Well => (true, Ok(())),
            Disk::Full => (false, full()),
            Disk::Hangs => std::future::pending().await,
            Disk::Forgetful => {
                let mut inner = self.inner();
                inner.forgot = !inner.forgot;
                if inner.forgot { (true, full()) } else { (true, Ok(())) }
            }
        }
    }
}

#[async_trait]
impl Journal for Memory {
    fn id(&self) -> uuid::Uuid {
        uuid::Uuid::nil()
    }
    async fn head(&self) -> Result<(u64, Digest), Fault> {
        Ok((self.inner().events.len() as u64, Digest::from_bytes([0; 32])))
    }
    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Event>, Fault> {
        let after = usize::try_from(after).unwrap();
        Ok(self.inner().events.iter().skip(after).take(limit).cloned().collect())
    }
    async fn entries(&self, _: u64, _: usize) -> Result<Vec<Entry>, Fault> {
        Err(Fault::permanent("this journal keeps no bytes"))
    }
    async fn append(
        &self,
        expected: u64,
        fence: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Event>, AppendError> {
        let (found, current) = {
            let inner = self.inner();
            (inner.events.len() as u64, inner.fence)
        };
        if let Some(ours) = fence.filter(|fence| *fence != current) {
            return Err(AppendError::Fenced { ours, current });
        }
        if found != expected {
            return Err(AppendError::Moved { expected, found });
        }
        let (done, said) = self.write().await;
        let written =
            if done { events.into_iter().map(|new| self.add(fence, new)).collect() } else { vec![] };
        said?;
        Ok(written)
    }
    async fn wait(&self, after: u64, at_most: Duration) -> Result<(), Fault> {
        let mut last = self.last.subscribe();
        let _ = tokio::time::timeout(at_most, last.wait_for(|last| *last > after)).await;
        Ok(())
    }
    async fn lease(
        &self,
        us: &DriverLease,
        may_take_over: &(dyn for<'a> Fn(&'a DriverLease) -> bool + Send + Sync),
    ) -> Result<LeaseAnswer, Fault> {
        let disk = self.inner().disk;
        match disk {
            Disk::Hangs => std::future::pending().await,
            Disk::Full => return Err(Fault::transient("there is no space left")),
            Disk::Well | Disk::Forgetful => {}
        }
        let mut inner = self.inner();
        let who = |lease: &DriverLease| (lease.process.clone(), lease.pid_namespace.clone());
        match inner.holder.clone() {
            Some(holder) if who(&holder) == who(us) => {}
            Some(holder) if !may_take_over(&holder) => return Ok(LeaseAnswer::Held(holder)),
            _ => inner.fence += 1,
        }
        let fence = inner.fence;
        inner.holder = Some(DriverLease { fence, ..us.clone() });
        Ok(LeaseAnswer::Granted { fence })
    }
    async fn release(&self, fence: u64) -> Result<(), Fault> {
        let mut inner = self.inner();
        if inner.fence == fence {
            inner.holder = None;
        }
        Ok(())
    }
    async fn driver(&self) -> Result<Option<DriverLease>, Fault> {
        Ok(self.inner().holder.clone())
    }
}
