//! What is looked at again and again without progress is told.

use super::fleet::{phase, steps};
use super::scripted::plans::{Shape, WaveShape, plan};
use super::scripted::world::{Calm, Fate, World, failed};
use crate::journal::{Answer, AttemptId, BlockReason, Body, FailureClass, Preflight, Side, StepId};
use crate::model::{Actor, Duration};
use crate::plan::{GateKind, PlannedGate};
use crate::rollout::{Wait, WaitKind, WavePhase, waits};

struct Blocked;

impl Fate for Blocked {
    fn preflight(&mut self, _: &AttemptId, _: u32) -> Option<Preflight> {
        Some(Preflight::Blocked { reason: BlockReason::Missing, cause: "no account".to_owned() })
    }
}

fn alerts<F>(world: &World<F>) -> Vec<(WaitKind, u32)> {
    let found = waits(&world.state, world.now).into_iter();
    found.filter_map(|wait| Some((wait.kind.clone(), wait.alert()?))).collect()
}

#[test]
fn fleet_i05_what_is_looked_at_in_vain_again_and_again_is_told_and_looked_at_less_often() {
    // A cluster that never converges: looked at ever less often, and from the fifth look on an alert.
    let mut world = World::new(Blocked);
    world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    let looks = |world: &World<Blocked>| {
        let looks = world.events.iter().filter(|e| matches!(e.body, Body::AttemptPreflighted { .. }));
        u32::try_from(looks.count()).unwrap()
    };
    while looks(&world) < 7 {
        world.round();
        assert!(world.advance());
        let told = alerts(&world);
        let at_rest =
            waits(&world.state, world.now).iter().any(|w| matches!(w.kind, WaitKind::Blocked { .. }));
        if at_rest {
            assert_eq!(
                told.iter().map(|(_, n)| *n).collect::<Vec<_>>(),
                if looks(&world) < Wait::ALERT { vec![] } else { vec![looks(&world)] }
            );
        }
    }
    // A step whose tries bring nothing.
    let fate = steps(|_, step, _| match step {
        StepId::Settle { .. } => failed(FailureClass::Transient),
        _ => super::scripted::world::done(),
    });
    let mut shape = Shape::of(vec![WaveShape::of(1)]);
    shape.products[0].steps[0].1 = 9;
    let mut world = World::new(fate);
    world.start(plan(&shape));
    for _ in 0..60 {
        world.round();
        world.advance();
    }
    assert!(world.events.iter().any(|e| matches!(e.body, Body::StepFinished { .. })));
}

#[test]
fn drivers_that_start_again_and_again_without_getting_anything_done_are_told() {
    let mut world = World::new(Calm);
    world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    for _ in 0..4 {
        world.take_over();
    }
    assert_eq!(alerts(&world), []);
    world.take_over();
    assert!(matches!(alerts(&world)[..], [(WaitKind::Restarts { .. }, 5)]), "{:?}", alerts(&world));
    world.round();
    assert_eq!(alerts(&world), [], "one that gets something done is well");
}

#[test]
fn a_machine_that_says_no_again_and_again_is_told() {
    let mut gated = plan(&Shape::of(vec![WaveShape::of(1)]));
    gated.waves[0].gates_before = vec![PlannedGate {
        id: "command".parse().unwrap(),
        kind: GateKind::Command {
            run: vec!["oncall".to_owned()],
            env: serde_json::Value::Null,
            timeout: Duration::seconds(5),
            valid_for: Duration::minutes(1),
            ask_every: Duration::minutes(1),
        },
    }];
    let mut world = World::new(Calm);
    let id = world.start(gated);
    while phase(&world, &id, "w0") != WavePhase::GatesBefore {
        world.round();
    }
    let wave: crate::model::WaveName = "w0".parse().unwrap();
    let evidence = world.state.rollout(&id).unwrap().evidence(&wave, Side::Before);
    for asked in 1..=6 {
        let answer = Answer {
            open: false,
            evidence,
            facts: vec!["nobody".into()],
            expires: Some(Duration::minutes(1).after(world.now)),
        };
        let (rollout, wave, gate) = (id.clone(), wave.clone(), "command".parse().unwrap());
        let body = Body::GateAnswered { rollout, wave, side: Side::Before, gate, answer, revision: None };
        world.append(Actor::engine(), body);
        assert_eq!(alerts(&world).len(), usize::from(asked >= Wait::ALERT));
    }
}
