//! Faults of the worst kind, an effect that panics and servers that accept and never answer: they
//! cost the one attempt that meets them, and delay nobody else. Cases I03 and I08.
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tidegate::adapter::clock::SystemClock;
use tidegate::adapter::clusters::KubeconfigClusters;
use tidegate::adapter::exec::LocalScripts;
use tidegate::adapter::git::GitCli;
use tidegate::adapter::helm::HelmCli;
use tidegate::adapter::host::LocalHost;
use tidegate::adapter::packages::GitPackages;
use tidegate::adapter::prometheus::Prometheus;
use tidegate::adapter::secrets::LocalSecrets;
use tidegate::adapter::signatures::SshKeygen;
use tidegate::adapter::sqlite::SqliteJournal;
use tidegate::engine::{self, Drive, Ended, Rules, StopRequest, Times, Until, World};
use tidegate::model::Actor;
use tidegate::port::{Fault, ScriptRequest, ScriptResult, Scripts, SpawnHook, Spawned};

use crate::bed::{Bed, ClusterSpec, Fault as NetFault, Link, Rule};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

/// Scripts as they are, but for one cluster, where running one panics.
struct Panicking {
    scripts: LocalScripts,
    on: &'static str,
}

#[async_trait]
impl Scripts for Panicking {
    async fn run(
        &self,
        request: ScriptRequest,
        spawned: &(dyn SpawnHook + Sync),
    ) -> Result<ScriptResult, Fault> {
        let here = request.env.get("TIDEGATE_CLUSTER").map(String::as_str) == Some(self.on);
        assert!(!here, "the boiler burst");
        self.scripts.run(request, spawned).await
    }

    async fn end(&self, spawned: Spawned) -> Result<bool, Fault> {
        self.scripts.end(spawned).await
    }
}

/// The world as the binary makes it, with other scripts.
async fn world(lab: &Lab, scripts: Panicking) -> World {
    let git = Arc::new(GitCli::discover(&lab.repo()).await.unwrap());
    let journal = lab.around().join("journal.db");
    let actor = Actor("person:rosa@example.com".to_owned());
    World {
        clock: Arc::new(SystemClock),
        host: Arc::new(LocalHost::new()),
        clusters: Arc::new(KubeconfigClusters::new(lab.repo(), None)),
        renderer: Arc::new(HelmCli::find()),
        scripts: Arc::new(scripts),
        secrets: Arc::new(LocalSecrets::new(lab.repo(), None)),
        metrics: Arc::new(Prometheus),
        signatures: Arc::new(SshKeygen),
        packages: Arc::new(GitPackages::new(Arc::clone(&git) as _)),
        git: git as _,
        journal: Arc::new(SqliteJournal::open(journal, jiff::Timestamp::now(), &actor).unwrap()),
    }
}

const SCRIPTED: &str = "  deploy:
    - manifests: { path: manifests }
    - run: { name: boil, command: [\"true\"], idempotent: true }
  tests:
    - run: { name: fine, command: [\"true\"] }
";

/// I03: the step that panicked is recorded as an outcome that nobody knows; its attempt fails as
/// `unknown` and is not tried again, the driver lives, and the other clusters are brought to their
/// end. A person's `retry` takes it up again.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_i03_a_panic_in_an_effect_costs_its_own_attempt_only() {
    let specs = ["burst", "calm", "quiet"].map(ClusterSpec::api_only).to_vec();
    let clusters = Bed::shared().await.clusters(specs).await;
    let members: Vec<Member> = clusters.iter().map(|c| Member::of(c, "prod")).collect();
    let waves = "\n    - { name: prod, selector: { env: prod }, atOnce: 2, failureBudget: 1 }\n";
    let lab = tiny::lab(&members, waves);
    let lab = tiny::beside(move || {
        tiny::product(&lab, "boiler", "1.0.0", SCRIPTED, &tiny::config("boiler", "warm"));
        tiny::release(&lab, "R1", None, "{ boiler: 1.0.0 }");
        tiny::cut(&lab, "R1");
        let plan = tiny::plan(&lab, "R1");
        lab.run(&["rollout", "start", &plan, "--detach"]).ok();
        lab
    })
    .await;

    let world = world(&lab, Panicking { scripts: LocalScripts::new(), on: "burst" }).await;
    let (_keep, stop) = tokio::sync::watch::channel(StopRequest::None);
    let options =
        Drive { rollouts: Vec::new(), until: Until::Blocked, standby: false, stop, rules: Rules::default() };
    let mut names = Vec::new();
    let (ended, follower) = {
        let mut seen = |event: &tidegate::journal::Event, _: &tidegate::rollout::FleetState| {
            names.push(event.body.name().to_owned());
        };
        engine::drive(&world, &Times::default(), options, &mut seen).await.unwrap()
    };
    assert!(matches!(ended, Ended::Blocked(_)), "{ended:?}");
    let rollout = follower.state().rollouts().next().unwrap();
    let of = |name: &str| {
        let attempt = rollout.cluster(&name.parse().unwrap()).unwrap().attempt();
        (attempt.number(), format!("{:?}", attempt.state()), attempt.cause().unwrap_or_default().to_owned())
    };
    let (tries, state, cause) = of("burst");
    assert_eq!((tries, state.as_str()), (1, "Failed(Unknown)"), "{cause}");
    assert!(cause.contains("the boiler burst"), "{cause}");
    for name in ["calm", "quiet"] {
        assert_eq!(of(name).1, "Succeeded", "{}", of(name).2);
    }
    assert_eq!(names.last().map(String::as_str), Some("driver.released"), "the driver ended in disorder");

    tiny::beside(move || {
        let why = lab.tidegate("rollout why R1 --cluster burst").ok();
        assert!(why.out.contains("boiler/boil") && why.out.contains("retry"), "{}", why.out);
        lab.run(&["rollout", "retry", "R1", "--failed", "--reason", "mended"]).ok();
        lab.tidegate("rollout run R1").ok();
        lab.tidegate("journal verify").ok();
    })
    .await;
}

/// A credential plugin that never answers, and leaves its number behind.
fn hanging_plugin(folder: &Path) -> String {
    let program = folder.join("hanging-plugin");
    std::fs::write(&program, "#!/bin/sh\necho $$ >>\"$(dirname \"$0\")/plugin.pids\"\nexec sleep 3600\n")
        .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program.display().to_string()
}

/// The kubeconfig with its user's credentials replaced by a plugin.
fn with_plugin(kubeconfig: &Path, program: &str) -> String {
    let text = std::fs::read_to_string(kubeconfig).unwrap();
    let mut config: Value = serde_saphyr::from_str(&text).unwrap();
    config["users"][0]["user"] = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1",
        "command": program, "interactiveMode": "Never"}});
    config.to_string()
}

