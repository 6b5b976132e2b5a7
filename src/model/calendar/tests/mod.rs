//! The calendar against a table of cases (`tests/windows.yaml`), a model that looks at every
//! minute, and the rules that always hold.

#![allow(clippy::unwrap_used)]

mod brute;
mod properties;
mod table;

use super::*;
use crate::diag::Source;
use crate::model::{Labels, Lane};
use crate::yaml;

/// A calendar from the text of its `spec`.
fn calendar(spec: &str) -> Calendar {
    yaml::load(&Source::new("calendar.yaml", spec))
        .unwrap_or_else(|e| panic!("{e}\n{spec}"))
        .unwrap_or_default()
}

fn moment(text: &str) -> jiff::Timestamp {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Asks for a cluster of wave `prod` without labels, in the lane `normal`.
fn ask(calendar: &Calendar, now: &str) -> Verdict {
    let (wave, labels) = ("prod".parse().unwrap(), Labels::new());
    calendar.at(moment(now), &Subject::new(Lane::Normal, &wave, &labels))
}

fn opens(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Open { .. } => panic!("it is open"),
        Verdict::Closed(closed) => closed.next_opening.map(|at| at.to_string()),
    }
}

const DENY: &str = "{ name: no, kind: deny, schedule: 0 * * * *, for: 59m, timeZone: UTC }";
const ALLOW: &str = "{ name: yes, kind: allow, schedule: 0 8 * * *, for: 8h, timeZone: UTC }";

#[test]
fn fleet_f01_deny_wins_over_an_active_allow_window() {
    let both = calendar(&format!("windows: [ {ALLOW}, {DENY} ]"));
    let verdict = ask(&both, "2026-11-21T09:30:00Z");
    let Verdict::Closed(closed) = &verdict else { panic!("it is open") };
    assert!(matches!(&closed.by, ClosedBy::Deny { name, .. } if name.as_str() == "no"));
    assert_eq!(opens(&verdict).as_deref(), Some("2026-11-21T09:59:00Z"));
    let allow = calendar(&format!("windows: [ {ALLOW} ]"));
    assert!(ask(&allow, "2026-11-21T09:30:00Z").is_open());
}

#[test]
fn fleet_f02_where_there_is_an_allow_window_one_must_be_open() {
    let allow = calendar(&format!("windows: [ {ALLOW} ]"));
    let verdict = ask(&allow, "2026-11-21T07:59:59Z");
    assert_eq!(opens(&verdict).as_deref(), Some("2026-11-21T08:00:00Z"));
    let Verdict::Closed(closed) = verdict else { panic!("it is open") };
    assert_eq!(closed.words(), "the window `yes` is not open");
    // One that is for others closes nothing.
    let others = calendar(&format!("windows: [ {} ]", ALLOW.replace("kind:", "waves: [dev], kind:")));
    assert!(ask(&others, "2026-11-21T07:59:59Z").is_open());
}

#[test]
fn fleet_f05_the_state_of_a_window_is_a_function_of_clock_and_calendar() {
    let short =
        calendar("windows: [ { name: w, kind: allow, schedule: 0 * * * *, for: 2s, timeZone: UTC } ]");
    // Whoever looks, in whatever order and however often, sees the same.
    for (now, open) in [
        ("2026-11-21T09:00:01.999Z", true),
        ("2026-11-21T09:00:02Z", false),
        ("2026-11-21T09:00:00Z", true),
        ("2026-11-21T08:59:59.999Z", false),
        ("2026-11-21T09:00:01Z", true),
    ] {
        assert_eq!(ask(&short, now).is_open(), open, "{now}");
        assert_eq!(ask(&short, now), ask(&short.clone(), now));
    }
}

#[test]
fn a_verdict_survives_the_journal() {
    let both = calendar(&format!(
        "windows: [ {ALLOW}, {DENY} ]\nfreezes: [ {{ name: f, from: 2026-12-20, until: 2027-01-05, timeZone: UTC, author: ada, reason: holidays }} ]"
    ));
    for now in
        ["2026-11-21T09:30:00Z", "2026-11-21T07:59:30Z", "2026-11-21T09:59:30Z", "2026-12-24T09:00:00Z"]
    {
        let verdict = ask(&both, now);
        let text = serde_json::to_string(&verdict).unwrap();
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict, "{text}");
    }
    let text = serde_json::to_string(&both).unwrap();
    let again: Calendar = serde_json::from_str(&text).unwrap();
    assert_eq!(again, both, "{text}");
    assert_eq!(
        ask(&again, "2026-12-24T09:00:00Z"),
        Verdict::Closed(Closed {
            by: ClosedBy::Freeze {
                name: "f".parse().unwrap(),
                author: "ada".to_owned(),
                reason: "holidays".to_owned()
            },
            until: Some(moment("2027-01-06T00:00:00Z")),
            // The deny holds for the first 59 minutes of every hour, and nights have no allow window.
            next_opening: Some(moment("2027-01-06T08:59:00Z")),
        })
    );
}

#[test]
fn a_rollback_waits_for_no_allow_window_and_for_every_deny() {
    let (wave, labels) = ("prod".parse().unwrap(), Labels::new());
    let back = Subject::new(Lane::Normal, &wave, &labels).denies_only();
    let both = calendar(&format!("windows: [ {ALLOW}, {DENY} ]"));
    assert!(both.at(moment("2026-11-21T22:59:30Z"), &back).is_open());
    assert!(!both.at(moment("2026-11-21T22:00:00Z"), &back).is_open());
}

