//! `lcm report`: what must I do this week? At the terminal a table, what needs most first; the other forms say
//! the same for tickets, browsers, sheets and machines.

mod csv;
mod html;
mod lines;
mod markdown;
mod metrics;
mod other_names;
mod past;
mod sarif;
mod security;
mod words;

use unicode_width::UnicodeWidthStr as _;

use crate::diag::count;
use crate::lcm::deferred::Deferrals;
use crate::model::DeferralId;
use crate::output::mark::{Tone, bold, clean, dim};
use crate::output::surface::Form;
use crate::output::table::{Cell, Column, Table};
use crate::output::{Look, Screen};
use crate::report::weekly::{Need, Product, Thing, Weekly};
pub use other_names::OtherNames;
use words::{
    ahead, behind, breaking, deed, headline, named, need_words, running, sign, silent, support, todo,
};

impl Screen for Weekly {
    const KIND: &'static str = "LcmReport";

    fn text(&self, look: &Look) -> String {
        let mut text = format!("{}\n", bold(&headline(self)));
        let optional = Optional::of(self);
        let mut table = Table::new(optional.columns());
        for product in &self.products {
            for thing in shown(product) {
                table.row(optional.cells(product, thing));
            }
        }
        if !table.is_empty() {
            text.push_str(&table.text(look.width));
        }
        for (product, thing) in todo(self).filter(|(_, thing)| thing.countdown.is_some()) {
            text.push_str(&format!("{} {}\n", sign(thing.need), clean(&named(product, thing))));
            for line in ahead(thing) {
                text.push_str(&indented(&clean(&line), look.width));
            }
        }
        for (who, why) in silent(self) {
            text.push_str(&format!("? {}\n", clean(&who)));
            text.push_str(&indented(&clean(&why), look.width));
        }
        text.push_str(&footer(self, look.width));
        text
    }

    fn next(&self) -> Option<String> {
        self.next.clone()
    }

    fn form(&self, form: Form, look: &Look) -> String {
        match form {
            Form::Ndjson => lines::text(self),
            Form::Markdown => markdown::text(self),
            Form::Html => html::text(self, look),
            Form::Csv => csv::text(self),
            Form::Prometheus => metrics::text(self, look),
            Form::Sarif => sarif::text(self),
        }
    }
}

/// The things of a product that are worth a line: those that need something or of which something could not be
/// read; else the first.
fn shown(product: &Product) -> impl Iterator<Item = &Thing> {
    let tells = |thing: &&Thing| thing.need != Need::Nothing || !thing.notes.is_empty();
    let is_quiet = !product.things.iter().any(|thing| tells(&thing));
    let worth = move |(number, thing): &(usize, &Thing)| tells(thing) || is_quiet && *number == 0;
    product.things.iter().enumerate().filter(worth).map(|(_, thing)| thing)
}

fn tone(need: Need) -> Tone {
    match need {
        Need::Now => Tone::Bad,
        Need::Soon | Need::Unknown => Tone::Warn,
        Need::Waits => Tone::Quiet,
        Need::Nothing => Tone::Good,
    }
}

/// The columns that are there only where something is known for them.
#[derive(Clone, Copy)]
struct Optional {
    running: bool,
    breaking: bool,
    support: bool,
    security: bool,
}

impl Optional {
    /// For the things that a terminal shows.
    fn of(report: &Weekly) -> Self {
        Self::among(report, &report.products.iter().flat_map(shown).collect::<Vec<_>>())
    }

    /// For all things.
    fn of_all(report: &Weekly) -> Self {
        Self::among(report, &report.products.iter().flat_map(|product| &product.things).collect::<Vec<_>>())
    }

    fn among(report: &Weekly, things: &[&Thing]) -> Self {
        let any = |has: fn(&Thing) -> bool| things.iter().any(|thing| has(thing));
        Self {
            running: any(|thing| !thing.running.is_empty()),
            breaking: any(|thing| breaking(thing).is_some()),
            support: any(|thing| support(thing).is_some()),
            security: report.security.is_some(),
        }
    }

    fn columns(self) -> Vec<Column> {
        let mut columns = vec![Column::tight("PRODUCT"), Column::tight("DECLARED")];
        columns.extend(self.running.then(|| Column::tight("FLEET")));
        columns.extend([Column::tight("LATEST"), Column::text("BEHIND")]);
        columns.extend(self.security.then(|| Column::tight("SECURITY")));
        columns.extend(self.breaking.then(|| Column::tight("BREAKING")));
        columns.extend(self.support.then(|| Column::tight("SUPPORT")));
        columns.push(Column::tight("DO"));
        columns
    }

