//! The clock of a simulation in another process: read from the file that it keeps beside its journal, so
//! that what people ask from a second terminal is asked at the simulation's time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::clock::SystemClock;

use crate::port::{Clock, ClockFace};

/// The clock that a file shows.
#[derive(Debug, Clone)]
pub struct FileClock {
    path: PathBuf,
}

impl FileClock {
    /// The clock of the simulation that keeps this journal, if one does.
    pub fn beside(journal: &Path) -> Option<Self> {
        let clock = Self { path: place(journal) };
        clock.face().is_some().then_some(clock)
    }

    fn face(&self) -> Option<ClockFace> {
        serde_json::from_slice(&std::fs::read(&self.path).ok()?).ok()
    }
}

/// Where the clock of a journal's simulation is kept.
pub fn place(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".clock");
    name.into()
}

#[async_trait]
impl Clock for FileClock {
    fn now(&self) -> Timestamp {
        let real = SystemClock.now();
        self.face().map_or(real, |face| face.seen(real))
    }

    fn boot(&self) -> Duration {
        SystemClock.boot()
    }

    async fn sleep(&self, length: Duration) {
        SystemClock.sleep(length).await;
    }
}
