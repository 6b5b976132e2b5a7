//! `tidegate release cut --resolve-images` as people run it, against a fake registry and against Debian's.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::fake::{Fake, Reply, Seen};
use super::platform::{self, git};
use super::real::{Real, manifest};

const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: app }\nspec:\n  version: 1.0.0\n  owner: team\n  deploy:\n    - manifests: { path: manifests, namespace: app }\n";

/// A platform with a product of these images, committed and tagged; `hosts` are lines of the sources' file.
fn app(folder: &Path, images: &[&str], sources: &str) {
    let write = |path: &str, text: &str| platform::write(folder, path, text);
    let containers: String = (images.iter().enumerate())
        .map(|(n, image)| format!("    - {{ name: c{n}, image: \"{image}\" }}\n"))
        .collect();
    write("products/app/product.yaml", PRODUCT);
    write(
        "products/app/manifests/pod.yaml",
        &format!("apiVersion: v1\nkind: Pod\nmetadata: {{ name: a }}\nspec:\n  containers:\n{containers}"),
    );
    write(
        "releases/R1.yaml",
        "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: { name: R1 }\nspec:\n  kubernetes: \"1.36\"\n  products: { app: 1.0.0 }\n",
    );
    platform::sources(folder, sources);
    git(folder, &["init", "-q", "."]);
    commit(folder);
    let tagged = run(folder, &["product", "tag", "app"]);
    assert!(tagged.status.success(), "{}", text(&tagged.stderr));
}

fn commit(folder: &Path) {
    git(folder, &["add", "."]);
    git(folder, &["commit", "-q", "-m", "one"]);
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let home = folder.parent().unwrap();
    platform::tidegate(home, folder).args(args).env("NO_COLOR", "1").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn release(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("releases/R1.yaml")).unwrap()
}

/// A manifest that nobody reads but for its digest.
pub fn content(c: char) -> String {
    format!(r#"{{"schemaVersion": 2, "annotations": {{"name": "{c}"}}}}"#)
}

pub fn digest_of(c: char) -> String {
    tidegate::digest::bytes(content(c).as_bytes()).to_string()
}

/// A digest that is no content's.
fn zeros() -> String {
    format!("sha256:{}", "0".repeat(64))
}

fn named(seen: &Seen) -> Reply {
    let calls =
        |digest: &str, content: String| Reply::new(200, content).header("Docker-Content-Digest", digest);
    let digest = |c: char| calls(&digest_of(c), content(c));
    match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/quay/v2/org/a/manifests/1") => digest('a'),
        ("GET", "/quay/v2/org/b/manifests/2") => digest('b'),
        // Since this was copied the tag has moved.
        ("GET", "/mirror/v2/quay/org/b/manifests/2") => digest('9'),
        ("GET", path) if path == format!("/quay/v2/org/c/manifests/{}", digest_of('c')) => digest('c'),
        ("GET", path) if path == format!("/quay/v2/org/c/manifests/{}", digest_of('d')) => digest('c'),
        ("GET", "/quay/v2/org/private/manifests/1") => Reply::new(403, ""),
        ("GET", "/quay/v2/org/hostile/manifests/1") => Reply::new(200, "<html>sign in</html>"),
        ("GET", "/quay/v2/org/broken/manifests/1") => Reply::new(500, ""),
        // What it says is not what it sends, of a tag and of a digest; and a digest that can't be compared.
        ("GET", "/quay/v2/org/lies/manifests/1") => calls(&zeros(), content('a')),
        ("GET", path) if path == format!("/quay/v2/org/lies/manifests/{}", zeros()) => {
            calls(&zeros(), content('a'))
        }
        ("GET", "/quay/v2/org/other/manifests/1") => {
            calls(&format!("sha512:{}", "a".repeat(128)), content('a'))
        }
        // There a manifest is a pull, and its headers are none.
        ("HEAD", "/hub/v2/org/app/manifests/1") => calls(&digest_of('h'), String::new()),
        _ => Reply::error(404, "MANIFEST_UNKNOWN", "no"),
    }
}

