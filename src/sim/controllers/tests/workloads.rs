//! Deployments, StatefulSets and DaemonSets: that they get where they should, or say that they do not.

use serde_json::{Value, json};

use super::super::fields::{count, list, set, text};
use super::*;

fn deployment(image: &str, more: &Value) -> Value {
    workload("Deployment", "web", image, more)
}

#[test]
fn a_deployment_gets_ready_and_says_so() {
    let mut lab = Lab::new();
    let web = apps("deployments", "web");
    lab.put(&web, deployment("web:1", &json!({"replicas": 3})));
    assert!(matches!(lab.verdict(&web), Verdict::NotYet(_)));
    lab.wait_ready(&web, 30);
    let status = lab.get(&web)["status"].clone();
    assert_eq!((count(&status, "/replicas"), count(&status, "/readyReplicas")), (3, 3));
    assert_eq!(lab.condition(&web, "Progressing"), ("True".into(), "NewReplicaSetAvailable".into()));
    assert_eq!(lab.condition(&web, "Available"), ("True".into(), "MinimumReplicasAvailable".into()));
    let nodes: std::collections::BTreeSet<String> =
        lab.pods("default").iter().map(|pod| text(pod, "/spec/nodeName").to_owned()).collect();
    assert_eq!(nodes.len(), 3, "one on each node");
}

