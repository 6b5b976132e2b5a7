//! Plans in the lane `hotfix`: its waves, where it is tested, what it contains, pins below it.

use super::*;
use crate::diag::codes;
use crate::model::Lane;
use crate::plan::{PlannedObstacle, stale};

/// R41, R42 on it, and the hotfix R41.1 that is planned: `agent` 1.0.0, 1.1.0 and 1.0.1. Production
/// runs R41, the others R42.
fn world() -> (World, Digest) {
    let mut world = World::new(&[]);
    let tests = "  tests:\n    - run: { name: smoke, command: ['true'] }\n";
    let old = world.product("agent", "1.0.0", tests);
    let new = world.product("agent", "1.1.0", tests);
    world.product("agent", "1.0.1", tests);
    world.files.remove("releases/R1.yaml");
    world.releases("R41", "  products: { agent: 1.0.0 }\n");
    world.releases("R42", "  parent: R41\n  products: { agent: 1.1.0 }\n");
    world.releases("R41.1", "  parent: R41\n  lane: hotfix\n  products: { agent: 1.0.1 }\n");
    let clusters = [("dev", "dev"), ("prod-1", "prod"), ("prod-2", "prod")];
    world.fleet("", &clusters.map(|(name, env)| entry(name, &format!("env: {env}"))));
    world.pipeline(
        "  lanes: { normal: [dev, prod], hotfix: [first, rest] }\n  waves:\n    \
         - { name: dev, selector: { env: dev }, soak: { for: 1d } }\n    \
         - { name: prod, selector: { env: prod } }\n    \
         - { name: first, clusters: [prod-1] }\n    - { name: rest, clusters: [prod-2] }\n",
    );
    world.runs("dev", "agent", "1.1.0", new, "R42");
    world.runs("prod-1", "agent", "1.0.0", old, "R41");
    world.runs("prod-2", "agent", "1.0.0", old, "R41");
    (world, old)
}

#[test]
fn a_hotfix_goes_through_the_waves_of_its_lane_and_leaves_the_other_clusters_alone() {
    let (world, _) = world();
    let plan = world.plan().unwrap();
    assert_eq!(plan.release.lane, Lane::Hotfix);
    let waves: Vec<&str> = plan.waves.iter().map(|wave| wave.name.as_str()).collect();
    assert_eq!(waves, ["first", "rest"]);
    assert!(plan.waves.iter().all(|wave| wave.soak.is_none()), "a hotfix may waive the soak");
    assert_eq!(plan.waves[0].tests, crate::model::TestPolicy::All, "never the tests");
    assert_eq!(plan.unassigned, ["dev".parse().unwrap()]);
    assert!(notice(&plan, &codes::LEFT_OUT).contains("lane `hotfix`"));
    assert_eq!(plan.lineage.contains, ["R41".parse().unwrap()]);
    assert_eq!(plan.lineage.hotfixes, ["R41.1".parse().unwrap()]);
    assert!(world.with(|input| stale(&plan, input)).is_empty());
}

#[test]
fn a_plan_says_all_that_its_release_contains() {
    let (mut world, _) = world();
    let tests = "  tests:\n    - run: { name: smoke, command: ['true'] }\n";
    world.product("agent", "1.1.1", tests);
    world.releases("R42.1", "  parent: R42\n  includes: [R41.1]\n  products: { agent: 1.1.1 }\n");
    let plan = world.plan().unwrap();
    let ids: Vec<&str> = plan.lineage.contains.iter().map(|id| id.as_str()).collect();
    assert_eq!(ids, ["R41", "R41.1", "R42"]);
    assert_eq!(crate::plan::read(&crate::plan::write(&plan).unwrap()).unwrap(), plan);
}

#[test]
fn a_plan_without_a_word_on_hotfixes_is_written_as_ever() {
    let plan = World::new(&["a"]).plan().unwrap();
    let text = String::from_utf8(crate::plan::write(&plan).unwrap()).unwrap();
    assert!(!text.contains("lineage") && !text.contains("obstacles"), "old plan files keep their seal");
}

