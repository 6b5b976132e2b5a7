//! By when an upgrade must begin, with waves, clusters and a calendar.

#![allow(clippy::unwrap_used)]

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::diag::Source;
use crate::model::calendar::CalendarFile;
use crate::yaml;

fn calendar(spec: &str) -> Calendar {
    let text = format!("apiVersion: tidegate.dev/v1\nkind: Calendar\nmetadata: {{ name: c }}\nspec:\n{spec}");
    let file: CalendarFile = yaml::load(&Source::new("calendar.yaml", text)).unwrap().unwrap();
    file.spec
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn wave(name: &str, clusters: &[(&str, &[(&str, &str)])], hours: u64, soak: u64) -> CourseWave {
    CourseWave {
        name: name.parse().unwrap(),
        clusters: clusters.iter().map(|(name, pairs)| (name.parse().unwrap(), labels(pairs))).collect(),
        work: Duration::hours(hours),
        soak: Duration::hours(soak),
    }
}

fn course(calendar: Calendar) -> Course {
    let waves = vec![
        wave("staging", &[("s", &[("env", "staging")])], 24, 0),
        wave("prod", &[("p", &[("env", "prod"), ("team", "web")]), ("q", &[("env", "prod")])], 24, 24),
    ];
    Course { waves, calendar, ..Course::default() }
}

fn of(names: &[&str]) -> BTreeSet<ClusterName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn start(course: &Course, names: &[&str], end: Date, hops: u32) -> (Start, Vec<String>) {
    let (countdown, closed) = course.countdown(&of(names), end, date(2026, 11, 22), hops);
    (countdown.start, closed)
}

fn by(month: i8, day: i8, left: i64) -> Start {
    Start::By { day: date(2026, month, day), left }
}

#[test]
fn without_a_calendar_only_the_lengths_of_the_waves_up_to_the_last_concerned_one_count() {
    let course = course(Calendar::default());
    let end = date(2026, 12, 12);
    assert_eq!(start(&course, &["p"], end, 1), (by(12, 9, 17), vec![]));
    assert_eq!(start(&course, &["p"], end, 2), (by(12, 6, 14), vec![]));
    assert_eq!(start(&course, &["s"], end, 1), (by(12, 11, 19), vec![]), "production comes after it");
    assert_eq!(start(&course, &[], end, 1), (by(12, 9, 17), vec![]), "who is not known may be anywhere");
    assert_eq!(start(&Course::default(), &["p"], end, 2), (by(12, 10, 18), vec![]), "a day for each");
}

const FREEZE: &str = "  freezes:
    - { name: moving, from: 2026-12-05, until: 2026-12-31, timeZone: UTC, waves: [prod], author: a, reason: r }
";

#[test]
fn a_freeze_in_the_way_moves_the_day_before_it() {
    // Production must have its day of work before the 5th, so staging begins by the end of the 2nd; the soak
    // may go on in the freeze.
    let frozen = course(calendar(FREEZE));
    assert_eq!(start(&frozen, &["p"], date(2026, 12, 12), 1), (by(12, 2, 10), vec!["moving".to_owned()]));
    assert_eq!(start(&frozen, &["s"], date(2026, 12, 12), 1), (by(12, 11, 19), vec![]), "it is not for it");
    // After the freeze there is time again.
    let late = date(2027, 1, 20);
    let (Start::By { day, .. }, closed) = start(&frozen, &["p"], late, 1) else { panic!("in time") };
    assert_eq!((day, closed.is_empty()), (date(2027, 1, 17), true));
}

#[test]
fn what_is_frozen_till_after_the_end_is_too_late_by_the_days_it_takes_from_now() {
    let all = FREEZE.replace("from: 2026-12-05", "from: 2026-11-20");
    let (start, closed) = start(&course(calendar(&all)), &["p"], date(2026, 12, 12), 1);
    // The freeze ends with the 31st; a day of work and a day of soak follow: over on January 3 at midnight.
    assert_eq!((start, closed), (Start::TooLate { by: 21 }, vec!["moving".to_owned()]));
}

#[test]
fn work_goes_on_only_while_windows_are_open() {
    // Eight hours a night: a day of work takes three nights.
    let nights = calendar(
        "  windows:\n    - { name: nights, kind: allow, schedule: \"0 0 * * *\", for: 8h, timeZone: UTC, selector: { team: web } }\n",
    );
    let (Start::By { day, .. }, closed) = start(&course(nights), &["p"], date(2026, 12, 12), 1) else {
        panic!("in time")
    };
    // Begun by the end of the 7th, staging is done by the end of the 8th; nights of 9, 10 and 11 till 8 in the
    // morning, and a day of soak till the 12th at 8.
    assert_eq!((day, closed), (date(2026, 12, 7), vec!["nights".to_owned()]));
}

#[test]
fn a_window_that_never_opens_again_is_too_late_and_ends() {
    let past = calendar(
        "  windows:\n    - { name: once, kind: allow, from: 2026-01-01, until: 2026-01-02, timeZone: UTC }\n",
    );
    let (start, closed) = start(&course(past), &["p"], date(2027, 12, 12), 3);
    assert!(matches!(start, Start::TooLate { by: FARTHEST }) && closed == ["once"], "{start:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_freeze_never_makes_it_a_later_day_and_who_starts_by_then_is_through(
        from in 0_i64..40, length in 0_i64..40, till in 0_i64..60, hops in 1_u32..4,
    ) {
        let today = date(2026, 11, 22);
        let day = |n: i64| today + jiff::Span::new().days(n);
        let text = format!("  freezes:\n    - {{ name: f, from: {}, until: {}, timeZone: UTC, author: a, reason: r }}\n", day(from), day(from + length));
        let (free, frozen) = (course(Calendar::default()), course(calendar(&text)));
        let left = |course: &Course| match start(course, &["p"], day(till), hops).0 {
            Start::By { left, .. } => left,
            Start::TooLate { .. } => -1,
        };
        prop_assert!(left(&frozen) <= left(&free));
        let until = midnight(day(till), 1).unwrap();
        let stages = frozen.stages(&of(&["p"]));
        let through = |n: i64| frozen.through(&stages, midnight(today, n + 1).unwrap(), hops, until, &mut BTreeSet::new()).is_some();
        let found = left(&frozen);
        if found >= 0 {
            prop_assert!(through(found));
            prop_assert!(!through(found + 1));
        } else {
            prop_assert!(!through(0));
        }
    }
}
