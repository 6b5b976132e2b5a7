//! Which cluster belongs to which wave, and in which order. Every cluster of the fleet is in
//! exactly one wave of the lane, or the plan fails and says which are not.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Finding, Findings, Place, codes};
use crate::model::{
    ClusterEntry, ClusterName, Labels, Lane, Order, OrderKind, PipelineFile, Unassigned, Wave, WaveName,
};
use crate::resolve::clusters_of;
use crate::yaml::Spanned;

/// A cluster of the fleet with its labels at hand.
#[derive(Debug, Clone)]
pub(super) struct Member<'a> {
    pub entry: &'a ClusterEntry,
    pub labels: Labels,
}

impl Member<'_> {
    pub fn name(&self) -> &ClusterName {
        &self.entry.name.value
    }
}

/// The waves of a lane, each with its clusters in order (indices into the members).
#[derive(Debug)]
pub(super) struct Partition<'a> {
    pub waves: Vec<(&'a Spanned<Wave>, Vec<usize>)>,
    /// Clusters that no wave takes.
    pub unassigned: Vec<ClusterName>,
}

/// Cuts the fleet into the waves of a lane.
pub(super) fn partition<'a>(
    pipeline: &'a PipelineFile,
    lane: Lane,
    members: &[Member<'_>],
) -> (Partition<'a>, Findings) {
    let mut findings = Findings::new();
    let spec = &pipeline.spec;
    let index: BTreeMap<&ClusterName, usize> =
        members.iter().enumerate().map(|(at, member)| (member.name(), at)).collect();
    let order = Ordering::of(spec.order.as_ref(), members, &mut findings);
    let mut takers: Vec<Vec<usize>> = vec![Vec::new(); members.len()];
    let mut absent: BTreeSet<&ClusterName> = BTreeSet::new();
    let mut waves = Vec::new();
    let of_lane = waves_of(pipeline, lane, &mut findings);
    findings.extend(named_twice("waves", of_lane.iter().map(|wave| &wave.value.name)));
    for (number, wave) in of_lane.into_iter().enumerate() {
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        let mut clusters = Vec::new();
        for name in &wave.value.clusters {
            match index.get(&name.value) {
                Some(at) if taken.insert(*at) => clusters.push(*at),
                Some(_) => {}
                None if absent.insert(&name.value) => {
                    findings.push(unknown_cluster(name, &wave.value, index.keys().copied()));
                }
                None => {}
            }
        }
        if let Some(selector) = &wave.value.selector {
            let mut matched: Vec<usize> = members
                .iter()
                .enumerate()
                .filter(|(at, member)| !taken.contains(at) && selector.value.matches(&member.labels))
                .map(|(at, _)| at)
                .collect();
            matched.sort_by(|a, b| order.compare(*a, *b));
            clusters.append(&mut matched);
        }
        for at in &clusters {
            if let Some(takers) = takers.get_mut(*at) {
                takers.push(number);
            }
        }
        waves.push((wave, clusters));
    }
    in_two(&waves, &takers, members, &mut findings);
    let unassigned = in_none(pipeline, lane, &takers, members, &mut findings);
    (Partition { waves, unassigned }, findings)
}

/// The waves of a lane in order; `normal` is all of them if the pipeline does not say.
fn waves_of<'a>(pipeline: &'a PipelineFile, lane: Lane, findings: &mut Findings) -> Vec<&'a Spanned<Wave>> {
    let spec = &pipeline.spec;
    let Some((_, names)) = spec.lanes.iter().find(|(name, _)| name.value == lane) else {
        return if lane == Lane::Normal { spec.waves.iter().collect() } else { Vec::new() };
    };
    let mut waves = Vec::new();
    for name in names {
        match spec.waves.iter().find(|wave| wave.value.name == *name) {
            Some(wave) => waves.push(wave),
            None => findings.push(
                Finding::error(
                    &codes::UNKNOWN_WAVE,
                    format!("lane `{lane}` names the wave `{}`, which there is not", name.value),
                )
                .at(&name.place)
                .did_you_mean(name.as_str(), spec.waves.iter().map(|wave| wave.value.name.as_str())),
            ),
        }
    }
    waves
}

