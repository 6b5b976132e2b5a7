//! A small rollout for the tests of reports and screens: a plan of three waves, and a world in
//! memory that answers the core's effects, so that every state shown was really reached.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::{self, Digest};
use crate::journal::{
    AttemptStep, Body, Draft, Event, FailureClass, Found, Preflight, StepId, StepOutcome, chain, origin,
};
use crate::model::{
    Actor, ClusterName, ClusterUid, Conflicts, Duration, Lane, Observed, SoakClock, Tags, TestPolicy,
};
use crate::plan::{
    Access, Change, FORMAT, GateKind, Plan, PlannedCluster, PlannedGate, PlannedPipeline, PlannedPool,
    PlannedProduct, PlannedRelease, PlannedSoak, PlannedStep, PlannedTest, PlannedWave, Repeat, Target,
};
use crate::resolve::Reason;
use crate::rollout::{Approve, Command, Effect, FleetState, Rollout, admit, effects};

/// When the samples begin.
pub const BEGIN: &str = "2026-11-21T09:00:00Z";

/// A journal in memory and what answers the effects.
pub struct Story {
    /// What is known.
    pub state: FleetState,
    /// What happened.
    pub events: Vec<Event>,
    /// The story's clock.
    pub now: jiff::Timestamp,
    /// Preflights that don't simply go on, by cluster.
    pub preflights: BTreeMap<&'static str, Preflight>,
    /// What a failing test prints.
    pub output: Vec<String>,
    /// Steps that fail, by cluster.
    pub failing: BTreeMap<&'static str, &'static str>,
    prev: Digest,
}

/// A digest of a word.
pub fn digest_of(word: &str) -> Digest {
    digest::bytes(word.as_bytes())
}

impl Story {
    /// A journal, a driver, and the plan started.
    pub fn begin() -> Self {
        Self::with(plan())
    }

    /// As [`Story::begin`], with another plan.
    pub fn with(plan: Plan) -> Self {
        let journal = uuid::Uuid::from_u128(7);
        let mut story = Self {
            state: FleetState::new(),
            events: Vec::new(),
            now: BEGIN.parse().unwrap(),
            preflights: BTreeMap::new(),
            output: vec!["GET / answered 503".to_owned()],
            failing: BTreeMap::new(),
            prev: origin(journal),
        };
        story.push(None, Body::JournalCreated { journal });
        let took = Body::DriverTookOver {
            process: "4711@ops-1".into(),
            boot: "b".into(),
            pid_namespace: "host".into(),
            new_fence: 1,
        };
        story.push(Some(1), took);
        for (_, _, cluster) in plan.clusters() {
            let observed = Box::new(Observed {
                at: story.now,
                uid: cluster.uid.clone(),
                kubernetes: cluster.kubernetes,
                server: "v1.36.1".into(),
                products: Arc::clone(&cluster.from),
            });
            story.push(None, Body::ClusterObserved { cluster: cluster.name.clone(), observed });
        }
        story.ask(Command::Start { plan: Box::new(plan), overrides: Vec::new() });
        story
    }

    /// Appends one event, a second later.
    pub fn push(&mut self, fence: Option<u64>, body: Body) {
        self.now = Duration::seconds(1).after(self.now);
        let actor = if fence.is_some() { Actor::engine() } else { Actor("person:anna@example.org".into()) };
        let draft = Draft { at: self.now, actor, fence, body };
        let event = chain(draft, self.state.position() + 1, self.prev).unwrap();
        self.prev = event.hash;
        self.state.apply(&event).unwrap();
        self.events.push(event);
    }

    /// A person's request.
    pub fn ask(&mut self, command: Command) {
        for body in admit(&self.state, &command, self.now).unwrap() {
            self.push(None, body);
        }
    }

    /// A yes to the approval of a wave.
    pub fn approve(&mut self, wave: &str) {
        let rollout = self.rollout();
        let wave = wave.parse().unwrap();
        let (release, wave_digest) = rollout.bindings(&wave).unwrap();
        let evidence = Some(rollout.evidence(&wave, crate::journal::Side::Before));
        let rollout = rollout.id().clone();
        let (gate, expires, comment) = (None, None, Some("CHG-77".to_owned()));
        self.ask(Command::Approve(Approve {
            actor: Actor("person:ann@example.com".to_owned()),
            signature: None,
            rollout,
            wave,
            gate,
            release,
            wave_digest,
            evidence,
            expires,
            comment,
        }));
    }

