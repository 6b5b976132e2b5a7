//! How a command fails: with findings that say what, where and what next, and the exit code that
//! they mean.

use crate::diag::{Code, Finding, Findings, codes};
use crate::engine::planning::PlanError;
use crate::engine::repo::RepoError;
use crate::journal::export;
use crate::output::envelope::Warning;
use crate::output::exit;
use crate::port::Fault;
use crate::port::upstream::Unanswered;
use crate::rollout::{Refusal, RefusalExit};

/// Why a command ended without what was asked for.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: exit::Code,
    /// What is said about it.
    pub findings: Findings,
}

/// How a command ended: the codes that apply.
pub type Outcome = Result<Vec<exit::Code>, Failure>;

impl Failure {
    /// One finding and its exit code.
    pub fn new(exit: exit::Code, finding: Finding) -> Self {
        Self { exit, findings: finding.into() }
    }

    /// Invalid files.
    pub fn invalid(findings: Findings) -> Self {
        Self { exit: exit::Code::Invalid, findings }
    }

    /// Something outside failed while `doing`.
    pub fn outside(doing: &str, fault: &Fault) -> Self {
        Self::new(exit::Code::Unreachable, Finding::error(&codes::OUTSIDE, format!("{doing}: {fault}")))
    }

    /// The journal can't be opened, read or written.
    pub fn journal(path: &std::path::Path, fault: &Fault) -> Self {
        let message = format!("the journal {} can't be used: {fault}", path.display());
        Self::new(exit::Code::Conflict, Finding::error(&codes::JOURNAL_UNREADABLE, message))
    }

    /// A file of `rollout export` that does not hold.
    pub fn export(path: &std::path::Path, fault: &export::Fault) -> Self {
        let export::Fault { line, column, defect } = fault;
        let message = format!("{}:{line}:{column}: {defect}", path.display());
        let again = "tidegate rollout export ROLLOUT --out FILE";
        let (exit, finding) = match defect {
            export::Defect::Foreign(_) => {
                let finding = Finding::error(&codes::EXPORT_UNREADABLE, message).next(again);
                (
                    exit::Code::Invalid,
                    finding.hint("it is a file that `rollout export` wrote, as it was written"),
                )
            }
            export::Defect::Ends { .. } | export::Defect::Unreadable(_) => {
                let finding = Finding::error(&codes::EXPORT_UNREADABLE, message).next(again);
                (
                    exit::Code::Invalid,
                    finding.hint("copy it once more, or export it anew where its journal is"),
                )
            }
            export::Defect::Newer(_) => {
                let finding = Finding::error(&codes::JOURNAL_NEWER, message).next("tidegate --version");
                (
                    exit::Code::Conflict,
                    finding.hint("install the version of tidegate that wrote it, or a later one"),
                )
            }
            export::Defect::Changed(_) => {
                let finding = Finding::error(&codes::JOURNAL_BROKEN, message).next(again);
                (exit::Code::Conflict, finding.hint("nothing of it is shown: what it says can't be trusted"))
            }
        };
        Self::new(exit, finding)
    }

    /// A file that could not be read.
    pub fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Self {
        let message = format!("{} can't be read: {error}", path.display());
        Self::new(exit::Code::Invalid, Finding::error(&codes::FILE_UNREADABLE, message))
    }

    /// Something of this kind and name that is not there; `known` are the names that are.
    pub fn missing<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::named(&codes::NO_SUCH_THING, what, name, known)
    }

    /// A rollout that the journal does not know.
    pub fn no_rollout<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let mut failure = Self::named(&codes::NO_SUCH_ROLLOUT, "rollout", name, known);
        failure.findings =
            failure.findings.into_iter().map(|finding| finding.next("tidegate rollout list")).collect();
        failure
    }

    fn named<'a>(
        code: &'static Code,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let mut finding = Finding::error(code, format!("there is no {what} `{name}`"))
            .did_you_mean(name, known.iter().copied());
        if !known.is_empty() && known.len() <= 12 {
            finding = finding.hint(format!("there are: {}", known.join(", ")));
        }
        Self::new(exit::Code::NothingSelected, finding)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let exit = match refusal.exit {
            RefusalExit::Usage => exit::Code::Usage,
            RefusalExit::NothingSelected => exit::Code::NothingSelected,
            RefusalExit::Forbidden => exit::Code::Forbidden,
            RefusalExit::Conflict => exit::Code::Conflict,
        };
        let mut finding = Finding::error(refusal.code, refusal.sentence);
        let mut legal = refusal.legal.into_iter();
        finding.next = legal.next();
        for command in legal {
            finding = finding.hint(format!("or: {command}"));
        }
        Self::new(exit, finding)
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Findings(findings) => Self::invalid(findings),
            PlanError::Missing(findings) => Self { exit: exit::Code::NothingSelected, findings },
            PlanError::Refused(findings) => Self { exit: exit::Code::Conflict, findings },
            PlanError::Fault(fault) => Self::outside("gathering what a plan needs", &fault),
        }
    }
}

impl From<RepoError> for Failure {
    fn from(error: RepoError) -> Self {
        match error {
            RepoError::Findings(findings) => Self::invalid(findings),
            RepoError::Fault(fault) => Self::outside("the repository can't be used", &fault),
        }
    }
}

/// The exit code of what is told of a source that gave no answer ([`Unanswered::finding`]).
pub fn of_source(told: &Finding) -> Option<exit::Code> {
    match told.code {
        code if code == &codes::SOURCE_MISSING => Some(exit::Code::NothingSelected),
        code if code == &codes::SOURCE_FORBIDDEN => Some(exit::Code::Forbidden),
        code if [&codes::SOURCE_UNREACHABLE, &codes::SOURCE_UNUSABLE].contains(&code) => {
            Some(exit::Code::Unreachable)
        }
        _ => None,
    }
}

impl From<Unanswered> for Failure {
    fn from(silence: Unanswered) -> Self {
        let told = silence.finding();
        Self::new(of_source(&told).unwrap_or(exit::Code::Unreachable), told)
    }
}

impl From<Findings> for Failure {
    fn from(findings: Findings) -> Self {
        Self::invalid(findings)
    }
}

/// The findings that do not stop, as warnings of an envelope.
pub fn warnings(findings: &Findings) -> Vec<Warning> {
    findings.warnings().map(Warning::from).collect()
}
