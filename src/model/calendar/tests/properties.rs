//! What always holds, over random calendars near the days on which clocks jump.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::WindowKind;

/// Zones with jumps at other times of the year and of the day, of half an hour, of a day, or none.
const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "America/Santiago",
    "Africa/Casablanca",
    "Pacific/Apia",
    "America/Havana",
];

/// Days around which something happens: jumps in the north and the south, year's end, leap day, the
/// day that Apia skipped.
const DAYS: [&str; 9] = [
    "2026-03-29T00:00:00Z",
    "2026-10-25T00:00:00Z",
    "2026-11-01T06:00:00Z",
    "2026-04-04T14:00:00Z",
    "2026-10-03T15:00:00Z",
    "2026-12-31T23:00:00Z",
    "2028-02-29T00:00:00Z",
    "2011-12-30T10:00:00Z",
    "2026-09-06T03:00:00Z",
];

fn entry() -> impl Strategy<Value = (bool, String)> {
    let zone = prop::sample::select(&ZONES[..]);
    let schedule = (
        0_u32..60,
        0_u32..24,
        prop::sample::select(&["* * *", "* * SAT,SUN", "* * 1-5", "L * *", "29 2 *"][..]),
    )
        .prop_map(|(minute, hour, days)| format!("{} {hour} {days}", minute / 15 * 15));
    let recurring = (schedule, 1_u32..3_000, zone.clone()).prop_map(|(schedule, minutes, zone)| {
        format!("schedule: \"{schedule}\", for: {minutes}m, timeZone: {zone}")
    });
    let once = (prop::sample::select(&DAYS[..]), -3_000_i64..3_000, 1_i64..3_000, zone).prop_map(
        |(day, from, length, zone)| {
            let from =
                moment(day).to_zoned(jiff::tz::TimeZone::UTC).datetime() + SignedDuration::from_mins(from);
            let until = from + SignedDuration::from_mins(length);
            let text = |at: jiff::civil::DateTime| at.strftime("%Y-%m-%dT%H:%M").to_string();
            format!("from: {}, until: {}, timeZone: {zone}", text(from), text(until))
        },
    );
    (any::<bool>(), prop_oneof![3 => recurring, 1 => once])
}

fn calendars() -> impl Strategy<Value = Calendar> {
    prop::collection::vec(entry(), 1..4).prop_map(|entries| {
        let entries = entries.iter().enumerate().map(|(n, (allow, times))| {
            format!("  - {{ name: w{n}, kind: {}, {times} }}\n", if *allow { "allow" } else { "deny" })
        });
        calendar(&format!("windows:\n{}", entries.collect::<String>()))
    })
}

fn moments() -> impl Strategy<Value = Timestamp> {
    (prop::sample::select(&DAYS[..]), -2_880_i64..2_880)
        .prop_map(|(day, minutes)| moment(day) + SignedDuration::from_mins(minutes))
}

fn subject<R>(ask: impl FnOnce(&Subject<'_>) -> R) -> R {
    let (wave, labels) = ("prod".parse().unwrap(), Labels::new());
    ask(&Subject::new(Lane::Normal, &wave, &labels))
}

/// So many moments of a long span are looked at.
const LOOKED: i64 = 100;

/// Moments of a span: the first hour minute by minute, then some of the rest.
fn samples(from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let minutes = to.duration_since(from).as_secs() / 60;
    let step = (minutes / LOOKED).max(1);
    (0..minutes.min(60))
        .chain((60..minutes).step_by(usize::try_from(step).unwrap()))
        .map(|n| from + SignedDuration::from_mins(n))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_minute_is_as_the_slow_model_has_it(calendar in calendars(), start in moments()) {
        subject(|subject| {
            for n in 0..24 {
                let at = start + SignedDuration::from_mins(n * 15);
                let fast = calendar.is_open(at, subject);
                prop_assert_eq!(fast, brute::is_open(&calendar, subject, at), "at {} in {:?}", at, calendar);
            }
            Ok(())
        })?;
    }

    #[test]
    fn an_opening_is_open_and_nothing_before_it_is(calendar in calendars(), now in moments()) {
        subject(|subject| {
            match calendar.at(now, subject) {
                Verdict::Closed(closed) => {
                    if let Some(opening) = closed.next_opening {
                        prop_assert!(opening > now);
                        prop_assert!(calendar.is_open(opening, subject), "{opening} is closed");
                        prop_assert!(!calendar.is_open(opening - SignedDuration::from_secs(1), subject));
                        for at in samples(now, opening) {
                            prop_assert!(!calendar.is_open(at, subject), "{at} is open, before {opening}");
                        }
                    }
                }
                Verdict::Open { closes: Some(closes) } => {
                    prop_assert!(closes > now);
                    prop_assert!(!calendar.is_open(closes, subject), "{closes} is open");
                    for at in samples(now, closes) {
                        prop_assert!(calendar.is_open(at, subject), "{at} is closed, before {closes}");
                    }
                }
                Verdict::Open { closes: None } => {}
            }
            Ok(())
        })?;
    }

    #[test]
    fn deny_wins(calendar in calendars(), now in moments()) {
        subject(|subject| {
            let held = calendar
                .entries()
                .any(|entry| entry.kind() == WindowKind::Deny && brute::holds(entry, now));
            if held {
                prop_assert!(!calendar.is_open(now, subject));
                // And more allow windows change nothing.
                let mut more = calendar.clone();
                let all = super::calendar("windows: [ { name: all, kind: allow, from: 2000-01-01, until: 2100-01-01, timeZone: UTC } ]");
                more.windows.extend(all.windows);
                prop_assert!(!more.is_open(now, subject));
            }
            Ok(())
        })?;
    }
}
