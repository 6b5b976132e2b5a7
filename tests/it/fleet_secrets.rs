//! Secrets planted as canaries, by every way in and through every way out: whatever tidegate writes
//! or says is searched for them afterwards, plain and in base64.
#![allow(clippy::unwrap_used)]

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::Value;

use crate::bed::{Bed, Cluster, ClusterSpec};
use crate::lab::{Lab, Ran};
use crate::tiny::{self, Member, PLAIN};

/// By an environment variable, by a file, by a command.
const CANARIES: [&str; 3] = ["k4n4ri3nv0g3l-env", "k4n4ri3nv0g3l-file", "k4n4ri3nv0g3l-exec"];

const STEPS: &str = "  deploy:
    - manifests: { path: manifests }
    - run:
        name: told
        command: [./tell.sh]
        idempotent: true
        env: { TOKEN: { secretRef: { env: CANARY } }, PIN: { secretRef: { file: ../canary.txt } } }
  tests:
    - run: { name: fine, command: [./tell.sh], env: { TOKEN: { secretRef: { env: CANARY } } } }
  values:
    token: { secretRef: { env: CANARY } }
    password: { secretRef: { file: ../canary.txt } }
    apiKey: { secretRef: { exec: [cat, ../command.txt] } }
    kind: Opaque
";

/// Says what it was given in as many ways as a careless script does.
const TELL: &str = r#"#!/bin/sh
echo "token is $TOKEN"
echo "pin is ${PIN:-none}" >&2
printf %s "$TOKEN" | base64
env | grep -i -e token -e pin
test -z "${FAILS:-}" || exit 3
"#;

const OBJECTS: &str = "
apiVersion: v1
kind: Secret
metadata: { name: keys, namespace: default }
type: '{{ values.kind }}'
stringData: { token: '{{ values.token }}', password: '{{ values.password }}', apiKey: '{{ values.apiKey }}' }
";

/// A field whose refusal quotes its value.
const QUOTED: &str = "
---
apiVersion: v1
kind: Service
metadata: { name: odd, namespace: default }
spec: { type: '{{ values.token }}', ports: [ { port: 80 } ] }
";

/// A Secret that is refused for what it holds.
const REFUSED: &str = "
---
apiVersion: v1
kind: Secret
metadata: { name: odd, namespace: default }
type: kubernetes.io/dockerconfigjson
stringData: { .dockerconfigjson: '{{ values.password }}' }
";

/// Places where a canary was found, searched in the bytes as they are.
#[derive(Default)]
struct Search(Vec<String>);

impl Search {
    fn in_bytes(&mut self, place: &str, bytes: &[u8]) {
        for canary in CANARIES {
            // Whatever stands before it, two of three alignments of base64 show a part of it.
            let forms = [canary.to_owned(), STANDARD.encode(canary)[..20].to_owned()].into_iter().chain(
                ["x", "xx"].map(|before| STANDARD.encode(format!("{before}{canary}"))[4..24].to_owned()),
            );
            for form in forms {
                if bytes.windows(form.len()).any(|window| window == form.as_bytes()) {
                    self.0.push(format!("{place} holds {form}"));
                }
            }
        }
    }

    fn in_run(&mut self, place: &str, ran: &Ran) {
        self.in_bytes(&format!("stdout of {place}"), ran.out.as_bytes());
        self.in_bytes(&format!("stderr of {place}"), ran.err.as_bytes());
    }

    /// A command, searched; its result.
    fn run(&mut self, lab: &Lab, line: &str) -> Ran {
        let ran = lab.tidegate(line);
        assert!(!ran.out.is_empty() || !ran.err.is_empty(), "{line} said nothing");
        self.in_run(line, &ran);
        ran
    }

    /// Every value in a record, unpacked as far as it can be.
    fn in_object(&mut self, place: &str, object: &DynamicObject) {
        let text = serde_json::to_string(object).unwrap();
        self.in_bytes(place, text.as_bytes());
        for (key, value) in object.data.get("data").and_then(Value::as_object).into_iter().flatten() {
            let bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
            self.in_bytes(&format!("{place} {key}"), &bytes);
            let mut unpacked = Vec::new();
            if flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).is_ok() {
                self.in_bytes(&format!("{place} {key}, unpacked"), &unpacked);
            }
        }
    }
}

