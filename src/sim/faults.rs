//! What goes wrong between tidegate and a cluster, and how often: rules that name clusters, requests and
//! a stretch of time, and what then happens. Which request a rule hits follows from the seed alone.

use std::collections::BTreeSet;
use std::time::Duration;

use super::chance::Chance;

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody listens: the connection is refused at once.
    Refused,
    /// The connection is reset before anything was done.
    Reset,
    /// Accepted, and never answered; nothing is done.
    HalfOpen,
    /// Done, and never answered.
    AnswerLost,
    /// Done, and the answer breaks off after some bytes.
    Truncated,
    /// Answered only after so long.
    Slow(Duration),
    /// Answered with this code and nothing done; for 429 and 503 with `Retry-After`.
    Status {
        /// The code.
        code: u16,
        /// Seconds of `Retry-After`, if there is to be one.
        retry_after: Option<u64>,
    },
    /// Reads are answered with what was so long ago.
    Stale(Duration),
    /// The credentials are not accepted any more, by a new client neither.
    Expired,
}

impl Trouble {
    /// What it is called in counts.
    pub fn name(&self) -> String {
        match self {
            Self::Refused => "refused".to_owned(),
            Self::Reset => "reset".to_owned(),
            Self::HalfOpen => "half-open".to_owned(),
            Self::AnswerLost => "answer-lost".to_owned(),
            Self::Truncated => "truncated".to_owned(),
            Self::Slow(_) => "slow".to_owned(),
            Self::Status { code, .. } => code.to_string(),
            Self::Stale(_) => "stale".to_owned(),
            Self::Expired => "expired".to_owned(),
        }
    }
}

/// Which requests a rule is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    /// Only writes, or only reads; both if it is `None`.
    pub writes: Option<bool>,
    /// Only paths that contain this.
    pub path: Option<String>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The clusters; all if it is empty.
    pub clusters: BTreeSet<String>,
    /// The requests.
    pub requests: Requests,
    /// Since the simulation's beginning: from when, until when.
    pub during: (Duration, Duration),
    /// Of a thousand requests, how many are hit.
    pub per_mille: u32,
    /// How many are hit at most, of each cluster.
    pub times: Option<u32>,
    /// What happens.
    pub trouble: Trouble,
}

/// All rules, and how long a request takes when nothing goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// The way to a cluster and back, shortest and longest; each cluster has a part of it for its own.
    pub latency: (Duration, Duration),
    /// In order: the first that hits a request counts.
    pub rules: Vec<Rule>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { latency: (Duration::from_millis(2), Duration::from_millis(80)), rules: Vec::new() }
    }
}

impl Faults {
    /// What goes wrong with a request, if anything. `fired` counts, rule by rule, how often it hit this
    /// cluster; `chance` is the cluster's own.
    pub fn strike(
        &self,
        cluster: &str,
        writes: bool,
        path: &str,
        at: Duration,
        fired: &mut Vec<u32>,
        chance: &mut Chance,
    ) -> Option<Trouble> {
        fired.resize(self.rules.len(), 0);
        for (rule, fired) in self.rules.iter().zip(fired) {
            if rule.is_about(cluster, writes, path, at)
                && rule.times.is_none_or(|most| *fired < most)
                && chance.per_mille(rule.per_mille)
            {
                *fired += 1;
                return Some(rule.trouble.clone());
            }
        }
        None
    }

    /// How long a request takes on its way: most of it is the cluster's own distance.
    pub fn latency(&self, distance: u64, chance: &mut Chance) -> Duration {
        let (least, most) = self.latency;
        let spread = most.saturating_sub(least);
        let own = spread.mul_f64((distance % 1_000) as f64 / 1_250.0);
        least + own + spread.mul_f64(chance.part() / 5.0)
    }
}

impl Rule {
    fn is_about(&self, cluster: &str, writes: bool, path: &str, at: Duration) -> bool {
        (self.clusters.is_empty() || self.clusters.contains(cluster))
            && self.requests.writes.is_none_or(|only| only == writes)
            && self.requests.path.as_ref().is_none_or(|part| path.contains(part.as_str()))
            && self.during.0 <= at
            && at < self.during.1
    }
}
