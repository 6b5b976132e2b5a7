//! A second reading of the rules that always hold, from the event log and the plans alone: it
//! shares no code with the core, so that the two can only agree by both being right.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::back;
use crate::live::{Facts, first};
use tidegate::digest::Digest;
use tidegate::journal::{
    Answer, AttemptId, AttemptResult, Body, Deferral, Ending, Event, Failure, Found, HaltCause, Preflight,
    Side, StepId, StepOutcome,
};
use tidegate::model::{
    Actor, ClusterName, ClusterUid, Duration, GateId, Lane, ReleaseId, RolloutId, SoakClock,
};
use tidegate::plan::{Plan, PlannedCluster, PlannedWave};

/// What a cluster's newest attempt came to, as far as the rules need it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Waits,
    Works,
    Unknown,
    Failed,
    Good,
    Out,
    DeferredForLater,
    /// Deferred by a hold, or hibernated: settled as the one above, and claimable when that ends.
    Held,
    Open,
}

impl Verdict {
    fn settled(self) -> bool {
        matches!(self, Self::Failed | Self::Good | Self::Out | Self::DeferredForLater | Self::Held)
    }
    fn deferred(self) -> bool {
        matches!(self, Self::DeferredForLater | Self::Held)
    }
    fn spends(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown)
    }
    fn in_flight(self) -> bool {
        matches!(self, Self::Works | Self::Unknown)
    }
}

#[derive(Clone, Default)]
pub struct StepLog {
    begun: u32,
    running: Option<(u32, u64)>,
    since: Option<jiff::Timestamp>,
    pub done: bool,
    last: Option<StepOutcome>,
    retries_left: Option<u32>,
}

#[derive(Clone)]
pub struct Member {
    /// So many new plans may have begun a new attempt each; the next event of it says so.
    anew: u32,
    wave: usize,
    pool: usize,
    attempt: u32,
    pub verdict: Verdict,
    /// Whether this attempt had a slot already.
    started: bool,
    /// Whether it got a slot after its wave was over: it counts apart from then on.
    late: bool,
    preflights: u32,
    wants_preflight: bool,
    no_op: bool,
    /// Whether this attempt changes nothing.
    only_tests: bool,
    /// Whether anything of the rollout ever came there.
    pub touched: bool,
    steps: Vec<StepId>,
    pub log: BTreeMap<StepId, StepLog>,
    /// How long steps of this attempt ran that were reported.
    worked: jiff::SignedDuration,
}

impl Member {
    fn new(wave: usize, pool: usize) -> Self {
        Self {
            anew: 0,
            wave,
            pool,
            attempt: 1,
            verdict: Verdict::Waits,
            started: false,
            late: false,
            preflights: 0,
            wants_preflight: false,
            no_op: false,
            only_tests: false,
            touched: false,
            steps: Vec::new(),
            log: BTreeMap::new(),
            worked: jiff::SignedDuration::ZERO,
        }
    }
}

#[derive(Default)]
pub struct WaveLog {
    reached: bool,
    opened: bool,
    claimed: bool,
    completed: bool,
    round: u32,
    verified: BTreeSet<ClusterName>,
    first_verified: Option<jiff::Timestamp>,
    /// Every look of the soak, by cluster: when, and whether all was well. The verification before it
    /// is the first.
    looks: BTreeMap<ClusterName, Vec<(jiff::Timestamp, Found)>>,
    soaked: bool,
    through: bool,
    tagged: bool,
    over: bool,
    budget: u32,
    /// When a verdict of it last changed, as a position.
    moved: u64,
    answers: BTreeMap<(Side, GateId), (Answer, u64)>,
    yes: BTreeMap<(Side, GateId), Vec<Yes>>,
    /// When the yeses of a gate last changed, as a position.
    asked_anew: BTreeMap<(Side, GateId), u64>,
}

pub struct Yes {
    actor: Actor,
    release: Digest,
    wave: Digest,
    evidence: Option<Digest>,
    expires: Option<jiff::Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Planned,
    Running,
    Paused,
    Halted,
    Aborting,
    RollingBack,
    /// Every wave is over, and perhaps somebody is left to catch up.
    Through,
    Ended,
}

impl Mode {
    fn is_over(self) -> bool {
        matches!(self, Self::Through | Self::Ended)
    }
}

pub struct Run {
    pub plan: Plan,
    /// Its place in the order of starts.
    order: usize,
    pub mode: Mode,
    /// The wave that halted because no test ran.
    untested: Option<String>,
    pub members: HashMap<ClusterName, Member>,
    /// Members of earlier plans that are not planned any more.
    left: HashMap<ClusterName, Member>,
    waves: Vec<WaveLog>,
    /// The event that brought its plan.
    plan_seq: u64,
    /// How many clusters each wave was planned with.
    sizes: Vec<usize>,
    /// Whether somebody who joined could not be planned, for a while at least.
    lacks: bool,
}

/// Reads a log from its beginning.
#[derive(Default)]
pub struct Checker {
    runs: BTreeMap<RolloutId, Run>,
    facts: Facts,
    /// When attempts got their first slot.
    starts: Vec<jiff::Timestamp>,
    fence: u64,
    next: u64,
    /// The hotfixes that a cluster got with what succeeded there, the last at the end; what was rolled
    /// back is taken out.
    carried: HashMap<ClusterUid, Vec<(RolloutId, BTreeSet<ReleaseId>)>>,
    hotfixes: BTreeSet<ReleaseId>,
    /// What the log held, to tell whether enough happened.
    pub seen: BTreeMap<&'static str, u32>,
}

/// For how many seconds, at most, a cluster was seen well without a break: between looks that found it
/// well, with no more time between two of them than `every`, and none between them that found it ill.
fn longest(looks: &[(jiff::Timestamp, Found)], every: Duration) -> i64 {
    let (mut best, mut begun, mut before) = (0, None, None);
    for (at, found) in looks {
        match found {
            Found::Unseen => {}
            Found::Ill => (begun, before) = (None, None),
            Found::Well => {
                let near = before.is_some_and(|before: jiff::Timestamp| {
                    at.duration_since(before).as_secs() <= i64::try_from(every.as_seconds()).unwrap()
                });
                begun = if near { begun } else { Some(*at) };
                before = Some(*at);
                best = best.max(begun.map_or(0, |begun| at.duration_since(begun).as_secs()));
            }
        }
    }
    best
}

type Checked = Result<(), String>;

fn demand(holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(why()) }
}

impl Checker {
    /// Whether a whole log keeps the rules.
    pub fn read(events: &[Event]) -> Result<Self, String> {
        let mut checker = Self::default();
        for event in events {
            checker.take(event).map_err(|why| format!("event {} {}: {why}", event.seq, event.body.name()))?;
        }
        Ok(checker)
    }

