//! `plan`: what a release will do to the fleet, wave by wave, before anything starts.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::count;
use crate::digest::Digest;
use crate::model::{ClusterName, Duration, Lane, ProductName, ReleaseId, WaveName};
use crate::output::mark::{Tone, bold, clean, dim};
use crate::output::table::{Cell, Column, Table, wrap};
use crate::output::{Look, Screen};
use crate::plan::{
    Action, Change, GateKind, Notice, Plan, PlannedCluster, PlannedDeadline, PlannedGate, PlannedObstacle,
    PlannedProduct, PlannedRate, PlannedWave, Target,
};
use crate::report::age::{self, Seen};
use crate::report::estimate::Estimate;
use crate::report::event::named;
use crate::resolve::Reason;

use super::back::{self, RollbackPlan};
use super::deletions::{Deletion, deletes};
use super::words::cap;

/// A plan as people and programs read it; the plan itself stands in its file.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanScreen {
    /// The release.
    pub release: ReleaseId,
    /// Its nickname.
    pub title: Option<String>,
    /// The release it follows.
    pub parent: Option<ReleaseId>,
    /// Its lane: whose waves it goes through.
    pub lane: Lane,
    /// Every release that it contains, by `parent` and `includes`.
    pub contains: Vec<ReleaseId>,
    /// The plan's digest.
    pub digest: Digest,
    /// The commit that it was made at.
    pub commit: String,
    /// How many clusters it has.
    pub clusters: usize,
    /// At most so many clusters at once over all rollouts; absent is unlimited.
    pub at_once: Option<u32>,
    /// The cap of each region, over all rollouts.
    pub regions: BTreeMap<String, u32>,
    /// How many clusters may start within a time, over all rollouts.
    pub start_rate: Option<PlannedRate>,
    /// Its waves.
    pub waves: Vec<WavePlan>,
    /// What changes, product by product.
    pub changes: Vec<ProductMove>,
    /// What does not, and why.
    pub kept: Vec<Kept>,
    /// Clusters that are planned and stay still until somebody chooses.
    pub blocked: Vec<BlockedCluster>,
    /// Clusters that could not be reached, planned from what was last seen.
    pub stale: Vec<StaleCluster>,
    /// Clusters that were never reached, left to catch-up.
    pub unknown: Vec<ClusterName>,
    /// Clusters that no wave takes.
    pub unassigned: Vec<ClusterName>,
    /// Steps that a rollback can't undo, as `PRODUCT/STEP`.
    pub one_way: Vec<String>,
    /// Objects of earlier versions that products which change delete, if they are still there.
    pub deletes: Vec<Deletion>,
    /// What a rollback does; absent in a plan that goes forward.
    pub rollback: Option<RollbackPlan>,
    /// The limits of steps and tests that say `deadline: auto`.
    pub deadlines: Vec<DeadlineLine>,
    /// What people should know.
    pub notices: Vec<Notice>,
    /// Whether people were told the notices already, as findings with their places and hints.
    #[serde(skip)]
    pub told: bool,
    /// The file that it was written to.
    pub file: Option<String>,
    /// How long it may take; absent without history.
    pub estimate: Option<Estimate>,
}

/// One wave of a plan.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WavePlan {
    /// Its name.
    pub name: WaveName,
    /// Its digest.
    pub digest: Digest,
    /// Its pools with their sizes.
    pub pools: Vec<(String, usize)>,
    /// How many clusters it has.
    pub clusters: usize,
    /// In how many something changes.
    pub changing: usize,
    /// At most so many at once; absent is unlimited.
    pub at_once: Option<u32>,
    /// So many may fail.
    pub failure_budget: u32,
    /// So many may stay deferred.
    pub deferred_budget: u32,
    /// How long one attempt at a cluster may work in all, waiting apart.
    pub cluster_deadline: Option<Duration>,
    /// The gates before it, in words.
    pub gates_before: Vec<String>,
    /// The gates after it, in words.
    pub gates_after: Vec<String>,
    /// How long it soaks.
    pub soak: Option<Duration>,
}

