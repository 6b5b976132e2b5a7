//! How a wave's clusters are cut into pools: by label, by size, or not at all. What is written in
//! percent becomes a number here.

use std::collections::BTreeMap;

use super::partition::{Member, named_twice};
use crate::diag::{Finding, Findings, codes};
use crate::model::{ClusterName, PoolName, Pools, Remainder, Wave};
use crate::resolve::clusters_of;

/// A pool: its name, its cap as a number, and its clusters in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pool {
    pub name: PoolName,
    pub at_once: Option<u32>,
    pub clusters: Vec<usize>,
}

/// Cuts a wave into pools. A wave without clusters has none.
pub(super) fn pools(wave: &Wave, clusters: &[usize], members: &[Member<'_>]) -> (Vec<Pool>, Findings) {
    let mut findings = Findings::new();
    if clusters.is_empty() {
        return (Vec::new(), findings);
    }
    let found = match &wave.pools {
        Some(cut) if !cut.value.select.is_empty() && !cut.value.sizes.is_empty() => {
            findings.push(
                Finding::error(
                    &codes::POOLS_TWO_WAYS,
                    format!("wave `{}` cuts its pools by label and by size", wave.name.value),
                )
                .at(&cut.place)
                .hint("keep one of `select` and `sizes`"),
            );
            Vec::new()
        }
        Some(cut) if !cut.value.select.is_empty() => {
            by_selector(wave, &cut.value, clusters, members, &mut findings)
        }
        Some(cut) if !cut.value.sizes.is_empty() => by_size(wave, &cut.value, clusters, &mut findings),
        other => vec![Pool {
            name: named(wave, ""),
            at_once: other
                .as_ref()
                .and_then(|cut| cut.value.at_once.as_ref())
                .and_then(|cap| cap.value.of(count(clusters.len()))),
            clusters: clusters.to_vec(),
        }],
    };
    (found, findings)
}

fn by_selector(
    wave: &Wave,
    cut: &Pools,
    clusters: &[usize],
    members: &[Member<'_>],
    findings: &mut Findings,
) -> Vec<Pool> {
    findings.extend(named_twice("pools", cut.select.iter().map(|pool| &pool.value.name)));
    let mut taken: Vec<Vec<usize>> = vec![Vec::new(); cut.select.len()];
    let mut twice: BTreeMap<Vec<usize>, Vec<ClusterName>> = BTreeMap::new();
    let mut left: Vec<ClusterName> = Vec::new();
    for at in clusters {
        let Some(member) = members.get(*at) else { continue };
        let takers: Vec<usize> = cut
            .select
            .iter()
            .enumerate()
            .filter(|(_, pool)| pool.value.selector.value.matches(&member.labels))
            .map(|(number, _)| number)
            .collect();
        match takers.as_slice() {
            [] => left.push(member.name().clone()),
            [one] => taken.get_mut(*one).into_iter().for_each(|pool| pool.push(*at)),
            _ => twice.entry(takers).or_default().push(member.name().clone()),
        }
    }
    for (takers, clusters) in twice {
        let pools: Vec<_> = takers.iter().filter_map(|at| cut.select.get(*at)).collect();
        let names: Vec<String> = pools.iter().map(|pool| format!("`{}`", pool.value.name.value)).collect();
        let mut finding = Finding::error(
            &codes::CLUSTER_IN_TWO_WAVES,
            format!(
                "pools {} of wave `{}` all take {}",
                names.join(" and "),
                wave.name.value,
                clusters_of(&clusters)
            ),
        )
        .about(&clusters);
        for (at, pool) in pools.iter().rev().enumerate() {
            let place = &pool.value.selector.place;
            let words = format!("taken by pool `{}`", pool.value.name.value);
            finding = if at == 0 { finding.at(place).label(words) } else { finding.related(place, words) };
        }
        findings.push(finding);
    }
    if !left.is_empty() {
        let place = wave.pools.as_ref().map_or(&wave.name.place, |pools| &pools.place);
        findings.push(
            Finding::error(
                &codes::CLUSTER_IN_NO_WAVE,
                format!("no pool of wave `{}` takes {}", wave.name.value, clusters_of(&left)),
            )
            .at(place)
            .about(&left),
        );
    }
    let pools = cut.select.iter().zip(taken).filter_map(|(pool, clusters)| {
        if clusters.is_empty() {
            findings.push(
                Finding::warning(
                    &codes::EMPTY_POOL,
                    format!("pool `{}` of wave `{}` has no cluster", pool.value.name.value, wave.name.value),
                )
                .at(&pool.value.selector.place),
            );
            return None;
        }
        Some(Pool {
            name: pool.value.name.value.clone(),
            at_once: pool.value.at_once.as_ref().and_then(|cap| cap.value.of(count(clusters.len()))),
            clusters,
        })
    });
    pools.collect()
}

fn by_size(wave: &Wave, cut: &Pools, clusters: &[usize], findings: &mut Findings) -> Vec<Pool> {
    if let Some(none) = cut.sizes.iter().find(|size| size.value == 0) {
        findings.push(
            Finding::error(&codes::POOL_OF_NONE, format!("wave `{}` has a pool of size 0", wave.name.value))
                .at(&none.place),
        );
        return Vec::new();
    }
    // The last size goes on until no cluster is left.
    let mut sizes = cut.sizes.iter().chain(cut.sizes.last().into_iter().cycle());
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut rest = clusters;
    while let (false, Some(size)) = (rest.is_empty(), sizes.next()) {
        let wanted = usize::try_from(size.value).unwrap_or(usize::MAX);
        let (group, after) = rest.split_at(wanted.min(rest.len()));
        rest = after;
        let short = group.len() < wanted && !groups.is_empty();
        match (short, cut.remainder, groups.last_mut()) {
            (true, Remainder::Join, Some(last)) => last.extend_from_slice(group),
            (short, ..) => {
                if short {
                    findings.push(
                        Finding::warning(
                            &codes::SMALL_LAST_POOL,
                            format!(
                                "the last pool of wave `{}` has {}",
                                wave.name.value,
                                crate::diag::count_of(group.len(), wanted, "cluster")
                            ),
                        )
                        .at(&size.place)
                        .hint("with `remainder: join` they join the pool before"),
                    );
                }
                groups.push(group.to_vec());
            }
        }
    }
    groups
        .into_iter()
        .enumerate()
        .map(|(at, clusters)| Pool {
            name: named(wave, &format!("-{}", at + 1)),
            at_once: cut.at_once.as_ref().and_then(|cap| cap.value.of(count(clusters.len()))),
            clusters,
        })
        .collect()
}

/// A pool named after its wave; a wave's name so long that nothing fits behind it is cut.
fn named(wave: &Wave, suffix: &str) -> PoolName {
    let wave = wave.name.value.as_str();
    let room = 63_usize.saturating_sub(suffix.len()).min(wave.len());
    let head = wave.get(..room).unwrap_or(wave).trim_end_matches('-');
    match format!("{head}{suffix}").parse() {
        Ok(name) => name,
        Err(_) => unreachable!("a wave's name and a number make a pool's name"),
    }
}

pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