    fn take(&mut self, event: &Event) -> Checked {
        self.next += 1;
        demand(event.seq == self.next, || format!("rule 7: {} was to come", self.next))?;
        *self.seen.entry(event.body.name()).or_default() += 1;
        if let Body::DriverTookOver { new_fence, .. } = &event.body {
            demand(*new_fence > self.fence, || "rule 7: the fence does not rise".to_owned())?;
            self.fence = *new_fence;
        }
        let drivers = event.actor.0 == "engine";
        demand(!drivers || event.fence == Some(self.fence), || "rule 7: not the driver's fence".to_owned())?;
        self.facts.take(event);
        match &event.body {
            Body::RolloutPlanned { rollout, plan } => self.planned(rollout, plan, event.seq),
            Body::AttemptClaimed { attempt, .. } => self.claim(attempt, event),
            Body::AttemptDeferred { attempt, reason, .. } => self.deferred(attempt, *reason, event),
            body => {
                if let Body::AttemptFinished { attempt, result } = body {
                    self.carries(attempt, result);
                    if *result == AttemptResult::Superseded {
                        self.superseded(attempt)?;
                    }
                }
                let Some(id) = body.rollout() else { return Ok(()) };
                let fence = self.fence;
                if let Body::StepStarted { attempt, step, .. } = body {
                    let run = self.runs.get(id).ok_or("rule 7: nobody planned it")?;
                    let original = run.plan.rollback().and_then(|r| self.runs.get(&r.of));
                    original.map_or(Ok(()), |original| back::in_order(run, original, attempt, step))?;
                }
                let run = self.runs.get_mut(id).ok_or("rule 7: nobody planned it")?;
                if let Body::StepStarted { attempt, step, .. } = body {
                    run.may_go_on(&self.facts, attempt, step, event.at)?;
                }
                if let Body::RolloutJoined { cluster, .. } = body {
                    demand(self.facts.is_member(&cluster.name), || "rule 4: it is no member".to_owned())?;
                    let planned = |other: &Run| other.members.contains_key(&cluster.name);
                    let known = self.runs.iter().any(|(other, r)| other != id && planned(r));
                    demand(!known, || "rule 4: a plan knows it".to_owned())?;
                }
                let run = self.runs.get_mut(id).ok_or("rule 7: nobody planned it")?;
                if let Body::AttemptDeparted { attempt, .. } = body {
                    run.catch_up(attempt);
                    demand(self.facts.left(run.plan_seq, &attempt.cluster), || {
                        format!("rule 4: {} is a member", attempt.cluster)
                    })?;
                }
                let before = run.mode;
                run.take(event, fence)?;
                self.taken_back(id, before, event)
            }
        }
    }

    /// Only who waits to catch up is taken over, by a younger rollout that plans it.
    fn superseded(&self, id: &AttemptId) -> Checked {
        let run = self.runs.get(&id.rollout).ok_or("rule 7: nobody planned it")?;
        let member = run.members.get(&id.cluster).ok_or("rule 5: not planned")?;
        let waits = member.verdict.deferred() && run.waves[member.wave].over;
        demand(waits, || format!("rule 5: {} does not wait to catch up", id.cluster))?;
        let younger = self.runs.values().filter(|other| other.order > run.order && !other.mode.is_over());
        let planned = younger.filter(|other| other.members.contains_key(&id.cluster)).count();
        demand(planned > 0, || format!("rule 5: nobody took {} over", id.cluster))
    }

    /// Rule 11: what becomes of a rollout while a rollback takes it back, and when that ends.
    fn taken_back(&mut self, id: &RolloutId, before: Mode, event: &Event) -> Checked {
        let run = &self.runs[id];
        let Some(rollback) = run.plan.rollback().cloned() else { return Ok(()) };
        let mode = run.mode;
        let all = run.members.values().all(|m| m.verdict == Verdict::Good);
        let whole = rollback.whole && all && matches!(event.body, Body::RolloutFinished { .. });
        let original = self.runs.get_mut(&rollback.of).ok_or("rule 11: nothing to take back")?;
        if let Body::AttemptFinished { attempt, result: AttemptResult::Succeeded | AttemptResult::NoOp } =
            &event.body
        {
            original.set(&attempt.cluster, Verdict::Failed, event.seq);
        }
        match (before, mode) {
            (over, now) if over.is_over() && !now.is_over() => {
                let rests = matches!(original.mode, Mode::Halted | Mode::Ended | Mode::Through);
                demand(rests, || format!("rule 11: {} is {:?}", rollback.of, original.mode))?;
                original.mode = Mode::RollingBack;
            }
            (before, over) if !before.is_over() && over.is_over() => {
                original.mode = if whole { Mode::Ended } else { Mode::Halted };
                *self.seen.entry("(rolled back)").or_default() += u32::from(whole);
            }
            _ => {}
        }
        Ok(())
    }

    /// Rule 10: what a cluster got.
    fn carries(&mut self, id: &AttemptId, result: &AttemptResult) {
        let Some(run) = self.runs.get(&id.rollout) else { return };
        let Some((_, _, cluster)) = run.plan.cluster(&id.cluster) else { return };
        if matches!(result, AttemptResult::Succeeded | AttemptResult::NoOp) {
            let mut got: BTreeSet<ReleaseId> = run.plan.lineage.contains.iter().cloned().collect();
            got.insert(run.plan.release.id.clone());
            got.retain(|id| self.hotfixes.contains(id));
            let all = self.carried.entry(cluster.uid.clone()).or_default();
            let gone = run.plan.rollback().map_or(&id.rollout, |rollback| &rollback.of);
            all.retain(|(other, _)| other != gone);
            if run.plan.rollback().is_none() {
                all.push((id.rollout.clone(), got));
            }
        }
    }

    /// Rule 10: the pool of a cluster has nobody left who would lose a hotfix.
    fn keeps_hotfixes(&self, run: &Run, w: usize, p: usize, only: Option<&ClusterName>) -> Checked {
        if run.plan.rollback().is_some() {
            return Ok(());
        }
        let release = &run.plan.release.id;
        let pool = run.plan.waves[w].pools[p].clusters.iter();
        for cluster in pool.filter(|c| only.is_none_or(|only| *only == c.name)) {
            let waits = run
                .members
                .get(&cluster.name)
                .is_some_and(|m| matches!(m.verdict, Verdict::Waits | Verdict::Open));
            let last = self.carried.get(&cluster.uid).and_then(|all| all.last());
            let got = last.into_iter().flat_map(|(_, got)| got);
            let lost = got.clone().find(|id| *id != release && !run.plan.lineage.contains.contains(id));
            demand(!waits || lost.is_none(), || format!("rule 10: {} would lose {lost:?}", cluster.name))?;
        }
        Ok(())
    }

