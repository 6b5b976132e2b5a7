//! The report as SARIF 2.1.0 (docs.oasis-open.org/sarif), for code scanning: what needs somebody, at the line
//! that declares it.

use serde_json::{Value, json};

use super::words::behind;
use crate::output::mark::clean;
use crate::report::weekly::{Need, Product, Thing, Weekly};

/// The report.
pub(super) fn text(report: &Weekly) -> String {
    let all = report.products.iter().flat_map(|p| p.things.iter().map(move |thing| (p, thing)));
    let found: Vec<(&Product, &Thing)> = all.filter(|(_, thing)| thing.need.is_any()).collect();
    let mut rules: Vec<&str> = found.iter().map(|(_, thing)| rule(thing)).collect();
    rules.sort_unstable();
    rules.dedup();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tidegate",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|id| json!({
                    "id": id,
                    "shortDescription": { "text": described(id) },
                })).collect::<Vec<_>>(),
            } },
            "results": found.iter().map(|(product, thing)| result(product, thing)).collect::<Vec<_>>(),
        }],
    });
    format!("{document:#}\n")
}

fn rule(thing: &Thing) -> &'static str {
    thing.statuses.first().map_or("unknown", |line| line.status)
}

fn described(rule: &str) -> &'static str {
    match rule {
        "patch" => "A newer patch version is published.",
        "minor" => "A newer minor version is published.",
        "major" => "A newer major version is published.",
        "missing-upstream" => "The version in use is not published any more.",
        "end-of-life" => "Nobody mends the version in use any more.",
        "support-ends" => "The support of the version in use ends soon.",
        "deprecated" => "Its makers have given it up.",
        "incompatible" => "It refuses a version of Kubernetes that is in use.",
        "tag-moved" => "The tag names something else than the digest in use.",
        _ => "Nothing is known of it.",
    }
}

fn result(product: &Product, thing: &Thing) -> Value {
    let level = match thing.need {
        Need::Now => "error",
        Need::Soon => "warning",
        _ => "note",
    };
    let declared = thing.declared.join(", ");
    let message = clean(&format!("{}: {} {declared}: {}", product.product, thing.name, behind(thing)));
    let mut result = json!({
        "ruleId": rule(thing),
        "level": level,
        "message": { "text": message },
        "partialFingerprints": { "thing/v1": format!("{}/{}/{}", product.product, thing.kind, thing.name) },
    });
    if let Some((file, line, column)) = place(&thing.place) {
        result["locations"] = json!([{ "physicalLocation": {
            "artifactLocation": { "uri": file, "uriBaseId": "%SRCROOT%" },
            "region": { "startLine": line, "startColumn": column },
        } }]);
    }
    result
}

/// File, line and column of `FILE:LINE:COLUMN`.
fn place(text: &str) -> Option<(&str, u32, u32)> {
    let (rest, column) = text.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?, column.parse().ok()?))
}
