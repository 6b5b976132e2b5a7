//! One request to an API server: its deadline, what its answer means, and when it is worth another
//! try. The kube client below never retries by itself. Nothing here knows what a request is for.

use std::time::Duration;

use http::{Method, Request};
use serde_json::Value;

use super::lean;
use super::lease::Held;
use super::{Cluster, Error, Kind, Outcome};

use crate::json::{At as _, list};

/// How long a server that can't be reached at all is tried before the caller hears of it: the core
/// has a longer breath than a single request.
const BREATH: Duration = Duration::from_secs(30);

/// The first pause between two tries; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause that a server may ask for; what it sends is anything.
const LONGEST_ASKED: u64 = 3_600;

/// Answers of a server that is unwell for a while, by their text (the code alone says too little).
const UNWELL: &[&str] = &[
    "etcdserver:",
    "failed calling webhook",
    "failed to call webhook",
    "conversion webhook",
    "Operation cannot be fulfilled on resourcequotas",
    "x509:",
    "GOAWAY",
    "context deadline exceeded",
    "connection refused",
    "connection reset",
    "storage is (re)initializing",
];

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub method: Method,
    /// Path and query.
    pub path: String,
    pub body: Option<Vec<u8>>,
    pub content: &'static str,
    pub accept: &'static str,
    /// How a success comes back.
    pub form: Form,
}

/// How the JSON of an answer comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    /// Without who manages which field of the object.
    Lean,
    /// Of a success, as the text that it is.
    Text,
}

pub(super) const JSON: &str = "application/json";
pub(super) const APPLY: &str = "application/apply-patch+yaml";
pub(super) const METADATA: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
pub(super) const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

impl Ask {
    pub fn get(path: impl Into<String>) -> Self {
        let path = path.into();
        Self { method: Method::GET, path, body: None, content: JSON, accept: JSON, form: Form::Whole }
    }

    pub fn write(method: Method, path: impl Into<String>, body: &Value) -> Self {
        let body = Some(body.to_string().into_bytes());
        Self { method, path: path.into(), body, content: JSON, accept: JSON, form: Form::Whole }
    }

    pub fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    pub fn content(mut self, content: &'static str) -> Self {
        self.content = content;
        self
    }
}

/// What was answered, whatever the code.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub code: u16,
    /// JSON, or the text as a JSON string.
    pub body: Value,
    pub warnings: Vec<String>,
    pub retry_after: Option<Duration>,
    /// How often it had to be asked again.
    pub retried: usize,
}

impl Answer {
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.code)
    }

    pub fn reason(&self) -> &str {
        self.body.get("reason").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        let said = self.body.get("message").and_then(Value::as_str);
        said.or_else(|| self.body.as_str()).unwrap_or("no message").trim()
    }

    /// `details.causes` as (reason, field, message).
    pub fn causes(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        list(&self.body, "/details/causes").iter().map(|cause| {
            let text = |key: &str| cause.get(key).and_then(Value::as_str).unwrap_or_default();
            (text("reason"), text("field"), text("message"))
        })
    }

    /// Whether the same request may be answered otherwise in a moment.
    fn is_passing(&self) -> bool {
        match self.code {
            408 | 502 | 503 | 504 => true,
            // A budget that blocks an eviction answers 429 too, and means something else.
            429 => !self.causes().any(|(reason, ..)| reason == "DisruptionBudget"),
            403 => self.causes().any(|(reason, ..)| reason == "NamespaceTerminating"),
            400..=500 => UNWELL.iter().any(|text| self.message().contains(text)),
            _ => false,
        }
    }

    /// Whether the object itself is refused. Server-side apply answers 500 where its schema does not know
    /// a field.
    pub fn is_invalid(&self) -> bool {
        matches!(self.code, 400 | 415 | 422)
            || (self.code == 500 && self.message().contains("failed to create typed patch object"))
    }

    /// The refusal as an error; `doing` begins the sentence.
    pub fn refusal(&self, doing: &str) -> Error {
        let kind = match self.code {
            401 => Kind::Unauthorized,
            403 => Kind::Forbidden,
            404 => Kind::Missing,
            409 => Kind::Conflict,
            _ if self.is_invalid() => Kind::Rejected,
            _ if self.is_passing() => Kind::Busy,
            _ => Kind::Other,
        };
        Error::new(kind, format!("{doing}: the API server answered {}: {}", self.code, self.message()))
    }
}

