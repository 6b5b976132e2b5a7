//! From what waits to its explanation: every kind of wait gets its gate's name, its evidence in
//! words, what unblocks it, who can, from when on, and the commands.

use super::age;
use super::commands::Offers;
use super::event::{deferral, first_of, halt, named, short_commit};
use super::explanation::{Driving, Explanation, Subject, Unblock, undriven};
use super::failures;
use super::soak;
use crate::diag::{count, count_of};
use crate::journal::{
    Answer, BlockReason, Deferral, HaltCause, Override, RetryWhich, Side, StepId, StopScope,
};
use crate::model::calendar::ClosedBy;
use crate::model::{Actor, AuthorMay, ClusterName, Duration, GateId, RolloutId, WaveName};
use crate::plan::{GateKind, PlannedObstacle};
use crate::rollout::{
    AttemptState, CapUse, Class, Cluster, Effect, FleetState, MissingHotfix, Obstacle, Rollout, RolloutState,
    Scope, Wait, WaitKind, effects, waits_of, waits_of_rollout,
};

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

/// Everything that waits, the most important first: the cause that somebody must look at, then
/// what follows from it. That nobody drives comes first where driving helps, last where it is
/// needed as well, and is not told where nothing would happen.
pub fn explanations(
    state: &FleetState,
    rollout: &Rollout,
    about: About<'_>,
    driver: Option<&Driving>,
    now: jiff::Timestamp,
) -> Vec<Explanation> {
    let offers = Offers { state, rollout, now };
    let mut found = Vec::new();
    // What failed is nearer to a cluster than what its rollout waits for.
    if let About::Cluster(cluster) = about {
        found.extend(failures::of_cluster(&offers, cluster));
    }
    let waits = match about {
        // Who joins is in no plan yet, and waits with the rollout.
        About::Cluster(cluster) if rollout.cluster(cluster).is_none() => {
            let mut all = waits_of_rollout(state, rollout, now);
            all.retain(|wait| wait.cluster.as_ref() == Some(cluster));
            all
        }
        About::Cluster(cluster) => waits_of(state, rollout, cluster, now),
        About::Rollout | About::Wave(_) => waits_of_rollout(state, rollout, now),
    };
    let matters = |wait: &Wait| match about {
        _ if wait.kind == WaitKind::NoDriver => false,
        // What a rollout that is being ended would have waited for does not matter any more.
        _ if *rollout.state() == RolloutState::Aborting => {
            matches!(wait.kind, WaitKind::Aborting { .. } | WaitKind::AtWork { .. })
        }
        About::Cluster(_) => true,
        About::Wave(wave) => wait.wave.as_ref().is_none_or(|at| at == wave),
        // What is at work does not wait, and later waves wait for nothing of their own.
        About::Rollout => !matches!(wait.kind, WaitKind::AtWork { .. } | WaitKind::Earlier { .. }),
    };
    found.extend(waits.iter().filter(|wait| matters(wait)).map(|wait| of(wait, &offers)));
    let halted_here = found.iter().any(|e| e.state == "halted");
    if let About::Wave(wave) = about
        && !halted_here
    {
        let failed = rollout.plan().waves.iter().filter(|w| &w.name == wave).flat_map(|w| &w.pools);
        let failed = failed.flat_map(|p| &p.clusters).filter_map(|c| failures::of_cluster(&offers, &c.name));
        found.extend(failed.take(failures::NAMED));
    }
    let touched = match about {
        About::Rollout => true,
        About::Wave(wave) => rollout.wave(wave).is_some_and(|(_, known)| !known.phase().is_over()),
        About::Cluster(cluster) => {
            rollout.cluster(cluster).is_some_and(|c| c.state().class() == Class::Pending)
        }
    };
    found.extend(failures::of_end(&offers).filter(|_| touched));
    if rollout.state().is_open() && !driver.is_some_and(|d| d.alive) {
        match absence(state, rollout, about, &waits, now) {
            Absence::First => found.insert(0, undriven(rollout.id(), driver, false, now)),
            Absence::Last => found.push(undriven(rollout.id(), driver, !found.is_empty(), now)),
            Absence::NoMatter => {}
        }
    }
    found
}

