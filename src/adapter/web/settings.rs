//! What a person may set about asking: how much at once, how long, whom to trust, what to keep. The
//! defaults are those of a run from a desk or a pipeline.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::port::Secret;

/// How sources are asked.
#[derive(Clone)]
pub struct Settings {
    /// The most requests in flight to one host.
    pub in_flight: usize,
    /// How long a connection may take to stand.
    pub connect: Duration,
    /// How long a host may say nothing.
    pub read: Duration,
    /// How long one answer may take, its last byte included, unless the question says otherwise.
    pub within: Duration,
    /// How long the whole run may take, counted from when [`super::Web`] is made.
    pub whole: Duration,
    /// How long the first pause before another try is; each further one is twice as long.
    pub pause: Duration,
    /// Certificates beside those of the system.
    pub trusts: Vec<Trust>,
    /// Hosts (`HOST` or `HOST:PORT`) that may be asked without TLS. Loopback always may.
    pub plain: BTreeSet<String>,
    /// Where answers are kept for the next run; nothing keeps none.
    pub keep: Option<Keep>,
}

/// Which certificates count for which hosts, and how this program shows itself to them.
#[derive(Clone, Default)]
pub struct Trust {
    /// `HOST` or `HOST:PORT`; empty means all hosts.
    pub hosts: BTreeSet<String>,
    /// Certificates of authorities in PEM, beside those of the system.
    pub authorities: Vec<u8>,
    /// A client certificate with its key, both in PEM, one after the other.
    pub certificate: Option<Secret>,
}

/// A folder for answers.
#[derive(Debug, Clone)]
pub struct Keep {
    /// Where; it is made if it is not there, for this user only.
    pub folder: PathBuf,
    /// The most bytes of all answers together.
    pub most: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            in_flight: 32,
            connect: Duration::from_secs(5),
            read: Duration::from_secs(20),
            within: Duration::from_secs(60),
            whole: Duration::from_secs(300),
            pause: Duration::from_millis(200),
            trusts: Vec::new(),
            plain: BTreeSet::new(),
            keep: None,
        }
    }
}

impl Settings {
    /// Which of the trusts counts for a host: one that names it before one for all.
    pub(super) fn trust(&self, host: &str, port: Option<u16>) -> Option<usize> {
        let named = self.trusts.iter().position(|trust| names(&trust.hosts, host, port));
        named.or_else(|| self.trusts.iter().position(|trust| trust.hosts.is_empty()))
    }

    /// Whether a host may be asked without TLS.
    pub(super) fn is_plain(&self, host: &str, port: Option<u16>) -> bool {
        names(&self.plain, host, port)
    }

    /// Whether a person named this host: others may lead to it, wherever it stands.
    pub(super) fn is_named(&self, host: &str, port: Option<u16>) -> bool {
        self.is_plain(host, port) || self.trusts.iter().any(|trust| names(&trust.hosts, host, port))
    }
}

fn names(hosts: &BTreeSet<String>, host: &str, port: Option<u16>) -> bool {
    hosts.contains(host) || port.is_some_and(|port| hosts.contains(&format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trust_that_names_the_host_comes_before_one_for_all() {
        let of = |host: &str| Trust { hosts: BTreeSet::from([host.to_owned()]), ..Trust::default() };
        let settings = Settings {
            trusts: vec![Trust::default(), of("registry.example.com:5000"), of("quay.example.com")],
            ..Settings::default()
        };
        assert_eq!(settings.trust("registry.example.com", Some(5000)), Some(1));
        assert_eq!(settings.trust("registry.example.com", Some(443)), Some(0));
        assert_eq!(settings.trust("quay.example.com", Some(443)), Some(2));
        assert!(settings.is_named("quay.example.com", None) && !settings.is_plain("quay.example.com", None));
    }
}
