//! The fleet: which clusters there are, what tells them apart, and what is set for some of them,
//! in `pipelines/fleet.yaml`.

use std::collections::BTreeMap;

use super::{ClusterName, Document, Duration, EnvironmentName, FleetName, Labels, PoolName, ProductName};
use crate::yaml::{Node, Spanned};

/// `pipelines/fleet.yaml`.
pub type FleetFile = Document<FleetName, Fleet>;

/// The clusters.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Fleet {
    /// What is set for clusters whose label `env` has this value.
    #[serde(default)]
    pub environments: BTreeMap<Spanned<EnvironmentName>, Overrides>,
    /// What is set for clusters whose label `pool` has this value.
    #[serde(default)]
    pub pools: BTreeMap<Spanned<PoolName>, Overrides>,
    /// Where further clusters are listed.
    #[serde(default)]
    pub source: Option<Spanned<Source>>,
    /// The clusters listed here.
    #[serde(default)]
    pub clusters: Vec<Spanned<ClusterEntry>>,
}

/// Values and exclusions for some clusters.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Overrides {
    /// Values by product; they are merged over the product's defaults.
    #[serde(default)]
    pub values: BTreeMap<Spanned<ProductName>, Node>,
    /// Products that these clusters do not get.
    #[serde(default)]
    pub exclude: Vec<Spanned<ProductName>>,
    /// How old a pin of these clusters may become, from its creation to its end.
    #[serde(default)]
    pub pin_max_age: Option<Spanned<Duration>>,
}

/// A list of clusters kept elsewhere.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// Every context of a kubeconfig file is a cluster.
    Kubeconfig(KubeconfigSource),
    /// A command that prints a JSON list of cluster entries.
    Command(CommandSource),
}

/// Every context of a kubeconfig file is a cluster, named by the context.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KubeconfigSource {
    /// The file; relative paths count from the repository's root. `~/` is the home folder.
    pub path: Spanned<String>,
    /// Labels of all these clusters.
    #[serde(default)]
    pub labels: Labels,
}

/// A command that prints a JSON list of cluster entries (the form of `clusters`).
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CommandSource {
    /// Program and arguments, run in the repository's root.
    pub command: Vec<Spanned<String>>,
}

/// One cluster.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClusterEntry {
    /// Its name in the fleet.
    pub name: Spanned<ClusterName>,
    /// What tells it apart: `env`, `pool`, `region`, `team`, and whatever the fleet uses.
    #[serde(default)]
    pub labels: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Who runs it, such as `eks`, `kind` or `bare-metal`; templates see it.
    #[serde(default)]
    pub provider: Option<Spanned<String>>,
    /// How to reach it.
    pub kubeconfig: KubeconfigRef,
    /// Whether it is switched off on purpose: rollouts leave it for later until this is gone.
    #[serde(default)]
    pub hibernated: bool,
    /// Values by product, over those of environment and pool.
    #[serde(default)]
    pub values: BTreeMap<Spanned<ProductName>, Node>,
    /// Products that it does not get.
    #[serde(default)]
    pub exclude: Vec<Spanned<ProductName>>,
}

/// A context in a kubeconfig file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubeconfigRef {
    /// The file; relative paths count from the repository's root. `~/` is the home folder.
    pub path: Spanned<String>,
    /// The context; the file's current one if absent.
    #[serde(default)]
    pub context: Option<Spanned<String>>,
}

impl ClusterEntry {
    /// The labels without their places.
    pub fn plain_labels(&self) -> Labels {
        self.labels.iter().map(|(k, v)| (k.value.clone(), v.value.clone())).collect()
    }
}