    fn planned(&mut self, id: &RolloutId, plan: &Plan, seq: u64) -> Checked {
        back::lowers(plan, plan.rollback().and_then(|r| self.runs.get(&r.of)).map(|r| &r.plan))?;
        if let Some(rollback) = plan.rollback() {
            let original = self.runs.get_mut(&rollback.of).ok_or("rule 11: nothing to take back")?;
            back::begins(plan, original)?;
            original.mode = Mode::RollingBack;
            *self.seen.entry("(a rollback)").or_default() += 1;
        }
        if plan.release.lane == Lane::Hotfix {
            self.hotfixes.insert(plan.release.id.clone());
        }
        let mut members = HashMap::new();
        for (w, wave) in plan.waves.iter().enumerate() {
            for (p, pool) in wave.pools.iter().enumerate() {
                for cluster in &pool.clusters {
                    let member = Member::new(w, p);
                    members.insert(cluster.name.clone(), member);
                }
            }
        }
        let budget = |w: &PlannedWave| if w.canary { 0 } else { w.failure_budget };
        let waves = plan.waves.iter().map(|w| WaveLog { budget: budget(w), ..WaveLog::default() }).collect();
        let sizes = plan.waves.iter().map(PlannedWave::size).collect();
        let run = Run {
            plan: plan.clone(),
            order: self.runs.len(),
            mode: Mode::Planned,
            untested: None,
            members,
            left: HashMap::new(),
            waves,
            plan_seq: seq,
            sizes,
            lacks: false,
        };
        self.runs.insert(id.clone(), run);
        Ok(())
    }

    fn claim(&mut self, id: &AttemptId, event: &Event) -> Checked {
        self.runs.get_mut(&id.rollout).ok_or("rule 7: nobody planned it")?.catch_up(id);
        let everywhere: u32 =
            self.runs.values().filter(|r| !r.mode.is_over()).map(|r| r.in_flight(|_| true)).sum();
        // One at its end, where somebody catches up, keeps to its own limits as well.
        for (_, run) in self.runs.iter().filter(|(own, r)| **own == id.rollout || !r.mode.is_over()) {
            let cap = run.plan.pipeline.at_once;
            demand(cap.is_none_or(|cap| everywhere < cap), || {
                format!("rule 2: {everywhere} are in flight everywhere")
            })?;
        }
        self.nothing_in_the_way(id, event.at)?;
        self.pace(id, event.at)?;
        let run = self.runs.get_mut(&id.rollout).ok_or("rule 7: nobody planned it")?;
        let member = run.members.get_mut(&id.cluster).ok_or("rule 5: not planned")?;
        if !std::mem::replace(&mut member.started, true) {
            self.starts.push(event.at);
        }
        let (w, p) = (member.wave, member.pool);
        demand(member.attempt == id.attempt, || "rule 5: not the newest attempt".to_owned())?;
        // Who was left for later, and whose wave is over, catches up.
        let behind = run.waves[w].over && member.verdict.deferred();
        let late = member.late || behind;
        demand(late || matches!(member.verdict, Verdict::Waits | Verdict::Open | Verdict::Held), || {
            format!("rule 5: it is {:?}", member.verdict)
        })?;
        member.late = late;
        let goes = run.mode == Mode::Running || (late && run.mode == Mode::Through);
        demand(goes, || format!("rule 3: the rollout is {:?}", run.mode))?;
        run.mode = Mode::Running;
        if late {
            let failed = run.members.values().filter(|m| m.late && m.verdict.spends()).count();
            let budget = run.plan.pipeline.catch_up.budget;
            demand(failed <= budget as usize, || format!("rule 3: {failed} of those who caught up failed"))?;
            if behind {
                run.let_in(w, event.at)?;
            }
        }
        for (other, wave) in run.waves.iter().enumerate() {
            demand(other >= w || wave.over, || format!("rule 1: wave {other} is not done"))?;
            let failed = run.failed(other);
            demand(failed <= wave.budget, || format!("rule 3: {failed} failed in wave {other}"))?;
        }
        let wave = &run.waves[w];
        demand(wave.opened || late, || "rule 1: its wave is not open".to_owned())?;
        if !wave.claimed && !late {
            run.gates(w, Side::Before, event.at)?;
        }
        let planned = &run.plan.waves[w];
        let mut deferred = 0;
        for member in run.members.values().filter(|m| m.wave == w && m.pool < p && !m.late && !late) {
            demand(member.verdict.settled(), || "rule 1: the pool before is not settled".to_owned())?;
            deferred += u32::from(member.verdict.deferred());
        }
        demand(deferred <= planned.deferred_budget, || "rule 1: too many deferred before".to_owned())?;
        let of_wave = run.in_flight(|m| m.wave == w);
        let of_pool = run.in_flight(|m| m.wave == w && m.pool == p);
        demand(planned.at_once.is_none_or(|cap| of_wave < cap), || format!("rule 2: {of_wave} in the wave"))?;
        let cap = planned.pools[p].at_once;
        demand(cap.is_none_or(|cap| of_pool < cap), || format!("rule 2: {of_pool} in the pool"))?;
        let run = self.runs.get(&id.rollout).ok_or("rule 7: nobody planned it")?;
        self.keeps_hotfixes(run, w, p, late.then_some(&id.cluster))?;
        let run = self.runs.get_mut(&id.rollout).ok_or("rule 7: nobody planned it")?;
        run.waves[w].claimed = true;
        run.set(&id.cluster, Verdict::Works, event.seq);
        if let Some(member) = run.members.get_mut(&id.cluster) {
            member.wants_preflight = true;
        }
        Ok(())
    }
}

impl Checker {
    /// Rules 3, 5 and 8: the line goes, nobody holds the cluster, the calendar allows it, and no other
    /// rollout comes first there or is at it.
    fn nothing_in_the_way(&self, id: &AttemptId, now: jiff::Timestamp) -> Checked {
        let run = self.runs.get(&id.rollout).ok_or("rule 7: nobody planned it")?;
        let (_, _, planned) = run.plan.cluster(&id.cluster).ok_or("rule 5: not planned")?;
        let name = &id.cluster;
        demand(!self.facts.stopped(&id.rollout, planned), || {
            format!("rule 3: the line of {name} is stopped")
        })?;
        demand(!self.facts.left(run.plan_seq, name), || format!("rule 4: {name} left the fleet"))?;
        demand(!self.facts.held(planned, now), || format!("rule 8: {name} is held"))?;
        demand(!self.facts.asleep(name), || format!("rule 8: {name} is hibernated"))?;
        match self.before(id) {
            Some(other) => Err(format!("rule 5: {other} comes first at {name}")),
            None => demand(!self.facts.closed(&run.plan, planned, now), || {
                format!("rule 8: the calendar forbids {name}")
            }),
        }
    }

