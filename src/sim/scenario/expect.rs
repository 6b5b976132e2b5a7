//! What must hold in a scenario: asked of the journal, and of the clusters themselves.

use std::collections::BTreeMap;

use super::Check;
use super::deeds::is;
use super::run::Stage;
use crate::diag::count;
use crate::engine::{Times, survey};
use crate::model::scenario::{
    Expectation, ExpectedAttempts, ExpectedClusters, ExpectedEvents, ExpectedRollout, ExpectedStruck,
    ExpectedWait,
};
use crate::model::{ClusterName, Labels};
use crate::plan::Access;
use crate::port::Fault;
use crate::report::explain::{About, explanations};
use crate::report::explanation::Driving;
use crate::sim::setup::KUBECONFIG;
use crate::yaml::Spanned;

/// Looks at one expectation now.
pub async fn look(expected: &Expectation, stage: &Stage) -> Result<Vec<Check>, Fault> {
    let mut checks = Vec::new();
    if let Some(rollout) = &expected.rollout {
        checks.push(of_rollout(&rollout.value, stage).await?);
    }
    if let Some(clusters) = &expected.clusters {
        checks.extend(of_clusters(&clusters.value, stage).await);
    }
    if let Some(events) = &expected.events {
        checks.push(of_events(&events.value, stage).await?);
    }
    if let Some(attempts) = &expected.attempts {
        checks.push(of_attempts(&attempts.value, stage).await?);
    }
    if let Some(waits) = &expected.waits {
        checks.push(of_waits(&waits.value, stage).await?);
    }
    if let Some(struck) = &expected.struck {
        checks.push(of_struck(&struck.value, stage));
    }
    let at = expected.at.as_ref().map(|at| at.value);
    Ok(checks.into_iter().map(|check| Check { at, ..check }).collect())
}

async fn of_attempts(expected: &ExpectedAttempts, stage: &Stage) -> Result<Check, Fault> {
    let state = stage.state().await?;
    let wanted = expected.state.value.as_str();
    let word = |name: &ClusterName| {
        let attempt = state.rollout(&expected.id.value)?.cluster(name)?;
        Some(attempt.state().word())
    };
    let others: Vec<String> = expected
        .clusters
        .iter()
        .map(|name| (&name.value, word(&name.value).unwrap_or("not in it")))
        .filter(|(_, found)| *found != wanted)
        .map(|(name, found)| format!("{name} is {found}"))
        .collect();
    let names: Vec<&str> = expected.clusters.iter().map(|name| name.value.as_str()).collect();
    let what = format!("{} of {}: {wanted}", names.join(", "), expected.id.value);
    Ok(check(what, others.is_empty(), others.join(", ")))
}

async fn of_waits(expected: &ExpectedWait, stage: &Stage) -> Result<Check, Fault> {
    let state = stage.state().await?;
    let now = stage.people.world.clock.now();
    let about = match (&expected.cluster, &expected.wave) {
        (Some(cluster), _) => About::Cluster(&cluster.value),
        (None, Some(wave)) => About::Wave(&wave.value),
        (None, None) => About::Rollout,
    };
    let driver = state.driver().map(|driver| Driving {
        process: driver.process.clone(),
        fence: driver.fence,
        until: now,
        alive: true,
    });
    let told = match state.rollout(&expected.id.value) {
        Some(rollout) => explanations(&state, rollout, about, driver.as_ref(), now),
        None => Vec::new(),
    };
    let says = |evidence: &[String]| {
        expected.says.as_ref().is_none_or(|words| evidence.iter().any(|line| line.contains(words.as_str())))
    };
    let holds = told.iter().any(|one| one.gate == expected.gate.value && says(&one.evidence));
    let mut what = format!("{} waits for {}", expected.id.value, expected.gate.value);
    if let Some(words) = &expected.says {
        what.push_str(&format!(" and says `{words}`"));
    }
    let found: Vec<String> =
        told.iter().map(|one| format!("{} ({})", one.gate, one.evidence.join("; "))).collect();
    Ok(check(what, holds, if found.is_empty() { "nothing waits".to_owned() } else { found.join(", ") }))
}

