//! What follows from a set of product versions alone: the phases in which they go to a cluster, and
//! what they require of each other and of Kubernetes. Clusters with the same set share it.

use std::collections::BTreeMap;

use super::ProductVersion;
use crate::catalog::graph::Graph;
use crate::diag::{Finding, codes};
use crate::model::ProductName;
use crate::version::{KubeVersion, Version};

/// The order of a set of product versions, and what contradicts it.
#[derive(Debug)]
pub(super) struct Arrangement {
    /// The phase of every product.
    pub phases: BTreeMap<ProductName, u32>,
    /// What is wrong with the set.
    pub problems: Vec<Problem>,
}

/// A contradiction in a set.
#[derive(Debug)]
pub(super) struct Problem {
    /// The same for the same mistake.
    pub key: String,
    /// What it is.
    pub finding: Finding,
    /// The product whose absence it is.
    pub absent: Option<ProductName>,
}

/// One product version of a set, with words for where the version comes from.
pub(super) struct Member<'a> {
    pub name: &'a ProductName,
    pub content: &'a ProductVersion,
    pub version: &'a Version,
    /// `release R42`, `pin PIN-118`, or that it is installed there.
    pub origin: String,
    /// Where the version is written.
    pub place: &'a crate::diag::Place,
}

/// Arranges a set for clusters that serve `kubernetes` (not asked where that is not known).
pub(super) fn arrange(members: &[Member<'_>], kubernetes: Option<&KubeVersion>) -> Arrangement {
    let by_name: BTreeMap<&ProductName, &Member<'_>> = members.iter().map(|m| (m.name, m)).collect();
    let mut problems = Vec::new();
    for member in members {
        let spec = &member.content.file.spec;
        for (required, range) in &spec.requires {
            match by_name.get(&required.value) {
                None => problems.push(Problem {
                    key: format!("missing {} {}", member.name, required.value),
                    absent: Some(required.value.clone()),
                    finding: Finding::error(
                        &codes::REQUIREMENT_ABSENT,
                        format!(
                            "`{}` {} requires `{}`, which is not there",
                            member.name, member.version, required.value
                        ),
                    )
                    .at(&required.place)
                    .label("required here")
                    .related(member.place, format!("version {} by {}", member.version, member.origin)),
                }),
                Some(other) if !range.value.matches(other.version) => problems.push(Problem {
                    key: format!(
                        "range {} {} {} {}",
                        member.name, member.version, required.value, other.version
                    ),
                    absent: None,
                    finding: Finding::error(
                        &codes::REQUIREMENT_UNSATISFIED,
                        format!(
                            "`{}` {} ({}) requires `{}` {}, but {} ({}) would be there",
                            member.name,
                            member.version,
                            member.origin,
                            required.value,
                            range.value,
                            other.version,
                            other.origin
                        ),
                    )
                    .at(&range.place)
                    .label("required here")
                    .related(
                        member.place,
                        format!("`{}` {} by {}", member.name, member.version, member.origin),
                    )
                    .related(other.place, format!("`{}` {} by {}", other.name, other.version, other.origin)),
                }),
                Some(_) => {}
            }
        }
        if let (Some(range), Some(kubernetes)) = (&spec.kubernetes, kubernetes)
            && !range.value.matches(kubernetes)
        {
            problems.push(Problem {
                key: format!("kubernetes {} {} {kubernetes}", member.name, member.version),
                absent: None,
                finding: Finding::error(
                    &codes::KUBERNETES_OUT_OF_RANGE,
                    format!(
                        "`{}` {} ({}) works on Kubernetes {}, but {kubernetes} is served",
                        member.name, member.version, member.origin, range.value
                    ),
                )
                .at(&range.place),
            });
        }
    }
    let graph = Graph::of(members.iter().map(|m| {
        (m.name, m.content.file.spec.requires.keys().map(|required| &required.value).collect::<Vec<_>>())
    }));
    for cycle in graph.cycles() {
        problems.push(circle(&cycle, &by_name));
    }
    Arrangement { phases: graph.phases(), problems }
}

/// A circle of requirements, with the place of every edge.
fn circle(cycle: &[ProductName], by_name: &BTreeMap<&ProductName, &Member<'_>>) -> Problem {
    let mut path: Vec<&str> = cycle.iter().map(ProductName::as_str).collect();
    path.extend(cycle.first().map(ProductName::as_str));
    let path = path.join(" -> ");
    let mut finding =
        Finding::error(&codes::DEPENDENCY_CYCLE, format!("products require each other in a circle ({path})"));
    for (index, name) in cycle.iter().enumerate() {
        let next = cycle.get(index + 1).or_else(|| cycle.first());
        let edge = by_name.get(name).zip(next).and_then(|(member, next)| {
            member.content.file.spec.requires.keys().find(|required| &required.value == next)
        });
        if let Some(edge) = edge {
            finding = match finding.place {
                None => finding.at(&edge.place).label(format!("`{name}` requires `{}`", edge.value)),
                Some(_) => finding.related(&edge.place, format!("`{name}` requires `{}`", edge.value)),
            };
        }
    }
    Problem { key: format!("circle {path}"), finding, absent: None }
}
