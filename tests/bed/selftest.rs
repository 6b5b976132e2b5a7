//! The bed does what the other tests rely on. One test per promise; each says
//! how long its parts took.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod, Service};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, Error};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::bed::{Bed, ClusterSpec, Fault, Link, Rule, start_time};

/// Waits for a condition, at most 30 s; answers how long it took.
async fn until(what: &str, done: impl AsyncFn() -> bool) -> Duration {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "no {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    eprintln!("  {what}: {:.2} s", begun.elapsed().as_secs_f64());
    begun.elapsed()
}

fn deployment(name: &str, replicas: u32, annotations: Value) -> Deployment {
    let labels = json!({"app": name});
    serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels, "annotations": annotations},
            "spec": {"containers": [{"name": "main", "image": "example.test/app:1"}]},
        }},
    }))
    .unwrap()
}

fn job(name: &str, annotations: Value) -> Job {
    serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {
            "metadata": {"labels": {"app": name}, "annotations": annotations},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "example.test/job:1"}]},
        }},
    }))
    .unwrap()
}

fn config_map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"key": "value"}})).unwrap()
}

async fn ready_replicas(api: &Api<Deployment>, name: &str) -> i32 {
    let status = api.get(name).await.unwrap().status.unwrap_or_default();
    status.ready_replicas.unwrap_or(0)
}

/// The waiting reason of the first container of the first pod of an app.
async fn waiting_reason(client: &Client, app: &str) -> Option<String> {
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let labelled = ListParams::default().labels(&format!("app={app}"));
    let list = pods.list(&labelled);
    let statuses = list.await.unwrap().items.pop()?.status?.container_statuses?;
    statuses.first()?.state.clone()?.waiting?.reason
}

fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Api(status) => Some(status.code),
        _ => None,
    }
}

#[tokio::test]
async fn a_complete_cluster_runs_deployments_and_jobs() {
    let begun = Instant::now();
    let cluster = Bed::shared().await.cluster(ClusterSpec::complete("workloads", 3)).await;
    eprintln!("  complete cluster of 3 nodes: {:.2} s", begun.elapsed().as_secs_f64());
    let client = cluster.client().await;
    let nodes: Api<Node> = Api::all(client.clone());
    assert_eq!(nodes.list(&ListParams::default()).await.unwrap().items.len(), 3);

    let create = PostParams::default();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let web = deployment("web", 3, json!({}));
    deployments.create(&create, &web).await.unwrap();
    until("deployment of 3 ready", async || ready_replicas(&deployments, "web").await == 3).await;

    let jobs: Api<Job> = Api::default_namespaced(client.clone());
    jobs.create(&create, &job("once", json!({}))).await.unwrap();
    until("job complete", async || {
        let status = jobs.get("once").await.unwrap().status.unwrap_or_default();
        status.succeeded == Some(1) && status.completion_time.is_some()
    })
    .await;

    let services: Api<Service> = Api::default_namespaced(client.clone());
    let front = json!({"metadata": {"name": "front"}, "spec": {
        "type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}],
    }});
    let front = serde_json::from_value(front).unwrap();
    services.create(&create, &front).await.unwrap();
    cluster.give_address("default", "front", "192.0.2.7").await.unwrap();
    let status = services.get("front").await.unwrap().status.unwrap();
    let ingress = status.load_balancer.unwrap().ingress.unwrap();
    assert_eq!(ingress[0].ip.as_deref(), Some("192.0.2.7"));
}

