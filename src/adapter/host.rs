//! Processes of this host, as `/proc` shows them.

use std::fs;

use crate::port::{Host, ProcessId};

/// The host that this process runs on.
#[derive(Debug, Clone)]
pub struct LocalHost {
    this: ProcessId,
}

impl LocalHost {
    /// Reads who this process is.
    pub fn new() -> Self {
        let pid = i32::try_from(std::process::id()).unwrap_or(i32::MAX);
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { this: ProcessId { pid, start_ticks: start_ticks(pid).unwrap_or(0), host, boot: boot_id() } }
    }
}

impl Default for LocalHost {
    fn default() -> Self {
        Self::new()
    }
}

impl Host for LocalHost {
    fn this(&self) -> ProcessId {
        self.this.clone()
    }

    fn lives(&self, pid: i32, start_ticks: u64) -> bool {
        self::start_ticks(pid) == Some(start_ticks)
    }
}

/// The id of this boot; empty where the system has none, and then no death is ever proved by it.
fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|s| s.trim().to_owned()).unwrap_or_default()
}

/// A process's start time in clock ticks since boot, if it lives; a zombie has ended.
pub(crate) fn start_ticks(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field, the program's name in parentheses, may hold spaces and parentheses itself.
    let after_name = stat.rsplit_once(')')?.1;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    if fields.first().is_some_and(|state| matches!(*state, "Z" | "X")) {
        return None;
    }
    // Field 22 of the page proc_pid_stat(5); the first field after the name is number 3.
    fields.get(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn this_process_lives_and_one_that_ended_does_not() {
        let host = LocalHost::new();
        let this = host.this();
        assert!(host.lives(this.pid, this.start_ticks));
        assert!(!host.lives(this.pid, this.start_ticks + 1), "another process with the same id");
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let ticks = start_ticks(pid).unwrap();
        assert!(host.lives(pid, ticks));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!host.lives(pid, ticks));
    }
}
