//! From a request to a plan: the committed files, the content of locked versions, what every cluster
//! runs now. It gathers the arguments; `plan` decides.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::product::Content;
use crate::catalog::{self, Catalog, fleet};
use crate::diag::{Finding, Findings, Severity, codes};
use crate::digest::{self, Digest};
use crate::model::{
    Actor, ClusterEntry, ClusterName, ClusterUid, DeployStep, PipelineName, ReleaseId, RolloutId,
};
use crate::plan::{self, Durations, Plan, PlanInput, PlanOptions, Renderers};
use crate::port::{AppendError, Fault, Git, NewEvent};
use crate::resolve::{self, HeldProduct, Needed, Observation, PastPin, ProductVersion, Reason};
use crate::rollout::FleetState;

use super::adoption::other_cluster;
use super::cluster::Error;
use super::follow::Follower;
use super::survey::{self, Look};
use super::world::{Times, World};

/// What is to be planned.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// The release.
    pub release: ReleaseId,
    /// The pipeline; may be left out when there is only one.
    pub pipeline: Option<PipelineName>,
    /// Whether clusters that were never reached are left to catch-up.
    pub defer_unknown: bool,
    /// What is allowed beyond what is usual.
    pub options: PlanOptions,
    /// Look at this cluster only, for a question about it; what is known of the others stays.
    pub only: Option<ClusterName>,
    /// A question is about this cluster, so it has to be a member; the plan is of all of them.
    pub about: Option<ClusterName>,
    /// Who asks; what was seen of clusters is recorded in their name.
    pub actor: Actor,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// What the files or the fleet say stands against it.
    #[error("{0}")]
    Findings(Findings),
    /// The fleet has no such cluster.
    #[error("{0}")]
    Missing(Findings),
    /// What stands in the clusters does.
    #[error("{0}")]
    Refused(Findings),
    /// The world does.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Findings> for PlanError {
    fn from(findings: Findings) -> Self {
        Self::Findings(findings)
    }
}

impl From<Finding> for PlanError {
    fn from(finding: Finding) -> Self {
        Self::Findings(finding.into())
    }
}

/// Everything that a plan is made from, gathered.
pub struct Gathered {
    pub(super) commit: String,
    pub(super) catalog: Catalog,
    pub(super) release: ReleaseId,
    pub(super) pipeline: PipelineName,
    pub(super) clusters: BTreeMap<ClusterName, ClusterEntry>,
    pub(super) versions: BTreeMap<Digest, ProductVersion>,
    pub(super) past_pins: BTreeMap<ClusterUid, Vec<PastPin>>,
    pub(super) holds: BTreeMap<ClusterName, Vec<HeldProduct>>,
    pub(super) observed: BTreeMap<ClusterName, Observation>,
    pub(super) renderers: Renderers,
    pub(super) durations: Durations,
    pub(super) defer_unknown: bool,
    /// Whether it is for a question about one cluster.
    pub(super) question: bool,
    pub(super) options: PlanOptions,
    pub(super) authors: BTreeSet<String>,
    pub(super) now: jiff::Timestamp,
    /// The clusters that could not be reached, and why.
    pub unreachable: BTreeMap<ClusterName, String>,
    /// The clusters that are not this journal's to touch, and why.
    pub foreign: BTreeMap<ClusterName, String>,
    /// What people should know, beside the plan's own findings.
    pub findings: Findings,
}

