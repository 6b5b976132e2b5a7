//! Reads a scenario file: what a single one can say wrong is told with its place.

use std::collections::BTreeSet;

use crate::diag::{Finding, Findings, Source, codes};
use crate::model::scenario::{Deed, Scenario, ScenarioFile};
use crate::model::{API_VERSION, Calendar, Kind, Pipeline, ProductName};
use crate::sim::platform::PRODUCTS;
use crate::yaml::{self, Spanned};

/// Reads a scenario from its file's bytes.
///
/// # Errors
/// When it is no scenario, or says what can't be; all findings at once.
pub fn read(path: &str, bytes: &[u8]) -> Result<ScenarioFile, Findings> {
    let source = Source::from_bytes(path, bytes.to_vec())?;
    let parsed = yaml::parse_all(&source);
    let mut findings = parsed.findings;
    let Some(node) = parsed.node else {
        if !findings.has_errors() {
            let place = crate::diag::Place::new(&source, 0, 0);
            findings.push(Finding::error(&codes::MISSING_FIELD, "the file is empty").at(&place));
        }
        return Err(findings.sorted());
    };
    let (file, wrong) = yaml::decode_rest::<ScenarioFile>(&node);
    findings.extend(wrong);
    if let Some(file) = &file {
        sound(file, &mut findings);
    }
    match file {
        Some(file) if !findings.has_errors() => Ok(file),
        _ => Err(findings.sorted()),
    }
}

/// What only holds between the parts of a file.
fn sound(file: &ScenarioFile, findings: &mut Findings) {
    if file.api_version.value != API_VERSION {
        let message = format!("`{}` is no API version that is known", file.api_version.value);
        findings.push(invalid(message).at(&file.api_version.place).hint(format!("expected `{API_VERSION}`")));
    }
    if file.kind.value != Kind::Scenario {
        let message = format!("a file of kind {} is no scenario", file.kind.value);
        findings.push(invalid(message).at(&file.kind.place).hint("expected `kind: Scenario`"));
    }
    let spec = &file.spec;
    if let Some(starts) = &spec.starts
        && let Err(error) = starts.value.parse::<jiff::Timestamp>()
    {
        let message = format!("`{}` is no moment: {error}", starts.value);
        findings.push(invalid(message).at(&starts.place).hint("such as 2026-03-02T08:00:00Z"));
    }
    let mut releases = BTreeSet::new();
    for release in &spec.releases {
        let id = &release.value.id;
        if !releases.insert(id.value.clone()) {
            findings.push(invalid(format!("there are two releases {}", id.value)).at(&id.place));
        }
    }
    findings.extend(yaml::decode_rest::<Pipeline>(&spec.pipeline).1);
    if let Some(calendar) = &spec.calendar {
        findings.extend(yaml::decode_rest::<Calendar>(calendar).1);
    }
    findings.extend(products(spec));
    if let Some(installed) = spec.installed.as_ref().filter(|id| !releases.contains(&id.value)) {
        let message = format!("there is no release {} in this scenario", installed.value);
        findings.push(invalid(message).at(&installed.place));
    }
    if spec.fleet.iter().all(|group| group.value.clusters.value == 0) {
        findings.push(invalid("the fleet has no cluster".to_owned()));
    }
    for action in &spec.actions {
        if let Deed::Clock { forward, back } = &action.value.deed.value
            && forward.is_some() == back.is_some()
        {
            let message = "a clock is set forward or back".to_owned();
            findings
                .push(invalid(message).at(&action.value.deed.place).hint("such as `clock: { back: 2h }`"));
        }
        if action.value.after.is_some() && action.value.on.is_none() {
            let message = "`after` counts from what `on` names, and there is none".to_owned();
            findings
                .push(invalid(message).at(&action.place).hint("`at` counts from the beginning of the story"));
        }
    }
    for expectation in &spec.expect {
        let said = &expectation.value;
        let says = said.rollout.is_some()
            || said.clusters.is_some()
            || said.events.is_some()
            || said.attempts.is_some()
            || said.waits.is_some()
            || said.struck.is_some();
        if !says {
            let message = "it says nothing that must hold".to_owned();
            let fields = "`rollout`, `clusters`, `events`, `attempts`, `waits` or `struck`";
            findings.push(invalid(message).at(&expectation.place).hint(fields));
        }
    }
}

/// Products that there are not: in the platform, or in a release of this one.
fn products(spec: &Scenario) -> Vec<Finding> {
    let mut findings = Vec::new();
    let unknown = |product: &Spanned<ProductName>, message: String, known: &[&str]| {
        invalid(message).at(&product.place).did_you_mean(product.value.as_str(), known.iter().copied())
    };
    for product in spec.platform.iter().filter(|product| !PRODUCTS.contains(&product.value.as_str())) {
        let message = format!("simulations bring no product `{}` along", product.value);
        findings.push(unknown(product, message, &PRODUCTS));
    }
    let platform: Vec<&str> = match spec.platform.as_slice() {
        [] => PRODUCTS.to_vec(),
        some => some.iter().map(|product| product.value.as_str()).collect(),
    };
    for product in spec.releases.iter().flat_map(|release| release.value.products.keys()) {
        if !platform.contains(&product.value.as_str()) {
            let message = format!("this simulation has no product `{}`", product.value);
            findings.push(unknown(product, message, &platform));
        }
    }
    findings
}

fn invalid(message: String) -> Finding {
    Finding::error(&codes::INVALID_VALUE, message)
}
