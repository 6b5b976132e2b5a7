//! Commands that stay: `start`, `run` and `watch`. The first two drive; when another process
//! drives, `start` watches it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch as channel;

use super::{Context, ask, code, find, journal};
use crate::adapter::temporary;
use crate::cli::args::{RolloutRef, Run, Start, Until, Watch};
use crate::cli::crash;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::place::OpenJournal;
use crate::diag::{Finding, Findings, Severity, codes};
use crate::engine::planning::{PlanRequest, foreign_cluster, gather};
use crate::engine::{self, Drive, DriveError, Ended, NotDriver, Rules, StopRequest};
use crate::journal::Event;
use crate::model::{RolloutId, WaveName};
use crate::output::envelope::{List, Warning};
use crate::output::exit::Code;
use crate::output::progress::Progress;
use crate::output::screens::StatusScreen;
use crate::plan::{Plan, read, stale};
use crate::report::explain::{About, driving_helps, earliest, explanations};
use crate::report::explanation::{DRIVER, Explanation};
use crate::report::summary::{self, RolloutSummary};
use crate::rollout::{Command, FleetState, Rollout, is_blocked, rests};

/// How long one wait for more events lasts at most.
const WAIT: Duration = Duration::from_secs(2);

/// Starts a plan, and drives it.
pub async fn start(args: &Start, context: &Context<'_>) -> Outcome {
    context.place.asks_clusters()?;
    let bytes = std::fs::read(&args.plan).map_err(|error| {
        let mut failure = Failure::unreadable(&args.plan, &error);
        failure.findings = failure
            .findings
            .into_iter()
            .map(|finding| finding.next("tidegate plan RELEASE --out FILE"))
            .collect();
        failure
    })?;
    let plan = read(&bytes).map_err(|findings| in_file(findings, &args.plan))?;
    let git = context.place.repository().await?;
    let mut open = context.place.journal().await?;
    let world = context.place.world(&git, &open);
    fresh(&plan, &world, &mut open, context).await?;
    let reason = args.reason.clone().unwrap_or_default();
    let overrides: Vec<_> = args.overrides.iter().map(|what| (what.clone(), reason.clone())).collect();
    let command =
        |_: &FleetState| Ok(Command::Start { plan: Box::new(plan.clone()), overrides: overrides.clone() });
    let events = ask::send(&mut open, context, command).await?;
    started(open, &world, &events, args.detach, args.drive.until.clone(), context).await
}

/// Names the file that is no plan, or no sound one.
fn in_file(findings: Findings, file: &std::path::Path) -> Findings {
    let told = |mut finding: Finding| {
        finding.message = format!("{}: {}", file.display(), finding.message);
        match finding.next {
            Some(_) => finding,
            None => finding.next("tidegate plan RELEASE --out FILE"),
        }
    };
    findings.into_iter().map(told).collect()
}

/// A rollout whose start was recorded: it is driven, or watched where somebody drives already.
pub(super) async fn started(
    mut open: OpenJournal,
    world: &engine::World,
    events: &[Event],
    detach: bool,
    until: Until,
    context: &Context<'_>,
) -> Outcome {
    let Some(id) = events.iter().find_map(|event| event.body.rollout().cloned()) else {
        let finding = Finding::error(&codes::UNEXPECTED, "the plan was admitted and nothing was recorded");
        return Err(Failure::new(Code::Unexpected, finding));
    };
    for event in events {
        context.surface.talk(&crate::report::event::sentence(&event.body));
    }
    if detach {
        let state = open.follower.state();
        if let Some(rollout) = state.rollout(&id) {
            let driver = context.place.driver(&open).await?;
            show(context, state, &[rollout], driver, &[Code::Done]);
        }
        return Ok(vec![Code::Done]);
    }
    let driven = driver_alive(&open, context).await?;
    if driven {
        context.surface.talk("another process drives already: watching it");
        match follow(open, vec![id.clone()], &until, true, context).await? {
            Followed::Ended(codes) => return Ok(codes),
            Followed::Undriven(left) => open = *left,
        }
    }
    drive(open, world, vec![id], until, Other::Watched, context).await
}

