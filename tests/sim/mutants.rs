//! Engines that lie: each breaks one rule, without the guard that stops it in production, and writes a
//! journal that knows nothing of it. The checker has to find every one by what the clusters saw; and it
//! finds nothing in the same stories of the real engine.

#[path = "../properties/mutants.rs"]
#[allow(dead_code)]
mod core;

use jiff::Timestamp;
use tidegate::engine::Rules;
use tidegate::journal::{Body, Event};
use tidegate::model::Actor;
use tidegate::rollout::{Effect, Effects, FleetState, WavePhase, effects};

use crate::judged;
use crate::plot::{Freeze, Pin, Plot, Release, Wave};

/// No more stories than this for each.
const MOST: u64 = 1_000;

/// An engine that lies.
struct Liar {
    name: &'static str,
    /// The rule under which it must be found.
    rule: &'static str,
    effects: core::Named,
    /// What of the plot it is never told.
    told: fn(&Plot) -> Plot,
}

fn whole(plot: &Plot) -> Plot {
    plot.clone()
}

fn liars() -> [Liar; 6] {
    let (_, cap) = core::ALL.into_iter().find(|(name, _)| *name == "cap exceeded").unwrap();
    [
        Liar { name: "wave started early", rule: "soak", effects: soak_cut_short, told: whole },
        Liar { name: "soak a minute short", rule: "soak", effects, told: in_a_hurry },
        Liar { name: "cap exceeded", rule: "2", effects: cap, told: whole },
        Liar { name: "step repeated", rule: "7", effects: step_begun_again, told: whole },
        // Who does not read pins lives in a world in which nobody has pinned anything.
        Liar { name: "pin ignored", rule: "pin", effects, told: unpinned },
        Liar { name: "freeze ignored", rule: "freeze", effects: calendar_empty, told: whole },
    ]
}

fn unpinned(plot: &Plot) -> Plot {
    Plot { pins: Vec::new(), ..plot.clone() }
}

fn in_a_hurry(plot: &Plot) -> Plot {
    let mut told = plot.clone();
    told.waves[1].soak -= 1;
    told
}

/// Says that a wave has soaked as soon as it begins to. (To claim clusters of a wave whose turn has not come,
/// as the core's own mutant does, is nothing that the journal takes.)
fn soak_cut_short(state: &FleetState, now: Timestamp) -> Effects {
    let mut named = effects(state, now);
    if named.effects.iter().any(|effect| matches!(effect, Effect::Decide(_))) {
        return named;
    }
    let soaking = state.open_rollouts().find_map(|rollout| {
        let (wave, _) = rollout.waves().find(|(_, wave)| wave.phase() == WavePhase::Soaking)?;
        let (rollout, wave) = (rollout.id().clone(), wave.name.clone());
        Some(Effect::Decide(Body::WaveSoaked { rollout, wave }))
    });
    named.effects.extend(soaking);
    named
}

/// Begins a step again without asking what became of it when the driver before was killed.
fn step_begun_again(state: &FleetState, now: Timestamp) -> Effects {
    let mut named = effects(state, now);
    for effect in &mut named.effects {
        if let Effect::Step { interrupted, .. } = effect {
            interrupted.clear();
        }
    }
    named
}

/// Does what it would do if nobody had ever frozen anything.
fn calendar_empty(state: &FleetState, now: Timestamp) -> Effects {
    let mut free = state.clone();
    let zero = tidegate::digest::Digest::from_bytes([0; 32]);
    let empty = Event {
        seq: state.position() + 1,
        at: now,
        schema: 1,
        actor: Actor::engine(),
        fence: Some(state.fence()),
        body: Body::CalendarRecorded { commit: "none".to_owned(), calendar: Box::default() },
        prev: zero,
        hash: zero,
    };
    if free.apply(&empty).is_err() {
        return effects(state, now);
    }
    effects(&free, now)
}

/// A small story with something of everything in it, so that every lie has its chance: caps smaller than
/// waves, a soak of a wave in which some may fail, a freeze that the second wave runs into, a pin, drivers
/// that are killed, and requests that fail.
pub fn plot(seed: u64) -> Plot {
    let whole = Plot::of(seed, 16);
    let wave = |name, clusters, at_once, budget, soak| Wave {
        name,
        clusters,
        pools: Vec::new(),
        at_once,
        budget,
        deferred: budget,
        soak,
        approval: false,
    };
    let waves = vec![wave("staging", 1, 1, 0, 5), wave("nonprod", 4, 2, 1, 20), wave("prod", 2, 1, 0, 0)];
    let mut releases: Vec<Release> = whole.releases[..2].to_vec();
    releases[1].raises.truncate(1);
    let product = releases[1].raises[0].0;
    let pins = vec![Pin { cluster: "nonprod-1".to_owned(), product, version: "1.0.0".to_owned() }];
    let freezes = vec![Freeze { from: 3, until: 60 }];
    // What goes wrong goes wrong in one cluster, and not for ever.
    let trouble =
        |what| format!("{{ what: {what}, from: 0m, until: 90m, perMille: 40, clusters: [nonprod-2] }}");
    let faults = ["reset", "internal-error", "too-many-requests, for: 2s"].map(trouble).to_vec();
    // While staging, nonprod and prod are at work.
    let deeds = [1, 61, 62, 84, 85].map(|at| (at, "kill: {}".to_owned())).to_vec();
    let conditions = Vec::new();
    Plot { waves, at_once: None, releases, pins, freezes, faults, conditions, deeds, ..whole }
}

#[test]
fn the_checker_catches_every_engine_that_lies() {
    let mut told = 0;
    for liar in liars() {
        let rules = Rules { effects: liar.effects, guard: |_, _, _, _| Ok(()) };
        let mut tried = 0;
        let caught = (1..=MOST).map(plot).find_map(|plot| {
            tried += 1;
            let (breaches, _) = judged(&plot, &(liar.told)(&plot), rules);
            let found = breaches.into_iter().find(|breach| breach.rule == liar.rule)?;
            Some((plot, found))
        });
        let (plot, found) =
            caught.unwrap_or_else(|| panic!("`{}` was not caught in {tried} stories", liar.name));
        println!("{}: caught in story {tried} (seed {}): {}", liar.name, plot.seed, found.what);
        told = told.max(plot.seed);
    }
    // The same stories, told by the real engine.
    for plot in (1..=told).map(plot) {
        let (breaches, activity) = judged(&plot, &plot, Rules::default());
        assert!(breaches.is_empty(), "seed {}: {breaches:#?}", plot.seed);
        let enough = activity.clusters_complete >= 6 && activity.faults > 0 && activity.rollouts_ended == 2;
        assert!(enough, "seed {}: little happened: {activity:?}", plot.seed);
    }
}