/// One product's way, and on how many clusters.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductMove {
    /// The product.
    pub product: ProductName,
    /// `install`, `raise`, `lower`, `reconfigure`, `reapply` or `remove`.
    pub change: &'static str,
    /// From which version, where there was one.
    pub from: Option<String>,
    /// To which version; absent when it is removed.
    pub to: Option<String>,
    /// On how many clusters.
    pub clusters: usize,
}

/// A product that does not take the release's version somewhere.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The product.
    pub product: ProductName,
    /// The version it has there.
    pub version: String,
    /// The clusters.
    pub clusters: Vec<ClusterName>,
    /// Why, in words.
    pub because: String,
}

/// The limit of a step or test that says `deadline: auto`.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadlineLine {
    /// The product.
    pub product: ProductName,
    /// Its version.
    pub version: String,
    /// The step's name, `settle`, or `test:NAME`.
    pub action: String,
    /// The limit that counts.
    pub limit: Duration,
    /// How it came about.
    pub basis: PlannedDeadline,
}

/// A cluster that a rollout does not start until somebody chooses.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockedCluster {
    /// The cluster.
    pub cluster: ClusterName,
    /// What stands against it.
    pub obstacles: Vec<PlannedObstacle>,
}

/// A cluster that could not be reached while planning.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StaleCluster {
    /// The cluster.
    pub cluster: ClusterName,
    /// When it was last seen.
    pub seen: Seen,
}

impl PlanScreen {
    /// Of a plan, looked at from `now`.
    pub fn of(plan: &Plan, now: jiff::Timestamp) -> Self {
        let all: Vec<&PlannedCluster> = plan.clusters().map(|(_, _, c)| c).collect();
        Self {
            release: plan.release.id.clone(),
            title: plan.release.title.clone(),
            parent: plan.release.parent.clone(),
            lane: plan.release.lane,
            contains: plan.lineage.contains.clone(),
            digest: plan.digest,
            commit: plan.commit.clone(),
            clusters: all.len(),
            at_once: plan.pipeline.at_once,
            regions: plan.pipeline.regions.clone(),
            start_rate: plan.pipeline.start_rate,
            waves: plan.waves.iter().map(wave).collect(),
            changes: changes(&all),
            kept: kept(&all),
            blocked: all
                .iter()
                .filter(|c| !c.obstacles.is_empty())
                .map(|c| BlockedCluster { cluster: c.name.clone(), obstacles: c.obstacles.clone() })
                .collect(),
            stale: all
                .iter()
                .filter(|c| c.stale)
                .map(|c| StaleCluster {
                    cluster: c.name.clone(),
                    seen: age::of(Some(c.observed_at), None, now),
                })
                .collect(),
            unknown: plan.unknown.clone(),
            unassigned: plan.unassigned.clone(),
            one_way: one_way(plan),
            deletes: deletes(plan, all.iter().flat_map(|c| &c.targets)),
            rollback: back::of(plan),
            deadlines: deadlines(plan),
            notices: plan.notices.clone(),
            told: false,
            file: None,
            estimate: None,
        }
    }

    /// Whether anything would change.
    pub fn changes_anything(&self) -> bool {
        !self.changes.is_empty()
    }
}

fn acts(cluster: &PlannedCluster) -> bool {
    !cluster.removals.is_empty() || cluster.targets.iter().any(|t| t.change.acts())
}

fn wave(wave: &PlannedWave) -> WavePlan {
    let clusters = wave.pools.iter().flat_map(|p| &p.clusters);
    WavePlan {
        name: wave.name.clone(),
        digest: wave.digest,
        pools: wave.pools.iter().map(|p| (p.name.to_string(), p.clusters.len())).collect(),
        clusters: wave.size(),
        changing: clusters.filter(|c| acts(c)).count(),
        at_once: wave.at_once,
        failure_budget: wave.failure_budget,
        deferred_budget: wave.deferred_budget,
        cluster_deadline: wave.cluster_deadline,
        gates_before: wave.gates_before.iter().map(gate).collect(),
        gates_after: wave.gates_after.iter().map(gate).collect(),
        soak: wave.soak.as_ref().map(|s| s.length),
    }
}

