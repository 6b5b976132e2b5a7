//! Observed soak: what counts, what starts it anew, and when to look.

use jiff::{SignedDuration, Timestamp};

use super::fleet::{phase, state};
use super::scripted::plans::{Shape, WaveShape, plan};
use super::scripted::world::{Fate, World};
use crate::journal::{Body, Found, Override};
use crate::model::{ClusterName, RolloutId};
use crate::rollout::{
    Command, Effect, ObservedSoak, RolloutState, SoakOutlook, WaitKind, WavePhase, effects, is_blocked, waits,
};

/// What looks find, by the cluster and the minutes since the first rollout began.
struct Seen(fn(&str, i64) -> Found);

impl Fate for Seen {
    fn observe(&mut self, cluster: &ClusterName, at: Timestamp) -> Found {
        (self.0)(cluster.as_str(), minutes(at))
    }
}

fn minutes(at: Timestamp) -> i64 {
    at.duration_since(super::scripted::plans::start()).as_mins()
}

/// A wave of so many clusters that soaks for so many hours, looked at every 10 minutes, and one after it.
fn soaking(clusters: usize, hours: u64) -> Shape {
    let wave = WaveShape {
        soak: Some(hours * 3_600),
        observed: Some(600),
        pools: vec![(clusters, None)],
        ..WaveShape::of(clusters)
    };
    Shape::of(vec![wave, WaveShape::of(1)])
}

fn begun(fate: Seen, shape: &Shape) -> (World<Seen>, RolloutId) {
    let mut world = World::new(fate);
    let id = world.start(plan(shape));
    world.round();
    while phase(&world, &id, "w0") != WavePhase::Soaking {
        world.advance();
        world.round();
    }
    (world, id)
}

fn outlook<F: Fate>(world: &World<F>, id: &RolloutId) -> (Timestamp, ObservedSoak) {
    let rollout = world.state.rollout(id).unwrap();
    let (planned, wave) = rollout.wave(&"w0".parse().unwrap()).unwrap();
    let SoakOutlook { ends, observed } = rollout.soak_outlook(planned, wave, world.now).unwrap();
    (ends, observed.unwrap())
}

/// Rounds until the soak of the first wave is over, or so many minutes have passed.
fn until_soaked(world: &mut World<Seen>, id: &RolloutId, most: i64) -> Option<i64> {
    while minutes(world.now) < most {
        world.round();
        if phase(world, id, "w0") != WavePhase::Soaking {
            return Some(minutes(world.now));
        }
        world.advance();
    }
    None
}

#[test]
fn fleet_e07_the_longest_stay_without_a_break_counts_and_no_sum_of_stays() {
    // Well for 6 hours, something else there for an hour, then well again; 7 hours are asked for.
    let fate = Seen(|_, minute| if (360..420).contains(&minute) { Found::Ill } else { Found::Well });
    let (mut world, id) = begun(fate, &soaking(1, 7));
    assert_eq!(until_soaked(&mut world, &id, 600), None, "6 h and 3 h are not 7 h");
    let ends = until_soaked(&mut world, &id, 2_000).unwrap();
    assert!((840..=860).contains(&ends), "7 h after it was seen well again: {ends}");
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_e18_a_flap_restarts_the_soak_of_that_cluster_and_of_no_other() {
    let fate = Seen(|cluster, minute| match (cluster, minute) {
        ("c-1", 30..40) => Found::Ill,
        _ => Found::Well,
    });
    let (mut world, id) = begun(fate, &soaking(2, 1));
    while minutes(world.now) < 65 {
        world.round();
        world.advance();
    }
    let (ends, soak) = outlook(&world, &id);
    assert_eq!((soak.soaked, soak.of), (1, 2), "c-0 was well for an hour");
    assert!((90..=110).contains(&minutes(ends)), "c-1 began anew: {}", minutes(ends));
    let over = until_soaked(&mut world, &id, 300).unwrap();
    assert_eq!(over, minutes(ends));
    let looks = |name: &str| {
        let about = |e: &&crate::journal::Event| matches!(&e.body, Body::WaveClusterObserved { cluster, .. } if cluster.as_str() == name);
        world.events.iter().filter(about).map(|e| minutes(e.at)).max().unwrap()
    };
    assert!(looks("c-0") <= 61, "who has soaked is looked at no more: {}", looks("c-0"));
}

#[test]
fn fleet_e19_a_soak_holds_no_slot_and_is_looked_at_at_exact_moments() {
    let mut shape = soaking(1, 1);
    shape.global = Some(1);
    let (mut world, id) = begun(Seen(|_, _| Found::Well), &shape);
    assert_eq!(world.state.in_flight(), 0, "a soaking cluster holds no slot");
    let other = Shape {
        release: "R2".into(),
        prefix: "d".into(),
        global: Some(1),
        ..Shape::of(vec![WaveShape::of(1)])
    };
    let other = world.start(plan(&other));
    while *state(&world, &other) != RolloutState::Succeeded {
        world.round();
        assert!(world.advance());
    }
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Soaking);
    let (ends, soak) = outlook(&world, &id);
    let next = soak.next.unwrap();
    let before = effects(&world.state, next - SignedDuration::from_millis(1));
    assert_eq!((before.effects.len(), before.wake), (0, Some(next)));
    assert!(matches!(effects(&world.state, next).effects[..], [Effect::Observe { .. }]));
    // The last look is at the very end.
    assert!(until_soaked(&mut world, &id, 1_000).is_some());
    let soaked = world.events.iter().find(|e| matches!(e.body, Body::WaveSoaked { .. })).unwrap();
    assert_eq!((soaked.at - ends).get_seconds(), 1, "and a look takes a second");
}

