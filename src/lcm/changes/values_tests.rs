//! Values of charts, old and new.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn told(old: &Value, new: &Value, own: Option<Value>) -> Vec<String> {
    let found = between(old, new).found("2.0.0", own.as_ref().map(Own::of).as_ref());
    let evidence = found.evidence.into_iter().map(|one| format!("{}: {}", one.weight, one.text));
    evidence
        .chain(found.changes.into_iter().map(|one| format!("{}: {}", one.kind.word(), one.text)))
        .collect()
}

#[test]
fn only_keys_that_somebody_sets_are_missed_for_certain() {
    let old = json!({"controller": {"image": {"tag": "1"}, "psp": true}, "rbac": {"create": true}});
    let new = json!({"controller": {"image": {"tag": "1"}}, "rbac": {"create": true}});
    assert_eq!(
        told(&old, &new, Some(json!({"controller": {"psp": false}}))),
        ["certain: the values set `controller.psp`, which is gone"]
    );
    let gone = ["hint: the value `controller.psp` is gone"];
    assert_eq!(told(&old, &new, Some(json!({"rbac": {"create": false}}))), gone);
    assert_eq!(told(&old, &new, Some(json!({"controller": {"psp": null}}))), gone);
    assert_eq!(told(&old, &new, None), gone);
}

#[test]
fn a_whole_branch_that_is_gone_is_told_once_and_missed_by_who_sets_some_of_it() {
    let old = json!({"a": {"b": {"c": 1, "d": 2}}, "x": 1});
    let new = json!({"x": 1});
    assert_eq!(
        told(&old, &new, Some(json!({"a": {"b": {"d": 3}}}))),
        ["certain: the values set `a`, which is gone"]
    );
}

#[test]
fn a_key_of_the_same_name_and_shape_elsewhere_may_be_it() {
    let old =
        json!({"installCRDs": false, "webhook": {"timeout": 10}, "enabled": true, "p": {"q": {"r": 1}}});
    let new = json!({
        "crds": {"installCRDs": true}, "hook": {"timeout": "10s"}, "a": {"enabled": true}, "b": {"enabled": true},
        "z": {"p": {"q": {"r": 2}}}, "y": {"q": {"r": 3}},
    });
    let moved: Vec<String> = between(&old, &new)
        .removed
        .into_iter()
        .map(|one| format!("{} {}", one.path, one.moved.unwrap_or_default()))
        .collect();
    assert_eq!(moved, ["enabled ", "installCRDs crds.installCRDs", "p z.p", "webhook "]);
}

#[test]
fn types_that_are_others_break_who_sets_the_old_one() {
    let (old, new) = (json!({"hosts": ["a"], "n": 1}), json!({"hosts": {"a": {}}, "n": 1}));
    let of = |own| told(&old, &new, own);
    assert_eq!(
        of(Some(json!({"hosts": ["b"]}))),
        ["certain: the values set `hosts` to a list, and it is a mapping now"]
    );
    assert_eq!(of(Some(json!({"hosts": {"b": {}}}))), [""; 0]);
    assert_eq!(of(None), ["hint: the value `hosts` was a list, and is a mapping now"]);
    assert_eq!(told(&json!({"a": null}), &json!({"a": [1]}), None).len(), 1, "a default");
}

#[test]
fn defaults_inform_but_not_those_who_set_the_key() {
    let (old, new) = (json!({"replicas": 1}), json!({"replicas": 2, "more": {"x": 1}}));
    assert_eq!(
        told(&old, &new, None),
        ["changed: the value `replicas`: its default 1 is 2 now", "added: the value `more`"]
    );
    assert_eq!(told(&old, &new, Some(json!({"replicas": 5}))), ["added: the value `more`"]);
    let image = |tag: &str| json!({"image": {"tag": tag}});
    assert_eq!(told(&image("1"), &image("2"), None), [""; 0]);
}