fn gate(gate: &PlannedGate) -> String {
    match &gate.kind {
        GateKind::Approval { by, quorum, signed, .. } => {
            format!("{} {quorum} of {by}{}", gate.id, if *signed { ", signed" } else { "" })
        }
        GateKind::Command { run, .. } => {
            let program = run.first().map_or("", String::as_str);
            format!("{} {}", gate.id, program.rsplit('/').next().unwrap_or(program))
        }
        GateKind::Metric(metric) => {
            let bounds: Vec<String> = [
                metric.max.map(|n| format!("at most {n}")),
                metric.min.map(|n| format!("at least {n}")),
                metric.compare.as_ref().map(|c| format!("within {} % of the rest", c.percent)),
            ]
            .into_iter()
            .flatten()
            .collect();
            format!("{} {}", gate.id, bounds.join(", "))
        }
    }
}

/// What a change is called, and from where it goes.
pub fn change_word(change: &Change) -> (&'static str, Option<String>) {
    match change {
        Change::Unchanged => ("unchanged", None),
        Change::Install => ("install", None),
        Change::Raise { from } => ("raise", Some(from.to_string())),
        Change::Lower { from } => ("lower", Some(from.to_string())),
        Change::Reconfigure => ("reconfigure", None),
        Change::Reapply => ("reapply", None),
    }
}

fn changes(clusters: &[&PlannedCluster]) -> Vec<ProductMove> {
    type Way = (ProductName, &'static str, Option<String>, Option<String>);
    let mut ways: BTreeMap<Way, usize> = BTreeMap::new();
    for cluster in clusters {
        for target in cluster.targets.iter().filter(|t| t.change.acts()) {
            let (word, from) = change_word(&target.change);
            *ways
                .entry((target.product.clone(), word, from, Some(target.version.to_string())))
                .or_default() += 1;
        }
        for product in &cluster.removals {
            let from = cluster.from.get(product).map(|p| p.version.to_string());
            *ways.entry((product.clone(), "remove", from, None)).or_default() += 1;
        }
    }
    ways.into_iter()
        .map(|((product, change, from, to), clusters)| ProductMove { product, change, from, to, clusters })
        .collect()
}

fn kept(clusters: &[&PlannedCluster]) -> Vec<Kept> {
    let mut found: Vec<Kept> = Vec::new();
    for cluster in clusters {
        for target in &cluster.targets {
            let Some(because) = own_reason(target) else { continue };
            let version = target.version.to_string();
            let same = found
                .iter_mut()
                .find(|k| k.product == target.product && k.version == version && k.because == because);
            match same {
                Some(known) => known.clusters.push(cluster.name.clone()),
                None => found.push(Kept {
                    product: target.product.clone(),
                    version,
                    clusters: vec![cluster.name.clone()],
                    because,
                }),
            }
        }
    }
    found
}

/// Why a target is not simply what the release says.
fn own_reason(target: &Target) -> Option<String> {
    match &target.reason {
        Reason::Release { .. } | Reason::Rollback { .. } => None,
        other => Some(reason(other)),
    }
}

/// A reason in words.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Release { release } => format!("release {release}"),
        Reason::Pin { pin, owner, until } => format!("pin {pin} until {until} (team {owner})"),
        Reason::Hold { by, until, reason } => {
            let until = until.as_ref().map_or_else(String::new, |end| format!(" until {end}"));
            format!("held by {by}{until}: {reason}")
        }
        Reason::Ahead { release_has } => format!("runs there, and {release_has} would lower it"),
        Reason::Rollback { of, release } => format!("ran there before {of}, by {release}"),
    }
}