    /// The rollout that comes first at a cluster, or is at it.
    fn before(&self, id: &AttemptId) -> Option<&RolloutId> {
        let mine = self.runs.get(&id.rollout)?;
        let others = self.runs.iter().filter(|(other, r)| **other != id.rollout && !r.mode.is_over());
        others
            .filter(|(_, other)| {
                let Some(there) = other.members.get(&id.cluster) else { return false };
                let follows = there.late && !there.verdict.in_flight();
                let through = follows || (there.verdict.settled() && other.waves[there.wave].over);
                let ahead = first((&other.plan, other.order), (&mine.plan, mine.order));
                there.verdict.in_flight() || (ahead && !through)
            })
            .map(|(other, _)| other)
            .next()
    }

    /// Rule 2 for regions and start rates.
    fn pace(&self, id: &AttemptId, now: jiff::Timestamp) -> Checked {
        let run = self.runs.get(&id.rollout).ok_or("rule 7: nobody planned it")?;
        let (_, _, planned) = run.plan.cluster(&id.cluster).ok_or("rule 5: not planned")?;
        let own = |(name, r): &(&RolloutId, &Run)| **name == id.rollout || !r.mode.is_over();
        let open = || self.runs.iter().filter(own).map(|(_, r)| r);
        let region = planned.labels.get("region");
        let here = open().flat_map(|r| r.members.iter().map(move |(name, m)| (r, name, m))).filter(
            |(r, name, m)| {
                let there = r.plan.cluster(name).map(|(_, _, c)| c.labels.get("region"));
                m.verdict.in_flight() && there == Some(region)
            },
        );
        let capped = open().any(|r| !r.plan.pipeline.regions.is_empty());
        let used = if capped { here.count() } else { 0 };
        let new = run.members.get(&id.cluster).is_some_and(|m| !m.started);
        for other in open() {
            let cap = region.and_then(|region| other.plan.pipeline.regions.get(region));
            demand(cap.is_none_or(|cap| used < *cap as usize), || format!("rule 2: {used} in the region"))?;
            if let Some(rate) = other.plan.pipeline.start_rate.filter(|_| new) {
                let recent = self.starts.iter().filter(|at| rate.per.after(**at) > now).count();
                demand(recent < rate.clusters as usize, || format!("rule 2: {recent} started just now"))?;
            }
        }
        Ok(())
    }

    /// A cluster is left for later for a reason that is there.
    fn deferred(&mut self, id: &AttemptId, reason: Deferral, event: &Event) -> Checked {
        let before = self.before(id).is_some();
        let run = self.runs.get_mut(&id.rollout).ok_or("rule 7: nobody planned it")?;
        run.catch_up(id);
        let (_, _, planned) = run.plan.cluster(&id.cluster).ok_or("rule 5: not planned")?;
        let there = match reason {
            Deferral::Hold => self.facts.held(planned, event.at),
            Deferral::Window => self.facts.closed(&run.plan, planned, event.at),
            Deferral::Busy => before,
            Deferral::Hibernated => self.facts.asleep(&id.cluster),
            Deferral::Unreachable | Deferral::Joined => false,
        };
        demand(there, || format!("{reason:?} is no fact"))?;
        demand(run.mode == Mode::Running, || format!("rule 3: the rollout is {:?}", run.mode))?;
        let member = run.members.get(&id.cluster).ok_or("rule 5: not planned")?;
        demand(matches!(member.verdict, Verdict::Waits | Verdict::Open | Verdict::Held), || {
            format!("rule 5: it is {:?}", member.verdict)
        })?;
        let held = matches!(reason, Deferral::Hold | Deferral::Hibernated);
        let verdict = if held { Verdict::Held } else { Verdict::Open };
        run.set(&id.cluster, verdict, event.seq);
        Ok(())
    }
}

impl Run {
    /// Whether a cluster gets the same as by the plan before.
    fn same(&self, new: &PlannedCluster) -> bool {
        let targets = |c: &PlannedCluster| -> Vec<_> {
            c.targets.iter().map(|t| (t.product.clone(), t.inputs)).collect()
        };
        self.plan
            .cluster(&new.name)
            .is_some_and(|(_, _, old)| old.uid == new.uid && targets(old) == targets(new))
    }

    /// A new plan may have begun a new attempt.
    fn catch_up(&mut self, id: &AttemptId) {
        let Some(member) = self.members.get_mut(&id.cluster).filter(|m| m.anew > 0) else { return };
        let anew = std::mem::take(&mut member.anew);
        if (member.attempt + 1..=member.attempt + anew).contains(&id.attempt) {
            member.attempt = id.attempt;
            (member.started, member.preflights, member.wants_preflight, member.no_op) =
                (false, 0, false, false);
            member.log.clear();
            member.steps.clear();
            member.worked = jiff::SignedDuration::ZERO;
        }
    }

