//! What the views of the fleet say of real clusters: what runs where, how far behind that is, and
//! what somebody changed behind the journal's back.
#![allow(clippy::unwrap_used)]

use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::bed::{Bed, Cluster, ClusterSpec, Link};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

fn app(lab: &Lab, version: &str) {
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: default }\nspec:\n  selector: { app: web }\n  \
        ports:\n    - { name: http, port: 80, targetPort: 8080 }\n";
    let objects = format!("{}{service}", tiny::config("app", version));
    tiny::product(lab, "app", version, PLAIN, &objects);
}

fn of<'v>(document: &'v Value, cluster: &str) -> &'v Value {
    let items = document["data"]["items"].as_array().or_else(|| document["data"]["clusters"].as_array());
    items.unwrap().iter().find(|c| c["cluster"] == cluster).unwrap_or_else(|| panic!("{document:#}"))
}

fn drift(lab: &Lab, line: &str, code: i32) -> Value {
    lab.tidegate(&format!("cluster drift -o json {line}")).exits(code).json()
}

async fn edited_by_hand(cluster: &Cluster) {
    let client = cluster.client().await;
    let configs: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    configs.delete("app", &DeleteParams::default()).await.unwrap();
    let services: Api<Service> = Api::namespaced(client, "default");
    let by = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    let port = json!({"spec": {"ports": [{"name": "http", "port": 80, "targetPort": 9090}]}});
    services.patch("web", &by, &Patch::Strategic(port)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matrix_shows_what_runs_where_and_drift_what_was_changed_by_hand() {
    let specs = ["view-1", "view-2"].map(ClusterSpec::api_only).to_vec();
    let clusters = Bed::shared().await.clusters(specs).await;
    let members = vec![Member::of(&clusters[0], "staging"), Member::of(&clusters[1], "prod")];
    let lab = tiny::beside(move || {
        let lab = tiny::lab(&members, tiny::WAVES);
        app(&lab, "1.0.0");
        tiny::release(&lab, "R1", None, "{ app: 1.0.0 }");
        tiny::cut(&lab, "R1");
        tiny::start(&lab, "R1").ok();
        app(&lab, "1.1.0");
        tiny::release(&lab, "R2", Some("R1"), "{ app: 1.1.0 }");
        tiny::cut(&lab, "R2");
        let plan = tiny::plan(&lab, "R2");
        lab.run(&["rollout", "start", &plan, "--detach"]).ok();
        lab.tidegate("rollout skip R2 -c view-2 --reason later").ok();
        lab.tidegate("rollout run R2").ok();

        let matrix = lab.tidegate("cluster matrix -o json").ok().json();
        assert_eq!(matrix["data"]["newest"], "R2");
        let (first, second) = (of(&matrix, "view-1"), of(&matrix, "view-2"));
        assert_eq!((&first["release"], &first["behind"]), (&json!("R2"), &json!(0)), "{matrix:#}");
        assert_eq!((&second["release"], &second["behind"]), (&json!("R1"), &json!(1)));
        assert_eq!(second["products"]["app"]["marks"], json!(["behind"]));
        let prod = lab.tidegate("cluster matrix --env prod").ok().out;
        assert!(
            prod.contains("view-2") && prod.contains("1.0.0 behind") && !prod.contains("view-1"),
            "{prod}"
        );

        let diff = lab.tidegate("release diff R1 R2 --cluster view-2 -o json").ok().json();
        let change = &diff["data"]["products"][0];
        assert_eq!(
            (&change["change"], &change["from"]["version"], &change["to"]["version"], &change["running"]),
            (&json!("raised"), &json!("1.0.0"), &json!("1.1.0"), &json!("1.0.0")),
            "{diff:#}"
        );
        let runs = &second["observed"]["products"]["app"]["inputs"];
        assert_eq!(&change["from"]["inputs"], runs, "the digest is that of what was applied");
        let excluded = lab.tidegate("release diff R1 R2 --cluster view-9").exits(3);
        assert!(excluded.err.contains("there is no cluster"), "{}", excluded.err);

        let none = drift(&lab, "--exit-code", 0);
        for name in ["view-1", "view-2"] {
            assert_eq!(of(&none, name)["differences"], json!([]), "{none:#}");
            assert_eq!(of(&none, name)["objects"], 2);
        }
        lab
    })
    .await;

    edited_by_hand(&clusters[1]).await;
    let configs: Api<ConfigMap> = Api::namespaced(clusters[1].client().await, "default");
    // The clusters come back, since they end when they are dropped.
    let clusters = tiny::beside(move || {
        let found = drift(&lab, "--exit-code", 10);
        assert_eq!(of(&found, "view-1")["differences"], json!([]), "{found:#}");
        let differences = of(&found, "view-2")["differences"].as_array().unwrap().clone();
        let kinds: Vec<&Value> = differences.iter().map(|d| &d["kind"]).collect();
        assert_eq!(kinds, ["object-missing", "fields-changed"], "{found:#}");
        let field = &differences[1]["fields"][0];
        assert_eq!(
            (&field["field"], &field["applied"], &field["found"], &field["by"]),
            (&json!("spec.ports[port=80].targetPort"), &json!(8080), &json!(9090), &json!("kubectl-edit"))
        );
        assert_eq!(differences[1]["fields"].as_array().unwrap().len(), 1, "{found:#}");
        let listed = lab.tidegate("cluster list -o json").ok().json();
        assert_eq!(of(&listed, "view-2")["drift"]["differences"], 2);
        assert_eq!(of(&listed, "view-1")["drift"]["differences"], 0);
        let screen = lab.tidegate("cluster list").ok().out;
        assert!(screen.contains("drifted (2)"), "{screen}");
        drift(&lab, "-c view-1 --exit-code", 0);

        // A cluster that does not answer is not called unchanged.
        clusters[0].faults().link(Link::HalfOpen);
        let found = drift(&lab, "", 6);
        assert_eq!(found["partial"], true, "{found:#}");
        assert!(of(&found, "view-1")["unreachable"].is_string());
        lab.tidegate("cluster drift -c view-9").exits(4);
        clusters
    })
    .await;
    assert!(configs.get_opt("app").await.unwrap().is_none(), "a look mends nothing");
    drop(clusters);
}

/// M02: the pipeline changed after the run; what is shown and exported of the run is the old one, and
/// an export that somebody touched does not hold.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_m02_a_rollout_is_shown_and_exported_with_the_pipeline_as_executed() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("shown-1")).await;
    tiny::beside(move || {
        let lab = tiny::lab(&[Member::of(&cluster, "staging")], tiny::WAVES);
        app(&lab, "1.0.0");
        tiny::release(&lab, "R1", None, "{ app: 1.0.0 }");
        tiny::cut(&lab, "R1");
        tiny::start(&lab, "R1").ok();
        let old = lab.read("pipelines/main.yaml");
        lab.edit("pipelines/main.yaml", "name: staging, ", "name: first, ");
        lab.edit("pipelines/main.yaml", "atOnce: 4", "atOnce: 1");
        lab.commit("pipeline: other waves");

        let shown = lab.tidegate("rollout show R1 -o json").ok().json();
        assert_eq!(shown["data"]["pipeline"]["text"], old);
        assert_eq!(shown["data"]["changedSince"], true);
        assert_eq!(shown["data"]["plan"]["waves"][0]["name"], "staging");
        assert_eq!(shown["data"]["plan"]["waves"][0]["atOnce"], 4);
        let screen = lab.tidegate("rollout show").ok().out;
        assert!(screen.contains("the file has changed since") && screen.contains("staging"), "{screen}");

        let file = lab.around().join("r1.jsonl");
        let path = file.display().to_string();
        lab.run(&["rollout", "export", "R1", "--out", &path]).ok();
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["version"], 2);
        assert_eq!(lines[1]["pipeline"]["text"], old);
        let first = lines.iter().position(|line| line["event"].is_object()).unwrap();
        assert!(
            lines[2..first].iter().all(|line| line["before"].is_object()),
            "what held before comes first"
        );
        assert_eq!(lines[first]["event"]["event"], "rollout.planned");
        assert!(lines[first]["event"]["plan"]["waves"].is_array(), "the plan is in it");
        let verified = lab.run(&["journal", "verify", "--export", &path, "-o", "json"]).ok().json();
        assert_eq!(verified["data"]["events"], lines.iter().filter(|l| l["event"].is_object()).count());

        std::fs::write(&file, text.replacen("\"release\":\"R1\"", "\"release\":\"R2\"", 2)).unwrap();
        let broken = lab.run(&["journal", "verify", "--export", &path]).exits(8);
        assert!(broken.err.contains("was changed after it was written"), "{}", broken.err);
        let dropped: Vec<&str> =
            text.lines().enumerate().filter(|(at, _)| *at != first + 1).map(|(_, line)| line).collect();
        std::fs::write(&file, dropped.join("\n")).unwrap();
        let broken = lab.run(&["journal", "verify", "--export", &path]).exits(8);
        assert!(broken.err.contains("does not follow"), "{}", broken.err);
    })
    .await;
}
