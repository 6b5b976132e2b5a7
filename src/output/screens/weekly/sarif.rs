//! The report as SARIF 2.1.0 (docs.oasis-open.org/sarif), for code scanning: what needs somebody, at the line
//! that declares it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::words::behind;
use crate::output::mark::clean;
use crate::report::weekly::security::{Change, Found, VULNERABLE};
use crate::report::weekly::{Need, Product, Thing, Weekly};
use crate::scan::vulnerabilities::Severity;

/// The report.
pub(super) fn text(report: &Weekly) -> String {
    let all = report.products.iter().flat_map(|p| p.things.iter().map(move |thing| (p, thing)));
    let found: Vec<(&Product, &Thing)> = all.filter(|(_, thing)| thing.need.is_any()).collect();
    let mut rules: Vec<&str> = found.iter().map(|(_, thing)| rule(thing)).collect();
    rules.sort_unstable();
    rules.dedup();
    let vulnerable = vulnerable(report);
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
                })).chain(vulnerable_rules(&vulnerable)).collect::<Vec<_>>(),
            } },
            "results": found.iter().map(|(product, thing)| result(product, thing))
                .chain(vulnerable.iter().map(|(product, thing, one)| vulnerability(product, thing, one)))
                .collect::<Vec<_>>(),
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
        "missing" => "The version in use is not at the mirror that it is pulled from.",
        "not-mirrored" => "The newest version is not at the mirror yet.",
        "missing-upstream" => "The version in use is not published any more.",
        "end-of-life" => "Nobody mends the version in use any more.",
        "support-ends" => "The support of the version in use ends soon.",
        "deprecated" => "Its makers have given it up.",
        "incompatible" => "It refuses a version of Kubernetes that is in use.",
        "vulnerable" => "What is in use has vulnerabilities that should not wait.",
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
    let used = format!("{} {}", thing.name, thing.declared.join(", "));
    let vulnerable = thing.statuses.iter().find(|line| line.status == VULNERABLE);
    let why = [behind(thing), vulnerable.map(|line| line.message.clone()).unwrap_or_default()];
    let why: Vec<String> = why.into_iter().filter(|part| !part.is_empty()).collect();
    let message = clean(&format!("{}: {}: {}", product.product, used.trim_end(), why.join("; ")));
    let mut result = json!({
        "ruleId": rule(thing),
        "level": level,
        "message": { "text": message },
        "partialFingerprints": { "thing/v1": format!("{}/{}/{}", product.product, thing.kind, thing.name) },
    });
    locate(&mut result, thing);
    result
}

/// Says at which line a thing is declared.
fn locate(result: &mut Value, thing: &Thing) {
    if let Some((file, line, column)) = place(&thing.place) {
        result["locations"] = json!([{ "physicalLocation": {
            "artifactLocation": { "uri": file, "uriBaseId": "%SRCROOT%" },
            "region": { "startLine": line, "startColumn": column },
        } }]);
    }
}

/// The vulnerabilities that what is in use has, each in each thing.
fn vulnerable(report: &Weekly) -> Vec<(&Product, &Thing, &Found)> {
    let things = report.products.iter().flat_map(|p| p.things.iter().map(move |thing| (p, thing)));
    let found = things.flat_map(|(product, thing)| {
        let all = thing.security.iter().flat_map(|known| &known.findings);
        all.map(move |one| (product, thing, one))
    });
    found.filter(|(_, _, one)| one.change != Change::New).collect()
}

/// A rule for each vulnerability, as bad as it is at its worst.
fn vulnerable_rules(all: &[(&Product, &Thing, &Found)]) -> Vec<Value> {
    let mut worst: BTreeMap<&str, &Found> = BTreeMap::new();
    for (_, _, one) in all {
        let known = worst.entry(one.id.as_str()).or_insert(one);
        if one.severity > known.severity {
            *known = one;
        }
    }
    let rule = |(id, one): (&str, &Found)| {
        let mut rule = json!({
            "id": clean(id),
            "shortDescription": { "text": clean(&format!("{id} ({})", one.severity)) },
            "properties": { "tags": ["security", "vulnerability"], "security-severity": score(one.severity) },
        });
        if let Some(link) = one.link.as_deref().filter(|link| link.starts_with("http")) {
            rule["helpUri"] = json!(clean(link));
        }
        rule
    };
    worst.into_iter().map(rule).collect()
}

/// A score within the step of a severity, by which code scanning sorts.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Negligible | Severity::Unknown => "0.0",
    }
}

/// A vulnerability in a thing. One that somebody accepted is there, and suppressed.
fn vulnerability(product: &Product, thing: &Thing, one: &Found) -> Value {
    let level = match one.severity {
        _ if one.is_exploited() => "error",
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        _ => "note",
    };
    let message = clean(&format!("{}: {}: {}", product.product, thing.name, one.words()));
    let thing_id = format!("{}/{}/{}", product.product, thing.kind, thing.name);
    let mut result = json!({
        "ruleId": clean(one.id.as_str()),
        "level": level,
        "message": { "text": message },
        "partialFingerprints": { "vulnerability/v1": clean(&format!("{thing_id}/{}", one.id)) },
    });
    if let Some(acceptance) = &one.acceptance {
        let why = format!("pipelines/acceptances/{acceptance}.yaml");
        result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": why }]);
    }
    locate(&mut result, thing);
    result
}

/// File, line and column of `FILE:LINE:COLUMN`.
fn place(text: &str) -> Option<(&str, u32, u32)> {
    let (rest, column) = text.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?, column.parse().ok()?))
}
