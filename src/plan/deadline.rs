//! Limits of steps from history: how long the newest successful tries took, and what limit follows
//! for a step that says `deadline: auto`. The plan freezes the number with its reason, so that a
//! rollout never depends on what the journal learns later. What a try took is for `rollout` to tell.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{Duration, ProductName};

/// With fewer tries nothing is known: the 99th percentile of a handful is luck.
const NEEDED: usize = 20;
/// So many of the newest tries count: what happened long ago says little about today's content.
const KEPT: usize = 200;
/// The shortest limit: a step that took a second everywhere still meets a slow API server one day.
const SHORTEST: Duration = Duration::minutes(5);
/// The longest one.
const LONGEST: Duration = Duration::hours(24);

/// An action of a product whose durations are known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// A deploy step, by its name.
    Step(String),
    /// The end of its deployment.
    Settle,
    /// A test, by its name.
    Test(String),
}

impl std::fmt::Display for Action {
    /// `helm`, `settle`, `test:smoke`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Step(name) => f.write_str(name),
            Self::Settle => f.write_str("settle"),
            Self::Test(name) => write!(f, "test:{name}"),
        }
    }
}

/// How long the newest successful tries took, in seconds, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations(BTreeMap<ProductName, BTreeMap<Action, VecDeque<u32>>>);

impl Durations {
    /// Takes a successful try in.
    pub fn note(&mut self, product: &ProductName, action: Action, took: Duration) {
        let known = self.0.entry(product.clone()).or_default().entry(action).or_default();
        known.push_back(u32::try_from(took.as_seconds()).unwrap_or(u32::MAX));
        while known.len() > KEPT {
            known.pop_front();
        }
    }

    /// How many tries of an action are known.
    pub fn tries(&self, product: &ProductName, action: &Action) -> usize {
        self.0.get(product).and_then(|actions| actions.get(action)).map_or(0, VecDeque::len)
    }

    /// The limit of an action, with its reason; `usual` counts while too few tries are known.
    pub fn limit(
        &self,
        product: &ProductName,
        action: &Action,
        usual: Duration,
    ) -> (Duration, PlannedDeadline) {
        let known = self.0.get(product).and_then(|actions| actions.get(action));
        let mut known: Vec<u32> = known.into_iter().flatten().copied().collect();
        let tries = u32::try_from(known.len()).unwrap_or(u32::MAX);
        if known.len() < NEEDED {
            return (usual, PlannedDeadline::Default { tries, needed: NEEDED as u32 });
        }
        known.sort_unstable();
        // The nearest rank: the smallest that 99 of 100 do not exceed.
        let rank = (known.len() * 99).div_ceil(100);
        let p99 = rank.checked_sub(1).and_then(|at| known.get(at)).copied().unwrap_or_default();
        let p99 = Duration::seconds(u64::from(p99));
        let limit = Duration::seconds(p99.as_seconds().saturating_mul(2)).clamp(SHORTEST, LONGEST);
        (limit, PlannedDeadline::History { tries, p99 })
    }
}

/// How the limit of a step with `deadline: auto` came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PlannedDeadline {
    /// From how long it took before.
    History {
        /// So many successful tries were looked at.
        tries: u32,
        /// 99 of 100 took at most so long.
        p99: Duration,
    },
    /// Too few tries are known, so what the file says counts, or the usual limit.
    Default {
        /// So many are known.
        tries: u32,
        /// So many are needed.
        needed: u32,
    },
}

impl std::fmt::Display for PlannedDeadline {
    /// `twice the 4 m 10 s within which 99 % of 34 tries were through`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::History { tries, p99 } => {
                write!(f, "twice the {p99} within which 99 % of {tries} tries were through")?;
                let twice = Duration::seconds(p99.as_seconds().saturating_mul(2));
                if twice < SHORTEST {
                    write!(f, ", and at least {SHORTEST}")?;
                } else if twice > LONGEST {
                    write!(f, ", and at most {LONGEST}")?;
                }
                Ok(())
            }
            Self::Default { tries, needed } => {
                write!(f, "the default: {tries} of the {needed} tries that are needed are known")
            }
        }
    }
}
