//! Who drives: the journal's driver lease, taken, renewed, given back. A predecessor's lease is
//! taken over only when its process is proved dead on this host, or when it was not renewed for a
//! whole lease by our own boot-time clock, whatever the wall clocks say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::journal::FailureClass;
use crate::port::{DriverLease, Fault, LeaseAnswer, ProcessId};

use super::cluster::Leave;
use super::whereabouts::Whereabouts;
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
            let dead = |holder: &DriverLease| {
                let ran = Whereabouts::of_lease(holder);
                ran.proved_dead(&this, world.host.as_ref(), holder.pid, holder.start_ticks)
            };
            let gone = |holder: &DriverLease| dead(holder) || silent(holder);
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

    /// Renews it every third of its length until it is lost; returns why. A journal that is full, locked
    /// or hangs is asked again as long as the lease holds: each time within a limit, since nobody else
    /// would notice that it never answers.
    pub async fn keep(&self) -> NotDriver {
        let clock = &self.world.clock;
        let this = self.world.host.this();
        let (usual, soon) = (self.times.lease / 3, self.times.lease / 10);
        let mut pause = usual;
        loop {
            clock.sleep(pause).await;
            let before = clock.boot();
            let ours = lease_of(&this, &self.world, &self.times, self.fence);
            // Whoever slept past the end still asks once: perhaps nobody else took over.
            let limit = self.left().clamp(soon, usual);
            let answer = tokio::select! {
                biased;
                answer = self.world.journal.lease(&ours, &|_| false) => answer,
                () = clock.sleep(limit) => Err(Fault::transient(format!(
                    "the journal did not answer within {} s", limit.as_secs_f32()
                ))),
            };
            pause = soon;
            match answer {
                Ok(LeaseAnswer::Granted { fence }) if fence == self.fence => {
                    self.valid_until.store(millis(before + self.times.lease), Ordering::Release);
                    pause = usual;
                }
                Ok(LeaseAnswer::Granted { fence }) => {
                    // Somebody took it over and gave it back meanwhile: what we knew is outdated.
                    let held = DriverLease { fence, ..ours };
                    return NotDriver::Held(held);
                }
                Ok(LeaseAnswer::Held(holder)) => return NotDriver::Held(holder),
                Err(fault) if self.left().is_zero() => return NotDriver::Fault(fault),
                Err(_) => pause = pause.min(self.left()),
            }
        }
    }

    /// How much longer it surely holds.
    fn left(&self) -> Duration {
        let end = Duration::from_millis(self.valid_until.load(Ordering::Acquire));
        end.saturating_sub(self.world.clock.boot())
    }

    /// Gives it back, so that the next driver need not wait.
    pub async fn release(&self) {
        // A lease that can't be given back ends by itself.
        tokio::select! {
            biased;
            _ = self.world.journal.release(self.fence) => {}
            () = self.world.clock.sleep(self.times.lease / 3) => {}
        }
    }
}

#[async_trait::async_trait]
impl Leave for Lease {
    /// Waits while the lease may end before a request of this length does. It is either renewed, or lost,
    /// and then the driver ends whoever waits here.
    async fn granted(&self, length: Duration) {
        while !self.holds_for(length) {
            self.world.clock.sleep((self.times.lease / 100).max(Duration::from_millis(10))).await;
        }
    }
}

fn lease_of(this: &ProcessId, world: &World, times: &Times, fence: u64) -> DriverLease {
    let until = world.clock.now().checked_add(times.lease).unwrap_or(jiff::Timestamp::MAX);
    DriverLease {
        fence,
        process: this.label(),
        host: this.host.clone(),
        boot: this.boot.clone(),
        pid_namespace: this.pid_namespace.clone(),
        pid: this.pid,
        start_ticks: this.start_ticks,
        until,
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
