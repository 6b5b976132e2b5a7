//! Add-ons of clouds: which of their versions go with which minor of Kubernetes. EKS tells it of all of its own
//! (`DescribeAddonVersions`), AKS of its Istio (`meshRevisionProfiles`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::super::loose::{Leaf, Loose, Shape, Unreadable, document};
use super::super::tidy;
use super::Provider;
use super::offered::{moment, stale};
use crate::lcm::version::{Scheme, by_age};
use crate::version::KubeMinor;

/// The add-ons of a cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addons {
    /// Whose.
    pub provider: Provider,
    /// Each of them, as they are listed.
    pub all: Vec<Addon>,
    /// When this was told, if that is known.
    pub recorded: Option<Timestamp>,
}

impl Addons {
    /// As [`super::Offered::stale`].
    pub fn stale(&self, now: Timestamp, most_days: u32) -> Option<String> {
        stale(&self.provider.addons()?, self.recorded, now, most_days)
    }

    /// An add-on by its name.
    pub fn get(&self, name: &str) -> Option<&Addon> {
        self.all.iter().find(|addon| addon.name == name)
    }
}

/// An add-on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addon {
    /// Its name, as the provider has it.
    pub name: String,
    /// Its versions, as they are listed.
    pub versions: Vec<AddonVersion>,
}

/// A version of an add-on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddonVersion {
    /// As the provider writes it: `v1.21.1-eksbuild.3`, `asm-1-27`.
    pub version: String,
    /// The minors that it goes with, and of which of them it is the default.
    pub minors: BTreeMap<KubeMinor, bool>,
}

impl Addon {
    /// Its versions that go with a minor.
    pub fn of_minor(&self, minor: KubeMinor) -> impl Iterator<Item = &AddonVersion> {
        self.versions.iter().filter(move |version| version.minors.contains_key(&minor))
    }

    /// The version that a cluster of a minor gets.
    pub fn default_of(&self, minor: KubeMinor) -> Option<&AddonVersion> {
        self.versions.iter().find(|version| version.minors.get(&minor) == Some(&true))
    }

    /// The newest version that goes with a minor; nothing where versions have no order that is known here.
    pub fn newest_of(&self, minor: KubeMinor) -> Option<&AddonVersion> {
        let scheme = Scheme::EksAddon;
        let read = self.of_minor(minor).filter_map(|one| Some((one, scheme.read(&one.version)?)));
        read.max_by(|(_, one), (_, other)| by_age(one, other)).map(|(one, _)| one)
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Told {
    addons: Loose<Vec<Loose<ToldAddon>>>,
    mesh_revisions: Loose<Vec<Loose<ToldRevision>>>,
    recorded_at: Leaf,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToldAddon {
    addon_name: Leaf,
    addon_versions: Loose<Vec<Loose<ToldVersion>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToldVersion {
    addon_version: Leaf,
    compatibilities: Loose<Vec<Loose<ToldCompatibility>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToldCompatibility {
    cluster_version: Leaf,
    default_version: Leaf,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToldRevision {
    revision: Leaf,
    compatible_with: Loose<Vec<Loose<ToldCompatible>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldCompatible {
    name: Leaf,
    versions: Loose<Vec<Leaf>>,
}

impl Shape for Told {}
impl Shape for ToldAddon {}
impl Shape for ToldVersion {}
impl Shape for ToldCompatibility {}
impl Shape for ToldRevision {}
impl Shape for ToldCompatible {}

/// Reads the add-ons of a cloud, as its own program prints them.
///
/// # Errors
/// When it is no such answer, or the provider tells nothing of add-ons.
pub fn addons(provider: Provider, bytes: &[u8]) -> Result<Addons, Unreadable> {
    if provider.addons().is_none() {
        return Err(Unreadable(format!("{provider} tells nothing of add-ons")));
    }
    let told = match document::<Loose<Told>>(bytes)? {
        Loose::Read(told) => told,
        Loose::Other(kind) => return Err(Unreadable(format!("it is {kind}, expected a mapping"))),
    };
    let recorded = told.recorded_at.text().and_then(moment);
    let all = match (provider, told) {
        (Provider::Aks, Told { mesh_revisions: Loose::Read(revisions), .. }) => mesh(revisions),
        (Provider::Aks, _) => return Err(Unreadable("it has no list `meshRevisions`".to_owned())),
        (_, Told { addons: Loose::Read(listed), .. }) => {
            listed.into_iter().filter_map(Loose::read).filter_map(addon).collect()
        }
        (_, _) => return Err(Unreadable("it has no list `addons`".to_owned())),
    };
    Ok(Addons { provider, all, recorded })
}

fn minor(leaf: &Leaf) -> Option<KubeMinor> {
    leaf.text()?.parse().ok()
}

fn addon(told: ToldAddon) -> Option<Addon> {
    let name = tidy(told.addon_name.text()?);
    let versions = told.addon_versions.items().into_iter().filter_map(Loose::read).filter_map(|told| {
        let compatible = told.compatibilities.items().into_iter().filter_map(Loose::read);
        let minors =
            compatible.filter_map(|one| Some((minor(&one.cluster_version)?, one.default_version.is_true())));
        // The same minor is listed once for each kind of cluster: the default of one of them is the default.
        let minors = minors.fold(BTreeMap::new(), |mut all, (minor, default)| {
            *all.entry(minor).or_default() |= default;
            all
        });
        Some(AddonVersion { version: tidy(told.addon_version.text()?), minors })
    });
    Some(Addon { name, versions: versions.collect() })
}

fn mesh(revisions: Vec<Loose<ToldRevision>>) -> Vec<Addon> {
    let versions = revisions.into_iter().filter_map(Loose::read).filter_map(|told| {
        let with = told.compatible_with.items().into_iter().filter_map(Loose::read);
        let kubernetes = with.filter(|one| one.name.text() == Some("kubernetes"));
        let minors = kubernetes.flat_map(|one| one.versions.items()).filter_map(|leaf| minor(&leaf));
        let minors = minors.map(|minor| (minor, false)).collect();
        Some(AddonVersion { version: tidy(told.revision.text()?), minors })
    });
    vec![Addon { name: "istio".to_owned(), versions: versions.collect() }]
}