async fn kept(cluster: &Cluster) -> Vec<DynamicObject> {
    let client = cluster.client().await;
    let mut all = Vec::new();
    for (group, version, kind) in
        [("", "v1", "Secret"), ("coordination.k8s.io", "v1", "Lease"), ("", "v1", "Event")]
    {
        let resource =
            kube::api::ApiResource::from_gvk(&kube::api::GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "tidegate-system", &resource);
        all.extend(api.list(&ListParams::default()).await.unwrap().items);
    }
    all
}

/// A secret that a reference leads to appears in nothing that tidegate keeps or says, whether all
/// goes well, a script prints it, or an API server quotes it in a refusal. It does reach the cluster.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_appear_nowhere() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("aviary")).await;
    let (mut search, cluster) = tiny::beside(move || {
        let mut search = Search::default();
        let mut lab = tiny::lab(&[Member::of(&cluster, "staging")], tiny::WAVES);
        lab.set("CANARY", CANARIES[0]);
        std::fs::write(lab.around().join("canary.txt"), format!("{}\n", CANARIES[1])).unwrap();
        std::fs::write(lab.around().join("command.txt"), CANARIES[2]).unwrap();
        lab.write_script("products/app/tell.sh", TELL);
        tiny::first(&lab, STEPS, OBJECTS);
        let went_well = tell(&lab, "R1", 0, &mut search);
        assert!(went_well.contains("***"), "no output of the script was seen, masked or not:\n{went_well}");

        // What the API server refuses and quotes, and what a script says before it fails.
        let failing = STEPS.replacen("env: { TOKEN", "env: { FAILS: 'yes', TOKEN", 1);
        let troubles = [
            ("1.1.0", STEPS, format!("{OBJECTS}{QUOTED}"), "Service default/odd"),
            ("1.2.0", STEPS, format!("{OBJECTS}{REFUSED}"), "Secret default/odd"),
            ("1.3.0", &failing, OBJECTS.to_owned(), "exit code 3"),
        ];
        for (n, (version, steps, objects, trouble)) in troubles.into_iter().enumerate() {
            let (parent, release) = (format!("R{}", n + 1), format!("R{}", n + 2));
            tiny::product(&lab, "app", version, steps, &objects);
            tiny::release(&lab, &release, Some(&parent), &format!("{{ app: {version} }}"));
            tiny::cut(&lab, &release);
            let said = tell(&lab, &release, 13, &mut search);
            assert!(said.contains(trouble), "{trouble} is not told:\n{said}");
            search.run(&lab, &format!("rollout abort {release} --reason odd")).ok();
            search.run(&lab, &format!("rollout run {release}")).exits(12);
        }

        for line in ["journal verify", "cluster list -o json", "rollout list -o json", "check -o json"] {
            search.run(&lab, line);
        }
        for entry in std::fs::read_dir(lab.around()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_file() && !["canary.txt", "command.txt"].contains(&name.as_str()) {
                search.in_bytes(&name, &std::fs::read(&path).unwrap());
            }
        }
        (search, cluster)
    })
    .await;

    let kept = kept(&cluster).await;
    assert!(kept.len() >= 3, "record, keys and lease were expected: {kept:#?}");
    for object in &kept {
        let kind = object.types.as_ref().map(|t| t.kind.clone()).unwrap_or_default();
        search.in_object(&format!("{kind} {:?}", object.metadata.name), object);
    }
    assert!(search.0.is_empty(), "{} leaks:\n{}", search.0.len(), search.0.join("\n"));

    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(cluster.client().await, "default");
    let arrived = secrets.get("keys").await.unwrap().data.unwrap();
    for (key, canary) in ["token", "password", "apiKey"].iter().zip(CANARIES) {
        assert_eq!(arrived[*key].0, canary.as_bytes(), "{key} did not reach the cluster");
    }
}

/// Takes a release through every command that says something of it; all that the driver and the
/// journal said.
fn tell(lab: &Lab, release: &str, code: i32, search: &mut Search) -> String {
    search.run(lab, &format!("plan {release} --cluster aviary --manifests")).ok();
    search.run(lab, &format!("plan {release} --render")).ok();
    let path = tiny::plan(lab, release);
    let log = format!("{release}.log");
    let mut driver = lab.spawn(&["rollout", "start", &path, "--progress", "plain"], &log);
    assert_eq!(driver.wait().unwrap().code(), Some(code), "{}", tiny::beside_text(lab, &log));
    let mut said = tiny::beside_text(lab, &log);
    for line in ["rollout why", "rollout why -o json", "rollout status", "rollout status -o json"] {
        said.push_str(&search.run(lab, line).out);
    }
    for line in ["rollout events", "rollout events -o json", "cluster show aviary --release"] {
        let line = if line.ends_with("--release") { format!("{line} {release}") } else { line.to_owned() };
        said.push_str(&search.run(lab, &line).out);
    }
    search.run(lab, &format!("cluster show aviary --release {release} -o json"));
    said
}

