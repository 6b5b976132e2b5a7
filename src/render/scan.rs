//! The static scan of a chart: what in its templates would make equal inputs render differently, or
//! would be left out without a word. Everything is found before helm runs, with file, line and
//! column, in the chart and in the charts within it. What only the output shows is for `helm`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::actions::{Part, Word, parts};
use super::packed::unpack;
use crate::diag::{Code, Finding, Findings, Place, Source, codes};
use crate::model::Tree;

/// How deep charts may lie within charts.
const DEEPEST: usize = 8;

/// Functions whose result differs from run to run (github.com/Masterminds/sprig, and `lookup` of
/// Helm), with what to do instead.
const UNSTABLE: &[(&str, &str)] = &[
    ("lookup", "`helm template` sees no cluster: it is always empty"),
    ("now", "the time differs in every run"),
    ("ago", "the time differs in every run"),
    ("date", "it depends on the time zone of the host, and takes the time of the run for what is no time"),
    ("dateInZone", "it takes the time of the run for what is no time"),
    ("date_in_zone", "it takes the time of the run for what is no time"),
    ("htmlDate", "it depends on the time zone of the host"),
    ("htmlDateInZone", "it takes the time of the run for what is no time"),
    ("durationRound", "it measures to the time of the run"),
    ("randAlphaNum", RANDOM),
    ("randAlpha", RANDOM),
    ("randAscii", RANDOM),
    ("randNumeric", RANDOM),
    ("randInt", RANDOM),
    ("randBytes", RANDOM),
    ("shuffle", "it is random: the order differs in every run"),
    ("uuidv4", RANDOM),
    ("genPrivateKey", MADE),
    ("genCA", MADE),
    ("genCAWithKey", MADE),
    ("genSelfSignedCert", MADE),
    ("genSelfSignedCertWithKey", MADE),
    ("genSignedCert", MADE),
    ("genSignedCertWithKey", MADE),
    ("htpasswd", "its salt is random: hand the finished line in as a value with `secretRef`"),
    ("bcrypt", "its salt is random: hand the finished hash in as a value with `secretRef`"),
    ("encryptAES", "its first block is random"),
    ("getHostByName", "it asks the network"),
];

const RANDOM: &str = "it is random: hand the value in, a secret with `secretRef`";
const MADE: &str = "it makes new keys in every run: make them outside (cert-manager, or `secretRef`)";

/// Fields of `.Release` that speak of a history that is not there.
const HISTORY: [&str; 3] = ["IsInstall", "IsUpgrade", "Revision"];

/// Hooks that would silently not run.
const HOOKS: [&str; 5] = ["pre-install", "post-install", "pre-upgrade", "post-upgrade", "crd-install"];

/// Whether a hook event belongs to installing or upgrading.
pub(super) fn runs_with_install(event: &str) -> bool {
    HOOKS.contains(&event)
}

/// Everything that is wrong with a chart's folder in a product's tree, charts within it included.
///
/// `folder` is how the product's folder is called in findings.
pub fn chart(tree: &Tree, folder: &str, chart: &str) -> Findings {
    let mut findings = Findings::new();
    let chart = chart.trim_start_matches("./").trim_end_matches('/');
    let within = tree.subtree(if chart == "." { "" } else { chart });
    let shown = super::template::shown(folder, chart);
    one(&within, &shown, 0, &mut findings);
    findings
}

fn one(tree: &Tree, shown: &str, depth: usize, findings: &mut Findings) {
    if tree.get("Chart.yaml").is_none() {
        findings.push(Finding::error(
            &codes::CHART_BROKEN,
            format!("`{shown}` is no Helm chart: it has no `Chart.yaml`"),
        ));
        return;
    }
    // `tpl` renders whatever text it is given, so then every file of the chart is a template.
    let everything = uses_tpl(tree);
    for (path, file) in tree.iter() {
        if path.starts_with("charts/") {
            continue;
        }
        let notes = path.ends_with("NOTES.txt") || path.ends_with(".md");
        let is_template = path.starts_with("templates/");
        if notes || !(is_template || everything) {
            continue;
        }
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        let source = Source::new(format!("{shown}/{path}"), text);
        file_of(&source, is_template, findings);
    }
    within(tree, shown, depth, findings);
}

fn uses_tpl(tree: &Tree) -> bool {
    tree.iter().filter(|(path, _)| path.starts_with("templates/")).any(|(_, file)| {
        std::str::from_utf8(&file.bytes).is_ok_and(|text| {
            parts(text).iter().any(|part| match part {
                Part::Action(words, _) => words.iter().any(|word| word.text == "tpl"),
                Part::Text(..) => false,
            })
        })
    })
}