    /// Rule 6 and 7: nothing is at work, the release is the same, and only what did not change stays.
    fn replanned(&mut self, new: &Plan, seq: u64) -> Checked {
        demand(!matches!(self.mode, Mode::Aborting | Mode::Ended), || format!("it was {:?}", self.mode))?;
        demand(self.in_flight(|_| true) == 0, || "rule 7: planned anew while at work".to_owned())?;
        demand(new.release.digest == self.plan.release.digest, || "rule 6: another release".to_owned())?;
        let (mut waves, mut members) = (Vec::new(), HashMap::new());
        for (w, wave) in new.waves.iter().enumerate() {
            let old = self.plan.waves.iter().position(|known| known.name == wave.name);
            let kept = old.is_some_and(|old| self.plan.waves[old].digest == wave.digest);
            let clusters = || {
                wave.pools.iter().enumerate().flat_map(|(p, pool)| pool.clusters.iter().map(move |c| (p, c)))
            };
            let rests = |c: &PlannedCluster| {
                let member = self.members.get(&c.name);
                self.same(c) && member.is_some_and(|m| Some(m.wave) == old && m.verdict.settled())
            };
            let over = old.is_some_and(|old| self.waves[old].over)
                && clusters().all(|(_, c)| rests(c))
                && (wave.size() > 0 || !self.waves[old.unwrap_or(0)].opened);
            let budget = if wave.canary { 0 } else { wave.failure_budget };
            for (p, cluster) in clusters() {
                let known = self.members.get(&cluster.name).or_else(|| self.left.get(&cluster.name));
                let same = self.same(cluster);
                let member = match known {
                    None => Member::new(w, p),
                    Some(known) => {
                        let result = matches!(known.verdict, Verdict::Good | Verdict::Failed | Verdict::Out);
                        let planned = self.members.contains_key(&cluster.name);
                        let stays =
                            (same && (kept || over || result)) || (planned && known.verdict == Verdict::Out);
                        let verdict = if stays { known.verdict } else { Verdict::Waits };
                        let only_tests = known.only_tests && same;
                        Member {
                            anew: known.anew + 1,
                            wave: w,
                            pool: p,
                            verdict,
                            only_tests,
                            // Who joined is planned like everybody now, unless its wave is over.
                            late: known.late && (kept || over),
                            ..known.clone()
                        }
                    }
                };
                members.insert(cluster.name.clone(), member);
            }
            waves.push(match old.filter(|_| kept || over) {
                Some(old) => {
                    let log = std::mem::take(&mut self.waves[old]);
                    let budget = if kept { log.budget } else { budget.max(self.failed(old)) };
                    WaveLog { budget, ..log }
                }
                None => WaveLog { budget, moved: seq, ..WaveLog::default() },
            });
        }
        for (name, member) in std::mem::take(&mut self.members) {
            if !members.contains_key(&name) {
                self.left.insert(name, member);
            }
        }
        self.left.retain(|name, _| !members.contains_key(name));
        (self.plan, self.members, self.waves) = (new.clone(), members, waves);
        (self.plan_seq, self.lacks) = (seq, false);
        self.sizes = new.waves.iter().map(PlannedWave::size).collect();
        if self.mode == Mode::Halted {
            let untested = self.untested.as_ref().and_then(|name| {
                let w = self.plan.waves.iter().position(|wave| wave.name.as_str() == name)?;
                Some(self.waves[w].opened && !self.waves[w].completed)
            });
            let spent = (0..self.waves.len()).any(|w| self.failed(w) > self.waves[w].budget);
            let stays = if self.untested.is_some() { untested == Some(true) } else { spent };
            self.mode = if stays { Mode::Halted } else { Mode::Paused };
        }
        Ok(())
    }

    /// A step that nobody has begun begins only while the line goes and the calendar allows it.
    fn may_go_on(&self, facts: &Facts, id: &AttemptId, step: &StepId, now: jiff::Timestamp) -> Checked {
        let member = self.members.get(&id.cluster).ok_or("rule 5: not planned")?;
        if member.log.get(step).is_some_and(|log| log.running.is_some()) {
            return Ok(());
        }
        let (_, _, planned) = self.plan.cluster(&id.cluster).ok_or("rule 5: not planned")?;
        demand(!facts.stopped(&id.rollout, planned), || format!("rule 3: the line stops {step} of {id}"))?;
        demand(!facts.closed(&self.plan, planned, now), || {
            format!("rule 8: the calendar forbids {step} of {id}")
        })
    }

    fn in_flight(&self, which: impl Fn(&Member) -> bool) -> u32 {
        u32::try_from(self.members.values().filter(|m| m.verdict.in_flight() && which(m)).count()).unwrap()
    }

    fn failed(&self, w: usize) -> u32 {
        let spent = self.members.values().filter(|m| m.wave == w && m.verdict.spends() && !m.late);
        u32::try_from(spent.count()).unwrap()
    }

    pub fn set(&mut self, cluster: &ClusterName, verdict: Verdict, seq: u64) {
        if let Some(member) = self.members.get_mut(cluster) {
            member.verdict = verdict;
            self.waves[member.wave].moved = seq;
        }
    }

    fn settled(&self, w: usize) -> Checked {
        let of_wave = || self.members.values().filter(|m| m.wave == w && !m.late);
        demand(of_wave().all(|m| m.verdict.settled()), || "rule 1: a cluster is not settled".to_owned())?;
        let deferred = of_wave().filter(|m| m.verdict.deferred()).count();
        demand(deferred <= self.plan.waves[w].deferred_budget as usize, || {
            format!("rule 1: {deferred} are deferred")
        })?;
        demand(self.failed(w) <= self.waves[w].budget, || "rule 3: too many failed".to_owned())
    }

    /// Rule 6 for who catches up: the newest answer of every gate is a yes that has not ended.
    fn let_in(&self, w: usize, now: jiff::Timestamp) -> Checked {
        for gate in &self.plan.waves[w].gates_before {
            let key = (Side::Before, gate.id.clone());
            let (answer, _) = self.waves[w].answers.get(&key).ok_or("rule 6: a gate was not asked")?;
            demand(answer.open, || "rule 6: a gate is closed".to_owned())?;
            demand(answer.expires.is_none_or(|end| now < end), || "rule 6: an answer expired".to_owned())?;
        }
        Ok(())
    }

    /// Rule 6: every gate of the side has an answer that counts, by people whose yes counts.
    fn gates(&self, w: usize, side: Side, now: jiff::Timestamp) -> Checked {
        let planned = &self.plan.waves[w];
        let gates = if side == Side::Before { &planned.gates_before } else { &planned.gates_after };
        let behind = if side == Side::Before { w } else { w + 1 };
        let moved = self.waves.iter().take(behind).map(|w| w.moved).max().unwrap_or(0);
        for gate in gates {
            let key = (side, gate.id.clone());
            let wave = &self.waves[w];
            let (answer, at) = wave.answers.get(&key).ok_or("rule 6: a gate was not asked")?;
            demand(answer.open, || "rule 6: a gate is closed".to_owned())?;
            demand(answer.expires.is_none_or(|end| now < end), || "rule 6: an answer expired".to_owned())?;
            demand(*at > moved, || "rule 6: a verdict moved since the answer".to_owned())?;
            let anew = wave.asked_anew.get(&key).copied().unwrap_or(0);
            demand(*at > anew, || "rule 6: an approval moved since the answer".to_owned())?;
            let counts = |yes: &&Yes| {
                yes.release == self.plan.release.digest
                    && yes.wave == planned.digest
                    && yes.evidence.is_none_or(|seen| seen == answer.evidence)
                    && (yes.evidence.is_some() || yes.expires.is_some())
                    && yes.expires.is_none_or(|end| now < end)
            };
            let yes = wave.yes.get(&key).map_or(0, |all| all.iter().filter(counts).count());
            demand(yes >= 1, || "rule 6: nobody approved this".to_owned())?;
        }
        Ok(())
    }

    fn wave(&mut self, name: &str) -> Result<usize, String> {
        self.plan.waves.iter().position(|w| w.name.as_str() == name).ok_or_else(|| "no such wave".to_owned())
    }

