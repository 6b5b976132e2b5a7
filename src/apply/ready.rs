//! Whether an object does what it is there for, by what it says of itself. Stricter than kstatus
//! where that calls things current that are not: a started Job, a failed Pod, a load balancer without
//! address, a paused Deployment, a condition older than the spec.

use serde_json::Value;

use super::identity::Kind;
use crate::diag::{count, count_of};
use crate::json::{At as _, list};

/// What an object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Ready,
    /// Not yet; why, in words.
    NotYet(String),
    /// It will not get there by itself; why, in words.
    Failed(String),
}

use Verdict::{Failed, NotYet, Ready};

/// The verdict on one object.
pub fn verdict(object: &Value) -> Verdict {
    let object = Object(object);
    if object.0.at("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null()) {
        return NotYet(object.deletion());
    }
    let Some(kind) = Kind::of(object.0) else { return NotYet("it has no kind".to_owned()) };
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment") => object.unless_stale(Object::deployment),
        ("apps", "StatefulSet") => object.unless_stale(Object::stateful_set),
        ("apps", "DaemonSet") => object.unless_stale(Object::daemon_set),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => object.unless_stale(Object::replica_set),
        ("batch", "Job") => object.job(),
        ("", "Pod") => object.pod(),
        ("", "PersistentVolumeClaim") => object.phase(&["Bound"], &["Lost"]),
        ("", "PersistentVolume") => object.phase(&["Available", "Bound", "Released"], &["Failed"]),
        ("", "Namespace") => object.phase(&["Active"], &[]),
        ("", "Service") => object.service(),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => object.definition(),
        ("apiregistration.k8s.io", "APIService") => match object.condition("Available") {
            Some(c) if c.is("True") => Ready,
            Some(c) => NotYet(c.says()),
            None => NotYet("the API server has not checked it yet".to_owned()),
        },
        // These have conditions that speak of what they look after, not of themselves.
        ("autoscaling", _) | ("policy", "PodDisruptionBudget") | ("batch", "CronJob") => Ready,
        _ => object.unless_stale(Object::generic),
    }
}

/// The cause why a pod is not ready, from its containers and conditions.
pub fn pod_cause(pod: &Value) -> Option<String> {
    match Object(pod).pod() {
        Ready => None,
        NotYet(cause) | Failed(cause) => Some(cause),
    }
}

#[derive(Clone, Copy)]
struct Object<'a>(&'a Value);

struct Condition<'a>(&'a Value);

impl Condition<'_> {
    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn is(&self, status: &str) -> bool {
        self.text("status") == status
    }

    /// `Ready is False: NoEndpoints: no endpoint is there`.
    fn says(&self) -> String {
        let mut said = format!("{} is {}", self.text("type"), self.text("status"));
        for part in [self.text("reason"), self.text("message")] {
            if !part.is_empty() {
                said.push_str(": ");
                said.push_str(part);
            }
        }
        said
    }
}

impl<'a> Object<'a> {
    fn number(self, path: &str) -> Option<i64> {
        self.0.at(path).and_then(Value::as_i64)
    }

    fn count(self, field: &str) -> i64 {
        self.number(&format!("/status/{field}")).unwrap_or(0)
    }

