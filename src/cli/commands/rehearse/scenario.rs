//! `rehearse --scenario`: plays a scenario on a simulated fleet, in its own time, and says what came of it.

use std::path::Path;
use std::sync::Arc;

use crate::cli::commands::Context;
use crate::cli::commands::apart::apart;
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, codes};
use crate::model::scenario::Scenario;
use crate::output::exit::Code;
use crate::output::progress::Progress;
use crate::output::screens::RehearsalScreen;
use crate::report::summary;
use crate::sim::scenario::{self, Options, ScenarioError};

/// Plays a scenario.
pub async fn run(file: &Path, seed: Option<u64>, context: &Context<'_>) -> Outcome {
    let path = file.display().to_string();
    let bytes = tokio::fs::read(file).await.map_err(|e| Failure::unreadable(file, &e))?;
    let file = scenario::read(&path, &bytes).map_err(Failure::invalid)?;
    scenario::unknown(&file.spec).into_result(()).map_err(Failure::invalid)?;
    let options = Options { seed, ..Options::default() };
    let surface = Arc::clone(context.surface);
    let (spec, story) = (file.spec.clone(), file.spec.story.clone());
    let played = apart(move || {
        let mut progress = Progress::new(&surface, 0);
        scenario::run(&spec, &options, &mut |event, state| {
            let summaries = || state.live_rollouts().map(|r| summary::rollout(state, r, event.at)).collect();
            progress.event(event, summaries);
        })
    });
    let verdict = played.await?.map_err(|error| unplayed(&path, &file.spec, &error))?.verdict;
    let code = if verdict.holds { Code::Done } else { Code::Failed };
    let screen = RehearsalScreen { scenario: file.metadata.name.value.to_string(), story, verdict };
    context.surface.show(&screen, context.place.now(), &[], [code]);
    Ok(vec![code])
}

/// Why a scenario came to no end.
fn unplayed(path: &str, scenario: &Scenario, error: &ScenarioError) -> Failure {
    let (code, exit) = match error {
        ScenarioError::Begin(_) | ScenarioError::Deed { .. } | ScenarioError::Waited { .. } => {
            (&codes::SCENARIO_STUCK, Code::Invalid)
        }
        ScenarioError::Driver(_) | ScenarioError::Fault(_) | ScenarioError::Runtime(_) => {
            (&codes::UNEXPECTED, Code::Unexpected)
        }
    };
    let action = error.action().and_then(|number| scenario.actions.get(number - 1));
    let finding = match action {
        // What happened until then says why.
        Some(action) => Finding::error(code, error.to_string())
            .at(&action.place)
            .next(format!("tidegate rehearse --scenario {path} --progress plain")),
        None => Finding::error(code, format!("{path}: {error}")),
    };
    Failure::new(exit, finding)
}
