//! What applies and writes make of ownership, step by step, and what always holds of it. That a real
//! server does the same, tests/it/fields.rs shows.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn writer(manager: &str, second: i64) -> Writer<'_> {
    Writer { manager, api_version: "v1", subresource: "", now: at(second) }
}

fn config_map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}, "data": data})
}

fn maps() -> Schema {
    Schema::builtin("", "v1", "ConfigMap").unwrap()
}

/// An object as a store has it: born.
fn born(mut object: Value) -> Value {
    object["metadata"]["uid"] = "u".into();
    object
}

fn owners(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array();
    let shown = |e: &Value| {
        let text = |field: &str| e[field].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {}", text("manager"), text("operation"), text("time"), e["fieldsV1"]["f:data"])
    };
    entries.into_iter().flatten().map(shown).collect()
}

#[test]
fn an_apply_that_changes_nothing_leaves_the_object_and_its_times() {
    let schema = maps();
    let first = born(apply(&schema, None, &config_map(json!({"x": "1"})), &writer("a", 0), false).unwrap());
    assert_eq!(owners(&first), ["a Apply 2027-01-15T08:00:00Z {\"f:x\":{}}"]);
    let again = apply(&schema, Some(&first), &config_map(json!({"x": "1"})), &writer("a", 60), false);
    assert_eq!(again, Ok(first.clone()));
    let put = written(&schema, Some(&first), first.clone(), &writer("b", 60));
    assert_eq!(put, first);
}

#[test]
fn a_conflict_names_manager_and_field_and_force_takes_it() {
    let schema = maps();
    let live = born(apply(&schema, None, &config_map(json!({"x": "1"})), &writer("a", 0), false).unwrap());
    let live =
        written(&schema, Some(&live), merge_patch(&live, &json!({"data": {"y": "1"}})), &writer("b", 1));
    let wanted = config_map(json!({"x": "2", "y": "2"}));
    let Err(Refusal::Conflict(conflicts)) = apply(&schema, Some(&live), &wanted, &writer("c", 2), false)
    else {
        panic!("no conflict")
    };
    assert_eq!(
        conflict_message(&conflicts),
        "Apply failed with 2 conflicts: conflicts with \"a\":\n- .data.x\nconflicts with \"b\" using v1:\n- .data.y"
    );
    assert_eq!(
        conflict_message(&conflicts[..1]),
        "Apply failed with 1 conflict: conflict with \"a\": .data.x"
    );
    let forced = apply(&schema, Some(&live), &wanted, &writer("c", 2), true).unwrap();
    assert_eq!(forced["data"], json!({"x": "2", "y": "2"}));
    assert_eq!(owners(&forced), ["c Apply 2027-01-15T08:00:02Z {\"f:x\":{},\"f:y\":{}}"]);
}

#[test]
fn a_write_that_resets_the_entries_leaves_none_and_the_next_apply_starts_anew() {
    let schema = maps();
    let live = born(apply(&schema, None, &config_map(json!({"x": "1"})), &writer("a", 0), false).unwrap());
    for reset in [json!([]), json!([{}])] {
        let mut sent = live.clone();
        sent["metadata"]["managedFields"] = reset;
        let bare = written(&schema, Some(&live), schema.defaulted(sent), &writer("b", 1));
        assert_eq!(owners(&bare), [""; 0]);
        let next =
            apply(&schema, Some(&bare), &config_map(json!({"y": "1"})), &writer("c", 2), false).unwrap();
        assert_eq!(
            owners(&next),
            [
                "c Apply 2027-01-15T08:00:02Z {\"f:y\":{}}",
                "before-first-apply Update 2027-01-15T08:00:02Z {\".\":{},\"f:x\":{}}"
            ]
        );
    }
}

#[test]
fn entries_of_versions_that_are_gone_are_forgotten() {
    let schema = maps();
    let old = Writer { api_version: "v1beta1", ..writer("old", 0) };
    let mut live = born(written(&schema, None, config_map(json!({"x": "1"})), &old));
    forget_versions(&mut live, |version| version == "v1");
    assert_eq!(owners(&live), [""; 0]);
}

#[test]
fn a_text_for_a_number_is_refused_where_it_stands() {
    let schema = Schema::builtin("apps", "v1", "Deployment").unwrap();
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": "two"}});
    assert_eq!(
        schema.undecodable(&sent).unwrap(),
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
    );
    assert!(matches!(apply(&schema, None, &sent, &writer("a", 0), false), Err(Refusal::Untyped(_))));
}

#[test]
fn versions_that_the_table_has_not_share_a_schema() {
    assert!(Schema::builtin("flowcontrol.apiserver.k8s.io", "v1beta3", "FlowSchema").is_some());
    assert!(Schema::builtin("", "v1", "Nothing").is_none());
    assert!(Schema::builtin("apps", "v1", "Pod").is_none());
}