    fn text(self, path: &str) -> Option<&'a str> {
        self.0.at(path).and_then(Value::as_str)
    }

    fn list(self, path: &str) -> impl Iterator<Item = &'a Value> {
        list(self.0, path).iter()
    }

    /// A condition that is not older than the spec.
    fn condition(self, name: &str) -> Option<Condition<'a>> {
        let generation = self.number("/metadata/generation");
        self.list("/status/conditions").map(Condition).find(|c| {
            let seen = c.0.get("observedGeneration").and_then(Value::as_i64);
            c.text("type") == name && seen.is_none_or(|seen| generation.is_none_or(|is| seen >= is))
        })
    }

    fn has_stale_condition(self, name: &str) -> bool {
        self.condition(name).is_none()
            && self.list("/status/conditions").map(Condition).any(|c| c.text("type") == name)
    }

    fn deletion(self) -> String {
        let since = self.text("/metadata/deletionTimestamp").unwrap_or_default();
        let holders: Vec<&str> = self.list("/metadata/finalizers").filter_map(Value::as_str).collect();
        match holders.is_empty() {
            true => format!("it is being deleted since {since}"),
            false => format!("it is being deleted since {since}, held by finalizer {}", holders.join(", ")),
        }
    }

    /// Not yet while the controller has not seen the newest spec.
    fn unless_stale(self, then: impl Fn(Self) -> Verdict) -> Verdict {
        let (spec, seen) = (self.number("/metadata/generation"), self.number("/status/observedGeneration"));
        match (spec, seen) {
            (Some(spec), Some(seen)) if seen < spec => {
                NotYet(format!("its controller has seen generation {seen} of {spec}"))
            }
            _ => then(self),
        }
    }

    fn unseen(self) -> Option<Verdict> {
        let unseen = self.number("/status/observedGeneration").is_none();
        unseen.then(|| NotYet("its controller has not seen it yet".to_owned()))
    }

    fn deployment(self) -> Verdict {
        if let Some(verdict) = self.unseen() {
            return verdict;
        }
        if let Some(c) =
            self.condition("Progressing").filter(|c| c.text("reason") == "ProgressDeadlineExceeded")
        {
            return Failed(c.says());
        }
        let wanted = self.number("/spec/replicas").unwrap_or(1);
        let progress = self.replicas(wanted, "updatedReplicas", "availableReplicas");
        let paused = self.0.at("/spec/paused").and_then(Value::as_bool) == Some(true);
        match progress {
            NotYet(cause) if paused => NotYet(format!("it is paused (spec.paused): {cause}")),
            NotYet(cause) => match self.condition("ReplicaFailure").filter(|c| c.is("True")) {
                Some(c) => NotYet(format!("{cause}; {}", c.says())),
                None => NotYet(cause),
            },
            other => other,
        }
    }

    /// All replicas there, of the new kind, available, and none left of the old kind.
    fn replicas(self, wanted: i64, updated: &str, available: &str) -> Verdict {
        let (all, new, up) = (self.count("replicas"), self.count(updated), self.count(available));
        if new < wanted {
            return NotYet(format!("{} updated", count_of(new, wanted, "replica")));
        }
        if up < wanted {
            return NotYet(format!("{} available", count_of(up, wanted, "replica")));
        }
        if all > new {
            return NotYet(format!("{} not gone yet", count(all - new, "old replica")));
        }
        Ready
    }

    fn stateful_set(self) -> Verdict {
        if let Some(verdict) = self.unseen() {
            return verdict;
        }
        let wanted = self.number("/spec/replicas").unwrap_or(1);
        let (all, ready) = (self.count("replicas"), self.count("readyReplicas"));
        if ready < wanted {
            return NotYet(format!("{} ready", count_of(ready, wanted, "replica")));
        }
        if all > wanted {
            return NotYet(format!("{} too many", count(all - wanted, "replica")));
        }
        // With OnDelete somebody else decides when pods are replaced.
        if self.text("/spec/updateStrategy/type") == Some("OnDelete") {
            return Ready;
        }
        let kept = self.number("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
        let (due, new) = ((wanted - kept).max(0), self.count("updatedReplicas"));
        let same_revision = self.text("/status/currentRevision") == self.text("/status/updateRevision");
        if !same_revision && new < due {
            return NotYet(format!("{} updated", count_of(new, due, "replica")));
        }
        Ready
    }

    fn daemon_set(self) -> Verdict {
        if let Some(verdict) = self.unseen() {
            return verdict;
        }
        let wanted = self.count("desiredNumberScheduled");
        let (new, up) = (self.count("updatedNumberScheduled"), self.count("numberAvailable"));
        if self.text("/spec/updateStrategy/type") != Some("OnDelete") && new < wanted {
            return NotYet(format!("{} updated", count_of(new, wanted, "pod")));
        }
        if up < wanted {
            return NotYet(format!("{} available", count_of(up, wanted, "pod")));
        }
        Ready
    }

    fn replica_set(self) -> Verdict {
        if let Some(verdict) = self.unseen() {
            return verdict;
        }
        let (wanted, up) = (self.number("/spec/replicas").unwrap_or(1), self.count("availableReplicas"));
        match up < wanted {
            true => NotYet(format!("{} available", count_of(up, wanted, "replica"))),
            false => Ready,
        }
    }

    fn job(self) -> Verdict {
        if self.condition("Complete").is_some_and(|c| c.is("True")) {
            return Ready;
        }
        if let Some(c) = self.condition("Failed").filter(|c| c.is("True")) {
            return Failed(c.says());
        }
        if self.0.at("/spec/suspend").and_then(Value::as_bool) == Some(true) {
            return NotYet("it is suspended (spec.suspend)".to_owned());
        }
        let wanted = self.number("/spec/completions").unwrap_or(1);
        let (done, failed, active) = (self.count("succeeded"), self.count("failed"), self.count("active"));
        NotYet(format!("{} completed, {active} run, {failed} failed", count_of(done, wanted, "pod")))
    }

    fn pod(self) -> Verdict {
        let containers = ["/status/initContainerStatuses", "/status/containerStatuses"]
            .into_iter()
            .flat_map(|path| self.list(path))
            .find_map(container_cause);
        let said = || {
            let parts = [self.text("/status/reason"), self.text("/status/message")];
            let parts: Vec<&str> = parts.into_iter().flatten().collect();
            (!parts.is_empty()).then(|| parts.join(": "))
        };
        match self.text("/status/phase").unwrap_or("Pending") {
            "Succeeded" => Ready,
            "Failed" => Failed(containers.or_else(said).unwrap_or("it failed".to_owned())),
            "Running" if self.condition("Ready").is_some_and(|c| c.is("True")) => Ready,
            phase => {
                let waits = ["PodScheduled", "ContainersReady", "Ready"]
                    .into_iter()
                    .filter_map(|name| self.condition(name))
                    .find(|c| c.is("False"))
                    .map(|c| c.says());
                NotYet(containers.or(waits).unwrap_or(format!("it is {phase}")))
            }
        }
    }

    fn phase(self, good: &[&str], bad: &[&str]) -> Verdict {
        match self.text("/status/phase") {
            Some(phase) if good.contains(&phase) => Ready,
            Some(phase) if bad.contains(&phase) => Failed(format!("it is {phase}")),
            Some(phase) => NotYet(format!("it is {phase}")),
            None => NotYet("its controller has not seen it yet".to_owned()),
        }
    }

    fn service(self) -> Verdict {
        if self.text("/spec/type") != Some("LoadBalancer") {
            return Ready;
        }
        let addressed = self.list("/status/loadBalancer/ingress").any(|ingress| {
            ["ip", "hostname"].iter().any(|key| {
                ingress.get(key).and_then(Value::as_str).is_some_and(|address| !address.is_empty())
            })
        });
        match addressed {
            true => Ready,
            false => NotYet("its load balancer has no address yet".to_owned()),
        }
    }

    fn definition(self) -> Verdict {
        if let Some(c) = self.condition("NamesAccepted").filter(|c| c.is("False")) {
            return Failed(c.says());
        }
        match self.condition("Established") {
            Some(c) if c.is("True") => Ready,
            Some(c) => NotYet(c.says()),
            None => NotYet("the API server has not accepted it yet".to_owned()),
        }
    }

    fn generic(self) -> Verdict {
        if let Some(c) = self.condition("Stalled").filter(|c| c.is("True")) {
            return Failed(c.says());
        }
        if let Some(c) = self.condition("Reconciling").filter(|c| c.is("True")) {
            return NotYet(c.says());
        }
        match self.condition("Ready") {
            Some(c) if c.is("True") => Ready,
            Some(c) => NotYet(c.says()),
            None if self.has_stale_condition("Ready") => {
                NotYet("its condition Ready speaks of an older generation".to_owned())
            }
            None => Ready,
        }
    }
}