fn deadlines(plan: &Plan) -> Vec<DeadlineLine> {
    let of = |product: &PlannedProduct| {
        let line = |(action, limit, basis): (Action, Duration, PlannedDeadline)| DeadlineLine {
            product: product.name.clone(),
            version: product.version.to_string(),
            action: action.to_string(),
            limit,
            basis,
        };
        product.deadlines().map(line).collect::<Vec<_>>()
    };
    let mut found: Vec<DeadlineLine> = plan.products.values().flat_map(of).collect();
    found.sort_by(|a, b| (&a.product, &a.version).cmp(&(&b.product, &b.version)));
    found
}

fn one_way(plan: &Plan) -> Vec<String> {
    // On the way back nothing one-way is taken.
    let waves = plan.waves.iter().filter(|_| plan.rollback().is_none());
    let steps: BTreeSet<_> = waves.flat_map(|wave| plan.one_way(wave)).collect();
    steps.into_iter().map(|(product, step)| format!("{product}/{step}")).collect()
}

impl Screen for PlanScreen {
    const KIND: &'static str = "Plan";

    fn text(&self, look: &Look) -> String {
        if let Some(rollback) = &self.rollback {
            return self.rollback_text(rollback, look);
        }
        let from = self.parent.as_ref().map_or_else(String::new, |p| format!("{p} -> "));
        let title = self.title.as_ref().map_or_else(String::new, |t| format!(" \"{}\"", clean(t)));
        let estimate = self.estimate.map_or_else(String::new, |guess| format!(" · {}", guess.words("")));
        let mut text = format!(
            "{}{} · {} · {}{estimate}\n\n",
            bold(&format!("{from}{}{title}", self.release)),
            if self.lane == Lane::Normal { String::new() } else { format!(" · lane {}", self.lane) },
            count(self.clusters, "cluster"),
            count(self.waves.len(), "wave")
        );
        text.push_str(&self.waves_table().text(look.width));
        if let Some(pace) = self.pace() {
            text.push_str(&format!("{pace}\n"));
        }
        text.push('\n');
        self.facts(look, &mut text);
        text.push_str(&dim(&format!(
            "Plan {}, good until something it depends on moves\n",
            self.digest.short()
        )));
        text
    }

    fn next(&self) -> Option<String> {
        if let Some(rollback) = &self.rollback {
            return Some(format!("tidegate rollout rollback {} --reason TEXT", rollback.of));
        }
        Some(match &self.file {
            Some(file) => format!("tidegate rollout start {file}"),
            None => format!("tidegate plan {} --out FILE", self.release),
        })
    }
}

impl PlanScreen {
    fn rollback_text(&self, rollback: &RollbackPlan, look: &Look) -> String {
        let mut text = format!(
            "{} · {} · {}\n\n",
            bold(&format!("{} goes back", rollback.of)),
            count(self.clusters, "cluster"),
            count(self.waves.len(), "wave")
        );
        text.push_str(&self.waves_table().text(look.width));
        text.push('\n');
        for (title, line) in rollback.lines() {
            fact(title, &line, look, &mut text);
        }
        for stale in &self.stale {
            fact(
                "Not reached",
                &format!("{}: planned by what is known of it", stale.cluster),
                look,
                &mut text,
            );
        }
        text
    }

    /// What holds over all rollouts, if anything does.
    fn pace(&self) -> Option<String> {
        let mut found: Vec<String> =
            self.at_once.iter().map(|cap| format!("at most {cap} at once")).collect();
        let regions: Vec<String> =
            self.regions.iter().map(|(region, cap)| format!("{cap} in region {}", clean(region))).collect();
        if !regions.is_empty() {
            found.push(few(&regions, ", "));
        }
        found.extend(self.start_rate.map(|rate| format!("{} may start within {}", rate.clusters, rate.per)));
        (!found.is_empty()).then(|| format!("Over all rollouts: {}", found.join("; ")))
    }

