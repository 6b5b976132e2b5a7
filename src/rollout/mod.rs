//! The rollout's pure core: the state of all rollouts as a fold over events, what must be done
//! next as effects, and which commands are legal now.

mod admit;
mod admit_clusters;
mod admit_live;
mod admit_verify;
mod attempt;
mod catch_up;
mod check;
mod command;
mod deadline;
mod effect;
mod effects;
mod fold;
mod fold_attempt;
mod gates;
pub mod invariant;
mod invariant_back;
mod invariant_live;
mod joining;
mod live;
mod membership;
mod missing_hotfix;
mod next;
mod obstacle;
mod pace;
mod recount;
mod replan;
mod rolling_back;
mod slots;
mod soak;
mod state;
mod view;
mod waits;
mod waits_late;

pub use admit::{admit, legal};
pub use attempt::{Attempt, AttemptState, Class, Counts, RECHECK, StepProgress, Tests, recheck};
pub use command::{Approve, Command, Refusal, RefusalExit};
pub use deadline::ClusterDeadline;
pub use effect::{Effect, EffectKey, Effects, Interrupted};
pub use effects::effects;
pub use fold::Impossible;
pub use gates::{Approval, GateState, Standing};
pub use joining::Unjoined;
pub use live::{Hold, Kept, Live, Recorded, Stop};
pub use membership::{Doubt, Membership};
pub use missing_hotfix::MissingHotfix;
pub use next::{PREFLIGHT_RETRIES, backoff, push_backoff};
pub use obstacle::{Obstacle, Outlook};
pub use replan::{Becomes, Replanned, ReplannedWave};
pub use slots::{CapUse, Scope, caps};
pub use soak::{ObservedSoak, SoakOutlook};
pub use state::{
    Cluster, Compared, Driver, FleetState, Pool, Rollout, RolloutState, Seen, TagFailure, Tagging, Wave,
    WavePhase, WaveState,
};
pub use waits::{Wait, WaitKind, is_blocked, of_rollout as waits_of_rollout, rests, waits, waits_of};

#[cfg(test)]
pub(crate) mod tests;