/// The waves of a lane with their clusters, as a plan would take them; what is wrong with the
/// pipeline is for `check` and for the plan.
pub fn waves<'a>(
    pipeline: &PipelineFile,
    lane: Lane,
    clusters: impl IntoIterator<Item = &'a ClusterEntry>,
) -> Vec<(WaveName, Vec<ClusterName>)> {
    let members: Vec<Member<'_>> =
        clusters.into_iter().map(|entry| Member { entry, labels: entry.plain_labels() }).collect();
    let (found, _) = partition(pipeline, lane, &members);
    let named =
        |taken: Vec<usize>| taken.into_iter().filter_map(|at| members.get(at)).map(|m| m.name().clone());
    found
        .waves
        .into_iter()
        .map(|(wave, taken)| (wave.value.name.value.clone(), named(taken).collect()))
        .collect()
}

/// Names that two of a kind have: tags, approvals and the journal know them by their names alone.
pub(super) fn named_twice<'n, N: Ord + std::fmt::Display + 'n>(
    what: &str,
    names: impl IntoIterator<Item = &'n Spanned<N>>,
) -> Findings {
    let mut seen: BTreeMap<&N, &Place> = BTreeMap::new();
    let mut findings = Findings::new();
    for name in names {
        if let Some(first) = seen.insert(&name.value, &name.place) {
            findings.push(
                Finding::error(&codes::DUPLICATE_NAME, format!("two {what} are called `{}`", name.value))
                    .at(&name.place)
                    .related(first, "the first one"),
            );
        }
    }
    findings
}

fn unknown_cluster<'n>(
    name: &Spanned<ClusterName>,
    wave: &Wave,
    known: impl Iterator<Item = &'n ClusterName>,
) -> Finding {
    Finding::error(
        &codes::UNKNOWN_CLUSTER,
        format!("wave `{}` names the cluster `{}`, which is not in the fleet", wave.name.value, name.value),
    )
    .at(&name.place)
    .did_you_mean(name.as_str(), known.map(ClusterName::as_str))
    .about([&name.value])
}

/// Clusters that several waves take: one finding for each set of waves, naming all its clusters.
fn in_two(
    waves: &[(&Spanned<Wave>, Vec<usize>)],
    takers: &[Vec<usize>],
    members: &[Member<'_>],
    findings: &mut Findings,
) {
    let mut doubled: BTreeMap<&[usize], Vec<ClusterName>> = BTreeMap::new();
    for (member, takers) in members.iter().zip(takers).filter(|(_, takers)| takers.len() > 1) {
        doubled.entry(takers).or_default().push(member.name().clone());
    }
    for (takers, clusters) in doubled {
        let waves: Vec<&Wave> =
            takers.iter().filter_map(|at| waves.get(*at)).map(|(w, _)| &w.value).collect();
        let names: Vec<String> = waves.iter().map(|wave| format!("`{}`", wave.name.value)).collect();
        let mut finding = Finding::error(
            &codes::CLUSTER_IN_TWO_WAVES,
            format!("waves {} all take {}", names.join(" and "), clusters_of(&clusters)),
        )
        .about(&clusters);
        for (at, wave) in waves.iter().rev().enumerate() {
            let place = where_taken(wave, &clusters);
            let words = format!("taken by wave `{}`", wave.name.value);
            finding = if at == 0 { finding.at(place).label(words) } else { finding.related(place, words) };
        }
        findings.push(finding);
    }
}

/// Where a wave takes these clusters: by name, else by its selector.
fn where_taken<'w>(wave: &'w Wave, clusters: &[ClusterName]) -> &'w Place {
    let named = wave.clusters.iter().find(|name| clusters.contains(&name.value)).map(|name| &name.place);
    named.or(wave.selector.as_ref().map(|s| &s.place)).unwrap_or(&wave.name.place)
}

