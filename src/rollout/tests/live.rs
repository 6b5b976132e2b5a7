//! Stop-the-line, holds and the queue between rollouts, as the core alone decides them.

use super::fleet::{abort, capped, claims, cluster, retry, rolled, state, steps};
use super::scripted::plans::{Shape, WaveShape, plan, start};
use super::scripted::world::{Calm, Fate, World, done};
use crate::journal::{AttemptResult, Body, Deferral, Event, RetryWhich, StopScope};
use crate::model::{ClusterName, RolloutId};
use crate::rollout::{
    AttemptState, Class, Command, Kept, Obstacle, RefusalExit, RolloutState, WaitKind, effects, waits_of,
    waits_of_rollout,
};

fn stop(scope: &str) -> Command {
    Command::StopTheLine { scope: scope.parse().unwrap(), reason: "incident 4711".to_owned() }
}

fn go(scope: &str) -> Command {
    Command::StartTheLine { scope: scope.parse().unwrap(), reason: "it is over".to_owned() }
}

fn hold(cluster: &str, until: Option<jiff::Timestamp>) -> Command {
    let reason = "demo on Friday".to_owned();
    Command::Hold { cluster: cluster.parse().unwrap(), kept: None, reason, until }
}

fn release(cluster: &str) -> Command {
    Command::Release { cluster: cluster.parse().unwrap(), product: None, reason: "demo is over".to_owned() }
}

fn supersede(old: &RolloutId, by: &RolloutId) -> Command {
    Command::Supersede { rollout: old.clone(), by: by.clone(), reason: "it has the fix".to_owned() }
}

fn hours(n: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(n)
}

/// Goes on until some step of a rollout has begun.
fn until_a_step<F: Fate>(world: &mut World<F>) {
    while !world.events.iter().any(|e| matches!(e.body, Body::StepStarted { .. })) {
        world.round();
        world.advance();
    }
}

fn release_of(shape: &Shape, release: &str) -> Shape {
    Shape { release: release.to_owned(), ..shape.clone() }
}

fn obstacle(world: &World<impl Fate>, id: &RolloutId, name: &str) -> Option<Obstacle> {
    let rollout = world.state.rollout(id).unwrap();
    let name: ClusterName = name.parse().unwrap();
    let (_, _, planned) = rollout.plan().cluster(&name).unwrap();
    world.state.obstacle(rollout, planned, world.now)
}

fn count(events: &[Event], found: impl Fn(&Body) -> bool) -> usize {
    events.iter().filter(|e| found(&e.body)).count()
}

#[test]
fn a_stopped_line_lets_the_running_step_end_and_starts_nothing_until_it_goes_on() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![capped(3, 1, 0)])));
    until_a_step(&mut world);
    world.ask(&stop("fleet")).unwrap();
    let before = world.events.len();
    assert!(world.settle(100));
    let after = &world.events[before..];
    assert_eq!(count(after, |b| matches!(b, Body::StepFinished { .. })), 1);
    assert_eq!(count(after, |b| matches!(b, Body::StepStarted { .. } | Body::AttemptClaimed { .. })), 0);
    // It keeps its slot, and says who can let it go on.
    let rollout = world.state.rollout(&id).unwrap();
    assert_eq!((rollout.counts().in_flight(), rollout.at_work(&world.state, world.now)), (1, 0));
    let waits = waits_of_rollout(&world.state, rollout, world.now);
    assert!(
        waits.iter().any(|w| matches!(&w.kind, WaitKind::Stopped { clusters: 3, at_work: 0, by, .. }
        if by.0 == "person:ann")),
        "{waits:?}"
    );
    assert!(waits.iter().any(|w| matches!(&w.kind, WaitKind::InTheWay { .. }) && w.kind.is_external()));
    world.now += hours(30);
    world.ask(&go("fleet")).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_stop_reaches_its_scope_alone() {
    let shape = Shape::of(vec![WaveShape::of(4)]);
    let mut world = World::new(Calm);
    world.ask(&stop("half=odd")).unwrap();
    let id = world.start(plan(&shape));
    world.ask(&stop("rollout:R9-1")).unwrap_err();
    assert!(world.settle(1_000));
    assert_eq!(claims(&world), ["c-0", "c-2"]);
    assert_eq!(*cluster(&world, &id, "c-1"), AttemptState::Pending);
    assert!(matches!(obstacle(&world, &id, "c-1"), Some(Obstacle::Stop { .. })));
    world.ask(&stop(&format!("rollout:{id}"))).unwrap();
    world.ask(&go("half=odd")).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(claims(&world).len(), 2);
    world.ask(&go(&format!("rollout:{id}"))).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_stopped_line_can_be_aborted_and_frees_its_slots() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(2)])));
    until_a_step(&mut world);
    world.ask(&stop("fleet")).unwrap();
    assert!(world.settle(100));
    world.ask(&abort(&id)).unwrap();
    assert!(world.settle(100));
    assert_eq!(*state(&world, &id), RolloutState::Aborted);
    assert_eq!(world.state.in_flight(), 0);
}

