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

/// A product that would lose most of its objects blocks its cluster before anything is written, and
/// the words say by which command the loss is allowed.
#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_shrinks_blocks_its_cluster_before_the_first_write() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("shrinking")).await;
    tiny::beside(move || {
        let lab = tiny::lab(&[Member::of(&cluster, "staging")], tiny::WAVES);
        let configs = |names: &[&str]| {
            names.iter().map(|name| tiny::config(name, "x")).collect::<Vec<_>>().join("---\n")
        };
        tiny::product(&lab, "app", "1.0.0", PLAIN, &configs(&["a", "b", "c", "d"]));
        tiny::product(&lab, "web", "1.0.0", PLAIN, &configs(&["web"]));
        tiny::release(&lab, "R1", None, "{ app: 1.0.0, web: 1.0.0 }");
        tiny::cut(&lab, "R1");
        tiny::start(&lab, "R1").ok();
        let before = written(&cluster);

        // `web` changes too, and its step would come after that of `app`.
        tiny::product(&lab, "app", "2.0.0", PLAIN, &configs(&["a", "e"]));
        tiny::product(&lab, "web", "2.0.0", PLAIN, &tiny::config("web", "y"));
        tiny::release(&lab, "R2", Some("R1"), "{ app: 2.0.0, web: 2.0.0 }");
        tiny::cut(&lab, "R2");
        let plan = tiny::plan(&lab, "R2");
        lab.run(&["rollout", "start", &plan, "--until", "blocked"]).exits(11);
        let events = lab.events();
        let verdict = tiny::events(&events, "attempt.preflighted", "shrinking").pop().unwrap();
        assert_eq!((&verdict["verdict"], &verdict["reason"]), (&"blocked".into(), &"shrinking".into()));
        let why = lab.tidegate("rollout why R2").ok();
        let said = ["TG0613", "had 4 objects and now has 2", "tidegate plan R2 --allow-prune"];
        assert!(said.iter().all(|words| why.out.contains(words)), "{}", why.out);
        assert_eq!(written(&cluster), before, "a blocked cluster was written to");

        lab.tidegate("rollout abort R2 --reason small").ok();
        lab.tidegate("rollout run R2").exits(12);
        lab.run(&["plan", "R2", "--allow-prune", "--out", &plan]).ok();
        lab.run(&["rollout", "start", &plan]).ok();
        let deleted: Vec<String> = written(&cluster).into_iter().skip(before.len()).collect();
        for name in ["b", "c", "d", "e"] {
            assert!(deleted.contains(&format!("configmaps default/{name}")), "{name}: {deleted:?}");
        }
    })
    .await;
}

/// Objects with which nobody can do anything: each is told with its file, and nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn objects_that_can_not_be_applied_are_told_before_the_first_write() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("oddities")).await;
    tiny::beside(move || {
        let lab = tiny::lab(&[Member::of(&cluster, "staging")], tiny::WAVES);
        let fine = tiny::config("fine", "x");
        let object = |text: &str| format!("{fine}---\napiVersion: v1\n{text}\n");
        let secret = "kind: Secret\nmetadata: { name: both, namespace: default }";
        // The template's line: the object as it is seen after rendering, with the cluster's values.
        let cases = [
            (object("kind: ConfigMap\nmetadata: { generateName: x- }"), 13, "TG0406", "generateName"),
            (object("kind: ConfigMap\nmetadata: { labels: { a: b } }"), 13, "TG0406", "no `metadata.name`"),
            (object("kind: List"), 13, "TG0406", "kind List"),
            (object("kind: Gadget\nmetadata: { name: odd }"), 11, "TG0609", "Gadget (v1)"),
            (
                object("kind: ConfigMap\nmetadata: { name: odd, namespace: nowhere }"),
                11,
                "TG0608",
                "namespace nowhere of ConfigMap nowhere/odd",
            ),
            (object("kind: ConfigMap\nmetadata: { name: fine, namespace: default }"), 13, "TG0407", "twice"),
            // The namespace `default` is known as that of the first only in the cluster.
            (object("kind: ConfigMap\nmetadata: { name: fine }"), 13, "TG0611", "renders ConfigMap default/fine twice"),
            (object("kind: ConfigMap\nmetadata: { name: 'a/b', namespace: default }"), 13, "TG0408", "`a/b`"),
            (object(&format!("{secret}\ndata: {{ a: '{{{{ cluster.name }}}}!' }}")), 13, "TG0409", "`data.a`"),
            (
                object(&format!("{secret}\nstringData: {{ port: {{{{ 4711 }}}} }}")),
                13,
                "TG0409",
                "`stringData.port` of Secret both",
            ),
        ];
        let count = cases.len();
        for (n, (objects, code, id, words)) in cases.into_iter().enumerate() {
            let (version, release) = (format!("1.{n}.0"), format!("R{n}"));
            let parent = n.checked_sub(1).map(|n| format!("R{n}"));
            tiny::product(&lab, "app", &version, PLAIN, &objects);
            tiny::release(&lab, &release, parent.as_deref(), &format!("{{ app: {version} }}"));
            lab.commit(&release);
            // What the files alone show is told by `check`, and no tag is made of it.
            let tagged = lab.tidegate("product tag --all");
            if tagged.code != 0 {
                assert!(tagged.err.contains(id) && tagged.err.contains(words), "{id} {words}: {}", tagged.err);
                panic!("{id} {words} is found by the tag: {}", tagged.err);
            }
            lab.run(&["release", "cut", &release]).ok();
            lab.commit(&format!("release: {release}"));
            let plan = tiny::plan(&lab, &release);
            let ran = lab.run(&["rollout", "start", &plan, "--until", "blocked"]).exits(code);
            let why = lab.tidegate(&format!("rollout why {release}")).ok();
            let said = format!("{}{}", ran.err, why.out);
            assert!(said.contains(id) && said.contains(words), "{id} {words}: {said}");
            assert!(said.contains("all.yaml.j2:"), "{id} does not name its file: {said}");
            assert_eq!(written(&cluster), Vec::<String>::new(), "{id}");
            lab.run(&["rollout", "abort", &release, "--reason", "odd"]).ok();
            lab.run(&["rollout", "run", &release]).exits(12);
        }

        // A list is its items, and of `data` and `stringData` the second counts.
        let good = format!(
            "{fine}---\napiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {{ name: listed, namespace: default }}\n---\napiVersion: v1\n{secret}\ndata: {{ a: \"{{{{ 'b2xk' }}}}\", b: \"{{{{ 'a2VwdA==' }}}}\" }}\nstringData: {{ a: \"{{{{ 'new' }}}}\" }}\n"
        );
        tiny::product(&lab, "app", "2.0.0", PLAIN, &good);
        tiny::release(&lab, "R99", Some(&format!("R{}", count - 1)), "{ app: 2.0.0 }");
        tiny::cut(&lab, "R99");
        tiny::start(&lab, "R99").ok();
        let names = ["configmaps default/fine", "configmaps default/listed", "secrets default/both"];
        let applied = written(&cluster);
        assert!(names.iter().all(|name| applied.iter().any(|w| w == name)), "{applied:?}");
        let data = tokio::runtime::Handle::current().block_on(async {
            let api: Api<k8s_openapi::api::core::v1::Secret> =
                Api::namespaced(cluster.client().await, "default");
            api.get("both").await.unwrap().data.unwrap()
        });
        assert_eq!((data["a"].0.as_slice(), data["b"].0.as_slice()), (&b"new"[..], &b"kept"[..]));
    })
    .await;
}
