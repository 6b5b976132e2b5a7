//! Following the journal: the one way by which anybody (driver, `watch`, `why`) comes to know the
//! state of all rollouts.

use std::sync::Arc;
use std::time::Duration;

use crate::journal::Event;
use crate::port::{Fault, Journal};
use crate::rollout::FleetState;

/// How many events are read at once.
const BATCH: usize = 1_000;

/// A reader of the journal that folds what it reads.
pub struct Follower {
    journal: Arc<dyn Journal>,
    state: FleetState,
    position: u64,
}

impl Follower {
    /// A reader at the journal's beginning.
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, state: FleetState::default(), position: 0 }
    }

    /// What is known so far.
    pub fn state(&self) -> &FleetState {
        &self.state
    }

    /// What was known in the end.
    pub fn into_state(self) -> FleetState {
        self.state
    }

    /// The position of the last event read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Reads on to the end, showing each event to `each` after it was folded in.
    ///
    /// # Errors
    /// When the journal can't be read, or holds an event that can't have happened.
    pub async fn catch_up(&mut self, mut each: impl FnMut(&Event, &FleetState)) -> Result<(), Fault> {
        loop {
            let events = self.journal.read(self.position, BATCH).await?;
            let last = events.len() < BATCH;
            for event in &events {
                self.fold(event)?;
                each(event, &self.state);
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Waits until there is more to read, or `at_most` has passed.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn wait(&self, at_most: Duration) -> Result<(), Fault> {
        self.journal.wait(self.position, at_most).await
    }

    fn fold(&mut self, event: &Event) -> Result<(), Fault> {
        self.state.apply(event).map_err(|impossible| {
            Fault::permanent(format!(
                "the journal's event {} ({}) can't have happened: {impossible}; next: tidegate journal verify",
                event.seq,
                event.body.name()
            ))
        })?;
        self.position = event.seq;
        Ok(())
    }
}
