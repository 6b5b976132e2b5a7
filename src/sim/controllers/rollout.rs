//! The arithmetic of a Deployment's rollout: how many pods each of its replica sets is to have. Pure.

use serde_json::Value;

use super::fields::{count, share, text};
use crate::sim::json::At as _;

/// What a Deployment asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub replicas: i64,
    /// How many more there may be meanwhile.
    pub surge: i64,
    /// How many of them may be missing meanwhile.
    pub missing: i64,
}

/// One replica set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// How many pods it is to have.
    pub wanted: i64,
    pub available: i64,
    /// The number of pods that its Deployment may have had at most when it was scaled last.
    pub most: Option<i64>,
    /// Its place among the others by age, from the oldest.
    pub age: usize,
}

impl Wish {
    /// What a Deployment asks for.
    pub(super) fn of(deployment: &Value) -> Self {
        let replicas = super::fields::number(deployment, "/spec/replicas").unwrap_or(1).max(0);
        if text(deployment, "/spec/strategy/type") == "Recreate" {
            return Self { replicas, surge: 0, missing: 0 };
        }
        let quarter = Value::from("25%");
        let field =
            |name: &str| deployment.at(&format!("/spec/strategy/rollingUpdate/{name}")).unwrap_or(&quarter);
        let surge = share(Some(field("maxSurge")), replicas, true).unwrap_or(0).max(0);
        let missing = share(Some(field("maxUnavailable")), replicas, false).unwrap_or(0).max(0);
        let missing = if surge == 0 && missing == 0 { 1 } else { missing };
        Self { replicas, surge, missing: missing.min(replicas) }
    }

    /// How many pods have to be available at least.
    pub(super) fn least(self) -> i64 {
        self.replicas - self.missing
    }

    /// How many pods the new replica set is to have now.
    pub(super) fn new_set(self, rolling: bool, all: i64, new: i64) -> i64 {
        if !rolling {
            return self.replicas;
        }
        let most = self.replicas + self.surge;
        if all >= most {
            return new;
        }
        new + (most - all).min(self.replicas - new)
    }

    /// How many pods the old replica sets (oldest first) are to have now; first those go that are not
    /// available anyway.
    pub(super) fn old_sets(self, old: &mut [Part], new: &Part) -> bool {
        let before: Vec<i64> = old.iter().map(|part| part.wanted).collect();
        let all: i64 = before.iter().sum::<i64>() + new.wanted;
        let mut may_go = all - self.least() - (new.wanted - new.available);
        if before.iter().sum::<i64>() == 0 || may_go <= 0 {
            return false;
        }
        for part in old.iter_mut() {
            let gone = may_go.min(part.wanted - part.available).max(0);
            part.wanted -= gone;
            may_go -= gone;
        }
        let available: i64 = old.iter().map(|part| part.available).sum::<i64>() + new.available;
        let mut may_go = (available - self.least()).max(0);
        for part in old.iter_mut() {
            let gone = may_go.min(part.wanted);
            part.wanted -= gone;
            may_go -= gone;
        }
        old.iter().zip(before).any(|(part, before)| part.wanted != before)
    }

    /// Spreads a change of size over the replica sets that have pods, each by its part of the whole.
    pub(super) fn spread(self, parts: &mut [Part]) {
        let most = if self.replicas > 0 { self.replicas + self.surge } else { 0 };
        let to_add = most - parts.iter().map(|part| part.wanted).sum::<i64>();
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by_key(|at| {
            let part = &parts[*at];
            let age = i64::try_from(part.age).unwrap_or(i64::MAX);
            (-part.wanted, if to_add > 0 { -age } else { age })
        });
        let mut added = 0;
        if to_add != 0 {
            for at in &order {
                let part = &mut parts[*at];
                let mut more = fraction(part, self.replicas + self.surge);
                let left = to_add - added;
                more = if to_add > 0 { more.min(left) } else { more.max(left) };
                if part.wanted != 0 {
                    part.wanted += more;
                    added += more;
                }
            }
            if let Some(largest) = order.first() {
                let part = &mut parts[*largest];
                part.wanted = (part.wanted + to_add - added).max(0);
            }
        }
    }
}

