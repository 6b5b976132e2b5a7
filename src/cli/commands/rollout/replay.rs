//! `rollout replay`: a rollout as whoever watched it saw it, from its export alone.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Context;
use crate::cli::args::{Speed, When};
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, codes, count};
use crate::journal::export;
use crate::model::Duration as Length;
use crate::output::exit::Code;
use crate::output::progress::Progress;
use crate::output::screens::{ReplayScreen, StatusScreen};
use crate::output::{ProgressMode, Surface};
use crate::port::ClockFace;
use crate::report::explain::{About, explanations};
use crate::report::replay::Replay;
use crate::report::summary::{self, RolloutSummary};

/// So long a replay takes whose speed is left to it, if that is faster than it was.
const LENGTH: Duration = Duration::from_secs(60);

/// Shows it, or one moment of it.
pub async fn run(args: &crate::cli::args::Replay, context: &Context<'_>) -> Outcome {
    let file = &args.file;
    let bytes = tokio::fs::read(file).await.map_err(|error| Failure::unreadable(file, &error))?;
    // All of it is verified before anything is shown.
    let read = export::read(&bytes).map_err(|fault| Failure::export(file, &fault))?;
    let rollout = read.checked.head.rollout.clone();
    let Some(mut replay) = Replay::of(read) else {
        let message = format!("{} does not tell how {rollout} began", file.display());
        return Err(Failure::new(Code::Invalid, Finding::error(&codes::EXPORT_UNREADABLE, message)));
    };
    if let Some(when) = args.at {
        let moment = moment(when, &replay)?;
        replay.until(moment);
        return Ok(show(&replay, moment, context));
    }
    let speed = match args.speed {
        Some(Speed::Max) => None,
        Some(Speed::Times(times)) => Some(times),
        // Nobody waits for what is not drawn.
        None if is_live(context.surface) => Some(usual(&replay)),
        None => None,
    };
    context.surface.aside(&opening(&replay, speed, context.surface));
    let codes = tell(&mut replay, speed, file, context).await;
    if codes.contains(&Code::WaitTimeout) {
        return Ok(codes);
    }
    Ok(show(&replay, replay.ends(), context))
}

fn is_live(surface: &Surface) -> bool {
    surface.progress() == ProgressMode::Auto && surface.talks_to_a_person()
}

/// Fast enough that it takes a minute, and no slower than it was.
fn usual(replay: &Replay) -> f64 {
    (replay.length().std().as_secs_f64() / LENGTH.as_secs_f64()).max(1.0)
}

fn opening(replay: &Replay, speed: Option<f64>, surface: &Surface) -> String {
    let look = surface.look(replay.ends());
    let speed = match speed {
        None => String::new(),
        Some(times) if times >= 10.0 => format!(", {times:.0} times as fast as it was"),
        Some(times) => format!(", {times:.1} times as fast as it was"),
    };
    let others = match replay.others() {
        0 => String::new(),
        others => {
            let others = count(usize::try_from(others).unwrap_or(usize::MAX), "event");
            format!("; {others} of other rollouts are not in the file")
        }
    };
    let (rollout, length) = (replay.rollout(), replay.length());
    let starts = replay.starts().to_zoned(look.view.zone).strftime("%Y-%m-%d %H:%M:%S").to_string();
    format!("recorded: {rollout}, {length} from {starts} on{speed}{others}")
}

/// The moment that is asked for; the recording must have begun then.
fn moment(when: When, replay: &Replay) -> Result<Timestamp, Failure> {
    let moment = match when {
        When::At(moment) => moment,
        When::After(length) => {
            let length = SignedDuration::try_from(length.std()).unwrap_or(SignedDuration::MAX);
            replay.starts().checked_add(length).unwrap_or(Timestamp::MAX)
        }
    };
    if moment < replay.starts() {
        let message = format!("{moment} is before {} was planned", replay.rollout());
        let finding = Finding::error(&codes::INVALID_VALUE, message).hint(format!(
            "the recording goes from {} to {}",
            replay.starts(),
            replay.ends()
        ));
        return Err(Failure::new(Code::NothingSelected, finding));
    }
    Ok(moment)
}

