//! What the branch of a bump holds already: nothing, a commit of ours, or work of somebody else.

use jiff::civil::Date;

use super::{ProposeError, Target};
use crate::diag::{Finding, codes};
use crate::port::branches::{Branches, Commit};
use crate::report::proposal::{self, Mark};

/// So many commits of a branch are read: one with more is somebody's work.
const MOST: usize = 100;

/// What a branch holds beside what its target has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tip {
    /// It is not there.
    Absent,
    /// Nothing: all of it was taken in.
    Merged {
        /// Its commit.
        commit: String,
    },
    /// Commits of ours alone.
    Ours {
        /// Its commit.
        commit: String,
        /// The digest of what it changes.
        edits: String,
        /// The day on which it was written.
        on: Date,
    },
    /// One of ours, and commits of others.
    Shared {
        /// Its commit.
        commit: String,
        /// The digest of what ours changes.
        edits: String,
        /// The day on which ours was written.
        on: Date,
        /// How many are not ours.
        others: usize,
    },
    /// Commits of others alone.
    Foreign {
        /// Its commit.
        commit: String,
        /// Who wrote that.
        author: String,
    },
}

impl Tip {
    /// The day on which our commit was written: its changelog keeps that day.
    pub fn on(&self) -> Option<Date> {
        match self {
            Self::Ours { on, .. } | Self::Shared { on, .. } => Some(*on),
            _ => None,
        }
    }
}

/// What a branch holds. `mark` says which bump it is of; what it changes is not compared.
///
/// # Errors
/// When the branch can't be brought here or read, or a shallow clone can't tell whose its commits are.
pub async fn tip(
    branches: &dyn Branches,
    target: &Target,
    branch: &str,
    mark: &Mark,
) -> Result<Tip, ProposeError> {
    let Some(commit) = target.branches.get(branch) else { return Ok(Tip::Absent) };
    branches.fetch(&target.remote, &[branch]).await?;
    let all = branches.since(&target.base, commit, MOST).await?;
    let commit = commit.clone();
    let Some(newest) = all.first() else { return Ok(Tip::Merged { commit }) };
    let mut ours: Option<(String, Date)> = None;
    let mut others = 0;
    for one in &all {
        match own(branches, one, mark).await? {
            Some(edits) if ours.is_none() => {
                let on = one.at.to_zoned(jiff::tz::TimeZone::UTC).date();
                ours = Some((edits, on));
            }
            Some(_) => {}
            None => others += 1,
        }
    }
    // Where history is cut off, older commits of the target look as if somebody had put them on the branch.
    if others > 0 && branches.is_shallow().await? {
        return Err(cut_off(branch));
    }
    Ok(match ours {
        Some((edits, on)) if others == 0 => Tip::Ours { commit, edits, on },
        Some((edits, on)) => Tip::Shared { commit, edits, on, others },
        None => Tip::Foreign { commit, author: newest.author.clone() },
    })
}

/// It can't be told what of a branch is somebody else's.
fn cut_off(branch: &str) -> ProposeError {
    let message = format!(
        "the repository is a shallow clone: it can't be told whose commits the branch `{branch}` has"
    );
    let finding = Finding::error(&codes::BRANCH_NOT_OURS, message)
        .hint("nothing was pushed; in a pipeline check out the whole history (`fetch-depth: 0`, `GIT_DEPTH: 0`)")
        .next("git fetch --unshallow");
    ProposeError::Conflict(Box::new(finding))
}

/// The digest of what a commit changes, if it is one of ours as it was written.
async fn own(branches: &dyn Branches, commit: &Commit, mark: &Mark) -> Result<Option<String>, ProposeError> {
    let Some(found) = Mark::read(&commit.message).filter(|found| found.is_same_bump(mark)) else {
        return Ok(None);
    };
    let [parent] = commit.parents.as_slice() else { return Ok(None) };
    let changed = branches.changed(parent, &commit.id).await?;
    let lines = changed.iter().map(|one| (one.path.as_str(), one.mode.as_str(), one.blob.as_str()));
    Ok((proposal::edits(lines) == found.edits).then_some(found.edits))
}
