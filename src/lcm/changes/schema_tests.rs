//! Schemas that take less, and schemas that do not.

use super::*;
use serde_json::json;

fn told(old: &Value, new: &Value, dialect: Dialect) -> Vec<String> {
    let (all, cut) = narrowed(old, new, "spec", dialect);
    assert_eq!(cut, 0);
    all.into_iter().map(|one| format!("{} {}", one.path, one.what)).collect()
}

fn of_definition(old: Value, new: Value) -> Vec<String> {
    told(&old, &new, Dialect::Definition)
}

#[test]
fn types_that_are_others() {
    let of = |old: Value, new: Value| of_definition(old, new);
    assert_eq!(
        of(json!({"type": "string"}), json!({"type": "integer"})),
        ["spec changes its type from string to integer"]
    );
    assert_eq!(
        of(json!({"type": "number"}), json!({"type": "integer"})),
        ["spec changes its type from number to integer"]
    );
    assert_eq!(of(json!({"type": "integer"}), json!({"type": "number"})), [""; 0]);
    assert_eq!(of(json!({"type": "string"}), json!({"x-kubernetes-int-or-string": true})), [""; 0]);
    assert_eq!(
        of(json!({"x-kubernetes-int-or-string": true}), json!({"type": "integer"})),
        ["spec changes its type from integer or string to integer"]
    );
    assert_eq!(
        of(json!({"type": "string", "nullable": true}), json!({"type": "string"})),
        ["spec may not be null any more"]
    );
    assert_eq!(of(json!({}), json!({"type": "string"})), ["spec must be string now"]);
    assert_eq!(of(json!({"type": "string"}), json!({})), [""; 0]);
}

#[test]
fn values_that_are_not_taken_any_more() {
    let old = json!({"type": "string", "enum": ["A", "B"]});
    assert_eq!(
        of_definition(old.clone(), json!({"type": "string", "enum": ["B", "C"]})),
        ["spec does not take `\"A\"` any more"]
    );
    assert_eq!(of_definition(json!({"type": "string"}), old.clone()), ["spec takes only some values now"]);
    assert_eq!(of_definition(old, json!({"type": "string"})), [""; 0]);
}

#[test]
fn bounds_that_are_narrower() {
    for (name, wide, narrow) in [
        ("minimum", 1, 2),
        ("maximum", 2, 1),
        ("minLength", 1, 2),
        ("maxItems", 9, 8),
        ("exclusiveMinimum", 0, 1),
    ] {
        let (wide, narrow) = (json!({name: wide}), json!({name: narrow}));
        assert_eq!(of_definition(wide.clone(), narrow.clone()).len(), 1, "{name}");
        assert_eq!(of_definition(narrow.clone(), wide), [""; 0], "{name}");
        assert_eq!(of_definition(narrow, json!({})), [""; 0], "{name}");
    }
    assert_eq!(
        of_definition(json!({}), json!({"maxLength": 63})),
        ["spec has a narrower `maxLength`: none -> 63"]
    );
    assert_eq!(of_definition(json!({}), json!({"minLength": 0, "minItems": 0})), [""; 0]);
    assert_eq!(of_definition(json!({}), json!({"minimum": 0})).len(), 1);
    assert_eq!(
        of_definition(json!({"minimum": 1}), json!({"minimum": 1, "exclusiveMinimum": true})).len(),
        1
    );
    assert_eq!(
        of_definition(json!({"pattern": "^a$"}), json!({"pattern": "^b$"})),
        ["spec has another `pattern`: `\"^b$\"`"]
    );
    assert_eq!(of_definition(json!({}), json!({"uniqueItems": true})).len(), 1);
}

