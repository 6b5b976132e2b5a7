//! Rules about products: the files that steps and tests name, the forms of their fields, values
//! against the schema, secrets and images, and what they require of each other.

use std::collections::BTreeSet;

use crate::diag::{Finding, Findings, Place, Severity, codes};
use crate::model::{DeployStep, IMAGES, Product, Selector, Test, Upstream, secrets};
use crate::yaml::{Node, Spanned};

use super::super::part::Part;
use super::super::values::{Completeness, break_schema, check_schema};
use super::super::{Catalog, images, objects, release};
use super::labels::Universe;
use super::{filled, known_product, releases, twice};

pub(super) fn rules(catalog: &Catalog, universe: Option<&Universe>, findings: &mut Findings) {
    for product in catalog.products.values() {
        findings.extend(product.with_part(|part| of_part(&part)));
        let spec = &product.file.spec;
        if let Some(universe) = universe
            && let Some(place) = selector_place(&product.node)
        {
            // A product may come before the clusters that are to have it.
            findings.extend(universe.check(&spec.selector, place, Severity::Warning));
        }
        for required in spec.requires.keys() {
            if release::is_reserved(required.as_str()) {
                findings.push(
                    release::reserved(required)
                        .hint("the Kubernetes versions that a product works on are `spec.kubernetes`"),
                );
            } else {
                findings.extend(known_product(catalog, required));
            }
        }
        // A name that is no product at all was found; here is about versions.
        if let Ok(content) = product.content() {
            let name = &product.file.metadata.name.value;
            let version = &product.file.spec.version;
            findings.extend(
                release::reused(catalog, name, &version.value, &content.digest).map(|f| f.at(&version.place)),
            );
        }
    }
    let set = releases::working_set(catalog);
    findings.extend(set.cycles());
    findings.extend(
        set.requirements()
            .into_iter()
            .filter(|finding| finding.place.as_ref().is_none_or(|place| !is_unknown(catalog, place))),
    );
}

/// Whether the place is that of a required product which was already called unknown, or whose
/// file can't be read.
fn is_unknown(catalog: &Catalog, place: &Place) -> bool {
    catalog
        .products
        .values()
        .flat_map(|product| product.file.spec.requires.keys())
        .any(|required| required.place == *place && !catalog.products.contains_key(&required.value))
}

fn selector_place(node: &Node) -> Option<&Place> {
    node.at(&["spec", "where"]).map(|node| &node.place)
}

/// What is wrong with a product by itself.
pub(crate) fn of_part(part: &Part<'_>) -> Findings {
    let spec = part.spec();
    let mut findings = Findings::new();
    findings.extend(filled(&spec.owner, "the owner"));
    forms(spec, &mut findings);
    labels_form(&spec.selector, &mut findings);
    let steps = spec.named_steps();
    let places: Vec<(String, &Place)> = steps
        .iter()
        .map(|(name, step)| (name.clone(), step.value.given_name().map_or(&step.place, |given| &given.place)))
        .collect();
    findings.extend(twice(places.iter().map(|(name, place)| (name, *place)), "the step"));
    for step in &spec.deploy {
        deploy_step(part, step, &mut findings);
    }
    let tests = spec.tests.iter().map(|test| (&test.value.name().value, &test.value.name().place));
    findings.extend(twice(tests, "the test"));
    for test in &spec.tests {
        test_files(part, &test.value, &mut findings);
    }
    // What brings nothing to a cluster has nothing to prove there.
    if spec.tests.is_empty() && !spec.deploy.is_empty() {
        findings.push(
            Finding::warning(&codes::PRODUCT_WITHOUT_TESTS, format!("`{}` has no tests", part.name()))
                .at(&part.file.metadata.name.place),
        );
    }
    let (_, unreadable) = objects::of(part);
    findings.extend(unreadable);
    findings.extend(super::super::secrets::of_product(part));
    findings.extend(images::without_digest(part));
    findings.extend(check_schema(spec));
    if let Some(values) = &spec.values {
        findings.extend(locks_key(values));
        findings.extend(break_schema(part.name(), spec, values, Completeness::Partial));
    }
    findings
}

/// The key under which a lock puts what it says of images: no layer of values may.
pub(super) fn locks_key(values: &Node) -> Option<Finding> {
    let place = values.as_mapping()?.get_key_place(IMAGES)?;
    Some(wrong_form(place, format!("`{IMAGES}` is what locks say of images, and no value of a product")))
}

fn wrong_form(place: &Place, message: String) -> Finding {
    Finding::error(&codes::BAD_FIELD_FORM, message).at(place)
}

/// Label keys and values of selectors in the syntax of Kubernetes labels.
pub(super) fn labels_form(selector: &Selector, findings: &mut Findings) {
    for label in selector.0.keys() {
        findings.extend(label_key(label));
    }
}

