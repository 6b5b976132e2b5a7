//! The past reports that this one is compared with, taken from those that are kept. One that can't be read is
//! passed over for the next older one, and told.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::adapter::sqlite::{Kept, SqliteReports};
use crate::port::Fault;
use crate::report::weekly::{self, Past, Since};

/// What was looked at.
pub(super) struct Shelf {
    /// The one to compare with.
    pub then: Option<Past>,
    /// Those of the trend, the oldest first.
    pub weeks: Vec<Past>,
    /// If there is none to compare with, though one was asked for: which can't be read of those from then or before.
    pub missed: Option<String>,
    /// When those that are kept were made, the oldest first, without those that can't be read as far as anybody
    /// knows.
    kept: Vec<Timestamp>,
    read: BTreeMap<Timestamp, Past>,
    /// Which can't be read, and why.
    damaged: BTreeMap<Timestamp, String>,
}

impl Shelf {
    /// Reads those that are needed.
    ///
    /// # Errors
    /// When nothing at all can be read.
    pub async fn read(reports: &SqliteReports, since: Option<Since>, now: Timestamp) -> Result<Self, Fault> {
        let kept = reports.kept().await?;
        let (read, damaged) = (BTreeMap::new(), BTreeMap::new());
        let mut shelf = Self { then: None, weeks: Vec::new(), missed: None, kept, read, damaged };
        let then = |kept: &[Timestamp]| weekly::compared(kept, since, now).into_iter().collect();
        shelf.then = shelf.settle(reports, then).await?.pop();
        if since.is_some() && shelf.then.is_none() {
            // There is no report: whoever is told the oldest one can have it.
            shelf.missed = shelf.unread();
            shelf.settle(reports, |kept| kept.first().copied().into_iter().collect()).await?;
            return Ok(shelf);
        }
        shelf.weeks = shelf.settle(reports, |kept| weekly::trending(kept, now)).await?;
        Ok(shelf)
    }

    /// Those that are chosen, once all of them can be read.
    async fn settle(
        &mut self,
        reports: &SqliteReports,
        choose: impl Fn(&[Timestamp]) -> Vec<Timestamp>,
    ) -> Result<Vec<Past>, Fault> {
        loop {
            let chosen = choose(&self.kept);
            let Some(at) = chosen.iter().find(|at| !self.read.contains_key(at)).copied() else {
                return Ok(chosen.iter().filter_map(|at| self.read.get(at)).cloned().collect());
            };
            match reports.of(at).await? {
                Kept::Whole(past) => {
                    self.read.insert(at, past);
                    continue;
                }
                Kept::Damaged(why) => {
                    self.damaged.insert(at, why);
                }
                // Another process forgot it.
                Kept::Gone => {}
            }
            self.kept.retain(|one| *one != at);
        }
    }

    /// When the oldest one that can be read was made.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.kept.first().copied()
    }

    /// Whether none is kept, not even one that can't be read.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.damaged.is_empty()
    }

    /// Which can't be read, in a sentence; the newest is named.
    pub fn unread(&self) -> Option<String> {
        let (newest, why) = self.damaged.last_key_value()?;
        let day = newest.strftime("%Y-%m-%d");
        let who = match self.damaged.len() {
            1 => format!("the report of {day} can't be read"),
            many => format!("{many} past reports can't be read, the newest of them of {day}"),
        };
        let instead = match &self.then {
            Some(then) if then.at < *newest => {
                format!("; compared with that of {}", then.at.strftime("%Y-%m-%d"))
            }
            _ => String::new(),
        };
        Some(format!("{who} ({why}){instead}"))
    }
}
