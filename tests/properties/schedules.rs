//! Random schedules: a plan or two of random shape, a world of random outcomes, and what people,
//! crashes and clocks do meanwhile.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tidegate::journal::{
    AttemptId, BlockReason, Body, Deferral, FailureClass, Found, Member, Preflight, RetryWhich, Side, StepId,
    StepOutcome, StopScope,
};
use tidegate::model::{Actor, ClusterName, Push, RolloutId, WaveName};
use tidegate::plan::Repeat;
use tidegate::rollout::{Approve, Command, EffectKey, Hold, Kept, WaitKind, waits_of_rollout};

use crate::mutants::Named;
use crate::scripted::plans::{ProductShape, Revision, Shape, WaveShape, plan, revised};
use crate::scripted::world::{Fate, World, done, failed};

/// What happens between two rounds of the engine.
#[derive(Clone, Debug)]
pub enum Move {
    /// The engine goes on for so many rounds.
    Rounds(u8),
    /// The driver dies between two events, and another takes over.
    Crash,
    /// The clock jumps forward by so many seconds.
    Jump(u16),
    /// The next rollout is started.
    Next,
    StopOn(u8),
    StopOff(u8),
    /// A cluster is held, for so many seconds or until it is released.
    Hold(u8, Option<u16>),
    /// A product of a cluster is held at what the plan of the rollout brings (or at something else).
    HoldProduct(u8, bool),
    Release(u8),
    /// The calendar is another one: windows that allow or deny, from and for so many seconds, for all
    /// clusters or every second one.
    Calendar(Vec<(bool, u16, u16, bool)>),
    /// The fleet is read again: some clusters are gone, some are asleep.
    Members(Vec<u8>, Vec<u8>),
    /// The fleet can't be read.
    Doubt,
    /// The rollout is rolled back, whole or one wave of it; what it added goes or stays.
    RollBack(Option<u8>, bool),
    /// The rollout is superseded by the newest one.
    Supersede,
    /// A new plan: which kind of change, and where.
    Replan(u8, u8, u8),
    Approve {
        wave: u8,
        early: Option<u16>,
    },
    Revoke(u8),
    Pause,
    Resume,
    Raise(u8),
    Abort,
    Retry(u8),
    RetryOne(u8),
    Skip(u8),
    /// The tests of a wave run again.
    Verify(u8),
}

/// How often things go wrong, in percent.
#[derive(Clone, Debug)]
pub struct Odds {
    pub seed: u64,
    pub transient: u8,
    pub permanent: u8,
    pub unknown: u8,
    pub blocked: u8,
    pub deferred: u8,
    pub ill: u8,
    pub untagged: u8,
}

/// One schedule.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub first: Shape,
    /// Those that start later, most of them on the same clusters.
    pub later: Vec<Shape>,
    /// A hotfix that so many of the first clusters got before everything else, all being well.
    pub hotfix: Option<usize>,
    pub odds: Odds,
    /// Each with the rollout it is about.
    pub moves: Vec<(u8, Move)>,
}

fn cap() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![10 => Just(None), 18 => (1..4_u32).prop_map(Some), 1 => Just(Some(0))]
}

fn wave() -> impl Strategy<Value = WaveShape> {
    (
        prop_oneof![1 => Just(Vec::new()), 9 => vec((0..4_usize, cap()), 1..3)],
        cap(),
        0..3_u32,
        0..2_u32,
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.3),
        option::weighted(0.3, (1..600_u64, option::weighted(0.5, 70..300_u64))),
        option::weighted(0.2, 20..200_u64),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.15),
    )
        .prop_map(
            |(pools, at_once, failures, deferred, canary, all_tests, soak, deadline, before, after)| {
                let (soak, observed) = (soak.map(|(length, _)| length), soak.and_then(|(_, every)| every));
                WaveShape {
                    pools,
                    at_once,
                    failures,
                    deferred,
                    canary,
                    all_tests,
                    soak,
                    observed,
                    deadline,
                    before,
                    after,
                }
            },
        )
}