/// A label's key: a name of up to 63 characters, with an optional DNS prefix (Kubernetes, "Labels
/// and Selectors", "Syntax and character set").
pub(super) fn label_key(label: &Spanned<String>) -> Option<Finding> {
    let (prefix, name) = match label.value.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, label.value.as_str()),
    };
    let prefix_fits = prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(dns_label));
    (!prefix_fits || name.is_empty() || !label_text(name)).then(|| {
        wrong_form(
            &label.place,
            format!("`{}` is no label: expected letters, digits, `-`, `_` and `.`, at most 63", label.value),
        )
    })
}

/// A label's value: at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter
/// or digit; or nothing.
pub(super) fn label_text(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.is_empty()
        || (text.len() <= 63
            && text.chars().all(inner)
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric()))
}

fn dns_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn forms(spec: &Product, findings: &mut Findings) {
    for provided in &spec.provides {
        let parts: Vec<&str> = provided.split('/').collect();
        let fits = (2..=3).contains(&parts.len())
            && parts.iter().all(|part| !part.is_empty() && !part.contains(char::is_whitespace));
        if !fits {
            findings.push(wrong_form(
                &provided.place,
                format!(
                    "`{}` is no API version: expected `GROUP/VERSION` or `GROUP/VERSION/KIND`",
                    provided.value
                ),
            ));
        }
    }
    findings.extend(spec.upstream.iter().filter_map(upstream));
    for removed in &spec.removed {
        if removed.name.is_empty() || removed.kind.is_empty() || removed.api_version.is_empty() {
            findings.push(
                Finding::error(&codes::EMPTY_VALUE, "an object is named by apiVersion, kind and name")
                    .at(&removed.place),
            );
        }
    }
}

/// Where new versions come from has the form that its source needs.
pub(super) fn upstream(upstream: &Spanned<Upstream>) -> Option<Finding> {
    let (text, expected) = match &upstream.value {
        Upstream::Chart(chart) => {
            let known = ["https://", "http://", "oci://"].iter().any(|s| chart.repository.starts_with(s));
            (!known).then_some((&chart.repository, "an address with `https://` or `oci://`"))
        }
        Upstream::Image(image) => {
            let last = image.repository.rsplit('/').next().unwrap_or_default();
            (last.contains([':', '@']) || image.repository.contains("://"))
                .then_some((&image.repository, "a repository without scheme, tag and digest"))
        }
        Upstream::Tool(tool) => {
            let fits = tool.repository.split_once(':').is_some_and(|(host, path)| {
                matches!(host, "github" | "gitlab") && path.contains('/') && !path.starts_with('/')
            });
            (!fits).then_some((&tool.repository, "`github:OWNER/NAME` or `gitlab:GROUP/NAME`"))
        }
        Upstream::Addon(addon) => {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let is_name = |name: &str| !name.is_empty() && name.len() <= 100 && name.chars().all(fits);
            let fits = addon
                .name
                .split_once('/')
                .is_some_and(|(provider, name)| matches!(provider, "eks" | "aks") && is_name(name));
            (!fits).then_some((&addon.name, "`eks/NAME` or `aks/NAME`"))
        }
        Upstream::Kubernetes(_) => None,
    }?;
    Some(wrong_form(&text.place, format!("`{}` is not {expected}", text.value)))
}

fn deploy_step(part: &Part<'_>, whole: &Spanned<DeployStep>, findings: &mut Findings) {
    match &whole.value {
        DeployStep::Manifests(step) => {
            if named_file(part, &step.path, Wanted::FileOrFolder, findings) {
                let files = part.files_at(&step.path.value);
                let manifest =
                    |path: &&str| [".yaml", ".yml", ".json", ".yaml.j2"].iter().any(|e| path.ends_with(e));
                if !files.iter().any(manifest) {
                    findings.push(
                        Finding::error(
                            &codes::MISSING_FILE,
                            format!("`{}` holds no manifest", step.path.value),
                        )
                        .at(&step.path.place)
                        .hint("manifests are `*.yaml`, `*.yml`, `*.json` and `*.yaml.j2`"),
                    );
                }
            }
            namespace(step.namespace.as_ref(), findings);
        }
        DeployStep::Helm(step) => {
            if named_file(part, &step.chart, Wanted::Folder, findings) {
                let chart = format!("{}/Chart.yaml", plain_path(&step.chart.value));
                if part.tree.get(&chart).is_none() {
                    findings.push(
                        Finding::error(&codes::MISSING_FILE, format!("`{}` is no chart", step.chart.value))
                            .at(&step.chart.place)
                            .label("there is no `Chart.yaml` in it"),
                    );
                }
            }
            namespace(Some(&step.namespace), findings);
            if let Some(release) = &step.release
                && (release.len() > 53 || !release.split('.').all(dns_label))
            {
                findings.push(wrong_form(
                    &release.place,
                    format!("`{}` is no name of a Helm release: at most 53 lower-case letters, digits, dashes and dots", release.value),
                ));
            }
            values_from(part, step.values_from.as_ref(), findings);
        }
        DeployStep::Run(step) => {
            command(part, &step.command, &whole.place, findings);
            if let Some(observe) = &step.observe {
                command(part, observe, &whole.place, findings);
            }
            environment(step.env.as_ref(), findings);
        }
        DeployStep::ControlPlane(_) | DeployStep::NodePools(_) | DeployStep::Addon(_) => {}
    }
    if whole.value.timeout().is_zero() {
        findings.push(zero_timeout(step_timeout_place(&whole.value).unwrap_or(&whole.place)));
    }
}

