//! The rules between a release and its ancestors: what it may lower, remove and leave out, and what
//! a hotfix owes. They hold before and after a release was cut.

use std::collections::BTreeSet;

use crate::diag::{Finding, Findings, codes};
use crate::model::{Lane, ProductName, Release, ReleaseId};
use crate::yaml::Spanned;

use super::super::Catalog;
use super::contains::{Family, Missing, version};

/// The releases that a release follows, nearest first; each once, also when they go in a circle.
pub fn ancestors<'a>(catalog: &'a Catalog, id: &ReleaseId) -> Vec<&'a ReleaseId> {
    Family::of(catalog).ancestors(id)
}

/// The hotfixes that a release contains: those among its ancestors, those that it or an ancestor
/// lists in `includes`, and those that these contain.
pub fn contained_hotfixes<'a>(catalog: &'a Catalog, id: &ReleaseId) -> BTreeSet<&'a ReleaseId> {
    Family::of(catalog).contained_hotfixes(id)
}

/// What is wrong with one release among the others.
pub fn rules(catalog: &Catalog, id: &ReleaseId) -> Findings {
    let mut findings = Findings::new();
    let Some(loaded) = catalog.releases.get(id) else { return findings };
    let spec = &loaded.spec;
    if spec.products.is_empty() {
        findings.push(
            Finding::warning(&codes::EMPTY_RELEASE, format!("the release `{id}` has no products"))
                .at(&loaded.metadata.name.place),
        );
    }
    for name in spec.products.keys() {
        if is_reserved(name.as_str()) {
            findings.push(reserved(name));
        }
    }
    references(catalog, id, spec, &mut findings);
    let parent = spec.parent.as_ref().and_then(|parent| catalog.releases.get(&parent.value));
    against_parent(id, spec, parent.map(|loaded| &loaded.file.spec), &mut findings);
    of_hotfix(catalog, id, spec, &mut findings);
    let family = Family::of(catalog);
    has_what_was_raised(&family, id, spec, &mut findings);
    findings.extend(misses(catalog, &family, id, spec));
    findings
}

/// Names that no product may have.
pub(crate) fn is_reserved(name: &str) -> bool {
    matches!(name, "release" | "kubernetes")
}

/// The finding about a product with a reserved name.
pub(crate) fn reserved(name: &Spanned<ProductName>) -> Finding {
    let finding = Finding::error(&codes::RESERVED_NAME, format!("no product may be called `{}`", name.value))
        .at(&name.place);
    if name.as_str() == "kubernetes" {
        finding.hint("the Kubernetes version of a release is `spec.kubernetes`")
    } else {
        finding
    }
}

fn references(catalog: &Catalog, id: &ReleaseId, spec: &Release, findings: &mut Findings) {
    let known = || catalog.releases.keys().map(ReleaseId::as_str);
    let unreadable = |id: &ReleaseId| catalog.is_unreadable(&format!("releases/{id}.yaml"));
    for other in spec.parent.iter().chain(&spec.includes) {
        if !catalog.releases.contains_key(&other.value) && !unreadable(&other.value) {
            findings.push(
                Finding::error(&codes::UNKNOWN_RELEASE, format!("there is no release `{}`", other.value))
                    .at(&other.place)
                    .did_you_mean(other.as_str(), known()),
            );
        }
    }
    for included in &spec.includes {
        let lane = catalog.releases.get(&included.value).map(|loaded| loaded.spec.lane.value);
        if lane == Some(Lane::Normal) {
            findings.push(
                Finding::error(&codes::BAD_HOTFIX, format!("`{}` is no hotfix", included.value))
                    .at(&included.place)
                    .label("`includes` lists releases of the lane `hotfix`"),
            );
        }
    }
    let line = ancestors(catalog, id);
    let end =
        line.last().and_then(|last| catalog.releases.get(*last)).map_or(spec, |loaded| &loaded.file.spec);
    if let (Some(back), Some(parent)) = (&end.parent, &spec.parent)
        && back.value == *id
    {
        let path: Vec<&str> =
            [id].into_iter().chain(line.iter().copied()).chain([id]).map(ReleaseId::as_str).collect();
        findings.push(
            Finding::error(
                &codes::RELEASE_CYCLE,
                format!("`{id}` is its own ancestor: {}", path.join(" -> ")),
            )
            .at(&parent.place),
        );
    }
}

