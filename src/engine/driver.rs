//! The driver: the loop that asks the pure core what is to be done, does it, and records what came
//! of it. It decides nothing about rollouts; it keeps three promises of its own: one task per
//! effect key, no effect without a valid lease, and no effect that breaks an invariant.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};

use crate::journal::{Body, Event, FailureClass};
use crate::model::{Actor, RolloutId, WaveName};
use crate::port::{AppendError, Fault, NewEvent};
use crate::rollout::invariant::Recount;
use crate::rollout::{Effect, EffectKey, Effects, FleetState, Rollout, is_blocked, rests};

use super::calendar::{Calendars, READ_EVERY};
use super::follow::Follower;
use super::gates;
use super::lease::{Lease, NotDriver};
use super::membership::{self, Memberships};
use super::recorder::{Facts, Recorder, Stopped};
use super::rules::Rules;
use super::survey;
use super::task;
use super::world::{Times, World};

/// How long a driver with nothing to do sleeps before it looks again; commands wake it earlier.
const IDLE: Duration = Duration::from_secs(30);

/// How old the last look at a cluster may be before an unchanged one is recorded again; well below the
/// age at which screens call it stale.
const SEEN_AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// Until when to drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// Until every named rollout has ended or halted.
    Done,
    /// Until only people or time can unblock the named rollouts.
    Blocked,
    /// Until this wave is done in every named rollout.
    Wave(WaveName),
}

/// How somebody outside asks the driver to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopRequest {
    /// Nobody asked.
    None,
    /// Start nothing new, let running steps end.
    Gently,
    /// Now: running steps are cut off, and the next driver finds out what became of them.
    Now,
}

/// What to drive, and for how long.
pub struct Drive {
    /// The rollouts of which the end is awaited; all open rollouts are driven all the same. Empty
    /// means all that are open.
    pub rollouts: Vec<RolloutId>,
    /// Until when.
    pub until: Until,
    /// Whether to wait for another driver to end.
    pub standby: bool,
    /// Somebody's wish to stop.
    pub stop: watch::Receiver<StopRequest>,
    /// The rules: the default, but in tests of those who check the engine.
    pub rules: Rules,
}

/// Why driving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// What was awaited is there: the state says which.
    Reached,
    /// Only people or time can go on; the earliest moment at which time does, if it does.
    Blocked(Option<jiff::Timestamp>),
    /// Somebody asked to stop.
    Interrupted,
}

/// Why driving failed.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// Somebody else drives.
    #[error(transparent)]
    NotDriver(#[from] NotDriver),
    /// The pen was taken away.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The journal can't be read.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The core asked for what must never happen; nothing was done.
    #[error("tidegate stopped itself before breaking a promise: {0}")]
    Broken(String),
}

/// Drives every open rollout of the journal. `seen` is shown each event, with the state after it.
///
/// # Errors
/// When another process drives, or takes over, or the journal fails.
pub async fn drive(
    world: &World,
    times: &Times,
    options: Drive,
    seen: &mut (dyn FnMut(&Event, &FleetState) + Send),
) -> Result<(Ended, Follower), DriveError> {
    let mut follower = Follower::new(Arc::clone(&world.journal));
    let mut stop = options.stop.clone();
    let lease = tokio::select! {
        biased;
        taken = Lease::take(world, times, options.standby) => Arc::new(taken?),
        // Who waits for another driver's end can be told to stop waiting.
        Ok(_) = stop.wait_for(|asked| *asked != StopRequest::None) => {
            follower.catch_up(&mut *seen).await?;
            return Ok((Ended::Interrupted, follower));
        }
    };
    follower.catch_up(&mut *seen).await?;
    let (recorder, arriving) = Recorder::new(lease.fence());
    let mut driver = Driver {
        world: world.clone(),
        lease: Arc::clone(&lease),
        shared: task::Shared::new(
            world.clone(),
            times.clone(),
            recorder,
            Arc::clone(&lease) as _,
            follower.state(),
        ),
        pause: times.lease / 10,
        arriving,
        running: Running::default(),
        calendars: Calendars::default(),
        memberships: Memberships::default(),
        recount: Recount::of(follower.state()),
        follower,
        options,
    };
    let keeper = Arc::clone(&lease);
    let ended = tokio::select! {
        biased;
        lost = keeper.keep() => Err(DriveError::NotDriver(lost)),
        ended = driver.run(seen) => ended,
    };
    driver.running.tasks.shutdown().await;
    if ended.is_ok() {
        // What a task handed in before it was cut off has happened, and the next driver must know.
        driver.last_words(seen, times, true).await?;
    }
    // Without the lease nothing is given back: that would be a write, and the clusters' leases end.
    if lease.holds_for(times.request) {
        driver.shared.close_all().await;
    }
    if ended.is_ok() {
        driver.last_words(seen, times, false).await?;
        lease.release().await;
    }
    ended.map(|ended| (ended, driver.follower))
}

