//! From a request to its answer: which path means what, and which verb each method is.

use http::Method;

use super::request::{Answer, Query, Request, segments};
use super::status::{Fault, Outcome};
use super::target::Target;
use super::{
    create, definitions, delete, discovery, evict, media, patch, read, review, scale, update, watch,
};
use crate::sim::cluster::Cluster;
use crate::sim::kinds;

/// Answers one request.
pub fn answer(cluster: &mut Cluster, request: &Request<'_>) -> Answer {
    definitions::establish(cluster);
    route(cluster, *request).unwrap_or_else(Fault::answer)
}

fn route(cluster: &mut Cluster, request: Request<'_>) -> Outcome<Answer> {
    if let Some(answer) = discovery::answer(cluster, &request) {
        return answer;
    }
    let target = target(cluster, request)?;
    let warning = target.resource.defined.as_ref().and_then(|d| d.deprecated.clone());
    let mut answer = dispatch(cluster, &target)?;
    if let Some(warning) = warning {
        answer.headers.push(("warning", warning_header(&warning)));
    }
    Ok(answer)
}

/// A warning as its header carries it (RFC 7234).
pub(super) fn warning_header(text: &str) -> String {
    format!("299 - \"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn target<'r>(cluster: &Cluster, request: Request<'r>) -> Outcome<Target<'r>> {
    let segments = segments(request.path);
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (group, version, rest) = match words.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return Err(Fault::unknown_path()),
    };
    let (namespace, rest) = match rest {
        ["namespaces", _] | ["namespaces", _, "status" | "finalize"] if group.is_empty() => ("", rest),
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
        rest => ("", rest),
    };
    let (plural, name, part) = match rest {
        [plural] => (*plural, "", ""),
        [plural, name] => (*plural, *name, ""),
        [plural, name, part] => (*plural, *name, *part),
        _ => return Err(Fault::unknown_path()),
    };
    let missing = || discovery::missing(cluster, group);
    let resource = kinds::find(cluster, group, version, plural).ok_or_else(missing)?;
    let in_namespace = !namespace.is_empty();
    let is_known = (part.is_empty() || resource.part(part).is_some())
        && (!in_namespace || resource.namespaced)
        && (name.is_empty() || in_namespace || !resource.namespaced);
    if !is_known {
        return Err(missing());
    }
    let query = Query::parse(request.query);
    let target = Target {
        request,
        query,
        resource,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        part: part.to_owned(),
        form: media::Form::Whole,
    };
    let verb = verb(&target)?;
    let form = media::form(&request, verb == "list" || verb == "watch", target.resource.defined.is_some())?;
    Ok(Target { form, ..target })
}

/// The verb of a request; a method that the resource does not know is refused.
fn verb(target: &Target<'_>) -> Outcome<&'static str> {
    let has_name = !target.name.is_empty();
    let verb = match *target.request.method {
        Method::GET | Method::HEAD if has_name => "get",
        Method::GET | Method::HEAD if target.query.flag("watch") => "watch",
        Method::GET | Method::HEAD => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if has_name => "delete",
        Method::DELETE => "deletecollection",
        _ => "",
    };
    let verbs = target.subresource().map_or(target.resource.verbs, |part| part.verbs);
    let at_its_place = match (verb, target.part.is_empty()) {
        ("create", true) => {
            let is_placed = !target.resource.namespaced || !target.namespace.is_empty();
            !has_name && (is_placed || is_review(target))
        }
        ("update" | "patch" | "delete", _) => has_name,
        ("deletecollection", _) => !target.resource.namespaced || !target.namespace.is_empty(),
        _ => true,
    };
    if verbs.contains(&verb) && at_its_place {
        return Ok(verb);
    }
    if target.resource.defined.is_some() && matches!(verb, "update" | "patch") {
        return Err(Fault::bad_request("name must be provided"));
    }
    if target.resource.defined.is_some() && verb == "create" {
        return Err(Fault::unknown_path());
    }
    Err(not_allowed(target, verb))
}

fn is_review(target: &Target<'_>) -> bool {
    matches!(&*target.resource.group, "authentication.k8s.io" | "authorization.k8s.io")
}

/// The refusal of a method: the built-in paths do it before any API is asked.
fn not_allowed(target: &Target<'_>, verb: &str) -> Fault {
    if target.resource.defined.is_some() {
        let verb = if verb.is_empty() { target.request.method.as_str() } else { verb };
        return Fault::not_supported(&target.resource, verb);
    }
    Fault::not_allowed()
}

fn dispatch(cluster: &mut Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let verb = verb(target)?;
    match (target.part.as_str(), verb) {
        ("", "create") if is_review(target) => review::create(cluster, target),
        ("eviction", _) => evict::create(cluster, target),
        ("scale", "get") => scale::get(cluster, target),
        ("scale", "update") => scale::update(cluster, target),
        ("scale", _) => scale::patch(cluster, target),
        ("token", _) => review::token(cluster, target),
        ("" | "status", "get") => read::get(cluster, target),
        ("", "list") => read::list(cluster, target),
        ("", "watch") => watch::start(cluster, target),
        ("", "create") => create::create(cluster, target),
        ("", "delete") => delete::one(cluster, target),
        ("", "deletecollection") => delete::collection(cluster, target),
        ("" | "status" | "finalize", "update") => update::update(cluster, target),
        ("" | "status", "patch") => patch::patch(cluster, target),
        (part, _) => Err(Fault::internal(&format!("the part {part} is not simulated"))),
    }
}
