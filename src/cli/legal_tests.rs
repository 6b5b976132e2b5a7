//! That nobody is sent into a refusal: every command that an explanation names is parsed as it would
//! be typed and put to the core, in every state that the stories below come through.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use clap::Parser;

use super::args::{self, Args, RolloutCommand};
use crate::journal::{AttemptStep, BlockReason, Deferral, Preflight, RetryWhich, Side, StepId};
use crate::model::{Duration, TestPolicy};
use crate::plan::{Plan, Repeat};
use crate::report::explain::{About, explanations};
use crate::report::explanation::{DRIVER, Driving};
use crate::report::sample::{Story, plan};
use crate::rollout::{Approve, Command, Rollout, admit};

/// Which states were come through, and which verbs were offered.
#[derive(Default)]
struct Seen {
    states: BTreeSet<&'static str>,
    verbs: BTreeSet<String>,
}

impl Seen {
    /// Looks at everything that can be asked about.
    fn look(&mut self, story: &Story) {
        let rollout = story.rollout();
        self.states.insert(rollout.state().word());
        let mut abouts = vec![About::Rollout];
        abouts.extend(rollout.plan().waves.iter().map(|w| About::Wave(&w.name)));
        abouts.extend(rollout.plan().clusters().map(|(_, _, c)| About::Cluster(&c.name)));
        let mut texts: BTreeSet<String> = BTreeSet::new();
        for about in abouts {
            for driver in [None, Some(driving(story))] {
                let found = explanations(&story.state, rollout, about, driver.as_ref(), story.now);
                let stopped = matches!(rollout.state().word(), "halted" | "paused" | "aborted");
                let first = found.first().map(|e| e.gate.as_str());
                assert!(!stopped || first != Some(DRIVER), "{about:?} in {:?}: {found:#?}", rollout.state());
                texts.extend(found.into_iter().flat_map(|e| e.unblock.commands));
            }
        }
        for text in texts {
            self.legal(&text, story);
        }
    }

    #[track_caller]
    fn legal(&mut self, text: &str, story: &Story) {
        let words = text.split_whitespace();
        let parsed = Args::try_parse_from(words).unwrap_or_else(|e| panic!("`{text}` does not parse: {e}"));
        let args::Command::Rollout(command) = parsed.command else {
            self.verbs.insert(text.split(' ').take(3).skip(1).collect::<Vec<_>>().join(" "));
            return;
        };
        self.verbs.insert(text.split(' ').nth(2).unwrap().to_owned());
        let rollout = story.rollout();
        // What has to be paused is paused first; the plan that follows is for other tests.
        if let RolloutCommand::Rollback(a) = &command {
            let asked = Command::RollBack { rollout: rollout.id().clone(), reason: a.reason.clone() };
            admit(&story.state, &asked, story.now)
                .unwrap_or_else(|e| panic!("`{text}` in {:?}: {e}", rollout.state()));
            return;
        }
        let Some(asked) = asked(command, rollout) else {
            let goes = rollout.state().is_open() || rollout.is_catching_up();
            assert!(goes, "`{text}` in {:?}", rollout.state());
            return;
        };
        let answer = admit(&story.state, &asked, story.now);
        let events = answer.unwrap_or_else(|e| panic!("`{text}` in {:?}: {e}", rollout.state()));
        assert!(!events.is_empty(), "`{text}` changes nothing in {:?}", rollout.state());
    }
}

/// What the command line asks of the core; nothing for those that only look or drive.
fn asked(command: RolloutCommand, rollout: &Rollout) -> Option<Command> {
    let id = rollout.id().clone();
    Some(match command {
        RolloutCommand::Run(_) | RolloutCommand::Why(_) => return None,
        RolloutCommand::Resume(a) => {
            Command::Resume { rollout: id, raise_budget: a.raise_budget, reason: a.reason }
        }
        RolloutCommand::Replan(a) => {
            let plan = Box::new((**rollout.plan()).clone());
            Command::Replan { rollout: id, plan, reason: a.reason }
        }
        RolloutCommand::Abort(a) => Command::Abort { rollout: id, reason: a.reason },
        RolloutCommand::Skip(a) => Command::Skip { rollout: id, clusters: a.clusters, reason: a.reason },
        RolloutCommand::Retry(a) => {
            let which = match (a.which.failed, a.which.skipped, a.which.deferred) {
                (true, _, _) => RetryWhich::Failed,
                (_, true, _) => RetryWhich::Skipped,
                (_, _, true) => RetryWhich::Deferred,
                _ => RetryWhich::Named,
            };
            Command::Retry { rollout: id, which, clusters: a.which.clusters, reason: a.reason }
        }
        RolloutCommand::Approve(a) => {
            let (release, wave_digest) = rollout.bindings(&a.wave).unwrap();
            let side = if rollout.wave(&a.wave).unwrap().0.gates_before.is_empty() {
                Side::After
            } else {
                Side::Before
            };
            Command::Approve(Approve {
                actor: crate::model::Actor("person:somebody".to_owned()),
                signature: None,
                rollout: id,
                evidence: Some(rollout.evidence(&a.wave, side)),
                gate: a.gate.map(|gate| (side, gate)),
                wave: a.wave,
                release,
                wave_digest,
                expires: None,
                comment: None,
            })
        }
        RolloutCommand::Verify(a) => Command::Verify { rollout: id, wave: a.wave, reason: a.reason },
        RolloutCommand::Override(a) => Command::Override { rollout: id, what: a.what, reason: a.reason },
        other => panic!("no explanation names {other:?}"),
    })
}

fn driving(story: &Story) -> Driving {
    let until = Duration::seconds(30).after(story.now);
    Driving { process: "4711@ops-1".into(), fence: 1, until, alive: true }
}

