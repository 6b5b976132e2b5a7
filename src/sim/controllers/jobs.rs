//! Jobs: pods that run to their end, as many as asked for, again when they fail.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Value, json};

use super::birth;
use super::fields::{after, control, count, has, is_going, is_true, items, list, number, set, text, time};
use super::job_status::{self, Ending};
use super::names::beginning;
use super::pods::{annotation, has_ended, is_active, is_ready, restarts};
use super::routes::is_held_by;
use super::world::{Found, Role, World, owned};
use crate::sim::json::At as _;
use crate::sim::store::Key;

pub(super) const TRACKING: &str = "batch.kubernetes.io/job-tracking";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// How long a Job waits after its first failure, doubled with each, and at most.
const BACK_OFF: i64 = 10;
const LONGEST_BACK_OFF: i64 = 600;

/// A Job at one moment.
pub(super) struct Scene {
    pub key: Key,
    pub job: Rc<Value>,
    pub pods: Vec<Found>,
    /// Pods that ended since the last look.
    pub ended: Vec<Key>,
    pub succeeded: i64,
    pub failed: i64,
    /// The numbers that are done, of a Job that counts them.
    pub done: BTreeSet<i64>,
}

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(job) = world.get(key) else { return };
    if job_status::is_over(&job) {
        return clean_up(world, key, &job);
    }
    if !has(&job, "/spec/selector") {
        return give_selector(world, key);
    }
    let Some(mut scene) = scene(world, key) else { return };
    if !has(&scene.job, "/status/startTime") && !scene.is_suspended() {
        let now = world.now;
        world.change(key, |job| set(job, &["status", "startTime"], super::fields::stamp(now)));
        renew(world, &mut scene);
    }
    let ending = scene.ending(world);
    if ending.is_some() {
        for (key, _) in scene.pods.iter().filter(|(_, pod)| is_active(pod)) {
            world.delete(key);
        }
    } else if !is_going(&scene.job) {
        scene.manage(world);
    }
    let pods = pods(world, key, &scene.job);
    scene.pods = pods;
    let ending = ending.or_else(|| scene.success());
    job_status::tell(world, &scene, ending);
}

fn scene(world: &mut World<'_>, key: &Key) -> Option<Scene> {
    let job = world.get(key)?;
    let pods = pods(world, key, &job);
    let new = |(_, pod): &&Found| is_held_by(pod, TRACKING) && (has_ended(pod) || is_going(pod));
    let ended: Vec<Key> = pods.iter().filter(new).map(|(key, _)| key.clone()).collect();
    let went_well =
        |key: &Key| pods.iter().any(|(other, pod)| other == key && text(pod, "/status/phase") == "Succeeded");
    let well = i64::try_from(ended.iter().filter(|key| went_well(key)).count()).unwrap_or(0);
    let all = i64::try_from(ended.len()).unwrap_or(0);
    let mut done = job_status::read_indexes(text(&job, "/status/completedIndexes"));
    let mut succeeded = count(&job, "/status/succeeded") + well;
    if is_indexed(&job) {
        let most = number(&job, "/spec/completions").unwrap_or(1);
        let well = pods.iter().filter(|(_, pod)| text(pod, "/status/phase") == "Succeeded");
        done.extend(
            well.filter_map(|(_, pod)| annotation(pod, INDEX).parse::<i64>().ok()).filter(|at| *at < most),
        );
        succeeded = i64::try_from(done.len()).unwrap_or(0);
    }
    let failed = count(&job, "/status/failed") + all - well;
    Some(Scene { key: key.clone(), job, pods, ended, succeeded, failed, done })
}

fn renew(world: &mut World<'_>, scene: &mut Scene) {
    if let Some(fresh) = self::scene(world, &scene.key) {
        *scene = fresh;
    }
}

fn pods(world: &mut World<'_>, key: &Key, job: &Value) -> Vec<Found> {
    let found = world.children("", "pods", key);
    let reference = control("batch/v1", "Job", job);
    let selector = job.at("/spec/selector").cloned().unwrap_or_default();
    owned(world, found, job, &reference, &selector)
}

fn is_indexed(job: &Value) -> bool {
    text(job, "/spec/completionMode") == "Indexed"
}

/// The selector and labels that the server gives a Job.
fn give_selector(world: &mut World<'_>, key: &Key) {
    let Some(job) = world.get(key) else { return };
    let (uid, mut job) = (super::fields::uid(&job).to_owned(), (*job).clone());
    set(&mut job, &["spec", "selector"], json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}));
    for (label, value) in [
        ("batch.kubernetes.io/controller-uid", uid.as_str()),
        ("batch.kubernetes.io/job-name", &key.name),
        ("controller-uid", uid.as_str()),
        ("job-name", &key.name),
    ] {
        set(&mut job, &["spec", "template", "metadata", "labels", label], value.into());
    }
    // It is the server's own addition, no change of the Job: its generation stays.
    world.write(key, job);
}

impl Scene {
    pub(super) fn is_suspended(&self) -> bool {
        is_true(&self.job, "/spec/suspend")
    }

    pub(super) fn active(&self) -> impl Iterator<Item = &Found> {
        self.pods.iter().filter(|(_, pod)| is_active(pod))
    }

    pub(super) fn active_count(&self) -> i64 {
        i64::try_from(self.active().count()).unwrap_or(0)
    }