#[test]
fn fields_that_are_gone_required_or_dropped() {
    let old = json!({"properties": {"a": {}, "b": {"properties": {"c": {}}}}, "required": ["a"]});
    let new =
        json!({"properties": {"a": {}, "b": {}, "d": {"default": 1}, "e": {}}, "required": ["a", "d", "e"]});
    assert_eq!(of_definition(old.clone(), new.clone()), ["spec.e is required now", "spec.b.c is gone"]);
    assert_eq!(told(&old, &new, Dialect::Values), ["spec.d is required now", "spec.e is required now"]);
    let keeps = json!({"x-kubernetes-preserve-unknown-fields": true});
    assert_eq!(of_definition(json!({"properties": {"a": {}}}), keeps.clone()), [""; 0]);
    assert_eq!(
        of_definition(keeps, json!({"type": "object"})),
        ["spec must be object now", "spec drops fields that it does not name"]
    );
    let map = json!({"additionalProperties": {"type": "string"}});
    assert_eq!(of_definition(json!({"properties": {"a": {"type": "string"}}}), map.clone()), [""; 0]);
    assert_eq!(
        of_definition(map, json!({"additionalProperties": {"type": "integer"}})),
        ["spec.* changes its type from string to integer"]
    );
}

#[test]
fn items_and_odd_names_have_a_place() {
    let of = |kind| json!({"properties": {"a.b/c": {"items": {"properties": {"d": {"type": kind}}}}}});
    assert_eq!(
        of_definition(of("string"), of("boolean")),
        ["spec[\"a.b/c\"][].d changes its type from string to boolean"]
    );
}

#[test]
fn rules_of_kubernetes() {
    let rule = |rule: &str| json!({"x-kubernetes-validations": [{"rule": rule, "message": "x"}]});
    assert_eq!(
        of_definition(json!({}), rule("self.a  ==\n self.b")),
        ["spec has a new rule: `self.a == self.b`"]
    );
    assert_eq!(of_definition(rule("self.a == self.b"), rule("self.a ==  self.b")), [""; 0]);
    assert_eq!(of_definition(rule("x"), json!({})), [""; 0]);
    let list = |kind: &str| json!({"x-kubernetes-list-type": kind});
    assert_eq!(of_definition(list("atomic"), list("map")).len(), 1);
    assert_eq!(of_definition(json!({}), list("atomic")), [""; 0]);
}

#[test]
fn what_is_only_described_makes_no_difference() {
    let old = json!({"description": "a", "anyOf": [{"description": "b", "required": ["c"]}], "example": 1});
    let new = json!({"description": "c", "anyOf": [{"required": ["c"]}], "title": "x"});
    assert_eq!(of_definition(old, new), [""; 0]);
    assert_eq!(
        of_definition(json!({"anyOf": []}), json!({"anyOf": [{}]})),
        ["spec has other conditions under `anyOf`"]
    );
}

#[test]
fn a_chart_that_names_all_its_keys() {
    let old = json!({"properties": {"a": {}, "b": {}}});
    let new = json!({"properties": {"a": {}}, "additionalProperties": false});
    assert_eq!(
        told(&old, &new, Dialect::Values),
        ["spec takes only keys that it names now", "spec.b is gone"]
    );
    assert_eq!(told(&new, &old, Dialect::Values), [""; 0]);
    assert_eq!(told(&json!(true), &json!(false), Dialect::Values), ["spec takes nothing any more"]);
}

#[test]
fn references_are_followed_and_circles_end() {
    let of = |kind: &str| {
        json!({
            "$ref": "#/$defs/node",
            "$defs": {"node": {"type": "object", "properties": {
                "value": {"type": kind}, "next": {"$ref": "#/$defs/node"}, "self": {"$ref": "#/$defs/self"},
            }}, "self": {"$ref": "#/$defs/self"}},
        })
    };
    let found = told(&of("string"), &of("integer"), Dialect::Values);
    assert_eq!(found, ["spec.value changes its type from string to integer"]);
    let remote = json!({"$ref": "https://x.example/schema.json"});
    assert_eq!(told(&remote, &remote, Dialect::Values), [""; 0]);
}

#[test]
fn depth_and_width_have_bounds_that_are_told() {
    let mut deep = json!({"type": "string"});
    for _ in 0..DEEPEST + 5 {
        deep = json!({"properties": {"a": deep}});
    }
    let (all, cut) = narrowed(&deep, &deep, "", Dialect::Definition);
    assert_eq!((all.len(), cut), (0, 1));
    let fields: Map<String, Value> = (0..MOST + 7).map(|n| (format!("f{n}"), json!({}))).collect();
    let (all, cut) = narrowed(&json!({"properties": fields}), &json!({}), "", Dialect::Definition);
    assert_eq!((all.len(), cut), (MOST, 7));
}
