//! The real clocks: the wall clock for events and people, the boot-time clock for leases. The
//! standard library's monotonic clock stands still while a laptop sleeps; CLOCK_BOOTTIME does not
//! (clock_gettime(2)).

use std::time::Duration;

use async_trait::async_trait;

use crate::port::Clock;

/// The clocks of this host.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[cfg(any(target_os = "linux", target_os = "android"))]
const BOOT: rustix::time::ClockId = rustix::time::ClockId::Boottime;

// On macOS CLOCK_MONOTONIC counts the time asleep too.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const BOOT: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn boot(&self) -> Duration {
        let time = rustix::time::clock_gettime(BOOT);
        Duration::new(
            u64::try_from(time.tv_sec).unwrap_or_default(),
            u32::try_from(time.tv_nsec).unwrap_or_default(),
        )
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_clocks_go_forward() {
        let (wall, boot) = (SystemClock.now(), SystemClock.boot());
        SystemClock.sleep(Duration::from_millis(20)).await;
        assert!(SystemClock.boot() >= boot + Duration::from_millis(20));
        assert!(SystemClock.now() > wall);
        assert!(boot > Duration::ZERO);
    }
}
