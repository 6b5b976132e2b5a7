//! The Kubernetes objects that a product's files hold, as far as they can be read without
//! rendering: plain manifests, and templates with their expressions blanked out. Good for looking
//! (images, literal secrets), never for applying.

use crate::diag::{Findings, Place, Source};
use crate::model::{DeployStep, Test};
use crate::yaml::{self, Node};

use super::part::Part;

/// One object of a product's manifests.
pub(crate) struct Object {
    /// Its fields; places are those of the file, also in templates.
    pub node: Node,
}

/// Whether a template wrote (part of) the text at a place.
pub(crate) fn is_templated(place: &Place) -> bool {
    place.text().contains("{{")
}

/// The objects of all manifest steps and Job tests. Plain files that can't be read are findings;
/// templates that can't be read with blanks are left to rendering.
pub(crate) fn of(part: &Part<'_>) -> (Vec<Object>, Findings) {
    let steps = part.spec().deploy.iter().filter_map(|step| match &step.value {
        DeployStep::Manifests(step) => Some(step.path.value.as_str()),
        _ => None,
    });
    let tests = part.spec().tests.iter().filter_map(|test| match &test.value {
        Test::Job(job) => Some(job.manifest.value.as_str()),
        Test::Run(_) => None,
    });
    let mut paths: Vec<&str> = steps.chain(tests).flat_map(|path| part.files_at(path)).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut objects = Vec::new();
    let mut findings = Findings::new();
    for path in paths {
        let (found, wrong) = of_file(part, path);
        objects.extend(found);
        findings.extend(wrong);
    }
    (objects, findings)
}

/// The objects of one file, if it is a manifest or a template of one.
pub(crate) fn of_file(part: &Part<'_>, path: &str) -> (Vec<Object>, Findings) {
    let none = || (Vec::new(), Findings::new());
    let template = path.ends_with(".yaml.j2");
    if !template && ![".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending)) {
        return none();
    }
    let Some(source) = part.source(path) else { return none() };
    if !template {
        return match yaml::manifests(&source) {
            Ok(found) => (found.into_iter().map(|m| Object { node: m.node }).collect(), Findings::new()),
            Err(findings) => (Vec::new(), findings),
        };
    }
    let blanked = Source::new(source.path(), blank(source.text()));
    let Ok(found) = yaml::manifests(&blanked) else { return none() };
    let objects = found.into_iter().map(|mut manifest| {
        manifest.node.put_into(&source);
        Object { node: manifest.node }
    });
    (objects.collect(), Findings::new())
}

/// The text with expressions (`{{ }}`) as a word of `x`, and statements and comments as spaces, of
/// the same length in bytes and with the same line breaks.
pub(crate) fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = ["{{", "{%", "{#"].iter().filter_map(|mark| rest.find(mark)).min() {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let (close, filler) = match from.as_bytes().get(1) {
            Some(b'{') => ("}}", 'x'),
            Some(b'%') => ("%}", ' '),
            _ => ("#}", ' '),
        };
        let length = from.find(close).map_or(from.len(), |at| at + close.len());
        let (inside, after) = from.split_at(length);
        out.extend(inside.bytes().map(|b| if b == b'\n' { '\n' } else { filler }));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::blank;

    #[test]
    fn blanking_keeps_lengths_and_lines() {
        let text = "a: {{ x }}\n{% if y %}\nb: \"ä{{ z }}\" {# note\n#}\nc: {{ open";
        let blanked = blank(text);
        assert_eq!(blanked.len(), text.len());
        assert_eq!(blanked.lines().count(), text.lines().count());
        assert_eq!(blanked, "a: xxxxxxx\n          \nb: \"äxxxxxxx\"        \n  \nc: xxxxxxx");
    }
}
