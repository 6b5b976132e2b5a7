//! What the clock of a simulation shows to other processes.

use jiff::{SignedDuration, Timestamp};

/// The face of a simulation's clock: it shows so much at a moment of the real clock, and
/// how fast it goes from there.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClockFace {
    /// What it showed.
    pub shows: Timestamp,
    /// When, by the real clock.
    pub at: Timestamp,
    /// How many of its seconds pass in a real one.
    pub speed: f64,
}

impl ClockFace {
    /// What it shows at a moment of the real clock, if it goes on as fast as that.
    pub fn now(&self, real: Timestamp) -> Timestamp {
        let passed = real.duration_since(self.at).as_secs_f64() * self.speed;
        let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or_default();
        self.shows.checked_add(passed).unwrap_or(self.shows)
    }

    /// What is seen of it at a moment of the real clock, by who looks on. A simulation that goes faster than
    /// life may be late on a busy machine: nobody's clock runs ahead of it.
    pub fn seen(&self, real: Timestamp) -> Timestamp {
        if self.speed > 1.0 { self.shows } else { self.now(real) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_on_is_never_ahead_of_a_simulation_that_is_faster_than_life() {
        let at: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let later = at + SignedDuration::from_secs(2);
        let face = |speed| ClockFace { shows: at, at, speed };
        assert_eq!(face(900.0).now(later), at + SignedDuration::from_secs(1_800));
        assert_eq!(face(900.0).seen(later), at);
        assert_eq!(face(1.0).seen(later), later);
    }
}
