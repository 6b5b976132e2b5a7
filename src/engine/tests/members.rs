//! The fleet while rollouts run: which commit and which answer is believed, and who joins.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::api;
use super::fake::{Deed, Stage, times};
use super::scripted::plans::{Revision, Shape, WaveShape, plan, revised};
use crate::engine::membership::Memberships;
use crate::engine::recorder::Facts;
use crate::engine::repo::fake::Memory;
use crate::engine::{Drive, Recorder, Rules, StopRequest, Times, Until, drive};
use crate::journal::{Body, Event};
use crate::model::{Actor, ClusterEntry, RolloutId};
use crate::plan::Plan;
use crate::port::{Journal, NewEvent};
use crate::rollout::{Command, FleetState, admit};

const FILE: &str = "pipelines/fleet.yaml";
const SOURCE: &str = "  source:\n    command: { command: [\"./list\"] }\n";

/// A Fleet file with a source or none.
fn fleet(source: &str, names: &[&str]) -> String {
    let head = "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: main }\nspec:\n";
    let cluster =
        |name: &&str| format!("    - {{ name: {name}, kubeconfig: {{ path: k, context: {name} }} }}\n");
    let clusters: String = names.iter().map(cluster).collect();
    if names.is_empty() {
        format!("{head}{source}")
    } else {
        format!("{head}{source}  clusters:\n{clusters}")
    }
}

fn entry(name: &str) -> ClusterEntry {
    let kubeconfig = serde_json::json!({"path": "k", "context": name});
    serde_json::from_value(serde_json::json!({"name": name, "kubeconfig": kubeconfig})).unwrap()
}

/// A repository whose last commit has this fleet, on a stage.
fn repository(stage: &Stage, fleet: &str) -> Memory {
    let git = Memory::with(&[(FILE, fleet)]);
    *stage.ports.git.lock().unwrap() = Some(git.clone());
    git
}

fn commit(git: &Memory, fleet: &str) -> String {
    git.edit(FILE, fleet);
    git.commit();
    git.head()
}

/// A plan over so many clusters, made from the last commit.
fn planned(git: &Memory, release: &str, prefix: &str, clusters: usize) -> Plan {
    let wave = WaveShape { failures: 100, ..WaveShape::of(clusters) };
    let shape = Shape { release: release.to_owned(), prefix: prefix.to_owned(), ..Shape::of(vec![wave]) };
    Plan { commit: git.head(), ..plan(&shape) }
}

fn soon() -> Deed {
    Deed::Missing(Duration::from_millis(5))
}

/// Who drives, and a place for what is looked at.
fn driver(stage: &Stage) -> (Memberships, Recorder, mpsc::Receiver<Facts>) {
    let (process, boot, pid_namespace) = ("1@here".to_owned(), "b2".to_owned(), String::new());
    written(stage, Body::DriverTookOver { process, boot, pid_namespace, new_fence: 1 });
    let (recorder, arriving) = Recorder::new(1);
    (Memberships::default(), recorder, arriving)
}

fn written(stage: &Stage, body: Body) {
    stage.journal.push(Some(1), Actor::engine(), body);
}

/// One look, as a driver takes it; what it says is written.
async fn look(stage: &Stage, members: &mut Memberships, recorder: &Recorder) -> Option<Body> {
    let said = members.look(&stage.world(), &stage.state(), recorder, true).await;
    if let Some(body) = &said {
        written(stage, body.clone());
    }
    said
}

