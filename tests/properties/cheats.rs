//! Twelve ways to cheat with approvals. Each is refused with a sentence: when it is given, or, if
//! somebody wrote the event by other means, when the gate is asked.

use std::path::{Path, PathBuf};

use tidegate::adapter::signatures::SshKeygen;
use tidegate::gate::approval::{At, Facts, decide, facts, statement};
use tidegate::journal::{Answer, Body, Side, Signature};
use tidegate::model::{Actor, AuthorMay, Duration, GateId, RolloutId, WaveName};
use tidegate::plan::{GateKind, Plan};
use tidegate::port::Signatures;
use tidegate::rollout::{Approve, Command, Refusal};

use crate::scripted::plans::{Shape, WaveShape, plan};
use crate::scripted::world::Calm;

type World = crate::scripted::world::World<Calm>;

/// A wave of one cluster, then one behind an approval.
fn gated(change: impl Fn(&mut Plan)) -> Plan {
    let waves = vec![WaveShape::of(2), WaveShape { before: true, ..WaveShape::of(2) }];
    let mut plan = plan(&Shape::of(waves));
    change(&mut plan);
    plan
}

fn approvals(plan: &mut Plan, set: impl Fn(&mut u32, &mut Option<Duration>, &mut bool)) {
    for gate in plan.waves.iter_mut().flat_map(|w| &mut w.gates_before) {
        if let GateKind::Approval { quorum, valid_for, signed, .. } = &mut gate.kind {
            set(quorum, valid_for, signed);
        }
    }
}

/// A world in which the gate of the second wave is asked.
fn at_the_gate(plan: Plan) -> (World, RolloutId) {
    let mut world = World::new(Calm);
    let id = world.start(plan);
    settle_until(&mut world, |w| w.state.rollout(&id).unwrap().gate_asked(&wave(), Side::Before));
    (world, id)
}

fn settle_until(world: &mut World, done: impl Fn(&World) -> bool) {
    for _ in 0..1_000 {
        world.round();
        if done(world) {
            return;
        }
        assert!(world.advance(), "nothing can happen any more");
    }
    panic!("it does not come to it");
}

fn wave() -> WaveName {
    "w1".parse().unwrap()
}

fn gate() -> GateId {
    "approval".parse().unwrap()
}

fn refused(world: &mut World, approve: Approve) -> Refusal {
    world.ask(&Command::Approve(approve)).expect_err("the cheat was admitted")
}

/// What the gate answers now.
fn answer(world: &World, id: &RolloutId) -> Answer {
    decide(&known(world, id), world.now)
}

fn known(world: &World, id: &RolloutId) -> Facts {
    facts(world.state.rollout(id).unwrap(), &wave(), Side::Before, &gate()).unwrap()
}

fn says(sentence: &str, words: &[&str]) {
    for word in words {
        assert!(sentence.contains(word), "`{word}` is not in: {sentence}");
    }
}

#[test]
fn cheat_01_an_old_release_digest() {
    let (mut world, id) = at_the_gate(gated(|_| ()));
    let mut approve = world.approval(&id, "w1");
    approve.release = tidegate::digest::bytes(b"last week's");
    says(&refused(&mut world, approve).sentence, &["release", "the approval is for"]);
}

#[test]
fn cheat_02_a_yes_meant_for_another_wave() {
    let (mut world, id) = at_the_gate(gated(|_| ()));
    let other = world.state.rollout(&id).unwrap().bindings(&"w0".parse().unwrap()).unwrap().1;
    let mut approve = world.approval(&id, "w1");
    approve.wave_digest = other;
    says(&refused(&mut world, approve).sentence, &["wave digest"]);
}

#[test]
fn cheat_03_the_same_person_twice() {
    let plan = gated(|plan| approvals(plan, |quorum, _, _| *quorum = 2));
    let (mut world, id) = at_the_gate(plan);
    for _ in 0..2 {
        world.approve(&id, "w1").unwrap();
    }
    let answer = answer(&world, &id);
    assert!(!answer.open);
    says(&answer.facts[0], &["1 of 2"]);
}

#[test]
fn cheat_04_whoever_made_the_release() {
    let plan = gated(|plan| {
        plan.release.authors.insert("Lead".to_owned());
    });
    let (mut world, id) = at_the_gate(plan);
    let approve = world.approval(&id, "w1");
    let refusal = refused(&mut world, approve);
    assert_eq!(refusal.exit.code(), 5);
    says(&refusal.sentence, &["other eyes"]);
}