fn product() -> impl Strategy<Value = ProductShape> {
    let repeat = prop_oneof![3 => Just(Repeat::Safe), 1 => Just(Repeat::Observe), 1 => Just(Repeat::Never)];
    (vec((repeat, 0..3_u32), 1..3), 0..2_u32).prop_map(|(steps, tests)| ProductShape { steps, tests })
}

/// Region caps, a start rate, and whether it is a hotfix.
fn pace() -> impl Strategy<Value = (BTreeMap<String, u32>, Option<(u32, u64)>, bool)> {
    let regions = option::weighted(0.2, vec(1..3_u32, 3)).prop_map(|caps| {
        let named = caps.unwrap_or_default().into_iter().enumerate();
        named.map(|(n, cap)| (format!("r{n}"), cap)).collect()
    });
    (regions, option::weighted(0.15, (1..4_u32, 30..600_u64)), prop::bool::weighted(0.3))
}

/// Clusters of their own, or with `other` in 10 those of the first rollout.
fn prefix(other: u32) -> impl Strategy<Value = &'static str> {
    prop_oneof![10 - other => Just("c"), other + 1 => Just(if other == 0 { "c" } else { "d" })]
}

fn shape(release: &'static str, other: u32) -> impl Strategy<Value = Shape> {
    let push = prop_oneof![2 => Just(Push::Never), 1 => Just(Push::Try), 1 => Just(Push::Required)];
    let global = prop_oneof![18 => Just(None), 18 => (1..6_u32).prop_map(Some), 1 => Just(Some(0))];
    (
        vec(wave(), 1..4),
        vec(product(), 1..3),
        global,
        push,
        any::<bool>(),
        prop::bool::weighted(0.3),
        pace(),
        prefix(other),
    )
        .prop_map(
            move |(waves, products, global, push, pins, unchanged, (regions, rate, hotfix), prefix)| Shape {
                release: release.to_owned(),
                prefix: prefix.to_owned(),
                global,
                push,
                products,
                waves,
                pins,
                unchanged,
                hotfix: hotfix && other > 0,
                contains: Vec::new(),
                first: 0,
                blocked: Vec::new(),
                regions,
                rate,
                late_budget: u32::from(global == Some(2)),
            },
        )
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        14 => (1..20_u8).prop_map(Move::Rounds),
        3 => Just(Move::Crash),
        2 => (1..4_000_u16).prop_map(Move::Jump),
        3 => Just(Move::Next),
        1 => (0..4_u8).prop_map(Move::StopOn),
        2 => (0..4_u8).prop_map(Move::StopOff),
        2 => (0..6_u8, option::weighted(0.5, 1..4_000_u16)).prop_map(|(n, until)| Move::Hold(n, until)),
        1 => (0..6_u8, any::<bool>()).prop_map(|(n, same)| Move::HoldProduct(n, same)),
        2 => (0..6_u8).prop_map(Move::Release),
        2 => vec((any::<bool>(), 0..900_u16, 1..3_000_u16, any::<bool>()), 0..3).prop_map(Move::Calendar),
        2 => (vec(0..8_u8, 0..3), vec(0..8_u8, 0..3)).prop_map(|(gone, asleep)| Move::Members(gone, asleep)),
        1 => Just(Move::Doubt),
        4 => (option::weighted(0.25, 0..3_u8), any::<bool>()).prop_map(|(wave, all)| Move::RollBack(wave, all)),
        1 => Just(Move::Supersede),
        4 => (0..5_u8, 0..12_u8, 0..4_u8).prop_map(|(kind, at, to)| Move::Replan(kind, at, to)),
        4 => (0..3_u8, option::weighted(0.3, 1..2_000_u16)).prop_map(|(wave, early)| Move::Approve { wave, early }),
        5 => (0..3_u8).prop_map(Move::Revoke),
        1 => Just(Move::Pause),
        2 => Just(Move::Resume),
        2 => (0..4_u8).prop_map(Move::Raise),
        1 => prop::bool::weighted(0.3).prop_map(|yes| if yes { Move::Abort } else { Move::Rounds(2) }),
        3 => (0..3_u8).prop_map(Move::Retry),
        2 => (0..12_u8).prop_map(Move::RetryOne),
        2 => (0..12_u8).prop_map(Move::Skip),
        2 => (0..3_u8).prop_map(Move::Verify),
    ]
}

