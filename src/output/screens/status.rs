//! `rollout status` and `rollout list`: how far rollouts are.

use crate::diag::count;
use crate::model::{Nearness, RolloutId};
use crate::output::envelope::List;
use crate::output::mark::{Tone, bold, clean, dim};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Look, Screen};
use crate::report::age::Seen;
use crate::report::event::named;
use crate::report::explanation::{DRIVER, Driving, Explanation};
use crate::report::summary::{ClusterSummary, RolloutSummary, WaveSummary};

use super::words::{done, rest, tone};

/// So many clusters are shown to people; programs get all.
const SHOWN: usize = 20;

/// How far a rollout is, who drives it, and what it waits for.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusScreen {
    /// How far it is.
    #[serde(flatten)]
    pub summary: RolloutSummary,
    /// Who drives.
    pub driver: Option<Driving>,
    /// What it waits for.
    pub waits: Vec<Explanation>,
}

impl Screen for StatusScreen {
    const KIND: &'static str = "RolloutStatus";

    fn text(&self, look: &Look) -> String {
        let summary = &self.summary;
        let mut text = headline(summary, look);
        if let Some(guess) = &summary.estimate {
            text.push_str(&format!("{}\n", guess.words(" left")));
        }
        if let Some(cause) = &summary.cause {
            text.push_str(&format!("{}\n", clean(cause)));
        }
        if summary.open {
            // Where driving would change nothing, what helps is told by `why`.
            let first = self.waits.first().is_some_and(|wait| wait.gate == DRIVER);
            text.push_str(&match self.driver.as_ref().filter(|d| d.alive) {
                Some(driver) => format!("{}\n", dim(&format!("driven by {}", clean(&driver.process)))),
                None if first => format!("{}\n", Tone::Waits.paint("nobody drives it: tidegate rollout run")),
                None => format!("{}\n", dim("nobody drives it")),
            });
        }
        for stop in &summary.stopped {
            let line = format!("the line of {} is stopped by {}: {}", stop.scope, stop.by, stop.reason);
            text.push_str(&format!("{}\n", Tone::Waits.paint(&clean(&line))));
        }
        for (wait, alert) in self.waits.iter().filter_map(|wait| Some((wait, wait.alert()?))) {
            let subject = &wait.subject;
            let what = subject.cluster.as_ref().map(ToString::to_string);
            let what = what.or_else(|| subject.wave.as_ref().map(ToString::to_string)).unwrap_or_default();
            let line = format!("{what} {} {}: {alert}", wait.gate, wait.state);
            text.push_str(&format!("{}\n", Tone::Bad.paint(&clean(line.trim()))));
        }
        for pin in &summary.pins {
            let ends = if pin.nearness == Nearness::Ended { "ended" } else { "ends" };
            let line = format!(
                "! pin {} of {} {ends} {}: {} {} on {}",
                pin.pin,
                pin.owner,
                pin.until,
                pin.product,
                pin.version,
                named(&pin.clusters)
            );
            text.push_str(&format!("{}\n", Tone::Warn.paint(&clean(&line))));
        }
        text.push('\n');
        text.push_str(&waves(&summary.waves).text(look.width));
        if let Some(pools) = pools(summary) {
            text.push('\n');
            text.push_str(&pools.text(look.width));
        }
        if !summary.attention.is_empty() {
            text.push('\n');
            text.push_str(&clusters(summary.attention.iter().take(SHOWN), look).text(look.width));
            if let Some(more) = summary.attention.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                text.push_str(&format!("and {more} more, all of them with -o json\n"));
            }
        }
        text
    }

    fn next(&self) -> Option<String> {
        (!self.waits.is_empty()).then(|| format!("tidegate rollout why {}", self.summary.rollout))
    }
}

/// `R42-1 · release R42 "brisk-heron" · ▶ running since 09:14 (5 h 20 m) · 30/71 clusters done`.
pub fn headline(summary: &RolloutSummary, look: &Look) -> String {
    let title = summary.title.as_ref().filter(|_| summary.rolls_back.is_none());
    let title = title.map_or_else(String::new, |t| format!(" \"{}\"", clean(t)));
    let what = match &summary.rolls_back {
        Some(of) => format!("rolls {of} back"),
        None => format!("release {}", summary.release),
    };
    let follow = match summary.catching_up {
        0 => String::new(),
        more => format!(" · {more} to follow"),
    };
    format!(
        "{} · {what}{title} · {} {}\n{}/{} done{follow} · started by {} {}\n",
        bold(summary.rollout.as_str()),
        headline_word(summary.state),
        look.view.since(summary.since),
        summary.clusters.done,
        count(summary.clusters.total, "cluster"),
        clean(&summary.started_by.0),
        look.view.clock(summary.started_at),
    )
}

/// Glyph and word of a state, in its colour.
pub fn headline_word(state: &str) -> String {
    let tone = tone(state);
    tone.paint(&tone.mark(state))
}

fn waves(waves: &[WaveSummary]) -> Table {
    let mut table = Table::new([
        Column::left("WAVE"),
        Column::left("STATE"),
        Column::right("DONE"),
        Column::text("GATES"),
        Column::text("OTHERWISE"),
    ]);
    for wave in waves {
        // A budget says nothing of a wave that was taken back as a whole.
        let budget = Some(wave.failure_budget).filter(|_| wave.state != "rolled-back");
        let mut otherwise = vec![rest(&wave.clusters, budget)];
        otherwise.extend(wave.tag.as_ref().map(|tag| format!("tag {}", tag.name)));
        otherwise.retain(|words| !words.is_empty());
        let gates: Vec<String> =
            wave.gates.iter().map(|gate| format!("{} {}", gate.gate, gate.state.replace('-', " "))).collect();
        table.row([
            wave.name.as_str().into(),
            Cell::mark(tone(wave.state), wave.state),
            done(&wave.clusters).into(),
            gates.join(" · ").into(),
            otherwise.join(" · ").into(),
        ]);
    }
    table
}

