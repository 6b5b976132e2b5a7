//! A thread of its own for a simulation: its clock stands still while anybody works on it, and a story
//! that is told by commands within commands needs a large stack.

use crate::cli::failure::Failure;
use crate::diag::{Finding, codes};
use crate::output::exit::Code;

/// The stack of a simulation, in bytes. Only what is used of it takes memory.
pub const STACK: usize = 64 * 1024 * 1024;

/// Has something done on a thread of its own, and waits for it.
///
/// # Errors
/// When there is no thread, or it ended by itself.
pub async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let (done, result) = tokio::sync::oneshot::channel();
    let ended = |why: String| {
        let finding = Finding::error(&codes::UNEXPECTED, format!("the simulation can't run: {why}"));
        Failure::new(Code::Unexpected, finding)
    };
    std::thread::Builder::new()
        .name("simulation".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            // Nobody waits any more when the command was cut off.
            let _ = done.send(work());
        })
        .map_err(|error| ended(error.to_string()))?;
    // It panicked, and the hook has told.
    result.await.map_err(|_| ended("it ended by itself".to_owned()))
}
