//! Commands that only look: `status`, `list`, `why`.

use super::{Context, find, journal};
use crate::cli::args::{Status, Why};
use crate::cli::failure::{Failure, Outcome};
use crate::model::ClusterName;
use crate::output::envelope::List;
use crate::output::exit::Code;
use crate::output::screens::{ListedRollout, StatusScreen, WhyScreen};
use crate::report::explain::{About, explanations};
use crate::report::summary;

/// How far a rollout is.
pub async fn status(args: &Status, context: &Context<'_>) -> Outcome {
    let open = journal(context).await?;
    let driver = context.place.driver(&open).await?;
    let (state, now) = (open.follower.state(), context.place.now());
    let rollout = find(state, args.rollout.as_ref())?;
    let screen = StatusScreen {
        summary: summary::rollout(state, rollout, now),
        waits: explanations(state, rollout, About::Rollout, driver.as_ref(), now),
        driver,
    };
    context.surface.show(&screen, now, &[], [Code::Done]);
    Ok(vec![Code::Done])
}

/// Every rollout, the newest first.
pub async fn list(context: &Context<'_>) -> Outcome {
    let now = context.place.now();
    let mut items = Vec::new();
    if let Some(open) = context.place.existing_journal().await? {
        let state = open.follower.state();
        items.extend(state.rollouts().rev().map(|r| ListedRollout::from(summary::rollout(state, r, now))));
    }
    context.surface.show(&List::whole(items), now, &[], [Code::Done]);
    Ok(vec![Code::Done])
}

/// Why something waits.
pub async fn why(args: &Why, context: &Context<'_>) -> Outcome {
    let open = journal(context).await?;
    let driver = context.place.driver(&open).await?;
    let (state, now) = (open.follower.state(), context.place.now());
    let rollout = find(state, args.rollout.as_ref())?;
    let (about, words) = match (&args.wave, &args.cluster) {
        (Some(wave), _) => {
            if rollout.wave(wave).is_none() {
                let known = rollout.plan().waves.iter().map(|w| w.name.as_str());
                return Err(Failure::missing("wave", wave.as_str(), known));
            }
            (About::Wave(wave), format!("wave {wave} of {}", rollout.id()))
        }
        (None, Some(cluster)) => {
            let joining = state.joining(rollout);
            if rollout.cluster(cluster).is_none() && !joining.contains(cluster) {
                let planned = rollout.plan().clusters().map(|(_, _, c)| &c.name);
                let known: Vec<&str> = planned.chain(joining).map(ClusterName::as_str).collect();
                return Err(Failure::missing("cluster", cluster.as_str(), known));
            }
            (About::Cluster(cluster), format!("{cluster} in {}", rollout.id()))
        }
        (None, None) => (About::Rollout, rollout.id().to_string()),
    };
    let screen = WhyScreen {
        rollout: rollout.id().clone(),
        state: rollout.state().word(),
        open: rollout.state().is_open(),
        since: rollout.since(),
        about: words,
        explanations: explanations(state, rollout, about, driver.as_ref(), now),
        driver,
    };
    context.surface.show(&screen, now, &[], [Code::Done]);
    Ok(vec![Code::Done])
}
