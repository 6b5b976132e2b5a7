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
        let looked = self.items.iter().filter(|cluster| cluster.unreachable.is_none()).count();
        let found = match total {
            0 => "no difference".to_owned(),
            _ => format!("{} on {}", count(total, "difference"), count(drifted, "cluster")),
        };
        let all = count(self.items.len(), "cluster");
        let summary = match looked {
            0 => format!("0 of {all} looked at: nothing is known"),
            _ if looked < self.items.len() => format!("{looked} of {all} looked at, {found} there"),
            _ if total == 0 => format!("{all}, {found}"),
            _ => format!("{} on {drifted} of {all}", count(total, "difference")),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::engine::drift::{Difference, DifferenceKind};

    fn look(name: &str, unreachable: bool, differences: usize) -> ClusterDrift {
        let difference = Difference {
            kind: DifferenceKind::RecordMissing,
            product: "app".parse().unwrap(),
            object: None,
            fields: Vec::new(),
            words: "no record".to_owned(),
            mend: None,
        };
        ClusterDrift {
            cluster: name.parse().unwrap(),
            at: jiff::Timestamp::UNIX_EPOCH,
            unreachable: unreachable.then(|| "no route".to_owned()),
            products: 0,
            objects: 0,
            differences: vec![difference; differences],
            fix: Vec::new(),
        }
    }

    #[test]
    fn the_last_line_tells_how_many_clusters_were_looked_at() {
        let last = |items: Vec<ClusterDrift>| {
            let view = crate::output::time::Viewpoint {
                now: jiff::Timestamp::UNIX_EPOCH,
                zone: jiff::tz::TimeZone::UTC,
            };
            let text = List::whole(items).text(&Look { width: Some(100), view });
            anstream::adapter::strip_str(&text).to_string().lines().last().unwrap().to_owned()
        };
        let cases = [
            (vec![look("a", false, 0), look("b", false, 0)], "2 clusters, no difference"),
            (vec![look("a", false, 2), look("b", false, 0)], "2 differences on 1 of 2 clusters"),
            (vec![look("a", true, 0), look("b", true, 0)], "0 of 2 clusters looked at: nothing is known"),
            (vec![look("a", true, 0), look("b", false, 0)], "1 of 2 clusters looked at, no difference there"),
            (
                vec![look("a", true, 0), look("b", false, 1)],
                "1 of 2 clusters looked at, 1 difference on 1 cluster there",
            ),
        ];
        for (items, expected) in cases {
            assert_eq!(last(items), expected);
        }
    }
}
