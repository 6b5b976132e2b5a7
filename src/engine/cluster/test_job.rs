//! A test that is a Kubernetes Job: started once per try, found again after a crash, watched to its
//! end.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::apply::payload::payload;
use crate::apply::ready::{Verdict, verdict};
use crate::apply::{Kind as ObjectKind, ObjectId, Rendered};
use crate::diag::codes;
use crate::digest;
use crate::json::{At as _, text};
use crate::model::ProductName;
use crate::render::Mask;

use super::discovery::Resource;
use super::wait::Pause;
use super::wire::{Ask, JSON};
use super::{Error, Guard, Kind, Outcome};

/// The pause before the first look at a Job: a pod takes longer than that.
const FIRST_LOOK: Duration = Duration::from_millis(500);

/// The annotation that tells which run a Job belongs to.
const RUN: &str = "tidegate.dev/run";

/// How long a test's Job stays after its end, for people to look at, if its manifest says nothing;
/// and at least, so that its end can't be missed.
const STAYS: i64 = 86_400;
const STAYS_AT_LEAST: i64 = 600;

/// A Job to run.
pub struct JobRun<'a> {
    /// The product.
    pub product: &'a ProductName,
    /// The Job's manifest.
    pub job: &'a Rendered,
    /// What tells this run from all others: journal, plan, attempt, step, try.
    pub key: String,
    /// How long it may take.
    pub timeout: Duration,
    /// Hides the secret values that were rendered into it.
    pub mask: &'a Mask,
}

/// How a Job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOutcome {
    /// Whether it completed.
    pub passed: bool,
    /// Its namespace and name, `shop/smoke-3f2a8c01d2`.
    pub job: String,
    /// What it says, in words.
    pub cause: String,
}

impl Guard {
    /// Runs a Job to its end, or adopts the one that an earlier driver started for the same key.
    ///
    /// # Errors
    /// `TimedOut` (the Job is deleted then), and when it can't be started or watched.
    pub async fn run_job(&self, run: &JobRun<'_>) -> Outcome<JobOutcome> {
        match self.run_openly(run).await {
            Ok(outcome) => Ok(JobOutcome { cause: run.mask.hide(&outcome.cause), ..outcome }),
            Err(error) => Err(error.hidden(run.mask)),
        }
    }

    async fn run_openly(&self, run: &JobRun<'_>) -> Outcome<JobOutcome> {
        let clock = &self.cluster.inner.clock;
        let until = clock.boot() + run.timeout;
        let origin = &run.job.origin;
        let wrong =
            |why: &str| Error::new(Kind::Rejected, format!("{}: {origin}: {why}", codes::OBJECT_REJECTED.id));
        let kind = ObjectKind::of(&run.job.object).filter(|k| k.group == "batch" && k.kind == "Job");
        let kind = kind.ok_or_else(|| wrong("a test's manifest holds exactly one Job (batch/v1)"))?;
        let mut id = ObjectId::of(&run.job.object, true, run.job.namespace.as_deref())
            .map_err(|e| wrong(&e.to_string()))?;
        id.name = job_name(&id.name, &run.key);
        let resource = self.cluster.resource(&kind).await?;
        let resource = resource.ok_or_else(|| wrong(&format!("the cluster does not serve {kind}")))?;
        let label = format!("{}/{}", id.namespace, id.name);

        let job = prepared(run, &id);
        let path = format!("{}?fieldValidation=Strict", resource.collection(Some(&id.namespace)));
        let answer = self.cluster.ask(&Ask::write(Method::POST, path, &job), Some(&self.held), until).await?;
        let started = match answer.code {
            _ if answer.ok() => answer.body,
            // Started before a crash, or by the request whose answer was lost: it is adopted.
            409 => {
                let doing = format!("looking for Job {label}");
                let found = self.cluster.read(&resource.path(&id), JSON, &doing).await?.unwrap_or_default();
                if found.at("/metadata/annotations").and_then(|a| a.get(RUN)) != Some(&run.key.clone().into())
                {
                    return Err(wrong(&format!("Job {label} is there already and belongs to another run")));
                }
                found
            }
            404 => {
                let why = format!("Job {label} ({origin}): namespace {} is not there", id.namespace);
                return Err(Error::new(Kind::Missing, format!("{}: {why}", codes::NAMESPACE_MISSING.id)));
            }
            _ if (400..500).contains(&answer.code) => return Err(wrong(answer.message())),
            _ => return Err(answer.refusal(&format!("starting Job {label}"))),
        };
        let uid = text(&started, "/metadata/uid").to_owned();
        self.watch_job(&resource, &id, &uid, until, run.timeout).await
    }

