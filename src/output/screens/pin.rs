//! Pins: which there are and when they end, what one keeps back, and what was done with one.

use crate::diag::count;
use crate::engine::repo::{PinAdded, PinExtended, PinImpact, PinRow};
use crate::model::{Nearness, OnExpiry};
use crate::output::envelope::List;
use crate::output::mark::{Tone, bold, clean};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Look, Screen};
use crate::report::event::named;
use crate::report::pins::PlannedThere;

impl Screen for List<PinRow> {
    const KIND: &'static str = "PinList";

    fn text(&self, look: &Look) -> String {
        if self.items.is_empty() {
            return "no pins\n".to_owned();
        }
        let mut table = Table::new([
            Column::text("OWNER"),
            Column::left("PIN"),
            Column::left("PRODUCT"),
            Column::left("VERSION"),
            Column::text("CLUSTERS"),
            Column::left("UNTIL"),
            Column::text("REASON"),
        ]);
        for pin in &self.items {
            table.row([
                pin.owner.as_str().into(),
                pin.id.as_str().into(),
                pin.product.as_str().into(),
                pin.version.to_string().into(),
                named(&pin.clusters).into(),
                until(pin, look),
                pin.reason.as_str().into(),
            ]);
        }
        table.text(look.width)
    }

    fn next(&self) -> Option<String> {
        let near = self.items.iter().filter(|pin| pin.nearness != Nearness::Far);
        Some(format!("tidegate pin impact {}", near.min_by_key(|pin| pin.ends)?.id))
    }
}

/// When a pin ends, and how near that is.
fn until(pin: &PinRow, look: &Look) -> Cell {
    match (pin.nearness, pin.on_expiry) {
        (Nearness::Far, _) => pin.until.as_str().into(),
        (Nearness::Ended, OnExpiry::Rejoin) => Cell::toned(format!("! {} ended", pin.until), Tone::Warn),
        (Nearness::Ended, OnExpiry::Block) => {
            Cell::toned(format!("! {} ended, blocks", pin.until), Tone::Bad)
        }
        (Nearness::Fortnight | Nearness::Week | Nearness::Day, _) => {
            Cell::toned(format!("! {}, {}", pin.until, look.view.relative(pin.ends)), Tone::Warn)
        }
    }
}

/// A pin that was added.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AddedPin {
    /// The pin.
    #[serde(flatten)]
    pub added: PinAdded,
    /// What open rollouts planned for its clusters before it came.
    pub rollouts: Vec<PlannedThere>,
}

impl Screen for AddedPin {
    const KIND: &'static str = "PinAdded";

    fn text(&self, _: &Look) -> String {
        let PinAdded { pin, file, release, .. } = &self.added;
        let release =
            release.as_ref().map_or_else(String::new, |release| format!(" · fits together with {release}"));
        let mut text = format!(
            "{} {} · {} takes {} {} until {}{release}\n{}\n",
            Tone::Good.paint(Tone::Good.glyph()),
            bold(pin.id.as_str()),
            named(&pin.clusters),
            pin.product,
            pin.version,
            clean(&pin.until),
            clean(file)
        );
        for there in self.rollouts.iter().filter(|there| !there.by_pin && !there.settled) {
            let PlannedThere { rollout, wave, cluster, version, .. } = there;
            let line = format!(
                "! {rollout} was planned before this pin: in wave {wave} {cluster} still gets {} {version}",
                pin.product
            );
            text.push_str(&format!(
                "{}\n  to keep it there: tidegate cluster hold {cluster} --product {} --reason TEXT\n",
                Tone::Warn.paint(&line),
                pin.product
            ));
        }
        text
    }

    fn next(&self) -> Option<String> {
        let PinAdded { file, pin, .. } = &self.added;
        Some(format!("git add {file} && git commit -m \"pin: {}\"", pin.id))
    }
}

impl Screen for PinExtended {
    const KIND: &'static str = "PinExtended";

    fn text(&self, _: &Look) -> String {
        format!(
            "{} {} · {} keeps {} {} until {}, before: {}\n{}\n",
            Tone::Good.paint(Tone::Good.glyph()),
            bold(self.pin.id.as_str()),
            named(&self.pin.clusters),
            self.pin.product,
            self.pin.version,
            clean(&self.pin.until),
            clean(&self.before),
            clean(&self.file)
        )
    }

