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

/// For so long after it was looked at the face goes on by itself.
const FRESH: SignedDuration = SignedDuration::from_millis(100);

impl ClockFace {
    /// What it shows at a moment of the real clock. It is looked at again and again; where that is late, the
    /// simulation is, and its clock does not run ahead of it.
    pub fn now(&self, real: Timestamp) -> Timestamp {
        let passed =
            real.duration_since(self.at).clamp(SignedDuration::ZERO, FRESH).as_secs_f64() * self.speed;
        let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or_default();
        self.shows.checked_add(passed).unwrap_or(self.shows)
    }
}