/// Any schedule.
pub fn schedule() -> impl Strategy<Value = Schedule> {
    let odds = (any::<u64>(), 0..25_u8, 0..12_u8, 0..6_u8, 0..12_u8, 0..12_u8, 0..8_u8, 0..20_u8).prop_map(
        |(seed, transient, permanent, unknown, blocked, deferred, ill, untagged)| Odds {
            seed,
            transient,
            permanent,
            unknown,
            blocked,
            deferred,
            ill,
            untagged,
        },
    );
    let later = (option::weighted(0.6, shape("R2", 3)), option::weighted(0.4, shape("R3", 3)));
    let hotfix = option::weighted(0.2, (1..4_usize, any::<bool>()));
    (shape("R1", 0), later, hotfix, odds, vec((0..3_u8, a_move()), 10..32)).prop_map(
        |(mut first, later, hotfix, odds, moves)| {
            if hotfix.is_some_and(|(_, contained)| contained) {
                first.contains.push("R0.1".to_owned());
            }
            let later = [later.0, later.1].into_iter().flatten().collect();
            Schedule { first, later, hotfix: hotfix.map(|(clusters, _)| clusters), odds, moves }
        },
    )
}

/// Outcomes that depend on nothing but the seed and what is asked, so that a schedule can be run
/// again.
pub struct Chance {
    odds: Odds,
    /// From now on everything goes well.
    pub well: bool,
}

impl Chance {
    fn roll(&self, what: &dyn std::fmt::Debug) -> u8 {
        let mut hash = self.odds.seed ^ 0xcbf2_9ce4_8422_2325;
        for byte in format!("{what:?}").bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash ^= hash >> 29;
        u8::try_from((hash.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) % 100).unwrap_or(0)
    }
}

impl Fate for Chance {
    fn preflight(&mut self, attempt: &AttemptId, tries: u32) -> Option<Preflight> {
        let roll = self.roll(&("preflight", attempt, tries));
        let cause = "as the dice fell".to_owned();
        let odds = &self.odds;
        if self.well {
            return None;
        }
        if roll < odds.blocked {
            let reason = if roll.is_multiple_of(2) { BlockReason::Missing } else { BlockReason::Stale };
            return Some(Preflight::Blocked { reason, cause });
        }
        if roll < odds.blocked + odds.deferred {
            let reasons = [Deferral::Unreachable, Deferral::Window, Deferral::Busy, Deferral::Hold];
            let reason = reasons[usize::from(roll) % reasons.len()];
            return Some(Preflight::Deferred { reason, cause });
        }
        if roll < odds.blocked + odds.deferred + odds.transient {
            let class =
                if roll.is_multiple_of(2) { FailureClass::Transient } else { FailureClass::Unclassified };
            return Some(Preflight::Failed { class, cause });
        }
        let broken = roll > 100 - odds.permanent;
        broken.then_some(Preflight::Failed { class: FailureClass::Permanent, cause })
    }

    fn step(&mut self, attempt: &AttemptId, step: &StepId, tries: u32) -> StepOutcome {
        let roll = self.roll(&("step", attempt, step, tries));
        let cause = "as the dice fell".to_owned();
        let Odds { transient, permanent, unknown, .. } = self.odds;
        if self.well || roll >= transient + permanent + unknown {
            return done();
        }
        if roll < transient {
            let class =
                if roll.is_multiple_of(3) { FailureClass::Unclassified } else { FailureClass::Transient };
            return failed(class);
        }
        if roll < transient + permanent {
            return match roll % 3 {
                0 => StepOutcome::TimedOut { cause },
                1 => failed(FailureClass::Test),
                _ => failed(FailureClass::Permanent),
            };
        }
        StepOutcome::Unknown { cause }
    }