#[test]
fn what_a_dead_driver_left_is_settled_although_the_line_is_stopped() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    until_a_step(&mut world);
    world.ask(&stop("fleet")).unwrap();
    world.take_over();
    let before = world.events.len();
    assert!(world.settle(100));
    let after = &world.events[before..];
    assert_eq!(count(after, |b| matches!(b, Body::StepStarted { tries: 2, .. })), 1);
    assert_eq!(count(after, |b| matches!(b, Body::StepStarted { tries: 1, .. })), 0);
    assert_eq!(world.state.rollout(&id).unwrap().counts().in_flight(), 1);
}

#[test]
fn requests_about_the_line_and_holds_are_refused_with_what_is_legal() {
    let mut world = World::new(Calm);
    world.ask(&stop("fleet")).unwrap();
    assert_eq!(world.ask(&stop("fleet")), Ok(0), "it is stopped already");
    let refused = world.ask(&go("env=prod")).unwrap_err();
    assert_eq!(refused.legal, ["tidegate stop-the-line off --scope fleet --reason TEXT"]);
    let refused = world.ask(&release("c-0")).unwrap_err();
    assert_eq!((refused.sentence.as_str(), refused.exit), ("nobody holds c-0", RefusalExit::NothingSelected));
    let past = Some(world.now);
    assert_eq!(world.ask(&hold("c-0", past)).unwrap_err().exit, RefusalExit::Usage);
    let wordless = Command::StopTheLine { scope: StopScope::Fleet, reason: " ".to_owned() };
    assert_eq!(world.ask(&wordless).unwrap_err().code, &crate::diag::codes::REASON_MISSING);
}

#[test]
fn fleet_d09_a_held_cluster_is_left_out_and_the_others_go_on() {
    let mut world = World::new(Calm);
    world.ask(&hold("c-0", None)).unwrap();
    let id = world.start(plan(&Shape::of(vec![WaveShape { deferred: 1, ..capped(3, 1, 0) }])));
    assert!(world.settle(1_000));
    assert_eq!(claims(&world), ["c-1", "c-2"]);
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Deferred(Deferral::Hold));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
}

