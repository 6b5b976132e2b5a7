//! Which form of an answer a client accepts, and in which form it sends.

use http::header::{ACCEPT, CONTENT_TYPE};

use super::request::Request;
use super::status::{Fault, Outcome};

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The object.
    Whole,
    /// `PartialObjectMetadata`, or a list of them.
    Metadata,
}

const SERVED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// The form that a client accepts. Tables are not imitated: who takes nothing else is refused.
pub(super) fn form(request: &Request<'_>, lists: bool, is_defined: bool) -> Outcome<Form> {
    let accept = request.header(ACCEPT);
    if accept.trim().is_empty() {
        return Ok(Form::Whole);
    }
    for range in accept.split(',') {
        let (media, parameters) = split(range);
        if !matches!(media.as_str(), "application/json" | "application/*" | "*/*") {
            continue;
        }
        match parameter(&parameters, "as") {
            None => return Ok(Form::Whole),
            Some("PartialObjectMetadata" | "PartialObjectMetadataList")
                if parameter(&parameters, "g") == Some("meta.k8s.io")
                    && parameter(&parameters, "v") == Some("v1") =>
            {
                return Ok(Form::Metadata);
            }
            Some(_) => {}
        }
    }
    Err(not_acceptable(lists, is_defined))
}

/// Whether a client prefers the aggregated discovery.
pub(super) fn wants_aggregated(request: &Request<'_>) -> bool {
    let accept = request.header(ACCEPT);
    for range in accept.split(',') {
        let (media, parameters) = split(range);
        if media == "application/json" {
            return parameter(&parameters, "as") == Some("APIGroupDiscoveryList")
                && parameter(&parameters, "g") == Some("apidiscovery.k8s.io")
                && parameter(&parameters, "v") == Some("v2");
        }
    }
    false
}

fn not_acceptable(lists: bool, is_defined: bool) -> Fault {
    if is_defined {
        return Fault::new(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
        );
    }
    let streams = match lists {
        true => ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch",
        false => "",
    };
    let message = format!("406: Not Acceptable\n\nAvailable representations: {SERVED}{streams}");
    Fault::generic(406, "NotAcceptable", &message)
}

/// Whether what is sent is JSON or YAML.
pub(super) fn check_content(request: &Request<'_>) -> Outcome<()> {
    let (media, _) = split(request.header(CONTENT_TYPE));
    match media.as_str() {
        "" | "*/*" | "application/json" | "application/yaml" => Ok(()),
        _ => Err(unknown_format(SERVED)),
    }
}

/// The kind of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatchKind {
    Json,
    Merge,
    Strategic,
    Apply,
}

/// The kind of a patch, by its content type; definitions' kinds have no strategic one.
pub(super) fn patch_kind(request: &Request<'_>, is_defined: bool) -> Outcome<PatchKind> {
    let (media, _) = split(request.header(CONTENT_TYPE));
    match media.as_str() {
        "application/json-patch+json" => Ok(PatchKind::Json),
        "application/merge-patch+json" => Ok(PatchKind::Merge),
        "application/strategic-merge-patch+json" if !is_defined => Ok(PatchKind::Strategic),
        "application/apply-patch+yaml" => Ok(PatchKind::Apply),
        _ if is_defined => Err(unknown_format(
            "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        )),
        _ => Err(Fault::generic(415, "UnsupportedMediaType", "415: Unsupported Media Type")),
    }
}

fn unknown_format(accepted: &str) -> Fault {
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: {accepted}"
    );
    Fault::new(415, "UnsupportedMediaType", message)
}

fn split(range: &str) -> (String, Vec<(String, String)>) {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let parameters = parts.filter_map(|part| {
        let (key, value) = part.split_once('=')?;
        Some((key.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned()))
    });
    (media, parameters.collect())
}

fn parameter<'p>(parameters: &'p [(String, String)], key: &str) -> Option<&'p str> {
    parameters.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
}