/// How often live lines are made anew where nothing happens.
const LOOK: Duration = Duration::from_secs(1);

/// The time of then, while a replay goes on.
struct Then {
    begun: Timestamp,
    starts: Timestamp,
    ends: Timestamp,
    /// `None` shows all at once: time goes from event to event.
    speed: Option<f64>,
    last: Mutex<Timestamp>,
}

impl Then {
    fn now(&self) -> Timestamp {
        match self.speed {
            None => *self.last.lock().unwrap_or_else(PoisonError::into_inner),
            Some(speed) => {
                let face = ClockFace { shows: self.starts, at: self.begun, speed };
                face.now(Timestamp::now()).min(self.ends)
            }
        }
    }

    /// An event of this moment is told.
    fn told(&self, at: Timestamp) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// How long it still takes until this moment; nothing where all is shown at once.
    fn left(&self, at: Timestamp) -> Duration {
        let Some(speed) = self.speed else { return Duration::ZERO };
        let due = at.duration_since(self.starts).as_secs_f64() / speed;
        let due = SignedDuration::try_from_secs_f64(due).unwrap_or(SignedDuration::MAX);
        let left = due.saturating_sub(Timestamp::now().duration_since(self.begun));
        Duration::try_from(left).unwrap_or_default()
    }
}

/// Tells one event after the other, each when its time has come.
async fn tell(replay: &mut Replay, speed: Option<f64>, file: &Path, context: &Context<'_>) -> Vec<Code> {
    let then = Arc::new(Then {
        begun: Timestamp::now(),
        starts: replay.starts(),
        ends: replay.ends(),
        speed,
        last: Mutex::new(replay.starts()),
    });
    let deadline = context.place.deadline();
    let (surface, rollout) = (context.surface, replay.rollout().to_string());
    // Dropped after the live lines are gone.
    let mut left = Left { surface, rollout, file, then: Arc::clone(&then), whole: false };
    let shown = Arc::clone(&then);
    let mut progress = Progress::by(surface, replay.position(), Arc::new(move || shown.now()));
    while let Some(at) = replay.next_at() {
        loop {
            let wait = then.left(at);
            if wait.is_zero() {
                break;
            }
            tokio::select! {
                biased;
                () = passed(deadline) => return vec![Code::WaitTimeout],
                () = tokio::time::sleep(wait.min(LOOK)) => {}
            }
            progress.refresh(|| summaries(replay, then.now()));
        }
        if surface.reader_is_gone() {
            break;
        }
        then.told(at);
        if let Some(event) = replay.step().cloned() {
            progress.event(&event, || summaries(replay, at));
        }
    }
    left.whole = true;
    Vec::new()
}

/// Returns when a deadline has passed.
async fn passed(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Says how to see that moment again, when somebody ends a replay before its end.
struct Left<'a> {
    surface: &'a Surface,
    rollout: String,
    file: &'a Path,
    then: Arc<Then>,
    whole: bool,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if !self.whole {
            let after = Length::between(self.then.starts, self.then.now()).to_string().replace(' ', "");
            let again = format!("tidegate rollout replay {} --at +{after}", self.file.display());
            self.surface.aside(&format!("{} was left at +{after}; that moment: {again}", self.rollout));
        }
    }
}

fn summaries(replay: &Replay, now: Timestamp) -> Vec<RolloutSummary> {
    replay.shown().map(|rollout| summary::rollout(replay.state(), rollout, now)).collect()
}

/// How it stood at a moment, and why it waited.
fn show(replay: &Replay, now: Timestamp, context: &Context<'_>) -> Vec<Code> {
    let state = replay.state();
    if let Some(rollout) = state.rollout(replay.rollout()) {
        let driver = replay.driver(now);
        let screen = ReplayScreen {
            rollout: rollout.id().clone(),
            at: now,
            after: Length::between(replay.starts(), now),
            position: replay.position(),
            ended: replay.next_at().is_none(),
            status: StatusScreen {
                summary: summary::rollout(state, rollout, now),
                waits: explanations(state, rollout, About::Rollout, driver.as_ref(), now),
                driver,
            },
        };
        context.surface.show(&screen, now, &[], [Code::Done]);
    }
    vec![Code::Done]
}