type Seen<'s> = &'s mut (dyn FnMut(&Event, &FleetState) + Send);

struct Driver {
    world: World,
    lease: Arc<Lease>,
    shared: Arc<task::Shared>,
    /// Facts that tasks hand in.
    arriving: mpsc::Receiver<Facts>,
    running: Running,
    calendars: Calendars,
    memberships: Memberships,
    /// What the rules are checked with; it reads every event that the follower folds.
    recount: Recount,
    follower: Follower,
    options: Drive,
    /// How long to wait before a journal that failed is asked again.
    pause: Duration,
}

impl Driver {
    async fn run(&mut self, seen: Seen<'_>) -> Result<Ended, DriveError> {
        let this = self.world.host.this();
        let new_fence = self.lease.fence();
        let took_over = Body::DriverTookOver {
            process: this.label(),
            boot: this.boot,
            pid_namespace: this.pid_namespace,
            new_fence,
        };
        self.write(vec![took_over], seen).await?;
        loop {
            self.catch_up(seen).await?;
            let stop = *self.options.stop.borrow_and_update();
            if stop == StopRequest::Now || (stop == StopRequest::Gently && self.running.is_idle()) {
                return Ok(Ended::Interrupted);
            }
            let now = self.world.clock.now();
            let next = (self.options.rules.effects)(self.follower.state(), now);
            let starting = stop == StopRequest::None && next.effects.iter().any(|e| self.starts(e));
            let (world, state, pen) = (&self.world, self.follower.state(), &self.shared.recorder);
            let recorded = match self.calendars.look(world, state, starting).await {
                None => self.memberships.look(world, state, pen, starting).await,
                calendar => calendar,
            };
            if let Some(recorded) = recorded {
                let plan = state.newest_plan();
                self.catch_up(seen).await?;
                // A plan that came while the files were read may have been made from newer ones.
                if plan == self.follower.state().newest_plan() {
                    self.write(vec![recorded], seen).await?;
                }
                continue;
            }
            if stop == StopRequest::None {
                match self.over(&next) {
                    Some(ended) if self.running.is_idle() => return Ok(ended),
                    // What is awaited is there: nothing new begins, and steps of others that run end.
                    Some(_) => {}
                    None if self.start(&next.effects, now, seen).await? => continue,
                    None => {}
                }
            }
            self.wait(next.wake, seen).await?;
        }
    }

    /// Whether an effect starts something on a cluster that the calendar has a say in.
    fn starts(&self, effect: &Effect) -> bool {
        match effect {
            Effect::Decide(body) => matches!(body, Body::AttemptClaimed { .. }),
            Effect::Preflight { .. } | Effect::Step { .. } => {
                effect.key().is_some_and(|key| !self.running.has(&key))
            }
            _ => false,
        }
    }

    async fn catch_up(&mut self, seen: Seen<'_>) -> Result<(), DriveError> {
        self.catch_up_with(&mut |_| {}, seen).await
    }

    /// Reads on. A failure that may pass (a full or locked disk) is waited out while the lease holds.
    async fn catch_up_with(
        &mut self,
        each: &mut (dyn FnMut(&Event) + Send),
        seen: Seen<'_>,
    ) -> Result<(), DriveError> {
        let shared = Arc::clone(&self.shared);
        loop {
            let (follower, recount) = (&mut self.follower, &mut self.recount);
            let read = follower.catch_up(|event, state| {
                recount.follow(event, state);
                shared.noticed(event);
                each(event);
                seen(event, state);
            });
            match read.await {
                Err(fault) if self.may_pass(&fault) => self.world.clock.sleep(self.pause).await,
                read => return Ok(read?),
            }
        }
    }