    fn waves_table(&self) -> Table {
        let mut table = Table::new([
            Column::left("WAVE"),
            Column::text("POOLS"),
            Column::right("CHANGE"),
            Column::right("AT ONCE"),
            Column::left("HALTS AT"),
            Column::text("GATES AND SOAK"),
        ]);
        for wave in &self.waves {
            let pools: Vec<String> =
                wave.pools.iter().map(|(name, size)| format!("{name} ({size})")).collect();
            let mut gates = wave.gates_before.clone();
            gates.extend(wave.soak.map(|soak| format!("soak {soak}")));
            gates.extend(wave.cluster_deadline.map(|limit| format!("{limit} per cluster")));
            gates.extend(wave.gates_after.iter().map(|gate| format!("after: {gate}")));
            table.row([
                wave.name.as_str().into(),
                if pools.is_empty() { "no cluster".into() } else { few(&pools, ", ").into() },
                format!("{} of {}", wave.changing, wave.clusters).into(),
                cap(wave.at_once).into(),
                nth_failure(wave.failure_budget).into(),
                gates.join(" · ").into(),
            ]);
        }
        table
    }

    fn facts(&self, look: &Look, text: &mut String) {
        if self.changes.is_empty() {
            fact("Changes", "nothing", look, text);
        }
        for change in &self.changes {
            let way = match (&change.from, &change.to) {
                (Some(from), Some(to)) => format!("{from} -> {to}"),
                (Some(from), None) => format!("{from}, removed"),
                (None, Some(to)) => format!("{to}, {}", past(change.change)),
                (None, None) => past(change.change).to_owned(),
            };
            let lowered = if change.change == "lower" { " (lowered)" } else { "" };
            let line = format!("{} {way}{lowered} ({})", change.product, change.clusters);
            fact("Changes", &line, look, text);
        }
        for kept in &self.kept {
            let line =
                format!("{} {} on {}: {}", kept.product, kept.version, named(&kept.clusters), kept.because);
            fact("Own version", &line, look, text);
        }
        for blocked in &self.blocked {
            for obstacle in &blocked.obstacles {
                fact("Blocked", &format!("{}: {obstacle}", blocked.cluster), look, text);
            }
        }
        for stale in &self.stale {
            let seen = stale.seen.at.map_or_else(|| "never seen".to_owned(), |at| look.view.relative(at));
            fact("Not reached", &format!("{}, last seen {seen}", stale.cluster), look, text);
        }
        if !self.unknown.is_empty() {
            let line = format!("{}, never seen: left to catch-up", named(&self.unknown));
            fact("Not reached", &line, look, text);
        }
        if !self.unassigned.is_empty() {
            fact("In no wave", &named(&self.unassigned), look, text);
        }
        if !self.one_way.is_empty() {
            fact("One-way", &format!("{} can't be rolled back", self.one_way.join(", ")), look, text);
        }
        for deletion in &self.deletes {
            let line = format!("{} {}: {}", deletion.product, deletion.version, deletion.words());
            fact("Deletes", &line, look, text);
        }
        for line in &self.deadlines {
            let DeadlineLine { product, action, limit, basis, .. } = line;
            fact("Deadline", &format!("{product}/{action} {limit}: {basis}"), look, text);
        }
        for notice in self.notices.iter().filter(|_| !self.told) {
            fact("Notice", &format!("{} ({})", notice.message, notice.code), look, text);
        }
    }
}

/// A titled line, wrapped under its title.
fn fact(title: &str, line: &str, look: &Look, text: &mut String) {
    let room = look.width.map_or(usize::MAX, |w| usize::from(w).saturating_sub(13).max(20));
    for (number, part) in wrap(&clean(line), room).into_iter().enumerate() {
        let title = if number == 0 { title } else { "" };
        text.push_str(&format!("{title:11}  {part}\n"));
    }
}

/// The first few, and how many more.
fn few(items: &[impl AsRef<str>], between: &str) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<&str> = items.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match items.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{}{between}... ({more} more)", shown.join(between)),
        _ => shown.join(between),
    }
}