    async fn watch_job(
        &self,
        resource: &Resource,
        id: &ObjectId,
        uid: &str,
        until: Duration,
        timeout: Duration,
    ) -> Outcome<JobOutcome> {
        let clock = &self.cluster.inner.clock;
        let label = format!("{}/{}", id.namespace, id.name);
        let mut pause = Pause::first(FIRST_LOOK);
        loop {
            pause.pass(&**clock, until).await;
            let doing = format!("watching Job {label}");
            let found = self.cluster.look_at(&resource.path(id), &doing).await?;
            let Some(job) = found.filter(|j| j.at("/metadata/uid").and_then(Value::as_str) == Some(uid))
            else {
                let cause = "somebody deleted the Job before it ended".to_owned();
                return Ok(JobOutcome { passed: false, job: label, cause });
            };
            match verdict(&job) {
                Verdict::Ready => {
                    return Ok(JobOutcome { passed: true, job: label, cause: "completed".to_owned() });
                }
                Verdict::Failed(cause) => {
                    let cause = self.cluster.because(&job, cause).await;
                    return Ok(JobOutcome { passed: false, job: label, cause });
                }
                Verdict::NotYet(cause) if clock.boot() >= until => {
                    let cause = self.cluster.because(&job, cause).await;
                    self.end_job(resource, id, uid).await;
                    let waited = timeout.as_secs();
                    return Err(Error::new(
                        Kind::TimedOut,
                        format!("Job {label} did not end within {waited} s: {cause}"),
                    ));
                }
                Verdict::NotYet(_) => {}
            }
        }
    }

    /// Ends a Job whose time passed. Its own words are what counts: a failure here changes nothing.
    async fn end_job(&self, resource: &Resource, id: &ObjectId, uid: &str) {
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
            "preconditions": {"uid": uid}});
        let ask = Ask::write(Method::DELETE, resource.path(id), &options);
        let _ = self.cluster.ask(&ask, Some(&self.held), self.cluster.soon()).await;
    }
}

/// The name of a run's Job: the manifest's, and a hash of the key.
fn job_name(name: &str, key: &str) -> String {
    let mut mark = digest::bytes(key.as_bytes()).hex();
    mark.truncate(10);
    let name: String = name.chars().take(45).collect();
    format!("{}-{mark}", name.trim_end_matches(['-', '.']))
}

fn prepared(run: &JobRun<'_>, id: &ObjectId) -> Value {
    let mut job = payload(&run.job.object, id, run.product);
    if let Some(metadata) = job.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("generateName");
        metadata.insert("name".to_owned(), id.name.clone().into());
        // A test's Job is none of the product's objects.
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.remove(crate::apply::payload::PRODUCT_LABEL);
            labels.insert("tidegate.dev/test-of".to_owned(), run.product.as_str().into());
        }
        let notes = metadata.entry("annotations").or_insert(Value::Null);
        if notes.is_null() {
            *notes = json!({});
        }
        if let Some(notes) = notes.as_object_mut() {
            notes.insert(RUN.to_owned(), run.key.clone().into());
        }
    }
    if let Some(spec) = job.get_mut("spec").and_then(Value::as_object_mut) {
        let stays = spec.get("ttlSecondsAfterFinished").and_then(Value::as_i64).unwrap_or(STAYS);
        spec.insert("ttlSecondsAfterFinished".to_owned(), stays.max(STAYS_AT_LEAST).into());
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_job_has_a_name_of_its_own_that_is_the_same_after_a_crash() {
        let first = job_name("smoke", "R1-1/a/1 app/test:smoke 1");
        assert_eq!(first, job_name("smoke", "R1-1/a/1 app/test:smoke 1"));
        assert_ne!(first, job_name("smoke", "R1-1/a/1 app/test:smoke 2"));
        assert!(first.starts_with("smoke-") && first.len() == 16, "{first}");
        assert!(job_name(&"x".repeat(80), "k").len() <= 63);
    }
}
