//! What is not as it was applied: a line for each difference, cluster by cluster, and how it is put back.

use crate::diag::count;
use crate::engine::drift::ClusterDrift;
use crate::output::envelope::List;
use crate::output::mark::{Tone, clean, dim};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Look, Screen};

/// For so many clusters the commands are shown at once.
const FIXES: usize = 3;

impl Screen for List<ClusterDrift> {
    const KIND: &'static str = "ClusterDriftList";

    fn text(&self, look: &Look) -> String {
        let mut table =
            Table::new([Column::left("CLUSTER"), Column::left("PRODUCT"), Column::text("DIFFERENCE")]);
        for cluster in &self.items {
            let name = || Cell::from(cluster.cluster.as_str());
            if let Some(cause) = &cluster.unreachable {
                table.row([name(), "".into(), Cell::toned(format!("! not looked at: {cause}"), Tone::Warn)]);
            } else if cluster.differences.is_empty() {
                let told = format!("{}, as applied", count(cluster.objects, "object"));
                table.row([name(), "".into(), Cell::mark(Tone::Good, &told)]);
            }
            for difference in &cluster.differences {
                let words = Cell::toned(format!("! {}", difference.words), Tone::Warn);
                table.row([name(), difference.product.as_str().into(), words]);
            }
        }
        let drifted = self.items.iter().filter(|cluster| !cluster.differences.is_empty()).count();
        let total: usize = self.items.iter().map(|cluster| cluster.differences.len()).sum();
        let summary = match total {
            0 => format!("{}, no difference", count(self.items.len(), "cluster")),
            _ => format!(
                "{} on {drifted} of {}",
                count(total, "difference"),
                count(self.items.len(), "cluster")
            ),
        };
        format!("{}{}{}", table.text(look.width), dim(&format!("{summary}\n")), self.fixes())
    }

    fn next(&self) -> Option<String> {
        let fix = self.items.iter().find_map(|cluster| cluster.fix.first().cloned());
        let first = || self.items.iter().find(|cluster| !cluster.differences.is_empty());
        fix.or_else(|| Some(format!("tidegate cluster show {}", first()?.cluster)))
    }
}

impl List<ClusterDrift> {
    /// The commands that put things back, cluster by cluster.
    fn fixes(&self) -> String {
        let mut text = String::new();
        let fixable: Vec<&ClusterDrift> =
            self.items.iter().filter(|cluster| !cluster.fix.is_empty()).collect();
        for cluster in fixable.iter().take(FIXES) {
            text.push_str(&format!("\nTo mend {}:\n", cluster.cluster));
            for command in &cluster.fix {
                text.push_str(&format!("  {}\n", clean(command)));
            }
        }
        if let Some(more) = fixable.len().checked_sub(FIXES).filter(|more| *more > 0) {
            text.push_str(&format!("\n{} more: tidegate cluster drift -c CLUSTER\n", count(more, "cluster")));
        }
        text
    }
}
