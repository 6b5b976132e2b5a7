//! Who gets which version: pins, requirements, and never lower by accident.

use super::*;
use crate::diag::codes;
use crate::resolve::{Needed, Reason, needed};

/// Certs 1.17.2 in the release, an app that needs at least 1.15, and 1.18 tagged besides.
fn certs() -> (World, Digest, Digest) {
    let mut world = World::new(&["a", "b", "c"]);
    let higher = world.product("certs", "1.18.0", "");
    let released = world.product("certs", "1.17.2", "");
    world.product("app", "1.0.0", "  requires: { certs: \">=1.15.0 <1.19.0\" }\n");
    world.releases("R1", "  products: { certs: 1.17.2, app: 1.0.0 }\n");
    (world, released, higher)
}

fn reason(world: &World, cluster: &str, product: &str) -> (String, String) {
    let (desired, findings) = world.desired(cluster);
    assert!(!findings.has_errors(), "{findings}");
    let product = &desired.products[product];
    let why = match &product.reason {
        Reason::Release { release } => format!("release {release}"),
        Reason::Pin { pin, owner, until } => format!("pin {pin} of {owner} until {until}"),
        Reason::Hold { by, reason, .. } => format!("held by {by}: {reason}"),
        Reason::Ahead { release_has } => format!("ahead of {release_has}"),
        Reason::Rollback { of, .. } => format!("before {of}"),
    };
    (product.version.to_string(), why)
}

#[test]
fn a_pin_holds_its_version_on_its_clusters_alone() {
    let (mut world, _, higher) = certs();
    world.pin("PIN-1", "certs", "1.18.0", higher, "2026-12-15", "  clusters: [a]\n");
    assert_eq!(
        reason(&world, "a", "certs"),
        ("1.18.0".into(), "pin PIN-1 of payments until 2026-12-15".into())
    );
    assert_eq!(reason(&world, "b", "certs"), ("1.17.2".into(), "release R1".into()));
    world.pin("PIN-1", "certs", "1.18.0", higher, "2026-12-15", "  selector: { env: dev }\n");
    assert_eq!(reason(&world, "b", "certs").0, "1.18.0");
}

#[test]
fn two_pins_for_one_product_on_one_cluster_are_an_error_that_names_both() {
    let (mut world, released, higher) = certs();
    world.pin("PIN-1", "certs", "1.18.0", higher, "2026-12-15", "  clusters: [a]\n");
    world.pin("PIN-2", "certs", "1.17.2", released, "2026-12-15", "  selector: { env: dev }\n");
    let findings = world.plan().unwrap_err();
    let finding = only(&findings, &codes::CONFLICTING_PINS);
    assert_eq!(
        finding.message,
        "pins `PIN-1` (1.18.0) and `PIN-2` (1.17.2) both hold `certs` on cluster `a`"
    );
    assert_eq!(finding.place.as_ref().unwrap().file(), "pipelines/pins/PIN-2.yaml");
    assert_eq!(finding.related[0].0.file(), "pipelines/pins/PIN-1.yaml");
}

#[test]
fn a_pin_that_ended_is_a_warning_and_its_cluster_goes_back() {
    let (mut world, _, higher) = certs();
    world.runs("a", "certs", "1.18.0", higher, "R1");
    world.pin("PIN-1", "certs", "1.18.0", higher, "2026-11-20", "  clusters: [a]\n");
    let plan = world.plan().unwrap();
    assert!(notice(&plan, &codes::PIN_ENDED).contains("pin `PIN-1` of `certs` ended (2026-11-20)"));
    let (_, _, a) = plan.cluster(&"a".parse().unwrap()).unwrap();
    let target = a.targets.iter().find(|t| t.product.as_str() == "certs").unwrap();
    assert_eq!(target.change, crate::plan::Change::Lower { from: "1.18.0".parse().unwrap() });
}

#[test]
fn a_pin_that_was_removed_counts_as_ended_where_the_journal_knows_it() {
    let (mut world, _, higher) = certs();
    world.runs("a", "certs", "1.18.0", higher, "R1");
    assert_eq!(reason(&world, "a", "certs"), ("1.18.0".into(), "ahead of 1.17.2".into()));
    let past = PastPin { pin: "PIN-1".parse().ok(), product: "certs".parse().unwrap(), digest: higher };
    world.past_pins.insert(ClusterUid::new("uid-a"), vec![past]);
    assert_eq!(reason(&world, "a", "certs"), ("1.17.2".into(), "release R1".into()));
}

fn held(digest: crate::digest::Digest) -> crate::resolve::HeldProduct {
    crate::resolve::HeldProduct {
        product: "certs".parse().unwrap(),
        version: "1.17.2".parse().unwrap(),
        commit: "0".repeat(40),
        digest,
        by: "person:ann".to_owned(),
        until: None,
        reason: "demo".to_owned(),
    }
}