#[test]
fn a_hotfix_without_a_lane_is_refused_and_not_sent_through_the_normal_one() {
    let (mut world, _) = world();
    world.pipeline("  waves:\n    - { name: all, selector: {} }\n");
    only(&world.plan().unwrap_err(), &codes::NO_HOTFIX_LANE);
}

#[test]
fn a_hotfix_is_tested_where_its_parent_runs() {
    let (mut world, _) = world();
    world.pipeline(
        "  lanes: { normal: [dev, prod], hotfix: [dev, prod] }\n  waves:\n    \
         - { name: dev, selector: { env: dev } }\n    - { name: prod, selector: { env: prod } }\n",
    );
    let findings = world.plan().unwrap_err();
    let finding = only(&findings, &codes::HOTFIX_UNTESTED);
    assert!(
        finding.message.contains("none in wave `dev` runs its parent `R41`: cluster `dev`"),
        "{finding:?}"
    );
    assert!(finding.next.is_some() && finding.place.as_ref().unwrap().line() == 5, "{finding:?}");
}

#[test]
fn a_hotfix_may_waive_soak_never_tests() {
    let (mut world, _) = world();
    world.product("agent", "1.0.1", "  tests: []\n");
    world.pipeline(
        "  lanes: { normal: [all], hotfix: [first] }\n  waves:\n    - { name: all, selector: {} }\n    \
         - { name: first, clusters: [prod-1], tests: changed }\n",
    );
    let finding = only(&world.plan().unwrap_err(), &codes::HOTFIX_UNTESTED).message.clone();
    assert!(finding.contains("`agent` has no test"), "{finding}");
}

#[test]
fn a_pin_below_a_hotfix_blocks_its_cluster_and_says_so() {
    let (mut world, old) = world();
    world.pin("PIN-7", "agent", "1.0.0", old, "2027-01-01", "  clusters: [prod-2]\n");
    let plan = world.plan().unwrap();
    let of = |name: &str| plan.cluster(&name.parse().unwrap()).unwrap().2.obstacles.clone();
    assert!(of("prod-1").is_empty());
    let blocked = of("prod-2");
    let [PlannedObstacle::PinMissesHotfix { pin, owner, hotfix, raised, .. }] = blocked.as_slice() else {
        panic!("not one pin that misses a hotfix: {blocked:?}")
    };
    assert_eq!(
        (pin.as_str(), owner.as_str(), hotfix.as_str(), raised.to_string().as_str()),
        ("PIN-7", "payments", "R41.1", "1.0.1")
    );
    assert!(notice(&plan, &codes::PIN_MISSES_HOTFIX).contains("cluster `prod-2`"));

    // A later release that contains the hotfix is held to the same; a pin that is high enough is not.
    let tests = "  tests:\n    - run: { name: smoke, command: ['true'] }\n";
    let next = world.product("agent", "1.1.1", tests);
    world.releases("R42.1", "  parent: R42\n  includes: [R41.1]\n  products: { agent: 1.1.1 }\n");
    let plan = world.plan().unwrap();
    assert_eq!(plan.cluster(&"prod-2".parse().unwrap()).unwrap().2.obstacles.len(), 1);
    world.pin("PIN-7", "agent", "1.1.1", next, "2027-01-01", "  clusters: [prod-2]\n");
    let plan = world.plan().unwrap();
    assert!(plan.clusters().all(|(_, _, cluster)| cluster.obstacles.is_empty()));
}

#[test]
fn the_only_cluster_of_the_first_wave_proves_nothing_while_a_pin_keeps_it_still() {
    let (mut world, old) = world();
    world.pin("PIN-7", "agent", "1.0.0", old, "2027-01-01", "  clusters: [prod-1]\n");
    only(&world.plan().unwrap_err(), &codes::HOTFIX_UNTESTED);
}