impl Gathered {
    /// Calls `f` with everything as the pure planner reads it.
    ///
    /// # Errors
    /// When the committed files lack what was asked for, and those of `f`.
    pub fn with_input<T>(
        &self,
        f: impl FnOnce(&PlanInput<'_>) -> Result<T, Findings>,
    ) -> Result<T, PlanError> {
        let release = catalog::release::locked(&self.catalog, &self.release)?;
        let pipeline = self
            .catalog
            .pipelines
            .get(&self.pipeline)
            .ok_or_else(|| unknown_pipeline(&self.catalog, Some(&self.pipeline)))?;
        let fleet = self.catalog.fleet.as_ref().ok_or_else(no_fleet)?;
        let releases: Vec<_> = self.catalog.releases.values().map(|r| &r.file).collect();
        let pins: Vec<_> = self.catalog.pins.values().map(|p| &p.file).collect();
        let input = PlanInput {
            now: self.now,
            commit: &self.commit,
            release,
            releases: &releases,
            fleet: &fleet.file.spec,
            clusters: &self.clusters,
            pipeline: &pipeline.file,
            pipeline_digest: digest::bytes(pipeline.source.text().as_bytes()),
            pins: &pins,
            holds: &self.holds,
            calendar: self.catalog.calendar.as_ref().map(|c| &c.file.spec),
            versions: &self.versions,
            past_pins: &self.past_pins,
            observed: &self.observed,
            renderers: &self.renderers,
            durations: &self.durations,
            defer_unknown: self.defer_unknown,
            question: self.question,
            options: self.options,
            authors: &self.authors,
        };
        Ok(f(&input).map_err(|findings| self.with_causes(findings))?)
    }

    /// The planner knows who was never reached, and the survey why.
    fn with_causes(&self, findings: Findings) -> Findings {
        let caused = |finding: Finding| {
            if finding.code != &codes::CLUSTER_NEVER_REACHED {
                return finding;
            }
            let causes: Vec<String> = self
                .unreachable
                .iter()
                .filter(|(name, _)| finding.subjects.iter().any(|subject| subject == name.as_str()))
                .take(3)
                .map(|(name, cause)| format!("`{name}`: {cause}"))
                .collect();
            causes.into_iter().fold(finding, Finding::hint)
        };
        findings.into_iter().map(caused).collect()
    }

    /// The files of the commit.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }
}

/// Makes a plan; what people should know comes beside it.
///
/// # Errors
/// When files, fleet or world stand against it; all findings at once.
pub async fn plan(
    world: &World,
    times: &Times,
    follower: &mut Follower,
    request: &PlanRequest,
) -> Result<(Plan, Gathered), PlanError> {
    let mut gathered = gather(world, times, follower, request).await?;
    let (plan, findings) = gathered.with_input(plan::make)?;
    gathered.findings.extend(findings);
    Ok((plan, gathered))
}

/// Gathers what a plan is made from. Only reads the clusters; what was seen of them goes into the
/// journal.
///
/// # Errors
/// As [`plan()`].
pub async fn gather(
    world: &World,
    times: &Times,
    follower: &mut Follower,
    request: &PlanRequest,
) -> Result<Gathered, PlanError> {
    let (commit, catalog) = committed(world).await?;
    let mut findings = uncommitted(world).await?;
    let pipeline = pipeline_of(&catalog, request.pipeline.as_ref())?;
    let release = catalog::release::locked(&catalog, &request.release)
        .map_err(|wrong| maybe_uncommitted(wrong, &request.release, &findings))?;
    follower.catch_up(|_, _| {}).await?;
    let (members, wrong) = members(world, &catalog, &listed_before(follower.state())).await?;
    if wrong.has_errors() {
        return Err(wrong.into());
    }
    findings.extend(wrong);
    if let Some(name) = request.about.as_ref().filter(|name| !members.contains_key(*name)) {
        return Err(PlanError::Missing(no_member(name, &members).into()));
    }
    catalog::pins::too_old(&catalog, &members).into_result(())?;

    let asked = |name: &ClusterName| request.only.as_ref().is_none_or(|only| only == name);
    // Who is switched off on purpose is not waited for.
    let chosen = members.values().filter(|m| asked(&m.name.value) && !m.hibernated);
    let chosen: Vec<_> = chosen.map(|m| (m.name.value.clone(), survey::access(m))).collect();
    let looks = survey::fleet(world, times, &chosen).await;
    follower.catch_up(|_, _| {}).await?;
    same_identities(follower.state(), &members, &looks).map_err(PlanError::Refused)?;
    readable(&looks).map_err(PlanError::Refused)?;
    record(world, &request.actor, &looks).await?;
    follower.catch_up(|_, _| {}).await?;
    let foreign = foreign(world, follower.state(), &looks);
    findings.extend(foreign.iter().map(|(name, why)| foreign_cluster(Severity::Warning, name, why)));
    let (mut observed, unreachable) = observations(follower.state(), looks);
    for name in members.values().filter(|m| m.hibernated).map(|m| &m.name.value) {
        let last = follower.state().seen(name).and_then(|seen| seen.observed.clone());
        observed.extend(last.map(|last| (name.clone(), Observation::last(last))));
    }

    let pins: Vec<_> = catalog.pins.values().map(|p| &p.file).collect();
    let now = world.clock.now();
    let holds = held_products(follower.state(), now);
    let needed = resolve::needed(&release, &pins, &holds, observed.values(), now);
    let versions = versions(world, &catalog, needed.iter()).await?;
    let renderers = renderers(world, &versions).await?;
    let authors = authors(world, &catalog, &release, &commit).await?;
    Ok(Gathered {
        commit,
        release: request.release.clone(),
        pipeline,
        clusters: members,
        versions,
        past_pins: past_pins(follower.state()),
        holds,
        observed,
        renderers,
        durations: follower.state().durations().clone(),
        defer_unknown: request.defer_unknown,
        question: request.only.is_some(),
        options: request.options,
        authors,
        now,
        unreachable,
        foreign,
        findings,
        catalog,
    })
}

fn no_member(name: &ClusterName, members: &BTreeMap<ClusterName, ClusterEntry>) -> Finding {
    Finding::error(&codes::NO_SUCH_THING, format!("the fleet of the last commit has no cluster `{name}`"))
        .did_you_mean(name.as_str(), members.keys().map(ClusterName::as_str))
        .next("tidegate cluster list")
}

/// The catalog of HEAD, and the commit that it names.
///
/// # Errors
/// When git fails, a committed release or pipeline file is wrong, or holds a literal secret.
pub async fn committed(world: &World) -> Result<(String, Catalog), PlanError> {
    committed_in(&*world.git).await
}

/// [`committed`], of a repository alone.
///
/// # Errors
/// As [`committed`].
pub async fn committed_in(git: &dyn Git) -> Result<(String, Catalog), PlanError> {
    let commit = git.head().await?;
    let catalog = catalog_in(git, &commit).await?;
    Ok((commit, catalog))
}

/// The catalog of a commit.
///
/// # Errors
/// As [`committed`].
pub(super) async fn catalog_of(world: &World, commit: &str) -> Result<Catalog, PlanError> {
    catalog_in(&*world.git, commit).await
}

async fn catalog_in(git: &dyn Git, commit: &str) -> Result<Catalog, PlanError> {
    let mut tree = crate::model::Tree::new();
    // Product content comes by the lock, so the products' folders of HEAD are not read at all.
    for folder in ["releases", "pipelines"] {
        if let Some(found) = git.tree(commit, folder).await? {
            for (path, file) in found.iter() {
                tree.insert(format!("{folder}/{path}"), file.clone());
            }
        }
    }
    let (catalog, mut findings) = catalog::load(&tree);
    // A plan carries values on: a secret among them would go into plan, journal and records.
    findings.extend(catalog::check(&catalog).into_iter().filter(|f| f.code == &codes::LITERAL_SECRET));
    if findings.has_errors() {
        return Err(findings.into());
    }
    Ok(catalog)
}

/// A warning if the working tree has changes that no plan sees.
async fn uncommitted(world: &World) -> Result<Findings, PlanError> {
    let dirty = world.git.dirty(&["releases", "pipelines"]).await?;
    let mut findings = Findings::new();
    if let Some(first) = dirty.first() {
        let more = if dirty.len() > 1 { format!(" and {} more", dirty.len() - 1) } else { String::new() };
        findings.push(
            Finding::warning(
                &codes::NOT_COMMITTED,
                format!("`{first}`{more} differs from the last commit; plans read committed files only"),
            )
            .next("git commit"),
        );
    }
    Ok(findings)
}

/// What is wrong with a release in the last commit; where files differ from it, that may be all.
fn maybe_uncommitted(wrong: Findings, release: &ReleaseId, uncommitted: &Findings) -> Findings {
    if uncommitted.is_empty() {
        return wrong;
    }
    let own = |finding: Finding| {
        if finding.code != &codes::RELEASE_NOT_CUT {
            return finding;
        }
        finding
            .hint("if it is cut, its lock is not committed yet: plans read committed files only")
            .next(format!("git add releases/{release}.yaml && git commit -m \"release: {release}\""))
    };
    wrong.into_iter().map(own).collect()
}

fn pipeline_of(catalog: &Catalog, asked: Option<&PipelineName>) -> Result<PipelineName, PlanError> {
    match asked {
        Some(name) if catalog.pipelines.contains_key(name) => Ok(name.clone()),
        Some(name) => Err(unknown_pipeline(catalog, Some(name)).into()),
        None => match catalog.pipelines.keys().collect::<Vec<_>>().as_slice() {
            [only] => Ok((*only).clone()),
            _ => Err(unknown_pipeline(catalog, None).into()),
        },
    }
}

fn unknown_pipeline(catalog: &Catalog, asked: Option<&PipelineName>) -> Finding {
    let known: Vec<&str> = catalog.pipelines.keys().map(PipelineName::as_str).collect();
    match asked {
        Some(name) => Finding::error(
            &codes::NO_SUCH_PIPELINE,
            format!("there is no pipeline `{name}` in the last commit"),
        )
        .did_you_mean(name.as_str(), known.iter().copied())
        .hint(format!("pipelines: {}", known.join(", "))),
        None if known.is_empty() => {
            Finding::error(&codes::NO_SUCH_PIPELINE, "the last commit has no pipeline")
                .hint("pipelines/NAME.yaml holds one")
        }
        None => Finding::error(&codes::NO_SUCH_PIPELINE, "there are several pipelines")
            .hint(format!("say which with --pipeline: {}", known.join(", "))),
    }
}

fn no_fleet() -> Finding {
    Finding::error(&codes::MISSING_FILE, "the last commit has no fleet").hint("pipelines/fleet.yaml holds it")
}

/// What the fleet's source listed when that was recorded last, if a rollout still plans any of it.
fn listed_before(state: &FleetState) -> Vec<ClusterName> {
    let Some(known) = state.membership() else { return Vec::new() };
    let planned: BTreeSet<&ClusterName> = state.would_depart(&BTreeMap::new()).into_iter().collect();
    let sourced = || known.clusters.iter().filter(|(_, m)| m.sourced).map(|(name, _)| name.clone());
    if sourced().any(|name| planned.contains(&name)) { sourced().collect() } else { Vec::new() }
}

/// Every member of the fleet, those that its source lists included. `before` is what the source listed
/// while the rollouts were planned that still run: it may not have lost too many of those.
///
/// # Errors
/// When there is no fleet, or its source fails or lists nothing.
pub async fn members(
    world: &World,
    catalog: &Catalog,
    before: &[ClusterName],
) -> Result<(BTreeMap<ClusterName, ClusterEntry>, Findings), PlanError> {
    let file = &catalog.fleet.as_ref().ok_or_else(no_fleet)?.file.spec;
    let sourced = match &file.source {
        None => Vec::new(),
        Some(source) => world.clusters.members(&source.value).await?,
    };
    let mut wrong = Findings::new();
    if let Some(source) = &file.source {
        let now: Vec<ClusterName> = sourced.iter().map(|c| c.name.value.clone()).collect();
        wrong.extend(fleet::check_source(&source.place, before, &now));
        wrong.extend(fleet::literal_secrets(&sourced));
    }
    let (members, more) = fleet::members(file, sourced);
    wrong.extend(more);
    Ok((members, wrong))
}

/// A cluster that was known by this name must still be the same one.
fn same_identities(
    state: &FleetState,
    members: &BTreeMap<ClusterName, ClusterEntry>,
    looks: &BTreeMap<ClusterName, Look>,
) -> Result<(), Findings> {
    let mut findings = Findings::new();
    for (name, look) in looks {
        let before = state.seen(name).and_then(|seen| seen.observed.as_ref());
        let (Some(before), Ok(now)) = (before, look) else { continue };
        let now = &now.observed.uid;
        if before.uid != *now {
            findings.extend(members.get(name).map(|entry| other_cluster(entry, &before.uid, now)));
        }
    }
    findings.into_result(())
}

/// No record may be of a higher format: what a newer tidegate wrote, an older one does not touch.
fn readable(looks: &BTreeMap<ClusterName, Look>) -> Result<(), Findings> {
    let too_new = looks.iter().filter_map(|(name, look)| Some((name, look.as_ref().err()?)));
    let mut findings = Findings::new();
    for (name, error) in too_new.filter(|(_, error)| error.is_too_new()) {
        findings.push(too_new_record(name, error));
    }
    findings.into_result(())
}

/// That a record in a cluster is of a higher format.
pub(super) fn too_new_record(cluster: &ClusterName, error: &Error) -> Finding {
    let prefix = format!("{}: ", codes::RECORD_TOO_NEW.id);
    let why = error.message.strip_prefix(&prefix).unwrap_or(&error.message);
    Finding::error(&codes::RECORD_TOO_NEW, format!("{cluster}: {why}"))
        .about([cluster])
        .hint("use the tidegate that wrote it, or a newer one")
}

/// Which clusters belong to another journal, or to a rollout that this one does not know.
fn foreign(
    world: &World,
    state: &FleetState,
    looks: &BTreeMap<ClusterName, Look>,
) -> BTreeMap<ClusterName, String> {
    let knows = |rollout: &RolloutId| state.rollout(rollout).is_some();
    let seen = looks.iter().filter_map(|(name, look)| Some((name, look.as_ref().ok()?)));
    seen.filter_map(|(name, sight)| Some((name.clone(), sight.foreign(world.journal.id(), &knows)?)))
        .collect()
}

/// That a cluster is not this journal's to touch.
pub fn foreign_cluster(severity: Severity, cluster: &ClusterName, why: &str) -> Finding {
    let message = format!("{cluster} is not this journal's: {why}");
    let finding = match severity {
        Severity::Error => Finding::error(&codes::FOREIGN_CLUSTER, message),
        _ => Finding::warning(&codes::FOREIGN_CLUSTER, message),
    };
    finding.about([cluster]).next(format!("tidegate cluster adopt {cluster} --reason TEXT"))
}

/// Records what was seen: facts, wherever the journal stands.
pub(super) async fn record(
    world: &World,
    actor: &Actor,
    looks: &BTreeMap<ClusterName, Look>,
) -> Result<(), Fault> {
    let at = world.clock.now();
    let events: Vec<NewEvent> = looks
        .iter()
        .map(|(name, look)| NewEvent { at, actor: actor.clone(), body: survey::event(name, look) })
        .collect();
    append_facts(world, events).await
}

/// Appends events that are true wherever the journal stands.
///
/// # Errors
/// When the journal can't be written.
pub async fn append_facts(world: &World, events: Vec<NewEvent>) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(());
    }
    loop {
        let (position, _) = world.journal.head().await?;
        match world.journal.append(position, None, events.clone()).await {
            Ok(_) => return Ok(()),
            Err(AppendError::Moved { .. }) => {}
            Err(AppendError::Fault(fault)) => return Err(fault),
            Err(error @ AppendError::Fenced { .. }) => return Err(Fault::permanent(error.to_string())),
        }
    }
}

