//! The words that all forms of the report share.

use std::collections::BTreeMap;

use crate::diag::count;
use crate::lcm::artifacthub::Link;
use crate::lcm::changes::{Evidence, Weight};
use crate::lcm::upstream::Silence;
use crate::output::mark::Tone;
use crate::report::weekly::security::VULNERABLE;
use crate::report::weekly::{Need, Product, Silent, SilentCluster, Thing, Weekly};

/// So many pieces of evidence are shown where there is room for few.
const EVIDENCE: usize = 5;

/// `LCM report 2026-W47 · 38 products · 214 clusters · sources 37/38 ok`.
pub(super) fn headline(report: &Weekly) -> String {
    let products = count(report.product_count as u64, "product");
    let mut parts = vec![format!("LCM report {}", report.week), products];
    if report.clusters > 0 {
        parts.push(count(report.clusters as u64, "cluster"));
    }
    if let Some(live) = &report.live {
        parts.push(format!("{}/{} answered", live.answered, live.asked));
    }
    if report.unseen > 0 {
        parts.push(format!("{} never seen", report.unseen));
    }
    if let Some(at) = report.answered_at {
        parts.push(format!("as of {}", at.strftime("%Y-%m-%d")));
    }
    parts.push(format!("sources {}/{} ok", report.sources.answered, report.sources.asked));
    parts.join(" · ")
}

/// The product, and which of its things, where it has several.
pub(super) fn named(product: &Product, thing: &Thing) -> String {
    match product.several {
        false => product.product.clone(),
        true => {
            // Of Kubernetes itself it is enough to say which.
            let short = thing.short();
            let short =
                short.strip_prefix("kubernetes ").filter(|_| product.is_kubernetes()).unwrap_or(short);
            format!("{} · {short}", product.product)
        }
    }
}

/// What runs: a version, or from the lowest to the highest; and in how many workloads, if clusters said.
pub(super) fn running(thing: &Thing) -> String {
    let workloads = thing.running.iter().flat_map(|one| &one.workloads);
    match workloads.map(|one| one.clusters.len() as u64).sum() {
        0 => versions(thing),
        some => format!("{} ({})", versions(thing), count(some, "workload")),
    }
}

/// The versions that run: one, or from the lowest to the highest.
pub(super) fn versions(thing: &Thing) -> String {
    // What runs by a digest alone is that.
    let short = |version: &str| match version.strip_prefix("sha256:") {
        Some(digest) => format!("sha256:{}", digest.chars().take(12).collect::<String>()),
        None => version.to_owned(),
    };
    match thing.running.as_slice() {
        [] => String::new(),
        [only] => short(&only.version),
        [lowest, .., highest] => format!("{}..{}", short(&lowest.version), short(&highest.version)),
    }
}

/// How far behind it is, and what else is to be said; nothing where all is well.
pub(super) fn behind(thing: &Thing) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(behind) = &thing.behind {
        let age = behind.days.filter(|days| *days > 0).map(|days| format!(", {}", age(days)));
        parts.push(format!("{}{}", behind.words(), age.unwrap_or_default()));
    }
    if thing.changes.as_ref().is_some_and(|changes| changes.security) {
        parts.push("mends security".to_owned());
    }
    // Vulnerabilities have a column of their own.
    let said = |status: &str| matches!(status, "same" | "patch" | "minor" | "major" | VULNERABLE);
    for line in thing.statuses.iter().filter(|line| !said(line.status)) {
        parts.push(match line.silence {
            Some(silence) => format!("{}: {}", thing.source, silence.words()),
            None => line.message.clone(),
        });
    }
    parts.extend(thing.notes.iter().cloned());
    parts.join("; ")
}

/// Whether the update breaks something, and how many pieces of evidence say so; nothing where nobody knows.
pub(super) fn breaking(thing: &Thing) -> Option<String> {
    let changes = thing.changes.as_ref()?;
    let word = match changes.breaking? {
        Weight::Certain => "yes",
        Weight::Likely => "likely",
        Weight::Hint => "maybe",
    };
    let evidence = changes.evidence.iter().filter(|one| one.sign.is_of_a_break()).count();
    Some(format!("{word} ({evidence})"))
}

