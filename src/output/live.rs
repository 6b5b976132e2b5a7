//! Progress as lines: the waves, the pools of the wave at work, and only the clusters that deserve
//! attention. Pure text from a summary; who draws it, and when, is for `progress`.

use crate::model::Duration;
use crate::report::summary::{ClusterSummary, RolloutSummary, WaveSummary};

use super::mark::{Tone, bold, clean, dim};
use super::screens::words::{done, rest, tone};
use super::screens::{headline_word, step};
use super::time::Viewpoint;

/// Cells of a bar.
const BAR: u32 = 20;

/// The lines for one rollout; at most `clusters` clusters among them.
pub fn lines(summary: &RolloutSummary, view: &Viewpoint, clusters: usize) -> Vec<String> {
    let count = summary.waves.len();
    let at = summary.waves.iter().position(|w| Some(&w.name) == summary.wave.as_ref());
    let wave = at.and_then(|i| summary.waves.get(i).map(|w| format!(" · wave {}/{count} {}", i + 1, w.name)));
    let mut lines = vec![format!(
        "{} · {}{} · {}",
        bold(summary.rollout.as_str()),
        headline_word(summary.state),
        wave.unwrap_or_default(),
        Duration::between(summary.started_at, view.now)
    )];
    if let Some(guess) = &summary.estimate {
        lines.push(dim(&guess.words(" left")));
    }
    let names = summary.waves.iter().map(|w| w.name.as_str().len()).max().unwrap_or_default().min(24);
    let mut later: Vec<String> = Vec::new();
    for (index, wave) in summary.waves.iter().enumerate() {
        if at.is_some_and(|at| index > at) {
            later.push(format!("{} {}", wave.name, wave.clusters.total));
            continue;
        }
        lines.push(wave_line(wave, names, view));
        if at == Some(index) && wave.pools.len() > 1 {
            for pool in &wave.pools {
                let rest = rest(&pool.clusters, None);
                let rest = if rest.is_empty() { String::new() } else { format!(" · {rest}") };
                lines.push(format!("    {:names$}  {} done{rest}", pool.name.as_str(), done(&pool.clusters)));
            }
        }
    }
    let width = summary.attention.iter().take(clusters).map(|c| c.cluster.as_str().len()).max();
    for cluster in summary.attention.iter().take(clusters) {
        lines.push(cluster_line(cluster, width.unwrap_or_default(), view));
    }
    if let Some(more) = summary.attention.len().checked_sub(clusters).filter(|more| *more > 0) {
        lines.push(dim(&format!("  and {more} more: tidegate rollout status {}", summary.rollout)));
    }
    // On a line of its own, since long lines are cut at the edge of the terminal.
    if let Some(bad) = summary.attention.first().filter(|cluster| tone(cluster.state) == Tone::Bad) {
        let rollout = &summary.rollout;
        let why = match summary.state {
            "halted" => format!("tidegate rollout why {rollout}"),
            _ => format!("tidegate rollout why {rollout} -c {}", bad.cluster),
        };
        lines.push(format!("  what it printed, and what helps: {why}"));
    }
    if !later.is_empty() {
        lines.push(dim(&format!("… {}", later.join(" · "))));
    }
    lines
}

fn wave_line(wave: &WaveSummary, names: usize, view: &Viewpoint) -> String {
    let tone = tone(wave.state);
    let name = format!("{} {:names$}", tone.paint(tone.glyph()), wave.name.as_str());
    if wave.over {
        let tag = wave.tag.as_ref().map_or_else(String::new, |tag| format!("   tag {}", tag.name));
        let rest = rest(&wave.clusters, Some(wave.failure_budget));
        let rest = if rest.is_empty() { rest } else { format!("   {rest}") };
        return format!("{name}  {} {}{rest}{tag}", done(&wave.clusters), wave.state);
    }
    let mut line = format!("{name}  {}  {} {}", bar(wave), done(&wave.clusters), wave.state);
    let rest = rest(&wave.clusters, Some(wave.failure_budget));
    if !rest.is_empty() {
        line.push_str(&format!(" · {rest}"));
    }
    if let Some(until) = wave.soaks_until {
        line.push_str(&format!(" · soaks until {}", view.until(until)));
    }
    if let Some(looks) = &wave.soak_looks {
        line.push_str(&format!(" · {} of {} have soaked", looks.soaked, looks.of));
        if !looks.not_well.is_empty() {
            line.push_str(&format!(" · {} not well", looks.not_well.len()));
        }
    }
    let closed: Vec<&str> =
        wave.gates.iter().filter(|g| g.state == "closed").map(|g| g.gate.as_str()).collect();
    if !closed.is_empty() {
        line.push_str(&format!(" · closed: {}", closed.join(", ")));
    }
    line
}

/// `[██████░░░░]`: settled clusters of all.
fn bar(wave: &WaveSummary) -> String {
    let total = wave.clusters.total.max(1);
    let full = (wave.clusters.settled().min(total) * BAR) / total;
    let full = usize::try_from(full).unwrap_or_default();
    let empty = usize::try_from(BAR).unwrap_or_default().saturating_sub(full);
    format!("[{}{}]", "█".repeat(full), "░".repeat(empty))
}

fn cluster_line(cluster: &ClusterSummary, width: usize, view: &Viewpoint) -> String {
    let tone = tone(cluster.state);
    let mut line =
        format!("  {:width$}  {}", cluster.cluster.as_str(), tone.paint(&tone.mark(cluster.state)));
    let step = step(cluster);
    if !step.is_empty() {
        line.push_str(&format!("  {step}"));
    }
    line.push_str(&format!("  {}", Duration::between(cluster.step_since.unwrap_or(cluster.since), view.now)));
    // Who is at work was seen just now.
    if cluster.seen.stale && tone != Tone::Busy {
        let ago = |at| format!("  seen {} ago", Duration::between(at, view.now));
        line.push_str(&cluster.seen.at.map_or_else(|| "  never seen".to_owned(), ago));
    }
    if let Some(cause) = &cluster.cause {
        line.push_str(&format!("  {}", clean(cause)));
    }
    line
}
