//! The digests of a plan: inputs, wave and plan. What goes into each is the design's section 5;
//! what is left out (from-state, ages of observations, texts for people) makes no plan another one.
//!
//! An inputs digest is a digest of two digests, one of what the cluster gives and one of what the
//! product gives, since ten thousand clusters times forty products share most of both.

use crate::digest::{self, CanonicalError, Digest};
use crate::model::{DeployStep, Labels, Lane, Product, WaveName};
use crate::version::KubeMinor;

use super::{PlannedCluster, PlannedGate, PlannedProduct, PlannedSoak, PlannedWave, Renderers};

/// Bound into every digest, so that a change of what goes into them is a change of them all.
const FORMAT: u32 = 1;

/// What a cluster gives to inputs digests: the fields that templates may see, and the minor that
/// its manifests are rendered for.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct ClusterInputs<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its labels.
    pub labels: &'a Labels,
    /// Who runs it.
    pub provider: Option<&'a str>,
    /// The served minor.
    pub kubernetes: KubeMinor,
}

/// What a product gives to inputs digests.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct ProductInputs<'a> {
    /// The product digest.
    pub product: Digest,
    /// The digest of the effective values, with secret references.
    pub values: Digest,
    /// What renders it.
    pub renderers: UsedRenderers<'a>,
}

/// The renderers that a product uses, with versions: a new helm changes nothing in a product that
/// has no chart.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct UsedRenderers<'a> {
    /// The format number of our own rendering, where there are manifests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifests: Option<u32>,
    /// Helm's version, where there are charts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helm: Option<&'a str>,
}

impl<'a> UsedRenderers<'a> {
    /// Those of `renderers` that a product uses.
    pub fn of(product: &Product, renderers: &'a Renderers) -> Self {
        let has = |wanted: fn(&DeployStep) -> bool| product.deploy.iter().any(|step| wanted(&step.value));
        Self {
            manifests: has(|s| matches!(s, DeployStep::Manifests(_))).then_some(renderers.manifests),
            helm: has(|s| matches!(s, DeployStep::Helm(_))).then_some(renderers.helm.as_deref()).flatten(),
        }
    }
}

impl PlannedProduct {
    /// The renderers that it uses.
    pub fn renderers<'a>(&self, renderers: &'a Renderers) -> UsedRenderers<'a> {
        let has = |kind: &str| self.steps.iter().any(|step| step.kind == kind);
        UsedRenderers {
            manifests: has("manifests").then_some(renderers.manifests),
            helm: has("helm").then_some(renderers.helm.as_deref()).flatten(),
        }
    }
}

#[derive(serde::Serialize)]
struct Formatted<'a, T> {
    format: u32,
    #[serde(flatten)]
    inputs: &'a T,
}

impl ClusterInputs<'_> {
    /// The cluster's half of its inputs digests.
    ///
    /// # Errors
    /// Never in practice: names, labels and numbers have canonical JSON.
    pub fn digest(&self) -> Result<Digest, CanonicalError> {
        digest::of(&Formatted { format: FORMAT, inputs: self })
    }
}

impl ProductInputs<'_> {
    /// The product's half of inputs digests.
    ///
    /// # Errors
    /// Never in practice: digests and versions have canonical JSON.
    pub fn digest(&self) -> Result<Digest, CanonicalError> {
        digest::of(&Formatted { format: FORMAT, inputs: self })
    }
}

/// The inputs digest of one product on one cluster, from its halves: the SHA-256 of the canonical
/// JSON `{"cluster":"sha256:...","product":"sha256:..."}`.
pub fn inputs(cluster: &Digest, product: &Digest) -> Digest {
    let mut json = Vec::with_capacity(176);
    json.extend_from_slice(b"{\"cluster\":");
    quote(&mut json, cluster);
    json.extend_from_slice(b",\"product\":");
    quote(&mut json, product);
    json.push(b'}');
    digest::bytes(&json)
}

