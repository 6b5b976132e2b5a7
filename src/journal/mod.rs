//! The journal's entries: what can be recorded, how entries are chained by hash, and how a chain
//! is verified. Where they are kept is for an adapter.

mod chain;
mod event;
pub mod export;

pub use chain::{
    Broken, ChainFault, DecodeError, Draft, Entry, Verified, Verifier, chain, decode, encode, hash, origin,
    verify,
};
pub use event::{
    Answer, AttemptId, AttemptResult, AttemptStep, BlockReason, Body, Deferral, Ending, Event, Failure,
    FailureClass, Found, HaltCause, Member, Override, OverrideError, Preflight, RaisedBudget, RetryWhich,
    SCHEMA, Side, Signature, StepId, StepOutcome, StopScope,
};

#[cfg(test)]
mod tests;