fn sources(address: &str) -> String {
    format!(
        "  hosts:\n    - {{ host: quay.example.com, endpoint: \"{address}/quay\" }}\n    - {{ host: mirror.example.com, endpoint: \"{address}/mirror\" }}\n    - {{ host: docker.io, endpoint: \"{address}/hub\" }}\n  mirrors:\n    - {{ at: mirror.example.com/quay, of: quay.example.com }}\n    - {{ at: cache.example.com/quay, of: quay.example.com, fetches: true }}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_cut_with_what_its_tags_name() {
    let fake = Fake::new(named).await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    let fixed = format!("quay.example.com/org/c:3@{}", digest_of('c'));
    let images = [
        "quay.example.com/org/a:1",
        "mirror.example.com/quay/org/b:2",
        "cache.example.com/quay/org/b:2",
        "quay.example.com/org/a:1",
        &fixed,
    ];
    app(&root, &images, &sources(&fake.address()));
    let cut = run(&root, &["release", "cut", "R1", "--resolve-images", "-o", "json"]);
    assert!(cut.status.success(), "{}", text(&cut.stderr));
    let lock: serde_json::Value = serde_json::from_slice(&cut.stdout).unwrap();
    assert_eq!(
        lock["data"]["lock"]["images"],
        serde_json::json!([
            format!("cache.example.com/quay/org/b:2@{}", digest_of('b')),
            format!("mirror.example.com/quay/org/b:2@{}", digest_of('9')),
            format!("quay.example.com/org/a:1@{}", digest_of('a')),
            format!("quay.example.com/org/c@{}", digest_of('c')),
        ])
    );
    assert_eq!(fake.count("/quay/v2/org/a/manifests/1"), 1);
    assert!(fake.seen().iter().all(|seen| !seen.path.contains("/blobs/")), "nothing is pulled");
    commit(&root);
    let before = release(&root);
    fake.forget();
    for args in [&["release", "cut", "R1", "--resolve-images"][..], &["release", "cut", "R1"]] {
        let again = run(&root, args);
        assert!(
            again.status.success() && text(&again.stdout).contains("nothing changed"),
            "{}",
            text(&again.stderr)
        );
    }
    assert_eq!((release(&root), fake.seen().len()), (before.clone(), 0));
    let shown = text(&run(&root, &["release", "show", "R1"]).stdout);
    let short = digest_of('a')[..11].to_owned();
    assert!(shown.contains("quay.example.com/org/a:1") && shown.contains(&short), "{shown}");
    assert!(run(&root, &["check"]).status.success());
    // Another digit by hand.
    std::fs::write(root.join("releases/R1.yaml"), before.replace(&digest_of('a'), &digest_of('f'))).unwrap();
    let checked = run(&root, &["check"]);
    assert!(
        !checked.status.success() && text(&checked.stderr).contains("TG0502"),
        "{}",
        text(&checked.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_registry_answers_all_images_are_told_and_nothing_is_written() {
    let fake = Fake::new(named).await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    let other = format!("quay.example.com/org/c@{}", digest_of('d'));
    let gone = format!("quay.example.com/org/c@{}", digest_of('e'));
    let images = [
        "quay.example.com/org/a:1",
        "mirror.example.com/quay/org/a:1",
        "quay.example.com/org/a:missing",
        "quay.example.com/org/private:1",
        "quay.example.com/org/hostile:1",
        "quay.example.com/org/broken:1",
        &other,
        &gone,
    ];
    app(&root, &images, &sources(&fake.address()));
    let before = release(&root);
    let cut = run(&root, &["release", "cut", "R1", "--resolve-images"]);
    let told = text(&cut.stderr);
    assert!(!cut.status.success() && cut.stdout.is_empty(), "{told}");
    for (line, code) in [
        (7, "TG1007"),
        (8, "TG1007"),
        (9, "TG1008"),
        (10, "TG1010"),
        (11, "TG1009"),
        (12, "TG1010"),
        (13, "TG1007"),
    ] {
        let place = format!("products/app/manifests/pod.yaml:{line}:");
        let at = told.find(&place).unwrap_or_else(|| panic!("{place}: {told}"));
        let head = told[..at].lines().rev().find(|line| line.contains("TG")).unwrap();
        assert!(head.contains(code), "{place} {code}: {told}");
    }
    assert!(!told.contains("pod.yaml:6:"), "{told}");
    assert!(told.contains("docker login quay.example.com"), "{told}");
    assert_eq!(release(&root), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_is_written_only_if_what_came_has_it() {
    let fake = Fake::new(named).await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    let lies = format!("quay.example.com/org/lies@{}", zeros());
    let long = format!("quay.example.com/org/c@sha512:{}", "a".repeat(128));
    let images = ["quay.example.com/org/lies:1", &lies, "quay.example.com/org/other:1", &long];
    app(&root, &images, &sources(&fake.address()));
    let before = release(&root);
    let cut = run(&root, &["release", "cut", "R1", "--resolve-images"]);
    let told = text(&cut.stderr);
    assert_eq!(cut.status.code(), Some(6), "{told}");
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("says {}", zeros())) && words.contains(&digest_of('a')), "{told}");
    assert_eq!(words.matches("it is named by sha512").count(), 2, "{told}");
    assert_eq!((release(&root), words.matches("TG1010").count()), (before, 4), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_hub_is_believed_since_there_a_manifest_is_a_pull() {
    let fake = Fake::new(named).await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    app(&root, &["docker.io/org/app:1"], &sources(&fake.address()));
    let cut = run(&root, &["release", "cut", "R1", "--resolve-images"]);
    assert!(cut.status.success(), "{}", text(&cut.stderr));
    assert!(release(&root).contains(&digest_of('h')));
    assert!(fake.seen().iter().all(|seen| seen.method == "HEAD"), "{:?}", fake.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_registry_tells_what_its_tags_name() {
    let real = Real::start(false);
    real.push("team/app", &["v1.0.0".to_owned(), "v2.0.0".to_owned()]).await;
    let config = tidegate::digest::bytes(b"{}").to_string();
    let digest = |tag: &str| tidegate::digest::bytes(manifest(&config, tag).as_bytes()).to_string();
    let host = real.host();
    let image = |tag: &str| format!("{host}/team/app:{tag}");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    let fixed = format!("{host}/team/app@{}", digest("v2.0.0"));
    app(&root, &[&image("v1.0.0"), &fixed], "  hosts: []\n");
    let cut = run(&root, &["release", "cut", "R1", "--resolve-images"]);
    assert!(cut.status.success(), "{}", text(&cut.stderr));
    let lock = release(&root);
    assert!(
        lock.contains(&format!("{}@{}", image("v1.0.0"), digest("v1.0.0"))) && lock.contains(&fixed),
        "{lock}"
    );

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    let gone = format!("{host}/team/app@{}", digest_of('0'));
    app(&root, &[&image("v3.0.0"), &gone], "  hosts: []\n");
    let cut = run(&root, &["release", "cut", "R1", "--resolve-images"]);
    let told = text(&cut.stderr);
    assert_eq!(cut.status.code(), Some(4), "{told}");
    assert!(told.contains("pod.yaml:6:") && told.contains("pod.yaml:7:"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moved_since_the_release_is_told_and_goes_with_the_next_one() {
    let moved = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&moved);
    let fake = Fake::new(move |seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/quay/v2/org/a/tags/list") => Reply::json("{\"name\":\"org/a\",\"tags\":[\"1\"]}"),
        (_, "/quay/v2/org/a/manifests/1") => {
            let name = if now.load(Ordering::SeqCst) { 'b' } else { 'a' };
            Reply::new(200, content(name)).header("Docker-Content-Digest", digest_of(name))
        }
        _ => Reply::new(404, ""),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    let hosts = ["endoflife.date", "dl.k8s.io"]
        .map(|host| format!("    - {{ host: {host}, endpoint: \"{}/{host}\" }}\n", fake.address()));
    let sources = sources(&fake.address()).replace("  mirrors:", &format!("{}  mirrors:", hosts.concat()));
    app(&root, &["quay.example.com/org/a:1"], &sources);
    let cut = run(&root, &["release", "cut", "R1", "--resolve-images"]);
    assert!(cut.status.success(), "{}", text(&cut.stderr));
    commit(&root);
    let image = || {
        let ran = run(&root, &["lcm", "report", "--product", "app", "-o", "json"]);
        let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        report["data"]["products"][0]["things"][0].clone()
    };
    let same = image();
    assert_eq!(
        (&same["statuses"][0]["status"], &same["act"]),
        (&"same".into(), &serde_json::Value::Null),
        "{same:#}"
    );
    assert_eq!(same["digests"]["released"]["1"], serde_json::json!([digest_of('a')]), "{same:#}");
    moved.store(true, Ordering::SeqCst);
    let told = image();
    assert_eq!(told["statuses"][0]["status"], "tag-moved", "{told:#}");
    assert!(told["statuses"][0]["message"].as_str().unwrap().contains(&digest_of('b')), "{told:#}");
    assert_eq!(told["act"]["deed"], "cut", "{told:#}");
}
