//! The driver's pen. Tasks hand their facts in; the driver's loop, which alone knows the state,
//! writes them at exactly the position that the state is at, and leaves out what has come too late
//! (the outcome of something that was aborted or replaced meanwhile).

use tokio::sync::{mpsc, oneshot};

use crate::journal::Body;
use crate::port::Fault;

/// How many facts may wait to be written; a task that finds no room waits.
const ROOM: usize = 256;

/// Why the pen was taken away.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Stopped {
    /// Another process drives now: this one writes nothing more and starts nothing more.
    #[error("another process drives now (fence {current}, ours was {ours}); this one stopped")]
    Fenced {
        /// Ours.
        ours: u64,
        /// The driver's.
        current: u64,
    },
    /// The journal can't be written: without it nothing may be done.
    #[error("the journal can't be written: {0}")]
    Journal(Fault),
    /// The driver's loop has ended.
    #[error("the driver has ended")]
    Ended,
}

/// Facts on their way into the journal.
pub struct Facts {
    /// In order.
    pub bodies: Vec<Body>,
    /// Told once they are durable: whether each of them was written.
    pub written: oneshot::Sender<Vec<bool>>,
}

/// Hands facts to the driver's loop.
#[derive(Clone)]
pub struct Recorder {
    facts: mpsc::Sender<Facts>,
    fence: u64,
}

impl Recorder {
    /// A pen with a fence, and where its facts arrive.
    pub fn new(fence: u64) -> (Self, mpsc::Receiver<Facts>) {
        let (facts, arriving) = mpsc::channel(ROOM);
        (Self { facts, fence }, arriving)
    }

    /// The fence.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// Records facts; durable when it returns. Those that came too late are left out: `false`.
    ///
    /// # Errors
    /// When this process drives no more.
    pub async fn fact(&self, bodies: Vec<Body>) -> Result<Vec<bool>, Stopped> {
        let (written, answer) = oneshot::channel();
        self.facts.send(Facts { bodies, written }).await.map_err(|_| Stopped::Ended)?;
        answer.await.map_err(|_| Stopped::Ended)
    }

    /// Records an intent, and says whether it still holds: what came too late must not be done.
    ///
    /// # Errors
    /// As [`Recorder::fact`].
    pub async fn intent(&self, body: Body) -> Result<bool, Stopped> {
        Ok(self.fact(vec![body]).await?.into_iter().all(|written| written))
    }
}
