//! A row of the report: one thing of one product, what of it is declared, what the newest release has, what
//! runs, what is newest, and how these stand. A source that gave no answer makes a row that says so: silence
//! is never "nothing newer".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::around::{Around, Pinned, Workloads};
use super::changes::Changes;
use super::declared::{Declared, Item};
use super::deferred::Hold;
use super::fixed::Digests;
use super::policy::Policy;
use super::support::course::Deadline;
use super::support::known::Window;
use super::support::kubernetes::Provider;
use super::upstream::{Answer, Unanswered};
use super::version::Level;
use crate::model::{ClusterName, Mirrors};
use crate::version::{KubeMinor, KubeVersion};

mod addons;
mod kubernetes;
mod parts;
mod seen;
mod status;

pub use addons::Fit;
pub use status::Status;

use parts::Parts;

/// In the place of a product: images that clusters run and no product put there.
pub const NO_PRODUCT: &str = "(no product)";

/// What the sources answered: about each thing what is published, or why there is no answer.
pub type Answers = BTreeMap<Item, Result<Answer, Unanswered>>;

/// Clusters. All things that run on just the same ones share them: ten thousand clusters with some hundred things
/// each would be millions of names otherwise.
pub type ClusterSet = Arc<BTreeSet<ClusterName>>;

/// What a product's version that some clusters run declares.
#[derive(Debug, Clone)]
pub struct Running {
    /// What it is.
    pub declared: Declared,
    /// Where it runs.
    pub clusters: ClusterSet,
    /// What runs it, if the clusters themselves were asked.
    pub workloads: Workloads,
}

impl Running {
    /// By files and the journal: what runs it there is not known.
    pub fn new(declared: Declared, clusters: BTreeSet<ClusterName>) -> Self {
        Self::on(declared, clusters.into())
    }

    /// The same on clusters that others run on, too.
    pub fn on(declared: Declared, clusters: ClusterSet) -> Self {
        Self { declared, clusters, workloads: Workloads::new() }
    }
}

/// Everything that is in use, wherever that is said.
#[derive(Debug, Clone, Default)]
pub struct InUse {
    /// By the files as they are now.
    pub declared: Vec<Declared>,
    /// By the newest release.
    pub released: Vec<Declared>,
    /// By what clusters were last seen to run.
    pub running: Vec<Running>,
    /// The versions of Kubernetes that they were seen to have.
    pub kubernetes: BTreeSet<KubeVersion>,
    /// The minors that the clusters of each provider have; of whom none was seen, what the release says.
    pub minors: BTreeMap<Provider, BTreeSet<KubeMinor>>,
    /// Registries that keep copies.
    pub mirrors: Mirrors,
    /// Pins that hold.
    pub pinned: Vec<Pinned>,
}

/// One thing of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The product.
    pub product: String,
    /// Who owns it.
    pub owner: String,
    /// What has versions.
    pub item: Item,
    /// The versions that the product's files name, the lowest first; each once.
    pub declared: Vec<String>,
    /// Those of the newest release.
    pub released: Vec<String>,
    /// Those that run, the lowest first, and where.
    pub running: Vec<(String, ClusterSet)>,
    /// The version in use that stands worst, of several alike the lowest: what is told is told of it.
    pub judged: Option<String>,
    /// The newest version of its kind, as far as the policy goes; none if nothing is known of it.
    pub newest: Option<String>,
    /// The newest of each level by itself.
    pub levels: BTreeMap<Level, String>,
    /// How many published patch, minor or major versions it is behind; of Kubernetes, how many minors.
    pub steps: Option<u64>,
    /// When the lowest declared version was published, if that is known.
    pub since: Option<jiff::Timestamp>,
    /// When the newest version was published, if that is known.
    pub published: Option<jiff::Timestamp>,
    /// How it stands; what weighs most is first, and there is always one.
    pub statuses: Vec<Status>,
    /// Where it is declared first; empty if no file does.
    pub place: String,
    /// What of the answer could not be read.
    pub notes: Vec<String>,
    /// Of Kubernetes: the minor that this row is about.
    pub minor: Option<KubeMinor>,
    /// Of Kubernetes: the stops on the way to the newest one, a minor at a time.
    pub stops: Vec<String>,
    /// Of Kubernetes: by when the first wave of an upgrade must start.
    pub deadline: Option<Deadline>,
    /// Of a cloud's add-on: which of its versions go with the versions of Kubernetes in use, and the next one.
    pub fits: Vec<Fit>,
    /// What changed up to the newest version, where somebody told.
    pub changes: Option<Changes>,
    /// Until when what is in use is supported: of all its versions the one with the least left.
    pub window: Option<Window>,
    /// What their tags name, where a file or a lock says so.
    pub digests: Digests,
    /// What is known beside versions.
    pub around: Around,
}