/// What is known of each cluster, fresh or last; and why the others were not seen.
fn observations(
    state: &FleetState,
    looks: BTreeMap<ClusterName, Look>,
) -> (BTreeMap<ClusterName, Observation>, BTreeMap<ClusterName, String>) {
    let (mut observed, mut unreachable) = (BTreeMap::new(), BTreeMap::new());
    for (name, look) in looks {
        match look {
            Ok(sight) => {
                observed.insert(name, Observation::fresh(sight.observed));
            }
            Err(error) => {
                if let Some(last) = state.seen(&name).and_then(|seen| seen.observed.clone()) {
                    observed.insert(name.clone(), Observation::last(last));
                }
                unreachable.insert(name, error.message);
            }
        }
    }
    (observed, unreachable)
}

/// The products that people hold now.
pub(super) fn held_products(
    state: &FleetState,
    now: jiff::Timestamp,
) -> BTreeMap<ClusterName, Vec<HeldProduct>> {
    let mut held: BTreeMap<ClusterName, Vec<HeldProduct>> = BTreeMap::new();
    for (cluster, hold) in state.holds().filter(|(_, hold)| hold.holds(now)) {
        let Some(kept) = &hold.kept else { continue };
        held.entry(cluster.clone()).or_default().push(HeldProduct {
            product: kept.product.clone(),
            version: kept.version.clone(),
            commit: kept.commit.clone(),
            digest: kept.digest,
            by: hold.by.to_string(),
            until: hold.until.map(|end| end.to_string()),
            reason: hold.reason.clone(),
        });
    }
    held
}

