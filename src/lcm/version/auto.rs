//! The scheme `auto`: image tags as people write them. One number is the version, words around it are the
//! variant, numbers of their own behind it are counters.

use std::ops::RangeInclusive;

use super::{Number, Part, Precision, Stage, Version};

/// Words of stages before a release, and how far each is. Single letters only count when they are glued to
/// the version and a number follows (`3.0.0a1`).
const STAGES: [(&str, u8); 12] = [
    ("dev", 1),
    ("snapshot", 1),
    ("nightly", 1),
    ("canary", 1),
    ("alpha", 2),
    ("beta", 3),
    ("pre", 4),
    ("preview", 4),
    ("milestone", 4),
    ("ea", 4),
    ("rc", 5),
    ("cr", 5),
];
const LETTERS: [(&str, u8); 4] = [("a", 2), ("b", 3), ("m", 4), ("c", 5)];

/// Whether a tag is no version of anything: a signature, an attestation or a bill of materials, kept beside
/// what it is about under the name of its digest (cosign's and the referrers' tag schema).
pub fn is_artifact(tag: &str) -> bool {
    let digest = tag.strip_prefix("sha256-").and_then(|rest| rest.get(..64));
    let named = digest.is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    let ends =
        tag.get(64 + "sha256-".len()..).is_none_or(|rest| rest.is_empty() || rest.starts_with(['.', '-']));
    named && ends || [".sig", ".att", ".sbom"].iter().any(|ending| tag.ends_with(ending))
}

/// Whether a tag is the hash of a commit: 7 to 40 lower-case hexadecimal digits with a letter among them.
pub fn is_commit(tag: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (7..=40).contains(&tag.len()) && tag.bytes().all(hex) && tag.bytes().any(|b| b.is_ascii_lowercase())
}

fn separates(b: u8) -> bool {
    matches!(b, b'-' | b'_' | b'+' | b'.' | b'/')
}

/// Whether every component has something in it, and nothing but letters and digits.
fn is_sound(tag: &str) -> bool {
    tag.split(|c: char| u8::try_from(c).is_ok_and(separates))
        .all(|component| !component.is_empty() && component.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Reads a tag.
pub(super) fn read(tag: &str) -> Option<Version<'_>> {
    if !is_sound(tag) {
        return None;
    }
    let start = begin(tag)?;
    let (prefix, rest) = tag.split_at(start);
    let bare = rest.strip_prefix(['v', 'V']).unwrap_or(rest);
    let (numbers, precision, rest) = day(bare).or_else(|| dotted(bare))?;
    let mut reader = Reader::default();
    reader.variant.push(prefix);
    reader.rest(rest);
    Some(reader.version(numbers, precision, bare.len() != tag.len() - start))
}

/// Where the version begins: at the first number, with a `v` or without, that starts the tag, or follows a
/// separator other than the point, or the point behind a word.
fn begin(tag: &str) -> Option<usize> {
    let bytes = tag.as_bytes();
    let mut component = 0;
    for (at, b) in bytes.iter().enumerate() {
        let starts = match at.checked_sub(1).map(|before| bytes[before]) {
            None => true,
            Some(b'.') => {
                let word = tag[component..at - 1].bytes().any(|b| b.is_ascii_alphabetic());
                component = at;
                word
            }
            Some(before) if separates(before) => {
                component = at;
                true
            }
            Some(_) => false,
        };
        let number = b.is_ascii_digit()
            || matches!(b, b'v' | b'V') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if starts && number {
            return Some(at);
        }
    }
    None
}

type Numbers<'t> = (Vec<Number<'t>>, Precision, &'t str);

/// A day, YYYY-MM-DD, which may have a time behind it: `T`, HH-MM-SS, `Z`.
fn day(text: &str) -> Option<Numbers<'_>> {
    let field = |from: usize, length: usize, values: RangeInclusive<u64>| {
        let number = Number::read(text.get(from..from + length)?)?;
        number.value().is_some_and(|value| values.contains(&value)).then_some(number)
    };
    let dashed = |at: usize| text.as_bytes().get(at) == Some(&b'-');
    if !(dashed(4) && dashed(7)) {
        return None;
    }
    let day = vec![field(0, 4, 1..=9999)?, field(5, 2, 1..=12)?, field(8, 2, 1..=31)?];
    let time = || {
        let separated = matches!(text.as_bytes().get(10), Some(b'T' | b't')) && dashed(13) && dashed(16);
        separated.then_some([field(11, 2, 0..=23)?, field(14, 2, 0..=59)?, field(17, 2, 0..=60)?])
    };
    let (numbers, end) = match time() {
        Some(time) => {
            let zone = matches!(text.as_bytes().get(19), Some(b'Z' | b'z'));
            (day.iter().copied().chain(time).collect(), 19 + usize::from(zone))
        }
        None => (day, 10),
    };
    let rest = text.get(end..)?;
    let ends = rest.bytes().next().is_none_or(separates);
    ends.then(|| (numbers.clone(), Precision::Day(numbers.len() - 3), rest))
}

