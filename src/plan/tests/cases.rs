//! Cases that fleets have met, named by their number in the list of cases.

use super::*;
use crate::diag::codes;

fn strings(n: usize) -> Vec<String> {
    many(n)
}

/// A world of n clusters, with one wave that says this besides its name and selector.
fn one_wave(n: usize, says: &str) -> World {
    let names = strings(n);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::new(&names);
    world.pipeline(&format!("  waves:\n    - name: all\n      selector: {{}}\n{says}"));
    world
}

#[test]
fn fleet_a03_clusters_that_no_wave_takes_are_an_error_that_lists_them_all() {
    let entries: Vec<String> =
        strings(100).iter().enumerate().map(|(n, c)| entry(c, &format!("half: h{}", n % 2))).collect();
    let mut world = World::new(&[]);
    world.fleet("", &entries);
    world.pipeline("  waves:\n    - { name: first, selector: { half: h0 } }\n");
    let findings = world.plan().unwrap_err();
    let finding = only(&findings, &codes::CLUSTER_IN_NO_WAVE);
    let odd: Vec<String> = strings(100).into_iter().skip(1).step_by(2).collect();
    assert_eq!(finding.subjects, odd, "all fifty, none cut off");
    let json = serde_json::to_value(&findings).unwrap();
    assert_eq!(json[0]["subjects"].as_array().unwrap().len(), 50);
    assert!(odd.iter().all(|name| finding.message.contains(name.as_str())), "{}", finding.message);

    world.pipeline("  unassigned: exclude\n  waves:\n    - { name: first, selector: { half: h0 } }\n");
    let plan = world.plan().unwrap();
    assert_eq!(plan.waves[0].size(), 50);
    assert_eq!(plan.unassigned.iter().map(|n| n.as_str()).collect::<Vec<_>>(), odd);
    assert!(notice(&plan, &codes::LEFT_OUT).contains("50 clusters"));
}

#[test]
fn fleet_a05_a_cluster_in_two_waves_is_an_error_that_names_cluster_and_both_waves() {
    let mut world = World::new(&["a", "b", "c"]);
    world.pipeline(
        "  waves:\n    - { name: first, clusters: [a, b] }\n    - { name: second, clusters: [c] }\n    \
         - { name: third, selector: { env: dev } }\n",
    );
    let findings = world.plan().unwrap_err();
    let doubled: Vec<_> = findings.iter().filter(|f| f.code == &codes::CLUSTER_IN_TWO_WAVES).collect();
    let messages: Vec<&str> = doubled.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "waves `first` and `third` all take 2 clusters: `a`, `b`",
            "waves `second` and `third` all take cluster `c`"
        ]
    );
    assert_eq!(doubled[0].subjects, ["a", "b"]);
    assert_eq!(doubled[0].place.as_ref().unwrap().line(), 8, "the selector of the third wave");
    assert_eq!(doubled[0].related[0].0.line(), 6, "the name in the first");
}

/// The codes of what a plan says, but that these products have no tests.
fn notices(plan: &Plan) -> Vec<&str> {
    let codes = plan.notices.iter().map(|notice| notice.code.as_str());
    codes.filter(|code| *code != codes::NO_TEST_TO_RUN.id).collect()
}

#[test]
fn fleet_a06_a_wave_without_clusters_is_planned_without_pools_and_says_so() {
    let mut world = World::new(&["a"]);
    world.pipeline(
        "  waves:\n    - { name: first, selector: { env: dev } }\n    - name: second\n      selector: { env: prod }\n      \
         failureBudget: 1\n      soak: { for: 1h }\n      gates: { before: [ { approval: { by: leads } } ] }\n",
    );
    let plan = world.plan().unwrap();
    assert_eq!(plan.waves[1].pools, []);
    assert_eq!(
        notice(&plan, &codes::EMPTY_WAVE),
        "wave `second` has no cluster: it will be skipped, with its gates and its soak"
    );
    assert_eq!(notices(&plan), [codes::EMPTY_WAVE.id], "an empty wave's budget is not worth a word");
}

