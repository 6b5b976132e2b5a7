//! Verdicts by table: one object per kind and state.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

/// The verdict's word and its cause.
fn of(object: Value) -> String {
    match verdict(&object) {
        Ready => "ready".to_owned(),
        NotYet(cause) => format!("not yet: {cause}"),
        Failed(cause) => format!("failed: {cause}"),
    }
}

fn object(api_version: &str, kind: &str, generation: i64, spec: Value, status: Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": "a", "generation": generation}, "spec": spec, "status": status})
}

#[test]
fn deployments() {
    let deployment = |spec, status| of(object("apps/v1", "Deployment", 2, spec, status));
    let all = json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3});
    let cases = [
        (json!({"replicas": 3}), all.clone(), "ready"),
        (json!({"replicas": 3, "paused": true}), all.clone(), "ready"),
        (json!({"replicas": 0}), json!({"observedGeneration": 2}), "ready"),
        (json!({"replicas": 3}), json!({}), "not yet: its controller has not seen it yet"),
        (
            json!({"replicas": 3}),
            json!({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}),
            "not yet: its controller has seen generation 1 of 2",
        ),
        (
            json!({"replicas": 3}),
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 3}),
            "not yet: 1 of 3 replicas updated",
        ),
        (
            json!({"replicas": 3}),
            json!({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 3, "availableReplicas": 3}),
            "not yet: 1 old replica not gone yet",
        ),
        (
            json!({"replicas": 3}),
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 2}),
            "not yet: 2 of 3 replicas available",
        ),
        (
            json!({"replicas": 3, "paused": true}),
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 0, "availableReplicas": 3}),
            "not yet: it is paused (spec.paused): 0 of 3 replicas updated",
        ),
        (
            json!({}),
            json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False",
            "reason": "ProgressDeadlineExceeded", "message": "timed out"}]}),
            "failed: Progressing is False: ProgressDeadlineExceeded: timed out",
        ),
        (
            json!({}),
            json!({"observedGeneration": 2, "conditions": [{"type": "ReplicaFailure", "status": "True",
            "reason": "FailedCreate", "message": "exceeded quota"}]}),
            "not yet: 0 of 1 replica updated; ReplicaFailure is True: FailedCreate: exceeded quota",
        ),
    ];
    for (spec, status, expected) in cases {
        assert_eq!(deployment(spec, status), expected);
    }
}

#[test]
fn stateful_sets_and_daemon_sets() {
    let set = |spec, status| of(object("apps/v1", "StatefulSet", 1, spec, status));
    let half = json!({"observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 1,
        "currentRevision": "a", "updateRevision": "b"});
    assert_eq!(set(json!({"replicas": 2}), half.clone()), "not yet: 1 of 2 replicas updated");
    assert_eq!(
        set(json!({"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}}), half.clone()),
        "ready"
    );
    assert_eq!(set(json!({"replicas": 2, "updateStrategy": {"type": "OnDelete"}}), half), "ready");
    assert_eq!(
        set(json!({"replicas": 2}), json!({"observedGeneration": 1, "replicas": 2, "readyReplicas": 1})),
        "not yet: 1 of 2 replicas ready"
    );
    let daemon = |spec, status| of(object("apps/v1", "DaemonSet", 1, spec, status));
    assert_eq!(daemon(json!({}), json!({})), "not yet: its controller has not seen it yet");
    assert_eq!(daemon(json!({}), json!({"observedGeneration": 1, "desiredNumberScheduled": 0})), "ready");
    let old = json!({"observedGeneration": 1, "desiredNumberScheduled": 3, "updatedNumberScheduled": 1, "numberAvailable": 3});
    assert_eq!(daemon(json!({}), old.clone()), "not yet: 1 of 3 pods updated");
    assert_eq!(daemon(json!({"updateStrategy": {"type": "OnDelete"}}), old), "ready");
}

#[test]
fn a_started_job_is_not_ready_and_a_failed_one_has_failed() {
    let job = |status| of(object("batch/v1", "Job", 1, json!({"completions": 2}), status));
    assert_eq!(job(json!({"active": 1, "ready": 1})), "not yet: 0 of 2 pods completed, 1 run, 0 failed");
    assert_eq!(job(json!({"conditions": [{"type": "Complete", "status": "True"}]})), "ready");
    assert_eq!(
        job(
            json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}]})
        ),
        "failed: Failed is True: BackoffLimitExceeded: too often"
    );
    let suspended = object("batch/v1", "Job", 1, json!({"suspend": true}), json!({}));
    assert_eq!(of(suspended), "not yet: it is suspended (spec.suspend)");
}