/// The charts in `charts/`: folders and archives.
fn within(tree: &Tree, shown: &str, depth: usize, findings: &mut Findings) {
    let mut folders: BTreeMap<String, ()> = BTreeMap::new();
    for (path, file) in tree.below("charts") {
        let rest = path.strip_prefix("charts/").unwrap_or(path);
        match rest.split_once('/') {
            // Helm passes over names that begin with a dot or an underscore.
            Some((name, _)) if !name.starts_with(['.', '_']) => {
                folders.insert(name.to_owned(), ());
            }
            None if rest.ends_with(".tgz") => match unpack(&file.bytes) {
                Ok(inner) if depth < DEEPEST => one(&inner, &format!("{shown}/{path}"), depth + 1, findings),
                Ok(_) => findings.push(too_deep(shown)),
                Err(why) => findings.push(Finding::error(
                    &codes::CHART_BROKEN,
                    format!("the packed chart `{shown}/{path}` can't be read: {why}"),
                )),
            },
            _ => {}
        }
    }
    for name in folders.into_keys() {
        let inner = tree.subtree(&format!("charts/{name}"));
        if depth < DEEPEST {
            one(&inner, &format!("{shown}/charts/{name}"), depth + 1, findings);
        } else {
            findings.push(too_deep(shown));
        }
    }
}

fn too_deep(shown: &str) -> Finding {
    Finding::error(&codes::CHART_BROKEN, format!("`{shown}` nests charts more than {DEEPEST} deep"))
}

fn file_of(source: &Arc<Source>, is_template: bool, findings: &mut Findings) {
    for part in parts(source.text()) {
        match part {
            Part::Action(words, strings) => action(source, &words, &strings, findings),
            Part::Text(text, at) if is_template => hooks(source, text, at, findings),
            Part::Text(..) => {}
        }
    }
}

fn report(
    source: &Arc<Source>,
    code: &'static Code,
    at: usize,
    text: &str,
    message: String,
    hint: &str,
) -> Finding {
    Finding::error(code, message).at(&Place::new(source, at, at + text.len())).hint(hint)
}

fn action(source: &Arc<Source>, words: &[Word<'_>], strings: &[Word<'_>], findings: &mut Findings) {
    for word in words {
        if let Some((name, why)) = UNSTABLE.iter().find(|(name, _)| *name == word.text) {
            let message = format!("`{name}` gives another result in every run");
            findings.push(report(source, &codes::CHART_UNSTABLE, word.at, word.text, message, why));
        }
        let steps: Vec<&str> = word.text.split('.').collect();
        let history = steps.windows(2).find(|pair| pair[0] == "Release" && HISTORY.contains(&pair[1]));
        if let Some([_, field]) = history {
            findings.push(state(source, word, field));
        }
    }
    // `index .Release "IsInstall"` and `get .Release "Revision"`.
    if words.iter().any(|word| word.text.ends_with(".Release")) {
        for word in strings.iter().filter(|word| HISTORY.contains(&word.text)) {
            findings.push(state(source, word, word.text));
        }
    }
}

fn state(source: &Arc<Source>, word: &Word<'_>, field: &str) -> Finding {
    report(
        source,
        &codes::CHART_RELEASE_STATE,
        word.at,
        word.text,
        format!("`.Release.{field}` asks for the history of a Helm release, and there is none"),
        "make it a value of the chart",
    )
}