/// Whether a driver would have something to do in a rollout now, without anything that people or
/// time must bring first.
pub fn driving_helps(state: &FleetState, rollout: &Rollout, now: jiff::Timestamp) -> bool {
    match rollout.state() {
        RolloutState::Planned | RolloutState::Pausing | RolloutState::Aborting => true,
        RolloutState::Halted { .. } | RolloutState::Paused => rollout.counts().of(Class::Active) > 0,
        RolloutState::Running => {
            rollout.counts().of(Class::Active) > 0
                || effects(state, now).effects.iter().any(|effect| moves(effect, rollout))
        }
        RolloutState::RollingBack { by } => {
            state.rollout(by).is_some_and(|rollback| driving_helps(state, rollback, now))
        }
        RolloutState::Aborted
        | RolloutState::RolledBack { .. }
        | RolloutState::Superseded { .. }
        | RolloutState::Succeeded => false,
        RolloutState::SucceededWithFailures => {
            rollout.is_catching_up()
                && effects(state, now).effects.iter().any(|effect| moves(effect, rollout))
        }
    }
}

/// Whether an effect takes this rollout further: that a blocked cluster is looked at again, or a
/// tag pushed once more, does not by itself.
fn moves(effect: &Effect, rollout: &Rollout) -> bool {
    use crate::journal::Body;
    let own = |id: &RolloutId| id == rollout.id();
    match effect {
        Effect::Decide(Body::AttemptClaimed { attempt, .. }) => {
            let known = rollout.cluster(&attempt.cluster).filter(|_| own(&attempt.rollout));
            known.is_some_and(|c| {
                c.attempt().is_looked_at_early()
                    || !matches!(c.state().class(), Class::Blocked | Class::Postponed)
            })
        }
        Effect::Decide(body) => body.rollout().is_some_and(own),
        Effect::Preflight { attempt, .. } | Effect::Step { attempt, .. } => own(&attempt.rollout),
        Effect::AskGate { rollout, .. }
        | Effect::Verify { rollout, .. }
        | Effect::Join { rollout, .. }
        | Effect::Observe { rollout, .. }
        | Effect::Tag { rollout, .. } => own(rollout),
        Effect::PushTag { .. } => false,
    }
}

/// Where the absence of a driver belongs among what is told.
enum Absence {
    First,
    Last,
    NoMatter,
}

fn absence(
    state: &FleetState,
    rollout: &Rollout,
    about: About<'_>,
    waits: &[Wait],
    now: jiff::Timestamp,
) -> Absence {
    let over = match about {
        About::Rollout => false,
        About::Wave(wave) => rollout.wave(wave).is_some_and(|(_, known)| known.phase().is_over()),
        About::Cluster(cluster) => rollout.cluster(cluster).is_some_and(|c| {
            matches!(c.state().class(), Class::Succeeded | Class::NoOp | Class::Skipped | Class::Gone)
        }),
    };
    if over {
        return Absence::NoMatter;
    }
    let own = match about {
        About::Cluster(cluster) => {
            let class = rollout.cluster(cluster).map(|c| c.state().class());
            let failed = matches!(class, Some(Class::Failed | Class::RolledBack));
            failed || waits.iter().any(|w| w.cluster.is_some() && w.kind.is_external())
        }
        About::Rollout | About::Wave(_) => false,
    };
    match (rollout.state(), driving_helps(state, rollout, now)) {
        (RolloutState::Halted { .. } | RolloutState::Paused, false) => Absence::NoMatter,
        (RolloutState::Halted { .. } | RolloutState::Paused | RolloutState::Pausing, true) => Absence::Last,
        (_, true) if !own => Absence::First,
        _ => Absence::Last,
    }
}

/// The steps of a wave that a rollback can't undo: whoever says yes has to know before they are taken.
pub fn one_way(plan: &crate::plan::Plan, wave: &crate::model::WaveName) -> Option<String> {
    let steps = plan.wave(wave).filter(|_| plan.rollback().is_none()).map(|wave| plan.one_way(wave))?;
    let named: Vec<String> = steps.into_iter().map(|(product, step)| format!("{product}/{step}")).collect();
    (!named.is_empty()).then(|| format!("one-way, can't be rolled back: {}", named.join(", ")))
}