    fn parallelism(&self) -> i64 {
        number(&self.job, "/spec/parallelism").unwrap_or(1)
    }

    /// How many are to succeed; without a number and with parallelism given, any success ends it.
    fn completions(&self) -> Option<i64> {
        let completions = number(&self.job, "/spec/completions");
        if completions.is_none() && !has(&self.job, "/spec/parallelism") { Some(1) } else { completions }
    }

    /// Whether and how it ends before it succeeds.
    fn ending(&self, world: &mut World<'_>) -> Option<Ending> {
        if let Some(ending) = job_status::decided(&self.job) {
            return Some(ending);
        }
        let limit = number(&self.job, "/spec/backoffLimit").unwrap_or(6);
        let in_place = text(&self.job, "/spec/template/spec/restartPolicy") == "OnFailure";
        let restarted: i64 = self.active().map(|(_, pod)| restarts(pod)).sum();
        let too_often = in_place && if limit == 0 { restarted > 0 } else { restarted >= limit };
        if self.failed > limit || too_often {
            return Some(Ending::failed(
                "BackoffLimitExceeded",
                "Job has reached the specified backoff limit",
            ));
        }
        let seconds = number(&self.job, "/spec/activeDeadlineSeconds")?;
        let since = time(&self.job, "/status/startTime").filter(|_| !self.is_suspended())?;
        let end = after(since, seconds);
        if end <= world.now {
            return Some(Ending::failed("DeadlineExceeded", "Job was active longer than specified deadline"));
        }
        world.ask_at(Role::Job, &self.key, end);
        None
    }

    fn success(&self) -> Option<Ending> {
        let active = self.active_count();
        let is_done = match self.completions() {
            Some(completions) => self.succeeded >= completions,
            None => self.succeeded > 0,
        };
        (is_done && active == 0).then(Ending::complete)
    }

    /// As many pods as are to run now.
    fn manage(&self, world: &mut World<'_>) {
        let active = self.active_count();
        let wanted = match self.completions() {
            _ if self.is_suspended() => 0,
            Some(completions) => (completions - self.succeeded).clamp(0, self.parallelism()),
            None if self.succeeded > 0 => active,
            None => self.parallelism(),
        };
        if active > wanted {
            let mut spare: Vec<&Found> = self.active().collect();
            spare.sort_by_key(|(key, pod)| {
                (is_ready(pod), std::cmp::Reverse(time(pod, "/metadata/creationTimestamp")), key.clone())
            });
            let excess = usize::try_from(active - wanted).unwrap_or(0);
            for (key, _) in spare.into_iter().take(excess) {
                // What goes because it is not wanted is no failure: it is not counted.
                job_status::release(world, key);
                world.delete(key);
            }
        } else if active < wanted {
            if let Some(at) = self.again(world.now) {
                return world.ask_at(Role::Job, &self.key, at);
            }
            let mut running: BTreeSet<i64> = self.done.clone();
            running.extend(self.active().filter_map(|(_, pod)| annotation(pod, INDEX).parse::<i64>().ok()));
            let mut free = (0..).filter(|at| !running.contains(at));
            for _ in active..wanted {
                self.make(world, free.next().filter(|_| is_indexed(&self.job)));
            }
        }
    }

    /// When the next try is due after a failure; `None` if it is now.
    fn again(&self, now: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let ends = self.pods.iter().filter(|(_, pod)| text(pod, "/status/phase") == "Failed").filter_map(
            |(_, pod)| {
                let statuses = list(pod, "/status/containerStatuses");
                statuses.iter().filter_map(|status| time(status, "/state/terminated/finishedAt")).max()
            },
        );
        let last = ends.max()?;
        let doubled = u32::try_from(self.failed.clamp(1, 7) - 1).unwrap_or(0);
        let at = after(last, (BACK_OFF << doubled).min(LONGEST_BACK_OFF));
        (self.failed > 0 && at > now).then_some(at)
    }

    fn make(&self, world: &mut World<'_>, index: Option<i64>) {
        let template = self.job.at("/spec/template").cloned().unwrap_or_default();
        let owner = match index {
            Some(index) => format!("{}-{index}", self.key.name),
            None => self.key.name.to_string(),
        };
        let reference = control("batch/v1", "Job", &self.job);
        let mut pod = birth::pod(&template, reference, Some(&beginning(&owner)));
        items(&mut pod, &["metadata", "finalizers"]).push(TRACKING.into());
        if let Some(index) = index {
            set(&mut pod, &["metadata", "annotations", INDEX], index.to_string().into());
            set(&mut pod, &["metadata", "labels", INDEX], index.to_string().into());
            set(&mut pod, &["spec", "hostname"], owner.clone().into());
        }
        let resource = self.key.beside("", "pods", "");
        let child = world.child(&self.key, &resource, &owner);
        world.create(&child, pod);
    }
}

/// A Job that is over goes after a while, where it says so.
fn clean_up(world: &mut World<'_>, key: &Key, job: &Value) {
    let Some(seconds) = number(job, "/spec/ttlSecondsAfterFinished").filter(|_| !is_going(job)) else {
        return;
    };
    let Some(over) = job_status::over_since(job) else { return };
    let at = after(over, seconds);
    if at <= world.now {
        world.delete(key);
    } else {
        world.ask_at(Role::Job, key, at);
    }
}
