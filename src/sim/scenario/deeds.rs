//! What people do in a scenario, in the order of its file: each waits for its time, and then does it as
//! a command would.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::ScenarioError;
use super::begin::{change, desk};
use super::run::Stage;
use crate::engine::RequestError;
use crate::journal::{Event, RetryWhich, StopScope};
use crate::model::scenario::{Deed, DiskState, Happening, ScenarioAction, ScriptEnd};
use crate::model::{ClusterName, Duration as Length, RolloutId};
use crate::rollout::{Command, FleetState};
use crate::sim::desk::{Desk, DeskError};
use crate::sim::faults::Faults;
use crate::sim::journal::Disk;
use crate::sim::json::At as _;
use crate::yaml::Spanned;

/// Why people in scenarios do what they do.
const REASON: &str = "the scenario says so";

/// The file that lists the fleet.
const FLEET: &str = "pipelines/fleet.yaml";

/// What an action is called.
pub fn name(deed: &Deed) -> &'static str {
    match deed {
        Deed::Start { .. } => "start",
        Deed::Approve { .. } => "approve",
        Deed::Pause { .. } => "pause",
        Deed::Resume { .. } => "resume",
        Deed::Abort { .. } => "abort",
        Deed::Retry { .. } => "retry",
        Deed::Skip { .. } => "skip",
        Deed::Rollback { .. } => "rollback",
        Deed::Hold { .. } => "hold",
        Deed::Release { .. } => "release",
        Deed::StopTheLine {} => "stopTheLine",
        Deed::StartTheLine {} => "startTheLine",
        Deed::Write { .. } => "write",
        Deed::Change { .. } => "change",
        Deed::Calm {} => "calm",
        Deed::Kill {} => "kill",
        Deed::Disk { .. } => "disk",
        Deed::Clock { .. } => "clock",
        Deed::Script { .. } => "script",
        Deed::Join { .. } => "join",
        Deed::Leave { .. } => "leave",
    }
}

/// Whether an event is what somebody waits for.
pub fn is(event: &Event, happening: &Happening) -> bool {
    if event.body.name() != happening.event.value {
        return false;
    }
    let said = serde_json::to_value(&event.body).unwrap_or_default();
    let text = |paths: &[&str]| paths.iter().find_map(|path| said.at(path)?.as_str().map(str::to_owned));
    let fits = |wanted: Option<&str>, found: Option<String>| {
        wanted.is_none_or(|wanted| found.is_some_and(|found| found == wanted))
    };
    let rollout = event.body.rollout().map(ToString::to_string);
    fits(happening.rollout.as_ref().map(|r| r.value.as_str()), rollout)
        && fits(happening.wave.as_ref().map(|w| w.value.as_str()), text(&["/wave"]))
        && fits(
            happening.cluster.as_ref().map(|c| c.value.as_str()),
            text(&["/cluster", "/attempt/cluster", "/observed/cluster"]),
        )
}

/// Does everything that a scenario's people do, each at its time.
pub async fn all(actions: &[Spanned<ScenarioAction>], stage: &Stage) -> Result<(), ScenarioError> {
    // Nobody sees the same event twice: what comes later waits for later ones.
    let mut seen = stage.first;
    for (number, action) in actions.iter().map(|action| &action.value).enumerate() {
        let number = number + 1;
        let what = name(&action.deed.value);
        if let Some(at) = &action.at {
            stage.until(at.value.std()).await;
        }
        if let Some(on) = &action.on {
            let Some(position) = stage.happened(&on.value, seen).await? else {
                if action.may_be_refused {
                    return Ok(());
                }
                let for_what = on.value.event.value.clone();
                return Err(ScenarioError::Waited { number, what: what.to_owned(), for_what });
            };
            seen = position;
            let after = action.after.as_ref().map_or(Duration::ZERO, |after| after.value.std());
            tokio::time::sleep(after).await;
        }
        let who = action.by.as_deref().unwrap_or(super::begin::PERSON);
        match act(&action.deed.value, who, stage).await {
            Err(DeskError::Request(RequestError::Refused(_)) | DeskError::Missing(_))
                if action.may_be_refused => {}
            Err(why) => {
                let (who, what) = (who.to_owned(), what.to_owned());
                return Err(ScenarioError::Deed { number, who, what, why: Box::new(why) });
            }
            Ok(()) => {}
        }
    }
    Ok(())
}

