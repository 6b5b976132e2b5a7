//! What a plan holds: waves, pools, targets, removals; and what is refused.

use super::*;
use crate::diag::{Code, codes};
use crate::model::TestPolicy;
use crate::plan::{Change, Repeat};

#[test]
fn defaults_are_one_at_once_in_the_first_wave_and_four_in_the_others() {
    let mut world = World::new(&["a", "b"]);
    world.pipeline("  waves:\n    - { name: first, clusters: [a] }\n    - { name: second, clusters: [b] }\n");
    let plan = world.plan().unwrap();
    let caps: Vec<_> = plan.waves.iter().map(|w| (w.at_once, w.failure_budget, w.deferred_budget)).collect();
    assert_eq!(caps, [(Some(1), 0, 0), (Some(4), 0, 0)]);
    let tests: Vec<_> = plan.waves.iter().map(|w| w.tests).collect();
    assert_eq!(tests, [TestPolicy::All, TestPolicy::Changed]);
}

#[test]
fn a_canary_sets_both_budgets_to_zero_and_says_so() {
    let mut world = World::new(&["a", "b"]);
    world.pipeline(
        "  waves:\n    - { name: all, selector: {}, canary: true, failureBudget: 1, deferredBudget: 50% }\n",
    );
    let plan = world.plan().unwrap();
    assert_eq!((plan.waves[0].failure_budget, plan.waves[0].deferred_budget), (0, 0));
    let told = plan.notices.iter().filter(|n| n.code == codes::CANARY_TOLERATES_NOTHING.id).count();
    assert_eq!(told, 2);
}

#[test]
fn a_wave_that_would_halt_because_it_has_no_test_says_so() {
    let mut world = World::new(&["a"]);
    let plan = world.plan().unwrap();
    assert_eq!(
        notice(&plan, &codes::NO_TEST_TO_RUN),
        "wave `all` runs all tests and has none to run: it will halt when its clusters are done"
    );
    world.settle(&plan);
    notice(&world.plan().unwrap(), &codes::NO_TEST_TO_RUN);
    let mut world = World::new(&["a"]);
    world.pipeline("  waves:\n    - { name: all, selector: {}, tests: changed }\n");
    assert_eq!(world.plan().unwrap().notices, []);
    let mut world = World::new(&["a"]);
    world.product("agent", "1.0.0", "  tests:\n    - run: { name: smoke, command: ['true'] }\n");
    assert_eq!(world.plan().unwrap().notices, []);
}

#[test]
fn pools_by_size_repeat_the_last() {
    let names = many(33);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::new(&names);
    world.pipeline("  waves:\n    - { name: all, selector: {}, pools: { sizes: [6, 12], atOnce: 50% } }\n");
    let plan = world.plan().unwrap();
    assert_eq!(sizes(&plan.waves[0]), [6, 12, 12, 3]);
    let pools: Vec<_> = plan.waves[0].pools.iter().map(|p| (p.name.as_str(), p.at_once)).collect();
    assert_eq!(pools, [("all-1", Some(3)), ("all-2", Some(6)), ("all-3", Some(6)), ("all-4", Some(1))]);
}

#[test]
fn pools_by_label_take_each_cluster_exactly_once() {
    let mut world = World::new(&[]);
    world.fleet("", &[entry("a", "p: x, q: y"), entry("b", "p: x"), entry("c", "r: z")]);
    world.pipeline(
        "  waves:\n    - name: all\n      selector: {}\n      pools:\n        select:\n          - { name: one, selector: { p: x } }\n          \
         - { name: two, selector: { q: y } }\n",
    );
    let findings = world.plan().unwrap_err();
    assert_eq!(
        only(&findings, &codes::CLUSTER_IN_TWO_WAVES).message,
        "pools `one` and `two` of wave `all` all take cluster `a`"
    );
    assert_eq!(only(&findings, &codes::CLUSTER_IN_NO_WAVE).subjects, ["c"]);
}

