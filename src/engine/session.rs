//! A session: one attempt's hold on its cluster, from the lease to the rendered objects. It is opened
//! by whichever effect of the attempt comes first (preflight, or a step after a crash) and shared by
//! the rest; what it renders is rendered once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::apply::ProductSet;
use crate::apply::record::State;
use crate::catalog::product::Content;
use crate::digest::Digest;
use crate::journal::{AttemptId, Deferral, FailureClass, Preflight};
use crate::model::{Conflicts, Observed, ProductName, RecordPhase, Tombstone};
use crate::plan::{Plan, PlannedCluster, PlannedProduct, PlannedWave, Target};
use crate::port::Fault;

use super::cluster::{Claimant, Cluster, Confirmation, Error, Guard, Kind, ProductWork};
use super::rendering::{self, For};
use super::secrets::{self, Found, Known};
use super::task::Shared;
use crate::render::values::Resolved;

/// One attempt, and what it holds.
pub struct Session {
    /// Which attempt.
    pub attempt: AttemptId,
    /// The plan it belongs to.
    pub plan: Arc<Plan>,
    /// Where in the plan its cluster stands: wave, pool, place.
    place: (usize, usize, usize),
    opened: OnceCell<Opened>,
}

/// What an open session holds.
pub struct Opened {
    /// The cluster's lease; every write goes through it.
    pub guard: Guard,
    /// What the cluster was seen to run when the lease was taken; its version was asked for at most two
    /// seconds before.
    pub observed: Observed,
    /// Every target's content and values, rendered.
    pub products: BTreeMap<ProductName, Prepared>,
    /// The rendered objects of every target, for questions of ownership.
    pub sets: Vec<ProductSet>,
    /// Every secret that any of the products is given: what a pod or a server says may quote the
    /// secret of another product.
    pub known: Known,
}

impl Opened {
    /// What was prepared of a product.
    pub fn prepared(&self, product: &ProductName) -> Result<&Prepared, Fault> {
        let found = self.products.get(product);
        found.ok_or_else(|| Fault::permanent(format!("{product} was not prepared")))
    }
}

/// One target, ready to be brought about.
pub struct Prepared {
    /// The content of its product version.
    pub content: Arc<Content>,
    /// Its values, secret references resolved; never printed, never stored.
    pub values: Resolved,
    /// The state to be recorded.
    pub state: State,
}

impl Prepared {
    /// The objects that the product once brought and that must not be there any more.
    pub fn tombstones(&self) -> Vec<Tombstone> {
        self.content.file.spec.removed.iter().map(|removed| removed.value.clone()).collect()
    }
}

/// Why a session can't be opened.
#[derive(Debug, Clone)]
pub enum Closed {
    /// The cluster can't be reached.
    Unreachable(String),
    /// Something else is in the way.
    Error(Error),
    /// What is planned can't be prepared (content, secrets, rendering).
    Fault(Fault),
}

impl From<Error> for Closed {
    fn from(error: Error) -> Self {
        match error.kind {
            Kind::Unreachable => Self::Unreachable(error.message),
            _ => Self::Error(error),
        }
    }
}

impl From<Fault> for Closed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Closed {
    /// What it means for a preflight.
    pub fn verdict(self) -> Preflight {
        match self {
            Self::Unreachable(cause) => Preflight::Deferred { reason: Deferral::Unreachable, cause },
            Self::Error(error) => match error.blocks() {
                Some(reason) => Preflight::Blocked { reason, cause: error.message },
                None => Preflight::Failed { class: error.class, cause: error.message },
            },
            Self::Fault(fault) => Preflight::Failed { class: fault.class, cause: fault.message },
        }
    }
}

impl Session {
    /// A session for an attempt, not open yet; `None` if the plan has no such cluster.
    pub fn new(attempt: AttemptId, plan: Arc<Plan>) -> Option<Self> {
        let place = plan.waves.iter().enumerate().find_map(|(w, wave)| {
            wave.pools.iter().enumerate().find_map(|(p, pool)| {
                pool.clusters.iter().position(|c| c.name == attempt.cluster).map(|c| (w, p, c))
            })
        })?;
        Some(Self { attempt, plan, place, opened: OnceCell::new() })
    }

    /// The cluster as planned.
    pub fn cluster(&self) -> &PlannedCluster {
        let (wave, pool, cluster) = self.place;
        &self.plan.waves[wave].pools[pool].clusters[cluster]
    }

    /// Its wave as planned.
    pub fn wave(&self) -> &PlannedWave {
        &self.plan.waves[self.place.0]
    }

    /// The product version of a target, with its steps and tests.
    pub fn planned(&self, target: &Target) -> Result<&PlannedProduct, Fault> {
        self.plan.products.get(&target.digest).ok_or_else(|| {
            Fault::permanent(format!("the plan has no content for {} {}", target.product, target.version))
        })
    }

