//! Images that the values of charts name, as people meet them: in `check`, in the report with its next command,
//! and in the lock of a release that is cut with `--resolve-images`.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::cut::{content, digest_of};
use super::fake::{Fake, Reply, Seen};
use super::platform::{self, git};

const PRODUCT: &str = "apiVersion: tidegate.dev/v1
kind: Product
metadata: { name: y }
spec:
  version: 1.0.0
  owner: shop
  deploy:
    - helm: { chart: c, namespace: y }
  values:
    image: { repository: registry.example.com/shop/api, tag: '1.4.2', pullPolicy: Always }
    sidecarImage: \"registry.example.com/shop/api:1.4.3\"
    initImage: registry.example.com/shop/web:v1.2.0
    endpoint: registry.example.com/shop/none:1
    logoImage: https://registry.example.com/logo.png
";
const RELEASE: &str = "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: { name: R1 }\nspec:\n  kubernetes: \"1.36\"\n  products: { y: 1.0.0 }\n";

fn answer(seen: &Seen) -> Reply {
    let tags = |tags: &[&str]| Reply::json(serde_json::json!({ "name": "x", "tags": tags }).to_string());
    let digest = |c: char| {
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let reply = Reply::new(200, content(c)).header("Content-Type", kind);
        reply.header("Docker-Content-Digest", digest_of(c))
    };
    match seen.path.as_str() {
        "/r/v2/shop/api/tags/list" => tags(&["1.4.2", "1.4.3", "2.0.0"]),
        "/r/v2/shop/web/tags/list" => tags(&["v1.2.0", "v1.3.0"]),
        "/r/v2/shop/api/manifests/1.4.2" => digest('a'),
        "/r/v2/shop/api/manifests/1.4.3" => digest('b'),
        "/r/v2/shop/web/manifests/v1.2.0" => digest('c'),
        _ => Reply::error(404, "MANIFEST_UNKNOWN", "no"),
    }
}

async fn shop(root: &Path) -> Fake {
    let fake = Fake::new(answer).await;
    let write = |path: &str, text: &str| platform::write(root, path, text);
    write("products/y/product.yaml", PRODUCT);
    write("products/y/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
    write("products/y/c/templates/none.yaml", "");
    write("releases/R1.yaml", RELEASE);
    let hosts = [("registry.example.com", "r"), ("endoflife.date", "e")];
    platform::sources(root, &platform::hosts(hosts, &fake.address()));
    git(root, &["init", "-q", "."]);
    git(root, &["add", "."]);
    git(root, &["commit", "-q", "-m", "one"]);
    fake
}

fn run(root: &Path, args: &[&str]) -> Output {
    let home = root.parent().unwrap();
    platform::tidegate(home, root).args(args).env("NO_COLOR", "1").output().unwrap()
}

fn json(ran: &Output) -> Value {
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&ran.stderr)))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_of_the_report_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    let _fake = shop(&root).await;
    let report = json(&run(&root, &["lcm", "report", "-o", "json"]));
    let things = report["data"]["products"][0]["things"].as_array().unwrap().iter();
    let acts: Vec<&str> = things.filter_map(|thing| thing["act"]["command"].as_str()).collect();
    assert_eq!(
        acts,
        [
            "tidegate product bump y --image registry.example.com/shop/api --from 1.4.2 --to 2.0.0",
            "tidegate product bump y --image registry.example.com/shop/web --to v1.3.0",
        ],
        "{report:#}"
    );
    for act in acts {
        let words: Vec<&str> = act.split(' ').skip(1).chain(["--dry-run"]).collect();
        let ran = run(&root, &words);
        assert!(ran.status.success(), "{act}\n{}", String::from_utf8_lossy(&ran.stderr));
    }
    // The other version is asked for next.
    let args = "product bump y --image registry.example.com/shop/api --from 1.4.2 --to 2.0.0";
    assert!(run(&root, &args.split(' ').collect::<Vec<_>>()).status.success());
    let report = json(&run(&root, &["lcm", "report", "-o", "json"])).to_string();
    assert!(report.contains("shop/api --from 1.4.3 --to 2.0.0"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_has_each_image_that_values_name_and_check_tells_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    let _fake = shop(&root).await;
    let checked = run(&root, &["check"]);
    let told =
        String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
    assert_eq!(told.matches("TG0214").count(), 3, "{told}");
    assert!(run(&root, &["product", "tag", "y"]).status.success());
    let cut = json(&run(&root, &["release", "cut", "R1", "--resolve-images", "-o", "json"]));
    assert_eq!(
        cut["data"]["lock"]["images"],
        serde_json::json!([
            format!("registry.example.com/shop/api:1.4.2@{}", digest_of('a')),
            format!("registry.example.com/shop/api:1.4.3@{}", digest_of('b')),
            format!("registry.example.com/shop/web:v1.2.0@{}", digest_of('c')),
        ]),
        "{cut:#}"
    );
}