/// Numbers with points between them.
fn dotted(text: &str) -> Option<Numbers<'_>> {
    let mut numbers = Vec::new();
    let mut rest = text;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        numbers.push(Number::read(number)?);
        match after.strip_prefix('.').filter(|next| next.starts_with(|c: char| c.is_ascii_digit())) {
            Some(next) => rest = next,
            None => return Some((numbers.clone(), Precision::Numbers(numbers.len()), after)),
        }
    }
}

/// What stands behind the numbers of a version.
#[derive(Default)]
struct Reader<'t> {
    /// The prefix, and the words so far.
    variant: Vec<&'t str>,
    word: &'t str,
    stage: Vec<Part<'t>>,
    /// Whether numbers still belong to the stage before them.
    staged: bool,
    security: Option<Number<'t>>,
    /// The counters of the places so far, each place closed by an end.
    counters: Vec<Part<'t>>,
}

impl<'t> Reader<'t> {
    fn rest(&mut self, rest: &'t str) {
        let mut left = rest;
        let mut plus = false;
        let mut glued = true;
        while !left.is_empty() {
            if let Some(separator) = left.bytes().next().filter(|b| separates(*b)) {
                plus |= separator == b'+';
                self.staged &= !plus;
                left = &left[1..];
                glued = false;
            }
            let end = left.bytes().position(separates).unwrap_or(left.len());
            let (token, after) = left.split_at(end);
            left = after;
            if token == "security"
                && let Some((number, after)) = next_number(left)
            {
                self.security = Some(number);
                left = after;
            } else {
                self.token(token, glued, plus);
            }
        }
    }

    fn token(&mut self, token: &'t str, glued: bool, plus: bool) {
        let letters = token.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = Number::read(&token[letters.len()..]);
        if let (true, Some(number)) = (letters.is_empty(), number) {
            if self.staged {
                self.stage.push(Part::Number(number))
            } else {
                self.count(number)
            }
            return;
        }
        self.staged = false;
        let single = LETTERS.iter().filter(|_| glued && number.is_some());
        let stage = STAGES.iter().chain(single).find(|(word, _)| word.eq_ignore_ascii_case(letters));
        match (stage, number) {
            (Some((_, rank)), number) => {
                if self.stage.is_empty() {
                    self.word = letters;
                }
                self.stage.push(Part::Rank(*rank));
                self.stage.extend(number.map(Part::Number));
                self.staged = true;
            }
            (None, Some(number)) if matches!(letters, "r" | "ls") => self.count(number),
            (None, Some(number)) if plus => {
                self.word_ends(letters);
                self.count(number);
            }
            (None, _) => self.word_ends(token),
        }
    }

    fn count(&mut self, number: Number<'t>) {
        self.counters.push(Part::Number(number));
    }

    /// A word of the variant: counters behind it are at the next place.
    fn word_ends(&mut self, word: &'t str) {
        self.variant.push(word);
        self.counters.push(Part::End);
    }

    fn version(mut self, numbers: Vec<Number<'t>>, precision: Precision, v: bool) -> Version<'t> {
        // A security release stands above all plain counters of its version.
        let mut build = vec![self.security.map_or(Part::End, Part::Number)];
        build.append(&mut self.counters);
        build.push(Part::End);
        let stage = (!self.stage.is_empty()).then_some(Stage { word: self.word, parts: self.stage });
        Version { variant: self.variant, precision, v, numbers, stage, build }
    }
}

/// A number of its own behind the next separator, and what follows it.
fn next_number(left: &str) -> Option<(Number<'_>, &str)> {
    let left = left.strip_prefix(|c: char| u8::try_from(c).is_ok_and(separates))?;
    let end = left.bytes().position(separates).unwrap_or(left.len());
    let (token, after) = left.split_at(end);
    Some((Number::read(token)?, after))
}
