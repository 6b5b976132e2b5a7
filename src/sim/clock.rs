//! Virtual time. A simulation runs on a runtime whose clock stands still while somebody works and jumps
//! to the next timer when all wait (tokio's paused clock); wall and boot-time clock are counted on it.
//! Jumps of the wall clock are a fault that can be had; the boot-time clock never jumps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::port::Clock;

/// How long the simulated hosts have been up when a simulation begins.
const UP: Duration = Duration::from_secs(3_600);

/// What the clocks of a simulation show at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Face {
    start: Timestamp,
    elapsed: Duration,
    jumped: SignedDuration,
}

/// The clocks of a simulation; clones are the same clocks.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    start: Timestamp,
    /// How long the simulation had run when this runtime began.
    before: Duration,
    began: Instant,
    /// The simulation's own thread. On any other, tokio's clock is the real one.
    home: ThreadId,
    /// What was shown last on it, in nanoseconds since the beginning.
    shown: Arc<AtomicU64>,
    jumped: Arc<Mutex<SignedDuration>>,
}

impl VirtualClock {
    /// Clocks that begin now, at this moment of the wall clock. Made within the runtime of the simulation.
    pub fn starting(start: Timestamp) -> Self {
        Self::begin(start, Duration::ZERO, SignedDuration::ZERO)
    }

    /// Other clocks, for another runtime, that show what these show now and go on from there. Made within
    /// that runtime, from a face that was looked at in this one.
    pub(super) fn from_face(face: Face) -> Self {
        Self::begin(face.start, face.elapsed, face.jumped)
    }

    fn begin(start: Timestamp, before: Duration, jumped: SignedDuration) -> Self {
        let shown = u64::try_from(before.as_nanos()).unwrap_or(u64::MAX);
        Self {
            start,
            before,
            began: Instant::now(),
            home: std::thread::current().id(),
            shown: Arc::new(AtomicU64::new(shown)),
            jumped: Arc::new(Mutex::new(jumped)),
        }
    }

    /// What the clocks show.
    pub(super) fn face(&self) -> Face {
        let jumped = *self.jumped.lock().unwrap_or_else(PoisonError::into_inner);
        Face { start: self.start, elapsed: self.elapsed(), jumped }
    }

    /// The moment at which the simulation began.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// How long the simulation has run. A port of the real world that is served on another thread sees
    /// what the simulation saw last: it stands still meanwhile.
    pub fn elapsed(&self) -> Duration {
        if std::thread::current().id() != self.home {
            return Duration::from_nanos(self.shown.load(Ordering::Acquire));
        }
        let elapsed = self.before + self.began.elapsed();
        self.shown.store(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX), Ordering::Release);
        elapsed
    }

    /// The wall clock jumps, as when somebody sets it.
    pub fn jump(&self, by: SignedDuration) {
        let mut jumped = self.jumped.lock().unwrap_or_else(PoisonError::into_inner);
        *jumped = jumped.saturating_add(by);
    }

    /// The true time, whatever was done to the wall clock: what clusters count with.
    pub fn truth(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.elapsed()).unwrap_or(SignedDuration::MAX);
        self.start.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let jumped = *self.jumped.lock().unwrap_or_else(PoisonError::into_inner);
        self.truth().checked_add(jumped).unwrap_or(Timestamp::MAX)
    }

    fn boot(&self) -> Duration {
        UP + self.elapsed()
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}