    fn verify(&mut self, cluster: &ClusterName, round: u32) -> bool {
        self.well || self.roll(&("verify", cluster, round)) >= self.odds.ill
    }

    fn joins(&mut self, cluster: &ClusterName, tries: u32) -> bool {
        self.well || self.roll(&("joins", cluster, tries)) >= 30
    }

    fn observe(&mut self, cluster: &ClusterName, at: jiff::Timestamp) -> Found {
        match self.roll(&("observe", cluster, at)) {
            _ if self.well => Found::Well,
            roll if roll < self.odds.ill => Found::Ill,
            roll if roll < 2 * self.odds.ill => Found::Unseen,
            _ => Found::Well,
        }
    }

    fn tag(&mut self, wave: &WaveName, push: bool, tries: u32) -> bool {
        self.well || self.roll(&("tag", wave, push, tries)) >= self.odds.untagged
    }

    fn takes(&mut self, key: &EffectKey) -> i64 {
        // In a world that is well, every cluster is through within its deadline.
        i64::from(self.roll(&("takes", key)) % if self.well { 2 } else { 40 })
    }
}

/// Plays a schedule; the world as it is after its last move.
pub fn play(schedule: &Schedule, named: Named, checked: bool) -> World<Chance> {
    let mut world = World::new(Chance { odds: schedule.odds.clone(), well: false });
    world.named = named;
    world.checked = checked;
    if let Some(clusters) = schedule.hotfix {
        world.fate.well = true;
        let fix =
            Shape { release: "R0.1".to_owned(), hotfix: true, ..Shape::of(vec![WaveShape::of(clusters)]) };
        world.start(plan(&fix));
        world.settle(600);
        world.fate.well = false;
    }
    let before = usize::from(schedule.hotfix.is_some());
    world.start(plan(&schedule.first));
    for (other, a_move) in &schedule.moves {
        if world.refused.is_some() {
            break;
        }
        match a_move {
            Move::Rounds(n) => {
                for _ in 0..*n {
                    world.round();
                    world.advance();
                }
            }
            Move::Crash => world.take_over(),
            Move::Jump(seconds) => world.now += jiff::SignedDuration::from_secs(i64::from(*seconds)),
            Move::Next => {
                let forward = world.state.rollouts().filter(|r| r.rolls_back().is_none()).count();
                if let Some(shape) = schedule.later.get(forward - 1 - before) {
                    world.start(plan(shape));
                }
            }
            Move::Calendar(windows) => {
                let body = calendar(windows, world.now);
                world.append(Actor::engine(), body);
            }
            Move::Members(gone, asleep) => {
                let body = members(&world, gone, asleep);
                world.append(Actor::engine(), body);
            }
            Move::Doubt => {
                let body = Body::MembershipDoubted { cause: "dice".to_owned() };
                if world.state.check(&body).is_ok() {
                    world.append(Actor::engine(), body);
                }
            }
            Move::RollBack(wave, all) => {
                let rollout = world.state.rollouts().nth(usize::from(*other) + before);
                if let Some(id) = rollout.map(|r| r.id().clone()) {
                    roll_back(&mut world, &id, schedule, *wave, *all);
                }
            }
            about => command(&mut world, about, usize::from(*other) + before),
        }
    }
    world
}

