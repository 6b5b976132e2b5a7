//! What planning reads. Everything is an argument: the time, the renderers' versions, what the
//! clusters run; so the same arguments make the same plan on every machine.

use std::collections::BTreeMap;

use super::{Durations, PlanOptions};
use crate::catalog::release::Locked;
use crate::digest::Digest;
use crate::model::{
    Calendar, ClusterEntry, ClusterName, ClusterUid, Fleet, PinFile, PipelineFile, ReleaseFile,
};
use crate::resolve::{Ground, HeldProduct, Observation, PastPin, ProductVersion};

/// What [`super::make()`] reads.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The time; pins are asked at it whether they have ended.
    pub now: jiff::Timestamp,
    /// The git commit that is HEAD.
    pub commit: &'a str,
    /// The release, with its lock verified ([`crate::catalog::release::locked`]).
    pub release: Locked<'a>,
    /// Every release that is known.
    pub releases: &'a [&'a ReleaseFile],
    /// The fleet: values and exclusions of environments and pools.
    pub fleet: &'a Fleet,
    /// Every member of the fleet, those that its source lists included
    /// ([`crate::catalog::fleet::members`]).
    pub clusters: &'a BTreeMap<ClusterName, ClusterEntry>,
    /// The pipeline.
    pub pipeline: &'a PipelineFile,
    /// The SHA-256 of the pipeline's file.
    pub pipeline_digest: Digest,
    /// The pins, ended ones included.
    pub pins: &'a [&'a PinFile],
    /// The products that people hold, by cluster; ended holds are not among them.
    pub holds: &'a BTreeMap<ClusterName, Vec<HeldProduct>>,
    /// The calendar, if there is one.
    pub calendar: Option<&'a Calendar>,
    /// Product versions by product digest: at least those that [`crate::resolve::needed`] names.
    pub versions: &'a BTreeMap<Digest, ProductVersion>,
    /// Which installed versions came from a pin, as the journal's plans have it.
    pub past_pins: &'a BTreeMap<ClusterUid, Vec<PastPin>>,
    /// What each cluster was last seen to run; a cluster never reached has no entry.
    pub observed: &'a BTreeMap<ClusterName, Observation>,
    /// What renders, with versions.
    pub renderers: &'a Renderers,
    /// How long steps and tests took, as the journal has it.
    pub durations: &'a Durations,
    /// Who made the release ([`super::PlannedRelease::authors`]).
    pub authors: &'a std::collections::BTreeSet<String>,
    /// What a person allows with this plan.
    pub options: PlanOptions,
    /// Whether clusters that were never reached are left to catch-up.
    pub defer_unknown: bool,
    /// Whether it is made for a question about one cluster: then a wave that nobody was ever reached of is
    /// no mistake, since nothing is rolled out by it.
    pub question: bool,
}

impl<'a> PlanInput<'a> {
    /// The part that resolving reads.
    pub fn ground(&self) -> Ground<'a> {
        Ground {
            release: self.release,
            releases: self.releases,
            fleet: self.fleet,
            pins: self.pins,
            holds: self.holds,
            versions: self.versions,
            past_pins: self.past_pins,
            now: self.now,
        }
    }
}

/// What turns a product's files into objects; part of the inputs digest of what it renders.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Renderers {
    /// The format number of our own rendering of manifests and templates.
    pub manifests: u32,
    /// Helm's version as it prints it; `None` where there is no helm.
    pub helm: Option<String>,
}
