//! `rehearse RELEASE`: a release on a copy of the fleet, over many seeds and with a failure in each wave,
//! on as many threads as there are processors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::copied::{self, Original};
use crate::cli::args::Rehearse;
use crate::cli::commands::Context;
use crate::cli::commands::apart::{STACK, apart};
use crate::cli::failure::{Failure, Outcome, warnings};
use crate::diag::{Finding, codes};
use crate::engine::RequestError;
use crate::model::ReleaseId;
use crate::output::Format;
use crate::output::counting::Counting;
use crate::output::envelope::Warning;
use crate::output::exit::Code;
use crate::output::screens::RehearsedScreen;
use crate::plan::{GateKind, Plan};
use crate::sim::copy::Copied;
use crate::sim::rehearsal::{
    self, Case, Level, Planted, Ran, RehearsalError, Scouted, Trouble, Wish, report, scout,
};

/// What every rehearsal needs.
struct Stage {
    copied: Copied,
    wish: Wish,
}

/// Rehearses a release.
pub async fn run(release: &ReleaseId, args: &Rehearse, context: &Context<'_>) -> Outcome {
    context.place.asks_clusters()?;
    if args.markdown && context.surface.format() == Format::Json {
        let message = "the report is asked for as Markdown and as JSON";
        let finding = Finding::error(&codes::CONTRADICTION, message).hint("take --markdown or -o json");
        return Err(Failure::new(Code::Usage, finding));
    }
    let Original { copied, fleet, calendar } = copied::read(release, context).await?;
    let wish = Wish {
        release: release.clone(),
        pipeline: args.pipeline.clone(),
        approve_after: args.approve_after,
        within: args.within,
        trouble: trouble(&args.faults, &copied).await?,
    };
    let seed = args.seed.unwrap_or(1);
    let stage = Arc::new(Stage { copied, wish });
    let (before, only) = (Arc::clone(&stage), args.fail_wave.clone());
    let Scouted { plan, findings, failures } =
        apart(move || scout(&before.copied, &before.wish, seed, only.as_ref())).await?.map_err(failure)?;
    context.surface.findings(&findings);
    if let Some(wave) = args.fail_wave.as_ref().filter(|wave| plan.wave(wave).is_none()) {
        let known: Vec<&str> = plan.waves.iter().map(|wave| wave.name.as_str()).collect();
        return Err(Failure::missing("wave", wave.as_str(), known));
    }
    let cases = cases(seed, args.seeds, failures);
    let (threads, surface, todo) = (threads(cases.len()), Arc::clone(context.surface), cases.len());
    let playing = Arc::clone(&stage);
    let mut runs = apart(move || {
        let counting = Counting::new(&surface, "rehearsal", todo);
        together(&playing, cases, threads, &counting)
    })
    .await??;
    let now = context.place.now();
    let report = report(&plan, calendar.as_ref(), &std::mem::take(&mut runs));
    let code = if report.finishes { Code::Done } else { Code::Failed };
    let mut warned = warnings(&findings);
    warned.extend(fleet.unread.iter().map(|unread| {
        let cluster = &unread.cluster;
        Warning::missing(format!("cluster {cluster}"), format!("{cluster} can't be read: {}", unread.why))
    }));
    let assumptions = assumptions(&plan, args, &stage, &fleet);
    let screen = RehearsedScreen { report, fleet, assumptions, markdown: args.markdown };
    context.surface.show(&screen, now, &warned, [code]);
    Ok(vec![code])
}

/// What is to go wrong: a word, or a file.
async fn trouble(said: &str, copied: &Copied) -> Result<Trouble, Failure> {
    let level = match said {
        "none" => Level::None,
        "some" => Level::Some,
        "many" => Level::Many,
        path => {
            let file = std::path::Path::new(path);
            let bytes = tokio::fs::read(file).await.map_err(|error| {
                let mut failure = Failure::unreadable(file, &error);
                let hint = "--faults takes none, some, many, or a file with `faults` and `conditions`";
                failure.findings = failure.findings.into_iter().map(|finding| finding.hint(hint)).collect();
                failure
            })?;
            let known: Vec<&str> = copied.fellows.iter().map(|fellow| fellow.name.as_str()).collect();
            return Ok(Trouble::File(rehearsal::read(path, &bytes, &known)?));
        }
    };
    Ok(Trouble::Level(level))
}

/// All that is rehearsed: every seed, then every failure with the first seed.
fn cases(seed: u64, seeds: u32, failures: Vec<Planted>) -> Vec<Case> {
    let usual = (0..u64::from(seeds)).map(|more| Case { seed: seed.wrapping_add(more), planted: None });
    let planted = failures.into_iter().map(|planted| Case { seed, planted: Some(planted) });
    usual.chain(planted).collect()
}

fn threads(cases: usize) -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(cases).max(1)
}

