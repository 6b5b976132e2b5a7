//! A journal that begins anew from what clusters say, as the core alone decides it.

use super::fleet::rolled;
use super::scripted::plans::{Shape, WaveShape, plan};
use super::scripted::world::{Calm, World, person};
use crate::diag::codes;
use crate::journal::Body;
use crate::model::RolloutId;
use crate::rollout::{Command, FleetState, RefusalExit, admit};

fn rebuild(reason: &str) -> Command {
    Command::Rebuild { clusters: vec!["c-0".parse().unwrap()], reason: reason.to_owned() }
}

fn adopted(rollouts: &[&str]) -> Body {
    Body::ClusterAdopted {
        cluster: "c-0".parse().unwrap(),
        uid: crate::model::ClusterUid::new("uid-c-0"),
        from: None,
        rollouts: rollouts.iter().map(|id| id.parse().unwrap()).collect(),
        reason: "lost".to_owned(),
    }
}

#[test]
fn only_a_journal_without_a_history_is_rebuilt() {
    let now = super::scripted::plans::start();
    let bodies = admit(&FleetState::new(), &rebuild("disk is lost"), now).unwrap();
    assert!(matches!(bodies.as_slice(), [Body::JournalRebuild { clusters, .. }] if clusters.len() == 1));
    let why = admit(&FleetState::new(), &rebuild(" "), now).unwrap_err();
    assert_eq!((why.code.id, why.exit), (codes::REASON_MISSING.id, RefusalExit::Usage));

    let (world, _) = rolled(Calm, &Shape::of(vec![WaveShape::of(1)]));
    let why = admit(&world.state, &rebuild("disk is lost"), now).unwrap_err();
    assert_eq!((why.code.id, why.exit), (codes::JOURNAL_NOT_LOST.id, RefusalExit::Conflict));
    assert!(why.sentence.contains("1 rollout") && !why.legal.is_empty(), "{why:?}");
    assert!(world.state.check(&bodies[0]).is_err(), "the fold takes it all the same");
}

#[test]
fn the_id_of_a_rollout_that_a_lost_journal_gave_is_not_given_again() {
    let mut world = World::new(Calm);
    let shape = Shape::of(vec![WaveShape::of(1)]);
    let id = |n: u32| RolloutId::new(&shape.release.parse().unwrap(), n).unwrap();
    let known = [format!("{}-2", shape.release), format!("{}-1-9", shape.release), "other-7".to_owned()];
    world.append(person(), adopted(&known.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(world.start(plan(&shape)), id(3));
    world.settle(1_000);
    assert_eq!(world.start(plan(&shape)), id(4));
}
