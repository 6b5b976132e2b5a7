//! What the interfaces of GitHub and GitLab answer about releases.

use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use crate::adapter::web::{Answer, plain};
use crate::port::upstream::{Project, Published, Silence, Unanswered};

/// The version of GitHub's interface that is understood here (docs.github.com/rest, "API Versions").
pub(super) const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28"));

/// The kind of answer that is asked for.
pub(super) fn accepted(project: &Project) -> &'static str {
    match project {
        Project::GitHub(_) => "application/vnd.github+json",
        Project::GitLab(_) => "application/json",
    }
}

/// The header that says which version is understood.
pub(super) fn version(project: &Project) -> Option<(HeaderName, HeaderValue)> {
    matches!(project, Project::GitHub(_)).then_some(VERSION)
}

/// A release as GitHub tells it.
#[derive(Deserialize)]
struct OfGitHub {
    tag_name: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    #[serde(default)]
    published_at: Option<jiff::Timestamp>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
}

/// A release as GitLab tells it.
#[derive(Deserialize)]
struct OfGitLab {
    tag_name: String,
    #[serde(default)]
    name: Option<String>,
    /// It is announced, and not there yet.
    #[serde(default)]
    upcoming_release: bool,
    #[serde(default)]
    released_at: Option<jiff::Timestamp>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default, rename = "_links")]
    links: Links,
}

#[derive(Default, Deserialize)]
struct Links {
    #[serde(rename = "self")]
    own: Option<String>,
}

/// The releases on a page.
///
/// # Errors
/// When it is no list of releases.
pub(super) fn releases(project: &Project, bytes: &[u8]) -> Result<Vec<Published>, Unanswered> {
    let wrong = |error: serde_json::Error| {
        let words =
            format!("the releases of {project}: what came is no list of them: {}", plain(&error.to_string()));
        Unanswered::new(Silence::Invalid, words)
    };
    Ok(match project {
        Project::GitHub(_) => {
            let all: Vec<OfGitHub> = serde_json::from_slice(bytes).map_err(wrong)?;
            all.into_iter().filter(|release| !release.draft).map(Published::from).collect()
        }
        Project::GitLab(_) => {
            let all: Vec<OfGitLab> = serde_json::from_slice(bytes).map_err(wrong)?;
            all.into_iter().filter(|release| !release.upcoming_release).map(Published::from).collect()
        }
    })
}

impl From<OfGitHub> for Published {
    fn from(told: OfGitHub) -> Self {
        Self {
            tag: told.tag_name,
            title: told.name.filter(|name| !name.is_empty()),
            at: told.published_at,
            prerelease: told.prerelease,
            notes: told.body.unwrap_or_default(),
            url: told.html_url,
        }
    }
}

impl From<OfGitLab> for Published {
    fn from(told: OfGitLab) -> Self {
        Self {
            tag: told.tag_name,
            title: told.name.filter(|name| !name.is_empty()),
            at: told.released_at,
            prerelease: false,
            notes: told.description.unwrap_or_default(),
            url: told.links.own,
        }
    }
}

/// Until when a forge wants no more questions, if that is why it refused (docs.github.com/rest, "Rate limits
/// for the REST API"; docs.gitlab.com, "Response headers").
pub(super) fn limited_until(answer: &Answer) -> Option<jiff::Timestamp> {
    let retry = HeaderName::from_static("retry-after");
    if let (http::StatusCode::FORBIDDEN, Some(wait)) = (answer.status, answer.header(&retry)) {
        // A limit that is told apart from the others: GitHub's secondary one.
        let wait: i64 = wait.trim().parse().ok()?;
        let until = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_secs(wait)).ok()?;
        return jiff::Timestamp::from_second(until.as_second()).ok();
    }
    let number = |names: [&'static str; 2]| -> Option<i64> {
        let found = names.iter().find_map(|name| answer.header(&HeaderName::from_static(name)));
        found?.trim().parse().ok()
    };
    if number(["x-ratelimit-remaining", "ratelimit-remaining"])? > 0 {
        return None;
    }
    jiff::Timestamp::from_second(number(["x-ratelimit-reset", "ratelimit-reset"])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_and_announcements_are_no_releases() {
        let hub = br#"[{"tag_name":"v2","name":"","prerelease":true,"published_at":"2026-10-01T00:00:00Z","body":null,"html_url":"https://x"},{"tag_name":"v3","draft":true}]"#;
        let found = releases(&Project::GitHub("a/b".to_owned()), hub).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].prerelease && found[0].title.is_none() && found[0].notes.is_empty());
        let lab = br#"[{"tag_name":"v1","released_at":"2026-10-01T00:00:00.123Z","description":"New","_links":{"self":"https://y"}},{"tag_name":"v9","upcoming_release":true}]"#;
        let found = releases(&Project::GitLab("a/b".to_owned()), lab).unwrap();
        assert_eq!(
            (found.len(), found[0].url.as_deref(), found[0].notes.as_str()),
            (1, Some("https://y"), "New")
        );
    }

    #[test]
    fn what_is_no_list_is_no_answer() {
        for wrong in [&b"{\"message\":\"Not Found\"}"[..], b"<html>", b"[{}]", b""] {
            let silence = releases(&Project::GitHub("a/b".to_owned()), wrong).unwrap_err();
            assert_eq!(silence.why, Silence::Invalid);
        }
    }
}