fn command(world: &mut World<Chance>, a_move: &Move, which: usize) {
    let Some(rollout) = world.state.rollouts().nth(which) else { return };
    let id = rollout.id().clone();
    let waves: Vec<WaveName> = rollout.plan().waves.iter().map(|w| w.name.clone()).collect();
    let clusters: Vec<ClusterName> = rollout.plan().clusters().map(|(_, _, c)| c.name.clone()).collect();
    let wave = |n: u8| waves[usize::from(n) % waves.len()].clone();
    let cluster = |n: u8| clusters.get(usize::from(n) % clusters.len().max(1)).cloned().into_iter().collect();
    let command = match a_move {
        Move::Approve { wave: n, early } => {
            let mut yes = world.approval(&id, wave(*n).as_str());
            if let Some(seconds) = early {
                yes.evidence = None;
                yes.expires = Some(world.now + jiff::SignedDuration::from_secs(i64::from(*seconds)));
            }
            Command::Approve(yes)
        }
        Move::Revoke(n) => {
            // What nobody gave can't be taken back; most waves have no gate that asks people.
            let given = |name: &&WaveName| {
                rollout.wave(name).is_some_and(|(planned, wave)| {
                    let mut ids = planned.gates_before.iter().map(|gate| (Side::Before, &gate.id));
                    ids.any(|(side, id)| wave.gate(side, id).is_some_and(|g| !g.approvals().is_empty()))
                })
            };
            let given: Vec<&WaveName> = waves.iter().filter(given).collect();
            let Some(wave) = given.get(usize::from(*n) % given.len().max(1)) else { return };
            Command::Revoke { rollout: id, wave: (*wave).clone(), gate: None, reason: None }
        }
        Move::Replan(kind, at, to) => {
            let (at, to) = (usize::from(*at), usize::from(*to));
            let how = match kind {
                0 => Revision::WaveAdded(to),
                1 => Revision::Moved(at, to),
                2 => Revision::Cap(to),
                3 => Revision::Inputs(at),
                _ => Revision::Same,
            };
            let plan = Box::new(revised(rollout.plan(), how));
            Command::Replan { rollout: id, plan, reason: None }
        }
        Move::Pause => Command::Pause { rollout: id, reason: None },
        Move::Resume => Command::Resume { rollout: id, raise_budget: None, reason: None },
        Move::Raise(n) => Command::Resume {
            rollout: id,
            raise_budget: Some(u32::from(*n)),
            reason: Some("we know them".to_owned()),
        },
        Move::Abort => Command::Abort { rollout: id, reason: None },
        Move::Retry(n) => {
            let kinds = [RetryWhich::Failed, RetryWhich::Skipped, RetryWhich::Deferred];
            let which = kinds[usize::from(*n) % kinds.len()];
            Command::Retry { rollout: id, which, clusters: Vec::new(), reason: None }
        }
        Move::RetryOne(n) => {
            Command::Retry { rollout: id, which: RetryWhich::Named, clusters: cluster(*n), reason: None }
        }
        Move::Skip(n) => {
            Command::Skip { rollout: id, clusters: cluster(*n), reason: "not this one".to_owned() }
        }
        Move::Verify(n) => Command::Verify { rollout: id, wave: wave(*n), reason: None },
        Move::StopOn(n) => Command::StopTheLine { scope: scope(*n, &id), reason: "dice".to_owned() },
        Move::StopOff(n) => Command::StartTheLine { scope: scope(*n, &id), reason: "dice".to_owned() },
        Move::Hold(n, seconds) => {
            let until = seconds.map(|s| world.now + jiff::SignedDuration::from_secs(i64::from(s)));
            let Some(cluster) = clusters.get(usize::from(*n)).cloned() else { return };
            Command::Hold { cluster, kept: None, reason: "dice".to_owned(), until }
        }
        Move::HoldProduct(n, same) => {
            let Some((_, _, planned)) = rollout.plan().clusters().nth(usize::from(*n)) else { return };
            let Some(target) = planned.targets.first() else { return };
            let digest = if *same { target.digest } else { tidegate::digest::bytes(b"what runs there") };
            let (product, version) = (target.product.clone(), target.version.clone());
            let kept = Some(Kept { product, version, commit: "0".repeat(40), digest });
            Command::Hold { cluster: planned.name.clone(), kept, reason: "dice".to_owned(), until: None }
        }
        Move::Release(n) => {
            let held = world.state.holds().nth(usize::from(*n) % 2);
            let Some((cluster, hold)) = held else { return };
            release(cluster, hold)
        }
        Move::Supersede => {
            let Some(by) = world.state.open_rollouts().last().map(|r| r.id().clone()) else { return };
            Command::Supersede { rollout: id, by, reason: "dice".to_owned() }
        }
        Move::Rounds(_)
        | Move::Crash
        | Move::Jump(_)
        | Move::Next
        | Move::Calendar(_)
        | Move::Members(..)
        | Move::RollBack(..)
        | Move::Doubt => return,
    };
    // Most random requests are refused; a refusal names what is legal and changes nothing.
    if let Err(refusal) = world.ask(&command) {
        assert!(!refusal.sentence.is_empty());
    }
}

