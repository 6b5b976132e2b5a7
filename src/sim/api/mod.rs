//! The API server of a simulated cluster: one request in, one answer out, word for word as a real one.
//! It is a pure function of the cluster, its time among it; what is not imitated stands in
//! docs/design/simulation.md, and a script that is sent to both is in tests/it/conformance.

mod addresses;
mod admission;
mod create;
mod decode;
mod defaults;
mod definitions;
mod delete;
mod discovery;
mod evict;
mod json;
mod media;
mod names;
mod patch;
mod prepare;
mod present;
mod read;
mod request;
mod review;
mod route;
mod scale;
mod select;
mod status;
mod target;
mod unwell;
mod update;
mod validate;
mod watch;
mod write;

#[cfg(test)]
mod tests;

pub use request::{Answer, Reply, Request};
pub use route::answer;
pub use unwell::unwell;
pub use watch::Watch;
