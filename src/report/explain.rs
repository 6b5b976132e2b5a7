//! From what waits to its explanation: every kind of wait gets its gate's name, its evidence in
//! words, what unblocks it, who can, from when on, and the commands.

use super::event::{count, deferral, halt};
use super::explanation::{Driving, Explanation, Subject, Unblock, undriven};
use crate::journal::{BlockReason, Deferral, HaltCause, Side, StepId, StepOutcome};
use crate::model::{ClusterName, WaveName};
use crate::plan::GateKind;
use crate::rollout::{
    AttemptState, CapUse, Class, Cluster, FleetState, Rollout, RolloutState, Scope, Wait, WaitKind,
    is_blocked, rests, waits_of, waits_of_rollout,
};

/// So many failed clusters are named as evidence of a halt.
const NAMED: usize = 5;

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About<'a> {
    /// The whole rollout: what keeps it from going on.
    Rollout,
    /// One wave: what keeps it from starting or ending.
    Wave(&'a WaveName),
    /// One cluster: what it waits for, or why it failed.
    Cluster(&'a ClusterName),
}

/// Everything that waits, the most important first. That nobody drives comes before all else, and
/// last where a driver could not go on either before somebody has done something.
pub fn explanations(
    state: &FleetState,
    rollout: &Rollout,
    about: About<'_>,
    driver: Option<&Driving>,
    now: jiff::Timestamp,
) -> Vec<Explanation> {
    let mut found = Vec::new();
    let nobody = rollout.state().is_open() && !driver.is_some_and(|d| d.alive);
    let stuck = rests(rollout) || is_blocked(state, rollout, now);
    if nobody && !stuck {
        found.push(undriven(rollout.id(), driver, now));
    }
    let waits = match about {
        About::Cluster(cluster) => waits_of(state, rollout, cluster, now),
        About::Rollout | About::Wave(_) => waits_of_rollout(state, rollout, now),
    };
    let matters = |wait: &Wait| match about {
        _ if wait.kind == WaitKind::NoDriver => false,
        About::Cluster(_) => true,
        About::Wave(wave) => wait.wave.as_ref().is_none_or(|at| at == wave),
        // What is at work does not wait, and later waves wait for nothing of their own.
        About::Rollout => !matches!(wait.kind, WaitKind::AtWork { .. } | WaitKind::Earlier { .. }),
    };
    found.extend(waits.iter().filter(|wait| matters(wait)).map(|wait| of(wait, rollout)));
    if let About::Cluster(cluster) = about {
        found.extend(failed(rollout, cluster));
    }
    if nobody && stuck {
        found.push(undriven(rollout.id(), driver, now));
    }
    found
}

/// The explanation of one wait.
pub fn of(wait: &Wait, rollout: &Rollout) -> Explanation {
    let told = Told { wait, rollout };
    let (gate, state, evidence, unblock) = match &wait.kind {
        WaitKind::NoDriver => return undriven(rollout.id(), None, wait.since),
        WaitKind::Paused { .. } | WaitKind::Halted { .. } | WaitKind::Aborting { .. } => told.stopped(),
        WaitKind::Gate { .. } => told.gate(),
        WaitKind::Earlier { .. }
        | WaitKind::EarlierPool { .. }
        | WaitKind::Cap { .. }
        | WaitKind::Hold { .. }
        | WaitKind::Queue { .. } => told.turn(),
        WaitKind::DeferredBudget { .. }
        | WaitKind::Soak
        | WaitKind::Verifying { .. }
        | WaitKind::Tag { .. } => told.wave(),
        WaitKind::Blocked { .. }
        | WaitKind::Deferred { .. }
        | WaitKind::Unknown { .. }
        | WaitKind::Backoff { .. }
        | WaitKind::AtWork { .. } => told.cluster(),
    };
    Explanation {
        gate,
        state: state.to_owned(),
        since: Some(wait.since),
        evidence: evidence.into_iter().filter(|line| !line.is_empty()).collect(),
        unblock: Unblock { earliest: told.earliest(), ..unblock },
        subject: Subject {
            rollout: Some(wait.rollout.clone()),
            wave: wait.wave.clone(),
            cluster: wait.cluster.clone(),
        },
    }
}

/// Gate, state, evidence, and what unblocks.
type Words = (String, &'static str, Vec<String>, Unblock);

struct Told<'a> {
    wait: &'a Wait,
    rollout: &'a Rollout,
}

impl Told<'_> {
    fn command(&self, verb: &str, rest: &str) -> String {
        let space = if rest.is_empty() { "" } else { " " };
        format!("tidegate rollout {verb} {}{space}{rest}", self.rollout.id())
    }

    /// The cluster as a flag; nothing where no single cluster waits.
    fn flag(&self) -> String {
        self.wait.cluster.as_ref().map_or_else(String::new, |c| format!("-c {c}"))
    }

    /// The moment at which time alone helps. When a blocked cluster is looked at again, when an
    /// answer ends and when a step must have ended are no such moments.
    fn earliest(&self) -> Option<jiff::Timestamp> {
        match &self.wait.kind {
            WaitKind::Soak | WaitKind::Backoff { .. } | WaitKind::Deferred { .. } | WaitKind::Tag { .. } => {
                self.wait.until
            }
            _ => None,
        }
    }

    /// A person stopped it, or it stopped itself.
    fn stopped(&self) -> Words {
        match &self.wait.kind {
            WaitKind::Paused { by, reason, at_work } => {
                let mut evidence = vec![by.as_ref().map_or_else(String::new, |by| format!("paused by {by}"))];
                evidence.extend(reason.clone());
                evidence.push(still_at_work(*at_work));
                let unblock = people("somebody resumes it", [], [self.command("resume", "")]);
                ("pause".to_owned(), if *at_work > 0 { "pausing" } else { "paused" }, evidence, unblock)
            }
            WaitKind::Halted { cause } => self.halted(cause),
            WaitKind::Aborting { by, at_work } => {
                let reason = self.rollout.asked().and_then(|(_, reason)| reason);
                let by = by.as_ref().map_or_else(String::new, |by| format!("aborted by {by}"));
                let by = reason.map_or_else(|| by.clone(), |reason| format!("{by}: {reason}"));
                let unblock = people("running steps end", ["the driver"], []);
                ("abort".to_owned(), "aborting", vec![by, still_at_work(*at_work)], unblock)
            }
            _ => nothing(),
        }
    }

    fn halted(&self, cause: &HaltCause) -> Words {
        let mut evidence = vec![halt(cause)];
        let mut owners: Vec<&str> = Vec::new();
        let mut failed = 0;
        for (_, _, planned, cluster) in self.rollout.clusters() {
            if !matches!(cluster.state().class(), Class::Failed | Class::Unknown) {
                continue;
            }
            failed += 1;
            if failed <= NAMED {
                evidence.push(format!("{}: {}", planned.name, failure_line(cluster)));
            }
            if let Some(owner) = owner(self.rollout, &planned.name, cluster)
                && !owners.contains(&owner)
            {
                owners.push(owner);
            }
        }
        if failed > NAMED {
            evidence.push(format!("and {} more", failed - NAMED));
        }
        // More clusters may have failed since it halted, of those that were at work.
        let needed = self.rollout.over_budget().map_or(failed, |(_, failed, _)| usize_of(failed));
        let (gate, condition, commands) = match cause {
            HaltCause::FailureBudget { .. } => (
                "failure-budget",
                "the failed clusters are retried, skipped, or tolerated; or the rollout is aborted",
                vec![
                    self.command("retry", "--failed"),
                    self.command("skip", "-c CLUSTER --reason TEXT"),
                    self.command("resume", &format!("--raise-budget {needed} --reason TEXT")),
                    self.command("abort", ""),
                ],
            ),
            HaltCause::NoTests => (
                "no-tests",
                "its products get tests (in a new release), or the rollout is aborted",
                vec![self.command("abort", "")],
            ),
        };
        (gate.to_owned(), "halted", evidence, people(condition, owners, commands))
    }

    /// A gate that is not open.
    fn gate(&self) -> Words {
        let WaitKind::Gate { side, gate, kind, answer, revoked } = &self.wait.kind else { return nothing() };
        let GateKind::Approval { by, quorum, valid_for } = kind;
        let mut evidence = answer.as_ref().map(|a| a.facts.clone()).unwrap_or_default();
        evidence.extend(revoked.as_ref().map(|who| format!("{who} took a yes back")));
        if let Some(wave) = self.wait.wave.as_ref()
            && let Some((release, digest)) = self.rollout.bindings(wave)
        {
            let seen = self.rollout.evidence(wave, *side);
            evidence.push(format!(
                "binds to release {}, wave {}, evidence {}",
                release.short(),
                digest.short(),
                seen.short()
            ));
        }
        evidence.extend(valid_for.map(|length| format!("a yes counts for {length}")));
        let people_needed = if *quorum == 1 { "1 person".to_owned() } else { format!("{quorum} people") };
        let condition = match answer {
            Some(_) => format!("{people_needed} of {by} say yes"),
            None => "it is answered".to_owned(),
        };
        let wave = self.wait.wave.as_ref().map(ToString::to_string).unwrap_or_default();
        let several = self
            .wait
            .wave
            .as_ref()
            .and_then(|w| self.rollout.wave(w))
            .is_some_and(|(planned, _)| planned.gates_before.len() + planned.gates_after.len() > 1);
        let named = if several { format!(" --gate {gate}") } else { String::new() };
        let command = self.command("approve", &format!("--wave {wave}{named}"));
        let state = if answer.is_some() { "closed" } else { "asked" };
        evidence.push(match side {
            Side::Before => String::new(),
            Side::After => "asked after the wave, before it is done".to_owned(),
        });
        (gate.to_string(), state, evidence, people(&condition, [by.as_str()], [command]))
    }

    /// Its turn has not come.
    fn turn(&self) -> Words {
        let driver = |condition: &str, commands: Vec<String>| people(condition, ["the driver"], commands);
        match &self.wait.kind {
            WaitKind::Earlier { wave } => {
                let why = self.command("why", &format!("--wave {wave}"));
                let unblock = driver(&format!("wave {wave} is done"), vec![why]);
                ("earlier-wave".to_owned(), "waits", vec![format!("wave {wave} comes before")], unblock)
            }
            WaitKind::EarlierPool { pool } => {
                let condition = format!("every cluster of pool {pool} is settled");
                let evidence = vec![format!("{} waits for pool {pool}", self.pool())];
                ("earlier-pool".to_owned(), "waits", evidence, driver(&condition, vec![]))
            }
            WaitKind::Cap { cap, caps, waiting } => {
                let mut evidence =
                    vec![format!("{} waiting for a slot in {}", clusters(*waiting), self.pool())];
                evidence.extend(caps.iter().map(cap_line));
                let condition = format!("a slot is free: {}", cap_line(cap));
                ("cap".to_owned(), "waits", evidence, driver(&condition, vec![]))
            }
            WaitKind::Hold { cap, waiting } => {
                let evidence = vec![format!("{} held in {}", clusters(*waiting), self.pool()), cap_line(cap)];
                let unblock = people(
                    "a new plan has a cap above 0",
                    ["who owns the pipeline"],
                    [self.command("abort", "")],
                );
                ("hold".to_owned(), "waits", evidence, unblock)
            }
            WaitKind::Queue { place } => {
                let unblock = driver("a slot is free and its turn comes", vec![]);
                ("queue".to_owned(), "waits", vec![format!("number {place} in its pool's queue")], unblock)
            }
            _ => nothing(),
        }
    }

    fn pool(&self) -> String {
        self.wait.pool.as_ref().map_or_else(|| "the wave".to_owned(), |pool| format!("pool {pool}"))
    }

    /// The wave waits as a whole.
    fn wave(&self) -> Words {
        match &self.wait.kind {
            WaitKind::DeferredBudget { deferred, budget } => {
                let evidence = vec![format!("{} deferred, {budget} tolerated", clusters(*deferred))];
                let commands =
                    [self.command("retry", "--deferred"), self.command("skip", "-c CLUSTER --reason TEXT")];
                let unblock = people("deferred clusters can be reached again, or are skipped", [], commands);
                ("deferred-budget".to_owned(), "waits", evidence, unblock)
            }
            WaitKind::Soak => {
                let planned = self.wait.wave.as_ref().and_then(|w| self.rollout.wave(w)).map(|(p, _)| p);
                let length = planned.and_then(|p| p.soak.as_ref()).map(|s| s.length);
                let evidence = length.map(|l| format!("must stay well for {l}")).into_iter().collect();
                ("soak".to_owned(), "soaking", evidence, people("its time has passed", [], []))
            }
            WaitKind::Verifying { round, left } => {
                let when = if *round > 1 { "after the soak" } else { "before it counts as verified" };
                let evidence = vec![format!("{} left to be observed once more, {when}", clusters(*left))];
                let unblock = people("every done cluster was observed once more", ["the driver"], []);
                ("verification".to_owned(), "verifying", evidence, unblock)
            }
            WaitKind::Tag { failed } => {
                let evidence = failed.as_ref().map(|failure| {
                    let what = if failure.push { "pushed" } else { "made" };
                    format!("could not be {what} (try {}): {}", failure.tries, failure.cause)
                });
                let (state, who) = match failed {
                    Some(_) => ("failed", "who owns the repository"),
                    None => ("waits", "the driver"),
                };
                let unblock = people("its git tag stands; it is tried again", [who], []);
                ("tag".to_owned(), state, evidence.into_iter().collect(), unblock)
            }
            _ => nothing(),
        }
    }

    /// One cluster waits.
    fn cluster(&self) -> Words {
        let flag = self.flag();
        let retry = || self.wait.cluster.as_ref().map_or_else(String::new, |c| retry_of(self.rollout, c));
        let skip = || self.command("skip", &format!("{flag} --reason TEXT"));
        match &self.wait.kind {
            WaitKind::Blocked { reason, cause, early } => {
                let (gate, condition) = match reason {
                    BlockReason::Stale => (
                        "stale",
                        "it no longer runs what the plan would lower; it is looked at again by itself",
                    ),
                    BlockReason::Missing => {
                        ("missing", "what the objects need is there; it is looked at again by itself")
                    }
                    BlockReason::Foreign => ("foreign", "the cluster is adopted, or its owner lets go"),
                };
                if *early {
                    let unblock = people("it is looked at again", ["the driver"], []);
                    return (gate.to_owned(), "waits", vec![cause.clone()], unblock);
                }
                let mut commands = vec![skip()];
                if *reason == BlockReason::Foreign {
                    let cluster = self.wait.cluster.as_ref().map(ToString::to_string).unwrap_or_default();
                    commands.insert(0, format!("tidegate cluster adopt {cluster} --reason TEXT"));
                }
                (gate.to_owned(), "blocked", vec![cause.clone()], people(condition, [], commands))
            }
            WaitKind::Deferred { reason, cause } => {
                let (gate, condition) = match reason {
                    Deferral::Window => ("window", "its window opens"),
                    Deferral::Busy => ("busy", "the other operation ends"),
                    Deferral::Unreachable => ("unreachable", "it can be reached again, and is retried"),
                    Deferral::Hibernated => ("hibernated", "it is woken up, and retried"),
                    Deferral::Hold => ("hold", "its hold ends, and it is retried"),
                };
                let evidence = vec![deferral(*reason).to_owned(), cause.clone()];
                (gate.to_owned(), "deferred", evidence, people(condition, [], [retry(), skip()]))
            }
            WaitKind::Unknown { step, cause } => {
                let evidence =
                    vec![format!("it is not known how {} ended", step_name(step.as_ref())), cause.clone()];
                let unblock = people("a person has looked, and retries or skips it", [], [retry(), skip()]);
                ("unknown-outcome".to_owned(), "unknown", evidence, unblock)
            }
            WaitKind::Backoff { step, failures, cause } => {
                let evidence = vec![
                    format!("{} failed {}", step_name(step.as_ref()), count(usize_of(*failures), "time")),
                    cause.clone(),
                ];
                ("backoff".to_owned(), "waits", evidence, people("it is tried again", ["the driver"], []))
            }
            WaitKind::AtWork { step, tries } => {
                let again = if *tries > 1 { format!(", try {tries}") } else { String::new() };
                let mut evidence = vec![format!("{} runs{again}", step_name(step.as_ref()))];
                evidence.extend(self.wait.until.map(|deadline| format!("its time passes at {deadline}")));
                let unblock = people("it ends, or its time passes", ["the driver"], []);
                ("step".to_owned(), "at-work", evidence, unblock)
            }
            _ => nothing(),
        }
    }
}

