//! An engine without a world: it carries out effects as the real one does (decisions at once, each
//! action once, intent before, outcome after), but what comes of them and how long they take is
//! the script's. It can crash between any two events.

use std::collections::{BTreeMap, HashMap, HashSet};

use tidegate::diag::Findings;
use tidegate::digest::Digest;
use tidegate::gate::approval;
use tidegate::journal::{
    AttemptId, AttemptStep, Body, Event, FailureClass, Found, Preflight, StepId, StepOutcome,
};
use tidegate::model::{Actor, ClusterName, RolloutId, TestPolicy, WaveName};
use tidegate::plan::rollback::{self, RollbackInput};
use tidegate::plan::{Plan, PlannedRollback, Repeat};
use tidegate::rollout::invariant::{self, Broken, Recount};
use tidegate::rollout::{
    Approve, Command, Effect, EffectKey, Effects, FleetState, Impossible, Refusal, Tests, admit, effects,
};

use super::plans;

/// What comes of the engine's deeds.
pub trait Fate {
    /// What a preflight finds; `None` is what the plan says.
    fn preflight(&mut self, _: &AttemptId, _tries: u32) -> Option<Preflight> {
        None
    }
    /// What comes of a step.
    fn step(&mut self, _: &AttemptId, _: &StepId, _tries: u32) -> StepOutcome {
        done()
    }
    /// Whether a done cluster is still well.
    fn verify(&mut self, _: &ClusterName, _round: u32) -> bool {
        true
    }
    /// Whether a cluster that joins can be reached.
    fn joins(&mut self, _: &ClusterName, _tries: u32) -> bool {
        true
    }
    /// What a look at a soaking cluster finds.
    fn observe(&mut self, _: &ClusterName, _at: jiff::Timestamp) -> Found {
        Found::Well
    }
    /// Whether a tag can be made or pushed.
    fn tag(&mut self, _: &WaveName, _push: bool, _tries: u32) -> bool {
        true
    }
    /// How many seconds a deed takes.
    fn takes(&mut self, _: &EffectKey) -> i64 {
        1
    }
}

/// Everything goes well.
pub struct Calm;
impl Fate for Calm {}

/// A step that did what it should.
pub fn done() -> StepOutcome {
    StepOutcome::Done { summary: "done".to_owned(), evidence: BTreeMap::new() }
}

/// A step that failed.
pub fn failed(class: FailureClass) -> StepOutcome {
    StepOutcome::Failed { class, cause: "as scripted".to_owned(), output: Vec::new() }
}

type Named = fn(&FleetState, jiff::Timestamp) -> Effects;

struct Flight {
    key: EffectKey,
    effect: Effect,
    at: jiff::Timestamp,
    order: u64,
    /// What a recovery of a step that must not be repeated found: nothing was run.
    not_run: bool,
    /// Its time passes first.
    late: bool,
}

thread_local! {
    /// The log of every world of this thread, a line for each event, while somebody wants it.
    pub static TRACE: std::cell::RefCell<Option<Vec<String>>> = const { std::cell::RefCell::new(None) };
}

/// An event in a line, without the documents that some carry.
fn trace(event: &Event) -> String {
    let body = match &event.body {
        Body::RolloutPlanned { rollout, .. } | Body::RolloutReplanned { rollout, .. } => format!("{rollout}"),
        Body::CalendarRecorded { .. } => String::new(),
        body => format!("{body:?}"),
    };
    let body: String = body.chars().take(300).collect();
    format!("{} {} {} {body}", event.seq, event.at, event.body.name())
}

