//! Every screen of rollouts, over states that were really reached: at 80 and 160 columns, piped,
//! and as JSON.

#![allow(clippy::unwrap_used)]

use insta::assert_snapshot;
use jiff::tz::TimeZone;

use super::*;
use crate::journal::{Deferral, Preflight};
use crate::output::envelope::List;
use crate::output::time::Viewpoint;
use crate::output::{Look, Screen, live, progress};
use crate::report::explain::{About, explanations};
use crate::report::explanation::Driving;
use crate::report::sample::Story;
use crate::report::summary;

fn look(width: Option<u16>, story: &Story) -> Look {
    Look { width, view: Viewpoint { now: story.now, zone: TimeZone::UTC } }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn text(screen: &impl Screen, width: Option<u16>, story: &Story) -> String {
    let text = plain(&screen.text(&look(width, story)));
    if let Some(width) = width {
        let wide = text.lines().find(|l| l.chars().count() > usize::from(width) && !l.contains("tidegate "));
        assert!(wide.is_none(), "wider than {width}: {wide:?}");
    }
    text
}

fn driving(story: &Story) -> Driving {
    let until = crate::model::Duration::seconds(30).after(story.now);
    Driving { process: "4711@ops-1".into(), fence: 1, until, alive: true }
}

/// In the middle of the second wave: one cluster unreachable, one at work.
fn middle() -> Story {
    let mut story = Story::begin();
    let cause = "connection refused by 10.0.0.7:6443, 3 tries in 30 s".to_owned();
    story.preflights.insert("acme-dev", Preflight::Deferred { reason: Deferral::Unreachable, cause });
    story.drive(29);
    story.now = crate::model::Duration::minutes(41).after(story.now);
    story
}

/// Halted by a failing test in staging.
fn halted() -> Story {
    let mut story = Story::begin();
    story.failing.insert("stage-1", "smoke test: 503 instead of 200");
    story.drive(1_000);
    story
}

fn status(story: &Story) -> StatusScreen {
    let driver = driving(story);
    StatusScreen {
        summary: summary::rollout(&story.state, story.rollout(), story.now),
        waits: explanations(&story.state, story.rollout(), About::Rollout, Some(&driver), story.now),
        driver: Some(driver),
    }
}

fn why(story: &Story) -> WhyScreen {
    let rollout = story.rollout();
    WhyScreen {
        rollout: rollout.id().clone(),
        state: rollout.state().word(),
        open: rollout.state().is_open(),
        since: rollout.since(),
        about: rollout.id().to_string(),
        driver: Some(driving(story)),
        explanations: explanations(&story.state, rollout, About::Rollout, Some(&driving(story)), story.now),
    }
}

#[test]
fn status_shows_waves_and_only_the_clusters_that_deserve_attention() {
    let story = middle();
    assert_snapshot!(text(&status(&story), Some(80), &story), @r#"
    R42-1 · release R42 "brisk-heron" · ▶ running since 09:00 (41 m 28 s)
    1/8 clusters done · 1 to follow · started by person:anna@example.org 09:00
    about 40 s and 1 d soak left (1 past run)
    driven by 4711@ops-1

    WAVE     STATE      DONE  GATES               OTHERWISE
    staging  ✔ done      1/1  -                   tag release/R42/staging
    nonprod  ▶ rolling   0/2  -                   1 run · 1 deferred
    prod     · waiting   0/5  approval not asked  -

    CLUSTER   STATE       FOR   STEP                BECAUSE               SEEN
    acme-dev  ⏸ deferred  41 m  -                   connection refused    ! 41 m ago
                                                    by 10.0.0.7:6443, 3
                                                    tries in 30 s
    delta-qa  ▶ testing   41 m  ingress/test:smoke  -                     ! 41 m ago
                                3/4
    "#);
    assert_snapshot!(text(&status(&story), Some(160), &story), @r#"
    R42-1 · release R42 "brisk-heron" · ▶ running since 09:00 (41 m 28 s)
    1/8 clusters done · 1 to follow · started by person:anna@example.org 09:00
    about 40 s and 1 d soak left (1 past run)
    driven by 4711@ops-1

    WAVE     STATE      DONE  GATES               OTHERWISE
    staging  ✔ done      1/1  -                   tag release/R42/staging
    nonprod  ▶ rolling   0/2  -                   1 run · 1 deferred
    prod     · waiting   0/5  approval not asked  -

    CLUSTER   STATE       FOR   STEP                    BECAUSE                                               SEEN
    acme-dev  ⏸ deferred  41 m  -                       connection refused by 10.0.0.7:6443, 3 tries in 30 s  ! 41 m ago
    delta-qa  ▶ testing   41 m  ingress/test:smoke 3/4  -                                                     ! 41 m ago
    "#);
}

#[test]
fn a_halted_rollout_says_so_and_what_to_ask_next() {
    let story = halted();
    let screen = status(&story);
    assert_snapshot!(text(&screen, Some(80), &story), @r#"
    R42-1 · release R42 "brisk-heron" · ✖ halted since 09:00 (0 s)
    0/8 clusters done · 1 to follow · started by person:anna@example.org 09:00
    wave staging: 1 cluster failed, 0 tolerated
    driven by 4711@ops-1

    WAVE     STATE      DONE  GATES               OTHERWISE
    staging  ✖ halted    0/1  -                   1 failed (0 tolerated)
    nonprod  · waiting   0/2  -                   -
    prod     · waiting   0/5  approval not asked  -

    CLUSTER  STATE     FOR  STEP                    BECAUSE          SEEN
    stage-1  ✖ failed  1 s  ingress/test:smoke 3/4  smoke test: 503  22 s ago
                                                    instead of 200
    "#);
    assert_eq!(screen.next().as_deref(), Some("tidegate rollout why R42-1"));
}

#[test]
fn why_is_a_block_for_everything_that_waits() {
    let story = halted();
    assert_snapshot!(text(&why(&story), Some(80), &story), @r"
    R42-1 waits for 1 thing: ✖ halted since 09:00 (0 s)

    ✖ failure-budget halted · wave staging · since 09:00 (0 s)
      because   1 cluster failed, 0 tolerated
      because   stage-1: failed (test) at ingress/test:smoke: smoke test: 503
                instead of 200
                | GET / answered 503
      unblocks  the failed clusters are retried, skipped, or tolerated; or the
                rollout is rolled back or aborted
      who can   team-edge
      how       tidegate rollout retry R42-1 --failed
      how       tidegate rollout skip R42-1 -c stage-1 --reason TEXT
      how       tidegate rollout resume R42-1 --raise-budget 1 --reason TEXT
      how       tidegate rollout rollback R42-1 --reason TEXT
      how       tidegate rollout abort R42-1
    ");
    let story = middle();
    assert_snapshot!(text(&why(&story), Some(160), &story), @r"
    R42-1 waits for 1 thing: ▶ running since 09:00 (41 m 28 s)

    ⏸ unreachable deferred · cluster acme-dev of wave nonprod · since 09:00 (41 m 5 s)
      because   unreachable
      because   connection refused by 10.0.0.7:6443, 3 tries in 30 s
      because   last seen 41 m 37 s ago
      unblocks  it can be reached again, and is retried
      how       tidegate rollout retry R42-1 -c acme-dev
      how       tidegate rollout skip R42-1 -c acme-dev --reason TEXT
    ");
}

#[test]
fn clusters_that_wait_for_the_same_share_a_block() {
    let story = middle();
    let mut screen = why(&story);
    let one = screen.explanations.remove(0);
    let frozen = |number: usize, until: &str| {
        let mut other = one.clone();
        other.gate = "window".to_owned();
        other.subject.cluster = Some(format!("prod-{number}").parse().unwrap());
        other.evidence = vec![format!("frozen until {until}")];
        other.unblock.commands.clear();
        other
    };
    screen.explanations = (1..=30).map(|n| frozen(n, if n == 7 { "Friday" } else { "noon" })).collect();
    assert_snapshot!(text(&screen, Some(80), &story), @r"
    R42-1 waits for 30 things: ▶ running since 09:00 (41 m 28 s)

    ⏸ window deferred · 29 clusters of wave nonprod · since 09:00 (41 m 5 s)
      clusters  prod-1, prod-2, prod-3, prod-4, prod-5, prod-6, prod-8, prod-9,
                prod-10, prod-11, prod-12, prod-13, prod-14, prod-15, prod-16,
                prod-17, prod-18, prod-19, prod-20, prod-21 and 9 more
      because   frozen until noon
      unblocks  it can be reached again, and is retried

    ⏸ window deferred · cluster prod-7 of wave nonprod · since 09:00 (41 m 5 s)
      because   frozen until Friday
      unblocks  it can be reached again, and is retried
    ");
}

#[test]
fn the_list_of_rollouts_has_one_line_each() {
    let story = halted();
    let summary = summary::rollout(&story.state, story.rollout(), story.now);
    let list = List::whole([ListedRollout::from(summary)]);
    assert_snapshot!(text(&list, Some(80), &story), @r"
    ROLLOUT  STATE     WAVE     DONE  OTHERWISE  STARTED   BY
    R42-1    ✖ halted  staging   0/8  1 failed   13 s ago  person:anna@example.org
    ");
    assert_snapshot!(text(&list, None, &story), @r"
    ROLLOUT  STATE     WAVE     DONE  OTHERWISE  STARTED   BY
    R42-1    ✖ halted  staging   0/8  1 failed   13 s ago  person:anna@example.org
    ");
}

#[test]
fn live_lines_are_waves_pools_and_what_deserves_attention() {
    let story = middle();
    let view = look(None, &story).view;
    let lines = |story: &Story| plain(&live::lines(&status(story).summary, &view, 8).join("\n"));
    assert_snapshot!(lines(&story), @r"
    R42-1 · ▶ running · wave 2/3 nonprod · 41 m 29 s
    about 40 s and 1 d soak left (1 past run)
    ✔ staging  1/1 done   tag release/R42/staging
    ▶ nonprod  [██████████░░░░░░░░░░]  0/2 rolling · 1 run · 1 deferred
      acme-dev  ⏸ deferred  41 m 5 s  seen 41 m 37 s ago  connection refused by 10.0.0.7:6443, 3 tries in 30 s
      delta-qa  ▶ testing  ingress/test:smoke 3/4  41 m
    … prod 5
    ");
    let mut story = middle();
    story.preflights.clear();
    story.drive(1_000);
    assert_snapshot!(lines(&story), @r"
    R42-1 · ▶ running · wave 2/3 nonprod · 41 m 29 s
    about 2 h 50 m and 1 d soak left (2 past runs)
    ✔ staging  1/1 done   tag release/R42/staging
    ⏸ nonprod  [████████████████████]  1/2 soaking · 1 deferred · soaks until 2026-11-22 09:41 (in 1 d 8 s)
      acme-dev  ⏸ deferred  41 m 5 s  seen 41 m 37 s ago  connection refused by 10.0.0.7:6443, 3 tries in 30 s
    … prod 5
    ");
}

#[test]
fn what_a_failed_test_printed_keeps_its_mark_where_it_is_broken() {
    let mut story = Story::begin();
    story.failing.insert("stage-1", "exit code 3");
    let long = "GET /healthz answered 503 Service Unavailable, expected 200 after waiting, 待って 🚢";
    story.output = vec![long.to_owned()];
    story.drive(1_000);
    let shown = text(&why(&story), Some(80), &story);
    assert!(shown.contains("            | GET /healthz answered 503"), "{shown}");
    assert!(
        shown.contains("            | 待って 🚢\n") || shown.contains("| waiting, 待って 🚢\n"),
        "{shown}"
    );
}

#[test]
fn the_next_release_to_cut_is_one_whose_parent_is_cut() {
    use crate::engine::repo::ReleaseRow;
    let row = |id: &str, cut_first: Option<&str>, cut: bool| ReleaseRow {
        id: id.parse().unwrap(),
        title: None,
        parent: None,
        lane: crate::model::Lane::Normal,
        kubernetes: "1.36".parse().unwrap(),
        products: 1,
        digest: cut.then(|| crate::report::sample::digest_of(id)),
        missing_hotfixes: Vec::new(),
        cut_first: cut_first.map(|id| id.parse().unwrap()),
        findings: crate::diag::Findings::new(),
    };
    let next = |rows: Vec<ReleaseRow>| List::whole(rows).next();
    let (fresh, second) = (row("R1", None, false), row("R2", Some("R1"), false));
    assert_eq!(next(vec![fresh, second.clone()]).as_deref(), Some("tidegate release cut R1"));
    let done = row("R1", None, true);
    let second = ReleaseRow { cut_first: None, ..second };
    assert_eq!(next(vec![done.clone(), second]).as_deref(), Some("tidegate release cut R2"));
    assert_eq!(next(vec![done]).as_deref(), Some("tidegate plan R1 --out FILE"));
}

#[test]
fn an_event_is_one_line_with_time_mark_and_words() {
    let story = halted();
    let view = look(None, &story).view;
    let lines: Vec<String> =
        story.events.iter().rev().take(4).rev().map(|e| plain(&progress::line(e, &view))).collect();
    assert_snapshot!(lines.join("\n"), @r"
    09:00:21 · stage-1: ingress/test:smoke begins
    09:00:22 ✖ stage-1: ingress/test:smoke failed: smoke test: 503 instead of 200
    09:00:23 ✖ stage-1 failed at ingress/test:smoke (test): smoke test: 503 instead of 200
    09:00:24 ✖ R42-1 halted in staging: 1 cluster failed, 0 tolerated
    ");
}

#[test]
fn every_state_that_the_core_knows_has_a_tone_of_its_own_kind() {
    use crate::output::mark::Tone;
    for (word, tone) in [
        ("succeeded-with-failures", Tone::Warn),
        ("halted", Tone::Bad),
        ("timed-out", Tone::Bad),
        ("deferred", Tone::Waits),
        ("gates-after", Tone::Waits),
        ("upgrading", Tone::Busy),
        ("no-op", Tone::Good),
        ("pending", Tone::Quiet),
    ] {
        assert_eq!(words::tone(word), tone, "{word}");
    }
}

#[test]
fn a_plan_says_what_changes_where_and_when_it_stops() {
    let story = Story::begin();
    let mut plan = crate::report::sample::plan();
    if let Some(target) = plan.waves[2].pools[1].clusters[0].targets.first_mut() {
        target.version = "4.15.0-rc1".parse().unwrap();
        target.reason = crate::resolve::Reason::Pin {
            pin: "PIN-118".parse().unwrap(),
            owner: "payments".into(),
            until: "2026-12-15".into(),
        };
    }
    let screen = PlanScreen::of(&plan, story.now);
    assert_snapshot!(text(&screen, Some(80), &story), @r#"
    R41 -> R42 "brisk-heron" · 8 clusters · 3 waves

    WAVE     POOLS                   CHANGE  AT ONCE  HALTS AT     GATES AND SOAK
    staging  staging (1)             1 of 1        2  1st failure  -
    nonprod  nonprod (2)             2 of 2        2  1st failure  soak 1 d
    prod     prod-1 (2), prod-2 (3)  5 of 5        2  1st failure  approval 1 of
                                                                   platform-leads

    Changes      ingress 4.12.1 -> 4.14.0 (7)
    Changes      ingress 4.12.1 -> 4.15.0-rc1 (1)
    Own version  ingress 4.15.0-rc1 on globex-eu: pin PIN-118 until 2026-12-15 (team
                 payments)
    Not reached  globex-old, never seen: left to catch-up
    Plan sha256:6487..25, good until something it depends on moves
    "#);
    assert_snapshot!(text(&screen, Some(160), &story), @r#"
    R41 -> R42 "brisk-heron" · 8 clusters · 3 waves

    WAVE     POOLS                   CHANGE  AT ONCE  HALTS AT     GATES AND SOAK
    staging  staging (1)             1 of 1        2  1st failure  -
    nonprod  nonprod (2)             2 of 2        2  1st failure  soak 1 d
    prod     prod-1 (2), prod-2 (3)  5 of 5        2  1st failure  approval 1 of platform-leads

    Changes      ingress 4.12.1 -> 4.14.0 (7)
    Changes      ingress 4.12.1 -> 4.15.0-rc1 (1)
    Own version  ingress 4.15.0-rc1 on globex-eu: pin PIN-118 until 2026-12-15 (team payments)
    Not reached  globex-old, never seen: left to catch-up
    Plan sha256:6487..25, good until something it depends on moves
    "#);
    assert_eq!(screen.next().as_deref(), Some("tidegate plan R42 --out FILE"));
    let cluster = ClusterPlanScreen::of(&plan, &"globex-eu".parse().unwrap()).unwrap();
    assert_snapshot!(text(&cluster, Some(80), &story), @r"
    globex-eu · wave prod · pool prod-2

    PHASE  PRODUCT  NOW  THEN        CHANGE   BECAUSE
        0  ingress  -    4.15.0-rc1  ▶ raise  pin PIN-118 until 2026-12-15 (team
                                              payments)
    ");
}