    fn cells(self, product: &Product, thing: &Thing) -> Vec<Cell> {
        let tone = tone(thing.need);
        let toned = |text: String| match thing.need {
            Need::Nothing => Cell::from(text),
            _ => Cell::toned(text, tone),
        };
        let behind = match behind(thing) {
            words if words.is_empty() => Cell::from(""),
            words => toned(words),
        };
        let name = toned(format!("{} {}", sign(thing.need), named(product, thing)));
        let mut cells = vec![name, thing.declared.join(", ").into()];
        cells.extend(self.running.then(|| Cell::from(running(thing))));
        cells.extend([thing.latest.as_deref().unwrap_or_default().into(), behind]);
        let secure = || thing.security.as_ref().map(security::short).unwrap_or_default();
        cells.extend(self.security.then(|| Cell::from(secure())));
        cells.extend(self.breaking.then(|| Cell::from(breaking(thing).unwrap_or_default())));
        cells.extend(self.support.then(|| Cell::from(support(thing).unwrap_or_default())));
        cells.push(deed(thing).unwrap_or_default().into());
        cells
    }
}

/// What the whole comes to, in a line or two.
fn footer(report: &Weekly, width: Option<u16>) -> String {
    let mut parts: Vec<String> = report
        .counts
        .keys()
        .filter(|need| **need != Need::Nothing)
        .map(|need| need_words(report, *need))
        .collect();
    let others = report.products.iter().filter(|product| product.is_none()).flat_map(|one| &one.things);
    match others.filter(|thing| thing.need.is_any()).count() {
        0 => {}
        some => parts.push(format!("{} of no product to look at", count(some as u64, "image"))),
    }
    if parts.is_empty() && !report.products.is_empty() {
        parts.push("nothing to do".to_owned());
    }
    if !report.pins.old.is_empty() {
        parts.push(format!("{} older than 60 d", count(report.pins.old.len() as u64, "pin")));
    }
    parts.extend(decided(report));
    if !report.without_upstream.is_empty() {
        let products = count(report.without_upstream.len() as u64, "product");
        parts.push(format!("{products} without anything upstream"));
    }
    let differs = folded(&past::parts(report), width);
    let differs: String = differs.iter().map(|line| dim(&clean(line)) + "\n").collect();
    match parts.is_empty() {
        true => "no product names anything that has versions upstream\n".to_owned(),
        false => folded(&parts, width).iter().map(|line| dim(line) + "\n").collect::<String>() + &differs,
    }
}

/// What became of what people have decided to live with, or to put off.
fn decided(report: &Weekly) -> Vec<String> {
    let mut parts = security::acceptances(report);
    parts.extend(deferrals(&report.deferrals));
    parts
}

/// Of what people have put off: how many things wait, and what is not good for anything any more.
fn deferrals(deferrals: &Deferrals) -> Vec<String> {
    let Deferrals { holding, ended, idle } = deferrals;
    let names = |ids: &[DeferralId]| ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
    let mut parts = Vec::new();
    if *holding > 0 {
        parts.push(format!(
            "{} {}",
            count(*holding as u64, "deferral"),
            if *holding == 1 { "holds" } else { "hold" }
        ));
    }
    if !ended.is_empty() {
        parts.push(format!("ended: {}", names(ended)));
    }
    if !idle.is_empty() {
        parts.push(format!("about nothing: {}", names(idle)));
    }
    parts
}

/// Words on as many lines as they need, below a heading.
fn indented(text: &str, width: Option<u16>) -> String {
    let width = width.map_or(usize::MAX, |width| usize::from(width).saturating_sub(2));
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + word.width() < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| format!("  {}\n", dim(line))).collect()
}

/// Parts on as many lines as they need.
fn folded(parts: &[String], width: Option<u16>) -> Vec<String> {
    let width = width.map_or(usize::MAX, usize::from);
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.width() + part.width() + 3 <= width => {
                line.push_str(" · ");
                line.push_str(part);
            }
            _ => lines.push(part.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod ahead_tests;
#[cfg(test)]
mod tests;
