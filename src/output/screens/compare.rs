//! What one release would change against another on one cluster.

use crate::diag::count;
use crate::engine::compare::{ClusterDiff, ProductThere};
use crate::output::mark::{Tone, bold, dim};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Look, Screen};
use crate::resolve::Reason;

use super::plan::reason;

impl Screen for ClusterDiff {
    const KIND: &'static str = "ReleaseClusterDiff";

    fn text(&self, look: &Look) -> String {
        let mut text = format!("{} on {}\n", bold(&format!("{} -> {}", self.from, self.to)), self.cluster);
        if self.products.is_empty() {
            text.push_str(&format!("nothing differs there, {} the same\n", count(self.unchanged, "product")));
            return text;
        }
        let mut table = Table::new([
            Column::left("PRODUCT"),
            Column::left("CHANGE"),
            Column::left("FROM"),
            Column::left("TO"),
            Column::left("RUNS"),
            Column::text("BECAUSE"),
        ]);
        let mut values = Table::new([
            Column::left("PRODUCT"),
            Column::left("VALUE"),
            Column::text("FROM"),
            Column::text("TO"),
        ]);
        for product in &self.products {
            let tone = match product.change {
                "added" | "raised" | "reconfigured" => Tone::Good,
                _ => Tone::Warn,
            };
            table.row([
                product.product.as_str().into(),
                Cell::mark(tone, product.change),
                version(product.from.as_ref()).into(),
                version(product.to.as_ref()).into(),
                product.running.as_ref().map(ToString::to_string).unwrap_or_default().into(),
                because(product.to.as_ref(), &product.excluded).into(),
            ]);
            for value in &product.values {
                values.row([
                    product.product.as_str().into(),
                    value.path.as_str().into(),
                    value.from.to_string().into(),
                    value.to.to_string().into(),
                ]);
            }
        }
        text.push_str(&format!("\n{}", table.text(look.width)));
        if !values.is_empty() {
            text.push_str(&format!("\n{}", values.text(look.width)));
        }
        text.push_str(&dim(&format!("{} unchanged\n", count(self.unchanged, "product"))));
        text
    }

    fn next(&self) -> Option<String> {
        Some(format!("tidegate plan {} --cluster {}", self.to, self.cluster))
    }
}

fn version(there: Option<&ProductThere>) -> String {
    there.map(|there| there.version.to_string()).unwrap_or_default()
}

/// Why it is so, where it is not simply the release.
fn because(to: Option<&ProductThere>, excluded: &[String]) -> String {
    match to.map(|there| &there.reason) {
        Some(Reason::Release { .. }) => String::new(),
        Some(other) => reason(other),
        None => excluded.join(", "),
    }
}