fn against_parent(id: &ReleaseId, spec: &Release, parent: Option<&Release>, findings: &mut Findings) {
    for removed in &spec.removes {
        let wrong = |message: String| Finding::error(&codes::REMOVES_WRONGLY, message).at(&removed.place);
        if let Some(still) = version(spec, &removed.value) {
            findings.push(
                wrong(format!("`{id}` removes `{}` and has it", removed.value))
                    .related(&still.place, "it has it here"),
            );
        } else if spec.parent.is_none() {
            findings.push(
                wrong(format!("`{id}` removes `{}` and has no parent", removed.value))
                    .label("there is nothing that it could be removed from"),
            );
        } else if let Some(parent) = parent
            && version(parent, &removed.value).is_none()
        {
            let known = parent.products.keys().map(|name| name.value.as_str());
            findings.push(
                wrong(format!("`{id}` removes `{}`, which its parent has not", removed.value))
                    .did_you_mean(removed.as_str(), known),
            );
        }
    }
    for lowered in &spec.lowers {
        if version(spec, &lowered.value).is_none() {
            let known = spec.products.keys().map(|name| name.value.as_str());
            findings.push(
                Finding::error(
                    &codes::REMOVES_WRONGLY,
                    format!("`{id}` lowers `{}` and has it not", lowered.value),
                )
                .at(&lowered.place)
                .did_you_mean(lowered.as_str(), known),
            );
        }
    }
    let Some(parent) = parent else { return };
    for (name, old) in &parent.products {
        let removes = spec.removes.iter().any(|removed| removed.value == name.value);
        let lowers = spec.lowers.iter().any(|lowered| lowered.value == name.value);
        match version(spec, &name.value) {
            Some(new) if new.value < old.value && !lowers => findings.push(
                Finding::error(
                    &codes::LOWERS_SILENTLY,
                    format!("`{}` goes back from {} to {}", name.value, old.value, new.value),
                )
                .at(&new.place)
                .related(&old.place, "the parent's version")
                .hint(format!("if it is meant, add `lowers: [{}]`", name.value)),
            ),
            None if !removes => {
                if let Some(place) = spec.parent.as_ref().map(|parent| &parent.place) {
                    findings.push(
                        Finding::warning(
                            &codes::DROPS_PRODUCT,
                            format!("`{id}` leaves out `{}` of its parent", name.value),
                        )
                        .at(place)
                        .related(&name.place, "the parent has it here")
                        .hint(format!("add it to `products`, or `removes: [{}]`", name.value)),
                    );
                }
            }
            _ => {}
        }
    }
}

/// What a hotfix owes: a parent, and the minor of Kubernetes that this one has.
fn of_hotfix(catalog: &Catalog, id: &ReleaseId, spec: &Release, findings: &mut Findings) {
    let parent = spec.parent.as_ref().and_then(|parent| catalog.releases.get(&parent.value));
    if spec.lane.value == Lane::Hotfix {
        // That the first wave of the lane holds a cluster that runs the parent needs what was
        // observed in the clusters: the plan asks it.
        if spec.parent.is_none() {
            findings.push(
                Finding::error(&codes::BAD_HOTFIX, format!("the hotfix `{id}` has no parent"))
                    .at(&spec.lane.place)
                    .label("a hotfix says which release it mends"),
            );
        }
        if let Some(parent) = parent
            && parent.spec.kubernetes.value.minor() != spec.kubernetes.value.minor()
        {
            findings.push(
                Finding::error(
                    &codes::BAD_HOTFIX,
                    format!(
                        "the hotfix `{id}` moves Kubernetes from {} to {}",
                        parent.spec.kubernetes.value, spec.kubernetes.value
                    ),
                )
                .at(&spec.kubernetes.place)
                .related(&parent.spec.kubernetes.place, "the parent's version"),
            );
        }
    }
}