    /// Whether it is worth asking the journal again: it may be well in a moment, nobody wants this driver
    /// to stop, and it still surely is the driver.
    fn may_pass(&self, fault: &Fault) -> bool {
        fault.class == FailureClass::Transient
            && self.lease.holds_for(self.pause)
            && *self.options.stop.borrow() != StopRequest::Now
    }

    /// Writes events at the position that the state is at; whether each was written. What the state
    /// does not allow any more has come too late, and is left out.
    async fn write(&mut self, bodies: Vec<Body>, seen: Seen<'_>) -> Result<Vec<bool>, DriveError> {
        loop {
            let state = self.follower.state();
            let at = self.world.clock.now();
            let fits: Vec<bool> =
                bodies.iter().map(|body| state.check(body).is_ok() && is_news(state, body, at)).collect();
            let events: Vec<NewEvent> = bodies
                .iter()
                .zip(&fits)
                .filter(|(_, fits)| **fits)
                .map(|(body, _)| NewEvent { at, actor: Actor::engine(), body: body.clone() })
                .collect();
            if events.is_empty() {
                return Ok(fits);
            }
            let (appended, doubtful) = self.append(&events).await?;
            if appended {
                self.catch_up(seen).await?;
                return Ok(fits);
            }
            let mut found = Vec::new();
            self.catch_up_with(&mut |event| found.push(event.clone()), seen).await?;
            let fence = Some(self.lease.fence());
            let ours = |(new, event): (&NewEvent, &Event)| {
                (event.fence, event.at, &event.actor, &event.body) == (fence, new.at, &new.actor, &new.body)
            };
            if doubtful && found.len() >= events.len() && events.iter().zip(&found).all(ours) {
                return Ok(fits);
            }
        }
    }

    /// Appends at the position that the state is at: whether that was still the last one, and whether a
    /// try before may have been written although it was reported as failed. A failure that may pass (a
    /// full or locked disk) is waited out while the lease holds.
    async fn append(&self, events: &[NewEvent]) -> Result<(bool, bool), DriveError> {
        let mut doubtful = false;
        loop {
            let (position, fence) = (self.follower.position(), Some(self.lease.fence()));
            match self.world.journal.append(position, fence, events.to_vec()).await {
                Ok(_) => return Ok((true, doubtful)),
                Err(AppendError::Moved { .. }) => return Ok((false, doubtful)),
                Err(AppendError::Fenced { ours, current }) => {
                    return Err(Stopped::Fenced { ours, current }.into());
                }
                Err(AppendError::Fault(fault)) if self.may_pass(&fault) => {
                    doubtful = true;
                    self.world.clock.sleep(self.pause).await;
                }
                Err(AppendError::Fault(fault)) => return Err(Stopped::Journal(fault).into()),
            }
        }
    }

    /// Records the first decision, or starts what is not running yet; whether the state moved, so
    /// that the rest must be asked for anew. `now` is the moment that the effects were named for: what
    /// expires between naming and checking breaks no promise.
    async fn start(
        &mut self,
        effects: &[Effect],
        now: jiff::Timestamp,
        seen: Seen<'_>,
    ) -> Result<bool, DriveError> {
        for effect in effects {
            if effect.key().is_some_and(|key| self.running.has(&key)) {
                continue;
            }
            if matches!(effect, Effect::Join { .. }) && self.running.joins() >= survey::AT_ONCE {
                continue;
            }
            let state = self.follower.state();
            (self.options.rules.guard)(state, &mut self.recount, effect, now)
                .map_err(|broken| DriveError::Broken(broken.to_string()))?;
            // One at a time: each decision is checked against the state that the one before left.
            let decision = match effect {
                Effect::Decide(body) => Some(body.clone()),
                Effect::AskGate { rollout, wave, side, gate } => {
                    let (rollout, wave, gate) = (rollout.clone(), wave.clone(), gate.clone());
                    let asked = gates::Asked { rollout, wave, side: *side, gate };
                    state.rollout(&asked.rollout).and_then(|r| gates::at_once(r, &asked, now))
                }
                _ => None,
            };
            if let Some(body) = decision {
                self.write(vec![body], seen).await?;
                return Ok(true);
            }
            if !self.lease.holds_for(Duration::ZERO) {
                // The keeper ends this run as soon as it knows; until then nothing starts.
                return Ok(false);
            }
            let Some(job) = task::prepare(&self.shared, state, effect) else { continue };
            self.running.spawn(effect.clone(), job);
        }
        Ok(false)
    }

