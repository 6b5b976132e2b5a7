//! What is read of the data set, and what of it nobody believes.

use jiff::civil::date;
use serde_json::{Value, json};

use super::cycle::End;
use super::dataset::{product, whole};
use super::product::Product;
use super::standing::{Phase, Standing};

const EKS: &[u8] = include_bytes!("../../../tests/upstream/fixtures/endoflife/amazon-eks.json");
const FULL: &[u8] = include_bytes!("../../../tests/upstream/fixtures/endoflife/full.json");

fn of(cycle: Value) -> Product {
    let told = json!({
        "schema_version": "1.2.1", "generated_at": "2026-11-20T02:11:00+00:00",
        "result": { "name": "a", "label": "A", "releases": [cycle] }
    });
    product(told.to_string().as_bytes()).unwrap()
}

#[test]
fn a_product_is_read_with_its_cycles_and_names() {
    let eks = product(EKS).unwrap();
    assert_eq!((eks.name.as_str(), eks.label.as_str()), ("amazon-eks", "Amazon EKS"));
    assert_eq!(eks.aliases, ["eks", "amazon-elastic-kubernetes-service"]);
    assert_eq!(eks.problems, Vec::<String>::new());
    let cycle = eks.cycle("v1.34.6-eks-1").unwrap();
    assert_eq!((cycle.name.as_str(), cycle.released), ("1.34", Some(date(2025, 10, 6))));
    assert_eq!(cycle.source, "https://endoflife.date/amazon-eks");
    assert_eq!(cycle.latest.as_ref().map(|latest| latest.name.as_str()), Some("1.34-eks-27"));
    let standing = Standing::of(cycle.ends.as_ref().unwrap(), date(2026, 11, 22));
    assert_eq!(standing.words(), "support ends in 10 days, on 2026-12-02");
}

#[test]
fn all_products_are_read_and_what_is_none_is_told() {
    let all = whole(FULL).unwrap();
    let names: Vec<&str> = all.products.iter().map(|product| product.name.as_str()).collect();
    assert_eq!(
        names,
        ["amazon-eks", "argo-cd", "cert-manager", "debian", "kubernetes", "prometheus", "redis"]
    );
    assert_eq!(all.problems, Vec::<String>::new());
    let broken = br#"{"result":[7,{"name":"a","releases":[]},{"label":"x"},{"name":"b","releases":{}}]}"#;
    let all = whole(broken).unwrap();
    assert_eq!(all.products.len(), 1);
    assert_eq!(
        all.problems,
        [
            "product 1 of the list can't be read: it is a number",
            "product 3 of the list can't be read: its `name` is nothing",
            "product 4 of the list can't be read: the `releases` of `b` are a mapping, not a list",
        ]
    );
}

#[test]
fn days_and_flags_may_be_missing_or_null() {
    for (cycle, life, phase) in [
        (json!({ "name": "1" }), End::Absent, Phase::Unknown),
        (json!({ "name": "1", "isEol": null, "eolFrom": null }), End::Absent, Phase::Unknown),
        (json!({ "name": "1", "isEol": false, "eolFrom": null }), End::Open, Phase::Active),
        (json!({ "name": "1", "isEol": true }), End::Past, Phase::Ended),
        (json!({ "name": "1", "eolFrom": "2026-11-22" }), End::On(date(2026, 11, 22)), Phase::Active),
        (
            json!({ "name": "1", "isEol": false, "eolFrom": "2026-11-21" }),
            End::On(date(2026, 11, 21)),
            Phase::Ended,
        ),
        (
            json!({ "name": "1", "isEol": true, "isEoes": null, "eoesFrom": null, "new": { "a": [1] } }),
            End::Past,
            Phase::Ended,
        ),
        (json!({ "name": "1", "isEol": null, "isMaintained": true }), End::Absent, Phase::Unknown),
    ] {
        let product = of(cycle.clone());
        let ends = product.cycles()[0].ends.clone().unwrap();
        assert_eq!(ends.life, life, "{cycle}");
        assert_eq!(Standing::of(&ends, date(2026, 11, 22)).phase, phase, "{cycle}");
    }
}

