//! Ranges in npm's grammar (docs.npmjs.com/cli/configuring-npm/package-json, "dependencies"; the node-semver
//! README), over numbers of any length and count.
//!
//! Missing numbers are wildcards: `>3` begins at 4.0.0. A bound that names so many numbers compares so many.
//! Limits may be templates over the current version: `<={{major}}.{{minor+1}}.{{patch}}`.

use std::cmp::Ordering;

use super::{Number, Scheme, Version};

/// A range over the numbers of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// One of these must hold, in all its bounds.
    alternatives: Vec<Vec<Bound>>,
}

/// Why a text is no range; a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{range}` is no range: {why}")]
pub struct RangeError {
    range: String,
    why: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    side: Side,
    /// The numbers it names, in digits.
    numbers: Vec<String>,
    /// Whether only so many numbers are compared as it names.
    partial: bool,
    /// The prerelease it names.
    stage: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Below,
    UpTo,
    Same,
    From,
    Above,
    Nowhere,
}

/// The lowest prerelease of all.
const LOWEST: &str = "0";

impl Range {
    /// Reads a range; templates in it stand for numbers of `current`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str, current: &Version<'_>) -> Result<Self, RangeError> {
        let wrong = |why: String| RangeError { range: text.to_owned(), why };
        let filled = filled(text, current).map_err(wrong)?;
        let alternatives = filled.split("||").map(alternative).collect::<Result<_, _>>().map_err(wrong)?;
        Ok(Self { alternatives })
    }

    /// Whether it names a prerelease, and so admits prereleases.
    pub fn admits_prereleases(&self) -> bool {
        self.alternatives.iter().flatten().any(|bound| bound.stage.is_some())
    }

    /// Whether a version is in it: by its numbers, and by its stage where the range names one.
    pub fn holds(&self, version: &Version<'_>, scheme: &Scheme) -> bool {
        let staged = self.admits_prereleases();
        self.alternatives.iter().any(|all| all.iter().all(|bound| bound.holds(version, scheme, staged)))
    }
}

impl Bound {
    fn holds(&self, version: &Version<'_>, scheme: &Scheme, staged: bool) -> bool {
        let number = |place: usize| {
            self.numbers.get(place).and_then(|digits| Number::read(digits)).unwrap_or(Number::ZERO)
        };
        let all =
            if self.partial { self.numbers.len() } else { self.numbers.len().max(version.numbers.len()) };
        let numbers =
            (0..all).map(|place| version.number(place).cmp(&number(place))).find(|order| order.is_ne());
        let order = match numbers {
            Some(order) => order,
            None if staged && !self.partial => self.cmp_stage(version, scheme),
            None => Ordering::Equal,
        };
        match self.side {
            Side::Below => order.is_lt(),
            Side::UpTo => order.is_le(),
            Side::Same => order.is_eq(),
            Side::From => order.is_ge(),
            Side::Above => order.is_gt(),
            Side::Nowhere => false,
        }
    }

    /// The stage of a version of the same numbers against the one that is named.
    fn cmp_stage(&self, version: &Version<'_>, scheme: &Scheme) -> Ordering {
        match (&version.stage, self.stage.as_deref()) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(_), Some(LOWEST)) => Ordering::Greater,
            (Some(stage), Some(named)) => {
                let named = format!("{}-{named}", self.numbers.join("."));
                let named = scheme.read(&named).and_then(|version| version.stage);
                named.map_or(Ordering::Greater, |named| stage.parts.cmp(&named.parts))
            }
        }
    }
}

/// The text with its templates filled in.
fn filled(text: &str, current: &Version<'_>) -> Result<String, String> {
    let mut filled = String::new();
    let mut left = text;
    while let Some((before, rest)) = left.split_once("{{") {
        let (name, after) = rest.split_once("}}").ok_or("`{{` has no `}}`")?;
        filled.push_str(before);
        let (field, more) = match name.trim().split_once('+') {
            None => (name.trim(), 0),
            Some((field, more)) => (
                field.trim(),
                more.trim().parse::<u64>().map_err(|_| format!("`{{{{{name}}}}}` adds no number"))?,
            ),
        };
        let place =
            ["major", "minor", "patch"].iter().position(|known| *known == field).ok_or_else(|| {
                format!("`{{{{{name}}}}}` is none of `{{{{major}}}}`, `{{{{minor}}}}` and `{{{{patch}}}}`")
            })?;
        let number = current.number(place);
        match number.value().and_then(|value| value.checked_add(more)) {
            Some(sum) => filled.push_str(&sum.to_string()),
            None => filled.push_str(&number.to_string()),
        }
        left = after;
    }
    filled.push_str(left);
    Ok(filled)
}

