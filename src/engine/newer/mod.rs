//! What is newer upstream: what is in use is gathered from the files, the newest release and the journal
//! (`used`), the sources are asked (`ask`), and `lcm` says how the two stand.

mod ask;
mod learn;
mod used;

pub use ask::{Upstreams, ask};
pub use learn::{Learned, learn};
pub use used::{Gathered, KUBERNETES, gather};

use crate::lcm::declared::Item;
use crate::lcm::policies::Policies;
use crate::lcm::policy::Policy;
use crate::lcm::row::{self, Answers, InUse, Row};

/// The rows of everything that is in use, by what sources answered.
pub fn rows(policies: &Policies, used: &InUse, answers: &Answers) -> Vec<Row> {
    let policy = |product: &str, item: &Item| -> Policy { policies.of_item(product, item) };
    row::rows(used, answers, &policy)
}

#[cfg(test)]
mod tests;
