//! Reports of other weeks: what of one is kept and for how long, what is different since, and how it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::{Timestamp, tz::TimeZone};

use super::{Need, Weekly, week};
use crate::model::Duration;

/// So many weeks are a trend.
const WEEKS: usize = 12;

/// For so many weeks the last report of each is kept.
const KEPT_WEEKS: i64 = 104;

/// For so many days every report is kept.
const KEPT_DAYS: i64 = 14;

/// What is kept of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// When it was made.
    pub at: Timestamp,
    /// Its things.
    pub things: Vec<PastThing>,
}

/// A thing of a product, as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastThing {
    /// The product.
    pub product: String,
    /// `image`, `chart`, `tool` or `kubernetes`.
    pub kind: String,
    /// Its whole name.
    pub name: String,
    /// What it needed.
    pub need: Need,
    /// The newest version that counted.
    #[serde(default)]
    pub latest: Option<String>,
    /// Whether somebody has put it off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deferred: bool,
}

/// What is different since another report.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// When that one was made.
    pub at: Timestamp,
    /// What needs somebody more than it did then, or was not there.
    pub appeared: Vec<PastThing>,
    /// What needed somebody then and does not now, or is not there any more.
    pub settled: Vec<PastThing>,
    /// What needed somebody then and was put off since.
    pub deferred: Vec<PastThing>,
    /// What needed somebody then, does so still, and has something newer yet.
    pub moved: Vec<PastThing>,
    /// What can't be compared: its source was silent at one of the two times.
    pub unknown: Vec<PastThing>,
}

/// One week of a trend.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Week {
    /// The week by ISO 8601.
    pub week: String,
    /// How many things needed what, by its last report.
    pub counts: BTreeMap<Need, usize>,
}

/// With which report this one is compared: the last one that was made till then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long ago.
    Ago(Duration),
    /// On this day, in UTC.
    Day(Date),
    /// At this moment.
    Moment(Timestamp),
    /// In the week that begins on this Monday.
    Week(Date),
}

/// What is no time to go back to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a week such as 2026-W46, a day such as 2026-11-16, a moment in RFC 3339, or a time ago such as 2w"
)]
pub struct NoSince;

impl FromStr for Since {
    type Err = NoSince;

    fn from_str(text: &str) -> Result<Self, NoSince> {
        if let Some((year, number)) = text.split_once("-W") {
            let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
            if year.len() != 4 || number.len() != 2 || !digits(year) || !digits(number) {
                return Err(NoSince);
            }
            let (year, number) = (year.parse().map_err(|_| NoSince)?, number.parse().map_err(|_| NoSince)?);
            let monday = ISOWeekDate::new(year, number, Weekday::Monday).map_err(|_| NoSince)?;
            return Ok(Self::Week(monday.date()));
        }
        // A date parser would also take the date out of a moment, so the moment is tried first.
        if let Ok(moment) = text.parse() {
            return Ok(Self::Moment(moment));
        }
        match text.parse() {
            Ok(day) if text.len() == "2026-11-16".len() => Ok(Self::Day(day)),
            _ => text.parse().map(Self::Ago).map_err(|_| NoSince),
        }
    }
}

impl Since {
    /// The last moment that a report to be compared with may be of.
    pub fn latest(self, now: Timestamp) -> Timestamp {
        // The last nanosecond before the day after it; whoever asks for the end of time gets it.
        let end = |day: Date, days: i64| {
            let after = day.checked_add(jiff::Span::new().days(days)).ok()?;
            after.to_zoned(TimeZone::UTC).ok()?.timestamp().checked_sub(jiff::Span::new().nanoseconds(1)).ok()
        };
        match self {
            Self::Ago(time) => now.checked_sub(time.std()).unwrap_or(Timestamp::MIN),
            Self::Moment(moment) => moment,
            Self::Day(day) => end(day, 1).unwrap_or(Timestamp::MAX),
            Self::Week(monday) => end(monday, 7).unwrap_or(Timestamp::MAX),
        }
    }
}

impl PastThing {
    /// Whether both times the newest version was known, and it was another one.
    fn is_overtaken_by(&self, other: &Self) -> bool {
        self.latest.as_ref().zip(other.latest.as_ref()).is_some_and(|(one, other)| one != other)
    }
}

impl Past {
    /// What is kept of a report.
    pub fn of(report: &Weekly, at: Timestamp) -> Self {
        // What is of no product is seen only when clusters are asked themselves.
        let products = report.products.iter().filter(|product| !product.is_none());
        let things = products.flat_map(|product| {
            product.things.iter().map(|thing| PastThing {
                product: product.product.clone(),
                kind: thing.kind.to_owned(),
                name: thing.name.clone(),
                need: thing.need,
                latest: thing.latest.clone(),
                deferred: thing.is_deferred(),
            })
        });
        Self { at, things: things.collect() }
    }

