//! What runs pods.

use serde_json::{Value, json};

use super::pods;
use crate::sim::api::json::{items, text};
use crate::sim::api::status::causes;
use crate::sim::fields::Cause;
use crate::sim::json::At as _;
use crate::sim::kinds::Resource;

const NOT_NEGATIVE: &str = "must be greater than or equal to 0";

pub(super) fn workload(resource: &Resource, new: &Value) -> Vec<Cause> {
    match &*resource.plural {
        "jobs" => job(new.get("spec").unwrap_or(&Value::Null), "spec"),
        "cronjobs" => cron_job(new),
        "controllerrevisions" => Vec::new(),
        plural => controller(plural, new),
    }
}

fn not_negative(spec: &Value, at: &str, fields: &[&str]) -> Vec<Cause> {
    let negative = fields.iter().filter_map(|field| {
        let number = spec.get(*field)?.as_i64()?;
        (number < 0).then(|| causes::invalid(format!("{at}.{field}"), &number.into(), NOT_NEGATIVE))
    });
    negative.collect()
}

fn controller(plural: &str, new: &Value) -> Vec<Cause> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let mut wrong = match plural {
        "deployments" => not_negative(spec, "spec", &["replicas"]),
        _ => Vec::new(),
    };
    let kind = match plural {
        "deployments" => "deployment",
        "daemonsets" => "daemonset",
        "statefulsets" => "statefulset",
        _ => "replicaset",
    };
    let selector = spec.get("selector").filter(|s| !s.is_null());
    match selector {
        None => {
            wrong.push(causes::required("spec.selector", ""));
            let labels = spec.at("/template/metadata/labels").cloned().unwrap_or(Value::Null);
            let why = "`selector` does not match template `labels`";
            wrong.push(causes::invalid("spec.template.metadata.labels", &labels, why));
        }
        Some(selector) if is_empty(selector) => {
            let why = format!("empty selector is invalid for {kind}");
            wrong.push(causes::invalid("spec.selector", &json!({}), &why));
        }
        Some(_) => {}
    }
    let labels = spec.at("/template/metadata/labels").cloned().unwrap_or(Value::Null);
    if let Some(selector) = selector.filter(|s| !is_empty(s))
        && !selects(selector, &labels)
    {
        let why = "`selector` does not match template `labels`";
        wrong.push(causes::invalid("spec.template.metadata.labels", &labels, why));
    }
    let template = spec.at("/template/spec").unwrap_or(&Value::Null);
    wrong.extend(pods::spec(template, "spec.template.spec"));
    let policy = text(template, "/restartPolicy");
    if !template.is_null() && policy != "Always" {
        let field = "spec.template.spec.restartPolicy";
        wrong.push(causes::not_supported(field, &policy.into(), &["Always"]));
    }
    wrong.extend(not_negative(spec, "spec", &["minReadySeconds", "revisionHistoryLimit"]));
    if plural != "deployments" {
        wrong.extend(not_negative(spec, "spec", &["replicas"]));
    }
    if plural == "deployments" {
        wrong.extend(strategy(spec));
        wrong.extend(not_negative(spec, "spec", &["progressDeadlineSeconds"]));
        let seconds = |field: &str| spec.get(field).and_then(Value::as_i64).unwrap_or_default();
        let deadline = seconds("progressDeadlineSeconds");
        if deadline <= seconds("minReadySeconds") {
            let why = "must be greater than minReadySeconds";
            wrong.push(causes::invalid("spec.progressDeadlineSeconds", &deadline.into(), why));
        }
    }
    wrong
}

fn strategy(spec: &Value) -> Vec<Cause> {
    let Some(strategy) = spec.get("strategy") else { return Vec::new() };
    let rolling = strategy.get("rollingUpdate").filter(|r| !r.is_null());
    match text(strategy, "/type") {
        "RollingUpdate" => Vec::new(),
        "Recreate" if rolling.is_some() => vec![causes::forbidden(
            "spec.strategy.rollingUpdate",
            "may not be specified when strategy `type` is 'Recreate'",
        )],
        "Recreate" => Vec::new(),
        other => {
            let known = ["Recreate", "RollingUpdate"];
            vec![causes::not_supported("spec.strategy.type", &other.into(), &known)]
        }
    }
}

fn is_empty(selector: &Value) -> bool {
    let none = |key: &str| match selector.get(key) {
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        _ => true,
    };
    none("matchLabels") && none("matchExpressions")
}

/// Whether a selector of an object selects these labels.
fn selects(selector: &Value, labels: &Value) -> bool {
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let map = selector.get("matchLabels").and_then(Value::as_object);
    let equal = map.into_iter().flatten().all(|(key, value)| label(key) == value.as_str());
    equal
        && items(selector, "/matchExpressions").all(|expression| {
            let value = label(text(expression, "/key"));
            let listed = || items(expression, "/values").any(|v| v.as_str() == value);
            match text(expression, "/operator") {
                "In" => value.is_some() && listed(),
                "NotIn" => value.is_none() || !listed(),
                "Exists" => value.is_some(),
                _ => value.is_none(),
            }
        })
}

fn job(spec: &Value, at: &str) -> Vec<Cause> {
    let mut wrong = not_negative(
        spec,
        at,
        &["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"],
    );
    let template = spec.at("/template/spec").unwrap_or(&Value::Null);
    wrong.extend(pods::spec(template, &format!("{at}.template.spec")));
    let field = format!("{at}.template.spec.restartPolicy");
    match text(template, "/restartPolicy") {
        "Always" | "" => {
            wrong.push(causes::required(field, "valid values: \"OnFailure\", \"Never\""));
        }
        "OnFailure" | "Never" => {}
        other => wrong.push(causes::not_supported(field, &other.into(), &["OnFailure", "Never"])),
    }
    wrong
}

fn cron_job(new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let spec = new.get("spec").unwrap_or(&Value::Null);
    if text(spec, "/schedule").is_empty() {
        wrong.push(causes::required("spec.schedule", ""));
    }
    let policy = text(spec, "/concurrencyPolicy");
    if !matches!(policy, "Allow" | "Forbid" | "Replace") {
        let known = ["Allow", "Forbid", "Replace"];
        wrong.push(causes::not_supported("spec.concurrencyPolicy", &policy.into(), &known));
    }
    wrong.extend(job(spec.at("/jobTemplate/spec").unwrap_or(&Value::Null), "spec.jobTemplate.spec"));
    wrong
}
