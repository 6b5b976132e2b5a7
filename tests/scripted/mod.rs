//! A scripted world around the pure core, for its named tests and for the property tests: plans of
//! any shape, and an engine without a world whose deeds end as a script says. It decides nothing
//! that the core decides.

#![allow(dead_code, clippy::unwrap_used)]

pub mod plans;
pub mod world;