/// Why a container does not run, with its image where that matters.
fn container_cause(status: &Value) -> Option<String> {
    let text = |path: &str| status.at(path).and_then(Value::as_str).filter(|t| !t.is_empty());
    let name = text("/name").unwrap_or("?");
    let image = text("/image").unwrap_or("?");
    let ended = || {
        ["/lastState/terminated", "/state/terminated"].into_iter().find_map(|path| {
            let code = status.at(&format!("{path}/exitCode"))?.as_i64()?;
            let reason = text(&format!("{path}/reason")).unwrap_or("no reason given");
            Some(format!("ended with exit code {code} ({reason})"))
        })
    };
    if let Some(reason) = text("/state/waiting/reason") {
        if matches!(reason, "ContainerCreating" | "PodInitializing") {
            return None;
        }
        let mut cause = format!("container {name}: {reason}");
        if reason.contains("Image") {
            cause.push_str(&format!(" ({image})"));
        } else if let Some(ended) = ended() {
            cause.push_str(&format!(", it {ended}"));
            let restarts = status.at("/restartCount").and_then(Value::as_i64).unwrap_or(0);
            if restarts > 0 {
                cause.push_str(&format!(", {}", count(restarts, "restart")));
            }
        }
        if let Some(message) = text("/state/waiting/message") {
            cause.push_str(&format!(": {message}"));
        }
        return Some(cause);
    }
    let failed = status.at("/state/terminated/exitCode").and_then(Value::as_i64).is_some_and(|c| c != 0);
    if failed { ended().map(|ended| format!("container {name} {ended}")) } else { None }
}

#[cfg(test)]
#[path = "ready_tests.rs"]
mod tests;
