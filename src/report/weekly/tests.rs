//! What the report makes of rows.

use std::collections::BTreeMap;

use super::*;
use crate::lcm::around::Around;
use crate::lcm::deferred::Hold;
use crate::lcm::version::Level;

fn row(product: &str, name: &str, statuses: Vec<Status>, newest: Option<&str>) -> Row {
    Row {
        product: product.to_owned(),
        owner: "platform".to_owned(),
        item: Item::Image(name.parse().expect("a repository")),
        declared: vec!["1.0.0".to_owned()],
        released: vec!["1.0.0".to_owned()],
        running: Vec::new(),
        judged: Some("1.0.0".to_owned()),
        newest: newest.map(str::to_owned),
        levels: BTreeMap::new(),
        steps: Some(2),
        since: None,
        published: None,
        statuses,
        place: "products/a/product.yaml:1:1".to_owned(),
        notes: Vec::new(),
        minor: None,
        stops: Vec::new(),
        deadline: None,
        fits: Vec::new(),
        changes: None,
        window: None,
        digests: Default::default(),
        around: Around::default(),
    }
}

fn report(rows: &[Row]) -> Weekly {
    let now = "2026-11-22T20:00:00Z".parse().expect("a moment");
    of(rows, ["a", "b", "c", "d"], None, Fleet::default(), &[], now)
}

#[test]
fn what_needs_most_comes_first_and_what_names_nothing_is_said() {
    let report = report(&[
        row("a", "quay.io/a/fine", vec![Status::Same], Some("1.0.0")),
        row("b", "quay.io/b/old", vec![Status::Behind(Level::Minor)], Some("1.2.0")),
        row("b", "quay.io/b/fine", vec![Status::Same], Some("1.0.0")),
        row("c", "quay.io/c/gone", vec![Status::Missing], None),
    ]);
    assert_eq!(report.week, "2026-W47");
    let order: Vec<(&str, Need)> = report.products.iter().map(|p| (p.product.as_str(), p.need)).collect();
    assert_eq!(order, [("c", Need::Now), ("b", Need::Soon), ("a", Need::Nothing)]);
    assert_eq!(report.without_upstream, ["d"]);
    assert_eq!(report.products[1].things[0].short(), "old");
    let command = "tidegate product bump b --image quay.io/b/old --to 1.2.0";
    assert_eq!(report.next.as_deref(), Some(command));
}

#[test]
fn what_is_no_product_s_stands_last_and_is_not_counted_also_when_more_is_known() {
    let mut report = report(&[
        row(NO_PRODUCT, "quay.io/x/gone", vec![Status::Missing], None),
        row("a", "quay.io/a/fine", vec![Status::Same], Some("1.0.0")),
    ]);
    let seen = |report: &Weekly| {
        let names: Vec<String> = report.products.iter().map(|product| product.product.clone()).collect();
        (names, report.counts.clone(), report.product_count)
    };
    let before = seen(&report);
    assert_eq!(before.0, ["a", NO_PRODUCT]);
    assert_eq!((before.1.clone(), before.2), (BTreeMap::from([(Need::Nothing, 1)]), 4));
    report.order();
    assert_eq!(seen(&report), before);
}

#[test]
fn what_waits_by_a_deferral_has_no_task_but_one_for_when_it_cannot_wait() {
    let hold = Status::Deferred {
        hold: crate::lcm::deferred::Hold::Holds,
        until: "2026-12-01".to_owned(),
        up_to: None,
        owner: "web".to_owned(),
        reason: "later".to_owned(),
    };
    let newest = Some("1.2.0");
    let report = report(&[row("b", "quay.io/b/old", vec![Status::Behind(Level::Minor), hold], newest)]);
    let thing = &report.products[0].things[0];
    assert!(thing.is_deferred() && thing.need == Need::Nothing && thing.act.is_none());
    let urgent = thing.urgent.as_ref().and_then(|act| act.command.as_deref());
    assert_eq!(urgent, Some("tidegate product bump b --image quay.io/b/old --to 1.2.0"));
}

