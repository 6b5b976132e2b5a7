//! `tidegate lcm report` with the packages of charts and the changelogs of projects, as people run it, against
//! fakes of a repository of charts and of a forge; rendered by the real helm.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::fake::{Fake, Reply, Seen};
use super::packages::{archive, odd};
use super::platform;

const PRODUCT: &str = "apiVersion: tidegate.dev/v1
kind: Product
metadata: { name: shop }
spec:
  version: 1.0.0
  owner: web
  upstream:
    - chart: { repository: https://charts.example.com, name: web }
    - tool: { repository: github:shop/cli, version: v1.0.0 }
  deploy:
    - helm: { chart: chart, namespace: shop }
  values:
    front: { replicas: 2, token: { secretRef: { env: TOKEN } } }
";
const CHART: &str = "apiVersion: v2
name: wrapper
version: 0.1.0
dependencies:
  - { name: web, alias: front, version: 1.0.0, repository: https://charts.example.com }
";
const VALUES: &str = "front:\n  debug: true\n";
const CRD: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: shops.example.com }
spec:
  group: example.com
  names: { kind: Shop, plural: shops }
  scope: Namespaced
  versions:
    - { name: VERSION, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }
";
const TEMPLATE: &str = "apiVersion: policy/VERSION
kind: PodDisruptionBudget
metadata: { name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }} }
spec: { minAvailable: {{ .Values.replicas | default 1 }} }
";
const CHANGELOG: &str = "# Changes

## v1.1.0

### Breaking changes

- The flag `--old` is gone.

## v1.0.0

- It begins.
";

/// The package of a version.
fn package(version: &str) -> Vec<u8> {
    let (values, api, crd) = match version {
        "1.0.0" => ("replicas: 1\ndebug: false\ntoken: \"\"\n", "v1", "v1alpha1"),
        _ => ("replicas: 1\ntoken: \"\"\nverbose: false\n", "v1beta1", "v1"),
    };
    let more = [
        ("crds/shops.yaml", CRD.replace("VERSION", crd)),
        ("templates/a.yaml", TEMPLATE.replace("VERSION", api)),
    ];
    let more: Vec<(&str, &str)> = more.iter().map(|(path, text)| (*path, text.as_str())).collect();
    archive(version, values, &more)
}

/// What is answered about the newer package.
#[derive(Clone)]
enum Newer {
    Good,
    Other(Vec<u8>),
    Gone,
}

fn answer(newer: Newer) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let entry = |version: &str, bytes: &[u8]| {
        let digest = tidegate::digest::bytes(bytes).hex();
        format!("    - {{ version: {version}, digest: \"{digest}\", urls: [web-{version}.tgz] }}\n")
    };
    let new = match &newer {
        Newer::Good | Newer::Gone => package("2.0.0"),
        Newer::Other(bytes) => bytes.clone(),
    };
    let index = format!(
        "apiVersion: v1\nentries:\n  web:\n{}{}",
        entry("2.0.0", &new),
        entry("1.0.0", &package("1.0.0"))
    );
    move |seen: &Seen| match seen.path.as_str() {
        "/charts/index.yaml" => Reply::new(200, index.clone()),
        "/charts/web-1.0.0.tgz" => Reply::new(200, package("1.0.0")),
        "/charts/web-2.0.0.tgz" if !matches!(newer, Newer::Gone) => Reply::new(200, new.clone()),
        "/github.com/shop/cli.git/git-upload-pack" => {
            let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
            let tag = |name: &str| line(&format!("{} refs/tags/{name}\n", "a".repeat(40)));
            let body = ["v1.0.0", "v1.1.0"].map(tag).concat() + "0000";
            Reply::new(200, body).header("Content-Type", "application/x-git-upload-pack-result")
        }
        "/api.github.com/repos/shop/cli/releases" => Reply::json("[]"),
        "/raw/shop/cli/v1.1.0/HISTORY.md" => Reply::new(200, CHANGELOG).header("ETag", "\"1\""),
        _ => Reply::new(404, "nothing"),
    }
}