#[test]
fn a_rolling_update_stays_within_its_bounds() {
    let mut lab = Lab::new();
    let web = apps("deployments", "web");
    let bounds = json!({"replicas": 4, "minReadySeconds": 3,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}});
    lab.put(&web, deployment("web:1", &bounds));
    lab.wait_ready(&web, 60);
    lab.put(&web, deployment("web:2", &bounds));
    let mut rounds = 0;
    while !lab.is_ready(&web) {
        lab.run(1);
        rounds += 1;
        assert!(rounds < 200, "{:?}", lab.verdict(&web));
        let status = lab.get(&web)["status"].clone();
        assert!(count(&status, "/availableReplicas") >= 3, "{status}");
        assert!(count(&status, "/replicas") <= 5, "{status}");
    }
    lab.run(10);
    let pods = lab.pods("default");
    assert!(pods.iter().all(|pod| pod["spec"]["containers"][0]["image"] == "web:2") && pods.len() == 4);
    let sets = lab.store.list("apps", "replicasets", Some("default"));
    assert_eq!(sets.len(), 2);
    assert_eq!(lab.get(&web)["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
}

#[test]
fn a_rollout_that_gets_nowhere_is_called_failed_and_the_way_back_works() {
    let mut lab = Lab::with(Conditions { unpullable: vec!["missing".into()], ..Conditions::default() });
    let web = apps("deployments", "web");
    let spec = json!({"replicas": 2, "progressDeadlineSeconds": 60});
    lab.put(&web, deployment("web:1", &spec));
    lab.wait_ready(&web, 30);
    lab.put(&web, deployment("missing:2", &spec));
    lab.run(50);
    assert!(matches!(lab.verdict(&web), Verdict::NotYet(_)));
    assert_eq!(count(&lab.get(&web)["status"], "/availableReplicas"), 2);
    lab.run(30);
    assert!(matches!(lab.verdict(&web), Verdict::Failed(_)), "{:?}", lab.verdict(&web));
    let waits =
        |pod: &Value| text(pod, "/status/containerStatuses/0/state/waiting/reason") == "ImagePullBackOff";
    assert_eq!(lab.pods("default").iter().filter(|pod| waits(pod)).count(), 1);
    lab.put(&web, deployment("web:1", &spec));
    lab.wait_ready(&web, 30);
    assert_eq!(lab.get(&web)["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "3");
}

#[test]
fn what_crashes_is_never_ready_and_says_why() {
    let mut lab = Lab::with(Conditions { crashing: vec!["crash".into()], ..Conditions::default() });
    let web = apps("deployments", "web");
    lab.put(&web, deployment("crash:1", &json!({"replicas": 1, "progressDeadlineSeconds": 100})));
    lab.run(90);
    assert!(matches!(lab.verdict(&web), Verdict::NotYet(_)));
    let pod = &lab.pods("default")[0];
    let cause = crate::apply::ready::pod_cause(pod).unwrap();
    assert!(cause.contains("CrashLoopBackOff") && cause.contains("restarts"), "{cause}");
    lab.run(30);
    assert!(matches!(lab.verdict(&web), Verdict::Failed(_)));
    // In time it is left alone.
    lab.run(7_200);
    let revision = lab.store.revision();
    lab.run(7_200);
    assert_eq!(lab.store.revision(), revision);
}

#[test]
fn sizes_change_and_nothing_is_a_size() {
    let mut lab = Lab::new();
    let web = apps("deployments", "web");
    lab.put(&web, deployment("web:1", &json!({"replicas": 2})));
    lab.wait_ready(&web, 30);
    lab.put(&web, deployment("web:1", &json!({"replicas": 5})));
    lab.wait_ready(&web, 30);
    assert_eq!(lab.pods("default").len(), 5);
    lab.put(&web, deployment("web:1", &json!({"replicas": 0})));
    lab.run(10);
    assert!(lab.is_ready(&web) && lab.pods("default").is_empty());
}

#[test]
fn recreate_takes_all_old_pods_away_first() {
    let mut lab = Lab::new();
    let web = apps("deployments", "web");
    let spec = json!({"replicas": 2, "strategy": {"type": "Recreate"}});
    lab.put(&web, deployment("web:1", &spec));
    lab.wait_ready(&web, 30);
    lab.put(&web, deployment("web:2", &spec));
    for _ in 0..30 {
        let images: std::collections::BTreeSet<String> =
            lab.pods("default").iter().map(|pod| pod["spec"]["containers"][0]["image"].to_string()).collect();
        assert!(images.len() <= 1, "{images:?}");
        lab.run(1);
    }
    assert!(lab.is_ready(&web));
}

#[test]
fn a_paused_deployment_stays_as_it_is() {
    let mut lab = Lab::new();
    let web = apps("deployments", "web");
    lab.put(&web, deployment("web:1", &json!({"replicas": 2})));
    lab.wait_ready(&web, 30);
    lab.put(&web, deployment("web:2", &json!({"replicas": 2, "paused": true})));
    lab.run(60);
    assert!(matches!(lab.verdict(&web), Verdict::NotYet(_)));
    assert_eq!(lab.condition(&web, "Progressing"), ("Unknown".into(), "DeploymentPaused".into()));
    lab.put(&web, deployment("web:2", &json!({"replicas": 2})));
    lab.wait_ready(&web, 60);
}

#[test]
fn only_so_many_old_replica_sets_are_remembered() {
    let mut lab = Lab::new();
    let web = apps("deployments", "web");
    for version in 1..=5 {
        let spec = json!({"replicas": 1, "revisionHistoryLimit": 2});
        lab.put(&web, deployment(&format!("web:{version}"), &spec));
        lab.wait_ready(&web, 60);
    }
    lab.run(10);
    assert_eq!(lab.store.list("apps", "replicasets", Some("default")).len(), 3);
}

#[test]
fn a_stateful_set_goes_one_by_one_and_keeps_its_volumes() {
    let mut lab = Lab::new();
    let db = apps("statefulsets", "db");
    let spec = json!({"replicas": 3, "serviceName": "db", "volumeClaimTemplates": [
        {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]});
    lab.put(&db, workload("StatefulSet", "db", "db:1", &spec));
    assert_eq!(lab.pods("default").len(), 1);
    lab.wait_ready(&db, 60);
    let claims = lab.store.list("", "persistentvolumeclaims", Some("default"));
    assert!(claims.iter().all(|(_, claim)| claim["status"]["phase"] == "Bound") && claims.len() == 3);
    lab.put(&db, workload("StatefulSet", "db", "db:2", &spec));
    assert!(matches!(lab.verdict(&db), Verdict::NotYet(_)));
    let images = |lab: &Lab| -> Vec<String> {
        lab.pods("default")
            .iter()
            .map(|pod| pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned())
            .collect()
    };
    lab.run(8);
    assert_eq!(images(&lab)[0], "db:1", "the highest number goes first");
    lab.wait_ready(&db, 90);
    assert_eq!(images(&lab), ["db:2"; 3]);
    let status = lab.get(&db)["status"].clone();
    assert_eq!(status["currentRevision"], status["updateRevision"]);
    let mut fewer = spec.clone();
    fewer["replicas"] = 1.into();
    lab.put(&db, workload("StatefulSet", "db", "db:2", &fewer));
    lab.run(20);
    assert_eq!(lab.pods("default").len(), 1);
    assert_eq!(lab.store.list("", "persistentvolumeclaims", Some("default")).len(), 3);
}

#[test]
fn a_partition_keeps_the_first_pods_as_they_are() {
    let mut lab = Lab::new();
    let db = apps("statefulsets", "db");
    let spec = json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
    lab.put(&db, workload("StatefulSet", "db", "db:1", &spec));
    lab.wait_ready(&db, 60);
    lab.put(&db, workload("StatefulSet", "db", "db:2", &spec));
    lab.run(30);
    assert!(lab.is_ready(&db), "{:?}", lab.verdict(&db));
    assert_eq!(count(&lab.get(&db)["status"], "/updatedReplicas"), 1);
    assert_eq!(count(&lab.get(&db)["status"], "/currentReplicas"), 2);
}

#[test]
fn a_daemon_set_is_on_every_node_and_is_updated_one_by_one() {
    let mut lab = Lab::new();
    let agent = apps("daemonsets", "agent");
    lab.put(&agent, workload("DaemonSet", "agent", "agent:1", &json!({})));
    lab.wait_ready(&agent, 30);
    assert_eq!(count(&lab.get(&agent)["status"], "/desiredNumberScheduled"), 3);
    lab.put(&agent, workload("DaemonSet", "agent", "agent:2", &json!({})));
    for _ in 0..90 {
        assert!(count(&lab.get(&agent)["status"], "/numberAvailable") >= 2);
        lab.run(1);
    }
    assert!(lab.is_ready(&agent));
    assert_eq!(count(&lab.get(&agent)["status"], "/updatedNumberScheduled"), 3);
    lab.edit(&Key::new("", "nodes", "", "node-1"), |node| {
        set(node, &["spec", "taints"], json!([{"key": "x", "effect": "NoExecute"}]));
    });
    lab.run(10);
    let status = lab.get(&agent)["status"].clone();
    assert_eq!((count(&status, "/desiredNumberScheduled"), count(&status, "/numberMisscheduled")), (2, 0));
    assert_eq!(lab.pods("default").len(), 2);
}

#[test]
fn a_surging_daemon_set_is_never_short() {
    let mut lab = Lab::new();
    let agent = apps("daemonsets", "agent");
    let spec = json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}});
    lab.put(&agent, workload("DaemonSet", "agent", "agent:1", &spec));
    lab.wait_ready(&agent, 30);
    lab.put(&agent, workload("DaemonSet", "agent", "agent:2", &spec));
    for _ in 0..90 {
        assert_eq!(count(&lab.get(&agent)["status"], "/numberAvailable"), 3);
        lab.run(1);
    }
    assert!(lab.is_ready(&agent), "{:?}", lab.verdict(&agent));
    assert_eq!(lab.pods("default").len(), 3);
}

#[test]
fn services_get_addresses_and_endpoints() {
    let mut lab = Lab::new();
    lab.put(&apps("deployments", "web"), deployment("web:1", &json!({"replicas": 2})));
    let service = core("services", "web");
    let spec = json!({"apiVersion": "v1", "kind": "Service", "metadata": {},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}});
    lab.put(&service, spec);
    assert!(matches!(lab.verdict(&service), Verdict::NotYet(_)));
    lab.wait_ready(&service, 10);
    assert!(text(&lab.get(&service), "/spec/clusterIP").starts_with("10.96."));
    lab.run(30);
    let slices = lab.store.list("discovery.k8s.io", "endpointslices", Some("default"));
    let slice = &slices[0].1;
    assert_eq!(list(slice, "/endpoints").len(), 2);
    assert!(list(slice, "/endpoints").iter().all(|end| end["conditions"]["ready"] == true));
    assert_eq!(slice["ports"][0]["port"], 8080);
}
