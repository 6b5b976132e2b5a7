//! Numbers with their nouns, for every sentence that counts something: `1 cluster`, `2 clusters`.
//! It knows the plurals of the words that this program uses, and no other English.

use std::fmt::Display;

/// `1 cluster`, `2 clusters`, `0 people`.
pub fn count<N: Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    format!("{n} {}", nouns(n == N::from(1), noun))
}

/// `3 of 4 replicas`, `0 of 1 replica`: the noun follows the whole.
pub fn of<N: Display + PartialEq + From<u8>>(part: N, whole: N, noun: &str) -> String {
    format!("{part} of {}", count(whole, noun))
}

fn nouns(one: bool, noun: &str) -> String {
    if one {
        return noun.to_owned();
    }
    if noun == "person" {
        return "people".to_owned();
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_everything_else_plural() {
        assert_eq!(count(1, "object"), "1 object");
        assert_eq!(count(0, "object"), "0 objects");
        assert_eq!(count(2_u32, "retry"), "2 retries");
        assert_eq!(count(2_u64, "day"), "2 days");
        assert_eq!(count(1_usize, "person"), "1 person");
        assert_eq!(count(3, "person"), "3 people");
        assert_eq!(of(0, 1, "replica"), "0 of 1 replica");
        assert_eq!(of(1, 3, "replica"), "1 of 3 replicas");
    }

    /// No sentence of the sources puts a number before a plural by itself: it would say "1 objects".
    #[test]
    fn no_other_place_makes_plurals() {
        const NOUNS: [&str; 21] = [
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
        let mut found = Vec::new();
        let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    let text = std::fs::read_to_string(&path).unwrap_or_default();
                    for (number, line) in text.lines().enumerate() {
                        let wrong = |noun: &&str| {
                            [
                                format!("}} {noun} "),
                                format!("}} {noun}\""),
                                format!("}} {noun},"),
                                format!("}} {noun}:"),
                            ]
                            .iter()
                            .any(|bad| line.contains(bad.as_str()))
                        };
                        if !line.trim_start().starts_with("//") && NOUNS.iter().any(|noun| wrong(&noun)) {
                            found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
                        }
                    }
                }
            }
        }
        assert!(found.is_empty(), "use diag::count:\n{}", found.join("\n"));
    }
}
