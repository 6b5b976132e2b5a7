//! Ports of the real world under a clock that stands still: a simulation that people look at keeps its
//! journal in a file and its repository on the disk. While such a port works, nothing else moves, and no
//! time passes in the simulation.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use super::runtime::Pace;
use crate::digest::Digest;
use crate::journal::{Entry, Event};
use crate::model::{ProductName, Tree};
use crate::port::{
    AppendError, Commits, DriverLease, Fault, Git, GitTag, Journal, LeaseAnswer, NewEvent, Packages, Trees,
};
use crate::version::Version;

/// A port of the real world, used from a simulation.
pub struct Steady<P: ?Sized> {
    port: Arc<P>,
    /// A runtime whose clock is the real one.
    real: Handle,
    pace: Pace,
    /// The last position that was written from here.
    wrote: watch::Sender<u64>,
}

impl<P: ?Sized> Steady<P> {
    /// This port, served by a runtime of the real world.
    pub fn new(port: Arc<P>, real: Handle, pace: Pace) -> Arc<Self> {
        Arc::new(Self { port, real, pace, wrote: watch::Sender::new(0) })
    }

    fn held<T: Send>(&self, call: impl Future<Output = T> + Send) -> T {
        held(&self.real, call)
    }
}

/// Has a call done by a runtime of the real world, while everything here waits.
pub fn held<T: Send>(real: &Handle, call: impl Future<Output = T> + Send) -> T {
    // Not on this thread: it belongs to the simulation's runtime.
    let done = std::thread::scope(|scope| scope.spawn(|| real.block_on(call)).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[async_trait]
impl Git for Steady<dyn Git> {
    async fn head(&self) -> Result<String, Fault> {
        self.held(self.port.head())
    }
    async fn first_commit(&self) -> Result<String, Fault> {
        self.held(self.port.first_commit())
    }
    async fn dirty(&self, under: &[&str]) -> Result<Vec<String>, Fault> {
        self.held(self.port.dirty(under))
    }
    async fn tree(&self, commit: &str, folder: &str) -> Result<Option<Tree>, Fault> {
        self.held(self.port.tree(commit, folder))
    }
    async fn tag(&self, name: &str) -> Result<Option<GitTag>, Fault> {
        self.held(self.port.tag(name))
    }
    async fn tags(&self, prefix: &str) -> Result<Vec<GitTag>, Fault> {
        self.held(self.port.tags(prefix))
    }
    async fn create_tag(&self, name: &str, commit: &str, message: &str) -> Result<(), Fault> {
        self.held(self.port.create_tag(name, commit, message))
    }
    async fn push_tag(&self, remote: &str, name: &str) -> Result<(), Fault> {
        self.held(self.port.push_tag(remote, name))
    }
    async fn authors(&self, since: Option<&str>, until: &str, under: &[&str]) -> Result<Vec<String>, Fault> {
        self.held(self.port.authors(since, until, under))
    }
    async fn descends(&self, commit: &str, from: &str) -> Result<bool, Fault> {
        self.held(self.port.descends(commit, from))
    }
    async fn identity(&self) -> Result<Option<String>, Fault> {
        self.held(self.port.identity())
    }
}

#[async_trait]
impl Commits for Steady<dyn Commits> {
    async fn commit(&self, message: &str) -> Result<(), Fault> {
        self.held(self.port.commit(message))
    }
}

#[async_trait]
impl Trees for Steady<dyn Trees> {
    async fn working(&self, folders: &[&str]) -> Result<Tree, Fault> {
        self.held(self.port.working(folders))
    }
    async fn write(&self, path: &str, text: &str) -> Result<(), Fault> {
        self.held(self.port.write(path, text))
    }
    async fn write_all(&self, files: &[(&str, &str)]) -> Result<(), Fault> {
        self.held(self.port.write_all(files))
    }
    async fn remove(&self, path: &str) -> Result<(), Fault> {
        self.held(self.port.remove(path))
    }
}

#[async_trait]
impl Packages for Steady<dyn Packages> {
    async fn fetch(
        &self,
        product: &ProductName,
        version: &Version,
        commit: &str,
        digest: &Digest,
    ) -> Result<Arc<Tree>, Fault> {
        self.held(self.port.fetch(product, version, commit, digest))
    }
}

#[async_trait]
impl Journal for Steady<dyn Journal> {
    fn id(&self) -> uuid::Uuid {
        self.port.id()
    }
    async fn head(&self) -> Result<(u64, Digest), Fault> {
        self.held(self.port.head())
    }
    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Event>, Fault> {
        self.held(self.port.read(after, limit))
    }
    async fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, Fault> {
        self.held(self.port.entries(after, limit))
    }
    async fn append(
        &self,
        expected: u64,
        fence: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Event>, AppendError> {
        let written = self.held(self.port.append(expected, fence, events))?;
        if let Some(last) = written.last() {
            self.wrote.send_replace(last.seq);
        }
        Ok(written)
    }
    /// What is written from here is known at once; what another process writes, a moment later.
    async fn wait(&self, after: u64, at_most: Duration) -> Result<(), Fault> {
        let end = Instant::now() + at_most;
        let mut wrote = self.wrote.subscribe();
        loop {
            if *wrote.borrow_and_update() > after || self.held(self.port.head())?.0 > after {
                return Ok(());
            }
            let next = end.min(Instant::now() + self.pace.moment());
            tokio::select! {
                biased;
                _ = wrote.changed() => {}
                () = tokio::time::sleep_until(next) => if next == end {
                    return Ok(());
                }
            }
        }
    }
    async fn lease(
        &self,
        us: &DriverLease,
        may_take_over: &(dyn for<'a> Fn(&'a DriverLease) -> bool + Send + Sync),
    ) -> Result<LeaseAnswer, Fault> {
        self.held(self.port.lease(us, may_take_over))
    }
    async fn release(&self, fence: u64) -> Result<(), Fault> {
        self.held(self.port.release(fence))
    }
    async fn driver(&self) -> Result<Option<DriverLease>, Fault> {
        self.held(self.port.driver())
    }
}
