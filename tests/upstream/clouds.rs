//! `tidegate lcm report` of a platform on EKS: clouds' own answers in files, the countdown to the end of
//! support, add-ons, and the bump of one. Days are counted from today, since the program knows no other clock.

use std::path::Path;
use std::process::Output;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::fake::{Fake, Reply};
use super::platform::{self, git, write};

const PRODUCT: &str = "apiVersion: tidegate.dev/v1
kind: Product
metadata: { name: network }
spec:
  version: 1.0.0
  owner: platform
  upstream:
    - addon: { name: eks/vpc-cni, version: v1.20.4-eksbuild.2 } # ours
    - addon: { name: eks/vpc-cnii, version: v1.0.0-eksbuild.1 }
    - kubernetes: { channel: eks }
  deploy:
    - manifests: { path: manifests, namespace: network }
";
const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { a: b }\n";
const FLEET: &str = "apiVersion: tidegate.dev/v1
kind: Fleet
metadata: { name: f }
spec:
  clusters:
    - { name: one, labels: { env: staging }, provider: eks, kubeconfig: { path: k, context: one } }
    - { name: two, labels: { env: prod }, provider: eks, kubeconfig: { path: k, context: two } }
    - { name: own, labels: { env: prod }, provider: kubeadm, kubeconfig: { path: k, context: own } }
";
const PIPELINE: &str = "apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: { name: main }
spec:
  waves:
    - { name: staging, selector: { env: staging }, soak: { for: 48h } }
    - { name: prod, selector: { env: prod } }
";
const RELEASE: &str = "apiVersion: tidegate.dev/v1
kind: Release
metadata: { name: R1 }
spec:
  kubernetes: \"1.34\"
  products: { network: 1.0.0 }
";
const ADDONS: &str = include_str!("fixtures/eks-addons.json");

fn today() -> Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

fn in_days(days: i64) -> Date {
    today() + jiff::Span::new().days(days)
}

/// What EKS offers, where standard support of 1.34 ends in so many days.
fn offered(folder: &Path, days: i64) {
    let version = |minor: &str, standard: i64| {
        json!({ "clusterVersion": minor, "clusterType": "eks", "versionStatus": "STANDARD_SUPPORT",
            "endOfStandardSupportDate": format!("{}T00:00:00+00:00", in_days(standard)),
            "endOfExtendedSupportDate": format!("{}T00:00:00+00:00", in_days(standard + 365)) })
    };
    let all = json!({ "recordedAt": today().to_string(),
        "clusterVersions": [version("1.36", days + 240), version("1.35", days + 120), version("1.34", days)] });
    write(folder, "pipelines/offered/eks.json", &all.to_string());
}

fn tidegate(folder: &Path, args: &[&str]) -> Output {
    platform::tidegate(folder, &folder.join("repo")).args(args).output().unwrap()
}

fn done(folder: &Path, args: &[&str]) -> String {
    let ran = tidegate(folder, args);
    let told = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(0), "{args:?} {told}");
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// A platform with a release that is cut.
async fn network(folder: &Path) -> Fake {
    let fake = Fake::new(|seen| match seen.path.as_str() {
        "/channels/release/stable.txt" | "/channels/release/stable-1.35.txt" => Reply::new(200, "v1.35.4\n"),
        "/channels/release/stable-1.34.txt" => Reply::new(200, "v1.34.9\n"),
        _ => Reply::new(404, "nothing"),
    })
    .await;
    let repo = folder.join("repo");
    write(&repo, "products/network/product.yaml", PRODUCT);
    write(&repo, "products/network/manifests/a.yaml", CONFIG);
    write(&repo, "pipelines/fleet.yaml", FLEET);
    write(&repo, "pipelines/main.yaml", PIPELINE);
    write(&repo, "pipelines/offered/eks-addons.json", ADDONS);
    write(&repo, "releases/R1.yaml", RELEASE);
    let address = fake.address();
    let hosts = [("endoflife.date", "endoflife"), ("dl.k8s.io", "channels")];
    platform::sources(&repo, &platform::hosts(hosts, &address));
    offered(&repo, 60);
    git(&repo, &["init", "-q", "."]);
    git(&repo, &["add", "."]);
    git(&repo, &["commit", "-q", "-m", "one"]);
    done(folder, &["product", "tag", "--all"]);
    done(folder, &["release", "cut", "R1"]);
    git(&repo, &["commit", "-q", "-a", "-m", "R1"]);
    fake
}

fn report(folder: &Path, args: &[&str]) -> Value {
    let all: Vec<&str> = ["lcm", "report", "-o", "json"].into_iter().chain(args.iter().copied()).collect();
    serde_json::from_str(&done(folder, &all)).unwrap()
}

