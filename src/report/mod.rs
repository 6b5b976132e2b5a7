//! What happened and what waits, as data for every surface: summaries, timeline, explanations.

pub mod event;
