//! What is refused before anything begins: plans that do not fit any more, files with mistakes.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use crate::bed::{Bed, ClusterSpec};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

const VALUES: &str = "  values: { level: low }\n";

fn environments(level: &str) -> String {
    format!("    staging: {{ values: {{ app: {{ level: {level} }} }} }}\n")
}

/// A plan is started only if it is what was planned, from what is committed.
#[tokio::test(flavor = "multi_thread")]
async fn rollout_start_refusals() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("refusing")).await;
    tiny::beside(move || {
        let members = [Member::of(&cluster, "staging")];
        let lab = tiny::lab(&members, tiny::WAVES);
        tiny::product(
            &lab,
            "app",
            "1.0.0",
            &format!("{PLAIN}{VALUES}"),
            &tiny::config("app", "{{ values.level }}"),
        );
        tiny::release(&lab, "R1", None, "{ app: 1.0.0 }");
        tiny::cut(&lab, "R1");
        let plan = tiny::plan(&lab, "R1");
        let start = |plan: &str| lab.run(&["rollout", "start", plan, "--detach"]);

        // A value that the plan froze has another value in the last commit.
        tiny::write_fleet(&lab, &members, &environments("high"));
        lab.commit("values: high");
        let stale = start(&plan).exits(8);
        assert!(
            stale.err.contains("TG0912") && stale.err.contains("the values of `app` changed"),
            "{}",
            stale.err
        );
        // What is not committed counts for nothing.
        tiny::write_fleet(&lab, &members, "");
        start(&plan).exits(8);
        lab.commit("values: low again");

        // One digit of a plan file changed.
        let text = std::fs::read_to_string(&plan).unwrap();
        assert!(text.contains("\"level\":\"low\""), "{text}");
        for (from, to) in
            [("\"level\":\"low\"", "\"level\":\"top\""), ("\"failureBudget\":0", "\"failureBudget\":1")]
        {
            let path = lab.around().join("tampered.plan").display().to_string();
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            assert_ne!(std::fs::read_to_string(&path).unwrap(), text, "{from} is not in the plan");
            let tampered = start(&path).exits(3);
            assert!(tampered.err.contains("TG0392"), "{}", tampered.err);
        }

        // A release whose lock is in the working tree only can be neither planned nor started.
        tiny::release(&lab, "R2", Some("R1"), "{ app: 1.0.0 }");
        lab.commit("R2, not cut");
        lab.tidegate("release cut R2").ok();
        let uncut = lab.tidegate("plan R2").exits(3);
        assert!(uncut.err.contains("TG0501") || uncut.err.contains("not cut"), "{}", uncut.err);
        lab.commit("release: R2");
        let second = tiny::plan(&lab, "R2");
        lab.git(&["reset", "--quiet", "--soft", "HEAD~1"]);
        assert!(lab.read("releases/R2.yaml").contains("\nlock:"));
        let uncommitted = start(&second);
        assert!([3, 8].contains(&uncommitted.code), "{uncommitted:?}");
        assert!(uncommitted.err.contains("R2"), "{}", uncommitted.err);
        lab.commit("release: R2, again");

        // Nothing of all that was recorded as a rollout.
        assert!(!lab.events().iter().any(|e| e["event"] == "rollout.planned"));

        // Two rollouts of one cluster queue; the place is shown to people and to programs.
        start(&plan).ok();
        start(&second).ok();
        let why = lab.tidegate("rollout why R2 -c refusing").ok();
        assert!(why.out.contains("R1-1 goes first") && why.out.contains("number 2"), "{}", why.out);
        lab.tidegate("rollout run").ok();
        let (first, second) = (lab.tidegate("rollout status R1"), lab.tidegate("rollout status R2"));
        assert!(first.out.contains("succeeded") && second.out.contains("succeeded"), "{}", second.out);
    })
    .await;
}

/// Twenty-four mistakes in six files, and where each stands: file, line, column (each looked at by hand).
const MISTAKES: &[(&str, u64, u64)] = &[
    ("pipelines/fleet.yaml", 6, 32),
    ("pipelines/fleet.yaml", 8, 48),
    ("pipelines/fleet.yaml", 9, 94),
    ("pipelines/fleet.yaml", 10, 15),
    ("pipelines/main.yaml", 5, 21),
    ("pipelines/main.yaml", 6, 3),
    ("pipelines/main.yaml", 9, 38),
    ("pipelines/main.yaml", 9, 53),
    ("pipelines/main.yaml", 9, 95),
    ("products/agent/manifests/a.yaml", 4, 12),
    ("products/agent/product.yaml", 3, 19),
    ("products/agent/product.yaml", 7, 21),
    ("products/agent/product.yaml", 7, 25),
    ("products/agent/product.yaml", 9, 48),
    ("products/agent/product.yaml", 13, 15),
    ("products/base/product.yaml", 6, 10),
    ("products/base/product.yaml", 7, 3),
    ("products/base/product.yaml", 9, 26),
    ("products/base/product.yaml", 11, 37),
    ("products/base/product.yaml", 12, 60),
    ("releases/R1.yaml", 5, 11),
    ("releases/R1.yaml", 7, 21),
    ("releases/R1.yaml", 7, 27),
    ("releases/R1.yaml", 7, 54),
];