/// The explanation of one wait.
pub(super) fn of(wait: &Wait, offers: &Offers<'_>) -> Explanation {
    let told = Told { wait, rollout: offers.rollout, offers: *offers };
    let (gate, state, evidence, unblock) = match &wait.kind {
        WaitKind::NoDriver => return undriven(offers.rollout.id(), None, false, offers.now),
        WaitKind::Paused { .. }
        | WaitKind::Stopped { .. }
        | WaitKind::Doubted { .. }
        | WaitKind::Halted { .. }
        | WaitKind::Restarts { .. }
        | WaitKind::RollingBack { .. }
        | WaitKind::Aborting { .. } => told.stopped(),
        WaitKind::InTheWay { obstacle } => told.in_the_way(obstacle),
        WaitKind::Gate { .. } => told.gate(),
        WaitKind::Earlier { .. }
        | WaitKind::EarlierPool { .. }
        | WaitKind::Cap { .. }
        | WaitKind::Region { .. }
        | WaitKind::Rate { .. }
        | WaitKind::Hold { .. }
        | WaitKind::Queue { .. } => told.turn(),
        WaitKind::MissingHotfix(missing) => told.missing_hotfix(missing),
        WaitKind::DeferredBudget { .. }
        | WaitKind::Soak { .. }
        | WaitKind::Verifying { .. }
        | WaitKind::Tag { .. } => told.wave(),
        WaitKind::Blocked { .. }
        | WaitKind::Deferred { .. }
        | WaitKind::Unknown { .. }
        | WaitKind::Backoff { .. }
        | WaitKind::AtWork { .. } => told.cluster(),
        WaitKind::CatchUp { .. } | WaitKind::Unjoined { .. } => told.catch_up(),
    };
    let mut evidence = evidence;
    // How old that is what is known of a cluster nobody is at; a closed window puts nothing in doubt.
    let in_doubt = |cluster: &&ClusterName| {
        let attempt = offers.rollout.cluster(cluster).map(Cluster::state);
        state == "deferred" && attempt != Some(&AttemptState::Deferred(Deferral::Window))
    };
    if let Some(cluster) = wait.cluster.as_ref().filter(in_doubt) {
        let seen = age::seen(offers.state, cluster, offers.now);
        evidence.push(seen.age.map_or_else(|| "never seen".to_owned(), |age| format!("last seen {age} ago")));
    }
    Explanation {
        gate,
        state: state.to_owned(),
        since: Some(wait.since),
        looks: wait.alert(),
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
    offers: Offers<'a>,
}

impl Told<'_> {
    /// The moment at which time alone helps. When a blocked cluster is looked at again, when an
    /// answer ends and when a step must have ended are no such moments.
    fn earliest(&self) -> Option<jiff::Timestamp> {
        match &self.wait.kind {
            WaitKind::Soak { .. }
            | WaitKind::Backoff { .. }
            | WaitKind::Deferred { .. }
            | WaitKind::CatchUp { .. }
            | WaitKind::InTheWay { .. }
            | WaitKind::Rate { .. }
            | WaitKind::Tag { .. } => self.wait.until,
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
                let unblock = people("somebody resumes it", [], self.offers.resume());
                ("pause".to_owned(), if *at_work > 0 { "pausing" } else { "paused" }, evidence, unblock)
            }
            WaitKind::Stopped { scope, by, reason, clusters: reached, at_work } => {
                let evidence = vec![
                    format!("the line of {scope} was stopped by {by}"),
                    reason.clone(),
                    format!("{} reached", clusters(*reached)),
                    still_at_work(*at_work),
                ];
                ("stop-the-line".to_owned(), "stopped", evidence, line_goes_on(scope, by))
            }
            WaitKind::Doubted { cause } => {
                let mut evidence = vec![cause.clone()];
                let known = self.offers.state.membership();
                evidence.extend(known.map(|m| {
                    format!("the members of commit {} stay: nobody departs", short_commit(&m.commit))
                }));
                let condition = "the fleet and its source can be read and list their clusters again, or the \
                                 clusters that are really gone are skipped";
                let command = ["tidegate cluster list".to_owned()];
                let unblock = people(condition, ["who keeps the fleet"], command);
                ("membership".to_owned(), "kept", evidence, unblock)
            }
            WaitKind::Restarts { process } => {
                let evidence =
                    vec![format!("{process} took over last, and nobody before it got anything done")];
                let unblock = people("a driver gets something done", ["who runs the driver"], []);
                ("driver".to_owned(), "restarting", evidence, unblock)
            }
            WaitKind::Halted { cause } => self.halted(cause),
            WaitKind::RollingBack { by } => {
                let condition = format!("{by} has taken back what it brought");
                let unblock = people(&condition, ["the driver"], [format!("tidegate rollout why {by}")]);
                ("rollback".to_owned(), "rolling-back", vec![format!("{by} rolls it back")], unblock)
            }
            WaitKind::Aborting { by, at_work } => {
                let by = by.as_ref().map_or_else(String::new, |by| format!("aborted by {by}"));
                let unblock = people("running steps end", ["the driver"], []);
                ("abort".to_owned(), "aborting", vec![by, still_at_work(*at_work)], unblock)
            }
            _ => nothing(),
        }
    }

    /// A person, another rollout or the calendar stands in one cluster's way.
    fn in_the_way(&self, obstacle: &Obstacle) -> Words {
        let cluster = self.wait.cluster.as_ref().map(ToString::to_string).unwrap_or_default();
        let known = self.wait.cluster.as_ref().and_then(|name| self.rollout.cluster(name));
        let at_work = known.is_some_and(|c| c.state().class() == Class::Active);
        let state = known.map_or("waits", |c| if at_work { "waits" } else { c.state().word() });
        let mut evidence = vec![obstacle.to_string()];
        evidence.extend(at_work.then(|| "it keeps its slot and takes no further step".to_owned()));
        evidence.extend(self.cluster_deadline());
        let skip = self.wait.cluster.as_ref().and_then(|name| self.offers.skip(&[name]));
        match obstacle {
            Obstacle::Stop { scope, stop } => {
                ("stop-the-line".to_owned(), state, evidence, line_goes_on(scope, &stop.by))
            }
            Obstacle::Hold(hold) => {
                let product =
                    hold.kept.as_ref().map_or_else(String::new, |k| format!(" --product {}", k.product));
                let release = format!("tidegate cluster release {cluster}{product} --reason TEXT");
                let condition = "the hold ends or is released";
                (
                    "hold".to_owned(),
                    state,
                    evidence,
                    people(condition, [hold.by.0.as_str()], [Some(release), skip].into_iter().flatten()),
                )
            }
            Obstacle::Hibernated => {
                let known = self.offers.state.membership();
                evidence.extend(known.map(|m| format!("as commit {} says", short_commit(&m.commit))));
                let condition = "it is switched on, and `hibernated` is gone from its entry in the fleet";
                ("hibernated".to_owned(), state, evidence, people(condition, ["who switched it off"], skip))
            }
            Obstacle::Window { closed } => {
                evidence.push(match closed.next_opening {
                    Some(at) => format!("the next opening is {at}"),
                    None => "it does not open within ten years".to_owned(),
                });
                let condition = match &closed.by {
                    ClosedBy::Freeze { name, .. } => format!(
                        "a commit takes the freeze away (`tidegate freeze remove {name}`), or it ends and the \
                         calendar lets it"
                    ),
                    ClosedBy::Deny { .. } | ClosedBy::NoneOpen { .. } => {
                        "the calendar lets it, or says something else".to_owned()
                    }
                };
                let unblock = people(&condition, closed.who(), []);
                ("window".to_owned(), state, evidence, unblock)
            }
            Obstacle::Busy { rollout, position } => {
                evidence.push(format!("number {position} in the queue of {cluster}"));
                let condition = format!("{rollout} is through with the cluster and its wave there");
                let why = Some(format!("tidegate rollout why {rollout}"));
                let commands = [why, self.offers.supersede(rollout), skip];
                let unblock = people(&condition, ["the driver"], commands.into_iter().flatten());
                ("queue".to_owned(), state, evidence, unblock)
            }
        }
    }

    /// How long the attempt at work may still work, if that is limited.
    fn cluster_deadline(&self) -> Option<String> {
        let deadline = self.rollout.cluster_deadline(self.wait.cluster.as_ref()?)?;
        Some(match deadline.at {
            Some(at) => format!("the {} for all work at the cluster pass at {at}", deadline.limit),
            None => format!(
                "{} of the {} for all work at the cluster are left; waiting burns none of it",
                deadline.left, deadline.limit
            ),
        })
    }

    fn halted(&self, cause: &HaltCause) -> Words {
        let mut evidence = vec![halt(cause)];
        let (failed, owners, names) = failures::named(self.rollout);
        evidence.extend(failed);
        let (gate, condition, commands) = match cause {
            HaltCause::FailureBudget { .. } => {
                let first: Vec<&ClusterName> = names.iter().take(failures::NAMED).copied().collect();
                let spent = self.rollout.over_budget().map(|(_, failed, _)| failed);
                let commands = [
                    self.offers.resume(),
                    self.offers.retry_all(RetryWhich::Failed),
                    self.offers.skip(&first).filter(|_| !first.is_empty()),
                    spent.and_then(|failed| self.offers.raise_budget(failed)),
                    self.offers.roll_back(),
                    self.offers.abort(),
                ];
                let condition = match spent {
                    Some(_) => {
                        "the failed clusters are retried, skipped, or tolerated; or the rollout is rolled back or aborted"
                    }
                    None => "somebody resumes it: its failures are within the budget again",
                };
                ("failure-budget", condition, commands.into_iter().flatten().collect::<Vec<_>>())
            }
            HaltCause::RollbackEnded { .. } => {
                let spent = self.rollout.over_budget().map(|(_, failed, _)| failed);
                let commands = [
                    self.offers.roll_back(),
                    self.offers.resume(),
                    spent.and_then(|failed| self.offers.raise_budget(failed)),
                    self.offers.abort(),
                ];
                let condition = "the rest is rolled back too, or goes on without what is back, or is aborted";
                ("rollback", condition, commands.into_iter().flatten().collect())
            }
            HaltCause::NoTests => (
                "no-tests",
                "its products get tests (in a new release), or the rollout is rolled back or aborted",
                [self.offers.roll_back(), self.offers.abort()].into_iter().flatten().collect(),
            ),
        };
        (gate.to_owned(), "halted", evidence, people(condition, owners, commands))
    }

    /// A gate that is not open.
    fn gate(&self) -> Words {
        let WaitKind::Gate { side, gate, kind, answer, revoked } = &self.wait.kind else { return nothing() };
        let GateKind::Approval { by, quorum, valid_for, author, signed } = kind else {
            return self.asked_of_a_machine(gate, kind, answer.as_ref());
        };
        let mut evidence = answer.as_ref().map(|a| a.facts.clone()).unwrap_or_default();
        evidence.extend(revoked.as_ref().map(|who| format!("{who} took a yes back")));
        evidence.extend(reminder(by, Duration::between(self.wait.since, self.offers.now)));
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
        if let (Some(wave), Side::Before) = (&self.wait.wave, side) {
            evidence.extend(one_way(self.rollout.plan(), wave));
        }
        evidence.extend(valid_for.map(|length| format!("a yes counts for {length}")));
        let people_needed = count(*quorum, "person");
        let condition = match answer {
            Some(_) if *quorum == 1 => format!("{people_needed} of {by} says yes"),
            Some(_) => format!("{people_needed} of {by} say yes"),
            None => "it is answered".to_owned(),
        };
        if *signed {
            evidence.push("every yes has to be signed (pipelines/allowed_signers)".to_owned());
        }
        let authors = &self.rollout.plan().release.authors;
        if *author == AuthorMay::Refused && !authors.is_empty() {
            let names = first_of(authors.iter().map(String::as_str), failures::NAMED);
            evidence.push(format!("not by who made the release: {names}"));
        }
        let command = self.wait.wave.as_ref().and_then(|wave| self.offers.approve(wave, *side, gate));
        let state = if answer.is_some() { "closed" } else { "asked" };
        evidence.push(match side {
            Side::Before => String::new(),
            Side::After => "asked after the wave, before it is done".to_owned(),
        });
        (gate.to_string(), state, evidence, people(&condition, [by.as_str()], command))
    }

    /// A gate that a script or a metric answers.
    fn asked_of_a_machine(&self, gate: &GateId, kind: &GateKind, answer: Option<&Answer>) -> Words {
        let mut evidence = answer.map(|a| a.facts.clone()).unwrap_or_default();
        let condition = match kind {
            GateKind::Metric(metric) => {
                evidence.push(format!("query: {}", metric.query));
                "the metric is within its bounds"
            }
            _ => "the gate's command says yes",
        };
        let state = if answer.is_some() { "closed" } else { "asked" };
        let commands = self.offers.override_condition(&Override::Gate(gate.clone()));
        (
            gate.to_string(),
            state,
            evidence,
            people(condition, ["the driver, which asks again by itself"], commands),
        )
    }

    /// Its turn has not come.
    fn turn(&self) -> Words {
        let driver = |condition: &str, commands: Vec<String>| people(condition, ["the driver"], commands);
        match &self.wait.kind {
            WaitKind::Earlier { wave } => {
                let why = self.offers.why(wave);
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
                let unblock =
                    people("a new plan has a cap above 0", ["who owns the pipeline"], self.offers.abort());
                ("hold".to_owned(), "waits", evidence, unblock)
            }
            WaitKind::Region { region, cap, waiting } => {
                let evidence = vec![
                    format!(
                        "{} of region {region} waiting for a slot in {}",
                        clusters(*waiting),
                        self.pool()
                    ),
                    cap_line(cap),
                ];
                if cap.cap == 0 {
                    let owner = ["who owns the pipeline"];
                    let unblock = people("a new plan has a cap above 0", owner, self.offers.abort());
                    ("hold".to_owned(), "waits", evidence, unblock)
                } else {
                    ("cap".to_owned(), "waits", evidence, driver("a slot of the region is free", vec![]))
                }
            }
            WaitKind::Rate { clusters: most, per } => {
                let evidence = vec![format!("{} started within {per}, and no more may", clusters(*most))];
                ("start-rate".to_owned(), "waits", evidence, people("time passes", [], []))
            }
            WaitKind::Queue { place } => {
                let unblock = driver("a slot is free and its turn comes", vec![]);
                ("queue".to_owned(), "waits", vec![format!("number {place} in its pool's queue")], unblock)
            }
            _ => nothing(),
        }
    }

    /// Clusters of the pool run hotfixes that the release lacks.
    fn missing_hotfix(&self, missing: &MissingHotfix) -> Words {
        let release = &self.rollout.plan().release.id;
        let ids: Vec<&str> = missing.hotfixes.keys().map(|id| id.as_str()).collect();
        let mut evidence: Vec<String> = missing
            .hotfixes
            .iter()
            .map(|(hotfix, clusters)| {
                format!("{release} does not contain the hotfix {hotfix}, which runs on {}", named(clusters))
            })
            .collect();
        evidence.push(format!("so {} is not entered", self.pool()));
        let includes: String = ids.iter().map(|id| format!(" --include {id}")).collect();
        let running: Vec<&ClusterName> = missing.hotfixes.values().flatten().take(failures::NAMED).collect();
        let write = format!("tidegate release hotfix {release}{includes} --lane normal");
        let commands = [Some(write), self.offers.skip(&running), self.offers.abort()].into_iter().flatten();
        let condition = format!(
            "a release that contains {} is rolled out instead, or the clusters that run it are skipped",
            ids.join(" and ")
        );
        let unblock = people(&condition, ["who writes the release"], commands);
        ("missing-hotfix".to_owned(), "blocked", evidence, unblock)
    }

    /// A pin keeps a cluster without a hotfix; its team or an operator chooses.
    fn pinned(&self, cause: &str, skip: Option<String>) -> Words {
        let planned = self.wait.cluster.as_ref().and_then(|name| self.rollout.plan().cluster(name));
        let obstacles = planned.map(|(_, _, cluster)| cluster.obstacles.as_slice()).unwrap_or_default();
        let mut owners: Vec<&str> = Vec::new();
        let mut commands = Vec::new();
        let ended = matches!(obstacles.first(), Some(PlannedObstacle::PinEnded { .. }));
        for (pin, owner) in obstacles.iter().map(PlannedObstacle::pin) {
            commands.push(format!("tidegate pin remove {pin}"));
            if !owners.contains(&owner) {
                owners.push(owner);
            }
        }
        commands.extend(skip);
        let (gate, condition) = match ended {
            false => (
                "pin-misses-hotfix",
                "the pin ends or is raised and the fleet is planned again, or the cluster is skipped",
            ),
            true => (
                "pin-ended",
                "the pin is extended or removed and the fleet is planned again, or the cluster is skipped",
            ),
        };
        let evidence = cause.split("; ").map(str::to_owned).collect();
        (gate.to_owned(), "blocked", evidence, people(condition, owners, commands))
    }

    /// The first deferred clusters of the wave.
    fn deferred(&self) -> Vec<&ClusterName> {
        let deferred = self.rollout.clusters().filter(|(wave, _, _, cluster)| {
            Some(&wave.name) == self.wait.wave.as_ref() && cluster.state().class() == Class::Deferred
        });
        deferred.map(|(_, _, planned, _)| &planned.name).take(failures::NAMED).collect()
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
                    [self.offers.retry_all(RetryWhich::Deferred), self.offers.skip(&self.deferred())];
                let unblock = people(
                    "deferred clusters can be reached again, or are skipped",
                    [],
                    commands.into_iter().flatten(),
                );
                ("deferred-budget".to_owned(), "waits", evidence, unblock)
            }
            WaitKind::Soak { observed } => {
                let planned = self.wait.wave.as_ref().and_then(|w| self.rollout.wave(w)).map(|(p, _)| p);
                let length = planned.and_then(|p| p.soak.as_ref()).map(|s| s.length);
                let evidence = length.map(|l| format!("must stay well for {l}")).into_iter();
                match observed {
                    None => {
                        let unblock = people("its time has passed", [], []);
                        ("soak".to_owned(), "soaking", evidence.collect(), unblock)
                    }
                    Some(observed) => {
                        let (lines, unblock) = soak::observed(self.rollout, observed);
                        ("soak".to_owned(), "soaking", evidence.chain(lines).collect(), unblock)
                    }
                }
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

    /// A cluster follows when its wave is over.
    fn catch_up(&self) -> Words {
        if let WaitKind::Unjoined { cause, tried } = &self.wait.kind {
            let how = if *tried { "and could not be planned" } else { "and is planned next" };
            let evidence = vec![format!("it joined the fleet {how}"), cause.clone()];
            let condition = "it can be reached and planned; the next rollout plans it in any case";
            let unblock = people(condition, ["who keeps the fleet"], ["tidegate cluster list".to_owned()]);
            return ("joiner".to_owned(), "waits", evidence, unblock);
        }
        let WaitKind::CatchUp { reason, cause, failed, budget, .. } = &self.wait.kind else {
            return nothing();
        };
        let why = reason.map_or_else(
            || "tried again, after its wave was over".to_owned(),
            |reason| format!("left for later: {}", deferral(reason)),
        );
        let mut evidence = vec![why, cause.clone()];
        let skip = self.wait.cluster.as_ref().and_then(|name| self.offers.skip(&[name]));
        if failed > budget {
            evidence.push(format!("{} failed while they caught up, {budget} tolerated", clusters(*failed)));
            let condition = "those that failed are retried or skipped";
            let commands = [self.offers.retry_all(RetryWhich::Failed), skip];
            let unblock = people(condition, [], commands.into_iter().flatten());
            return ("catch-up".to_owned(), "deferred", evidence, unblock);
        }
        let run = format!("tidegate rollout run {}", self.rollout.id());
        let condition = "a driver looks at it: it follows by itself, since its wave is over";
        // A person need not wait for its next look.
        let retry = self.wait.cluster.as_ref().and_then(|name| self.offers.retry(name));
        let commands = [Some(run), retry, skip].into_iter().flatten();
        let unblock = people(condition, ["anyone with this journal"], commands);
        ("catch-up".to_owned(), "deferred", evidence, unblock)
    }

    /// One cluster waits.
    fn cluster(&self) -> Words {
        let cluster = self.wait.cluster.as_ref();
        let skip = || cluster.and_then(|cluster| self.offers.skip(&[cluster]));
        let help = || [cluster.and_then(|c| self.offers.retry(c)), skip()].into_iter().flatten();
        match &self.wait.kind {
            WaitKind::Blocked { reason, cause, early } => {
                let (gate, condition) = match reason {
                    BlockReason::Stale => (
                        "stale",
                        "it no longer runs what the plan would lower, or the rollout is planned anew; it is looked at again by itself",
                    ),
                    BlockReason::Missing => {
                        ("missing", "what the objects need is there; it is looked at again by itself")
                    }
                    BlockReason::Foreign => ("foreign", "the cluster is adopted, or its owner lets go"),
                    BlockReason::Shrinking => (
                        "shrinking",
                        "a person has looked; if the objects are to go, it is skipped (or the rollout aborted) and a new plan allows it",
                    ),
                    BlockReason::PinMissesHotfix | BlockReason::PinEnded => {
                        return self.pinned(cause, skip());
                    }
                };
                if *early {
                    let unblock = people("it is looked at again", ["the driver"], []);
                    return (gate.to_owned(), "waits", vec![cause.clone()], unblock);
                }
                let mut commands: Vec<String> = skip().into_iter().collect();
                if *reason == BlockReason::Stale
                    && let Some(replan) = self.offers.replan()
                {
                    commands.insert(0, replan);
                }
                if *reason == BlockReason::Shrinking {
                    let release = &self.rollout.plan().release.id;
                    commands.extend(self.offers.abort());
                    commands.push(format!("tidegate plan {release} --allow-prune --out FILE"));
                }
                if let Some(cluster) = cluster.filter(|_| *reason == BlockReason::Foreign) {
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
                    Deferral::Joined => ("joiner", "its wave is over: then it follows"),
                };
                let evidence = vec![deferral(*reason).to_owned(), cause.clone()];
                (gate.to_owned(), "deferred", evidence, people(condition, [], help()))
            }
            WaitKind::Unknown { step, cause } => {
                let evidence =
                    vec![format!("it is not known how {} ended", step_name(step.as_ref())), cause.clone()];
                let unblock = people("a person has looked, and retries or skips it", [], help());
                ("unknown-outcome".to_owned(), "unknown", evidence, unblock)
            }
            WaitKind::Backoff { step, failures, cause } => {
                let evidence = vec![
                    format!("{} failed {}", step_name(step.as_ref()), count(*failures, "time")),
                    cause.clone(),
                ];
                ("backoff".to_owned(), "waits", evidence, people("it is tried again", ["the driver"], []))
            }
            WaitKind::AtWork { step, tries } => {
                let again = if *tries > 1 { format!(", try {tries}") } else { String::new() };
                let mut evidence = vec![format!("{} runs{again}", step_name(step.as_ref()))];
                evidence.extend(self.wait.until.map(|deadline| format!("its time passes at {deadline}")));
                evidence.extend(self.cluster_deadline());
                let unblock = people("it ends, or its time passes", ["the driver"], []);
                ("step".to_owned(), "at-work", evidence, unblock)
            }
            _ => nothing(),
        }
    }
}

/// What lets a stopped line go on.
fn line_goes_on(scope: &StopScope, by: &Actor) -> Unblock {
    let off = format!("tidegate stop-the-line off --scope {scope} --reason TEXT");
    people("somebody lets the line go on", [by.0.as_str()], [off])
}

pub(super) fn people<'a>(
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

/// What people are told whose yes is waited for since so long: first that it is, then who decides.
pub(super) fn reminder(by: &str, waits: Duration) -> Option<String> {
    match waits.as_seconds() / 86_400 {
        0 => None,
        1..7 => Some(format!("reminder: {by} are waited for since {waits}")),
        _ => Some(format!(
            "reminder: {by} are waited for since {waits}; whoever answers for them decides, or aborts it"
        )),
    }
}

fn nothing() -> Words {
    (String::new(), "waits", Vec::new(), Unblock::default())
}

fn clusters(n: u32) -> String {
    count(n, "cluster")
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
        format!("{} {scope} in use", count_of(cap.used, cap.cap, "slot"))
    }
}

/// The earliest moment at which time alone unblocks something, over all that waits.
pub fn earliest(explanations: &[Explanation]) -> Option<jiff::Timestamp> {
    explanations.iter().filter_map(|e| e.unblock.earliest).min()
}
