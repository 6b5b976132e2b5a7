//! The people of a rehearsal: they say yes to every approval that a gate asks for, so long after it asked,
//! as many of them as it wants. They do nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::engine::{Follower, RequestError, World, request};
use crate::journal::{Side, Signature};
use crate::model::{Actor, GateId, RolloutId, WaveName};
use crate::plan::GateKind;
use crate::rollout::{Approve, Command, FleetState, WaitKind, waits};

/// An approval that a gate asks for, since when.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    rollout: RolloutId,
    wave: WaveName,
    side: Side,
    gate: GateId,
    since: Timestamp,
}

/// Who is asked for approvals.
pub struct People {
    world: World,
    follower: Follower,
    after: crate::model::Duration,
    /// What they have said yes to: nobody says it twice.
    answered: BTreeSet<Question>,
}

fn asked(state: &FleetState, now: Timestamp) -> Vec<(Question, u32, bool)> {
    let question = |wait: crate::rollout::Wait| match (wait.kind, wait.wave) {
        (WaitKind::Gate { side, gate, kind: GateKind::Approval { quorum, signed, .. }, .. }, Some(wave)) => {
            let question = Question { rollout: wait.rollout, wave, side, gate, since: wait.since };
            Some((question, quorum.max(1), signed))
        }
        _ => None,
    };
    waits(state, now).into_iter().filter_map(question).collect()
}

impl People {
    /// People who read this world's journal.
    pub fn new(world: World, after: crate::model::Duration) -> Self {
        let follower = Follower::new(std::sync::Arc::clone(&world.journal));
        Self { world, follower, after, answered: BTreeSet::new() }
    }

    /// The moment of the next yes, as things stand.
    pub fn next(&self, state: &FleetState, now: Timestamp) -> Option<Timestamp> {
        let open = asked(state, now).into_iter().filter(|(question, ..)| !self.answered.contains(question));
        open.map(|(question, ..)| self.after.after(question.since)).min()
    }

    /// Says every yes whose time has come.
    ///
    /// # Errors
    /// When the journal fails, or a yes is refused.
    pub async fn speak(&mut self) -> Result<(), RequestError> {
        self.follower.catch_up(|_, _| {}).await?;
        let now = self.world.clock.now();
        for (question, quorum, signed) in asked(self.follower.state(), now) {
            if self.answered.contains(&question) || self.after.after(question.since) > now {
                continue;
            }
            for number in 1..=quorum {
                self.yes(&question, number, signed).await?;
            }
            self.answered.insert(question);
        }
        Ok(())
    }

    async fn yes(&mut self, question: &Question, number: u32, signed: bool) -> Result<(), RequestError> {
        let actor = Actor(format!("person:approver-{number}"));
        let state = self.follower.state();
        let Some(rollout) = state.rollout(&question.rollout) else { return Ok(()) };
        let Some((release, wave_digest)) = rollout.bindings(&question.wave) else { return Ok(()) };
        let gate =
            rollout.wave(&question.wave).and_then(|(_, wave)| wave.gate(question.side, &question.gate));
        let round = gate.map_or(0, crate::rollout::GateState::round);
        let at = self.world.clock.now();
        let yes = Approve {
            actor: actor.clone(),
            signature: signed.then(|| Signature { round, at, armored: "rehearsed".to_owned() }),
            rollout: question.rollout.clone(),
            wave: question.wave.clone(),
            gate: Some((question.side, question.gate.clone())),
            release,
            wave_digest,
            evidence: Some(rollout.evidence(&question.wave, question.side)),
            expires: None,
            comment: None,
        };
        let (journal, clock) = (&self.world.journal, &*self.world.clock);
        let said = request(journal, clock, &mut self.follower, &actor, |_| Ok(Command::Approve(yes.clone())));
        match said.await {
            // The gate may have opened meanwhile.
            Ok(_) | Err(RequestError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Goes on saying yes, for ever: to be run beside a driver.
    ///
    /// # Errors
    /// As [`People::speak`].
    pub async fn stay(&mut self) -> Result<std::convert::Infallible, RequestError> {
        /// How long one wait for more events lasts at most.
        const PATIENCE: Duration = Duration::from_secs(600);
        loop {
            self.speak().await?;
            let now = self.world.clock.now();
            let next = self.next(self.follower.state(), now).map(|at| at.duration_since(now));
            let wait = next.and_then(|next| Duration::try_from(next).ok()).unwrap_or(PATIENCE);
            self.follower.wait(wait.clamp(Duration::from_secs(1), PATIENCE)).await?;
        }
    }
}