impl Row {
    /// What weighs most.
    pub fn status(&self) -> &Status {
        self.statuses.first().unwrap_or(&Status::Same)
    }

    /// Who is asked which versions there are: of what is pulled from a mirror, where it comes from.
    pub fn source(&self) -> String {
        self.around.copy_of.as_ref().map_or_else(|| self.item.source(), |origin| origin.registry.clone())
    }

    /// Whether a version is in use: by the files, or else by what was released or runs.
    pub fn is_in_use(&self, version: &str) -> bool {
        self.judged.as_deref() == Some(version) || self.declared.iter().any(|declared| declared == version)
    }

    /// Whether a version that runs is one of the declared ones.
    pub fn is_declared(&self, running: &str) -> bool {
        self.declared.iter().any(|declared| is_declared(declared, running, &self.item))
    }

    /// Whether nobody knows what the mirror has that it is pulled from.
    pub fn is_mirror_silent(&self) -> bool {
        self.statuses.iter().any(|status| matches!(status, Status::MirrorUnknown { .. }))
    }

    /// Whether the newest release still names it, and the files do not any more.
    pub fn is_leaving(&self) -> bool {
        self.declared.is_empty() && !self.released.is_empty()
    }

    /// Whether somebody has put it off, and that still counts.
    pub fn is_deferred(&self) -> bool {
        self.statuses.iter().any(|status| matches!(status, Status::Deferred { hold: Hold::Holds, .. }))
    }

    /// How far behind it is, if it is.
    pub fn behind(&self) -> Option<Level> {
        self.statuses
            .iter()
            .find_map(|status| if let Status::Behind(level) = status { Some(*level) } else { None })
    }
}

/// Whether a version that runs is the declared one. A minor of Kubernetes stands for all its patches.
fn is_declared(declared: &str, running: &str, item: &Item) -> bool {
    if !matches!(item, Item::Kubernetes(_)) {
        return declared == running;
    }
    let bare = |text: &str| text.trim_start_matches('v').to_owned();
    let (declared, running) = (bare(declared), bare(running));
    running.strip_prefix(&declared).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+']))
}

/// The rows of all that is in use, in order of products and items.
pub fn rows(used: &InUse, answers: &Answers, policy: &dyn Fn(&str, &Item) -> Policy) -> Vec<Row> {
    let mut by_item: BTreeMap<(&str, &Item), Parts<'_>> = BTreeMap::new();
    for one in &used.declared {
        by_item.entry((&one.product, &one.item)).or_default().declared.push(one);
    }
    for one in &used.released {
        by_item.entry((&one.product, &one.item)).or_default().released.push(one);
    }
    for one in &used.running {
        by_item.entry((&one.declared.product, &one.declared.item)).or_default().running.push(one);
    }
    let rows = |((product, item), parts): ((&str, &Item), Parts<'_>)| {
        let (policy, answer) = (policy(product, item), answers.get(item));
        match item {
            Item::Kubernetes(_) => kubernetes::rows(&parts, item, answer, &policy, &used.pinned),
            Item::Addon { provider, .. } => {
                let minors = used.minors.get(provider).cloned().unwrap_or_default();
                addons::row(&parts, item, answer, &policy, &minors, &used.pinned).into_iter().collect()
            }
            _ => parts.row(item, answer, &policy, used).into_iter().collect(),
        }
    };
    by_item.into_iter().flat_map(rows).collect()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod cloud_tests;