/// I08: an API server that accepts and is silent, a credential plugin that hangs, and a write whose
/// answer never comes. The first two are given up at the deadline and deferred, the plugin is
/// ended, the write is tried again; clusters that are well are done long before.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_i08_what_never_answers_is_given_up_in_time_and_delays_nobody() {
    let specs = ["mute", "keyless", "slow", "well"].map(ClusterSpec::api_only).to_vec();
    let clusters = Bed::shared().await.clusters(specs).await;
    let waves = "\n    - { name: prod, selector: { env: prod }, atOnce: 4, deferredBudget: 2 }\n";
    tiny::beside(move || {
        let mut members: Vec<Member> = clusters.iter().map(|c| Member::of(c, "prod")).collect();
        let folder = tempfile::tempdir().unwrap();
        let keyless = folder.path().join("keyless.kubeconfig");
        std::fs::copy(&members[1].kubeconfig, &keyless).unwrap();
        members[1].kubeconfig.clone_from(&keyless);
        let mut lab = tiny::lab(&members, waves);
        lab.set("TIDEGATE_REACH_TIMEOUT", "6s");
        lab.set("TIDEGATE_REQUEST_TIMEOUT", "2s");
        tiny::first(&lab, PLAIN, &tiny::config("app", "one"));
        let plan = tiny::plan(&lab, "R1");
        lab.run(&["rollout", "start", &plan, "--detach"]).ok();

        clusters[0].faults().link(Link::HalfOpen);
        let hang = Rule::new(NetFault::Hang).method("PATCH").path("/configmaps/app").times(1);
        clusters[2].faults().add(hang);
        let broken = with_plugin(&keyless, &hanging_plugin(folder.path()));
        std::fs::write(&keyless, broken).unwrap();
        let began = std::time::Instant::now();
        lab.tidegate("rollout run R1").exits(14);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(40), "driving took {took:?}");

        let events = lab.events();
        let at = |event: &Value| event["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let claimed = |name: &str| at(tiny::events(&events, "attempt.claimed", name)[0]);
        let mut given_up = Vec::new();
        for name in ["mute", "keyless"] {
            let verdict = tiny::events(&events, "attempt.preflighted", name)[0];
            assert_eq!(verdict["verdict"], "deferred", "{verdict:#}");
            let after = at(verdict).duration_since(claimed(name));
            assert!(after.as_secs() <= 10, "{name} was given up after {after}");
            given_up.push(at(verdict));
        }
        for name in ["slow", "well"] {
            let ended = tiny::events(&events, "attempt.finished", name)[0];
            assert_eq!(ended["result"], "succeeded", "{ended:#}");
            assert!(given_up.iter().all(|moment| at(ended) < *moment), "{name} waited for another cluster");
        }
        assert!(clusters[2].faults().hits() == 1, "the hanging write was not met");
        let pids = std::fs::read_to_string(folder.path().join("plugin.pids")).unwrap();
        for pid in pids.lines() {
            assert!(!Path::new("/proc").join(pid).exists(), "the plugin {pid} was left behind");
        }
    })
    .await;
}
