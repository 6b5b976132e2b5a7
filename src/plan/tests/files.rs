//! The plan as a file, and when it is stale.

use super::*;
use crate::diag::{Code, codes};
use crate::plan::{Staleness, read, stale, write};

fn sample() -> World {
    let mut world = World::new(&["a", "b"]);
    world.product("agent", "1.0.0", "  values: { size: 1, ratio: 0.1, big: 1.7976931348623157e308 }\n");
    world
}

#[test]
fn a_plan_is_read_as_it_was_written() {
    let plan = sample().plan().unwrap();
    let bytes = write(&plan).unwrap();
    assert_eq!(read(&bytes).unwrap(), plan);
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((&json["kind"], &json["format"]), (&"Plan".into(), &1.into()));
}

#[track_caller]
fn refused(json: &serde_json::Value, code: &Code) -> String {
    let findings = read(&serde_json::to_vec(json).unwrap()).unwrap_err();
    only(&findings, code).message.clone()
}

#[test]
fn a_plan_that_was_changed_is_refused_wherever_it_was_changed() {
    let plan = sample().plan().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&write(&plan).unwrap()).unwrap();
    let changes: [(&str, serde_json::Value, &str); 8] = [
        ("/plan/waves/0/atOnce", 2.into(), "wave `all`"),
        ("/plan/waves/0/failureBudget", 1.into(), "wave `all`"),
        ("/plan/waves/0/pools/0/clusters/0/uid", "other".into(), "wave `all`"),
        ("/plan/waves/0/pools/0/clusters/0/labels/env", "prod".into(), "`agent` of `a`"),
        ("/plan/waves/0/pools/0/clusters/0/access/context", "other".into(), "seal"),
        ("/plan/commit", "f".repeat(40).into(), "seal"),
        ("/plan/digest", digest::bytes(b"x").to_string().into(), "its waves"),
        ("/plan/release/digest", digest::bytes(b"x").to_string().into(), "wave `all`"),
    ];
    for (path, value, what) in changes {
        let mut changed = json.clone();
        *changed.pointer_mut(path).unwrap() = value;
        let message = refused(&changed, &codes::PLAN_TAMPERED);
        assert!(message.contains(what), "{path}: {message}");
    }
    let mut changed = json.clone();
    changed["plan"]["values"].as_object_mut().unwrap().values_mut().next().unwrap()["size"] = 2.into();
    assert!(refused(&changed, &codes::PLAN_TAMPERED).contains("the values"));
}

#[test]
fn a_higher_format_and_what_is_no_plan_are_refused() {
    let plan = sample().plan().unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&write(&plan).unwrap()).unwrap();
    json["format"] = 2.into();
    json["plan"] = serde_json::json!({"of": "another shape"});
    assert!(refused(&json, &codes::PLAN_FORMAT).contains("format 2"));
    json["kind"] = "Pipeline".into();
    refused(&json, &codes::PLAN_UNREADABLE);
    only(&read(b"{").unwrap_err(), &codes::PLAN_UNREADABLE);
}

fn words(plan: &Plan, world: &World) -> Vec<String> {
    let found = world.with(|input| stale(plan, input));
    found.into_iter().map(|Staleness { what, change }| format!("{what}: {change}")).collect()
}

#[test]
fn a_plan_stays_good_while_only_clusters_and_time_move() {
    let mut world = sample();
    let higher = world.product("agent", "2.0.0", "");
    world.product("agent", "1.0.0", "  values: { size: 1 }\n");
    world.pin("PIN-1", "agent", "2.0.0", higher, "2026-11-22", "  clusters: [b]\n");
    let plan = world.plan().unwrap();
    assert_eq!(words(&plan, &world), [""; 0]);
    world.settle(&plan);
    assert_eq!(words(&plan, &world), [""; 0], "what runs");
    world.now = "2026-12-01T00:00:00Z".parse().unwrap();
    assert_eq!(words(&plan, &world), [""; 0], "a pin that ended meanwhile keeps its version");
    world.runs("a", "agent", "2.0.0", higher, "R9");
    assert_eq!(words(&plan, &world), [""; 0], "a cluster that moved ahead is preflight's to judge");
}

#[test]
fn what_changed_is_said_in_words() {
    let before = |world: &World| world.plan().unwrap();
    let mut world = sample();
    let plan = before(&world);
    let higher = world.product("agent", "2.0.0", "");
    world.product("agent", "1.0.0", "  values: { size: 1, ratio: 0.1, big: 1.7976931348623157e308 }\n");
    world.pin("PIN-1", "agent", "2.0.0", higher, "2026-12-22", "  clusters: [b]\n");
    assert_eq!(words(&plan, &world), ["cluster b: `agent` was 1.0.0 and is 2.0.0 (pin PIN-1)"]);
    world.unpin("PIN-1");
    assert_eq!(words(&plan, &world), [""; 0]);

    world.pipeline("  waves:\n    - { name: all, selector: {}, atOnce: 2, failureBudget: 1 }\n");
    assert_eq!(
        words(&plan, &world),
        ["wave all: its cap was 1 and is 2", "wave all: its failure budget was 0 and is 1"]
    );

    let mut world = sample();
    world.fleet("", &[entry("a", "env: dev"), entry("c", "env: dev")]);
    assert_eq!(
        words(&plan, &world),
        ["cluster b: cluster `b` is in no wave any more", "cluster c: cluster `c` is new"]
    );

    let mut world = sample();
    let b = world.observed.get_mut("b").unwrap();
    b.uid = ClusterUid::new("rebuilt");
    assert_eq!(
        words(&plan, &world),
        ["cluster b: it is another cluster: its identity was uid-b and is rebuilt"]
    );

    let mut world = sample();
    world.renderers.helm = Some("v9".to_owned());
    assert_eq!(
        words(&plan, &world),
        ["renderer: what renders was helm v4.0.1, manifests 1 and is helm v9, manifests 1"]
    );

    let mut world = sample();
    world.fleet(
        "  environments:\n    dev: { values: { agent: { size: 5 } } }\n",
        &[entry("a", "env: dev"), entry("b", "env: other")],
    );
    let found = words(&plan, &world);
    assert_eq!(found, ["cluster a: the values of `agent` changed", "cluster b: its labels changed"]);

    let mut world = sample();
    world.calendar(FREEZE);
    assert!(words(&plan, &world).is_empty(), "the calendar is asked while it rolls");
}

#[test]
fn a_cluster_that_was_left_to_catch_up_and_is_reached_now_makes_no_plan_stale() {
    let mut world = sample();
    let seen = world.observed.remove("b").unwrap();
    world.defer_unknown = true;
    let plan = world.plan().unwrap();
    world.observed.insert("b".parse().unwrap(), seen);
    assert_eq!(words(&plan, &world), [""; 0]);
}