/// Clusters that no wave takes: an error that lists them all, unless the pipeline leaves them out. A
/// hotfix goes where its lane leads; the others get what it mends with a later release.
fn in_none(
    pipeline: &PipelineFile,
    lane: Lane,
    takers: &[Vec<usize>],
    members: &[Member<'_>],
    findings: &mut Findings,
) -> Vec<ClusterName> {
    let left: Vec<ClusterName> = members
        .iter()
        .zip(takers)
        .filter(|(_, takers)| takers.is_empty())
        .map(|(member, _)| member.name().clone())
        .collect();
    if left.is_empty() {
        return left;
    }
    let name = &pipeline.metadata.name;
    findings.push(match pipeline.spec.unassigned {
        _ if lane == Lane::Hotfix => Finding::info(
            &codes::LEFT_OUT,
            format!("no wave of the lane `hotfix` takes {}: left out", clusters_of(&left)),
        )
        .at(&name.place)
        .about(&left),
        Unassigned::Error => Finding::error(
            &codes::CLUSTER_IN_NO_WAVE,
            format!("no wave of pipeline `{}` takes {}", name.value, clusters_of(&left)),
        )
        .at(&name.place)
        .hint("give each a wave, or write `unassigned: exclude` to leave them out")
        .about(&left),
        Unassigned::Exclude => Finding::warning(
            &codes::LEFT_OUT,
            format!("no wave takes {}: left out by `unassigned: exclude`", clusters_of(&left)),
        )
        .at(&name.place)
        .about(&left),
    });
    left
}

/// How clusters compare: by the order label, a missing one last, then by name.
struct Ordering {
    /// Position by member index.
    ranks: Vec<usize>,
}

impl Ordering {
    fn of(order: Option<&Order>, members: &[Member<'_>], findings: &mut Findings) -> Self {
        let mut sorted: Vec<(Rank<'_>, &ClusterName, usize)> = members
            .iter()
            .enumerate()
            .map(|(at, member)| {
                let rank = order.map_or(Rank::Missing, |order| Rank::of(order, member, findings));
                (rank, member.name(), at)
            })
            .collect();
        sorted.sort();
        let mut ranks = vec![0; members.len()];
        for (position, (_, _, at)) in sorted.into_iter().enumerate() {
            if let Some(rank) = ranks.get_mut(at) {
                *rank = position;
            }
        }
        Self { ranks }
    }

    fn compare(&self, a: usize, b: usize) -> std::cmp::Ordering {
        self.ranks.get(a).cmp(&self.ranks.get(b))
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank<'m> {
    Number(i64),
    Text(&'m str),
    Missing,
}

impl<'m> Rank<'m> {
    fn of(order: &Order, member: &'m Member<'_>, findings: &mut Findings) -> Self {
        let Some(value) = member.labels.get(&order.label.value) else { return Self::Missing };
        match order.kind {
            OrderKind::Text => Self::Text(value),
            OrderKind::Integer => match value.parse() {
                Ok(number) => Self::Number(number),
                Err(_) => {
                    let label = member.entry.labels.iter().find(|(name, _)| name.value == order.label.value);
                    let place = label.map_or(&member.entry.name.place, |(_, value)| &value.place);
                    findings.push(
                        Finding::error(
                            &codes::ORDER_NOT_INTEGER,
                            format!(
                                "cluster `{}` has `{}: {value}`, and the pipeline orders by it as integer",
                                member.name(),
                                order.label.value
                            ),
                        )
                        .at(place)
                        .related(&order.label.place, "ordered by this label")
                        .hint("write a whole number, take the label away (it then sorts last), or order `as: text`")
                        .about([member.name()]),
                    );
                    Self::Missing
                }
            },
        }
    }
}