#[test]
fn past_the_deferred_budget_a_hold_keeps_the_wave_open_until_it_is_released() {
    let mut world = World::new(Calm);
    world.ask(&hold("c-0", None)).unwrap();
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(2), WaveShape::of(1)])));
    assert!(world.settle(1_000));
    let rollout = world.state.rollout(&id).unwrap();
    let waits = waits_of_rollout(&world.state, rollout, world.now);
    assert!(waits.iter().any(|w| matches!(w.kind, WaitKind::DeferredBudget { deferred: 1, budget: 0 })));
    assert!(waits.iter().any(|w| matches!(&w.kind, WaitKind::InTheWay { obstacle: Obstacle::Hold(h) }
        if h.reason == "demo on Friday")));
    world.ask(&release("c-0")).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_hold_with_an_end_ends_by_the_clock_alone() {
    let mut world = World::new(Calm);
    let end = world.now + hours(5);
    world.ask(&hold("c-0", Some(end))).unwrap();
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    assert!(world.settle(1_000));
    let claimed = world.events.iter().find(|e| matches!(e.body, Body::AttemptClaimed { .. })).unwrap();
    assert_eq!(claimed.at, end);
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_e21_a_hold_names_who_and_why_and_keeps_every_later_rollout_away_until_it_is_released() {
    let mut world = World::new(Calm);
    world.ask(&hold("c-0", None)).unwrap();
    let (_, found) = world.state.holds().next().unwrap();
    assert_eq!((found.by.0.as_str(), found.reason.as_str()), ("person:ann", "demo on Friday"));
    let shape = Shape::of(vec![WaveShape { deferred: 1, ..WaveShape::of(1) }]);
    for release in ["R1", "R2"] {
        let id = world.start(plan(&release_of(&shape, release)));
        assert!(world.settle(1_000));
        assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
    }
    assert!(claims(&world).is_empty());
    world.ask(&release("c-0")).unwrap();
    world.start(plan(&release_of(&shape, "R3")));
    assert!(world.settle(1_000));
    assert_eq!(claims(&world), ["c-0"]);
}

#[test]
fn fleet_e24_a_hold_stays_through_failures_and_retries() {
    let broken = steps(|_, _, _| super::scripted::world::failed(crate::journal::FailureClass::Permanent));
    let mut world = World::new(broken);
    let id = world.start(plan(&Shape::of(vec![WaveShape { failures: 1, ..WaveShape::of(1) }])));
    until_a_step(&mut world);
    world.ask(&hold("c-0", None)).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(cluster(&world, &id, "c-0").class(), Class::Failed);
    // Half-updated as it is it may not count as settled: it waits, and says for whom.
    world.ask(&retry(&id, RetryWhich::Failed, &[])).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Pending);
    assert_eq!(claims(&world).len(), 1);
    assert!(matches!(obstacle(&world, &id, "c-0"), Some(Obstacle::Hold(_))));
    let waits = waits_of_rollout(&world.state, world.state.rollout(&id).unwrap(), world.now);
    assert!(waits.iter().any(|w| matches!(w.kind, WaitKind::InTheWay { .. })), "{waits:?}");
    world.ask(&release("c-0")).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(claims(&world).len(), 2);
}

#[test]
fn a_held_product_stands_against_plans_that_would_move_it_alone() {
    let shape = Shape::of(vec![WaveShape { deferred: 1, ..WaveShape::of(2) }]);
    let target = plan(&shape).waves[0].pools[0].clusters[0].targets[0].clone();
    let kept = |digest| {
        let (product, version) = (target.product.clone(), target.version.clone());
        Some(Kept { product, version, commit: "0".repeat(40), digest })
    };
    let held = |cluster: &str, digest| Command::Hold {
        cluster: cluster.parse().unwrap(),
        kept: kept(digest),
        reason: "demo".to_owned(),
        until: None,
    };
    let mut world = World::new(Calm);
    world.ask(&held("c-0", crate::digest::bytes(b"what runs there"))).unwrap();
    world.ask(&held("c-1", target.digest)).unwrap();
    let id = world.start(plan(&shape));
    assert!(world.settle(1_000));
    assert_eq!(claims(&world), ["c-1"]);
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Deferred(Deferral::Hold));
}

#[test]
fn fleet_h07_two_rollouts_of_one_cluster_queue_with_places_one_can_see() {
    let shape = Shape::of(vec![WaveShape::of(2), WaveShape::of(1)]);
    let mut world = World::new(Calm);
    let first = world.start(plan(&shape));
    let second = world.start(plan(&release_of(&shape, "R2")));
    let third = world.start(plan(&release_of(&shape, "R3")));
    let (_, _, planned) =
        world.state.rollout(&first).unwrap().plan().cluster(&"c-0".parse().unwrap()).unwrap();
    assert_eq!(world.state.queue(planned), [&first, &second, &third]);
    let Some(Obstacle::Busy { rollout, position }) = obstacle(&world, &third, "c-0") else {
        panic!("it queues")
    };
    assert_eq!((rollout, position), (first.clone(), 3));
    until_a_step(&mut world);
    assert_eq!(*cluster(&world, &second, "c-0"), AttemptState::Deferred(Deferral::Busy));
    let found =
        waits_of(&world.state, world.state.rollout(&second).unwrap(), &"c-0".parse().unwrap(), world.now);
    assert!(
        found.iter().any(
            |w| matches!(&w.kind, WaitKind::InTheWay { obstacle: Obstacle::Busy { rollout, position: 2 } }
        if *rollout == first)
        ),
        "{found:?}"
    );
    assert!(world.settle(1_000));
    for id in [&first, &second, &third] {
        assert_eq!(*state(&world, id), RolloutState::Succeeded);
    }
    // Cluster by cluster in the order of their start; once left for later is said once.
    let of_c0: Vec<&RolloutId> = world
        .events
        .iter()
        .filter_map(|e| match &e.body {
            Body::AttemptClaimed { attempt, .. } if attempt.cluster.as_str() == "c-0" => {
                Some(&attempt.rollout)
            }
            _ => None,
        })
        .collect();
    assert_eq!(of_c0, [&first, &second, &third]);
    let deferred = |b: &Body| {
        matches!(b, Body::AttemptDeferred { attempt, .. }
        if attempt.cluster.as_str() == "c-0" && attempt.rollout == second)
    };
    assert_eq!(count(&world.events, deferred), 1);
}

