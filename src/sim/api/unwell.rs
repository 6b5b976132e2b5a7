//! What an API server answers that is unwell, or does not know who asks: whatever was asked, nothing is
//! done.

use serde_json::json;

use super::request::{Answer, Reply};

/// The answer with a code; for 429 and 503 with the seconds of `Retry-After`.
pub fn unwell(code: u16, retry_after: Option<u64>) -> Answer {
    let headers = retry_after.map(|seconds| ("Retry-After", seconds.to_string())).into_iter().collect();
    let (reason, message) = match code {
        401 => ("Unauthorized", "Unauthorized"),
        403 => ("Forbidden", "forbidden: User \"simulated\" cannot do this at the cluster scope"),
        409 => (
            "Conflict",
            "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again",
        ),
        410 => ("Expired", "The resourceVersion for the provided watch is too old."),
        // Flow control answers in plain text.
        429 => {
            let text = "Too many requests, please try again later.\n".to_owned();
            return Answer { status: code, headers, body: Reply::Text(text) };
        }
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504 => (
            "Timeout",
            "Timeout: request did not complete within requested timeout - context deadline exceeded",
        ),
        _ => ("InternalError", "etcdserver: leader changed"),
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    Answer { status: code, headers, body: Reply::Json(status) }
}
