//! The fleet as committed, its source included: read again and again while somebody drives, and
//! recorded when it has other members. What can't be read, or misses too many, is doubted and changes
//! nothing. What a change means for a cluster is for the core.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::catalog::{self, fleet};
use crate::diag::Findings;
use crate::journal::{Body, Member};
use crate::model::{ClusterEntry, ClusterName, FleetFile, Tree};
use crate::port::Fault;
use crate::rollout::FleetState;

use super::calendar::READ_EVERY;
use super::recorder::Recorder;
use super::world::World;

/// How old the last look at the last commit may be when something is to be started.
const FRESH: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// The file within `pipelines`.
const FILE: &str = "fleet.yaml";

/// Who keeps the recorded members in step with the last commit.
#[derive(Default)]
pub struct Memberships {
    looked: Option<jiff::Timestamp>,
    /// The newest plan at that look: one that came since was made from files of its own.
    plan: Option<u64>,
    /// When the source was asked last.
    asked: Option<jiff::Timestamp>,
    /// The commit that was read, and the newest plan then.
    read: Option<(String, Option<u64>)>,
    /// The source, while it is asked: that may take a minute, and nothing waits for it.
    asking: Option<Asking>,
}

/// A source that is asked.
struct Asking {
    task: JoinHandle<()>,
    answer: oneshot::Receiver<Answered>,
}

