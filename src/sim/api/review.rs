//! Reviews: who one is, and what one may. Everybody is the administrator here, who may do everything.

use serde_json::{Value, json};

use super::decode;
use super::json::text;
use super::request::Answer;
use super::status::Outcome;
use super::target::Target;
use super::write::{Write, stamp};
use crate::sim::cluster::Cluster;
use crate::sim::json::At as _;

/// The user that everybody is.
const USER: &str = "admin";

/// Answers a review.
pub(super) fn create(cluster: &Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let mut write = Write::new(target, "CreateOptions")?;
    let (mut review, warnings) = decode::object(target, &write.schema, write.options.validation)?;
    write.warnings = warnings;
    let user = json!({"username": USER, "uid": USER, "groups": ["system:masters", "system:authenticated"]});
    let status = match &*target.resource.plural {
        "selfsubjectreviews" => json!({"userInfo": user}),
        "tokenreviews" => json!({"authenticated": true, "user": user, "audiences": []}),
        "selfsubjectrulesreviews" => json!({
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": false,
        }),
        _ => json!({"allowed": true}),
    };
    review = super::write::owned(&write, cluster, None, review);
    if let Some(fields) = review.as_object_mut() {
        fields.entry("metadata").or_insert_with(|| json!({}));
        fields.insert("status".to_owned(), status);
    }
    if *target.resource.plural == *"selfsubjectreviews" {
        super::json::set_metadata(&mut review, "creationTimestamp", stamp(cluster.now));
    }
    let mut answer = Answer::json(201, review);
    for warning in &write.warnings {
        answer.headers.push(("warning", super::route::warning_header(warning)));
    }
    Ok(answer)
}

/// A token for a service account: its name and its end, which nobody checks.
pub(super) fn token(cluster: &Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let account = cluster.store.get(&target.key(&target.name)).ok_or_else(|| target.not_found())?;
    let asked = decode::parse(target.request.body, "TokenRequest")?;
    let seconds = asked.at("/spec/expirationSeconds").and_then(Value::as_u64).unwrap_or(3_600);
    let end = cluster.now + std::time::Duration::from_secs(seconds.min(100 * 365 * 24 * 3_600));
    let token = format!("simulated.{}.{}", text(&account, "/metadata/uid"), end.as_second());
    let body = json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": target.name, "namespace": target.namespace, "creationTimestamp": stamp(cluster.now)},
        "spec": {"audiences": ["https://kubernetes.default.svc"], "expirationSeconds": seconds,
            "boundObjectRef": null},
        "status": {"token": token, "expirationTimestamp": stamp(end)},
    });
    Ok(Answer::json(201, body))
}