#[test]
fn pods_say_which_container_and_image() {
    let pod = |status| of(object("v1", "Pod", 1, json!({}), status));
    let waiting = |reason: &str, message: &str| {
        json!({"phase": "Pending", "containerStatuses": [
        {"name": "app", "image": "example.com/app:1", "restartCount": 4,
         "state": {"waiting": {"reason": reason, "message": message}},
         "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]})
    };
    assert_eq!(
        pod(waiting("CrashLoopBackOff", "back-off 5m0s")),
        "not yet: container app: CrashLoopBackOff, it ended with exit code 1 (Error), 4 restarts: back-off 5m0s"
    );
    assert_eq!(
        pod(waiting("ImagePullBackOff", "Back-off pulling")),
        "not yet: container app: ImagePullBackOff (example.com/app:1): Back-off pulling"
    );
    assert_eq!(
        pod(json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/3 nodes are available"}]})),
        "not yet: PodScheduled is False: Unschedulable: 0/3 nodes are available"
    );
    assert_eq!(pod(json!({"phase": "Succeeded"})), "ready");
    assert_eq!(
        pod(json!({"phase": "Failed", "reason": "Evicted", "message": "disk"})),
        "failed: Evicted: disk"
    );
    assert_eq!(
        pod(json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})),
        "ready"
    );
    assert_eq!(
        pod(
            json!({"phase": "Failed", "containerStatuses": [{"name": "app", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]})
        ),
        "failed: container app ended with exit code 3 (Error)"
    );
}

#[test]
fn services_volumes_and_definitions() {
    let service = |spec, status| of(object("v1", "Service", 0, spec, status));
    assert_eq!(service(json!({"type": "ClusterIP"}), json!({})), "ready");
    assert_eq!(
        service(json!({"type": "LoadBalancer"}), json!({"loadBalancer": {}})),
        "not yet: its load balancer has no address yet"
    );
    assert_eq!(
        service(json!({"type": "LoadBalancer"}), json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})),
        "ready"
    );
    let claim =
        |phase: &str| of(object("v1", "PersistentVolumeClaim", 0, json!({}), json!({"phase": phase})));
    assert_eq!(claim("Bound"), "ready");
    assert_eq!(claim("Pending"), "not yet: it is Pending");
    assert_eq!(claim("Lost"), "failed: it is Lost");
    let crd = |conditions: Value| {
        of(object(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            1,
            json!({}),
            json!({"conditions": conditions}),
        ))
    };
    assert_eq!(crd(json!([])), "not yet: the API server has not accepted it yet");
    assert_eq!(crd(json!([{"type": "Established", "status": "True"}])), "ready");
    assert_eq!(
        crd(
            json!([{"type": "NamesAccepted", "status": "False", "reason": "ListKindConflict", "message": "taken"}])
        ),
        "failed: NamesAccepted is False: ListKindConflict: taken"
    );
}

#[test]
fn custom_resources_by_their_conditions() {
    let custom = |status| of(object("example.com/v1", "Widget", 3, json!({}), status));
    assert_eq!(custom(json!({})), "ready");
    assert_eq!(custom(json!({"conditions": [{"type": "Ready", "status": "True"}]})), "ready");
    assert_eq!(
        custom(
            json!({"conditions": [{"type": "Ready", "status": "False", "reason": "Waiting", "message": "for a friend"}]})
        ),
        "not yet: Ready is False: Waiting: for a friend"
    );
    assert_eq!(
        custom(json!({"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 2}]})),
        "not yet: its condition Ready speaks of an older generation"
    );
    assert_eq!(
        custom(json!({"observedGeneration": 2})),
        "not yet: its controller has seen generation 2 of 3"
    );
    assert_eq!(
        custom(json!({"conditions": [{"type": "Stalled", "status": "True", "reason": "No", "message": ""}]})),
        "failed: Stalled is True: No"
    );
}

#[test]
fn what_is_being_deleted_is_not_ready_and_names_its_finalizers() {
    let going = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a",
        "deletionTimestamp": "2026-11-01T10:00:00Z", "finalizers": ["example.com/hold"]}});
    assert_eq!(
        of(going),
        "not yet: it is being deleted since 2026-11-01T10:00:00Z, held by finalizer example.com/hold"
    );
}

#[test]
fn objects_that_only_hold_something_are_ready_at_once() {
    for (version, kind) in [("v1", "ConfigMap"), ("v1", "Secret"), ("rbac.authorization.k8s.io/v1", "Role")] {
        assert_eq!(of(json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}})), "ready");
    }
}
