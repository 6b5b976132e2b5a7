//! The words that all forms of the report share.

use std::collections::BTreeMap;

use crate::diag::count;
use crate::lcm::upstream::Silence;
use crate::report::weekly::{Need, Product, Silent, Thing, Weekly};

/// `LCM report 2026-W47 · 38 products · 214 clusters · sources 37/38 ok`.
pub(super) fn headline(report: &Weekly) -> String {
    let products = report.counts.values().sum::<usize>() + report.without_upstream.len();
    let mut parts = vec![format!("LCM report {}", report.week), count(products as u64, "product")];
    if report.clusters > 0 {
        parts.push(count(report.clusters as u64, "cluster"));
    }
    if report.unseen > 0 {
        parts.push(format!("{} never seen", report.unseen));
    }
    parts.push(format!("sources {}/{} ok", report.sources.answered, report.sources.asked));
    parts.join(" · ")
}

/// The product, and which of its things, where it has several.
pub(super) fn named(product: &Product, thing: &Thing) -> String {
    match product.several {
        false => product.product.clone(),
        true => format!("{} · {}", product.product, thing.short()),
    }
}

/// What runs: a version, or from the lowest to the highest.
pub(super) fn running(thing: &Thing) -> String {
    match thing.running.as_slice() {
        [] => String::new(),
        [only] => only.version.clone(),
        [lowest, .., highest] => format!("{}..{}", lowest.version, highest.version),
    }
}

/// How far behind it is, and what else is to be said; nothing where all is well.
pub(super) fn behind(thing: &Thing) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(behind) = &thing.behind {
        let age = behind.days.filter(|days| *days > 0).map(|days| format!(", {}", age(days)));
        parts.push(format!("{}{}", behind.words(), age.unwrap_or_default()));
    }
    let said = |status: &str| matches!(status, "same" | "patch" | "minor" | "major");
    for line in thing.statuses.iter().filter(|line| !said(line.status)) {
        parts.push(match line.silence {
            Some(silence) => format!("{}: {}", thing.source, silence.words()),
            None => line.message.clone(),
        });
    }
    parts.extend(thing.notes.iter().cloned());
    parts.join("; ")
}

/// `9 mo`, `3 d`.
pub(super) fn age(days: i64) -> String {
    match days {
        ..60 => format!("{days} d"),
        60..730 => format!("{} mo", days / 30),
        _ => format!("{} y", days / 365),
    }
}

/// The sources that gave no answer, each with its reasons: who, about how many things, in what words, and
/// the whole reason of the first.
pub(super) fn silent(report: &Weekly) -> Vec<(String, String)> {
    let mut by: BTreeMap<(&str, Silence), Vec<&Silent>> = BTreeMap::new();
    for one in &report.sources.silent {
        by.entry((&one.source, one.silence)).or_default().push(one);
    }
    let told = |((source, silence), all): ((&str, Silence), Vec<&Silent>)| {
        // Where a host was not asked any more, that is no reason.
        let first = all.iter().min_by_key(|one| (one.why.contains("not asked"), one.why.len()))?;
        let about = if all.len() > 1 { format!(" ({} things)", all.len()) } else { String::new() };
        Some((format!("{source}: {}{about}", silence.words()), first.why.clone()))
    };
    by.into_iter().filter_map(told).collect()
}

/// What to do, in words.
pub(super) fn deed(thing: &Thing) -> Option<&'static str> {
    thing.act.as_ref().map(|act| act.deed.words())
}

/// `3 products need action now`.
pub(super) fn need_words(need: Need, products: usize) -> String {
    let verb = |one: &'static str, more: &'static str| if products == 1 { one } else { more };
    let said = match need {
        Need::Now => verb("needs action now", "need action now"),
        Need::Soon => verb("has something newer", "have something newer"),
        Need::Unknown => verb("is not known", "are not known"),
        Need::Waits => verb("waits for a release", "wait for a release"),
        Need::Nothing => verb("is up to date", "are up to date"),
    };
    format!("{} {said}", count(products as u64, "product"))
}

/// Everything that is to be done, what needs most first: the product, the thing, what to do about it.
pub(super) fn todo(report: &Weekly) -> impl Iterator<Item = (&Product, &Thing)> {
    let all =
        report.products.iter().flat_map(|product| product.things.iter().map(move |thing| (product, thing)));
    let mut all: Vec<(&Product, &Thing)> = all.filter(|(_, thing)| thing.need.is_any()).collect();
    all.sort_by_key(|(_, thing)| thing.need);
    all.into_iter()
}
