//! What programs read keeps its shape: every document of `-o json` and every line of the streams is
//! held against a draft-07 schema recorded in `tests/shapes`. A field that vanishes or changes its
//! type fails; new fields and new words are legal. `TIDEGATE_RECORD_SHAPES=1` records anew: what
//! git then shows as taken away breaks readers.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::bed::{Bed, ClusterSpec};
use crate::lab::{Lab, Ran};
use crate::tiny::{self, Member, PLAIN, config};

/// Objects whose keys are names that users chose: what they hold has one shape, if it has any.
const MAPS: &[&str] = &["labels", "layers", "products", "excluded", "versions", "faults"];
/// Objects whose content is the user's.
const FREE: &[&str] = &["values", "object", "evidence", "schema", "facts"];

const WAVES: &str = "
    - { name: staging, selector: { env: staging }, tests: all, soak: { for: 1s } }
    - name: prod
      selector: { env: prod }
      gates:
        before:
          - approval: { by: platform-leads, author: allowed }
";

/// A scenario of which one thing holds and another does not, and in which something goes wrong.
const SCENARIO: &str = "apiVersion: tidegate.dev/v1
kind: Scenario
metadata: { name: small }
spec:
  story: One cluster is slow.
  fleet: [ { name: only, clusters: 1, labels: { env: staging }, nodes: 1 } ]
  pipeline: { waves: [ { name: staging, selector: { env: staging } } ] }
  releases: [ { id: R1 } ]
  faults: [ { what: slow, for: 1s, times: 3 } ]
  actions: [ { do: { start: { release: R1 } } } ]
  expect:
    - rollout: { id: R1-1, state: succeeded }
    - { at: 10m, rollout: { id: R1-1, state: aborted } }
";

/// The documents of a session, by kind, and the events by name.
#[derive(Default)]
struct Told {
    documents: BTreeMap<String, Vec<Value>>,
    events: BTreeMap<String, Vec<Value>>,
}

impl Told {
    /// Runs a command, keeps its document, and returns it.
    #[track_caller]
    fn keep(&mut self, lab: &Lab, line: &str, code: i32) -> Value {
        let mut args: Vec<&str> = line.split_whitespace().collect();
        args.extend(["-o", "json"]);
        self.keep_of(lab.run(&args).exits(code))
    }