/// Why a cluster failed and stays so, and what can be done.
fn failed(rollout: &Rollout, name: &ClusterName) -> Option<Explanation> {
    let (wave, _, _) = rollout.plan().cluster(name)?;
    let cluster = rollout.cluster(name)?;
    if cluster.state().class() != Class::Failed {
        return None;
    }
    let attempt = cluster.attempt();
    let mut evidence = vec![failure_line(cluster)];
    let step = attempt.steps().iter().find(|s| Some(&s.step().id) == attempt.failed_step());
    if let Some((StepOutcome::Failed { output, .. }, _)) = step.and_then(|s| s.outcome()) {
        evidence.extend(output.iter().cloned());
    }
    let id = rollout.id();
    let commands = [retry_of(rollout, name), format!("tidegate rollout skip {id} -c {name} --reason TEXT")];
    Some(Explanation {
        gate: attempt.failed_step().map_or_else(|| "attempt".to_owned(), ToString::to_string),
        state: attempt.state().word().to_owned(),
        since: Some(attempt.since()),
        evidence,
        unblock: people(
            "its cause is mended and it is retried, or it is skipped",
            owner(rollout, name, cluster),
            commands,
        ),
        subject: Subject {
            rollout: Some(id.clone()),
            wave: Some(wave.name.clone()),
            cluster: Some(name.clone()),
        },
    })
}

