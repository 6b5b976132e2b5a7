//! From the wish to roll back to a plan: which clusters carry what the rollout brought, as they are
//! seen now, what they ran before (by the journal, else by their own records), and the content of
//! that. It gathers; `plan::rollback` decides.

use std::collections::BTreeMap;

use crate::apply::record::{Record, State};
use crate::diag::{Finding, Findings, codes};
use crate::digest::Digest;
use crate::model::{Actor, ClusterName, Observed, ProductName, RecordPhase, RolloutId, WaveName};
use crate::plan::rollback::{self, Before, Carrier, RollbackInput};
use crate::plan::{Access, Durations, Plan, PlannedProduct, PlannedRollback, Renderers};
use crate::port::Fault;
use crate::resolve::ProductVersion;
use crate::rollout::{FleetState, Rollout};

use super::follow::Follower;
use super::planning::{PlanError, record};
use super::survey::{self, Look};
use super::world::{Times, World};

/// What is to be taken back.
#[derive(Debug, Clone)]
pub struct RollbackRequest {
    /// The rollout.
    pub of: RolloutId,
    /// Only these waves; all if there are neither waves nor clusters.
    pub waves: Vec<WaveName>,
    /// Only these clusters.
    pub clusters: Vec<ClusterName>,
    /// Whether products that it added go away.
    pub remove_added: bool,
    /// Why.
    pub reason: String,
    /// Who asks; what was seen of clusters is recorded in their name.
    pub actor: Actor,
}

/// The plan of a rollback, with what people should know, and the clusters that could not be reached.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What people should know.
    pub findings: Findings,
    /// The clusters that could not be reached, and why.
    pub unreachable: BTreeMap<ClusterName, String>,
}

/// Plans a rollback. Only reads the clusters; what was seen of them goes into the journal.
///
/// # Errors
/// When the rollout is not known, nothing carries what it brought, a person has to choose where to go
/// back to, or the world stands against it.
pub async fn plan(
    world: &World,
    times: &Times,
    follower: &mut Follower,
    request: &RollbackRequest,
) -> Result<Planned, PlanError> {
    follower.catch_up(|_, _| {}).await?;
    let members = members(original(follower.state(), &request.of)?);
    let looks = survey::fleet(world, times, &members).await;
    record(world, &request.actor, &looks).await?;
    let (seen, records, unreachable) = sorted(looks);
    follower.catch_up(|_, _| {}).await?;
    let state = follower.state();
    let original = original(state, &request.of)?;
    same_clusters(original, &seen)?;

    let mut asked = PlannedRollback {
        of: request.of.clone(),
        waves: Vec::new(),
        clusters: Vec::new(),
        whole: true,
        remove_added: request.remove_added,
        reason: request.reason.clone(),
    };
    let all = state.carriers(original, &asked, &seen).len();
    asked.waves = request.waves.clone();
    asked.clusters = request.clusters.clone();
    let mut carriers = state.carriers(original, &asked, &seen);
    asked.whole = carriers.len() == all;
    for (cluster, carrier) in &mut carriers {
        if let Some(records) = records.get(cluster) {
            by_record(original.plan(), cluster, carrier, records);
        }
    }
    let products = contents(world, state, &carriers).await;
    let renderers = renderers(world, original.plan(), &products).await?;
    let (plan, findings) = rollback::make(&RollbackInput {
        now: world.clock.now(),
        commit: &world.git.head().await?,
        original: original.plan(),
        asked: &asked,
        carriers: &carriers,
        products: &products,
        renderers: &renderers,
    })?;
    Ok(Planned { plan, findings, unreachable })
}

fn original<'s>(state: &'s FleetState, of: &RolloutId) -> Result<&'s Rollout, PlanError> {
    let unknown = || Finding::error(&codes::ROLLOUT_UNKNOWN, format!("no rollout {of} is in this journal"));
    Ok(state.rollout(of).ok_or_else(unknown)?)
}

/// The clusters that a rollout may have touched, and how they are reached.
fn members(original: &Rollout) -> Vec<(ClusterName, Access)> {
    original.clusters().map(|(_, _, planned, _)| (planned.name.clone(), planned.access.clone())).collect()
}

type Sorted = (
    BTreeMap<ClusterName, Observed>,
    BTreeMap<ClusterName, BTreeMap<ProductName, Record>>,
    BTreeMap<ClusterName, String>,
);

fn sorted(looks: BTreeMap<ClusterName, Look>) -> Sorted {
    let mut sorted: Sorted = Default::default();
    for (name, look) in looks {
        match look {
            Ok(sight) => {
                sorted.1.insert(name.clone(), sight.records);
                sorted.0.insert(name, sight.observed);
            }
            Err(error) => {
                sorted.2.insert(name, error.message);
            }
        }
    }
    sorted
}

/// A cluster that answers must be the one that the rollout changed.
fn same_clusters(original: &Rollout, seen: &BTreeMap<ClusterName, Observed>) -> Result<(), Findings> {
    let other = original.clusters().filter_map(|(_, _, planned, _)| {
        let now = &seen.get(&planned.name)?.uid;
        (now != &planned.uid).then(|| {
            Finding::error(
                &codes::OTHER_CLUSTER,
                format!(
                    "`{}` is another cluster now: {} changed the one with UID {}, and {now} answers",
                    planned.name,
                    original.id(),
                    planned.uid
                ),
            )
            .hint("mend its kubeconfig context, or leave it out with --wave or --cluster")
        })
    });
    other.collect::<Findings>().into_result(())
}