/// Refuses a plan whose frozen inputs have changed, or that goes over another journal's clusters.
async fn fresh(
    plan: &Plan,
    world: &engine::World,
    open: &mut OpenJournal,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let times = context.place.times()?;
    let request = PlanRequest {
        release: plan.release.id.clone(),
        pipeline: Some(plan.pipeline.name.clone()),
        defer_unknown: true,
        options: plan.options,
        only: None,
        about: None,
        actor: context.place.actor().await,
    };
    let gathered = gather(world, &times, &mut open.follower, &request).await?;
    let mut findings = crate::diag::Findings::new();
    // Not the whole fleet: what the plan leaves alone is nobody's business here.
    let planned = gathered.foreign.iter().filter(|(cluster, _)| plan.cluster(cluster).is_some());
    findings.extend(planned.map(|(cluster, why)| foreign_cluster(Severity::Error, cluster, why)));
    for change in gathered.with_input(|input| Ok(stale(plan, input)))? {
        let message = format!("the plan is stale, {}: {}", change.what, change.change);
        findings.push(
            Finding::error(&codes::PLAN_STALE, message)
                .next(format!("tidegate plan {} --out FILE", plan.release.id)),
        );
    }
    if findings.is_empty() { Ok(()) } else { Err(Failure { exit: Code::Conflict, findings }) }
}

/// Drives every open rollout.
pub async fn run(args: &Run, context: &Context<'_>) -> Outcome {
    context.place.asks_clusters()?;
    let git = context.place.repository().await?;
    let open = journal(context).await?;
    let named = named(open.follower.state(), &args.rollouts)?;
    let world = context.place.world(&git, &open);
    let other = if args.standby { Other::WaitedFor } else { Other::InTheWay };
    drive(open, &world, named, args.drive.until.clone(), other, context).await
}

/// Watches without driving.
pub async fn watch(args: &Watch, context: &Context<'_>) -> Outcome {
    let open = journal(context).await?;
    let named = named(open.follower.state(), &args.rollouts)?;
    if named.is_empty() {
        context.surface.talk("no rollout is open");
        return Ok(vec![Code::Done]);
    }
    let state = open.follower.state();
    let helps = |r: &Rollout| driving_helps(state, r, context.place.now());
    if named.iter().filter_map(|id| state.rollout(id)).any(helps) && !driver_alive(&open, context).await? {
        context.surface.talk("nobody drives: tidegate rollout run");
    }
    match follow(open, named, &Until::Done, false, context).await? {
        Followed::Ended(codes) => Ok(codes),
        Followed::Undriven(_) => Ok(vec![Code::Done]),
    }
}

pub(super) async fn driver_alive(open: &OpenJournal, context: &Context<'_>) -> Result<bool, Failure> {
    Ok(context.place.driver(open).await?.is_some_and(|driver| driver.alive))
}

/// The rollouts that are named, or all that are open or have somebody left to catch up.
fn named(state: &FleetState, asked: &[RolloutRef]) -> Result<Vec<RolloutId>, Failure> {
    if asked.is_empty() {
        return Ok(state.live_rollouts().map(|r| r.id().clone()).collect());
    }
    asked.iter().map(|name| find(state, Some(name)).map(|r| r.id().clone())).collect()
}

/// What another driver, found when driving is to begin, means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Other {
    /// This process can't drive.
    InTheWay,
    /// Its end is waited for.
    WaitedFor,
    /// It drives what was started here too, and is watched.
    Watched,
}

