//! Repositories of charts: by their index over HTTP, and in registries.

use std::sync::Arc;

use tidegate::adapter::charts::ChartRepositories;
use tidegate::adapter::registry::{Credentials, Registries, Settings as Set};
use tidegate::adapter::web::{Keep, Settings, Web};
use tidegate::port::upstream::{Charts as _, Listed, Silence, Unanswered};

use super::fake::{Fake, Reply};
use super::web::quick;

const INDEX: &str = "apiVersion: v1
entries:
  backup:
    - version: 2.1.0
      appVersion: \"1.10\"
      kubeVersion: \">=1.31\"
    - version: 2.0.0
      deprecated: true
  broken:
    - description: it has no version
    - version: 1.0.0
generated: \"2026-11-02T00:00:00Z\"
";

fn repositories(web: Settings) -> (Arc<Web>, ChartRepositories) {
    let web = Arc::new(Web::new(web));
    let registry = Registries::new(Arc::clone(&web), Set::default(), Credentials::none());
    (Arc::clone(&web), ChartRepositories::new(web, Arc::new(registry)))
}

async fn versions(repository: &str, charts: &[&str]) -> Result<Listed, Unanswered> {
    repositories(quick()).1.versions(repository, charts).await
}

/// The versions of a chart, in the order of the index.
fn told(listed: &Listed, chart: &str) -> Vec<String> {
    listed[chart].as_ref().unwrap().entries.iter().map(|entry| entry.version.clone()).collect()
}

#[tokio::test]
async fn each_wanted_chart_of_an_index_has_an_answer_of_its_own() {
    let fake = Fake::new(|seen| match seen.path.as_str() {
        "/charts/index.yaml" => Reply::new(200, INDEX),
        _ => Reply::new(404, ""),
    })
    .await;
    let listed =
        versions(&format!("{}/charts/", fake.address()), &["backup", "broken", "gone"]).await.unwrap();
    assert_eq!(told(&listed, "backup"), ["2.1.0", "2.0.0"]);
    let backup = &listed["backup"].as_ref().unwrap().entries;
    assert_eq!(backup[0].app_version.as_deref(), Some("1.10"));
    assert!(backup[1].deprecated);
    assert_eq!(told(&listed, "broken"), ["1.0.0"]);
    assert_eq!(listed["broken"].as_ref().unwrap().unreadable, 1);
    let gone = listed["gone"].as_ref().unwrap_err();
    assert_eq!(gone.why, Silence::Missing);
    assert!(gone.message.ends_with("has no chart `gone`"), "{gone}");
    assert_eq!(fake.seen().len(), 1, "one index for all of them");
}

#[tokio::test]
async fn what_is_no_index_is_silence_and_says_what_it_is() {
    for (body, says) in [
        ("<!DOCTYPE html><title>Log in</title>", "HTML page"),
        ("apiVersion: v1\n", "no `entries`"),
        ("", "is empty"),
    ] {
        let fake = Fake::new(move |_| Reply::new(200, body)).await;
        let silence = versions(&fake.address(), &["backup"]).await.unwrap_err();
        assert_eq!(silence.why, Silence::Invalid, "{body}");
        assert!(silence.message.contains(says), "{silence}");
    }
    let fake = Fake::new(|_| Reply::new(403, "no")).await;
    assert_eq!(versions(&fake.address(), &["backup"]).await.unwrap_err().why, Silence::Forbidden);
}

#[tokio::test]
async fn an_index_that_breaks_off_is_not_taken_for_a_short_one() {
    let whole = INDEX.find("generated").unwrap();
    let fake = Fake::new(move |_| Reply::new(200, INDEX).cut(whole)).await;
    assert!(versions(&fake.address(), &["backup"]).await.is_err());
}

#[tokio::test]
async fn an_index_without_end_is_too_much() {
    let line = "  # nothing but a comment, again and again\n";
    let fake = Fake::new(move |_| Reply::long(line.repeat(1_000), 100_000).around("entries:\n", "")).await;
    let charts = repositories(quick()).1.reading_at_most(1024 * 1024);
    let silence = charts.versions(&fake.address(), &["backup"]).await.unwrap_err();
    assert_eq!(silence.why, Silence::TooMuch, "{silence}");
}

#[tokio::test]
async fn what_a_stream_cannot_tell_is_read_as_a_whole_and_from_the_disk() {
    let index = "entries: &all\n  backup: &versions\n    - version: 1.0.0\n  same: *versions\n";
    let fake = Fake::new(move |seen| match seen.header("if-none-match") {
        "\"1\"" => Reply::new(304, "").header("ETag", "\"1\""),
        _ => Reply::new(200, index).header("ETag", "\"1\""),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let keep = Some(Keep { folder: folder.path().join("answers"), most: 1024 * 1024 });
    let (web, charts) = repositories(Settings { keep, ..quick() });
    let listed = charts.versions(&fake.address(), &["same"]).await.unwrap();
    assert_eq!(told(&listed, "same"), ["1.0.0"]);
    assert_eq!((web.counts().sent, web.counts().kept), (2, 1), "the second time it comes from the disk");
}

#[tokio::test]
async fn charts_in_a_registry_are_asked_for_by_their_tags() {
    let fake = Fake::new(|seen| match seen.path.as_str() {
        "/v2/charts/backup/tags/list" => {
            Reply::json(r#"{"name":"charts/backup","tags":["1.0.0","1.1.0_build.2"]}"#)
        }
        _ => Reply::error(404, "NAME_UNKNOWN", "no such repository"),
    })
    .await;
    let host = fake.host();
    let listed = versions(&format!("oci://{host}/charts"), &["backup", "gone"]).await.unwrap();
    assert_eq!(told(&listed, "backup"), ["1.0.0", "1.1.0+build.2"]);
    assert_eq!(listed["gone"].as_ref().unwrap_err().why, Silence::Missing);
}
