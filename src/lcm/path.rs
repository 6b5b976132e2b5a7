//! The way of a Kubernetes cluster to the newest version: no minor may be jumped over
//! (kubernetes.io/releases/version-skew-policy).

use super::version::{Scheme, Version, by_age};

/// The stops on the way from `current`: the newest patch release of each following minor, `step` minors at a
/// time, the current one left out. It ends before a gap that is wider than a step.
pub fn path<'t>(current: &str, tags: &[&'t str], step: u64) -> Vec<&'t str> {
    let scheme = Scheme::Kubernetes;
    let Some(now) = scheme.read(current) else { return Vec::new() };
    let minor = |version: &Version<'_>| version.number(1).value().unwrap_or_default();
    let releases: Vec<(&'t str, Version<'t>)> = tags
        .iter()
        .filter_map(|tag| Some((*tag, scheme.read(tag)?)))
        .filter(|(_, version)| version.stage.is_none() && version.number(0) == now.number(0))
        .collect();
    let newest = |minors: std::ops::RangeInclusive<u64>| {
        let within = releases.iter().filter(|(_, version)| minors.contains(&minor(version)));
        within.max_by(|(one_tag, one), (other_tag, other)| {
            by_age(one, other).then_with(|| other_tag.cmp(one_tag))
        })
    };
    let (mut stops, mut at) = (Vec::new(), minor(&now));
    while let Some((tag, version)) = newest(at + 1..=at.saturating_add(step.max(1))) {
        stops.push(*tag);
        at = minor(version);
    }
    stops
}