    /// The rollout.
    pub fn rollout(&self) -> &Rollout {
        self.state.rollouts().next_back().unwrap()
    }

    /// Answers effects until none is left but those that wait for people or time, or `events` more
    /// have happened.
    pub fn drive(&mut self, events: usize) {
        let until = self.events.len() + events;
        while self.events.len() < until {
            let next = effects(&self.state, self.now);
            let before = self.events.len();
            for effect in next.effects {
                self.answer(effect);
                if self.events.len() > before {
                    break;
                }
            }
            if self.events.len() == before {
                return;
            }
        }
    }

    fn answer(&mut self, effect: Effect) {
        let body = match effect {
            Effect::Decide(body) => body,
            Effect::AskGate { rollout, wave, side, gate } => {
                let facts = crate::gate::approval::facts(self.rollout(), &wave, side, &gate).unwrap();
                let answer = crate::gate::approval::decide(&facts, self.now);
                Body::GateAnswered { rollout, wave, side, gate, answer, revision: None }
            }
            Effect::Preflight { attempt, tries } => {
                let preflight =
                    self.preflights.get(attempt.cluster.as_str()).cloned().unwrap_or_else(proceed);
                Body::AttemptPreflighted { attempt, tries, preflight }
            }
            Effect::Step { attempt, step, tries, .. } => {
                let (host, boot) = ("ops-1".to_owned(), "b".to_owned());
                let id = step.id.clone();
                let attempt_id = attempt.clone();
                self.push(
                    Some(1),
                    Body::StepStarted {
                        attempt: attempt_id,
                        step: id,
                        tries,
                        host,
                        boot,
                        pid_namespace: "host".into(),
                    },
                );
                let failing = self.failing.get(attempt.cluster.as_str());
                let outcome = match failing.filter(|_| step.id.is_test()) {
                    Some(cause) => StepOutcome::Failed {
                        class: FailureClass::Test,
                        cause: (*cause).to_owned(),
                        output: self.output.clone(),
                    },
                    None => StepOutcome::Done {
                        summary: "14 objects, 3 changed".to_owned(),
                        evidence: BTreeMap::new(),
                    },
                };
                Body::StepFinished { attempt, step: step.id, tries, outcome }
            }
            Effect::Verify { rollout, wave, cluster, round } => Body::WaveClusterVerified {
                rollout,
                wave,
                cluster,
                round,
                healthy: true,
                cause: String::new(),
            },
            Effect::Join { rollout, cluster, .. } => {
                let cause = "nobody is there".to_owned();
                Body::RolloutNotJoined { rollout, cluster, cause, lasting: true }
            }
            Effect::Observe { rollout, wave, cluster } => {
                let (found, cause) = (Found::Well, String::new());
                Body::WaveClusterObserved { rollout, wave, cluster, found, cause }
            }
            Effect::Tag { rollout, wave, .. } => {
                let tag = format!("release/R42/{wave}");
                let commit = "0123456789abcdef0123456789abcdef01234567".to_owned();
                Body::WaveTagged { rollout, wave, tag, commit }
            }
            Effect::PushTag { rollout, wave, .. } => {
                Body::WaveTagPushed { rollout, wave, remote: "origin".to_owned() }
            }
        };
        self.push(Some(1), body);
    }
}

fn proceed() -> Preflight {
    let product = || "ingress".parse().unwrap();
    let step = |id| AttemptStep { id, timeout: Duration::minutes(10), repeat: Repeat::Safe, retries: 0 };
    Preflight::Proceed {
        steps: vec![
            step(StepId::Deploy { product: product(), step: "helm".to_owned() }),
            step(StepId::Settle { product: product() }),
            step(StepId::Test { product: product(), test: "smoke".to_owned() }),
            step(StepId::Seal),
        ],
    }
}

