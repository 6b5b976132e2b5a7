//! The keys of a config (internal/config/config.go and the types it names, at version 0.13): those that say
//! something for us are read, the others are told with what to do instead.

use super::asked::{Asked, Known, registry};
use super::reader::{At, Reader, Word};
use super::told;
use crate::diag::{Finding, codes};
use crate::yaml::Node;

/// What a config says that has a counterpart here.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// `images`.
    pub images: Vec<Word>,
    /// `imageRegistries.NAME.allowAllReleases`: registries of which everything counts.
    pub whole: Vec<(Known, Word)>,
    /// `imageRegistries.overrideRegistries`.
    pub redirects: Vec<Override>,
    /// `imageRegistries.override`.
    pub overrides: Vec<Override>,
    /// `imageRegistries.overrideImageNames`.
    pub names: Vec<(String, Word)>,
    /// `helmRegistries.override`.
    pub charts: Vec<Charts>,
    /// `helmRegistries.overrideChartNames`.
    pub chart_names: Vec<(String, Word)>,
    /// `github.repos`.
    pub repos: Vec<Repo>,
}

/// Images, or registries, whose news are asked for elsewhere.
#[derive(Debug)]
pub(super) struct Override {
    /// Who is asked; nothing where that can't be read.
    pub asked: Option<Asked>,
    /// The key that says who.
    pub by: Option<Word>,
    /// Expressions for names of images, or hosts.
    pub of: Vec<Word>,
    /// Whether everything counts, and where that is said.
    pub whole: Option<(bool, Word)>,
}

/// Charts of a repository.
#[derive(Debug)]
pub(super) struct Charts {
    pub address: Option<Word>,
    pub charts: Vec<Word>,
    pub whole: Option<(bool, Word)>,
}

/// A repository at GitHub.
#[derive(Debug)]
pub(super) struct Repo {
    pub repo: Option<Word>,
    pub version: Option<Word>,
}

const TOP: [&str; 10] = [
    "type",
    "app",
    "kubernetesFetchEnabled",
    "namespaces",
    "imageRegistries",
    "images",
    "helmRegistries",
    "xray",
    "trivy",
    "github",
];
const FILTER: &str = "filterVulnerabilities";

/// Reads a config.
pub(super) fn read(reader: &mut Reader, root: &Node) -> Config {
    let mut config = Config::default();
    let known: Vec<&'static str> = TOP.into_iter().chain([FILTER]).collect();
    for (key, at) in reader.entries(&At::root(root), &known) {
        match key {
            "imageRegistries" => image_registries(reader, &at, &mut config),
            "images" => config.images = reader.words(&at),
            "helmRegistries" => helm_registries(reader, &at, &mut config),
            "github" => github(reader, &at, &mut config),
            "app" => told::app(reader, &at),
            "xray" => told::xray(reader, &at),
            "trivy" => told::trivy(reader, &at),
            FILTER => told::filter(reader, &at),
            "namespaces" => told::namespaces(reader, &at),
            "kubernetesFetchEnabled" => told::fetch(reader, &at),
            _ => reader.drop(&at, "it never meant anything"),
        }
    }
    config
}

fn image_registries(reader: &mut Reader, at: &At<'_>, config: &mut Config) {
    let known: Vec<&'static str> = Known::ALL
        .iter()
        .map(|known| known.key())
        .chain(["override", "overrideRegistries", "overrideImageNames"])
        .collect();
    for (key, at) in reader.entries(at, &known) {
        match key {
            "override" => config.overrides = overrides(reader, &at, "images"),
            "overrideRegistries" => config.redirects = overrides(reader, &at, "urls"),
            "overrideImageNames" => config.names = names(reader, &at),
            key => {
                if let Some(known) = Known::of_key(key) {
                    usual_registry(reader, &at, known, config);
                }
            }
        }
    }
}

/// One of the registries that the program knows by itself.
fn usual_registry(reader: &mut Reader, at: &At<'_>, known: Known, config: &mut Config) {
    for (key, at) in reader.entries(at, &told::REGISTRY) {
        match key {
            "allowAllReleases" => {
                if reader.is_on(&at) {
                    config.whole.push((known, flag(&at)));
                } else {
                    reader.drop(&at, "it is off, as it is if absent");
                }
            }
            "default" if reader.is_on(&at) => reader.leave(
                &at,
                "each registry is asked for its own images here",
                format!(
                    "for each registry of yours with copies write a mirror: `at: YOUR-REGISTRY`, `of: {}`",
                    known.host()
                ),
            ),
            "default" => reader.drop(&at, "it is off, as it is if absent"),
            "name" | "url" => reader.drop(&at, "of a registry that it knows, it never counted"),
            key => told::registry_key(reader, key, &at, Some(known.host())),
        }
    }
}

