//! What was asked for and fits nothing in the folder: whoever says a digest or a mirror believes that
//! something there has one, and must hear that nothing does.

use super::files::{self, View};
use super::types::{Asked, Digests, Request};
use crate::diag::{Finding, Findings, codes};

/// Options that change nothing here, as warnings.
pub(super) fn options(request: &Request<'_>, views: &[View], from: &str) -> Findings {
    let asked = &request.asked;
    let mut idle = Findings::new();
    let mut tell = |option: String, why: &str| {
        let place = &request.product.file.metadata.name.place;
        let message = format!("`{option}` fits nothing: {why}");
        idle.push(Finding::warning(&codes::BUMP_OPTION_IDLE, message).at(place));
    };
    if !has_digests(request, views, from) {
        let why = format!("no digest stands beside a version of `{}`", request.moving);
        match &asked.digest {
            Digests::Become(_) => tell("--digest".to_owned(), &why),
            Digests::Drop => tell("--drop-digest".to_owned(), &why),
            Digests::Refuse => {}
        }
    }
    let without = |change: &dyn Fn(&mut Asked)| {
        let mut other = request.clone();
        change(&mut other.asked);
        uses(&files::views(&other)) == uses(views)
    };
    for (number, mirror) in asked.mirrors.iter().enumerate() {
        if without(&|asked| _ = asked.mirrors.remove(number)) {
            let why = format!("nothing there is a copy of `{}`", request.moving);
            tell(format!("--mirror {mirror}"), &why);
        }
    }
    for (number, field) in asked.fields.iter().enumerate() {
        if without(&|asked| _ = asked.fields.remove(number)) {
            let why = format!("no such field names `{}`", request.moving);
            tell(format!("--field {field}"), &why);
        }
    }
    idle
}

/// Whether a place that moves, or has moved already, has a digest.
fn has_digests(request: &Request<'_>, views: &[View], from: &str) -> bool {
    let mut moving = views
        .iter()
        .flat_map(|view| &view.found.uses)
        .filter(|found| found.names(from) || found.names(&request.asked.to));
    moving.any(|found| found.digest.is_some() || !found.digests.is_empty() || !found.inherited.is_empty())
}

/// How many places name the source.
fn uses(views: &[View]) -> usize {
    views.iter().map(|view| view.found.uses.len()).sum()
}
