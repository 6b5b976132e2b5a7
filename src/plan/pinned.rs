//! What an ended pin means for a plan, if it says `onExpiry: block`: its clusters are planned and
//! take nothing until somebody chooses.

use super::{PlanInput, PlannedObstacle, hotfix};
use crate::catalog::pins;
use crate::diag::{Finding, codes};
use crate::model::ProductName;
use crate::resolve::{DesiredProduct, Reason};

/// What keeps a cluster from being started, given what it shall run.
pub(super) fn obstacle(
    input: &PlanInput<'_>,
    name: &ProductName,
    product: &DesiredProduct,
) -> Option<PlannedObstacle> {
    let Reason::Pin { pin, owner, until } = &product.reason else { return None };
    let ended = |file: &&&crate::model::PinFile| {
        file.metadata.name.value == *pin && file.spec.expires.value.passed(input.now)
    };
    input.pins.iter().find(ended)?;
    Some(PlannedObstacle::PinEnded {
        pin: pin.clone(),
        owner: owner.clone(),
        until: until.clone(),
        product: name.clone(),
        version: product.version.clone(),
    })
}

/// The finding about an obstacle of a plan; the clusters that it is about are added by who collects
/// them.
pub(super) fn finding(input: &PlanInput<'_>, obstacle: &PlannedObstacle) -> Finding {
    match obstacle {
        PlannedObstacle::PinMissesHotfix { .. } => hotfix::finding(obstacle),
        PlannedObstacle::PinEnded { pin, .. } => {
            let file = input.pins.iter().find(|file| file.metadata.name.value == *pin);
            file.map_or_else(
                || Finding::warning(&codes::PIN_BLOCKS, obstacle.to_string()),
                |file| pins::blocks(file),
            )
        }
    }
}
