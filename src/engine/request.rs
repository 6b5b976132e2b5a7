//! A person's request: checked against the newest state, written at exactly that position, and
//! checked again when somebody wrote in between. Whether it is legal is for the core.

use std::sync::Arc;

use crate::journal::Event;
use crate::model::Actor;
use crate::port::{AppendError, Clock, Fault, Journal, NewEvent};
use crate::rollout::{Command, FleetState, Refusal, admit};

use super::follow::Follower;

/// Why a request was not written.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It is not legal now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The journal can't be read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Writes a person's request into the journal; the events are none when it is so already.
/// `command` is made from the state that it is checked against, so that it speaks of what is there
/// now.
///
/// # Errors
/// When the request is refused, or the journal fails.
pub async fn request(
    journal: &Arc<dyn Journal>,
    clock: &dyn Clock,
    follower: &mut Follower,
    actor: &Actor,
    command: impl Fn(&FleetState) -> Result<Command, Refusal>,
) -> Result<Vec<Event>, RequestError> {
    loop {
        follower.catch_up(|_, _| {}).await?;
        let now = clock.now();
        let bodies = admit(follower.state(), &command(follower.state())?, now)?;
        if bodies.is_empty() {
            return Ok(Vec::new());
        }
        // What is legal can be folded. If it ever could not, the journal would be spoilt for everybody:
        // rather nothing is written. Only the first body speaks of the state that there is.
        if let Some(first) = bodies.first()
            && let Err(wrong) = follower.state().check(first)
        {
            let sentence = format!(
                "tidegate was about to record {}, which can't happen now ({wrong}); nothing was written. This is a bug: please report it",
                first.name()
            );
            return Err(Fault::permanent(sentence).into());
        }
        let events =
            bodies.into_iter().map(|body| NewEvent { at: now, actor: actor.clone(), body }).collect();
        match journal.append(follower.position(), None, events).await {
            Ok(written) => {
                follower.catch_up(|_, _| {}).await?;
                return Ok(written);
            }
            Err(AppendError::Moved { .. }) => {}
            Err(AppendError::Fault(fault)) => return Err(fault.into()),
            Err(error @ AppendError::Fenced { .. }) => return Err(Fault::permanent(error.to_string()).into()),
        }
    }
}
