//! `product bump --pr`: a bump becomes a branch of the remote and a request to take it in. What is on the branch
//! comes from the commit of the remote's default branch, not from what a person has checked out: the request
//! shows what it will change there, and nothing of anybody's unfinished work is in it.
//!
//! Asked twice, it goes on from what is there: [`tip()`] says what the branch holds, and it is written anew only
//! where nothing of anybody else's is lost by that.

mod evidence;
mod put;
mod tip;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::diag::Finding;
use crate::model::ProductName;
use crate::port::Fault;
use crate::port::branches::Branches;
use crate::port::upstream::Unanswered;
use crate::report::proposal;

pub use evidence::{Sources, evidence};
pub use put::{Proposed, put};
pub use tip::{Tip, tip};

/// What a branch is made for: where it comes from and where it is to go.
#[derive(Debug, Clone)]
pub struct Target {
    /// The remote, as git knows it here.
    pub remote: String,
    /// Its default branch.
    pub into: String,
    /// The commit of that.
    pub base: String,
    /// The branches of bumps of the product that it has, with their commits.
    pub branches: BTreeMap<String, String>,
}

/// What became of a request.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Requested {
    /// What was done.
    pub done: Done,
    /// What the forge calls it.
    #[serde(skip)]
    pub noun: &'static str,
    /// What stands before its number.
    #[serde(skip)]
    pub sign: char,
    /// Its page; absent where it is only planned.
    pub url: Option<String>,
    /// Its number.
    pub number: Option<u64>,
    /// The branch that is to be taken in.
    pub branch: String,
    /// The branch that is to take it in.
    pub into: String,
    /// The commit of the branch; absent where it is only planned.
    pub commit: Option<String>,
    /// Its title.
    pub title: String,
    /// What it says, in Markdown.
    pub body: String,
    /// What is to be known of it, a sentence each.
    pub notes: Vec<String>,
    /// Requests of the same product that are open for other versions.
    pub others: Vec<Other>,
}

/// What was done for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// Nothing: this is what would be done.
    Planned,
    /// It was opened.
    Opened,
    /// It was open, and shows other edits now.
    Updated,
    /// It was open, and says the same.
    Unchanged,
}

/// Another request of the same product.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Other {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its branch.
    pub branch: String,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// Something stands against it that a person has to decide.
    #[error("{}", .0.message)]
    Conflict(Box<Finding>),
    /// Who asks may not.
    #[error("{}", .0.message)]
    Forbidden(Box<Finding>),
    /// The forge gave no answer, or not to this; what is said of it.
    #[error("{}", .0.message)]
    Unanswered(Box<Finding>),
    /// Git failed, or the remote is not reached.
    #[error("{0}")]
    Fault(#[from] Fault),
}

impl From<Unanswered> for ProposeError {
    fn from(silence: Unanswered) -> Self {
        Self::Unanswered(Box::new(silence.finding()))
    }
}

/// Where a bump of a product goes: the default branch of a remote, whose commits are brought here.
///
/// # Errors
/// When the remote can't be asked, or has no default branch.
pub async fn target(
    branches: &dyn Branches,
    remote: &str,
    product: &ProductName,
) -> Result<Target, ProposeError> {
    let heads = branches.heads(remote, &proposal::prefix(product)).await?;
    branches.fetch(remote, &[&heads.default]).await?;
    Ok(Target {
        remote: remote.to_owned(),
        into: heads.default,
        base: heads.commit,
        branches: heads.branches,
    })
}
