//! A bump as a request to take a branch in: how the branch is called, what the commit says, and what people
//! read who have to decide. What was found out is an argument; who asks the forge is for `engine`.
//!
//! Words of others (release notes, changelogs) are shown, and do nothing: they mention nobody, refer to no
//! issue, close none and give no command ([`neutral`]).

mod body;
mod branch;
mod mark;
pub mod neutral;
mod section;

pub use body::{Bumping, Evidence, Uses, body, title};
pub use branch::{branch, prefix};
pub use mark::{Mark, Signed, edits, message};

#[cfg(test)]
mod tests;
