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

/// The clocks of a simulation; clones are the same clocks.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    start: Timestamp,
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
        let (home, shown) = (std::thread::current().id(), Arc::default());
        Self { start, began: Instant::now(), home, shown, jumped: Arc::default() }
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
        let elapsed = self.began.elapsed();
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
