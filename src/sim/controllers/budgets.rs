//! Disruption budgets: how many pods may go, and whether one may.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fields::{
    Condition, after, condition, controller, count, is_going, items, number, set, share, state, text, uid,
};
use super::pods::{has_ended, is_ready};
use super::selectors::selects;
use super::world::{Found, Role, World};
use crate::sim::json::At as _;
use crate::sim::store::Key;

/// For how many seconds an eviction is believed to be under way.
const UNDER_WAY: i64 = 120;

const REFUSAL: &str = "Cannot evict pod as it would violate the pod's disruption budget.";
const SEVERAL: &str =
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";

/// Why a pod may not be evicted, as the API server answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// The budget's name; of several, the first.
    pub name: String,
    /// The status code: 429, or 500 if several budgets are for the pod.
    pub code: u16,
    /// What the answer says.
    pub message: String,
    /// The message of its cause with reason `DisruptionBudget`, if it has one.
    pub cause: Option<String>,
    /// After how many seconds to ask again, if it says so.
    pub retry_after: Option<u32>,
}

impl Budget {
    fn refuses(name: &str, cause: String, retry_after: Option<u32>) -> Self {
        Self {
            name: name.to_owned(),
            code: 429,
            message: REFUSAL.to_owned(),
            cause: Some(cause),
            retry_after,
        }
    }
}

fn is_closed(world: &World<'_>, key: &Key) -> bool {
    let closed = &world.conditions.closed_budgets;
    closed.contains("*") || closed.contains(&format!("{}/{}", key.namespace, key.name))
}

fn guarded(world: &mut World<'_>, key: &Key, budget: &Value) -> Vec<Found> {
    let selector = budget.at("/spec/selector").cloned().unwrap_or_default();
    let none = Value::Null;
    let mut pods = world.all("", "pods", Some(&key.namespace));
    pods.retain(|(_, pod)| selects(&selector, pod.at("/metadata/labels").unwrap_or(&none)));
    pods
}

/// Writes a budget's status.
pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(budget) = world.get(key) else { return };
    let pods = guarded(world, key, &budget);
    let (expected, desired) = match expectation(world, key, &budget, &pods) {
        Ok(numbers) => numbers,
        Err(why) => return fail(world, key, &why),
    };
    let now = world.now;
    let mut disrupted = BTreeMap::new();
    for (pod_key, pod) in &pods {
        let since = budget.at("/status/disruptedPods").and_then(|all| all.get(&*pod_key.name));
        if let Some(since) = since.filter(|_| !is_going(pod)) {
            let end =
                since.as_str().and_then(|since| since.parse().ok()).map(|since| after(since, UNDER_WAY));
            if let Some(end) = end.filter(|end| *end > now) {
                world.ask_at(Role::Budget, key, end);
                disrupted.insert(pod_key.name.to_string(), since.clone());
            }
        }
    }
    let is_healthy =
        |(key, pod): &&Found| !is_going(pod) && !disrupted.contains_key(&*key.name) && is_ready(pod);
    let healthy = i64::try_from(pods.iter().filter(is_healthy).count()).unwrap_or(0);
    let allowed = if expected <= 0 || is_closed(world, key) { 0 } else { (healthy - desired).max(0) };
    world.change(key, |budget| {
        let generation = number(budget, "/metadata/generation").unwrap_or(1);
        for (name, number) in [
            ("currentHealthy", healthy),
            ("desiredHealthy", desired),
            ("expectedPods", expected),
            ("disruptionsAllowed", allowed),
            ("observedGeneration", generation),
        ] {
            set(budget, &["status", name], number.into());
        }
        match disrupted.is_empty() {
            true => super::fields::unset(budget, &["status", "disruptedPods"]),
            false => set(budget, &["status", "disruptedPods"], json!(disrupted)),
        }
        say(budget, now);
    });
}

fn say(budget: &mut Value, now: jiff::Timestamp) {
    let (status, reason) = match count(budget, "/status/disruptionsAllowed") > 0 {
        true => ("True", "SufficientPods"),
        false => ("False", "InsufficientPods"),
    };
    allow(budget, status, reason, "", now);
}

fn allow(budget: &mut Value, status: &str, reason: &str, message: &str, now: jiff::Timestamp) {
    let kind = "DisruptionAllowed";
    let generation = number(budget, "/status/observedGeneration").unwrap_or(0);
    let conditions = items(budget, &["status", "conditions"]);
    state(conditions, &Condition { kind, status, reason, message }, now);
    for condition in conditions {
        set(condition, &["observedGeneration"], generation.into());
        // Servers write it even if it is empty.
        set(condition, &["message"], message.into());
    }
}

fn fail(world: &mut World<'_>, key: &Key, why: &str) {
    let now = world.now;
    world.change(key, |budget| {
        set(budget, &["status", "disruptionsAllowed"], 0.into());
        for name in ["currentHealthy", "desiredHealthy", "expectedPods"] {
            let known = count(budget, &format!("/status/{name}"));
            set(budget, &["status", name], known.into());
        }
        allow(budget, "False", "SyncFailed", why, now);
    });
}

