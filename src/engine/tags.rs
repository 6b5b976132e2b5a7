//! Wave tags in git: `release/ID/WAVE` on the commit that holds the locked release, annotated with
//! the digests that were rolled out. A tag is found by its name, so that making one again after a
//! crash makes nothing twice.

use crate::digest::Digest;
use crate::model::{ReleaseId, WaveName};
use crate::plan::Plan;
use crate::port::{Fault, Git, GitTag};

/// What a tag records, beside the commit it names.
pub struct WaveTag<'a> {
    /// The plan that was rolled out.
    pub plan: &'a Plan,
    /// The wave that is done.
    pub wave: &'a WaveName,
    /// The wave's digest.
    pub wave_digest: Digest,
    /// The rollout's id.
    pub rollout: &'a str,
    /// The hash of the journal's last event.
    pub journal_head: Digest,
    /// Sentences that must be seen, such as raised budgets.
    pub notes: Vec<String>,
}

/// The tag's name, before any number.
pub fn name(release: &ReleaseId, wave: &WaveName) -> String {
    format!("release/{release}/{wave}")
}

/// Makes the tag, or finds it made already with the same wave digest; a tag of that name with
/// another digest stays, and the new one gets a number (`release/R42/prod.2`).
///
/// # Errors
/// When git fails.
pub async fn make(git: &dyn Git, tag: &WaveTag<'_>) -> Result<GitTag, Fault> {
    let base = name(&tag.plan.release.id, tag.wave);
    let mut number = 1_u32;
    loop {
        let name = if number == 1 { base.clone() } else { format!("{base}.{number}") };
        match git.tag(&name).await? {
            None => {
                let message = message(tag);
                git.create_tag(&name, &tag.plan.commit, &message).await?;
                return Ok(GitTag { name, commit: tag.plan.commit.clone(), message: Some(message) });
            }
            Some(found) if recorded_wave(&found) == Some(tag.wave_digest) => return Ok(found),
            Some(_) => number += 1,
        }
    }
}

fn message(tag: &WaveTag<'_>) -> String {
    let plan = tag.plan;
    let mut text = format!(
        "{} {}\n\nrelease: {}\nplan: {}\nwave: {}\nrollout: {}\njournal: {}\n",
        plan.release.id,
        tag.wave,
        plan.release.digest,
        plan.digest,
        tag.wave_digest,
        tag.rollout,
        tag.journal_head
    );
    for note in &tag.notes {
        text.push_str("note: ");
        text.push_str(note);
        text.push('\n');
    }
    text
}

/// The wave digest that a tag's message records.
fn recorded_wave(tag: &GitTag) -> Option<Digest> {
    tag.message.as_ref()?.lines().find_map(|line| line.strip_prefix("wave: ")?.trim().parse().ok())
}
