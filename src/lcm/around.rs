//! What is known of a thing beside its versions: what it is a copy of, whose pins explain that clusters run
//! another version, and which workloads run it; and what that makes of how it stands.

use std::collections::{BTreeMap, BTreeSet};

use super::declared::Item;
use super::live::Workload;
use super::row::Status;
use super::upstream::Tags;
use crate::model::image::Repository;
use crate::model::{ClusterName, Mirrors};

/// What is known of a thing beside its versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// What it is a copy of, if it is pulled from a mirror.
    pub copy_of: Option<Repository>,
    /// The clusters whose version of its product is a pin's.
    pub pinned: BTreeSet<ClusterName>,
    /// What clusters said themselves of what runs, by version; empty unless they were asked.
    pub live: BTreeMap<String, RunsAt>,
}

/// What runs a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsAt {
    /// The digests that were pulled.
    pub digests: BTreeSet<String>,
    /// The workloads, and on which clusters each is.
    pub workloads: Workloads,
}

/// Workloads, and on which clusters each is.
pub type Workloads = BTreeMap<Workload, BTreeSet<ClusterName>>;

/// A pin that holds a version of a product on clusters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The product.
    pub product: String,
    /// The team that answers for it.
    pub owner: String,
    /// Its end, as written.
    pub until: String,
    /// The clusters that run its version.
    pub clusters: BTreeSet<ClusterName>,
}

impl Pinned {
    /// The same for a part of the clusters.
    pub(super) fn on(&self, is_part: &dyn Fn(&ClusterName) -> bool) -> Self {
        let clusters = self.clusters.iter().filter(|name| is_part(name)).cloned().collect();
        Self { clusters, ..self.clone() }
    }

    /// What it says of each thing of its product; nothing if no cluster runs its version yet.
    pub(super) fn status(&self) -> Option<Status> {
        let Self { owner, until, clusters, .. } = self;
        let status =
            || Status::Pinned { until: until.clone(), owner: owner.clone(), clusters: clusters.len() };
        (!clusters.is_empty()).then(status)
    }
}

impl Item {
    /// What a copy at a mirror is a copy of; nothing if it is none.
    pub fn origin(&self, mirrors: &Mirrors) -> Option<Item> {
        match self {
            Self::Image(repository) => mirrors.origin(repository).map(Self::Image),
            Self::Kubernetes(_) | Self::Addon { .. } | Self::Chart { .. } | Self::Tool(_) => None,
        }
    }
}

/// What the tags of a mirror make of how a version of a copy stands upstream. A version with a digest is pulled
/// by that, and no listing tells whether the mirror has it.
pub(super) fn at_mirror(
    version: &str,
    has_digest: bool,
    newest: Option<&str>,
    mirrored: &Tags,
    statuses: &mut Vec<Status>,
) {
    let has = |version: &str| mirrored.iter().any(|tag| tag == version);
    let gone = statuses.contains(&Status::Missing);
    if !has_digest && !has(version) {
        if !gone {
            statuses.push(Status::NotAtMirror);
        }
    } else if gone {
        statuses.retain(|status| *status != Status::Missing);
        statuses.push(Status::OnlyAtMirror);
    }
    let behind = statuses.iter().any(|status| matches!(status, Status::Behind(_)));
    if let Some(newest) = newest.filter(|newest| behind && !has(newest)) {
        statuses.push(Status::NotMirrored { version: newest.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lcm::version::Level;

    fn judged(has_digest: bool, mirrored: &[&str], upstream: Vec<Status>) -> Vec<Status> {
        let mut statuses = upstream;
        at_mirror("1.0.0", has_digest, Some("1.1.0"), &mirrored.iter().collect(), &mut statuses);
        statuses.sort();
        statuses
    }

    #[test]
    fn the_newest_must_be_copied_before_anybody_can_go_to_it() {
        let behind = || vec![Status::Behind(Level::Minor)];
        let lacks = Status::NotMirrored { version: "1.1.0".to_owned() };
        assert_eq!(judged(false, &["1.0.0"], behind()), [Status::Behind(Level::Minor), lacks.clone()]);
        assert_eq!(judged(false, &["1.0.0", "1.1.0"], behind()), behind());
        assert_eq!(judged(true, &[], behind()), [Status::Behind(Level::Minor), lacks]);
    }

    #[test]
    fn what_the_mirror_lacks_cannot_be_pulled_and_what_it_keeps_can() {
        assert_eq!(judged(false, &["1.1.0"], vec![Status::Same]), [Status::NotAtMirror, Status::Same]);
        assert_eq!(judged(false, &["1.0.0"], vec![Status::Missing]), [Status::OnlyAtMirror]);
        assert_eq!(judged(false, &[], vec![Status::Missing]), [Status::Missing]);
        assert_eq!(judged(true, &[], vec![Status::Same]), [Status::Same]);
    }
}
