//! The acceptance cases that are tables, one named test for each, in four shuffles of what is published.
//! They are read from `tests/cases`, or from the folder in `TIDEGATE_CASES`.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use regex::Regex;
use serde_json::{Map, Value, json};

use tidegate::lcm::charts::{self, Entry};
use tidegate::lcm::digests::{Newer, Published, newer};
use tidegate::lcm::filter::Filter;
use tidegate::lcm::path::path;
use tidegate::lcm::pick::{NoChoice, pick};
use tidegate::lcm::policy::{Pattern, Policy, Prereleases};
use tidegate::lcm::pushed::{self, Pushed};
use tidegate::lcm::sort::sorted;
use tidegate::lcm::status::standing;
use tidegate::lcm::version::{Level, Scheme};
use tidegate::model::image::Image;

/// Those that are tables.
const TABLES: [&str; 2] = ["lcm.yaml", "lcm-tags.yaml"];

/// How many orders of what is published are tried.
const SHUFFLES: usize = 4;

fn folder() -> PathBuf {
    match std::env::var_os("TIDEGATE_CASES") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    let files = TABLES.map(|file| folder().join(file));
    // A folder of somebody else may have some of them only.
    assert!(files.iter().any(|path| path.exists()), "{} has none of {TABLES:?}", folder().display());
    for path in files.iter().filter(|path| path.exists()) {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let cases: Value =
            serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for case in cases["cases"].as_array().unwrap().clone() {
            let name = case["id"].as_str().unwrap().to_owned();
            trials.push(Trial::test(name, move || holds(&case)));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let (passed, failed) = (conclusion.num_passed, conclusion.num_failed);
    println!("{passed} passed, {failed} failed");
    conclusion.exit_code()
}

/// Whether a case holds in every order of what is published.
fn holds(case: &Value) -> Result<(), Failed> {
    let mut published = match case["available_file"].as_str() {
        Some(file) => {
            let path = folder().join(file);
            let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            text.lines().map(|tag| Value::String(tag.to_owned())).collect()
        }
        None => case["available"].as_array().cloned().unwrap_or_default(),
    };
    let expected = &case["expected"];
    for shuffle in 0..SHUFFLES {
        let found = answer(case, &published)?;
        let allowed =
            expected["any_of"].as_array().map_or_else(|| vec![expected], |all| all.iter().collect());
        if !allowed.iter().any(|one| same(one, &found)) {
            return Err(format!("order {shuffle}: expected {expected}, found {found}").into());
        }
        shuffled(&mut published, shuffle as u64);
    }
    Ok(())
}

/// Another order, the same for the same seed (a linear congruential generator is order enough).
fn shuffled(all: &mut [Value], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    for last in (1..all.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        all.swap(last, usize::try_from(state >> 33).unwrap() % (last + 1));
    }
}

/// Whether two answers are the same; a number that YAML read in a tag is that tag.
fn same(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|found| same(value, found)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Null, other) | (other, Value::Null) => other.is_null(),
        (one, other) => text(one) == text(other),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// One value, or a list of them.
fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(all) => all.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

fn answer(case: &Value, published: &[Value]) -> Result<Value, Failed> {
    let options = &case["policy"];
    let policy = policy(options)?;
    let current = of_registry(text(&case["current"]), options);
    let is_map = published.iter().any(Value::is_object);
    let names = names(published, options, &policy);
    let tags: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(match options["op"].as_str().unwrap_or("pick") {
        "sort" => json!(sorted(&tags, &policy)),
        "max" | "pick" if matches!(policy.scheme, Scheme::Pushed) => of_pushed(&current, published)?,
        "max" => match sorted(&tags, &policy).last() {
            Some(highest) => json!(highest),
            None if tags.is_empty() => failed(&NoChoice::NoTags, &current),
            None if matches!(policy.scheme, Scheme::Date(_)) => failed(&NoChoice::NoValidDate, &current),
            None => failed(&NoChoice::NoValidVersion, &current),
        },
        "filter" => {
            let expression = |key: &str| options[key].as_str().map(Regex::new).transpose();
            let filter = Filter {
                include: expression("include")?,
                exclude: expression("exclude")?,
                by_version: options["sort"] == "semver",
                max: options["max"].as_u64().and_then(|max| usize::try_from(max).ok()),
            };
            json!(filter.of(&tags))
        }
        "status" => json!(standing(&current, &tags, &policy).word()),
        "path" => json!(path(&current, &tags, options["max_minor_step"].as_u64().unwrap_or(1))),
        "parse" => of_image(&current)?,
        "match-chart" => json!(charts::named(options["pattern"].as_str().unwrap_or(&current), &tags)),
        "pick" if matches!(policy.scheme, Scheme::Helm) => of_chart(&current, published, options, &policy),
        "pick" if is_map || !options["digest"].is_null() => {
            of_digests(&current, published, options["digest"] != false, &policy)
        }
        "pick" => match pick(&current, &tags, &policy) {
            Ok(choice) if options["report"] == "per-level" => of_levels(&choice.levels),
            Ok(choice) => json!(choice.newest),
            Err(why) => failed(&why, &current),
        },
        unknown => return Err(format!("nobody knows the op `{unknown}`").into()),
    })
}

/// A policy as the cases write it. An option that nobody knows is a mistake in the case.
fn policy(options: &Value) -> Result<Policy, Failed> {
    let scheme: Scheme = options["scheme"].as_str().unwrap_or("auto").parse()?;
    let mut policy = Policy::of(match (scheme, options["layout"].as_str()) {
        (Scheme::Date(_), Some(layout)) => Scheme::Date(layout.to_owned()),
        (scheme, _) => scheme,
    });
    for (option, value) in options.as_object().into_iter().flatten() {
        let patterns = || list(value).iter().map(|text| Pattern::read(text)).collect::<Result<Vec<_>, _>>();
        match option.as_str() {
            "level" => {
                policy.level = match value.as_str() {
                    Some("patch") => Level::Patch,
                    Some("minor") => Level::Minor,
                    Some("major") => Level::Major,
                    _ => return Err(format!("no level: {value}").into()),
                }
            }
            "pin" => {
                for (place, name) in ["major", "minor", "patch"].iter().enumerate() {
                    policy.pin[place] = value[name].as_u64();
                }
            }
            "range" => policy.range = Some(text(value)),
            "allow" => policy.allow = patterns()?,
            "deny" => policy.deny = patterns()?,
            "skip_deprecated" => policy.skip_deprecated = patterns()?,
            "lts" => policy.lts = list(value).iter().map(|major| major.parse()).collect::<Result<_, _>>()?,
            "prerelease" => {
                policy.prerelease = match value.as_str() {
                    Some("auto") => Prereleases::Auto,
                    Some("any") => Prereleases::Any,
                    Some("same-word") => Prereleases::SameWord,
                    _ => return Err(format!("no kind of prereleases: {value}").into()),
                }
            }
            "precision" => policy.any_precision = value == "any",
            "variant" => policy.any_variant = value == "ignore",
            "group" => policy.any_variant = value == "any",
            "max_major_jump" => policy.max_major_jump = value.as_u64(),
            "replace" => {
                if let [from, to] = list(value).as_slice() {
                    policy.replace = Some((from.clone(), to.clone()));
                }
            }
            "extract" => policy.extract = Some(Regex::new(&text(value))?),
            "scheme" | "layout" | "op" | "report" | "digest" | "channel" | "registry" | "chart"
            | "repo_hint" | "kube_version" | "max_minor_step" | "pattern" | "include" | "exclude"
            | "sort" | "max" => {}
            unknown => return Err(format!("nobody knows the option `{unknown}`").into()),
        }
    }
    Ok(policy)
}

fn failed(why: &NoChoice, current: &str) -> Value {
    match why {
        NoChoice::NoTags => json!({"error": "no-tags"}),
        NoChoice::NoValidVersion => json!({"error": "no-valid-version"}),
        NoChoice::NoValidDate | NoChoice::Undated => json!({"error": "no-valid-date"}),
        NoChoice::Unversioned => json!({"error": "unversioned"}),
        NoChoice::Moving => json!({"kind": "digest", "tag": current}),
        NoChoice::Missing { latest } => json!({"error": "current-missing-upstream", "latest": latest}),
        NoChoice::Range(why) => json!({"error": why.to_string()}),
    }
}

/// The newest of each level that has one.
fn of_levels(levels: &BTreeMap<Level, &str>) -> Value {
    let levels: Map<String, Value> =
        levels.iter().map(|(level, tag)| (level.word().to_owned(), json!(tag))).collect();
    if levels.is_empty() { Value::Null } else { Value::Object(levels) }
}

fn of_image(text: &str) -> Result<Value, Failed> {
    let image: Image = text.parse()?;
    Ok(json!({
        "registry": image.repository.registry,
        "name": image.repository.name,
        "tag": image.tag,
        "digest": image.digest,
    }))
}

fn of_pushed(current: &str, published: &[Value]) -> Result<Value, Failed> {
    let mut all = Vec::new();
    for one in published {
        let at = pushed::moment(one["pushed"].as_str().unwrap_or_default()).ok_or("no moment")?;
        all.push(Pushed { digest: one["digest"].as_str().unwrap_or_default(), tag: one["tag"].as_str(), at });
    }
    Ok(match pushed::newest(&all) {
        None => failed(&NoChoice::NoTags, current),
        Some(newest) if newest == current => Value::Null,
        Some(newest) => json!(newest),
    })
}

fn of_digests(current: &str, published: &[Value], digest: bool, policy: &Policy) -> Value {
    let children: Vec<Vec<String>> = published.iter().map(|one| list(&one["children"])).collect();
    let all: Vec<Published<'_>> = published
        .iter()
        .zip(&children)
        .filter_map(|(one, children)| {
            let tag = one.as_str().or_else(|| one["tag"].as_str())?;
            Some(Published { tag, digest: one["digest"].as_str(), children })
        })
        .collect();
    let (tag, _) = current.split_once('@').unwrap_or((current, ""));
    match newer(if digest { current } else { tag }, &all, policy) {
        Ok(Newer::Nothing(_)) => Value::Null,
        Ok(Newer::Tag(choice)) => json!(choice.newest),
        Ok(Newer::Moved { tag, digest: Some(digest), .. }) => {
            json!({"tag": tag, "digest": digest, "status": "tag-moved"})
        }
        Ok(Newer::Moved { tag, digest: None, .. }) => json!({"tag": tag, "status": "tag-moved"}),
        Ok(Newer::Versions { from, to, level }) => json!({"from": from, "to": to, "level": level.word()}),
        Err(why) => failed(&why, tag),
    }
}

/// The names of what is published: of maps their versions, without what is deprecated where something is chosen.
fn names(published: &[Value], options: &Value, policy: &Policy) -> Vec<String> {
    if !matches!(policy.scheme, Scheme::Helm) {
        return published.iter().map(text).collect();
    }
    let counts = |entry: &&Entry| options["op"] == "sort" || !entry.deprecated;
    entries(published, options).iter().filter(counts).map(|entry| entry.version.clone()).collect()
}

/// Charts as the cases write them: maps, versions, or tags of a registry.
fn entries(published: &[Value], options: &Value) -> Vec<Entry> {
    let version = |text: String| of_registry(text, options);
    let entry = |one: &Value| match one {
        Value::Object(fields) => {
            let field = |name: &str| fields.get(name).filter(|value| !value.is_null()).map(text);
            Entry {
                version: version(field("version").unwrap_or_default()),
                repo: field("repo"),
                app_version: field("appVersion"),
                deprecated: fields.get("deprecated") == Some(&json!(true)),
                kube_version: field("kubeVersion"),
                ..Entry::default()
            }
        }
        tag => Entry { version: version(text(tag)), ..Entry::default() },
    };
    published.iter().map(entry).collect()
}

/// A version as a registry's tag says it, where there is a registry.
fn of_registry(text: String, options: &Value) -> String {
    if options["registry"] == "oci" { charts::from_oci_tag(&text) } else { text }
}

fn of_chart(current: &str, published: &[Value], options: &Value, policy: &Policy) -> Value {
    let entries = entries(published, options);
    let kubernetes = options["kube_version"].as_str().map(|text| text.parse().unwrap());
    let found = match charts::newer(current, &entries, policy, kubernetes.as_ref()) {
        Ok(found) => found,
        Err(why) => return failed(&why, current),
    };
    let name = |entry: Option<&Entry>| json!(entry.map(|entry| &entry.version));
    if found.deprecated_upstream {
        return json!({"latest": name(found.newest), "deprecated_upstream": true});
    }
    if let Some(installable) = found.installable {
        return json!({"latest": name(found.newest), "latest_installable": name(installable)});
    }
    if options["report"] == "per-level" {
        return of_levels(&found.levels);
    }
    let Some(newest) = found.newest else { return Value::Null };
    if options["report"] == "levels" {
        let level = |level: Option<Level>| json!(level.map(Level::word));
        return json!({
            "version": newest.version,
            "chart_level": level(found.chart_level),
            "app_level": level(found.app_level),
        });
    }
    match &newest.repo {
        Some(repo) => json!({"version": newest.version, "repo": repo}),
        None => json!(newest.version),
    }
}
