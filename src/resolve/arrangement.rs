//! What follows from a set of product versions alone: the phases in which they go to a cluster, and
//! what they require of each other and of Kubernetes. Clusters with the same set share it.

use std::collections::BTreeMap;

use super::{ProductVersion, Reason};
use crate::catalog::set::Set;
use crate::diag::{Finding, Place};
use crate::model::ProductName;
use crate::version::{KubeVersion, Version};

/// The order of a set of product versions, and what contradicts it.
#[derive(Debug)]
pub(super) struct Arrangement {
    /// The phase of every product.
    pub phases: BTreeMap<ProductName, u32>,
    /// What is wrong with the set.
    pub problems: Vec<Finding>,
}

/// One product version of a set.
pub(super) struct Member<'a> {
    pub name: &'a ProductName,
    pub content: &'a ProductVersion,
    pub version: &'a Version,
    pub reason: &'a Reason,
    /// Where the version is written.
    pub place: &'a Place,
}

/// Arranges a set for clusters that serve `kubernetes` (not asked where that is not known).
pub(super) fn arrange(
    members: &[Member<'_>],
    kubernetes: Option<&KubeVersion>,
    wanted: &Place,
) -> Arrangement {
    let set = Set {
        whole: "what goes there".to_owned(),
        versions: members.iter().map(|m| (m.name, (m.version, m.place))).collect(),
        contents: members.iter().map(|m| (m.name, &m.content.file.spec)).collect(),
        kubernetes: kubernetes.map(|version| (version, wanted)),
    };
    let problems = set.check().into_iter().map(|problem| with_origins(problem, members)).collect();
    Arrangement { phases: set.graph().phases(), problems }
}

/// Says of every product that a problem names where its version comes from, if not from the
/// release: a pin's owner has to see the pin.
fn with_origins(mut problem: Finding, members: &[Member<'_>]) -> Finding {
    for member in members {
        let words = match member.reason {
            Reason::Release { .. } | Reason::Rollback { .. } => continue,
            Reason::Pin { pin, owner, until } => {
                format!("pin `{pin}` ({owner}, until {until}) holds `{}` at {}", member.name, member.version)
            }
            Reason::Hold { by, .. } => format!("{by} holds `{}` at {}", member.name, member.version),
            Reason::Ahead { release_has } => {
                format!(
                    "`{}` {} runs there already and stays above {release_has}",
                    member.name, member.version
                )
            }
        };
        if names(&problem, member.name) {
            problem = problem.hint(words);
        }
    }
    problem
}

/// Whether a problem's sentence names a product.
pub(super) fn names(problem: &Finding, product: &ProductName) -> bool {
    problem.message.contains(&format!("`{product}`"))
}