fn thing<'r>(report: &'r Value, name: &str) -> &'r Value {
    let things = report["data"]["products"].as_array().unwrap().iter();
    let mut things = things.flat_map(|product| product["things"].as_array().unwrap());
    things.find(|thing| thing["name"] == name).unwrap_or(&Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_provider_has_its_row_and_counts_down_to_the_end_of_its_support() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let _fake = network(folder).await;
    let told = report(folder, &[]);
    let eks = thing(&told, "kubernetes eks 1.34");
    assert_eq!((&eks["declared"], &eks["latest"]), (&json!(["1.34"]), &json!("1.36")), "{told:#}");
    assert_eq!((&eks["stops"], &eks["behind"]["steps"]), (&json!(["1.35", "1.36"]), &json!(2)));
    // Two waves with a day of work each and two days of soak.
    let countdown = &eks["countdown"];
    assert_eq!((&countdown["to"], &countdown["hops"]), (&json!("1.35"), &json!(1)), "{countdown:#}");
    assert_eq!(
        (&countdown["startBy"], &countdown["daysLeft"], &countdown["takesDays"]),
        (&json!(in_days(56)), &json!(56), &json!(4))
    );
    let words = format!(
        "to upgrade before EKS 1.34 leaves standard support on {} the first wave must start by {}, in 56 days \
         (about 4 days); 2 waves of `main` with 2 d of soak, a day of work in each is assumed",
        in_days(60),
        in_days(56)
    );
    assert_eq!(countdown["words"], words);
    assert_eq!(eks["need"], "soon");
    let own = thing(&told, "kubernetes stable 1.34");
    assert_eq!((&own["latest"], &own["countdown"]), (&json!("1.35"), &Value::Null), "{own:#}");
    assert_eq!(told["data"]["productCount"], 1, "Kubernetes is no product");
    let metrics = done(folder, &["lcm", "report", "-o", "prometheus"]);
    let metric = "tidegate_lcm_countdown_days_left{product=\"kubernetes\",kind=\"kubernetes\",name=\"kubernetes eks 1.34\"} 56\n";
    assert!(metrics.contains(metric), "{metrics}");
    for form in ["markdown", "html"] {
        let text = done(folder, &["lcm", "report", "-o", form]);
        assert!(
            text.contains("the first wave must start by") && text.contains("one minor at a time"),
            "{text}"
        );
    }
    let text = done(folder, &["lcm", "report"]);
    assert!(text.contains("kubernetes · eks 1.34") && text.contains("· 1 product ·"), "{text}");
    assert!(text.contains("to upgrade before EKS 1.34 leaves standard support"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_in_the_way_makes_it_an_earlier_day_and_little_time_is_urgent() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let _fake = network(folder).await;
    let repo = folder.join("repo");
    let freeze = format!(
        "apiVersion: tidegate.dev/v1\nkind: Calendar\nmetadata: {{ name: c }}\nspec:\n  freezes:\n    - {{ name: moving, from: {}, until: {}, timeZone: UTC, waves: [prod], author: a, reason: r }}\n",
        in_days(20),
        in_days(90)
    );
    write(&repo, "pipelines/calendar.yaml", &freeze);
    let eks = thing(&report(folder, &[]), "kubernetes eks 1.34").clone();
    // Production must be done when the 20th day begins: a day and two of soak and a day before that.
    let countdown = &eks["countdown"];
    assert_eq!((&countdown["daysLeft"], &countdown["closed"]), (&json!(15), &json!(["moving"])), "{eks:#}");
    assert_eq!(eks["need"], "now");
    assert!(countdown["words"].as_str().unwrap().contains("the calendar is in the way: moving"), "{eks:#}");
    std::fs::remove_file(repo.join("pipelines/calendar.yaml")).unwrap();
    offered(&repo, 2);
    let eks = thing(&report(folder, &[]), "kubernetes eks 1.34").clone();
    assert_eq!((&eks["countdown"]["startBy"], &eks["countdown"]["daysLeft"]), (&Value::Null, &json!(-2)));
    assert_eq!(
        (&eks["need"], &eks["statuses"][0]["message"]),
        (&json!("now"), &json!("the first wave is 2 days late"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_add_on_is_told_with_what_it_goes_with_and_bumped() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let _fake = network(folder).await;
    let answers = folder.join("answers.json");
    let told = report(folder, &["--save-answers", answers.to_str().unwrap()]);
    let cni = thing(&told, "eks/vpc-cni");
    assert_eq!((&cni["latest"], &cni["kind"]), (&json!("v1.21.1-eksbuild.10"), &json!("addon")), "{told:#}");
    assert_eq!(cni["fits"][0]["minor"], "1.34");
    assert_eq!((&cni["fits"][1]["minor"], &cni["fits"][1]["fits"]), (&json!("1.35"), &json!(false)));
    assert!(
        cni["notes"][0].as_str().unwrap().contains("raise it to v1.21.1-eksbuild.10 before that"),
        "{cni:#}"
    );
    let near = thing(&told, "eks/vpc-cnii");
    assert!(near["statuses"][0]["message"].as_str().unwrap().contains("did you mean `vpc-cni`"), "{near:#}");
    // The same again from the file.
    let again = report(folder, &["--answers", answers.to_str().unwrap()]);
    assert_eq!(thing(&again, "eks/vpc-cni")["fits"], cni["fits"]);
    let command = cni["act"]["command"].as_str().unwrap();
    assert_eq!(command, "tidegate product bump network --addon eks/vpc-cni --to v1.21.1-eksbuild.10");
    let args: Vec<&str> = command.split(' ').skip(1).collect();
    done(folder, &args);
    let text = std::fs::read_to_string(folder.join("repo/products/network/product.yaml")).unwrap();
    assert!(text.contains("{ name: eks/vpc-cni, version: v1.21.1-eksbuild.10 } # ours"), "{text}");
    assert!(text.contains("version: 1.1.0\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_clouds_that_cannot_be_read_leave_rows_that_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let _fake = network(folder).await;
    let repo = folder.join("repo");
    std::fs::remove_file(repo.join("pipelines/offered/eks.json")).unwrap();
    write(&repo, "pipelines/offered/eks-addons.json", "{\"addons\":[{");
    let told = report(folder, &[]);
    let eks = thing(&told, "kubernetes eks 1.34");
    let why = eks["statuses"][0]["message"].as_str().unwrap();
    assert!(why.contains("describe-cluster-versions"), "{why}");
    assert_eq!((&eks["need"], &eks["countdown"]), (&json!("unknown"), &Value::Null));
    let cni = thing(&told, "eks/vpc-cni");
    let why = cni["statuses"][0]["message"].as_str().unwrap();
    assert!(why.contains("eks-addons.json") && why.contains("ends in the middle"), "{why}");
    assert_eq!(told["partial"], true);
}
