//! Every prose case is accounted for: each id of `fleet.yaml` and `apply.yaml` is the name of a test
//! (`fleet_a06_...`) or of a scenario file in `tests/sim/scenarios`, or `later.yaml` says what it waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::pages;

/// A case: the file without its ending, and the id as it is written there.
type Case = (String, String);

fn yaml(name: &str) -> Value {
    let path = pages::root().join("tests/cases").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap_or_default()
}

/// The ids of a file of cases.
fn ids(file: &str) -> BTreeSet<Case> {
    let cases = yaml(&format!("{file}.yaml"));
    let all: Vec<Case> = cases["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (file.to_owned(), text(c, "id").to_owned()))
        .collect();
    let once: BTreeSet<Case> = all.iter().cloned().collect();
    assert_eq!(all.len(), once.len(), "{file}.yaml has an id twice");
    once
}

/// The names of the test functions in a source text: a function counts if an attribute that ends in
/// `test`, with or without arguments, stands above it.
fn tests_in(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if let Some(attribute) = line.strip_prefix("#[") {
            let name = attribute.split(['(', ']']).next().unwrap_or_default();
            is_test |= name.rsplit("::").next() == Some("test");
            continue;
        }
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        let function = line.trim_start_matches("pub ").trim_start_matches("async ");
        if let (true, Some(rest)) = (is_test, function.strip_prefix("fn ")) {
            found.extend(rest.split('(').next());
        }
        is_test = false;
    }
    found
}

/// The cases that a test's name begins with: `fleet_a06_...` shows A06 of fleet.yaml,
/// `apply_a13_a14_...` shows two of apply.yaml.
fn cases_of(test: &str) -> Vec<Case> {
    let mut parts = test.split('_');
    let Some(file) = parts.next().filter(|f| ["fleet", "apply"].contains(f)) else { return Vec::new() };
    let is_id = |part: &&str| {
        let mut letters = part.chars();
        letters.next().is_some_and(|c| c.is_ascii_lowercase())
            && letters.clone().count() == 2
            && letters.all(|c| c.is_ascii_digit())
    };
    let ids: Vec<&str> = parts.clone().take_while(is_id).collect();
    // A name that is nothing but ids says nothing.
    if parts.count() == ids.len() {
        return Vec::new();
    }
    ids.into_iter().map(|id| (file.to_owned(), id.to_uppercase())).collect()
}

/// Each case with the names of its tests.
fn tested() -> BTreeMap<Case, Vec<String>> {
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        pages::below(&pages::root().join(folder), "rs", &mut files);
    }
    let mut tested: BTreeMap<Case, Vec<String>> = BTreeMap::new();
    for file in files {
        for name in tests_in(&fs::read_to_string(&file).unwrap()) {
            for case in cases_of(name) {
                tested.entry(case).or_default().push(name.to_owned());
            }
        }
    }
    // A scenario file is a test too: tests/sim plays every one.
    let mut scenarios = Vec::new();
    pages::below(&pages::root().join("tests/sim/scenarios"), "yaml", &mut scenarios);
    for file in scenarios {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        for case in cases_of(&name) {
            tested.entry(case).or_default().push(name.clone());
        }
    }
    tested
}

#[test]
fn every_prose_case_is_a_test_or_says_what_it_waits_for() {
    let known: BTreeSet<Case> = ids("fleet").into_iter().chain(ids("apply")).collect();
    let tested = tested();
    let mut wrong = Vec::new();
    let mut later = BTreeSet::new();
    for entry in yaml("later.yaml")["later"].as_array().unwrap() {
        let case = (text(entry, "file").trim_end_matches(".yaml").to_owned(), text(entry, "id").to_owned());
        let named = format!("{} of {}.yaml", case.1, case.0);
        if text(entry, "waits_for").is_empty() || text(entry, "reason").is_empty() {
            wrong.push(format!("later.yaml does not say what {named} waits for, and why"));
        }
        if !known.contains(&case) {
            wrong.push(format!("later.yaml lists {named}, which there is not"));
        }
        if let Some(tests) = tested.get(&case) {
            wrong
                .push(format!("{named} has the test {} and is still listed in later.yaml", tests.join(", ")));
        }
        if !later.insert(case) {
            wrong.push(format!("later.yaml lists {named} twice"));
        }
    }
    for (case, tests) in &tested {
        if !known.contains(case) {
            wrong.push(format!(
                "{} names {} of {}.yaml, which there is not",
                tests.join(", "),
                case.1,
                case.0
            ));
        }
    }
    for (file, id) in &known {
        let case = (file.clone(), id.clone());
        if !tested.contains_key(&case) && !later.contains(&case) {
            wrong.push(format!(
                "{id} of {file}.yaml has no test `{file}_{}_...` and is not in later.yaml",
                id.to_lowercase()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} cases are not accounted for:\n  {}", wrong.len(), wrong.join("\n  "));
}

#[test]
fn only_functions_that_are_tests_count() {
    let text = "#[test]\nfn fleet_a01_one() {}\n\n#[tokio::test(flavor = \"x\")]\n#[ignore]\nasync fn apply_b02_two() {}\n\
                fn fleet_a03_no_test() {}\n// #[test]\n// fn fleet_a04_comment() {}\n#[cfg(test)]\nmod x;\nfn fleet_a05_module() {}\n";
    assert_eq!(tests_in(text), ["fleet_a01_one", "apply_b02_two"]);
    let case = |file: &str, id: &str| (file.to_owned(), id.to_owned());
    assert_eq!(cases_of("fleet_a06_an_empty_wave"), [case("fleet", "A06")]);
    assert_eq!(cases_of("apply_a13_a14_before_any_write"), [case("apply", "A13"), case("apply", "A14")]);
    assert_eq!(cases_of("fleet_a06"), []);
    assert_eq!(cases_of("fleet_state_is_a_fold"), []);
    assert_eq!(cases_of("plan_a06_x"), []);
}
