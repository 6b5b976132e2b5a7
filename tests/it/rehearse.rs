//! The rehearsal of a release on a copy of a real cluster: it is only read, and what the rehearsal plans is
//! what the release itself would do there. And on a fleet that nobody can reach, which is said.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::bed::{AuditEvent, ClusterSpec};
use crate::desk::Desk;
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN, beside, config};

const PIPELINE: &str = "apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: { name: main }
spec:
  lanes: { normal: [one], hotfix: [one] }
  waves:
    - name: one
      selector: { env: prod }
      tests: all
      soak: { for: 2h }
      gates: { before: [ { approval: { by: platform-leads } } ] }
";

fn cut(lab: &Lab, release: &str) {
    lab.tidegate("product tag --all").ok();
    lab.run(&["release", "cut", release]).ok();
    lab.commit(&format!("release: {release}"));
}

/// What a rehearsal must leave as it is, outside of clusters: HEAD, tags, what is not committed, and every
/// file around the repository but SQLite's own of the journal.
fn traces(lab: &Lab) -> (String, String, String, BTreeSet<String>) {
    let mut files = BTreeSet::new();
    let mut folders = vec![lab.around().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true if entry.ends_with(".git") => {}
                true => folders.push(entry),
                false => files.extend(told(&entry)),
            }
        }
    }
    (lab.git(&["rev-parse", "HEAD"]), lab.git(&["tag"]), lab.git(&["status", "--porcelain"]), files)
}

/// A file and its content; of the journal's only that it is there.
fn told(path: &Path) -> Option<String> {
    let name = path.display().to_string();
    match name.split_once("journal.db") {
        Some((_, "")) => Some(name),
        Some(_) => None,
        None => Some(format!("{name} {}", tidegate::digest::bytes(&std::fs::read(path).unwrap_or_default()))),
    }
}

