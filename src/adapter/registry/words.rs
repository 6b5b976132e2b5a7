//! What a registry's refusal means, in words: which kind of silence, who said it, what to do. Error bodies
//! are those of the distribution API (`errors[].code`).

use http::StatusCode;

use super::credentials::Found;
use crate::adapter::web::Answer;
use crate::model::image::Repository;
use crate::port::upstream::{Silence, Unanswered};

#[derive(serde::Deserialize)]
struct Refusal {
    #[serde(default)]
    errors: Vec<Reason>,
}

#[derive(serde::Deserialize)]
struct Reason {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The first reason of an error body.
fn reason(body: &[u8]) -> Option<Reason> {
    serde_json::from_slice::<Refusal>(body).ok()?.errors.into_iter().next()
}

/// An answer that is none, said after `what`.
pub(super) fn refused(answer: &Answer, what: &str) -> Unanswered {
    let reason = reason(&answer.body);
    let code = reason.as_ref().map_or("", |reason| reason.code.as_str());
    let why = kind(answer.status, code);
    let said = reason.map(|reason| format!("{} {}", reason.code, reason.message)).unwrap_or_default();
    let said = answer.veil.plain(&said);
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    answer.veil.silence(Unanswered::new(why, format!("{what}: it answered {}{said}", answer.status)))
}

fn kind(status: StatusCode, code: &str) -> Silence {
    match code {
        "TOOMANYREQUESTS" => return Silence::Limited,
        "NAME_UNKNOWN" | "MANIFEST_UNKNOWN" | "NAME_INVALID" => return Silence::Missing,
        _ => {}
    }
    match status.as_u16() {
        404 | 410 => Silence::Missing,
        401 | 403 => Silence::Forbidden,
        429 => Silence::Limited,
        500.. => Silence::Unreachable,
        _ if matches!(code, "UNAUTHORIZED" | "DENIED") => Silence::Forbidden,
        _ => Silence::Invalid,
    }
}

/// A registry's refusal to say something of a repository, with what may be done.
pub(super) fn of(answer: &Answer, what: &str, repository: &Repository, found: &Found) -> Unanswered {
    let mut silence = refused(answer, what);
    if silence.why != Silence::Forbidden {
        return silence;
    }
    let registry = &repository.registry;
    if registry == "docker.io" && answer.status == StatusCode::UNAUTHORIZED {
        silence.why = Silence::Missing;
        silence
            .message
            .push_str("; Docker Hub says so of what is not there, and of what these credentials may not see");
        return silence;
    }
    match (&found.account, &found.trouble) {
        (Some(_), _) => silence.message.push_str(&format!("; the credentials for {registry} are not enough")),
        (None, Some(trouble)) => {
            silence.message.push_str(&format!("; no credentials for {registry}: {trouble}"))
        }
        (None, None) => {
            silence
                .message
                .push_str(&format!("; there are no credentials for {registry}: `docker login {registry}`"));
        }
    }
    silence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_more_than_a_status() {
        let of = |status: u16, code: &str| kind(StatusCode::from_u16(status).expect("a status"), code);
        assert_eq!(of(404, ""), Silence::Missing);
        assert_eq!(of(401, "NAME_UNKNOWN"), Silence::Missing);
        assert_eq!(of(403, "DENIED"), Silence::Forbidden);
        assert_eq!(of(400, "UNAUTHORIZED"), Silence::Forbidden);
        assert_eq!(of(403, "TOOMANYREQUESTS"), Silence::Limited);
        assert_eq!(of(503, ""), Silence::Unreachable);
        assert_eq!(of(400, "UNSUPPORTED"), Silence::Invalid);
    }
}
