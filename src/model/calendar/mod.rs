//! The calendar: when the fleet may change and when it must not, in `pipelines/calendar.yaml`.
//! What a file can say, and what that means at a moment for a cluster, as a pure function of both.
//! Whether its names and selectors fit the fleet is for `catalog`.

mod file;
mod moment;
mod schedule;
mod times;
mod verdict;
mod when;
mod zone;

pub use file::{Calendar, CalendarFile, Entry, Freeze, Window, WindowKind};
pub use moment::Moment;
pub use schedule::{Schedule, ScheduleError};
pub use verdict::{Closed, ClosedBy, Subject, Verdict};
pub use when::{When, WhenError};
pub use zone::{Zone, ZoneError};

#[cfg(test)]
mod tests;
