//! What is newer upstream: what is in use is gathered from the files, the newest release and the journal
//! (`used`), the sources are asked (`ask`), and `lcm` says how the two stand.

mod ask;
mod fixed;
mod kubernetes;
mod learn;
mod live;
mod packages;
mod scans;
mod used;

pub use ask::{Upstreams, now};
pub use learn::Learned;
pub use live::{Asked, Live, live};
pub use packages::{Comparing, Differences, compare};
pub use scans::{Scanned, Scanners};
pub use used::{Gathered, gather};

use crate::lcm::declared::Item;
use crate::lcm::policies::Policies;
use crate::lcm::policy::Policy;
use crate::lcm::projects::Projects;
use crate::lcm::row::{self, Answers, InUse, Row};
use crate::model::Support;
use crate::report::weekly::security::pairs;

/// What the sources said of everything that is in use.
pub struct Looked {
    /// What they answered about each thing.
    pub answers: Answers,
    /// How each thing stands.
    pub rows: Vec<Row>,
    /// What was learned beside versions.
    pub learned: Learned,
    /// What was said about vulnerabilities.
    pub scanned: Scanned,
}

/// Asks the sources: about versions, and once it is known which things are behind, about what changed. Support
/// windows are the same for all, so they are asked for at once: whoever is slow must not take their time.
pub async fn look(
    used: &InUse,
    policies: &Policies,
    projects: &Projects,
    own: Option<&Support>,
    upstreams: &Upstreams,
) -> Looked {
    let (answers, windows) = futures::join!(ask::ask(used, policies, upstreams), upstreams.support.whole());
    let rows = rows(policies, used, &answers);
    let policy = |product: &str, item: &Item| policies.of_item(product, item);
    let pairs = pairs(&rows, used);
    let (learned, scanned) = futures::join!(
        learn::learn(&rows, projects, &policy, (windows, own), upstreams),
        scans::scan(&pairs, &answers, &*upstreams.registry, &upstreams.scanners),
    );
    Looked { answers, rows, learned, scanned }
}

/// The rows of everything that is in use, by what sources answered.
pub fn rows(policies: &Policies, used: &InUse, answers: &Answers) -> Vec<Row> {
    let policy = |product: &str, item: &Item| -> Policy { policies.of_item(product, item) };
    row::rows(used, answers, &policy)
}

#[cfg(test)]
mod tests;