#[test]
fn cheat_05_a_yes_that_was_taken_back() {
    let (mut world, id) = at_the_gate(gated(|_| ()));
    world.approve(&id, "w1").unwrap();
    assert!(answer(&world, &id).open);
    let (rollout, reason) = (id.clone(), Some("incident".to_owned()));
    world.ask(&Command::Revoke { rollout, wave: wave(), gate: None, reason }).unwrap();
    let answer = answer(&world, &id);
    assert!(!answer.open);
    says(&answer.facts[0], &["0 of 1"]);
}

#[test]
fn cheat_06_a_yes_that_has_expired() {
    let (mut world, id) = at_the_gate(gated(|_| ()));
    let mut approve = world.approval(&id, "w1");
    approve.expires = Some(world.now);
    says(&refused(&mut world, approve).sentence, &["expired"]);
    let plan = gated(|plan| approvals(plan, |_, valid_for, _| *valid_for = Some(Duration::seconds(60))));
    let (mut world, id) = at_the_gate(plan);
    world.approve(&id, "w1").unwrap();
    world.now = Duration::seconds(60).after(world.now);
    says(&answer(&world, &id).facts.join("; "), &["expired at"]);
}

#[test]
fn cheat_07_a_forged_signature() {
    let keys = Keys::new();
    let (world, id) = signed_gate();
    let approve = keys.sign(&world, &id, "ann", "eve", 0);
    let verdict = keys.look(&world, &id, &approve);
    says(&verdict.unwrap_err(), &["ann@example.com", "allowed_signers"]);
    let good = keys.sign(&world, &id, "ann", "ann", 0);
    assert_eq!(keys.look(&world, &id, &good), Ok(()));
    // And one that was never signed is refused at once.
    let (mut world, id) = signed_gate();
    let approve = world.approval(&id, "w1");
    says(&refused(&mut world, approve).sentence, &["signed"]);
}

#[test]
fn cheat_08_a_signature_that_was_used_before() {
    let keys = Keys::new();
    let (mut world, id) = signed_gate();
    let approve = keys.sign(&world, &id, "ann", "ann", 0);
    world.ask(&Command::Approve(approve.clone())).unwrap();
    world.ask(&Command::Revoke { rollout: id.clone(), wave: wave(), gate: None, reason: None }).unwrap();
    says(&refused(&mut world, approve.clone()).sentence, &["sign again"]);
    // Written over to the new round, it no longer holds.
    let mut again = approve.clone();
    again.signature.as_mut().unwrap().round = 1;
    assert!(keys.look(&world, &id, &again).is_err());
    // Nor for another rollout, another person, a later end, or a later moment.
    let changes: [fn(&mut Approve); 4] = [
        |a| a.rollout = "R1-2".parse().unwrap(),
        |a| a.actor = Actor("person:bob@example.com".to_owned()),
        |a| a.expires = Some(jiff::Timestamp::MAX),
        |a| a.signature.as_mut().unwrap().at = jiff::Timestamp::MAX,
    ];
    for change in changes {
        let mut other = approve.clone();
        change(&mut other);
        assert!(keys.look(&world, &id, &other).is_err(), "{other:?}");
    }
}

#[test]
fn cheat_09_a_yes_from_another_lane() {
    // The same release in the other lane has other wave digests, since the lane is part of them.
    let (world, id) = at_the_gate(gated(|_| ()));
    let hotfix = world.approval(&id, "w1");
    let (mut world, id) = at_the_gate(gated(|plan| {
        plan.release.lane = tidegate::model::Lane::Hotfix;
        for wave in &mut plan.waves {
            wave.digest = tidegate::digest::bytes(format!("hotfix {}", wave.name).as_bytes());
        }
    }));
    let approve = Approve { rollout: id, ..hotfix };
    says(&refused(&mut world, approve).sentence, &["wave digest"]);
}

#[test]
fn cheat_10_evidence_that_has_changed() {
    let (mut world, id) = at_the_gate(gated(|plan| {
        plan.waves[0].failure_budget = 1;
    }));
    world.approve(&id, "w1").unwrap();
    assert!(answer(&world, &id).open);
    let mut approve = world.approval(&id, "w1");
    approve.evidence = Some(tidegate::digest::bytes(b"when all was well"));
    says(&refused(&mut world, approve).sentence, &["evidence"]);
    // A yes that is recorded already counts no longer once a cluster behind the gate moved.
    let mut facts = known(&world, &id);
    facts.evidence = tidegate::digest::bytes(b"after a cluster was tried again");
    says(&decide(&facts, world.now).facts.join("; "), &["for evidence"]);
}

