//! The scheme `auto`: image tags as people write them. One number is the version, words around it are the
//! variant, numbers of their own behind it are counters.

use std::ops::RangeInclusive;

use super::{Number, Part, Place, Precision, Stage, Version};

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
    let mut empty = true;
    let sound = tag.bytes().all(|b| {
        let before = std::mem::replace(&mut empty, separates(b));
        if empty { !before } else { b.is_ascii_alphanumeric() }
    });
    sound && !empty
}

/// Reads a tag.
pub(super) fn read(tag: &str) -> Option<Version<'_>> {
    if !is_sound(tag) {
        return None;
    }
    let place = place(tag)?;
    let numbers: Vec<_> = place.numbers().collect();
    let precision = match place.day {
        true => Precision::Day(numbers.len() - 3),
        false => Precision::Numbers(numbers.len()),
    };
    let mut reader = Reader::new(place.prefix);
    reader.rest(place.rest);
    Some(reader.version(numbers, precision, place.v))
}

/// Where the numbers of a tag stand, if it is sound.
pub(super) fn place(tag: &str) -> Option<Place<'_>> {
    let (prefix, version) = tag.split_at(begin(tag)?);
    let bare = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let day = day(bare);
    let (numbers, rest) = bare.split_at(day.or_else(|| dotted(bare))?);
    Some(Place { prefix, v: bare.len() < version.len(), numbers, day: day.is_some(), rest })
}

/// Where the version begins: at the first number, with a `v` or without, that starts the tag, or follows a
/// separator other than the point, or the point behind a word.
#[inline]
pub(super) fn begin(tag: &str) -> Option<usize> {
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

/// Where a day ends, YYYY-MM-DD, which may have a time behind it: `T`, HH-MM-SS, `Z`.
fn day(text: &str) -> Option<usize> {
    let field = |from: usize, length: usize, values: RangeInclusive<u64>| {
        let number = Number::read(text.get(from..from + length)?)?;
        number.value().filter(|value| values.contains(value))
    };
    let dashed = |at: usize| text.as_bytes().get(at) == Some(&b'-');
    if !(dashed(4) && dashed(7)) {
        return None;
    }
    field(0, 4, 1..=9999).and(field(5, 2, 1..=12)).and(field(8, 2, 1..=31))?;
    let time = || {
        let separated = matches!(text.as_bytes().get(10), Some(b'T' | b't')) && dashed(13) && dashed(16);
        separated.then_some(())?;
        field(11, 2, 0..=23).and(field(14, 2, 0..=59)).and(field(17, 2, 0..=60))
    };
    let end = match time() {
        Some(_) => 19 + usize::from(matches!(text.as_bytes().get(19), Some(b'Z' | b'z'))),
        None => 10,
    };
    text.get(end..)?.bytes().next().is_none_or(separates).then_some(end)
}

/// Where numbers with points between them end.
pub(super) fn dotted(text: &str) -> Option<usize> {
    let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    while digit(end) || end > 0 && text.as_bytes().get(end) == Some(&b'.') && digit(end + 1) {
        end += 1;
    }
    (end > 0).then_some(end)
}

/// What stands behind the numbers of a version.
struct Reader<'t> {
    /// The prefix, and the words so far.
    variant: Vec<&'t str>,
    word: &'t str,
    stage: Vec<Part<'t>>,
    /// Whether numbers still belong to the stage before them.
    staged: bool,
    /// The number of a security release, which stands above all plain counters of its version, or an end;
    /// then the counters of the places so far, each place closed by an end.
    build: Vec<Part<'t>>,
}

impl<'t> Reader<'t> {
    fn new(prefix: &'t str) -> Self {
        let (mut variant, mut build) = (Vec::with_capacity(4), Vec::with_capacity(4));
        variant.push(prefix);
        build.push(Part::End);
        Self { variant, word: "", stage: Vec::new(), staged: false, build }
    }

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
                self.build[0] = Part::Number(number);
                left = after;
            } else {
                self.token(token, glued, plus);
            }
        }
    }

    fn token(&mut self, token: &'t str, glued: bool, plus: bool) {
        let digits = token.bytes().rev().take_while(u8::is_ascii_digit).count();
        let letters = &token[..token.len() - digits];
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
        self.build.push(Part::Number(number));
    }

    /// A word of the variant: counters behind it are at the next place.
    fn word_ends(&mut self, word: &'t str) {
        self.variant.push(word);
        self.build.push(Part::End);
    }

    fn version(mut self, numbers: Vec<Number<'t>>, precision: Precision, v: bool) -> Version<'t> {
        self.build.push(Part::End);
        let stage = (!self.stage.is_empty()).then_some(Stage { word: self.word, parts: self.stage });
        Version { variant: self.variant, precision, v, numbers, stage, build: self.build }
    }
}

/// A number of its own behind the next separator, and what follows it.
fn next_number(left: &str) -> Option<(Number<'_>, &str)> {
    let left = left.strip_prefix(|c: char| u8::try_from(c).is_ok_and(separates))?;
    let end = left.bytes().position(separates).unwrap_or(left.len());
    let (token, after) = left.split_at(end);
    Some((Number::read(token)?, after))
}
