//! Charts: the newest version among the entries of an index, or among the tags of an OCI repository.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::artifacthub;
use super::constraint::Constraint;
use super::pick::{Choice, NoChoice, pick};
use super::policy::{Policy, Prereleases};
use super::version::{Level, Scheme};
use crate::version::KubeVersion;

/// A version of a chart, as an index lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
    /// `application`, or `library`; the former if it is not said.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// SHA-256 of its archive, in hexadecimal digits.
    pub digest: Option<String>,
    /// When it was put into the index.
    pub created: Option<Timestamp>,
    /// Where its archive is kept: absolute, or relative to the index.
    pub urls: Vec<String>,
    /// Its project's page.
    pub home: Option<String>,
    /// Where the sources of it and of what it installs are.
    pub sources: Vec<String>,
    /// The charts that it brings along.
    pub dependencies: Vec<Dependency>,
    /// What its makers tell Artifact Hub, unparsed: see [`super::artifacthub`].
    pub annotations: BTreeMap<String, String>,
}

/// A chart that another one brings along.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// A version, or a range of them.
    pub version: Option<String>,
    /// The repository that has it.
    pub repository: Option<String>,
}

/// What a version of a chart says of some versions of Kubernetes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission<'v> {
    /// Those that it can be installed on.
    pub admitted: Vec<&'v KubeVersion>,
    /// Those that it refuses.
    pub refused: Vec<&'v KubeVersion>,
    /// Why its constraint can't be read: then it keeps nobody out, and nobody knows whether Helm will.
    pub unreadable: Option<String>,
}

impl Entry {
    /// Whether its makers call it a prerelease, whatever its version looks like.
    pub fn is_marked_prerelease(&self) -> bool {
        artifacthub::is_prerelease(&self.annotations)
    }

    /// Which of these versions of Kubernetes it can be installed on.
    pub fn admits<'v>(&self, kubernetes: impl IntoIterator<Item = &'v KubeVersion>) -> Admission<'v> {
        let range = self.kube_version.as_deref().map(str::parse::<Constraint>).transpose();
        let mut admission = Admission::default();
        let range = range.unwrap_or_else(|error| {
            admission.unreadable = Some(error.to_string());
            None
        });
        let admits = |version: &&KubeVersion| range.as_ref().is_none_or(|range| range.takes(version));
        (admission.admitted, admission.refused) = kubernetes.into_iter().partition(admits);
        admission
    }
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
    /// The newest of each level by itself.
    pub levels: BTreeMap<Level, &'e str>,
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

/// The tag of an OCI repository that stands for a version.
pub fn to_oci_tag(version: &str) -> String {
    version.replacen('+', "_", 1)
}

/// What is newer than `current`. If repositories list it, others are not the same chart and do not count.
/// Neither do versions that are marked as prereleases, unless the policy asks for prereleases.
///
/// # Errors
/// As [`pick`].
pub fn newer<'e>(
    current: &str,
    entries: &'e [Entry],
    policy: &Policy,
    kubernetes: Option<&KubeVersion>,
) -> Result<NewerChart<'e>, NoChoice> {
    let is_own = |entry: &&Entry| is_same(&entry.version, current, policy);
    let homes: Vec<&Option<String>> = entries.iter().filter(is_own).map(|entry| &entry.repo).collect();
    let marked = |entry: &Entry| {
        policy.prerelease == Prereleases::Auto && !is_own(&entry) && entry.is_marked_prerelease()
    };
    let own = |entry: &&Entry| (homes.is_empty() || homes.contains(&&entry.repo)) && !marked(entry);
    let own: Vec<&Entry> = entries.iter().filter(own).collect();
    let choose = |some: &mut dyn Iterator<Item = &'e Entry>| -> Result<Option<Choice<'e>>, NoChoice> {
        let tags: Vec<&'e str> = some.map(|entry| entry.version.as_str()).collect();
        if tags.is_empty() { Ok(None) } else { pick(current, &tags, policy).map(Some) }
    };
    let entry = |tag: &str| own.iter().find(|entry| entry.version == tag).copied();
    if own.is_empty() {
        return Err(NoChoice::NoTags);
    }
    let highest = choose(&mut own.iter().copied())?.and_then(|choice| entry(choice.latest?));
    let choice = choose(&mut own.iter().copied().filter(|entry| !entry.deprecated))?;
    let newest = choice.as_ref().and_then(|choice| entry(choice.newest?));
    let installable = match kubernetes {
        None => None,
        Some(kubernetes) => {
            // Helm installs nothing whose constraint it can't read.
            let admits = |entry: &&Entry| {
                let admission = entry.admits([kubernetes]);
                admission.refused.is_empty() && admission.unreadable.is_none()
            };
            let mut some = own.iter().copied().filter(|entry| !entry.deprecated).filter(admits);
            Some(choose(&mut some)?.and_then(|choice| entry(choice.newest?)))
        }
    };
    let app = |entry: &'e Entry| entry.app_version.as_deref();
    let app_level = newest.and_then(|newest| {
        let now = own.iter().copied().find(is_own)?;
        let (now, next) = (Scheme::Semver.read(app(now)?)?, Scheme::Semver.read(app(newest)?)?);
        super::version::by_age(&now, &next).is_ne().then(|| next.level(&now))
    });
    Ok(NewerChart {
        newest,
        installable,
        deprecated_upstream: highest.is_some_and(|entry| entry.deprecated),
        chart_level: choice.as_ref().and_then(|choice| choice.level),
        app_level,
        levels: choice.map(|choice| choice.levels).unwrap_or_default(),
    })
}