impl Cluster {
    /// One request, one try, one deadline over all of it, begun when the driver may begin it.
    pub(super) async fn once(&self, ask: &Ask) -> Outcome<Answer> {
        self.granted(ask).await;
        self.within_limit(ask).await
    }

    /// Waits for the driver's leave: its lease must outlive a write, and hold when a question is asked.
    async fn granted(&self, ask: &Ask) {
        if let Some(leave) = &self.inner.leave {
            let writes = ask.method != Method::GET;
            leave.granted(if writes { self.inner.request } else { Duration::ZERO }).await;
        }
    }

    async fn within_limit(&self, ask: &Ask) -> Outcome<Answer> {
        let limit = self.inner.request;
        match tokio::time::timeout(limit, self.send(ask)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::new(
                Kind::Unreachable,
                format!("the API server did not answer within {} s", limit.as_secs_f32()),
            )),
        }
    }

    async fn send(&self, ask: &Ask) -> Outcome<Answer> {
        let request = Request::builder()
            .method(ask.method.clone())
            .uri(&ask.path)
            .header(http::header::ACCEPT, ask.accept)
            .header(http::header::CONTENT_TYPE, ask.content)
            .body(kube::client::Body::from(ask.body.clone().unwrap_or_default()))
            .map_err(|e| Error::new(Kind::Rejected, format!("{}: {e}", ask.path)))?;
        let response = self.inner.client.send(request).await.map_err(|e| transport(&e))?;
        let (head, body) = response.into_parts();
        let code = head.status.as_u16();
        let texts = |name: http::HeaderName| {
            let all = head.headers.get_all(name).iter();
            all.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect::<Vec<_>>()
        };
        let warnings = texts(http::header::WARNING).iter().map(|text| warning(text)).collect();
        let retry_after = texts(http::header::RETRY_AFTER).first().and_then(|text| text.parse().ok());
        let bytes = body.collect_bytes().await.map_err(|e| transport(&e))?;
        let text = String::from_utf8_lossy(&bytes);
        // By `FromStr`, which serde_json brings compiled: much faster where this crate is not optimized.
        let parsed = match ask.form {
            Form::Text if code < 300 => Ok(text.as_ref().into()),
            Form::Lean => lean::parse(&text),
            _ => text.parse(),
        };
        let body = match parsed {
            Ok(body) => body,
            // Flow control and proxies answer in plain text; a success never does.
            Err(_) if code >= 300 => Value::String(text.into_owned()),
            Err(e) => {
                return Err(Error::new(Kind::Unreachable, format!("the answer broke off: {e}")));
            }
        };
        Ok(Answer {
            code,
            body,
            warnings,
            retry_after: retry_after.map(|s: u64| Duration::from_secs(s.min(LONGEST_ASKED))),
            retried: 0,
        })
    }

    /// A request, tried again while its refusal is a passing one and `until` (boot-time clock) has not
    /// come. Before every try of a write `held` is asked. The last answer comes back, whatever it says.
    pub(super) async fn ask(&self, ask: &Ask, held: Option<&Held>, until: Duration) -> Outcome<Answer> {
        let clock = &self.inner.clock;
        let breath = (clock.boot() + BREATH).min(until);
        let mut pause = FIRST_PAUSE;
        for retried in 0.. {
            self.granted(ask).await;
            if let Some(held) = held {
                held.may_write(self.inner.request)?;
            }
            let (end, after) = match self.within_limit(ask).await {
                Ok(mut answer) => {
                    answer.retried = retried;
                    if !answer.is_passing() {
                        return Ok(answer);
                    }
                    let after = answer.retry_after;
                    if clock.boot() + pause.max(after.unwrap_or_default()) >= until {
                        return Ok(answer);
                    }
                    (until, after)
                }
                Err(error) if error.kind == Kind::Unreachable => {
                    if clock.boot() + pause >= breath {
                        return Err(error);
                    }
                    (breath, None)
                }
                Err(error) => return Err(error),
            };
            let wait = pause.max(after.unwrap_or_default()).min(end.saturating_sub(clock.boot()));
            clock.sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(Error::new(Kind::Other, "no try is left"))
    }

    /// A read; `None` for 404, an error for every other refusal.
    pub(super) async fn read(&self, path: &str, accept: &'static str, doing: &str) -> Outcome<Option<Value>> {
        self.read_by(&Ask::get(path).accept(accept), doing).await
    }

    /// A read of an object without who manages which of its fields; `None` for 404, an error for every
    /// other refusal.
    pub(super) async fn look_at(&self, path: &str, doing: &str) -> Outcome<Option<Value>> {
        self.read_by(&Ask::get(path).form(Form::Lean), doing).await
    }

    /// A read that is asked for in a way of its own; `None` for 404, an error for every other refusal.
    pub(super) async fn read_by(&self, ask: &Ask, doing: &str) -> Outcome<Option<Value>> {
        let answer = self.ask(ask, None, self.soon()).await;
        let answer = answer.map_err(|e| e.doing(doing))?;
        match answer.code {
            404 => Ok(None),
            _ if answer.ok() => Ok(Some(answer.body)),
            _ => Err(answer.refusal(doing)),
        }
    }

    /// Every item of a list, page by page.
    pub(super) async fn list(&self, path: &str, accept: &'static str, doing: &str) -> Outcome<Vec<Value>> {
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let join = if path.contains('?') { '&' } else { '?' };
            let page = format!("{path}{join}limit=500{next}");
            let answer = self.ask(&Ask::get(page).accept(accept), None, self.soon()).await;
            let mut answer = answer.map_err(|e| e.doing(doing))?;
            match answer.code {
                // The list became too old between two pages: from the start.
                410 if !next.is_empty() => {
                    items.clear();
                    next.clear();
                    continue;
                }
                404 => return Ok(items),
                _ if !answer.ok() => return Err(answer.refusal(doing)),
                _ => {}
            }
            if let Some(Value::Array(found)) = answer.body.get_mut("items").map(Value::take) {
                items.extend(found);
            }
            match answer.body.at("/metadata/continue").and_then(Value::as_str) {
                Some(token) if !token.is_empty() => next = format!("&continue={}", escape(token)),
                _ => return Ok(items),
            }
        }
    }

    /// The moment until which a single question is tried.
    pub(super) fn soon(&self) -> Duration {
        self.inner.clock.boot() + self.inner.request * 2
    }
}