#[test]
fn an_empty_mapping_takes_anything() {
    let (old, new) = (json!({"resources": {"limits": {"cpu": 1}}}), json!({"resources": {}}));
    let difference = between(&old, &new);
    assert_eq!((difference.removed.len(), difference.defaults.len()), (0, 1));
    assert_eq!(between(&new, &old).added, [""; 0]);
}

#[test]
fn what_somebody_sets_is_never_shown() {
    let (old, new) = (json!({"password": "x", "port": 1}), json!({"port": "a"}));
    let own = json!({"password": "hunter2", "port": 31337});
    for line in told(&old, &new, Some(own)) {
        assert!(!line.contains("hunter2") && !line.contains("31337"), "{line}");
    }
}

#[test]
fn names_with_points_have_a_place_of_their_own() {
    let old = json!({"annotations": {"a.b/c": "x", "d": 1}});
    let own = json!({"annotations": {"a.b/c": "y"}});
    assert_eq!(
        told(&old, &json!({"annotations": {"d": 1}}), Some(own)),
        ["certain: the values set `annotations[\"a.b/c\"]`, which is gone"]
    );
}

#[test]
fn schemas_that_demand_or_refuse_something() {
    let old = json!({"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}});
    let new = json!({"properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "required": ["a", "c", "d"], "additionalProperties": false});
    let of = |own: Option<Value>| -> Vec<String> {
        let found = schemas(&old, &new, &json!({"d": 1}), own.as_ref().map(Own::of).as_ref());
        found.evidence.into_iter().map(|one| format!("{}: {}", one.weight, one.text)).collect()
    };
    assert_eq!(
        of(Some(json!({"a": "x", "b": 1}))),
        [
            "certain: the schema of the values: `c` is required now",
            "hint: the schema of the values: it takes only keys that it names now",
            "certain: the schema of the values: `b` changes its type from integer to string",
        ]
    );
    assert_eq!(of(None).iter().filter(|line| line.starts_with("likely")).count(), 2);
}

#[test]
fn thousands_of_new_keys_are_counted() {
    let new: serde_json::Map<String, Value> = (0..5_000).map(|n| (format!("k{n}"), json!(n))).collect();
    let found = between(&json!({}), &Value::Object(new)).found("2", None);
    assert_eq!((found.changes.len(), found.cut), (MOST_TOLD, 5_000 - MOST_TOLD));
}

#[test]
fn depth_is_bounded() {
    let deep = |leaf: &str| {
        let text = format!("{}{leaf}{}", "{\"a\":".repeat(120), "}".repeat(120));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    assert_eq!(between(&deep("1"), &deep("2")), Difference::default());
    assert!(between(&json!({}), &deep("1")).found("2", Some(&Own::of(&deep("2")))).evidence.is_empty());
}

fn values() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(json!(null)), Just(json!(1)), Just(json!("x")), Just(json!([])), Just(json!({}))];
    let tree = leaf.prop_recursive(3, 16, 3, |inner| {
        proptest::collection::btree_map("[a-c.]{1,2}", inner, 0..4).prop_map(|map| json!(map))
    });
    proptest::collection::btree_map("[a-d]", tree, 0..4).prop_map(|map| json!(map))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_one_way_adds_the_other_removes(old in values(), new in values()) {
        let (forth, back) = (between(&old, &new), between(&new, &old));
        let removed = |one: &Difference| one.removed.iter().map(|one| one.path.clone()).collect::<Vec<_>>();
        prop_assert_eq!(&removed(&forth), &back.added);
        prop_assert_eq!(&removed(&back), &forth.added);
        prop_assert_eq!(forth.retyped.len(), back.retyped.len());
        prop_assert_eq!(forth.defaults.len(), back.defaults.len());
        prop_assert_eq!(between(&old, &old), Difference::default());
    }

    #[test]
    fn who_sets_nothing_misses_nothing_for_certain(old in values(), new in values()) {
        let found = between(&old, &new).found("2", Some(&Own::of(&json!({}))));
        prop_assert!(found.evidence.iter().all(|one| one.weight == Weight::Hint));
    }
}
