//! Why a bump is refused: each reason with its place, and the command that helps.

use super::types::{Moving, Request};
use crate::diag::{Finding, Place, codes};
use crate::lcm::version::{Scheme, by_age};
use crate::version::Version;
use crate::yaml::Spanned;

/// How many versions or files a message lists.
const MOST_LISTED: usize = 8;

/// The command as it was given, to be continued.
fn again(request: &Request<'_>) -> String {
    let name = &request.product.file.metadata.name.value;
    let source = match &request.moving {
        Moving::Image(repository) => format!("--image {repository}"),
        Moving::Chart(chart) => format!("--chart {chart}"),
        Moving::Tool(project) => format!("--tool {project}"),
        Moving::Addon(name) => format!("--addon {name}"),
    };
    format!("tidegate product bump {name} {source} --to {}", request.asked.to)
}

/// Some versions in words, the oldest first; those without an order come last.
fn few<'t>(versions: impl IntoIterator<Item = &'t str>) -> String {
    let mut all: Vec<_> = versions.into_iter().map(|text| (Scheme::Auto.read(text), text)).collect();
    all.sort_by(|(one, one_text), (other, other_text)| {
        let age = match (one, other) {
            (Some(one), Some(other)) => by_age(one, other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        };
        age.then_with(|| one_text.cmp(other_text))
    });
    let mut all: Vec<&str> = all.into_iter().map(|(_, text)| text).collect();
    all.dedup();
    let more = if all.len() > MOST_LISTED { ", ..." } else { "" };
    all.truncate(MOST_LISTED);
    format!("{}{more}", all.join(", "))
}

pub(super) fn invalid(what: &str, text: &str, expected: &str) -> Box<Finding> {
    let message = format!("{what} `{text}` is none; expected {expected}");
    Box::new(Finding::error(&codes::INVALID_VALUE, message))
}

/// Nothing names the source (at the version that was said); `known` are the versions that are named.
pub(super) fn not_named(request: &Request<'_>, known: &[&str]) -> Box<Finding> {
    let place = &request.product.file.metadata.name.place;
    let moving = &request.moving;
    let finding = match (&request.asked.from, known) {
        (Some(from), [_, ..]) => {
            let message = format!("nothing in the folder names `{moving}` at {from}");
            Finding::error(&codes::BUMP_NOT_NAMED, message)
                .did_you_mean(from, known.iter().copied())
                .hint(format!("it is named at {}", few(known.iter().copied())))
        }
        _ => {
            let message = format!("nothing in the folder names a version of `{moving}`");
            let hint = match moving {
                Moving::Image(_) => {
                    "a copy is named with `--mirror MIRROR=UPSTREAM`, an odd field with `--field`"
                }
                Moving::Chart(_) => "a `Chart.yaml` names it: as its own name, or among its dependencies",
                Moving::Addon(_) => "an `addon` with its `name` and `version` under `upstream` says it",
                Moving::Tool(_) => "a key of its name with `version` in it, or `NAMEVersion`, says it",
            };
            Finding::error(&codes::BUMP_NOT_NAMED, message).hint(hint)
        }
    };
    Box::new(finding.at(place))
}

/// The source is named at several versions.
pub(super) fn ambiguous(request: &Request<'_>, places: &[(&str, &Place)]) -> Box<Finding> {
    let versions = few(places.iter().map(|(version, _)| *version));
    let message = format!("`{}` is named at several versions: {versions}", request.moving);
    let mut finding = Finding::error(&codes::BUMP_AMBIGUOUS, message);
    let mut places = places.iter().take(MOST_LISTED);
    if let Some((_, first)) = places.next() {
        finding = finding.at(first);
    }
    for (version, place) in places {
        finding = finding.related(place, format!("{version} here"));
    }
    let from = versions.split(", ").next().unwrap_or_default();
    Box::new(finding.next(format!("{} --from {from}", again(request))))
}

/// Every place is at the version already.
pub(super) fn already(request: &Request<'_>, place: Option<&Place>) -> Box<Finding> {
    let message = format!("`{}` is at {} already", request.moving, request.asked.to);
    let finding = Finding::error(&codes::BUMP_ALREADY_THERE, message);
    Box::new(match place {
        Some(place) => finding.at(place),
        None => finding,
    })
}

pub(super) fn lowers(request: &Request<'_>, from: &str) -> Box<Finding> {
    let message = format!("`{}` would go back from {from} to {}", request.moving, request.asked.to);
    let finding = Finding::error(&codes::BUMP_LOWERS, message).at(&request.product.file.metadata.name.place);
    Box::new(finding.next(format!("{} --lower", again(request))))
}

pub(super) fn incomparable(request: &Request<'_>, from: &str, now: &Spanned<Version>) -> Box<Finding> {
    let to = &request.asked.to;
    let message = format!("nothing says how far it is from {from} to {to}, and so how far the product rises");
    let finding = Finding::error(&codes::BUMP_INCOMPARABLE, message).at(&now.place).label("the version now");
    Box::new(finding.next(format!("{} --product-version VERSION", again(request))))
}

pub(super) fn prerelease(now: &Spanned<Version>) -> Box<Finding> {
    let message = format!("the product is at the prerelease {}, and nothing says what follows it", now.value);
    let finding = Finding::error(&codes::PRODUCT_VERSION_TAKEN, message).at(&now.place);
    Box::new(finding.hint("say its new version with `--product-version`"))
}

pub(super) fn not_higher(asked: &Version, now: &Spanned<Version>) -> Box<Finding> {
    let message = format!("{asked} is not above the product's version {}", now.value);
    let finding = Finding::error(&codes::PRODUCT_VERSION_TAKEN, message).at(&now.place);
    Box::new(finding.hint("say a higher one with `--product-version`"))
}

pub(super) fn tagged(request: &Request<'_>, raised: &Version, now: &Spanned<Version>) -> Box<Finding> {
    let message = format!("{raised} would be the product's version, and it has a tag already");
    let highest = request.tagged.iter().max();
    let hint = highest.map(|highest| format!("the highest version with a tag is {highest}"));
    let finding = Finding::error(&codes::PRODUCT_VERSION_TAKEN, message).at(&now.place);
    let finding = finding.next(format!("{} --product-version VERSION", again(request)));
    Box::new(match hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    })
}

