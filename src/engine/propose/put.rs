//! A branch is pushed and a request opened, or what is there is found to be enough. The forge is asked first:
//! whoever may not ask it pushes nothing.

use super::tip::Tip;
use super::{Done, Other, ProposeError, Requested, Target};
use crate::diag::{Finding, codes, count};
use crate::lcm::bump::Moving;
use crate::lcm::remote::Home;
use crate::model::{ProductName, Tree};
use crate::port::branches::{Branches, PushError};
use crate::port::requests::{Draft, OpenRequest, RequestError, Requests};
use crate::report::proposal::{self, Mark, Signed};

/// So many other branches of a product are asked about.
const MOST_OTHERS: usize = 20;

/// What is proposed.
#[derive(Debug)]
pub struct Proposed<'a> {
    /// The product.
    pub product: &'a ProductName,
    /// What moves.
    pub moving: &'a Moving,
    /// To where.
    pub to: &'a str,
    /// The branch.
    pub branch: &'a str,
    /// What the branch holds now.
    pub tip: Tip,
    /// The files with their new texts.
    pub files: Tree,
    /// The title.
    pub title: String,
    /// What it says.
    pub body: String,
}

/// Pushes the branch and opens the request, as far as that is not done.
///
/// # Errors
/// When somebody else's work is on the branch, the remote does not take it, or the forge says no. What was done
/// till then is told, and the same call goes on from there.
pub async fn put(
    branches: &dyn Branches,
    requests: &dyn Requests,
    (target, home): (&Target, &Home),
    proposed: Proposed<'_>,
) -> Result<Requested, ProposeError> {
    let there = requests.of_branch(proposed.branch).await?;
    let (mut notes, others) = others(requests, target, &proposed).await;
    let tree = branches.write(&target.base, &proposed.files).await?;
    let changed = branches.changed(&target.base, &tree).await?;
    let lines = changed.iter().map(|one| (one.path.as_str(), one.mode.as_str(), one.blob.as_str()));
    let mark = Mark::of(proposed.product, proposed.moving, proposed.to, proposal::edits(lines));
    let place = Place { branches, target, proposed: &proposed, mark: &mark };
    let (commit, pushed) = match place.kept(&mut notes)? {
        Some(commit) => (commit, false),
        None => (place.push(&tree).await?, true),
    };
    let body = Signed::sign(&proposed.title, &proposed.body, &mark.edits);
    let draft = Draft { branch: proposed.branch, into: &target.into, title: &proposed.title, body: &body };
    let failed = |error| unopened(error, home, draft);
    let (request, done) = match there {
        Some(there) => {
            rewritten(requests, there, draft, &mark.edits, pushed, &mut notes).await.map_err(failed)?
        }
        None => opened(requests, draft).await.map_err(failed)?,
    };
    if request.into != target.into {
        notes.push(format!("it goes into `{}`, and not into `{}`", request.into, target.into));
    }
    Ok(Requested {
        done,
        noun: home.noun(),
        sign: home.sign(),
        url: Some(request.url),
        number: Some(request.number),
        branch: request.branch,
        into: request.into,
        commit: Some(commit),
        title: request.title,
        body: request.body,
        notes,
        others,
    })
}

/// The requests of other bumps of the product. Who does not know of one does not stop this one.
async fn others(
    requests: &dyn Requests,
    target: &Target,
    proposed: &Proposed<'_>,
) -> (Vec<String>, Vec<Other>) {
    let (mut notes, mut others) = (Vec::new(), Vec::new());
    let branches = target.branches.keys().filter(|branch| *branch != proposed.branch);
    for branch in branches.take(MOST_OTHERS) {
        match requests.of_branch(branch).await {
            Ok(Some(OpenRequest { number, url, title, branch, .. })) => {
                others.push(Other { number, url, title, branch });
            }
            Ok(None) => {}
            Err(silent) => {
                notes.push(format!("whether `{branch}` has an open request is not known: {silent}"))
            }
        }
    }
    (notes, others)
}

/// A commit on its way to the remote.
struct Place<'a> {
    branches: &'a dyn Branches,
    target: &'a Target,
    proposed: &'a Proposed<'a>,
    mark: &'a Mark,
}

