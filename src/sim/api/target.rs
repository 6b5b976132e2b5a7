//! What a request is about: the resource, the namespace, the name, the part, and the options that every
//! verb shares.

use std::sync::Arc;

use super::media::Form;
use super::request::{Query, Request};
use super::status::causes;
use super::status::{Fault, Outcome};
use crate::sim::fields::Cause;
use crate::sim::kinds::{Resource, Subresource};
use crate::sim::store::Key;

/// What a request is about.
#[derive(Debug)]
pub(super) struct Target<'r> {
    pub request: Request<'r>,
    pub query: Query,
    pub resource: Arc<Resource>,
    /// Empty for what lives in none, and for lists of all namespaces.
    pub namespace: String,
    pub name: String,
    /// The part, such as `status`.
    pub part: String,
    pub form: Form,
}

impl Target<'_> {
    /// The key of an object of this name.
    pub fn key(&self, name: &str) -> Key {
        Key {
            group: Arc::clone(&self.resource.group),
            resource: Arc::clone(&self.resource.plural),
            namespace: self.namespace.as_str().into(),
            name: name.into(),
        }
    }

    pub fn subresource(&self) -> Option<&Subresource> {
        self.resource.part(&self.part)
    }

    pub fn not_found(&self) -> Fault {
        Fault::not_found(&self.resource, &self.name)
    }
}

/// How strictly what is sent is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validation {
    Ignore,
    Warn,
    Strict,
}

/// The options of a write.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub dry_run: bool,
    pub manager: String,
    pub validation: Validation,
    pub force: bool,
}

impl Options {
    /// Reads the options of a write; `kind` is what the real server calls them.
    pub fn read(target: &Target<'_>, kind: &str) -> Outcome<Self> {
        let query = &target.query;
        let applies = kind == "ApplyOptions";
        let kind = if applies { "PatchOptions" } else { kind };
        let mut wrong: Vec<Cause> = Vec::new();
        let field_manager = query.get("fieldManager");
        if kind == "PatchOptions" {
            if applies && field_manager.is_empty() {
                wrong.push(causes::required("fieldManager", "is required for apply patch"));
            }
            if !applies && query.has("force") {
                wrong.push(causes::forbidden("force", "may not be specified for non-apply patch"));
            }
        }
        if field_manager.len() > 128 {
            wrong.push(causes::too_long("fieldManager", 128));
        }
        dry_run(query, &mut wrong);
        let validation = match query.get("fieldValidation") {
            "" | "Warn" => Validation::Warn,
            "Ignore" => Validation::Ignore,
            "Strict" => Validation::Strict,
            other => {
                let known = ["", "Ignore", "Strict", "Warn"];
                wrong.push(causes::not_supported("fieldValidation", &other.into(), &known));
                Validation::Warn
            }
        };
        if !wrong.is_empty() {
            return Err(Fault::invalid_kind("meta.k8s.io", kind, "", wrong));
        }
        let manager = match field_manager {
            "" => agent(target.request.header(http::header::USER_AGENT)),
            manager => manager.to_owned(),
        };
        Ok(Self { dry_run: query.has("dryRun"), manager, validation, force: query.flag("force") })
    }
}

/// Checks `dryRun`.
pub(super) fn dry_run(query: &Query, wrong: &mut Vec<Cause>) {
    let values = query.all("dryRun");
    if values.iter().any(|value| *value != "All") {
        let sent: Vec<serde_json::Value> = values.into_iter().map(Into::into).collect();
        wrong.push(causes::not_supported("dryRun", &sent.into(), &["All"]));
    }
}

/// The manager's name of a client that gives none: the first word of its User-Agent.
fn agent(header: &str) -> String {
    let first = header.split('/').next().unwrap_or_default();
    let printable: String = first.chars().filter(|c| !c.is_control()).take(128).collect();
    if printable.is_empty() { "unknown".to_owned() } else { printable }
}
