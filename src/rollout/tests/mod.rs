//! The core's named tests: what each kind of event leads to, in a scripted world.

#![allow(clippy::unwrap_used)]

#[path = "../../../tests/scripted/mod.rs"]
pub(crate) mod scripted;

mod cases;
mod deadlines;
mod fleet;
mod gates;
mod hotfixes;
mod live;
mod patience;
mod rebuild;
mod replan;
mod rollbacks;
mod soak;
mod stall;
mod verify;