fn past(change: &str) -> &'static str {
    match change {
        "install" => "installed",
        "reconfigure" => "configured anew",
        "reapply" => "applied again",
        "remove" => "removed",
        _ => "changed",
    }
}

/// At which failure a wave halts: one more than it tolerates.
fn nth_failure(budget: u32) -> String {
    match budget {
        0 => "1st failure".to_owned(),
        1 => "2nd failure".to_owned(),
        2 => "3rd failure".to_owned(),
        n => format!("{}th failure", u64::from(n) + 1),
    }
}

/// What one cluster gets by a plan.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPlanScreen {
    /// The cluster.
    pub cluster: ClusterName,
    /// Its wave.
    pub wave: WaveName,
    /// Its pool.
    pub pool: String,
    /// What it shall run.
    pub targets: Vec<TargetLine>,
    /// Products to take away.
    pub removals: Vec<ProductName>,
    /// Products that stay although nobody wants them.
    pub orphaned: Vec<ProductName>,
    /// Objects of earlier versions that its products delete, if they are still there.
    pub deletes: Vec<Deletion>,
}

/// One product for one cluster.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetLine {
    /// The product.
    pub product: ProductName,
    /// Its phase.
    pub phase: u32,
    /// The version.
    pub version: String,
    /// What it is there now.
    pub from: Option<String>,
    /// What happens to it.
    pub change: &'static str,
    /// Why this version.
    pub reason: Reason,
    /// The inputs digest.
    pub inputs: Digest,
}

impl ClusterPlanScreen {
    /// What a cluster of a plan gets; `None` if it is not in the plan.
    pub fn of(plan: &Plan, cluster: &ClusterName) -> Option<Self> {
        let (wave, pool, planned) = plan.cluster(cluster)?;
        let line = |target: &Target| TargetLine {
            product: target.product.clone(),
            phase: target.phase,
            version: target.version.to_string(),
            from: planned.from.get(&target.product).map(|p| p.version.to_string()),
            change: change_word(&target.change).0,
            reason: target.reason.clone(),
            inputs: target.inputs,
        };
        Some(Self {
            cluster: cluster.clone(),
            wave: wave.name.clone(),
            pool: pool.name.to_string(),
            targets: planned.targets.iter().map(line).collect(),
            removals: planned.removals.clone(),
            orphaned: planned.orphaned.clone(),
            deletes: deletes(plan, planned.targets.iter()),
        })
    }
}

impl Screen for ClusterPlanScreen {
    const KIND: &'static str = "ClusterPlan";

    fn text(&self, look: &Look) -> String {
        let mut text =
            format!("{} · wave {} · pool {}\n\n", bold(self.cluster.as_str()), self.wave, self.pool);
        let mut table = Table::new([
            Column::right("PHASE"),
            Column::left("PRODUCT"),
            Column::left("NOW"),
            Column::left("THEN"),
            Column::left("CHANGE"),
            Column::text("BECAUSE"),
        ]);
        for target in &self.targets {
            let tone = match target.change {
                "unchanged" => Tone::Quiet,
                "lower" => Tone::Warn,
                _ => Tone::Busy,
            };
            table.row([
                target.phase.to_string().into(),
                target.product.as_str().into(),
                target.from.as_deref().unwrap_or_default().into(),
                target.version.as_str().into(),
                Cell::mark(tone, target.change),
                reason(&target.reason).into(),
            ]);
        }
        text.push_str(&table.text(look.width));
        for deletion in &self.deletes {
            text.push_str(&format!(
                "{} {} deletes {}\n",
                Tone::Warn.glyph(),
                deletion.product,
                clean(&deletion.words())
            ));
        }
        for product in &self.removals {
            text.push_str(&format!("{} {product} is taken away\n", Tone::Warn.glyph()));
        }
        for product in &self.orphaned {
            text.push_str(&format!(
                "{} {product} stays although nothing wants it (orphaned)\n",
                Tone::Quiet.glyph()
            ));
        }
        text
    }
}
