//! Charts: the newest version among the entries of an index, or among the tags of an OCI repository.

use super::pick::{NoChoice, pick};
use super::policy::Policy;
use super::version::{Level, Scheme};
use crate::version::{KubeRange, KubeVersion};

/// A version of a chart, as an index lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entry {
    /// Its version.
    pub version: String,
    /// The repository that lists it, where several are looked at.
    pub repo: Option<String>,
    /// The version of what it installs.
    pub app_version: Option<String>,
    /// Whether whoever keeps it has given it up.
    pub deprecated: bool,
    /// The versions of Kubernetes that it can be installed on.
    pub kube_version: Option<String>,
}

/// What is newer than the installed version of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewerChart<'e> {
    /// The newest version.
    pub newest: Option<&'e Entry>,
    /// The newest one that a cluster's Kubernetes admits; absent where nobody asked about a cluster.
    pub installable: Option<Option<&'e Entry>>,
    /// Whether the highest version of all is deprecated.
    pub deprecated_upstream: bool,
    /// How far the chart is from the newest one.
    pub chart_level: Option<Level>,
    /// How far what it installs is from that of the newest one, if both are known.
    pub app_level: Option<Level>,
}

/// The version that a tag of an OCI repository stands for: a tag can't hold a `+`, and Helm writes the first
/// one as `_` (helm.sh/docs/topics/registries, "Version naming").
pub fn from_oci_tag(tag: &str) -> String {
    tag.replacen('_', "+", 1)
}

/// What is newer than `current`. If repositories list it, others are not the same chart and do not count.
///
/// # Errors
/// As [`pick`].
pub fn newer<'e>(
    current: &str,
    entries: &'e [Entry],
    policy: &Policy,
    kubernetes: Option<&KubeVersion>,
) -> Result<NewerChart<'e>, NoChoice> {
    let homes: Vec<&Option<String>> =
        entries.iter().filter(|entry| entry.version == current).map(|entry| &entry.repo).collect();
    let own = |entry: &&Entry| homes.is_empty() || homes.contains(&&entry.repo);
    let own: Vec<&Entry> = entries.iter().filter(own).collect();
    let choose =
        |some: &mut dyn Iterator<Item = &'e Entry>| -> Result<(Option<&'e Entry>, Option<Level>), NoChoice> {
            let some: Vec<&'e Entry> = some.collect();
            let tags: Vec<&str> = some.iter().map(|entry| entry.version.as_str()).collect();
            if tags.is_empty() {
                return Ok((None, None));
            }
            let choice = pick(current, &tags, policy)?;
            let found = choice.newest.and_then(|tag| some.iter().find(|entry| entry.version == tag));
            Ok((found.copied(), choice.level))
        };
    if own.is_empty() {
        return Err(NoChoice::NoTags);
    }
    let (highest, _) = choose(&mut own.iter().copied())?;
    let (newest, chart_level) = choose(&mut own.iter().copied().filter(|entry| !entry.deprecated))?;
    let installable = match kubernetes {
        None => None,
        Some(kubernetes) => {
            let admits = |entry: &&Entry| {
                let range = entry.kube_version.as_deref().map(str::parse::<KubeRange>);
                // A constraint that nobody can read keeps nobody out.
                range.and_then(Result::ok).is_none_or(|range| range.matches(kubernetes))
            };
            let mut some = own.iter().copied().filter(|entry| !entry.deprecated).filter(admits);
            Some(choose(&mut some)?.0)
        }
    };
    let app = |entry: &'e Entry| entry.app_version.as_deref();
    let app_level = newest.and_then(|newest| {
        let now = own.iter().find(|entry| entry.version == current)?;
        let (now, next) = (Scheme::Semver.read(app(now)?)?, Scheme::Semver.read(app(newest)?)?);
        super::version::by_age(&now, &next).is_ne().then(|| next.level(&now))
    });
    Ok(NewerChart {
        newest,
        installable,
        deprecated_upstream: highest.is_some_and(|entry| entry.deprecated),
        chart_level,
        app_level,
    })
}

/// The charts whose name is this one: a name is no pattern.
pub fn named<'n>(pattern: &str, names: &[&'n str]) -> Vec<&'n str> {
    names.iter().copied().filter(|name| *name == pattern).collect()
}
