//! `tidegate lcm report` as people run it, against fakes of everything it asks: a registry, a repository of
//! charts, a forge, endoflife.date and the channels of Kubernetes.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::fake::{Fake, Reply, Seen};
use super::platform;

const ENDOFLIFE: &str = include_str!("fixtures/endoflife/full.json");

const PRODUCT: &str = "apiVersion: tidegate.dev/v1
kind: Product
metadata: { name: certs }
spec:
  version: 1.0.0
  owner: security
  upstream:
    - image: { repository: quay.example.com/jetstack/controller, project: github:cert/manager }
    - image: { repository: quay.example.com/jetstack/gone }
    - image: { repository: quay.example.com/jetstack/private }
    - tool: { repository: github:cert/manager, version: v1.17.2, policy: { level: patch } }
    - chart: { repository: https://charts.example.com, name: certs }
    - kubernetes: { channel: stable }
  deploy:
    - manifests: { path: manifests, namespace: certs }
    - helm: { chart: chart, namespace: certs }
";
const POD: &str = "apiVersion: v1
kind: Pod
metadata: { name: a }
spec:
  containers:
    - { name: a, image: \"quay.example.com/jetstack/controller:v1.17.2\" }
    - { name: b, image: \"quay.example.com/jetstack/gone:v9.0.0\" }
    - { name: c, image: \"quay.example.com/jetstack/private:v1.0.0\" }
";
const CHART: &str = "apiVersion: v2\nname: certs\nversion: 1.0.0\n";
const INDEX: &str = "apiVersion: v1
entries:
  certs:
    - version: 2.0.0
      annotations:
        artifacthub.io/changes: |
          - kind: removed
            description: the old webhook
    - version: 1.0.0
  others:
    - version: 9.9.9
";

pub fn answer(seen: &Seen) -> Reply {
    let tags = |tags: &[&str]| Reply::json(serde_json::json!({ "name": "x", "tags": tags }).to_string());
    match seen.path.as_str() {
        "/quay/v2/jetstack/controller/tags/list" => tags(&["v1.17.2", "v1.18.0", "v1.19.0-rc.1"]),
        "/quay/v2/jetstack/gone/tags/list" => tags(&["v8.0.0"]),
        "/quay/v2/jetstack/private/tags/list" => Reply::error(403, "DENIED", "not yours"),
        "/charts/index.yaml" => Reply::new(200, INDEX),
        "/github.com/cert/manager.git/git-upload-pack" => {
            let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
            let tag = |name: &str| line(&format!("{} refs/tags/{name}\n", "a".repeat(40)));
            let body = ["v1.17.2", "v1.17.3", "v1.18.0"].map(tag).concat() + "0000";
            Reply::new(200, body).header("Content-Type", "application/x-git-upload-pack-result")
        }
        "/api.github.com/repos/cert/manager/releases" => Reply::json(
            serde_json::json!([
                { "tag_name": "v1.18.0", "name": "v1.18.0", "draft": false, "prerelease": false,
                  "published_at": "2026-10-01T00:00:00Z", "html_url": "https://github.com/cert/manager/releases/v1.18.0",
                  "body": "## Breaking changes\n\n- The flag `--old` is gone.\n" },
                { "tag_name": "v1.17.3", "name": "v1.17.3", "draft": false, "prerelease": false,
                  "published_at": "2026-09-01T00:00:00Z", "html_url": "https://github.com/cert/manager/releases/v1.17.3",
                  "body": "## Bug fixes\n\n- A leak.\n" },
                { "tag_name": "v1.17.2", "name": "v1.17.2", "draft": false, "prerelease": false,
                  "published_at": "2026-08-01T00:00:00Z", "html_url": "https://github.com/cert/manager/releases/v1.17.2",
                  "body": "" },
            ])
            .to_string(),
        ),
        "/endoflife/api/v1/products/full/" => Reply::json(ENDOFLIFE),
        _ => Reply::new(404, "nothing"),
    }
}

/// A platform whose sources are the fake.
pub fn certs(folder: &Path, address: &str) {
    let write = |path: &str, text: &str| platform::write(folder, path, text);
    let hosts = [
        ("quay.example.com", "quay"),
        ("charts.example.com", "charts"),
        ("github.com", "github.com"),
        ("api.github.com", "api.github.com"),
        ("endoflife.date", "endoflife"),
        ("dl.k8s.io", "channels"),
    ];
    write("products/certs/product.yaml", PRODUCT);
    write("products/certs/manifests/pod.yaml", POD);
    write("products/certs/chart/Chart.yaml", CHART);
    write("products/certs/chart/values.yaml", "{}\n");
    write("products/certs/chart/templates/none.yaml", "");
    platform::sources(folder, &platform::hosts(hosts, address));
    platform::begin(folder);
}

pub fn run(folder: &Path, args: &[&str]) -> Output {
    platform::tidegate(folder, &folder.join("repo")).args(["lcm", "report"]).args(args).output().unwrap()
}

/// The thing of this kind and end of its name.
fn thing<'r>(report: &'r Value, name: &str) -> &'r Value {
    let things = report["data"]["products"].as_array().unwrap().iter();
    let mut things = things.flat_map(|product| product["things"].as_array().unwrap());
    things.find(|thing| thing["name"].as_str().unwrap().contains(name)).unwrap_or(&Value::Null)
}

fn statuses(thing: &Value) -> Vec<&str> {
    let lines = thing["statuses"].as_array();
    lines.into_iter().flatten().filter_map(|line| line["status"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_of_each_thing_what_its_source_says() {
    let fake = Fake::new(answer).await;
    let folder = tempfile::tempdir().unwrap();
    certs(&folder.path().join("repo"), &fake.address());
    let answers = folder.path().join("answers.json");
    let ran = run(folder.path(), &["-o", "json", "--save-answers", answers.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(0), "{told}");
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&report["kind"], &report["partial"]), (&"LcmReport".into(), &true.into()), "{report:#}");

    let controller = thing(&report, "jetstack/controller");
    assert_eq!(statuses(controller), ["minor"], "{controller:#}");
    assert_eq!(controller["latest"], "v1.18.0");
    assert_eq!(controller["changes"]["breaking"], "certain", "{controller:#}");
    let breaks = controller["changes"]["evidence"][0]["text"].as_str().unwrap();
    assert!(breaks.contains("--old"), "{breaks}");
    assert_eq!(
        controller["act"]["command"],
        "tidegate product bump certs --image quay.example.com/jetstack/controller --to v1.18.0"
    );

    // Its own policy keeps the tool to patches.
    let tool = thing(&report, "github:cert/manager");
    assert_eq!((statuses(tool), &tool["latest"]), (vec!["patch"], &"v1.17.3".into()), "{tool:#}");

    let gone = thing(&report, "jetstack/gone");
    assert_eq!(
        (statuses(gone), &gone["need"]),
        (vec!["missing-upstream", "ahead"], &"now".into()),
        "{gone:#}"
    );

    let private = thing(&report, "jetstack/private");
    assert_eq!((statuses(private), &private["need"]), (vec!["unknown"], &"unknown".into()), "{private:#}");
    assert_eq!(private["act"]["deed"], "fix-auth");

    let chart = thing(&report, "certs of");
    assert_eq!((statuses(chart), &chart["latest"]), (vec!["major"], &"2.0.0".into()), "{chart:#}");
    assert!(chart["changes"]["evidence"].to_string().contains("the old webhook"), "{chart:#}");

    // The same again from the file, where nobody is asked.
    let before = fake.seen().len();
    let again = run(folder.path(), &["-o", "json", "--answers", answers.to_str().unwrap()]);
    assert_eq!(fake.seen().len(), before);
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    for name in
        ["jetstack/controller", "github:cert/manager", "jetstack/gone", "jetstack/private", "certs of"]
    {
        let (one, other) = (thing(&report, name), thing(&again, name));
        assert_eq!(
            (statuses(one), &one["latest"], &one["changes"], &one["support"]),
            (statuses(other), &other["latest"], &other["changes"], &other["support"])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_is_asked_about_once_and_less_is_asked_for_less() {
    let fake = Fake::new(answer).await;
    let folder = tempfile::tempdir().unwrap();
    certs(&folder.path().join("repo"), &fake.address());
    // A second product with the same image.
    let second = PRODUCT.replace("name: certs }\nspec", "name: other }\nspec").replace("security", "web");
    let other = folder.path().join("repo/products/other");
    std::fs::create_dir_all(other.join("manifests")).unwrap();
    std::fs::write(
        other.join("product.yaml"),
        second.replace("    - helm: { chart: chart, namespace: certs }\n", ""),
    )
    .unwrap();
    std::fs::write(other.join("manifests/pod.yaml"), POD).unwrap();
    let ran = run(folder.path(), &["--only", "now"]);
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert_eq!(ran.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(text.contains("certs · gone") && !text.contains("controller"), "{text}");
    assert_eq!(fake.count("/quay/v2/jetstack/controller/tags/list"), 1);
    assert_eq!(fake.count("/api.github.com/repos/cert/manager/releases"), 1);
    fake.forget();
    let none = run(folder.path(), &["--product", "nothing"]);
    assert_eq!((none.status.code(), fake.seen().len()), (Some(4), 0));
    let owner = run(folder.path(), &["--owner", "webb"]);
    let told = String::from_utf8_lossy(&owner.stderr).into_owned();
    assert!(owner.status.code() == Some(4) && told.contains("did you mean `web`"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_answers_the_report_says_so_in_time() {
    let fake = Fake::new(|_| Reply::new(500, "broken")).await;
    let folder = tempfile::tempdir().unwrap();
    certs(&folder.path().join("repo"), &fake.address());
    let ran = run(folder.path(), &["--within", "3s"]);
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert_eq!(ran.status.code(), Some(6), "{text}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(text.contains("1 product is not known"), "{text}");
    assert!(!text.contains("up to date") && !text.contains('✔'), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_wrong_is_told_with_its_place_before_anybody_is_asked() {
    let fake = Fake::new(answer).await;
    let folder = tempfile::tempdir().unwrap();
    certs(&folder.path().join("repo"), &fake.address());
    let file = folder.path().join("repo/products/certs/product.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("level: patch", "level: patch, range: '>>1'")).unwrap();
    let ran = run(folder.path(), &[]);
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(3), "{told}");
    assert!(told.contains("products/certs/product.yaml:11:") && told.contains("is no range"), "{told}");
    assert_eq!(fake.seen().len(), 0);
    let answers = folder.path().join("answers.json");
    std::fs::write(&file, text).unwrap();
    for (version, kind) in [("cli.tidegate.dev/v1", "Pick"), ("cli.tidegate.dev/v9", "LcmAnswers")] {
        let data = serde_json::json!({ "at": "2026-11-22T00:00:00Z", "answers": [] });
        let document = serde_json::json!({ "apiVersion": version, "kind": kind, "data": data });
        std::fs::write(&answers, document.to_string()).unwrap();
        let wrong = run(folder.path(), &["--answers", answers.to_str().unwrap()]);
        let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
        let said = format!("it holds `{kind}` of `{version}`");
        assert!(wrong.status.code() == Some(3) && told.contains(&said), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_are_none_are_told_before_anybody_is_asked() {
    let fake = Fake::new(answer).await;
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("repo");
    certs(&repo, &fake.address());
    let file = repo.join("pipelines/sources.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let noise = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    for (field, content) in [
        ("authorities", "no certificate"),
        ("authorities", ""),
        ("authorities", noise),
        ("certificate", noise),
    ] {
        let host = format!("    - {{ host: elsewhere.example.com, {field}: some.pem }}\n");
        std::fs::write(&file, format!("{text}{host}")).unwrap();
        std::fs::write(repo.join("some.pem"), content).unwrap();
        let ran = run(folder.path(), &[]);
        let told = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(3), "{field} {content:?}: {told}");
        assert!(told.contains("`some.pem` can't be read") && told.contains("sources.yaml:12:"), "{told}");
    }
    assert_eq!(fake.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_answers_says_of_when_they_are_and_who_was_silent_then() {
    let fake = Fake::new(|seen| match seen.path.contains("/releases") || seen.path.contains("/endoflife/") {
        true => Reply::error(403, "DENIED", "not yours"),
        false => answer(seen),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    certs(&folder.path().join("repo"), &fake.address());
    let answers = folder.path().join("answers.json");
    let answers = answers.to_str().unwrap();
    let json = |args: &[&str]| -> Value {
        serde_json::from_slice(&run(folder.path(), args).stdout).unwrap_or_default()
    };
    let live = json(&["-o", "json", "--save-answers", answers]);
    let again = json(&["-o", "json", "--answers", answers]);
    let silent = |report: &Value| -> Vec<String> {
        let all = report["data"]["sources"]["silent"].as_array().unwrap().iter();
        all.map(|one| one["thing"].as_str().unwrap().to_owned()).collect()
    };
    assert!(silent(&live).iter().any(|thing| thing.starts_with("releases of github:cert")), "{live}");
    assert!(silent(&live).contains(&"endoflife.date".to_owned()), "{live}");
    assert_eq!(silent(&again), silent(&live));
    assert_eq!(live["data"]["answeredAt"], Value::Null);
    assert!(again["data"]["answeredAt"].is_string());

    // Written again they say the same of the same moment, into another file and into their own.
    let first = std::fs::read_to_string(answers).unwrap();
    let copy = folder.path().join("copy.json");
    let copy = copy.to_str().unwrap();
    for to in [copy, answers] {
        let told = json(&["-o", "json", "--answers", answers, "--save-answers", to]);
        assert_eq!(told["data"]["answeredAt"], again["data"]["answeredAt"], "{told}");
        let written = std::fs::read_to_string(to).unwrap();
        let [one, other]: [Value; 2] = [&first, &written].map(|text| serde_json::from_str(text).unwrap());
        assert_eq!(one, other);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_compared_with_the_one_of_the_week_before() {
    let fake = Fake::new(answer).await;
    let folder = tempfile::tempdir().unwrap();
    certs(&folder.path().join("repo"), &fake.address());
    let report = |args: &[&str]| {
        let output = run(folder.path(), args);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), json["data"].clone(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, _, stderr) = report(&["-o", "json", "--since", "2w"]);
    assert!(code == Some(4) && stderr.contains("no report is kept"), "{code:?}: {stderr}");
    let (_, first, _) = report(&["-o", "json"]);
    assert_eq!((&first["since"], &first["trend"]), (&Value::Null, &serde_json::json!([])));
    // What is asked for in part is kept by nobody.
    report(&["-o", "json", "--product", "certs"]);
    let kept =
        std::fs::read_dir(folder.path().join("state/tidegate")).unwrap().next().unwrap().unwrap().path();
    let kept = rusqlite::Connection::open(kept.join("journal-reports.db")).unwrap();
    let count = || kept.query_row("SELECT count(*) FROM reports", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(), 1);
    // A week ago the controller had nothing newer.
    let old = "UPDATE reports SET at = at - 8 * 86400000,
        text = replace(replace(text, 'v1.18.0', 'v1.17.2'), '\"soon\"', '\"nothing\"')";
    kept.execute(old, []).unwrap();
    let (_, second, _) = report(&["-o", "json"]);
    let appeared = second["since"]["appeared"].as_array().unwrap();
    assert!(appeared.iter().any(|one| one["name"].as_str().unwrap().contains("controller")), "{second}");
    assert_eq!(second["trend"].as_array().map(Vec::len), Some(2));
    assert_eq!(count(), 2);
    let (_, narrowed, _) = report(&["-o", "json", "--product", "certs", "--since", "2d"]);
    assert_eq!(narrowed["since"]["appeared"], second["since"]["appeared"]);
    // What is broken of the past keeps nobody from this week's report.
    std::fs::write(kept.path().unwrap(), "no database at all, but long enough to be looked at as one")
        .unwrap();
    let third = run(folder.path(), &["-o", "json"]);
    let told: Value = serde_json::from_slice(&third.stdout).unwrap();
    assert_eq!((third.status.code(), &told["data"]["since"]), (Some(0), &Value::Null));
    assert!(String::from_utf8_lossy(&third.stderr).contains("nothing to compare with"));
    let mut sources = told["warnings"].as_array().unwrap().iter().map(|warning| &warning["source"]);
    assert!(sources.any(|source| source == "past reports"), "{}", told["warnings"]);
}
