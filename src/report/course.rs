//! The course that an upgrade takes through the fleet: the waves of the pipeline with their clusters and soaks,
//! how long past work of this kind took, and the calendar. What is not known is assumed, and told as that.

use std::collections::BTreeMap;

use super::estimate;
use crate::catalog::Catalog;
use crate::diag::count;
use crate::lcm::support::course::{Course, CourseWave};
use crate::model::{ClusterEntry, ClusterName, Duration, Lane, PipelineFile, PipelineName, WaveName};
use crate::plan;
use crate::rollout::FleetState;

/// How long the work of a wave takes where nothing is known of past work.
const ASSUMED: Duration = Duration::hours(24);

/// How many clusters of a wave are worked on at once where the pipeline does not say: the first wave's and the
/// others'.
const AT_ONCE: (u32, u32) = (1, 4);

/// The pipeline whose waves count, where there are several.
const USUAL: &str = "main";

/// The course of the normal lane, by the files and what the journal knows, if there is one.
pub fn of(
    catalog: &Catalog,
    members: &BTreeMap<ClusterName, ClusterEntry>,
    state: Option<&FleetState>,
) -> Course {
    let calendar = catalog.calendar.as_ref().map(|loaded| loaded.file.spec.clone()).unwrap_or_default();
    let lane = Lane::Normal;
    let Some((name, pipeline)) = pipeline(catalog) else {
        let basis = "no pipeline says its waves: a day for each minor is assumed".to_owned();
        return Course { lane, waves: Vec::new(), calendar, basis };
    };
    let planned = plan::waves(pipeline, lane, members.values());
    let (names, groups): (Vec<WaveName>, Vec<(Vec<ClusterName>, usize)>) = planned
        .into_iter()
        .enumerate()
        .filter(|(_, (_, clusters))| !clusters.is_empty())
        .map(|(number, (wave, clusters))| {
            let cap = at_once(pipeline, &wave, number, clusters.len());
            (wave, (clusters, cap))
        })
        .unzip();
    let known = state.and_then(|state| estimate::of_groups(state, &groups));
    let (work, past_runs) = known.unwrap_or_else(|| (vec![ASSUMED; names.len()], 0));
    let labels = |name: &ClusterName| Some((name.clone(), members.get(name)?.plain_labels()));
    let wave =
        |((name, (clusters, _)), work): ((WaveName, &(Vec<ClusterName>, usize)), Duration)| CourseWave {
            soak: soak(pipeline, &name),
            name,
            clusters: clusters.iter().filter_map(labels).collect(),
            work,
        };
    let waves: Vec<CourseWave> = names.into_iter().zip(&groups).zip(work).map(wave).collect();
    let basis = basis(name, &waves, past_runs);
    Course { lane, waves, calendar, basis }
}

/// The only pipeline, or of several the usual one, else the first.
fn pipeline(catalog: &Catalog) -> Option<(&PipelineName, &PipelineFile)> {
    let mut all = catalog.pipelines.iter();
    let usual = catalog.pipelines.iter().find(|(name, _)| name.as_str() == USUAL);
    usual.or_else(|| all.next()).map(|(name, loaded)| (name, &loaded.file))
}

/// How many clusters of a wave are worked on at once.
fn at_once(pipeline: &PipelineFile, name: &WaveName, number: usize, size: usize) -> usize {
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    let wave = pipeline.spec.waves.iter().find(|wave| wave.value.name.value == *name);
    let usual = if number == 0 { AT_ONCE.0 } else { AT_ONCE.1 };
    let own = wave.and_then(|wave| wave.value.at_once.as_ref());
    let own = own.map_or(Some(usual), |cap| cap.value.of(size));
    let whole = pipeline.spec.at_once.as_ref().and_then(|cap| cap.value.of(size));
    let least = [own, whole].into_iter().flatten().min();
    least.map_or(usize::MAX, |cap| usize::try_from(cap).unwrap_or(usize::MAX))
}

fn soak(pipeline: &PipelineFile, name: &WaveName) -> Duration {
    let wave = pipeline.spec.waves.iter().find(|wave| wave.value.name.value == *name);
    wave.and_then(|wave| wave.value.soak.as_ref()).map_or(Duration::ZERO, |soak| soak.value.length.value)
}

/// What the lengths rest on.
fn basis(pipeline: &PipelineName, waves: &[CourseWave], past_runs: usize) -> String {
    if waves.is_empty() {
        return format!("no wave of `{pipeline}` has a cluster: a day for each minor is assumed");
    }
    let soak = waves.iter().fold(0_u64, |sum, wave| sum.saturating_add(wave.soak.as_seconds()));
    let soak = match soak {
        0 => String::new(),
        soak => format!(" with {} of soak", Duration::seconds(soak)),
    };
    let work = match past_runs {
        0 => "a day of work in each is assumed".to_owned(),
        runs => format!("work as long as in {}", count(runs, "past run")),
    };
    format!("{} of `{pipeline}`{soak}, {work}", count(waves.len(), "wave"))
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;
