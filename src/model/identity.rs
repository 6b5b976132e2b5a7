//! Identities: which cluster is meant, whatever it is called, and who acted.

use std::fmt;

/// A cluster's identity: the UID of its `kube-system` namespace, which lives as long as the
/// cluster does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ClusterUid(pub std::sync::Arc<str>);

impl ClusterUid {
    /// Wraps a UID as the API server gives it.
    pub fn new(uid: &str) -> Self {
        Self(uid.into())
    }

    /// The UID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ClusterUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Who did something: `person:NAME` for people (git's `user.email`, else the login name),
/// `engine` for the driver.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Actor(pub String);

impl Actor {
    /// The driver itself.
    pub fn engine() -> Self {
        Self("engine".to_owned())
    }

    /// The person's own name or address, without the word before it.
    pub fn person(&self) -> &str {
        self.0.strip_prefix("person:").unwrap_or(&self.0)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
