//! One finding for many clusters: what is wrong in the same way on a thousand clusters is said
//! once, with all their names.

use std::collections::BTreeMap;

use crate::diag::{Finding, Findings};
use crate::model::ClusterName;

/// Findings under way, each with the clusters that it is about.
#[derive(Debug, Default)]
pub struct Affected {
    found: BTreeMap<String, (Finding, Vec<ClusterName>)>,
}

impl Affected {
    /// Adds a cluster to the finding under `key`; `finding` makes it if it is the first.
    pub fn add(&mut self, key: String, cluster: &ClusterName, finding: impl FnOnce() -> Finding) {
        self.found.entry(key).or_insert_with(|| (finding(), Vec::new())).1.push(cluster.clone());
    }

    /// The findings, each with ` on cluster ...` behind its sentence, naming all of them.
    pub fn finish(self) -> Findings {
        self.found
            .into_values()
            .map(|(mut finding, clusters)| {
                finding.message = format!("{} on {}", finding.message, clusters_of(&clusters));
                finding.about(clusters)
            })
            .collect()
    }
}

/// "cluster `a`", or "3 clusters: `a`, `b`, `c`"; never cut short.
pub fn clusters_of(names: &[ClusterName]) -> String {
    match names {
        [name] => format!("cluster `{name}`"),
        names => {
            let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("{}: {}", crate::diag::count(names.len(), "cluster"), list.join(", "))
        }
    }
}