/// A secret that stands in a file stops every command that would carry it on, and none shows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_literal_secret_stops_check_cut_plan_and_pin() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("literal")).await;
    tiny::beside(move || {
        let members = [Member::of(&cluster, "staging")];
        let mut lab = tiny::lab(&members, tiny::WAVES);
        lab.set("CANARY", "unused");
        lab.write_script("products/app/tell.sh", TELL);
        tiny::first(&lab, STEPS, OBJECTS);
        tiny::release(&lab, "R2", Some("R1"), "{ app: 1.0.0 }");
        let literal = format!("    staging: {{ values: {{ app: {{ token: {} }} }} }}\n", CANARIES[0]);
        tiny::write_fleet(&lab, &members, &literal);
        lab.commit("a literal secret");
        let mut search = Search::default();
        for line in [
            "check",
            "check -o json",
            "release cut R2",
            "plan R1",
            "pin add --cluster literal --product app --version 1.0.0 --owner team --until 2099-12-31 --reason test",
        ] {
            let ran = search.run(&lab, line).exits(3);
            assert!(format!("{}{}", ran.out, ran.err).contains("TG0108"), "{line}: {}", ran.err);
        }
        assert!(!lab.read("releases/R2.yaml").contains("lock:"));
        assert!(!lab.repo().join("pipelines/pins").exists());
        assert!(search.0.is_empty(), "{}", search.0.join("\n"));
    })
    .await;
}

/// Pods quote what they were given, and a pod of one product may hold the secret of another. What
/// they say goes to the journal when a product does not get ready, when a test's Job does not end,
/// and when a cluster that was well is seen once more: never with the secret.
#[tokio::test(flavor = "multi_thread")]
async fn what_pods_say_shows_no_secret_of_any_product() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::complete("parrot", 1)).await;
    let pod = |fate: &str| {
        format!(
            "metadata: {{ labels: {{ app: web }}, annotations: {{ bed.tidegate.dev/fate: {fate} }} }}
    spec:
      restartPolicy: @
      containers: [ {{ name: main, image: 'registry.example.com/{}:1' }} ]
",
            CANARIES[0]
        )
    };
    let deployment = |fate: &str| {
        format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{ name: web, namespace: default }}
spec:
  progressDeadlineSeconds: 3
  selector: {{ matchLabels: {{ app: web }} }}
  template:
    {}",
            pod(fate).replace('@', "Always")
        )
    };
    let job = format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{ name: smoke, namespace: default }}
