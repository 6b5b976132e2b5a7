//! Support windows by a fake of endoflife.date, and what is offered of Kubernetes by a fake of its channels and
//! by files with the clouds' own answers.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::date;
use tidegate::adapter::offers::KubernetesOffers;
use tidegate::adapter::support::EndOfLife;
use tidegate::adapter::web::{Keep, Settings, Web};
use tidegate::lcm::declared::Item;
use tidegate::lcm::support::known::Known;
use tidegate::lcm::support::kubernetes::{Provider, way};
use tidegate::port::upstream::{Offers as _, Silence, Support as _, Unanswered};

use super::fake::{Fake, Reply, Seen};
use super::web::quick;

const FULL: &str = include_str!("fixtures/endoflife/full.json");
const EKS: &str = include_str!("fixtures/endoflife/amazon-eks.json");

fn support(fake: &Fake) -> EndOfLife {
    EndOfLife::new(Arc::new(Web::new(quick())), format!("{}/api/v1", fake.address()))
}

fn keeping(folder: &tempfile::TempDir) -> Arc<Web> {
    let keep = Some(Keep { folder: folder.path().join("answers"), most: 4 * 1024 * 1024 });
    Arc::new(Web::new(Settings { keep, ..quick() }))
}

/// As endoflife.date behaves: clean addresses, ETags, 404 in HTML for what it does not know.
fn endoflife(seen: &Seen) -> Reply {
    let body = match seen.path.as_str() {
        "/api/v1/products/full/" => FULL,
        "/api/v1/products/amazon-eks/" => EKS,
        "/api/v1/products/eks/" => {
            return Reply::new(301, "").header("Location", "/api/v1/products/amazon-eks/");
        }
        _ => {
            return Reply::new(404, "<!DOCTYPE html><title>Not found</title>")
                .header("Content-Type", "text/html");
        }
    };
    let etag = format!("\"{}\"", body.len());
    match seen.header("if-none-match") == etag {
        true => Reply::new(304, "").header("ETag", etag),
        false => {
            Reply::json(body).header("ETag", etag).header("Cache-Control", "public,max-age=0,must-revalidate")
        }
    }
}

#[tokio::test]
async fn a_product_is_asked_for_once_by_any_of_its_names() {
    let fake = Fake::new(endoflife).await;
    let support = support(&fake);
    let (one, other) = futures::join!(support.product("amazon-eks"), support.product("amazon-eks"));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(Arc::ptr_eq(&one, &other) && fake.seen().len() == 1, "nothing is asked twice");
    assert_eq!(one.cycle("1.34.6").map(|cycle| cycle.name.as_str()), Some("1.34"));
    assert_eq!(support.product("eks").await.unwrap().name, "amazon-eks", "a product that was renamed");
    let gone = support.product("no-such-thing").await.unwrap_err();
    assert_eq!(gone.why, Silence::Missing);
    assert!(!gone.message.contains("DOCTYPE"), "{gone}");
}

#[tokio::test]
async fn the_whole_data_set_is_one_question_and_none_of_its_bytes_come_twice() {
    let fake = Fake::new(endoflife).await;
    let folder = tempfile::tempdir().unwrap();
    let home = format!("{}/api/v1/", fake.address());
    for round in 1..=2 {
        let web = keeping(&folder);
        let whole = EndOfLife::new(Arc::clone(&web), home.as_str()).whole().await.unwrap();
        let known = Known::new(whole.products.iter().cloned(), None);
        let window = known.window(&Item::Kubernetes("eks".to_owned()), "v1.34.6-eks-1", date(2026, 11, 22));
        assert_eq!(window.words(), "Amazon EKS 1.34: support ends in 10 days, on 2026-12-02");
        assert_eq!((web.counts().sent, web.counts().kept), (1, round - 1));
    }
    assert_eq!(fake.seen()[1].header("if-none-match"), format!("\"{}\"", FULL.len()));
}

async fn refused(reply: Reply) -> (Unanswered, usize) {
    let fake = Fake::new(move |_| reply.clone()).await;
    let silence = support(&fake).product("redis").await.unwrap_err();
    (silence, fake.seen().len())
}

