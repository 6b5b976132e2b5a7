//! What can go wrong in a cluster, sorted by what it means for an attempt. Texts name objects,
//! fields and managers, and never hold a value of a Secret.

use crate::diag::codes;
use crate::journal::{BlockReason, FailureClass, StepOutcome};
use crate::port::Fault;
use crate::render::Mask;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No answer, or a connection that broke.
    Unreachable,
    /// 401: the credentials are not accepted.
    Unauthorized,
    /// 403: they are, and may not do this.
    Forbidden,
    /// The API server, etcd or a webhook is unwell for a while.
    Busy,
    /// The lease is lost, or would end before the request's deadline: nothing more may be written.
    Fenced,
    /// Another process of the same journal holds the lease and keeps renewing it.
    Held,
    /// Another journal's cluster, or a record that names a rollout unknown here.
    Foreign,
    /// Something that an object needs is not there: a namespace, a kind, a ServiceAccount.
    Missing,
    /// Another manager owns fields that the product sets.
    Conflict,
    /// The object is not valid, or a field can't be changed.
    Rejected,
    /// Deleting so much needs a person's word.
    Confirm,
    /// The record can't be read, or is of a higher format.
    Record,
    /// An object says that it will not get ready.
    NotReady,
    /// The time that was given has passed.
    TimedOut,
    /// Anything else.
    Other,
}

/// A failure in a cluster: its kind, whether trying again can help, and in words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind.
    pub kind: Kind,
    /// Whether trying again can help.
    pub class: FailureClass,
    /// In words, the finding's code first if there is one.
    pub message: String,
    /// More lines: each object that failed, and why.
    pub details: Vec<String>,
}

impl Error {
    /// A failure of a kind, in the class that goes with it.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let class = match kind {
            // Whoever still drives takes the lease again and goes on; whoever does not can't record it.
            Kind::Unreachable | Kind::Busy | Kind::Held | Kind::TimedOut | Kind::Fenced => {
                FailureClass::Transient
            }
            Kind::Other => FailureClass::Unclassified,
            Kind::Unauthorized
            | Kind::Forbidden
            | Kind::Foreign
            | Kind::Missing
            | Kind::Conflict
            | Kind::Rejected
            | Kind::Confirm
            | Kind::Record
            | Kind::NotReady => FailureClass::Permanent,
        };
        Self { kind, class, message: message.into(), details: Vec::new() }
    }

    /// Adds lines.
    #[must_use]
    pub fn with(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }

    /// Says first what was being done; a lost lease has nothing to do with that.
    #[must_use]
    pub fn doing(mut self, doing: &str) -> Self {
        if !self.is_fenced() {
            self.message = format!("{doing}: {}", self.message);
        }
        self
    }

    /// Itself without what is to be hidden.
    #[must_use]
    pub fn hidden(mut self, mask: &Mask) -> Self {
        self.message = mask.hide(&self.message);
        self.details = self.details.iter().map(|line| mask.hide(line)).collect();
        self
    }

    /// Whether it means that this process must stop touching the cluster.
    pub fn is_fenced(&self) -> bool {
        self.kind == Kind::Fenced
    }

    /// Whether it is a record of a higher format.
    pub fn is_too_new(&self) -> bool {
        self.kind == Kind::Record && self.message.starts_with(codes::RECORD_TOO_NEW.id)
    }

    /// Why the attempt is blocked by it, if it is a block and no failure.
    pub fn blocks(&self) -> Option<BlockReason> {
        match self.kind {
            Kind::Foreign | Kind::Record => Some(BlockReason::Foreign),
            Kind::Missing => Some(BlockReason::Missing),
            _ => None,
        }
    }

    /// As a step's outcome.
    pub fn outcome(&self) -> StepOutcome {
        match self.kind {
            Kind::TimedOut => StepOutcome::TimedOut { cause: self.message.clone() },
            _ => StepOutcome::Failed {
                class: self.class,
                cause: self.message.clone(),
                output: self.details.clone(),
            },
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::new(error.class, error.message)
    }
}
