//! The report as one static page: no script, no picture, nothing from elsewhere, and it prints well.

use super::past;
use super::security;
use super::words::{
    address, ahead, behind, breaking, deed, evidence, headline, named, need_words, running, sign, silent,
    support, todo,
};
use super::{Optional, decided};
use crate::diag::count;
use crate::lcm::artifacthub::Link;
use crate::output::Look;
use crate::output::mark::clean;
use crate::report::weekly::security::Found;
use crate::report::weekly::{Product, RunningAt, Thing, Weekly};

const STYLE: &str = include_str!("page.css");

/// So many clusters are named behind a version.
const CLUSTERS: usize = 12;

/// The report.
pub(super) fn text(report: &Weekly, look: &Look) -> String {
    let title = escaped(&headline(report));
    let mut body = format!("<header>\n<h1>{title}</h1>\n<p class=\"when\">{}</p>\n", moment(look));
    body.push_str("<ul class=\"counts\">");
    for need in report.counts.keys() {
        let (class, sign) = (need.word(), sign(*need));
        body.push_str(&format!(
            "<li class=\"{class}\"><span class=\"sign\">{sign}</span> {}</li>",
            escaped(&need_words(report, *need))
        ));
    }
    body.push_str("</ul>\n</header>\n<main>\n");
    body.push_str(&to_do(report));
    body.push_str(&differs(report));
    body.push_str(&everything(report));
    body.push_str(&unanswered(report));
    body.push_str("</main>\n");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn moment(look: &Look) -> String {
    look.view.now.to_zoned(look.view.zone.clone()).strftime("%A, %-d %B %Y, %H:%M %Z").to_string()
}

/// What to do, what needs most first.
fn to_do(report: &Weekly) -> String {
    let items: Vec<String> = todo(report)
        .map(|(product, thing)| {
            let (class, sign) = (thing.need.word(), sign(thing.need));
            let command = thing.act.as_ref().and_then(|act| act.command.as_deref());
            let command = command.map_or_else(String::new, |command| {
                format!("<pre>{}</pre>", escaped(command))
            });
            format!(
                "<li class=\"{class}\"><p><span class=\"sign\">{sign}</span> <b>{}</b> \
                 <span class=\"deed\">{}</span> <span class=\"owner\">{}</span></p>\n<p class=\"said\">{}</p>{command}{}{}</li>\n",
                escaped(&named(product, thing)),
                escaped(deed(thing).unwrap_or("look at it")),
                escaped(&product.owner),
                escaped(&said(thing)),
                lies_ahead(thing) + &vulnerable(thing),
                changed(thing),
            )
        })
        .collect();
    if items.is_empty() {
        return "<section><h2>To do</h2>\n<p>Nothing.</p></section>\n".to_owned();
    }
    format!("<section><h2>To do</h2>\n<ol class=\"todo\">\n{}</ol></section>\n", items.concat())
}

/// By when it must begin, and over which stops it goes.
fn lies_ahead(thing: &Thing) -> String {
    let lines: String = ahead(thing).iter().map(|line| format!("<li>{}</li>", escaped(line))).collect();
    if lines.is_empty() { lines } else { format!("<ul class=\"evidence\">{lines}</ul>") }
}

/// The vulnerabilities that are worth a line, and who says so.
fn vulnerable(thing: &Thing) -> String {
    let Some(known) = &thing.security else { return String::new() };
    let line = |found: &Found| {
        let text = escaped(&found.words());
        match found.link.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://")) {
            Some(url) => format!("<li><a href=\"{}\">{text}</a></li>", escaped(url)),
            None => format!("<li>{text}</li>"),
        }
    };
    let named: String = security::named(known).map(line).collect();
    let named = if named.is_empty() { named } else { format!("<ul class=\"evidence\">{named}</ul>") };
    format!("<p class=\"said\">{}</p>{named}", escaped(&security::sentence(known)))
}

/// What of the update is dangerous, and behind a fold everything that changed.
fn changed(thing: &Thing) -> String {
    let Some(changes) = &thing.changes else { return String::new() };
    let line = |word: &str, text: &str, links: &[Link]| {
        let text = match address(links) {
            Some(url) => format!("<a href=\"{}\">{}</a>", escaped(url), escaped(text)),
            None => escaped(text),
        };
        format!("<li><b>{word}</b> {text}</li>")
    };
    let evidence: String =
        evidence(thing).map(|one| line(one.weight.word(), &one.text, &one.links)).collect();
    let evidence =
        if evidence.is_empty() { evidence } else { format!("<ul class=\"evidence\">{evidence}</ul>") };
    let all: String =
        changes.changes.iter().map(|one| line(one.kind.word(), &one.text, &one.links)).collect();
    let notes: String = changes.notes.iter().map(|note| format!("<li>{}</li>", escaped(note))).collect();
    if all.is_empty() && notes.is_empty() {
        return evidence;
    }
    let count = count(changes.changes.len() as u64, "change");
    format!("{evidence}<details><summary>{count}</summary><ul class=\"evidence\">{all}{notes}</ul></details>")
}

/// `v1.17.2 → v1.19.1 · 2 minor, 9 mo`.
fn said(thing: &Thing) -> String {
    let way = match (&thing.latest, &thing.behind, &thing.judged) {
        (Some(latest), Some(_), Some(declared)) => format!("{declared} → {latest} · "),
        _ => String::new(),
    };
    format!("{way}{}", behind(thing))
}