fn names(said: Option<Body>) -> Vec<String> {
    match said {
        Some(Body::MembershipRecorded { clusters, .. }) => clusters.keys().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn doubt(said: Option<Body>) -> String {
    match said {
        Some(Body::MembershipDoubted { cause }) => cause,
        other => panic!("{other:?}"),
    }
}

/// Drives until the journal has this.
async fn until(stage: &Stage, mut there: impl FnMut(&[Event]) -> bool) {
    let (_stop, stop) = watch::channel(StopRequest::None);
    let options =
        Drive { rollouts: Vec::new(), until: Until::Done, standby: false, stop, rules: Rules::default() };
    let (request, reach) = (Duration::from_secs(5), Duration::from_secs(10));
    let (world, times) = (stage.world(), Times { request, reach, ..times() });
    let mut seen = |_: &Event, _: &FleetState| {};
    let look = async {
        while !there(&stage.journal.events()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        ended = Box::pin(drive(&world, &times, options, &mut seen)) => panic!("{:?}", ended.map(|e| e.0)),
        () = look => {}
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("it did not come"),
    }
}

/// Why a cluster did not join, and whether that lasts.
fn not_joined(events: &[Event], name: &str) -> Option<(String, bool)> {
    events.iter().find_map(|event| match &event.body {
        Body::RolloutNotJoined { cluster, cause, lasting, .. } if cluster.as_str() == name => {
            Some((cause.clone(), *lasting))
        }
        _ => None,
    })
}

#[tokio::test]
async fn a_renamed_cluster_is_told_to_be_planned_by_its_other_name_and_looked_at_once() {
    let stage = Stage::new();
    let git = repository(&stage, &fleet("", &["c-0", "c-1"]));
    let id = stage.start(planned(&git, "R1", "c", 2), soon()).await;
    commit(&git, &fleet("", &["c-0", "c-1b"]));
    let address = api::serve("uid-c-1", None).await;
    stage.ports.apis.lock().unwrap().insert("c-1b".to_owned(), address);
    until(&stage, |events| not_joined(events, "c-1b").is_some()).await;
    let (cause, lasting) = not_joined(&stage.journal.events(), "c-1b").unwrap();
    assert!(lasting && cause.starts_with(&format!("it is c-1 of {id} by its UID")), "{cause}");
}

#[tokio::test]
async fn a_cluster_of_another_journal_does_not_join() {
    let stage = Stage::new();
    let git = repository(&stage, &fleet("", &["c-0"]));
    stage.start(planned(&git, "R1", "c", 1), soon()).await;
    commit(&git, &fleet("", &["c-0", "new"]));
    let other = "11111111-2222-4333-8444-555555555555";
    let address = api::serve("uid-new", Some(&format!("{other}/7@there"))).await;
    stage.ports.apis.lock().unwrap().insert("new".to_owned(), address);
    until(&stage, |events| not_joined(events, "new").is_some()).await;
    let (cause, lasting) = not_joined(&stage.journal.events(), "new").unwrap();
    assert!(lasting && cause.contains(other), "{cause}");
    assert!(cause.contains("tidegate cluster adopt new --reason TEXT"), "{cause}");
}

#[tokio::test]
async fn many_that_join_are_looked_at_a_few_at_once_and_the_source_is_asked_once_for_all() {
    let stage = Stage::new();
    let git = repository(&stage, &fleet(SOURCE, &["c-0"]));
    stage.start(planned(&git, "R1", "c", 1), soon()).await;
    let new: Vec<String> = (0..100).map(|n| format!("n-{n}")).collect();
    stage.ports.source.lock().unwrap().0 = new.iter().map(|name| entry(name)).collect();
    stage.ports.connecting.lock().unwrap().0 = Duration::from_millis(50);
    until(&stage, |events| new.iter().all(|name| not_joined(events, name).is_some())).await;
    let (_, now, most) = *stage.ports.connecting.lock().unwrap();
    assert_eq!((now, most), (0, 32));
    assert_eq!(stage.ports.source.lock().unwrap().2, 2, "by the driver, and for those that join");
}

#[tokio::test]
async fn a_new_plan_of_a_rollout_has_the_fleet_read_anew() {
    let stage = Stage::new();
    let git = repository(&stage, &fleet("", &["c-0", "c-1"]));
    let id = stage.start(planned(&git, "R1", "c", 2), soon()).await;
    let (mut members, recorder, _arriving) = driver(&stage);
    commit(&git, &fleet("", &["c-0"]));
    assert_eq!(names(look(&stage, &mut members, &recorder).await), ["c-0"]);
    written(&stage, Body::RolloutStarted { rollout: id.clone() });
    // Made before the commit, recorded after it.
    replan(&stage, &id).await;
    assert!(stage.state().rollout(&id).unwrap().cluster(&"c-1".parse().unwrap()).is_some());
    assert_eq!(names(look(&stage, &mut members, &recorder).await), ["c-0"]);
    assert_eq!(look(&stage, &mut members, &recorder).await, None);
}

async fn replan(stage: &Stage, id: &RolloutId) {
    let (at, state) = (jiff::Timestamp::now(), stage.state());
    let plan = revised(state.rollout(id).unwrap().plan(), Revision::Cap(0));
    let command = Command::Replan { rollout: id.clone(), plan: Box::new(plan), reason: None };
    let bodies = admit(&state, &command, at).unwrap();
    let actor = Actor("person:ann".to_owned());
    let events = bodies.into_iter().map(|body| NewEvent { at, actor: actor.clone(), body }).collect();
    stage.journal.append(state.position(), None, events).await.unwrap();
}

#[tokio::test]
async fn an_answer_of_the_source_from_before_a_plan_takes_none_of_its_clusters_away() {
    let stage = Stage::new();
    let git = repository(&stage, &fleet(SOURCE, &[]));
    stage.start(planned(&git, "R1", "c", 1), soon()).await;
    stage.ports.source.lock().unwrap().0 = vec![entry("c-0")];
    let (mut members, recorder, mut arriving) = driver(&stage);
    assert_eq!(look(&stage, &mut members, &recorder).await, None);
    let woken = arriving.recv().await.unwrap();
    assert!(woken.bodies.is_empty(), "recorded without a look at the state: {:?}", woken.bodies);
    stage.start(planned(&git, "R2", "d", 1), soon()).await;
    stage.ports.source.lock().unwrap().0.push(entry("d-0"));
    assert_eq!(look(&stage, &mut members, &recorder).await, None);
    let again = tokio::time::timeout(Duration::from_secs(5), arriving.recv()).await;
    assert!(again.expect("it is not asked again").is_some());
    assert_eq!(stage.ports.source.lock().unwrap().2, 2, "at once");
    assert_eq!(names(look(&stage, &mut members, &recorder).await), ["c-0", "d-0"]);
}

#[tokio::test]
async fn a_commit_that_does_not_come_after_the_known_one_takes_nobody_away() {
    let stage = Stage::that_jumps();
    let git = repository(&stage, &fleet("", &["c-0"]));
    let old = git.head();
    let base = commit(&git, &fleet("", &["c-0", "c-1"]));
    stage.start(planned(&git, "R1", "c", 2), soon()).await;
    let (mut members, recorder, _arriving) = driver(&stage);
    let mut looked = async || {
        // Something is to be started each time.
        *stage.clock.jumped.lock().unwrap() += Duration::from_secs(3);
        look(&stage, &mut members, &recorder).await
    };
    git.check_out(&old);
    let cause = doubt(looked().await);
    assert!(cause.contains(&old[..10]), "{cause}");
    assert!(cause.ends_with(&format!("check out a commit that has {}", &base[..10])), "{cause}");
    assert_eq!(looked().await, None, "once per cause");
    git.check_out(&base);
    assert_eq!(names(looked().await), ["c-0", "c-1"]);
    // From now on the record says what is known.
    commit(&git, &fleet("", &["c-0", "c-2"]));
    assert_eq!(names(looked().await), ["c-0", "c-2"]);
    git.check_out(&base);
    assert!(doubt(looked().await).contains("check out"));
}

#[tokio::test]
async fn git_that_fails_is_told_once_and_so_is_that_it_is_well_again() {
    let stage = Stage::that_jumps();
    let git = repository(&stage, &fleet("", &["c-0"]));
    stage.start(planned(&git, "R1", "c", 1), soon()).await;
    let (mut members, recorder, _arriving) = driver(&stage);
    let mut looked = async || {
        *stage.clock.jumped.lock().unwrap() += Duration::from_secs(3);
        look(&stage, &mut members, &recorder).await
    };
    assert_eq!(names(looked().await), ["c-0"]);
    *stage.ports.git.lock().unwrap() = None;
    let cause = doubt(looked().await);
    assert_eq!(cause, "the fleet of the last commit can't be read: not in this test");
    assert_eq!(looked().await, None, "once per cause");
    *stage.ports.git.lock().unwrap() = Some(git);
    assert_eq!(names(looked().await), ["c-0"]);
    assert!(stage.state().doubt().is_none());
}
