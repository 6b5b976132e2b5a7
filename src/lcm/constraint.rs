//! Which versions of Kubernetes a chart takes: its `kubeVersion`, in the grammar of the library that Helm reads it
//! with (github.com/Masterminds/semver, "Checking Version Constraints"). That is wider than the grammar of
//! [`KubeRange`], of which it is made here: hyphens, `v`, `~>` and `!=` are taken too.

use std::str::FromStr;

use crate::version::{KubeRange, KubeVersion, ParseError};

/// What operators are written with.
const SIGNS: &[char] = &['<', '>', '=', '~', '^', '!'];

/// Versions of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// One of these must hold.
    alternatives: Vec<Alternative>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Alternative {
    /// What it takes.
    takes: KubeRange,
    /// What it does not.
    but: Vec<KubeRange>,
}

impl Constraint {
    /// Whether it takes a version, by its numbers alone.
    pub fn takes(&self, version: &KubeVersion) -> bool {
        let but = |one: &Alternative| one.but.iter().any(|range| range.matches(version));
        self.alternatives.iter().any(|one| one.takes.matches(version) && !but(one))
    }
}

impl FromStr for Constraint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let alternatives = text.split("||").map(alternative).collect::<Result<_, _>>()?;
        Ok(Self { alternatives })
    }
}

fn alternative(text: &str) -> Result<Alternative, ParseError> {
    let (mut takes, mut but) = (Vec::new(), Vec::new());
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (sign, version, after) = comparator(rest);
        rest = after.trim_start();
        if let (true, Some(upper)) = (sign.is_empty(), rest.strip_prefix("- ")) {
            let (none, upper, after) = comparator(upper.trim_start());
            takes.push(format!(">={version}"));
            takes.push(format!("<={none}{upper}"));
            rest = after.trim_start();
        } else if sign == "!=" {
            but.push(format!("={version}").parse()?);
        } else {
            takes.push(format!("{}{version}", if sign == "~>" { "~" } else { sign }));
        }
        if let Some(after) = rest.strip_prefix(',') {
            // What begins or ends with a comma is no list.
            rest = after.trim_start();
            if rest.is_empty() {
                takes.push(String::new());
            }
        }
    }
    let takes = match takes.is_empty() && !but.is_empty() {
        true => KubeRange::any(),
        false => takes.join(", ").parse()?,
    };
    Ok(Alternative { takes, but })
}

/// An operator, the version behind it without its `v`, and what is left.
fn comparator(text: &str) -> (&str, &str, &str) {
    let signs = text.find(|c: char| !SIGNS.contains(&c)).unwrap_or(text.len());
    let (sign, rest) = text.split_at(signs);
    let rest = rest.trim_start();
    let end = rest.find(|c: char| c.is_whitespace() || c == ',' || SIGNS.contains(&c)).unwrap_or(rest.len());
    let (version, rest) = rest.split_at(end);
    let bare = version.strip_prefix('v').filter(|bare| !bare.is_empty()).unwrap_or(version);
    (sign, bare, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(constraint: &str) -> String {
        let constraint: Constraint =
            constraint.parse().unwrap_or_else(|error| panic!("{constraint}: {error}"));
        let all = ["1.26.3", "1.27", "1.28.0", "1.28.5-eks-1", "1.30.0"];
        let all = all.iter().filter(|text| constraint.takes(&text.parse().expect("a version")));
        all.copied().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_helm_reads_is_read() {
        for (constraint, versions) in [
            ("1.20 - 1.27", "1.26.3 1.27"),
            ("v1.26.0 - v1.28", "1.26.3 1.27 1.28.0 1.28.5-eks-1"),
            (">=v1.28", "1.28.0 1.28.5-eks-1 1.30.0"),
            ("v1.27.x", "1.27"),
            ("~> 1.27", "1.27"),
            ("!=1.28.0", "1.26.3 1.27 1.28.5-eks-1 1.30.0"),
            (">=1.27, !=1.28.x", "1.27 1.30.0"),
            (">= 1.26.0-0 < 1.28.0-0", "1.26.3 1.27"),
            ("<1.27 || >=1.30", "1.26.3 1.30.0"),
            ("*", "1.26.3 1.27 1.28.0 1.28.5-eks-1 1.30.0"),
            ("=>1.28,=<1.28", "1.28.0 1.28.5-eks-1"),
        ] {
            assert_eq!(taken(constraint), versions, "{constraint}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for wrong in [
            "garbage",
            "",
            ">=1.30 || garbage",
            ">=",
            "1.20 - ",
            ",1.20",
            "1.20,",
            "!1.20",
            "v",
            "1.20 -1.22",
        ] {
            assert!(wrong.parse::<Constraint>().is_err(), "{wrong}");
        }
    }
}
