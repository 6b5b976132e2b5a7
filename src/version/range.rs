//! Ranges of versions as npm and Helm write them.
//!
//! `||` separates alternatives; inside one, comparators separated by spaces or commas must all
//! hold. A bare `1.2.3` means exactly that, a bare or wildcard `1.2`, `1.2.x` any of `1.2`; `^`,
//! `~`, `>`, `>=`, `<`, `<=` and `=` as in npm. Prereleases match only where a comparator of the
//! alternative names a prerelease of the same three numbers (npm's rule).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use semver::{Comparator, Op, Prerelease, VersionReq};

use super::{ParseError, Version, as_string, check_length};

/// A range over product versions, shown as written.
#[derive(Clone, Debug)]
pub struct Range {
    text: String,
    alternatives: Vec<VersionReq>,
}

impl Range {
    /// Every version that is not a prerelease.
    pub fn any() -> Range {
        Range { text: "*".to_owned(), alternatives: vec![VersionReq::STAR] }
    }

    /// Whether the version is in the range.
    pub fn matches(&self, version: &Version) -> bool {
        self.matches_semver(version.semver())
    }

    pub(super) fn matches_semver(&self, version: &semver::Version) -> bool {
        self.alternatives.iter().any(|all| all.matches(version))
    }

    /// The range as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Range {
    /// Equal when written alike: `^1.2` and `>=1.2 <2` are not.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Range {}

impl Hash for Range {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Range {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        check_length("range", text)?;
        if text.trim().is_empty() {
            return Err(ParseError::new("a range is empty; write `*` for every version"));
        }
        let alternatives = text.split("||").map(|part| alternative(text, part)).collect::<Result<_, _>>()?;
        Ok(Range { text: text.to_owned(), alternatives })
    }
}

fn alternative(range: &str, text: &str) -> Result<VersionReq, ParseError> {
    let wrong = |why: String| ParseError::new(format!("`{range}` is not a range: {why}"));
    if text.trim().is_empty() {
        return Err(wrong("nothing stands beside `||`".to_owned()));
    }
    if text.contains(" - ") {
        return Err(wrong("write `>=1.2 <=1.4` in place of a hyphen (`1.2 - 1.4`)".to_owned()));
    }
    let mut comparators = Vec::new();
    for (index, group) in text.split(',').enumerate() {
        if group.trim().is_empty() {
            let side = if index == 0 { "before" } else { "after" };
            return Err(wrong(format!("nothing stands {side} a comma")));
        }
        let mut rest = group.trim_start();
        while !rest.is_empty() {
            let (op, after) = operator(rest);
            let after = after.trim_start();
            let end = after.find(|c: char| c.is_whitespace() || "<>=^~".contains(c)).unwrap_or(after.len());
            let (version, next) = after.split_at(end);
            if version.is_empty() {
                let shown = rest.trim_end();
                return Err(wrong(format!("`{shown}` has no version after the operator")));
            }
            if let Some(comparator) = comparator(op, version).map_err(wrong)? {
                comparators.push(comparator);
            }
            rest = next.trim_start();
        }
    }
    Ok(VersionReq { comparators })
}

fn operator(text: &str) -> (Op, &str) {
    const OPERATORS: [(&str, Op); 9] = [
        (">=", Op::GreaterEq),
        ("=>", Op::GreaterEq),
        ("<=", Op::LessEq),
        ("=<", Op::LessEq),
        (">", Op::Greater),
        ("<", Op::Less),
        ("=", Op::Exact),
        ("^", Op::Caret),
        ("~", Op::Tilde),
    ];
    OPERATORS
        .iter()
        .find_map(|(sign, op)| text.strip_prefix(sign).map(|rest| (*op, rest)))
        // A bare version is exact in npm and Helm, unlike in Cargo.
        .unwrap_or((Op::Exact, text))
}

/// One comparator, or nothing for a wildcard that excludes nothing.
fn comparator(op: Op, text: &str) -> Result<Option<Comparator>, String> {
    if text.starts_with(['v', 'V']) {
        let bare = text.trim_start_matches(['v', 'V']);
        return Err(format!("write `{bare}` in place of `{text}`"));
    }
    let core_end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, suffix) = text.split_at(core_end);
    let mut numbers: [Option<u64>; 3] = [None; 3];
    let mut wild = false;
    let parts: Vec<&str> = core.split('.').collect();
    if parts.len() > 3 {
        return Err(format!("`{text}` has more than three numbers"));
    }
    for (slot, part) in numbers.iter_mut().zip(&parts) {
        if matches!(*part, "x" | "X" | "*") {
            wild = true;
        } else if wild {
            return Err(format!("`{text}` has a number after a wildcard"));
        } else if part.len() > 1 && part.starts_with('0') {
            return Err(format!("`{text}` has a number with a leading zero"));
        } else if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("`{text}` is not a version or part of one"));
        } else {
            let number = part.parse().map_err(|_| format!("`{part}` is too large"))?;
            *slot = Some(number);
        }
    }
    let pre = suffix.split('+').next().unwrap_or_default();
    let pre = match pre.strip_prefix('-') {
        Some(_) if numbers.iter().any(Option::is_none) => {
            return Err(format!("`{text}` has a prerelease but not three numbers"));
        }
        Some(pre) => Prerelease::new(pre).map_err(|error| format!("`{text}`: {error}"))?,
        None => Prerelease::EMPTY,
    };
    if pre.is_empty() && suffix.starts_with('-') {
        return Err(format!("`{text}` ends with a hyphen"));
    }
    let [major, minor, patch] = numbers;
    let Some(major) = major else {
        // `<*` and `>*` exclude everything in npm; nobody means that.
        return match op {
            Op::Greater | Op::Less => Err(format!("nothing is beyond the wildcard `{text}`")),
            _ => Ok(None),
        };
    };
    Ok(Some(Comparator { op, major, minor, patch, pre }))
}

as_string!(
    Range,
    "VersionRange",
    "a range of versions like `>=1.2 <2 || ^3`",
    r"\S",
    [">=1.2 <2", "^1.4 || ^2", "1.2.x"]
);