/// Each product that a contained hotfix raised is at least as high, and is there at all unless it
/// was taken away on purpose.
fn has_what_was_raised(family: &Family<'_>, id: &ReleaseId, spec: &Release, findings: &mut Findings) {
    let removed = |name: &ProductName| {
        let line = family.ancestors(id).into_iter().filter_map(|id| family.release(id));
        line.chain([spec]).any(|release| release.removes.iter().any(|removed| removed.value == *name))
    };
    for hotfix in family.contained_hotfixes(id) {
        // Where the hotfix comes in: listed here, or by way of the parent or another hotfix.
        let brings = spec.includes.iter().find(|other| family.contains(&other.value, hotfix));
        let place = brings.or(spec.parent.as_ref()).map(|by| &by.place);
        for (name, raised) in family.raised(hotfix) {
            match (version(spec, name), place) {
                (Some(own), _) if own.value < raised.value => findings.push(
                    Finding::error(
                        &codes::MISSES_HOTFIX,
                        format!("`{id}` contains the hotfix `{hotfix}` and has `{name}` {}", own.value),
                    )
                    .at(&own.place)
                    .label(format!("the hotfix raised it to {}", raised.value))
                    .related(&raised.place, "raised here")
                    .hint(format!("raise it to {} or higher", raised.value)),
                ),
                (None, Some(place)) if !removed(name) => findings.push(
                    Finding::error(
                        &codes::MISSES_HOTFIX,
                        format!("`{id}` contains the hotfix `{hotfix}` and has no `{name}`"),
                    )
                    .at(place)
                    .label(format!("the hotfix brought it as {}", raised.value))
                    .related(&raised.place, "brought here")
                    .hint(format!("add `{name}: {}` or higher to `products`", raised.value)),
                ),
                _ => {}
            }
        }
    }
}

/// The hotfixes that a release misses, said once: at the last release of each line, since only one
/// that is yet to be written can mend it.
fn misses(catalog: &Catalog, family: &Family<'_>, id: &ReleaseId, spec: &Release) -> Findings {
    let missing = family.missing(id);
    let last = || !catalog.releases.keys().any(|other| family.contained(other).contains(id));
    if missing.is_empty() || !last() {
        return Findings::new();
    }
    let cut = catalog.releases.get(id).is_some_and(|loaded| loaded.file.lock.is_some());
    let tips = family.to_include(&missing);
    let list = tips.iter().map(|tip| tip.as_str()).collect::<Vec<_>>().join(", ");
    let one = |Missing { hotfix, mends, raised }: &Missing<'_>| {
        let place = spec.parent.as_ref().map_or(&spec.lane.place, |parent| &parent.place);
        let mut finding = Finding::warning(
            &codes::MISSING_HOTFIX,
            format!("`{id}` misses the hotfix `{hotfix}` of `{mends}`"),
        )
        .at(place)
        .label(format!("clusters that run `{hotfix}` do not take it"));
        if let Some(place) = family.release(hotfix).map(|hotfix| &hotfix.lane.place) {
            finding = finding.related(place, "the hotfix");
        }
        let low: Vec<String> = raised
            .iter()
            .filter(|(name, raised)| version(spec, name).is_none_or(|own| own.value < raised.value))
            .map(|(name, raised)| format!("`{name}` to {}", raised.value))
            .collect();
        if !cut {
            finding = finding.hint(if low.is_empty() {
                format!("add `includes: [{list}]`")
            } else {
                format!("add `includes: [{list}]`, and raise {} or higher", low.join(", "))
            });
            return finding;
        }
        let includes: String = tips.iter().map(|tip| format!(" --include {tip}")).collect();
        finding.next(format!("tidegate release hotfix {id}{includes} --lane normal"))
    };
    missing.iter().map(one).collect()
}
