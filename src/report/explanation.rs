//! Why something waits: one type for every surface. What waits is decided by the core; here it
//! gets its words: the evidence, what unblocks it, who can, from when on, and the command.

use crate::model::{ClusterName, RolloutId, WaveName};

/// The gate of an explanation which says that nobody drives.
pub const DRIVER: &str = "driver";

/// Why one thing waits.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What is in the way: a gate's id, or one of the tool's own words (`soak`, `driver`,
    /// `failure-budget`, `slots`, `unreachable`, ...).
    pub gate: String,
    /// How that stands: `waits`, `closed`, `halted`, `paused`, `failed`, ...
    pub state: String,
    /// Since when.
    pub since: Option<jiff::Timestamp>,
    /// Looks, tries or answers in a row that brought no progress, once they are an alert.
    pub looks: Option<u32>,
    /// What that rests on, one line each.
    pub evidence: Vec<String>,
    /// What gets it going again.
    pub unblock: Unblock,
    /// What waits.
    pub subject: Subject,
}

impl Explanation {
    /// The alert: that it was looked at again and again without progress.
    pub fn alert(&self) -> Option<String> {
        self.looks.map(|looks| format!("no progress in {looks} looks in a row"))
    }
}

/// What gets something going again.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unblock {
    /// What must come true.
    pub condition: String,
    /// The earliest moment at which it can, if time has a say in it.
    pub earliest: Option<jiff::Timestamp>,
    /// Who can bring it about: a team, a person, `the driver`; empty if only time can.
    pub actors: Vec<String>,
    /// Commands that help, the best first.
    pub commands: Vec<String>,
}

/// What waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// The rollout.
    pub rollout: Option<RolloutId>,
    /// The wave, if a wave or something in it waits.
    pub wave: Option<WaveName>,
    /// The cluster, if one cluster waits.
    pub cluster: Option<ClusterName>,
}

/// The process that drives, as its lease says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Driving {
    /// `PID@HOST`.
    pub process: String,
    /// Its fence.
    pub fence: u64,
    /// When its lease ends if it is not renewed.
    pub until: jiff::Timestamp,
    /// Whether the lease still holds.
    pub alive: bool,
}

/// That nobody drives an open rollout; `after` says that something else must come first.
pub fn undriven(
    rollout: &RolloutId,
    last: Option<&Driving>,
    after: bool,
    now: jiff::Timestamp,
) -> Explanation {
    let evidence = match last {
        None => vec!["no process holds the driver's lease".to_owned()],
        Some(gone) if gone.until > now => {
            vec![format!("{} is gone; who drives next takes its lease over at once", gone.process)]
        }
        Some(gone) => vec![format!("the lease of {} ran out at {}", gone.process, gone.until)],
    };
    Explanation {
        gate: DRIVER.to_owned(),
        state: "absent".to_owned(),
        since: last.map(|gone| gone.until).filter(|until| *until <= now),
        looks: None,
        evidence,
        unblock: Unblock {
            condition: if after { "that is settled, and somebody drives on" } else { "somebody drives it" }
                .to_owned(),
            earliest: None,
            actors: vec!["anyone with this journal".to_owned()],
            commands: vec!["tidegate rollout run".to_owned()],
        },
        subject: Subject { rollout: Some(rollout.clone()), ..Subject::default() },
    }
}