/// The world.
pub struct World<F> {
    pub state: FleetState,
    pub events: Vec<Event>,
    pub now: jiff::Timestamp,
    pub fate: F,
    /// What names the effects: the core, or a mutant of it.
    pub named: Named,
    /// Whether every effect is checked against the rules first.
    pub checked: bool,
    /// The count that the rules are checked with.
    pub recount: Recount,
    /// The event that the core refused; the world stands still then.
    pub refused: Option<Impossible>,
    /// How often each step's deed was really begun.
    pub runs: HashMap<(AttemptId, StepId), u32>,
    /// Steps that must not simply be repeated and were, although nobody knew how they had ended.
    pub unsafe_repeats: Vec<String>,
    unreported: HashSet<(AttemptId, StepId)>,
    flights: Vec<Flight>,
    order: u64,
    wake: Option<jiff::Timestamp>,
}

impl<F: Fate> World<F> {
    /// A new journal with a driver.
    pub fn new(fate: F) -> Self {
        let mut world = Self::over(&[], fate);
        world.append(person(), Body::JournalCreated { journal: uuid::Uuid::nil() });
        world.take_over();
        world
    }

    /// The world as a journal left it, without a driver.
    pub fn over(events: &[Event], fate: F) -> Self {
        let mut world = Self {
            state: FleetState::new(),
            events: Vec::new(),
            now: events.last().map_or_else(plans::start, |event| event.at),
            fate,
            named: effects,
            checked: true,
            recount: Recount::default(),
            refused: None,
            runs: HashMap::new(),
            unsafe_repeats: Vec::new(),
            unreported: HashSet::new(),
            flights: Vec::new(),
            order: 0,
            wake: None,
        };
        for event in events {
            world.state.apply(event).unwrap();
            world.recount.follow(event, &world.state);
            world.events.push(event.clone());
        }
        world
    }

