//! What is kept of reports, what is compared, and what a difference is.

#![allow(clippy::unwrap_used)]

use super::*;

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn thing(product: &str, need: Need, latest: &str) -> PastThing {
    let (kind, name) = ("image".to_owned(), format!("quay.io/x/{product}"));
    PastThing {
        product: product.to_owned(),
        kind,
        name,
        need,
        latest: Some(latest.to_owned()),
        deferred: false,
    }
}

fn past(at: &str, things: &[PastThing]) -> Past {
    Past { at: moment(at), things: things.to_vec() }
}

fn products(things: &[PastThing]) -> Vec<&str> {
    things.iter().map(|thing| thing.product.as_str()).collect()
}

#[test]
fn what_appears_settles_or_moves_on_is_told() {
    let then = past(
        "2026-11-16T08:00:00Z",
        &[
            thing("fine", Need::Nothing, "1"),
            thing("worse", Need::Soon, "1"),
            thing("done", Need::Soon, "2"),
            thing("gone", Need::Now, "2"),
            thing("still", Need::Soon, "3"),
            thing("same", Need::Soon, "3"),
        ],
    );
    let now = past(
        "2026-11-23T08:00:00Z",
        &[
            thing("fine", Need::Soon, "2"),
            thing("worse", Need::Now, "1"),
            thing("done", Need::Nothing, "2"),
            thing("still", Need::Soon, "4"),
            thing("same", Need::Soon, "3"),
            thing("added", Need::Now, "1"),
        ],
    );
    let difference = difference(&then, &now);
    assert_eq!(products(&difference.appeared), ["added", "fine", "worse"]);
    assert_eq!(products(&difference.settled), ["done", "gone"]);
    assert_eq!(products(&difference.moved), ["still"]);
    assert_eq!(difference.at, then.at);
}

#[test]
fn what_is_put_off_is_not_done() {
    let then = past("2026-11-16T08:00:00Z", &[thing("a", Need::Soon, "2"), thing("b", Need::Soon, "2")]);
    let put_off = |name: &str, need| PastThing { deferred: true, ..thing(name, need, "2") };
    let now = past("2026-11-23T08:00:00Z", &[put_off("a", Need::Nothing), put_off("b", Need::Now)]);
    let difference = difference(&then, &now);
    assert_eq!(products(&difference.deferred), ["a"]);
    assert_eq!(products(&difference.appeared), ["b"], "it can't wait, whoever put it off");
    assert_eq!(difference.settled, []);
}

#[test]
fn a_source_that_was_silent_then_or_now_makes_no_difference() {
    let then = past("2026-11-16T08:00:00Z", &[thing("a", Need::Unknown, ""), thing("b", Need::Soon, "1")]);
    let now = past("2026-11-23T08:00:00Z", &[thing("a", Need::Soon, "2"), thing("b", Need::Unknown, "")]);
    let difference = difference(&then, &now);
    assert_eq!((difference.appeared.len(), difference.settled.len(), difference.moved.len()), (0, 0, 0));
}

#[test]
fn where_the_newest_is_not_known_nothing_newer_is_told() {
    let nameless = PastThing { latest: None, ..thing("a", Need::Now, "") };
    let then = past("2026-11-16T08:00:00Z", &[thing("a", Need::Now, "1.30")]);
    let now = past("2026-11-23T08:00:00Z", &[nameless]);
    assert_eq!(difference(&then, &now).moved, []);
    assert_eq!(difference(&now, &then).moved, []);
}

#[test]
fn the_usual_one_is_the_newest_of_an_earlier_week() {
    // A Sunday, the Monday after it, and that week's Friday.
    let kept = ["2026-11-08T08:00:00Z", "2026-11-15T23:59:59Z", "2026-11-16T00:00:00Z"].map(moment);
    let now = moment("2026-11-20T08:00:00Z");
    assert_eq!(compared(&kept, None, now), Some(kept[1]));
    assert_eq!(compared(&kept[2..], None, now), None);
}

#[test]
fn weeks_go_over_the_end_of_a_year() {
    let kept = ["2026-12-30T08:00:00Z"].map(moment);
    // 2026-12-30 and 2027-01-02 are both in week 53 of 2026.
    assert_eq!(compared(&kept, None, moment("2027-01-02T08:00:00Z")), None);
    assert_eq!(compared(&kept, None, moment("2027-01-04T08:00:00Z")), Some(kept[0]));
}

#[test]
fn one_can_go_back_to_a_week_a_day_a_moment_or_so_long_ago() {
    let kept =
        ["2026-11-01T08:00:00Z", "2026-11-08T08:00:00Z", "2026-11-10T08:00:00Z", "2026-11-16T08:00:00Z"]
            .map(moment);
    let now = moment("2026-11-20T08:00:00Z");
    let found = |since: &str| compared(&kept, Some(since.parse().unwrap()), now);
    assert_eq!(found("2026-W45"), Some(kept[1]));
    assert_eq!(found("2026-11-10"), Some(kept[2]));
    assert_eq!(found("2026-11-10T07:59:59Z"), Some(kept[1]));
    assert_eq!(found("2w"), Some(kept[0]));
    assert_eq!(found("1h"), Some(kept[3]));
    assert_eq!(found("2026-10-31"), None);
    assert_eq!(found("9999-12-31"), Some(kept[3]));
}

#[test]
fn what_is_no_time_is_refused() {
    for wrong in [
        "",
        "W46",
        "2026-W54",
        "2026-W4",
        "2026-w46",
        "2026-11-1",
        "yesterday",
        "-1d",
        "99999-W01",
        "2026-W+1",
    ] {
        assert_eq!(wrong.parse::<Since>(), Err(NoSince), "{wrong}");
    }
}

#[test]
fn a_trend_has_the_last_report_of_each_of_twelve_weeks_this_one_among_them() {
    let monday = moment("2026-01-05T08:00:00Z");
    let kept: Vec<Timestamp> =
        (0..140).map(|day| monday.checked_add(jiff::Span::new().hours(day * 24)).unwrap()).collect();
    let now = *kept.last().unwrap();
    let weeks = trending(&kept, now);
    assert_eq!(weeks.len(), 11);
    assert!(weeks.is_sorted() && weeks.iter().all(|at| monday.duration_since(*at).as_hours() % 168 == -144));
}

#[test]
fn every_report_of_two_weeks_is_kept_and_the_last_of_each_week_for_two_years() {
    let now = moment("2026-11-20T08:00:00Z");
    let kept: Vec<Timestamp> =
        (0..1000).rev().map(|day| now.checked_sub(jiff::Span::new().hours(day * 24)).unwrap()).collect();
    let forgotten = forgotten(&kept, now);
    let left: Vec<&Timestamp> = kept.iter().filter(|at| !forgotten.contains(at)).collect();
    assert!((115..=119).contains(&left.len()), "{}", left.len());
    assert_eq!(super::forgotten(&left.iter().map(|at| **at).collect::<Vec<_>>(), now), []);
}