/// What a thread did: each run with its number, or the number of the one that failed.
type Worked = Result<Vec<(usize, Ran)>, (usize, RehearsalError)>;

/// Runs all cases on these many threads; what came of each, in order.
fn together(
    stage: &Stage,
    cases: Vec<Case>,
    threads: usize,
    counting: &Counting,
) -> Result<Vec<(Case, Ran)>, Failure> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(at) else { return Ok(done) };
            let ran = match rehearsal::run(&stage.copied, &stage.wish, case) {
                Ok(ran) => ran,
                Err(error) => {
                    // Nobody begins another one.
                    next.store(cases.len(), Ordering::Relaxed);
                    return Err((at, error));
                }
            };
            counting.one(&told(case, &ran));
            done.push((at, ran));
        }
    };
    let ended: Vec<Worked> = std::thread::scope(|scope| {
        let spawned: Vec<_> = (0..threads)
            .map(|_| {
                std::thread::Builder::new()
                    .name("rehearsal".to_owned())
                    .stack_size(STACK)
                    .spawn_scoped(scope, work)
                    .map_err(RehearsalError::Runtime)
            })
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        spawned.into_iter().map(|thread| thread.map_err(|error| (0, error)).and_then(join)).collect()
    });
    let (mut runs, mut wrong) = (Vec::new(), Vec::new());
    for result in ended {
        match result {
            Ok(done) => runs.extend(done),
            Err(error) => wrong.push(error),
        }
    }
    // The first in order, so that it is the same one every time.
    wrong.sort_by_key(|(at, _)| *at);
    if let Some((_, error)) = wrong.into_iter().next() {
        return Err(failure(error));
    }
    runs.sort_by_key(|(at, _)| *at);
    Ok(cases.into_iter().zip(runs.into_iter().map(|(_, ran)| ran)).collect())
}

fn told(case: &Case, ran: &Ran) -> String {
    let took = crate::model::time_between(ran.started, ran.at);
    let planted = case.planted.as_ref();
    let planted = planted
        .map(|planted| format!(", {} {} in {}", planted.product, planted.how.words(), planted.wave))
        .unwrap_or_default();
    format!("seed {}{planted}: {} after {took}", case.seed, ran.ended.words())
}

fn failure(error: RehearsalError) -> Failure {
    match error {
        RehearsalError::Plan(error) => Failure::from(*error),
        RehearsalError::Start(RequestError::Refused(refusal)) => Failure::from(refusal),
        RehearsalError::Start(RequestError::Fault(fault)) | RehearsalError::Fault(fault) => {
            Failure::outside("the rehearsal can't go on", &fault)
        }
        other @ (RehearsalError::Drive(_) | RehearsalError::Runtime(_)) => {
            Failure::new(Code::Unexpected, Finding::error(&codes::UNEXPECTED, other.to_string()))
        }
    }
}

/// What a rehearsal takes for granted, in sentences.
fn assumptions(
    plan: &Plan,
    args: &Rehearse,
    stage: &Stage,
    fleet: &crate::output::screens::CopiedFleet,
) -> Vec<String> {
    let gates = || plan.waves.iter().flat_map(|wave| wave.gates_before.iter().chain(&wave.gates_after));
    let mut told = vec!["somebody drives all the time, and nobody mends anything".to_owned()];
    if gates().any(|gate| matches!(gate.kind, GateKind::Approval { .. })) {
        told.push(format!(
            "people approve {} after they are asked, whatever the hour (--approve-after)",
            args.approve_after
        ));
    }
    if gates().any(|gate| !matches!(gate.kind, GateKind::Approval { .. })) {
        told.push("gates that ask a command or Prometheus get a good answer".to_owned());
    }
    told.push(match &stage.wish.trouble {
        Trouble::Level(Level::None) => "nothing goes wrong on the way to clusters (--faults)".to_owned(),
        Trouble::Level(Level::Some) => {
            "2 in 100 requests fail or are slow, and 1 cluster in 50 can't be reached for a while (--faults some)"
                .to_owned()
        }
        Trouble::Level(Level::Many) => {
            "6 in 100 requests fail or are slow, and 1 cluster in 10 can't be reached for a while (--faults many)"
                .to_owned()
        }
        Trouble::File(_) => format!("what goes wrong is what {} says", args.faults),
    });
    told.push("a planted failure is alone: nothing else goes wrong with it".to_owned());
    told.push(
        "pods become ready as the simulation has it, and scripts succeed within seconds: nothing real runs"
            .to_owned(),
    );
    let open = stage.copied.events.iter().any(|event| event.body.rollout().is_some());
    if open {
        told.push("rollouts that are open now go on beside it".to_owned());
    }
    if !fleet.unread.is_empty() {
        told.push("clusters that could not be read are like their neighbours, or bare".to_owned());
    }
    told
}