/// Drives to the end of what can be driven, looking after every event.
fn drive(story: &mut Story, seen: &mut Seen) {
    loop {
        let before = story.events.len();
        seen.look(story);
        story.drive(1);
        if story.events.len() == before {
            return;
        }
    }
}

fn ask(story: &mut Story, seen: &mut Seen, command: Command) {
    story.ask(command);
    drive(story, seen);
}

fn id(story: &Story) -> crate::model::RolloutId {
    story.rollout().id().clone()
}

fn retry(story: &Story, which: RetryWhich) -> Command {
    Command::Retry { rollout: id(story), which, clusters: Vec::new(), reason: None }
}

fn abort(story: &Story) -> Command {
    Command::Abort { rollout: id(story), reason: Some("wrong week".to_owned()) }
}

fn skip(story: &Story, cluster: &str) -> Command {
    let clusters = vec![cluster.parse().unwrap()];
    Command::Skip { rollout: id(story), clusters, reason: "later".to_owned() }
}

fn resume(story: &Story, raise_budget: Option<u32>) -> Command {
    Command::Resume { rollout: id(story), raise_budget, reason: Some("known".to_owned()) }
}

#[test]
fn every_command_that_an_explanation_names_is_legal() {
    let mut seen = Seen::default();

    // Everything goes well: soak, approval, end; with a pause between.
    let mut story = Story::with(Plan { unknown: Vec::new(), ..plan() });
    story.drive(27);
    let pause = Command::Pause { rollout: id(&story), reason: None };
    ask(&mut story, &mut seen, pause);
    let command = resume(&story, None);
    ask(&mut story, &mut seen, command);
    story.now = Duration::hours(25).after(story.now);
    drive(&mut story, &mut seen);
    story.approve("prod");
    drive(&mut story, &mut seen);

    // A halt, ended by an abort.
    let mut story = Story::begin();
    story.failing.insert("stage-1", "503");
    drive(&mut story, &mut seen);
    let command = abort(&story);
    ask(&mut story, &mut seen, command);

    // An abort in the middle of the work.
    let mut story = Story::begin();
    story.drive(27);
    let command = abort(&story);
    ask(&mut story, &mut seen, command);

    // Two failures: one is skipped, the other tolerated; a retry; an end with failures.
    let mut story = Story::begin();
    story.failing.insert("acme-dev", "503");
    story.failing.insert("delta-qa", "503");
    drive(&mut story, &mut seen);
    let command = skip(&story, "acme-dev");
    ask(&mut story, &mut seen, command);
    let command = retry(&story, RetryWhich::Failed);
    ask(&mut story, &mut seen, command);
    let command = resume(&story, Some(1));
    ask(&mut story, &mut seen, command);
    story.now = Duration::hours(25).after(story.now);
    drive(&mut story, &mut seen);
    story.approve("prod");
    drive(&mut story, &mut seen);

    // A halt whose failure was skipped.
    let mut story = Story::begin();
    story.failing.insert("acme-dev", "503");
    drive(&mut story, &mut seen);
    story.ask(skip(&story, "acme-dev"));
    drive(&mut story, &mut seen);

    // Clusters that can't be worked on: within the budget for deferred ones, and past it.
    for other in ["delta-qa", "none"] {
        let mut story = Story::begin();
        for (cluster, preflight) in [
            (
                "acme-dev",
                Preflight::Deferred { reason: Deferral::Unreachable, cause: "no answer".to_owned() },
            ),
            (other, Preflight::Deferred { reason: Deferral::Hold, cause: "held".to_owned() }),
            (
                "globex-eu",
                Preflight::Blocked { reason: BlockReason::Foreign, cause: "other journal".to_owned() },
            ),
            ("globex-us", Preflight::Blocked { reason: BlockReason::Stale, cause: "lower".to_owned() }),
            ("zeta-prod", Preflight::Deferred { reason: Deferral::Busy, cause: "R41-1".to_owned() }),
        ] {
            story.preflights.insert(cluster, preflight);
        }
        drive(&mut story, &mut seen);
        story.now = Duration::hours(25).after(story.now);
        for _ in 0..20 {
            seen.look(&story);
            story.drive(1);
        }
        if story.rollout().wave(&"prod".parse().unwrap()).unwrap().1.opened_at().is_none() && other == "none"
        {
            story.approve("prod");
        }
        for _ in 0..60 {
            seen.look(&story);
            story.drive(1);
        }
        let command = abort(&story);
        ask(&mut story, &mut seen, command);
    }

    // Not one test ran.
    let mut sample = plan();
    sample.waves[0].tests = TestPolicy::All;
    let mut story = Story::with(sample);
    let seal =
        AttemptStep { id: StepId::Seal, timeout: Duration::minutes(1), repeat: Repeat::Safe, retries: 0 };
    story.preflights.insert("stage-1", Preflight::Proceed { steps: vec![seal] });
    drive(&mut story, &mut seen);

    let states: Vec<&str> = seen.states.into_iter().collect();
    assert_eq!(
        states,
        [
            "aborted",
            "aborting",
            "halted",
            "paused",
            "pausing",
            "planned",
            "running",
            "succeeded",
            "succeeded-with-failures"
        ],
        "every state was come through"
    );
    let verbs: Vec<&str> = seen.verbs.iter().map(String::as_str).collect();
    assert_eq!(
        verbs,
        [
            "abort",
            "approve",
            "cluster adopt",
            "cluster list",
            "plan R42",
            "replan",
            "resume",
            "retry",
            "rollback",
            "run",
            "skip",
            "why"
        ]
    );
}