spec:
  template:
    {}",
        pod("bad-image").replace('@', "Never")
    );
    const DEPLOY: &str = "  deploy:\n    - manifests: { path: manifests }\n";
    let tested = format!("{DEPLOY}  tests:\n    - job: {{ name: smoke, manifest: job.yaml, timeout: 6s }}\n");
    let bad = deployment("bad-image");
    let good = deployment("none");
    let (lab, mut driver, cluster) = tiny::beside(move || {
        let waves = "\n    - { name: staging, selector: { env: staging }, soak: { for: 5s } }\n";
        let mut lab = tiny::lab(&[Member::of(&cluster, "staging")], waves);
        lab.set("CANARY", CANARIES[0]);
        lab.set("TIDEGATE_VERIFY_TIMEOUT", "15s");
        let values = format!("{DEPLOY}  values: {{ token: {{ secretRef: {{ env: CANARY }} }} }}\n");
        tiny::product(&lab, "app", "1.0.0", &values, &tiny::config("app", "x"));
        tiny::product(&lab, "web", "1.0.0", PLAIN, &bad);
        tiny::release(&lab, "R1", None, "{ app: 1.0.0, web: 1.0.0 }");
        tiny::cut(&lab, "R1");
        tiny::start(&lab, "R1").exits(13);
        lab.tidegate("rollout abort R1 --reason next").ok();
        lab.tidegate("rollout run R1").exits(12);

        tiny::product(&lab, "web", "1.1.0", &tested, &good);
        lab.write("products/web/job.yaml", &job);
        tiny::release(&lab, "R2", Some("R1"), "{ app: 1.0.0, web: 1.1.0 }");
        tiny::cut(&lab, "R2");
        tiny::start(&lab, "R2").exits(13);
        lab.tidegate("rollout abort R2 --reason next").ok();
        lab.tidegate("rollout run R2").exits(12);

        tiny::product(&lab, "web", "1.2.0", PLAIN, &good);
        tiny::release(&lab, "R3", Some("R2"), "{ app: 1.0.0, web: 1.2.0 }");
        tiny::cut(&lab, "R3");
        let plan = tiny::plan(&lab, "R3");
        let driver = lab.spawn(&["rollout", "start", &plan], "driver.log");
        tiny::until("the first verification", || {
            let events = lab.events();
            tiny::events(&events, "wave.cluster-verified", "parrot").pop().map(|_| ())
        });
        (lab, driver, cluster)
    })
    .await;
    let web: Api<k8s_openapi::api::apps::v1::Deployment> = Api::namespaced(cluster.client().await, "default");
    let ill = serde_json::json!({"spec": {"template": {"metadata": {"annotations":
        {"bed.tidegate.dev/fate": "bad-image"}}}}});
    web.patch("web", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(ill)).await.unwrap();
    tiny::beside(move || {
        assert_eq!(driver.wait().unwrap().code(), Some(13), "{}", tiny::beside_text(&lab, "driver.log"));
        let events = lab.events();
        let quoting: Vec<&serde_json::Value> = events
            .iter()
            .filter(|event| event.to_string().contains("ImagePullBackOff (registry.example.com/***:1)"))
            .collect();
        for name in ["step.finished", "wave.cluster-verified"] {
            assert!(quoting.iter().any(|e| e["event"] == name), "{name} does not quote the pod: {events:#?}");
        }
        let tested = |e: &&&serde_json::Value| e["step"]["action"] == "test";
        assert!(quoting.iter().any(|e| tested(&e)), "no test's Job is quoted: {quoting:#?}");
        let mut search = Search::default();
        for line in ["rollout why R3", "rollout why R3 -o json", "rollout events", "rollout events -o json"] {
            search.run(&lab, line);
        }
        for entry in std::fs::read_dir(lab.around()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                search.in_bytes(&path.display().to_string(), &std::fs::read(&path).unwrap());
            }
        }
        assert!(search.0.is_empty(), "{} leaks:\n{}", search.0.len(), search.0.join("\n"));
    })
    .await;
}

/// The values of a cluster that the fleet's source lists stand in no file, and stop a plan all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_literal_secret_from_the_fleets_source_stops_a_plan() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("sourced")).await;
    tiny::beside(move || {
        let mut lab = tiny::lab(&[], tiny::WAVES);
        lab.set("CANARY", "unused");
        tiny::product(&lab, "app", "1.0.0", STEPS, OBJECTS);
        lab.write_script("products/app/tell.sh", TELL);
        let listed = |token: &str| {
            format!(
                r#"#!/bin/sh
echo '[{{"name": "sourced", "labels": {{"env": "staging"}}, "kubeconfig": {{"path": "{}"}}, "values": {{"app": {{"token": {token}}}}}}}]'
"#,
                cluster.kubeconfig_via_proxy().display()
            )
        };
        lab.write(
            "pipelines/fleet.yaml",
            "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: tiny }\nspec:\n  source: { command: { command: [./list.sh] } }\n",
        );
        lab.write_script("list.sh", &listed(r#"{"secretRef": {"env": "CANARY"}}"#));
        tiny::release(&lab, "R1", None, "{ app: 1.0.0 }");
        std::fs::write(lab.around().join("canary.txt"), "x").unwrap();
        std::fs::write(lab.around().join("command.txt"), "x").unwrap();
        tiny::cut(&lab, "R1");
        tiny::plan(&lab, "R1");

        lab.write_script("list.sh", &listed(&format!("\"{}\"", CANARIES[0])));
        let mut search = Search::default();
        for line in ["plan R1", "plan R1 -o json", "cluster show sourced --release R1"] {
            let ran = search.run(&lab, line).exits(3);
            let said = format!("{}{}", ran.out, ran.err);
            assert!(said.contains("TG0108") && said.contains("app on sourced"), "{line}: {said}");
        }
        search.in_bytes("the journal", &std::fs::read(lab.around().join("journal.db")).unwrap());
        assert!(search.0.is_empty(), "{}", search.0.join("\n"));
    })
    .await;
}