/// Whether two texts name the same version: with a `v` or without, and with missing numbers as zeros.
pub fn is_same(one: &str, other: &str, policy: &Policy) -> bool {
    let texts = || policy.text(one).zip(policy.text(other));
    let equal = |(one, other): (Cow<'_, str>, Cow<'_, str>)| {
        let read = policy.scheme.read(&one).zip(policy.scheme.read(&other));
        read.is_some_and(|(one, other)| super::version::by_age(&one, &other).is_eq())
    };
    one == other || texts().is_some_and(equal)
}

/// The charts whose name is this one: a name is no pattern.
pub fn named<'n>(pattern: &str, names: &[&'n str]) -> Vec<&'n str> {
    names.iter().copied().filter(|name| *name == pattern).collect()
}

#[cfg(test)]
mod tests {
    use super::super::version::Scheme;
    use super::*;

    fn entry(version: &str) -> Entry {
        Entry { version: version.to_owned(), ..Entry::default() }
    }

    fn marked(version: &str) -> Entry {
        let mark = ("artifacthub.io/prerelease".to_owned(), "true".to_owned());
        Entry { annotations: BTreeMap::from([mark]), ..entry(version) }
    }

    fn newest(current: &str, entries: &[Entry], prerelease: Prereleases) -> Option<String> {
        let policy = Policy { prerelease, ..Policy::of(Scheme::Semver) };
        newer(current, entries, &policy, None).unwrap().newest.map(|entry| entry.version.clone())
    }

    #[test]
    fn a_version_marked_as_prerelease_is_no_candidate_unless_somebody_asks() {
        let entries = [entry("1.0.0"), entry("1.1.0"), marked("1.2.0")];
        assert_eq!(newest("1.0.0", &entries, Prereleases::Auto).as_deref(), Some("1.1.0"));
        assert_eq!(newest("1.0.0", &entries, Prereleases::Any).as_deref(), Some("1.2.0"));
    }

    #[test]
    fn the_installed_version_counts_marked_or_not() {
        let entries = [marked("1.0.0"), entry("1.1.0")];
        assert_eq!(newest("1.0.0", &entries, Prereleases::Auto).as_deref(), Some("1.1.0"));
        assert_eq!(newest("1.0.0", &entries[..1], Prereleases::Auto), None);
    }

    #[test]
    fn the_installed_version_is_found_however_it_is_written() {
        let of = |version: &str, repo: &str| Entry { repo: Some(repo.to_owned()), ..entry(version) };
        let entries = [of("v1.7.0", "a"), of("1.7.5", "a"), of("2.0.0", "b")];
        assert_eq!(newest("1.7", &entries, Prereleases::Auto).as_deref(), Some("1.7.5"));
        assert_eq!(newest("1.7.0", &entries, Prereleases::Auto).as_deref(), Some("1.7.5"));
    }

    #[test]
    fn a_chart_whose_highest_version_is_deprecated_is_given_up_installed_or_not() {
        let entries = [entry("1.0.0"), Entry { deprecated: true, ..entry("1.1.0") }];
        for current in ["1.0.0", "1.1.0", "1.2.0"] {
            let found = newer(current, &entries, &Policy::of(Scheme::Helm), None).unwrap();
            assert!(found.deprecated_upstream && found.newest.is_none(), "{current}");
        }
    }

    #[test]
    fn what_nobody_can_read_is_not_installable() {
        let kubernetes: KubeVersion = "1.28.0".parse().unwrap();
        for constraint in ["1.20 - 1.27", "v1.27.x", "!=1.28.0", "garbage"] {
            let next = Entry { kube_version: Some(constraint.to_owned()), ..entry("1.1.0") };
            let entries = [entry("1.0.0"), next];
            let found = newer("1.0.0", &entries, &Policy::of(Scheme::Helm), Some(&kubernetes)).unwrap();
            assert_eq!(found.newest.map(|entry| entry.version.as_str()), Some("1.1.0"));
            assert_eq!(found.installable, Some(None), "{constraint}");
        }
    }

    #[test]
    fn each_level_has_its_own_newest() {
        let entries = ["1.0.0", "1.0.1", "1.1.0", "2.0.0"].map(entry);
        let found = newer("1.0.0", &entries, &Policy::of(Scheme::Helm), None).unwrap();
        assert_eq!(found.levels.into_values().collect::<Vec<_>>(), ["1.0.1", "1.1.0", "2.0.0"]);
    }

    #[test]
    fn which_versions_of_kubernetes_a_chart_admits() {
        let kubernetes: Vec<KubeVersion> =
            ["1.34.6", "v1.35.3-eks-4ac2", "1.36"].iter().map(|text| text.parse().unwrap()).collect();
        let [old, managed, next] = kubernetes.as_slice() else { panic!() };
        let constrained = |text: &str| Entry { kube_version: Some(text.to_owned()), ..entry("1.0.0") };

        let some = constrained(">=1.22.0-0 <1.36.0-0");
        let admission = some.admits(&kubernetes);
        assert_eq!((admission.admitted, admission.refused), (vec![old, managed], vec![next]));
        assert_eq!(entry("1.0.0").admits(&kubernetes).admitted.len(), 3);
    }

    #[test]
    fn a_constraint_that_nobody_can_read_keeps_nobody_out_and_is_told() {
        let kubernetes: KubeVersion = "1.36".parse().unwrap();
        let odd = Entry { kube_version: Some("anything, really".to_owned()), ..entry("1.0.0") };
        let admission = odd.admits([&kubernetes]);
        assert_eq!(admission.admitted, [&kubernetes]);
        assert!(admission.unreadable.is_some());
    }
}
