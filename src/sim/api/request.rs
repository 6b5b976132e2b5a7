//! One request and one answer, free of any transport; and what stands in a request's address.

use http::{HeaderMap, Method};
use serde_json::Value;

use super::watch::Watch;

/// A request to the API server of a simulated cluster.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// The method.
    pub method: &'r Method,
    /// The path, as it was sent.
    pub path: &'r str,
    /// What stands after `?`; empty if there is none.
    pub query: &'r str,
    /// The headers.
    pub headers: &'r HeaderMap,
    /// The body.
    pub body: &'r [u8],
}

impl Request<'_> {
    /// A header's text; empty if there is none.
    pub(super) fn header(&self, name: http::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What the API server answers.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside the content type.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent.
    pub body: Reply,
}

/// What is sent.
#[derive(Debug)]
pub enum Reply {
    /// JSON, as `application/json`.
    Json(Value),
    /// The aggregated discovery as JSON, which has a content type of its own.
    Discovery(String),
    /// Plain text, as `text/plain; charset=utf-8`.
    Text(String),
    /// A stream of events, one JSON object a line.
    Watch(Box<Watch>),
}

impl Reply {
    /// The content type.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Json(_) | Self::Watch(_) => "application/json",
            Self::Discovery(_) => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            Self::Text(_) => "text/plain; charset=utf-8",
        }
    }
}

impl Answer {
    /// A success.
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Reply::Json(body) }
    }

    /// Plain text.
    pub(super) fn text(status: u16, text: &str) -> Self {
        Self { status, headers: Vec::new(), body: Reply::Text(text.to_owned()) }
    }
}

/// The parameters of a query.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str) -> Self {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(&key.replace('+', " ")), decoded(&value.replace('+', " ")))
        };
        Self(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// The first value; empty if there is none.
    pub fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()).unwrap_or_default()
    }

    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(k, _)| k == key)
    }

    pub fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter(|(k, _)| k == key).map(|(_, v)| v.as_str()).collect()
    }

    /// A flag as the real server reads it: there and not `false` or `0`.
    pub fn flag(&self, key: &str) -> bool {
        self.has(key) && !matches!(self.get(key).to_ascii_lowercase().as_str(), "false" | "0")
    }
}

/// A text without its percent signs.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let mut ahead = rest.clone();
        match (byte, ahead.next().and_then(hex), ahead.next().and_then(hex)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high * 16 + low);
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The segments of a path, decoded; `None` if it has an empty one in its middle.
pub(super) fn segments(path: &str) -> Vec<String> {
    path.trim_start_matches('/').split('/').map(decoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_selectors_are_read_out_of_their_percent_signs() {
        assert_eq!(segments("/a/system%3Afoo%2Fbar/gr%C3%B6%C3%9Fe"), ["a", "system:foo/bar", "größe"]);
        let query = Query::parse("labelSelector=a%3Db%2Cc+in+%28d%29&watch=1&limit=5%");
        assert_eq!(query.get("labelSelector"), "a=b,c in (d)");
        assert!(query.flag("watch") && !query.flag("force"));
        assert_eq!(query.get("limit"), "5%");
    }
}
