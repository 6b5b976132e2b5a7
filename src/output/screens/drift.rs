//! What is not as it was applied: a line for each difference, cluster by cluster.

use crate::diag::count;
use crate::engine::drift::ClusterDrift;
use crate::output::envelope::List;
use crate::output::mark::{Tone, dim};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Look, Screen};

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
        format!("{}{}", table.text(look.width), dim(&format!("{summary}\n")))
    }

    fn next(&self) -> Option<String> {
        let first = self.items.iter().find(|cluster| !cluster.differences.is_empty())?;
        Some(format!("tidegate cluster show {}", first.cluster))
    }
}
