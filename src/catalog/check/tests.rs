//! One tree with mistakes in all kinds of files, all of them found in one run, each at its line and
//! column; and a tree without any.

#![allow(clippy::unwrap_used)]

use super::super::testing::{lines, tree};
use super::super::{check, load};
use crate::diag::Findings;
use crate::model::Tree;

fn all(tree: &Tree) -> Findings {
    let (catalog, mut findings) = load(tree);
    findings.extend(check(&catalog));
    findings.sorted()
}

const ZEROS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A small platform without mistakes.
fn platform() -> Vec<(&'static str, String)> {
    let text = |lines: &[&str]| format!("{}\n", lines.join("\n"));
    vec![
        (
            "products/base/product.yaml",
            text(&[
                "apiVersion: tidegate.dev/v1",
                "kind: Product",
                "metadata: { name: base }",
                "spec:",
                "  version: 1.2.0",
                "  owner: platform",
                "  deploy:",
                "    - manifests: { path: manifests }",
                "  tests:",
                "    - run: { name: smoke, command: [./smoke.sh] }",
            ]),
        ),
        ("products/base/smoke.sh", "#!/bin/sh\n".into()),
        (
            "products/base/manifests/ns.yaml",
            "apiVersion: v1\nkind: Namespace\nmetadata: { name: base }\n".into(),
        ),
        (
            "products/agent/product.yaml",
            text(&[
                "apiVersion: tidegate.dev/v1",
                "kind: Product",
                "metadata: { name: agent }",
                "spec:",
                "  version: 2.0.0",
                "  owner: observability",
                "  kubernetes: '>=1.30'",
                "  requires: { base: ^1 }",
                "  deploy:",
                "    - helm: { chart: chart, namespace: agent }",
                "  tests:",
                "    - job: { name: ping, manifest: ping.yaml }",
                "  values:",
                "    replicas: 1",
                "    apiKey: { secretRef: { env: AGENT_KEY } }",
                "  valuesSchema:",
                "    properties: { replicas: { type: integer }, apiKey: { type: string } }",
            ]),
        ),
        ("products/agent/chart/Chart.yaml", "name: agent\nversion: 1.0.0\n".into()),
        ("products/agent/ping.yaml", "apiVersion: batch/v1\nkind: Job\nmetadata: { name: ping }\n".into()),
        (
            "releases/R1.yaml",
            text(&[
                "apiVersion: tidegate.dev/v1",
                "kind: Release",
                "metadata: { name: R1 }",
                "spec:",
                "  kubernetes: \"1.36\"",
                "  products: { base: 1.2.0, agent: 2.0.0 }",
            ]),
        ),
        (
            "pipelines/fleet.yaml",
            text(&[
                "apiVersion: tidegate.dev/v1",
                "kind: Fleet",
                "metadata: { name: main }",
                "spec:",
                "  environments:",
                "    prod: { values: { agent: { replicas: 3 } } }",
                "  clusters:",
                "    - { name: stage-1, labels: { env: staging }, kubeconfig: { path: k, context: s1 } }",
                "    - { name: prod-1, labels: { env: prod }, kubeconfig: { path: k, context: p1 } }",
                "    - { name: prod-2, labels: { env: prod }, kubeconfig: { path: k, context: p2 } }",
            ]),
        ),
        (
            "pipelines/main.yaml",
            text(&[
                "apiVersion: tidegate.dev/v1",
                "kind: Pipeline",
                "metadata: { name: main }",
                "spec:",
                "  waves:",
                "    - { name: staging, selector: { env: staging } }",
                "    - { name: prod, selector: { env: prod }, gates: { before: [{ approval: { by: leads } }] } }",
            ]),
        ),
        (
            "pipelines/pins/P1.yaml",
            text(&[
                "apiVersion: tidegate.dev/v1",
                "kind: Pin",
                "metadata: { name: P1 }",
                "spec:",
                "  product: agent",
                "  version: 2.1.0-rc1",
                "  commit: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
                &format!("  digest: {ZEROS}"),
                "  clusters: [prod-2]",
                "  owner: payments",
                "  reason: try it",
                "  expires: 2026-12-15",
            ]),
        ),
    ]
}

/// The platform with one text in one file replaced.
fn with(changes: &[(&str, &str, &str)]) -> Tree {
    let mut files = platform();
    for (path, old, new) in changes {
        match files.iter_mut().find(|(found, _)| found == path) {
            Some((_, text)) => {
                assert!(text.contains(old), "{path} has no {old}");
                *text = text.replacen(old, new, 1);
            }
            None => panic!("no file {path}"),
        }
    }
    tree(&files.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>())
}

