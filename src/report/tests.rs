//! Reports over states that were really reached.

#![allow(clippy::unwrap_used)]

use insta::assert_snapshot;

use super::event::sentence;
use super::explain::{About, explanations};
use super::explanation::{Driving, Explanation};
use super::sample::{Story, plan};
use crate::journal::{BlockReason, Deferral, Preflight};
use crate::plan::Plan;

const ALL: usize = 10_000;

fn driving(story: &Story) -> Driving {
    let until = crate::model::Duration::seconds(30).after(story.now);
    Driving { process: "4711@ops-1".into(), fence: 1, until, alive: true }
}

fn why(story: &Story, about: About<'_>) -> Vec<Explanation> {
    explanations(&story.state, story.rollout(), about, Some(&driving(story)), story.now)
}

/// `gate state (subject): evidence; unblocks: condition; actors; commands`, one a line.
fn told(explanations: &[Explanation]) -> String {
    let mut text = String::new();
    for e in explanations {
        let at = [
            e.subject.wave.as_ref().map(ToString::to_string),
            e.subject.cluster.as_ref().map(ToString::to_string),
        ];
        let at: Vec<String> = at.into_iter().flatten().collect();
        text.push_str(&format!("{} {} ({})\n", e.gate, e.state, at.join("/")));
        for line in &e.evidence {
            text.push_str(&format!("  {line}\n"));
        }
        let earliest = e.unblock.earliest.map(|t| format!(", earliest {t}")).unwrap_or_default();
        text.push_str(&format!("  > {}{earliest} [{}]\n", e.unblock.condition, e.unblock.actors.join(", ")));
        for command in &e.unblock.commands {
            text.push_str(&format!("  $ {command}\n"));
        }
    }
    text
}