fn step_timeout_place(step: &DeployStep) -> Option<&Place> {
    match step {
        DeployStep::Manifests(s) => s.timeout.as_ref().map(|t| &t.place),
        DeployStep::Helm(s) => s.timeout.as_ref().map(|t| &t.place),
        DeployStep::Run(s) => s.timeout.as_ref().map(|t| &t.place),
        _ => None,
    }
}

fn zero_timeout(place: &Place) -> Finding {
    Finding::error(&codes::INVALID_VALUE, "a timeout of no time at all").at(place).label("at least `1s`")
}

fn namespace(namespace: Option<&Spanned<String>>, findings: &mut Findings) {
    if let Some(namespace) = namespace.filter(|namespace| !dns_label(&namespace.value)) {
        findings.push(wrong_form(
            &namespace.place,
            format!("`{}` is no namespace: expected lower-case letters, digits and dashes", namespace.value),
        ));
    }
}

fn values_from(part: &Part<'_>, path: Option<&Spanned<String>>, findings: &mut Findings) {
    let Some(path) = path else { return };
    let steps: Vec<&str> = path.value.split('.').collect();
    if part.spec().values.as_ref().and_then(|values| values.at(&steps)).is_none() {
        let known = part.spec().values.as_ref().and_then(Node::as_mapping);
        let known: Vec<&str> = known.into_iter().flat_map(|mapping| mapping.keys()).collect();
        findings.push(
            Finding::error(
                &codes::UNKNOWN_VALUE_KEY,
                format!("`{}` has no value `{}`", part.name(), path.value),
            )
            .at(&path.place)
            .label("not among its defaults")
            .did_you_mean(&path.value, known),
        );
    }
}

fn environment(env: Option<&Node>, findings: &mut Findings) {
    let Some(env) = env else { return };
    let Some(variables) = env.as_mapping() else {
        findings.push(
            Finding::error(
                &codes::WRONG_TYPE,
                format!("the environment is a mapping from names to texts, found {}", env.value.kind()),
            )
            .at(&env.place),
        );
        return;
    };
    for (name, value) in variables.iter() {
        let is_name = name.text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.text.starts_with(|c: char| c.is_ascii_digit())
            && !name.text.is_empty();
        if !is_name {
            findings.push(wrong_form(
                &name.place,
                format!(
                    "`{}` is no environment variable: expected letters, digits and underscores",
                    name.text
                ),
            ));
        }
        let reference = value.get(secrets::REFERENCE).is_some();
        if value.as_str().is_none() && !reference {
            findings.push(
                Finding::error(
                    &codes::WRONG_TYPE,
                    format!("expected a text or a `secretRef`, found {}", value.value.kind()),
                )
                .at(&value.place)
                .hint("quote numbers and switches"),
            );
        } else if reference {
            findings.extend(secrets::references(value).1);
        }
    }
}

fn test_files(part: &Part<'_>, test: &Test, findings: &mut Findings) {
    match test {
        Test::Run(run) => {
            command(part, &run.command, &run.name.place, findings);
            environment(run.env.as_ref(), findings);
        }
        Test::Job(job) => {
            namespace(job.namespace.as_ref(), findings);
            if named_file(part, &job.manifest, Wanted::File, findings) {
                one_job(part, &job.manifest, findings);
            }
        }
    }
    if test.timeout().is_zero() {
        let timeout = match test {
            Test::Run(t) => t.timeout.as_ref(),
            Test::Job(t) => t.timeout.as_ref(),
        };
        findings.push(zero_timeout(timeout.map_or(&test.name().place, |t| &t.place)));
    }
}

