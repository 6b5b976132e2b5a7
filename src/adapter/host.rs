//! This host and its processes: its name, its boot id, the PID namespace, and when a process started,
//! which together tell whether a process seen earlier is still the same one. A number alone does not:
//! numbers are used again, and two containers count apart.

use std::collections::BTreeMap;

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
        let start_ticks = start_ticks(pid).unwrap_or(0);
        Self {
            this: ProcessId {
                pid,
                start_ticks,
                host: name(),
                boot: boot_id(),
                pid_namespace: pid_namespace(),
            },
        }
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

/// The host's name.
fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What changes with every start of the host; empty where the system has none, and then no death
/// is ever proved by it.
#[cfg(target_os = "linux")]
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// What changes with every start of the host.
#[cfg(not(target_os = "linux"))]
fn boot_id() -> String {
    ask("sysctl", &["-n", "kern.bootsessionuuid"]).unwrap_or_default()
}

/// The number of the PID namespace that Linux makes at its start (`PROC_PID_INIT_INO` of its
/// include/linux/proc_ns.h): whoever is in it sees all processes of the host.
#[cfg(target_os = "linux")]
const INITIAL_NAMESPACE: &str = "pid:[4026531836]";

/// The PID namespace of this process (pid_namespaces(7)). Empty where `/proc` is not there or is that
/// of another namespace: what it says of a number is then no proof.
#[cfg(target_os = "linux")]
fn pid_namespace() -> String {
    let link = |path: &str| std::fs::read_link(path).ok()?.to_str().map(str::to_owned);
    let numbers_are_ours = link("/proc/self") == Some(std::process::id().to_string());
    match link("/proc/self/ns/pid").filter(|_| numbers_are_ours) {
        Some(namespace) if namespace == INITIAL_NAMESPACE => ProcessId::WHOLE_HOST.to_owned(),
        Some(namespace) => namespace,
        None => String::new(),
    }
}

/// The PID namespace of this process: there is only one.
#[cfg(not(target_os = "linux"))]
fn pid_namespace() -> String {
    ProcessId::WHOLE_HOST.to_owned()
}

/// When a process started, in clock ticks since boot (field 22 of proc(5) `/proc/PID/stat`);
/// `None` if there is none of that number, or only one that ended and was not waited for.
#[cfg(target_os = "linux")]
pub(super) fn start_ticks(pid: i32) -> Option<u64> {
    stat(pid).filter(|stat| !matches!(stat.state, 'Z' | 'X')).map(|stat| stat.start_ticks)
}

/// When a process started, as a number that differs from that of every other start; `None` if
/// there is none of that number.
#[cfg(not(target_os = "linux"))]
pub(super) fn start_ticks(pid: i32) -> Option<u64> {
    let text = ask("ps", &["-o", "lstart=", "-p", &pid.to_string()])?;
    let digest = crate::digest::bytes(text.as_bytes()).to_string();
    u64::from_str_radix(digest.trim_start_matches("sha256:").get(..15)?, 16).ok()
}

#[cfg(not(target_os = "linux"))]
fn ask(program: &str, args: &[&str]) -> Option<String> {
    let output = std::process::Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// What `/proc/PID/stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// `R`, `S`, `Z` and so on.
    pub state: char,
    /// The process group.
    pub group: i32,
    /// The start in clock ticks since boot.
    pub start_ticks: u64,
}

/// One process, dead ones that nobody waited for included.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The second field is the program's name in parentheses and may hold blanks and parentheses.
fn parse_stat(text: &str) -> Option<Stat> {
    let rest = text.get(text.rfind(')')? + 1..)?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        group: fields.get(2)?.parse().ok()?,
        start_ticks: fields.get(19)?.parse().ok()?,
    })
}

/// Every process that is alive, by number; empty where there is no `/proc`.
pub(super) fn processes() -> BTreeMap<i32, Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return BTreeMap::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?)))
        .filter(|(_, stat)| !matches!(stat.state, 'Z' | 'X'))
        .collect()
}

/// Whether a process was started with this environment variable at this value.
pub(super) fn started_with(pid: i32, name: &str, value: &str) -> bool {
    let wanted = format!("{name}={value}");
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environment| environment.split(|b| *b == 0).any(|entry| entry == wanted.as_bytes()))
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Waits until a process is gone, ten seconds at most.
    pub async fn wait_until_dead(pid: u32) {
        let pid = i32::try_from(pid).unwrap();
        for _ in 0..1000 {
            if start_ticks(pid).is_none() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("process {pid} still lives");
    }

    #[test]
    fn a_name_with_parentheses_does_not_confuse_the_reader() {
        let line = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";
        assert_eq!(parse_stat(line), Some(Stat { state: 'S', group: 42, start_ticks: 987_654 }));
        assert_eq!(parse_stat("42 (x) S 1"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn this_process_and_this_host_are_known() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(start_ticks(own).unwrap() > 0);
        let host = LocalHost::new();
        let this = host.this();
        assert_eq!((this.pid, this.boot.len()), (own, 36));
        assert!(!this.host.is_empty());
        assert!(!this.pid_namespace.is_empty(), "no death could ever be proved");
        assert!(host.lives(own, this.start_ticks));
        assert!(!host.lives(own, this.start_ticks + 1), "another process with the same id");
    }

    #[test]
    fn a_process_that_ended_has_no_start() {
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        child.wait().unwrap();
        assert_eq!(start_ticks(pid), None);
    }
}
