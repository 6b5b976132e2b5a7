//! Scripts as steps and tests: what they are given, how their ends are read, and what is done about
//! one that an earlier driver left behind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::journal::{AttemptId, Body, FailureClass, StepId, StepOutcome};
use crate::model::{Duration, Tree};
use crate::plan::Repeat;
use crate::port::{Fault, ScriptRequest, ScriptResult, Secret, SpawnHook, Spawned};
use crate::rollout::Interrupted;

use super::recorder::Recorder;
use super::whereabouts::{Relation, Whereabouts};
use super::world::World;

/// The exit code of a try that another try may mend (EX_TEMPFAIL of sysexits.h).
const TRY_AGAIN: i32 = 75;

/// How long after its deadline a script on another host may take to be ended there, clocks of two
/// hosts included.
const ENDING: Duration = Duration::seconds(30);

/// A script of a product, ready for one try.
pub struct Script {
    /// The product's files.
    pub files: Tree,
    /// Program and arguments.
    pub command: Vec<String>,
    /// The command that tells after a crash whether it took effect.
    pub observe: Option<Vec<String>>,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// Secrets by environment variable.
    pub secrets: BTreeMap<String, Secret>,
    /// More values that its output must not show.
    pub mask: Vec<Secret>,
    /// How long one try may take.
    pub timeout: Duration,
}

/// Which try of which step a script is run for.
#[derive(Clone)]
pub struct Try {
    /// The attempt.
    pub attempt: AttemptId,
    /// The step.
    pub step: StepId,
    /// The number of the try.
    pub tries: u32,
    /// The number of the oldest try that was begun and never reported; this one's own, if none was.
    pub first: u32,
}

/// What is to be done about an interrupted step.
pub enum Recovered {
    /// It is known, or decided, how it ended.
    Finished(StepOutcome),
    /// It is run again.
    Again,
}

impl Script {
    /// Runs one try to its end.
    pub async fn run(&self, world: &World, recorder: &Recorder, id: &Try) -> StepOutcome {
        let hook = Record { recorder, id, recorded: AtomicBool::new(false) };
        match world.scripts.run(self.request(&self.command, id, false), &hook).await {
            Ok(result) => outcome(id, result),
            // From here on it may have done anything, and may still be at it.
            Err(fault) if hook.recorded.load(Ordering::Acquire) && !id.step.is_test() => {
                StepOutcome::Unknown { cause: format!("the script was started, and then: {fault}") }
            }
            Err(fault) => failed(fault),
        }
    }

    /// Finds out about a try that an earlier driver began and never reported, and whose processes
    /// have ended ([`end_left`]).
    pub async fn recover(&self, world: &World, id: &Try, repeat: Repeat) -> Recovered {
        match (&self.observe, repeat) {
            (Some(observe), _) => self.ask(world, id, observe).await,
            (None, Repeat::Safe) => Recovered::Again,
            (None, Repeat::Observe | Repeat::Never) => Recovered::Finished(StepOutcome::Unknown {
                cause: format!(
                    "the driver ended while `{}` ran; it has no `observe` command and is not `idempotent`, so only a person can say whether it took effect",
                    self.command.join(" ")
                ),
            }),
        }
    }

    async fn ask(&self, world: &World, id: &Try, observe: &[String]) -> Recovered {
        struct Nothing;
        #[async_trait::async_trait]
        impl SpawnHook for Nothing {
            async fn spawned(&self, _: Spawned) -> Result<(), Fault> {
                Ok(())
            }
        }
        let unknown = |cause: String| Recovered::Finished(StepOutcome::Unknown { cause });
        match world.scripts.run(self.request(observe, id, true), &Nothing).await {
            Ok(ScriptResult { code: Some(0), .. }) => Recovered::Finished(StepOutcome::Done {
                summary: "the driver had ended while it ran; `observe` says that it took effect".to_owned(),
                evidence: BTreeMap::from([("observed".to_owned(), serde_json::Value::Bool(true))]),
            }),
            Ok(ScriptResult { code: Some(1), .. }) => Recovered::Again,
            Ok(other) => unknown(format!(
                "the driver ended while it ran, and its `observe` command does not know either ({})",
                ending(&other)
            )),
            Err(fault) => {
                unknown(format!("the driver ended while it ran, and `observe` could not be run: {fault}"))
            }
        }
    }