/// The pools of the wave that it is at, if there is more than one.
fn pools(summary: &RolloutSummary) -> Option<Table> {
    let wave = summary.waves.iter().find(|w| Some(&w.name) == summary.wave.as_ref())?;
    if wave.pools.len() < 2 {
        return None;
    }
    let mut table = Table::new([
        Column::left("POOL"),
        Column::right("DONE"),
        Column::right("AT ONCE"),
        Column::text("OTHERWISE"),
    ]);
    for pool in &wave.pools {
        table.row([
            pool.name.as_str().into(),
            done(&pool.clusters).into(),
            super::words::cap(pool.at_once.or(wave.at_once)).into(),
            rest(&pool.clusters, None).into(),
        ]);
    }
    Some(table)
}

fn clusters<'a>(clusters: impl Iterator<Item = &'a ClusterSummary>, look: &Look) -> Table {
    let mut table = Table::new([
        Column::left("CLUSTER"),
        Column::left("STATE"),
        Column::left("FOR"),
        Column::text("STEP"),
        Column::text("BECAUSE"),
        Column::left("SEEN"),
    ]);
    for cluster in clusters {
        table.row([
            cluster.cluster.as_str().into(),
            Cell::mark(tone(cluster.state), cluster.state),
            look.view.brief(cluster.since).into(),
            step(cluster).into(),
            because(cluster).into(),
            seen(&cluster.seen, look),
        ]);
    }
    table
}

/// Why a cluster is where it is, with its place where rollouts queue for it.
fn because(cluster: &ClusterSummary) -> String {
    let cause = cluster.cause.clone().unwrap_or_default();
    match cluster.position.filter(|place| *place > 1) {
        Some(place) => format!("{cause} (number {place} in its queue)").trim_start().to_owned(),
        None => cause,
    }
}

/// `ingress/helm 3/7 (try 2)`.
pub fn step(cluster: &ClusterSummary) -> String {
    let Some(step) = &cluster.step else { return String::new() };
    let of = match cluster.steps {
        0 => String::new(),
        steps => format!(" {}/{steps}", (cluster.steps_done + 1).min(steps)),
    };
    let again = if cluster.tries > 1 { format!(" (try {})", cluster.tries) } else { String::new() };
    format!("{step}{of}{again}")
}

/// How long ago a cluster was seen, marked when that is too long ago.
pub fn seen(seen: &Seen, look: &Look) -> Cell {
    match seen.at {
        None => Cell::toned("! never", Tone::Warn),
        Some(at) if seen.stale => Cell::toned(format!("! {} ago", look.view.brief(at)), Tone::Warn),
        Some(at) => format!("{} ago", look.view.brief(at)).into(),
    }
}

/// One line of `rollout list`.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedRollout {
    /// Its id.
    pub rollout: RolloutId,
    /// The release.
    pub release: crate::model::ReleaseId,
    /// The word for its state.
    pub state: &'static str,
    /// Whether it can still go on.
    pub open: bool,
    /// Since when.
    pub since: jiff::Timestamp,
    /// The wave that it is at.
    pub wave: Option<crate::model::WaveName>,
    /// Its clusters.
    pub clusters: crate::report::summary::Tally,
    /// When it was started.
    pub started_at: jiff::Timestamp,
    /// By whom.
    pub started_by: crate::model::Actor,
}

impl From<RolloutSummary> for ListedRollout {
    fn from(s: RolloutSummary) -> Self {
        Self {
            rollout: s.rollout,
            release: s.release,
            state: s.state,
            open: s.open,
            since: s.since,
            wave: s.wave,
            clusters: s.clusters,
            started_at: s.started_at,
            started_by: s.started_by,
        }
    }
}

impl Screen for List<ListedRollout> {
    const KIND: &'static str = "RolloutList";

    fn text(&self, look: &Look) -> String {
        if self.items.is_empty() {
            return "no rollout yet\n".to_owned();
        }
        let mut table = Table::new([
            Column::left("ROLLOUT"),
            Column::left("STATE"),
            Column::left("WAVE"),
            Column::right("DONE"),
            Column::text("OTHERWISE"),
            Column::left("STARTED"),
            Column::text("BY"),
        ]);
        for rollout in &self.items {
            table.row([
                rollout.rollout.as_str().into(),
                Cell::mark(tone(rollout.state), rollout.state),
                rollout.wave.as_ref().map(|w| w.as_str()).unwrap_or_default().into(),
                done(&rollout.clusters).into(),
                rest(&rollout.clusters, None).into(),
                look.view.relative(rollout.started_at).into(),
                rollout.started_by.0.as_str().into(),
            ]);
        }
        table.text(look.width)
    }

    fn next(&self) -> Option<String> {
        let newest = self.items.iter().find(|r| r.open).or(self.items.first())?;
        Some(format!("tidegate rollout status {}", newest.rollout))
    }
}

impl Screen for List<StatusScreen> {
    const KIND: &'static str = "RolloutStatusList";

    fn text(&self, look: &Look) -> String {
        self.items.iter().map(|one| one.text(look)).collect::<Vec<_>>().join("\n")
    }

    fn next(&self) -> Option<String> {
        self.items.iter().find_map(Screen::next)
    }
}
