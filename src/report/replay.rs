//! A rollout that is shown again from its export: what was known after each event, and at a moment. Where
//! the file is silent, since something belongs to other rollouts, nothing is made up.

use jiff::Timestamp;

use super::explanation::Driving;
use crate::journal::export::{Export, Told};
use crate::journal::{Body, Event};
use crate::model::{Duration, RolloutId};
use crate::rollout::{FleetState, Rollout};

/// A rollout on its way through what happened to it.
pub struct Replay {
    rollout: RolloutId,
    /// The events that are told, in order.
    events: Vec<Event>,
    /// How many of them are folded in.
    at: usize,
    state: FleetState,
    starts: Timestamp,
    ends: Timestamp,
    /// How many events of something else stand beside them.
    others: u64,
}

impl Replay {
    /// At the moment at which the rollout was planned; `None` when the file does not say when.
    pub fn of(export: Export) -> Option<Self> {
        let rollout = export.checked.head.rollout.clone();
        let others = export.checked.links;
        let events: Vec<Event> = export
            .told
            .into_iter()
            .filter_map(|told| match told {
                Told::Event(event) => Some(*event),
                Told::Other(_) => None,
            })
            .collect();
        let begins =
            |event: &Event| matches!(&event.body, Body::RolloutPlanned { rollout: id, .. } if *id == rollout);
        let first = events.iter().position(begins)?;
        let starts = events.get(first)?.at;
        let ends = events.iter().map(|event| event.at).max()?.max(starts);
        let mut state = FleetState::default();
        for event in export.before.iter().chain(events.iter().take(first)) {
            state.recall(event);
        }
        Some(Self { rollout, events, at: first, state, starts, ends, others })
    }

    /// The rollout.
    pub fn rollout(&self) -> &RolloutId {
        &self.rollout
    }

    /// When it was planned.
    pub fn starts(&self) -> Timestamp {
        self.starts
    }

    /// When the last thing happened that the file tells of.
    pub fn ends(&self) -> Timestamp {
        self.ends
    }

    /// How long it took until then.
    pub fn length(&self) -> Duration {
        Duration::between(self.starts, self.ends)
    }

    /// How many events are left out.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// The position of the last event that is known.
    pub fn position(&self) -> u64 {
        self.state.position()
    }

    /// What is known.
    pub fn state(&self) -> &FleetState {
        &self.state
    }

    /// When the next event was written.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.events.get(self.at).map(|event| event.at)
    }

    /// Folds the next event in.
    pub fn step(&mut self) -> Option<&Event> {
        let event = self.events.get(self.at)?;
        self.at += 1;
        self.state.recall(event);
        Some(event)
    }

    /// Goes on to a moment: to before the first event that was written later.
    pub fn until(&mut self, moment: Timestamp) {
        while self.next_at().is_some_and(|at| at <= moment) {
            self.step();
        }
    }

    /// The rollouts that somebody who watched would have seen: it, and a rollback of it that is open.
    pub fn shown(&self) -> impl Iterator<Item = &Rollout> {
        let open = |r: &&Rollout| {
            *r.id() == self.rollout || (r.rolls_back() == Some(&self.rollout) && r.state().is_open())
        };
        self.state.rollouts().filter(open)
    }

    /// Who drives at a moment: who took over last, as long as it did not say that it ended. That it died
    /// is not written anywhere until the next one comes.
    pub fn driver(&self, now: Timestamp) -> Option<Driving> {
        let driver = self.state.driver()?;
        Some(Driving { process: driver.process.clone(), fence: driver.fence, until: now, alive: true })
    }
}