/// Staging with one cluster; nonprod with a soak; prod with an approval and two pools.
pub fn plan() -> Plan {
    let wave = |name: &str, pools: Vec<PlannedPool>| PlannedWave {
        name: name.parse().unwrap(),
        digest: digest_of(name),
        pools,
        at_once: Some(2),
        failure_budget: 0,
        deferred_budget: 1,
        canary: false,
        cluster_deadline: None,
        tests: TestPolicy::Changed,
        soak: None,
        gates_before: Vec::new(),
        gates_after: Vec::new(),
    };
    let approval = PlannedGate {
        id: "approval".parse().unwrap(),
        kind: GateKind::Approval {
            by: "platform-leads".into(),
            quorum: 1,
            valid_for: Some(Duration::hours(24)),
            author: crate::model::AuthorMay::Refused,
            signed: false,
        },
    };
    let soak = PlannedSoak { length: Duration::hours(24), clock: SoakClock::Wall, observe_every: None };
    Plan {
        format: FORMAT,
        digest: digest_of("plan"),
        made_at: BEGIN.parse().unwrap(),
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        kind: Default::default(),
        release: PlannedRelease {
            id: "R42".parse().unwrap(),
            title: Some("brisk-heron".into()),
            lane: Lane::Normal,
            digest: digest_of("release"),
            parent: Some("R41".parse().unwrap()),
            kubernetes: "1.36".parse().unwrap(),
            authors: std::collections::BTreeSet::new(),
            lowers: None,
        },
        lineage: Default::default(),
        pipeline: PlannedPipeline {
            name: "main".parse().unwrap(),
            digest: digest_of("pipeline"),
            at_once: None,
            regions: BTreeMap::new(),
            start_rate: None,
            catch_up: Default::default(),
            rollback_gate: None,
            tags: Tags::default(),
        },
        waves: vec![
            wave("staging", vec![pool("staging", None, &["stage-1"])]),
            PlannedWave {
                soak: Some(soak),
                ..wave("nonprod", vec![pool("nonprod", None, &["acme-dev", "delta-qa"])])
            },
            PlannedWave {
                gates_before: vec![approval],
                ..wave(
                    "prod",
                    vec![
                        pool("prod-1", Some(1), &["acme-prod", "delta-prod"]),
                        pool("prod-2", None, &["globex-eu", "globex-us", "zeta-prod"]),
                    ],
                )
            },
        ],
        products: [(digest_of("ingress 4.14.0"), product())].into(),
        values: [(digest_of("values"), serde_json::json!({}))].into(),
        unassigned: Vec::new(),
        unknown: vec!["globex-old".parse().unwrap()],
        options: crate::plan::PlanOptions::default(),
        renderers: crate::plan::Renderers { manifests: 1, helm: None },
        notices: Vec::new(),
    }
}

fn pool(name: &str, at_once: Option<u32>, clusters: &[&str]) -> PlannedPool {
    PlannedPool {
        name: name.parse().unwrap(),
        at_once,
        clusters: clusters.iter().map(|name| cluster(name)).collect(),
    }
}

fn cluster(name: &str) -> PlannedCluster {
    PlannedCluster {
        name: name.parse::<ClusterName>().unwrap(),
        uid: ClusterUid::new(&format!("uid-{name}")),
        labels: BTreeMap::new(),
        provider: None,
        access: Access { kubeconfig: "kubeconfig".into(), context: Some(name.into()) },
        kubernetes: "1.36".parse().unwrap(),
        observed_at: BEGIN.parse().unwrap(),
        stale: false,
        from: std::sync::Arc::default(),
        targets: vec![Target {
            product: "ingress".parse().unwrap(),
            phase: 0,
            version: "4.14.0".parse().unwrap(),
            digest: digest_of("ingress 4.14.0"),
            inputs: digest_of(&format!("inputs of {name}")),
            values: digest_of("values"),
            reason: Reason::Release { release: "R42".parse().unwrap() },
            change: Change::Raise { from: "4.12.1".parse().unwrap() },
        }],
        removals: Vec::new(),
        orphaned: Vec::new(),
        obstacles: Vec::new(),
        back: None,
    }
}

fn product() -> PlannedProduct {
    PlannedProduct {
        name: "ingress".parse().unwrap(),
        version: "4.14.0".parse().unwrap(),
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        digest: digest_of("ingress 4.14.0"),
        owner: "team-edge".into(),
        conflicts: Conflicts::Fail,
        requires: Vec::new(),
        steps: vec![PlannedStep {
            name: "helm".into(),
            kind: "helm".into(),
            timeout: Duration::minutes(10),
            deadline: None,
            one_way: false,
            repeat: Repeat::Safe,
            retries: 0,
        }],
        tests: vec![PlannedTest {
            name: "smoke".into(),
            kind: "run".into(),
            timeout: Duration::minutes(10),
            deadline: None,
            retries: 0,
        }],
        settle: None,
        tombstones: Vec::new(),
        test_digest: digest_of("tests"),
    }
}
