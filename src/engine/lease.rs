//! Who drives: the journal's driver lease, taken, renewed, given back. A predecessor's lease is
//! taken over only when its process is proved dead on this host, or when it was not renewed for a
//! whole lease by our own boot-time clock, whatever the wall clocks say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::journal::FailureClass;
use crate::port::{DriverLease, Fault, LeaseAnswer, ProcessId};

use super::world::{Times, World};

/// Why the lease was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum NotDriver {
    /// Somebody else drives.
    #[error("{} drives, its lease runs until {}", .0.process, .0.until)]
    Held(DriverLease),
    /// The journal can't be read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The driver's lease, held.
pub struct Lease {
    world: World,
    times: Times,
    fence: u64,
    /// Until when it surely holds, in milliseconds of the boot-time clock.
    valid_until: Arc<AtomicU64>,
}

impl Lease {
    /// Takes the lease: at once if it is free or its holder is proved dead; after a whole lease
    /// without renewal otherwise. While the holder is alive it is refused, or, with `standby`,
    /// waited for.
    ///
    /// # Errors
    /// When somebody else drives, or the journal fails.
    pub async fn take(world: &World, times: &Times, standby: bool) -> Result<Self, NotDriver> {
        let this = world.host.this();
        let mut seen: Option<(u64, jiff::Timestamp, Duration)> = None;
        loop {
            let before = world.clock.boot();
            let silent = |holder: &DriverLease| {
                seen.is_some_and(|(fence, until, since)| {
                    fence == holder.fence
                        && until == holder.until
                        && before.saturating_sub(since) >= times.lease
                })
            };
            let gone = |holder: &DriverLease| proved_dead(world, &this, holder) || silent(holder);
            let asked = world.journal.lease(&lease_of(&this, world, times, 0), &gone).await;
            let answer = match asked {
                // A process that froze while it wrote keeps the journal locked; whoever stands by has time.
                Err(fault) if standby && fault.class == FailureClass::Transient => {
                    world.clock.sleep(times.lease / 10).await;
                    continue;
                }
                asked => asked?,
            };
            match answer {
                LeaseAnswer::Granted { fence } => {
                    let valid_until = Arc::new(AtomicU64::new(millis(before + times.lease)));
                    return Ok(Self { world: world.clone(), times: times.clone(), fence, valid_until });
                }
                LeaseAnswer::Held(holder) => {
                    let expired = holder.until <= world.clock.now();
                    if !standby && !expired {
                        return Err(NotDriver::Held(holder));
                    }
                    if !seen.is_some_and(|(fence, until, _)| fence == holder.fence && until == holder.until) {
                        seen = Some((holder.fence, holder.until, before));
                    }
                    world.clock.sleep((times.lease / 10).max(Duration::from_millis(50))).await;
                }
            }
        }
    }

    /// The fence that came with it.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// Whether it surely holds for `length` more.
    pub fn holds_for(&self, length: Duration) -> bool {
        millis(self.world.clock.boot() + length) < self.valid_until.load(Ordering::Acquire)
    }

    /// Renews it every third of its length until it is lost; returns why.
    pub async fn keep(&self) -> NotDriver {
        let this = self.world.host.this();
        loop {
            self.world.clock.sleep(self.times.lease / 3).await;
            let before = self.world.clock.boot();
            let ours = lease_of(&this, &self.world, &self.times, self.fence);
            match self.world.journal.lease(&ours, &|_| false).await {
                Ok(LeaseAnswer::Granted { fence }) if fence == self.fence => {
                    self.valid_until.store(millis(before + self.times.lease), Ordering::Release);
                }
                Ok(LeaseAnswer::Granted { fence }) => {
                    // Somebody took it over and gave it back meanwhile: what we knew is outdated.
                    let held = DriverLease { fence, ..ours };
                    return NotDriver::Held(held);
                }
                Ok(LeaseAnswer::Held(holder)) => return NotDriver::Held(holder),
                Err(fault) if !self.holds_for(Duration::ZERO) => return NotDriver::Fault(fault),
                Err(_) => {}
            }
        }
    }

    /// Gives it back, so that the next driver need not wait.
    pub async fn release(&self) {
        // A lease that can't be given back ends by itself.
        let _ = self.world.journal.release(self.fence).await;
    }
}

fn lease_of(this: &ProcessId, world: &World, times: &Times, fence: u64) -> DriverLease {
    let until = world.clock.now().checked_add(times.lease).unwrap_or(jiff::Timestamp::MAX);
    DriverLease {
        fence,
        process: this.label(),
        host: this.host.clone(),
        boot: this.boot.clone(),
        pid: this.pid,
        start_ticks: this.start_ticks,
        until,
    }
}

/// Whether a process that wrote down who it was is proved dead: same host, and either another boot
/// or no such process any more.
pub fn proved_dead(world: &World, this: &ProcessId, holder: &DriverLease) -> bool {
    holder.host == this.host
        && !this.boot.is_empty()
        && (holder.boot != this.boot || !world.host.lives(holder.pid, holder.start_ticks))
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