impl Place<'_> {
    /// The commit of the branch if it needs no other one; none where it has to be pushed.
    fn kept(&self, notes: &mut Vec<String>) -> Result<Option<String>, ProposeError> {
        match &self.proposed.tip {
            Tip::Absent | Tip::Merged { .. } => Ok(None),
            Tip::Ours { commit, edits, .. } => Ok((*edits == self.mark.edits).then(|| commit.clone())),
            Tip::Shared { commit, edits, others, .. } if *edits == self.mark.edits => {
                let more = count(*others, "commit");
                notes.push(format!("the branch has {more} of others, which stay"));
                Ok(Some(commit.clone()))
            }
            Tip::Shared { others, .. } => Err(self.taken(&format!("{} of others", count(*others, "commit")))),
            Tip::Foreign { author, .. } => Err(self.taken(&format!("a commit by {author}"))),
        }
    }

    /// What is on the branch is not ours to go over.
    fn taken(&self, by: &str) -> ProposeError {
        let (branch, remote) = (self.proposed.branch, &self.target.remote);
        let message = format!("the branch `{branch}` of `{remote}` has {by}, and this bump would go over it");
        let finding = Finding::error(&codes::BRANCH_NOT_OURS, message)
            .hint("nothing was pushed; take in what is there, or delete the branch if nobody needs it")
            .next(format!("git log {remote}/{branch}"));
        ProposeError::Conflict(Box::new(finding))
    }

    /// Makes the commit and pushes it.
    async fn push(&self, tree: &str) -> Result<String, ProposeError> {
        let Proposed { branch, title, tip, .. } = self.proposed;
        let message = proposal::message(self.mark, title);
        let commit = self.branches.commit(tree, &self.target.base, &message).await?;
        let was = match tip {
            Tip::Merged { commit } | Tip::Ours { commit, .. } => Some(commit.as_str()),
            _ => None,
        };
        let pushed = self.branches.push(&self.target.remote, branch, &commit, was).await;
        let refused = |words: String| {
            let hint = "nothing of yours has changed; the commit is in the repository, and nothing names it";
            Box::new(Finding::error(&codes::PUSH_REFUSED, words).hint(hint))
        };
        match pushed {
            Ok(()) => Ok(commit),
            Err(PushError::Moved(words)) => {
                let hint = "somebody pushed to it in this moment: run the command again";
                Err(ProposeError::Conflict(Box::new(refused(words).hint(hint))))
            }
            Err(PushError::Forbidden(words)) => {
                let hint = "git pushes with its own credentials (an ssh key, a credential helper), not with the forge's token";
                Err(ProposeError::Forbidden(Box::new(refused(words).hint(hint))))
            }
            Err(PushError::Refused(words)) => Err(ProposeError::Conflict(refused(words))),
            Err(PushError::Fault(fault)) => Err(fault.into()),
        }
    }
}

/// Opens a request. Where the forge says no, it may be because there is one: that of an answer that got lost.
async fn opened(requests: &dyn Requests, draft: Draft<'_>) -> Result<(OpenRequest, Done), RequestError> {
    match requests.open(draft).await {
        Ok(request) => Ok((request, Done::Opened)),
        Err(RequestError::Refused(words)) => match requests.of_branch(draft.branch).await {
            Ok(Some(request)) => Ok((request, Done::Opened)),
            Ok(None) | Err(_) => Err(RequestError::Refused(words)),
        },
        Err(error) => Err(error),
    }
}

/// A request that is there, with what it says made true; what a person wrote stays.
async fn rewritten(
    requests: &dyn Requests,
    there: OpenRequest,
    draft: Draft<'_>,
    edits: &str,
    pushed: bool,
    notes: &mut Vec<String>,
) -> Result<(OpenRequest, Done), RequestError> {
    let signed = Signed::read(&there.body);
    let as_it_is = if pushed { Done::Updated } else { Done::Unchanged };
    match signed {
        Some(signed) if signed.edits == edits => Ok((there, as_it_is)),
        Some(signed) if signed.is_intact => {
            let is_ours = signed.wrote(&there.title);
            if !is_ours && there.title != draft.title {
                notes.push("its title was written by hand, and stays".to_owned());
            }
            let title = if is_ours { draft.title } else { &there.title };
            let request = requests.rewrite(there.number, title, draft.body).await?;
            Ok((request, Done::Updated))
        }
        _ => {
            notes.push("its text was written or changed by hand, and stays".to_owned());
            Ok((there, as_it_is))
        }
    }
}

/// What is told when the branch is there and its request is not.
fn unopened(error: RequestError, home: &Home, draft: Draft<'_>) -> ProposeError {
    let told = |finding: Finding| {
        let (branch, noun) = (draft.branch, home.noun());
        let by_hand = home.by_hand(branch, draft.into);
        Box::new(
            finding
                .hint(format!("the branch `{branch}` is pushed: the same command goes on from there"))
                .hint(format!("or open the {noun} by hand: {by_hand}")),
        )
    };
    match error {
        RequestError::Unanswered(silence) => ProposeError::Unanswered(told(silence.finding())),
        RequestError::Refused(words) => {
            ProposeError::Conflict(told(Finding::error(&codes::REQUEST_REFUSED, words)))
        }
    }
}
