//! `tidegate product bump` as people run it, against a fake registry: what it has, what it does not, and what it
//! says falsely.

use std::path::Path;
use std::process::Output;

use super::fake::{Fake, Reply, Seen};
use super::platform;

const PRODUCT: &str = "apiVersion: tidegate.dev/v1
kind: Product
metadata: { name: shop }
spec:
  version: 1.0.0
  owner: shop
  upstream:
    - image: { repository: images.example.com/acme/web }
    - image: { repository: images.example.com/acme/api }
  deploy:
    - manifests: { path: manifests, namespace: shop }
";
const CONTENT: &str = r#"{"schemaVersion": 2}"#;

fn zeros() -> String {
    format!("sha256:{}", "0".repeat(64))
}

fn digest() -> String {
    tidegate::digest::bytes(CONTENT.as_bytes()).to_string()
}

/// A registry that has v1.1.0, and calls v1.2.0 by a digest that it does not have.
fn registry(seen: &Seen) -> Reply {
    let manifest = |digest: String| Reply::new(200, CONTENT).header("Docker-Content-Digest", digest);
    match seen.path.as_str() {
        "/registry/v2/acme/web/manifests/v1.1.0" => manifest(digest()),
        "/registry/v2/acme/web/manifests/v1.2.0" => manifest(zeros()),
        "/registry/v2/acme/web/tags/list" => {
            Reply::json(r#"{"name": "acme/web", "tags": ["v1.0.0", "v1.1.0", "v1.2.0"]}"#)
        }
        _ => Reply::error(404, "MANIFEST_UNKNOWN", "no"),
    }
}

/// A product with two images, one of them written so.
fn shop(folder: &Path, web: &str, address: &str) {
    let repo = folder.join("repo");
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{ name: a }}\nspec:\n  containers:\n    - {{ name: a, image: \"{web}\" }}\n    - {{ name: b, image: \"images.example.com/acme/api:v3.0.0\" }}\n"
    );
    platform::write(&repo, "products/shop/product.yaml", PRODUCT);
    platform::write(&repo, "products/shop/manifests/pod.yaml", &pod);
    platform::sources(&repo, &platform::hosts([("images.example.com", "registry")], address));
    platform::begin(&repo);
}

fn bump(folder: &Path, image: &str, to: &str) -> Output {
    let mut command = platform::tidegate(folder, &folder.join("repo"));
    command.args(["product", "bump", "shop", "--image", image, "--to", to]).env("NO_COLOR", "1");
    command.output().unwrap()
}

fn pod(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("repo/products/shop/manifests/pod.yaml")).unwrap()
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

const WEB: &str = "images.example.com/acme/web";

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_the_registry_does_not_have_is_refused() {
    let fake = Fake::new(registry).await;
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), &format!("{WEB}:v1.0.0"), &fake.address());
    let before = pod(folder.path());
    let refused = bump(folder.path(), WEB, "v9.9.9");
    let told = words(&refused.stderr);
    assert_eq!((refused.status.code(), pod(folder.path())), (Some(4), before), "{told}");
    assert!(told.contains("TG1007") && told.contains("the newest after `v1.0.0` is `v1.2.0`"), "{told}");
    let slip = words(&bump(folder.path(), WEB, "1.1.0").stderr);
    assert!(slip.contains("did you mean `v1.1.0`?"), "{slip}");

    fake.forget();
    let taken = bump(folder.path(), WEB, "v1.1.0");
    assert_eq!(taken.status.code(), Some(0), "{}", words(&taken.stderr));
    assert!(!words(&taken.stderr).contains("proved"), "{}", words(&taken.stderr));
    assert!(pod(folder.path()).contains(&format!("{WEB}:v1.1.0\"")));
    let asked: Vec<(String, String)> =
        fake.seen().iter().map(|seen| (seen.method.clone(), seen.path.clone())).collect();
    assert_eq!(asked, [("HEAD".to_owned(), "/registry/v2/acme/web/manifests/v1.1.0".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_registry_a_version_is_taken_and_that_nobody_looked_is_said() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens there.
    shop(folder.path(), &format!("{WEB}:v1.0.0"), "http://127.0.0.1:1");
    let taken = bump(folder.path(), WEB, "v9.9.9");
    let told = words(&taken.stderr);
    assert_eq!(taken.status.code(), Some(0), "{told}");
    assert!(told.contains(&format!("whether {WEB} has v9.9.9 was not proved")), "{told}");
    assert!(pod(folder.path()).contains("web:v9.9.9"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_is_written_only_if_what_came_has_it() {
    let fake = Fake::new(registry).await;
    let folder = tempfile::tempdir().unwrap();
    let old = format!("sha256:{}", "a".repeat(64));
    shop(folder.path(), &format!("{WEB}:v1.0.0@{old}"), &fake.address());
    let before = pod(folder.path());
    let refused = bump(folder.path(), WEB, "v1.2.0");
    let told = words(&refused.stderr);
    assert_eq!((refused.status.code(), pod(folder.path())), (Some(6), before), "{told}");
    assert!(told.contains(&format!("says {}", zeros())) && told.contains(&digest()), "{told}");
    let taken = bump(folder.path(), WEB, "v1.1.0");
    assert!(taken.status.success(), "{}", words(&taken.stderr));
    assert!(pod(folder.path()).contains(&format!("{WEB}:v1.1.0@{}", digest())));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_called_by_the_last_part_of_its_name_if_that_is_one() {
    let fake = Fake::new(registry).await;
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), &format!("{WEB}:v1.0.0"), &fake.address());
    let none = bump(folder.path(), "wep", "v1.1.0");
    let told = words(&none.stderr);
    assert_eq!(none.status.code(), Some(4), "{told}");
    assert!(told.contains("TG1050") && told.contains("did you mean `web`?"), "{told}");
    assert!(told.contains(&format!("its images are `images.example.com/acme/api`, `{WEB}`")), "{told}");
    let taken = bump(folder.path(), "web", "v1.1.0");
    assert!(taken.status.success(), "{}", words(&taken.stderr));
    assert!(pod(folder.path()).contains(&format!("{WEB}:v1.1.0\"")));

    let pod = "apiVersion: v1\nkind: Pod\nmetadata: { name: b }\nspec:\n  containers:\n    - { name: a, image: \"images.example.com/other/web:v1.0.0\" }\n";
    platform::write(&folder.path().join("repo"), "products/shop/manifests/other.yaml", pod);
    let several = bump(folder.path(), "web", "v1.2.0");
    let told = words(&several.stderr);
    assert_eq!(several.status.code(), Some(2), "{told}");
    assert!(told.contains("TG1051") && told.contains("`images.example.com/other/web`"), "{told}");
}