#[test]
fn a_hold_goes_before_a_pin_and_a_pin_before_the_release() {
    let (mut world, released, higher) = certs();
    world.releases("R2", "  parent: R1\n  products: { certs: 1.18.0, app: 1.0.0 }\n");
    world.holds.insert("a".parse().unwrap(), vec![held(released)]);
    assert_eq!(reason(&world, "a", "certs"), ("1.17.2".into(), "held by person:ann: demo".into()));
    world.pin("PIN-1", "certs", "1.18.0", higher, "2026-12-15", "  clusters: [a]\n");
    assert_eq!(reason(&world, "a", "certs").0, "1.17.2");
    assert_eq!(reason(&world, "b", "certs"), ("1.18.0".into(), "release R2".into()));
}

#[test]
fn nobody_lowers_what_a_person_holds() {
    let (mut world, released, higher) = certs();
    world.releases("R1", "  lowers: [certs]\n  products: { certs: 1.17.2, app: 1.0.0 }\n");
    world.runs("a", "certs", "1.18.0", higher, "R0");
    assert_eq!(reason(&world, "a", "certs").0, "1.17.2");
    let kept = crate::resolve::HeldProduct { version: "1.18.0".parse().unwrap(), ..held(higher) };
    world.holds.insert("a".parse().unwrap(), vec![kept]);
    assert_eq!(reason(&world, "a", "certs").0, "1.18.0");
    // Even a hold does not bring an older version back: that is a rollback.
    world.holds.insert("a".parse().unwrap(), vec![held(released)]);
    assert_eq!(reason(&world, "a", "certs"), ("1.18.0".into(), "ahead of 1.17.2".into()));
}

#[test]
fn a_version_that_a_release_brought_is_not_lowered_because_a_pin_named_it_too() {
    let (mut world, _, higher) = certs();
    world.releases("R2", "  parent: R1\n  products: { certs: 1.18.0, app: 1.0.0 }\n");
    world.release = "R1".parse().unwrap();
    world.runs("a", "certs", "1.18.0", higher, "R2");
    world.pin("PIN-1", "certs", "1.18.0", higher, "2026-11-20", "  clusters: [a]\n");
    assert_eq!(reason(&world, "a", "certs").1, "ahead of 1.17.2");
}

/// The codes of a plan's notices that are about pins.
fn of_pins(plan: &Plan) -> Vec<&str> {
    let codes = plan.notices.iter().map(|notice| notice.code.as_str());
    codes.filter(|code| ["TG0321", "TG0322", "TG0325"].contains(code)).collect()
}

/// G06: fourteen, seven and one day before its end a pin is told; after it, by its policy, the cluster
/// rejoins with the next plan, or is planned and blocked with words until somebody chooses.
#[test]
fn fleet_g06_an_ended_pin_was_told_before_and_rejoins_or_blocks_by_its_policy() {
    let (mut world, _, higher) = certs();
    world.runs("a", "certs", "1.18.0", higher, "R1");
    world.pin("PIN-1", "certs", "1.18.0", higher, "2026-12-15", "  clusters: [a]\n  onExpiry: block\n");
    world.pin("PIN-2", "certs", "1.18.0", higher, "2026-12-15", "  clusters: [b]\n");
    world.runs("b", "certs", "1.18.0", higher, "R1");
    let mut at = |now: &str| {
        world.now = now.parse().unwrap();
        world.plan().unwrap()
    };
    assert_eq!(of_pins(&at("2026-12-01T23:00:00Z")), [""; 0], "fifteen days before");
    for (now, within) in [
        ("2026-12-02T01:00:00Z", "within 14 days"),
        ("2026-12-09T01:00:00Z", "within 7 days"),
        ("2026-12-15T01:00:00Z", "within a day"),
    ] {
        let plan = at(now);
        assert_eq!(of_pins(&plan), ["TG0325", "TG0325"]);
        let first = notice(&plan, &codes::PIN_ENDS_SOON);
        assert!(
            first.contains("pin `PIN-1` of `certs` (payments) ends") && first.contains(within),
            "{first}"
        );
        assert!(first.contains("and then blocks on cluster `a`"), "{first}");
    }
    let before = at("2026-12-15T23:59:59Z");
    let after = at("2026-12-16T00:00:00Z");
    let cluster = |plan: &Plan, name: &str| plan.cluster(&name.parse().unwrap()).unwrap().2.clone();
    assert!(cluster(&before, "a").obstacles.is_empty());
    let (a, b) = (cluster(&after, "a"), cluster(&after, "b"));
    let version = |cluster: &crate::plan::PlannedCluster| {
        cluster.targets.iter().find(|t| t.product.as_str() == "certs").unwrap().version.to_string()
    };
    assert_eq!((version(&a), version(&b)), ("1.18.0".into(), "1.17.2".into()), "one stays, one rejoins");
    assert_eq!(
        a.obstacles.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["pin PIN-1 of payments ended (2026-12-15) and blocks: certs stays at 1.18.0 until somebody chooses"]
    );
    assert!(b.obstacles.is_empty());
    assert!(notice(&after, &codes::PIN_BLOCKS).contains("and blocks every release on cluster `a`"));
    assert_eq!(of_pins(&after), ["TG0322", "TG0321"]);
}

