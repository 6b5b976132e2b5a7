//! The wall between modules. One package has no compiler wall, so this test is it: it reads every
//! `crate::` and `super::` path in `src` and refuses those that point to the right of the order in
//! design, and it keeps I/O, clocks and randomness out of everything that is pure.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The order: a module may use cells before its own, and nothing else of its own cell.
const ORDER: &[&[&str]] = &[
    &["version", "digest", "json"],
    &["diag"],
    &["yaml"],
    &["model"],
    &["catalog"],
    &["resolve"],
    &["render"],
    &["plan"],
    &["journal"],
    &["rollout"],
    &["apply", "gate", "scan", "lcm"],
    &["report"],
    &["port"],
    &["engine"],
    &["adapter", "sim"],
    &["output"],
    &["cli", "server"],
];

/// What a pure module never says.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "tokio::",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "TimeZone::get",
    "TimeZone::system",
    "tz::db",
    "getrandom",
    "Uuid::new_v4",
    "Uuid::now_v7",
    "rusqlite",
    "kube::Client",
    "kube::Api",
    "kube::api",
    "kube::core",
    "reqwest",
    "println!",
    "eprintln!",
    "std::io::stdout",
    "std::io::stderr",
];

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|cell| cell.contains(&module))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("src is readable").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// A source file, the top-level module it belongs to, and its numbered lines without comments.
type Source = (PathBuf, String, Vec<(usize, String)>);

/// Every file below `src`.
fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    rust_files(&src(), &mut files);
    files
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(src()).expect("below src").to_owned();
            let first = relative.iter().next().expect("a component").to_string_lossy().into_owned();
            let module = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
            let text = fs::read_to_string(&path).expect("a source file is text");
            let lines = text
                .lines()
                .enumerate()
                .filter(|(_, line)| !line.trim_start().starts_with("//"))
                .map(|(n, line)| (n + 1, line.to_owned()))
                .collect();
            (relative, module, lines)
        })
        .collect()
}

/// The top-level modules that a line names by `crate::x`, also in `crate::{x::.., y::..}`.
fn named_modules(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            let mut takes = true;
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.push(std::mem::take(&mut word));
                        takes = true;
                    }
                    ':' => takes = takes && depth > 0,
                    c if depth == 0 && takes && (c.is_alphanumeric() || c == '_') => word.push(c),
                    _ => {}
                }
            }
            found.push(word);
        } else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found.retain(|m| !m.is_empty());
    found
}

#[test]
fn every_module_stands_in_the_order() {
    for (path, module, _) in sources() {
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        assert!(rank(&module).is_some(), "{} belongs to no module of the order", path.display());
    }
}

#[test]
fn no_module_uses_what_stands_to_its_right() {
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (path, module, lines) in sources() {
        let Some(own) = rank(&module) else { continue };
        for (number, line) in lines {
            for used in named_modules(&line) {
                let Some(theirs) = rank(&used) else { continue };
                *seen.entry(module.clone()).or_default() += 1;
                if used != module && theirs >= own {
                    wrong.push(format!("{}:{number}: `{module}` uses `{used}`", path.display()));
                }
            }
        }
    }
    assert!(seen.len() > 5, "the reader found hardly any path: it is broken ({seen:?})");
    assert!(wrong.is_empty(), "paths against the order:\n{}", wrong.join("\n"));
}

#[test]
fn what_stands_left_of_the_engine_is_pure() {
    let engine = rank("engine").expect("engine stands in the order");
    let port = rank("port").expect("port stands in the order");
    let mut wrong = Vec::new();
    for (path, module, lines) in sources() {
        let Some(own) = rank(&module) else { continue };
        if own >= engine || own == port {
            continue;
        }
        for (number, line) in lines {
            for word in IMPURE {
                if line.contains(word) {
                    wrong.push(format!("{}:{number}: `{module}` is pure and says `{word}`", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "impure places:\n{}", wrong.join("\n"));
}

/// Nouns that are counted.
const COUNTED: &[&str] = &[
    "objects",
    "clusters",
    "products",
    "releases",
    "pipelines",
    "pins",
    "steps",
    "tests",
    "waves",
    "pools",
    "replicas",
    "pods",
    "restarts",
    "events",
    "retries",
    "slots",
    "people",
    "things",
    "records",
    "items",
    "images",
];

/// A sentence that puts a number before a plural by itself would say "1 objects".
#[test]
fn plurals_are_made_in_one_place() {
    let mut wrong = Vec::new();
    // What a failing test says is for its author.
    let told = sources().into_iter().filter(|(path, _, _)| !path.to_string_lossy().contains("tests"));
    for (path, _, lines) in told {
        for (number, line) in lines {
            let plural = |noun: &str| {
                [' ', '"', ',', ':', ';'].iter().any(|end| line.contains(&format!("}} {noun}{end}")))
            };
            if COUNTED.iter().any(|noun| plural(noun)) {
                wrong.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "use diag::count:\n{}", wrong.join("\n"));
}

#[test]
fn every_source_file_opens_with_what_it_decides() {
    let mut files = Vec::new();
    rust_files(&src(), &mut files);
    let silent: Vec<_> = files
        .iter()
        .filter(|p| !fs::read_to_string(p).expect("text").starts_with("//!"))
        .map(|p| p.display().to_string())
        .collect();
    assert!(silent.is_empty(), "no first paragraph: {silent:?}");
}

#[test]
fn the_reader_of_paths_sees_groups_and_single_paths() {
    assert_eq!(
        named_modules("use crate::{model::Tree, plan::{Plan, Target}, yaml};"),
        ["model", "plan", "yaml"]
    );
    assert_eq!(named_modules("let x = crate::digest::of(&y); crate::yaml::parse"), ["digest", "yaml"]);
}
