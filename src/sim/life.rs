//! One process of the simulation. It lives until it is to die: at a moment, after so many journal
//! writes, before or after so many writes to clusters or tags. From then on nothing that it does reaches the world, and
//! nothing answers it: as after a `kill -9`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Where a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// Right after its journal write of this number (from 1) is durable, before it hears so.
    AfterJournalWrite(u64),
    /// Right before its write to a cluster of this number (from 1) leaves it.
    BeforeClusterWrite(u64),
    /// Right after its write to a cluster of this number (from 1) was done, before it hears so.
    AfterClusterWrite(u64),
    /// Right before it makes its git tag of this number (from 1).
    BeforeTag(u64),
    /// Right after its git tag of this number (from 1) was made, before it hears so.
    AfterTag(u64),
}

/// Is told each place in a life at which it could end, before it goes on.
type Watch = Box<dyn Fn(Death) + Send + Sync>;

#[derive(Default)]
struct Inner {
    dead: AtomicBool,
    died: Notify,
    death: Mutex<Option<Death>>,
    journal_writes: AtomicU64,
    cluster_writes: AtomicU64,
    tags: AtomicU64,
    watch: Option<Watch>,
}

/// A process's life; clones are the same life.
#[derive(Clone, Default)]
pub struct Life(Arc<Inner>);

impl Life {
    /// One that ends only by [`Life::end`].
    pub fn new() -> Self {
        Self::default()
    }

    /// One that ends there.
    pub fn until(death: Death) -> Self {
        let life = Self::default();
        *life.0.death.lock().unwrap_or_else(PoisonError::into_inner) = Some(death);
        life
    }

    /// One that ends only by [`Life::end`], and is looked at wherever it could end: `watch` is called there
    /// with nothing held, before anything else happens, so that it can take a snapshot of the world.
    pub fn watched(watch: impl Fn(Death) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner { watch: Some(Box::new(watch)), ..Inner::default() }))
    }

    /// Whether it still lives.
    pub fn lives(&self) -> bool {
        !self.0.dead.load(Ordering::Acquire)
    }

    /// Ends it.
    pub fn end(&self) {
        self.0.dead.store(true, Ordering::Release);
        self.0.died.notify_waiters();
    }

    /// Waits until it has ended.
    pub async fn over(&self) {
        let died = self.0.died.notified();
        tokio::pin!(died);
        died.as_mut().enable();
        if self.lives() {
            died.await;
        }
    }

    /// How many journal writes and cluster writes it has done or begun.
    pub fn writes(&self) -> (u64, u64) {
        (self.0.journal_writes.load(Ordering::Acquire), self.0.cluster_writes.load(Ordering::Acquire))
    }

    /// Nothing answers the dead.
    pub async fn lasting(&self) {
        if !self.lives() {
            std::future::pending::<()>().await;
        }
    }

    /// Something was written to the journal.
    pub async fn wrote_journal(&self) {
        let number = self.0.journal_writes.fetch_add(1, Ordering::AcqRel) + 1;
        self.dies_if(Death::AfterJournalWrite(number)).await;
    }

    /// Something is about to be written to a cluster; its number.
    pub async fn writes_to_cluster(&self) -> u64 {
        let number = self.0.cluster_writes.fetch_add(1, Ordering::AcqRel) + 1;
        self.dies_if(Death::BeforeClusterWrite(number)).await;
        number
    }

    /// The write of that number was done.
    pub async fn wrote_to_cluster(&self, number: u64) {
        self.dies_if(Death::AfterClusterWrite(number)).await;
    }

    /// A git tag is about to be made; its number.
    pub async fn tags(&self) -> u64 {
        let number = self.0.tags.fetch_add(1, Ordering::AcqRel) + 1;
        self.dies_if(Death::BeforeTag(number)).await;
        number
    }

    /// The git tag of that number was made.
    pub async fn tagged(&self, number: u64) {
        self.dies_if(Death::AfterTag(number)).await;
    }

    async fn dies_if(&self, now: Death) {
        if let Some(watch) = self.0.watch.as_ref().filter(|_| self.lives()) {
            watch(now);
        }
        if *self.0.death.lock().unwrap_or_else(PoisonError::into_inner) == Some(now) {
            self.end();
        }
        self.lasting().await;
    }
}
