//! How long something takes on a machine that does other things too.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The best of so many runs counts: the others were disturbed.
const RUNS: usize = 5;

/// The least time that something took: on the clock, and of the processor, which others don't lengthen.
pub fn best<T>(mut run: impl FnMut() -> T) -> (Duration, Duration) {
    let processor = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap())
    };
    let mut least = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        let begun = (Instant::now(), processor());
        std::hint::black_box(run());
        least = (least.0.min(begun.0.elapsed()), least.1.min(processor() - begun.1));
    }
    least
}

/// In milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