/// What a source said.
struct Answered {
    head: String,
    file: FleetFile,
    /// The newest plan when it was asked.
    plan: Option<u64>,
    sourced: Result<Vec<ClusterEntry>, Fault>,
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Memberships {
    /// The event to record, if the committed fleet has other members than are recorded, or is not
    /// believed. A source is asked beside; `recorder` wakes the driver when it has answered. `starting`
    /// says that something is to be started now, so that the look must be fresh.
    pub async fn look(
        &mut self,
        world: &World,
        state: &FleetState,
        recorder: &Recorder,
        starting: bool,
    ) -> Option<Body> {
        let (now, plan) = (world.clock.now(), state.newest_plan());
        // An answer from before the newest plan may lack clusters which that one has: it is asked again.
        if let Some(answered) = self.answered().filter(|answered| answered.plan == plan) {
            return news(state, answered.told(state));
        }
        let every = jiff::SignedDuration::try_from(READ_EVERY).unwrap_or(FRESH);
        // A clock that was set back makes a look of the future, which says nothing about now.
        let younger = |at: Option<jiff::Timestamp>, most| {
            at.map(|at| now.duration_since(at)).is_some_and(|age| !age.is_negative() && age < most)
        };
        if self.plan == plan && younger(self.looked, if starting { FRESH } else { every }) {
            return None;
        }
        (self.looked, self.plan) = (Some(now), plan);
        if state.live_rollouts().next().is_none() || self.asking.is_some() {
            return None;
        }
        let head = match head(world, state.fleet_commit()).await {
            Ok(head) => head,
            Err(cause) => return self.unread(state, cause),
        };
        let reading = Some((head.clone(), plan));
        if self.read == reading && (self.asked.is_none() || younger(self.asked, every)) {
            return None;
        }
        let file = match committed(world, &head).await {
            Ok(file) => file,
            Err(Unread::Fault(fault)) => return self.unread(state, cant_be_read(&fault)),
            Err(Unread::Wrong(why)) => {
                self.read = reading;
                return news(state, Body::MembershipDoubted { cause: why });
            }
        };
        self.read = reading;
        if file.spec.source.is_none() {
            self.asked = None;
            return news(state, judged(&head, &file, Vec::new(), &Known::default()));
        }
        self.asked = Some(now);
        self.asking = ask(world, recorder, head, file, plan);
        None
    }

    /// What was asked for, once it is there.
    fn answered(&mut self) -> Option<Answered> {
        let answer = self.asking.as_mut()?.answer.try_recv();
        if !matches!(answer, Err(oneshot::error::TryRecvError::Empty)) {
            self.asking = None;
        }
        answer.ok()
    }

    /// The fleet can't be read now: the same commit is read again.
    fn unread(&mut self, state: &FleetState, cause: String) -> Option<Body> {
        self.read = None;
        news(state, Body::MembershipDoubted { cause })
    }
}

/// Asks the source of a fleet.
fn ask(
    world: &World,
    recorder: &Recorder,
    head: String,
    file: FleetFile,
    plan: Option<u64>,
) -> Option<Asking> {
    let source = file.spec.source.as_ref()?.value.clone();
    let (clusters, recorder) = (Arc::clone(&world.clusters), recorder.clone());
    let (told, answer) = oneshot::channel();
    let task = tokio::spawn(async move {
        let sourced = clusters.members(&source).await;
        // A driver that is gone wants to know nothing.
        if told.send(Answered { head, file, plan, sourced }).is_ok() {
            let _ = recorder.fact(Vec::new()).await;
        }
    });
    Some(Asking { task, answer })
}

impl Answered {
    /// The event.
    fn told(self, state: &FleetState) -> Body {
        match self.sourced {
            Ok(sourced) => judged(&self.head, &self.file, sourced, &Known::of(state, &self.file)),
            Err(fault) => Body::MembershipDoubted {
                cause: format!("the fleet's source can't be read: {}", fault.message),
            },
        }
    }
}

/// The last commit, if it is believed.
async fn head(world: &World, base: Option<&str>) -> Result<String, String> {
    let head = world.git.head().await.map_err(|fault| cant_be_read(&fault))?;
    believed(world, &head, base).await?;
    Ok(head)
}

fn cant_be_read(fault: &Fault) -> String {
    format!("the fleet of the last commit can't be read: {}", fault.message)
}

/// That a commit is the one from which the fleet was known last, or comes after it: who looks at an
/// older one, or at another branch, must take no cluster away.
pub async fn believed(world: &World, head: &str, base: Option<&str>) -> Result<(), String> {
    let Some(base) = base else { return Ok(()) };
    if world.git.descends(head, base).await.map_err(|fault| cant_be_read(&fault))? {
        return Ok(());
    }
    let short = |commit: &str| commit.get(..10).unwrap_or(commit).to_owned();
    Err(format!(
        "commit {} is checked out, and it does not come after {}, from which the fleet was read: check out a commit that has {1}",
        short(head),
        short(base)
    ))
}

/// The event, if it says something that is not recorded.
fn news(state: &FleetState, body: Body) -> Option<Body> {
    is_news(state, &body).then_some(body)
}

/// Whether an event about members says something that is not recorded.
pub fn is_news(state: &FleetState, body: &Body) -> bool {
    match body {
        Body::MembershipRecorded { clusters, .. } => state.is_news(clusters),
        Body::MembershipDoubted { cause } => state.doubt().is_none_or(|known| known.cause != *cause),
        _ => true,
    }
}

/// What a source's answer is compared with.
#[derive(Default)]
struct Known {
    /// What it listed before.
    before: Vec<ClusterName>,
    /// Those that an open rollout plans: nobody else can depart.
    planned: HashSet<ClusterName>,
}

impl Known {
    fn of(state: &FleetState, file: &FleetFile) -> Self {
        let listed: HashSet<&ClusterName> =
            file.spec.clusters.iter().map(|entry| &entry.value.name.value).collect();
        let planned: HashSet<ClusterName> =
            state.would_depart(&BTreeMap::new()).into_iter().cloned().collect();
        let before = match state.membership() {
            Some(known) => known.clusters.iter().filter(|(_, m)| m.sourced).map(|(n, _)| n.clone()).collect(),
            // Nothing is recorded yet: what is planned and not listed came from the source.
            None => planned.iter().filter(|name| !listed.contains(name)).cloned().collect(),
        };
        Self { before, planned }
    }
}

/// What the fleet's file and its source say together.
fn judged(commit: &str, file: &FleetFile, sourced: Vec<ClusterEntry>, known: &Known) -> Body {
    let listed: Vec<ClusterName> = sourced.iter().map(|entry| entry.name.value.clone()).collect();
    let names: HashSet<&ClusterName> = listed.iter().collect();
    let mut wrong = Findings::new();
    if let Some(source) = &file.spec.source {
        let at_stake = known.before.iter().any(|n| !names.contains(n) && known.planned.contains(n));
        let before: &[ClusterName] = if at_stake { &known.before } else { &[] };
        wrong.extend(fleet::check_source(&source.place, before, &listed));
    }
    let (members, more) = fleet::members(&file.spec, sourced);
    wrong.extend(more);
    if let Some(first) = wrong.errors().next() {
        let hints: Vec<String> = first.hints.iter().map(|hint| format!(" ({hint})")).collect();
        return Body::MembershipDoubted { cause: format!("{}{}", first.message, hints.concat()) };
    }
    if members.is_empty() {
        return Body::MembershipDoubted { cause: "the fleet has no cluster".to_owned() };
    }
    let clusters = members.into_iter().map(|(name, entry)| {
        let sourced = names.contains(&name);
        let member = Member { labels: entry.plain_labels(), hibernated: entry.hibernated, sourced };
        (name, member)
    });
    Body::MembershipRecorded { commit: commit.to_owned(), clusters: clusters.collect() }
}

/// Why the fleet of a commit is not known.
enum Unread {
    /// Git did not answer.
    Fault(Fault),
    /// It is wrong.
    Wrong(String),
}

/// The fleet of a commit.
async fn committed(world: &World, commit: &str) -> Result<FleetFile, Unread> {
    let mut tree = Tree::new();
    if let Some(found) = world.git.tree(commit, "pipelines").await.map_err(Unread::Fault)? {
        for (path, file) in found.iter().filter(|(path, _)| *path == FILE) {
            tree.insert(format!("pipelines/{path}"), file.clone());
        }
    }
    let (catalog, findings) = catalog::load(&tree);
    if let Some(first) = findings.errors().next() {
        return Err(Unread::Wrong(format!(
            "pipelines/{FILE} of the last commit is wrong: {}",
            first.message
        )));
    }
    let fleet = catalog.fleet.map(|loaded| loaded.file);
    fleet.ok_or_else(|| Unread::Wrong(format!("the last commit has no pipelines/{FILE}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::File;

    const HEAD: &str = "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: main }\nspec:\n";

    fn file(rest: &str) -> FleetFile {
        let mut tree = Tree::new();
        let bytes = std::sync::Arc::from(format!("{HEAD}{rest}").as_bytes());
        tree.insert(format!("pipelines/{FILE}"), File { bytes, executable: false });
        catalog::load(&tree).0.fleet.unwrap().file
    }

    fn entries(names: impl IntoIterator<Item = u32>) -> Vec<ClusterEntry> {
        let entry = |n| serde_json::json!({"name": format!("c{n}"), "hibernated": n == 0, "kubeconfig": {"path": "k"}});
        names.into_iter().map(|n| serde_json::from_value(entry(n)).unwrap()).collect()
    }

    fn names(names: impl IntoIterator<Item = u32>) -> Vec<ClusterName> {
        names.into_iter().map(|n| format!("c{n}").parse().unwrap()).collect()
    }

    const SOURCED: &str = "  source:\n    command: { command: [\"./list\"] }\n  clusters:\n    - { name: own, kubeconfig: { path: k } }\n";

    #[test]
    fn members_say_where_they_come_from_and_who_is_asleep() {
        let Body::MembershipRecorded { clusters, .. } =
            judged("c", &file(SOURCED), entries(0..2), &Known::default())
        else {
            panic!("it is not believed");
        };
        let of = |name: &str| clusters[&name.parse::<ClusterName>().unwrap()].clone();
        assert!(of("c0").hibernated && of("c0").sourced);
        assert!(!of("c1").hibernated && !of("own").sourced);
    }

    #[test]
    fn a_source_that_lost_many_is_not_believed_while_a_rollout_waits_for_one_of_them() {
        let known = |planned: Vec<ClusterName>| Known {
            before: names(0..20),
            planned: planned.into_iter().collect(),
        };
        let doubted = |known: &Known, left| {
            matches!(judged("c", &file(SOURCED), entries(left), known), Body::MembershipDoubted { .. })
        };
        assert!(doubted(&known(names(0..20)), 5..20));
        assert!(!doubted(&known(names(0..20)), 2..20), "two may go");
        assert!(!doubted(&known(names(5..20)), 5..20), "nobody waits for those");
        assert!(doubted(&known(Vec::new()), 0..0), "an empty list is never a fleet");
    }
}
