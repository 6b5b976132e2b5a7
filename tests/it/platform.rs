//! The whole sample platform on a real cluster: custom resources with their kinds, policies that the
//! API server keeps, a one-way step that is named before it is passed, and the sample's hotfix.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::bed::ClusterSpec;
use crate::desk::Desk;
use crate::lab::Lab;
use crate::tiny::beside;

const PIPELINE: &str = "apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: { name: main }
spec:
  lanes: { normal: [one], hotfix: [one] }
  waves: [ { name: one, selector: { env: prod }, tests: all } ]
";

fn cut(lab: &Lab, release: &str) {
    lab.tidegate("product tag --all").ok();
    lab.run(&["release", "cut", release]).ok();
    lab.commit(&format!("release: {release}"));
}

/// Plans a release, starts it to its end, and returns what the plan said.
fn roll(lab: &Lab, release: &str) -> String {
    let plan = lab.around().join(format!("{release}.plan")).display().to_string();
    let said = lab.run(&["plan", release, "--render", "--out", &plan]).ok();
    lab.run(&["rollout", "start", &plan]).ok();
    said.out + &said.err
}

fn pod(namespace: &str, image: &str, privileged: bool) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "namespace": namespace},
        "spec": {"containers": [{"name": "c", "image": image,
            "securityContext": {"privileged": privileged}}]}})
}

/// Asks the API server about a pod without keeping it; what it refuses, if it does.
async fn refused(desk: &Desk, pod: &Value) -> Option<String> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap();
    let uri = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All");
    let request = hyper::Request::post(uri).header("content-type", "application/json");
    match desk.client.request::<Value>(request.body(pod.to_string().into_bytes()).unwrap()).await {
        Ok(_) => None,
        Err(kube::Error::Api(status)) if status.code == 403 => Some(status.message),
        Err(other) => panic!("{pod}: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_platform_works_on_a_real_cluster_and_takes_its_hotfix() {
    let desk = Desk::new(ClusterSpec::complete("web-eu", 1)).await;
    let helm = crate::bed::tool_path("helm").await.unwrap();
    let fleet = format!(
        "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: {{ name: one }}\nspec:\n  clusters:\n    - {{ name: web-eu, labels: {{ env: prod }}, kubeconfig: {{ path: {} }} }}\n",
        desk.bed.kubeconfig_via_proxy().display()
    );
    let (lab, said) = beside(move || {
        let mut lab = Lab::with_products();
        lab.set("TIDEGATE_HELM", helm.display().to_string());
        lab.write("pipelines/fleet.yaml", &fleet);
        lab.write("pipelines/main.yaml", PIPELINE);
        lab.commit("the sample platform");
        cut(&lab, "R41");
        lab.edit("products/shop/product.yaml", "version: 0.9.0", "version: 0.10.0");
        lab.commit("shop: 0.10.0");
        cut(&lab, "R42");
        cut(&lab, "R50");
        let said = roll(&lab, "R50");
        (lab, said)
    })
    .await;
    assert!(said.contains("definitions"), "the plan does not name the one-way step:\n{said}");

    // The custom resource is there in the version that is stored now, and in the older one.
    for version in ["v1", "v1alpha1"] {
        let path = format!("/apis/certs.example.com/{version}/namespaces/shop/certificates/shop");
        let certificate = desk.get(&path).await.unwrap();
        assert_eq!(certificate["spec"]["dnsNames"], json!(["shop.example.com"]), "{version}");
        assert_eq!(certificate["spec"]["duration"], "2160h", "the definition's default");
    }
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/certificates.certs.example.com";
    assert_eq!(desk.get(definition).await.unwrap()["status"]["storedVersions"], json!(["v1"]));

    // The policy holds in the platform's namespaces, save where more is allowed.
    let good = "registry.k8s.io/pause:3.10";
    let privileged = refused(&desk, &pod("shop", good, true)).await.unwrap();
    assert!(privileged.contains("privileged containers are refused"), "{privileged}");
    let foreign = refused(&desk, &pod("shop", "example.org/pause:1", false)).await.unwrap();
    assert!(foreign.contains("images come from"), "{foreign}");
    assert_eq!(refused(&desk, &pod("shop", good, false)).await, None);
    assert_eq!(refused(&desk, &pod("security", good, true)).await, None);

    // The hotfix raises one product of nine.
    beside(move || {
        lab.edit("products/certificates/product.yaml", "version: 1.2.0", "version: 1.2.1");
        lab.commit("certificates: 1.2.1");
        cut(&lab, "R50.1");
        let said = roll(&lab, "R50.1");
        assert!(said.contains("certificates 1.2.0 -> 1.2.1"), "{said}");
        assert!(!said.contains("certificate-crds 1."), "{said}");
    })
    .await;
    let path = "/apis/apps/v1/namespaces/certificates/deployments/controller";
    let labels = &desk.get(path).await.unwrap()["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/version"], "1.2.1");
}