#[tokio::test]
async fn annotations_decide_the_fate_of_pods_and_nodes() {
    let bed = Bed::shared().await;
    let cluster = bed.cluster(ClusterSpec::complete("fates", 1)).await;
    let client = cluster.client().await;
    let create = PostParams::default();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    for fate in ["crash-loop", "bad-image", "never-ready"] {
        let doomed = deployment(fate, 1, json!({"bed.tidegate.dev/fate": fate}));
        deployments.create(&create, &doomed).await.unwrap();
    }
    let slow = deployment("slow", 1, json!({"bed.tidegate.dev/ready-after": "2s"}));
    deployments.create(&create, &slow).await.unwrap();
    let jobs: Api<Job> = Api::default_namespaced(client.clone());
    for fate in ["fails", "never-ends"] {
        let doomed = job(fate, json!({"bed.tidegate.dev/fate": fate}));
        jobs.create(&create, &doomed).await.unwrap();
    }
    let long = job("long", json!({"bed.tidegate.dev/runs-for": "3s"}));
    jobs.create(&create, &long).await.unwrap();

    until("crash loop", async || {
        waiting_reason(&client, "crash-loop").await.as_deref() == Some("CrashLoopBackOff")
    })
    .await;
    until("image pull back-off", async || {
        waiting_reason(&client, "bad-image").await.as_deref() == Some("ImagePullBackOff")
    })
    .await;
    let status = async |name: &str| jobs.get(name).await.unwrap().status.unwrap_or_default();
    until("job failed", async || status("fails").await.failed == Some(1)).await;
    until("slow start ready", async || ready_replicas(&deployments, "slow").await == 1).await;
    until("long job complete", async || status("long").await.succeeded == Some(1)).await;
    // By now everything that could have ended well has had the time for it.
    assert_eq!(status("never-ends").await.active, Some(1));
    for fate in ["crash-loop", "bad-image", "never-ready"] {
        assert_eq!(ready_replicas(&deployments, fate).await, 0, "{fate}");
    }

    let nodes: Api<Node> = Api::all(client.clone());
    let ready = async || {
        let status = nodes.get("fates-node-1").await.unwrap().status.unwrap();
        let conditions = status.conditions.unwrap();
        conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
    };
    for (fate, expected) in [(json!("not-ready"), false), (Value::Null, true)] {
        let patch = json!({"metadata": {"annotations": {"bed.tidegate.dev/fate": fate}}});
        let merge = Patch::Merge(&patch);
        nodes.patch("fates-node-1", &PatchParams::default(), &merge).await.unwrap();
        until("node readiness follows", async || ready().await == expected).await;
    }
}

#[tokio::test]
async fn a_killed_api_server_comes_back_with_its_data() {
    let bed = Bed::shared().await;
    let begun = Instant::now();
    let cluster = bed.cluster(ClusterSpec::api_only("killed")).await;
    eprintln!("  API server alone: {:.2} s", begun.elapsed().as_secs_f64());
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client().await);
    maps.create(&PostParams::default(), &config_map("kept")).await.unwrap();
    cluster.kill().await;
    assert!(maps.get("kept").await.is_err(), "a dead server answers");
    let begun = Instant::now();
    cluster.start().await.unwrap();
    eprintln!("  start again: {:.2} s", begun.elapsed().as_secs_f64());
    maps.get("kept").await.unwrap();
    let took = cluster.stop().await;
    eprintln!("  graceful stop: {:.2} s", took.as_secs_f64());
    assert!(!cluster.is_ready().await);
}

#[tokio::test]
async fn workloads_go_on_after_the_api_server_was_killed() {
    let bed = Bed::shared().await;
    let cluster = bed.cluster(ClusterSpec::complete("restarted", 1)).await;
    let deployments: Api<Deployment> = Api::default_namespaced(cluster.client().await);
    let create = async |name: &str| {
        let deployment = deployment(name, 2, json!({}));
        deployments.create(&PostParams::default(), &deployment).await.unwrap();
    };
    create("before").await;
    until("deployment of 2 ready", async || ready_replicas(&deployments, "before").await == 2).await;
    cluster.kill().await;
    cluster.start().await.unwrap();
    create("after").await;
    until("deployment of 2 ready after the restart", async || {
        ready_replicas(&deployments, "after").await == 2
    })
    .await;
    assert_eq!(ready_replicas(&deployments, "before").await, 2);
}

#[tokio::test]
async fn an_upgrade_is_a_restart_as_the_next_minor() {
    let bed = Bed::shared().await;
    let spec = ClusterSpec::api_only("upgraded").emulated("1.35");
    let cluster = bed.cluster(spec).await;
    let served = async || {
        let version = cluster.client().await.apiserver_version().await.unwrap();
        version.emulation_minor.unwrap_or(version.minor)
    };
    assert_eq!(served().await, "35");
    let uid = cluster.uid().to_owned();
    let begun = Instant::now();
    cluster.restart_as("1.36").await.unwrap();
    eprintln!("  hop: {:.2} s", begun.elapsed().as_secs_f64());
    assert_eq!(served().await, "36");
    assert_eq!(cluster.uid(), uid);
}