    fn request(&self, command: &[String], id: &Try, observing: bool) -> ScriptRequest {
        let mut env = self.env.clone();
        env.extend(
            [
                ("TIDEGATE_ROLLOUT", id.attempt.rollout.to_string()),
                ("TIDEGATE_CLUSTER", id.attempt.cluster.to_string()),
                ("TIDEGATE_ATTEMPT", id.attempt.attempt.to_string()),
                ("TIDEGATE_STEP", id.step.to_string()),
                ("TIDEGATE_TRY", id.tries.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        if observing {
            env.insert("TIDEGATE_OBSERVE".to_owned(), "1".to_owned());
        }
        ScriptRequest {
            files: self.files.clone(),
            command: command.to_vec(),
            env,
            secrets: self.secrets.clone(),
            mask: self.mask.clone(),
            timeout: self.timeout,
        }
    }
}

/// Ends what earlier drivers left running of a step, or waits until it surely has ended; an outcome
/// if it can't be ended.
pub async fn end_left(world: &World, timeout: Duration, left: &[Interrupted]) -> Result<(), StepOutcome> {
    let this = world.host.this();
    // A program runs only after its process group was recorded: without one it never ran.
    for (left, group, start_ticks) in left.iter().filter_map(|l| l.group.map(|(g, t)| (l, g, t))) {
        match Whereabouts::of_try(left).seen_from(&this) {
            Relation::Here => {
                if let Err(fault) = world.scripts.end(Spawned { group, start_ticks }).await {
                    let cause = format!("an earlier driver's script still runs and can't be ended: {fault}");
                    return Err(StepOutcome::Unknown { cause });
                }
            }
            Relation::Gone => {}
            // Nobody here can see or end it: it has until its deadline.
            Relation::Elsewhere => {
                let end = ENDING.after(timeout.after(left.at));
                let rest = std::time::Duration::try_from(end.duration_since(world.clock.now()));
                // A clock over there that is far ahead must not be waited for.
                let longest = timeout.std() + ENDING.std();
                world.clock.sleep(rest.unwrap_or_default().min(longest)).await;
            }
        }
    }
    Ok(())
}

/// Writes a script's process group down before the script's program runs.
struct Record<'a> {
    recorder: &'a Recorder,
    id: &'a Try,
    /// Whether it was written down, so that the program may run.
    recorded: AtomicBool,
}

#[async_trait::async_trait]
impl SpawnHook for Record<'_> {
    async fn spawned(&self, spawned: Spawned) -> Result<(), Fault> {
        let body = Body::StepSpawned {
            attempt: self.id.attempt.clone(),
            step: self.id.step.clone(),
            tries: self.id.tries,
            group: spawned.group,
            start_ticks: spawned.start_ticks,
        };
        match self.recorder.intent(body).await {
            Ok(true) => {
                self.recorded.store(true, Ordering::Release);
                Ok(())
            }
            Ok(false) => Err(Fault::permanent("the step was called off before the script ran")),
            Err(stopped) => Err(Fault::transient(stopped.to_string())),
        }
    }
}

fn outcome(id: &Try, result: ScriptResult) -> StepOutcome {
    if result.timed_out {
        let last = result.output.last().map(|line| format!("; its last words: {line}")).unwrap_or_default();
        return StepOutcome::TimedOut {
            cause: format!("the script did not end in time and was ended{last}"),
        };
    }
    match result.code {
        Some(0) => StepOutcome::Done {
            summary: result.output.last().cloned().unwrap_or_else(|| "exit code 0".to_owned()),
            evidence: BTreeMap::new(),
        },
        code => StepOutcome::Failed {
            class: match code {
                _ if id.step.is_test() => FailureClass::Test,
                Some(TRY_AGAIN) => FailureClass::Transient,
                _ => FailureClass::Unclassified,
            },
            cause: format!("the script ended with {}", ending(&result)),
            output: result.output,
        },
    }
}

fn ending(result: &ScriptResult) -> String {
    match result.code {
        _ if result.timed_out => "a timeout".to_owned(),
        Some(code) => format!("exit code {code}"),
        None => "a signal".to_owned(),
    }
}

fn failed(fault: Fault) -> StepOutcome {
    StepOutcome::Failed { class: fault.class, cause: fault.message, output: Vec::new() }
}