#[test]
fn what_a_silent_mirror_may_not_have_is_not_known() {
    let silent = Status::MirrorUnknown { silence: Silence::Unreachable, why: "no route".to_owned() };
    let one = row("a", "mirror.example.com/x/y", vec![silent, Status::Behind(Level::Minor)], Some("1.1.0"));
    let report = report(&[one]);
    let thing = &report.products[0].things[0];
    assert_eq!((thing.need, thing.act.as_ref().map(|act| act.deed)), (Need::Unknown, Some(Deed::Retry)));
}

#[test]
fn what_the_files_name_no_more_waits_for_a_release() {
    let mut leaving = row("a", "quay.io/x/y", vec![Status::Behind(Level::Minor)], Some("1.1.0"));
    leaving.released = std::mem::take(&mut leaving.declared);
    let report = report(&[leaving]);
    let thing = &report.products[0].things[0];
    let act = thing.act.as_ref().unwrap();
    assert_eq!((thing.need, act.deed, &act.command), (Need::Waits, Deed::Cut, &None));
}

#[test]
fn of_a_copy_the_one_that_was_silent_is_named() {
    let named = |status: Status| {
        let mut one = row("a", "mirror.example.com/x/y", vec![status], None);
        one.around.copy_of = Some("quay.io/x/y".parse().expect("a repository"));
        report(&[one]).sources.silent[0].source.clone()
    };
    let (silence, why) = (Silence::Unreachable, || "no route".to_owned());
    assert_eq!(named(Status::Unknown { silence: Some(silence), why: why() }), "quay.io");
    assert_eq!(named(Status::MirrorUnknown { silence, why: why() }), "mirror.example.com");
}

#[test]
fn a_silent_source_is_counted_once_however_many_products_use_it() {
    let silent = || {
        let status = Status::Unknown { silence: Some(Silence::Forbidden), why: "it answered 403".to_owned() };
        vec![status]
    };
    let report = report(&[
        row("a", "quay.io/x/y", silent(), None),
        row("b", "quay.io/x/y", silent(), None),
        row("b", "quay.io/x/z", vec![Status::Same], None),
    ]);
    assert_eq!((report.sources.asked, report.sources.answered, report.sources.silent.len()), (2, 1, 1));
    let act = report.products[0].things[0].act.as_ref().map(|act| act.deed);
    assert_eq!((report.products[0].need, act), (Need::Unknown, Some(Deed::FixAuth)));
}

#[test]
fn only_a_version_in_use_that_refuses_a_cluster_is_wrong_today() {
    let refuses = |version: &str| Status::Incompatible {
        version: version.to_owned(),
        kubernetes: vec!["1.30".to_owned()],
    };
    let report = report(&[
        row("a", "quay.io/a/a", vec![refuses("1.0.0"), Status::Same], None),
        row("b", "quay.io/b/b", vec![refuses("2.0.0"), Status::Behind(Level::Major)], Some("2.0.0")),
    ]);
    let needs: Vec<Need> = report.products.iter().map(|product| product.need).collect();
    assert_eq!(needs, [Need::Now, Need::Soon]);
}

#[test]
fn a_tag_that_moved_is_taken_in_with_its_digest_and_what_waits_needs_a_release() {
    let digest = format!("sha256:{}", "b".repeat(64));
    let moved = Status::TagMoved { tag: "1.0.0".to_owned(), digest: Some(digest.clone()) };
    let mut waits = row("b", "quay.io/b/b", vec![Status::Skewed, Status::Same], None);
    let clusters = ["one".parse().expect("a name")].into();
    waits.running = vec![("0.9.0".to_owned(), BTreeSet::into(clusters))];
    let report = report(&[row("a", "quay.io/a/a", vec![moved], None), waits]);
    let acts: Vec<Act> = report.products.iter().filter_map(|p| p.things[0].act.clone()).collect();
    assert_eq!(
        acts[0].command.as_deref(),
        Some(format!("tidegate product bump a --image quay.io/a/a --to 1.0.0 --digest {digest}").as_str())
    );
    assert_eq!((acts[1].deed, report.products[1].need), (Deed::RollOut, Need::Waits));
    assert_eq!(report.products[1].things[0].statuses[0].message, "1 cluster runs another version");
}

