//! What `helm template` printed, as objects: which template each comes from (`# Source:`), and what
//! becomes of hooks. Hooks for test, delete and rollback are left out; those for install and upgrade
//! are refused, also where only the output shows them.

use serde_json::Value;

use super::mask::Mask;
use super::object::RenderedObject;
use super::scan::runs_with_install;
use super::template::shown;
use crate::diag::{Finding, Findings, Place, Source, codes};
use crate::model::Tree;
use crate::yaml;

/// The annotation that makes an object a hook.
const HOOK: &str = "helm.sh/hook";

/// Where a chart lies, for places in findings.
#[derive(Debug, Clone, Copy)]
pub struct Chart<'a> {
    /// The product's files.
    pub tree: &'a Tree,
    /// How the product's folder is called in findings.
    pub folder: &'a str,
    /// The chart's folder in it.
    pub path: &'a str,
    /// The namespace of the release, for objects that name none.
    pub namespace: &'a str,
}

/// Reads helm's output. `mask` hides the secrets that were in the values.
///
/// # Errors
/// Text that is no object, and hooks for install or upgrade, at the chart's template.
pub fn objects(output: &str, chart: &Chart<'_>, mask: &Mask) -> Result<Vec<RenderedObject>, Findings> {
    let source = Source::new("helm template", output);
    let manifests = yaml::manifests(&source).map_err(|wrong| {
        let mut findings = Findings::new();
        for finding in wrong {
            let template = finding.place.as_ref().and_then(|place| template_at(output, place.start()));
            let line = finding.place.as_ref().map(|place| within(output, place));
            let mut message =
                format!("the chart renders to something wrong: {}", mask.hide(&finding.message));
            if let (Some(template), Some(line)) = (template, line) {
                message.push_str(&format!(" (line {line} of what `{template}` gives)"));
            }
            // The excerpt of the output is not shown: values with their secrets are in it.
            let place = template.map_or_else(Place::none, |template| place_of(chart, template));
            findings.push(Finding::error(&codes::HELM_OUTPUT, message).at(&place));
        }
        findings
    })?;
    let mut findings = Findings::new();
    let mut objects = Vec::new();
    for manifest in manifests {
        let template = template_at(output, manifest.place.start()).unwrap_or_default();
        let place = place_of(chart, template);
        let hook = manifest
            .object
            .pointer("/metadata/annotations")
            .and_then(|notes| notes.get(HOOK))
            .and_then(Value::as_str);
        if let Some(hook) = hook {
            let event = hook.split(',').map(str::trim).find(|event| runs_with_install(event));
            if let Some(event) = event {
                findings.push(
                    Finding::error(
                        &codes::CHART_HOOK,
                        format!("the chart renders a `{event}` hook, which would silently not run"),
                    )
                    .at(&place)
                    .hint("make it a `run` step or a test of the product, or an ordinary object"),
                );
            }
            continue;
        }
        objects.push(RenderedObject {
            object: manifest.object,
            origin: if template.is_empty() { format!("chart {}", chart.path) } else { template.to_owned() },
            namespace: Some(chart.namespace.to_owned()),
            place,
        });
    }
    findings.into_result(objects)
}

/// The template that the document around a byte comes from: the last `# Source:` before it.
fn template_at(output: &str, at: usize) -> Option<&str> {
    const SOURCE: &str = "# Source: ";
    let before = output.get(..at)?;
    before
        .rmatch_indices(SOURCE)
        .find(|(found, _)| *found == 0 || before[..*found].ends_with('\n'))
        .map(|(found, _)| before[found + SOURCE.len()..].lines().next().unwrap_or_default().trim())
}

/// The line of a place within its document, from 1.
fn within(output: &str, place: &Place) -> usize {
    let before = output.get(..place.start()).unwrap_or_default();
    let start =
        before.rfind("# Source: ").and_then(|at| Some(at + before[at..].find('\n')? + 1)).unwrap_or(0);
    before[start..].matches('\n').count() + 1
}

/// The beginning of a template's file. Helm names it by the chart's name, the tree by its folder:
/// `ingress/templates/x.yaml` is `chart/templates/x.yaml`, and charts within are alike.
fn place_of(chart: &Chart<'_>, template: &str) -> Place {
    let Some((_, inner)) = template.split_once('/') else { return Place::none() };
    let path = shown(chart.path.trim_start_matches("./").trim_end_matches('/'), inner);
    let Some(text) = chart.tree.get(&path).and_then(|file| String::from_utf8(file.bytes.to_vec()).ok())
    else {
        return Place::none();
    };
    super::template::line(&Source::new(shown(chart.folder, &path), text), 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::File;

    fn read(output: &str, mask: &Mask) -> Result<Vec<RenderedObject>, Findings> {
        let mut tree = Tree::new();
        tree.insert(
            "chart/templates/a.yaml",
            File { bytes: (*b"{{ include \"x\" . }}\n").into(), executable: false },
        );
        let chart = Chart { tree: &tree, folder: "products/web", path: "chart", namespace: "ingress" };
        objects(output, &chart, mask)
    }

    const OUTPUT: &str = "---\n# Source: ingress/crds/c.yaml\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c}\n---\n# Source: ingress/templates/a.yaml\n# another comment\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n# Source: ingress/templates/t.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: 'test, pre-delete'}}\n";

    #[test]
    fn objects_name_their_templates_and_hooks_for_tests_are_left_out() {
        let found = read(OUTPUT, &Mask::default()).unwrap();
        let origins: Vec<&str> = found.iter().map(|object| object.origin.as_str()).collect();
        assert_eq!(origins, ["ingress/crds/c.yaml", "ingress/templates/a.yaml"]);
        assert_eq!(found[1].place.to_string(), "products/web/chart/templates/a.yaml:1:1");
        assert_eq!(found[1].namespace.as_deref(), Some("ingress"));
    }

    #[test]
    fn a_hook_that_only_the_output_shows_is_refused() {
        let output = OUTPUT.replace("'test, pre-delete'", "'test,post-upgrade'");
        let finding = read(&output, &Mask::default()).unwrap_err().into_iter().next().unwrap();
        assert_eq!(finding.code.id, "TG0411");
        assert!(finding.message.contains("post-upgrade"));
    }

    #[test]
    fn wrong_output_names_template_and_line_and_shows_no_secret() {
        let output = "---\n# Source: ingress/templates/a.yaml\napiVersion: v1\nkind: X\ncanary: [\n";
        let findings = read(output, &Mask::new(["canary"])).unwrap_err();
        let finding = findings.into_iter().next().unwrap();
        assert_eq!(finding.code.id, "TG0414");
        assert!(finding.message.contains("of what `ingress/templates/a.yaml` gives"), "{}", finding.message);
        assert!(!finding.to_string().contains("canary"), "{finding}");
        assert_eq!(finding.place.unwrap().file(), "products/web/chart/templates/a.yaml");
    }

    #[test]
    fn nothing_at_all_is_no_objects() {
        assert!(read("", &Mask::default()).unwrap().is_empty());
        assert!(read("---\n# Source: ingress/templates/a.yaml\n---\n", &Mask::default()).unwrap().is_empty());
    }
}