    async fn wait(&mut self, wake: Option<jiff::Timestamp>, seen: Seen<'_>) -> Result<(), DriveError> {
        let now = self.world.clock.now();
        let length = wake.map_or(IDLE, |wake| {
            Duration::try_from(wake.duration_since(now))
                .unwrap_or(Duration::ZERO)
                .clamp(Duration::from_millis(5), IDLE.min(READ_EVERY))
        });
        let mut stop = self.options.stop.clone();
        let happened = tokio::select! {
            biased;
            ended = self.running.next(), if !self.running.is_idle() => Happened::Ended(ended),
            Some(facts) = self.arriving.recv() => Happened::Facts(facts),
            waited = self.follower.wait(length) => match waited {
                Err(fault) if self.may_pass(&fault) => {
                    self.world.clock.sleep(self.pause).await;
                    return Ok(());
                }
                waited => return Ok(waited?),
            },
            _ = stop.changed() => return Ok(()),
        };
        match happened {
            Happened::Facts(Facts { bodies, written }) => {
                let fits = self.write(bodies, seen).await?;
                // A task that is gone does not want to know.
                let _ = written.send(fits);
                Ok(())
            }
            Happened::Ended(ended) => self.settle(ended, seen).await,
        }
    }

    /// What is written after driving, when nobody renews the lease any more: a journal that hangs is not
    /// waited for longer than the lease may hold.
    async fn last_words(&mut self, seen: Seen<'_>, times: &Times, arrived: bool) -> Result<(), DriveError> {
        let clock = Arc::clone(&self.world.clock);
        let words = async {
            if arrived {
                self.write_arrived(seen).await
            } else {
                self.write(vec![Body::DriverReleased {}], seen).await.map(drop)
            }
        };
        tokio::select! {
            biased;
            written = words => written,
            () = clock.sleep(times.lease) => {
                let fault = Fault::transient("the journal did not answer when the driver ended");
                Err(Stopped::Journal(fault).into())
            }
        }
    }

    /// Writes the outcomes that were handed in and not yet written. Intents are left out: whoever
    /// handed one in was cut off before it acted.
    async fn write_arrived(&mut self, seen: Seen<'_>) -> Result<(), DriveError> {
        while let Ok(Facts { mut bodies, .. }) = self.arriving.try_recv() {
            bodies.retain(|body| !matches!(body, Body::StepStarted { .. } | Body::StepSpawned { .. }));
            self.write(bodies, seen).await?;
        }
        Ok(())
    }

    /// Looks at how a task ended: one that panicked is recorded as an outcome nobody knows.
    async fn settle(&mut self, ended: Option<TaskEnd>, seen: Seen<'_>) -> Result<(), DriveError> {
        match ended {
            None | Some((_, Ok(Ok(())))) => Ok(()),
            Some((_, Ok(Err(stopped)))) => Err(stopped.into()),
            Some((effect, Err(error))) => {
                let outcome = task::after_panic(&effect, &panic_text(error));
                self.write(outcome, seen).await.map(drop)
            }
        }
    }