/// A text as part of a query, or as one segment of a path.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The text of a Warning header (RFC 7234: `299 - "text"`).
fn warning(header: &str) -> String {
    match (header.find('"'), header.rfind('"')) {
        (Some(start), Some(end)) if start < end => {
            header.get(start + 1..end).unwrap_or(header).replace("\\\"", "\"")
        }
        _ => header.to_owned(),
    }
}

fn transport(error: &kube::Error) -> Error {
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let text = inner.to_string();
        if !said.contains(&text) {
            said.push_str(": ");
            said.push_str(&text);
        }
        source = inner.source();
    }
    match error {
        kube::Error::Auth(_) => Error::new(Kind::Unauthorized, said),
        _ => Error::new(Kind::Unreachable, format!("the API server can't be reached: {said}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(code: u16, body: Value) -> Answer {
        Answer { code, body, warnings: Vec::new(), retry_after: None, retried: 0 }
    }

    #[test]
    fn a78_passing_refusals_are_told_from_lasting_ones() {
        let passing = [
            (500, "etcdserver: leader changed"),
            (500, "Internal error occurred: failed calling webhook \"a.example.com\": no endpoints"),
            (409, "Operation cannot be fulfilled on resourcequotas \"q\": the object has been modified"),
            (500, "conversion webhook for example.com/v1, Kind=Widget failed: x509: unknown authority"),
            (503, "the server is currently unable to handle the request"),
            (429, "Too many requests, please try again later."),
            (500, "http2: server sent GOAWAY and closed the connection"),
        ];
        for (code, message) in passing {
            assert!(answer(code, json!({"message": message})).is_passing(), "{code} {message}");
        }
        let lasting = [
            (400, "strict decoding error: unknown field \"spec.x\""),
            (403, "configmaps is forbidden: User cannot patch"),
            (404, "namespaces \"x\" not found"),
            (409, "Apply failed with 1 conflict"),
            (422, "Deployment.apps \"a\" is invalid"),
        ];
        for (code, message) in lasting {
            assert!(!answer(code, json!({"message": message})).is_passing(), "{code} {message}");
        }
        let budget = json!({"details": {"causes": [{"reason": "DisruptionBudget"}]}});
        assert!(!answer(429, budget).is_passing());
    }

    #[test]
    fn the_text_of_a_warning_header_is_what_stands_in_quotes() {
        assert_eq!(warning("299 - \"v1beta1 is \\\"old\\\"\""), "v1beta1 is \"old\"");
    }
}
