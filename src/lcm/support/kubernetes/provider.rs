//! Who offers Kubernetes, and the commands that write down what they offer. This program holds no credentials
//! of clouds: who has them runs the command, and its answer is read from a file.

use std::fmt;

/// Who offers versions of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
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