    fn take(&mut self, event: &Event, fence: u64) -> Checked {
        let mode = self.mode;
        let to = |run: &mut Self, from: &[Mode], to: Mode| {
            run.mode = to;
            demand(from.contains(&mode), || format!("it was {mode:?}"))
        };
        match &event.body {
            Body::RolloutStarted { .. } => to(self, &[Mode::Planned], Mode::Running),
            Body::RolloutPause { .. } => to(self, &[Mode::Running], Mode::Paused),
            Body::RolloutHalted { wave, cause, .. } => {
                self.untested = matches!(cause, HaltCause::NoTests).then(|| wave.to_string());
                if let HaltCause::FailureBudget { failed, budget } = cause {
                    let w = self.wave(wave.as_str())?;
                    let found = (self.failed(w), self.waves[w].budget);
                    demand(found == (*failed, *budget) && failed > budget, || {
                        format!("rule 4: it halts for {failed} of {budget}, and there are {found:?}")
                    })?;
                }
                to(self, &[Mode::Running], Mode::Halted)
            }
            Body::RolloutReplanned { plan, .. } => self.replanned(plan, event.seq),
            Body::RolloutResume { raise_budget, .. } => {
                if let Some(raised) = raise_budget {
                    let w = self.wave(raised.wave.as_str())?;
                    self.waves[w].budget = raised.budget;
                }
                to(self, &[Mode::Paused, Mode::Halted], Mode::Running)
            }
            Body::RolloutAbort { .. } => {
                to(self, &[Mode::Planned, Mode::Running, Mode::Paused, Mode::Halted], Mode::Aborting)
            }
            Body::RolloutSuperseded { .. } => {
                let works = self.members.values().any(|m| m.verdict == Verdict::Works);
                let next = if works { Mode::Aborting } else { Mode::Ended };
                to(self, &[Mode::Planned, Mode::Running, Mode::Paused, Mode::Halted], next)
            }
            Body::RolloutPaused { .. } | Body::RolloutAborted { .. } => {
                let works = self.members.values().filter(|m| m.verdict == Verdict::Works).count();
                demand(works == 0, || format!("{works} are still at work"))?;
                if let Body::RolloutAborted { .. } = &event.body {
                    to(self, &[Mode::Aborting], Mode::Ended)?;
                }
                Ok(())
            }
            Body::RolloutFinished { ending, .. } => {
                demand(self.waves.iter().all(|w| w.over), || "rule 1: a wave is not over".to_owned())?;
                demand(self.members.values().all(|m| m.verdict.settled()), || {
                    "it is not through".to_owned()
                })?;
                let well = self.members.values().all(|m| matches!(m.verdict, Verdict::Good | Verdict::Out));
                let honest = if *ending == Ending::Succeeded { well } else { !well || self.lacks };
                demand(honest, || format!("{ending:?} is not honest"))?;
                to(self, &[Mode::Running], Mode::Through)
            }
            Body::AttemptRetry { clusters, .. } => {
                demand(self.mode != Mode::RollingBack, || "rule 11: it is being taken back".to_owned())?;
                for name in clusters {
                    let member = self.members.get_mut(name).ok_or("not planned")?;
                    let over = !matches!(member.verdict, Verdict::Works | Verdict::Waits | Verdict::Good);
                    demand(over, || format!("{name} is {:?}", member.verdict))?;
                    member.attempt += 1;
                    member.started = false;
                    member.only_tests = false;
                    member.preflights = 0;
                    member.log.clear();
                    member.steps.clear();
                    member.worked = jiff::SignedDuration::ZERO;
                    let (late, wave) = (member.late, &mut self.waves[member.wave]);
                    // Who joined follows its wave, by any attempt.
                    let verdict = if late && !wave.over { Verdict::DeferredForLater } else { Verdict::Waits };
                    if !late && wave.completed && !wave.over {
                        (wave.completed, wave.through, wave.soaked, wave.round) = (false, false, false, 0);
                        wave.first_verified = None;
                    }
                    self.set(name, verdict, event.seq);
                }
                if matches!(self.mode, Mode::Through | Mode::Halted) {
                    self.mode = Mode::Running;
                }
                Ok(())
            }
            Body::AttemptSkip { clusters, .. } => {
                for name in clusters {
                    let member = self.members.get(name).ok_or("not planned")?;
                    demand(member.verdict != Verdict::Works, || format!("{name} is at work"))?;
                    self.set(name, Verdict::Out, event.seq);
                }
                if self.mode == Mode::Through {
                    self.mode = Mode::Running;
                }
                Ok(())
            }
            Body::WaveVerify { wave, clusters, .. } => {
                let w = self.wave(wave.as_str())?;
                for name in clusters {
                    let member = self.members.get_mut(name).ok_or("not planned")?;
                    let done = member.wave == w && member.verdict == Verdict::Good;
                    demand(done, || format!("{name} is {:?}", member.verdict))?;
                    member.attempt += 1;
                    (member.started, member.only_tests, member.preflights) = (false, true, 0);
                    member.worked = jiff::SignedDuration::ZERO;
                    member.log.clear();
                    member.steps.clear();
                    self.set(name, Verdict::Waits, event.seq);
                }
                let running = matches!(self.mode, Mode::Running | Mode::Through);
                self.mode = Mode::Running;
                demand(running, || format!("it was {mode:?}"))
            }
            body if body.name().starts_with("wave.") => self.take_wave(body, event),
            Body::GateAnswered { wave, side, gate, answer, .. } => {
                let w = self.wave(wave.as_str())?;
                self.waves[w].answers.insert((*side, gate.clone()), (answer.clone(), event.seq));
                Ok(())
            }
            Body::ApprovalGiven { wave, side, gate, release, wave_digest, evidence, expires, .. } => {
                let w = self.wave(wave.as_str())?;
                let key = (*side, gate.clone());
                self.waves[w].asked_anew.insert(key.clone(), event.seq);
                let all = self.waves[w].yes.entry(key).or_default();
                all.retain(|y| y.actor != event.actor);
                all.push(Yes {
                    actor: event.actor.clone(),
                    release: *release,
                    wave: *wave_digest,
                    evidence: *evidence,
                    expires: *expires,
                });
                Ok(())
            }
            Body::ApprovalRevoked { wave, side, gate, .. } => {
                let w = self.wave(wave.as_str())?;
                let key = (*side, gate.clone());
                self.waves[w].asked_anew.insert(key.clone(), event.seq);
                self.waves[w].yes.remove(&key);
                Ok(())
            }
            Body::RolloutJoined { wave, pool, cluster, products, values, .. } => {
                let w = self.wave(wave.as_str())?;
                demand(!self.members.contains_key(&cluster.name), || "rule 4: it is planned".to_owned())?;
                self.plan.products.extend(products.clone());
                self.plan.values.extend(values.clone());
                let pools = &mut self.plan.waves[w].pools;
                let p = pools.iter().position(|p| p.name == *pool).ok_or("rule 4: there is no such pool")?;
                pools[p].clusters.push((**cluster).clone());
                // One that an earlier plan had goes on counting its attempts.
                let mut member = match self.left.remove(&cluster.name) {
                    Some(known) => Member { anew: known.anew + 1, wave: w, pool: p, ..known },
                    None => Member::new(w, p),
                };
                (member.verdict, member.late) = (Verdict::DeferredForLater, true);
                self.members.insert(cluster.name.clone(), member);
                Ok(())
            }
            Body::RolloutNotJoined { lasting, .. } => {
                self.lacks |= !lasting;
                Ok(())
            }
            Body::AttemptDeparted { attempt, .. } => {
                let member = self.members.get(&attempt.cluster).ok_or("rule 5: not planned")?;
                demand(member.attempt == attempt.attempt, || "rule 5: not the newest attempt".to_owned())?;
                demand(member.verdict != Verdict::Out, || "rule 4: it is out already".to_owned())?;
                demand(member.log.values().all(|l| l.running.is_none()), || {
                    "rule 7: a step runs".to_owned()
                })?;
                self.set(&attempt.cluster, Verdict::Out, event.seq);
                if self.mode == Mode::Through {
                    self.mode = Mode::Running;
                }
                Ok(())
            }
            // Checked with the others in sight.
            Body::AttemptFinished { attempt, result: AttemptResult::Superseded } => {
                self.set(&attempt.cluster, Verdict::Out, event.seq);
                if self.mode == Mode::Through {
                    self.mode = Mode::Running;
                }
                Ok(())
            }
            body => self.take_attempt(body, event, fence),
        }
    }

