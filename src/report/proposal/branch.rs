//! Names of branches: `bump/PRODUCT/SOURCE-VERSION`, so that all of a product are found by how they begin, and a
//! person knows what is on one.

use crate::lcm::bump::Moving;
use crate::model::ProductName;

/// The most bytes of the last part: names of files have bounds.
const LONGEST: usize = 200;

/// How the branches of a product's bumps begin.
pub fn prefix(product: &ProductName) -> String {
    prefix_of(product.as_str())
}

pub(super) fn prefix_of(product: &str) -> String {
    format!("bump/{product}/")
}

/// The branch of a bump.
pub fn branch(product: &ProductName, moving: &Moving, to: &str) -> String {
    let name = match moving {
        Moving::Image(repository) => {
            let name = &repository.name;
            name.strip_prefix("library/").unwrap_or(name).to_owned()
        }
        Moving::Chart(name) => format!("chart-{name}"),
        Moving::Tool(project) => {
            let path = project.split_once(':').map_or(project.as_str(), |(_, path)| path);
            format!("tool-{path}")
        }
        Moving::Addon(name) => format!("addon-{name}"),
    };
    format!("{}{}", prefix(product), word(&format!("{name}-{to}")))
}

/// A text as a part of a reference's name (git-check-ref-format): no dots in a row or at its ends, no `.lock`.
fn word(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let c = if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
        if c != '.' || !(out.is_empty() || out.ends_with('.')) {
            out.push(c);
        }
    }
    out.truncate(LONGEST);
    let out = out.trim_end_matches('.');
    match out.strip_suffix(".lock") {
        Some(stem) => format!("{stem}-lock"),
        None => out.to_owned(),
    }
}