fn of_struck(expected: &ExpectedStruck, stage: &Stage) -> Check {
    let struck = stage.struck();
    let times = struck.get(&expected.what.value).copied().unwrap_or_default();
    let times = u32::try_from(times).unwrap_or(u32::MAX);
    let (what, holds) = bounds(times, expected.at_least.as_ref(), expected.at_most.as_ref());
    let all: Vec<String> = struck.iter().map(|(name, times)| format!("{name} {times} times")).collect();
    let found = if all.is_empty() { "nothing went wrong".to_owned() } else { all.join(", ") };
    check(format!("{} struck {what}", expected.what.value), holds, found)
}

/// How often something must happen, in words, and whether it did.
fn bounds(times: u32, least: Option<&Spanned<u32>>, most: Option<&Spanned<u32>>) -> (String, bool) {
    let least = match (least, most) {
        (Some(least), _) => least.value,
        (None, Some(_)) => 0,
        (None, None) => 1,
    };
    let most = most.map(|most| most.value);
    let words = match most {
        None => format!("at least {least} times"),
        Some(most) => format!("{least} to {most} times"),
    };
    (words, times >= least && most.is_none_or(|most| times <= most))
}

fn check(what: String, holds: bool, found: String) -> Check {
    Check { what, at: None, holds, found: (!holds).then_some(found) }
}

async fn of_rollout(expected: &ExpectedRollout, stage: &Stage) -> Result<Check, Fault> {
    let state = stage.state().await?;
    let found = state.rollout(&expected.id.value).map(|rollout| rollout.state().word().to_owned());
    let what = format!("rollout {} is {}", expected.id.value, expected.state.value);
    let holds = found.as_ref() == Some(&expected.state.value);
    Ok(check(what, holds, found.unwrap_or_else(|| "there is none".to_owned())))
}

async fn of_events(expected: &ExpectedEvents, stage: &Stage) -> Result<Check, Fault> {
    let events = stage.events().await?;
    let times = events.iter().filter(|event| is(event, &expected.of.value)).count();
    let times = u32::try_from(times).unwrap_or(u32::MAX);
    let (what, holds) = bounds(times, expected.at_least.as_ref(), expected.at_most.as_ref());
    let what = format!("{} {what}", expected.of.value.event.value);
    Ok(check(what, holds, format!("{times} times")))
}

/// What clusters run, as they say themselves.
async fn of_clusters(expected: &ExpectedClusters, stage: &Stage) -> Vec<Check> {
    let named: Vec<&ClusterName> = expected.names.iter().map(|name| &name.value).collect();
    let meant = |(name, labels): &(&ClusterName, &Labels)| {
        (named.is_empty() || named.contains(name))
            && expected.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    };
    let members = stage.members();
    let chosen: Vec<(ClusterName, Access)> = stage
        .clusters
        .iter()
        .filter(|(name, _)| members.contains(*name))
        .filter(meant)
        .map(|(name, _)| {
            let access =
                Access { kubeconfig: KUBECONFIG.to_owned(), context: Some(name.as_str().to_owned()) };
            (name.clone(), access)
        })
        .collect();
    let looks = survey::fleet(&stage.people.world, &Times::default(), &chosen).await;
    let mut checks = Vec::new();
    for (product, version) in &expected.run {
        let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, look) in &looks {
            let found = match look {
                Err(error) => error.message.clone(),
                Ok(sight) => match sight.observed.products.get(&product.value) {
                    None => "none".to_owned(),
                    Some(found) => found.version.to_string(),
                },
            };
            if found != version.value.to_string() {
                others.entry(found).or_default().push(name.to_string());
            }
        }
        let what = format!("{} with {} {}", count(looks.len(), "cluster"), product.value, version.value);
        let found: Vec<String> =
            others.iter().map(|(found, names)| format!("{found} on {}", names.join(", "))).collect();
        checks.push(check(what, others.is_empty() && !looks.is_empty(), found.join("; ")));
    }
    checks
}