#[tokio::test]
async fn a_frozen_api_server_lets_requests_hang() {
    let bed = Bed::shared().await;
    let cluster = bed.cluster(ClusterSpec::api_only("frozen")).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client().await);
    maps.list(&ListParams::default()).await.unwrap();
    cluster.freeze().await;
    let everything = ListParams::default();
    let asked = tokio::time::timeout(Duration::from_secs(1), maps.list(&everything));
    assert!(asked.await.is_err(), "a frozen server answers");
    cluster.thaw().await;
    maps.list(&everything).await.unwrap();
}

#[tokio::test]
async fn a_cluster_with_its_own_etcd_survives_the_loss_of_it() {
    let bed = Bed::shared().await;
    let cluster = bed.cluster(ClusterSpec::api_only("alone").own_etcd()).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client().await);
    maps.create(&PostParams::default(), &config_map("kept")).await.unwrap();
    cluster.kill_etcd().await.unwrap();
    let map = config_map("lost");
    let write = tokio::time::timeout(Duration::from_secs(2), async {
        maps.create(&PostParams::default(), &map).await
    });
    assert!(!matches!(write.await, Ok(Ok(_))), "written without etcd");
    cluster.start_etcd().await.unwrap();
    until("reads after etcd is back", async || maps.get("kept").await.is_ok()).await;
}

#[tokio::test]
async fn the_proxy_answers_with_faults_as_told() {
    let bed = Bed::shared().await;
    let cluster = bed.cluster(ClusterSpec::api_only("faulty")).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client_via_proxy().await);
    let direct: Api<ConfigMap> = Api::default_namespaced(cluster.client().await);
    let (faults, create, all) = (cluster.faults(), PostParams::default(), ListParams::default());
    maps.list(&all).await.unwrap();

    // Two 500s for writes; reads pass between them.
    faults.add(Rule::new(Fault::status(500)).method("POST").path("/configmaps").times(2));
    for _ in 0..2 {
        let refused = maps.create(&create, &config_map("third")).await.unwrap_err();
        assert_eq!(code(&refused), Some(500), "{refused}");
        maps.list(&all).await.unwrap();
    }
    maps.create(&create, &config_map("third")).await.unwrap();
    assert_eq!(faults.hits(), 2);

    for (fault, expected) in [
        (Fault::status(401), 401),
        (Fault::status(403), 403),
        (Fault::status(409), 409),
        (Fault::status(410), 410),
        (Fault::throttled(1), 429),
    ] {
        faults.add(Rule::new(fault).times(1));
        let refused = maps.list(&all).await.unwrap_err();
        assert_eq!(code(&refused), Some(expected), "{refused}");
    }

    faults.add(Rule::new(Fault::LoseAnswer).method("POST").times(1));
    assert!(maps.create(&create, &config_map("unheard")).await.is_err());
    direct.get("unheard").await.unwrap();

    for fault in [Fault::Truncate(20), Fault::Close] {
        faults.add(Rule::new(fault.clone()).times(1));
        assert!(maps.list(&all).await.is_err(), "{fault:?} passes");
        maps.list(&all).await.unwrap();
    }
    for fault in [Fault::Stall(20), Fault::Hang] {
        faults.add(Rule::new(fault.clone()).times(1));
        let asked = tokio::time::timeout(Duration::from_millis(500), maps.list(&all));
        assert!(asked.await.is_err(), "{fault:?} answers");
    }
    faults.latency(Duration::from_millis(300));
    let begun = Instant::now();
    maps.list(&all).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    faults.clear();
    maps.list(&all).await.unwrap();
}

#[tokio::test]
async fn the_proxy_breaks_and_mends_the_link() {
    let bed = Bed::shared().await;
    let cluster = bed.cluster(ClusterSpec::api_only("link")).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client_via_proxy().await);
    let all = ListParams::default();
    let asked = async || tokio::time::timeout(Duration::from_millis(800), maps.list(&all)).await;
    for link in [Link::Refuse, Link::HalfOpen, Link::Reset] {
        maps.list(&all).await.unwrap();
        cluster.faults().link(link);
        match (link, asked().await) {
            (Link::HalfOpen, Err(_silence)) => {}
            (Link::Refuse | Link::Reset, Ok(Err(_broken))) => {}
            (link, answer) => panic!("{link:?}: {answer:?}"),
        }
        cluster.faults().link(Link::Open);
        until("link open again", async || matches!(asked().await, Ok(Ok(_)))).await;
    }
    cluster.faults().cut();
    until("new connections after a cut", async || matches!(asked().await, Ok(Ok(_)))).await;
}

