//! Commands on rollouts.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::journal::Override;
use crate::model::{ClusterName, Expiry, GateId, NameError, RolloutId, WaveName};

/// A rollout as people name it: its id (`R42-1`), or a release's id for its newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutRef(RolloutId);

impl RolloutRef {
    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for RolloutRef {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map(Self)
    }
}

impl std::fmt::Display for RolloutRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Until when a driver drives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Until {
    /// Until only people or time can help.
    Blocked,
    /// Until this wave is done.
    Wave(WaveName),
    /// Until every wave is done.
    #[default]
    Done,
}

impl FromStr for Until {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "blocked" => Ok(Self::Blocked),
            "done" => Ok(Self::Done),
            other => match other.strip_prefix("wave:") {
                Some(wave) => wave.parse().map(Self::Wave).map_err(|e: NameError| e.to_string()),
                None => Err("expected blocked, done or wave:NAME".to_owned()),
            },
        }
    }
}

/// `rollout`.
#[derive(Debug, Subcommand)]
pub enum RolloutCommand {
    /// Start a plan and drive it.
    Start(Start),
    /// Drive every open rollout.
    Run(Run),
    /// Watch rollouts without driving them.
    Watch(Watch),
    /// Show how far a rollout is.
    Status(Status),
    /// List the rollouts.
    #[command(after_help = "Example: tidegate rollout list")]
    List,
    /// Say why something waits, who can unblock it, and how.
    Why(Why),
    /// Say yes to an approval gate.
    Approve(Approve),
    /// Take every yes at an approval gate back.
    Revoke(Revoke),
    /// Let a rollout pass a condition without its answer.
    Override(OverrideCondition),
    /// Run the tests of a wave again
    ///
    /// The newest verdict counts, and a failure closes later gates.
    Verify(VerifyWave),
    /// Start nothing new until `resume`.
    Pause(Pause),
    /// Go on after a pause, or after a halt with a raised budget.
    Resume(Resume),
    /// Take back what a rollout brought: a rollout of its own, in reverse order.
    Rollback(Rollback),
    /// End a rollout where it stands.
    Abort(Abort),
    /// End a rollout in favour of another one.
    Supersede(Supersede),
    /// Go on by a new plan of the same release.
    Replan(Replan),
    /// Leave clusters out of a rollout.
    Skip(Skip),
    /// Try clusters again.
    Retry(Retry),
    /// Print what happened, one event a line.
    Events(Events),
    /// Show the plan and the pipeline as they were executed.
    Show(Show),
    /// Write one rollout into a file that proves itself: its events, plan and pipeline.
    Export(Export),
    /// Show a rollout again from the file of an export.
    Replay(super::Replay),
}

/// How long and how to drive.
#[derive(Debug, Clone, Args)]
pub struct Drive {
    /// Drive until blocked (only people or time can help), wave:NAME is done, or done.
    #[arg(long, value_name = "UNTIL", default_value = "done")]
    pub until: Until,
}

impl std::fmt::Display for Until {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Blocked => f.write_str("blocked"),
            Self::Wave(wave) => write!(f, "wave:{wave}"),
            Self::Done => f.write_str("done"),
        }
    }
}

/// `rollout start`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout start r42.plan --until blocked")]
pub struct Start {
    /// The plan's file, from `tidegate plan RELEASE --out FILE`.
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// Only record it; `rollout run` drives it.
    #[arg(long, conflicts_with = "until")]
    pub detach: bool,
    /// A condition that it is let pass: a gate's id, or `soak`. May be given several times.
    #[arg(long = "override", value_name = "CONDITION", requires = "reason")]
    pub overrides: Vec<Override>,
    /// Why a condition is overridden; recorded, shown by `why`, and written into the tags.
    #[arg(long, value_name = "TEXT", requires = "overrides")]
    pub reason: Option<String>,
    /// How long to drive.
    #[command(flatten)]
    pub drive: Drive,
}

/// `rollout run`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout run --until blocked")]
pub struct Run {
    /// The rollouts that the exit code speaks of; all open ones if absent.
    #[arg(value_name = "ROLLOUT")]
    pub rollouts: Vec<RolloutRef>,
    /// How long to drive.
    #[command(flatten)]
    pub drive: Drive,
    /// Wait while another process drives, then take its place.
    #[arg(long)]
    pub standby: bool,
}

/// `rollout watch`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout watch R42")]
pub struct Watch {
    /// The rollouts; all open ones if absent.
    #[arg(value_name = "ROLLOUT")]
    pub rollouts: Vec<RolloutRef>,
}

/// `rollout status`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout status R42 -o json")]
pub struct Status {
    /// The rollout; the newest open one if absent.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: Option<RolloutRef>,
}

/// `rollout why`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout why R42 --wave prod")]
pub struct Why {
    /// The rollout; the newest open one if absent.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: Option<RolloutRef>,
    /// Only this wave.
    #[arg(long, value_name = "WAVE", conflicts_with = "cluster")]
    pub wave: Option<WaveName>,
    /// Only this cluster.
    #[arg(long, short = 'c', value_name = "CLUSTER")]
    pub cluster: Option<ClusterName>,
}