async fn drive(
    open: OpenJournal,
    world: &engine::World,
    named: Vec<RolloutId>,
    until: Until,
    other: Other,
    context: &Context<'_>,
) -> Outcome {
    if named.is_empty() {
        context.surface.talk("no rollout is open: there is nothing to drive");
        return Ok(vec![Code::Done]);
    }
    if let Some(wave) = wave_of(&until) {
        known_wave(open.follower.state(), &named, wave)?;
    }
    if until != Until::Blocked {
        told_waiting(open.follower.state(), &named, context);
    }
    let mut progress = Progress::by(context.surface, open.follower.position(), context.place.shown());
    progress.show(summaries(open.follower.state(), &named, context.place.now()));
    let options = Drive {
        rollouts: named.clone(),
        until: match until.clone() {
            Until::Blocked => engine::Until::Blocked,
            Until::Wave(wave) => engine::Until::Wave(wave),
            Until::Done => engine::Until::Done,
        },
        standby: other == Other::WaitedFor,
        stop: context.signals.gentle(),
        rules: Rules::default(),
    };
    // Before, what drivers left that were killed; afterwards, what their scripts still worked in,
    // which were ended meanwhile.
    tidy().await;
    let timer = stop_in_time(context);
    let mut seen = |event: &Event, state: &FleetState| {
        crash::position(event.seq);
        progress.event(event, || summaries(state, &named, context.place.now()));
    };
    let times = context.place.times()?;
    let hurry = context.place.hurry();
    let ended = engine::drive(world, &times, options, &mut seen).await;
    drop(hurry);
    let timed_out = timer.is_some_and(|timer| timer.has_fired());
    drop(progress);
    tidy().await;
    let (ended, follower) = match ended {
        Ok(ended) => ended,
        // Two were started at once, and the other was faster.
        Err(DriveError::NotDriver(NotDriver::Held(_))) if other == Other::Watched => {
            context.signals.watching();
            context.surface.talk("another process drives already: watching it");
            return match follow(open, named.clone(), &until, true, context).await? {
                Followed::Ended(codes) => Ok(codes),
                Followed::Undriven(open) => Box::pin(drive(*open, world, named, until, other, context)).await,
            };
        }
        Err(error) => return Err(not_driven(&error)),
    };
    let state = follower.state();
    let rollouts: Vec<&Rollout> = named.iter().filter_map(|id| state.rollout(id)).collect();
    let mut codes: Vec<Code> = rollouts.iter().map(|r| code(r)).collect();
    match ended {
        Ended::Reached => {}
        Ended::Blocked(_) => codes.push(Code::Blocked),
        Ended::Interrupted if timed_out => codes.push(Code::WaitTimeout),
        Ended::Interrupted => codes.push(Code::Interrupted),
    }
    let driver = context.place.driver(&open).await?;
    show(context, state, &rollouts, driver, &codes);
    if matches!(ended, Ended::Reached | Ended::Blocked(_)) {
        for left in state.open_rollouts().filter(|r| !named.contains(r.id()) && !rests(r)) {
            let id = left.id();
            context.surface.talk(&format!("{id} is open, and driven no more: tidegate rollout run {id}"));
        }
    }
    if ended == Ended::Interrupted {
        context.surface.talk("nothing is lost; go on with: tidegate rollout run");
    }
    Ok(codes)
}

/// Says for what a rollout that waits for people or time waits: driving it, nothing may happen for a
/// long while.
fn told_waiting(state: &FleetState, named: &[RolloutId], context: &Context<'_>) {
    let now = context.place.now();
    for rollout in named.iter().filter_map(|id| state.rollout(id)) {
        if rests(rollout) || !is_blocked(state, rollout, now) {
            continue;
        }
        for wait in explanations(state, rollout, About::Rollout, None, now) {
            if wait.gate != DRIVER {
                context.surface.aside(&waiting(&wait));
            }
        }
    }
}

/// Removes the temporary files of dead processes. Driving does not depend on it.
async fn tidy() {
    let _ = tokio::task::spawn_blocking(temporary::sweep).await;
}

/// One line about what waits: what for, and the command that helps.
fn waiting(wait: &Explanation) -> String {
    let what = [
        wait.subject.wave.as_ref().map(ToString::to_string),
        wait.subject.cluster.as_ref().map(ToString::to_string),
    ];
    let what: Vec<String> = what.into_iter().flatten().chain([wait.gate.clone()]).collect();
    let command = wait.unblock.commands.first().map(|c| format!("  ->  {c}")).unwrap_or_default();
    let alert = wait.alert().map(|alert| format!(" ({alert})")).unwrap_or_default();
    format!("{} waits until {}{alert}{command}", what.join(" · "), wait.unblock.condition)
}