#[test]
fn fleet_a09_an_order_label_that_is_no_integer_is_an_error_with_cluster_and_value() {
    let mut world = World::new(&[]);
    let fleet = [entry("a", "n: \"10\""), entry("b", "n: ten"), entry("c", "n: \"9\""), entry("d", "x: y")];
    world.fleet("", &fleet);
    let waves = "  waves:\n    - { name: all, selector: {} }\n";
    world.pipeline(&format!("  order: {{ label: n, as: integer }}\n{waves}"));
    let findings = world.plan().unwrap_err();
    let finding = only(&findings, &codes::ORDER_NOT_INTEGER);
    assert_eq!(finding.message, "cluster `b` has `n: ten`, and the pipeline orders by it as integer");
    assert_eq!(finding.place.as_ref().unwrap().line(), 7);

    world.fleet("", &[fleet[0].clone(), fleet[2].clone(), fleet[3].clone()]);
    assert_eq!(names(&world.plan().unwrap().waves[0]), ["c", "a", "d"], "9 before 10, a missing label last");
    world.pipeline(&format!("  order: {{ label: n }}\n{waves}"));
    assert_eq!(names(&world.plan().unwrap().waves[0]), ["a", "c", "d"], "as text, \"10\" before \"9\"");
}

#[test]
fn fleet_a11_named_clusters_come_first_in_written_order_then_matches_by_name() {
    let mut world = World::new(&["a", "b", "c", "d"]);
    world.pipeline("  waves:\n    - { name: all, clusters: [b, a, b], selector: { env: dev } }\n");
    assert_eq!(names(&world.plan().unwrap().waves[0]), ["b", "a", "c", "d"]);
}

#[test]
fn fleet_a12_a_named_cluster_that_does_not_exist_is_one_error() {
    let mut world = World::new(&["alpha"]);
    world.pipeline(
        "  waves:\n    - { name: first, clusters: [alhpa, alpha, alhpa] }\n    - { name: second, clusters: [alhpa] }\n",
    );
    let findings = world.plan().unwrap_err();
    let finding = only(&findings, &codes::UNKNOWN_CLUSTER);
    assert_eq!(finding.message, "wave `first` names the cluster `alhpa`, which is not in the fleet");
    assert_eq!(finding.hints, ["did you mean `alpha`?"]);
}

#[test]
fn fleet_b02_a_cap_that_rounds_to_nothing_is_one() {
    let plan = one_wave(5, "      atOnce: 10%\n").plan().unwrap();
    assert_eq!(plan.waves[0].at_once, Some(1));
}

#[test]
fn fleet_b03_a_cap_in_percent_is_a_number_in_the_plan() {
    let plan = one_wave(100, "      atOnce: 30%\n").plan().unwrap();
    assert_eq!(plan.waves[0].at_once, Some(30));
    let plan = one_wave(99, "      atOnce: 30%\n").plan().unwrap();
    assert_eq!(plan.waves[0].at_once, Some(29), "rounded down");
}

#[test]
fn fleet_b04_a_cap_of_zero_holds_and_unlimited_is_spelled() {
    let plan = one_wave(3, "      atOnce: 0\n").plan().unwrap();
    assert_eq!(plan.waves[0].at_once, Some(0));
    assert!(notice(&plan, &codes::CAP_HOLDS).contains("`all` holds"));
    let plan = one_wave(3, "      atOnce: unlimited\n").plan().unwrap();
    assert_eq!(plan.waves[0].at_once, None);
}

#[test]
fn fleet_b05_a_budget_above_the_wave_is_clamped_with_a_notice() {
    let plan = one_wave(5, "      failureBudget: 10\n").plan().unwrap();
    assert_eq!(plan.waves[0].failure_budget, 5);
    assert_eq!(
        notice(&plan, &codes::BUDGET_CLAMPED),
        "wave `all` lets 10 clusters fail and has 5: its `failureBudget` counts as 5"
    );
}

#[test]
fn fleet_b06_zero_percent_holds_too() {
    let plan = one_wave(50, "      atOnce: 0%\n").plan().unwrap();
    assert_eq!(plan.waves[0].at_once, Some(0));
}

#[test]
fn fleet_b07_one_percent_of_ten_is_one() {
    let plan = one_wave(10, "      atOnce: 1%\n      failureBudget: 1%\n").plan().unwrap();
    assert_eq!(plan.waves[0].at_once, Some(1), "a cap is at least one");
    assert_eq!(plan.waves[0].failure_budget, 0, "a budget has no minimum");
}

#[test]
fn fleet_b09_every_cap_stands_in_the_plan() {
    let mut world = World::new(&[]);
    let fleet: Vec<String> =
        strings(10).iter().enumerate().map(|(n, c)| entry(c, &format!("group: g{}", n % 2))).collect();
    world.fleet("", &fleet);
    world.pipeline(
        "  atOnce: 50%\n  waves:\n    - name: all\n      selector: {}\n      atOnce: 2\n      pools:\n        select:\n          \
         - { name: a, selector: { group: g0 }, atOnce: 5 }\n          - { name: b, selector: { group: g1 }, atOnce: 5 }\n",
    );
    let plan = world.plan().unwrap();
    assert_eq!((plan.pipeline.at_once, plan.waves[0].at_once), (Some(5), Some(2)));
    assert_eq!(plan.waves[0].pools.iter().map(|p| p.at_once).collect::<Vec<_>>(), [Some(5), Some(5)]);
}

