//! What time says of pins: which end soon, which have ended, which become older than their clusters
//! allow. What a pin means for a cluster's versions is for `resolve`.

use std::collections::BTreeMap;

use super::{Catalog, fleet};
use crate::diag::{Finding, Findings, codes};
use crate::model::{
    ClusterEntry, ClusterName, Duration, Fleet, Labels, Nearness, OnExpiry, PinFile, time_between,
    whole_second,
};
use crate::yaml::Spanned;

/// That a pin ends within 14, 7 or 1 days.
pub fn ends_soon(pin: &PinFile, now: jiff::Timestamp) -> Option<Finding> {
    let within = match pin.spec.nearness(now) {
        Nearness::Far | Nearness::Ended => return None,
        Nearness::Fortnight => "14 days",
        Nearness::Week => "7 days",
        Nearness::Day => "a day",
    };
    let then = match pin.spec.on_expiry.value {
        OnExpiry::Rejoin => "then lets the release's version go",
        OnExpiry::Block => "then blocks",
    };
    let (name, spec) = (&pin.metadata.name.value, &pin.spec);
    let (product, owner) = (&spec.product.value, &spec.owner.value);
    let message = format!(
        "pin `{name}` of `{product}` ({owner}) ends within {within} ({}) and {then}",
        spec.expires.value
    );
    Some(
        Finding::warning(&codes::PIN_ENDS_SOON, message)
            .at(&spec.expires.place)
            .next(format!("tidegate pin impact {name}")),
    )
}

/// That a pin has ended and its clusters rejoin.
pub fn ended(pin: &PinFile) -> Finding {
    let name = &pin.metadata.name.value;
    Finding::warning(
        &codes::PIN_ENDED,
        format!(
            "pin `{name}` of `{}` ended ({}) and holds no more: the release's version goes",
            pin.spec.product.value, pin.spec.expires.value
        ),
    )
    .at(&pin.spec.expires.place)
    .next(format!("tidegate pin remove {name}"))
}

/// That a pin has ended and its clusters take no release.
pub fn blocks(pin: &PinFile) -> Finding {
    let (name, spec) = (&pin.metadata.name.value, &pin.spec);
    Finding::warning(
        &codes::PIN_BLOCKS,
        format!(
            "pin `{name}` of `{}` ({}) ended ({}) and blocks every release",
            spec.product.value, spec.owner.value, spec.expires.value
        ),
    )
    .at(&spec.expires.place)
    .hint(format!("`tidegate pin remove {name}` lets the release's version go there"))
    .next(format!("tidegate pin extend {name} --until DAY"))
}

/// What time says of every pin of a catalog.
pub fn due(catalog: &Catalog, now: jiff::Timestamp) -> Findings {
    let mut findings = Findings::new();
    for pin in catalog.pins.values().map(|loaded| &loaded.file) {
        findings.extend(match (pin.spec.nearness(now), pin.spec.on_expiry.value) {
            (Nearness::Ended, OnExpiry::Rejoin) => Some(ended(pin)),
            (Nearness::Ended, OnExpiry::Block) => Some(blocks(pin)),
            _ => ends_soon(pin, now),
        });
    }
    findings
}

/// The least age that a cluster's environment and pool allow to its pins, with where it stands.
fn limit<'a>(fleet: &'a Fleet, labels: &Labels) -> Option<&'a Spanned<Duration>> {
    let environment = fleet::environment(fleet, labels).and_then(|(_, set)| set.pin_max_age.as_ref());
    let pool = fleet::pool(fleet, labels).and_then(|(_, set)| set.pin_max_age.as_ref());
    environment.into_iter().chain(pool).min_by_key(|limit| limit.value)
}

/// Pins that become older than their clusters allow, or do not say since when they are there.
pub fn too_old(catalog: &Catalog, members: &BTreeMap<ClusterName, ClusterEntry>) -> Findings {
    let mut findings = Findings::new();
    let Some(fleet) = catalog.fleet.as_ref().map(|loaded| &loaded.file.spec) else { return findings };
    let mut limits: BTreeMap<&ClusterName, (Labels, Option<&Spanned<Duration>>)> = BTreeMap::new();
    for (name, entry) in members.iter().filter(|_| !catalog.pins.is_empty()) {
        let labels = entry.plain_labels();
        let limit = limit(fleet, &labels);
        limits.insert(name, (labels, limit));
    }
    for (id, loaded) in &catalog.pins {
        let pin = &loaded.file.spec;
        let strictest = limits
            .iter()
            .filter(|(name, (labels, _))| pin.selects(name, labels))
            .filter_map(|(name, (_, limit))| Some((*limit)?).map(|limit| (*name, limit)))
            .min_by_key(|(_, limit)| limit.value);
        let Some((cluster, limit)) = strictest else { continue };
        let allowed = format!("`{cluster}` lets a pin be {} old at most", limit.value);
        match &pin.created {
            None => findings.push(
                Finding::error(
                    &codes::PIN_TOO_OLD,
                    format!("the pin `{id}` does not say since when it is there, and {allowed}"),
                )
                .at(&loaded.file.metadata.name.place)
                .related(&limit.place, "the limit")
                .hint("write `created: DAY`, the day on which it was added"),
            ),
            Some(created) => {
                let (created, end) = (created.value.moment(), pin.expires.value.moment());
                if Duration::between(created, end) > limit.value {
                    let age = time_between(created, end);
                    let latest = whole_second(limit.value.after(created));
                    findings.push(
                        Finding::error(
                            &codes::PIN_TOO_OLD,
                            format!("the pin `{id}` would be {age} old at its end, and {allowed}"),
                        )
                        .at(&pin.expires.place)
                        .related(&limit.place, "the limit")
                        .hint(format!("it can end at {latest} at the latest")),
                    );
                }
            }
        }
    }
    findings
}
