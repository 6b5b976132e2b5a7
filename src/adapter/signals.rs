//! SIGINT and SIGTERM as something to wait for. What stops, and in which order, is for the engine;
//! a second signal is for those who can't wait, and `cli` then leaves at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::port::Fault;

/// The two signals by which a person or a supervisor asks a process to end.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// Which one came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// SIGINT: somebody pressed Ctrl-C.
    Interrupt,
    /// SIGTERM: a supervisor.
    Terminate,
}

impl Signals {
    /// Takes both over; from now on neither ends the process by itself.
    ///
    /// # Errors
    /// Permanent when the system refuses.
    pub fn new() -> Result<Self, Fault> {
        let take =
            |kind| signal(kind).map_err(|error| Fault::permanent(format!("listening for signals: {error}")));
        Ok(Self { interrupt: take(SignalKind::interrupt())?, terminate: take(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Asked::Interrupt,
            Some(()) = self.terminate.recv() => Asked::Terminate,
            else => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rustix::process::{Pid, Signal as Number, getpid, kill_process};

    fn raise(number: Number) {
        let own: Pid = getpid();
        kill_process(own, number).unwrap();
    }

    #[tokio::test]
    async fn both_signals_are_heard_and_do_not_end_the_process() {
        let mut signals = Signals::new().unwrap();
        raise(Number::TERM);
        assert_eq!(signals.next().await, Asked::Terminate);
        raise(Number::INT);
        assert_eq!(signals.next().await, Asked::Interrupt);
    }
}
