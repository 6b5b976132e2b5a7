//! What somebody changed by hand, whether an apply would put it back, and the commands that do. The
//! commands that are offered are typed as they stand, and afterwards nothing differs.
#![allow(clippy::unwrap_used)]

use k8s_openapi::api::core::v1::{ConfigMap, Service};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::bed::{Bed, Cluster, ClusterSpec};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

const ONE: &str = "
    - { name: staging, selector: { env: staging } }
";

const SERVICE: &str = "---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec:
  selector: { app: web }
  ports:
    - { name: http, port: 80, targetPort: 8080 }
";

fn by_hand() -> PatchParams {
    PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() }
}

/// A value that an apply puts back, one that is frozen since, and a port of a Service.
async fn edited(cluster: &Cluster) {
    let client = cluster.client().await;
    let configs: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let theirs = json!({"data": {"value": "theirs"}});
    configs.patch("tuned", &by_hand(), &Patch::Merge(theirs)).await.unwrap();
    let frozen = json!({"data": {"value": "theirs"}, "immutable": true});
    configs.patch("frozen", &by_hand(), &Patch::Merge(frozen)).await.unwrap();
    let services: Api<Service> = Api::namespaced(client, "default");
    let port = json!({"spec": {"ports": [{"name": "http", "port": 81, "targetPort": 8080}]}});
    services.patch("web", &by_hand(), &Patch::Merge(port)).await.unwrap();
}

/// The version of everything in `default`.
async fn versions(cluster: &Cluster) -> Vec<String> {
    let client = cluster.client().await;
    let configs: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let services: Api<Service> = Api::namespaced(client, "default");
    let mut found = Vec::new();
    for name in ["tuned", "frozen"] {
        found.extend(configs.get(name).await.unwrap().metadata.resource_version);
    }
    found.extend(services.get("web").await.unwrap().metadata.resource_version);
    found
}

fn drift(lab: &Lab, code: i32) -> Value {
    lab.tidegate("cluster drift --exit-code -o json").exits(code).json()["data"]["items"][0].clone()
}

fn of<'d>(look: &'d Value, object: &str) -> &'d Value {
    let all = look["differences"].as_array().unwrap();
    all.iter().find(|d| d["object"] == object).unwrap_or_else(|| panic!("no {object}: {look:#}"))
}

/// Reads everything, and may write nothing.
async fn reader(cluster: &Cluster) -> std::path::PathBuf {
    let roles: Api<ClusterRole> = Api::all(cluster.client().await);
    let role = json!({"metadata": {"name": "reader"}, "rules": [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]});
    roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
    cluster.service_account_kubeconfig("default", "reader", "reader").await.unwrap()
}

/// G09: fields were edited that an apply can't change. The drift says `immutable field`, nothing was
/// written to find that out, and the commands that it offers mend everything.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_g09_an_immutable_field_is_named_and_the_offered_commands_mend_it() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("edited")).await;
    let kubectl = Bed::shared().await.tool("kubectl").await;
    let member = Member { kubeconfig: cluster.kubeconfig(), ..Member::of(&cluster, "staging") };
    let lab = tiny::beside(move || {
        let mut lab = tiny::lab(&[member], ONE);
        lab.add_to_path(kubectl.parent().unwrap());
        let objects =
            format!("{}---\n{}{SERVICE}", tiny::config("tuned", "ours"), tiny::config("frozen", "ours"));
        tiny::product(&lab, "app", "1.0.0", PLAIN, &objects);
        tiny::release(&lab, "R1", None, "{ app: 1.0.0 }");
        tiny::cut(&lab, "R1");
        tiny::start(&lab, "R1").ok();
        assert_eq!(drift(&lab, 0)["fix"], json!([]));
        lab
    })
    .await;
    edited(&cluster).await;
    let before = versions(&cluster).await;

    let (lab, look) = tiny::beside(move || {
        let look = drift(&lab, 10);
        (lab, look)
    })
    .await;
    assert_eq!(versions(&cluster).await, before, "a look wrote something");
    let tuned = of(&look, "ConfigMap default/tuned");
    assert_eq!(tuned["mend"]["reason"], "applies", "{look:#}");
    assert!(!tuned["words"].as_str().unwrap().contains("immutable"), "{tuned:#}");
    let frozen = of(&look, "ConfigMap default/frozen");
    assert_eq!(frozen["mend"]["reason"], "immutable-field", "{look:#}");
    let words = frozen["words"].as_str().unwrap();
    assert!(words.contains("data.value is theirs, applied was ours (kubectl-edit)"), "{words}");
    assert!(words.contains("immutable field (data: field is immutable when `immutable` is set)"), "{words}");
    let web = of(&look, "Service default/web");
    assert_eq!(web["mend"]["reason"], "immutable-field", "{look:#}");
    assert!(web["words"].as_str().unwrap().contains("; immutable field (spec.ports["), "{web:#}");

    // Who may only read sees the drift, and that the question was not answered.
    let reading = reader(&cluster).await;
    let lab = tiny::beside(move || {
        let fleet = lab.read("pipelines/fleet.yaml");
        let member = Member { name: "edited".to_owned(), env: "staging", kubeconfig: reading };
        tiny::write_fleet(&lab, &[member], "");
        let look = drift(&lab, 10);
        let tuned = of(&look, "ConfigMap default/tuned");
        assert_eq!(tuned["mend"]["reason"], "not-tried", "{look:#}");
        assert!(tuned["words"].as_str().unwrap().contains("these credentials may not try it"), "{tuned:#}");
        assert_eq!(tuned["fields"][0]["found"], "theirs");
        lab.write("pipelines/fleet.yaml", &fleet);
        lab
    })
    .await;

    tiny::beside(move || {
        let screen = lab.tidegate("cluster drift").ok().out;
        assert!(screen.contains("immutable field") && screen.contains("To mend edited:"), "{screen}");
        let commands: Vec<String> =
            look["fix"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
        assert_eq!(commands.len(), 4, "{commands:#?}");
        assert!(commands[0].ends_with(" -n default delete configmaps frozen"), "{commands:#?}");
        assert!(commands[1].contains(" -n default patch services web --type merge -p '"), "{commands:#?}");
        assert_eq!(commands[2], "tidegate plan R1 --reapply --take-over --out R1-again.plan");
        assert!(screen.contains(&commands[2]), "{screen}");
        let plan = lab.tidegate("plan R1 --reapply").ok().out;
        assert!(plan.contains("app 1.0.0, applied again (1)"), "{plan}");
        for command in &commands {
            // A shell of the laboratory has a journal of its own.
            match command.strip_prefix("tidegate ") {
                Some(rest) => lab.tidegate(rest).ok(),
                None => lab.shell(command).ok(),
            };
        }
        let after = drift(&lab, 0);
        assert_eq!((&after["differences"], &after["fix"]), (&json!([]), &json!([])), "{after:#}");
        let again = lab.tidegate("plan R1").ok().out;
        assert!(again.contains("Changes      nothing"), "{again}");
    })
    .await;
    let configs: Api<ConfigMap> = Api::namespaced(cluster.client().await, "default");
    for name in ["tuned", "frozen"] {
        assert_eq!(configs.get(name).await.unwrap().data.unwrap()["value"], "ours", "{name}");
    }
    let services: Api<Service> = Api::namespaced(cluster.client().await, "default");
    let ports = services.get("web").await.unwrap().spec.unwrap().ports.unwrap();
    assert_eq!(ports.iter().map(|p| p.port).collect::<Vec<_>>(), [80]);
}