    /// Keeps the document of what has run, and returns it.
    fn keep_of(&mut self, ran: Ran) -> Value {
        let document = ran.json();
        let kind = document["kind"].as_str().unwrap().to_owned();
        self.documents.entry(kind).or_default().push(document.clone());
        document
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/shapes")
}

/// Reports of which one has everything that there is to say of a thing.
fn reported(told: &mut Told) {
    let lab = Lab::with_sample();
    told.keep(&lab, "lcm report --answers docs/examples/answers.json", 0);
    let image = "image: { repository: docker.io/velero/velero";
    lab.edit("products/backup/product.yaml", image, &format!("{image}, project: github:a/velero"));
    lab.write(
        "pipelines/support.yaml",
        "apiVersion: tidegate.dev/v1\nkind: Support\nmetadata: { name: own }\nspec:\n  products:\n    - name: velero\n      \
         of: [ { image: { repository: docker.io/velero/velero } } ]\n      \
         cycles: [ { cycle: \"1\", ends: 2020-01-01, note: a note, source: a mail } ]\n",
    );
    let release = json!({
        "tag": "v1.18.0", "title": null, "at": "2026-06-30T07:00:00Z", "prerelease": false,
        "notes": "## Breaking changes\n\n- The flag `--old` is gone ([#1](https://example.com/1)).\n",
        "url": "https://example.com/v1.18.0",
    });
    let older = json!({
        "tag": "v1.17.0", "title": null, "at": null, "prerelease": false, "notes": "", "url": null,
    });
    let path = lab.repo().join("docs/examples/answers.json");
    let mut answers: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    answers["data"]["releases"] = json!([{ "project": "github:a/velero", "releases": [release, older] }]);
    answers["data"]["scans"] = scanned();
    std::fs::write(&path, answers.to_string()).unwrap();
    let accepted =
        "lcm accept CVE-2026-2222 --product backup --package zlib --owner platform --reason unreached";
    told.keep(&lab, &format!("{accepted} --until 2999-12-31"), 0);
    told.keep(&lab, &format!("{accepted} --image docker.io/velero/velero --until 2999-12-31 --dry-run"), 0);
    told.keep(&lab, "lcm report --answers docs/examples/answers.json", 0);
    told.keep(&lab, "lcm defer backup --until 2999-01-01 --reason later --up-to v1.18.0", 0);
    told.keep(&lab, "lcm defer policy --until 2999-01-01 --reason later", 0);
    lab.write(
        "pipelines/deferrals/idle.yaml",
        "apiVersion: tidegate.dev/v1\nkind: Deferral\nmetadata: { name: idle }\nspec: { product: backup, chart: no, owner: a, reason: b, until: 2020-01-01 }\n",
    );
    told.keep(&lab, "lcm report --answers docs/examples/answers.json", 0);
}

/// What scanners said of two versions, with everything that there is to say.
fn scanned() -> Value {
    let [now, then] = ["a", "b"].map(|letter| format!("sha256:{}", letter.repeat(64)));
    let found = |id: &str, severity: &str, package: &str| {
        json!({
            "id": id, "severity": severity, "status": "fixed", "fixed": ["2"], "installed": "1",
            "package": { "name": package }, "link": "https://example.com", "published": "2026-01-01T00:00:00Z",
        })
    };
    let told = |found: Value| {
        json!([{ "source": "files scans", "caveat": "a caveat",
            "report": { "tool": { "name": "Trivy" }, "made": "2026-11-20T00:00:00Z", "vulnerabilities": found } }])
    };
    json!({
        "sources": ["files scans"],
        "images": {
            "docker.io/velero/velero:v1.17.0": { "digest": now }, "docker.io/velero/velero:v1.18.0": { "digest": then },
        },
        "told": {
            now: told(json!([found("CVE-2026-1111", "critical", "openssl"), found("CVE-2026-2222", "high", "zlib")])),
            then: told(json!([found("CVE-2026-3333", "low", "curl")])),
        },
        "exploited": {
            "released": "2026-11-20T00:00:00Z",
            "entries": { "CVE-2026-1111": { "due": "2026-12-10", "ransomware": true } },
        },
    })
}

/// The schema of what was seen in one place.
fn schema(seen: &[&Value]) -> Value {
    let types: BTreeSet<&str> = seen.iter().map(|value| kind(value)).collect();
    // What was only ever null may be anything.
    if types.is_empty() || types.iter().eq(["null"].iter()) {
        return json!({});
    }
    let mut found = Map::new();
    found.insert("type".into(), json!(types));
    let objects: Vec<&Map<String, Value>> = seen.iter().filter_map(|value| value.as_object()).collect();
    if !objects.is_empty() {
        let names: BTreeSet<&String> = objects.iter().flat_map(|o| o.keys()).collect();
        let required: Vec<&&String> =
            names.iter().filter(|name| objects.iter().all(|o| o.contains_key(**name))).collect();
        let mut properties = Map::new();
        for name in &names {
            let values: Vec<&Value> = objects.iter().filter_map(|o| o.get(*name)).collect();
            properties.insert((*name).clone(), named(name, &values));
        }
        found.insert("required".into(), json!(required));
        found.insert("properties".into(), Value::Object(properties));
    }
    let items: Vec<&Value> = seen.iter().filter_map(|v| v.as_array()).flatten().collect();
    if !items.is_empty() {
        found.insert("items".into(), schema(&items));
    }
    Value::Object(found)
}

fn named(name: &str, values: &[&Value]) -> Value {
    let objects = values.iter().any(|v| v.is_object());
    if objects && FREE.contains(&name) {
        return json!({"type": ["object", "null"]});
    }
    // `clusters` counts them, or holds one object for each.
    let each = name == "clusters"
        && values.iter().filter_map(|v| v.as_object()).flat_map(|o| o.values()).all(Value::is_object);
    if objects && (each || MAPS.contains(&name)) {
        let inner: Vec<&Value> =
            values.iter().filter_map(|v| v.as_object()).flat_map(|o| o.values()).collect();
        return json!({"type": ["object", "null"], "additionalProperties": schema(&inner)});
    }
    schema(values)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Holds what was told of one kind against its recorded schema, and proves that the schema would
/// notice a field that is missing.
fn hold(file: &str, seen: &[Value], wrong: &mut Vec<String>) {
    let path = folder().join(format!("{file}.json"));
    if std::env::var_os("TIDEGATE_RECORD_SHAPES").is_some() {
        let mut recorded = json!({"$schema": "http://json-schema.org/draft-07/schema#"});
        let found = schema(&seen.iter().collect::<Vec<_>>());
        recorded.as_object_mut().unwrap().extend(found.as_object().unwrap().clone());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("{recorded:#}\n")).unwrap();
    }
    let Ok(text) = std::fs::read_to_string(&path) else {
        wrong.push(format!("{file} has no recorded shape: run this test with TIDEGATE_RECORD_SHAPES=1"));
        return;
    };
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::draft7::new(&recorded).unwrap();
    for document in seen {
        wrong.extend(validator.iter_errors(document).map(|e| format!("{file}{}: {e}", e.instance_path())));
        for place in ["", "/data", "/data/items/0"] {
            let Some(fields) = document.pointer(place).and_then(Value::as_object) else { continue };
            let recorded_place =
                place.replace("/items/0", "/properties/items/items").replacen("/data", "/properties/data", 1);
            let Some(required) = recorded.pointer(&format!("{recorded_place}/required")) else { continue };
            for field in fields.keys().filter(|f| required.as_array().unwrap().contains(&json!(f))) {
                let mut less = document.clone();
                less.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(field);
                assert!(!validator.is_valid(&less), "{file}: nobody notices that {place}/{field} is gone");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_document_and_every_event_keeps_its_recorded_shape() {
    let specs = ["shape-1", "shape-2"].map(ClusterSpec::api_only).into();
    let clusters = Bed::shared().await.clusters(specs).await;
    let told = tokio::task::spawn_blocking(move || {
        let members = [Member::of(&clusters[0], "staging"), Member::of(&clusters[1], "prod")];
        session(&tiny::lab(&members, WAVES))
    });
    let told = told.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));

    let mut wrong = Vec::new();
    for (kind, documents) in &told.documents {
        hold(kind, documents, &mut wrong);
    }
    for (name, events) in &told.events {
        hold(&format!("events/{name}"), events, &mut wrong);
    }
    // Every kind of the page of JSON was told.
    let page = std::fs::read_to_string(folder().join("../../docs/json.md")).unwrap();
    let rows = page.lines().filter(|l| l.starts_with("| `")).filter_map(|l| l.split('|').nth(1));
    let kinds = rows.flat_map(|cell| cell.split('`')).filter(|w| w.starts_with(char::is_uppercase));
    for kind in kinds.filter(|kind| *kind != "RolloutStatusList") {
        if !told.documents.contains_key(kind) {
            wrong.push(format!("no document of kind {kind} was looked at"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A session in which every command speaks: two releases, a pin, an approval, a failure, a retry and
/// an abort.
fn session(lab: &Lab) -> Told {
    let mut told = Told::default();
    tiny::product(lab, "base", "1.0.0", PLAIN, &config("base", "1"));
    let app = |version: &str, test: &str| {
        let more = format!(
            "  requires: {{ base: \">=1\" }}\n  values: {{ colour: blue }}\n  deploy:\n    - manifests: {{ path: manifests }}\n  tests:\n    - run: {{ name: fine, command: [{test}] }}\n"
        );
        tiny::product(lab, "app", version, &more, &config("app", version));
    };
    app("1.0.0", "\"true\"");
    tiny::release(lab, "R1", None, "{ base: 1.0.0, app: 1.0.0 }");
    told.keep(lab, "check", 0);
    tiny::release(lab, "R1", None, "{ base: 1.0.0, ap: 1.0.0 }");
    told.keep(lab, "check", 3);
    tiny::release(lab, "R1", None, "{ base: 1.0.0, app: 1.0.0 }");
    told.keep(lab, "schema get Product", 0);
    lab.write("small.yaml", SCENARIO);
    told.keep(lab, "rehearse --scenario small.yaml", 13);
    std::fs::remove_file(lab.repo().join("small.yaml")).unwrap();
    told.keep(lab, "explain", 0);
    told.keep(lab, "explain TG0101", 0);
    let tags = "1.0.0 1.0.1 1.1.0 2.0.0 2.1.0-rc.1";
    for options in ["", "--level patch"] {
        let line = format!("printf '%s\\n' {tags} | tidegate lcm pick --current 1.0.0 {options} -o json");
        told.keep_of(lab.shell(&line).exits(0));
    }
    told.keep_of(lab.shell("echo 1.0.0 | tidegate lcm pick --current 1.0.0 -o json").exits(0));
    told.keep(lab, "product show nothing", 3);
    told.keep(&Lab::with_sample().alone(), "product bump backup --to v1.18.0 --dry-run", 0);
    reported(&mut told);
    let importing = Lab::with_sample();
    importing.write(
        "old.yaml",
        "imageRegistries:\n  quay: { username: reader, password: x }\n  overrideRegistries:\n    \
         - { registryName: DockerHub, urls: [hub.example.com] }\nimages: [\"hub.example.com/velero/velero:v1.17.0\"]\n\
         github:\n  repos: [ { repo: hashicorp/terraform, version: \"1.9.8\" } ]\n",
    );
    told.keep(&importing, "lcm import old.yaml --dry-run", 0);
    lab.commit("R1");
    told.keep(lab, "product list", 0);
    told.keep(lab, "product tag --all", 0);
    told.keep(lab, "product list", 0);
    told.keep(lab, "product show app", 0);
    told.keep(lab, "release list", 0);
    told.keep(lab, "release cut R1", 0);
    lab.commit("release: R1");
    told.keep(lab, "init ../begun", 0);

    told.keep(lab, "cluster list", 0);
    let plan = tiny::plan(lab, "R1");
    told.keep(lab, "plan R1", 0);
    told.keep(lab, "plan R1 -c shape-1", 0);
    told.keep(lab, "plan R1 -c shape-1 --manifests", 0);
    told.keep(lab, "rehearse R1 --seeds 2 --faults none --progress none", 0);
    lab.write("down.yaml", "faults: [ { what: refused } ]\n");
    told.keep(lab, "rehearse R1 --seeds 1 --within 1d --faults down.yaml --progress none", 13);
    std::fs::remove_file(lab.repo().join("down.yaml")).unwrap();
    told.keep(lab, &format!("rollout start {plan} --until blocked"), 11);
    told.keep(lab, "rollout status", 0);
    told.keep(lab, "rollout why", 0);
    // The soak ends by time alone; then only people can help.
    while told.keep(lab, "rollout status", 0)["data"]["wave"] != "prod" {
        lab.tidegate("rollout run R1 --until wave:staging").ok();
    }
    lab.tidegate("rollout run R1 --until blocked").exits(11);
    told.keep(lab, "rollout why", 0);
    told.keep(lab, "rollout approve R1 --wave prod", 0);
    told.keep(lab, "rollout revoke R1 --wave prod", 0);
    told.keep(lab, "rollout approve R1 --wave prod --comment fine", 0);
    told.keep(lab, "rollout run R1", 0);
    told.keep(lab, "rollout watch R1", 0);

    // What people say about the fleet.
    told.keep(lab, "freeze add --name later --until 2999-01-01 --time-zone UTC --reason holidays", 0);
    told.keep(lab, "freeze list", 0);
    told.keep(lab, "freeze remove later", 0);
    told.keep(lab, "stop-the-line on --scope env=staging --reason incident", 0);
    told.keep(lab, "stop-the-line list", 0);
    told.keep(lab, "stop-the-line off --scope env=staging --reason over", 0);
    told.keep(lab, "cluster hold shape-1 --product app --reason demo --until 2999-01-01", 0);
    told.keep(lab, "cluster hold shape-2 --reason demo", 0);
    told.keep(lab, "cluster holds", 0);
    told.keep(lab, "cluster list", 0);
    told.keep(lab, "cluster release shape-1 --product app --reason over", 0);
    told.keep(lab, "cluster release shape-2 --reason over", 0);
    lab.git(&["checkout", "--quiet", "pipelines"]);
    lab.git(&["clean", "--quiet", "-f", "pipelines"]);

    // The second release fails its test, is tried again, paused, and ended.
    app("2.0.0", "sh, -c, \"echo 503; exit 1\"");
    tiny::release(lab, "R2", Some("R1"), "{ base: 1.0.0, app: 2.0.0 }");
    tiny::cut(lab, "R2");
    told.keep(lab, "release hotfix R1 --product app=2.0.0", 0);
    std::fs::remove_file(lab.repo().join("releases/R1.1.yaml")).unwrap();
    told.keep(lab, "release list", 0);
    told.keep(lab, "release show R2", 0);
    told.keep(lab, "release diff R1 R2", 0);
    told.keep(lab, "release diff R1 R2 -c shape-1", 0);
    told.keep(
        lab,
        "pin add -c shape-2 --product app --version 1.0.0 --owner web --reason later --until 2999-01-01",
        0,
    );
    lab.commit("pin");
    told.keep(lab, "pin list", 0);
    told.keep(lab, "pin extend PIN-1 --until 2999-02-01", 0);
    told.keep(lab, "pin impact PIN-1", 0);
    lab.commit("pin: PIN-1 is extended");
    told.keep(lab, "cluster show shape-2", 0);
    told.keep(lab, "cluster drift", 0);
    told.keep(lab, "cluster matrix", 0);
    told.keep(lab, "cluster matrix --group env", 0);
    let plan = tiny::plan(lab, "R2");
    let shown = told.keep(lab, "plan R2", 0);
    assert!(shown["data"]["estimate"]["pastRuns"].as_u64().unwrap() >= 2, "{shown:#}");
    told.keep(lab, &format!("rollout start {plan}"), 13);
    told.keep(lab, "rollout rollback R2 --plan-only --reason broken", 0);
    told.keep(lab, "rollout status", 0);
    told.keep(lab, "rollout why", 0);
    told.keep(lab, "rollout why -c shape-1", 0);
    told.keep(lab, "rollout retry R2 --failed", 0);
    told.keep(lab, "rollout run R2", 13);
    told.keep(lab, "rollout resume R2 --raise-budget 1 --reason known", 0);
    told.keep(lab, "rollout pause R2 --reason wait", 0);
    lab.edit("pipelines/main.yaml", "tests: all, soak", "tests: all, atOnce: 2, soak");
    lab.commit("staging: two at once");
    told.keep(lab, "rollout replan R2 --dry-run", 0);
    told.keep(lab, "rollout replan R2 --reason wider", 0);
    told.keep(lab, "rollout skip R2 -c shape-1 --reason known", 0);
    told.keep(lab, "rollout abort R2 --reason enough", 0);
    told.keep(lab, "rollout run R2", 12);
    let status = told.keep(lab, "rollout status R2", 0);
    let words: Vec<&str> =
        status["data"]["waves"].as_array().unwrap().iter().map(|w| w["state"].as_str().unwrap()).collect();
    // The new plan asks the first wave anew, and nobody answered before the end.
    assert_eq!(words, ["not-started", "not-started"]);
    told.keep(lab, "rollout why R2", 0);
    told.keep(lab, "rollout list", 0);
    told.keep(lab, "pin remove PIN-1", 0);
    told.keep(lab, "cluster list", 0);
    told.keep(lab, "cluster adopt shape-1 --reason test", 0);
    told.keep(lab, "journal verify", 0);
    let other = lab.around().join("other.db").display().to_string();
    told.keep(lab, &format!("--journal {other} journal rebuild --reason lost"), 0);
    told.keep(lab, &format!("--journal {other} journal rebuild --reason lost --yes"), 0);
    told.keep(lab, "rollout show R1", 0);
    let export = lab.around().join("r1.jsonl").display().to_string();
    told.keep(lab, &format!("rollout export R1 --out {export}"), 0);
    told.keep(lab, &format!("journal verify --export {export}"), 0);
    told.keep(lab, &format!("rollout replay {export}"), 0);
    for event in lab.events() {
        told.events.entry(event["event"].as_str().unwrap().to_owned()).or_default().push(event);
    }
    told
}
