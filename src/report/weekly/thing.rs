//! One thing of a product: an image, a chart, a tool or Kubernetes, with everything that is known of it in
//! one place.

use std::collections::BTreeSet;

use super::act::{self, Act};
use super::security::Security;
use super::{Countdown, Need};
use crate::diag::count;
use crate::lcm::changes::Changes;
use crate::lcm::declared::Item;
use crate::lcm::deferred::Hold;
use crate::lcm::fixed::Digests;
use crate::lcm::live::Workload;
use crate::lcm::row::{ClusterSet, Fit, Row, Status};
use crate::lcm::support::known::Window;
use crate::lcm::support::standing::Phase;
use crate::lcm::upstream::Silence;
use crate::lcm::version::Level;
use crate::model::ClusterName;
use crate::model::image::Repository;

/// One thing of a product.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Thing {
    /// `image`, `chart`, `tool`, `addon` or `kubernetes`.
    pub kind: &'static str,
    /// Its whole name.
    pub name: String,
    /// Who is asked about it: a registry, a repository of charts, a forge.
    pub source: String,
    /// What it is a copy of, if it is pulled from a mirror.
    pub copy_of: Option<Repository>,
    /// The versions that the product's files name, the lowest first.
    pub declared: Vec<String>,
    /// Those of the newest release.
    pub released: Vec<String>,
    /// Those that clusters were last seen to run, the lowest first.
    pub running: Vec<RunningAt>,
    /// The version in use that stands worst; what is told is told of it.
    pub judged: Option<String>,
    /// The newest version that counts.
    pub latest: Option<String>,
    /// The newest of each level.
    pub candidates: Candidates,
    /// How far it is behind; absent if it is not.
    pub behind: Option<Behind>,
    /// When the newest version was published, where that is known.
    pub published: Option<jiff::Timestamp>,
    /// Of Kubernetes: the stops on the way to the newest one, a minor at a time.
    pub stops: Vec<String>,
    /// Of Kubernetes: by when the first wave of an upgrade must start; absent where nobody can say.
    pub countdown: Option<Countdown>,
    /// Of a cloud's add-on: what of it goes with the versions of Kubernetes in use, and with the next one.
    pub fits: Vec<Fit>,
    /// What changed up to the newest version, and what of it breaks something; absent where nobody told.
    pub changes: Option<Changes>,
    /// Until when what is in use is supported; absent where nobody knows.
    pub support: Option<Support>,
    /// What is known of the vulnerabilities of an image; absent where nobody was asked.
    pub security: Option<Security>,
    /// How it stands; what weighs most is first.
    pub statuses: Vec<StatusLine>,
    /// What it needs.
    pub need: Need,
    /// What to do about it.
    pub act: Option<Act>,
    /// What would be to do if it could not wait.
    #[serde(skip)]
    pub(super) urgent: Option<Act>,
    /// Where it is declared first: `FILE:LINE:COLUMN`; empty if clusters alone name it.
    pub place: String,
    /// What of its source could not be read.
    pub notes: Vec<String>,
    /// What its tags name, where a file or a lock says so.
    #[serde(skip_serializing_if = "Digests::is_empty")]
    pub digests: Digests,
}

/// A version that runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunningAt {
    /// The version.
    pub version: String,
    /// The clusters that have it.
    pub clusters: ClusterSet,
    /// The digests that were pulled; none unless the clusters themselves were asked.
    pub digests: Vec<String>,
    /// What runs it; nothing unless the clusters themselves were asked.
    pub workloads: Vec<WorkloadAt>,
}

/// What runs a version.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadAt {
    /// Which.
    #[serde(flatten)]
    pub workload: Workload,
    /// The clusters where it is.
    pub clusters: Vec<ClusterName>,
}

/// The newest version of each level.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Candidates {
    /// Among those with the same two first numbers.
    pub patch: Option<String>,
    /// Among those with the same first number.
    pub minor: Option<String>,
    /// Among those with another first number.
    pub major: Option<String>,
}

/// How far a version is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Behind {
    /// By which number.
    pub level: Level,
    /// How many versions of that number lie between; absent where they can't be counted.
    pub steps: Option<u64>,
    /// How many days lie between the two, where both are known.
    pub days: Option<i64>,
}

impl Behind {
    /// `2 minor`.
    pub fn words(&self) -> String {
        match self.steps {
            Some(steps) => format!("{steps} {}", self.level.word()),
            None => self.level.word().to_owned(),
        }
    }
}

/// Until when something is supported.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Support {
    /// The product and its cycle, for people: `Amazon EKS 1.34`.
    pub of: String,
    /// Where it stands.
    pub phase: Phase,
    /// The last day on which anybody mends anything; absent where none is announced.
    pub ends: Option<jiff::civil::Date>,
    /// The days till then, below zero when it is past.
    pub days_left: Option<i64>,
    /// In a word or a day.
    #[serde(skip)]
    pub short: String,
    /// What people should know of it.
    pub note: Option<String>,
    /// Where it is said.
    pub source: String,
}

impl Support {
    fn of(window: &Window) -> Option<Self> {
        let Window::Known { product, cycle, standing, note, source } = window else { return None };
        Some(Self {
            of: format!("{product} {cycle}"),
            phase: standing.phase,
            ends: standing.end(),
            days_left: standing.days_left(),
            short: standing.short(),
            note: note.clone(),
            source: source.clone(),
        })
    }
}

/// One thing to be said of how it stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusLine {
    /// A word: `same`, `patch`, `minor`, `major`, `ahead`, `tag-moved`, `deprecated`, `missing-upstream`,
    /// `missing`, `not-mirrored`, `incompatible`, `end-of-life`, `support-ends`, `skewed`, `pinned`, `deferred`,
    /// `deferral-ended`, `deferral-outrun`, `vulnerable`, `unknown`.
    pub status: &'static str,
    /// A sentence.
    pub message: String,
    /// Of a silent source: what kind of silence.
    pub silence: Option<Silence>,
}

