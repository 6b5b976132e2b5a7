//! What a gate of a pipeline has to say so that it can be asked: people, a command that is there, a
//! query with bounds.

use crate::catalog::Catalog;
use crate::diag::{Finding, Findings, Place, codes};
use crate::model::{ApprovalGate, CommandGate, Duration, Gate, MetricGate, SecretRef};
use crate::yaml::{Node, Spanned};

use super::filled;

pub(super) fn rules(catalog: &Catalog, gate: &Spanned<Gate>, findings: &mut Findings) {
    match &gate.value {
        Gate::Approval(approval) => people(catalog, approval, findings),
        Gate::Command(command) => script(catalog, command, findings),
        Gate::Metric(metric) => query(metric, &gate.place, findings),
    }
}

fn invalid(place: &Place, message: impl Into<String>) -> Finding {
    Finding::error(&codes::INVALID_VALUE, message).at(place)
}

fn people(catalog: &Catalog, gate: &ApprovalGate, findings: &mut Findings) {
    findings.extend(filled(&gate.by, "who may approve"));
    if let Some(quorum) = gate.quorum.as_ref().filter(|quorum| quorum.value == 0) {
        findings.push(invalid(&quorum.place, "a quorum of nobody is no approval").label("at least 1"));
    }
    if gate.signed && !catalog.pipeline_files.contains_key("pipelines/allowed_signers") {
        findings.push(
            Finding::error(&codes::MISSING_FILE, "an approval has to be signed, and nobody's key is known")
                .at(&gate.by.place)
                .hint("`pipelines/allowed_signers` has a line for each key: ADDRESS ssh-ed25519 AAAA...")
                .hint("the format is that of ssh-keygen(1), ALLOWED SIGNERS"),
        );
    }
}

fn script(catalog: &Catalog, gate: &CommandGate, findings: &mut Findings) {
    let Some(program) = gate.run.value.first().filter(|program| !program.trim().is_empty()) else {
        findings.push(invalid(&gate.run.place, "a gate's command has no program"));
        return;
    };
    let path = program.trim_start_matches("./");
    if path.contains('/') && !path.starts_with('/') {
        match catalog.pipeline_files.get(path) {
            None => findings.push(
                Finding::error(&codes::MISSING_FILE, format!("the gate's command `{program}` is not there"))
                    .at(&gate.run.place)
                    .did_you_mean(path, catalog.pipeline_files.keys().map(String::as_str))
                    .hint("gates run in a copy of `pipelines/`: the command's path begins with it"),
            ),
            Some(false) => findings.push(
                Finding::error(&codes::MISSING_FILE, format!("the gate's command `{program}` can't be run"))
                    .at(&gate.run.place)
                    .hint(format!(
                        "git has to know that it is executable: git update-index --chmod=+x {path}"
                    )),
            ),
            Some(true) => {}
        }
    }
    for length in [&gate.timeout, &gate.valid_for, &gate.ask_every].into_iter().flatten() {
        findings.extend(some_time(length));
    }
    let entries = gate.env.as_ref().and_then(Node::as_mapping).into_iter().flat_map(|m| m.iter());
    for (_, value) in entries {
        findings.extend(reference(value));
    }
}

fn query(gate: &MetricGate, place: &Place, findings: &mut Findings) {
    let address = &gate.prometheus.value;
    if !address.starts_with("http://") && !address.starts_with("https://") {
        findings.push(
            invalid(&gate.prometheus.place, format!("`{address}` is no address of a Prometheus server"))
                .hint("it begins with https:// (or http://)"),
        );
    }
    findings.extend(filled(&gate.query, "the query"));
    if gate.max.is_none() && gate.min.is_none() && gate.compare.is_none() {
        findings.push(
            invalid(place, "a metric gate without bounds is always open")
                .hint("give it `max`, `min` or `compare: { percent: N }`"),
        );
    }
    if gate.compare.is_some() && !gate.query.value.contains("$clusters") {
        findings.push(
            invalid(
                &gate.query.place,
                "the query gives the same for clusters with the release and without it",
            )
            .hint("`$clusters` in it stands for their names, as in up{cluster=~\"$clusters\"}"),
        );
    }
    if let (Some(min), Some(max)) = (&gate.min, &gate.max)
        && min.value > max.value
    {
        findings.push(invalid(
            &min.place,
            format!("nothing is at least {} and at most {}", min.value, max.value),
        ));
    }
    let numbers = [&gate.min, &gate.max].into_iter().flatten();
    for number in numbers.filter(|number| !number.value.is_finite()) {
        findings.push(invalid(&number.place, "a bound is a finite number"));
    }
    if let Some(compare) = &gate.compare {
        let percent = &compare.value.percent;
        if !percent.value.is_finite() || percent.value < 0.0 {
            findings.push(invalid(&percent.place, "worse by how many percent: 0 or more"));
        }
    }
    for length in [&gate.window, &gate.step, &gate.valid_for, &gate.ask_every].into_iter().flatten() {
        findings.extend(some_time(length));
    }
    if let Some(token) = &gate.token
        && !matches!(SecretRef::of(token), Some(Ok(_)))
    {
        findings.push(
            Finding::error(&codes::LITERAL_SECRET, "a token is written as a reference")
                .at(&token.place.masked())
                .hint("token: { secretRef: { env: PROMETHEUS_TOKEN } }"),
        );
    }
}

fn some_time(length: &Spanned<Duration>) -> Option<Finding> {
    length.value.is_zero().then(|| invalid(&length.place, "0 is no length of time here"))
}

fn reference(value: &Node) -> Option<Finding> {
    SecretRef::of(value)?.err().map(|finding| *finding)
}
