//! How data becomes text: terminal tables, progress, JSON envelopes.

pub mod counting;
pub mod envelope;
pub mod exit;
pub mod live;
pub mod mark;
pub mod progress;
pub mod screens;
pub mod surface;
pub mod table;
pub mod time;

pub use surface::{ColorMode, Format, Look, ProgressMode, Screen, Surface};
