//! What GitHub and GitLab answer about requests to take a branch in: the requests themselves, and a no in the
//! forge's words.

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::adapter::web::{Answer, plain};
use crate::lcm::remote::Home;
use crate::model::ForgeKind;
use crate::port::requests::OpenRequest;
use crate::port::upstream::{Silence, Unanswered};

/// The kind of answer that is asked for.
pub(super) fn accepted(forge: ForgeKind) -> &'static str {
    match forge {
        ForgeKind::GitHub => "application/vnd.github+json",
        ForgeKind::GitLab => "application/json",
    }
}

/// A pull request as GitHub tells it.
#[derive(Deserialize)]
struct OfGitHub {
    number: u64,
    html_url: String,
    title: String,
    #[serde(default)]
    body: Option<String>,
    head: Branch,
    base: Branch,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(rename = "ref")]
    name: String,
}

/// A merge request as GitLab tells it.
#[derive(Deserialize)]
struct OfGitLab {
    iid: u64,
    web_url: String,
    title: String,
    #[serde(default)]
    description: Option<String>,
    source_branch: String,
    target_branch: String,
    /// Another one than the target's where it comes from a fork.
    source_project_id: Option<u64>,
    target_project_id: Option<u64>,
}

impl From<OfGitHub> for OpenRequest {
    fn from(told: OfGitHub) -> Self {
        Self {
            number: told.number,
            url: told.html_url,
            title: told.title,
            body: line_feeds(told.body),
            branch: told.head.name,
            into: told.base.name,
        }
    }
}

impl From<OfGitLab> for OpenRequest {
    fn from(told: OfGitLab) -> Self {
        Self {
            number: told.iid,
            url: told.web_url,
            title: told.title,
            body: line_feeds(told.description),
            branch: told.source_branch,
            into: told.target_branch,
        }
    }
}

fn line_feeds(text: Option<String>) -> String {
    text.unwrap_or_default().replace("\r\n", "\n")
}

/// The requests of a list.
///
/// # Errors
/// When it is no list of them.
pub(super) fn all(home: &Home, bytes: &[u8]) -> Result<Vec<OpenRequest>, Unanswered> {
    let wrong = |error| unread(home, bytes, &error);
    Ok(match home.forge {
        ForgeKind::GitHub => {
            let all: Vec<OfGitHub> = serde_json::from_slice(bytes).map_err(wrong)?;
            all.into_iter().map(OpenRequest::from).collect()
        }
        ForgeKind::GitLab => {
            let all: Vec<OfGitLab> = serde_json::from_slice(bytes).map_err(wrong)?;
            let own = |told: &OfGitLab| told.source_project_id == told.target_project_id;
            all.into_iter().filter(own).map(OpenRequest::from).collect()
        }
    })
}

/// One request.
///
/// # Errors
/// When it is none.
pub(super) fn one(home: &Home, bytes: &[u8]) -> Result<OpenRequest, Unanswered> {
    let wrong = |error| unread(home, bytes, &error);
    Ok(match home.forge {
        ForgeKind::GitHub => serde_json::from_slice::<OfGitHub>(bytes).map_err(wrong)?.into(),
        ForgeKind::GitLab => serde_json::from_slice::<OfGitLab>(bytes).map_err(wrong)?.into(),
    })
}

fn unread(home: &Home, bytes: &[u8], error: &serde_json::Error) -> Unanswered {
    let why = match bytes.trim_ascii_start().first() {
        Some(b'<') => {
            "a web page came; is that the forge's own address, and does nothing stand before it?".to_owned()
        }
        _ => plain(&error.to_string()),
    };
    let words = format!("{}: what came is no {}: {why}", home.remote, home.noun());
    Unanswered::new(Silence::Invalid, words)
}

/// The words of a forge that understood, and said no: 409 and 422, and GitLab's 400.
pub(super) fn refusal(answer: &Answer) -> Option<String> {
    let said_no = [StatusCode::BAD_REQUEST, StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY];
    if !said_no.contains(&answer.status) {
        return None;
    }
    let told: Value = serde_json::from_slice(&answer.body).ok()?;
    let mut words: Vec<String> = Vec::new();
    for key in ["message", "error"] {
        words.extend(told.get(key).map(said).filter(|said| !said.is_empty()));
    }
    for error in told.get("errors").and_then(Value::as_array).into_iter().flatten() {
        words.push(of_github(error));
    }
    words.retain(|word| !word.is_empty());
    let words = if words.is_empty() { answer.status.to_string() } else { words.join(": ") };
    Some(format!("the forge says no: {}", answer.veil.plain(&words)))
}

/// A text, a list of them, or lists of them by fields.
fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().take(8).map(said).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| match value.is_object() {
                // Deeper than a forge goes: told as it is.
                true => format!("{name} {value}"),
                false => format!("{name} {}", said(value)),
            };
            fields.iter().take(8).map(field).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    }
}

/// An error of GitHub's: a sentence, or a code about a field.
fn of_github(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    match (text("message"), text("field"), text("code")) {
        (Some(message), ..) => message.to_owned(),
        (None, Some(field), Some(code)) => format!("`{field}` is {code}"),
        _ => error.as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_is_told_in_the_words_of_the_forge() {
        let words = |text: &str| said(&serde_json::from_str(text).expect("JSON"));
        assert_eq!(words(r#"["one !5","two"]"#), "one !5, two");
        assert_eq!(words(r#"{"base":["is invalid","is blank"]}"#), "base is invalid, is blank");
        assert_eq!(words("[[[[1]]]]"), "");
        let error = |text: &str| of_github(&serde_json::from_str(text).expect("JSON"));
        assert_eq!(
            error(r#"{"resource":"PullRequest","field":"base","code":"invalid"}"#),
            "`base` is invalid"
        );
        assert_eq!(
            error(r#"{"code":"custom","message":"No commits between main and x"}"#),
            "No commits between main and x"
        );
    }
}
