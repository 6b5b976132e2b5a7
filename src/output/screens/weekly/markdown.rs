//! The report as Markdown, for tickets and chats: what to do first, then everything. Words of others mention
//! nobody there, and refer to nothing.

use super::past;
use super::security;
use super::words::{
    address, ahead, behind, breaking, deed, evidence, headline, named, need_words, running, sign, silent,
    support, todo,
};
use super::{Optional, decided};
use crate::output::screens::markdown::{code, foreign, plain};
use crate::report::weekly::Weekly;
use crate::report::weekly::security::Found;

/// The columns of the table of everything.
const COLUMNS: [&str; 11] = [
    "", "Product", "Thing", "Declared", "Fleet", "Latest", "Behind", "Security", "Breaking", "Support",
    "Where",
];

/// The report.
pub(super) fn text(report: &Weekly) -> String {
    let mut text = format!("# {}\n", plain(&headline(report)));
    let counts: Vec<String> = report.counts.keys().map(|need| need_words(report, *need)).collect();
    if !counts.is_empty() {
        text.push_str(&format!("\n{}\n", plain(&counts.join(" · "))));
    }
    let line = |found: &Found| match found.link.as_deref().filter(|url| url.starts_with("https://")) {
        Some(url) => format!("  - {} (<{}>)\n", foreign(&found.words()), plain(url)),
        None => format!("  - {}\n", foreign(&found.words())),
    };
    let todo: Vec<String> = todo(report)
        .map(|(product, thing)| {
            let command = thing.act.as_ref().and_then(|act| act.command.as_deref());
            let what = deed(thing).unwrap_or("look at it");
            let command = command.map_or_else(String::new, |command| format!("<br>{}", code(command)));
            let ahead: String = ahead(thing).iter().map(|line| format!("  - {}\n", foreign(line))).collect();
            let notes = thing.changes.iter().flat_map(|changes| &changes.notes);
            let evidence: String = evidence(thing)
                .map(|one| match address(&one.links) {
                    Some(url) => format!("  - {}: {} (<{}>)\n", one.weight, foreign(&one.text), plain(url)),
                    None => format!("  - {}: {}\n", one.weight, foreign(&one.text)),
                })
                .chain(notes.map(|note| format!("  - {}\n", foreign(note))))
                .chain(thing.security.iter().flat_map(security::named).map(line))
                .collect();
            format!(
                "- [ ] **{}** ({}): {}, {}{command}\n{ahead}{evidence}",
                plain(&named(product, thing)),
                plain(&product.owner),
                plain(what),
                foreign(&behind(thing)),
            )
        })
        .collect();
    if !todo.is_empty() {
        text.push_str(&format!("\n## To do\n\n{}", todo.concat()));
    }
    text.push_str(&differs(report));
    text.push_str(&everything(report));
    let decided = decided(report);
    if !decided.is_empty() {
        text.push_str(&format!("\n{}\n", plain(&decided.join(" · "))));
    }
    let silent: Vec<String> =
        silent(report).iter().map(|(who, why)| format!("- {}<br>{}\n", plain(who), foreign(why))).collect();
    if !silent.is_empty() {
        text.push_str(&format!("\n## Sources without an answer\n\n{}", silent.concat()));
    }
    if !report.without_upstream.is_empty() {
        let names = report.without_upstream.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ");
        text.push_str(&format!("\nWithout anything upstream: {names}\n"));
    }
    text
}

/// A table of all things, without the columns for which nothing is known.
fn everything(report: &Weekly) -> String {
    let shows = Optional::of_all(report);
    let is_shown = |column: &str| match column {
        "Fleet" => shows.running,
        "Security" => shows.security,
        "Breaking" => shows.breaking,
        "Support" => shows.support,
        _ => true,
    };
    let line = |cells: [&str; COLUMNS.len()]| {
        let cells = COLUMNS.iter().zip(cells).filter(|(column, _)| is_shown(column)).map(|(_, cell)| cell);
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let mut text = format!("\n## Everything\n\n{}{}", line(COLUMNS), line(["---"; COLUMNS.len()]));
    for product in &report.products {
        for thing in &product.things {
            let secure = thing.security.as_ref().map(security::short).unwrap_or_default();
            let cells = [
                sign(thing.need).to_owned(),
                plain(&product.product),
                code(&thing.name),
                code(&thing.declared.join(", ")),
                code(&running(thing)),
                code(thing.latest.as_deref().unwrap_or_default()),
                foreign(&behind(thing)),
                plain(&secure),
                foreign(&breaking(thing).unwrap_or_default()),
                foreign(support(thing).unwrap_or_default()),
                code(&thing.place),
            ];
            text.push_str(&line(cells.each_ref().map(String::as_str)));
        }
    }
    text
}

/// What is different since another report, and how it went.
fn differs(report: &Weekly) -> String {
    let mut text = String::new();
    if let Some(since) = &report.since {
        let item = |(word, name, latest): &(&str, String, String)| {
            format!("- {word}: **{}** {}\n", plain(name), code(latest))
        };
        let items: String = past::all(report).iter().map(item).collect();
        let items = if items.is_empty() { "Nothing is different.\n".to_owned() } else { items };
        text.push_str(&format!("\n## Since {}\n\n{items}", past::day(since)));
    }
    let weeks = past::weeks(report);
    if let Some((heading, rows)) = weeks.split_first() {
        let line = |cells: &Vec<String>| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|{}\n", " --- |".repeat(heading.len()));
        let rows: String = rows.iter().map(line).collect();
        text.push_str(&format!("\n## Week by week, in things\n\n{}{rule}{rows}", line(heading)));
    }
    text
}