#[tokio::test]
async fn what_is_no_answer_is_silence_that_says_why() {
    for (reply, why, words) in [
        (Reply::new(200, "<!DOCTYPE html>Sign in"), Silence::Invalid, "a web page came instead of JSON"),
        (Reply::json(&EKS[..EKS.len() / 2]), Silence::Invalid, "it ends in the middle"),
        (Reply::json(EKS), Silence::Invalid, "the answer is about `amazon-eks`"),
        (Reply::json(FULL), Silence::Invalid, "its `result` is a list, not a product"),
        (Reply::json(r#"{"schema_version":"2.0","result":{}}"#), Silence::Invalid, "its schema is 2.0"),
        (Reply::new(200, ""), Silence::Invalid, "nothing came"),
        (Reply::new(403, "no"), Silence::Forbidden, "answered 403"),
        (Reply::new(410, ""), Silence::Missing, "answered 410"),
        (Reply::new(500, ""), Silence::Unreachable, "it answered 500"),
    ] {
        let (silence, _) = refused(reply).await;
        assert_eq!(silence.why, why, "{silence}");
        assert!(silence.message.contains(words), "{silence}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again_and_then_none() {
    let (silence, asked) = refused(Reply::json(EKS).cut(700)).await;
    assert_eq!((silence.why, asked), (Silence::Invalid, 3));
    assert!(silence.message.contains("broke off"), "{silence}");
}

#[tokio::test]
async fn patience_is_kept_and_has_an_end() {
    let fake = Fake::at(|_| {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        move |seen: &Seen| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Reply::new(429, "").header("Retry-After", "1"),
            _ => endoflife(seen),
        }
    })
    .await;
    let begun = std::time::Instant::now();
    assert!(support(&fake).product("amazon-eks").await.is_ok());
    assert!(begun.elapsed() >= Duration::from_millis(950), "{:?}", begun.elapsed());
    let (silence, asked) = refused(Reply::new(429, "").header("Retry-After", "86400")).await;
    assert_eq!((silence.why, asked), (Silence::Limited, 1), "{silence}");
}

#[tokio::test]
async fn fifty_megabytes_are_too_much() {
    let fake = Fake::new(|_| Reply::long("[".repeat(64 * 1024), 800).around("{\"result\":", "}")).await;
    let support = support(&fake);
    assert_eq!(support.whole().await.unwrap_err().why, Silence::TooMuch);
    assert_eq!(support.product("redis").await.unwrap_err().why, Silence::TooMuch);
}

#[tokio::test]
async fn an_answer_leads_to_no_address_inside() {
    let inside = Fake::new(|_| Reply::json(EKS)).await;
    for to in [inside.address(), "http://169.254.169.254/latest/".to_owned(), "http://10.0.0.1/".to_owned()] {
        let (silence, _) = refused(Reply::new(302, "").header("Location", to.clone())).await;
        assert_eq!(silence.why, Silence::Invalid, "{to}: {silence}");
    }
    assert!(inside.seen().is_empty());
}

#[tokio::test]
async fn names_that_would_lead_elsewhere_are_not_asked_for() {
    let fake = Fake::new(endoflife).await;
    for name in ["../identifiers/purl", "full", "a?b", "", "..", "redis/releases/8"] {
        assert_eq!(support(&fake).product(name).await.unwrap_err().why, Silence::Invalid, "{name}");
    }
    assert!(fake.seen().is_empty());
    let nowhere = EndOfLife::new(Arc::new(Web::new(quick())), "endoflife");
    assert_eq!(nowhere.product("redis").await.unwrap_err().why, Silence::Invalid);
}

fn channels(seen: &Seen) -> Reply {
    match seen.path.as_str() {
        "/release/stable.txt" | "/release/stable-1.36.txt" => Reply::new(200, "v1.36.4"),
        "/release/stable-1.35.txt" => Reply::new(200, "v1.35.8\n"),
        "/release/stable-1.34.txt" => Reply::new(200, "<html>"),
        "/release/latest.txt" => Reply::new(200, "v1.37.0-beta.0"),
        _ => Reply::new(404, "<Error><Code>NoSuchKey</Code></Error>"),
    }
}

fn offers(fake: &Fake, folder: &std::path::Path) -> KubernetesOffers {
    KubernetesOffers::new(Arc::new(Web::new(quick())), format!("{}/release", fake.address()), folder)
}

#[tokio::test]
async fn the_channels_of_kubernetes_are_read_with_those_of_its_minors() {
    let fake = Fake::new(channels).await;
    let folder = tempfile::tempdir().unwrap();
    let offered = offers(&fake, folder.path()).versions(Provider::Upstream).await.unwrap();
    let versions: Vec<String> = offered.versions.iter().map(|one| one.version.to_string()).collect();
    assert_eq!(versions, ["v1.37.0-beta.0", "v1.36.4", "v1.35.8"]);
    assert_eq!(offered.problems, ["the channel stable-1.34 has a web page instead of a version"]);
    assert!(fake.seen().len() <= 10);

    let fake = Fake::new(|_| Reply::new(200, "<html>")).await;
    let silence = offers(&fake, folder.path()).versions(Provider::Upstream).await.unwrap_err();
    assert_eq!(silence.why, Silence::Invalid, "{silence}");
    let fake = Fake::new(|_| Reply::long("v1.36.4\n".repeat(1000), 100_000)).await;
    let silence = offers(&fake, folder.path()).versions(Provider::Upstream).await.unwrap_err();
    assert_eq!(silence.why, Silence::TooMuch, "{silence}");
}

#[tokio::test]
async fn clouds_are_read_from_files_with_their_age() {
    let fake = Fake::new(channels).await;
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("eks.json", include_str!("fixtures/eks.json")),
        ("eks-addons.json", include_str!("fixtures/eks-addons.json")),
        ("aks.json", include_str!("fixtures/aks.json")),
        ("gke.json", "{\"validMasterVersions\":[\"1.36.3-gke.1640000\"]}"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let old = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    let file = std::fs::File::options().write(true).open(folder.path().join("gke.json")).unwrap();
    file.set_modified(old).unwrap();
    let offers = offers(&fake, folder.path());
    let now = "2026-11-22T12:00:00Z".parse().unwrap();

    let eks = offers.versions(Provider::Eks).await.unwrap();
    assert_eq!(eks.stale(now, 14), None, "it says itself when it was told");
    let way = way(&"1.34.6".parse().unwrap(), "1.36".parse().unwrap(), &eks).unwrap();
    assert_eq!(way.words(), "1.34.6 -> 1.35 -> 1.36");
    let gke = offers.versions(Provider::Gke).await.unwrap();
    assert!(gke.stale(now, 14).is_some_and(|words| words.starts_with("`gke.json` is 62 days old")));
    assert_eq!(offers.versions(Provider::Aks).await.unwrap().versions.len(), 6);
    assert_eq!(offers.addons(Provider::Eks).await.unwrap().all.len(), 2);

    let missing = offers.addons(Provider::Aks).await.unwrap_err();
    assert_eq!(missing.why, Silence::Missing);
    assert!(missing.message.contains("az aks mesh get-revisions"), "{missing}");
    assert_eq!(offers.addons(Provider::Gke).await.unwrap_err().why, Silence::Missing);
    assert!(fake.seen().is_empty(), "no cloud is asked");
}

#[tokio::test]
async fn what_is_no_file_of_a_cloud_is_not_read() {
    let fake = Fake::new(channels).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("eks.json");
    let told = async || offers(&fake, folder.path()).versions(Provider::Eks).await.unwrap_err();
    std::fs::create_dir(&path).unwrap();
    assert!(told().await.message.contains("it is no file"));
    std::fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(told().await.message.contains("it is no file"));
    std::fs::remove_file(&path).unwrap();
    std::fs::File::create(&path).unwrap().set_len(17 * 1024 * 1024).unwrap();
    assert_eq!(told().await.why, Silence::TooMuch);
    std::fs::write(&path, "An error occurred (ExpiredToken)").unwrap();
    let silence = told().await;
    assert_eq!(silence.why, Silence::Invalid);
    assert!(silence.message.contains("aws eks describe-cluster-versions"), "{silence}");
}
