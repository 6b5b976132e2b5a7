//! How data becomes text: terminal tables, progress, JSON envelopes.

pub mod code;
pub mod envelope;
pub mod exit;
pub mod mark;
mod surface;
pub mod table;
pub mod time;

pub use surface::{ColorMode, Format, Look, ProgressMode, Screen, Surface};