    /// Whether this drive is over: what is awaited is there and nobody is at work for it any more. Other
    /// rollouts, however busy, keep nobody: a step of theirs that runs is let end, no more.
    fn over(&self, next: &Effects) -> Option<Ended> {
        let named = self.named();
        let is_named =
            |effect: &Effect| effect.rollout().is_some_and(|id| named.iter().any(|r| r.id() == id));
        // A cluster is not left half-updated because its rollout halted, even while it only waits for its
        // next try. One that a stopped line or a closed window keeps between two steps is left: only people
        // or time let it go on.
        let (state, now) = (self.follower.state(), self.world.clock.now());
        let at_work = named.iter().any(|r| r.state().is_open() && r.is_at_work(state, now));
        if at_work || self.running.effects.values().any(is_named) {
            return None;
        }
        if named.iter().all(|r| rests(r)) {
            // Somebody may catch up now, or depart.
            let left = |e: &Effect| is_named(e) && !matches!(e, Effect::PushTag { .. });
            return (!next.effects.iter().any(left)).then_some(Ended::Reached);
        }
        // Decisions hide what follows from them, and what is still to be done may change the answer.
        let undecided = next.effects.iter().any(|effect| effect.is_decision() || is_named(effect));
        if undecided { None } else { self.ended(&named, next.wake) }
    }

    /// The rollouts of which the end is awaited.
    fn named(&self) -> Vec<&Rollout> {
        let asked = &self.options.rollouts;
        let state = self.follower.state();
        if asked.is_empty() {
            return state.live_rollouts().collect();
        }
        state.rollouts().filter(|r| asked.contains(r.id())).collect()
    }

    fn ended(&self, named: &[&Rollout], wake: Option<jiff::Timestamp>) -> Option<Ended> {
        let state = self.follower.state();
        let now = self.world.clock.now();
        match &self.options.until {
            Until::Done => None,
            Until::Wave(wave) => {
                let there = |r: &Rollout| r.wave(wave).is_some_and(|(_, w)| w.phase().is_over());
                named.iter().all(|r| rests(r) || there(r)).then_some(Ended::Reached)
            }
            Until::Blocked => {
                named.iter().all(|r| rests(r) || is_blocked(state, r, now)).then_some(Ended::Blocked(wake))
            }
        }
    }
}

/// Whether an event says something that is not known yet: a cluster that is looked at again and again
/// (a blocked one, again and again) must not fill the journal with what it said before.
fn is_news(state: &FleetState, body: &Body, now: jiff::Timestamp) -> bool {
    let Body::ClusterObserved { cluster, observed } = body else { return membership::is_news(state, body) };
    let Some(seen) = state.seen(cluster).filter(|seen| seen.unreachable.is_none()) else { return true };
    let Some(before) = &seen.observed else { return true };
    let same = before.uid == observed.uid
        && before.kubernetes == observed.kubernetes
        && before.server == observed.server
        && before.products == observed.products;
    !same || now.duration_since(before.at) >= SEEN_AGAIN
}

/// What the driver's loop woke up for.
#[expect(clippy::large_enum_variant, reason = "one value at a time, handed on at once")]
enum Happened {
    /// A task ended.
    Ended(Option<TaskEnd>),
    /// A task has something to record.
    Facts(Facts),
}

/// How a task ended, and what it was for.
type TaskEnd = (Effect, Result<Result<(), Stopped>, JoinError>);

/// The tasks in flight, by what they do.
#[derive(Default)]
struct Running {
    tasks: JoinSet<Result<(), Stopped>>,
    effects: HashMap<Id, Effect>,
    keys: std::collections::HashSet<EffectKey>,
}

impl Running {
    fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    fn has(&self, key: &EffectKey) -> bool {
        self.keys.contains(key)
    }

    /// How many clusters that joined are being looked at.
    fn joins(&self) -> usize {
        self.effects.values().filter(|effect| matches!(effect, Effect::Join { .. })).count()
    }

    fn spawn(&mut self, effect: Effect, job: task::Job) {
        if let Some(key) = effect.key() {
            self.keys.insert(key);
        }
        let handle = self.tasks.spawn(job);
        self.effects.insert(handle.id(), effect);
    }

    async fn next(&mut self) -> Option<TaskEnd> {
        let joined = self.tasks.join_next_with_id().await?;
        let (id, result) = match joined {
            Ok((id, result)) => (id, Ok(result)),
            Err(error) => (error.id(), Err(error)),
        };
        let effect = self.effects.remove(&id)?;
        if let Some(key) = effect.key() {
            self.keys.remove(&key);
        }
        Some((effect, result))
    }
}

fn panic_text(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_else(|| "a panic without words".to_owned()),
        Err(error) => error.to_string(),
    }
}