#[test]
fn a_hotfix_overtakes_between_two_attempts_and_never_inside_one() {
    // It contains the hotfix, so that it goes on behind it.
    let normal = Shape { contains: vec!["R1.1".to_owned()], ..Shape::of(vec![capped(2, 1, 0)]) };
    let hotfix = Shape { hotfix: true, ..release_of(&Shape::of(vec![WaveShape::of(2)]), "R1.1") };
    let mut world = World::new(Calm);
    let first = world.start(plan(&normal));
    until_a_step(&mut world);
    let second = world.start(plan(&hotfix));
    assert!(world.settle(1_000));
    let order: Vec<(String, String)> = world
        .events
        .iter()
        .filter_map(|e| match &e.body {
            Body::AttemptClaimed { attempt, .. } => {
                Some((attempt.rollout.to_string(), attempt.cluster.to_string()))
            }
            _ => None,
        })
        .collect();
    let at = |r: &RolloutId, c: &str| order.iter().position(|(x, y)| *x == r.to_string() && y == c).unwrap();
    assert!(at(&first, "c-0") < at(&second, "c-0"), "{order:?}");
    assert!(at(&second, "c-1") < at(&first, "c-1"), "{order:?}");
    for id in [&first, &second] {
        assert_eq!(*state(&world, id), RolloutState::Succeeded);
    }
}

#[test]
fn fleet_c10_hours_behind_another_rollout_burn_no_deadline() {
    let shape = Shape::of(vec![WaveShape::of(1)]);
    let mut world = World::new(steps(|_, _, _| done()));
    let first = world
        .start(plan(&Shape { waves: vec![WaveShape { before: true, ..WaveShape::of(1) }], ..shape.clone() }));
    let second = world.start(plan(&release_of(&shape, "R2")));
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &second, "c-0"), AttemptState::Deferred(Deferral::Busy));
    world.now += hours(3);
    world.approve(&first, "w0").unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &second), RolloutState::Succeeded);
    for event in &world.events {
        if let Body::AttemptFinished { result, .. } = &event.body {
            assert_eq!(*result, AttemptResult::Succeeded);
        }
    }
}

#[test]
fn superseding_ends_a_rollout_where_it_stands_and_gives_its_clusters_to_the_other() {
    let shape = Shape::of(vec![capped(2, 1, 0)]);
    let mut world = World::new(Calm);
    let first = world.start(plan(&shape));
    let second = world.start(plan(&release_of(&shape, "R2")));
    assert_eq!(world.ask(&supersede(&first, &first)).unwrap_err().exit, RefusalExit::Conflict);
    until_a_step(&mut world);
    world.ask(&supersede(&first, &second)).unwrap();
    assert_eq!(*state(&world, &first), RolloutState::Aborting, "the running step ends first");
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &first), RolloutState::Superseded { by: second.clone() });
    assert_eq!(*state(&world, &second), RolloutState::Succeeded);
    assert_eq!(world.ask(&supersede(&first, &second)), Ok(0), "it is so already");
    let third = world.start(plan(&release_of(&shape, "R3")));
    let fourth = world.start(plan(&release_of(&shape, "R4")));
    world.ask(&supersede(&third, &fourth)).unwrap();
    assert_eq!(*state(&world, &third), RolloutState::Superseded { by: fourth }, "nothing was in flight");
    assert!(world.ask(&retry(&third, RetryWhich::Failed, &[])).is_err());
}