    /// What is planned for a product.
    pub fn target(&self, product: &ProductName) -> Result<&Target, Fault> {
        self.cluster().targets.iter().find(|t| &t.product == product).ok_or_else(|| {
            Fault::permanent(format!("the plan has no target {product} for {}", self.attempt.cluster))
        })
    }

    /// Calls `f` with the work on one product.
    pub async fn with_work<T, E: From<Fault> + From<Error>>(
        &self,
        opened: &Opened,
        product: &ProductName,
        f: impl AsyncFnOnce(&ProductWork<'_>) -> Result<T, Error>,
    ) -> Result<T, E> {
        let planned = self.planned(self.target(product)?)?;
        let prepared = opened.prepared(product)?;
        let options = &self.plan.options;
        let tombstones = prepared.tombstones();
        let mask = opened.known.mask();
        let work = ProductWork {
            mask: &mask,
            product,
            rollout: &self.attempt.rollout,
            attempt: self.attempt.attempt,
            state: &prepared.state,
            all: &opened.sets,
            conflicts: if options.take_over { Conflicts::Take } else { planned.conflicts },
            tombstones: &tombstones,
            keeps: self.cluster().back.as_ref().is_some_and(|back| {
                let objects = |step: &str| planned.steps.iter().any(|s| s.name == step && s.kind != "run");
                back.skipped.iter().any(|s| s.product == *product && objects(&s.step))
            }),
            confirmation: if options.allow_prune { Confirmation::Prune } else { Confirmation::None },
        };
        Ok(f(&work).await?)
    }

    /// The session, open: connected, identity verified, lease held, everything rendered.
    ///
    /// # Errors
    /// See [`Closed`]; the next call tries again.
    pub async fn open(&self, shared: &Shared) -> Result<&Opened, Closed> {
        self.opened.get_or_try_init(|| self.start(shared)).await
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.opened.initialized()
    }

    /// The same attempt's session once more, not open yet.
    pub fn again(&self) -> Self {
        Self {
            attempt: self.attempt.clone(),
            plan: Arc::clone(&self.plan),
            place: self.place,
            opened: OnceCell::new(),
        }
    }

    /// Gives the cluster's lease back.
    pub async fn close(self) {
        if let Some(opened) = self.opened.into_inner() {
            opened.guard.release().await;
        }
    }

    async fn start(&self, shared: &Shared) -> Result<Opened, Closed> {
        let planned = self.cluster();
        self.same_renderers(shared).await?;
        // What does not need the cluster comes first: a wrong template must not hold a lease.
        let prepared = self.prepare(shared).await?;
        let secrets = known(shared, &prepared).await;
        let cluster = reach(shared, planned, &self.user_agent(shared)).await?;
        let claimant = Claimant {
            journal: shared.world.journal.id(),
            fence: shared.recorder.fence(),
            process: shared.world.host.this(),
        };
        let known = shared.known_rollouts();
        let knows = move |rollout: &_| known.contains(rollout);
        let guard = cluster.acquire(&claimant, &shared.world.host, shared.times.lease, &knows).await?;
        match self.fill(&guard, prepared).await {
            Ok((observed, products, sets)) => Ok(Opened { guard, observed, products, sets, known: secrets }),
            Err(closed) => {
                guard.release().await;
                Err(closed)
            }
        }
    }

    /// That what renders here is what the plan was made with: inputs digests name it, so another one
    /// would record what is not there. Somebody can mend that, so it blocks.
    async fn same_renderers(&self, shared: &Shared) -> Result<(), Closed> {
        let other = |planned: &dyn std::fmt::Display, here: &dyn std::fmt::Display| {
            Closed::Error(Error::new(
                Kind::Missing,
                format!(
                    "the plan was made with {planned}, and here is {here}: use that one here, or plan anew"
                ),
            ))
        };
        let mut helm = None;
        for target in &self.cluster().targets {
            let used = self.planned(target)?.renderers(&self.plan.renderers);
            if let Some(format) = used.manifests.filter(|format| *format != crate::render::FORMAT) {
                let words = |format: u32| format!("format {format} of rendering manifests");
                return Err(other(&words(format), &words(crate::render::FORMAT)));
            }
            helm = helm.or(used.helm);
        }
        let Some(planned) = helm else { return Ok(()) };
        let here = shared.world.renderer.version().await?.version;
        if here != planned {
            return Err(other(&format!("helm {planned}"), &format!("helm {here}")));
        }
        Ok(())
    }

    /// What the cluster must be asked for while the lease is held.
    async fn fill(
        &self,
        guard: &Guard,
        prepared: Vec<Rendered>,
    ) -> Result<(Observed, BTreeMap<ProductName, Prepared>, Vec<ProductSet>), Closed> {
        let observed = guard.observe().await?;
        let mut products = BTreeMap::new();
        let mut sets = Vec::new();
        for Rendered { target, content, values, secrets, set } in prepared {
            let digest = guard.secrets_digest(&secrets).await?;
            let state = self.state(&target, digest)?;
            sets.push(set);
            products.insert(target.product.clone(), Prepared { content, values, state });
        }
        Ok((observed, products, sets))
    }

    fn state(&self, target: &Target, secrets: Option<Digest>) -> Result<State, Fault> {
        let planned = self.planned(target)?;
        Ok(State {
            release: target.release(&self.plan).clone(),
            version: target.version.clone(),
            commit: planned.commit.clone(),
            digest: target.digest,
            inputs: target.inputs,
            secrets,
            phase: RecordPhase::Applying,
            values: self.values(target)?.clone(),
        })
    }

    fn values(&self, target: &Target) -> Result<&serde_json::Value, Fault> {
        self.plan.values.get(&target.values).ok_or_else(|| {
            Fault::permanent(format!(
                "the plan has no values for {} on {}",
                target.product, self.attempt.cluster
            ))
        })
    }

    async fn prepare(&self, shared: &Shared) -> Result<Vec<Rendered>, Closed> {
        let cluster = self.cluster();
        let mut contents = Vec::new();
        for target in &cluster.targets {
            contents.push(shared.contents.get(self.planned(target)?).await?);
        }
        let provides: Vec<String> =
            contents.iter().flat_map(|c| c.file.spec.provides.iter().map(|p| p.value.clone())).collect();
        let mut rendered = Vec::new();
        for (target, content) in cluster.targets.iter().zip(contents) {
            let (values, secrets) = secrets::resolve(&*shared.world.secrets, self.values(target)?).await?;
            let what = For { cluster, target, content: &content, values: &values, provides: &provides };
            let mut set = rendering::product(&*shared.world.renderer, &what).await?;
            // What a rollback does not apply is none of what it waits for.
            set.objects.retain(|object| !cluster.skips(&target.product, &object.step));
            rendered.push(Rendered { target: target.clone(), content, values, secrets, set });
        }
        Ok(rendered)
    }

    fn user_agent(&self, shared: &Shared) -> String {
        user_agent(&format!("attempt {}; fence {}", self.attempt, shared.recorder.fence()))
    }
}

/// The secrets that products are given. One of a script that can't be had now is none of what is
/// rendered: the script will ask for it again, and fail by it.
async fn known(shared: &Shared, prepared: &[Rendered]) -> Known {
    let known = Known::default();
    let mut asked = BTreeSet::new();
    for product in prepared {
        known.add(product.secrets.values());
        for reference in secrets::of_scripts(&product.content) {
            if !asked.insert(reference.clone()) {
                continue;
            }
            if let Ok(secret) = shared.world.secrets.resolve(&reference).await {
                known.add([&secret]);
            }
        }
    }
    known
}

struct Rendered {
    target: Target,
    content: Arc<Content>,
    values: Resolved,
    secrets: Found,
    set: ProductSet,
}

/// What the API server's audit log shows of us: who, and for what.
pub fn user_agent(purpose: &str) -> String {
    format!("tidegate/{} ({purpose})", env!("CARGO_PKG_VERSION"))
}

/// A connection to a planned cluster whose identity was verified. Tried a few times, since the first
/// packet may get lost; all tries together keep to one limit.
pub async fn reach(shared: &Shared, planned: &PlannedCluster, agent: &str) -> Result<Cluster, Closed> {
    let times = &shared.times;
    // A credential plugin may be run before the first request.
    shared.leave.granted(Duration::ZERO).await;
    let tries = async {
        let mut tried = 0;
        loop {
            tried += 1;
            match connect(shared, planned, agent).await {
                Err(Closed::Unreachable(_)) if tried < times.reach_tries => {
                    shared.world.clock.sleep(Duration::from_millis(500) * tried).await;
                }
                other => return other,
            }
        }
    };
    tokio::select! {
        biased;
        reached = tries => reached,
        () = shared.world.clock.sleep(times.reach) => Err(Closed::Unreachable(format!(
            "no answer within {} s", times.reach.as_secs()
        ))),
    }
}

async fn connect(shared: &Shared, planned: &PlannedCluster, agent: &str) -> Result<Cluster, Closed> {
    let client = match shared.world.clusters.connect(&planned.access, agent).await {
        Ok(client) => client,
        Err(fault) if fault.class == FailureClass::Transient => {
            return Err(Closed::Unreachable(fault.message));
        }
        Err(fault) => return Err(fault.into()),
    };
    let (clock, leave) = (Arc::clone(&shared.world.clock), Arc::clone(&shared.leave));
    let cluster = Cluster::driven(client, clock, shared.times.request, leave, shared.discoveries.clone());
    let identity = cluster.identify().await?;
    if identity.uid != planned.uid {
        return Err(Closed::Fault(Fault::permanent(format!(
            "this is another cluster: `{}` was planned with UID {}, and now answers with {}; mend its kubeconfig context, or plan anew",
            planned.name, planned.uid, identity.uid
        ))));
    }
    Ok(cluster)
}