#[test]
fn targets_go_phase_by_phase_and_removals_the_other_way_round() {
    let mut world = World::new(&["a"]);
    let base = world.product("base", "1.0.0", "");
    let mid = world.product("mid", "1.0.0", "  requires: { base: \"*\" }\n");
    let top = world.product("top", "1.0.0", "  requires: { mid: \"*\" }\n");
    world.releases("R1", "  products: { agent: 1.0.0, top: 1.0.0, mid: 1.0.0, base: 1.0.0 }\n");
    let plan = world.plan().unwrap();
    let order = |plan: &Plan| {
        let targets = &plan.waves[0].pools[0].clusters[0].targets;
        targets.iter().map(|t| (t.product.to_string(), t.phase)).collect::<Vec<_>>()
    };
    assert_eq!(
        order(&plan),
        [("agent".to_owned(), 0), ("base".to_owned(), 0), ("mid".to_owned(), 1), ("top".to_owned(), 2)]
    );
    world.releases("R2", "  parent: R1\n  removes: [base, mid, top]\n  products: { agent: 1.0.0 }\n");
    for (name, digest) in [("base", base), ("mid", mid), ("top", top)] {
        world.runs("a", name, "1.0.0", digest, "R1");
    }
    world.runs("a", "stray", "1.0.0", digest::bytes(b"stray"), "R0");
    let plan = world.plan().unwrap();
    let cluster = &plan.waves[0].pools[0].clusters[0];
    assert_eq!(cluster.removals.iter().map(|p| p.as_str()).collect::<Vec<_>>(), ["top", "mid", "base"]);
    assert_eq!(cluster.orphaned.iter().map(|p| p.as_str()).collect::<Vec<_>>(), ["stray"]);
    assert!(notice(&plan, &codes::ORPHANED).contains("`stray`"));
}

#[test]
fn what_stays_keeps_what_it_requires() {
    let mut world = World::new(&[]);
    world.fleet("", &[entry("a", "env: dev"), entry("b", "env: prod")]);
    let base = world.product("base", "1.0.0", "");
    let mid = world.product("mid", "1.0.0", "  requires: { base: \"*\" }\n");
    let top = world.product("top", "1.0.0", "  requires: { mid: \"*\" }\n");
    world.releases("R1", "  products: { agent: 1.0.0, top: 1.0.0, mid: 1.0.0, base: 1.0.0 }\n");
    // From 2.0.0 on it needs nothing, and `a` does not get it any more.
    world.product("top", "2.0.0", "  where: { env: [prod] }\n");
    world.releases("R2", "  parent: R1\n  removes: [base, mid]\n  products: { agent: 1.0.0, top: 2.0.0 }\n");
    for cluster in ["a", "b"] {
        for (name, digest) in [("base", base), ("mid", mid), ("top", top)] {
            world.runs(cluster, name, "1.0.0", digest, "R1");
        }
    }
    let plan = world.plan().unwrap();
    let names = |all: &[ProductName]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let pool = &plan.waves[0].pools[0].clusters;
    assert_eq!(
        (names(&pool[0].removals), names(&pool[0].orphaned)),
        (vec![], vec!["base".into(), "mid".into(), "top".into()])
    );
    assert_eq!(names(&pool[1].removals), ["mid", "base"]);
    let said = notice(&plan, &codes::STILL_NEEDED);
    assert!(
        said.contains("`base` is not taken away: `mid` stays, and requires it, on cluster `a`"),
        "{said}"
    );
}

#[test]
fn a_product_whose_content_is_gone_leaves_before_those_that_it_may_require() {
    let mut world = World::new(&["a"]);
    let zone = world.product("zone", "1.0.0", "");
    let middle = world.product("middle", "1.0.0", "  requires: { zone: \"*\" }\n");
    world.product("app", "1.0.0", "  requires: { middle: \"*\" }\n");
    let lost = digest::bytes(b"content that nobody has any more");
    world.releases("R1", "  products: { agent: 1.0.0, app: 1.0.0, middle: 1.0.0, zone: 1.0.0 }\n");
    world.releases("R2", "  parent: R1\n  removes: [app, middle, zone]\n  products: { agent: 1.0.0 }\n");
    for (name, digest) in [("zone", zone), ("middle", middle), ("app", lost)] {
        world.runs("a", name, "1.0.0", digest, "R1");
    }
    let plan = world.plan().unwrap();
    let removals = &plan.waves[0].pools[0].clusters[0].removals;
    assert_eq!(removals.iter().map(|p| p.as_str()).collect::<Vec<_>>(), ["app", "middle", "zone"]);
}