#[test]
fn a_pin_that_blocks_gives_way_to_one_that_holds() {
    let (mut world, _, higher) = certs();
    world.pin("PIN-1", "certs", "1.18.0", higher, "2026-11-20", "  clusters: [a]\n  onExpiry: block\n");
    world.pin("PIN-2", "certs", "1.18.0", higher, "2026-12-31", "  clusters: [a]\n");
    let plan = world.plan().unwrap();
    let (_, _, a) = plan.cluster(&"a".parse().unwrap()).unwrap();
    assert!(a.obstacles.is_empty(), "{:?}", a.obstacles);
}

#[test]
fn a_higher_version_stays_and_the_plan_says_so() {
    let (mut world, _, higher) = certs();
    world.runs("a", "certs", "1.18.0", higher, "R0");
    let plan = world.plan().unwrap();
    assert_eq!(notice(&plan, &codes::STAYS_AHEAD), "`certs` stays at 1.18.0, above 1.17.2, on cluster `a`");
    let (_, _, a) = plan.cluster(&"a".parse().unwrap()).unwrap();
    assert_eq!(a.targets.len(), 2, "the other product goes on");
    assert_eq!(a.targets[0].change, crate::plan::Change::Reconfigure, "other inputs, same version");
}

#[test]
fn a_release_that_lists_it_under_lowers_lowers() {
    let (mut world, _, higher) = certs();
    world.releases("R2", "  parent: R1\n  products: { certs: 1.18.0, app: 1.0.0 }\n");
    world.releases("R3", "  parent: R2\n  lowers: [certs]\n  products: { certs: 1.17.2, app: 1.0.0 }\n");
    world.runs("a", "certs", "1.18.0", higher, "R2");
    assert_eq!(reason(&world, "a", "certs"), ("1.17.2".into(), "release R3".into()));
}

#[test]
fn a_release_behind_every_cluster_is_an_error() {
    let (mut world, _, higher) = certs();
    for cluster in ["a", "b"] {
        world.runs(cluster, "certs", "1.18.0", higher, "R0");
    }
    assert!(world.plan().is_ok(), "one cluster is not ahead");
    world.runs("c", "certs", "1.18.0", higher, "R0");
    let findings = world.plan().unwrap_err();
    assert_eq!(only(&findings, &codes::EVERY_CLUSTER_AHEAD).subjects, ["certs"]);
}

#[test]
fn a_pin_below_what_runs_lowers_nothing() {
    let (mut world, _, higher) = certs();
    let lower = world.product("certs", "1.16.0", "");
    world.runs("a", "certs", "1.18.0", higher, "R0");
    world.pin("PIN-1", "certs", "1.16.0", lower, "2026-12-15", "  clusters: [a]\n");
    let (desired, findings) = world.desired("a");
    assert_eq!(desired.products["certs"].version.to_string(), "1.18.0");
    only(&findings, &codes::PIN_BELOW_RUNNING);
}

#[test]
fn a_pinned_set_that_does_not_fit_is_an_error_with_both_sides() {
    let (mut world, _, _) = certs();
    let far = world.product("certs", "1.19.0", "");
    world.pin("PIN-1", "certs", "1.19.0", far, "2026-12-15", "  clusters: [a, b]\n");
    let findings = world.plan().unwrap_err();
    let finding = only(&findings, &codes::UNSATISFIED_REQUIRES);
    assert_eq!(
        finding.message,
        "`app` 1.0.0 requires `certs` >=1.15.0 <1.19.0, and what goes there has 1.19.0 on 2 clusters: `a`, `b`"
    );
    assert_eq!(finding.place.as_ref().unwrap().file(), "products/app/product.yaml");
    assert_eq!(finding.related[0].0.file(), "pipelines/pins/PIN-1.yaml");
    assert_eq!(finding.hints, ["pin `PIN-1` (payments, until 2026-12-15) holds `certs` at 1.19.0"]);
}