/// As the command does it: what runs is paused and comes to rest, then the plan is made and started.
fn roll_back(world: &mut World<Chance>, id: &RolloutId, schedule: &Schedule, wave: Option<u8>, all: bool) {
    let asked = Command::RollBack { rollout: id.clone(), reason: "dice".to_owned() };
    if world.ask(&asked).is_err() {
        return;
    }
    for _ in 0..80 {
        if world.refused.is_some() || world.state.rollout(id).unwrap().may_be_taken_back() {
            break;
        }
        world.round();
        world.advance();
    }
    let original = world.state.rollout(id).unwrap();
    if world.refused.is_some() || !original.may_be_taken_back() {
        return;
    }
    let waves = &original.plan().waves;
    let chosen = wave.map(|n| waves[usize::from(n) % waves.len()].name.clone());
    let shapes: Vec<&Shape> = [&schedule.first].into_iter().chain(&schedule.later).collect();
    if let Ok(plan) = world.rollback_plan(id, chosen.as_ref(), all, &shapes) {
        let start = Command::Start { plan: Box::new(plan), overrides: Vec::new() };
        let _ = world.ask(&start);
    }
}

fn release(cluster: &ClusterName, hold: &Hold) -> Command {
    let product = hold.kept.as_ref().map(|kept| kept.product.clone());
    Command::Release { cluster: cluster.clone(), product, reason: "dice".to_owned() }
}

fn scope(n: u8, rollout: &RolloutId) -> StopScope {
    match n {
        0 => StopScope::Fleet,
        1 => StopScope::Rollout { rollout: rollout.clone() },
        2 => "half=odd".parse().unwrap(),
        _ => "region=r1".parse().unwrap(),
    }
}

/// A calendar of plain moments.
fn calendar(windows: &[(bool, u16, u16, bool)], now: jiff::Timestamp) -> Body {
    // Looks come at fractions of a second, and files have none.
    let now = jiff::Timestamp::from_second(now.as_second()).unwrap();
    let after = |seconds: u16| now + jiff::SignedDuration::from_secs(i64::from(seconds));
    let windows = windows.iter().enumerate().map(|(n, (allow, from, length, half))| {
        let kind = if *allow { "allow" } else { "deny" };
        let (from, until) = (after(*from), after(from.saturating_add(*length)));
        let mut window =
            serde_json::json!({ "name": format!("w{n}"), "kind": kind, "from": from, "until": until });
        if *half {
            window["selector"] = serde_json::json!({ "half": "even" });
        }
        window
    });
    let all: Vec<_> = windows.collect();
    let calendar = serde_json::from_value(serde_json::json!({ "windows": all })).unwrap();
    Body::CalendarRecorded { commit: "c".repeat(40), calendar: Box::new(calendar) }
}