/// `rollout approve`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout approve R42 --wave prod --comment \"CHG-77\"")]
pub struct Approve {
    /// The rollout.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// The wave.
    #[arg(long, value_name = "WAVE")]
    pub wave: WaveName,
    /// The gate, if the wave has several that wait for an approval.
    #[arg(long, value_name = "GATE")]
    pub gate: Option<GateId>,
    /// Until when it counts, a day (its end in UTC) or a moment; needed before the gate is asked.
    #[arg(long, value_name = "TIME")]
    pub expires: Option<Expiry>,
    /// What to record with it.
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// Sign it with this OpenSSH key (a private one, or a public one whose private key the agent has).
    #[arg(long, value_name = "KEYFILE", env = "TIDEGATE_SIGN")]
    pub sign: Option<PathBuf>,
}

/// `rollout override`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout override R42 soak \\
           --reason \"INC-4711: the mended CVE is exploited\"")]
pub struct OverrideCondition {
    /// The rollout.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// The condition: a gate's id, or `soak`. Tests are none.
    #[arg(value_name = "CONDITION")]
    pub what: Override,
    /// Why; recorded, shown by `why`, and written into the tags.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `rollout verify`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout verify R42 --wave staging --reason \"database moved\"")]
pub struct VerifyWave {
    /// The rollout.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// The wave.
    #[arg(long, value_name = "WAVE")]
    pub wave: WaveName,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `rollout revoke`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout revoke R42 --wave prod --reason \"incident 4711\"")]
pub struct Revoke {
    /// The rollout.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// The wave.
    #[arg(long, value_name = "WAVE")]
    pub wave: WaveName,
    /// The gate, if the wave has several approval gates.
    #[arg(long, value_name = "GATE")]
    pub gate: Option<GateId>,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `rollout pause`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout pause R42 --reason \"incident 4711\"")]
pub struct Pause {
    /// The rollout.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `rollout resume`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout resume R42 --wave prod --raise-budget 2 \\
           --reason \"known bad disks\"")]
pub struct Resume {
    /// The rollout.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// After a halt: tolerate so many failed clusters in the wave.
    #[arg(long, value_name = "N", requires = "reason")]
    pub raise_budget: Option<u32>,
    /// The wave whose budget is raised; the halted one if absent.
    #[arg(long, value_name = "WAVE", requires = "raise_budget")]
    pub wave: Option<WaveName>,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `rollout rollback`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout rollback R43 --reason \"INC-4711: requests are dropped\"")]
pub struct Rollback {
    /// The rollout whose changes go back.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// Only the clusters of this wave; may be given several times.
    #[arg(long = "wave", value_name = "WAVE")]
    pub waves: Vec<WaveName>,
    /// Only this cluster; may be given several times, and beside --wave.
    #[arg(long = "cluster", short = 'c', value_name = "CLUSTER")]
    pub clusters: Vec<ClusterName>,
    /// Why; recorded, and shown wherever the rollback is.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Take products away that the release added.
    #[arg(long)]
    pub remove_added: bool,
    /// Only show what would go back.
    #[arg(long, conflicts_with_all = ["detach", "until"])]
    pub plan_only: bool,
    /// Only record it; `rollout run` drives it.
    #[arg(long, conflicts_with = "until")]
    pub detach: bool,
    /// How long to drive.
    #[command(flatten)]
    pub drive: Drive,
}

/// `rollout abort`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout abort R42 --reason \"R43 replaces it\"")]
pub struct Abort {
    /// The rollout.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `rollout supersede`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout supersede R42 --by R43 --reason \"R43 has the fix\"")]
pub struct Supersede {
    /// The rollout that ends.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// The open rollout that goes on.
    #[arg(long, value_name = "ROLLOUT")]
    pub by: RolloutRef,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `rollout replan`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout replan R42 --reason \"cap of prod lowered\"")]
pub struct Replan {
    /// The rollout.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Only show what would change.
    #[arg(long)]
    pub dry_run: bool,
    /// Leave clusters that were never reached to catch-up.
    #[arg(long)]
    pub defer_unknown: bool,
}

/// `rollout skip`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout skip R42 -c acme-dev --reason \"is being rebuilt\"")]
pub struct Skip {
    /// The rollout.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// A cluster; may be given more than once.
    #[arg(long = "cluster", short = 'c', value_name = "CLUSTER", required = true)]
    pub clusters: Vec<ClusterName>,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `rollout retry`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout retry R42 --failed --reason \"quota raised\"")]
pub struct Retry {
    /// The rollout.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// Which clusters.
    #[command(flatten)]
    pub which: Which,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Which clusters to try again.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// Those that failed, timed out or were aborted.
    #[arg(long)]
    pub failed: bool,
    /// Those that were skipped.
    #[arg(long)]
    pub skipped: bool,
    /// Those that were left for later.
    #[arg(long)]
    pub deferred: bool,
    /// A cluster by name; may be given more than once.
    #[arg(long = "cluster", short = 'c', value_name = "CLUSTER")]
    pub clusters: Vec<ClusterName>,
}

/// `rollout events`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout events R42 --after 120 --follow -o json")]
pub struct Events {
    /// Only events of this rollout; of the whole journal if absent.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: Option<RolloutRef>,
    /// Only events after this position.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub after: u64,
    /// Wait for more.
    #[arg(long, short = 'f')]
    pub follow: bool,
}

/// `rollout show`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout show R42-1")]
pub struct Show {
    /// The rollout; the newest open one, else the newest, if absent.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: Option<RolloutRef>,
}

/// `rollout export`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout export R42-1 --out r42-1.jsonl")]
pub struct Export {
    /// The rollout.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: RolloutRef,
    /// The file; standard output if absent.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
