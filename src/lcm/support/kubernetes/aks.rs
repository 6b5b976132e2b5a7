//! AKS: the answer of `az aks get-versions`, which is that of the interface's `kubernetesVersions`
//! (learn.microsoft.com/rest/api/aks/managed-clusters/list-kubernetes-versions): minors with their patch
//! releases. It tells no days; those of the public data set count.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::loose::{Leaf, Loose, Shape, Unreadable, document};
use super::offered::Reading;
use super::{Offered, Plan, Provider};
use crate::version::KubeVersion;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Told {
    values: Loose<Vec<Loose<ToldMinor>>>,
    recorded_at: Leaf,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToldMinor {
    version: Leaf,
    is_default: Leaf,
    is_preview: Leaf,
    capabilities: Loose<ToldCapabilities>,
    patch_versions: Loose<BTreeMap<String, Loose<ToldPatch>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToldCapabilities {
    support_plan: Loose<Vec<Leaf>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldPatch {
    upgrades: Loose<Vec<Leaf>>,
}

impl Shape for Told {}
impl Shape for ToldMinor {}
impl Shape for ToldCapabilities {}
impl Shape for ToldPatch {}

pub(super) fn read(bytes: &[u8]) -> Result<Offered, Unreadable> {
    let told = match document::<Loose<Told>>(bytes)? {
        Loose::Read(told) => told,
        Loose::Other(kind) => return Err(Unreadable(format!("it is {kind}, expected `values`"))),
    };
    let Loose::Read(listed) = told.values else {
        return Err(Unreadable("it has no list `values`".to_owned()));
    };
    let mut reading = Reading::new(Provider::Aks, &told.recorded_at);
    for told in listed {
        match told {
            Loose::Read(told) => minor(&mut reading, told),
            Loose::Other(kind) => reading.tell(format!("an entry of `values` is {kind}")),
        }
    }
    Ok(reading.done())
}

fn minor(reading: &mut Reading, told: ToldMinor) {
    let Some(minor) = reading.version(&told.version, "a `version`") else { return };
    let plan = plan(&told);
    let patches = told.patch_versions.read().unwrap_or_default();
    let mut found: Vec<(KubeVersion, Vec<KubeVersion>)> = Vec::new();
    for (text, patch) in patches {
        let Some(version) = reading.version(&Leaf::Text(text), &format!("a patch release of {minor}")) else {
            continue;
        };
        if version.minor() != minor.minor() {
            reading.tell(format!("{version} is listed as a patch release of {minor}"));
            continue;
        }
        let upgrades = patch.read().map(|patch| patch.upgrades.items()).unwrap_or_default();
        let upgrades = upgrades.iter().filter_map(|leaf| leaf.text()?.parse().ok()).collect();
        found.push((version, upgrades));
    }
    if found.is_empty() {
        found.push((minor, Vec::new()));
    }
    let newest = found.iter().map(|(version, _)| version.clone()).max();
    for (version, upgrades) in found {
        // A minor means its newest patch release.
        let is_default = told.is_default.is_true() && newest.as_ref() == Some(&version);
        let entry = reading.entry(version);
        entry.is_default = is_default;
        entry.plan = plan;
        entry.upgrades = upgrades;
    }
}

fn plan(told: &ToldMinor) -> Plan {
    if told.is_preview.is_true() {
        return Plan::Preview;
    }
    let Loose::Read(capabilities) = &told.capabilities else { return Plan::Unknown };
    let Loose::Read(plans) = &capabilities.support_plan else { return Plan::Unknown };
    let has = |name: &str| plans.iter().any(|plan| plan.text() == Some(name));
    match (has("KubernetesOfficial"), has("AKSLongTermSupport")) {
        (true, _) => Plan::Standard,
        (false, true) => Plan::Extended,
        (false, false) => Plan::Unknown,
    }
}
