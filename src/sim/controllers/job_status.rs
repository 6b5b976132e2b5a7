//! What is said of a Job: how many of its pods run and ended, and how it ended itself.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::{condition, has, holds, is_going, items, set, stamp, text, time, unset};
use super::jobs::{Scene, TRACKING};
use super::pods::{has_ended, is_ready};
use super::world::World;
use crate::sim::store::Key;

/// How a Job ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    well: bool,
    reason: String,
    message: String,
}

impl Ending {
    pub(super) fn failed(reason: &str, message: &str) -> Self {
        Self { well: false, reason: reason.to_owned(), message: message.to_owned() }
    }

    pub(super) fn complete() -> Self {
        let message = "Reached expected number of succeeded pods".to_owned();
        Self { well: true, reason: "CompletionsReached".to_owned(), message }
    }

    /// The condition that it is decided, and the one that it is over.
    fn conditions(&self) -> (&'static str, &'static str) {
        if self.well { ("SuccessCriteriaMet", "Complete") } else { ("FailureTarget", "Failed") }
    }
}

/// Whether it ended.
pub(super) fn is_over(job: &Value) -> bool {
    holds(job, "Complete") || holds(job, "Failed")
}

/// Since when it is over.
pub(super) fn over_since(job: &Value) -> Option<Timestamp> {
    let over = ["Complete", "Failed"].into_iter().filter_map(|kind| condition(job, kind));
    over.filter_map(|condition| time(condition, "/lastTransitionTime")).next()
}

/// How it is decided to end, where the last pods are still to go.
pub(super) fn decided(job: &Value) -> Option<Ending> {
    let (well, said) = [(true, "SuccessCriteriaMet"), (false, "FailureTarget")]
        .into_iter()
        .find_map(|(well, kind)| Some((well, condition(job, kind)?)))?;
    Some(Ending {
        well,
        reason: text(said, "/reason").to_owned(),
        message: text(said, "/message").to_owned(),
    })
}

fn said(kind: &str, status: &str, reason: &str, message: &str, now: Timestamp) -> Value {
    json!({"type": kind, "status": status, "lastProbeTime": stamp(now), "lastTransitionTime": stamp(now),
        "reason": reason, "message": message})
}

/// Writes the status, and lets pods go that are counted now.
pub(super) fn tell(world: &mut World<'_>, scene: &Scene, ending: Option<Ending>) {
    let now = world.now;
    let ready = scene.active().filter(|(_, pod)| is_ready(pod)).count();
    let terminating = scene.pods.iter().filter(|(_, pod)| is_going(pod) && !has_ended(pod)).count();
    // What a Job that failed makes go counts as failed.
    let mut failed = scene.failed;
    let mut counted = scene.ended.clone();
    if ending.as_ref().is_some_and(|ending| !ending.well) {
        let more = scene.pods.iter().filter(|(key, pod)| {
            is_going(pod) && super::routes::is_held_by(pod, TRACKING) && !scene.ended.contains(key)
        });
        let more: Vec<_> = more.map(|(key, _)| key.clone()).collect();
        failed += i64::try_from(more.len()).unwrap_or(0);
        counted.extend(more);
    }
    let is_over = ending.is_some() && terminating == 0;
    let suspended = scene.is_suspended();
    let active = scene.active_count();
    world.change(&scene.key, |job| {
        for (name, number) in [("active", active), ("succeeded", scene.succeeded), ("failed", failed)] {
            match number {
                0 => unset(job, &["status", name]),
                number => set(job, &["status", name], number.into()),
            }
        }
        set(job, &["status", "ready"], ready.into());
        set(job, &["status", "terminating"], terminating.into());
        set(job, &["status", "uncountedTerminatedPods"], json!({}));
        if !scene.done.is_empty() {
            set(job, &["status", "completedIndexes"], write_indexes(&scene.done).into());
        }
        match &ending {
            Some(ending) => end(job, ending, is_over, now),
            None => suspend(job, suspended, now),
        }
    });
    for key in counted {
        release(world, &key);
    }
}

/// Lets a pod go as far as its Job is concerned.
pub(super) fn release(world: &mut World<'_>, key: &Key) {
    world.change(key, |pod| {
        let held = items(pod, &["metadata", "finalizers"]);
        held.retain(|name| name != TRACKING);
        if held.is_empty() {
            unset(pod, &["metadata", "finalizers"]);
        }
    });
}

fn end(job: &mut Value, ending: &Ending, is_over: bool, now: Timestamp) {
    let (decided, over) = ending.conditions();
    let mut due = vec![decided];
    if is_over {
        due.push(over);
    }
    for kind in due {
        if condition(job, kind).is_none() {
            let said = said(kind, "True", &ending.reason, &ending.message, now);
            items(job, &["status", "conditions"]).push(said);
        }
    }
    if is_over && ending.well && !has(job, "/status/completionTime") {
        set(job, &["status", "completionTime"], stamp(now));
    }
}

fn suspend(job: &mut Value, suspended: bool, now: Timestamp) {
    let known = condition(job, "Suspended").map(|known| text(known, "/status") == "True");
    let (status, reason, message) = match (known, suspended) {
        (None | Some(false), true) => ("True", "JobSuspended", "Job suspended"),
        (Some(true), false) => ("False", "JobResumed", "Job resumed"),
        _ => return,
    };
    let conditions = items(job, &["status", "conditions"]);
    conditions.retain(|condition| text(condition, "/type") != "Suspended");
    conditions.push(said("Suspended", status, reason, message, now));
    match suspended {
        true => unset(job, &["status", "startTime"]),
        false => set(job, &["status", "startTime"], stamp(now)),
    }
}

/// Numbers as a Job's status lists them: `0-2,5`.
fn write_indexes(done: &BTreeSet<i64>) -> String {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for index in done {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            _ => ranges.push((*index, *index)),
        }
    }
    let told = ranges.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}-{last}"),
    });
    told.collect::<Vec<_>>().join(",")
}

/// The numbers of such a list.
pub(super) fn read_indexes(list: &str) -> BTreeSet<i64> {
    let mut done = BTreeSet::new();
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(first), Ok(last)) = (first.parse::<i64>(), last.parse::<i64>()) {
            done.extend(first..=last.min(first.saturating_add(100_000)));
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_done_are_listed_as_ranges() {
        for list in ["", "0", "0,1", "0-2,5", "1,3-7"] {
            assert_eq!(write_indexes(&read_indexes(list)), list);
        }
    }

    #[test]
    fn what_was_decided_stays_decided() {
        let said = said("FailureTarget", "True", "R", "m", Timestamp::UNIX_EPOCH);
        let job = json!({"status": {"conditions": [said]}});
        assert_eq!(decided(&job), Some(Ending::failed("R", "m")));
        assert!(!is_over(&job));
    }
}
