//! What rows say of what is in use and what sources answered.

use std::sync::Arc;

use super::*;
use crate::diag::Place;
use crate::lcm::charts::Entry;
use crate::lcm::upstream::{Known, Silence, Tags};
use crate::lcm::version::Scheme;
use crate::model::image::Repository;

fn item() -> Item {
    Item::Image(Repository { registry: "quay.io".to_owned(), name: "a/b".to_owned() })
}

fn chart() -> Item {
    Item::Chart { repository: "https://charts.example.com".to_owned(), name: "certs".to_owned() }
}

fn declared(item: &Item, version: &str) -> Declared {
    let (version, digest) = match version.split_once('@') {
        Some((version, digest)) => (version, Some(digest.to_owned())),
        None => (version, None),
    };
    Declared {
        product: "certs".to_owned(),
        owner: "security".to_owned(),
        item: item.clone(),
        version: (!version.is_empty()).then(|| version.to_owned()),
        digest,
        place: Place::none(),
    }
}

fn used(item: &Item, versions: &[&str]) -> InUse {
    let declared = versions.iter().map(|version| declared(item, version)).collect();
    InUse { declared, ..InUse::default() }
}

fn row(used: &InUse, answer: Result<Answer, Unanswered>) -> Row {
    let item = used.declared[0].item.clone();
    let mut rows = rows(used, &Answers::from([(item, answer)]), &|_, item| match item {
        Item::Chart { .. } => Policy::of(Scheme::Helm),
        _ => Policy::of(Scheme::Auto),
    });
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn tags(tags: &[&str]) -> Result<Answer, Unanswered> {
    Ok(Answer::of(Arc::new(tags.iter().collect())))
}

#[test]
fn several_declared_versions_are_one_row_that_stands_as_the_lowest_does() {
    let row = row(&used(&item(), &["v1.10.0", "v1.9.0", "v1.9.0"]), tags(&["v1.9.0", "v1.10.0"]));
    assert_eq!(row.declared, ["v1.9.0", "v1.10.0"]);
    assert_eq!((row.newest.as_deref(), row.status()), (Some("v1.10.0"), &Status::Behind(Level::Minor)));
    assert_eq!(row.steps, Some(1));
}

#[test]
fn the_newest_is_the_same_and_what_is_above_it_is_ahead() {
    assert_eq!(row(&used(&item(), &["2.0.0"]), tags(&["1.0.0", "2.0.0"])).statuses, [Status::Same]);
    let above = row(&used(&item(), &["2.1.0"]), tags(&["1.0.0", "2.0.0"]));
    assert_eq!(above.statuses, [Status::Missing, Status::Ahead]);
}

#[test]
fn a_silent_source_is_unknown_and_never_up_to_date() {
    let silence = Unanswered::new(Silence::Forbidden, "quay.io answered 403");
    let row_of = row(&used(&item(), &["2.0.0"]), Err(silence));
    let why = "quay.io answered 403".to_owned();
    assert_eq!(row_of.statuses, [Status::Unknown { silence: Some(Silence::Forbidden), why }]);
    assert_eq!(row_of.newest, None);
    assert_eq!(row(&used(&item(), &["2.0.0"]), tags(&[])).statuses, [Status::unknown("there are no tags")]);
}

#[test]
fn a_version_that_is_gone_is_told_beside_the_newer_one() {
    let row = row(&used(&item(), &["1.0.1"]), tags(&["1.0.0", "1.2.0"]));
    assert_eq!(row.statuses, [Status::Missing, Status::Behind(Level::Minor)]);
    assert_eq!(row.newest.as_deref(), Some("1.2.0"));
}

#[test]
fn clusters_that_run_something_else_are_skewed_and_counted_by_version() {
    let clusters = |names: &[&str]| names.iter().map(|name| name.parse().expect("a name")).collect();
    let mut used = used(&item(), &["1.2.0"]);
    used.running = vec![
        Running::new(declared(&item(), "1.10.0"), clusters(&["c"])),
        Running::new(declared(&item(), "1.2.0"), clusters(&["a", "b"])),
        Running::new(declared(&item(), "1.10.0"), clusters(&["d"])),
    ];
    let row = row(&used, tags(&["1.2.0", "1.10.0"]));
    let running: Vec<(&str, usize)> = row.running.iter().map(|(v, all)| (v.as_str(), all.len())).collect();
    assert_eq!(running, [("1.2.0", 2), ("1.10.0", 2)]);
    assert_eq!(row.statuses, [Status::Behind(Level::Minor), Status::Skewed]);
}

fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

fn with_digests(known: &[(&str, char)]) -> Result<Answer, Unanswered> {
    let mut all: Tags = known.iter().map(|(tag, _)| tag).collect();
    for (tag, letter) in known {
        let known = Known { digest: Some(digest(*letter)), ..Known::default() };
        all.known.insert((*tag).to_owned(), known);
    }
    Ok(Answer::of(Arc::new(all)))
}

#[test]
fn a_tag_that_names_something_else_now_has_moved_and_one_that_does_not_is_the_same() {
    let pinned = format!("1.2.0@{}", digest('a'));
    let moved = row(&used(&item(), &[&pinned]), with_digests(&[("1.2.0", 'b')]));
    assert_eq!(moved.status(), &Status::TagMoved { tag: "1.2.0".to_owned(), digest: Some(digest('b')) });
    assert_eq!(row(&used(&item(), &[&pinned]), with_digests(&[("1.2.0", 'a')])).statuses, [Status::Same]);
    let rolling = format!("latest@{}", digest('a'));
    assert_eq!(row(&used(&item(), &[&rolling]), with_digests(&[("latest", 'a')])).statuses, [Status::Same]);
    let alone =
        row(&used(&item(), &[&format!("@{}", digest('a'))]), with_digests(&[("1.2.0", 'a'), ("1.3.0", 'b')]));
    assert_eq!(alone.declared, Vec::<String>::new());
    assert!(matches!(alone.status(), Status::Unknown { .. } | Status::Behind(_) | Status::Same), "{alone:?}");
}

#[test]
fn a_chart_that_refuses_a_cluster_or_is_given_up_says_so() {
    let entry = |version: &str, kube: Option<&str>, deprecated: bool| Entry {
        version: version.to_owned(),
        kube_version: kube.map(str::to_owned),
        deprecated,
        ..Entry::default()
    };
    let answer = |entries: Vec<Entry>| Ok(Answer { entries, ..Answer::default() });
    let mut used = used(&chart(), &["1.0.0"]);
    used.kubernetes =
        BTreeSet::from(["1.30.4".parse().expect("a version"), "1.34.1".parse().expect("a version")]);
    let told = row(&used, answer(vec![entry("1.0.0", None, false), entry("1.1.0", Some(">=1.32"), false)]));
    let refused = Status::Incompatible { version: "1.1.0".to_owned(), kubernetes: vec!["1.30.4".to_owned()] };
    assert_eq!(told.statuses, [refused, Status::Behind(Level::Minor)]);
    let given_up = row(&used, answer(vec![entry("1.0.0", None, true)]));
    assert_eq!(given_up.statuses, [Status::Deprecated, Status::Same]);
    let last = row(&used, answer(vec![entry("1.0.0", None, false), entry("2.0.0", None, true)]));
    assert_eq!(last.statuses, [Status::Deprecated, Status::Same]);
    assert_eq!(last.newest.as_deref(), Some("1.0.0"));
}

#[test]
fn kubernetes_is_compared_as_exactly_as_it_is_declared_and_its_way_has_stops() {
    let kubernetes = Item::Kubernetes("stable".to_owned());
    let mut used = used(&kubernetes, &["1.35"]);
    let clusters: BTreeSet<ClusterName> = ["a"].map(|name| name.parse().expect("a name")).into();
    used.running = vec![
        Running::new(declared(&kubernetes, "v1.35.2"), clusters.clone()),
        Running::new(declared(&kubernetes, "v1.34.9"), clusters),
    ];
    let offered = tags(&["1.34", "1.35", "1.36", "1.37", "1.35.4", "1.37.1"]);
    let item = kubernetes.clone();
    let mut rows = rows(&used, &Answers::from([(item, offered)]), &|_, _| Policy::of(Scheme::Kubernetes));
    assert_eq!(rows.len(), 2);
    let row = rows.remove(0);
    assert_eq!((row.newest.as_deref(), row.steps), (Some("1.37.1"), Some(3)));
    assert_eq!(row.stops, ["1.35.4", "1.36", "1.37.1"]);
    assert_eq!(row.statuses, [Status::Behind(Level::Minor), Status::Skewed]);
    assert!(row.is_declared("v1.35.2") && !row.is_declared("v1.34.9") && !row.is_declared("v1.350.1"));
}

#[test]
fn each_declared_version_is_judged_by_itself_and_the_worst_is_told() {
    let published = || tags(&["8.0-alpine", "8.1", "8.5"]);
    let variants = row(&used(&item(), &["8.0-alpine", "8.1"]), published());
    assert_eq!(variants.statuses, [Status::Behind(Level::Minor)]);
    assert_eq!((variants.judged.as_deref(), variants.newest.as_deref()), (Some("8.1"), Some("8.5")));
    let unread = row(&used(&item(), &["8.5", "foo-bar"]), published());
    assert!(matches!(unread.status(), Status::Unknown { .. }), "{unread:?}");
    let farther = row(&used(&item(), &["1.9.0", "1.8.1"]), tags(&["1.8.1", "1.8.2", "1.9.0", "2.0.0"]));
    assert_eq!((farther.judged.as_deref(), farther.steps), (Some("1.8.1"), Some(1)));
}

#[test]
fn of_several_digests_each_is_compared() {
    let pinned = |letter: char| format!("1.2.0@{}", digest(letter));
    let both = row(&used(&item(), &[&pinned('b'), &pinned('c')]), with_digests(&[("1.2.0", 'b')]));
    assert_eq!(both.status(), &Status::TagMoved { tag: "1.2.0".to_owned(), digest: Some(digest('b')) });
    let bare = row(&used(&item(), &["1.2.0", &format!("@{}", digest('c'))]), with_digests(&[("1.2.0", 'b')]));
    assert!(matches!(bare.status(), Status::Unknown { .. }), "{bare:?}");
}

#[test]
fn a_tool_is_the_same_with_a_v_and_without() {
    let tool = Item::Tool("github:a/b".parse().expect("a project"));
    let same = row(&used(&tool, &["1.9.8"]), tags(&["v1.9.7", "v1.9.8"]));
    assert_eq!(same.statuses, [Status::Same]);
    let behind = row(&used(&tool, &["1.9.8"]), tags(&["v1.9.8", "v1.10.0"]));
    assert_eq!(
        (behind.statuses, behind.newest.as_deref()),
        (vec![Status::Behind(Level::Minor)], Some("v1.10.0"))
    );
}

#[test]
fn what_was_pushed_last_counts_where_a_policy_says_so() {
    let used = used(&item(), &["zebra"]);
    let dated = |days: &[(&str, &str)]| {
        let mut answer = tags(&["zebra", "apple"]).expect("an answer");
        let mut listed = Tags::clone(&answer.tags);
        for (tag, day) in days {
            let known = Known { pushed: super::super::pushed::moment(day), ..Known::default() };
            listed.known.insert((*tag).to_owned(), known);
        }
        answer.tags = Arc::new(listed);
        answer
    };
    let of = |answer: Answer| {
        let answers = Answers::from([(item(), Ok(answer))]);
        let rows = rows(&used, &answers, &|_, _| Policy::of(Scheme::Pushed));
        (rows[0].status().word(), rows[0].newest.clone())
    };
    let days = [("zebra", "2026-11-01"), ("apple", "2026-11-02")];
    assert_eq!(of(dated(&days)), ("patch", Some("apple".to_owned())));
    assert_eq!(of(dated(&days[..1])), ("same", Some("zebra".to_owned())));
    assert_eq!(of(dated(&[])).0, "unknown");
}

#[test]
fn a_copy_stands_by_what_its_mirror_has() {
    let mut used = used(&item(), &["1.0.0"]);
    let origin = "docker.io/a/b".parse().expect("a repository");
    used.mirrors = "quay.io=docker.io".parse::<crate::model::Mirror>().into_iter().collect();
    let with = |mirrored: &[&str]| {
        let answer = tags(&["1.0.0", "1.1.0"]).expect("an answer");
        Ok(Answer { mirrored: Some(Arc::new(mirrored.iter().collect())), ..answer })
    };
    let one = row(&used, with(&["1.0.0"]));
    assert_eq!(one.around.copy_of, Some(origin));
    let lacks = Status::NotMirrored { version: "1.1.0".to_owned() };
    assert_eq!(one.statuses, [Status::Behind(Level::Minor), lacks]);
    assert_eq!(row(&used, with(&[])).status(), &Status::NotAtMirror);
    assert_eq!(row(&used, tags(&["1.0.0"])).statuses, [Status::Same]);
}

#[test]
fn what_a_pin_explains_is_no_skew() {
    let cluster = |name: &str| name.parse::<ClusterName>().expect("a name");
    let running =
        |version: &str, at: &str| Running::new(declared(&item(), version), BTreeSet::from([cluster(at)]));
    let mut used = used(&item(), &["2.0.0"]);
    used.running = vec![running("1.0.0", "held"), running("2.0.0", "other")];
    let pin = Pinned {
        product: "certs".to_owned(),
        owner: "payments".to_owned(),
        until: "2026-12-01".to_owned(),
        clusters: BTreeSet::from([cluster("held")]),
    };
    used.pinned = vec![Pinned { product: "other".to_owned(), ..pin.clone() }, pin];
    let pinned = Status::Pinned { until: "2026-12-01".to_owned(), owner: "payments".to_owned(), clusters: 1 };
    assert_eq!(row(&used, tags(&["2.0.0"])).statuses, [pinned.clone(), Status::Same]);
    used.running.push(running("1.0.0", "late"));
    assert_eq!(row(&used, tags(&["2.0.0"])).statuses, [Status::Skewed, pinned, Status::Same]);
}

/// A version with a digest that one workload was seen to run.
fn live(product: &str, version: &str, owner: &str, name: &str) -> Running {
    let cluster: ClusterName = "one".parse().expect("a name");
    let workload = crate::lcm::live::Workload {
        namespace: "shop".to_owned(),
        kind: "Deployment".to_owned(),
        name: name.to_owned(),
        owner: None,
    };
    let declared = declared(&item(), version);
    Running {
        declared: Declared { product: product.to_owned(), owner: owner.to_owned(), ..declared },
        clusters: BTreeSet::from([cluster.clone()]).into(),
        workloads: BTreeMap::from([(workload, BTreeSet::from([cluster]))]),
    }
}

#[test]
fn what_was_pulled_tells_that_a_tag_has_moved_where_it_is_known_what_it_names() {
    let mut used = used(&item(), &["2.0.0"]);
    used.running = vec![live("certs", "2.0.0@sha256:old", "security", "a")];
    let known = |digest: Option<&str>| {
        let mut tags: Tags = ["2.0.0"].into_iter().collect();
        let known = Known { digest: digest.map(str::to_owned), ..Known::default() };
        tags.known.insert("2.0.0".to_owned(), known);
        Ok(Answer::of(Arc::new(tags)))
    };
    let moved = Status::TagMoved { tag: "2.0.0".to_owned(), digest: Some("sha256:new".to_owned()) };
    let one = row(&used, known(Some("sha256:new")));
    assert_eq!(one.status(), &moved);
    let runs = &one.around.live["2.0.0"];
    assert_eq!((runs.digests.len(), runs.workloads.len()), (1, 1));
    assert_eq!(row(&used, known(Some("sha256:old"))).statuses, [Status::Same]);
    // Where nobody told what the tag names, nothing is said of what was pulled.
    assert_eq!(row(&used, known(None)).statuses, [Status::Same]);
    let mut named = used.clone();
    named.declared = vec![declared(&item(), "2.0.0@sha256:new")];
    assert_eq!(row(&named, known(Some("sha256:new"))).statuses, [Status::Same]);
}

#[test]
fn what_is_of_no_product_is_everybodys_who_runs_it() {
    let running = ["sales", "", "night"].map(|owner| live(NO_PRODUCT, "1.0.0", owner, owner));
    let used = InUse { running: running.into(), ..InUse::default() };
    let answers = Answers::from([(item(), tags(&["1.0.0", "1.1.0"]))]);
    let rows = rows(&used, &answers, &|_, _| Policy::of(Scheme::Auto));
    assert_eq!(
        (rows.len(), rows[0].product.as_str(), rows[0].owner.as_str()),
        (1, NO_PRODUCT, "night, sales")
    );
    assert_eq!(rows[0].statuses, [Status::Behind(Level::Minor)]);
    assert_eq!(rows[0].around.live["1.0.0"].workloads.len(), 3);
}
