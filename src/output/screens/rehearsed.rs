//! `rehearse RELEASE`: what came of a release on a copy of the fleet. The verdict first, then when it would
//! be done, what would hold it up, what a failure would cost, and what all of that takes for granted.

use crate::diag::{count, count_of};
use crate::model::{ClusterName, Duration};
use crate::output::mark::{Tone, bold, clean};
use crate::output::table::{Cell, Column, Table, wrap};
use crate::output::time::Viewpoint;
use crate::output::{Look, Screen};
use crate::report::explanation::Explanation;
use crate::sim::rehearsal::{Cost, Ended, FreezeAhead, HoldReport, Moment, Report, Unfinished};

use super::rehearsed_markdown::markdown;

/// So many clusters that could not be read are named.
const NAMED: usize = 5;

/// What came of the rehearsals of a release.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedScreen {
    /// What came of them.
    #[serde(flatten)]
    pub report: Report,
    /// What the copy was made from.
    pub fleet: CopiedFleet,
    /// What they took for granted.
    pub assumptions: Vec<String>,
    /// Whether people want it as Markdown.
    #[serde(skip)]
    pub markdown: bool,
}

/// What of a fleet was read for a copy of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CopiedFleet {
    /// Its clusters.
    pub clusters: usize,
    /// Those that could be read.
    pub read: usize,
    /// Their nodes.
    pub nodes: usize,
    /// Those of them that are not ready.
    pub unready_nodes: usize,
    /// Their disruption budgets.
    pub budgets: usize,
    /// Those of them that allow no disruption.
    pub closed_budgets: usize,
    /// The workloads of tidegate, and those that a budget speaks of.
    pub workloads: usize,
    /// The clusters that could not be read.
    pub unread: Vec<Unread>,
}

/// A cluster that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// Its name.
    pub cluster: ClusterName,
    /// Why.
    pub why: String,
    /// The cluster after which it was made instead; a bare one if absent.
    pub like: Option<ClusterName>,
}

impl Screen for RehearsedScreen {
    const KIND: &'static str = "ReleaseRehearsal";

    fn text(&self, look: &Look) -> String {
        if self.markdown {
            return markdown(self, &look.view);
        }
        let report = &self.report;
        let tone = if report.finishes { Tone::Good } else { Tone::Bad };
        let mut text =
            format!("{} · {}\n", bold(report.release.as_str()), tone.paint(&tone.mark(&verdict(report))));
        for (title, line) in self.lines(&look.view) {
            titled(title, &line, look.width, &mut text);
        }
        for unfinished in &report.unfinished {
            text.push('\n');
            let (told, command) = stopped(unfinished);
            titled("Stops", &told, look.width, &mut text);
            if let Some(command) = command {
                titled("", &format!("goes on with: {command}"), None, &mut text);
            }
        }
        for table in [waves(report, &look.view), holds(report), costs(report)] {
            if !table.is_empty() {
                text.push('\n');
                text.push_str(&table.text(look.width));
            }
        }
        if !report.nothing_fails.is_empty() && !report.failures.is_empty() {
            let names: Vec<&str> = report.nothing_fails.iter().map(|wave| wave.as_str()).collect();
            text.push_str(&format!("not tried in {}\n", names.join(", ")));
        }
        for (number, command) in commands(report).iter().enumerate() {
            titled(if number == 0 { "Then" } else { "" }, command, None, &mut text);
        }
        text.push('\n');
        for (number, assumed) in self.assumptions.iter().enumerate() {
            titled(if number == 0 { "Assumed" } else { "" }, assumed, look.width, &mut text);
        }
        text
    }

    fn next(&self) -> Option<String> {
        let release = &self.report.release;
        Some(match self.report.unfinished.first() {
            None => format!("tidegate plan {release} --out {}.plan", release.as_str().to_lowercase()),
            Some(_) => format!("tidegate plan {release}"),
        })
    }
}