#[test]
fn what_is_decisive_and_wrong_makes_a_cycle_one_that_nobody_can_judge() {
    for (cycle, why) in [
        (json!({ "name": "1.34", "isEol": "no" }), "`isEol` is a text, expected true or false"),
        (
            json!({ "name": "1.34", "isEol": 0, "eolFrom": "2030-01-01" }),
            "`isEol` is a number, expected true or false",
        ),
        (json!({ "name": "1.34", "eolFrom": "soon" }), "`eolFrom` is `soon`, which is no day"),
        (json!({ "name": "1.34", "eolFrom": "2026-02-30" }), "`eolFrom` is `2026-02-30`, which is no day"),
        (json!({ "name": "1.34", "eolFrom": false }), "`eolFrom` is true or false, expected a day"),
        (
            json!({ "name": "1.34", "isEol": true, "eoesFrom": ["2030-01-01"] }),
            "`eoesFrom` is a list, expected a day",
        ),
        (
            json!({ "name": "1.34", "isEol": true, "eolFrom": "2030-01-01" }),
            "`isEol` says that it is over, `eolFrom` that it ends on 2030-01-01",
        ),
        (
            json!({ "name": "1.34", "isEol": false, "isMaintained": false }),
            "`isMaintained` says that it is over, `isEol` that it is not",
        ),
        (
            json!({ "name": "1.34", "isEol": false, "isMaintained": {} }),
            "`isMaintained` is a mapping, expected true or false",
        ),
    ] {
        let product = of(cycle.clone());
        let found = product.cycle("v1.34.6").unwrap();
        assert_eq!(found.ends, Err(why.to_owned()), "{cycle}");
        assert_eq!(product.problems, [format!("cycle `1.34`: {why}")]);
    }
}

#[test]
fn what_is_not_decisive_and_wrong_is_left_out() {
    let product = of(json!({
        "name": "1", "isEol": true, "label": 7, "codename": ["x"], "releaseDate": "2026", "isLts": "yes",
        "latest": "1.0.7", "custom": [[]]
    }));
    let cycle = &product.cycles()[0];
    assert_eq!(
        (cycle.label.as_str(), &cycle.codename, cycle.released, &cycle.latest),
        ("1", &None, None, &None)
    );
    assert_eq!(product.problems, Vec::<String>::new());
}

#[test]
fn a_cycle_without_a_name_is_told_and_never_taken_for_another() {
    for (name, why) in [
        (json!(1.34), "its `name` is a number"),
        (json!(""), "its `name` is ``, which is none"),
        (json!("1\u{1b}[2J"), "its `name` is `1[2J`, which is none"),
        (Value::Null, "its `name` is nothing"),
    ] {
        let product = of(json!({ "name": name, "isEol": false }));
        assert!(product.cycles().is_empty());
        assert_eq!(product.problems, [format!("cycle 1 of the list can't be read: {why}")]);
    }
}

#[test]
fn a_document_of_another_kind_is_no_answer() {
    for (text, why) in [
        ("", "nothing came"),
        ("<html>", "a web page came instead of JSON"),
        (r#"{"result":{"name":"a","releases":[{"name":"#, "it ends in the middle"),
        (
            r#"{"schema_version":"2.0.0","result":{"name":"a","releases":[]}}"#,
            "its schema is 2.0.0, expected 1",
        ),
        (r#"{"schema_version":1,"result":{"name":"a","releases":[]}}"#, "its schema is a number, expected 1"),
        (r#"{"result":[]}"#, "its `result` is a list, not a product"),
        ("{}", "its `result` is nothing, not a product"),
        (r#"{"result":{"name":"a"}}"#, "the `releases` of `a` are nothing, not a list"),
    ] {
        assert_eq!(product(text.as_bytes()).unwrap_err().to_string(), why, "{text}");
    }
    assert_eq!(whole(br#"{"result":[]}"#).unwrap_err().to_string(), "no product is in its `result`");
    assert_eq!(whole(EKS).unwrap_err().to_string(), "its `result` is a mapping, not a list of products");
}
