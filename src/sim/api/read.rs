//! Get and list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::media::Form;
use super::present;
use super::request::Answer;
use super::select::Selector;
use super::status::causes;
use super::status::{Fault, Outcome};
use super::target::Target;
use crate::sim::cluster::Cluster;
use crate::sim::fields::Cause;
use crate::sim::store::Key;

/// Get.
pub(super) fn get(cluster: &Cluster, target: &Target<'_>) -> Outcome<Answer> {
    at_least(cluster, target.query.get("resourceVersion"))?;
    let object = cluster.store.get(&target.key(&target.name)).ok_or_else(|| target.not_found())?;
    Ok(Answer::json(200, present::shown(&target.resource, target.form, object)))
}

/// Refuses what asks for a revision that has not been yet.
fn at_least(cluster: &Cluster, revision: &str) -> Outcome<()> {
    let Some(revision) = parse_revision(revision)? else { return Ok(()) };
    let current = cluster.store.revision();
    if revision <= current {
        return Ok(());
    }
    let message = format!("Too large resource version: {revision}, current: {current}");
    Err(Fault::new(504, "Timeout", format!("Timeout: {message}"))
        .cause("ResourceVersionTooLarge", "Too large resource version")
        .retry_after(1))
}

/// A revision as clients send it; `None` where they send none.
pub(super) fn parse_revision(text: &str) -> Outcome<Option<u64>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let why = format!("strconv.ParseUint: parsing {}: invalid syntax", causes::quoted(text));
        let wrong = causes::invalid("resourceVersion", &text.into(), &why);
        Fault::new(500, "", format!("{}: {}", wrong.field, wrong.message))
    })
}

/// What selects the objects of a list or a watch.
pub(super) fn selector(target: &Target<'_>) -> Outcome<Selector> {
    Selector::parse(&target.resource, target.query.get("labelSelector"), target.query.get("fieldSelector"))
}

/// Checks the options of a list.
fn check_options(target: &Target<'_>) -> Outcome<()> {
    let query = &target.query;
    let (matching, revision) = (query.get("resourceVersionMatch"), query.get("resourceVersion"));
    let mut wrong: Vec<Cause> = Vec::new();
    let mut forbid = |field: &str, why: &str| wrong.push(causes::forbidden(field, why));
    if !matching.is_empty() {
        if revision.is_empty() {
            let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            forbid("resourceVersionMatch", why);
        }
        if !query.get("continue").is_empty() {
            forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
        }
        if matching == "Exact" && revision == "0" {
            let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            forbid("resourceVersionMatch", why);
        }
    }
    if query.has("sendInitialEvents") {
        forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    if !matches!(matching, "" | "Exact" | "NotOlderThan") {
        let known = ["Exact", "NotOlderThan", ""];
        wrong.push(causes::not_supported("resourceVersionMatch", &matching.into(), &known));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Fault::invalid_kind("meta.k8s.io", "ListOptions", "", wrong)) }
}

/// Where a page begins.
struct Continued {
    revision: u64,
    after: String,
}

/// List.
pub(super) fn list(cluster: &Cluster, target: &Target<'_>) -> Outcome<Answer> {
    check_options(target)?;
    let selector = selector(target)?;
    let limit = limit(target)?;
    let continued = match target.query.get("continue") {
        "" => None,
        token => Some(continued(token)?),
    };
    let revision = match &continued {
        Some(continued) if still_known(cluster, continued.revision) => continued.revision,
        Some(continued) => return Err(too_old(cluster, continued)),
        None => {
            let asked = target.query.get("resourceVersion");
            if let Err(fault) = parse_revision(asked) {
                return Err(Fault::bad_request(format!("invalid resource version: {}", fault.message())));
            }
            at_least(cluster, asked)?;
            cluster.store.revision()
        }
    };
    let mut keys = keys(cluster, target);
    if let Some(continued) = &continued {
        keys.retain(|(place, _)| *place > continued.after);
    }
    let mut items = Vec::new();
    let mut rest = keys.iter().enumerate();
    let mut metadata = Map::new();
    metadata.insert("resourceVersion".to_owned(), revision.to_string().into());
    let mut last: Option<(usize, &str)> = None;
    for (n, (place, key)) in rest.by_ref() {
        let Some(object) = cluster.store.get(key).filter(|object| selector.matches(object)) else { continue };
        if limit.is_some_and(|limit| items.len() >= limit) {
            // There is at least one more that is selected.
            if let Some((at, last)) = last {
                metadata.insert("continue".to_owned(), token(revision, last).into());
                if selector.is_empty() {
                    metadata.insert("remainingItemCount".to_owned(), (keys.len() - at - 1).into());
                }
            }
            break;
        }
        items.push(present::item(&target.resource, target.form, object));
        last = Some((n, place));
    }
    if target.resource.defined.is_some() && target.form == Form::Whole {
        metadata.entry("continue").or_insert_with(|| "".into());
    }
    let list = present::list(&target.resource, target.form, Value::Object(metadata), items);
    Ok(Answer::json(200, list))
}

