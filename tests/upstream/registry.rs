//! A fake registry: the distribution API over given repositories, with paging, tokens and ETags as the
//! specifications say. What single registries do otherwise is in `kinds`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fake::{Reply, Seen};

/// What a registry wants to see.
#[derive(Clone, Default)]
pub enum Wants {
    /// Nothing.
    #[default]
    Nothing,
    /// This user and password.
    Basic(String, String),
    /// A token of its own service at `/token`, for anybody, or for this user and password alone.
    Token(Option<(String, String)>),
}

/// A registry.
#[derive(Clone, Default)]
pub struct Script {
    pub repositories: BTreeMap<String, Vec<String>>,
    pub wants: Wants,
    /// How many tags a page has at most.
    pub page: usize,
    pub latency: Duration,
    /// Whether answers have an ETag.
    pub etag: bool,
}

impl Script {
    pub fn with(repositories: &[(&str, &[&str])]) -> Self {
        let owned = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
        Self {
            repositories: repositories.iter().map(|(name, tags)| ((*name).to_owned(), owned(tags))).collect(),
            page: 1000,
            ..Self::default()
        }
    }

    /// Answers; `home` is this registry's own address.
    pub fn answer(&self, home: &str, seen: &Seen) -> Reply {
        self.at_once(home, seen).after(self.latency)
    }

    fn at_once(&self, home: &str, seen: &Seen) -> Reply {
        if seen.path == "/token" {
            return self.token(seen);
        }
        let Some(rest) = seen.path.strip_prefix("/v2/") else { return Reply::new(404, "") };
        let (name, what) = if let Some((name, tag)) = rest.rsplit_once("/manifests/") {
            (name, tag)
        } else {
            (rest.strip_suffix("/tags/list").unwrap_or(rest), "")
        };
        if let Some(refusal) = self.refusal(home, name, seen) {
            return refusal;
        }
        let Some(tags) = self.repositories.get(name) else {
            return Reply::error(404, "NAME_UNKNOWN", "repository name not known to registry");
        };
        if what.is_empty() { self.list(name, tags, seen) } else { manifest(tags, what) }
    }

    fn refusal(&self, home: &str, name: &str, seen: &Seen) -> Option<Reply> {
        let shown = seen.header("authorization");
        let (fits, challenge) = match &self.wants {
            Wants::Nothing => return None,
            Wants::Basic(user, password) => {
                (shown == basic(user, password), "Basic realm=\"Registry Realm\"".to_owned())
            }
            Wants::Token(_) => (
                shown == format!("Bearer token-for-repository:{name}:pull"),
                format!(
                    "Bearer realm=\"{home}/token\",service=\"registry.example.com\",scope=\"repository:{name}:pull\""
                ),
            ),
        };
        let refused = Reply::error(401, "UNAUTHORIZED", "authentication required");
        (!fits).then(|| refused.header("WWW-Authenticate", challenge))
    }

    fn token(&self, seen: &Seen) -> Reply {
        let Wants::Token(account) = &self.wants else { return Reply::new(404, "") };
        let shown = seen.header("authorization");
        let refused = match account {
            Some((user, password)) => {
                shown != basic(user, password) && !seen.body.contains("refresh_token=refresh")
            }
            None => !shown.is_empty(),
        };
        if refused {
            return Reply::error(401, "UNAUTHORIZED", "incorrect username or password");
        }
        let form = Seen { query: seen.body.clone(), ..seen.clone() };
        let scope = seen.param("scope").or_else(|| form.param("scope")).unwrap_or_default();
        Reply::json(format!(
            r#"{{"token":"token-for-{scope}","expires_in":300,"issued_at":"2026-01-01T00:00:00Z"}}"#
        ))
    }

    fn list(&self, name: &str, tags: &[String], seen: &Seen) -> Reply {
        let wanted: usize = seen.param("n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
        let last = seen.param("last");
        let start =
            last.map_or(0, |last| tags.iter().position(|tag| *tag == last).map_or(tags.len(), |at| at + 1));
        let end = tags.len().min(start + wanted.min(self.page));
        let page = &tags[start..end];
        let etag = format!("\"{name}-{}-{start}-{end}\"", tags.len());
        let mut reply = if self.etag && seen.header("if-none-match") == etag {
            Reply::new(304, "")
        } else {
            Reply::json(list(name, page))
        };
        if self.etag {
            reply = reply.header("ETag", etag);
        }
        match page.last().filter(|_| end < tags.len()) {
            Some(last) => {
                let n = page.len();
                reply.header("Link", format!("</v2/{name}/tags/list?last={last}&n={n}>; rel=\"next\""))
            }
            None => reply,
        }
    }
}

/// A page of tags.
pub fn list<S: AsRef<str>>(name: &str, tags: &[S]) -> String {
    let mut text = format!("{{\"name\":\"{name}\",\"tags\":[");
    for (at, tag) in tags.iter().enumerate() {
        write!(text, "{}\"{}\"", if at == 0 { "" } else { "," }, tag.as_ref()).unwrap();
    }
    text + "]}"
}

/// The manifest of a tag: small, and another one for each tag.
pub fn manifest_of(tag: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{{"tag":"{tag}"}}}}"#
    )
}

/// The digest of that.
pub fn digest_of(tag: &str) -> String {
    tidegate::digest::bytes(manifest_of(tag).as_bytes()).to_string()
}

fn manifest(tags: &[String], tag: &str) -> Reply {
    if !tags.iter().any(|known| known == tag) {
        return Reply::error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    }
    Reply::new(200, manifest_of(tag))
        .header("Content-Type", "application/vnd.oci.image.index.v1+json")
        .header("Docker-Content-Digest", digest_of(tag))
}

/// `Authorization` with user and password.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