#[test]
fn cheat_11_a_plan_that_has_changed() {
    let (world, id) = at_the_gate(gated(|_| ()));
    let old = world.approval(&id, "w1");
    let (mut world, id) = at_the_gate(gated(|plan| {
        plan.waves[1].at_once = Some(50);
        plan.waves[1].digest = tidegate::digest::bytes(b"with another cap");
    }));
    let approve = Approve { rollout: id, ..old };
    says(&refused(&mut world, approve).sentence, &["wave digest"]);
}

#[test]
fn cheat_12_after_the_first_cluster_started() {
    let (mut world, id) = at_the_gate(gated(|_| ()));
    world.approve(&id, "w1").unwrap();
    settle_until(&mut world, |w| w.state.rollout(&id).unwrap().gate_spent(&wave(), Side::Before));
    let approve = world.approval(&id, "w1");
    says(&refused(&mut world, approve).sentence, &["nothing left to approve"]);
}

#[test]
fn a_slow_answer_does_not_count_for_what_has_moved_meanwhile() {
    let (mut world, id) = at_the_gate(gated(|_| ()));
    let before = answer(&world, &id);
    let revision = Some(0);
    let late = |answer| Body::GateAnswered {
        rollout: id.clone(),
        wave: wave(),
        side: Side::Before,
        gate: gate(),
        answer,
        revision,
    };
    assert!(world.state.check(&late(before.clone())).is_ok());
    world.approve(&id, "w1").unwrap();
    assert!(world.state.check(&late(before)).is_err());
}

#[test]
fn an_override_opens_a_gate_and_tests_are_none() {
    let (mut world, id) = at_the_gate(gated(|_| ()));
    let ask = |what: &str, reason: &str| Command::Override {
        rollout: id.clone(),
        what: what.parse().unwrap(),
        reason: reason.to_owned(),
    };
    assert_eq!(world.ask(&ask("approval", " ")).unwrap_err().exit.code(), 2);
    assert_eq!(world.ask(&ask("metric", "x")).unwrap_err().exit.code(), 4);
    assert!("tests".parse::<tidegate::journal::Override>().is_err());
    world.ask(&ask("approval", "INC-1")).unwrap();
    settle_until(&mut world, |w| w.state.rollout(&id).unwrap().gate_spent(&wave(), Side::Before));
    assert_eq!(world.state.rollout(&id).unwrap().overrides().len(), 1);
}

fn signed_gate() -> (World, RolloutId) {
    at_the_gate(gated(|plan| approvals(plan, |_, _, signed| *signed = true)))
}

/// Two people's keys; only ann's and bob's addresses are listed, both with ann's and bob's own key.
struct Keys {
    folder: tempfile::TempDir,
    allowed: String,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut allowed = String::new();
        for name in ["ann", "bob", "eve"] {
            let path = folder.path().join(name);
            let made = std::process::Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
                .arg(&path)
                .status()
                .expect("ssh-keygen is needed: install OpenSSH's client");
            assert!(made.success());
            if name != "eve" {
                let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
                allowed.push_str(&format!("{name}@example.com {public}"));
            }
        }
        Self { folder, allowed }
    }

    fn key(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    fn text(&self, world: &World, approve: &Approve, signature: &Signature) -> String {
        let at = At {
            journal: world.state.journal().unwrap(),
            rollout: &approve.rollout,
            wave: &approve.wave,
            side: Side::Before,
            gate: &gate(),
        };
        statement(&at, &approve.given(world.now), signature.round, signature.at)
    }

    /// A yes in a person's name, signed with somebody's key.
    fn sign(&self, world: &World, id: &RolloutId, person: &str, with: &str, round: u64) -> Approve {
        let mut approve = world.approval(id, "w1");
        approve.actor = Actor(format!("person:{person}@example.com"));
        let mut signature = Signature { round, at: world.now, armored: String::new() };
        let text = self.text(world, &approve, &signature);
        signature.armored = wait(SshKeygen.sign(&self.key(with), &text)).unwrap();
        approve.signature = Some(signature);
        approve
    }

    fn look(&self, world: &World, _: &RolloutId, approve: &Approve) -> Result<(), String> {
        let signature = approve.signature.as_ref().unwrap();
        let text = self.text(world, approve, signature);
        let person = approve.actor.person();
        let at = signature.at.min(world.now);
        wait(SshKeygen.verify(&self.allowed, person, &text, &signature.armored, at)).unwrap()
    }
}

fn wait<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(what)
}

/// The gate's default, so that a plan that says nothing wants other eyes.
#[test]
fn other_eyes_are_the_default() {
    assert_eq!(AuthorMay::default(), AuthorMay::Refused);
}