async fn act(deed: &Deed, who: &str, stage: &Stage) -> Result<(), DeskError> {
    let mut desk = desk(who, &stage.simulation, &stage.people);
    let reason = || REASON.to_owned();
    match deed {
        Deed::Start { release } => {
            let plan = desk.plan(&release.value).await?;
            desk.start(plan).await.map(drop)
        }
        Deed::Approve { rollout, wave } => {
            let rollout = newest(&mut desk, rollout.as_ref()).await?;
            desk.approve(&rollout, &wave.value).await
        }
        Deed::Pause { rollout } => {
            let rollout = newest(&mut desk, rollout.as_ref()).await?;
            tell(&mut desk, Command::Pause { rollout, reason: Some(reason()) }).await
        }
        Deed::Resume { rollout, raise_budget } => {
            let rollout = newest(&mut desk, rollout.as_ref()).await?;
            let raise_budget = raise_budget.as_ref().map(|budget| budget.value);
            tell(&mut desk, Command::Resume { rollout, raise_budget, reason: Some(reason()) }).await
        }
        Deed::Abort { rollout } => {
            let rollout = newest(&mut desk, rollout.as_ref()).await?;
            tell(&mut desk, Command::Abort { rollout, reason: Some(reason()) }).await
        }
        Deed::Retry { rollout, clusters, deferred } => {
            let rollout = newest(&mut desk, rollout.as_ref()).await?;
            let clusters = values(clusters);
            let which = match (deferred, clusters.is_empty()) {
                (true, _) => RetryWhich::Deferred,
                (false, true) => RetryWhich::Failed,
                (false, false) => RetryWhich::Named,
            };
            tell(&mut desk, Command::Retry { rollout, which, clusters, reason: Some(reason()) }).await
        }
        Deed::Skip { rollout, clusters } => {
            let rollout = newest(&mut desk, rollout.as_ref()).await?;
            tell(&mut desk, Command::Skip { rollout, clusters: values(clusters), reason: reason() }).await
        }
        Deed::Rollback { rollout } => {
            let rollout = newest(&mut desk, rollout.as_ref()).await?;
            desk.roll_back(&rollout, &reason()).await.map(drop)
        }
        Deed::Hold { cluster } => {
            let cluster = cluster.value.clone();
            tell(&mut desk, Command::Hold { cluster, kept: None, reason: reason(), until: None }).await
        }
        Deed::Release { cluster } => {
            let cluster = cluster.value.clone();
            tell(&mut desk, Command::Release { cluster, product: None, reason: reason() }).await
        }
        Deed::StopTheLine {} => {
            tell(&mut desk, Command::StopTheLine { scope: StopScope::Fleet, reason: reason() }).await
        }
        Deed::StartTheLine {} => {
            tell(&mut desk, Command::StartTheLine { scope: StopScope::Fleet, reason: reason() }).await
        }
        Deed::Write { path, text } => desk.write(&[(&path.value, text)], "as the scenario says").await,
        Deed::Change { conditions } => {
            for conditions in conditions {
                change(&stage.simulation, &conditions.value);
            }
            Ok(())
        }
        Deed::Calm {} => {
            stage.simulation.fleet.set_faults(Faults::default());
            Ok(())
        }
        Deed::Kill {} => {
            stage.kill();
            Ok(())
        }
        Deed::Disk { is, length } => {
            stage.simulation.journal.disk(disk(is.value));
            if let Some(length) = length {
                let (journal, length) = (Arc::clone(&stage.simulation.journal), length.value.std());
                tokio::spawn(async move {
                    tokio::time::sleep(length).await;
                    journal.disk(Disk::Well);
                });
            }
            Ok(())
        }
        Deed::Clock { forward, back } => {
            let length = |by: &Option<Spanned<Length>>| by.as_ref().map_or(0, |by| by.value.as_seconds());
            let by = |by| SignedDuration::from_secs(i64::try_from(length(by)).unwrap_or(i64::MAX));
            stage.simulation.clock.jump(by(forward).saturating_sub(by(back)));
            Ok(())
        }
        Deed::Script { command, clusters, ends } => {
            script(stage, &command.value, &values(clusters), ends.value);
            Ok(())
        }
        Deed::Join { clusters } => {
            let joining = values(clusters);
            if let Some(none) = joining.iter().find(|name| !stage.clusters.contains_key(*name)) {
                return Err(DeskError::Missing(format!("there is no cluster {none}")));
            }
            let text = stage.list(|members| members.extend(joining));
            desk.write(&[(FLEET, &text)], "clusters join").await
        }
        Deed::Leave { clusters } => {
            let leaving = values(clusters);
            if let Some(none) = leaving.iter().find(|name| !stage.members().contains(*name)) {
                return Err(DeskError::Missing(format!("{none} is not in the fleet")));
            }
            let text = stage.list(|members| members.retain(|name| !leaving.contains(name)));
            desk.write(&[(FLEET, &text)], "clusters leave").await
        }
    }
}

fn disk(is: DiskState) -> Disk {
    match is {
        DiskState::Well => Disk::Well,
        DiskState::Full => Disk::Full,
        DiskState::Forgetful => Disk::Forgetful,
        DiskState::Hangs => Disk::Hangs,
    }
}

/// From now on scripts end so; what was said of the same command before counts no more.
fn script(stage: &Stage, command: &str, clusters: &[ClusterName], ends: ScriptEnd) {
    let scripts = &stage.simulation.scripts;
    let mut rules = scripts.rules();
    for list in [&mut rules.failing, &mut rules.hanging] {
        list.retain(|(part, _)| part != command);
    }
    let on = match clusters {
        [] => vec![String::new()],
        some => some.iter().map(ToString::to_string).collect(),
    };
    let said = on.into_iter().map(|cluster| (command.to_owned(), cluster));
    match ends {
        ScriptEnd::Well => {}
        ScriptEnd::Fails => rules.failing.extend(said),
        ScriptEnd::Hangs => rules.hanging.extend(said),
    }
    scripts.set_rules(rules);
}

fn values(names: &[Spanned<ClusterName>]) -> Vec<ClusterName> {
    names.iter().map(|name| name.value.clone()).collect()
}

async fn tell(desk: &mut Desk, command: Command) -> Result<(), DeskError> {
    desk.tell(|_: &FleetState| Ok(command.clone())).await.map(drop)
}

/// The rollout that is meant; the newest if none is named.
async fn newest(desk: &mut Desk, named: Option<&Spanned<RolloutId>>) -> Result<RolloutId, DeskError> {
    if let Some(named) = named {
        return Ok(named.value.clone());
    }
    let newest = desk.state().await?.rollouts().next_back().map(|rollout| rollout.id().clone());
    newest.ok_or_else(|| DeskError::Missing("no rollout has been started yet".to_owned()))
}
