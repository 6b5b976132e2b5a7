//! Simulated hosts and their processes: who lives is known, so that a death can be proved or not.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::port::{Host, ProcessId};

/// A host; clones are the same host.
#[derive(Debug, Clone)]
pub struct SimulatedHost {
    name: String,
    alive: Arc<Mutex<(i32, BTreeSet<i32>)>>,
}

/// A process of a host.
#[derive(Debug, Clone)]
pub struct SimulatedProcess {
    host: SimulatedHost,
    pid: i32,
}

impl SimulatedHost {
    /// A host on which nothing runs yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), alive: Arc::default() }
    }

    /// The same host at a later time, when none of the processes lives that it has had.
    pub(super) fn emptied(&self) -> Self {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        Self { name: self.name.clone(), alive: Arc::new(Mutex::new((alive.0, BTreeSet::new()))) }
    }

    /// A new process.
    pub fn process(&self) -> SimulatedProcess {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.0 += 1;
        let pid = alive.0;
        alive.1.insert(pid);
        SimulatedProcess { host: self.clone(), pid }
    }
}

impl SimulatedProcess {
    /// It is no more.
    pub fn end(&self) {
        self.host.alive.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&self.pid);
    }
}

impl Host for SimulatedProcess {
    fn this(&self) -> ProcessId {
        ProcessId {
            pid: self.pid,
            start_ticks: u64::try_from(self.pid).unwrap_or_default(),
            host: self.host.name.clone(),
            boot: format!("boot-of-{}", self.host.name),
            pid_namespace: ProcessId::WHOLE_HOST.to_owned(),
        }
    }

    fn lives(&self, pid: i32, start_ticks: u64) -> bool {
        let alive = self.host.alive.lock().unwrap_or_else(PoisonError::into_inner);
        u64::try_from(pid).is_ok_and(|pid| pid == start_ticks) && alive.1.contains(&pid)
    }
}
