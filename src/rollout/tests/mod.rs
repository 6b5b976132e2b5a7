//! The core's named tests: what each kind of event leads to, in a scripted world.

#![allow(clippy::unwrap_used)]

#[path = "../../../tests/scripted/mod.rs"]
pub(crate) mod scripted;

mod cases;
mod catch_up;
mod deadlines;
mod fleet;
mod gates;
mod hotfixes;
mod joining;
mod live;
mod membership;
mod patience;
mod rebuild;
mod replan;
mod rollbacks;
mod soak;
mod stall;
mod verify;