/// A digest that nobody gave a new value.
pub(super) fn stale(request: &Request<'_>, place: &Place) -> Box<Finding> {
    let message = format!("the digest beside the version would stay that of the old `{}`", request.moving);
    let finding =
        Finding::error(&codes::STALE_DIGEST, message).at(place).label("it counts more than the tag");
    let finding = finding.hint("or take digests out with `--drop-digest`");
    Box::new(finding.next(format!("{} --digest sha256:...", again(request))))
}

/// A digest that the new one is none for, or that stands where this bump changes nothing.
pub(super) fn foreign(place: &Place) -> Box<Finding> {
    let message = "this digest belongs to the version as well, and `--digest` says nothing about it";
    let finding = Finding::error(&codes::STALE_DIGEST, message).at(place);
    Box::new(finding.hint("change it by hand first, or take it out"))
}

/// A chart whose content would stay what it is, that of a version.
pub(super) fn content(request: &Request<'_>, place: &Place, file: &str, from: &str) -> Box<Finding> {
    let message = format!("`{file}` is content of the old version, and would stay");
    let finding = Finding::error(&codes::CHART_CONTENT_STAYS, message).at(place);
    let then = format!("put the new version's content there, then run this again with `--from {from}`");
    let finding = finding.hint(then);
    Box::new(finding.hint(format!("or change the number alone: {} --keep-content", again(request))))
}

pub(super) fn unproved(request: &Request<'_>, why: &str) -> Box<Finding> {
    let place = &request.product.file.metadata.name.place;
    Box::new(Finding::error(&codes::BUMP_UNPROVED, why).at(place))
}