/// The fleet without some of the clusters that are planned, and with some of them asleep.
fn members(world: &World<Chance>, gone: &[u8], asleep: &[u8]) -> Body {
    let named =
        |name: &ClusterName, which: &[u8]| which.iter().any(|n| name.as_str().ends_with(&format!("-{n}")));
    let planned = world.state.rollouts().flat_map(|r| r.plan().clusters().map(|(_, _, c)| c));
    let mut clusters: BTreeMap<ClusterName, Member> = planned
        .filter(|c| !named(&c.name, gone))
        .map(|c| {
            let hibernated = named(&c.name, asleep);
            (c.name.clone(), Member { labels: c.labels.clone(), hibernated, sourced: false })
        })
        .collect();
    let some = [("joiner-1", &gone), ("joiner-2", &asleep)];
    // Those join that are named by an odd number.
    for (name, dice) in some {
        if dice.iter().any(|n| n % 2 == 1) {
            clusters.insert(name.parse().unwrap(), Member::default());
        }
    }
    if clusters.is_empty() {
        clusters.insert("alone".parse().unwrap(), Member { hibernated: true, ..Member::default() });
    }
    Body::MembershipRecorded { commit: "c".repeat(40), clusters }
}

/// Nothing stands in anybody's way any more.
pub fn clear(world: &mut World<Chance>) {
    let stops: Vec<StopScope> = world.state.stops().map(|(scope, _)| scope.clone()).collect();
    for scope in stops {
        world.ask(&Command::StartTheLine { scope, reason: "over".to_owned() }).unwrap();
    }
    let holds: Vec<Command> = world.state.holds().map(|(cluster, hold)| release(cluster, hold)).collect();
    for command in holds {
        world.ask(&command).unwrap();
    }
    if world.state.membership().is_some_and(|known| known.clusters.values().any(|m| m.hibernated)) {
        let known = world.state.membership().unwrap();
        let (commit, mut clusters) = (known.commit.clone(), (*known.clusters).clone());
        clusters.values_mut().for_each(|member| member.hibernated = false);
        // What was planned since is there.
        for rollout in world.state.open_rollouts() {
            let planned = rollout.plan().clusters().map(|(_, _, c)| &c.name);
            let there = planned.filter(|name| !world.state.has_left(rollout, name));
            clusters.extend(there.map(|name| (name.clone(), Member::default())));
        }
        world.append(Actor::engine(), Body::MembershipRecorded { commit, clusters });
    }
    if world.state.calendar().is_some_and(|recorded| !recorded.calendar.is_empty()) {
        let open = calendar(&[], world.now);
        world.append(Actor::engine(), open);
    }
}

/// What a patient person would do next for a rollout; `None` when only an abort is left.
pub fn mend(world: &mut World<Chance>, id: &RolloutId) -> bool {
    let retry = |which| Command::Retry { rollout: id.clone(), which, clusters: Vec::new(), reason: None };
    let resume = Command::Resume { rollout: id.clone(), raise_budget: None, reason: None };
    let mut helped = world.ask(&retry(RetryWhich::Failed)).is_ok();
    helped |= world.ask(&retry(RetryWhich::Deferred)).is_ok();
    helped |= world.ask(&resume).is_ok();
    let rollout = world.state.rollout(id).expect("it is known");
    let waits = waits_of_rollout(&world.state, rollout, world.now);
    let gated: Vec<Approve> = waits
        .iter()
        .filter_map(|w| {
            let (WaitKind::Gate { side, gate, .. }, Some(wave)) = (&w.kind, &w.wave) else { return None };
            let mut yes = world.approval(id, wave.as_str());
            yes.gate = Some((*side, gate.clone()));
            yes.evidence = Some(rollout.evidence(wave, *side));
            Some(yes)
        })
        .collect();
    // Clusters that run a hotfix which the release lacks are left out.
    let keep: Vec<ClusterName> = waits
        .iter()
        .filter_map(|w| if let WaitKind::MissingHotfix(m) = &w.kind { Some(m) } else { None })
        .flat_map(|missing| missing.hotfixes.values().flatten().cloned())
        .collect();
    if !keep.is_empty() {
        let reason = "it keeps its hotfix".to_owned();
        helped |= world.ask(&Command::Skip { rollout: id.clone(), clusters: keep, reason }).is_ok();
    }
    for yes in gated {
        helped |= world.ask(&Command::Approve(yes)).is_ok();
    }
    helped
}
