//! A pin that gets a later end. Everything else of its file stays, comments too.

use serde::Serialize;

use crate::diag::{Finding, Findings, codes};
use crate::model::{ClusterEntry, Expiry, PinId};
use crate::yaml::edit::set_scalar;

use super::pins::{PinRow, looked_at, row, unknown_pin};
use super::{RepoError, Repository, read, writing};

/// A pin that got a later end.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PinExtended {
    /// As in the list.
    pub pin: PinRow,
    /// Its end until now, as written.
    pub before: String,
    /// Its file.
    pub file: String,
    /// Warnings.
    pub findings: Findings,
}

/// Writes a later end into a pin's file.
///
/// `sourced` are the clusters of the fleet's source, if it has one.
///
/// # Errors
/// When there is no such pin, the end has passed or is not later than the one before, or the pin
/// would become older than its clusters allow; nothing is written then.
pub async fn pin_extend(
    repo: &Repository,
    id: &PinId,
    until: Expiry,
    sourced: Vec<ClusterEntry>,
    now: jiff::Timestamp,
) -> Result<PinExtended, RepoError> {
    let before = read::sound(repo).await?;
    let Some(loaded) = before.pins.get(id) else { return Err(unknown_pin(&before, id).into()) };
    let old = &loaded.spec.expires;
    if let Some(finding) = writing::passed(&until, now) {
        return Err(finding.into());
    }
    if until.moment() <= old.value.moment() {
        return Err(Finding::error(
            &codes::EXPIRY_PASSED,
            format!("the end {until} is not later than {}, at which `{id}` ends", old.value),
        )
        .at(&old.place)
        .hint(format!("to end it earlier: `tidegate pin remove {id}`"))
        .into());
    }
    let text = set_scalar(&loaded.source, &old.place, &until.to_string())?;
    let file = format!("pipelines/pins/{id}.yaml");
    let (catalog, members, findings) = looked_at(repo, &file, &text, sourced).await?;
    let Some(pin) = row(&catalog, id, &members, now) else { return Err(unknown_pin(&catalog, id).into()) };
    let written = old.value.to_string();
    repo.trees.write(&file, &text).await?;
    Ok(PinExtended { pin, before: written, file, findings })
}