    fn next(&self) -> Option<String> {
        Some(format!("git commit -am \"pin: {} is extended\"", self.pin.id))
    }
}

/// A pin that was removed.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RemovedPin {
    /// As it was.
    pub pin: PinRow,
}

impl Screen for RemovedPin {
    const KIND: &'static str = "PinRemoved";

    fn text(&self, _: &Look) -> String {
        format!(
            "{} {} is removed · {} gets the release's {} with the next plan\n",
            Tone::Good.paint(Tone::Good.glyph()),
            self.pin.id,
            named(&self.pin.clusters),
            self.pin.product
        )
    }

    fn next(&self) -> Option<String> {
        Some(format!("git commit -am \"pin: {} is removed\"", self.pin.id))
    }
}

/// What a pin keeps back.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImpactScreen {
    /// By the files.
    #[serde(flatten)]
    pub impact: PinImpact,
    /// What open rollouts planned for its clusters.
    pub rollouts: Vec<PlannedThere>,
}

impl Screen for ImpactScreen {
    const KIND: &'static str = "PinImpact";

    fn text(&self, look: &Look) -> String {
        let PinImpact { pin, newest, releases, hotfixes, dependents, clusters } = &self.impact;
        let ends = match pin.nearness {
            Nearness::Ended => "ended".to_owned(),
            _ => format!("ends {}", look.view.relative(pin.ends)),
        };
        let then = match pin.on_expiry {
            OnExpiry::Rejoin => "then its clusters rejoin",
            OnExpiry::Block => "then it blocks",
        };
        let mut text = format!(
            "{} · {} {} · {} · until {} ({ends}; {then})\n{}\n",
            bold(pin.id.as_str()),
            pin.product,
            pin.version,
            clean(&pin.owner),
            clean(&pin.until),
            clean(&pin.reason)
        );
        let mut table = Table::new([Column::left("KEEPS BACK"), Column::text("WHAT")]);
        let mut tell = |kind: &str, words: Vec<String>| {
            if !words.is_empty() {
                table.row([kind.into(), words.join(", ").into()]);
            }
        };
        let kept =
            |k: &crate::engine::repo::KeptBack| format!("{} ({} {})", k.release, pin.product, k.version);
        tell("releases", releases.iter().map(kept).collect());
        tell("hotfixes", hotfixes.iter().map(kept).collect());
        tell(
            "dependents",
            dependents
                .iter()
                .map(|d| {
                    let fits = if d.fits { "fits" } else { "does not fit" };
                    format!("{} {} wants {} ({fits})", d.product, d.version, d.requires)
                })
                .collect(),
        );
        for cluster in clusters {
            let waves: Vec<String> =
                cluster.waves.iter().map(|w| format!("{} of {} ({})", w.wave, w.pipeline, w.lane)).collect();
            let waves = if waves.is_empty() { "in no wave".to_owned() } else { waves.join(", ") };
            tell("cluster", vec![format!("{}: not raised in wave {waves}", cluster.cluster)]);
        }
        for there in &self.rollouts {
            let PlannedThere { rollout, wave, cluster, version, by_pin, .. } = there;
            let why = if *by_pin { "by this pin" } else { "planned before this pin" };
            tell("rollout", vec![format!("{rollout}, wave {wave}: {cluster} gets {version}, {why}")]);
        }
        text.push('\n');
        text.push_str(&table.text(look.width));
        if releases.is_empty() && hotfixes.is_empty() {
            let newest = newest.as_ref().map_or_else(|| "no release is cut".to_owned(), ToString::to_string);
            text.push_str(&format!("nothing is kept back: {newest} has no higher {}\n", pin.product));
        } else {
            let (behind, fixes) = (count(releases.len(), "release"), hotfixes.len());
            let fixes = if fixes == 0 { String::new() } else { format!(" and {fixes} of the hotfixes") };
            text.push_str(&format!("{behind}{fixes} would raise {}\n", pin.product));
        }
        text
    }

    fn next(&self) -> Option<String> {
        Some(format!("tidegate pin extend {} --until DAY", self.impact.pin.id))
    }
}
