//! Gates: which is asked when, and what a yes given early is worth.

use super::fleet::{phase, state};
use super::scripted::plans::{Shape, WaveShape, plan};
use super::scripted::world::{Calm, World};
use crate::journal::Side;
use crate::model::{Duration, Worse};
use crate::plan::{GateKind, PlannedComparison, PlannedGate, PlannedMetric};
use crate::rollout::{Command, Effect, RolloutState, WaitKind, WavePhase, effects, waits};

fn metric() -> PlannedGate {
    let kind = GateKind::Metric(Box::new(PlannedMetric {
        prometheus: "http://localhost:9090".to_owned(),
        token: serde_json::Value::Null,
        query: "errors".to_owned(),
        window: Duration::minutes(10),
        step: Duration::seconds(30),
        min_samples: 5,
        max: None,
        min: None,
        compare: Some(PlannedComparison { worse: Worse::Higher, percent: 10.0 }),
        valid_for: Duration::minutes(10),
        ask_every: Duration::minutes(1),
    }));
    PlannedGate { id: "metric".parse().unwrap(), kind }
}

#[test]
fn fleet_e20_the_dear_gate_is_asked_only_once_the_cheap_one_is_open() {
    let mut planned = plan(&Shape::of(vec![WaveShape { before: true, ..WaveShape::of(1) }]));
    // Written first, and yet asked last.
    planned.waves[0].gates_before.insert(0, metric());
    let mut world = World::new(Calm);
    let id = world.start(planned);
    let asked = |world: &World<Calm>| {
        let named = effects(&world.state, world.now).effects.into_iter();
        let gate =
            |effect| if let Effect::AskGate { gate, .. } = effect { Some(gate.to_string()) } else { None };
        named.filter_map(gate).collect::<Vec<_>>()
    };
    while phase(&world, &id, "w0") != WavePhase::GatesBefore {
        world.round();
    }
    assert!(world.settle(20), "nobody says yes, and no machine is asked");
    assert_eq!(asked(&world), Vec::<String>::new());
    world.approve(&id, "w0").unwrap();
    assert_eq!(asked(&world), ["approval"]);
    // The scripted world has no metric to ask: it is named, once the cheap one is open.
    let wave = "w0".parse().unwrap();
    let evidence = world.state.rollout(&id).unwrap().evidence(&wave, Side::Before);
    let answer = crate::journal::Answer { open: true, evidence, facts: Vec::new(), expires: None };
    let gate = "approval".parse().unwrap();
    let body = crate::journal::Body::GateAnswered {
        rollout: id.clone(),
        wave,
        side: Side::Before,
        gate,
        answer,
        revision: None,
    };
    world.append(crate::model::Actor::engine(), body);
    assert_eq!(asked(&world), ["metric"]);
}

#[test]
fn fleet_e05_a_yes_given_early_binds_to_its_digests_and_ends() {
    let staged = || {
        Shape::of(vec![
            WaveShape { soak: Some(3_600), ..WaveShape::of(1) },
            WaveShape { before: true, ..WaveShape::of(1) },
        ])
    };
    let early = |minutes: i64| {
        let mut world = World::new(Calm);
        let id = world.start(plan(&staged()));
        world.round();
        let mut yes = world.approval(&id, "w1");
        yes.evidence = None;
        assert!(world.ask(&Command::Approve(yes.clone())).is_err(), "without an end it is refused");
        yes.expires = Some(world.now + jiff::SignedDuration::from_mins(minutes));
        world.ask(&Command::Approve(yes)).unwrap();
        assert!(world.settle(500));
        (world, id)
    };
    let (world, id) = early(180);
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    // Ninety days later it still waits: nothing goes on by waiting, and it says since when.
    let (mut world, id) = early(5);
    world.now += jiff::SignedDuration::from_hours(90 * 24);
    assert!(world.settle(500));
    assert_eq!(phase(&world, &id, "w1"), WavePhase::GatesBefore);
    let found = waits(&world.state, world.now);
    let gate = found.iter().find(|w| matches!(w.kind, WaitKind::Gate { .. })).unwrap();
    assert!((world.now - gate.since).get_seconds() / 86_400 >= 89);
}
