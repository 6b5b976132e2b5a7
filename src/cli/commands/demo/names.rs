//! How many clusters a story has, and what they are called then: a story names some of its clusters, and
//! with another number of them names have more digits, or are not there at all.

use regex::Regex;

use crate::model::scenario::Scenario;

/// The groups of a story with another number of clusters than its own.
#[derive(Debug, Clone, Default)]
pub struct Names {
    groups: Vec<Scaled>,
}

/// One group.
#[derive(Debug, Clone)]
struct Scaled {
    prefix: String,
    clusters: u32,
}

impl Names {
    /// So many clusters in all, in the story's proportions; every group keeps one at least.
    pub fn scaled(story: &Scenario, clusters: u32) -> Self {
        let own: Vec<(String, u32)> = story
            .fleet
            .iter()
            .map(|group| (group.value.name.value.clone(), group.value.clusters.value))
            .collect();
        let all: u32 = own.iter().map(|(_, clusters)| *clusters).sum();
        let wanted = clusters.max(u32::try_from(own.len()).unwrap_or(u32::MAX));
        let mut given = 0;
        let last = own.len().saturating_sub(1);
        let scaled = own.into_iter().enumerate().map(|(at, (prefix, clusters))| {
            let part = u64::from(clusters) * u64::from(wanted) / u64::from(all.max(1));
            let part = u32::try_from(part).unwrap_or(u32::MAX).max(1);
            let clusters = if at == last { wanted.saturating_sub(given).max(1) } else { part };
            given += clusters;
            Scaled { prefix, clusters }
        });
        Self { groups: scaled.collect() }
    }

    /// Gives a story's groups their size.
    pub fn size(&self, story: &mut Scenario) {
        for (group, scaled) in story.fleet.iter_mut().zip(&self.groups) {
            group.value.clusters.value = scaled.clusters;
        }
    }

    /// A text of the story with the names that its clusters have: `prod-3` is `prod-003` among hundred,
    /// and the last one where there are fewer than three.
    pub fn told(&self, text: &str) -> String {
        let mut told = text.to_owned();
        for Scaled { prefix, clusters } in &self.groups {
            let digits = clusters.to_string().len();
            let Ok(named) = Regex::new(&format!(r"\b{}-(\d+)\b", regex::escape(prefix))) else { continue };
            let name = |found: &regex::Captures<'_>| {
                let number = found.get(1).and_then(|n| n.as_str().parse().ok()).unwrap_or(1).min(*clusters);
                format!("{prefix}-{number:0digits$}")
            };
            told = named.replace_all(&told, name).into_owned();
        }
        told
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cli::args::Story;
    use crate::cli::commands::demo::stories::told;
    use crate::sim::scenario;

    fn names(clusters: u32) -> (Scenario, Names) {
        let story = told(Story::Pin);
        let spec = scenario::read("pin", story.scenario.as_bytes()).unwrap().spec;
        let names = Names::scaled(&spec, clusters);
        (spec, names)
    }

    #[test]
    fn a_story_has_as_many_clusters_as_are_asked_for_in_its_proportions() {
        for (wanted, sizes) in
            [(3, [1, 1, 1]), (1, [1, 1, 1]), (6, [1, 2, 3]), (24, [2, 8, 14]), (120, [10, 40, 70])]
        {
            let (mut spec, names) = names(wanted);
            names.size(&mut spec);
            let found: Vec<u32> = spec.fleet.iter().map(|group| group.value.clusters.value).collect();
            assert_eq!(found, sizes, "{wanted}");
        }
    }

    #[test]
    fn the_story_names_clusters_that_are_there() {
        let told = |clusters: u32| names(clusters).1.told("prod-3, nonprod-2, prod-3x");
        assert_eq!(told(12), "prod-3, nonprod-2, prod-3x");
        assert_eq!(told(3), "prod-1, nonprod-1, prod-3x");
        assert_eq!(told(24), "prod-03, nonprod-2, prod-3x");
        assert_eq!(told(120), "prod-03, nonprod-02, prod-3x");
        assert_eq!(Names::default().told("prod-3"), "prod-3");
    }
}
