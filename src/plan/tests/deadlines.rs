//! Limits from history, and the deadline of a cluster, as plans freeze them.

use super::*;
use crate::diag::codes;
use crate::model::{Duration, ProductName};
use crate::plan::{Action, PlannedDeadline};

const STEPS: &str = "  deploy:\n    - run: { name: migrate, command: [\"true\"], deadline: auto }\n    \
     - run: { name: warm, command: [\"true\"], timeout: 20m }\n  \
     tests:\n    - run: { name: smoke, command: [\"true\"], timeout: 30s, deadline: auto }\n";

fn agent() -> ProductName {
    "agent".parse().unwrap()
}

/// So many tries of each of these lengths, in seconds.
fn known(tries: &[(usize, u64)]) -> Durations {
    let mut durations = Durations::default();
    for (times, seconds) in tries {
        for _ in 0..*times {
            durations.note(&agent(), Action::Step("migrate".to_owned()), Duration::seconds(*seconds));
        }
    }
    durations
}

fn migrate(durations: &Durations) -> (u64, PlannedDeadline) {
    let usual = Duration::minutes(10);
    let (limit, why) = durations.limit(&agent(), &Action::Step("migrate".to_owned()), usual);
    (limit.as_seconds(), why)
}

#[test]
fn fleet_c11_the_deadline_of_a_step_is_twice_the_99th_percentile_of_its_history() {
    for (tries, limit) in [
        (vec![], 600),
        (vec![(19, 1_200)], 600),
        (vec![(20, 1_200)], 2_400),
        (vec![(100, 1_200), (1, 5_000)], 2_400),
        (vec![(100, 1_200), (2, 5_000)], 10_000),
        (vec![(20, 1)], 300),
        (vec![(20, 80_000)], 86_400),
        // Only the newest two hundred count.
        (vec![(200, 5_000), (200, 1_000)], 2_000),
    ] {
        assert_eq!(migrate(&known(&tries)).0, limit, "{tries:?}");
    }
    let says = |tries: &[(usize, u64)]| migrate(&known(tries)).1.to_string();
    assert_eq!(says(&[(19, 7)]), "the default: 19 of the 20 tries that are needed are known");
    assert_eq!(says(&[(40, 1_200)]), "twice the 20 m within which 99 % of 40 tries were through");
    assert_eq!(
        says(&[(40, 2)]),
        "twice the 2 s within which 99 % of 40 tries were through, and at least 5 m"
    );
}

#[test]
fn fleet_c11_the_plan_freezes_the_number_with_its_reason_and_a_written_timeout_overrides_it() {
    let mut world = World::new(&["a"]);
    world.product("agent", "1.0.0", STEPS);
    world.durations = known(&[(30, 1_200)]);
    let plan = world.plan().unwrap();
    let product = plan.products.values().next().unwrap();
    let p99 = Duration::minutes(20);
    assert_eq!(product.steps[0].timeout, Duration::minutes(40));
    assert_eq!(product.steps[0].deadline, Some(PlannedDeadline::History { tries: 30, p99 }));
    assert_eq!((product.steps[1].timeout, product.steps[1].deadline), (p99, None), "written down");
    let few = PlannedDeadline::Default { tries: 0, needed: 20 };
    assert_eq!((product.tests[0].timeout, product.tests[0].deadline), (Duration::seconds(30), Some(few)));
    let settle = product.settle.unwrap();
    assert_eq!(
        (settle.timeout, settle.deadline),
        (p99, few),
        "as long as the longest step, till more is known"
    );
    let said = notice(&plan, &codes::DEADLINE_BY_DEFAULT);
    assert!(said.contains("agent 1.0.0 (settle 0, test:smoke 0)"), "{said}");

    let text = crate::plan::write(&plan).unwrap();
    assert_eq!(crate::plan::read(&text).unwrap(), plan);
    world.durations = Durations::default();
    let other = world.plan().unwrap();
    assert_eq!(other.digest, plan.digest, "what is known of durations makes no plan another one");
    assert_eq!(world.with(|input| crate::plan::stale(&plan, input)), [], "nor does it make one stale");
}

#[test]
fn a_cluster_deadline_is_part_of_the_wave_and_one_that_is_absent_is_not() {
    let wave = |more: &str| {
        let mut world = World::new(&["a"]);
        world.pipeline(&format!("  waves:\n    - {{ name: all, selector: {{}}{more} }}\n"));
        world.plan().unwrap()
    };
    let (without, with) = (wave(""), wave(", clusterDeadline: 2h"));
    assert_eq!(with.waves[0].cluster_deadline, Some(Duration::hours(2)));
    assert_ne!(with.waves[0].digest, without.waves[0].digest);
    assert!(!serde_json::to_string(&without).unwrap().contains("clusterDeadline"));
}
