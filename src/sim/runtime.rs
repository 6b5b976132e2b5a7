//! The runtime of a simulation: one thread, a clock that stands still while anybody works and jumps when
//! all wait, or goes at most so fast when people look on.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a simulation that is held back looks at the real clock.
const BEAT: Duration = Duration::from_millis(20);

/// Runs a simulation to its end, as fast as it goes. The same future comes to the same end, with the same
/// steps, whenever it is run.
///
/// # Errors
/// When the machine gives no runtime.
pub fn run<T>(simulation: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(simulation))
}

/// Runs a simulation that people look at, with the real world's input beside it: as fast as `pace` lets it.
///
/// # Errors
/// When the machine gives no runtime.
pub fn show<T>(pace: &Pace, simulation: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    Ok(runtime.block_on(async {
        tokio::select! {
            biased;
            done = simulation => done,
            never = pace.keep() => never,
        }
    }))
}

/// How fast virtual time goes, in hundredths of real time; 0 is as fast as it can.
#[derive(Debug, Clone)]
pub struct Pace(Arc<Speed>);

#[derive(Debug)]
struct Speed {
    hundredths: AtomicU64,
    changed: tokio::sync::Notify,
}

/// While this is there, a simulation is held back.
#[must_use]
pub struct HeldBack(Pace);

impl Drop for HeldBack {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

impl Pace {
    /// So many seconds of the simulation in one of people; `None` is as fast as it can.
    pub fn new(speed: Option<f64>) -> Self {
        let inner = Speed { hundredths: AtomicU64::new(0), changed: tokio::sync::Notify::new() };
        let pace = Self(Arc::new(inner));
        pace.set(speed);
        pace
    }

    /// From now on so fast.
    pub fn set(&self, speed: Option<f64>) {
        // From below and above, what a clock can follow.
        let hundredths = speed.map_or(0, |speed| (speed.clamp(0.01, 1e9) * 100.0) as u64);
        self.0.hundredths.store(hundredths, Ordering::Release);
        self.0.changed.notify_waiters();
    }

    /// Waits until it is set anew.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// How fast it goes now; `None` is as fast as it can.
    pub fn speed(&self) -> Option<f64> {
        match self.0.hundredths.load(Ordering::Acquire) {
            0 => None,
            hundredths => Some(hundredths as f64 / 100.0),
        }
    }

    /// Holds it back to so many of its seconds in one of people's, as long as what comes back is there; after
    /// that it goes as fast as it can, whatever held it back before.
    pub fn hold_back(&self, speed: f64) -> HeldBack {
        self.set(Some(speed));
        HeldBack(self.clone())
    }

    /// How much of the simulation's time passes in a moment of people's, a tenth of a second.
    pub fn moment(&self) -> Duration {
        self.speed().map_or(Duration::from_secs(30), |speed| Duration::from_millis(100).mul_f64(speed))
    }

    /// Holds the simulation back for ever: to be run beside what is to be held back. It blocks its thread
    /// for some moments at a time, and so all that runs on it.
    pub async fn keep(&self) -> ! {
        loop {
            let begun = Instant::now();
            match self.speed() {
                None => tokio::time::sleep(Duration::from_secs(1)).await,
                Some(speed) => {
                    tokio::time::sleep(BEAT.mul_f64(speed)).await;
                    std::thread::sleep(BEAT.saturating_sub(begun.elapsed()));
                }
            }
        }
    }
}