/// How many pods more or fewer a replica set gets when the whole changes.
fn fraction(part: &Part, most: i64) -> i64 {
    match part.most {
        Some(before) if before > 0 => {
            let new = (part.wanted * most) as f64 / before as f64;
            new.round() as i64 - part.wanted
        }
        _ => 0,
    }
}

/// How many seconds a rollout may take without any progress; `None` if it may take for ever.
pub(super) fn deadline(deployment: &Value) -> Option<i64> {
    let seconds = super::fields::number(deployment, "/spec/progressDeadlineSeconds").unwrap_or(600);
    (seconds != i64::from(i32::MAX)).then_some(seconds)
}

/// The numbers of a Deployment's status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub replicas: i64,
    pub updated: i64,
    pub ready: i64,
    pub available: i64,
    pub unavailable: i64,
    pub terminating: i64,
}

impl Tally {
    /// As a status tells them.
    pub(super) fn told(deployment: &Value) -> Self {
        let field = |name: &str| count(deployment, &format!("/status/{name}"));
        Self {
            replicas: field("replicas"),
            updated: field("updatedReplicas"),
            ready: field("readyReplicas"),
            available: field("availableReplicas"),
            unavailable: field("unavailableReplicas"),
            terminating: field("terminatingReplicas"),
        }
    }

    /// Whether this is nearer to the end than before.
    pub(super) fn is_ahead_of(&self, before: &Self) -> bool {
        self.updated > before.updated
            || self.replicas - self.updated < before.replicas - before.updated
            || self.ready > before.ready
            || self.available > before.available
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part(wanted: i64, available: i64, age: usize) -> Part {
        Part { wanted, available, most: None, age }
    }

    #[test]
    fn a_quarter_may_be_missing_and_a_quarter_more_may_be_there() {
        let wish = Wish::of(&json!({"spec": {"replicas": 10}}));
        assert_eq!(wish, Wish { replicas: 10, surge: 3, missing: 2 });
        let none = json!({"spec": {"replicas": 3, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}}});
        assert_eq!(Wish::of(&none).missing, 1);
    }

    #[test]
    fn a_rollout_stays_within_its_bounds_until_it_is_done() {
        let wish = Wish { replicas: 10, surge: 3, missing: 2 };
        let (mut old, mut new) = ([part(10, 10, 0)], part(0, 0, 1));
        for _ in 0..20 {
            new.wanted = wish.new_set(true, old[0].wanted + new.wanted, new.wanted);
            wish.old_sets(&mut old, &new);
            old[0].available = old[0].wanted;
            assert!(old[0].wanted + new.wanted <= 13);
            assert!(old[0].available + new.available >= 8);
            new.available = new.wanted;
        }
        assert_eq!((old[0].wanted, new.wanted), (0, 10));
    }

    #[test]
    fn what_is_not_available_goes_first_and_a_stuck_rollout_stays() {
        let wish = Wish { replicas: 4, surge: 1, missing: 1 };
        let mut old = [part(2, 0, 0), part(2, 2, 1)];
        assert!(wish.old_sets(&mut old, &part(1, 1, 2)));
        assert_eq!(old.map(|part| part.wanted), [0, 2]);
        let mut old = [part(3, 3, 0)];
        assert!(!wish.old_sets(&mut old, &part(2, 0, 1)));
    }

    #[test]
    fn a_change_of_size_is_spread_by_parts() {
        let wish = Wish { replicas: 20, surge: 2, missing: 0 };
        let mut parts = [
            Part { wanted: 8, available: 8, most: Some(11), age: 0 },
            Part { wanted: 3, available: 0, most: Some(11), age: 1 },
        ];
        wish.spread(&mut parts);
        assert_eq!(parts.each_ref().map(|part| part.wanted), [16, 6]);
    }
}
