//! What people do at their desks in a simulation: they write files and commit them, tag products, cut
//! releases, make plans, and say what they want. All of it goes through the same code as the commands of
//! the command line, to the same ports.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::platform;
use crate::diag::Findings;
use crate::engine::planning::{self, PlanError, PlanRequest};
use crate::engine::repo::{PinRequest, RepoError, Repository, pin_add, product_tag, release_cut};
use crate::engine::rollback::{self, RollbackRequest};
use crate::engine::{Follower, RequestError, Times, World, request};
use crate::journal::{Body, Event};
use crate::model::scenario::ScenarioPin;
use crate::model::{Actor, Lane, OnExpiry, ProductName, ReleaseId, RolloutId, WaveName};
use crate::plan::{Plan, PlanOptions};
use crate::port::{Commits, Fault};
use crate::rollout::{Approve, Command, FleetState, Refusal, Rollout};
use crate::version::Version;

/// How long one wait for more events lasts at most.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Why somebody could not do what they wanted.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The files, or what is asked of them, are wrong.
    #[error(transparent)]
    Repository(#[from] RepoError),
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It is not legal now, or can't be recorded.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The world fails.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// What is named is not there.
    #[error("{0}")]
    Missing(String),
}

impl From<Findings> for DeskError {
    fn from(findings: Findings) -> Self {
        Self::Repository(findings.into())
    }
}

/// What a release is to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReleaseDraft {
    /// The release before it.
    pub parent: Option<ReleaseId>,
    /// Its lane.
    pub lane: Lane,
    /// The hotfixes that it contains though they are no ancestors.
    pub includes: Vec<ReleaseId>,
    /// What it lowers on purpose.
    pub lowers: Vec<ProductName>,
    /// The Kubernetes minor.
    pub kubernetes: String,
    /// Each product's version.
    pub products: BTreeMap<ProductName, Version>,
}

/// Somebody's desk.
pub struct Desk {
    /// Who sits there.
    pub actor: Actor,
    world: World,
    repository: Repository,
    commits: Arc<dyn Commits>,
    follower: Follower,
    times: Times,
}

impl Desk {
    /// A desk in this world.
    pub fn new(
        actor: Actor,
        world: World,
        repository: Repository,
        commits: Arc<dyn Commits>,
        times: Times,
    ) -> Self {
        let follower = Follower::new(Arc::clone(&world.journal));
        Self { actor, world, repository, commits, follower, times }
    }

