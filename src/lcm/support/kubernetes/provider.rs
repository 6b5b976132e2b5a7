//! Who offers Kubernetes, and the commands that write down what they offer. This program holds no credentials
//! of clouds: who has them runs the command, and its answer is read from a file.

use std::fmt;

use crate::lcm::support::standing::Phase;

/// Who offers versions of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The Kubernetes project, by its channels.
    Upstream,
    /// Amazon's.
    Eks,
    /// Microsoft's.
    Aks,
    /// Google's.
    Gke,
}

/// A file with a provider's own answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording {
    /// Its name in the folder of such files.
    pub file: &'static str,
    /// The command that prints it.
    pub command: &'static str,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Upstream, Self::Eks, Self::Aks, Self::Gke];

    /// The provider of a channel as products name it: `stable`, `latest`, `stable-1.36` are Kubernetes' own;
    /// `eks`, `aks`, `gke` are clouds, with a channel of theirs behind a dash (`gke-regular`) or without.
    pub fn of_channel(channel: &str) -> Option<Self> {
        match channel.split('-').next().unwrap_or_default() {
            "stable" | "latest" => Some(Self::Upstream),
            "eks" => Some(Self::Eks),
            "aks" => Some(Self::Aks),
            "gke" => Some(Self::Gke),
            _ => None,
        }
    }

    /// The provider that a text about a cluster names, as people write it: `eks`, `aws-eks`, `AKS`.
    pub fn named(text: &str) -> Option<Self> {
        let is = |name: &str| text.split(['-', '_', ' ']).any(|part| part.eq_ignore_ascii_case(name));
        [(Self::Eks, "eks"), (Self::Aks, "aks"), (Self::Gke, "gke"), (Self::Upstream, "upstream")]
            .into_iter()
            .find_map(|(provider, name)| is(name).then_some(provider))
    }

    /// The provider that a server's own version tells: Amazon and Google append their name to it. Microsoft and
    /// others append nothing, so that nothing is told of them.
    pub fn of_server(version: &str) -> Option<Self> {
        let has = |mark: &str| version.contains(mark);
        match (has("-eks-") || has("-eksbuild."), has("-gke.")) {
            (true, false) => Some(Self::Eks),
            (false, true) => Some(Self::Gke),
            _ => None,
        }
    }

    /// The provider of a cluster: the one that the fleet's file names; if that names another one, the
    /// project's own versions count; if it names none, what the server tells of itself. Where that tells nothing
    /// either, it is the first of `channels`, which products name, that is no cloud whose servers would tell.
    pub fn of_cluster(declared: Option<&str>, server: Option<&str>, channels: &[Self]) -> Self {
        if let Some(text) = declared {
            return Self::named(text).unwrap_or(Self::Upstream);
        }
        if let Some(provider) = server.and_then(Self::of_server) {
            return provider;
        }
        let silent = channels.iter().find(|one| matches!(one, Self::Upstream | Self::Aks));
        silent.or(channels.first()).copied().unwrap_or(Self::Upstream)
    }

    /// Whether it is the provider alone who chooses the patch release of a minor.
    pub fn patches_by_itself(self) -> bool {
        self == Self::Eks
    }

    /// What it calls the support of a phase.
    pub fn support(self, phase: Phase) -> &'static str {
        match (self, phase) {
            (Self::Aks, Phase::Extended) => "long-term support",
            (_, Phase::Extended) => "extended support",
            (Self::Upstream, _) => "support",
            _ => "standard support",
        }
    }

    /// The channel by which support windows are looked up.
    pub fn channel(self) -> &'static str {
        match self {
            Self::Upstream => "stable",
            Self::Eks => "eks",
            Self::Aks => "aks",
            Self::Gke => "gke",
        }
    }

    /// Where the versions that it offers are written down. The commands ask for one region: providers bring new
    /// versions to one after the other. A field `recordedAt` (a day or a moment) beside what they print says
    /// when they were run; without it the file's own time counts, which git does not keep.
    pub fn versions(self) -> Option<Recording> {
        let (file, command) = match self {
            Self::Upstream => return None,
            Self::Eks => ("eks.json", "aws eks describe-cluster-versions --include-all --output json"),
            Self::Aks => ("aks.json", "az aks get-versions --location REGION --output json"),
            Self::Gke => ("gke.json", "gcloud container get-server-config --location REGION --format json"),
        };
        Some(Recording { file, command })
    }

    /// Where the versions of its add-ons are written down. Microsoft tells those of its Istio alone, and Google
    /// of none: both raise theirs with Kubernetes.
    pub fn addons(self) -> Option<Recording> {
        let (file, command) = match self {
            Self::Upstream | Self::Gke => return None,
            Self::Eks => ("eks-addons.json", "aws eks describe-addon-versions --output json"),
            Self::Aks => ("aks-mesh.json", "az aks mesh get-revisions --location REGION --output json"),
        };
        Some(Recording { file, command })
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Upstream => "Kubernetes",
            Self::Eks => "EKS",
            Self::Aks => "AKS",
            Self::Gke => "GKE",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fleet_says_of_a_cluster_counts_before_what_its_server_tells() {
        use Provider::{Aks, Eks, Gke, Upstream};
        for (declared, server, channels, found) in [
            (Some("eks"), None, &[][..], Eks),
            (Some("aws-EKS"), Some("v1.34.6"), &[Gke], Eks),
            (Some("kubeadm"), Some("v1.34.6-eks-b9bdc7c"), &[Eks], Upstream),
            (Some("desks"), None, &[Eks], Upstream),
            (None, Some("v1.34.6-eks-b9bdc7c"), &[Gke], Eks),
            (None, Some("v1.35.7-gke.1222000"), &[], Gke),
            (None, Some("v1.35.7"), &[Eks, Aks, Upstream], Aks),
            (None, Some("v1.35.7"), &[Eks], Eks),
            (None, None, &[Gke, Eks], Gke),
            (None, Some("v1.35.7+k3s1"), &[], Upstream),
            (None, Some(""), &[], Upstream),
        ] {
            assert_eq!(Provider::of_cluster(declared, server, channels), found, "{declared:?} {server:?}");
        }
    }
}
