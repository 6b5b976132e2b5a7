//! Defaults of what runs pods.

use serde_json::{Map, Value, json};

use super::pods::template;
use crate::sim::api::json::{default, default_object, each, within};
use crate::sim::json::At as _;

type Fields = Map<String, Value>;

fn spec(object: &mut Fields) -> Option<&mut Fields> {
    default_object(object, "spec")
}

fn kind_of(strategy: &Fields) -> &str {
    strategy.get("type").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn deployment(object: &mut Fields) {
    let Some(spec) = spec(object) else { return };
    default(spec, "replicas", || 1.into());
    if let Some(strategy) = default_object(spec, "strategy") {
        default(strategy, "type", || "RollingUpdate".into());
        if kind_of(strategy) == "RollingUpdate"
            && let Some(rolling) = default_object(strategy, "rollingUpdate")
        {
            default(rolling, "maxUnavailable", || "25%".into());
            default(rolling, "maxSurge", || "25%".into());
        }
    }
    default(spec, "revisionHistoryLimit", || 10.into());
    default(spec, "progressDeadlineSeconds", || 600.into());
    within(spec, "template", template);
}

pub(super) fn daemon_set(object: &mut Fields) {
    let Some(spec) = spec(object) else { return };
    if let Some(strategy) = default_object(spec, "updateStrategy") {
        default(strategy, "type", || "RollingUpdate".into());
        if kind_of(strategy) == "RollingUpdate"
            && let Some(rolling) = default_object(strategy, "rollingUpdate")
        {
            default(rolling, "maxUnavailable", || 1.into());
            default(rolling, "maxSurge", || 0.into());
        }
    }
    default(spec, "revisionHistoryLimit", || 10.into());
    within(spec, "template", template);
}

pub(super) fn stateful_set(object: &mut Fields) {
    let Some(spec) = spec(object) else { return };
    default(spec, "podManagementPolicy", || "OrderedReady".into());
    if let Some(strategy) = default_object(spec, "updateStrategy") {
        if kind_of(strategy).is_empty() {
            strategy.insert("type".to_owned(), "RollingUpdate".into());
            default(strategy, "rollingUpdate", || json!({}));
        }
        if kind_of(strategy) == "RollingUpdate" {
            within(strategy, "rollingUpdate", |rolling| default(rolling, "partition", || 0.into()));
        }
    }
    if let Some(policy) = default_object(spec, "persistentVolumeClaimRetentionPolicy") {
        default(policy, "whenDeleted", || "Retain".into());
        default(policy, "whenScaled", || "Retain".into());
    }
    default(spec, "replicas", || 1.into());
    default(spec, "revisionHistoryLimit", || 10.into());
    within(spec, "template", template);
    each(spec, "volumeClaimTemplates", |claim| {
        default(claim, "apiVersion", || "v1".into());
        default(claim, "kind", || "PersistentVolumeClaim".into());
        default(claim, "status", || json!({"phase": "Pending"}));
        within(claim, "spec", |spec| default(spec, "volumeMode", || "Filesystem".into()));
    });
}

pub(super) fn replica_set(object: &mut Fields) {
    let Some(spec) = spec(object) else { return };
    default(spec, "replicas", || 1.into());
    within(spec, "template", template);
}

pub(super) fn replication_controller(object: &mut Fields) {
    let labels = object.get("spec").and_then(|s| s.at("/template/metadata/labels")).cloned();
    let Some(spec) = spec(object) else { return };
    default(spec, "replicas", || 1.into());
    if let Some(labels) = &labels {
        default(spec, "selector", || labels.clone());
    }
    within(spec, "template", template);
    if let Some(labels) = labels
        && let Some(metadata) = default_object(object, "metadata")
    {
        default(metadata, "labels", || labels);
    }
}

pub(super) fn job(object: &mut Fields) {
    let labels = object.get("spec").and_then(|s| s.at("/template/metadata/labels")).cloned();
    if let Some(labels) = labels
        && let Some(metadata) = default_object(object, "metadata")
    {
        default(metadata, "labels", || labels);
    }
    if let Some(spec) = spec(object) {
        job_spec(spec, true);
    }
}

/// A job's spec; that of a cron job's template has its own defaults set only when the job is made.
fn job_spec(spec: &mut Fields, is_job: bool) {
    if is_job {
        let completions = spec.get("completions").is_some_and(|c| !c.is_null());
        let parallelism = spec.get("parallelism").is_some_and(|p| !p.is_null());
        if !completions && !parallelism {
            spec.insert("completions".to_owned(), 1.into());
        }
        default(spec, "parallelism", || 1.into());
        let by_index = spec.get("backoffLimitPerIndex").is_some_and(|b| !b.is_null());
        default(spec, "backoffLimit", || if by_index { i32::MAX.into() } else { 6.into() });
        default(spec, "completionMode", || "NonIndexed".into());
        default(spec, "suspend", || false.into());
        let by_policy = spec.get("podFailurePolicy").is_some_and(|p| !p.is_null());
        let policy = if by_policy { "Failed" } else { "TerminatingOrFailed" };
        default(spec, "podReplacementPolicy", || policy.into());
        default(spec, "manualSelector", || false.into());
    }
    within(spec, "template", template);
}

pub(super) fn cron_job(object: &mut Fields) {
    let Some(spec) = spec(object) else { return };
    default(spec, "concurrencyPolicy", || "Allow".into());
    default(spec, "suspend", || false.into());
    default(spec, "successfulJobsHistoryLimit", || 3.into());
    default(spec, "failedJobsHistoryLimit", || 1.into());
    within(spec, "jobTemplate", |job| {
        default(job, "metadata", || json!({}));
        within(job, "spec", |spec| job_spec(spec, false));
    });
}