/// Where the journal does not know a verified state to go back to, or its values, the cluster's own
/// record may: its `previous` state, which is kept only when it had come to be verified.
fn by_record(
    plan: &Plan,
    cluster: &ClusterName,
    carrier: &mut Carrier,
    records: &BTreeMap<ProductName, Record>,
) {
    let Some((_, _, planned)) = plan.cluster(cluster) else { return };
    for target in &planned.targets {
        let Some(record) = records.get(&target.product).filter(|r| r.current.inputs == target.inputs) else {
            continue;
        };
        let verified = |state: &&State| state.phase == RecordPhase::Verified;
        let Some(previous) = record.previous.as_ref().filter(verified) else { continue };
        let Some(before) = carrier.before.get_mut(&target.product) else { continue };
        if before.verified && before.values.is_some() {
            continue;
        }
        *before = Before {
            release: previous.release.clone(),
            version: previous.version.clone(),
            commit: previous.commit.clone(),
            digest: previous.digest,
            inputs: previous.inputs,
            values: Some(if previous.values.is_null() {
                serde_json::json!({})
            } else {
                previous.values.clone()
            }),
            verified: true,
        };
    }
}

/// The content of everything that is gone back to: as the journal's plans have it, else by its
/// commit or tag. What is not to be found is missing, and the plan says so.
async fn contents(
    world: &World,
    state: &FleetState,
    carriers: &BTreeMap<ClusterName, Carrier>,
) -> BTreeMap<Digest, PlannedProduct> {
    let mut found: BTreeMap<Digest, PlannedProduct> = BTreeMap::new();
    for (product, before) in carriers.values().flat_map(|carrier| &carrier.before) {
        if found.contains_key(&before.digest) {
            continue;
        }
        let known = state.rollouts().find_map(|r| r.plan().products.get(&before.digest)).cloned();
        let known = match known {
            Some(known) => Some(known),
            None => fetched(world, product, before).await,
        };
        found.extend(known.map(|known| (before.digest, known)));
    }
    found
}

async fn fetched(world: &World, product: &ProductName, before: &Before) -> Option<PlannedProduct> {
    let packages = &world.packages;
    let tree = packages.fetch(product, &before.version, &before.commit, &before.digest).await.ok()?;
    let content = crate::catalog::product::Content::at(&tree, &format!("products/{product}")).ok()?;
    let version = ProductVersion::from(&content);
    // It went there before within the limits of its file.
    Some(crate::plan::planned_product(&version, &before.commit, &Durations::default()))
}

/// What renders; helm is asked for only where something needs it.
async fn renderers(
    world: &World,
    original: &Plan,
    products: &BTreeMap<Digest, PlannedProduct>,
) -> Result<Renderers, Fault> {
    let mut all = original.products.values().chain(products.values());
    let by_helm = all.any(|product| product.steps.iter().any(|step| step.kind == "helm"));
    let helm = if by_helm { Some(world.renderer.version().await?.version) } else { None };
    Ok(Renderers { manifests: crate::render::FORMAT, helm })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use crate::apply::inventory::{HASHING, Inventory};
    use crate::apply::record::FORMAT;
    use crate::digest;
    use crate::report::sample;
    use crate::resolve::Observation;

    use super::*;

    fn state(word: &str, version: &str, inputs: Digest, phase: RecordPhase) -> State {
        State {
            release: "R41".parse().unwrap(),
            version: version.parse().unwrap(),
            commit: "c".repeat(40),
            digest: digest::bytes(word.as_bytes()),
            inputs,
            secrets: None,
            phase,
            values: serde_json::json!({ "from": word }),
        }
    }

    /// What the journal saw before was never verified; the record keeps the state before that.
    #[test]
    fn apply_a74_where_the_journal_knows_nothing_verified_the_records_previous_is_gone_back_to() {
        let plan = sample::plan();
        let (_, _, planned) = plan.clusters().next().unwrap();
        let target = &planned.targets[0];
        let before = |verified| Before {
            release: "R42".parse().unwrap(),
            version: "4.13.0".parse().unwrap(),
            commit: "b".repeat(40),
            digest: digest::bytes(b"broken"),
            inputs: digest::bytes(b"broken inputs"),
            values: Some(serde_json::json!({})),
            verified,
        };
        let carrier = |verified| Carrier {
            before: [(target.product.clone(), before(verified))].into(),
            now: Observation {
                at: plan.made_at,
                uid: planned.uid.clone(),
                kubernetes: planned.kubernetes,
                server: String::new(),
                products: Arc::default(),
                stale: false,
            },
        };
        let record = |previous: Option<State>| Record {
            format: FORMAT,
            journal: uuid::Uuid::nil(),
            fence: 1,
            rollout: "R42-1".parse().unwrap(),
            attempt: 1,
            adopted: false,
            current: state("bad", "4.14.0", target.inputs, RecordPhase::Applied),
            previous,
            verdict: None,
            inventory: Inventory { hashing: HASHING, entries: Vec::new() },
        };
        let good = || state("good", "4.12.1", digest::bytes(b"good inputs"), RecordPhase::Verified);
        let with = |verified, previous: Option<State>| {
            let mut carrier = carrier(verified);
            let records = [(target.product.clone(), record(previous))].into();
            by_record(&plan, &planned.name, &mut carrier, &records);
            carrier.before.remove(&target.product).unwrap()
        };
        let found = with(false, Some(good()));
        assert!(found.verified);
        assert_eq!((found.version.to_string().as_str(), found.release.as_str()), ("4.12.1", "R41"));
        assert_eq!(found.values, Some(serde_json::json!({ "from": "good" })));
        // What the journal knows as verified comes first, and nothing unverified is taken.
        assert_eq!(with(true, Some(good())), before(true));
        let unverified = State { phase: RecordPhase::Applied, ..good() };
        assert!(!with(false, Some(unverified)).verified);
        assert!(!with(false, None).verified);
    }
}