/// Why nothing could be driven, and what to do.
pub(super) fn not_driven(error: &DriveError) -> Failure {
    match error {
        DriveError::NotDriver(NotDriver::Held(holder)) => {
            let message = format!("{} drives, its lease runs until {}", holder.process, holder.until);
            let finding = Finding::error(&codes::DRIVER_HELD, message)
                .hint("or wait for it to end: tidegate rollout run --standby")
                .next("tidegate rollout watch");
            Failure::new(Code::Conflict, finding)
        }
        DriveError::Broken(broken) => {
            Failure::new(Code::Unexpected, Finding::error(&codes::INVARIANT_BROKEN, broken.clone()))
        }
        DriveError::Stopped(engine::Stopped::Fenced { .. }) => {
            Failure::new(Code::Conflict, Finding::error(&codes::JOURNAL_FENCED, error.to_string()))
        }
        DriveError::NotDriver(NotDriver::Fault(_)) | DriveError::Stopped(_) | DriveError::Fault(_) => {
            let finding = Finding::error(&codes::JOURNAL_UNREADABLE, error.to_string())
                .hint("what runs was cut off; the next driver finds out what became of it")
                .next("tidegate rollout run");
            Failure::new(Code::Unexpected, finding)
        }
    }
}

fn wave_of(until: &Until) -> Option<&WaveName> {
    match until {
        Until::Wave(wave) => Some(wave),
        Until::Blocked | Until::Done => None,
    }
}

/// That every named rollout has the wave: otherwise it would be waited for in vain.
fn known_wave(state: &FleetState, named: &[RolloutId], wave: &WaveName) -> Result<(), Failure> {
    for rollout in named.iter().filter_map(|id| state.rollout(id)) {
        if rollout.wave(wave).is_none() {
            let known = rollout.plan().waves.iter().map(|w| w.name.as_str());
            return Err(Failure::missing("wave", wave.as_str(), known));
        }
    }
    Ok(())
}

/// Asks the driver to stop when `--wait-timeout` has passed.
fn stop_in_time(context: &Context<'_>) -> Option<Timer> {
    let length = context.place.globals().wait_timeout?.std();
    let (fired, has) = channel::channel(false);
    let signals = context.signals.clone();
    let task = tokio::spawn(async move {
        tokio::time::sleep(length).await;
        fired.send_replace(true);
        signals.ask(StopRequest::Gently);
    });
    Some(Timer { task, has })
}

/// A running `--wait-timeout`.
struct Timer {
    task: tokio::task::JoinHandle<()>,
    has: channel::Receiver<bool>,
}

impl Timer {
    fn has_fired(self) -> bool {
        self.task.abort();
        *self.has.borrow()
    }
}

/// How following ended.
enum Followed {
    /// What was awaited is there.
    Ended(Vec<Code>),
    /// The process that drove has ended before, and nobody took its place.
    Undriven(Box<OpenJournal>),
}

