//! Eviction of a pod.

use serde_json::json;

use super::decode::parse;
use super::delete;
use super::json::{items, text};
use super::media;
use super::request::Answer;
use super::status::{Fault, Outcome};
use super::target::{Options, Target};
use crate::sim::cluster::Cluster;
use crate::sim::controllers::Budget;
use crate::sim::json::At as _;

/// Evicts a pod, if the budgets allow it.
pub(super) fn create(cluster: &mut Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let options = Options::read(target, "CreateOptions")?;
    media::check_content(&target.request)?;
    let sent = parse(target.request.body, "Eviction")?;
    if text(&sent, "/metadata/name") != target.name {
        return Err(Fault::bad_request("name in URL does not match name in Eviction object"));
    }
    let key = target.key(&target.name);
    let pod = cluster.store.get(&key).ok_or_else(|| target.not_found())?;
    let dry_run = options.dry_run || items(&sent, "/deleteOptions/dryRun").next().is_some();
    let given = sent.get("deleteOptions").cloned().unwrap_or_else(|| json!({}));
    let mut asked = delete::Options::sent(&given, &mut Vec::new());
    asked.dry_run = dry_run;
    let ignores_budgets = matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed" | "Pending")
        || pod.at("/metadata/deletionTimestamp").is_some();
    if ignores_budgets || dry_run {
        delete::delete(cluster, target, &key, &asked)?;
    } else {
        let now = cluster.now;
        cluster
            .controllers
            .evict(&mut cluster.store, &cluster.conditions, &key, now)
            .map_err(|budget| blocked(&budget))?;
        if cluster.store.get(&key).is_some_and(|pod| pod.at("/metadata/deletionTimestamp").is_none()) {
            delete::delete(cluster, target, &key, &asked)?;
        }
    }
    let done =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Ok(Answer::json(201, done))
}

fn blocked(budget: &Budget) -> Fault {
    let reason = if budget.code == 429 { "TooManyRequests" } else { "" };
    let mut fault = Fault::new(budget.code, reason, budget.message.as_str());
    if let Some(cause) = &budget.cause {
        fault = fault.cause("DisruptionBudget", cause);
    }
    match budget.retry_after {
        Some(seconds) => fault.retry_after(seconds.into()),
        None => fault,
    }
}