/// How many pods there are to be, and how many of them healthy.
fn expectation(
    world: &mut World<'_>,
    key: &Key,
    budget: &Value,
    pods: &[Found],
) -> Result<(i64, i64), String> {
    let most = budget.at("/spec/maxUnavailable").filter(|value| !value.is_null());
    let least = budget.at("/spec/minAvailable").filter(|value| !value.is_null());
    if most.is_none()
        && let Some(least) = least.and_then(Value::as_i64)
    {
        return Ok((i64::try_from(pods.len()).unwrap_or(i64::MAX), least));
    }
    if most.is_none() && least.is_none() {
        return Ok((0, 0));
    }
    let expected = scale(world, key, pods)?;
    let desired = match most {
        Some(most) => (expected - share(Some(most), expected, true).unwrap_or(0)).max(0),
        None => share(least, expected, true).unwrap_or(0),
    };
    Ok((expected, desired))
}

/// How many pods the controllers of these pods are to have together.
fn scale(world: &mut World<'_>, key: &Key, pods: &[Found]) -> Result<i64, String> {
    let mut scales: BTreeMap<String, i64> = BTreeMap::new();
    for (pod_key, pod) in pods {
        let Some(owner) = controller(pod) else { continue };
        if scales.contains_key(&owner.uid) {
            continue;
        }
        let lost = || format!("found no controllers for pod \"{}\"", pod_key.name);
        let resource = match owner.kind.as_str() {
            "ReplicaSet" => "replicasets",
            "StatefulSet" => "statefulsets",
            "DaemonSet" => return Err("daemonsets.apps does not implement the scale subresource".to_owned()),
            "Job" => return Err("jobs.batch does not implement the scale subresource".to_owned()),
            _ => return Err(lost()),
        };
        let found = world.get(&key.beside("apps", resource, &owner.name)).filter(|set| uid(set) == owner.uid);
        let mut found = found.ok_or_else(lost)?;
        if let Some(above) = controller(&found).filter(|above| above.kind == "Deployment") {
            let deployment = world.get(&key.beside("apps", "deployments", &above.name));
            found = deployment.filter(|deployment| uid(deployment) == above.uid).unwrap_or(found);
        }
        let scale = number(&found, "/spec/replicas").unwrap_or(1);
        scales.insert(uid(&found).to_owned(), scale);
        scales.entry(owner.uid).or_insert(0);
    }
    Ok(scales.values().sum())
}

/// Evicts a pod, if its budget lets it go.
pub(super) fn evict(world: &mut World<'_>, key: &Key) -> Result<(), Budget> {
    let Some(pod) = world.get(key) else { return Ok(()) };
    let phase = text(&pod, "/status/phase");
    if is_going(&pod) || has_ended(&pod) || matches!(phase, "" | "Pending") {
        go(world, key);
        return Ok(());
    }
    let none = Value::Null;
    let labels = pod.at("/metadata/labels").unwrap_or(&none);
    let mut budgets = world.all("policy", "poddisruptionbudgets", Some(&key.namespace));
    budgets.retain(|(_, budget)| selects(budget.at("/spec/selector").unwrap_or(&none), labels));
    if let [(first, _), _, ..] = budgets.as_slice() {
        let (name, message) = (first.name.to_string(), SEVERAL.to_owned());
        return Err(Budget { name, code: 500, message, cause: None, retry_after: None });
    }
    if let Some((budget_key, budget)) = budgets.pop()
        && !is_free(&pod, &budget)
    {
        spend(world, &budget_key, &budget, &key.name)?;
    }
    go(world, key);
    Ok(())
}

/// Whether a pod that is not ready may go without asking for more.
fn is_free(pod: &Value, budget: &Value) -> bool {
    let (healthy, desired) =
        (count(budget, "/status/currentHealthy"), count(budget, "/status/desiredHealthy"));
    !is_ready(pod)
        && (text(budget, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow"
            || healthy >= desired && desired > 0)
}

/// Takes one disruption from a budget.
fn spend(world: &mut World<'_>, key: &Key, budget: &Value, pod: &str) -> Result<(), Budget> {
    let name = &*key.name;
    let seen = count(budget, "/status/observedGeneration");
    if seen < number(budget, "/metadata/generation").unwrap_or(1) {
        let cause = format!("The disruption budget {name} is still being processed by the server.");
        return Err(Budget::refuses(name, cause, Some(10)));
    }
    let allowed = if is_closed(world, key) { 0 } else { count(budget, "/status/disruptionsAllowed") };
    if allowed <= 0 {
        let (healthy, desired) =
            (count(budget, "/status/currentHealthy"), count(budget, "/status/desiredHealthy"));
        let said = condition(budget, "DisruptionAllowed")
            .filter(|said| text(said, "/status") == "False" && !text(said, "/message").is_empty());
        let cannot = format!("The disruption budget {name} does not allow evicting pods currently");
        let cause = match said {
            Some(said) if text(said, "/reason") == "SyncFailed" => {
                format!("{cannot} because it failed sync: {}", text(said, "/message"))
            }
            _ if healthy <= desired => {
                format!(
                    "The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
                )
            }
            Some(said) => format!("{cannot} ({}): {}", text(said, "/reason"), text(said, "/message")),
            None => cannot,
        };
        return Err(Budget::refuses(name, cause, None));
    }
    let now = world.now;
    world.change(key, |budget| {
        set(budget, &["status", "disruptionsAllowed"], (allowed - 1).into());
        set(budget, &["status", "disruptedPods", pod], super::fields::stamp(now));
        if allowed == 1 {
            say(budget, now);
        }
    });
    Ok(())
}

fn go(world: &mut World<'_>, key: &Key) {
    let now = world.now;
    world.change(key, |pod| {
        let target = Condition {
            kind: "DisruptionTarget",
            status: "True",
            reason: "EvictionByEvictionAPI",
            message: "Eviction API: evicting",
        };
        state(items(pod, &["status", "conditions"]), &target, now);
    });
    world.delete(key);
}