#[test]
fn what_holds_for_ever_has_no_opening_and_what_never_holds_no_end() {
    assert_eq!(ask(&Calendar::default(), "2026-11-21T09:00:00Z"), Verdict::Open { closes: None });
    let far =
        "freezes: [ { name: f, from: 2020-01-01, until: 2040-01-01, timeZone: UTC, author: a, reason: r } ]";
    let verdict = ask(&calendar(far), "2026-11-21T09:00:00Z");
    assert_eq!(opens(&verdict), None, "more than ten years is not looked ahead");
    // An allow window that is over for good: nothing opens any more.
    let past = "windows: [ { name: w, kind: allow, from: 2020-01-01, until: 2020-01-02, timeZone: UTC } ]";
    assert_eq!(opens(&ask(&calendar(past), "2026-11-21T09:00:00Z")), None);
}

#[test]
fn what_can_not_be_read_holds() {
    // `check` refuses both; whoever evaluates them all the same is on the safe side.
    let deny = calendar("windows: [ { name: w, kind: deny, from: 2020-01-01 } ]");
    assert_eq!(opens(&ask(&deny, "2026-11-21T09:00:00Z")), None);
    let allow = calendar("windows: [ { name: w, kind: allow, schedule: 0 0 * * SAT, for: 1d } ]");
    assert_eq!(opens(&ask(&allow, "2026-11-21T09:00:00Z")), None);
}

#[test]
fn ten_thousand_clusters_and_fifty_entries_look_at_each_schedule_once() {
    use std::fmt::Write as _;
    let mut spec = String::from("windows:\n");
    for n in 0..50 {
        let kind = if n % 5 == 0 { "allow" } else { "deny" };
        let (hour, day) = (n % 24, n % 7);
        writeln!(
            spec,
            "  - {{ name: w{n}, kind: {kind}, schedule: 0 {hour} * * {day}, for: 3h, timeZone: Europe/Berlin, selector: {{ pool: [p{}, p{}] }} }}",
            n % 10,
            (n + 3) % 10
        )
        .unwrap();
    }
    let calendar = calendar(&spec);
    let wave = "prod".parse().unwrap();
    let fleet: Vec<Labels> =
        (0..10_000).map(|n| Labels::from([("pool".to_owned(), format!("p{}", n % 10))])).collect();
    let mut now = calendar.moment(moment("2026-11-21T09:00:00Z"));
    let open = fleet
        .iter()
        .filter(|labels| now.verdict(&Subject::new(Lane::Normal, &wave, labels)).is_open())
        .count();
    assert!(open % 1_000 == 0, "clusters of one pool are in one state: {open}");
    assert_eq!(now.distinct_answers(), 10, "one answer for each pool");
}

#[test]
fn impossible_schedules_are_refused_and_cost_no_time() {
    for (text, words) in [
        ("0 22 * *", "five fields"),
        ("@daily", "five fields"),
        ("*/5 * * * *", "more than once an hour"),
        ("* 22 * * *", "more than once an hour"),
        ("0 22 1 * SUN", "either of them"),
        ("0 25 * * *", "is no schedule"),
        ("0 0 30 2 *", "never comes true"),
        ("0 0 31 4,6 *", "never comes true"),
        ("0 0 * * SUNDAYS", "is no schedule"),
    ] {
        let error = text.parse::<Schedule>().unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    for good in
        ["0 0 29 2 *", "30 22 * * MON-FRI", "0 0 L * *", "0 6 * 12 SUN#1", "0 6 * * FRIL", "5 0 15W * ?"]
    {
        assert!(good.parse::<Schedule>().is_ok(), "{good}: {:?}", good.parse::<Schedule>());
    }
}

#[test]
fn last_days_come_in_december_too() {
    let local = |text: &str| text.parse::<jiff::civil::DateTime>().unwrap();
    for (schedule, found) in [("0 0 L * *", "2026-12-31T00:00:00"), ("0 0 * * FRIL", "2026-12-25T00:00:00")] {
        let schedule: Schedule = schedule.parse().unwrap();
        assert_eq!(schedule.at_or_after(local("2026-12-01T00:00:00")), Some(local(found)), "{schedule}");
    }
}

#[test]
fn a_zone_that_is_none_suggests_the_one_that_was_meant() {
    for (text, meant) in [
        ("Europe/Berln", Some("Europe/Berlin")),
        ("europe/berlin", Some("Europe/Berlin")),
        ("Kathmandu", Some("Asia/Kathmandu")),
        ("Lord Howe", Some("Australia/Lord_Howe")),
        ("local", None),
        ("", None),
    ] {
        let error = text.parse::<Zone>().unwrap_err().to_string();
        let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
        assert_eq!(error.split_once("\nhint: ").map(|(_, hint)| hint.to_owned()), hint, "{error}");
    }
}

#[test]
fn ends_of_intervals_are_days_local_times_and_moments() {
    for text in ["2026-12-20", "2026-12-20T22:00", "2026-12-20T22:00:30", "2026-12-20T22:00:00Z"] {
        assert_eq!(text.parse::<When>().unwrap().to_string(), text);
    }
    assert_eq!("2026-12-20T22:00:00+01:00".parse::<When>().unwrap().to_string(), "2026-12-20T21:00:00Z");
    for bad in [
        "",
        "2026-12-32",
        "20261220",
        "2026-12-20 22:00",
        "22:00",
        "2026-12-20T22",
        "tomorrow",
        "2026-12-20T24:00",
    ] {
        assert!(bad.parse::<When>().is_err(), "{bad:?} was taken");
    }
}

#[test]
fn the_pages_name_the_database_of_time_zones() {
    let page = include_str!("../../../../docs/files.md");
    assert!(page.contains(&format!("`{}`", Zone::database())), "docs/files.md lacks {}", Zone::database());
}