    /// Appends an event and folds it in.
    pub fn append(&mut self, actor: Actor, body: Body) {
        if self.refused.is_some() {
            return;
        }
        let zero = Digest::from_bytes([0; 32]);
        let fence = match &body {
            Body::DriverTookOver { new_fence, .. } => Some(*new_fence),
            body if body.is_engines() => Some(self.state.fence()),
            _ => None,
        };
        let seq = self.events.len() as u64 + 1;
        let event = Event { seq, at: self.now, schema: 1, actor, fence, body, prev: zero, hash: zero };
        TRACE.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.push(trace(&event));
            }
        });
        self.refused = self.state.apply(&event).err();
        self.recount.follow(&event, &self.state);
        self.events.push(event);
    }

    /// A new driver; what the old one had begun is lost to it.
    pub fn take_over(&mut self) {
        self.flights.clear();
        let new_fence = self.state.fence() + 1;
        let process = format!("{new_fence}@host");
        self.append(
            engine(),
            Body::DriverTookOver {
                process,
                boot: "boot".to_owned(),
                pid_namespace: "host".to_owned(),
                new_fence,
            },
        );
    }

    /// A person's request.
    pub fn ask(&mut self, command: &Command) -> Result<usize, Refusal> {
        let bodies = admit(&self.state, command, self.now)?;
        let count = bodies.len();
        for body in bodies {
            self.append(person(), body);
        }
        Ok(count)
    }

    /// Starts a plan.
    pub fn start(&mut self, plan: Plan) -> RolloutId {
        self.ask(&Command::Start { plan: Box::new(plan), overrides: Vec::new() }).unwrap();
        self.state.rollouts().next_back().unwrap().id().clone()
    }

    /// The plan that takes a rollout back, whole or one wave of it, as the clusters' attempts tell; the
    /// shapes say what ran before.
    pub fn rollback_plan(
        &self,
        id: &RolloutId,
        wave: Option<&WaveName>,
        remove_added: bool,
        shapes: &[&plans::Shape],
    ) -> Result<Plan, Findings> {
        let original = self.state.rollout(id).unwrap();
        let mut asked = PlannedRollback {
            of: id.clone(),
            waves: Vec::new(),
            clusters: Vec::new(),
            whole: true,
            remove_added,
            reason: "it drops requests".to_owned(),
        };
        let all = self.state.carriers(original, &asked, &BTreeMap::new()).len();
        asked.waves.extend(wave.cloned());
        let mut carriers = self.state.carriers(original, &asked, &BTreeMap::new());
        // The values of what no rollout of this journal brought are in the clusters' records.
        for before in carriers.values_mut().flat_map(|carrier| carrier.before.values_mut()) {
            before.values.get_or_insert_with(|| serde_json::json!({}));
        }
        asked.whole = carriers.len() == all;
        let mut products: BTreeMap<_, _> = shapes.iter().flat_map(|shape| plans::before(shape)).collect();
        products.extend(self.state.rollouts().flat_map(|r| r.plan().products.clone()));
        let made = rollback::make(&RollbackInput {
            now: self.now,
            commit: "0",
            original: original.plan(),
            asked: &asked,
            carriers: &carriers,
            products: &products,
            renderers: &original.plan().renderers,
        })?;
        Ok(made.0)
    }

    /// A person's yes to what there is now.
    pub fn approve(&mut self, rollout: &RolloutId, wave: &str) -> Result<usize, Refusal> {
        let approve = self.approval(rollout, wave);
        self.ask(&Command::Approve(approve))
    }

    /// The yes to what there is now, at the side that the wave is at.
    pub fn approval(&self, rollout: &RolloutId, wave: &str) -> Approve {
        use tidegate::journal::Side;
        use tidegate::rollout::WavePhase;
        let wave: WaveName = wave.parse().unwrap();
        let found = self.state.rollout(rollout).unwrap();
        let (planned, state) = found.wave(&wave).unwrap();
        let after = planned.gates_before.is_empty() || state.phase() >= WavePhase::GatesAfter;
        let side = if after { Side::After } else { Side::Before };
        let (release, wave_digest) = found.bindings(&wave).unwrap();
        Approve {
            actor: Actor("person:lead".to_owned()),
            signature: None,
            rollout: rollout.clone(),
            gate: Some((side, "approval".parse().unwrap())),
            release,
            wave_digest,
            evidence: Some(found.evidence(&wave, side)),
            expires: None,
            comment: None,
            wave,
        }
    }

    /// Ends what is due, records decisions until there are none, begins what is not begun.
    pub fn round(&mut self) {
        self.land();
        for _ in 0..1_000 {
            if self.refused.is_some() {
                return;
            }
            let Effects { effects, wake } = (self.named)(&self.state, self.now);
            self.wake = wake;
            let decisions: Vec<Body> = effects
                .iter()
                .filter_map(|e| if let Effect::Decide(body) = e { Some(body.clone()) } else { None })
                .collect();
            if decisions.is_empty() {
                for effect in effects {
                    self.begin(effect);
                }
                return;
            }
            for body in decisions {
                self.check(&Effect::Decide(body.clone()));
                self.append(engine(), body);
            }
        }
        panic!("the core decides without end: {:?}", self.events.last().unwrap().body);
    }

    /// Whether an effect keeps the rules now.
    pub fn rules(&mut self, effect: &Effect) -> Result<(), Broken> {
        invariant::check_effect(&self.state, &mut self.recount, effect, self.now)
    }

    fn check(&mut self, effect: &Effect) {
        if self.checked && self.refused.is_none() {
            let kept = self.rules(effect);
            assert_eq!(kept, Ok(()), "{effect:?} after {} events", self.events.len());
        }
    }

    /// Goes on to the next moment at which anything can happen; `false` if there is none.
    pub fn advance(&mut self) -> bool {
        let next = self.flights.iter().map(|f| f.at).chain(self.wake).min();
        match next {
            Some(at) => {
                self.now = self.now.max(at);
                true
            }
            None => false,
        }
    }

    /// Rounds until nothing can happen without a person, or so many have passed.
    pub fn settle(&mut self, rounds: usize) -> bool {
        for _ in 0..rounds {
            self.round();
            if self.refused.is_some() || !self.advance() {
                return true;
            }
        }
        false
    }

    /// Whether any deed is under way.
    pub fn busy(&self) -> bool {
        !self.flights.is_empty()
    }

    fn begin(&mut self, effect: Effect) {
        let Some(key) = effect.key() else { return };
        if self.refused.is_some() || self.flights.iter().any(|f| f.key == key) {
            return;
        }
        self.check(&effect);
        let mut not_run = false;
        if let Effect::Step { attempt, step, tries, interrupted } = &effect {
            // The real engine asks `observe`, or a person, before it repeats what is not safe.
            not_run = !interrupted.is_empty() && step.repeat != Repeat::Safe;
            let (host, boot, pid_namespace) = ("host".to_owned(), "boot".to_owned(), "host".to_owned());
            let (attempt, step, tries) = (attempt.clone(), step.clone(), *tries);
            self.append(
                engine(),
                Body::StepStarted {
                    attempt: attempt.clone(),
                    step: step.id.clone(),
                    tries,
                    host,
                    boot,
                    pid_namespace,
                },
            );
            if !not_run {
                let which = (attempt, step.id);
                if self.unreported.contains(&which) && step.repeat != Repeat::Safe {
                    self.unsafe_repeats.push(format!("{} of {}", which.1, which.0));
                }
                self.unreported.insert(which.clone());
                *self.runs.entry(which).or_default() += 1;
            }
        }
        let limit = match &effect {
            Effect::Step { step, .. } => i64::try_from(step.timeout.as_seconds()).unwrap(),
            _ => i64::MAX,
        };
        let wanted = self.fate.takes(&key);
        let (takes, late) = (wanted.min(limit), wanted > limit);
        let at = self.now + jiff::SignedDuration::from_secs(takes);
        self.order += 1;
        self.flights.push(Flight { key, effect, at, order: self.order, not_run, late });
    }

    fn land(&mut self) {
        self.flights.sort_by_key(|f| (f.at, f.order));
        let due = self.flights.iter().take_while(|f| f.at <= self.now).count();
        let landed: Vec<Flight> = self.flights.drain(..due).collect();
        for flight in landed {
            let Some(body) = self.outcome(flight) else { continue };
            // As the engine does: an outcome that nobody waits for any more is dropped.
            if self.state.check(&body).is_ok() {
                if let Body::StepFinished { attempt, step, .. } = &body {
                    self.unreported.remove(&(attempt.clone(), step.clone()));
                }
                self.append(engine(), body);
            }
        }
    }

    fn outcome(&mut self, flight: Flight) -> Option<Body> {
        Some(match flight.effect {
            Effect::Decide(_) => return None,
            Effect::AskGate { rollout, wave, side, gate } => {
                let facts = approval::facts(self.state.rollout(&rollout)?, &wave, side, &gate)?;
                let answer = approval::decide(&facts, self.now);
                Body::GateAnswered { rollout, wave, side, gate, answer, revision: None }
            }
            Effect::Preflight { attempt, tries } => {
                let preflight =
                    self.fate.preflight(&attempt, tries).unwrap_or_else(|| self.by_plan(&attempt));
                Body::AttemptPreflighted { attempt, tries, preflight }
            }
            Effect::Step { attempt, step, tries, .. } => {
                let outcome = match (flight.not_run, step.repeat) {
                    _ if flight.late => StepOutcome::TimedOut { cause: "it still ran".to_owned() },
                    (true, Repeat::Never) => {
                        StepOutcome::Unknown { cause: "interrupted, and not safe to repeat".to_owned() }
                    }
                    (true, _) => done(),
                    (false, _) => self.fate.step(&attempt, &step.id, tries),
                };
                Body::StepFinished { attempt, step: step.id, tries, outcome }
            }
            Effect::Verify { rollout, wave, cluster, round } => {
                let healthy = self.fate.verify(&cluster, round);
                let cause = if healthy { "well" } else { "a Deployment is not ready" }.to_owned();
                Body::WaveClusterVerified { rollout, wave, cluster, round, healthy, cause }
            }
            Effect::Join { rollout, cluster, tries } => {
                if !self.fate.joins(&cluster, tries) {
                    let cause = "no route".to_owned();
                    let lasting = tries > 2;
                    return Some(Body::RolloutNotJoined { rollout, cluster, cause, lasting });
                }
                let plan = self.state.rollout(&rollout)?.plan();
                let Some((wave, pool, like)) = plan.clusters().last() else {
                    let cause = "no wave takes it".to_owned();
                    return Some(Body::RolloutNotJoined { rollout, cluster, cause, lasting: true });
                };
                let joined = plans::joined(like, &cluster);
                let (wave, pool, cluster) = (wave.name.clone(), pool.name.clone(), Box::new(joined));
                let (products, values) = (BTreeMap::new(), BTreeMap::new());
                Body::RolloutJoined { rollout, wave, pool, cluster, products, values }
            }
            Effect::Observe { rollout, wave, cluster } => {
                let found = self.fate.observe(&cluster, self.now);
                Body::WaveClusterObserved { rollout, wave, cluster, found, cause: "as scripted".to_owned() }
            }
            Effect::Tag { rollout, wave, tries } => {
                if self.fate.tag(&wave, false, tries) {
                    let tag = format!("release/R/{wave}");
                    Body::WaveTagged { rollout, wave, tag, commit: "0".repeat(40) }
                } else {
                    Body::WaveTagFailed { rollout, wave, push: false, tries, cause: "no git".to_owned() }
                }
            }
            Effect::PushTag { rollout, wave, tries } => {
                if self.fate.tag(&wave, true, tries) {
                    Body::WaveTagPushed { rollout, wave, remote: "origin".to_owned() }
                } else {
                    Body::WaveTagFailed { rollout, wave, push: true, tries, cause: "no remote".to_owned() }
                }
            }
        })
    }

    /// The steps that the plan asks for, as a real preflight computes them.
    fn by_plan(&self, attempt: &AttemptId) -> Preflight {
        let plan = self.state.rollout(&attempt.rollout).unwrap().plan();
        let (wave, _, cluster) = plan.cluster(&attempt.cluster).unwrap();
        let step = |id, timeout, repeat, retries| AttemptStep { id, timeout, repeat, retries };
        let minutes = tidegate::model::Duration::minutes(10);
        let mut steps = Vec::new();
        let known = self.state.rollout(&attempt.rollout).unwrap().cluster(&attempt.cluster).unwrap();
        let only_tests = known.attempt().tests() == Tests::Only;
        for target in cluster.targets.iter().filter(|t| t.change.acts() && !only_tests) {
            let product = target.product.clone();
            for s in plan.products[&target.digest].steps.iter().filter(|s| !cluster.skips(&product, &s.name))
            {
                let id = StepId::Deploy { product: product.clone(), step: s.name.clone() };
                steps.push(step(id, s.timeout, s.repeat, s.retries));
            }
            steps.push(step(StepId::Settle { product }, minutes, Repeat::Safe, 2));
        }
        for product in &cluster.removals {
            let id = StepId::Remove { product: product.clone() };
            let phase = |id: &StepId| id.product().and_then(|p| cluster.phase_of(p));
            let later = |s: &AttemptStep| cluster.back.is_some() && phase(&s.id) < phase(&id);
            let at = steps.iter().position(later).unwrap_or(steps.len());
            steps.insert(at, step(id, minutes, Repeat::Safe, 2));
        }
        for target in &cluster.targets {
            if wave.tests == TestPolicy::All || target.change.acts() {
                for t in &plan.products[&target.digest].tests {
                    let id = StepId::Test { product: target.product.clone(), test: t.name.clone() };
                    steps.push(step(id, t.timeout, Repeat::Safe, t.retries));
                }
            }
        }
        if steps.is_empty() {
            return Preflight::NoOp;
        }
        steps.push(step(StepId::Seal, minutes, Repeat::Safe, 2));
        Preflight::Proceed { steps }
    }
}

/// A person.
pub fn person() -> Actor {
    Actor("person:ann".to_owned())
}

fn engine() -> Actor {
    Actor::engine()
}
