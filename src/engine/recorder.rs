//! The driver's pen: every event that the engine writes goes through here, with its fence. A fact
//! (an effect's outcome) is true wherever it lands, so it is appended at whatever the position is;
//! a decision was made on a state, so it lands on that state's position or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::journal::{Body, Event};
use crate::model::Actor;
use crate::port::{AppendError, Clock, Fault, Journal, NewEvent};

/// Why the pen was taken away.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Stopped {
    /// Another process drives now: this one writes nothing more and starts nothing more.
    #[error("another process drives now (fence {current}, ours was {ours}); this one stopped")]
    Fenced {
        /// Ours.
        ours: u64,
        /// The driver's.
        current: u64,
    },
    /// The journal can't be written: without it nothing may be done.
    #[error("the journal can't be written: {0}")]
    Journal(Fault),
}

/// Appends the driver's events.
#[derive(Clone)]
pub struct Recorder {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    fence: u64,
    /// The last position known here; a hint, checked by every append.
    position: Arc<AtomicU64>,
}

impl Recorder {
    /// A pen with a fence, for a journal whose last position is `position`.
    pub fn new(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>, fence: u64, position: u64) -> Self {
        Self { journal, clock, fence, position: Arc::new(AtomicU64::new(position)) }
    }

    /// The fence.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// Records facts, wherever the journal stands.
    ///
    /// # Errors
    /// When another process drives now, or the journal can't be written.
    pub async fn fact(&self, bodies: Vec<Body>) -> Result<Vec<Event>, Stopped> {
        let at = self.clock.now();
        loop {
            let expected = self.position.load(Ordering::Acquire);
            let events = bodies.iter().map(|body| self.event(at, body.clone())).collect();
            match self.journal.append(expected, Some(self.fence), events).await {
                Ok(events) => {
                    self.advance(&events);
                    return Ok(events);
                }
                // `fetch_max` could keep a hint that is too high forever; the store's word counts.
                Err(AppendError::Moved { found, .. }) => self.position.store(found, Ordering::Release),
                Err(AppendError::Fenced { ours, current }) => return Err(Stopped::Fenced { ours, current }),
                Err(AppendError::Fault(fault)) => return Err(Stopped::Journal(fault)),
            }
        }
    }

    /// Records a decision made on the state at `expected`; `None` when the journal moved on, so
    /// that the decision must be made anew.
    ///
    /// # Errors
    /// As [`Recorder::fact`].
    pub async fn decision(&self, expected: u64, body: Body) -> Result<Option<Vec<Event>>, Stopped> {
        let event = self.event(self.clock.now(), body);
        match self.journal.append(expected, Some(self.fence), vec![event]).await {
            Ok(events) => {
                self.advance(&events);
                Ok(Some(events))
            }
            Err(AppendError::Moved { found, .. }) => {
                self.position.store(found, Ordering::Release);
                Ok(None)
            }
            Err(AppendError::Fenced { ours, current }) => Err(Stopped::Fenced { ours, current }),
            Err(AppendError::Fault(fault)) => Err(Stopped::Journal(fault)),
        }
    }

    fn event(&self, at: jiff::Timestamp, body: Body) -> NewEvent {
        NewEvent { at, actor: Actor::engine(), body }
    }

    fn advance(&self, events: &[Event]) {
        if let Some(last) = events.last() {
            self.position.fetch_max(last.seq, Ordering::AcqRel);
        }
    }
}