/// Lines of text that give an object a hook annotation.
fn hooks(source: &Arc<Source>, text: &str, at: usize, findings: &mut Findings) {
    const KEY: &str = "helm.sh/hook";
    for (found, _) in text.match_indices(KEY) {
        let line_start = text[..found].rfind('\n').map_or(0, |newline| newline + 1);
        if text[line_start..found].trim_start().starts_with('#') {
            continue;
        }
        let rest = text[found + KEY.len()..].trim_start_matches(['"', '\'']).trim_start();
        let Some(value) = rest.strip_prefix(':') else { continue };
        let value = value.lines().next().unwrap_or_default();
        let value = value.split(" #").next().unwrap_or_default();
        for event in value.split(',').map(|event| event.trim_matches([' ', '\t', '"', '\''])) {
            if runs_with_install(event) {
                findings.push(report(
                    source,
                    &codes::CHART_HOOK,
                    at + found,
                    KEY,
                    format!("the chart has a `{event}` hook, which would silently not run"),
                    "make it a `run` step or a test of the product, or an ordinary object",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::File;
    use crate::render::packed::tests::packed as archive;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::new();
        for (path, text) in files {
            tree.insert(*path, File { bytes: text.as_bytes().into(), executable: false });
        }
        tree
    }

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let mut tree = tree(files);
        tree.insert("c/Chart.yaml", File { bytes: (*b"name: c\n").into(), executable: false });
        chart(&tree, "products/web", "c")
            .into_iter()
            .map(|finding| {
                let place = finding.place.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("{} {place} {}", finding.code.id, finding.message)
            })
            .collect()
    }

    #[test]
    fn unstable_functions_are_found_with_line_and_column() {
        let text = "a: 1\nb: {{ .Values.x | default (randAlphaNum 16) | quote }}\nc: {{ if lookup \"v1\" }}";
        assert_eq!(
            found(&[("c/templates/a.yaml", text)]),
            [
                "TG0410 products/web/c/templates/a.yaml:2:28 `randAlphaNum` gives another result in every run",
                "TG0410 products/web/c/templates/a.yaml:3:10 `lookup` gives another result in every run",
            ]
        );
    }

    #[test]
    fn every_listed_function_is_found_in_an_action_and_never_as_a_field_a_string_or_text() {
        for (name, _) in UNSTABLE {
            assert_eq!(found(&[("c/templates/a.yaml", &format!("{{{{ {name} 1 }}}}"))]).len(), 1, "{name}");
            let text = format!(
                "{name}: {name} {{{{ .Values.{name} }}}} {{{{ \"{name}\" }}}} {{{{/* {name} */}}}} {{{{ ${name} }}}}"
            );
            assert!(found(&[("c/templates/a.yaml", &text)]).is_empty(), "{name}");
        }
    }

    #[test]
    fn questions_for_the_history_of_a_release_are_found() {
        let text = "{{ if .Release.IsInstall }}{{ $.Release.Revision }}{{ index .Release \"IsUpgrade\" }}{{ .Release.Name }}{{ .Values.Release.x }}";
        let codes = found(&[("c/templates/_helpers.tpl", text)]);
        assert_eq!(codes.len(), 3, "{codes:?}");
        assert!(codes.iter().all(|code| code.starts_with("TG0412")));
    }

    #[test]
    fn install_hooks_are_found_and_test_hooks_are_not() {
        let text =
            "annotations:\n  \"helm.sh/hook\": post-install,post-delete\n  helm.sh/hook-weight: \"1\"\n";
        assert_eq!(
            found(&[("c/templates/a.yaml", text)]),
            [
                "TG0411 products/web/c/templates/a.yaml:2:4 the chart has a `post-install` hook, which would silently not run"
            ]
        );
        for fine in [
            "helm.sh/hook: test",
            "# helm.sh/hook: pre-install",
            "helm.sh/hook: pre-delete # pre-install",
            "x: helm.sh/hook",
        ] {
            assert!(found(&[("c/templates/a.yaml", fine)]).is_empty(), "{fine}");
        }
    }

    #[test]
    fn only_templates_count_unless_the_chart_renders_texts() {
        let values = ("c/values.yaml", "x: '{{ now }}'");
        let notes = ("c/templates/NOTES.txt", "{{ now }}");
        let readme = ("c/README.md", "{{ now }}");
        assert!(found(&[values, notes, readme, ("c/templates/a.yaml", "{{ .Values.x }}")]).is_empty());
        let found = found(&[values, notes, readme, ("c/templates/a.yaml", "{{ tpl .Values.x . }}")]);
        assert_eq!(found, ["TG0410 products/web/c/values.yaml:1:8 `now` gives another result in every run"]);
    }

    #[test]
    fn charts_within_are_scanned_as_folders_and_as_archives() {
        let inner = ("c/charts/sub/templates/a.yaml", "{{ now }}");
        let files = [("c/charts/sub/Chart.yaml", "name: sub"), inner];
        assert_eq!(
            found(&files),
            ["TG0410 products/web/c/charts/sub/templates/a.yaml:1:4 `now` gives another result in every run"]
        );

        let mut packed = tree(&[("c/Chart.yaml", "name: c")]);
        packed.insert(
            "c/charts/sub-1.0.0.tgz",
            File {
                bytes: archive(&[
                    ("sub/Chart.yaml", b"name: sub"),
                    ("sub/templates/a.yaml", b"{{ uuidv4 }}"),
                ])
                .into(),
                executable: false,
            },
        );
        let finding = chart(&packed, "", "c").into_iter().next().unwrap();
        assert_eq!(finding.place.unwrap().to_string(), "c/charts/sub-1.0.0.tgz/templates/a.yaml:1:4");
        packed.insert("c/charts/sub-1.0.0.tgz", File { bytes: (*b"no archive").into(), executable: false });
        assert_eq!(chart(&packed, "", "c").into_iter().next().unwrap().code.id, "TG0413");
    }

    #[test]
    fn a_folder_without_chart_yaml_is_no_chart() {
        let findings = chart(&tree(&[("x/templates/a.yaml", "")]), "products/web", "x");
        assert_eq!(
            findings.into_iter().next().unwrap().message,
            "`products/web/x` is no Helm chart: it has no `Chart.yaml`"
        );
    }
}
