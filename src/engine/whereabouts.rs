//! What can be proved of a process that wrote down where it ran. Only in the same PID namespace does a
//! number that is missing here mean that its process is dead; and only on a host that is no container
//! does another boot mean that everything before it is gone, since names of containers are given again
//! on other machines.

use crate::port::{DriverLease, Host, ProcessId};
use crate::rollout::Interrupted;

/// Where a process ran, as it was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts<'a> {
    host: &'a str,
    boot: &'a str,
    pid_namespace: &'a str,
}

/// How that place relates to a process that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The same processes, counted alike: they can be seen, and ended.
    Here,
    /// This host before its last start: whatever ran there is gone.
    Gone,
    /// Out of sight: another host, another container, or written down by a version that did not say.
    Elsewhere,
}

impl<'a> Whereabouts<'a> {
    /// Of a process.
    pub fn of(process: &'a ProcessId) -> Self {
        let ProcessId { host, boot, pid_namespace, .. } = process;
        Self { host, boot, pid_namespace }
    }

    /// Of the driver's lease.
    pub fn of_lease(lease: &'a DriverLease) -> Self {
        let DriverLease { host, boot, pid_namespace, .. } = lease;
        Self { host, boot, pid_namespace }
    }

    /// Of a step's interrupted try.
    pub fn of_try(left: &'a Interrupted) -> Self {
        let Interrupted { host, boot, pid_namespace, .. } = left;
        Self { host, boot, pid_namespace }
    }

    /// How it relates to `us`.
    pub fn seen_from(self, us: &ProcessId) -> Relation {
        let known = !self.boot.is_empty() && !us.boot.is_empty() && !self.pid_namespace.is_empty();
        if !known || self.host != us.host || self.pid_namespace != us.pid_namespace {
            return Relation::Elsewhere;
        }
        if self.boot == us.boot {
            Relation::Here
        } else if us.pid_namespace == ProcessId::WHOLE_HOST {
            Relation::Gone
        } else {
            Relation::Elsewhere
        }
    }

    /// Whether a process of this place is proved dead.
    pub fn proved_dead(self, us: &ProcessId, host: &dyn Host, pid: i32, start_ticks: u64) -> bool {
        match self.seen_from(us) {
            Relation::Here => !host.lives(pid, start_ticks),
            Relation::Gone => true,
            Relation::Elsewhere => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(host: &str, boot: &str, pid_namespace: &str) -> ProcessId {
        let owned = str::to_owned;
        ProcessId {
            pid: 7,
            start_ticks: 70,
            host: owned(host),
            boot: owned(boot),
            pid_namespace: owned(pid_namespace),
        }
    }

    /// A host on which nobody lives.
    struct Empty(ProcessId);

    impl Host for Empty {
        fn this(&self) -> ProcessId {
            self.0.clone()
        }
        fn lives(&self, _: i32, _: u64) -> bool {
            false
        }
    }

    fn dead(us: &ProcessId, them: &ProcessId) -> bool {
        Whereabouts::of(them).proved_dead(us, &Empty(us.clone()), them.pid, them.start_ticks)
    }

    #[test]
    fn a_number_that_is_missing_here_proves_a_death_only_in_the_same_pid_namespace() {
        let us = process("ops", "b1", "pid:[4026532001]");
        assert!(dead(&us, &process("ops", "b1", "pid:[4026532001]")));
        assert!(!dead(&us, &process("ops", "b1", "pid:[4026532002]")), "another container of this host");
        assert!(!dead(&us, &process("ops", "b1", "host")), "the host around this container");
        assert!(!dead(&us, &process("ops", "b1", "")), "written by a version that did not say");
        assert!(!dead(&process("ops", "b1", ""), &process("ops", "b1", "")), "a /proc of somebody else");
        assert!(!dead(&us, &process("ops-2", "b1", "pid:[4026532001]")));
    }

    #[test]
    fn another_boot_proves_a_death_on_a_host_and_not_in_a_container() {
        let us = process("ops", "b2", ProcessId::WHOLE_HOST);
        assert!(dead(&us, &process("ops", "b1", ProcessId::WHOLE_HOST)));
        assert!(!dead(&us, &process("ops", "", ProcessId::WHOLE_HOST)), "nobody knows which boot");
        // The same name on two machines, whose namespaces are numbered alike.
        assert!(!dead(&process("runner-0", "b2", "pid:[1]"), &process("runner-0", "b1", "pid:[1]")));
    }
}