/// The versions that earlier plans gave to clusters because of a pin or a hold.
pub(super) fn past_pins(state: &FleetState) -> BTreeMap<ClusterUid, Vec<PastPin>> {
    let mut past: BTreeMap<ClusterUid, Vec<PastPin>> = BTreeMap::new();
    for (_, _, cluster) in state.rollouts().flat_map(|r| r.plan().clusters()) {
        for target in &cluster.targets {
            let pin = match &target.reason {
                Reason::Pin { pin, .. } => Some(pin.clone()),
                Reason::Hold { .. } => None,
                Reason::Release { .. } | Reason::Ahead { .. } | Reason::Rollback { .. } => continue,
            };
            let pinned = PastPin { pin, product: target.product.clone(), digest: target.digest };
            past.entry(cluster.uid.clone()).or_default().push(pinned);
        }
    }
    past
}

/// The content of product versions, as far as planning reads it.
pub(super) async fn versions<'n>(
    world: &World,
    catalog: &Catalog,
    needed: impl Iterator<Item = &'n Needed>,
) -> Result<BTreeMap<Digest, ProductVersion>, PlanError> {
    let fixed = resolve::fixed_contents(catalog.releases.values().map(|loaded| &loaded.file));
    let mut versions = BTreeMap::new();
    for need in needed {
        let tree = match world.packages.fetch(&need.product, &need.version, &need.commit, &need.digest).await
        {
            Ok(tree) => tree,
            // What only leaves the cluster need not be known any more.
            Err(_) if need.leaving => continue,
            Err(fault) => return Err(fault.into()),
        };
        let content = Content::at(&tree, &format!("products/{}", need.product))?;
        versions.insert(need.digest, ProductVersion::of(content, fixed.contains(&need.digest)));
    }
    Ok(versions)
}

