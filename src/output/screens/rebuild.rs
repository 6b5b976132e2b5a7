//! `journal rebuild`: what the clusters say, and what became of them.

use std::collections::BTreeSet;

use crate::diag::count;
use crate::engine::rebuild::{FoundCluster, Standing};
use crate::model::{ClusterName, RecordPhase, ReleaseId};
use crate::output::mark::{Tone, clean};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Look, Screen};

/// What a rebuild found, and whether it was written.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RebuildScreen {
    /// The new journal's UUID; absent as long as there is none.
    pub journal: Option<uuid::Uuid>,
    /// Its file.
    pub path: String,
    /// Whether anything was written.
    pub written: bool,
    /// Why it is rebuilt.
    pub reason: String,
    /// The clusters that were named; all of the fleet if none.
    #[serde(skip)]
    pub chosen: Vec<ClusterName>,
    /// The clusters.
    pub clusters: Vec<FoundCluster>,
}

fn tone(standing: Standing) -> Tone {
    match standing {
        Standing::Taken => Tone::Good,
        Standing::Found => Tone::Busy,
        Standing::Held => Tone::Waits,
        Standing::Ours | Standing::Empty => Tone::Quiet,
        Standing::Unreachable => Tone::Warn,
        Standing::Refused => Tone::Bad,
    }
}

/// `verified`, or what is not: `app applying, base applied`.
fn phases(found: &FoundCluster) -> String {
    let open: Vec<String> = found
        .products
        .iter()
        .filter(|(_, product)| product.phase != RecordPhase::Verified)
        .map(|(name, product)| format!("{name} {}", product.phase))
        .collect();
    match (found.products.is_empty(), open.is_empty()) {
        (true, _) => String::new(),
        (false, true) => RecordPhase::Verified.to_string(),
        (false, false) => open.join(", "),
    }
}

fn joined(words: impl IntoIterator<Item = impl ToString>) -> String {
    words.into_iter().map(|word| word.to_string()).collect::<Vec<_>>().join(", ")
}

impl RebuildScreen {
    fn releases(&self) -> BTreeSet<&ReleaseId> {
        self.clusters.iter().flat_map(|found| found.products.values()).map(|p| &p.release).collect()
    }

    fn number(&self, wanted: impl Fn(Standing) -> bool) -> usize {
        self.clusters.iter().filter(|found| wanted(found.standing)).count()
    }
}

impl Screen for RebuildScreen {
    const KIND: &'static str = "JournalRebuild";

    fn text(&self, look: &Look) -> String {
        let mut table = Table::new([
            Column::left("CLUSTER"),
            Column::left("STATE"),
            Column::text("RELEASE"),
            Column::text("PRODUCTS"),
            Column::text("PHASE"),
            Column::text("UNFINISHED"),
            Column::text("HOLDER"),
        ]);
        for found in &self.clusters {
            let releases: BTreeSet<&ReleaseId> = found.products.values().map(|p| &p.release).collect();
            let products = found.products.iter().map(|(name, p)| format!("{name} {}", p.version));
            let renewed = match found.renewed {
                Some(at) if found.standing == Standing::Held => {
                    format!(", renewed {} ago", look.view.brief(at))
                }
                _ => String::new(),
            };
            let holder = found.holder.as_ref().map(|holder| format!("{holder}{renewed}"));
            table.row([
                found.cluster.as_str().into(),
                Cell::mark(tone(found.standing), found.standing.word()),
                joined(releases).into(),
                joined(products).into(),
                phases(found).into(),
                joined(&found.unfinished).into(),
                holder.unwrap_or_default().into(),
            ]);
        }
        let mut text = table.text(look.width);
        for found in &self.clusters {
            if let Some(cause) = &found.cause {
                let (tone, code) = (tone(found.standing), found.code.map(|c| format!("{c}: ")));
                let line = format!(
                    "{} {}: {}{}",
                    tone.glyph(),
                    found.cluster,
                    code.unwrap_or_default(),
                    clean(cause)
                );
                text.push_str(&format!("{}\n", tone.paint(&line)));
            }
        }
        let to_take = self.number(Standing::is_to_take);
        text.push_str(&match self.journal {
            Some(journal) if self.written => format!(
                "\n{} were taken over into journal {journal}\n\
                 No wave counts as done, and approvals and soaks are asked again.\n",
                count(self.number(|standing| standing == Standing::Taken), "cluster")
            ),
            _ if to_take == 0 => "\nNothing is to be taken over. Nothing was written.\n".to_owned(),
            _ => format!("\n{} to be taken over. Nothing was written.\n", count(to_take, "cluster")),
        });
        text
    }

    fn next(&self) -> Option<String> {
        if !self.written && self.number(Standing::is_to_take) > 0 {
            let named: String = self.chosen.iter().map(|name| format!(" -c {name}")).collect();
            return Some(format!("tidegate journal rebuild{named} --reason TEXT --yes"));
        }
        let releases = self.releases();
        match (self.written, releases.first()) {
            (true, Some(only)) if releases.len() == 1 => Some(format!("tidegate plan {only}")),
            (true, _) => Some("tidegate release list".to_owned()),
            (false, _) => None,
        }
    }
}