fn alternative(text: &str) -> Result<Vec<Bound>, String> {
    if let Some((from, to)) = text.split_once(" - ") {
        let from = bounds(Operator::From, from.trim())?;
        return Ok(from.into_iter().chain(bounds(Operator::UpTo, to.trim())?).collect());
    }
    let mut all = Vec::new();
    let mut left = text.trim_start_matches([' ', ',']);
    while !left.is_empty() {
        let (operator, rest) = operator(left);
        let rest = rest.trim_start();
        let end = rest.find(|c: char| c.is_whitespace() || "<>=^~,".contains(c)).unwrap_or(rest.len());
        let (version, after) = rest.split_at(end);
        if version.is_empty() {
            return Err(format!("nothing stands behind the operator of `{}`", left.trim_end()));
        }
        all.extend(bounds(operator, version)?);
        left = after.trim_start_matches([' ', ',', '\t']);
    }
    Ok(all)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Same,
    Below,
    UpTo,
    From,
    Above,
    Tilde,
    Caret,
}

fn operator(text: &str) -> (Operator, &str) {
    const ALL: [(&str, Operator); 8] = [
        (">=", Operator::From),
        ("<=", Operator::UpTo),
        (">", Operator::Above),
        ("<", Operator::Below),
        ("=", Operator::Same),
        ("~>", Operator::Tilde),
        ("~", Operator::Tilde),
        ("^", Operator::Caret),
    ];
    let found = ALL.iter().find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)));
    found.unwrap_or((Operator::Same, text))
}

/// The bounds that an operator and a version mean.
fn bounds(operator: Operator, text: &str) -> Result<Vec<Bound>, String> {
    let bare = text.trim_start_matches(['v', 'V', '=']);
    let (rest, _build) = bare.split_once('+').unwrap_or((bare, ""));
    let (core, stage) = match rest.split_once('-') {
        None => (rest, None),
        Some((_, "")) => return Err(format!("`{text}` ends with a hyphen")),
        Some((core, stage)) => (core, Some(stage.to_owned())),
    };
    let mut numbers = Vec::new();
    let mut wild = false;
    for part in core.split('.') {
        if matches!(part, "x" | "X" | "*") {
            wild = true;
        } else if wild {
            return Err(format!("`{text}` has a number behind a wildcard"));
        } else if Number::read(part).is_some() {
            numbers.push(part.to_owned());
        } else {
            return Err(format!("`{text}` is no version, or part of one"));
        }
    }
    let partial = wild || numbers.len() < 3;
    let whole = Bound { side: Side::From, numbers, partial, stage };
    let bound = |side: Side| vec![Bound { side, ..whole.clone() }];
    // So many numbers must be the same.
    let within = |places: usize| Bound {
        side: Side::Same,
        numbers: whole.numbers.iter().take(places).cloned().collect(),
        partial: true,
        stage: whole.stage.clone(),
    };
    Ok(match operator {
        Operator::Below | Operator::Above if whole.numbers.is_empty() => bound(Side::Nowhere),
        Operator::Same => bound(Side::Same),
        Operator::Below => bound(Side::Below),
        Operator::UpTo => bound(Side::UpTo),
        Operator::From => bound(Side::From),
        Operator::Above => bound(Side::Above),
        Operator::Tilde => [bound(Side::From), vec![within(2)]].concat(),
        Operator::Caret => {
            let zero = |digits: &String| digits.bytes().all(|b| b == b'0');
            let leading = whole.numbers.iter().take_while(|digits| zero(digits)).count();
            [bound(Side::From), vec![within((leading + 1).min(whole.numbers.len()))]].concat()
        }
    })
}
