//! One product of 1,000 objects in one cluster: made, applied again unchanged, and changed, by tidegate
//! and by `kubectl apply --server-side`, in the same run on the same API server, time and requests.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::bed::{Bed, ClusterSpec};
use crate::desk::{Desk, Shop};

const ROUNDS: usize = 3;
const AGENT: &str = "tidegate-bench";

/// What was measured of one way of applying.
#[derive(Default)]
struct Measured {
    times: Vec<Duration>,
    requests: Vec<usize>,
}

impl Measured {
    fn line(&self) -> String {
        let mut times = self.times.clone();
        times.sort();
        let mut requests = self.requests.clone();
        requests.sort_unstable();
        let middle = times.len() / 2;
        format!("{:>6.2} s  {:>5} requests", times[middle].as_secs_f64(), requests[middle])
    }
}

/// A thousand objects of seven kinds; `change` is in every one of them.
fn objects(namespace: &str, change: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut add = |count: usize, api: &str, kind: &str, rest: &dyn Fn(usize) -> Value| {
        for n in 0..count {
            let mut object = json!({"apiVersion": api, "kind": kind, "metadata": {
                "name": format!("{}-{n}", kind.to_lowercase()), "namespace": namespace,
                "labels": {"app.kubernetes.io/name": "bench"}, "annotations": {"bench": change}}});
            if let (Some(object), Value::Object(rest)) = (object.as_object_mut(), rest(n)) {
                object.extend(rest);
            }
            all.push(object);
        }
    };
    let rbac = "rbac.authorization.k8s.io";
    add(
        400,
        "v1",
        "ConfigMap",
        &|n| json!({"data": {"n": n.to_string(), "text": "some text that is not long"}}),
    );
    add(100, "v1", "Secret", &|n| json!({"stringData": {"n": n.to_string()}}));
    add(100, "v1", "ServiceAccount", &|_| json!({}));
    add(
        100,
        &format!("{rbac}/v1"),
        "Role",
        &|_| json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]}),
    );
    add(100, &format!("{rbac}/v1"), "RoleBinding", &|n| {
        json!({"roleRef": {"apiGroup": rbac, "kind": "Role", "name": format!("role-{n}")},
            "subjects": [{"kind": "ServiceAccount", "name": format!("serviceaccount-{n}"), "namespace": namespace}]})
    });
    add(
        100,
        "v1",
        "Service",
        &|n| json!({"spec": {"selector": {"app": n.to_string()}, "ports": [{"port": 80}]}}),
    );
    add(100, "apps/v1", "Deployment", &|n| {
        let labels = json!({"app": n.to_string()});
        json!({"spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]}}}})
    });
    all
}

async fn kubectl(tool: &Path, kubeconfig: &Path, file: &Path) -> Duration {
    let began = Instant::now();
    let ran = tokio::process::Command::new(tool)
        .args(["apply", "--server-side", "--field-manager=bench", "--kubeconfig"])
        .arg(kubeconfig)
        .arg("-f")
        .arg(file)
        .stdout(Stdio::null())
        .status()
        .await;
    assert!(ran.is_ok_and(|status| status.success()), "kubectl apply failed");
    began.elapsed()
}

/// Runs it and prints the table.
pub async fn run() {
    let bed = Bed::shared().await;
    let desk = Desk::new(ClusterSpec::api_only("bench")).await;
    let tool = bed.tool("kubectl").await;
    let config = Kubeconfig::read_from(desk.bed.kubeconfig()).unwrap();
    let mut config =
        kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    config.default_retry = false;
    config.headers.push((hyper::header::USER_AGENT, AGENT.parse().unwrap()));
    let cluster = desk.over(kube::Client::try_from(config).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let requests = |agent: &str| {
        desk.bed
            .audit()
            .iter()
            .filter(|e| e.stage == "ResponseComplete" && e.user_agent.starts_with(agent))
            // The lease's renewals go on beside every way of applying.
            .filter(|e| e.object_ref.as_ref().is_none_or(|o| o.resource != "leases"))
            .count()
    };
    let mut ours: [Measured; 3] = Default::default();
    let mut theirs: [Measured; 3] = Default::default();
    for round in 0..ROUNDS {
        for namespace in [format!("ours-{round}"), format!("theirs-{round}")] {
            let object = crate::desk::namespace(&namespace);
            desk.send("POST", "/api/v1/namespaces", "application/json", &object).await;
        }
        let guard = desk.acquire(&cluster, &desk.claimant(1)).await.unwrap();
        let mut shop = Shop::new(&format!("bench-{round}"), Vec::new());
        for (n, change) in ["one", "one", "two"].into_iter().enumerate() {
            let object = objects(&format!("ours-{round}"), change);
            let same = shop.objects == object;
            if !same {
                shop.becomes(object);
            }
            let (before, began) = (requests(AGENT), Instant::now());
            let applied = shop.apply(&guard).await.unwrap();
            ours[n].times.push(began.elapsed());
            ours[n].requests.push(requests(AGENT) - before);
            assert_eq!(applied.skipped, if same { 1000 } else { 0 });

            let list = json!({"apiVersion": "v1", "kind": "List", "items": objects(&format!("theirs-{round}"), change)});
            let file = folder.path().join("objects.json");
            std::fs::write(&file, list.to_string()).unwrap();
            let before = requests("kubectl");
            theirs[n].times.push(kubectl(&tool, &desk.bed.kubeconfig(), &file).await);
            theirs[n].requests.push(requests("kubectl") - before);
        }
        guard.release().await;
    }
    println!("1,000 objects in one cluster, median of {ROUNDS}");
    for (n, what) in ["create", "no change", "change"].into_iter().enumerate() {
        println!("  {what:<10} tidegate {}   kubectl {}", ours[n].line(), theirs[n].line());
    }
}
