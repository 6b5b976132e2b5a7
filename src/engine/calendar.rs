//! The calendar as committed: read again and again while somebody drives, and recorded when it says
//! something else. What it means for a cluster is for the core.

use std::time::Duration;

use crate::catalog;
use crate::journal::Body;
use crate::model::{Calendar, Tree};
use crate::port::Fault;
use crate::rollout::FleetState;

use super::world::World;

/// How often the calendar is read while nothing is to be started.
pub const READ_EVERY: Duration = Duration::from_secs(60);

/// How old the last look may be when something is to be started.
const FRESH: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// The file within `pipelines`.
const FILE: &str = "calendar.yaml";

/// Who keeps the recorded calendar in step with the last commit.
#[derive(Default)]
pub struct Calendars {
    looked: Option<jiff::Timestamp>,
    commit: Option<String>,
}

impl Calendars {
    /// The event to record, if the committed calendar is another one than the recorded one. What
    /// can't be read changes nothing: the last recorded one holds on. `starting` says that something
    /// is to be started now, so that the look must be fresh.
    pub async fn look(&mut self, world: &World, state: &FleetState, starting: bool) -> Option<Body> {
        let now = world.clock.now();
        let every = jiff::SignedDuration::try_from(READ_EVERY).unwrap_or(FRESH);
        let most = if starting { FRESH } else { every };
        // A clock that was set back makes a look of the future, which says nothing about now.
        let age = self.looked.map(|at| now.duration_since(at));
        if age.is_some_and(|age| !age.is_negative() && age < most) {
            return None;
        }
        self.looked = Some(now);
        let head = world.git.head().await.ok()?;
        if self.commit.as_ref() == Some(&head) {
            return None;
        }
        let calendar = committed(world, &head).await.ok()?;
        self.commit = Some(head.clone());
        let same = match state.calendar() {
            Some(recorded) => *recorded.calendar == calendar,
            None => calendar.is_empty(),
        };
        (!same).then(|| Body::CalendarRecorded { commit: head, calendar: Box::new(calendar) })
    }
}

/// The calendar of a commit; an empty one if it has none.
async fn committed(world: &World, commit: &str) -> Result<Calendar, Fault> {
    let mut tree = Tree::new();
    if let Some(found) = world.git.tree(commit, "pipelines").await? {
        for (path, file) in found.iter().filter(|(path, _)| *path == FILE) {
            tree.insert(format!("pipelines/{path}"), file.clone());
        }
    }
    let (catalog, findings) = catalog::load(&tree);
    if findings.has_errors() {
        return Err(Fault::permanent(findings.to_string()));
    }
    Ok(catalog.calendar.map(|loaded| loaded.file.spec).unwrap_or_default())
}