fn overrides(reader: &mut Reader, at: &At<'_>, what: &'static str) -> Vec<Override> {
    let items = reader.items(at);
    items.iter().map(|item| one_override(reader, item, what)).collect()
}

fn one_override(reader: &mut Reader, at: &At<'_>, what: &'static str) -> Override {
    let mut found = Override { asked: None, by: None, of: Vec::new(), whole: None };
    let (mut named, mut own) = (None, None);
    for (key, at) in reader.entries(at, &["registry", "registryName", "allowAllReleases", what]) {
        match key {
            "registry" => own = Some(at),
            "registryName" => named = reader.word(&at),
            "allowAllReleases" => found.whole = Some((reader.is_on(&at), flag(&at))),
            _ => found.of = reader.words(&at),
        }
    }
    let own = own.map(|at| registry(reader, &at, named.is_some()));
    match (named, own) {
        (Some(named), _) => {
            match Known::of_name(&named.value) {
                Some(known) => found.asked = Some(Asked::host(known.host())),
                None => unknown_registry(reader, &named),
            }
            found.by = Some(named);
        }
        (None, Some(own)) => {
            (found.asked, found.by, found.whole) = (own.asked, own.by, found.whole.or(own.whole))
        }
        (None, None) => reader.lacks(at, "registryName", "`registryName`, and `registry` too"),
    }
    found
}

fn unknown_registry(reader: &mut Reader, named: &Word) {
    let all: Vec<&str> = Known::ALL.iter().map(|known| known.name()).collect();
    let words = format!("unknown registry `{}` in `{}`", named.value, named.way);
    let finding = Finding::error(&codes::UNKNOWN_VALUE, words).at(&named.place);
    let finding = finding.label(format!("expected one of {}", all.join(", ")));
    reader.wrong(finding.did_you_mean(&named.value, all));
}

fn names(reader: &mut Reader, at: &At<'_>) -> Vec<(String, Word)> {
    let pairs = reader.pairs(at);
    pairs.into_iter().filter_map(|(name, at)| Some((name, reader.word(&at)?))).collect()
}

fn helm_registries(reader: &mut Reader, at: &At<'_>, config: &mut Config) {
    for (key, at) in reader.entries(at, &["override", "overrideChartNames"]) {
        match key {
            "overrideChartNames" => config.chart_names = names(reader, &at),
            _ => {
                let items = reader.items(&at);
                config.charts = items.iter().map(|item| chart_override(reader, item)).collect();
            }
        }
    }
}

fn chart_override(reader: &mut Reader, at: &At<'_>) -> Charts {
    let mut found = Charts { address: None, charts: Vec::new(), whole: None };
    for (key, below) in reader.entries(at, &["registry", "charts", "allowAllReleases"]) {
        match key {
            "registry" => {
                for (_, at) in reader.entries(&below, &["url"]) {
                    found.address = reader.word(&at);
                }
                if found.address.is_none() {
                    reader.lacks(&below, "url", "`url`");
                }
            }
            "charts" => found.charts = reader.words(&below),
            _ => found.whole = Some((reader.is_on(&below), flag(&below))),
        }
    }
    if found.address.is_none() {
        reader.lacks(at, "registry", "`registry.url`");
    }
    found
}

fn github(reader: &mut Reader, at: &At<'_>, config: &mut Config) {
    for (key, at) in reader.entries(at, &["credentials", "repos"]) {
        match key {
            "repos" => {
                let items = reader.items(&at);
                config.repos = items.iter().map(|item| repo(reader, item)).collect();
            }
            _ => told::github_credentials(reader, &at),
        }
    }
}

fn repo(reader: &mut Reader, at: &At<'_>) -> Repo {
    let mut found = Repo { repo: None, version: None };
    for (key, at) in reader.entries(at, &["repo", "version", "useTag"]) {
        match key {
            "repo" => found.repo = reader.word(&at),
            "version" => found.version = reader.word(&at),
            _ => {
                reader.is_on(&at);
                reader.drop(&at, "tags are what is read here, with releases or without");
            }
        }
    }
    if found.repo.is_none() {
        reader.lacks(at, "repo", "`repo`");
    }
    found
}

/// Where a switch stands.
pub(super) fn flag(at: &At<'_>) -> Word {
    Word { way: at.way.clone(), value: String::new(), place: at.place.clone() }
}