/// Who made a release: who ran `release cut`, the git authors of its file, and those of the content
/// that changes against its parent, since the parent's.
async fn authors(
    world: &World,
    catalog: &Catalog,
    release: &catalog::release::Locked<'_>,
    commit: &str,
) -> Result<BTreeSet<String>, Fault> {
    let file = format!("releases/{}.yaml", release.id);
    let mut found: BTreeSet<String> = world.git.authors(None, commit, &[&file]).await?.into_iter().collect();
    found.extend(release.lock.cut_by.clone());
    let parent = release.spec().parent.as_ref().and_then(|p| catalog.releases.get(&p.value));
    let Some(before) = parent.and_then(|p| p.file.lock.as_ref()) else { return Ok(found) };
    for (name, locked) in &release.lock.products {
        let old = before.value.products.get(name);
        if old.is_some_and(|old| old.digest == locked.digest) {
            continue;
        }
        let since = old.map(|old| old.commit.as_str());
        let folder = format!("products/{name}");
        // In a clone that lacks one of the commits nothing is known of their authors.
        if let Ok(more) = world.git.authors(since, &locked.commit, &[&folder]).await {
            found.extend(more);
        }
    }
    Ok(found)
}

/// What renders. Helm is asked for only where a product needs it.
async fn renderers(world: &World, versions: &BTreeMap<Digest, ProductVersion>) -> Result<Renderers, Fault> {
    let by_helm =
        |v: &ProductVersion| v.file.spec.deploy.iter().any(|s| matches!(s.value, DeployStep::Helm(_)));
    let helm =
        if versions.values().any(by_helm) { Some(world.renderer.version().await?.version) } else { None };
    Ok(Renderers { manifests: crate::render::FORMAT, helm })
}