/// A digest as a JSON string, without the detours of `Display`: this runs 400,000 times in a plan.
fn quote(json: &mut Vec<u8>, digest: &Digest) {
    let mut digits = [0; 64];
    // Thirty-two bytes are sixty-four digits, so this can't fail.
    let _ = hex::encode_to_slice(digest.as_bytes(), &mut digits);
    json.extend_from_slice(b"\"sha256:");
    json.extend_from_slice(&digits);
    json.push(b'"');
}

/// A cluster in a wave digest: the SHA-256 of the canonical JSON
/// `{"inputs":["sha256:...",...],"uid":"..."}`, its targets in the order in which they go there.
pub(super) fn cluster(planned: &PlannedCluster) -> Result<Digest, CanonicalError> {
    let mut json = Vec::with_capacity(planned.targets.len() * 74 + 80);
    json.extend_from_slice(b"{\"inputs\":[");
    for (at, target) in planned.targets.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        quote(&mut json, &target.inputs);
    }
    json.extend_from_slice(b"],\"uid\":");
    json.extend_from_slice(&digest::canonical_json(planned.uid.as_str())?);
    json.push(b'}');
    Ok(digest::bytes(&json))
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct WaveInputs<'a> {
    format: u32,
    release: Digest,
    lane: Lane,
    wave: &'a WaveName,
    pools: Vec<PoolInputs<'a>>,
    test_digests: std::collections::BTreeMap<Digest, Digest>,
    tests: crate::model::TestPolicy,
    at_once: Option<u32>,
    failure_budget: u32,
    deferred_budget: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_deadline: Option<crate::model::Duration>,
    gates_before: &'a [PlannedGate],
    gates_after: &'a [PlannedGate],
    soak: &'a Option<PlannedSoak>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct PoolInputs<'a> {
    name: &'a str,
    at_once: Option<u32>,
    clusters: Vec<Digest>,
}

/// The digest of a wave, to which approvals and completeness bind.
///
/// # Errors
/// Never in practice: what a wave holds has canonical JSON.
pub fn wave(
    release: Digest,
    lane: Lane,
    planned: &PlannedWave,
    products: &std::collections::BTreeMap<Digest, PlannedProduct>,
) -> Result<Digest, CanonicalError> {
    let mut test_digests = std::collections::BTreeMap::new();
    let mut pools = Vec::with_capacity(planned.pools.len());
    for pool in &planned.pools {
        let mut clusters = Vec::with_capacity(pool.clusters.len());
        for member in &pool.clusters {
            clusters.push(cluster(member)?);
            for target in &member.targets {
                if !test_digests.contains_key(&target.digest)
                    && let Some(product) = products.get(&target.digest)
                {
                    test_digests.insert(target.digest, product.test_digest);
                }
            }
        }
        pools.push(PoolInputs { name: pool.name.as_str(), at_once: pool.at_once, clusters });
    }
    digest::of(&WaveInputs {
        format: FORMAT,
        release,
        lane,
        wave: &planned.name,
        pools,
        test_digests,
        tests: planned.tests,
        at_once: planned.at_once,
        failure_budget: planned.failure_budget,
        deferred_budget: planned.deferred_budget,
        cluster_deadline: planned.cluster_deadline,
        gates_before: &planned.gates_before,
        gates_after: &planned.gates_after,
        soak: &planned.soak,
    })
}

/// The digest of a plan: over its wave digests, in order.
///
/// # Errors
/// Never in practice: digests have canonical JSON.
pub fn plan<'a>(waves: impl IntoIterator<Item = &'a Digest>) -> Result<Digest, CanonicalError> {
    #[derive(serde::Serialize)]
    struct PlanInputs<'a> {
        format: u32,
        waves: Vec<&'a Digest>,
    }
    digest::of(&PlanInputs { format: FORMAT, waves: waves.into_iter().collect() })
}