/// Until when it is supported: a day, or a word.
pub(super) fn support(thing: &Thing) -> Option<&str> {
    thing.support.as_ref().map(|support| support.short.as_str())
}

/// The evidence that is worth a line where there is room for few, the weightiest first.
pub(super) fn evidence(thing: &Thing) -> impl Iterator<Item = &Evidence> {
    thing.changes.iter().flat_map(|changes| &changes.evidence).take(EVIDENCE)
}

/// An address that may be a link.
pub(super) fn address(links: &[Link]) -> Option<&str> {
    links
        .iter()
        .map(|link| link.url.as_str())
        .find(|url| url.starts_with("https://") || url.starts_with("http://"))
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
    let of_cluster = |one: &SilentCluster| {
        let words = one.silence.map_or("told not all", Silence::words);
        (format!("cluster {}: {words}", one.cluster), one.why.clone())
    };
    let clusters = report.live.iter().flat_map(|live| &live.silent).map(of_cluster);
    by.into_iter().filter_map(told).chain(clusters).collect()
}

/// The sign of a need, one that every font has.
pub(super) fn sign(need: Need) -> &'static str {
    match need {
        Need::Now => Tone::Bad.glyph(),
        Need::Soon => Tone::Warn.glyph(),
        Need::Unknown => "?",
        Need::Waits => Tone::Quiet.glyph(),
        Need::Nothing => Tone::Good.glyph(),
    }
}

/// What to do, in words.
pub(super) fn deed(thing: &Thing) -> Option<&'static str> {
    thing.act.as_ref().map(|act| act.deed.words())
}

/// `3 products need action now`; Kubernetes itself is told by its name, and the things of products where they
/// are more.
pub(super) fn need_words(report: &Weekly, need: Need) -> String {
    let with_kubernetes = report.kubernetes == Some(need);
    let all = report.counts.get(&need).copied().unwrap_or_default();
    let products = all.saturating_sub(usize::from(with_kubernetes));
    let things = report.things.get(&need).copied().unwrap_or_default();
    let told = count(products as u64, "product");
    let who = match (products, with_kubernetes) {
        (0, true) => "Kubernetes".to_owned(),
        (_, true) => format!("{told} and Kubernetes"),
        (_, false) => told,
    };
    let verb = |one: &'static str, more: &'static str| if all == 1 { one } else { more };
    let said = match need {
        Need::Now => verb("needs action now", "need action now"),
        Need::Soon => verb("has something newer", "have something newer"),
        Need::Unknown => verb("is not known", "are not known"),
        Need::Waits => verb("waits for a release", "wait for a release"),
        Need::Nothing => verb("is up to date", "are up to date"),
    };
    let things = if things > products { format!(" ({things} things)") } else { String::new() };
    format!("{who} {said}{things}")
}

/// What lies ahead: by when an upgrade must begin, over which stops it goes, and what goes with which
/// Kubernetes.
pub(super) fn ahead(thing: &Thing) -> Vec<String> {
    let mut lines: Vec<String> = thing.countdown.iter().map(|countdown| countdown.words.clone()).collect();
    if let (Some(from), [_, _, ..]) = (&thing.judged, thing.stops.as_slice()) {
        lines.push(format!("one minor at a time: {from} -> {}", thing.stops.join(" -> ")));
    }
    for fit in &thing.fits {
        let Some(newest) = &fit.newest else { continue };
        let next = if fit.in_use { "" } else { " (the next)" };
        let default = match &fit.default {
            Some(default) if default == newest => ", the default".to_owned(),
            Some(default) => format!(", default {default}"),
            None => String::new(),
        };
        lines.push(format!("for Kubernetes {}{next}: newest {newest}{default}", fit.minor));
    }
    lines
}

/// Everything that is to be done, what needs most first: the product, the thing, what to do about it.
pub(super) fn todo(report: &Weekly) -> impl Iterator<Item = (&Product, &Thing)> {
    let all =
        report.products.iter().flat_map(|product| product.things.iter().map(move |thing| (product, thing)));
    let mut all: Vec<(&Product, &Thing)> = all.filter(|(_, thing)| thing.need.is_any()).collect();
    all.sort_by_key(|(_, thing)| thing.need);
    all.into_iter()
}
