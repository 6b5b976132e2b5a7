//! What stands in an attempt's way before its first write: something that is missing is waited for,
//! something that is wrong fails, and neither leaves a trace in the cluster. Cases E17 and G13.
#![allow(clippy::unwrap_used)]

use kube::api::{Api, PostParams};

use crate::bed::{Bed, Cluster, ClusterSpec};
use crate::tiny::{self, Member, PLAIN};

/// A CronJob needs no controller to be ready, and its pods run as an account all the same.
const NIGHTLY: &str = "
apiVersion: batch/v1
kind: CronJob
metadata: { name: nightly, namespace: default }
spec:
  schedule: '0 3 * * *'
  jobTemplate:
    spec:
      template:
        spec:
          serviceAccountName: sweeper
          restartPolicy: Never
          containers: [ { name: sweep, image: 'registry.example.com/sweep:1@sha256:0000000000000000000000000000000000000000000000000000000000000000' } ]
";

fn account() -> k8s_openapi::api::core::v1::ServiceAccount {
    let mut account = k8s_openapi::api::core::v1::ServiceAccount::default();
    account.metadata.name = Some("sweeper".to_owned());
    account
}

async fn create_account(cluster: &Cluster) {
    let api = Api::namespaced(cluster.client().await, "default");
    api.create(&PostParams::default(), &account()).await.unwrap();
}

/// What tidegate wrote outside its own namespace.
fn written(cluster: &Cluster) -> Vec<String> {
    let all = cluster.audit().into_iter().filter(|e| e.is_write() && e.stage == "ResponseComplete");
    all.filter(|e| e.user_agent.starts_with("tidegate/"))
        .filter_map(|e| e.object_ref)
        // A `create` names nothing; the only one outside is that of the namespace itself.
        .filter(|o| o.namespace != "tidegate-system" && !["", "tidegate-system"].contains(&o.name.as_str()))
        .map(|o| format!("{} {}/{}", o.resource, o.namespace, o.name))
        .collect()
}

/// E17: a missing ServiceAccount blocks its cluster and no other; `why` names it; when it exists
/// the cluster goes on by itself, at the next look (every 30 s: this test waits for one).
#[tokio::test(flavor = "multi_thread")]
async fn fleet_e17_a_missing_service_account_blocks_and_is_waited_for() {
    let specs = vec![ClusterSpec::api_only("lacking"), ClusterSpec::api_only("furnished")];
    let mut both = Bed::shared().await.clusters(specs).await;
    let (furnished, lacking) = (both.remove(1), both.remove(0));
    create_account(&furnished).await;
    let lab = tiny::lab(&[Member::of(&lacking, "prod"), Member::of(&furnished, "prod")], tiny::WAVES);
    let (lab, mut driver, lacking) = tiny::beside(move || {
        tiny::product(&lab, "sweep", "1.0.0", PLAIN, NIGHTLY);
        tiny::release(&lab, "R1", None, "{ sweep: 1.0.0 }");
        tiny::cut(&lab, "R1");
        let plan = tiny::plan(&lab, "R1");
        let driver = lab.spawn(&["rollout", "start", &plan], "driver.log");
        tiny::until("the verdict on both clusters", || {
            let events = lab.events();
            let blocked = tiny::events(&events, "attempt.preflighted", "lacking").len();
            let done = tiny::events(&events, "attempt.finished", "furnished").len();
            (blocked >= 1 && done >= 1).then_some(())
        });
        let status = lab.tidegate("rollout status R1 -o json").ok().json();
        let attention = &status["data"]["attention"];
        assert_eq!(attention[0]["cluster"], "lacking", "{attention:#}");
        assert_eq!(attention[0]["state"], "blocked", "{attention:#}");
        let why = lab.tidegate("rollout why R1 --cluster lacking").ok();
        assert!(why.out.contains("sweeper") && why.out.contains("ServiceAccount"), "{}", why.out);
        assert_eq!(written(&lacking), Vec::<String>::new(), "a blocked cluster was written to");
        (lab, driver, lacking)
    })
    .await;
    create_account(&lacking).await;
    tiny::beside(move || {
        let ended = driver.wait().unwrap();
        assert!(ended.success(), "{ended}:\n{}", tiny::beside_text(&lab, "driver.log"));
        assert_eq!(written(&lacking), ["cronjobs default/nightly"]);
        let events = lab.events();
        let failed = events.iter().any(|e| e["event"] == "attempt.finished" && e["result"] == "failed");
        assert!(!failed, "blocked counted as failed");
        assert_eq!(tiny::events(&events, "attempt.preflighted", "lacking").len(), 2);
    })
    .await;
}

/// G13: two products that render one object are found by `plan --render`, and, if nobody looked
/// there, by the preflight before anything is written.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_g13_two_products_that_render_one_object_fail_before_the_first_write() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("shared")).await;
    tiny::beside(move || {
        let lab = tiny::lab(&[Member::of(&cluster, "staging")], tiny::WAVES);
        // The name comes from a template, so that no look at the files alone can find it.
        let objects = |own: &str| {
            format!("{}---\n{}", tiny::config(own, "x"), tiny::config("'{{ cluster.name }}-settings'", own))
        };
        tiny::product(&lab, "alpha", "1.0.0", PLAIN, &objects("alpha"));
        tiny::product(&lab, "beta", "1.0.0", PLAIN, &objects("beta"));
        tiny::release(&lab, "R1", None, "{ alpha: 1.0.0, beta: 1.0.0 }");
        tiny::cut(&lab, "R1");
        let named = |text: &str| ["shared-settings", "alpha", "beta"].iter().all(|name| text.contains(name));
        let rendered = lab.tidegate("plan R1 --render").exits(3);
        assert!(named(&rendered.err), "{}", rendered.err);

        let ran = tiny::start(&lab, "R1").exits(13);
        assert!(ran.err.contains("TG0611") && named(&ran.err), "{}", ran.err);
        assert_eq!(written(&cluster), Vec::<String>::new());
        let why = lab.tidegate("rollout why R1").ok();
        assert!(named(&why.out), "{}", why.out);
    })
    .await;
}
