//! Commands on clusters, and how clusters are chosen by label.

use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::model::{ClusterName, Expiry, ProductName};

/// `LABEL=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelPair {
    /// The label.
    pub label: String,
    /// Its value.
    pub value: String,
}

impl FromStr for LabelPair {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((label, value)) if !label.is_empty() && !value.is_empty() => {
                Ok(Self { label: label.to_owned(), value: value.to_owned() })
            }
            _ => Err("expected LABEL=VALUE, such as env=prod".to_owned()),
        }
    }
}

/// Which clusters.
#[derive(Debug, Args)]
pub struct Choice {
    /// Only clusters with this label; all given must hold.
    #[arg(short = 'l', long = "label", value_name = "LABEL=VALUE", value_delimiter = ',')]
    pub labels: Vec<LabelPair>,
    /// Only clusters whose label `env` has this value.
    #[arg(long, value_name = "ENV")]
    pub env: Option<String>,
    /// Only clusters whose label `pool` has this value.
    #[arg(long, value_name = "POOL")]
    pub pool: Option<String>,
}

impl Choice {
    /// The labels that must hold.
    pub fn labels(&self) -> Vec<LabelPair> {
        let pair = |label: &str, value: &Option<String>| {
            value.clone().map(|value| LabelPair { label: label.to_owned(), value })
        };
        let named = [pair("env", &self.env), pair("pool", &self.pool)].into_iter().flatten();
        self.labels.iter().cloned().chain(named).collect()
    }
}

/// `cluster`.
#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// List the clusters with what they were last seen to run, and how far behind that is.
    List(ClusterList),
    /// Show what runs where: clusters and products.
    Matrix(ClusterMatrix),
    /// Compare what is in clusters with what was applied there; only reads them.
    Drift(ClusterDrift),
    /// Show one cluster: versions with reasons, values with layers.
    Show(ClusterShow),
    /// Take a cluster over from another journal.
    Adopt(ClusterAdopt),
    /// Keep a cluster, or one product of it, as it is.
    Hold(ClusterHold),
    /// Let a held cluster, or a held product of it, go on.
    Release(ClusterRelease),
    /// List what is held, by whom, until when and why.
    #[command(after_help = "Example: tidegate cluster holds")]
    Holds,
}

/// `cluster list`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate cluster list -l env=prod -l region=eu")]
pub struct ClusterList {
    /// Which clusters.
    #[command(flatten)]
    pub choice: Choice,
}

/// `cluster matrix`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate cluster matrix --env prod \\
           --products ingress,cert-manager --group pool")]
pub struct ClusterMatrix {
    /// Which clusters.
    #[command(flatten)]
    pub choice: Choice,
    /// Only these products; all that occur if absent.
    #[arg(long, value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<ProductName>,
    /// Group clusters by these labels, or `cluster`: one row for each. By env and pool if absent and
    /// there are more than 24 clusters.
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    pub group: Vec<String>,
}

/// `cluster drift`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate cluster drift --env prod --exit-code")]
pub struct ClusterDrift {
    /// Only these clusters; may be given more than once.
    #[arg(long = "cluster", short = 'c', value_name = "CLUSTER")]
    pub clusters: Vec<ClusterName>,
    /// Which clusters.
    #[command(flatten)]
    pub choice: Choice,
    /// End with exit code 10 if something differs.
    #[arg(long)]
    pub exit_code: bool,
}

/// `cluster show`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate cluster show acme-dev --release R42")]
pub struct ClusterShow {
    /// The cluster.
    #[arg(value_name = "CLUSTER")]
    pub cluster: ClusterName,
    /// The release whose versions and values are shown; if absent the newest cut one, of several the one
    /// rolled out here last.
    #[arg(long, value_name = "RELEASE")]
    pub release: Option<crate::model::ReleaseId>,
}

/// `cluster adopt`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate cluster adopt acme-dev --reason \"the old journal is lost\"")]
pub struct ClusterAdopt {
    /// The cluster.
    #[arg(value_name = "CLUSTER")]
    pub cluster: ClusterName,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `cluster hold`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate cluster hold acme-dev --product ingress \\
           --reason \"demo on Friday\" --until 2026-12-05")]
pub struct ClusterHold {
    /// The cluster.
    #[arg(value_name = "CLUSTER")]
    pub cluster: ClusterName,
    /// Keep only this product at the version that was last seen there; the whole cluster if absent.
    #[arg(long, value_name = "PRODUCT")]
    pub product: Option<ProductName>,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Until when, a day (its end in UTC) or a moment; until it is released if absent.
    #[arg(long, value_name = "TIME")]
    pub until: Option<Expiry>,
}

/// `cluster release`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate cluster release acme-dev --product ingress \\
           --reason \"demo is over\"")]
pub struct ClusterRelease {
    /// The cluster.
    #[arg(value_name = "CLUSTER")]
    pub cluster: ClusterName,
    /// The product; the hold of the whole cluster if absent.
    #[arg(long, value_name = "PRODUCT")]
    pub product: Option<ProductName>,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_pair_has_a_label_and_a_value() {
        assert_eq!("env=a=b".parse(), Ok(LabelPair { label: "env".to_owned(), value: "a=b".to_owned() }));
        for bad in ["env", "=x", "env=", ""] {
            assert!(bad.parse::<LabelPair>().is_err(), "{bad:?} was taken");
        }
    }
}