/// Follows the journal until every named rollout rests, or what is awaited is there; as an `heir`
/// only as long as somebody drives.
async fn follow(
    mut open: OpenJournal,
    named: Vec<RolloutId>,
    until: &Until,
    heir: bool,
    context: &Context<'_>,
) -> Result<Followed, Failure> {
    let deadline = context.place.deadline();
    let _patience = context.place.patience();
    let mut progress = Progress::by(context.surface, open.follower.position(), context.place.shown());
    progress.show(summaries(open.follower.state(), &named, context.place.now()));
    let mut timed_out = false;
    while !reached(open.follower.state(), &named, until, context.place.now()) {
        let left = deadline.map_or(WAIT, |until| until.saturating_duration_since(Instant::now()).min(WAIT));
        if left.is_zero() {
            timed_out = true;
            break;
        }
        let waited = tokio::select! {
            biased;
            // A signal cuts off whoever only looks; in a demo it is told here.
            () = context.signals.came() => return Ok(Followed::Ended(vec![Code::Interrupted])),
            waited = open.follower.wait(left) => waited,
        };
        waited.map_err(|fault| Failure::journal(&open.path, &fault))?;
        let surface = Arc::clone(context.surface);
        open.follower
            .catch_up(|event, state| {
                crash::position(event.seq);
                progress.event(event, || summaries(state, &named, context.place.now()));
            })
            .await
            .map_err(|fault| Failure::journal(&open.path, &fault))?;
        if surface.reader_is_gone() {
            break;
        }
        progress.refresh(|| summaries(open.follower.state(), &named, context.place.now()));
        let rests = reached(open.follower.state(), &named, until, context.place.now());
        if heir && !rests && !driver_alive(&open, context).await? {
            drop(progress);
            context.surface.talk("the process that drove has ended: driving on");
            return Ok(Followed::Undriven(Box::new(open)));
        }
    }
    drop(progress);
    let driver = context.place.driver(&open).await?;
    let state = open.follower.state();
    let rollouts: Vec<&Rollout> = named.iter().filter_map(|id| state.rollout(id)).collect();
    let mut codes: Vec<Code> = rollouts.iter().map(|r| code(r)).collect();
    if timed_out {
        codes.push(Code::WaitTimeout);
    } else if *until == Until::Blocked && !rollouts.iter().all(|r| rests(r)) {
        codes.push(Code::Blocked);
    }
    show(context, state, &rollouts, driver, &codes);
    Ok(Followed::Ended(codes))
}

/// Whether what is awaited is there.
fn reached(state: &FleetState, named: &[RolloutId], until: &Until, now: jiff::Timestamp) -> bool {
    let there = |r: &Rollout| match until {
        Until::Done => false,
        Until::Wave(wave) => r.wave(wave).is_some_and(|(_, known)| known.phase().is_over()),
        Until::Blocked => is_blocked(state, r, now),
    };
    named.iter().filter_map(|id| state.rollout(id)).all(|r| rests(r) || there(r))
}

fn summaries(state: &FleetState, named: &[RolloutId], now: jiff::Timestamp) -> Vec<RolloutSummary> {
    named.iter().filter_map(|id| state.rollout(id)).map(|r| summary::rollout(state, r, now)).collect()
}

/// Shows how the rollouts stand now; one alone as itself, several as a list.
fn show(
    context: &Context<'_>,
    state: &FleetState,
    rollouts: &[&Rollout],
    driver: Option<crate::report::explanation::Driving>,
    codes: &[Code],
) {
    let now = context.place.now();
    let screens: Vec<StatusScreen> = rollouts
        .iter()
        .map(|rollout| StatusScreen {
            summary: summary::rollout(state, rollout, now),
            waits: explanations(state, rollout, About::Rollout, driver.as_ref(), now),
            driver: driver.clone(),
        })
        .collect();
    let warnings: [Warning; 0] = [];
    if codes.contains(&Code::Blocked) {
        let waits: Vec<_> = screens.iter().flat_map(|s| s.waits.clone()).collect();
        for wait in waits.iter().filter(|w| w.gate != DRIVER) {
            context.surface.talk(&waiting(wait));
        }
        if let Some(earliest) = earliest(&waits) {
            let look = context.surface.look(now);
            context
                .surface
                .talk(&format!("time alone unblocks it at {} at the earliest", look.view.until(earliest)));
        }
        for (summary, by) in screens.iter().filter_map(|s| Some((&s.summary, s.summary.look_by()?))) {
            let by = context.surface.look(now).view.until(by);
            let id = &summary.rollout;
            context.surface.talk(&format!(
                "look again by {by}, or what was soaked so far counts no more: tidegate rollout run {id} --until blocked"
            ));
        }
    }
    match <[StatusScreen; 1]>::try_from(screens) {
        Ok([one]) => context.surface.show(&one, now, &warnings, codes.iter().copied()),
        Err(many) => context.surface.show(&List::whole(many), now, &warnings, codes.iter().copied()),
    }
}