fn limit(target: &Target<'_>) -> Outcome<Option<usize>> {
    match target.query.get("limit") {
        "" => Ok(None),
        text => match text.parse::<i64>() {
            Ok(limit) => Ok(usize::try_from(limit).ok().filter(|limit| *limit > 0)),
            Err(_) => Err(Fault::bad_request(format!(
                "strconv.ParseInt: parsing {}: invalid syntax",
                causes::quoted(text)
            ))),
        },
    }
}

/// The keys of a list with their places, in the order of a real server's storage.
pub(super) fn keys(cluster: &Cluster, target: &Target<'_>) -> Vec<(String, Key)> {
    let namespace = Some(target.namespace.as_str()).filter(|n| !n.is_empty());
    let resource = &target.resource;
    let found = cluster.store.keys(&resource.group, &resource.plural, namespace);
    let place = |key: &Key| match namespace {
        None if resource.namespaced => format!("{}/{}", key.namespace, key.name),
        _ => key.name.to_string(),
    };
    let mut keys: Vec<(String, Key)> = found.map(|key| (place(key), key.clone())).collect();
    keys.sort_by(|a, b| a.0.cmp(&b.0));
    keys
}

fn token(revision: u64, last: &str) -> String {
    let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": format!("{last}\0")});
    URL_SAFE_NO_PAD.encode(token.to_string())
}

fn continued(token: &str) -> Outcome<Continued> {
    let wrong =
        |why: &str| Fault::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|e| match e {
        base64::DecodeError::InvalidByte(at, _) => wrong(&format!("illegal base64 data at input byte {at}")),
        _ => wrong(&format!("illegal base64 data at input byte {}", token.len())),
    })?;
    let read: Value = serde_json::from_slice(&bytes).map_err(|_| {
        let first = bytes.first().copied().map_or('?', char::from);
        let first = match first.is_control() {
            true => format!("\\u{:04x}", u32::from(first)),
            false => first.to_string(),
        };
        wrong(&format!("invalid character '{first}' looking for beginning of value"))
    })?;
    if read.get("v").and_then(Value::as_str) != Some("meta.k8s.io/v1") {
        let version = read.get("v").and_then(Value::as_str).unwrap_or_default();
        return Err(wrong(&format!("server does not recognize this encoded version {version}")));
    }
    let revision = read.get("rv").and_then(Value::as_u64).unwrap_or_default();
    if revision == 0 {
        return Err(wrong("incorrect encoded start resourceVersion (version meta.k8s.io/v1)"));
    }
    let start = read.get("start").and_then(Value::as_str).unwrap_or_default();
    if start.is_empty() {
        return Err(wrong("encoded start key empty (version meta.k8s.io/v1)"));
    }
    Ok(Continued { revision, after: start.trim_end_matches('\0').to_owned() })
}

fn still_known(cluster: &Cluster, revision: u64) -> bool {
    cluster.store.changes_after(revision).is_some()
}

fn too_old(cluster: &Cluster, continued: &Continued) -> Fault {
    let message = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
    Fault::expired(message).metadata(json!({"continue": token(cluster.store.revision(), &continued.after)}))
}