#[test]
fn a_requirement_that_the_cluster_does_not_get_is_an_error_that_says_why() {
    let (mut world, ..) = certs();
    world.fleet(
        "  environments:\n    prod: { exclude: [certs] }\n",
        &[entry("a", "env: dev"), entry("b", "env: prod")],
    );
    let findings = world.plan().unwrap_err();
    let finding = only(&findings, &codes::UNSATISFIED_REQUIRES);
    assert_eq!(finding.subjects, ["b"]);
    assert_eq!(finding.hints, ["`certs` is kept away by `exclude` of environment `prod`"]);
    assert!(finding.related.iter().any(|(place, words)| words == "excluded here" && place.line() == 6));
}

#[test]
fn where_and_exclusions_are_all_kept() {
    let mut world = World::new(&["a"]);
    world.product("agent", "1.0.0", "  where: { env: prod }\n");
    world.fleet(
        "  environments:\n    dev: { exclude: [agent] }\n",
        &["    - { name: a, labels: { env: dev }, kubeconfig: { path: k }, exclude: [agent] }\n".to_owned()],
    );
    let (desired, findings) = world.desired("a");
    assert!(findings.is_empty(), "{findings}");
    let why: Vec<String> = desired.excluded["agent"].iter().map(ToString::to_string).collect();
    assert_eq!(
        why,
        ["the product's `where`", "`exclude` of environment `dev`", "`exclude` of the cluster itself"]
    );
}

#[test]
fn a_product_that_does_not_know_the_clusters_kubernetes_is_an_error() {
    let mut world = World::new(&["a", "b"]);
    world.product("agent", "1.0.0", "  kubernetes: \">=1.36.0 <1.36.5\"\n");
    assert!(world.plan().is_ok(), "1.36.2 is served");
    world.observed.get_mut("b").unwrap().server = "v1.36.7".to_owned();
    let findings = world.plan().unwrap_err();
    assert_eq!(
        only(&findings, &codes::UNFIT_KUBERNETES).message,
        "`agent` 1.0.0 works on Kubernetes >=1.36.0 <1.36.5, and what goes there has v1.36.7 on cluster `b`"
    );
}

#[test]
fn values_that_break_the_schema_are_shown_where_they_were_written() {
    let mut world = World::new(&[]);
    world.product(
        "agent",
        "1.0.0",
        "  values: { size: 1, key: none }\n  valuesSchema: { properties: { size: { type: integer }, key: { type: string } } }\n",
    );
    world.fleet(
        "  pools:\n    p:\n      values:\n        agent:\n          size: big\n          key: { secretRef: { env: KEY } }\n",
        &[entry("a", "pool: p"), entry("b", "pool: p")],
    );
    let findings = world.plan().unwrap_err();
    let finding = only(&findings, &codes::VALUES_BREAK_SCHEMA);
    assert_eq!(finding.place.as_ref().unwrap().to_string(), "pipelines/fleet.yaml:9:17");
    assert_eq!(findings.errors().count(), 1, "once for both clusters, and a reference fits everywhere");
}

#[test]
fn a_reference_to_a_secret_replaces_and_is_replaced_whole() {
    let mut world = World::new(&[]);
    world.product("agent", "1.0.0", "  values: { key: { secretRef: { env: A } } }\n");
    world.fleet(
        "  environments:\n    dev: { values: { agent: { key: { secretRef: { file: b } } } } }\n",
        &[entry("a", "env: dev")],
    );
    let (desired, findings) = world.desired("a");
    assert!(findings.is_empty(), "{findings}");
    let values = desired.products["agent"].values.node.to_json();
    assert_eq!(values, serde_json::json!({"key": {"secretRef": {"file": "b"}}}));
}

#[test]
fn what_is_needed_are_the_locked_the_pinned_and_what_runs_beyond() {
    let (mut world, released, higher) = certs();
    let pinned = world.product("certs", "1.19.0", "");
    world.pin("PIN-1", "certs", "1.19.0", pinned, "2026-12-15", "  clusters: [a]\n");
    world.runs("b", "certs", "1.18.0", higher, "R0");
    let found: Vec<Needed> = world.with(|input| {
        needed(&input.release, input.pins, input.holds, input.observed.values(), input.now)
            .into_iter()
            .collect()
    });
    let certs: Vec<Digest> =
        found.iter().filter(|n| n.product.as_str() == "certs").map(|n| n.digest).collect();
    assert_eq!(certs, [released, higher, pinned]);
}

#[test]
fn content_that_was_not_found_is_an_error_with_the_next_command() {
    let (mut world, ..) = certs();
    let gone = digest::bytes(b"gone");
    world.pin("PIN-1", "certs", "1.18.0", gone, "2026-12-15", "  clusters: [a]\n");
    let findings = world.plan().unwrap_err();
    assert_eq!(only(&findings, &codes::CONTENT_ABSENT).next.as_deref(), Some("git fetch --tags"));
}