/// The retry that helps a cluster: of all that failed where its rollout halted and would be over its
/// budget even without this one, since a retry of it alone is refused then.
fn retry_of(rollout: &Rollout, name: &ClusterName) -> String {
    let wave = rollout.plan().cluster(name).and_then(|(planned, _, _)| rollout.wave(&planned.name));
    let failed = rollout
        .cluster(name)
        .is_some_and(|cluster| matches!(cluster.state().class(), Class::Failed | Class::Unknown));
    let over = wave.is_some_and(|(_, wave)| {
        wave.counts().failures() > wave.failure_budget().saturating_add(u32::from(failed))
    });
    if over && matches!(rollout.state(), RolloutState::Halted { .. }) {
        format!("tidegate rollout retry {} --failed", rollout.id())
    } else {
        format!("tidegate rollout retry {} -c {name}", rollout.id())
    }
}

/// `failed at ingress/helm: CAUSE`.
fn failure_line(cluster: &Cluster) -> String {
    let attempt = cluster.attempt();
    let at = attempt.failed_step().map_or_else(String::new, |step| format!(" at {step}"));
    let word = match attempt.state() {
        AttemptState::Failed(failure) => format!("failed ({})", super::event::failure_word(*failure)),
        other => other.word().to_owned(),
    };
    match attempt.cause() {
        Some(cause) => format!("{word}{at}: {cause}"),
        None => format!("{word}{at}"),
    }
}