#[test]
fn what_is_not_at_the_mirror_is_copied_first() {
    let lacks = Status::NotMirrored { version: "1.2.0".to_owned() };
    let behind = Status::Behind(Level::Minor);
    let report = report(&[
        row("a", "r.example.com/a/a", vec![behind, lacks], Some("1.2.0")),
        row("b", "r.example.com/b/b", vec![Status::NotAtMirror, Status::Same], Some("1.0.0")),
        row("c", "r.example.com/c/c", vec![Status::OnlyAtMirror], None),
    ]);
    let needs: Vec<(&str, Need)> = report.products.iter().map(|p| (p.product.as_str(), p.need)).collect();
    assert_eq!(needs, [("b", Need::Now), ("a", Need::Soon), ("c", Need::Soon)]);
    let deed = |product: usize| report.products[product].things[0].act.as_ref().map(|act| act.deed);
    assert_eq!((deed(0), deed(1), deed(2)), (Some(Deed::Mirror), Some(Deed::Mirror), None));
    assert_eq!(report.next, None);
}

#[test]
fn what_is_put_off_asks_nothing_unless_it_cannot_wait() {
    let deferred = |hold| Status::Deferred {
        hold,
        until: "2026-12-01".to_owned(),
        up_to: Some("1.2.0".to_owned()),
        owner: "payments".to_owned(),
        reason: "after the fair".to_owned(),
    };
    let behind = || Status::Behind(Level::Minor);
    let report = report(&[
        row("a", "quay.io/a/a", vec![behind(), deferred(Hold::Holds)], Some("1.2.0")),
        row("b", "quay.io/b/b", vec![behind(), deferred(Hold::Outrun)], Some("1.3.0")),
        row("c", "quay.io/c/c", vec![Status::Deprecated, behind(), deferred(Hold::Holds)], Some("1.2.0")),
        row("d", "quay.io/d/d", vec![behind(), deferred(Hold::Ended)], Some("1.2.0")),
    ]);
    let needs: Vec<(&str, Need)> = report.products.iter().map(|p| (p.product.as_str(), p.need)).collect();
    assert_eq!(needs, [("c", Need::Now), ("b", Need::Soon), ("d", Need::Soon), ("a", Need::Nothing)]);
    let deed = |product: usize| report.products[product].things[0].act.as_ref().map(|act| act.deed);
    let bump = Some(Deed::Bump);
    assert_eq!([deed(0), deed(1), deed(2), deed(3)], [bump, bump, bump, None]);
    let said = |product: usize| report.products[product].things[0].statuses.last().map(|s| s.message.clone());
    let words = "deferred until 2026-12-01 by payments: after the fair";
    assert_eq!(said(3).as_deref(), Some(words));
    assert_eq!(said(1), Some(format!("{words}; that is up to 1.2.0 alone")));
    assert_eq!(said(2), Some(format!("{words}; that has ended")));
}

#[test]
fn what_is_of_no_product_stands_last_counts_for_none_and_is_its_owners_to_do() {
    let behind = || vec![Status::Behind(Level::Minor)];
    let mut named_nowhere = row("b", "quay.io/b/child", behind(), Some("1.2.0"));
    named_nowhere.declared.clear();
    named_nowhere.released.clear();
    let report = report(&[
        row(NO_PRODUCT, "quay.io/x/gone", vec![Status::Missing], None),
        row("a", "quay.io/a/a", vec![Status::Same], None),
        named_nowhere,
    ]);
    let order: Vec<&str> = report.products.iter().map(|product| product.product.as_str()).collect();
    assert_eq!(order, ["b", "a", NO_PRODUCT]);
    assert_eq!(report.counts, BTreeMap::from([(Need::Soon, 1), (Need::Nothing, 1)]));
    let act = |product: usize| report.products[product].things[0].act.clone();
    assert_eq!(act(0), Some(Act { deed: Deed::Bump, command: None }));
    assert_eq!(act(2), Some(Act { deed: Deed::Tell, command: None }));
}
