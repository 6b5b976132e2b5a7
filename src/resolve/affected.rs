//! One finding for many clusters: what is wrong in the same way on a thousand clusters is said
//! once, with all their names.

use std::collections::BTreeMap;

use crate::diag::{Finding, Findings};
use crate::model::ClusterName;

/// How many clusters a sentence names.
const SHOWN: usize = 5;

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
    listed(names, names.len())
}

/// As [`clusters_of`], and of many only the first, with how many more there are. The finding lists all
/// of them ([`Finding::about`]).
pub fn first_clusters_of(names: &[ClusterName]) -> String {
    listed(names, SHOWN)
}

fn listed(names: &[ClusterName], shown: usize) -> String {
    match names {
        [name] => format!("cluster `{name}`"),
        names => {
            let list: Vec<String> = names.iter().take(shown).map(|name| format!("`{name}`")).collect();
            let more = match names.len().saturating_sub(shown) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{}: {}{more}", crate::diag::count(names.len(), "cluster"), list.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_sentence_names_five_clusters_and_counts_the_others() {
        let told = |n: usize| {
            let names: Vec<ClusterName> = (1..=n).map(|n| format!("c{n}").parse().unwrap()).collect();
            first_clusters_of(&names)
        };
        assert_eq!(told(1), "cluster `c1`");
        assert_eq!(told(5), "5 clusters: `c1`, `c2`, `c3`, `c4`, `c5`");
        assert_eq!(told(33), "33 clusters: `c1`, `c2`, `c3`, `c4`, `c5` and 28 more");
    }
}