/// The team that answers for the product at which a cluster failed.
fn owner<'a>(rollout: &'a Rollout, name: &ClusterName, cluster: &Cluster) -> Option<&'a str> {
    let product = cluster.attempt().failed_step()?.product()?;
    let (_, _, planned) = rollout.plan().cluster(name)?;
    let target = planned.targets.iter().find(|t| &t.product == product)?;
    rollout.plan().products.get(&target.digest).map(|p| p.owner.as_str())
}

fn people<'a>(
    condition: &str,
    actors: impl IntoIterator<Item = &'a str>,
    commands: impl IntoIterator<Item = String>,
) -> Unblock {
    Unblock {
        condition: condition.to_owned(),
        earliest: None,
        actors: actors.into_iter().map(str::to_owned).collect(),
        commands: commands.into_iter().collect(),
    }
}

fn nothing() -> Words {
    (String::new(), "waits", Vec::new(), Unblock::default())
}

fn clusters(n: u32) -> String {
    count(usize_of(n), "cluster")
}

fn usize_of(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn still_at_work(n: u32) -> String {
    if n > 0 { format!("{} still at work", clusters(n)) } else { String::new() }
}

fn step_name(step: Option<&StepId>) -> String {
    step.map_or_else(|| "the preflight".to_owned(), ToString::to_string)
}

/// `4 of 4 slots of the wave in use`.
fn cap_line(cap: &CapUse) -> String {
    let scope = match cap.scope {
        Scope::Global => "over all rollouts",
        Scope::Region => "of the region",
        Scope::Wave => "of the wave",
        Scope::Pool => "of the pool",
    };
    if cap.cap == 0 {
        format!("the cap {scope} is 0")
    } else {
        format!("{} of {} slots {scope} in use", cap.used, cap.cap)
    }
}

/// The earliest moment at which time alone unblocks something, over all that waits.
pub fn earliest(explanations: &[Explanation]) -> Option<jiff::Timestamp> {
    explanations.iter().filter_map(|e| e.unblock.earliest).min()
}
