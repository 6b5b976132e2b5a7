//! The report for sheets (RFC 4180): a line for each thing.

use crate::output::mark::clean;

use super::security::sentence;
use super::words::{behind, breaking, deed, support, versions};
use crate::report::weekly::security::Update;
use crate::report::weekly::{Thing, Weekly};
use crate::scan::vulnerabilities::Counts;

const COLUMNS: [&str; 17] = [
    "product",
    "owner",
    "kind",
    "name",
    "need",
    "status",
    "declared",
    "released",
    "fleet",
    "latest",
    "behind",
    "breaking",
    "support_ends",
    "support_days_left",
    "said",
    "do",
    "place",
];

/// Columns that are there only where somebody was asked about vulnerabilities.
const SECURITY: [&str; 9] =
    ["critical", "high", "medium", "low", "exploited", "accepted", "update_fixes", "update_adds", "security"];

/// The report.
pub(super) fn text(report: &Weekly) -> String {
    let asked = report.security.is_some();
    let more = SECURITY.iter().take(if asked { SECURITY.len() } else { 0 });
    let mut text = line(COLUMNS.iter().chain(more).map(|name| (*name).to_owned()));
    for product in &report.products {
        for thing in &product.things {
            let left = thing.support.as_ref().and_then(|support| support.days_left);
            let level = thing.behind.map(|behind| behind.words()).unwrap_or_default();
            let cells = [
                product.product.clone(),
                product.owner.clone(),
                thing.kind.to_owned(),
                thing.name.clone(),
                thing.need.word().to_owned(),
                thing.statuses.first().map(|line| line.status.to_owned()).unwrap_or_default(),
                thing.declared.join(" "),
                thing.released.join(" "),
                versions(thing),
                thing.latest.clone().unwrap_or_default(),
                level,
                breaking(thing).unwrap_or_default(),
                support(thing).unwrap_or_default().to_owned(),
                left.map(|days| days.to_string()).unwrap_or_default(),
                behind(thing),
                deed(thing).unwrap_or_default().to_owned(),
                thing.place.clone(),
            ];
            let more = if asked { secure(thing).to_vec() } else { Vec::new() };
            text.push_str(&line(cells.into_iter().chain(more)));
        }
    }
    text
}

/// What is known of a thing's vulnerabilities; empty cells where nobody knows.
fn secure(thing: &Thing) -> [String; SECURITY.len()] {
    let Some(known) = &thing.security else { return Default::default() };
    let open = |of: fn(&Counts) -> usize| known.open.as_ref().map(of).map(|number| number.to_string());
    let update =
        |of: fn(&Update) -> &Counts| known.update.as_ref().map(|update| of(update).total().to_string());
    let told = |number: usize| known.open.is_some().then(|| number.to_string());
    [
        open(|counts| counts.critical),
        open(|counts| counts.high),
        open(|counts| counts.medium),
        open(|counts| counts.low),
        told(known.exploited),
        told(known.accepted),
        update(|update| &update.fixed),
        update(|update| &update.new),
        Some(sentence(known)),
    ]
    .map(Option::unwrap_or_default)
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|text| cell(&text)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell. A sheet must not take text from a registry for a formula.
fn cell(text: &str) -> String {
    let text = &clean(text);
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(text);
    let safe = if is_formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

/// Whether it is a whole number, as we write them: a sheet makes nothing else of it.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_never_a_formula() {
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"so\""), "\"say \"\"so\"\"\"");
        assert_eq!(cell("=HYPERLINK(1,2)"), "\"'=HYPERLINK(1,2)\"");
        assert_eq!(cell("1.2.3"), "1.2.3");
        for number in ["-1", "0", "-365"] {
            assert_eq!(cell(number), number);
        }
        for formula in ["-", "-1+1", "+5", "--1", "-1e5"] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
    }
}
