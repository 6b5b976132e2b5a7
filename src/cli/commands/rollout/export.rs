//! `rollout show` and `rollout export`: a rollout as it was executed, whatever the files say now.

use super::{Context, find, journal};
use crate::adapter::trees;
use crate::cli::args::{Export, Show};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::place::OpenJournal;
use crate::diag::{Finding, codes};
use crate::digest;
use crate::journal::export::{ExportedPipeline, FORMAT, Head, PipelineLine, Scope, VERSION, Writer, read};
use crate::journal::{Entry, decode};
use crate::output::exit::Code;
use crate::output::screens::{ExportedScreen, PlanScreen, ShownRollout};
use crate::port::Git as _;
use crate::rollout::Rollout;

/// How many entries are read at once.
const BATCH: usize = 1_000;

/// The pipeline's file as it was when the plan was made; its text only if git still has that.
async fn pipeline(rollout: &Rollout, context: &Context<'_>) -> ExportedPipeline {
    let plan = rollout.plan();
    let (name, digest) = (&plan.pipeline.name, plan.pipeline.digest);
    let text =
        at(&plan.commit, name.as_str(), context).await.filter(|t| digest::bytes(t.as_bytes()) == digest);
    ExportedPipeline { name: name.clone(), digest, commit: plan.commit.clone(), text }
}

/// A pipeline's file in a commit.
async fn at(commit: &str, pipeline: &str, context: &Context<'_>) -> Option<String> {
    let git = context.place.repository().await.ok()?;
    let tree = git.tree(commit, "pipelines").await.ok()??;
    let file = tree.get(&format!("{pipeline}.yaml"))?;
    String::from_utf8(file.bytes.to_vec()).ok()
}

/// The plan and the pipeline as executed.
pub async fn show(args: &Show, context: &Context<'_>) -> Outcome {
    let open = journal(context).await?;
    let now = context.place.now();
    let rollout = find(open.follower.state(), args.rollout.as_ref())?;
    let pipeline = pipeline(rollout, context).await;
    let today = match context.place.repository().await {
        Ok(git) => match git.head().await {
            Ok(head) => at(&head, pipeline.name.as_str(), context).await,
            Err(_) => None,
        },
        Err(_) => None,
    };
    let (planned_at, by) = rollout.planned();
    let screen = ShownRollout {
        rollout: rollout.id().clone(),
        state: rollout.state().word(),
        planned_at,
        by: by.clone(),
        changed_since: today.map(|text| digest::bytes(text.as_bytes()) != pipeline.digest),
        pipeline,
        plan: PlanScreen::of(rollout.plan(), now),
    };
    context.surface.show(&screen, now, &[], [Code::Done]);
    Ok(vec![Code::Done])
}

/// Writes the file, or prints it.
pub async fn run(args: &Export, context: &Context<'_>) -> Outcome {
    let open = journal(context).await?;
    let broken = |why: String| {
        let finding = Finding::error(&codes::JOURNAL_BROKEN, why).next("tidegate journal verify");
        Failure::new(Code::Conflict, finding)
    };
    let rollout = find(open.follower.state(), Some(&args.rollout))?;
    let (last, hash) = open.journal.head().await.map_err(|fault| Failure::journal(&open.path, &fault))?;
    let mut scope = Scope::of(rollout.id().clone());
    each(&open, last, |entry| {
        scope.learn(&decode(entry).map_err(|error| broken(error.to_string()))?);
        Ok(())
    })
    .await?;
    let head = Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        rollout: rollout.id().clone(),
        release: rollout.plan().release.id.clone(),
        related: scope.related().cloned().collect(),
        journal: open.journal.id(),
        exported_at: context.place.now(),
        last,
        hash,
    };
    let pipeline = PipelineLine { pipeline: pipeline(rollout, context).await };
    let mut writer = Writer::begin(scope, &head, &pipeline).map_err(broken)?;
    each(&open, last, |entry| writer.take(entry).map_err(broken)).await?;
    let text = writer.text();
    // What is handed out holds.
    let read = read(text.as_bytes()).map_err(|fault| broken(fault.to_string()))?;
    let Some(file) = &args.out else {
        context.surface.data(&text);
        return Ok(vec![Code::Done]);
    };
    trees::write(file, text.into_bytes()).await.map_err(|fault| {
        Failure::new(Code::Conflict, Finding::error(&codes::FILE_UNWRITABLE, fault.message))
    })?;
    let screen = ExportedScreen { checked: read.checked, file: file.display().to_string() };
    context.surface.show(&screen, context.place.now(), &[], [Code::Done]);
    Ok(vec![Code::Done])
}

/// Shows every entry up to a position.
async fn each(
    open: &OpenJournal,
    last: u64,
    mut seen: impl FnMut(&Entry) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut after = 0;
    while after < last {
        let entries = open.journal.entries(after, BATCH).await;
        let entries = entries.map_err(|fault| Failure::journal(&open.path, &fault))?;
        if entries.is_empty() {
            break;
        }
        for entry in entries.iter().filter(|entry| entry.seq <= last) {
            seen(entry)?;
        }
        after = entries.last().map_or(last, |entry| entry.seq);
    }
    Ok(())
}
