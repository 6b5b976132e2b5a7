//! Bumps of small folders: what changes, what is left and why, what is refused.

#![allow(clippy::unwrap_used)]

mod charts;
mod forms;
mod properties;
mod refusals;
mod templates;
mod values;

use super::*;
use crate::catalog::testing::tree;
use crate::catalog::{ProductSource, load};
use crate::diag::Findings;
use crate::model::Mirrors;
use crate::version::Version;

/// The source that the tests move.
const AGENT: &str = "quay.io/acme/agent";

/// A digest of one hexadecimal digit.
fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

/// `product.yaml` of a product that deploys what its folders hold, with more of its spec.
fn product_yaml(more: &str) -> String {
    format!(
        "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: agent }}\nspec:\n  version: 1.2.3 # ours\n  \
         owner: team\n{more}"
    )
}

/// A product with these files beside a plain `product.yaml` (which they may replace).
fn product(files: &[(&str, &str)]) -> ProductSource {
    let own = product_yaml("");
    let path = |path: &str| format!("products/agent/{path}");
    let mut all = vec![(path("product.yaml"), own.as_str())];
    all.extend(files.iter().map(|(name, text)| (path(name), *text)));
    let all: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let (catalog, findings) = load(&tree(&all));
    assert!(!findings.has_errors(), "{findings}");
    catalog.products.into_values().next().unwrap()
}

/// What is asked by a test: the agent's image from 1.0.0 to another version.
fn request<'a>(product: &'a ProductSource, to: &str) -> Request<'a> {
    let asked = Asked {
        from: None,
        to: to.to_owned(),
        digest: Digests::Refuse,
        app_version: None,
        mirrors: Vec::new(),
        fields: Vec::new(),
        version: None,
        lower: false,
        keeps_content: false,
        on: "2026-11-22".parse().unwrap(),
        evidence: Vec::new(),
    };
    let moving = Moving::Image(AGENT.parse().unwrap());
    Request { product, moving, tagged: Vec::new(), mirrors: Mirrors::default(), asked }
}

/// The same with something asked in another way.
fn with<'a>(mut request: Request<'a>, change: impl FnOnce(&mut Asked)) -> Request<'a> {
    change(&mut request.asked);
    request
}

/// The new text of a file of the product, which has to have changed.
fn text<'b>(bump: &'b Bump, path: &str) -> &'b str {
    bump.files.get(&format!("products/agent/{path}")).unwrap_or_else(|| panic!("`{path}` did not change"))
}

/// The new text of the only file `a.yaml`, after a bump to `to`.
fn moved(before: &str, to: &str) -> Result<String, Findings> {
    let product = product(&[("a.yaml", before)]);
    bump(&request(&product, to)).map(|bump| text(&bump, "a.yaml").to_owned())
}

/// `FIELD-OR-LINE: OLD -> NEW` of every edit but that of the product's version.
fn edits(bump: &Bump) -> Vec<String> {
    let others = bump.edits.iter().filter(|edit| edit.part != Part::Product);
    others.map(|edit| format!("{} {} -> {}", edit.field, edit.old, edit.new)).collect()
}

/// `FILE:LINE TEXT REASON` of everything that was left.
fn left(bump: &Bump) -> Vec<String> {
    let line = |left: &Left| {
        let file = left.place.file().trim_start_matches("products/agent/");
        format!("{file}:{} {} {:?}", left.place.line(), left.text, left.reason)
    };
    bump.left.iter().map(line).collect()
}

/// The codes of a refusal.
fn codes(result: Result<Bump, Findings>) -> Vec<&'static str> {
    result.expect_err("it was not refused").iter().map(|finding| finding.code.id).collect()
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}
