//! Exit codes: the one list of them, and which of several is the command's. They are stable: a
//! number never changes its meaning.

/// What a command's exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// 0: everything asked for is done.
    Done,
    /// 1: something nobody expected; the journal's position is printed. Also an answer that can't be written.
    Unexpected,
    /// 2: the command line is wrong.
    Usage,
    /// 3: a file or a schema is invalid.
    Invalid,
    /// 4: the selection selects nothing.
    NothingSelected,
    /// 5: not authenticated, or not allowed.
    Forbidden,
    /// 6: something can't be reached.
    Unreachable,
    /// 7: `--wait-timeout` passed; the operation goes on.
    WaitTimeout,
    /// 8: stale or in conflict with something else.
    Conflict,
    /// 10: changes are pending (only with `--exit-code`).
    ChangesPending,
    /// 11: blocked by a gate, by people or by time.
    Blocked,
    /// 12: rejected or aborted.
    Aborted,
    /// 13: failed or halted.
    Failed,
    /// 14: finished, with failures that were tolerated.
    FinishedWithFailures,
    /// 20: the highest finding of a scan is informational.
    FoundInfo,
    /// 21: the highest finding of a scan is low.
    FoundLow,
    /// 22: the highest finding of a scan is medium.
    FoundMedium,
    /// 23: the highest finding of a scan is high.
    FoundHigh,
    /// 24: the evidence is incomplete.
    IncompleteEvidence,
    /// 130: interrupted; nothing is lost.
    Interrupted,
}

/// The order in which codes win where several apply, first to last. The codes 1, 3, 8, 13, 12, 6,
/// 7, 11, 14, 10 stand in the documented order; 2 and 130 end a command on the spot, and the
/// others never meet those.
const PRECEDENCE: [Code; 20] = [
    Code::Unexpected,
    Code::Usage,
    Code::Interrupted,
    Code::Invalid,
    Code::Conflict,
    Code::Failed,
    Code::Aborted,
    Code::Forbidden,
    Code::Unreachable,
    Code::WaitTimeout,
    Code::Blocked,
    Code::NothingSelected,
    Code::FinishedWithFailures,
    Code::ChangesPending,
    Code::IncompleteEvidence,
    Code::FoundHigh,
    Code::FoundMedium,
    Code::FoundLow,
    Code::FoundInfo,
    Code::Done,
];

impl Code {
    /// Every code, most important first.
    pub const ALL: [Self; 20] = PRECEDENCE;

    /// The number that the process ends with.
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::NothingSelected => 4,
            Self::Forbidden => 5,
            Self::Unreachable => 6,
            Self::WaitTimeout => 7,
            Self::Conflict => 8,
            Self::ChangesPending => 10,
            Self::Blocked => 11,
            Self::Aborted => 12,
            Self::Failed => 13,
            Self::FinishedWithFailures => 14,
            Self::FoundInfo => 20,
            Self::FoundLow => 21,
            Self::FoundMedium => 22,
            Self::FoundHigh => 23,
            Self::IncompleteEvidence => 24,
            Self::Interrupted => 130,
        }
    }

    /// The stable name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unexpected => "unexpected",
            Self::Usage => "usage",
            Self::Invalid => "invalid",
            Self::NothingSelected => "nothing-selected",
            Self::Forbidden => "forbidden",
            Self::Unreachable => "unreachable",
            Self::WaitTimeout => "wait-timeout",
            Self::Conflict => "conflict",
            Self::ChangesPending => "changes-pending",
            Self::Blocked => "blocked",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
            Self::FinishedWithFailures => "finished-with-failures",
            Self::FoundInfo => "found-info",
            Self::FoundLow => "found-low",
            Self::FoundMedium => "found-medium",
            Self::FoundHigh => "found-high",
            Self::IncompleteEvidence => "incomplete-evidence",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Code> for std::process::ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.number())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = s.serialize_struct("Code", 2)?;
        out.serialize_field("code", &self.number())?;
        out.serialize_field("name", self.name())?;
        out.end()
    }
}

/// The one code of a command to which several apply; `Done` if none does.
pub fn worst(codes: impl IntoIterator<Item = Code>) -> Code {
    let codes: Vec<Code> = codes.into_iter().collect();
    PRECEDENCE.into_iter().find(|code| codes.contains(code)).unwrap_or(Code::Done)
}

/// How a command ended, in the envelope: the code of the process, and all that apply.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Exit {
    /// The process's.
    #[serde(flatten)]
    pub code: Code,
    /// Every code that applies, most important first.
    pub all: Vec<Code>,
}

impl Exit {
    /// Of all the codes that apply.
    pub fn of(codes: impl IntoIterator<Item = Code>) -> Self {
        let codes: Vec<Code> = codes.into_iter().collect();
        let all: Vec<Code> = PRECEDENCE.into_iter().filter(|c| codes.contains(c)).collect();
        let code = worst(codes);
        Self { code, all: if all.is_empty() { vec![Code::Done] } else { all } }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn where_several_codes_apply_the_documented_order_decides() {
        let documented = [1, 3, 8, 13, 12, 6, 7, 11, 14, 10, 0];
        let stands = |number: u8| PRECEDENCE.iter().position(|c| c.number() == number);
        for pair in documented.windows(2) {
            assert!(stands(pair[0]) < stands(pair[1]), "{} must win over {}", pair[0], pair[1]);
            let both = PRECEDENCE.into_iter().filter(|c| pair.contains(&c.number())).rev();
            assert_eq!(worst(both).number(), pair[0]);
        }
    }

    #[test]
    fn every_code_has_a_place_a_number_and_a_name_of_its_own() {
        let numbers: BTreeSet<u8> = PRECEDENCE.iter().map(|c| c.number()).collect();
        let names: BTreeSet<&str> = PRECEDENCE.iter().map(|c| c.name()).collect();
        assert_eq!(
            numbers.into_iter().collect::<Vec<_>>(),
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 130]
        );
        assert_eq!(names.len(), PRECEDENCE.len());
    }

    #[test]
    fn a_halted_and_a_blocked_rollout_together_are_halted_and_both_are_told() {
        let exit = Exit::of([Code::Done, Code::Blocked, Code::Failed]);
        assert_eq!(exit.code, Code::Failed);
        assert_eq!(exit.all, [Code::Failed, Code::Blocked, Code::Done]);
        assert_eq!(worst([]), Code::Done);
    }
}