    /// The same without what is of other products.
    #[must_use]
    pub fn only(mut self, wanted: &dyn Fn(&str) -> bool) -> Self {
        self.things.retain(|thing| wanted(&thing.product));
        self
    }

    fn by_name(&self) -> BTreeMap<(&str, &str, &str), &PastThing> {
        self.things.iter().map(|one| ((&*one.product, &*one.kind, &*one.name), one)).collect()
    }

    fn counts(&self) -> BTreeMap<Need, usize> {
        let mut counts = BTreeMap::new();
        for thing in &self.things {
            *counts.entry(thing.need).or_default() += 1;
        }
        counts
    }
}

/// Which of the reports that are kept is the one to compare with. If nobody says, it is the newest of an
/// earlier week.
pub fn compared(kept: &[Timestamp], since: Option<Since>, now: Timestamp) -> Option<Timestamp> {
    let earlier = |at: &&Timestamp| match since {
        Some(since) => **at <= since.latest(now),
        None => monday(**at) < monday(now),
    };
    kept.iter().filter(|at| **at < now).filter(earlier).max().copied()
}

/// The reports that make up the trend: the last of each of the newest weeks, the oldest first. The week of
/// `now` has its own.
pub fn trending(kept: &[Timestamp], now: Timestamp) -> Vec<Timestamp> {
    let mut last: BTreeMap<Date, Timestamp> = BTreeMap::new();
    for at in kept.iter().filter(|at| monday(**at) < monday(now)) {
        let newest = last.entry(monday(*at)).or_insert(*at);
        *newest = (*newest).max(*at);
    }
    let skipped = last.len().saturating_sub(WEEKS - 1);
    last.into_values().skip(skipped).collect()
}

/// Which reports are not needed any more: of weeks that are over, all but the last one, and what is very old.
pub fn forgotten(kept: &[Timestamp], now: Timestamp) -> Vec<Timestamp> {
    let mut last: BTreeMap<Date, Timestamp> = BTreeMap::new();
    for at in kept {
        let newest = last.entry(monday(*at)).or_insert(*at);
        *newest = (*newest).max(*at);
    }
    let days = |at: Timestamp| now.duration_since(at).as_hours() / 24;
    let needed = |at: Timestamp| {
        days(at) <= KEPT_DAYS || last.get(&monday(at)) == Some(&at) && days(at) <= KEPT_WEEKS * 7
    };
    kept.iter().copied().filter(|at| !needed(*at)).collect()
}

/// How it went in some weeks.
pub fn trend<'p>(reports: impl IntoIterator<Item = &'p Past>) -> Vec<Week> {
    reports.into_iter().map(|past| Week { week: week(past.at), counts: past.counts() }).collect()
}

/// What is different in `now` since `then`. A source that was silent at one of the times makes no difference:
/// nobody knows whether there is one.
pub fn difference(then: &Past, now: &Past) -> Difference {
    let (before, after) = (then.by_name(), now.by_name());
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let mut all = Difference {
        at: then.at,
        appeared: Vec::new(),
        settled: Vec::new(),
        deferred: Vec::new(),
        moved: Vec::new(),
        unknown: Vec::new(),
    };
    for key in keys {
        let (one, other) = (before.get(&key).copied(), after.get(&key).copied());
        if [one, other].into_iter().flatten().any(|thing| thing.need == Need::Unknown) {
            all.unknown.extend(other.or(one).cloned());
            continue;
        }
        let acute = |thing: Option<&PastThing>| {
            thing.map(|thing| thing.need).filter(|need| matches!(need, Need::Now | Need::Soon))
        };
        match (acute(one), acute(other), one, other) {
            (was, Some(is), _, Some(thing)) if was.is_none_or(|was| is < was) => {
                all.appeared.push(thing.clone());
            }
            (Some(_), None, _, Some(thing)) if thing.deferred => all.deferred.push(thing.clone()),
            (Some(_), None, Some(thing), _) => all.settled.push(other.unwrap_or(thing).clone()),
            // Where the newest was not known there is nothing to tell.
            (Some(_), Some(_), Some(one), Some(other)) if one.is_overtaken_by(other) => {
                all.moved.push(other.clone());
            }
            _ => {}
        }
    }
    all
}

/// The Monday of its week, in UTC.
fn monday(at: Timestamp) -> Date {
    let week = at.to_zoned(TimeZone::UTC).date().iso_week_date();
    let monday = ISOWeekDate::new(week.year(), week.week(), Weekday::Monday);
    monday.map_or(Date::MIN, |monday| monday.date())
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