/// A platform whose sources are the fake.
fn shop(folder: &Path, address: &str) {
    let write = |path: &str, text: &str| platform::write(folder, path, text);
    let hosts = [
        ("charts.example.com", "charts"),
        ("github.com", "github.com"),
        ("api.github.com", "api.github.com"),
        ("raw.githubusercontent.com", "raw"),
        ("endoflife.date", "endoflife"),
        ("dl.k8s.io", "channels"),
    ];
    write("products/shop/product.yaml", PRODUCT);
    write("products/shop/chart/Chart.yaml", CHART);
    write("products/shop/chart/values.yaml", VALUES);
    write("products/shop/chart/templates/none.yaml", "");
    platform::sources(folder, &platform::hosts(hosts, address));
    platform::begin(folder);
}

/// Runs the report; without a helm there is none on its PATH either.
async fn run(folder: &Path, helm: Option<&Path>, args: &[&str]) -> Output {
    let mut command = platform::tidegate(folder, &folder.join("repo"));
    command.args(["lcm", "report", "-o", "json"]).args(args);
    command.env("TIDEGATE_HELM", helm.unwrap_or(Path::new("/no/such/helm")));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn helm() -> std::path::PathBuf {
    tokio::task::spawn_blocking(|| super::tools::tool("helm").unwrap().path).await.unwrap()
}

fn report(ran: &Output) -> Value {
    let told = String::from_utf8_lossy(&ran.stderr);
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {told}"))
}

/// What changed in the thing whose name begins so.
fn changes(report: &Value, name: &str) -> Value {
    let things = report["data"]["products"][0]["things"].as_array().unwrap();
    let thing = things.iter().find(|thing| thing["name"].as_str().unwrap().starts_with(name));
    thing.unwrap_or_else(|| panic!("{report:#}"))["changes"].clone()
}

/// The evidence of a weight, without what the numbers say.
fn texts(changes: &Value, weight: &str) -> Vec<String> {
    let all = changes["evidence"].as_array().into_iter().flatten();
    let of = all.filter(|one| one["weight"] == weight && one["sign"] != "chart-level");
    of.map(|one| one["text"].as_str().unwrap().to_owned()).collect()
}

fn notes(changes: &Value) -> String {
    changes["notes"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_say_what_breaks_a_product_and_where_it_sets_that() {
    let fake = Fake::new(answer(Newer::Good)).await;
    let folder = tempfile::tempdir().unwrap();
    shop(&folder.path().join("repo"), &fake.address());
    let (helm, answers) = (helm().await, folder.path().join("answers.json"));
    let saved = ["--packages", "always", "--save-answers", answers.to_str().unwrap()];
    let told = changes(&report(&run(folder.path(), Some(&helm), &saved).await), "web of");
    assert_eq!(
        texts(&told, "certain"),
        [
            "the values set `debug` (products/shop/chart/values.yaml:2), which is gone",
            "`shops.example.com`: `spec.versions[v1alpha1]` is gone",
            "it uses PodDisruptionBudget (policy/v1beta1), which Kubernetes 1.36 does not serve: it ended with 1.24",
        ],
        "{told:#}"
    );
    let moved = "it uses PodDisruptionBudget (policy/v1beta1) in place of PodDisruptionBudget (policy/v1)";
    assert!(texts(&told, "hint").contains(&moved.to_owned()), "{told:#}");
    assert!(!notes(&told).contains("render") && !notes(&told).contains("package"), "{told:#}");
    assert_eq!(
        told["evidence"][0]["links"][0],
        serde_json::json!({ "name": "web 2.0.0", "url": "https://charts.example.com/web-2.0.0.tgz" })
    );

    // Warm: not even asked for.
    let asked = fake.count("/charts/web-");
    assert_eq!(asked, 2);
    let again = changes(&report(&run(folder.path(), Some(&helm), &["--product", "shop"]).await), "web of");
    assert_eq!((&again, fake.count("/charts/web-")), (&told, asked));

    // Elsewhere, where nothing can be asked and no helm is.
    fake.forget();
    let recorded = ["--answers", answers.to_str().unwrap()];
    let recorded = changes(&report(&run(folder.path(), None, &recorded).await), "web of");
    assert_eq!((&recorded, fake.seen().len()), (&told, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_are_fetched_when_somebody_asks_about_a_product_or_for_them() {
    let fake = Fake::new(answer(Newer::Good)).await;
    let folder = tempfile::tempdir().unwrap();
    shop(&folder.path().join("repo"), &fake.address());
    for args in [&[][..], &["--product", "shop", "--packages", "never"], &["--owner", "web"]] {
        let told = changes(&report(&run(folder.path(), None, args).await), "web of");
        assert!(texts(&told, "certain").is_empty(), "{args:?}: {told:#}");
    }
    assert_eq!(fake.count("/charts/web-"), 0);
    let told = changes(&report(&run(folder.path(), None, &["--product", "shop"]).await), "web of");
    assert_eq!((texts(&told, "certain").len(), fake.count("/charts/web-")), (2, 2), "{told:#}");
    assert!(notes(&told).contains("what it renders to is not compared: TIDEGATE_HELM names"), "{told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_compared_is_a_note_and_the_report_is_made() {
    let bomb = odd(tar::EntryType::Regular, "web/values.yaml", 70 << 20);
    for (newer, words) in [
        (Newer::Gone, "answered 404"),
        (Newer::Other(b"no archive".to_vec()), "the package of web 2.0.0: "),
        (Newer::Other(bomb), "it unpacks to more than 64 MiB"),
        (Newer::Other(odd(tar::EntryType::Regular, "web/../../x", 1)), "leads out of it"),
        (Newer::Other(odd(tar::EntryType::Symlink, "web/values.yaml", 0)), "it holds a link"),
    ] {
        let fake = Fake::new(answer(newer)).await;
        let folder = tempfile::tempdir().unwrap();
        shop(&folder.path().join("repo"), &fake.address());
        let ran = run(folder.path(), None, &["--product", "shop"]).await;
        assert_eq!(ran.status.code(), Some(0));
        let told = changes(&report(&ran), "web of");
        assert!(notes(&told).contains(words), "{words}: {told:#}");
        assert!(texts(&told, "certain").is_empty(), "{told:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changelog_tells_what_releases_do_not() {
    let fake = Fake::new(answer(Newer::Good)).await;
    let folder = tempfile::tempdir().unwrap();
    shop(&folder.path().join("repo"), &fake.address());
    let answers = folder.path().join("answers.json");
    let saved = ["--save-answers", answers.to_str().unwrap()];
    let told = changes(&report(&run(folder.path(), None, &saved).await), "github:shop/cli");
    assert!(texts(&told, "certain")[0].contains("--old"), "{told:#}");
    assert_eq!(
        told["evidence"][0]["links"][0]["url"], "https://github.com/shop/cli/blob/v1.1.0/HISTORY.md",
        "{told:#}"
    );
    assert_eq!(
        (fake.count("/raw/"), fake.count("/github.com/")),
        (2, 1),
        "one name after the other, till one is"
    );
    let recorded = ["--answers", answers.to_str().unwrap()];
    let recorded = changes(&report(&run(folder.path(), None, &recorded).await), "github:shop/cli");
    assert_eq!(recorded, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_wants_patience_is_told_and_asked_no_more() {
    let others = answer(Newer::Good);
    let fake = Fake::new(move |seen: &Seen| match seen.path.starts_with("/raw/") {
        true => Reply::new(429, "").header("Retry-After", "3600"),
        false => others(seen),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    shop(&folder.path().join("repo"), &fake.address());
    let ran = run(folder.path(), None, &[]).await;
    assert_eq!(ran.status.code(), Some(0));
    let told = changes(&report(&ran), "github:shop/cli");
    assert!(notes(&told).contains("the changelog of github:shop/cli: "), "{told:#}");
    assert_eq!(fake.count("/raw/"), 1);
}