#[test]
fn a_rollout_without_others_is_no_queue() {
    let (world, id) = rolled(Calm, &Shape::of(vec![WaveShape::of(1)]));
    assert_eq!(obstacle(&world, &id, "c-0"), None);
}

/// A calendar with one window or freeze for each of these: whether it allows, and the seconds from the
/// start of the tests between which it holds.
fn calendar(entries: &[(bool, i64, i64)]) -> Body {
    let at = |seconds: i64| start() + jiff::SignedDuration::from_secs(seconds);
    let windows: Vec<serde_json::Value> = entries
        .iter()
        .enumerate()
        .map(|(n, (allow, from, until))| {
            let kind = if *allow { "allow" } else { "deny" };
            serde_json::json!({ "name": format!("w{n}"), "kind": kind, "from": at(*from), "until": at(*until) })
        })
        .collect();
    let calendar = serde_json::from_value(serde_json::json!({ "windows": windows })).unwrap();
    Body::CalendarRecorded { commit: "c".repeat(40), calendar: Box::new(calendar) }
}

fn record(world: &mut World<impl Fate>, entries: &[(bool, i64, i64)]) {
    world.append(crate::model::Actor::engine(), calendar(entries));
    assert_eq!(world.refused, None);
}

fn first_claim(world: &World<impl Fate>) -> jiff::Timestamp {
    world.events.iter().find(|e| matches!(e.body, Body::AttemptClaimed { .. })).unwrap().at
}

#[test]
fn fleet_f06_a_cluster_whose_window_is_closed_waits_with_the_next_opening() {
    let mut world = World::new(Calm);
    record(&mut world, &[(true, 0, 10), (true, 7_200, 9_000)]);
    world.now += jiff::SignedDuration::from_secs(60);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    world.round();
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Deferred(Deferral::Window));
    let opening = start() + hours(2);
    let rollout = world.state.rollout(&id).unwrap();
    let waits = waits_of_rollout(&world.state, rollout, world.now);
    assert!(waits.iter().any(|w| w.until == Some(opening) && w.kind.is_external()), "{waits:?}");
    assert_eq!(effects(&world.state, world.now).wake, Some(opening));
    assert!(world.settle(1_000));
    assert_eq!(first_claim(&world), opening);
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_f05_f07_an_open_window_is_a_fact_of_the_moment_whatever_happened_before() {
    let mut world = World::new(Calm);
    record(&mut world, &[(true, 100, 102)]);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    world.round();
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Deferred(Deferral::Window));
    // Something else wakes the core inside the window, before any moment that it asked for: it goes.
    world.now = start() + jiff::SignedDuration::from_secs(101);
    world.round();
    assert_eq!(first_claim(&world), world.now);
}

