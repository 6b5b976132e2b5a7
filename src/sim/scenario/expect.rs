//! What must hold in a scenario: asked of the journal, and of the clusters themselves.

use std::collections::BTreeMap;

use super::Check;
use super::deeds::is;
use super::run::Stage;
use crate::diag::count;
use crate::engine::{Times, survey};
use crate::model::scenario::{Expectation, ExpectedClusters, ExpectedEvents, ExpectedRollout};
use crate::model::{ClusterName, Labels};
use crate::plan::Access;
use crate::port::Fault;
use crate::sim::setup::KUBECONFIG;

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
    Ok(checks)
}

fn check(what: String, holds: bool, found: String) -> Check {
    Check { what, holds, found: (!holds).then_some(found) }
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
    let least = match (&expected.at_least, &expected.at_most) {
        (Some(least), _) => least.value,
        (None, Some(_)) => 0,
        (None, None) => 1,
    };
    let most = expected.at_most.as_ref().map(|most| most.value);
    let name = &expected.of.value.event.value;
    let what = match most {
        None => format!("{name} at least {least} times"),
        Some(most) => format!("{name} {least} to {most} times"),
    };
    Ok(check(what, times >= least && most.is_none_or(|most| times <= most), format!("{times} times")))
}

/// What clusters run, as they say themselves.
async fn of_clusters(expected: &ExpectedClusters, stage: &Stage) -> Vec<Check> {
    let named: Vec<&ClusterName> = expected.names.iter().map(|name| &name.value).collect();
    let meant = |(name, labels): &(&ClusterName, &Labels)| {
        (named.is_empty() || named.contains(name))
            && expected.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    };
    let chosen: Vec<(ClusterName, Access)> = stage
        .members
        .iter()
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
