//! Forges: tags by git's own protocol, answered by git itself; releases by fakes of the interfaces.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tidegate::adapter::forge::{Forges, Settings as Places};
use tidegate::adapter::web::{Pass, Web};
use tidegate::port::Secret;
use tidegate::port::upstream::{Forge as _, Project, Silence};

use super::fake::{Fake, Reply, Seen};
use super::platform::git;
use super::web::quick;

const HOSTS: [&str; 4] = ["github.com", "api.github.com", "raw.githubusercontent.com", "gitlab.com"];

fn forges(fake: &Fake, github: Option<Pass>) -> Forges {
    let endpoints: BTreeMap<String, String> =
        HOSTS.iter().map(|host| ((*host).to_owned(), format!("{}/{host}", fake.address()))).collect();
    Forges::new(Arc::new(Web::new(quick())), Places { endpoints, github, gitlab: None })
}

fn project(text: &str) -> Project {
    text.parse().unwrap()
}

/// What git's server answers to the body of a question.
fn upload_pack(repository: &Path, seen: &Seen) -> Reply {
    let mut git = Command::new("git")
        .args(["upload-pack", "--stateless-rpc"])
        .arg(repository)
        .env("GIT_PROTOCOL", seen.header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(seen.body.as_bytes()).unwrap();
    let answer = git.wait_with_output().unwrap();
    assert!(answer.status.success());
    Reply::new(200, answer.stdout).header("Content-Type", "application/x-git-upload-pack-result")
}

#[tokio::test]
async fn tags_are_read_from_git_in_one_question() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "."]);
    git(folder.path(), &["commit", "-q", "--allow-empty", "-m", "one"]);
    git(folder.path(), &["tag", "v1.0.0"]);
    git(folder.path(), &["tag", "-m", "annotated", "chart-1.1.0"]);
    git(folder.path(), &["branch", "v9.9.9"]);
    let path = folder.path().to_owned();
    let fake = Fake::new(move |seen| match seen.path.as_str() {
        "/github.com/velero-io/velero.git/git-upload-pack" => upload_pack(&path, seen),
        _ => Reply::new(404, ""),
    })
    .await;
    let forges = forges(&fake, Some(Pass::bearer(&Secret::new("token"))));
    let velero = project("github:velero-io/velero");
    let (one, other) = (forges.tags(&velero).await.unwrap(), forges.tags(&velero).await.unwrap());
    assert_eq!(one.iter().collect::<Vec<_>>(), ["chart-1.1.0", "v1.0.0"]);
    assert!(Arc::ptr_eq(&one, &other) && fake.seen().len() == 1, "nothing is asked twice");
    assert_eq!(fake.seen()[0].header("authorization"), "", "what is public is asked as nobody");
    assert_eq!(forges.tags(&project("github:velero-io/gone")).await.unwrap_err().why, Silence::Missing);
}

#[tokio::test]
async fn a_login_page_is_no_list_of_tags() {
    let fake = Fake::new(|_| Reply::new(200, "<!DOCTYPE html>")).await;
    let silence = forges(&fake, None).tags(&project("gitlab:a/b")).await.unwrap_err();
    assert_eq!(silence.why, Silence::Invalid);
}

#[tokio::test]
async fn releases_are_read_page_by_page_the_newest_first() {
    let fake = Fake::at(|home| {
        let next = format!("<{home}/api.github.com/repos/a/b/releases?per_page=100&page=2>; rel=\"next\"");
        move |seen| {
            assert_eq!(seen.header("authorization"), "Bearer token");
            assert_eq!(seen.header("x-github-api-version"), "2022-11-28");
            match seen.param("page").as_deref() {
                None => Reply::json(r#"[{"tag_name":"v1.1","published_at":"2026-10-02T00:00:00Z","body":"More"}]"#)
                    .header("Link", next.clone()),
                _ => Reply::json(r#"[{"tag_name":"v2.0","published_at":"2026-11-02T00:00:00Z"},{"tag_name":"v1.1","published_at":"2026-10-02T00:00:00Z"}]"#),
            }
        }
    })
    .await;
    let forges = forges(&fake, Some(Pass::bearer(&Secret::new("token"))));
    let releases = forges.releases(&project("github:a/b")).await.unwrap();
    let tags: Vec<&str> = releases.iter().map(|release| release.tag.as_str()).collect();
    assert_eq!(tags, ["v2.0", "v1.1"]);
    assert_eq!(releases[1].notes, "More");
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_told_with_its_end() {
    let fake = Fake::new(|_| {
        Reply::json(r#"{"message":"API rate limit exceeded"}"#.to_owned())
            .status(403)
            .header("X-RateLimit-Remaining", "0")
            .header("X-RateLimit-Reset", "1795000000")
    })
    .await;
    let silence = forges(&fake, None).releases(&project("github:a/b")).await.unwrap_err();
    assert_eq!(silence.why, Silence::Limited);
    assert!(silence.message.contains("2026-11-18T") && silence.message.contains("with a token"), "{silence}");
    let fake = Fake::new(|_| Reply::json(r#"{"message":"Resource not accessible"}"#).status(403)).await;
    let silence = forges(&fake, None).releases(&project("github:a/b")).await.unwrap_err();
    assert_eq!(silence.why, Silence::Forbidden);
}

#[tokio::test]
async fn a_file_is_read_at_a_tag_or_is_not_there() {
    let fake = Fake::new(|seen| match seen.path.as_str() {
        "/raw.githubusercontent.com/a/b/v1.0/CHANGELOG.md" => Reply::new(200, "# Changes"),
        "/gitlab.com/a/b/-/raw/v1.0/picture" => Reply::new(200, vec![0xff, 0xfe]),
        _ => Reply::new(404, ""),
    })
    .await;
    let forges = forges(&fake, None);
    let (hub, lab) = (project("github:a/b"), project("gitlab:a/b"));
    assert_eq!(forges.file(&hub, "v1.0", "CHANGELOG.md").await.unwrap().as_deref(), Some("# Changes"));
    assert_eq!(forges.file(&hub, "v1.0", "CHANGES.md").await.unwrap(), None);
    assert_eq!(forges.file(&lab, "v1.0", "picture").await.unwrap_err().why, Silence::Invalid);
}