impl RehearsedScreen {
    /// What stands above the tables, by title.
    pub(super) fn lines(&self, view: &Viewpoint) -> Vec<(&'static str, String)> {
        let report = &self.report;
        let mut lines = Vec::new();
        if let Some(finish) = &report.finish {
            let at = |found: &Moment| format!("{} ({})", span(found.seconds), moment(found, view));
            let (p50, p90, latest) = (&finish.p50, &finish.p90, &finish.latest);
            let mut told = format!("after {}", at(p50));
            if p90.at > p50.at {
                told = format!("half of them {told}, 9 of 10 after {}", at(p90));
            }
            if latest.at > p90.at {
                told.push_str(&format!(", the last after {}", span(latest.seconds)));
            }
            lines.push(("Done", told));
        }
        lines.push(("Worst", worst(report)));
        lines.extend(report.freezes.iter().map(|freeze| ("Freeze", self.freeze(freeze, view))));
        let fleet = &self.fleet;
        lines.push((
            "Copied",
            format!(
                "{}: {}, {}, {}",
                count_of(fleet.read, fleet.clusters, "cluster"),
                with(count(fleet.nodes, "node"), fleet.unready_nodes, "not ready"),
                with(count(fleet.budgets, "disruption budget"), fleet.closed_budgets, "closed"),
                count(fleet.workloads, "workload")
            ),
        ));
        lines.extend(not_read(&fleet.unread).into_iter().map(|line| ("Not read", line)));
        lines
    }

    fn freeze(&self, freeze: &FreezeAhead, view: &Viewpoint) -> String {
        let report = &self.report;
        let held = format!("{} ({})", clean(&freeze.name), clean(&freeze.reason));
        let (begins, ends) = (view.clock(freeze.begins), view.clock(freeze.ends));
        let slack = report.finish.as_ref().filter(|finish| finish.p90.at < freeze.begins);
        match slack {
            _ if freeze.begins <= report.starts => format!("{held} holds now, until {ends}"),
            Some(finish) if freeze.reached == 0 => {
                let left = crate::model::time_between(finish.p90.at, freeze.begins);
                format!("{held} begins {begins}: {left} after 9 of 10 are done")
            }
            _ => format!(
                "{held} from {begins} until {ends}: {} not done before it",
                count_of(freeze.reached, report.finished, "rehearsal")
            ),
        }
    }
}

/// `58 nodes (2 not ready)`.
fn with(of: String, some: usize, what: &str) -> String {
    if some == 0 { of } else { format!("{of} ({some} {what})") }
}

/// The verdict in words.
pub(super) fn verdict(report: &Report) -> String {
    let all = report.rehearsals;
    let mut told = if report.finishes && all == 1 {
        "finishes in its one rehearsal".to_owned()
    } else if report.finishes {
        format!("finishes in all {}", count(all, "rehearsal"))
    } else {
        format!("finishes in {} only", count_of(report.finished, all, "rehearsal"))
    };
    if report.with_failures > 0 {
        told.push_str(&format!(", {} with failures or clusters left for later", report.with_failures));
    }
    told
}

/// The worst case in words.
pub(super) fn worst(report: &Report) -> String {
    let worst = &report.worst;
    if worst.clusters == 0 {
        return "no cluster was ever hurt".to_owned();
    }
    let hurt = count_of(usize::try_from(worst.clusters).unwrap_or(usize::MAX), worst.of, "cluster");
    match (&worst.wave, &worst.product, worst.how) {
        (Some(wave), Some(product), Some(how)) => {
            format!("{hurt} hurt at once, if {product} {} in {wave}", how.words())
        }
        _ => format!("{hurt} hurt at once (seed {})", worst.seed),
    }
}

/// The clusters that could not be read, together where one cause and one neighbour is theirs.
fn not_read(unread: &[Unread]) -> Vec<String> {
    let mut groups: Vec<(&Unread, Vec<&str>)> = Vec::new();
    for one in unread {
        match groups.iter_mut().find(|(first, _)| (&first.why, &first.like) == (&one.why, &one.like)) {
            Some((_, names)) => names.push(one.cluster.as_str()),
            None => groups.push((one, vec![one.cluster.as_str()])),
        }
    }
    let told = |(first, names): (&Unread, Vec<&str>)| {
        let made = first.like.as_ref().map_or_else(|| "bare".to_owned(), |like| format!("like {like}"));
        let more = names.len().saturating_sub(NAMED);
        let mut named = names.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
        if more > 0 {
            named.push_str(&format!(" and {more} more"));
        }
        format!("{named}: {}; rehearsed {made}", clean(&first.why))
    };
    groups.into_iter().map(told).collect()
}

/// How a rehearsal stopped, and the command that helps.
pub(super) fn stopped(unfinished: &Unfinished) -> (String, Option<String>) {
    let mut told =
        format!("seed {} {} after {}", unfinished.seed, unfinished.ended.words(), span(unfinished.seconds));
    if let Some(left) = &unfinished.left {
        told.push_str(&format!(": {}", because(left)));
    }
    (told, unfinished.left.as_ref().and_then(|left| left.unblock.commands.first().cloned()))
}

/// Gate, wave and first evidence.
pub(super) fn because(reason: &Explanation) -> String {
    let mut told = reason.gate.clone();
    if let Some(wave) = &reason.subject.wave {
        told.push_str(&format!(" in {wave}"));
    }
    if let Some(first) = reason.evidence.first() {
        told.push_str(&format!(", {}", clean(first)));
    }
    told
}