#[test]
fn fleet_f10_when_all_else_is_ready_the_calendar_is_asked_last_and_again_at_the_start() {
    let mut world = World::new(Calm);
    record(&mut world, &[(false, 50, 3_600)]);
    world.ask(&hold("c-0", Some(start() + jiff::SignedDuration::from_secs(100)))).unwrap();
    let shape = Shape::of(vec![WaveShape { before: true, deferred: 1, ..WaveShape::of(2) }]);
    let id = world.start(plan(&shape));
    world.round();
    world.now += jiff::SignedDuration::from_secs(60);
    world.approve(&id, "w0").unwrap();
    world.round();
    // Before the gate was open nothing was said of the window; a held cluster is held first of all.
    let causes: Vec<Deferral> = world
        .events
        .iter()
        .filter_map(|e| match &e.body {
            Body::AttemptDeferred { reason, .. } => Some(*reason),
            _ => None,
        })
        .collect();
    assert_eq!(causes, [Deferral::Hold, Deferral::Window]);
    assert!(world.settle(1_000));
    assert_eq!(first_claim(&world), start() + hours(1));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_window_that_closes_lets_the_running_step_end_and_the_next_one_wait_with_its_slot() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    until_a_step(&mut world);
    let now = world.now.duration_since(start()).as_secs();
    record(&mut world, &[(false, now, 7_200)]);
    world.round();
    let rollout = world.state.rollout(&id).unwrap();
    assert_eq!((rollout.counts().in_flight(), rollout.at_work(&world.state, world.now)), (1, 0));
    assert!(world.settle(1_000));
    let steps: Vec<_> = world.events.iter().filter(|e| matches!(e.body, Body::StepStarted { .. })).collect();
    assert!(steps.iter().skip(1).all(|e| e.at >= start() + hours(2)));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn an_answer_that_expired_while_the_first_cluster_waited_is_asked_again() {
    let mut world = World::new(Calm);
    record(&mut world, &[(false, 0, 7_200)]);
    let id = world.start(plan(&Shape::of(vec![WaveShape { before: true, ..WaveShape::of(1) }])));
    world.round();
    let early = world.approval(&id, "w0");
    let end = Some(start() + hours(1));
    world.ask(&Command::Approve(crate::rollout::Approve { expires: end, ..early })).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Deferred(Deferral::Window));
    assert!(claims(&world).is_empty(), "the yes has expired when the window opens");
    world.approve(&id, "w0").unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_calendar_that_changes_is_looked_at_at_once() {
    let mut world = World::new(Calm);
    record(&mut world, &[(false, 0, 7_200)]);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    world.round();
    record(&mut world, &[(false, 0, 3_600)]);
    world.round();
    let until = |w: &World<Calm>| {
        w.state.rollout(&id).unwrap().cluster(&"c-0".parse().unwrap()).unwrap().attempt().until()
    };
    assert_eq!(until(&world), Some(start() + hours(1)));
    record(&mut world, &[]);
    world.round();
    assert_eq!(first_claim(&world), world.now);
}

#[test]
fn fleet_c05_the_failure_budget_counts_the_failures_of_a_whole_wave() {
    let broken = || {
        steps(|name, _, _| match name {
            "c-0" | "c-2" => super::scripted::world::failed(crate::journal::FailureClass::Permanent),
            _ => done(),
        })
    };
    let pools =
        |failures| WaveShape { pools: vec![(2, Some(1)), (2, Some(1))], failures, ..WaveShape::of(0) };
    let (world, id) = rolled(broken(), &Shape::of(vec![pools(1)]));
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }), "one in each pool is two in the wave");
    let (world, id) = rolled(broken(), &Shape::of(vec![pools(2)]));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
    let split =
        vec![WaveShape { failures: 1, ..capped(2, 1, 1) }, WaveShape { failures: 1, ..capped(2, 1, 1) }];
    let (world, id) = rolled(broken(), &Shape::of(split));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures, "each wave has its own");
}

#[test]
fn a_region_takes_no_more_than_its_cap_over_all_rollouts() {
    let one_each: std::collections::BTreeMap<String, u32> = (0..3).map(|n| (format!("r{n}"), 1)).collect();
    let shape = Shape { regions: one_each, ..Shape::of(vec![WaveShape::of(9)]) };
    let mut world = World::new(Calm);
    let id = world.start(plan(&shape));
    world.round();
    assert_eq!(claims(&world), ["c-0", "c-1", "c-2"], "the regions are r0, r1 and r2 in turn");
    let waits = waits_of_rollout(&world.state, world.state.rollout(&id).unwrap(), world.now);
    assert!(
        waits
            .iter()
            .any(|w| matches!(&w.kind, WaitKind::Region { region, waiting: 2, .. } if region == "r1"))
    );
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn no_more_clusters_start_within_a_time_than_the_rate_lets() {
    let shape = Shape { rate: Some((2, 3_600)), ..Shape::of(vec![WaveShape::of(5)]) };
    let mut world = World::new(Calm);
    let id = world.start(plan(&shape));
    world.settle(3);
    assert_eq!(claims(&world).len(), 2);
    let waits = waits_of_rollout(&world.state, world.state.rollout(&id).unwrap(), world.now);
    assert!(
        waits
            .iter()
            .any(|w| matches!(w.kind, WaitKind::Rate { clusters: 2, .. })
                && w.until == Some(start() + hours(1))),
        "{waits:?}"
    );
    assert!(world.settle(1_000));
    let at: Vec<i64> = world
        .events
        .iter()
        .filter(|e| matches!(e.body, Body::AttemptClaimed { .. }))
        .map(|e| e.at.duration_since(start()).as_secs())
        .collect();
    assert_eq!(at, [0, 0, 3_600, 3_600, 7_200]);
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}