#[test]
fn a_fleet_that_nobody_can_reach_is_rehearsed_bare_and_nothing_is_written() {
    let nowhere = |name: &str, env| {
        let kubeconfig = format!("/nowhere/{name}").into();
        Member { name: name.to_owned(), env, kubeconfig }
    };
    let waves = "
    - { name: staging, selector: { env: staging }, tests: all, soak: { for: 1h } }
    - { name: prod, selector: { env: prod }, atOnce: 1 }
";
    let lab = tiny::lab(&[nowhere("staging-1", "staging"), nowhere("prod-1", "prod")], waves);
    tiny::first(&lab, PLAIN, &config("app", "1"));
    let before = traces(&lab);
    let first = lab.tidegate("rehearse R1 --seeds 3 --faults none -o json").ok();
    let document = first.json();
    assert_eq!(document["kind"], "ReleaseRehearsal");
    assert_eq!(document["partial"], true);
    let data = &document["data"];
    assert_eq!(data["finishes"], true, "{data:#}");
    assert_eq!((&data["fleet"]["read"], &data["fleet"]["clusters"]), (&0.into(), &2.into()));
    assert!((3_600..4_000).contains(&data["finish"]["p90"]["seconds"].as_u64().unwrap()), "{data:#}");
    let costs = data["failures"].as_array().unwrap();
    let told: Vec<_> =
        costs.iter().map(|cost| (cost["wave"].as_str().unwrap(), cost["how"].as_str().unwrap())).collect();
    assert_eq!(told, [("staging", "test"), ("prod", "test")], "a ConfigMap has no image that could fail");
    assert_eq!(traces(&lab), before, "nothing is written, and no journal is made");

    let screen = lab.tidegate("rehearse R1 --seeds 2 --fail-wave prod").ok();
    assert!(screen.out.starts_with("R1 · ✔ finishes in all 2 rehearsals\n"), "{}", screen.out);
    assert!(screen.out.contains("Not read  prod-1: "), "{}", screen.out);
    assert!(screen.err.contains("rehearsal 3 of 3: "), "{}", screen.err);
    let markdown = lab.tidegate("rehearse R1 --seeds 2 --markdown --progress none").ok();
    assert!(
        markdown.out.starts_with("# Rehearsal of R1\n\n**finishes in all 2 rehearsals**\n"),
        "{}",
        markdown.out
    );
    assert!(markdown.out.contains("\n| prod | app tests fail | 1 | 1 | halts after "), "{}", markdown.out);

    lab.write("bad.yaml", "conditions:\n  - { clusters: [prod-9] }\n");
    let wrong = lab.tidegate("rehearse R1 --faults bad.yaml").exits(3);
    assert!(wrong.err.contains("the fleet has no cluster `prod-9`"), "{}", wrong.err);
    let wrong = lab.tidegate("rehearse R1 --faults much").exits(3);
    assert!(wrong.err.contains("none, some, many"), "{}", wrong.err);
    let wrong = lab.tidegate("rehearse R1 --fail-wave proud --seeds 1").exits(4);
    assert!(wrong.err.contains("did you mean `prod`?"), "{}", wrong.err);
    lab.tidegate("rehearse R1 --markdown -o json").exits(2);
    lab.tidegate("rehearse R9").exits(3);
    lab.tidegate("rehearse").exits(2);
    lab.write("bad.yaml", "faults:\n  - { clusters: [prod-1], what: refused }\n");
    let stuck = lab.tidegate("rehearse R1 --seeds 1 --within 2d --faults bad.yaml -o json").exits(13).json();
    assert_eq!(stuck["data"]["finishes"], false);
    assert!(stuck["data"]["unfinished"][0]["left"].is_object(), "{stuck:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_cluster_is_only_read_and_its_copy_plans_as_it_does() {
    let desk = Desk::new(ClusterSpec::complete("own", 2)).await;
    let helm = crate::bed::tool_path("helm").await.unwrap();
    let fleet = format!(
        "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: {{ name: one }}\nspec:\n  clusters:\n    - {{ name: own, labels: {{ env: prod }}, kubeconfig: {{ path: {} }} }}\n",
        desk.bed.kubeconfig_via_proxy().display()
    );
    let lab = beside(move || {
        let mut lab = Lab::with_products();
        lab.set("TIDEGATE_HELM", helm.display().to_string());
        lab.write("pipelines/fleet.yaml", &fleet);
        lab.write("pipelines/main.yaml", PIPELINE.split("      soak").next().unwrap());
        lab.commit("the sample platform");
        cut(&lab, "R41");
        lab.edit("products/shop/product.yaml", "version: 0.9.0", "version: 0.10.0");
        lab.commit("shop: 0.10.0");
        cut(&lab, "R42");
        cut(&lab, "R50");
        let plan = lab.around().join("r50.plan").display().to_string();
        lab.run(&["plan", "R50", "--out", &plan]).ok();
        lab.run(&["rollout", "start", &plan]).ok();
        lab.write("pipelines/main.yaml", PIPELINE);
        lab.edit("products/certificates/product.yaml", "version: 1.2.0", "version: 1.2.1");
        lab.commit("certificates: 1.2.1, and people are asked");
        cut(&lab, "R50.1");
        lab
    })
    .await;
    let all_before = desk.bed.audit().len();
    let (before, after, report, plan) = beside(move || {
        let head = |lab: &Lab| lab.tidegate("journal verify -o json").ok().json()["data"].clone();
        let before = (traces(&lab), head(&lab));
        let report = lab.tidegate("rehearse R50.1 --seeds 3 --faults none -o json --progress none");
        let after = (traces(&lab), head(&lab));
        let report = report.ok().json();
        let plan = lab.tidegate("plan R50.1 -o json").ok().json();
        (before, after, report, plan)
    })
    .await;
    assert_eq!(before, after, "journal, repository and folder are as they were");
    let rehearsed = |event: &AuditEvent| event.user_agent.contains("rehearse");
    let seen: Vec<AuditEvent> = desk.bed.audit().into_iter().skip(all_before).filter(rehearsed).collect();
    let verbs: BTreeSet<&str> = seen.iter().map(|event| event.verb.as_str()).collect();
    assert!(seen.len() >= 8, "{seen:#?}");
    assert_eq!(verbs, BTreeSet::from(["get", "list"]), "the rehearsal only reads");
    let written: Vec<_> = desk.writes().into_iter().filter(rehearsed).collect();
    assert!(written.is_empty(), "{written:#?}");

    let data = &report["data"];
    assert_eq!(report["partial"], false, "{report:#}");
    assert_eq!(data["finishes"], true, "{data:#}");
    assert_eq!(data["fleet"]["nodes"], 2);
    assert!(data["fleet"]["workloads"].as_u64().unwrap() >= 5, "{data:#}");
    let wave = &data["waves"][0];
    let changing = plan["data"]["waves"][0]["changing"].as_u64();
    assert_eq!(wave["clusters"], 1);
    assert_eq!(wave["changing"].as_u64(), changing);
    let gates: BTreeSet<&str> =
        data["holds"].as_array().unwrap().iter().map(|hold| hold["gate"].as_str().unwrap()).collect();
    assert!(gates.is_superset(&BTreeSet::from(["approval", "soak"])), "{gates:?}");
    // One product of nine changes, without a new image: only its test can fail.
    let costs: Vec<&Value> = data["failures"].as_array().unwrap().iter().collect();
    let told: Vec<_> = costs.iter().map(|cost| (&cost["product"], &cost["how"])).collect();
    assert_eq!(told, [(&"certificates".into(), &"test".into())], "{costs:#?}");
    assert_eq!(costs[0]["hurt"], serde_json::json!(["own"]), "{costs:#?}");
}
