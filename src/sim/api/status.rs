//! What is answered when a request is refused: a Status, word for word as a real API server writes it.

use serde_json::{Map, Value, json};

use super::request::{Answer, Reply};
use crate::sim::fields::Cause;
use crate::sim::kinds::Resource;

/// A refusal.
#[derive(Debug, Clone)]
pub(super) struct Fault(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: u16,
    reason: &'static str,
    message: String,
    details: Map<String, Value>,
    metadata: Value,
    /// Plain text in place of a Status.
    plain: bool,
    /// `details` even if nothing stands in them.
    generic: bool,
    headers: Vec<(&'static str, String)>,
}

/// What every part of the API answers.
pub(super) type Outcome<T> = Result<T, Fault>;

impl Fault {
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            reason,
            message: message.into(),
            details: Map::new(),
            metadata: json!({}),
            plain: false,
            generic: false,
            headers: Vec::new(),
        }))
    }

    /// What is not an API at all is answered in plain text.
    pub fn plain(code: u16, text: &str) -> Self {
        let mut fault = Self::new(code, "", text);
        fault.0.plain = true;
        fault
    }

    /// What a path that nobody serves is answered with.
    pub fn unknown_path() -> Self {
        Self::plain(404, "404 page not found\n")
    }

    /// What the built-in paths answer before any API is asked.
    pub fn generic(code: u16, reason: &'static str, message: &str) -> Self {
        let mut fault = Self::new(code, reason, message);
        fault.0.generic = true;
        fault
    }

    /// A part of an API that is not there.
    pub fn nowhere() -> Self {
        Self::generic(404, "NotFound", "the server could not find the requested resource")
    }

    /// A method that a path does not know.
    pub fn not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::generic(405, "MethodNotAllowed", message)
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub fn internal(message: &str) -> Self {
        let fault = Self::new(500, "InternalError", format!("Internal error occurred: {message}"));
        fault.detail("causes", json!([{"message": message}]))
    }

    pub fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::new(404, "NotFound", message).of(resource, name)
    }

    pub fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::new(409, "AlreadyExists", message).of(resource, name)
    }

    pub fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::new(409, "Conflict", message).of(resource, name)
    }

    pub fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", resource.qualified());
        Self::new(403, "Forbidden", message).of(resource, name)
    }

    pub fn not_supported(resource: &Resource, action: &str) -> Self {
        let message = format!("{action} is not supported on resources of kind \"{}\"", resource.qualified());
        Self::new(405, "MethodNotAllowed", message).of(resource, "")
    }

    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// An object that is not valid.
    pub fn invalid(resource: &Resource, name: &str, causes: Vec<Cause>) -> Self {
        Self::invalid_kind(&resource.group, &resource.kind, name, causes)
    }

    /// Something of this group and kind that is not valid.
    pub fn invalid_kind(group: &str, kind: &str, name: &str, causes: Vec<Cause>) -> Self {
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut said: Vec<String> = Vec::new();
        for cause in &causes {
            let one = format!("{}: {}", cause.field, cause.message);
            if !said.contains(&one) {
                said.push(one);
            }
        }
        let why = match said.as_slice() {
            [] => String::new(),
            [one] => format!(": {one}"),
            many => format!(": [{}]", many.join(", ")),
        };
        let message = format!("{qualified} \"{name}\" is invalid{why}");
        let mut fault = Self::new(422, "Invalid", message).named(group, kind, name);
        if !causes.is_empty() {
            fault = fault.detail("causes", causes.iter().map(cause_json).collect());
        }
        fault
    }

    fn of(self, resource: &Resource, name: &str) -> Self {
        self.named(&resource.group, &resource.plural, name)
    }

    /// Adds what `details` say of the object.
    pub fn named(mut self, group: &str, kind: &str, name: &str) -> Self {
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                self.0.details.insert(key.to_owned(), value.into());
            }
        }
        self
    }

    /// Adds a field of `details`.
    pub fn detail(mut self, key: &str, value: Value) -> Self {
        self.0.details.insert(key.to_owned(), value);
        self
    }

    /// Adds a cause without a field.
    pub fn cause(self, reason: &str, message: &str) -> Self {
        self.detail("causes", json!([{"reason": reason, "message": message}]))
    }

    /// Tells when to come again.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.headers.push(("retry-after", seconds.to_string()));
        self.detail("retryAfterSeconds", seconds.into())
    }

    /// Sets `metadata`, which is empty but for lists that can be continued.
    pub fn metadata(mut self, metadata: Value) -> Self {
        self.0.metadata = metadata;
        self
    }

    /// Puts words before the message.
    pub fn preceded(mut self, words: &str) -> Self {
        self.0.message = format!("{words}{}", self.0.message);
        self
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The Status itself.
    pub fn status(&self) -> Value {
        let inner = &self.0;
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": inner.metadata, "status": "Failure",
            "message": inner.message,
        });
        if !inner.reason.is_empty() {
            status["reason"] = inner.reason.into();
        }
        if !inner.details.is_empty() || inner.generic {
            status["details"] = Value::Object(inner.details.clone());
        }
        status["code"] = inner.code.into();
        status
    }

    pub fn answer(self) -> Answer {
        let body =
            if self.0.plain { Reply::Text(self.0.message.clone()) } else { Reply::Json(self.status()) };
        Answer { status: self.0.code, headers: self.0.headers, body }
    }
}

fn cause_json(cause: &Cause) -> Value {
    let mut json = json!({"reason": cause.reason, "message": cause.message});
    if !cause.field.is_empty() {
        json["field"] = cause.field.as_str().into();
    }
    json
}

/// Causes as the real server's validation words them.
pub(super) mod causes {
    use super::{Cause, Value};

    fn shown(value: &Value) -> String {
        match value {
            Value::String(text) => quoted(text),
            other => other.to_string(),
        }
    }

    /// A text as Go quotes it.
    pub fn quoted(text: &str) -> String {
        let mut out = String::from("\"");
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                c => out.push(c),
            }
        }
        out.push('"');
        out
    }

    fn cause(reason: &'static str, field: impl Into<String>, what: String, detail: &str) -> Cause {
        let message = if detail.is_empty() { what } else { format!("{what}: {detail}") };
        Cause { reason, field: field.into(), message }
    }

    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Cause {
        cause("FieldValueInvalid", field, format!("Invalid value: {}", shown(value)), detail)
    }

    pub fn required(field: impl Into<String>, detail: &str) -> Cause {
        cause("FieldValueRequired", field, "Required value".to_owned(), detail)
    }

    pub fn forbidden(field: impl Into<String>, detail: &str) -> Cause {
        cause("FieldValueForbidden", field, "Forbidden".to_owned(), detail)
    }

    pub fn duplicate(field: impl Into<String>, value: &Value) -> Cause {
        cause("FieldValueDuplicate", field, format!("Duplicate value: {}", shown(value)), "")
    }

    pub fn not_found(field: impl Into<String>, value: &Value) -> Cause {
        cause("FieldValueNotFound", field, format!("Not found: {}", shown(value)), "")
    }

    pub fn too_long(field: impl Into<String>, limit: usize) -> Cause {
        let detail = format!("may not be more than {limit} bytes");
        cause("FieldValueTooLong", field, "Too long".to_owned(), &detail)
    }

    pub fn not_supported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Cause {
        let all: Vec<String> = supported.iter().map(|one| quoted(one)).collect();
        let what = format!("Unsupported value: {}", shown(value));
        cause("FieldValueNotSupported", field, what, &format!("supported values: {}", all.join(", ")))
    }
}