fn wrong_tree() -> Lab {
    let lab = Lab::new();
    lab.write(
        "products/base/product.yaml",
        "apiVersion: tidegate.dev/v1
kind: Product
metadata: { name: base }
spec:
  version: 1.2.0
  owner: ''
  onwer: platform
  deploy:
    - manifests: { path: manifest }
  tests:
    - run: { name: smoke, command: [./smok.sh] }
    - run: { name: token, command: [\"true\"], env: { TOKEN: hunter2-hunter2 } }
",
    );
    lab.write(
        "products/agent/product.yaml",
        "apiVersion: tidegate.dev/v1
kind: Product
metadata: { name: agnet }
spec:
  version: 2.0.0
  owner: observability
  requires: { base: ^2, bsae: '*' }
  deploy:
    - manifests: { path: manifests, namespace: Agent_1 }
  tests:
    - run: { name: fine, command: [\"true\"] }
  values:
    replicas: one
  valuesSchema:
    properties: { replicas: { type: integer } }
",
    );
    lab.write(
        "products/agent/manifests/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { a: [ }\n",
    );
    lab.write(
        "releases/R1.yaml",
        "apiVersion: tidegate.dev/v1
kind: Release
metadata: { name: R1 }
spec:
  parent: R0
  kubernetes: \"1.36\"
  products: { base: v1.2, agnt: 2.0.0, agent: 2.0.0, kubernetes: 1.36.0 }
",
    );
    lab.write(
        "pipelines/fleet.yaml",
        "apiVersion: tidegate.dev/v1
kind: Fleet
metadata: { name: main }
spec:
  environments:
    prod: { values: { agent: { replica: 3 } } }
  clusters:
    - { name: stage-1, labels: { env: staging, env: stage }, kubeconfig: { path: k, context: s1 } }
    - { name: prod-1, labels: { env: prod }, kubeconfig: { path: k, context: p1 }, exclude: [bse] }
    - { name: prod-1, labels: { env: prod }, kubeconfig: { path: k, context: p2 } }
",
    );
    lab.write(
        "pipelines/main.yaml",
        "apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: { name: main }
spec:
  lanes: { hotfix: [stagin] }
  unasigned: error
  waves:
    - { name: staging, selector: { env: staging } }
    - { name: prod, selector: { env: prd }, atOnce: many, gates: { before: [{ approval: { by: \"\" } }] } }
",
    );
    lab
}

/// A pipeline that is edited after the start changes nothing of what runs, and an old plan is no
/// longer started: planning again is a command of its own.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_a15_a_pipeline_edited_after_the_start_changes_nothing_of_what_runs() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("frozen-plan")).await;
    tiny::beside(move || {
        let lab = tiny::lab(&[Member::of(&cluster, "staging")], tiny::WAVES);
        tiny::first(&lab, PLAIN, &tiny::config("app", "one"));
        let plan = tiny::plan(&lab, "R1");
        lab.run(&["rollout", "start", &plan, "--detach"]).ok();

        // An approval before staging, asked for after the start: the running rollout never asks it.
        lab.edit(
            "pipelines/main.yaml",
            "selector: { env: staging }, atOnce: 4",
            "selector: { env: staging }, atOnce: 0, gates: { before: [ { approval: { by: nobody } } ] }",
        );
        lab.commit("pipeline: staging is held, and asks");
        lab.tidegate("rollout run R1").ok();
        let events = lab.events();
        assert!(!events.iter().any(|e| e["event"] == "gate.answered"), "the new gate was asked");
        assert!(events.iter().any(|e| e["event"] == "wave.done" && e["wave"] == "staging"));

        // The old plan no longer starts, and says what changed; a new one has the new pipeline.
        let outdated = lab.run(&["rollout", "start", &plan, "--detach"]).exits(8);
        assert!(outdated.err.contains("TG0912") && outdated.err.contains("staging"), "{}", outdated.err);
        let again = tiny::plan(&lab, "R1");
        assert!(std::fs::read_to_string(again).unwrap().contains("\"by\":\"nobody\""));
    })
    .await;
}

/// Every mistake of a tree is told in one run: exit code 3, all of them in the JSON with file, line
/// and column, all of them on the screen, and no literal secret in either.
#[test]
fn check_tells_every_mistake_of_a_tree_at_once() {
    let lab = wrong_tree();
    let ran = lab.tidegate("check -o json").exits(3);
    let answer = ran.json();
    let mut found: Vec<(String, u64, u64)> = Vec::new();
    for finding in answer["data"]["findings"].as_array().unwrap() {
        if finding["severity"] != "error" {
            continue;
        }
        let number = |field: &str| finding[field].as_u64().unwrap_or_else(|| panic!("{finding:#}"));
        found.push((finding["file"].as_str().unwrap().to_owned(), number("line"), number("column")));
    }
    found.sort();
    let expected: Vec<_> = MISTAKES.iter().map(|(f, l, c)| ((*f).to_owned(), *l, *c)).collect();
    assert_eq!(found, expected);
    let distinct: BTreeSet<_> = found.iter().collect();
    assert!(distinct.len() >= 20, "{}", distinct.len());

    let shown = lab.tidegate("check").exits(3);
    for (file, line, column) in &found {
        let place = format!("{file}:{line}:{column}");
        assert!(shown.err.contains(&place), "{place} is not on the screen:\n{}", shown.err);
    }
    for text in [&ran.out, &ran.err, &shown.out, &shown.err] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
