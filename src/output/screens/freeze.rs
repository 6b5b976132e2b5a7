//! Freezes: the list, and what was done to one.

use crate::engine::repo::{FreezeAdded, FreezeRow, FreezeState};
use crate::output::envelope::List;
use crate::output::mark::{Tone, bold, clean};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Look, Screen};

/// What a freeze is for: `waves prod, dr · region=eu · normal and hotfix`.
fn scope(freeze: &FreezeRow) -> String {
    let mut words = Vec::new();
    if let Some(waves) = &freeze.waves {
        let names: Vec<&str> = waves.iter().map(|wave| wave.as_str()).collect();
        words.push(format!("{} {}", if names.len() == 1 { "wave" } else { "waves" }, names.join(", ")));
    }
    if let Some(selector) = &freeze.selector {
        words.extend(
            selector
                .0
                .iter()
                .map(|(label, allowed)| format!("{}={}", label.value, allowed.value.values().join("|"))),
        );
    }
    if words.is_empty() {
        words.push("the fleet".to_owned());
    }
    let lanes: Vec<String> = freeze.lanes.iter().map(ToString::to_string).collect();
    words.push(lanes.join(" and "));
    words.join(" · ")
}

/// `2026-12-19`, with the zone if it is local.
fn time(written: &str, freeze: &FreezeRow) -> String {
    match &freeze.time_zone {
        Some(zone) if !written.ends_with('Z') => format!("{written} {zone}"),
        _ => written.to_owned(),
    }
}

impl Screen for List<FreezeRow> {
    const KIND: &'static str = "FreezeList";

    fn text(&self, look: &Look) -> String {
        if self.items.is_empty() {
            return "no freezes\n".to_owned();
        }
        let mut table = Table::new([
            Column::left("FREEZE"),
            Column::left("STATE"),
            Column::left("FROM"),
            Column::left("UNTIL"),
            Column::text("FOR"),
            Column::text("AUTHOR"),
            Column::text("REASON"),
        ]);
        for freeze in &self.items {
            let state = match freeze.state {
                FreezeState::Holds => Cell::mark(Tone::Warn, "holds"),
                FreezeState::Ahead => Cell::mark(Tone::Waits, "ahead"),
                FreezeState::Over => Cell::mark(Tone::Quiet, "over"),
            };
            table.row([
                freeze.name.as_str().into(),
                state,
                time(&freeze.from, freeze).into(),
                time(&freeze.until, freeze).into(),
                scope(freeze).into(),
                freeze.author.as_str().into(),
                freeze.reason.as_str().into(),
            ]);
        }
        table.text(look.width)
    }
}

impl Screen for FreezeAdded {
    const KIND: &'static str = "FreezeAdded";

    fn text(&self, _: &Look) -> String {
        let freeze = &self.freeze;
        format!(
            "{} {} · {} from {} until {}\n{}\n",
            Tone::Good.paint(Tone::Good.glyph()),
            bold(freeze.name.as_str()),
            clean(&scope(freeze)),
            clean(&time(&freeze.from, freeze)),
            clean(&time(&freeze.until, freeze)),
            clean(&self.file)
        )
    }

    fn next(&self) -> Option<String> {
        Some(format!("git add {} && git commit -m \"freeze: {}\"", self.file, self.freeze.name))
    }
}

/// A freeze that was removed.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RemovedFreeze {
    /// As it was.
    pub freeze: FreezeRow,
}

impl Screen for RemovedFreeze {
    const KIND: &'static str = "FreezeRemoved";

    fn text(&self, _: &Look) -> String {
        format!(
            "{} {} is removed · {}\n",
            Tone::Good.paint(Tone::Good.glyph()),
            self.freeze.name,
            clean(&scope(&self.freeze))
        )
    }

    fn next(&self) -> Option<String> {
        Some(format!("git commit -am \"freeze: {} is removed\"", self.freeze.name))
    }
}
