//! The report of a rehearsal as Markdown, for tickets and reviews: the same facts in the same order as at
//! the terminal.

use crate::output::time::Viewpoint;

use super::markdown::{code, plain};
use super::rehearsed::{RehearsedScreen, command, held, outcome, place, stopped, verdict, who};

fn table(title: &str, columns: &[&str], rows: Vec<Vec<String>>, text: &mut String) {
    if rows.is_empty() {
        return;
    }
    text.push_str(&format!(
        "\n## {title}\n\n| {} |\n|{}\n",
        columns.join(" | "),
        " --- |".repeat(columns.len())
    ));
    for row in rows {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
}

/// The report.
pub(super) fn markdown(screen: &RehearsedScreen, view: &Viewpoint) -> String {
    let report = &screen.report;
    let mut text = format!("# Rehearsal of {}\n\n**{}**\n\n", report.release, plain(&verdict(report)));
    for (title, line) in screen.lines(view) {
        text.push_str(&format!("- {title}: {}\n", plain(&line)));
    }
    let examples = report.unfinished.iter().map(|unfinished| {
        let (told, command) = stopped(unfinished);
        vec![plain(&told), code(&command.unwrap_or_default())]
    });
    table("Does not finish", &["Rehearsal", "Goes on with"], examples.collect(), &mut text);
    let waves = report.waves.iter().map(|wave| {
        let at = |found: Option<jiff::Timestamp>| found.map_or_else(|| "-".to_owned(), |at| view.clock(at));
        vec![
            wave.wave.to_string(),
            wave.clusters.to_string(),
            wave.changing.to_string(),
            at(wave.begins.map(|begins| begins.p50.at)),
            at(wave.done.map(|done| done.p50.at)),
            at(wave.done.map(|done| done.p90.at)),
        ]
    });
    let columns = ["Wave", "Clusters", "Change", "Begins", "Done", "9 of 10 by"];
    table("Waves", &columns, waves.collect(), &mut text);
    let holds = report.holds.iter().map(|hold| {
        vec![
            plain(&hold.gate),
            plain(&place(hold)),
            format!("{}/{}", hold.rehearsals, report.rehearsals),
            held(hold),
            plain(&who(hold)),
            plain(hold.evidence.first().map(String::as_str).unwrap_or_default()),
        ]
    });
    let columns = ["Held by", "Where", "In", "For", "Who can", "Because"];
    table("What holds it up", &columns, holds.collect(), &mut text);
    let costs = report.failures.iter().map(|cost| {
        vec![
            cost.wave.to_string(),
            plain(&format!("{} {}", cost.product, cost.how.words())),
            cost.touched.to_string(),
            cost.hurt.len().to_string(),
            plain(&outcome(cost)),
            code(&command(cost)),
        ]
    });
    let columns = ["If it fails in", "How", "Touched", "Hurt", "Then", "Goes on with"];
    table("What a failure costs", &columns, costs.collect(), &mut text);
    text.push_str("\n## Assumed\n\n");
    for assumed in &screen.assumptions {
        text.push_str(&format!("- {}\n", plain(assumed)));
    }
    text
}