impl Thing {
    pub(super) fn of(row: &Row) -> Self {
        let at = |level: Level| row.levels.get(&level).cloned();
        let days = |(since, published): (jiff::Timestamp, jiff::Timestamp)| {
            published.duration_since(since).as_hours() / 24
        };
        let behind = row.behind().map(|level| Behind {
            level,
            steps: row.steps,
            days: row.since.zip(row.published).map(days).filter(|days| *days >= 0),
        });
        let need = Need::of_row(row);
        Self {
            kind: row.item.kind(),
            name: match row.minor {
                Some(minor) => format!("{} {minor}", row.item),
                None => row.item.to_string(),
            },
            source: row.source(),
            copy_of: row.around.copy_of.clone(),
            declared: row.declared.clone(),
            released: row.released.clone(),
            running: row.running.iter().map(|one| running(one, row)).collect(),
            judged: row.judged.clone(),
            latest: row.newest.clone(),
            candidates: Candidates {
                patch: at(Level::Patch),
                minor: at(Level::Minor),
                major: at(Level::Major),
            },
            behind,
            published: row.published,
            stops: row.stops.clone(),
            countdown: row.deadline.as_ref().map(Countdown::of),
            fits: row.fits.clone(),
            changes: row.changes.clone(),
            support: row.window.as_ref().and_then(Support::of),
            security: None,
            statuses: row.statuses.iter().map(|status| line(status, row)).collect(),
            need,
            act: act::of(row, need),
            urgent: act::of(row, Need::Now),
            place: row.place.clone(),
            notes: row.notes.clone(),
            digests: row.digests.clone(),
        }
    }

    /// Whether somebody has put it off, and that holds.
    pub fn is_deferred(&self) -> bool {
        self.statuses.iter().any(|line| line.status == "deferred")
    }

    /// Its name in short: the last part of a repository, the name of a chart.
    pub fn short(&self) -> &str {
        short(&self.name)
    }
}

/// The last part of a repository's name, the name of a chart.
pub fn short(name: &str) -> &str {
    let name = name.split_once(" of ").map_or(name, |(chart, _)| chart);
    name.rsplit(['/', ':']).next().unwrap_or(name)
}

fn running((version, clusters): &(String, ClusterSet), row: &Row) -> RunningAt {
    let live = row.around.live.get(version);
    let at = |(workload, clusters): (&Workload, &BTreeSet<ClusterName>)| WorkloadAt {
        workload: workload.clone(),
        clusters: clusters.iter().cloned().collect(),
    };
    RunningAt {
        version: version.clone(),
        clusters: ClusterSet::clone(clusters),
        digests: live.iter().flat_map(|live| &live.digests).cloned().collect(),
        workloads: live.iter().flat_map(|live| &live.workloads).map(at).collect(),
    }
}

/// A status in a sentence.
fn line(status: &Status, row: &Row) -> StatusLine {
    let newest = row.newest.as_deref().unwrap_or("-");
    let declared = row.judged.as_deref().unwrap_or("what is in use");
    let mut silence = None;
    let message = match status {
        Status::Missing if matches!(row.item, Item::Kubernetes(_) | Item::Addon { .. }) => {
            format!("{declared} is not offered any more")
        }
        Status::Missing => format!("{declared} is not published any more"),
        Status::OnlyAtMirror => {
            format!("{declared} is not published any more, and the mirror still has it")
        }
        Status::NotAtMirror => format!("{declared} is not at the mirror: nodes can't pull it"),
        Status::NotMirrored { version } => format!("{version} is not at the mirror yet"),
        Status::Deferred { hold, until, up_to, owner, reason } => {
            let words = format!("deferred until {until} by {owner}: {reason}");
            match (hold, up_to) {
                (Hold::Outrun, Some(version)) => format!("{words}; that is up to {version} alone"),
                (Hold::Ended, _) => format!("{words}; that has ended"),
                _ => words,
            }
        }
        Status::Pinned { until, owner, clusters } => {
            format!("pinned until {until} by {owner} on {}", count(*clusters as u64, "cluster"))
        }
        Status::Deprecated => "its makers have given it up".to_owned(),
        Status::Ended { words } | Status::Ending { words, .. } => words.clone(),
        Status::Incompatible { version, kubernetes } => {
            format!("{version} refuses Kubernetes {}", kubernetes.join(", "))
        }
        Status::TagMoved { tag, digest: Some(digest) } => format!("{tag} names {digest} now"),
        Status::TagMoved { tag, digest: None } => format!("{tag} names something else now"),
        Status::Unknown { silence: found, why } => {
            silence = *found;
            why.clone()
        }
        Status::MirrorUnknown { why, .. } => why.clone(),
        Status::Behind(level) => format!("{newest} is a newer {}", level.word()),
        Status::Skewed => {
            let others = row.running.iter().filter(|(version, _)| !row.is_declared(version));
            let own = |clusters: &BTreeSet<ClusterName>| clusters.difference(&row.around.pinned).count();
            let clusters: usize = others.map(|(_, clusters)| own(clusters)).sum();
            let (verb, it) =
                if clusters == 1 { ("runs", "another version") } else { ("run", "other versions") };
            format!("{} {verb} {it}", count(clusters as u64, "cluster"))
        }
        Status::Ahead => "it is above everything that is published".to_owned(),
        Status::Same => "it is the newest of its kind".to_owned(),
    };
    StatusLine { status: status.word(), message, silence }
}