const BASE: &str = "products/base/product.yaml";
const AGENT: &str = "products/agent/product.yaml";
const FLEET: &str = "pipelines/fleet.yaml";
const MAIN: &str = "pipelines/main.yaml";
const PIN: &str = "pipelines/pins/P1.yaml";
const R1: &str = "releases/R1.yaml";

#[test]
fn a_tree_without_mistakes_has_no_findings() {
    assert_eq!(all(&with(&[])), Findings::new());
}

#[test]
fn twenty_and_more_mistakes_are_found_in_one_run_each_at_its_line_and_column() {
    let tree = with(&[
        // Product: an unknown field, a file that is not there, a program that is not there, a
        // requirement that nothing satisfies, a literal secret, a broken schema, a wrong namespace.
        (BASE, "owner: platform", "owner: platform\n  onwer: platform"),
        (BASE, "path: manifests", "path: manifest"),
        (BASE, "./smoke.sh", "./smok.sh"),
        (AGENT, "name: agent", "name: agnet"),
        (AGENT, "base: ^1", "base: ^2, bsae: '*'"),
        (AGENT, "namespace: agent", "namespace: Agent_1"),
        (AGENT, "replicas: 1", "replicas: one"),
        (AGENT, "{ secretRef: { env: AGENT_KEY } }", "hunter2"),
        // Release: a wrong version, an unknown product, an unknown parent, a reserved name.
        (
            R1,
            "{ base: 1.2.0, agent: 2.0.0 }",
            "{ base: v1.2, agnt: 2.0.0, agent: 2.0.0, kubernetes: 1.36.0 }",
        ),
        (R1, "kubernetes: \"1.36\"", "parent: R0\n  kubernetes: \"1.29\""),
        // Fleet: a duplicate key, an unknown value, a name twice, a wrong label, a wrong product.
        (FLEET, "{ replicas: 3 }", "{ replica: 3 }"),
        (FLEET, "name: prod-2", "name: prod-1"),
        (FLEET, "labels: { env: staging }", "labels: { env: staging, env: stage }"),
        (FLEET, "context: p1 }", "context: p1 }, exclude: [bse]"),
        // Pipeline: a value no cluster has, an unknown field, an empty approver, a wrong cap, an
        // unknown wave.
        (MAIN, "selector: { env: prod }", "selector: { env: prd }, atOnce: many"),
        (MAIN, "by: leads", "by: \"\""),
        (MAIN, "  waves:", "  lanes: { hotfix: [stagin] }\n  unasigned: error\n  waves:"),
        // Pin: an unknown cluster, a wrong commit, a wrong day.
        (PIN, "[prod-2]", "[prod-9]"),
        (PIN, "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", "0a1b"),
        (PIN, "2026-12-15", "2026-13-15"),
    ]);
    let findings = all(&tree);
    assert_eq!(lines(&findings), MISTAKES);
    assert!(findings.errors().count() >= 20);
    let shown = format!("{findings} {}", serde_json::to_string(&findings).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}

const MISTAKES: &[&str] = &[
    "TG0004 pipelines/fleet.yaml:8:48",
    "TG0101 pipelines/main.yaml:6:3",
    "TG0101 products/base/product.yaml:7:3",
    "TG0105 pipelines/main.yaml:9:53",
    "TG0105 pipelines/pins/P1.yaml:12:12",
    "TG0105 releases/R1.yaml:7:21",
    "TG0107 pipelines/main.yaml:9:95",
    "TG0108 products/agent/product.yaml:15:13",
    "TG0111 pipelines/fleet.yaml:10:15",
    "TG0112 pipelines/pins/P1.yaml:7:11",
    "TG0112 products/agent/product.yaml:10:40",
    "TG0201 products/agent/product.yaml:3:19",
    "TG0202 releases/R1.yaml:7:54",
    "TG0203 pipelines/fleet.yaml:9:94",
    "TG0203 products/agent/product.yaml:8:25",
    "TG0203 releases/R1.yaml:7:27",
    "TG0204 pipelines/pins/P1.yaml:9:14",
    "TG0205 pipelines/main.yaml:5:21",
    "TG0206 releases/R1.yaml:5:11",
    "TG0208 products/agent/product.yaml:8:21",
    "TG0209 products/base/product.yaml:11:37",
    "TG0209 products/base/product.yaml:9:26",
    "TG0215 pipelines/fleet.yaml:6:32",
    "TG0217 products/agent/product.yaml:14:15",
    "TG0225 releases/R1.yaml:6:15",
    "TG0312 pipelines/main.yaml:9:38",
];

/// One mistake, and the lines of what is found.
type Row = (&'static str, &'static str, &'static str, &'static [&'static str]);

#[test]
fn each_mistake_alone_is_found_and_nothing_else() {
    let rows: &[Row] = &[
        (
            BASE,
            "apiVersion: tidegate.dev/v1",
            "apiVersion: tidegate.dev/v2",
            &["TG0106 products/base/product.yaml:1:13"],
        ),
        (BASE, "kind: Product", "kind: Produkt", &["TG0106 products/base/product.yaml:2:7"]),
        (BASE, "owner: platform", "owner: ''", &["TG0107 products/base/product.yaml:6:10"]),
        (BASE, "[./smoke.sh]", "[]", &["TG0107 products/base/product.yaml:10:20"]),
        (BASE, "[./smoke.sh]", "[smoke.sh]", &["TG0209 products/base/product.yaml:10:37"]),
        (BASE, "[./smoke.sh]", "[../smoke.sh]", &["TG0210 products/base/product.yaml:10:37"]),
        (BASE, "[./smoke.sh]", "[./manifests/ns.yaml]", &["TG0211 products/base/product.yaml:10:37"]),
        (
            BASE,
            "owner: platform",
            "owner: platform\n  where: { evn: prod }",
            &["TG0311 products/base/product.yaml:7:12"],
        ),
        (
            BASE,
            "owner: platform",
            "owner: platform\n  provides: [v1]",
            &["TG0112 products/base/product.yaml:7:14"],
        ),
        (
            BASE,
            "  tests:\n    - run: { name: smoke, command: [./smoke.sh] }\n",
            "",
            &["TG0213 products/base/product.yaml:3:19"],
        ),
        (
            BASE,
            "owner: platform",
            "owner: platform\n  requires: { agent: '*' }",
            &["TG0207 products/agent/product.yaml:8:15"],
        ),
        (
            BASE,
            "command: [./smoke.sh]",
            "command: [./smoke.sh], env: { TOKEN: abc }",
            &["TG0108 products/base/product.yaml:10:64"],
        ),
        // That others require it is no second mistake.
        (BASE, "version: 1.2.0", "version: v1.2.0", &["TG0105 products/base/product.yaml:5:12"]),
        (
            BASE,
            "command: [./smoke.sh]",
            "command: [./smoke.sh], timeout: 0s",
            &["TG0105 products/base/product.yaml:10:59"],
        ),
        (
            "products/base/manifests/ns.yaml",
            "kind: Namespace",
            "kind: Secret\nstringData: { user: me }",
            &["TG0108 products/base/manifests/ns.yaml:3:21"],
        ),
        (
            "products/base/manifests/ns.yaml",
            "kind: Namespace",
            "kind: Pod\nspec: { containers: [{ image: a:1 }] }",
            &["TG0214 products/base/manifests/ns.yaml:3:31"],
        ),
        (
            "products/base/manifests/ns.yaml",
            "kind: Namespace",
            "kind: [",
            &["TG0003 products/base/manifests/ns.yaml:2:7"],
        ),
        ("products/agent/ping.yaml", "kind: Job", "kind: Pod", &["TG0222 products/agent/product.yaml:12:36"]),
        (AGENT, "chart: chart", "chart: ping.yaml", &["TG0209 products/agent/product.yaml:10:22"]),
        (
            AGENT,
            "namespace: agent",
            "namespace: agent, valuesFrom: replcas",
            &["TG0215 products/agent/product.yaml:10:59"],
        ),
        (AGENT, "type: integer", "type: int", &["TG0216 products/agent/product.yaml:17:37"]),
        (AGENT, "secretRef: { env:", "secretRef: { envv:", &["TG0109 products/agent/product.yaml:15:28"]),
        (AGENT, "'>=1.30'", "'>=1.37'", &["TG0225 releases/R1.yaml:5:15"]),
        (R1, "kubernetes:", "lane: hotfix\n  kubernetes:", &["TG0509 releases/R1.yaml:5:9"]),
        (R1, "kubernetes:", "removes: [base]\n  kubernetes:", &["TG0507 releases/R1.yaml:5:13"]),
        (R1, "kubernetes:", "lowers: [bsae]\n  kubernetes:", &["TG0507 releases/R1.yaml:5:12"]),
        (R1, "kubernetes:", "parent: R1\n  kubernetes:", &["TG0510 releases/R1.yaml:5:11"]),
        (R1, "base: 1.2.0, ", "", &["TG0208 products/agent/product.yaml:8:15"]),
        (R1, "{ base: 1.2.0, agent: 2.0.0 }", "{}", &["TG0520 releases/R1.yaml:3:19"]),
        (
            FLEET,
            "env: staging",
            "env: 'sta ging'",
            &["TG0112 pipelines/fleet.yaml:8:39", "TG0312 pipelines/main.yaml:6:41"],
        ),
        (FLEET, "context: p2", "context: p1", &["TG0221 pipelines/fleet.yaml:10:78"]),
        (FLEET, "    prod: {", "    prdo: {", &["TG0313 pipelines/fleet.yaml:6:5"]),
        (FLEET, "agent: { replicas: 3 }", "agent: { replicas: many }", &["TG0217 pipelines/fleet.yaml:6:42"]),
        (FLEET, "agent: { replicas: 3 }", "agent: { apiKey: abc }", &["TG0108 pipelines/fleet.yaml:6:40"]),
        (FLEET, "agent: { replicas: 3 }", "kubernetes: { a: 3 }", &["TG0202 pipelines/fleet.yaml:6:23"]),
        (MAIN, "name: prod,", "name: staging,", &["TG0111 pipelines/main.yaml:7:15"]),
        (
            MAIN,
            "name: prod, selector: { env: prod }",
            "name: prod, clusters: [prod-1]",
            &["TG0220 pipelines/main.yaml:3:19"],
        ),
        (MAIN, "name: prod, selector: { env: prod }", "name: prod", &["TG0110 pipelines/main.yaml:7:15"]),
        (
            MAIN,
            "name: prod, selector: { env: prod }",
            "name: prod, selector: {}",
            &["TG0219 pipelines/main.yaml:7:31"],
        ),
        (
            MAIN,
            "selector: { env: prod }",
            "selector: { env: [prod, prd] }",
            &["TG0312 pipelines/main.yaml:7:45"],
        ),
        (
            MAIN,
            "selector: { env: prod }",
            "selector: { env: prod }, canary: true, failureBudget: 1",
            &["TG0110 pipelines/main.yaml:7:75"],
        ),
        (
            MAIN,
            "selector: { env: prod }",
            "selector: { env: prod }, pools: { sizes: [0] }",
            &["TG0105 pipelines/main.yaml:7:63"],
        ),
        (
            MAIN,
            "selector: { env: prod }",
            "selector: { env: prod }, pools: {}",
            &["TG0110 pipelines/main.yaml:7:53"],
        ),
        (MAIN, "by: leads", "by: leads, quorum: 0", &["TG0105 pipelines/main.yaml:7:97"]),
        (MAIN, "  waves:", "  order: { label: regoin }\n  waves:", &["TG0311 pipelines/main.yaml:5:19"]),
        (PIN, "agent", "agnet", &["TG0203 pipelines/pins/P1.yaml:5:12"]),
        (PIN, "  clusters: [prod-2]\n", "", &["TG0110 pipelines/pins/P1.yaml:3:19"]),
        (PIN, "2.1.0-rc1", "2.0.0", &["TG0515 products/agent/product.yaml:5:12"]),
        (PIN, "name: P1", "name: P2", &["TG0201 pipelines/pins/P1.yaml:3:19"]),
        (PIN, "reason: try it", "reason: ' '", &["TG0107 pipelines/pins/P1.yaml:11:11"]),
    ];
    let mut wrong = Vec::new();
    for (path, old, new, expected) in rows {
        let found = all(&with(&[(*path, *old, *new)]));
        if lines(&found) != *expected {
            wrong.push(format!(
                "{path}: {new}\n  expected {expected:?}\n  found    {:?}\n{found}",
                lines(&found)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn no_layer_of_values_says_what_locks_say() {
    let open =
        ("products/agent/product.yaml", "  valuesSchema:", "  valuesSchema:\n    additionalProperties: true");
    let own = "{ agent: { tidegate.dev/images: { \"redis:8\": x } } }";
    for (old, new) in [
        ("values: { agent: { replicas: 3 } }", format!("values: {own}")),
        ("context: p1 } }", format!("context: p1 }}, values: {own} }}")),
    ] {
        let findings = all(&with(&[open, ("pipelines/fleet.yaml", old, &new)])).to_string();
        assert!(findings.contains("is what locks say of images"), "{old}: {findings}");
    }
}