#[test]
fn an_event_is_one_line_in_words() {
    let mut story = Story::begin();
    story.drive(40);
    let lines: Vec<String> = story.events.iter().skip(10).take(24).map(|e| sentence(&e.body)).collect();
    assert_snapshot!(lines.join("\n"), @r"
    R42-1 was planned: release R42, 3 waves, 8 clusters, plan sha256:6487..25
    R42-1 started
    wave staging: its turn came
    wave staging starts
    stage-1 starts
    stage-1: 4 steps to take
    stage-1: ingress/helm begins
    stage-1: ingress/helm is done: 14 objects, 3 changed
    stage-1: ingress/settle begins
    stage-1: ingress/settle is done: 14 objects, 3 changed
    stage-1: ingress/test:smoke begins
    stage-1: ingress/test:smoke is done: 14 objects, 3 changed
    stage-1: seal begins
    stage-1: seal is done: 14 objects, 3 changed
    stage-1 is done
    wave staging: every cluster is settled
    wave staging: stage-1 is still well
    wave staging is verified
    wave staging: tag release/R42/staging stands on 0123456789
    wave staging is done
    wave nonprod: its turn came
    wave nonprod starts
    acme-dev starts
    delta-qa starts
    ");
}

/// As seen when nobody drives.
fn undriven(story: &Story, about: About<'_>) -> Vec<String> {
    let found = explanations(&story.state, story.rollout(), about, None, story.now);
    found.iter().map(|e| format!("{} {}", e.gate, e.state)).collect()
}

#[test]
fn the_real_cause_comes_first_and_the_absent_driver_only_where_driving_helps() {
    let mut story = Story::begin();
    story.failing.insert("acme-dev", "503");
    assert_eq!(undriven(&story, About::Rollout), ["driver absent"], "it was never begun");
    story.drive(27);
    let acme = "acme-dev".parse().unwrap();
    assert_eq!(undriven(&story, About::Rollout), ["driver absent"], "work was left lying");
    story.drive(ALL);
    assert_eq!(undriven(&story, About::Rollout), ["failure-budget halted"], "driving changes nothing");
    assert_eq!(undriven(&story, About::Cluster(&acme)), ["ingress/test:smoke failed"]);
    let rollout = story.rollout().id().clone();
    story.ask(crate::rollout::Command::Resume {
        rollout,
        raise_budget: Some(1),
        reason: Some("known".to_owned()),
    });
    assert_eq!(undriven(&story, About::Rollout), ["driver absent"], "now it does");
    story.drive(ALL);
    assert_eq!(undriven(&story, About::Rollout), ["soak soaking", "driver absent"], "time comes first");
    story.now = crate::model::Duration::hours(25).after(story.now);
    story.drive(ALL);
    assert_eq!(undriven(&story, About::Rollout), ["approval closed", "driver absent"], "people come first");
    let (rollout, reason) = (story.rollout().id().clone(), Some("wrong week".to_owned()));
    story.ask(crate::rollout::Command::Abort { rollout, reason });
    assert_eq!(undriven(&story, About::Rollout), ["driver absent", "abort aborting"], "it has to be ended");
    story.drive(ALL);
    assert_eq!(undriven(&story, About::Rollout), ["abort aborted"]);
}

#[test]
fn after_an_abort_only_a_new_plan_is_proposed() {
    let mut story = Story::begin();
    story.failing.insert("stage-1", "smoke test: 503 instead of 200");
    story.drive(ALL);
    let (rollout, reason) = (story.rollout().id().clone(), Some("wrong week".to_owned()));
    story.ask(crate::rollout::Command::Abort { rollout, reason });
    story.drive(ALL);
    assert_snapshot!(told(&why(&story, About::Rollout)), @r"
    abort aborted ()
      aborted by person:anna@example.org: wrong week
      0 of 8 clusters done
      stage-1: failed (test) at ingress/test:smoke: smoke test: 503 instead of 200
      | GET / answered 503
      > an abort is final: a new plan takes up what is left [team-edge]
      $ tidegate plan R42 --out FILE
    ");
    let cluster = "stage-1".parse().unwrap();
    assert_snapshot!(told(&why(&story, About::Cluster(&cluster))), @r"
    ingress/test:smoke failed (staging/stage-1)
      failed (test) at ingress/test:smoke: smoke test: 503 instead of 200
      | GET / answered 503
      > its cause is mended and a new plan takes it up: this rollout is at its end [team-edge]
      $ tidegate plan R42 --out FILE
    ");
}

#[test]
fn of_what_a_test_printed_a_rollout_shows_the_last_five_lines_and_a_cluster_all() {
    let mut story = Story::begin();
    story.failing.insert("stage-1", "exit code 1");
    story.output = (1..=9).map(|n| format!("line {n}")).collect();
    story.drive(ALL);
    let (staging, stage) = ("staging".parse().unwrap(), "stage-1".parse().unwrap());
    let printed = |about| -> Vec<String> {
        let found = why(&story, about);
        let lines = found.iter().flat_map(|e| &e.evidence);
        lines.filter_map(|line| line.strip_prefix(super::failures::PRINTED)).map(str::to_owned).collect()
    };
    let last = ["line 5", "line 6", "line 7", "line 8", "line 9"];
    assert_eq!(printed(About::Rollout), last);
    assert_eq!(printed(About::Wave(&staging)), last);
    assert_eq!(printed(About::Cluster(&stage)).len(), 9);
}

#[test]
fn no_wave_is_called_rolling_while_its_rollout_stands_still() {
    let words = |story: &Story| -> Vec<&'static str> {
        let summary = super::summary::rollout(&story.state, story.rollout(), story.now);
        summary.waves.iter().map(|w| w.state).collect()
    };
    let mut story = Story::begin();
    story.drive(27);
    assert_eq!(words(&story), ["done", "rolling", "waiting"]);
    let id = story.rollout().id().clone();
    story.ask(crate::rollout::Command::Pause { rollout: id.clone(), reason: None });
    assert_eq!(words(&story), ["done", "pausing", "waiting"]);
    story.drive(ALL);
    assert_eq!(words(&story), ["done", "paused", "waiting"]);
    story.ask(crate::rollout::Command::Resume { rollout: id.clone(), raise_budget: None, reason: None });
    assert_eq!(words(&story), ["done", "rolling", "waiting"]);
    story.ask(crate::rollout::Command::Abort { rollout: id, reason: None });
    assert_eq!(words(&story), ["done", "aborting", "waiting"]);
    story.drive(ALL);
    assert_eq!(words(&story), ["done", "aborted", "not-started"]);
}

#[test]
fn nobody_drives_is_told_before_everything_else() {
    let story = Story::begin();
    let found = explanations(&story.state, story.rollout(), About::Rollout, None, story.now);
    assert_snapshot!(told(&found), @r"
    driver absent ()
      no process holds the driver's lease
      > somebody drives it [anyone with this journal]
      $ tidegate rollout run
    ");
}

#[test]
fn a_soak_is_explained_with_its_end() {
    let mut story = Story::begin();
    story.drive(ALL);
    assert_snapshot!(told(&why(&story, About::Rollout)), @r"
    soak soaking (nonprod)
      must stay well for 1 d
      > its time has passed, earliest 2026-11-22T09:00:58Z []
    ");
}

#[test]
fn an_approval_is_explained_with_what_it_binds_to_and_the_command() {
    let mut story = Story::begin();
    story.drive(ALL);
    story.now = crate::model::Duration::hours(25).after(story.now);
    story.drive(ALL);
    assert_snapshot!(told(&why(&story, About::Rollout)), @r"
    approval closed (prod)
      0 of 1 from platform-leads
      binds to release sha256:a4d4..29, wave sha256:6754..77, evidence sha256:182d..61
      a yes counts for 1 d
      > 1 person of platform-leads says yes [platform-leads]
      $ tidegate rollout approve R42-1 --wave prod
    ");
}

#[test]
fn a_halt_names_the_failed_clusters_and_who_answers_for_the_product() {
    let mut story = Story::begin();
    story.failing.insert("stage-1", "smoke test: 503 instead of 200");
    story.drive(ALL);
    assert_snapshot!(told(&why(&story, About::Rollout)), @r"
    failure-budget halted (staging)
      1 cluster failed, 0 tolerated
      stage-1: failed (test) at ingress/test:smoke: smoke test: 503 instead of 200
      | GET / answered 503
      > the failed clusters are retried, skipped, or tolerated; or the rollout is rolled back or aborted [team-edge]
      $ tidegate rollout retry R42-1 --failed
      $ tidegate rollout skip R42-1 -c stage-1 --reason TEXT
      $ tidegate rollout resume R42-1 --raise-budget 1 --reason TEXT
      $ tidegate rollout rollback R42-1 --reason TEXT
      $ tidegate rollout abort R42-1
    ");
    let prod = "prod".parse().unwrap();
    assert_snapshot!(told(&why(&story, About::Wave(&prod))), @r"
    earlier-wave waits (prod)
      wave staging comes before
      > wave staging is done [the driver]
      $ tidegate rollout why R42-1 --wave staging
    ");
    let cluster = "stage-1".parse().unwrap();
    assert_snapshot!(told(&why(&story, About::Cluster(&cluster))), @r"
    ingress/test:smoke failed (staging/stage-1)
      failed (test) at ingress/test:smoke: smoke test: 503 instead of 200
      | GET / answered 503
      > its cause is mended and it is retried, or it is skipped [team-edge]
      $ tidegate rollout retry R42-1 -c stage-1
      $ tidegate rollout skip R42-1 -c stage-1 --reason TEXT
    ");
}

#[test]
fn that_nobody_drives_stands_behind_what_only_people_can_end() {
    let mut story = Story::begin();
    story.failing.insert("stage-1", "smoke test: 503 instead of 200");
    story.drive(5);
    let gates = |story: &Story, driver: Option<&Driving>| -> Vec<String> {
        let found = explanations(&story.state, story.rollout(), About::Rollout, driver, story.now);
        found.into_iter().map(|e| e.gate).collect()
    };
    assert_eq!(gates(&story, None).first().map(String::as_str), Some("driver"), "it would go on");
    let gone = Driving { alive: false, ..driving(&story) };
    let found = explanations(&story.state, story.rollout(), About::Rollout, Some(&gone), story.now);
    assert_eq!(found[0].evidence, ["4711@ops-1 is gone; who drives next takes its lease over at once"]);
    assert_eq!(found[0].since, None, "its lease has not run out yet");
    story.drive(ALL);
    assert_eq!(gates(&story, None), ["failure-budget"], "a driver would end at once");
}

#[test]
fn an_unreachable_and_a_blocked_cluster_say_what_helps() {
    let mut story = Story::begin();
    let cause = "connection refused by 10.0.0.7:6443, 3 tries".to_owned();
    story.preflights.insert("acme-dev", Preflight::Deferred { reason: Deferral::Unreachable, cause });
    let cause = "its lease is held by journal 0c5d".to_owned();
    story.preflights.insert("delta-qa", Preflight::Blocked { reason: BlockReason::Foreign, cause });
    story.drive(60);
    assert_snapshot!(told(&why(&story, About::Rollout)), @r"
    unreachable deferred (nonprod/acme-dev)
      unreachable
      connection refused by 10.0.0.7:6443, 3 tries
      last seen 33 s ago
      > it can be reached again, and is retried []
      $ tidegate rollout retry R42-1 -c acme-dev
      $ tidegate rollout skip R42-1 -c acme-dev --reason TEXT
    foreign blocked (nonprod/delta-qa)
      its lease is held by journal 0c5d
      > the cluster is adopted, or its owner lets go []
      $ tidegate cluster adopt delta-qa --reason TEXT
      $ tidegate rollout skip R42-1 -c delta-qa --reason TEXT
    ");
}

#[test]
fn a_pin_below_a_hotfix_says_who_chooses_and_how() {
    let mut pinned = plan();
    let cluster = &mut pinned.waves[1].pools[0].clusters[0];
    assert_eq!(cluster.name.as_str(), "acme-dev");
    cluster.obstacles.push(crate::plan::PlannedObstacle::PinMissesHotfix {
        pin: "PIN-7".parse().unwrap(),
        owner: "payments".to_owned(),
        until: "2026-12-15".to_owned(),
        product: "ingress".parse().unwrap(),
        version: "4.12.1".parse().unwrap(),
        hotfix: "R41.1".parse().unwrap(),
        raised: "4.12.2".parse().unwrap(),
    });
    let mut story = Story::with(pinned);
    story.drive(60);
    let cluster = "acme-dev".parse().unwrap();
    assert_snapshot!(told(&why(&story, About::Cluster(&cluster))), @r"
    pin-misses-hotfix blocked (nonprod/acme-dev)
      pin PIN-7 of payments keeps ingress at 4.12.1 until 2026-12-15, below 4.12.2 of the hotfix R41.1
      > the pin ends or is raised and the fleet is planned again, or the cluster is skipped [payments]
      $ tidegate pin remove PIN-7
      $ tidegate rollout skip R42-1 -c acme-dev --reason TEXT
    ");
}

#[test]
fn a_missing_hotfix_names_the_clusters_that_run_it_and_the_release_to_write() {
    let story = Story::begin();
    let hotfixes = [("R41.1".parse().unwrap(), vec!["acme-prod".parse().unwrap()])];
    let wait = crate::rollout::Wait {
        rollout: story.rollout().id().clone(),
        wave: Some("prod".parse().unwrap()),
        pool: Some("prod".parse().unwrap()),
        cluster: None,
        kind: crate::rollout::WaitKind::MissingHotfix(crate::rollout::MissingHotfix {
            hotfixes: hotfixes.into_iter().collect(),
        }),
        since: story.now,
        until: None,
        looks: 0,
    };
    let offers = super::commands::Offers { state: &story.state, rollout: story.rollout(), now: story.now };
    assert_snapshot!(told(&[super::explain::of(&wait, &offers)]), @r"
    missing-hotfix blocked (prod)
      R42 does not contain the hotfix R41.1, which runs on acme-prod
      so pool prod is not entered
      > a release that contains R41.1 is rolled out instead, or the clusters that run it are skipped [who writes the release]
      $ tidegate release hotfix R42 --include R41.1 --lane normal
      $ tidegate rollout skip R42-1 -c acme-prod --reason TEXT
      $ tidegate rollout abort R42-1
    ");
}

#[test]
fn a_rollout_that_ended_waits_for_nothing() {
    let mut story = Story::with(Plan { unknown: Vec::new(), ..plan() });
    story.drive(ALL);
    story.now = crate::model::Duration::hours(25).after(story.now);
    story.drive(ALL);
    story.approve("prod");
    story.drive(ALL);
    assert_eq!(story.rollout().state().word(), "succeeded");
    assert_eq!(why(&story, About::Rollout), []);
    let found = explanations(&story.state, story.rollout(), About::Rollout, None, story.now);
    assert_eq!(found, [], "nobody needs to drive what ended");
}

#[test]
fn every_explanation_that_people_can_end_has_a_command() {
    let mut story = Story::begin();
    story.failing.insert("acme-dev", "smoke test failed");
    for events in 0..120 {
        for explanation in why(&story, About::Rollout) {
            let unblock = &explanation.unblock;
            assert!(!unblock.condition.is_empty() && !explanation.gate.is_empty(), "{explanation:?}");
            let waits = unblock.earliest.is_some() || unblock.actors.iter().any(|a| a == "the driver");
            assert!(waits || !unblock.commands.is_empty(), "after {events}: {explanation:?}");
        }
        story.drive(1);
    }
}

#[test]
fn who_is_waited_for_long_is_reminded_and_later_somebody_decides() {
    let after =
        |days: u64| super::explain::reminder("platform-leads", crate::model::Duration::hours(24 * days));
    assert_eq!(after(0), None);
    assert_eq!(after(2).unwrap(), "reminder: platform-leads are waited for since 2 d");
    assert!(after(90).unwrap().ends_with("whoever answers for them decides, or aborts it"));
}

/// A75: what ran before is applied again and waited for; who looks at a rollback that fails, too, is
/// told both errors.
#[test]
fn apply_a75_a_rollback_applies_again_waits_and_tells_both_errors() {
    use crate::journal::{AttemptId, StepId, StepOutcome};
    use crate::rollout::tests::scripted::plans::{Shape, WaveShape, plan};
    use crate::rollout::tests::scripted::world::{Fate, World, done};
    struct Slow;
    impl Fate for Slow {
        fn step(&mut self, attempt: &AttemptId, step: &StepId, _: u32) -> StepOutcome {
            if !matches!(step, StepId::Settle { .. }) {
                return done();
            }
            let forward = attempt.rollout.as_str() == "R1-1";
            let cause = if forward { "Deployment web: 0 of 3 ready" } else { "Deployment web: 2 of 3 ready" };
            StepOutcome::TimedOut { cause: cause.to_owned() }
        }
    }
    let shape = Shape::of(vec![WaveShape::of(1)]);
    let mut world = World::new(Slow);
    let id = world.start(plan(&shape));
    assert!(world.settle(1_000));
    let back = world.rollback_plan(&id, None, false, &[&shape]).unwrap();
    let back = world.start(back);
    assert!(world.settle(1_000));
    let begun = |wanted: &str| {
        world.events.iter().any(|e| {
            matches!(&e.body, crate::journal::Body::StepStarted { attempt, step, .. }
                if attempt.rollout == back && step.to_string() == wanted)
        })
    };
    assert!(begun("a/s0") && begun("a/settle"), "what was stored is applied and waited for");
    let cluster = "c-0".parse().unwrap();
    let rollback = world.state.rollout(&back).unwrap();
    let found = explanations(&world.state, rollback, About::Cluster(&cluster), None, world.now);
    let evidence = found[0].evidence.join("\n");
    assert!(evidence.contains("2 of 3 ready"), "{evidence}");
    assert!(evidence.contains("before the rollback, in R1-1: Deployment web: 0 of 3 ready"), "{evidence}");
    // And the rollout that goes back says by whom.
    let original = world.state.rollout(&id).unwrap();
    let found = explanations(&world.state, original, About::Rollout, None, world.now);
    assert!(found.iter().any(|e| e.gate == "rollback" && e.state == "rolling-back"), "{found:#?}");
}