    /// What the journal says now.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn state(&mut self) -> Result<&FleetState, DeskError> {
        self.follower.catch_up(|_, _| {}).await?;
        Ok(self.follower.state())
    }

    /// Writes files and commits them.
    ///
    /// # Errors
    /// When they can't be written.
    pub async fn write(&self, files: &[(&str, &str)], message: &str) -> Result<(), DeskError> {
        for (path, text) in files {
            self.repository.trees.write(path, text).await?;
        }
        Ok(self.commits.commit(message).await?)
    }

    /// Writes the product versions of a release, tags them, and cuts it: all committed.
    ///
    /// # Errors
    /// When a rule stands against it.
    pub async fn release(&self, id: &ReleaseId, draft: &ReleaseDraft) -> Result<(), DeskError> {
        let files = platform::files(&draft.products);
        for (path, file) in files.iter() {
            self.repository.trees.write(path, &String::from_utf8_lossy(&file.bytes)).await?;
        }
        let path = format!("releases/{id}.yaml");
        self.repository.trees.write(&path, &release_file(id, draft)).await?;
        self.commits.commit(&format!("release: {id}")).await?;
        for product in draft.products.keys() {
            product_tag(&self.repository, product).await?;
        }
        release_cut(&self.repository, id, None).await?;
        Ok(self.commits.commit(&format!("release: {id} is cut")).await?)
    }

    /// Pins a product of a cluster, and commits the pin.
    ///
    /// # Errors
    /// When a rule stands against it.
    pub async fn pin(&self, pin: &ScenarioPin) -> Result<(), DeskError> {
        let request = PinRequest {
            id: None,
            product: pin.product.value.clone(),
            version: pin.version.value.clone(),
            clusters: vec![pin.cluster.value.clone()],
            selector: BTreeMap::new(),
            owner: pin.owner.value.clone(),
            reason: pin.reason.value.clone(),
            until: pin.until.value,
            on_expiry: OnExpiry::default(),
            release: None,
        };
        let added = pin_add(&self.repository, &request, Vec::new(), self.world.clock.now()).await?;
        Ok(self.commits.commit(&format!("pin: {}", added.pin.id)).await?)
    }

    /// Makes a plan.
    ///
    /// # Errors
    /// When there is none.
    pub async fn plan(&mut self, release: &ReleaseId) -> Result<Plan, DeskError> {
        let request = PlanRequest {
            release: release.clone(),
            pipeline: None,
            defer_unknown: true,
            options: PlanOptions::default(),
            only: None,
            about: None,
            actor: self.actor.clone(),
        };
        let planned = planning::plan(&self.world, &self.times, &mut self.follower, &request).await?;
        Ok(planned.0)
    }

    /// Starts a plan.
    ///
    /// # Errors
    /// When it is not legal now.
    pub async fn start(&mut self, plan: Plan) -> Result<RolloutId, DeskError> {
        let started = |event: &Event| match &event.body {
            Body::RolloutPlanned { rollout, .. } => Some(rollout.clone()),
            _ => None,
        };
        let events =
            self.tell(|_| Ok(Command::Start { plan: Box::new(plan.clone()), overrides: Vec::new() })).await?;
        let id = events.iter().find_map(started);
        id.ok_or_else(|| DeskError::Missing("the plan was admitted and nothing was recorded".to_owned()))
    }

    /// Says what is wanted.
    ///
    /// # Errors
    /// When it is not legal now.
    pub async fn tell(
        &mut self,
        command: impl Fn(&FleetState) -> Result<Command, Refusal>,
    ) -> Result<Vec<Event>, DeskError> {
        let (journal, clock) = (&self.world.journal, &*self.world.clock);
        Ok(request(journal, clock, &mut self.follower, &self.actor, command).await?)
    }

    /// Says yes to what a wave asks its people now.
    ///
    /// # Errors
    /// When there is no such wave, or nothing to say yes to.
    pub async fn approve(&mut self, rollout: &RolloutId, wave: &WaveName) -> Result<(), DeskError> {
        let (id, name, actor) = (rollout.clone(), wave.clone(), self.actor.clone());
        let state = self.state().await?;
        let missing = || DeskError::Missing(format!("{id} has no wave {name}"));
        let known = state.rollout(&id).ok_or_else(missing)?;
        let (release, wave_digest) = known.bindings(&name).ok_or_else(missing)?;
        let asking = |side| known.gate_asked(&name, side);
        let side = if asking(crate::journal::Side::Before) || !asking(crate::journal::Side::After) {
            crate::journal::Side::Before
        } else {
            crate::journal::Side::After
        };
        let yes = Approve {
            actor,
            signature: None,
            rollout: id.clone(),
            wave: name.clone(),
            evidence: Some(known.evidence(&name, side)),
            gate: None,
            release,
            wave_digest,
            expires: None,
            comment: None,
        };
        self.tell(|_| Ok(Command::Approve(yes.clone()))).await.map(drop)
    }

    /// Takes back what a rollout brought: waits until nothing of it is at work (somebody has to drive),
    /// plans, and starts the plan.
    ///
    /// # Errors
    /// When it is not legal, or there is nothing to take back.
    pub async fn roll_back(&mut self, rollout: &RolloutId, reason: &str) -> Result<RolloutId, DeskError> {
        let (of, why) = (rollout.clone(), reason.to_owned());
        self.tell(|_| Ok(Command::RollBack { rollout: of.clone(), reason: why.clone() })).await?;
        loop {
            let rests = self.state().await?.rollout(&of).is_none_or(Rollout::may_be_taken_back);
            if rests {
                break;
            }
            self.follower.wait(PATIENCE).await?;
        }
        let request = RollbackRequest {
            of,
            waves: Vec::new(),
            clusters: Vec::new(),
            remove_added: false,
            reason: why,
            actor: self.actor.clone(),
        };
        let planned = rollback::plan(&self.world, &self.times, &mut self.follower, &request).await?;
        self.start(planned.plan).await
    }
}

fn release_file(id: &ReleaseId, draft: &ReleaseDraft) -> String {
    let mut text = format!(
        "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata:\n  name: {id}\nspec:\n  lane: {}\n",
        draft.lane
    );
    // Writing into a text does not fail.
    if let Some(parent) = &draft.parent {
        let _ = writeln!(text, "  parent: {parent}");
    }
    let list = |ids: Vec<String>| format!("[{}]", ids.join(", "));
    if !draft.includes.is_empty() {
        let _ =
            writeln!(text, "  includes: {}", list(draft.includes.iter().map(ToString::to_string).collect()));
    }
    if !draft.lowers.is_empty() {
        let _ = writeln!(text, "  lowers: {}", list(draft.lowers.iter().map(ToString::to_string).collect()));
    }
    let _ = writeln!(text, "  kubernetes: \"{}\"\n  products:", draft.kubernetes);
    for (product, version) in &draft.products {
        let _ = writeln!(text, "    {product}: {version}");
    }
    text
}
