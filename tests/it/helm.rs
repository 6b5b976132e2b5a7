//! The real helm as a renderer: what it is given, what it can't see, and what comes back. A missing
//! helm is a failure here and never a test less.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate::adapter::helm::HelmCli;
use tidegate::journal::FailureClass;
use tidegate::model::{File, Tree};
use tidegate::port::{Fault, HelmRequest, Renderer, Secret};
use tidegate::render::helm::{Chart, objects};
use tidegate::render::{Mask, RenderedObject, check, images, scan};

use crate::bed::tool_path;

async fn helm() -> HelmCli {
    match tool_path("helm").await {
        Ok(path) => HelmCli::at(path),
        Err(trouble) => panic!("the bed has no helm: {trouble}"),
    }
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in files {
        tree.insert(*path, File { bytes: text.as_bytes().into(), executable: false });
    }
    tree
}

const ABOUT: (&str, &str) = ("chart/Chart.yaml", "apiVersion: v2\nname: ingress\nversion: 1.0.0\n");

fn request(tree: &Tree, values: Value) -> HelmRequest {
    HelmRequest {
        chart: tree.subtree("chart"),
        release: "edge".into(),
        namespace: "ingress-system".into(),
        values,
        kubernetes: "1.36".parse().unwrap(),
        api_versions: vec!["example.io/v1".into(), "example.io/v1/Thing".into()],
        timeout: tidegate::model::Duration::seconds(60),
        mask: vec![Secret::new("canary-secret")],
    }
}

/// Rendered and read, as the engine does it.
async fn render(files: &[(&str, &str)], values: Value) -> Result<Vec<RenderedObject>, Fault> {
    let mut tree = tree(files);
    tree.insert(ABOUT.0, File { bytes: ABOUT.1.as_bytes().into(), executable: false });
    let output = helm().await.render(request(&tree, values)).await?;
    let chart = Chart { tree: &tree, folder: "products/ingress", path: "chart", namespace: "ingress-system" };
    Ok(objects(&output.manifests, &chart, &Mask::default()).unwrap())
}

#[tokio::test]
async fn helm_says_its_version_and_is_known_by_its_bytes() {
    let helm = helm().await;
    let version = helm.version().await.unwrap();
    assert!(version.version.starts_with("v4.") || version.version.starts_with("v3."), "{version:?}");
    assert_eq!(version.binary.hex().len(), 64);
    assert_eq!(helm.version().await.unwrap(), version);
}

#[tokio::test]
async fn a_chart_gets_values_names_and_capabilities_as_given_and_nothing_else() {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n  namespace: {{ .Release.Namespace }}\ndata:\n  kube: {{ .Capabilities.KubeVersion.Version | quote }}\n  minor: {{ .Capabilities.KubeVersion.Minor | quote }}\n  group: {{ .Capabilities.APIVersions.Has \"example.io/v1\" | quote }}\n  kind: {{ .Capabilities.APIVersions.Has \"example.io/v1/Thing\" | quote }}\n  other: {{ .Capabilities.APIVersions.Has \"other.io/v1\" | quote }}\n  value: {{ .Values.deep.text | quote }}\n  default: {{ .Values.kept | quote }}\n";
    let files = [
        ("chart/templates/a.yaml", template),
        ("chart/values.yaml", "kept: from chart\ndeep: {text: no}\n"),
        (
            "chart/crds/c.yaml",
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.io}\n",
        ),
    ];
    let found = render(&files, json!({"deep": {"text": "yes: \"quoted\"\nand more"}})).await.unwrap();
    let kinds: Vec<&str> = found.iter().map(|object| object.object["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["CustomResourceDefinition", "ConfigMap"]);
    assert_eq!(
        found[1].object,
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "edge", "namespace": "ingress-system"},
            "data": {"kube": "v1.36", "minor": "36", "group": "true", "kind": "true", "other": "false",
                "value": "yes: \"quoted\"\nand more", "default": "from chart"}})
    );
    assert_eq!(found[1].origin, "ingress/templates/a.yaml");
    assert_eq!(found[1].place.to_string(), "products/ingress/chart/templates/a.yaml:1:1");
    assert!(check(&found).is_empty());
}

