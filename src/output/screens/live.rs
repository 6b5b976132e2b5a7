//! What holds for the fleet while rollouts run: stop-the-lines and holds, and what a request about
//! them recorded.

use crate::journal::Event;
use crate::model::{Actor, ClusterName, ProductName};
use crate::output::envelope::List;
use crate::output::mark::{Tone, clean};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Look, Screen};
use crate::report::event::sentence;
use crate::report::summary::StopSummary;
use crate::rollout::Hold;
use crate::version::Version;

/// What a request about the fleet recorded.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetRequestScreen {
    /// What it was about, in words.
    pub subject: String,
    /// The events; none when it was so already.
    pub events: Vec<Event>,
}

impl Screen for FleetRequestScreen {
    const KIND: &'static str = "FleetRequest";

    fn text(&self, _: &Look) -> String {
        if self.events.is_empty() {
            return format!(
                "{} nothing to do: {} is so already\n",
                Tone::Quiet.glyph(),
                clean(&self.subject)
            );
        }
        let line = |event: &Event| {
            format!("{} {}\n", Tone::Good.paint(Tone::Good.glyph()), clean(&sentence(&event.body)))
        };
        self.events.iter().map(line).collect()
    }
}

impl Screen for List<StopSummary> {
    const KIND: &'static str = "StopList";

    fn text(&self, look: &Look) -> String {
        if self.items.is_empty() {
            return "no line is stopped\n".to_owned();
        }
        let mut table = Table::new([
            Column::text("SCOPE"),
            Column::left("STOPPED"),
            Column::text("BY"),
            Column::text("REASON"),
        ]);
        for stop in &self.items {
            table.row([
                stop.scope.as_str().into(),
                look.view.relative(stop.since).into(),
                stop.by.0.as_str().into(),
                stop.reason.as_str().into(),
            ]);
        }
        table.text(look.width)
    }

    fn next(&self) -> Option<String> {
        let first = self.items.first()?;
        Some(format!("tidegate stop-the-line off --scope {} --reason TEXT", first.scope))
    }
}

/// One hold.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedHold {
    /// The cluster.
    pub cluster: ClusterName,
    /// The product; absent when the whole cluster is held.
    pub product: Option<ProductName>,
    /// The version that it keeps.
    pub version: Option<Version>,
    /// Who holds it.
    pub by: Actor,
    /// Since when.
    pub since: jiff::Timestamp,
    /// Until when; absent until it is released.
    pub until: Option<jiff::Timestamp>,
    /// Whether that has passed.
    pub ended: bool,
    /// Why.
    pub reason: String,
}

impl ListedHold {
    /// A hold, looked at from `now`.
    pub fn of(cluster: &ClusterName, hold: &Hold, now: jiff::Timestamp) -> Self {
        Self {
            cluster: cluster.clone(),
            product: hold.kept.as_ref().map(|kept| kept.product.clone()),
            version: hold.kept.as_ref().map(|kept| kept.version.clone()),
            by: hold.by.clone(),
            since: hold.since,
            until: hold.until,
            ended: !hold.holds(now),
            reason: hold.reason.clone(),
        }
    }
}

impl Screen for List<ListedHold> {
    const KIND: &'static str = "HoldList";

    fn text(&self, look: &Look) -> String {
        if self.items.is_empty() {
            return "nothing is held\n".to_owned();
        }
        let mut table = Table::new([
            Column::left("CLUSTER"),
            Column::left("PRODUCT"),
            Column::left("VERSION"),
            Column::left("UNTIL"),
            Column::text("BY"),
            Column::text("REASON"),
        ]);
        for hold in &self.items {
            let until = match hold.until {
                None => "released".into(),
                Some(end) if hold.ended => {
                    Cell::toned(format!("! ended {}", look.view.clock(end)), Tone::Warn)
                }
                Some(end) => look.view.clock(end).into(),
            };
            table.row([
                hold.cluster.as_str().into(),
                hold.product.as_ref().map_or("all", ProductName::as_str).into(),
                hold.version.as_ref().map(ToString::to_string).unwrap_or_default().into(),
                until,
                hold.by.0.as_str().into(),
                hold.reason.as_str().into(),
            ]);
        }
        table.text(look.width)
    }

    fn next(&self) -> Option<String> {
        let first = self.items.first()?;
        let product = first.product.as_ref().map_or_else(String::new, |p| format!(" --product {p}"));
        Some(format!("tidegate cluster release {}{product} --reason TEXT", first.cluster))
    }
}