#[test]
fn what_changes_follows_from_what_runs() {
    let mut world = World::new(&["a"]);
    let change =
        |world: &World| world.plan().unwrap().waves[0].pools[0].clusters[0].targets[0].change.clone();
    assert_eq!(change(&world), Change::Install);
    let plan = world.plan().unwrap();
    world.settle(&plan);
    assert_eq!(change(&world), Change::Unchanged);
    let found = Arc::make_mut(&mut world.observed.get_mut("a").unwrap().products);
    found.get_mut("agent").unwrap().phase = RecordPhase::Applied;
    assert_eq!(change(&world), Change::Reapply);
    world.runs("a", "agent", "0.9.0", digest::bytes(b"old"), "R0");
    assert_eq!(change(&world), Change::Raise { from: "0.9.0".parse().unwrap() });
}

#[test]
fn a_cluster_never_reached_is_an_error_or_left_to_catch_up() {
    let mut world = World::new(&["a", "b", "c"]);
    world.observed.remove("b");
    world.observed.remove("c");
    let findings = world.plan().unwrap_err();
    assert_eq!(only(&findings, &codes::CLUSTER_NEVER_REACHED).subjects, ["b", "c"]);
    world.defer_unknown = true;
    let plan = world.plan().unwrap();
    assert_eq!(plan.unknown.iter().map(|n| n.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(names(&plan.waves[0]), ["a"]);
    // A wave of nobody but those would be passed over with its gates.
    world.observed.remove("a");
    let findings = world.plan().unwrap_err();
    let found = only(&findings, &codes::CLUSTER_NEVER_REACHED);
    assert!(found.message.contains("its gates and its soak"), "{}", found.message);
}

#[test]
fn a_cluster_out_of_reach_is_planned_from_what_was_seen_last() {
    let mut world = World::new(&["a"]);
    world.observed.get_mut("a").unwrap().stale = true;
    let plan = world.plan().unwrap();
    assert!(plan.waves[0].pools[0].clusters[0].stale);
    assert!(notice(&plan, &codes::PLANNED_FROM_LAST).contains("cluster `a`"));
}

#[test]
fn two_waves_or_two_pools_of_one_name_are_an_error_at_the_second() {
    let mut world = World::new(&["a", "b"]);
    world.pipeline(
        "  waves:\n    - { name: same, clusters: [a] }\n    - { name: other, clusters: [] }\n    \
         - { name: same, clusters: [b] }\n",
    );
    let findings = world.plan().unwrap_err();
    let twice = only(&findings, &codes::DUPLICATE_NAME);
    assert_eq!(
        (twice.message.as_str(), twice.place.as_ref().unwrap().line()),
        ("two waves are called `same`", 8)
    );

    let mut world = World::new(&["a", "b"]);
    let entries = [entry("a", "half: one"), entry("b", "half: two")];
    world.fleet("", &entries);
    world.pipeline(
        "  waves:\n    - name: all\n      selector: {}\n      pools:\n        select:\n          \
         - { name: same, selector: { half: one } }\n          - { name: same, selector: { half: two } }\n",
    );
    let findings = world.plan().unwrap_err();
    assert_eq!(only(&findings, &codes::DUPLICATE_NAME).message, "two pools are called `same`");
}

#[test]
fn two_entries_that_are_one_cluster_are_an_error() {
    let mut world = World::new(&["a", "b"]);
    world.observed.get_mut("b").unwrap().uid = ClusterUid::new("uid-a");
    let findings = world.plan().unwrap_err();
    assert_eq!(only(&findings, &codes::ONE_IDENTITY_TWICE).subjects, ["a", "b"]);
}

#[test]
fn a_cluster_on_another_minor_is_an_error_that_names_it_and_both_minors() {
    let mut world = World::new(&["a", "b"]);
    let b = world.observed.get_mut("b").unwrap();
    b.kubernetes = "1.35".parse().unwrap();
    b.server = "v1.35.1".to_owned();
    let findings = world.plan().unwrap_err();
    assert_eq!(
        only(&findings, &codes::OTHER_KUBERNETES).message,
        "release `R1` is for Kubernetes 1.36, and 1.35 is served on cluster `b`"
    );
}

#[test]
fn a_lock_that_does_not_fit_is_refused() {
    let mut world = World::new(&["a"]);
    world.tamper = |release| {
        let products = &mut release.lock.as_mut().unwrap().value.products;
        products.values_mut().for_each(|locked| locked.digest = digest::bytes(b"other"));
    };
    only(&world.plan().unwrap_err(), &codes::LOCK_TAMPERED);
}

#[test]
fn steps_and_tests_carry_their_limits() {
    let mut world = World::new(&["a"]);
    world.product(
        "agent",
        "1.0.0",
        "  deploy:\n    - run: { command: [\"true\"] }\n    - run: { command: [\"true\"], idempotent: true, retries: 1, timeout: 30s }\n    \
         - run: { command: [\"true\"], idempotent: true, observe: [\"true\"] }\n  tests:\n    - run: { name: smoke, command: [\"true\"], retries: 2 }\n",
    );
    let plan = world.plan().unwrap();
    let product = plan.products.values().next().unwrap();
    let steps: Vec<_> = product
        .steps
        .iter()
        .map(|s| (s.name.as_str(), s.repeat, s.retries, s.timeout.as_seconds()))
        .collect();
    assert_eq!(
        steps,
        [("run", Repeat::Never, 3, 600), ("run-2", Repeat::Safe, 1, 30), ("run-3", Repeat::Observe, 3, 600)]
    );
    assert_eq!((product.tests[0].name.as_str(), product.tests[0].retries), ("smoke", 2));
}

#[test]
fn equal_values_are_held_once() {
    let names = many(50);
    let entries: Vec<String> = names.iter().map(|name| entry(name, &format!("team: {name}"))).collect();
    let mut world = World::new(&[]);
    world.product("agent", "1.0.0", "  values: { size: 1 }\n");
    world.fleet("", &entries);
    let plan = world.plan().unwrap();
    assert_eq!(plan.waves[0].size(), 50);
    assert_eq!((plan.values.len(), plan.products.len()), (1, 1));
}

#[test]
fn what_has_no_behaviour_yet_is_refused_each_with_its_code() {
    let step = |step: &str| format!("  deploy:\n    - {step}: {{ name: x }}\n");
    let products: [(&str, &Code); 3] = [
        ("controlPlane", &codes::CONTROL_PLANE_STEP),
        ("nodePools", &codes::NODE_POOLS_STEP),
        ("addon", &codes::ADDON_STEP),
    ];
    for (kind, code) in products {
        let mut world = World::new(&["a"]);
        world.product("agent", "1.0.0", &step(kind));
        only(&world.plan().unwrap_err(), code);
    }
    let wave = "  waves:\n    - name: all\n      selector: {}\n";
    let pipelines: [(String, &Code); 2] = [
        (format!("{wave}      soak: {{ for: 1h, observeEvery: 1m }}\n"), &codes::OBSERVE_EVERY),
        (format!("  startRate: {{ clusters: 0, per: 1h }}\n{wave}"), &codes::START_RATE),
    ];
    for (pipeline, code) in pipelines {
        let mut world = World::new(&["a"]);
        world.pipeline(&pipeline);
        only(&world.plan().unwrap_err(), code);
    }
}

#[test]
fn a_plan_names_the_next_opening_of_a_wave_that_is_closed_now() {
    let mut world = World::new(&["a", "b"]);
    world.calendar(
        "  freezes:\n    - { name: xmas, from: 2026-01-01T00:00:00Z, until: 2027-01-04T08:00:00Z, author: ann, reason: holidays }\n",
    );
    let plan = world.plan().unwrap();
    let notice = plan.notices.iter().find(|n| n.code == codes::CLOSED_NOW.id).unwrap();
    assert!(notice.message.contains("the freeze `xmas` holds: holidays"), "{}", notice.message);
    assert!(notice.message.contains("2027-01-04T08:00:00Z"), "{}", notice.message);
}

#[test]
fn a_chart_without_helm_is_an_error() {
    let mut world = World::new(&["a"]);
    world.product("agent", "1.0.0", "  deploy:\n    - helm: { chart: chart, namespace: x }\n");
    world.renderers.helm = None;
    only(&world.plan().unwrap_err(), &codes::NO_HELM);
}

#[test]
fn all_mistakes_are_shown_at_once() {
    let mut world = World::new(&["a", "b"]);
    world.observed.remove("b");
    world.pipeline(
        "  waves:\n    - { name: one, clusters: [a, b, nobody] }\n    - { name: two, clusters: [a], soak: { for: 1h, clock: observed, observeEvery: 2s } }\n",
    );
    let findings = world.plan().unwrap_err();
    for code in [
        &codes::CLUSTER_NEVER_REACHED,
        &codes::UNKNOWN_CLUSTER,
        &codes::CLUSTER_IN_TWO_WAVES,
        &codes::OBSERVE_EVERY,
    ] {
        only(&findings, code);
    }
}
