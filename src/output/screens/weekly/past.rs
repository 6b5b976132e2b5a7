//! What is different since another report, and how it goes: the same words and tables in all forms.

use crate::diag::count;
use crate::report::weekly::{Difference, Need, PastThing, Weekly, short};

/// So many things are named where there is room for few.
const NAMED: usize = 3;

/// What became different, with its words, what needs most first; nothing of what has no things.
fn kinds(difference: &Difference) -> impl Iterator<Item = (&'static str, &[PastThing])> {
    let kinds = [
        ("new", &difference.appeared[..]),
        ("newer still", &difference.moved[..]),
        ("done", &difference.settled[..]),
        ("put off", &difference.deferred[..]),
    ];
    kinds.into_iter().filter(|(_, things)| !things.is_empty())
}

/// `2026-11-16`.
pub(super) fn day(difference: &Difference) -> String {
    difference.at.strftime("%Y-%m-%d").to_string()
}

/// What is different, in parts of a line: `since 2026-11-16 new: certs, ingress`, `done: backup`.
pub(super) fn parts(report: &Weekly) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    if let Some(since) = &report.since {
        let said = kinds(since).map(|(word, things)| {
            let names: Vec<String> = things.iter().take(NAMED).map(|thing| named(thing, report)).collect();
            let more = match things.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{word}: {}{more}", names.join(", "))
        });
        parts.extend(said);
        if !since.unknown.is_empty() {
            let things = count(since.unknown.len() as u64, "thing");
            parts.push(format!("not known of {things}"));
        }
        let first = parts.first().map_or("nothing is different", String::as_str);
        let first = format!("since {} {first}", day(since));
        match parts.first_mut() {
            Some(part) => *part = first,
            None => parts.push(first),
        }
    }
    if let [_, .., _] = &report.trend[..] {
        let any = |need: &Need| report.trend.iter().any(|week| week.counts.contains_key(need));
        let needs = [Need::Now, Need::Soon, Need::Unknown].into_iter();
        let needs = needs.filter(|need| *need != Need::Unknown || any(need));
        let counts = needs.map(|need| {
            let weeks =
                report.trend.iter().map(|week| week.counts.get(&need).copied().unwrap_or(0).to_string());
            format!("{} {}", need.word(), weeks.collect::<Vec<_>>().join(" "))
        });
        parts.push(format!(
            "things in {} weeks: {}",
            report.trend.len(),
            counts.collect::<Vec<_>>().join(", ")
        ));
    }
    parts
}

/// Everything that is different: the word, which thing, and the newest version it has.
pub(super) fn all(report: &Weekly) -> Vec<(&'static str, String, String)> {
    let since = report.since.iter().flat_map(kinds);
    since
        .flat_map(|(word, things)| {
            let latest = |thing: &'_ PastThing| thing.latest.clone().unwrap_or_else(|| "-".to_owned());
            things.iter().map(move |thing| (word, named(thing, report), latest(thing)))
        })
        .collect()
}

/// How many things needed what in each week, as rows of a table with its heading.
pub(super) fn weeks(report: &Weekly) -> Vec<Vec<String>> {
    let heading = std::iter::once("Week").chain(Need::ALL.map(Need::word)).map(str::to_owned).collect();
    let row = |week: &crate::report::weekly::Week| {
        let counts = Need::ALL.iter().map(|need| week.counts.get(need).copied().unwrap_or(0).to_string());
        std::iter::once(week.week.clone()).chain(counts).collect()
    };
    match report.trend.as_slice() {
        [] => Vec::new(),
        trend => std::iter::once(heading).chain(trend.iter().map(row)).collect(),
    }
}

/// The product, and which of its things, where the report has several of it.
fn named(thing: &PastThing, report: &Weekly) -> String {
    let product = report.products.iter().find(|product| product.product == thing.product);
    match product.is_some_and(|product| product.several) {
        true => format!("{} · {}", thing.product, short(&thing.name)),
        false => thing.product.clone(),
    }
}
