//! HTTP for everything that is published somewhere else: registries, repositories of charts, forges. It
//! decides how politely a host is asked, how long, where an answer may lead, and what is kept on the disk
//! for the next time. What an answer says is for who asked.
//!
//! One [`Web`] stands for one run: it has one deadline, one budget for each host, and it counts.

mod ask;
mod body;
mod budget;
mod clients;
mod disk;
mod lead;
mod link;
mod pass;
mod place;
mod settings;
mod site;
mod veil;
mod words;

pub use ask::{Answer, Ask};
pub use body::Body;
pub use budget::Counts;
pub(super) use clients::choose_ring;
pub use lead::{Lead, Whence};
pub(super) use link::next as next_page;
pub use pass::Pass;
pub use place::Place;
pub use settings::{Keep, Settings, Trust};
pub use site::Web;
pub use veil::Veil;
pub(super) use words::{cause, plain};