#[test]
fn time_in_which_nobody_looked_does_not_count() {
    let (mut world, id) = begun(Seen(|_, _| Found::Well), &soaking(1, 1));
    world.round();
    let by = outlook(&world, &id).1.look_by.unwrap();
    assert_eq!((by - outlook(&world, &id).1.next.unwrap()).get_seconds(), 360, "looks come well before");
    // The driver dies, and the next one comes a day later.
    world.take_over();
    world.now += SignedDuration::from_hours(24);
    let (ends, soak) = outlook(&world, &id);
    assert_eq!(soak.look_by, None, "no time is running");
    assert_eq!(ends.duration_since(world.now).as_mins(), 60, "the whole hour is left");
    world.round();
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Soaking);
    let back = minutes(world.now);
    assert!((60..=61).contains(&(until_soaked(&mut world, &id, back + 600).unwrap() - back)));
}

#[test]
fn runs_that_are_near_enough_to_each_other_count_as_looking_all_the_time() {
    // A run every nine minutes: the driver dies after each look.
    let (mut world, id) = begun(Seen(|_, _| Found::Well), &soaking(1, 1));
    let from = minutes(world.now);
    for _ in 0..7 {
        world.take_over();
        world.now += SignedDuration::from_mins(9);
        world.round();
        world.advance();
        world.round();
        let rollout = world.state.rollout(&id).unwrap();
        let over = phase(&world, &id, "w0") != WavePhase::Soaking;
        assert!(over || is_blocked(&world.state, rollout, world.now), "it need not stay");
    }
    assert_ne!(phase(&world, &id, "w0"), WavePhase::Soaking, "63 minutes, from {from}");
}

#[test]
fn what_could_not_be_seen_is_neither_ill_nor_well() {
    // A short outage of the network costs nothing.
    let short = Seen(|_, minute| if (20..24).contains(&minute) { Found::Unseen } else { Found::Well });
    let (mut world, id) = begun(short, &soaking(1, 1));
    assert!((60..=61).contains(&until_soaked(&mut world, &id, 300).unwrap()));
    // After a long one the soak begins anew.
    let long = Seen(|_, minute| if (20..50).contains(&minute) { Found::Unseen } else { Found::Well });
    let (mut world, id) = begun(long, &soaking(1, 1));
    assert!((110..=125).contains(&until_soaked(&mut world, &id, 300).unwrap()));
}

#[test]
fn a_soak_waits_with_its_moments_and_with_who_is_not_well() {
    let fate = Seen(|cluster, _| if cluster == "c-1" { Found::Ill } else { Found::Well });
    let (mut world, id) = begun(fate, &soaking(2, 1));
    for _ in 0..60 {
        world.round();
        world.advance();
    }
    let found = waits(&world.state, world.now);
    let soak = found.iter().find_map(|w| match &w.kind {
        WaitKind::Soak { observed: Some(observed) } => Some(observed),
        _ => None,
    });
    let soak = soak.unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!((soak.soaked, soak.of), (1, 2));
    let (cluster, _, looks) = &soak.ill[0];
    assert!(cluster.as_str() == "c-1" && *looks > 5, "{soak:?}");
    // Looks at it become rarer, and never rarer than every 10 minutes.
    let at: Vec<i64> = world
        .events
        .iter()
        .filter(|e| matches!(&e.body, Body::WaveClusterObserved { cluster, .. } if cluster.as_str() == "c-1"))
        .map(|e| e.at.as_second())
        .collect();
    let pauses: Vec<i64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses[..6], [31, 61, 121, 241, 481, 601]);
    // A person lets it pass.
    let what = Override::Soak;
    world.ask(&Command::Override { rollout: id.clone(), what, reason: "it is known".into() }).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}