/// A plain manifest of a Job test holds exactly one Job; of a template only rendering can tell.
fn one_job(part: &Part<'_>, manifest: &Spanned<String>, findings: &mut Findings) {
    let path = plain_path(&manifest.value);
    if path.ends_with(".j2") {
        return;
    }
    let (found, wrong) = objects::of_file(part, path);
    if wrong.has_errors() {
        return;
    }
    let kinds: Vec<&str> =
        found.iter().map(|o| o.node.get("kind").and_then(Node::as_str).unwrap_or_default()).collect();
    if kinds != ["Job"] {
        let what = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(", ") };
        findings.push(
            Finding::error(&codes::NOT_ONE_JOB, format!("`{}` is not exactly one Job", manifest.value))
                .at(&manifest.place)
                .label(format!("it holds {what}")),
        );
    }
}

/// What a path is to name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    File,
    Folder,
    FileOrFolder,
}

/// A path as trees have it.
fn plain_path(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path).trim_end_matches('/')
}

/// Whether a path of a product's file names what it should; says it if not.
fn named_file(part: &Part<'_>, path: &Spanned<String>, wanted: Wanted, findings: &mut Findings) -> bool {
    let text = plain_path(&path.value);
    let whole_folder = path.value == "." && wanted == Wanted::FileOrFolder;
    let plain = |step: &str| !matches!(step, "" | "." | "..");
    if wanted == Wanted::Folder && matches!(text, "" | ".") {
        findings.push(
            Finding::error(&codes::PATH_OUTSIDE, "a chart lies in a folder of its own")
                .at(&path.place)
                .label("this is the product's folder itself")
                .hint("move Chart.yaml, templates/ and what belongs to them into a folder, such as `chart`"),
        );
        return false;
    }
    if !whole_folder && (path.value.starts_with('/') || !text.split('/').all(plain) || text.contains('\\')) {
        findings.push(
            Finding::error(
                &codes::PATH_OUTSIDE,
                format!("`{}` is no path in the product's folder", path.value),
            )
            .at(&path.place)
            .label("relative, with `/`, without `.` and `..`"),
        );
        return false;
    }
    let is_file = part.tree.get(text).is_some();
    let is_folder = whole_folder || part.tree.below(text).next().is_some();
    let there = match wanted {
        Wanted::File => is_file,
        Wanted::Folder => is_folder,
        Wanted::FileOrFolder => is_file || is_folder,
    };
    if !there {
        let what = match wanted {
            Wanted::Folder if is_file => "it is a file and not a folder",
            Wanted::File if is_folder => "it is a folder and not a file",
            _ => "not in the product's folder",
        };
        let candidates = candidates(part, wanted);
        findings.push(
            Finding::error(&codes::MISSING_FILE, format!("`{}` is not there", path.value))
                .at(&path.place)
                .label(what)
                .did_you_mean(text, candidates.iter().copied()),
        );
    }
    there
}

/// Files and folders that could be meant.
fn candidates<'a>(part: &Part<'a>, wanted: Wanted) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for (path, _) in part.tree.iter() {
        if wanted != Wanted::Folder {
            found.insert(path);
        }
        if wanted != Wanted::File {
            found.extend(path.match_indices('/').filter_map(|(at, _)| path.get(..at)));
        }
    }
    found
}

/// A command has a program, and a program with a slash is a file of the product that may run.
fn command(part: &Part<'_>, words: &[Spanned<String>], place: &Place, findings: &mut Findings) {
    let Some(program) = words.first() else {
        findings.push(Finding::error(&codes::EMPTY_VALUE, "the command is empty").at(place));
        return;
    };
    if program.trim().is_empty() {
        findings.push(Finding::error(&codes::EMPTY_VALUE, "the program is empty").at(&program.place));
        return;
    }
    if !program.contains('/') {
        // `smoke.sh` alone would be looked for in PATH.
        if part.tree.get(&program.value).is_some() {
            findings.push(
                Finding::error(&codes::MISSING_FILE, format!("`{}` is looked for in PATH", program.value))
                    .at(&program.place)
                    .hint(format!("write `./{}` for the file in the product's folder", program.value)),
            );
        }
        return;
    }
    if program.starts_with('/') {
        findings.push(
            Finding::error(
                &codes::PATH_OUTSIDE,
                format!("`{}` is no path in the product's folder", program.value),
            )
            .at(&program.place)
            .hint(
                "a program that is installed is named without a path; one of the product by its path there",
            ),
        );
        return;
    }
    if !named_file(part, program, Wanted::File, findings) {
        return;
    }
    let path = plain_path(&program.value);
    if part.tree.get(path).is_some_and(|file| !file.executable) {
        findings.push(
            Finding::error(&codes::NOT_EXECUTABLE, format!("`{}` may not be executed", program.value))
                .at(&program.place)
                .next(format!("chmod +x products/{}/{path}", part.name())),
        );
    }
}
