//! The report as JSON lines: a thing on a line, with its product.

use crate::report::weekly::{Thing, Weekly};

#[derive(serde::Serialize)]
struct Line<'a> {
    week: &'a str,
    product: &'a str,
    owner: &'a str,
    #[serde(flatten)]
    thing: &'a Thing,
}

/// The report.
pub(super) fn text(report: &Weekly) -> String {
    let lines = report.products.iter().flat_map(|product| {
        product.things.iter().map(|thing| Line {
            week: &report.week,
            product: &product.product,
            owner: &product.owner,
            thing,
        })
    });
    // A line of texts and numbers always has a form in JSON.
    lines.filter_map(|line| serde_json::to_string(&line).ok()).map(|line| line + "\n").collect()
}
