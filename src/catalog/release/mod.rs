//! Releases: their digest, the lock that fixes them, its verification at every use, the rules
//! between a release and its ancestors, and the difference of two. Reading tags and writing files
//! is left to `engine`.

mod contains;
mod cut;
mod diff;
mod digest;
mod images;
mod rules;
mod verify;

pub use contains::{Family, Missing, by_number, contains, missing};
pub use cut::{Cut, Tagged, cut};
pub(crate) use cut::{missing_tag, reused, written};
pub use diff::{Change, Diff, ProductChange, diff};
pub use digest::digest;
pub use images::{DeclaredImages, ImageChange, by_tag};
pub use rules::{ancestors, contained_hotfixes, rules};
pub(crate) use rules::{is_reserved, reserved};
pub(crate) use verify::own_lock;
pub use verify::{Locked, locked, newest, written_last};

#[cfg(test)]
mod contains_tests;
#[cfg(test)]
mod images_tests;
#[cfg(test)]
mod tests;
