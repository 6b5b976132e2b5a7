//! The Kubernetes version skew policy as rules.
//!
//! Source of every rule: kubernetes.io/releases/version-skew-policy. Which components run where is
//! left to others.

use std::fmt;

use super::KubeMinor;

/// A part of a cluster whose version is bound to the API server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// Nodes: "kubelet must not be newer than kube-apiserver. kubelet may be up to three minor
    /// versions older than kube-apiserver (kubelet < 1.25 may only be up to two)."
    Kubelet,
    /// "kube-proxy must not be newer than kube-apiserver", and up to three minors older (two
    /// before 1.25).
    KubeProxy,
    /// Controller manager, scheduler and cloud controller manager: "must not be newer than the
    /// kube-apiserver instances they communicate with", up to one minor older.
    ControlPlane,
}

impl Component {
    /// How many minor releases it may lie behind the API server.
    pub fn may_lie_behind(self, own: KubeMinor) -> u32 {
        match self {
            Component::Kubelet | Component::KubeProxy if own < KubeMinor::new(1, 25) => 2,
            Component::Kubelet | Component::KubeProxy => 3,
            Component::ControlPlane => 1,
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Component::Kubelet => "a node",
            Component::KubeProxy => "kube-proxy",
            Component::ControlPlane => "a control plane component",
        })
    }
}

/// Why two versions must not work together, or one must not follow the other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkewError {
    /// A component is newer than its API server.
    #[error("{component} at {own} must not be newer than its API server at {server}")]
    Newer {
        /// What is too new.
        component: Component,
        /// Its version.
        own: KubeMinor,
        /// The API server's version.
        server: KubeMinor,
    },
    /// A component is too old for its API server.
    #[error(
        "{component} at {own} is {behind} minor releases behind its API server at {server}, at \
         most {allowed} are supported"
    )]
    TooOld {
        /// What is too old.
        component: Component,
        /// Its version.
        own: KubeMinor,
        /// The API server's version.
        server: KubeMinor,
        /// How many minors it lies behind; `u32::MAX` across major versions.
        behind: u32,
        /// How many it may.
        allowed: u32,
    },
    /// A control plane would skip a minor release.
    #[error("a control plane at {from} goes to {next} before {to}: no minor release is skipped")]
    Skips {
        /// Where it is.
        from: KubeMinor,
        /// Where it should go next.
        next: KubeMinor,
        /// Where it was asked to go.
        to: KubeMinor,
    },
    /// A control plane would go back.
    #[error("a control plane at {from} cannot go back to {to}")]
    GoesBack {
        /// Where it is.
        from: KubeMinor,
        /// Where it was asked to go.
        to: KubeMinor,
    },
}

/// Whether a component may work with an API server.
///
/// # Errors
/// [`SkewError::Newer`] and [`SkewError::TooOld`].
pub fn component(component: Component, own: KubeMinor, server: KubeMinor) -> Result<(), SkewError> {
    if own > server {
        return Err(SkewError::Newer { component, own, server });
    }
    let behind = if own.major == server.major { server.minor - own.minor } else { u32::MAX };
    let allowed = component.may_lie_behind(own);
    if behind > allowed {
        return Err(SkewError::TooOld { component, own, server, behind, allowed });
    }
    Ok(())
}

/// Whether a node may work with an API server.
///
/// # Errors
/// As [`component`].
pub fn node(own: KubeMinor, server: KubeMinor) -> Result<(), SkewError> {
    component(Component::Kubelet, own, server)
}

/// Whether a control plane may go from one minor release to another in one step: to the same, or
/// to the next ("Project policies for API deprecation and API change guidelines require
/// kube-apiserver to not skip minor versions when upgrading, even in single-instance clusters").
///
/// # Errors
/// [`SkewError::Skips`] and [`SkewError::GoesBack`].
pub fn control_plane_step(from: KubeMinor, to: KubeMinor) -> Result<(), SkewError> {
    if to < from {
        return Err(SkewError::GoesBack { from, to });
    }
    let next = from.next();
    if to > next {
        return Err(SkewError::Skips { from, next, to });
    }
    Ok(())
}
