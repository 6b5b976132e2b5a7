//! From what was found to new texts: scalars of trees are set and proved by reading the file again, those of
//! plain texts are put in place byte by byte.

use std::sync::Arc;

use super::drafts::{Target, Use, digest_text};
use super::files::View;
use super::types::{Digests, Edit, Part};
use crate::diag::{Finding, Source};
use crate::yaml::edit::{self, Setting};

/// A scalar and its new text.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// Which one.
    pub target: Target,
    /// What it is.
    pub part: Part,
    /// Its new text.
    pub new: String,
}

/// What a place that names the source becomes.
pub(super) fn of(found: &Use, to: &str, digests: &Digests) -> Vec<Change> {
    let version = found.target.iter().map(|target| Change {
        target: target.clone(),
        part: found.part,
        new: found.text_at(to, digests),
    });
    let beside = found.digests.iter().map(|target| Change {
        target: target.clone(),
        part: Part::Digest,
        new: digest_text(&target.text, digests),
    });
    version.chain(beside).filter(|change| change.new != change.target.text).collect()
}

/// The new text of a file, and what changed in it.
///
/// # Errors
/// When more would change than is meant.
pub(super) fn apply(view: &View, changes: &[Change]) -> Result<(String, Vec<Edit>), Box<Finding>> {
    let settings = changes.iter().filter_map(|change| {
        let way = change.target.way.clone()?;
        Some(Setting { way, text: change.new.clone() })
    });
    let settings: Vec<Setting> = settings.collect();
    let text = match view.reading {
        Some(reading) if !settings.is_empty() => edit::set_scalars(&view.source, reading, &settings)?,
        _ => spliced(&view.source, changes),
    };
    let edits = changes.iter().map(|change| Edit {
        place: change.target.place.clone(),
        field: change.target.field.clone(),
        part: change.part,
        old: change.target.text.clone(),
        new: change.new.clone(),
    });
    Ok((text, edits.collect()))
}

/// A text with others at the places of some of its tokens.
fn spliced(source: &Arc<Source>, changes: &[Change]) -> String {
    let mut changes: Vec<&Change> = changes.iter().collect();
    changes.sort_by_key(|change| change.target.place.start());
    let mut new = String::with_capacity(source.text().len());
    let mut done = 0;
    for Change { target, new: text, .. } in changes {
        new.push_str(source.text().get(done..target.place.start()).unwrap_or_default());
        new.push_str(text);
        done = target.place.end();
    }
    new.push_str(source.text().get(done..).unwrap_or_default());
    new
}