#[test]
fn fleet_b12_there_is_no_threshold_at_which_waves_change() {
    let shape = |n: usize| {
        let plan = one_wave(n, "").plan().unwrap();
        (plan.waves.len(), plan.waves[0].pools.len(), plan.waves[0].at_once, notices(&plan).len())
    };
    assert_eq!(shape(199), shape(200));
    assert_eq!(shape(200), (1, 1, Some(1), 0));
}

#[test]
fn fleet_b13_a_small_last_pool_joins_or_is_announced() {
    let pools = |remainder: &str| {
        one_wave(230, &format!("      pools: {{ sizes: [57], remainder: {remainder} }}\n")).plan().unwrap()
    };
    let own = pools("own");
    assert_eq!(sizes(&own.waves[0]), [57, 57, 57, 57, 2]);
    assert_eq!(notice(&own, &codes::SMALL_LAST_POOL), "the last pool of wave `all` has 2 of 57 clusters");
    let join = pools("join");
    assert_eq!(sizes(&join.waves[0]), [57, 57, 57, 59]);
    assert_eq!(notices(&join), [""; 0]);
}

#[test]
fn fleet_g02_layers_merge_in_order_any_exclusion_wins_and_every_layer_is_kept() {
    let mut world = World::new(&[]);
    world.product(
        "agent",
        "1.0.0",
        "  values: { level: info, size: 1, ports: [1, 2], extra: { a: 1, b: 2 } }\n",
    );
    world.fleet(
        "  environments:\n    dev:\n      values:\n        agent: { level: debug, size: 2, extra: { b: ~, c: 3 } }\n  \
         pools:\n    p1:\n      values:\n        agent: { size: 3, ports: [9] }\n      exclude: [agent]\n    p2:\n      \
         values:\n        agent: { size: 3, ports: [9] }\n",
        &[entry("a", "env: dev, pool: p1"), entry("b", "env: dev, pool: p2")],
    );
    // `extra.c` is in no default.
    let (_, findings) = world.desired("b");
    let unknown = only(&findings, &codes::UNKNOWN_VALUE_KEY);
    assert_eq!(unknown.place.as_ref().unwrap().line(), 8);

    world.product(
        "agent",
        "1.0.0",
        "  values: { level: info, size: 1, ports: [1, 2], extra: { a: 1, b: 2, c: 0 } }\n",
    );
    let (excluded, _) = world.desired("a");
    let why: Vec<String> = excluded.excluded["agent"].iter().map(ToString::to_string).collect();
    assert_eq!(why, ["`exclude` of pool `p1`"]);
    assert!(excluded.products.is_empty());
    let (desired, findings) = world.desired("b");
    assert!(findings.is_empty(), "{findings}");
    let values = &desired.products["agent"].values;
    assert_eq!(
        values.node.to_json(),
        serde_json::json!({"level": "debug", "size": 3, "ports": [9], "extra": {"a": 1, "c": 3}})
    );
    let layers: Vec<String> = values.layers.iter().map(|(path, layer)| format!("{path}: {layer}")).collect();
    assert_eq!(
        layers,
        [
            "/extra/a: the product",
            "/extra/c: environment `dev`",
            "/level: environment `dev`",
            "/ports: pool `p2`",
            "/size: pool `p2`"
        ]
    );
}

#[test]
fn fleet_h05_the_same_commit_with_another_value_is_another_identity() {
    let mut world = World::new(&[]);
    world.product("agent", "1.0.0", "  values: { tag: \"1\" }\n");
    let fleet = |tag: &str| {
        vec![
            format!(
                "    - {{ name: a, kubeconfig: {{ path: k }}, values: {{ agent: {{ tag: \"{tag}\" }} }} }}\n"
            ),
            entry("b", "x: y"),
        ]
    };
    world.fleet("", &fleet("1"));
    let first = world.plan().unwrap();
    world.fleet("", &fleet("2"));
    world.settle(&first);
    let second = world.plan().unwrap();
    let target = |plan: &Plan, cluster: usize| plan.waves[0].pools[0].clusters[cluster].targets[0].clone();
    assert_eq!(target(&first, 0).digest, target(&second, 0).digest, "the content is the same");
    assert_ne!(target(&first, 0).inputs, target(&second, 0).inputs);
    assert_eq!(target(&second, 0).change, crate::plan::Change::Reconfigure);
    assert_eq!(target(&second, 1).change, crate::plan::Change::Unchanged);
    assert_ne!(first.digest, second.digest);
}
