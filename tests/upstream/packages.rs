//! Packages of charts: by the addresses of an index over HTTP, and as layers in registries; from the disk the
//! second time, and never with another digest, from where none may lead, or with somebody else's credentials.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Arc;

use tidegate::adapter::charts::ChartRepositories;
use tidegate::adapter::registry::{Credentials, Registries, Settings as Set};
use tidegate::adapter::web::{Keep, Settings, Web};
use tidegate::lcm::charts::Entry;
use tidegate::port::upstream::{Charts as _, Packed, Silence, Unanswered};

use super::fake::{Fake, Reply, Seen};
use super::listing::user;
use super::web::quick;

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// A manifest as Helm pushes it.
pub fn manifest(config: &str, layer: &str, size: usize) -> String {
    serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "size": 2, "digest": config},
        "layers": [{"mediaType": LAYER, "size": size, "digest": layer}],
    })
    .to_string()
}

/// A chart `web` as `helm package` makes it.
pub fn archive(version: &str, values: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(gzip);
    let about = format!("apiVersion: v2\nname: web\nversion: {version}\n");
    let own = [("Chart.yaml", about.as_str()), ("values.yaml", values)];
    for (path, text) in own.iter().chain(more) {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("web/{path}"), text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn charts(web: Settings, credentials: Credentials) -> (Arc<Web>, ChartRepositories) {
    let web = Arc::new(Web::new(web));
    let registry = Registries::new(Arc::clone(&web), Set::default(), credentials);
    (Arc::clone(&web), ChartRepositories::new(web, Arc::new(registry)))
}

fn entry(url: &str, bytes: Option<&[u8]>) -> Entry {
    let digest = bytes.map(|bytes| tidegate::digest::bytes(bytes).hex());
    Entry { version: "2.0.0".to_owned(), digest, urls: vec![url.to_owned()], ..Entry::default() }
}

async fn package(fake: &Fake, entry: &Entry) -> Result<Packed, Unanswered> {
    charts(quick(), Credentials::none()).1.package(&fake.address(), "web", entry).await
}

#[tokio::test]
async fn a_package_is_fetched_once_and_then_taken_from_the_disk() {
    let bytes = archive("2.0.0", "{}\n", &[]);
    let body = bytes.clone();
    // No ETag, no date: its digest is enough. Some say that a packed file is compressed.
    let fake = Fake::new(move |_| Reply::new(200, body.clone()).header("Content-Encoding", "gzip")).await;
    let folder = tempfile::tempdir().unwrap();
    for round in 0..2 {
        let keep = Some(Keep { folder: folder.path().join("answers"), most: 1024 * 1024 });
        let (web, charts) = charts(Settings { keep, ..quick() }, Credentials::none());
        let wanted = entry("charts/web-2.0.0.tgz", Some(&bytes));
        let packed = charts.package(&format!("{}/stable", fake.address()), "web", &wanted).await.unwrap();
        assert_eq!(packed.bytes, bytes);
        let address = format!("{}/stable/charts/web-2.0.0.tgz", fake.address());
        assert_eq!(packed.address, Some(address));
        assert_eq!((web.counts().sent, web.counts().kept), (1 - round, round), "round {round}");
    }
}

#[tokio::test]
async fn another_digest_is_no_answer_and_is_not_kept() {
    let fake = Fake::new(|_| Reply::new(200, "other").header("ETag", "\"1\"")).await;
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let keep = Some(Keep { folder: folder.path().join("answers"), most: 1024 * 1024 });
        let (_, charts) = charts(Settings { keep, ..quick() }, Credentials::none());
        let wanted = entry("web.tgz", Some(b"what the index means"));
        let silence = charts.package(&fake.address(), "web", &wanted).await.unwrap_err();
        assert_eq!(silence.why, Silence::Invalid);
        assert!(silence.message.contains("what came has the digest sha256:"), "{silence}");
    }
    assert_eq!(fake.seen().len(), 2, "each run asks once: to ask again would bring the same");
}

#[tokio::test]
async fn what_is_no_package_is_silence_that_says_why() {
    let bytes = archive("2.0.0", "{}\n", &[]);
    let (body, half) = (bytes.clone(), bytes.len() / 2);
    let fake = Fake::new(move |seen: &Seen| match seen.path.as_str() {
        "/cut.tgz" => Reply::new(200, body.clone()).cut(half),
        "/large.tgz" => Reply::long("x".repeat(64 * 1024), 400),
        "/private.tgz" => Reply::new(403, "no"),
        "/inside.tgz" => Reply::new(302, "").header("Location", "http://169.254.169.254/latest/"),
        _ => Reply::new(404, "<html>nothing</html>"),
    })
    .await;
    for (url, why, words) in [
        ("cut.tgz", Silence::Invalid, "broke off"),
        ("large.tgz", Silence::TooMuch, "20971520 bytes"),
        ("private.tgz", Silence::Forbidden, "answered 403"),
        ("inside.tgz", Silence::Invalid, "an address inside"),
        ("gone.tgz", Silence::Missing, "answered 404"),
        ("ftp://example.com/web.tgz", Silence::Invalid, "no address"),
        ("https://me:word@example.com/web.tgz", Silence::Invalid, "no user and no password"),
        ("http://10.0.0.1/web.tgz", Silence::Invalid, "an address inside"),
        ("oci://registry-1.docker.io/charts/web:2.0.0", Silence::Forbidden, "counts that as a pull"),
    ] {
        let silence = package(&fake, &entry(url, None)).await.unwrap_err();
        assert_eq!(silence.why, why, "{url}: {silence}");
        assert!(silence.message.starts_with("the package of web 2.0.0: "), "{silence}");
        assert!(silence.message.contains(words), "{url}: {silence}");
    }
    let none = package(&fake, &Entry { urls: Vec::new(), ..entry("", None) }).await.unwrap_err();
    assert_eq!(none.why, Silence::Missing);
    let digest = Entry { digest: Some("md5:1".to_owned()), ..entry("web.tgz", None) };
    assert!(package(&fake, &digest).await.unwrap_err().message.contains("a digest that is none"));
}

#[tokio::test]
async fn an_index_leads_to_another_host_only_where_a_person_lets_it() {
    let bytes = archive("2.0.0", "{}\n", &[]);
    let body = bytes.clone();
    let other = Fake::new(move |_| Reply::new(200, body.clone())).await;
    let fake = Fake::new(|_| Reply::new(404, "")).await;
    let wanted = entry(&format!("{}/web.tgz", other.address()), Some(&bytes));
    let silence = package(&fake, &wanted).await.unwrap_err();
    assert_eq!((silence.why, other.seen().len()), (Silence::Invalid, 0), "{silence}");
    let web = Settings { plain: BTreeSet::from([other.host()]), ..quick() };
    let charts = charts(web, Credentials::none()).1;
    assert_eq!(charts.package(&fake.address(), "web", &wanted).await.unwrap().bytes, bytes);
    assert_eq!(other.seen()[0].header("authorization"), "");
}

#[tokio::test]
async fn a_registry_is_shown_a_password_and_the_host_that_keeps_its_blobs_is_not() {
    let bytes = archive("2.0.0", "{}\n", &[]);
    let (body, digest) = (bytes.clone(), tidegate::digest::bytes(&bytes).to_string());
    let store = Fake::new(move |_| Reply::new(200, body.clone())).await;
    let (text, blob) = (manifest(&digest, &digest, bytes.len()), format!("{}/blob?sig=1", store.address()));
    let path = format!("/v2/charts/web/blobs/{digest}");
    let fake = Fake::new(move |seen: &Seen| {
        if seen.header("authorization").is_empty() {
            return Reply::error(401, "UNAUTHORIZED", "who?").header("WWW-Authenticate", "Basic realm=\"x\"");
        }
        match seen.path.as_str() {
            "/v2/charts/web/manifests/2.0.0" => Reply::new(200, text.clone()).header("ETag", "\"1\""),
            "/v2/charts/web/manifests/odd" => {
                Reply::new(200, manifest("x", &format!("sha256:{}", "0".repeat(64)), 30 << 20))
            }
            own if own == path => Reply::new(307, "").header("Location", blob.clone()),
            _ => Reply::error(404, "MANIFEST_UNKNOWN", "no"),
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let repository = format!("oci://{}/charts", fake.host());
    for _ in 0..2 {
        let keep = Some(Keep { folder: folder.path().join("answers"), most: 1024 * 1024 });
        let web = Settings { keep, plain: BTreeSet::from([store.host()]), ..quick() };
        let (_, charts) = charts(web, user(&fake.host(), "me", "word"));
        let packed = charts.package(&repository, "web", &entry("", None)).await.unwrap();
        assert_eq!(packed.bytes, bytes);
        let large = Entry { version: "odd".to_owned(), ..Entry::default() };
        assert_eq!(charts.package(&repository, "web", &large).await.unwrap_err().why, Silence::TooMuch);
    }
    let seen = store.seen();
    assert_eq!((seen.len(), seen[0].header("authorization")), (1, ""), "the second time it is on the disk");
    assert_eq!(fake.count(&format!("/v2/charts/web/blobs/{digest}")), 1);
}

#[tokio::test]
async fn a_layer_with_another_digest_is_no_answer() {
    let told = format!("sha256:{}", "0".repeat(64));
    let text = manifest(&told, &told, 5);
    let fake = Fake::new(move |seen: &Seen| match seen.path.contains("/manifests/") {
        true => Reply::new(200, text.clone()),
        false => Reply::new(200, "other"),
    })
    .await;
    let charts = charts(quick(), Credentials::none()).1;
    let repository = format!("oci://{}/charts", fake.host());
    let silence = charts.package(&repository, "web", &entry("", None)).await.unwrap_err();
    assert_eq!(silence.why, Silence::Invalid);
    assert!(silence.message.contains("where sha256:0000"), "{silence}");
}

/// An archive with one entry of any kind.
pub fn odd(kind: tar::EntryType, path: &str, size: usize) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size as u64);
    if kind == tar::EntryType::Symlink {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(header.as_bytes()).unwrap();
    gzip.write_all(&vec![0; size.next_multiple_of(512) + 1024]).unwrap();
    gzip.finish().unwrap()
}
