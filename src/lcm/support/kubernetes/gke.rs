//! GKE: the answer of `getServerConfig` (cloud.google.com/kubernetes-engine/docs/reference/rest/v1), which
//! `gcloud container get-server-config` prints: versions by release channel, and those without one. It tells no
//! days; those of the public data set count.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::super::loose::{Leaf, Loose, Shape, Unreadable, document};
use super::super::tidy;
use super::offered::Reading;
use super::{Offered, Plan, Provider};

/// What this program calls the versions for clusters without a channel.
const NO_CHANNEL: &str = "none";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Told {
    channels: Loose<Vec<Loose<ToldChannel>>>,
    default_cluster_version: Leaf,
    valid_master_versions: Loose<Vec<Leaf>>,
    valid_node_versions: Loose<Vec<Leaf>>,
    recorded_at: Leaf,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToldChannel {
    channel: Leaf,
    default_version: Leaf,
    valid_versions: Loose<Vec<Leaf>>,
    upgrade_target_version: Leaf,
}

impl Shape for Told {}
impl Shape for ToldChannel {}

pub(super) fn read(bytes: &[u8]) -> Result<Offered, Unreadable> {
    let told = match document::<Loose<Told>>(bytes)? {
        Loose::Read(told) => told,
        Loose::Other(kind) => {
            return Err(Unreadable(format!("it is {kind}, expected `validMasterVersions`")));
        }
    };
    let (Loose::Read(masters), nodes) = (told.valid_master_versions, told.valid_node_versions.items()) else {
        return Err(Unreadable("it has no list `validMasterVersions`".to_owned()));
    };
    let mut reading = Reading::new(Provider::Gke, &told.recorded_at);
    for leaf in &masters {
        if let Some(version) = reading.version(leaf, "one of `validMasterVersions`") {
            reading.entry(version).channels.insert(NO_CHANNEL.to_owned());
        }
    }
    for leaf in &nodes {
        let node = reading.version(leaf, "one of `validNodeVersions`");
        node.into_iter().for_each(|version| reading.node(version));
    }
    for told in told.channels.items() {
        match told {
            Loose::Read(told) => channel(&mut reading, told),
            Loose::Other(kind) => reading.tell(format!("an entry of `channels` is {kind}")),
        }
    }
    if told.default_cluster_version != Leaf::Missing
        && let Some(version) = reading.version(&told.default_cluster_version, "`defaultClusterVersion`")
    {
        reading.entry(version).is_default = true;
    }
    reading.entries().for_each(|one| one.plan = plan(&one.channels));
    Ok(reading.done())
}

fn channel(reading: &mut Reading, told: ToldChannel) {
    let name = told.channel.text().map(tidy).unwrap_or_default();
    if name.is_empty() {
        reading.tell(format!("the name of a channel is {}", told.channel.kind()));
        return;
    }
    for leaf in told.valid_versions.items() {
        if let Some(version) = reading.version(&leaf, &format!("a version of {name}")) {
            reading.entry(version).channels.insert(name.clone());
        }
    }
    // Both are given only where there is one.
    if told.default_version.text().is_some_and(|text| !text.is_empty())
        && let Some(version) = reading.version(&told.default_version, &format!("the default of {name}"))
    {
        let entry = reading.entry(version);
        entry.channels.insert(name.clone());
        entry.default_of.insert(name.clone());
    }
    if told.upgrade_target_version.text().is_some_and(|text| !text.is_empty())
        && let Some(version) = reading.version(&told.upgrade_target_version, &format!("the target of {name}"))
    {
        let entry = reading.entry(version);
        entry.channels.insert(name.clone());
        entry.target_of.insert(name);
    }
}

/// By its channels: what only the rapid one has is for trying out and has no promise, what only the extended
/// one has is past standard support.
fn plan(channels: &BTreeSet<String>) -> Plan {
    let beside = |one: &str| channels.iter().any(|channel| channel != one);
    match channels.len() {
        0 => Plan::Unknown,
        _ if !beside("EXTENDED") => Plan::Extended,
        _ if !beside("RAPID") => Plan::Preview,
        _ => Plan::Standard,
    }
}