/// What is different since another report, and how it went.
fn differs(report: &Weekly) -> String {
    let mut text = String::new();
    if let Some(since) = &report.since {
        let item = |(word, name, latest): &(&str, String, String)| {
            format!(
                "<li>{word}: <b>{}</b> <span class=\"version\">{}</span></li>\n",
                escaped(name),
                escaped(latest)
            )
        };
        let items: String = past::all(report).iter().map(item).collect();
        let items = if items.is_empty() { "<li>Nothing is different.</li>\n".to_owned() } else { items };
        text.push_str(&format!(
            "<section><h2>Since {}</h2>\n<ul class=\"evidence\">\n{items}</ul></section>\n",
            past::day(since)
        ));
    }
    let weeks = past::weeks(report);
    if let Some((heading, rows)) = weeks.split_first() {
        let line = |cells: &Vec<String>, tag: &str| {
            let cells: String = cells.iter().map(|cell| format!("<{tag}>{cell}</{tag}>")).collect();
            format!("<tr>{cells}</tr>\n")
        };
        let rows: String = rows.iter().map(|cells| line(cells, "td")).collect();
        text.push_str(&format!(
            "<section><h2>Week by week, in things</h2>\n<table>\n<thead>{}</thead>\n<tbody>\n{rows}</tbody>\n\
             </table></section>\n",
            line(heading, "th").trim_end()
        ));
    }
    text
}

fn everything(report: &Weekly) -> String {
    let shows = Optional::of_all(report);
    let mut rows = String::new();
    for product in &report.products {
        for thing in &product.things {
            rows.push_str(&row(product, thing, shows));
        }
    }
    let decided = match decided(report) {
        parts if parts.is_empty() => String::new(),
        parts => format!("<p>{}.</p>\n", escaped(&parts.join(" · "))),
    };
    let without = match report.without_upstream.as_slice() {
        [] => String::new(),
        names => format!("<p>Without anything upstream: {}.</p>\n", escaped(&names.join(", "))),
    };
    if rows.is_empty() {
        return format!("<section><h2>Everything</h2>\n{without}</section>\n");
    }
    let heading = |is: bool, name: &str| if is { format!("<th>{name}</th>") } else { String::new() };
    let (fleet, secure) = (heading(shows.running, "Fleet"), heading(shows.security, "Security"));
    let (breaking, support) = (heading(shows.breaking, "Breaking"), heading(shows.support, "Support"));
    format!(
        "<section><h2>Everything</h2>\n<table>\n<thead><tr><th></th><th>Product</th><th>Thing</th><th>Declared</th>\
         {fleet}<th>Latest</th><th>Behind</th>{secure}{breaking}{support}<th>Where</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n{decided}{without}</section>\n"
    )
}

/// Who gave no answer, and why.
fn unanswered(report: &Weekly) -> String {
    let item = |(who, why): &(String, String)| {
        format!("<li><p><b>{}</b></p><p class=\"said\">{}</p></li>\n", escaped(who), escaped(why))
    };
    let items: String = silent(report).iter().map(item).collect();
    match items.is_empty() {
        true => String::new(),
        false => {
            format!(
                "<section><h2>Sources without an answer</h2>\n<ul class=\"todo\">\n{items}</ul></section>\n"
            )
        }
    }
}

fn row(product: &Product, thing: &Thing, shows: Optional) -> String {
    let (class, sign) = (thing.need.word(), sign(thing.need));
    let known = thing.security.as_ref();
    let cell = |is: bool, class: &str, title: &str, text: &str| {
        let title = if title.is_empty() { String::new() } else { format!(" title=\"{}\"", escaped(title)) };
        if is { format!("<td class=\"{class}\"{title}>{}</td>", escaped(text)) } else { String::new() }
    };
    let on: Vec<String> = thing.running.iter().map(clusters).collect();
    let (sentence, short) =
        (known.map(security::sentence).unwrap_or_default(), known.map(security::short).unwrap_or_default());
    let cells = [
        cell(true, "version", "", &thing.declared.join(", ")),
        cell(shows.running, "version", &on.join("; "), &running(thing)),
        cell(true, "version", "", thing.latest.as_deref().unwrap_or("-")),
        cell(true, "said", "", &behind(thing)),
        cell(shows.security, "said", &sentence, &short),
        cell(shows.breaking, "said", "", &breaking(thing).unwrap_or_default()),
        cell(shows.support, "version", "", support(thing).unwrap_or_default()),
    ];
    format!(
        "<tr class=\"{class}\"><td class=\"sign\">{sign}</td><td class=\"name\">{}<br><span class=\"owner\">{}</span></td>\
         <td><code>{}</code></td>{}<td><code>{}</code></td></tr>\n",
        escaped(&product.product),
        escaped(&product.owner),
        escaped(&thing.name),
        cells.concat(),
        escaped(&thing.place),
    )
}

/// A version that runs, and on which clusters.
fn clusters(running: &RunningAt) -> String {
    let names: Vec<&str> = running.clusters.iter().map(AsRef::as_ref).take(CLUSTERS).collect();
    let more = match running.clusters.len().saturating_sub(CLUSTERS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}: {}{more}", running.version, names.join(", "))
}

/// Text as text: nothing in it is markup, in an element or in a quoted attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