/// Data of a ConfigMap, few keys and values, so that managers meet.
fn data() -> impl Strategy<Value = Value> {
    proptest::collection::btree_map("[a-d]", "[1-3]", 0..4).prop_map(|data| json!(data))
}

/// A pod template: containers, arguments (one whole), ports by key, labels. Nothing in it is empty: the
/// server lets empty maps and lists vanish though they are owned, so that two who apply them conflict.
fn deployment() -> impl Strategy<Value = Value> {
    let port = ("[1-3]", prop::option::of("TCP|UDP"));
    let ports = proptest::collection::vec(port, 0..3);
    let container = ("[a-c]", "[1-2]", prop::option::of(proptest::collection::vec("[x-z]", 1..3)), ports);
    let labels = proptest::collection::btree_map("[a-b]", "[1-2]", 1..3);
    (proptest::collection::vec(container, 0..3), labels, prop::option::of(0..3_i32)).prop_map(|(all, labels, replicas)| {
        let mut containers: Vec<Value> = Vec::new();
        for (name, image, args, ports) in all {
            if containers.iter().any(|c| c["name"] == name) {
                continue;
            }
            let mut container = json!({"name": name, "image": image});
            if let Some(args) = args {
                container["args"] = json!(args);
            }
            let mut seen = Vec::new();
            for (port, protocol) in ports {
                let protocol = protocol.unwrap_or("TCP".to_owned());
                if !seen.contains(&(port.clone(), protocol.clone())) {
                    seen.push((port, protocol));
                }
            }
            let port = |(port, protocol): &(String, String)| {
                json!({"containerPort": port.parse::<i32>().unwrap(), "protocol": protocol})
            };
            container["ports"] = seen.iter().map(port).collect();
            containers.push(container);
        }
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": labels},
            "spec": {"template": {"spec": {"containers": containers}}},
        });
        if let Some(replicas) = replicas {
            object["spec"]["replicas"] = replicas.into();
        }
        object
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whoever applies twice changes nothing the second time; what he wants is then there and his, and
    /// he never conflicts with himself.
    #[test]
    fn applies_settle(steps in proptest::collection::vec(("[a-c]", deployment(), any::<bool>()), 1..8)) {
        let schema = Schema::builtin("apps", "v1", "Deployment").unwrap();
        let mut live: Option<Value> = None;
        for (second, (manager, wanted, force)) in steps.iter().enumerate() {
            let second = i64::try_from(second).unwrap();
            let writer = Writer { api_version: "apps/v1", ..writer(manager, second) };
            let Ok(next) = apply(&schema, live.as_ref(), wanted, &writer, *force) else {
                prop_assert!(!force);
                continue;
            };
            let next = born(next);
            let later = Writer { now: at(second + 1_000), ..writer };
            let again = apply(&schema, Some(&next), wanted, &later, false);
            prop_assert_eq!(again.as_ref(), Ok(&next));
            let types = schema.types();
            let (_, entries) = managed::split(&next);
            let managers = managed::read(&entries).unwrap();
            let mine = &managers[&managed::Manager::new(manager, true, "", "")];
            let there = types.fields(schema.root(), &next);
            let lost = mine.fields.difference(&there).paths();
            prop_assert!(lost.is_empty(), "{lost:?}");
            live = Some(next);
        }
    }

    /// Once an object has owners, each of its fields has one as long as it is there; nobody owns what is
    /// gone.
    #[test]
    fn what_is_there_is_owned(steps in proptest::collection::vec(("[a-c]", data(), 0..3), 1..10)) {
        let schema = maps();
        let mut live: Option<Value> = None;
        for (second, (manager, data, how)) in steps.iter().enumerate() {
            let writer = writer(manager, i64::try_from(second).unwrap());
            let wanted = config_map(data.clone());
            let next = match (how, &live) {
                (0, _) => apply(&schema, live.as_ref(), &wanted, &writer, true).unwrap(),
                (1, Some(before)) => {
                    written(&schema, live.as_ref(), merge_patch(before, &json!({"data": data})), &writer)
                }
                _ => {
                    let mut sent = schema.defaulted(wanted);
                    sent["metadata"]["uid"] = "u".into();
                    written(&schema, live.as_ref(), sent, &writer)
                }
            };
            let next = born(next);
            let (_, entries) = managed::split(&next);
            let managers = managed::read(&entries).unwrap();
            let owned = managers.values().fold(set::Set::default(), |all, owned| all.union(&owned.fields));
            for (key, _) in next["data"].as_object().into_iter().flatten().filter(|_| !managers.is_empty()) {
                let path = set::Set::of_names(&[&["data", key]]);
                prop_assert!(!owned.intersection(&path).is_empty(), "{key} of {next}");
            }
            let there = schema.types().fields(schema.root(), &next);
            let gone = owned.difference(&there).paths();
            prop_assert!(gone.iter().all(|path| element::shown(path) == ".data"), "{gone:?} of {next}");
            prop_assert_eq!(managed::write(&managers).unwrap_or_default(), entries);
            live = Some(next);
        }
    }
}