#[tokio::test]
async fn the_audit_log_shows_who_wrote_what() {
    let bed = Bed::shared().await;
    let cluster = bed.cluster(ClusterSpec::api_only("audited")).await;
    let config = Kubeconfig::read_from(cluster.kubeconfig()).unwrap();
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(config, &options).await.unwrap();
    let agent = "selftest/1 (attempt 7)".parse().unwrap();
    config.headers.push((hyper::header::USER_AGENT, agent));
    let maps: Api<ConfigMap> = Api::default_namespaced(Client::try_from(config).unwrap());
    maps.create(&PostParams::default(), &config_map("traced")).await.unwrap();
    let event = cluster
        .audit_until(|e| e.user_agent.contains("attempt 7") && e.stage == "ResponseComplete")
        .await
        .unwrap();
    assert!(event.is_write());
    assert_eq!((event.verb.as_str(), event.code()), ("create", 201));
    assert_eq!(event.object_ref.unwrap().resource, "configmaps");
    assert!(event.stage_timestamp >= event.request_received_timestamp);
    let stages = cluster.audit();
    let stages = stages.iter().filter(|e| e.audit_id == event.audit_id);
    assert_eq!(stages.count(), 2, "a write shows when it comes and when it ends");
}

#[tokio::test]
async fn users_have_the_rights_they_were_given() {
    let bed = Bed::shared().await;
    let cluster = bed.cluster(ClusterSpec::api_only("rights")).await;
    let client = async |path: &std::path::Path| {
        let config = Kubeconfig::read_from(path).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(config, &options).await.unwrap();
        Api::<ConfigMap>::default_namespaced(Client::try_from(config).unwrap())
    };
    let nobody = client(&cluster.kubeconfig_of_nobody()).await;
    let refused = nobody.list(&ListParams::default()).await.unwrap_err();
    assert_eq!(code(&refused), Some(403), "{refused}");
    let path =
        cluster.service_account_kubeconfig("default", "reader", "system:aggregate-to-view").await.unwrap();
    let reader = client(&path).await;
    until("reading as a service account", async || reader.list(&ListParams::default()).await.is_ok()).await;
    let refused = reader.create(&PostParams::default(), &config_map("no")).await.unwrap_err();
    assert_eq!(code(&refused), Some(403), "{refused}");
}

#[tokio::test]
async fn a_dropped_cluster_leaves_no_process_behind() {
    let bed = Bed::shared().await;
    let cluster = bed.cluster(ClusterSpec::complete("dropped", 1).own_etcd()).await;
    let pids = cluster.pids().await;
    assert_eq!(pids.len(), 5);
    assert!(pids.iter().all(|pid| start_time(*pid).is_some()));
    drop(cluster);
    until("end of 5 processes", async || pids.iter().all(|pid| start_time(*pid).is_none())).await;
}

/// The variable under which this binary plays the harness that gets killed.
const VICTIM: &str = "TIDEGATE_BED_SELFTEST_VICTIM";

#[tokio::test]
async fn a_killed_harness_takes_its_clusters_along() {
    if std::env::var_os(VICTIM).is_some() {
        let bed = Bed::shared().await;
        let cluster = bed.cluster(ClusterSpec::complete("victim", 1)).await;
        eprintln!("PIDS {:?}", cluster.pids().await);
        std::future::pending::<()>().await;
    }
    let name = std::thread::current().name().unwrap().to_owned();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([&name, "--exact", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(victim.stderr.take().unwrap()).lines();
    let line = said.map_while(Result::ok).find(|l| l.starts_with("PIDS ")).unwrap();
    let pids: Vec<u32> = serde_json::from_str(&line["PIDS ".len()..]).unwrap();
    assert_eq!(pids.len(), 4);
    assert!(pids.iter().all(|pid| start_time(*pid).is_some()));
    let pid = Pid::from_raw(i32::try_from(victim.id()).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    victim.wait().unwrap();
    until("end of the orphans", async || pids.iter().all(|pid| start_time(*pid).is_none())).await;
}