pub(super) fn span(seconds: u64) -> String {
    Duration::seconds(seconds).to_string()
}

fn moment(moment: &Moment, view: &Viewpoint) -> String {
    view.clock(moment.at)
}

fn waves(report: &Report, view: &Viewpoint) -> Table {
    let mut table = Table::new([
        Column::left("WAVE"),
        Column::right("CLUSTERS"),
        Column::right("CHANGE"),
        Column::left("BEGINS"),
        Column::left("DONE"),
        Column::left("9 OF 10 BY"),
    ]);
    for wave in &report.waves {
        let told = |found: Option<&Moment>| found.map_or_else(String::new, |found| moment(found, view));
        table.row([
            Cell::from(wave.wave.as_str()),
            wave.clusters.to_string().into(),
            wave.changing.to_string().into(),
            told(wave.begins.as_ref().map(|begins| &begins.p50)).into(),
            told(wave.done.as_ref().map(|done| &done.p50)).into(),
            told(wave.done.as_ref().map(|done| &done.p90)).into(),
        ]);
    }
    table
}

/// Who can end a hold.
pub(super) fn who(hold: &HoldReport) -> String {
    if hold.unblock.actors.is_empty() { "only time".to_owned() } else { hold.unblock.actors.join(", ") }
}

/// For how long it held.
pub(super) fn held(hold: &HoldReport) -> String {
    match (span(hold.p50_seconds), span(hold.p90_seconds)) {
        (half, most) if half == most => half,
        (half, most) => format!("{half} to {most}"),
    }
}

/// Where it held.
pub(super) fn place(hold: &HoldReport) -> String {
    let wave = hold.wave.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string);
    if hold.clusters == 0 { wave } else { format!("{wave}, {}", count(hold.clusters, "cluster")) }
}

fn holds(report: &Report) -> Table {
    let mut table = Table::new([
        Column::left("HELD BY"),
        Column::text("WHERE"),
        Column::left("IN"),
        Column::left("FOR"),
        Column::text("WHO CAN"),
        Column::text("BECAUSE"),
    ]);
    for hold in &report.holds {
        let tone = if hold.gate == "soak" { Tone::Quiet } else { Tone::Waits };
        table.row([
            Cell::toned(&hold.gate, tone),
            place(hold).into(),
            format!("{}/{}", hold.rehearsals, report.rehearsals).into(),
            held(hold).into(),
            who(hold).into(),
            hold.evidence.first().map(String::as_str).unwrap_or_default().into(),
        ]);
    }
    table
}

/// What happens after a planted failure.
pub(super) fn outcome(cost: &Cost) -> String {
    match cost.halts_after_seconds {
        Some(seconds) => format!("halts after {}", span(seconds)),
        None if cost.ended == Ended::FinishedWithFailures => "goes on: tolerated".to_owned(),
        None => cost.ended.words().to_owned(),
    }
}

/// The command that goes on after a planted failure.
pub(super) fn command(cost: &Cost) -> String {
    cost.why.as_ref().and_then(|why| why.unblock.commands.first().cloned()).unwrap_or_default()
}

fn costs(report: &Report) -> Table {
    let mut table = Table::new([
        Column::left("IF IT FAILS IN"),
        Column::text("HOW"),
        Column::right("TOUCHED"),
        Column::right("HURT"),
        Column::text("THEN"),
    ]);
    for cost in &report.failures {
        let tone = if cost.hurt.is_empty() { Tone::Good } else { Tone::Bad };
        table.row([
            Cell::from(cost.wave.as_str()),
            format!("{} {}", cost.product, cost.how.words()).into(),
            cost.touched.to_string().into(),
            Cell::toned(cost.hurt.len().to_string(), tone),
            outcome(cost).into(),
        ]);
    }
    table
}

/// The commands that go on after the planted failures, each once.
fn commands(report: &Report) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for cost in &report.failures {
        let command = command(cost);
        if !command.is_empty() && !found.contains(&command) {
            found.push(command);
        }
    }
    found
}

/// A titled line, wrapped with its title's indent.
fn titled(title: &str, content: &str, width: Option<u16>, text: &mut String) {
    let room = width.map_or(usize::MAX, |width| usize::from(width).saturating_sub(10).max(20));
    for (number, line) in wrap(content, room).into_iter().enumerate() {
        let title = if number == 0 { title } else { "" };
        text.push_str(format!("{title:8}  {line}").trim_end());
        text.push('\n');
    }
}
