//! The journal's entries: what can be recorded, how entries are chained by hash, and how a chain
//! is verified. Where they are kept is for an adapter.

mod event;

pub use event::{
    Answer, AttemptId, AttemptResult, AttemptStep, BlockReason, Body, Deferral, Ending, Event, Failure,
    FailureClass, HaltCause, Preflight, RaisedBudget, RetryWhich, SCHEMA, Side, StepId, StepOutcome,
};