    fn take_wave(&mut self, body: &Body, event: &Event) -> Checked {
        let (Body::WaveReached { wave, .. }
        | Body::WaveOpened { wave, .. }
        | Body::WaveCompleted { wave, .. }
        | Body::WaveClusterVerified { wave, .. }
        | Body::WaveVerified { wave, .. }
        | Body::WaveClusterObserved { wave, .. }
        | Body::WaveSoaked { wave, .. }
        | Body::WaveTagged { wave, .. }
        | Body::WaveTagFailed { wave, .. }
        | Body::WaveTagPushed { wave, .. }
        | Body::WaveDone { wave, .. }
        | Body::WaveSkipped { wave, .. }) = body
        else {
            return Ok(());
        };
        let w = self.wave(wave.as_str())?;
        let before = self.waves.iter().take(w).all(|x| x.over);
        // What was on its way when a wave was put before this one is a fact all the same.
        let fact = matches!(
            body,
            Body::WaveClusterVerified { .. }
                | Body::WaveClusterObserved { .. }
                | Body::WaveTagged { .. }
                | Body::WaveTagFailed { .. }
                | Body::WaveTagPushed { .. }
        );
        demand(before || fact, || "rule 1: a wave before it is not over".to_owned())?;
        let size = self.sizes[w];
        let soak = self.plan.waves[w].soak.as_ref().map(|s| s.length);
        match body {
            Body::WaveReached { .. } => self.waves[w].reached = true,
            Body::WaveSkipped { .. } => {
                demand(size == 0, || "rule 1: it has clusters".to_owned())?;
                self.waves[w].over = true;
            }
            Body::WaveOpened { .. } => {
                demand(self.waves[w].reached, || "rule 1: it was not reached".to_owned())?;
                self.gates(w, Side::Before, event.at)?;
                self.waves[w].opened = true;
            }
            Body::WaveCompleted { .. } => {
                self.settled(w)?;
                let wave = &mut self.waves[w];
                (wave.completed, wave.round) = (true, 1);
                wave.verified.clear();
                wave.looks.clear();
            }
            Body::WaveClusterObserved { cluster, found, .. } => {
                let member = self.members.get(cluster).ok_or("not planned")?;
                demand(member.wave == w && !member.verdict.spends(), || "it does not soak".to_owned())?;
                self.waves[w].looks.entry(cluster.clone()).or_default().push((event.at, *found));
            }
            Body::WaveClusterVerified { cluster, healthy, round, .. } => {
                let member = self.members.get(cluster).ok_or("not planned")?;
                demand(member.verdict == Verdict::Good, || "it is not done".to_owned())?;
                demand(*round == self.waves[w].round, || "it is another round".to_owned())?;
                self.waves[w].verified.insert(cluster.clone());
                if *round == 1 && *healthy {
                    self.waves[w].looks.insert(cluster.clone(), vec![(event.at, Found::Well)]);
                }
                if !healthy {
                    self.set(cluster, Verdict::Failed, event.seq);
                }
            }
            Body::WaveVerified { round, .. } => {
                self.settled(w)?;
                for (name, member) in &self.members {
                    let seen = self.waves[w].verified.contains(name);
                    let due = member.wave == w && member.verdict == Verdict::Good;
                    demand(!due || seen, || format!("rule 1: {name} was not verified"))?;
                }
                let wave = &mut self.waves[w];
                demand(wave.completed && *round == wave.round, || "rule 1: out of turn".to_owned())?;
                if *round == 1 {
                    wave.first_verified = Some(event.at);
                }
                wave.through = *round == 2 || soak.is_none();
            }
            Body::WaveSoaked { .. } => {
                self.settled(w)?;
                let planned = self.plan.waves[w].soak.as_ref().ok_or("rule 1: it has no soak")?;
                if planned.clock == SoakClock::Observed {
                    for (name, _) in
                        self.members.iter().filter(|(_, m)| m.wave == w && m.verdict == Verdict::Good)
                    {
                        let looks = self.waves[w].looks.get(name).map_or(&[][..], Vec::as_slice);
                        let stayed = longest(looks, planned.observe_every.unwrap_or(Duration::minutes(10)));
                        demand(stayed >= i64::try_from(planned.length.as_seconds()).unwrap(), || {
                            format!("rule 1: {name} was seen well for {stayed} s")
                        })?;
                    }
                }
                let wave = &mut self.waves[w];
                let end = wave.first_verified.zip(soak).map(|(at, length)| length.after(at));
                let passed = planned.clock == SoakClock::Observed || end.is_some_and(|end| event.at >= end);
                demand(passed, || "rule 1: it soaks".to_owned())?;
                wave.round = 2;
                wave.verified.clear();
            }
            Body::WaveTagged { .. } => {
                self.waves[w].tagged = true;
            }
            Body::WaveDone { .. } => {
                self.settled(w)?;
                demand(self.waves[w].through, || "rule 1: it is not verified".to_owned())?;
                let tagged = self.waves[w].tagged || self.plan.rollback().is_some();
                demand(tagged, || "rule 1: it has no tag".to_owned())?;
                self.gates(w, Side::After, event.at)?;
                self.waves[w].over = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn take_attempt(&mut self, body: &Body, event: &Event, fence: u64) -> Checked {
        let (Body::AttemptPreflighted { attempt, .. }
        | Body::StepStarted { attempt, .. }
        | Body::StepSpawned { attempt, .. }
        | Body::StepFinished { attempt, .. }
        | Body::AttemptFinished { attempt, .. }) = body
        else {
            return Ok(());
        };
        let aborting = self.mode == Mode::Aborting;
        let name = attempt.cluster.clone();
        let touched: BTreeSet<_> = self
            .plan
            .cluster(&name)
            .map(|(_, _, c)| {
                let acts = c.targets.iter().filter(|t| t.change.acts()).map(|t| t.product.clone());
                acts.chain(c.removals.iter().cloned()).collect()
            })
            .unwrap_or_default();
        let member = self.members.get_mut(&name).ok_or("rule 5: not planned")?;
        let limit = self.plan.waves[member.wave].cluster_deadline.map(|limit| limit.as_seconds());
        let spent = limit.is_some_and(|limit| member.worked.as_secs() >= i64::try_from(limit).unwrap());
        demand(member.attempt == attempt.attempt, || "rule 5: not the newest attempt".to_owned())?;
        demand(member.verdict == Verdict::Works, || format!("rule 7: it is {:?}", member.verdict))?;
        let verdict = match body {
            Body::AttemptPreflighted { preflight, tries, .. } => {
                demand(member.wants_preflight, || "rule 7: no preflight was due".to_owned())?;
                member.preflights += 1;
                demand(member.preflights == *tries, || "rule 7: a try is missing".to_owned())?;
                member.wants_preflight = matches!(preflight, Preflight::Failed { .. });
                match preflight {
                    Preflight::Proceed { steps } => {
                        for step in steps {
                            let log = StepLog { retries_left: Some(step.retries), ..StepLog::default() };
                            member.log.insert(step.id.clone(), log);
                            member.steps.push(step.id.clone());
                        }
                        None
                    }
                    Preflight::NoOp => {
                        member.no_op = true;
                        None
                    }
                    Preflight::Deferred { reason: Deferral::Window | Deferral::Busy, .. }
                    | Preflight::Blocked { .. } => Some(Verdict::Open),
                    Preflight::Deferred { .. } => Some(Verdict::DeferredForLater),
                    Preflight::Failed { .. } => None,
                }
            }
            Body::StepStarted { step, tries, .. } => {
                // A pin, or a version ahead, keeps a product where it is: nothing deploys it.
                let changes = !step.is_test() && *step != StepId::Seal;
                demand(!changes || !member.only_tests, || format!("rule 7: {step} changes what only tests"))?;
                let asked = step.product().is_none_or(|p| touched.contains(p));
                demand(!changes || asked, || format!("rule 12: {step} touches what the plan keeps"))?;
                for earlier in member.steps.iter().take_while(|s| *s != step) {
                    demand(member.log[earlier].done, || format!("rule 7: {earlier} comes first"))?;
                }
                let log = member.log.get_mut(step).ok_or("rule 7: no preflight planned it")?;
                demand(!log.done, || format!("rule 7: {step} was done already"))?;
                demand(log.running.is_none_or(|(_, by)| by != fence), || format!("rule 7: {step} runs"))?;
                demand(!aborting || log.running.is_some(), || "rule 3: in an abort".to_owned())?;
                demand(*tries == log.begun + 1, || "rule 7: a try is missing".to_owned())?;
                demand(!spent || log.running.is_some(), || "rule 8: past the cluster's deadline".to_owned())?;
                log.since = Some(event.at);
                if log.running.is_none() {
                    match &log.last {
                        None => {}
                        Some(StepOutcome::Unknown { .. }) => return Err("rule 2: nobody knows".to_owned()),
                        Some(_) => {
                            let left = log.retries_left.as_mut().filter(|n| **n > 0);
                            *left.ok_or("rule 7: its tries are used up")? -= 1;
                        }
                    }
                }
                member.touched = true;
                log.begun = *tries;
                log.running = Some((*tries, fence));
                None
            }
            Body::StepSpawned { step, .. } => {
                member.log.get_mut(step).ok_or("rule 7: no preflight planned it")?.since = Some(event.at);
                None
            }
            Body::StepFinished { step, tries, outcome, .. } => {
                let log = member.log.get_mut(step).ok_or("rule 7: no preflight planned it")?;
                demand(log.running == Some((*tries, fence)), || "rule 7: no intent was written".to_owned())?;
                log.running = None;
                let since = log.since.take().ok_or("rule 7: no intent was written")?;
                member.worked += event.at.duration_since(since);
                log.done = matches!(outcome, StepOutcome::Done { .. });
                log.last = Some(outcome.clone());
                None
            }
            Body::AttemptFinished { result, .. } => {
                demand(member.log.values().all(|l| l.running.is_none()), || {
                    "rule 7: a step runs".to_owned()
                })?;
                let done = !member.log.is_empty() && member.log.values().all(|l| l.done);
                Some(match result {
                    AttemptResult::Succeeded => {
                        demand(done, || "rule 7: a step is not done".to_owned())?;
                        member.touched = true;
                        Verdict::Good
                    }
                    AttemptResult::NoOp => {
                        demand(member.no_op, || "rule 7: there was something to do".to_owned())?;
                        member.touched = true;
                        Verdict::Good
                    }
                    AttemptResult::Failed { failure: Failure::Unknown, .. } => Verdict::Unknown,
                    AttemptResult::TimedOut { step, .. } => {
                        let last = member.log.get(step).and_then(|log| log.last.as_ref());
                        let timed_out = matches!(last, Some(StepOutcome::TimedOut { .. }));
                        demand(timed_out || spent, || "rule 8: waiting burnt its deadline".to_owned())?;
                        Verdict::Failed
                    }
                    AttemptResult::Departed | AttemptResult::Superseded => Verdict::Out,
                    AttemptResult::Aborted { .. } => {
                        demand(aborting, || "nobody asked for an abort".to_owned())?;
                        Verdict::Failed
                    }
                    _ => Verdict::Failed,
                })
            }
            _ => None,
        };
        if let Some(verdict) = verdict {
            self.set(&name, verdict, event.seq);
        }
        Ok(())
    }
}