#[tokio::test]
async fn hooks_for_tests_are_left_out_and_charts_within_are_rendered() {
    let hook = "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {\"helm.sh/hook\": test}}\nspec: {containers: [{name: c, image: 'test:1'}]}\n";
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Chart.Name }}}\nspec: {containers: [{name: c, image: {{ .Values.image | quote }}}]}\n";
    let files = [
        ("chart/templates/tests/t.yaml", hook),
        ("chart/charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
        ("chart/charts/sub/templates/p.yaml", pod),
    ];
    let found = render(&files, json!({"sub": {"image": "inner@sha256:0"}})).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].place.file(), "products/ingress/chart/charts/sub/templates/p.yaml");
    assert_eq!(
        images(found.iter().map(|object| &object.object)).into_iter().collect::<Vec<_>>(),
        ["inner@sha256:0"]
    );
}

#[tokio::test]
async fn equal_inputs_render_equal_text() {
    let tree = tree(&[
        ABOUT,
        (
            "chart/templates/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {{ toYaml .Values | nindent 2 }}\n",
        ),
    ]);
    let helm = helm().await;
    let values = json!({"z": "1", "a": "2", "m": "3"});
    let first = helm.render(request(&tree, values.clone())).await.unwrap().manifests;
    let second = helm.render(request(&tree, values)).await.unwrap().manifests;
    assert_eq!(first, second);
}

#[tokio::test]
async fn what_the_scan_refuses_is_what_helm_would_render_differently() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: {{ randAlphaNum 20 | quote }}\n  y: {{ uuidv4 | quote }}\n  z: {{ .Release.IsInstall | quote }}\n  l: {{ lookup \"v1\" \"Namespace\" \"\" \"default\" | len | quote }}\n";
    let tree = tree(&[ABOUT, ("chart/templates/a.yaml", text)]);
    let helm = helm().await;
    let first = helm.render(request(&tree, json!({}))).await.unwrap().manifests;
    let second = helm.render(request(&tree, json!({}))).await.unwrap().manifests;
    assert_ne!(first, second);
    let found: Vec<String> = scan::chart(&tree, "", "chart")
        .into_iter()
        .map(|finding| format!("{} {}", finding.code.id, finding.place.unwrap().line()))
        .collect();
    assert_eq!(found, ["TG0410 5", "TG0410 6", "TG0412 7", "TG0410 8"]);
}

#[tokio::test]
async fn a_chart_that_fails_is_a_lasting_fault_with_helms_words_and_no_secret() {
    let text = "a: {{ required (printf \"no %s\" .Values.secret) .Values.missing }}";
    let fault =
        render(&[("chart/templates/a.yaml", text)], json!({"secret": "canary-secret"})).await.unwrap_err();
    assert_eq!(fault.class, FailureClass::Permanent);
    assert!(fault.message.contains("ingress/templates/a.yaml"), "{fault}");
    assert!(fault.message.contains("no ***"), "{fault}");
    assert!(!fault.message.contains("canary"), "{fault}");
    let schema = r#"{"properties": {"n": {"type": "integer"}}}"#;
    let fault =
        render(&[("chart/values.schema.json", schema)], json!({"n": "canary-secret"})).await.unwrap_err();
    assert!(fault.message.contains("schema") && !fault.message.contains("canary"), "{fault}");
}

#[tokio::test]
async fn the_network_is_not_asked() {
    // A schema of somewhere else, and a host name: both would be network calls.
    let schema = r#"{"$ref": "https://example.com/schema.json"}"#;
    let started = Instant::now();
    let result = render(&[("chart/values.schema.json", schema)], json!({"n": 1})).await;
    assert!(result.is_err(), "a schema came from somewhere: {result:?}");
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {ip: {{ getHostByName \"localhost\" | quote }}}\n";
    let found = render(&[("chart/templates/a.yaml", text)], json!({})).await.unwrap();
    assert_eq!(found[0].object["data"]["ip"], "");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_missing_dependency_is_named() {
    let about = "apiVersion: v2\nname: x\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0, repository: 'https://example.com'}]\n";
    let mut with = tree(&[("chart/templates/a.yaml", "")]);
    with.insert("chart/Chart.yaml", File { bytes: about.as_bytes().into(), executable: false });
    let fault = helm().await.render(request(&with, json!({}))).await.err().unwrap();
    assert!(fault.message.contains("sub"), "{fault}");
}

#[tokio::test]
async fn names_that_look_like_flags_are_refused() {
    let tree = tree(&[ABOUT]);
    let mut request = request(&tree, json!({}));
    request.release = "--post-renderer=sh".into();
    let fault = helm().await.render(request).await.err().unwrap();
    assert!(fault.message.contains("is no name"), "{fault}");
}
