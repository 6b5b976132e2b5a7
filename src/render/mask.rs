//! Hides secret values in text that a program, a server or a template produced: the values
//! themselves, their lines, and their base64. It decides what counts as an appearance; where text
//! is hidden is for the callers, before anything is stored or shown.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// What stands for a secret.
pub const MASK: &str = "***";

/// The shortest line of a longer secret that is hidden by itself; shorter ones (`---`, `}`) are
/// no secrets and stand everywhere.
const SHORTEST_LINE: usize = 6;

/// Programs break base64 into lines of these lengths (RFC 2045 and RFC 7468).
const WRAPS: [usize; 2] = [76, 64];

/// The texts to hide. It has no Debug: it holds what nobody may see.
#[derive(Clone, Default)]
pub struct Mask {
    /// Longest first, so that no secret leaves its tail behind a shorter one.
    texts: Arc<[String]>,
}

impl Mask {
    /// Hides these values.
    pub fn new<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Self {
        let mut texts = Vec::new();
        for value in values {
            forms(value.as_ref(), &mut texts);
        }
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
        Self { texts: texts.into() }
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The text with every appearance hidden.
    pub fn hide(&self, text: &str) -> String {
        let mut hidden = text.to_owned();
        for secret in self.texts.iter() {
            if hidden.contains(secret.as_str()) {
                hidden = hidden.replace(secret.as_str(), MASK);
            }
        }
        hidden
    }
}

fn forms(value: &str, texts: &mut Vec<String>) {
    let trimmed = value.trim_end_matches(['\r', '\n']);
    if trimmed.is_empty() {
        return;
    }
    texts.push(trimmed.to_owned());
    let lines: Vec<&str> = trimmed.lines().map(str::trim).collect();
    if lines.len() > 1 {
        texts.extend(lines.iter().filter(|line| line.len() >= SHORTEST_LINE).map(|line| (*line).to_owned()));
    }
    // As JSON and YAML write it between quotes.
    if let Ok(quoted) = serde_json::to_string(trimmed) {
        let inner = quoted.trim_matches('"');
        if inner != trimmed {
            texts.push(inner.to_owned());
        }
    }
    // `echo` adds a newline before `base64` sees the value.
    for bytes in [trimmed.to_owned(), value.to_owned(), format!("{trimmed}\n")] {
        for engine in [&STANDARD, &STANDARD_NO_PAD] {
            wrapped(engine.encode(&bytes), texts);
        }
        for engine in [&URL_SAFE, &URL_SAFE_NO_PAD] {
            wrapped(engine.encode(&bytes), texts);
        }
    }
}

fn wrapped(encoded: String, texts: &mut Vec<String>) {
    for width in WRAPS {
        let mut rest = encoded.as_str();
        while rest.len() > width {
            // Base64 is ASCII, so every byte is a boundary.
            let (line, tail) = rest.split_at(width);
            texts.push(line.to_owned());
            rest = tail;
        }
        if rest.len() >= SHORTEST_LINE {
            texts.push(rest.to_owned());
        }
    }
    texts.push(encoded);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_plain_quoted_and_in_base64() {
        let mask = Mask::new(["s3cr\"et-value"]);
        assert_eq!(mask.hide("x s3cr\"et-value y"), "x *** y");
        assert_eq!(mask.hide(r#"{"p":"s3cr\"et-value"}"#), r#"{"p":"***"}"#);
        assert_eq!(mask.hide(&STANDARD.encode("s3cr\"et-value")), MASK);
        assert_eq!(mask.hide(&STANDARD.encode("s3cr\"et-value\n")), MASK);
        assert_eq!(mask.hide(&URL_SAFE_NO_PAD.encode("s3cr\"et-value")), MASK);
    }

    #[test]
    fn the_lines_of_a_key_are_hidden_one_by_one() {
        let mask = Mask::new(["-----BEGIN-----\nMIIabcdef\n}\n-----END-----\n"]);
        assert_eq!(mask.hide("got MIIabcdef"), "got ***");
        assert_eq!(mask.hide("a } b"), "a } b");
    }

    #[test]
    fn wrapped_base64_is_hidden_line_by_line() {
        let secret = "k".repeat(200);
        let mask = Mask::new([&secret]);
        let encoded = STANDARD.encode(&secret);
        for line in encoded.as_bytes().chunks(76) {
            assert_eq!(mask.hide(&String::from_utf8_lossy(line)), MASK);
        }
    }

    #[test]
    fn a_secret_within_a_longer_one_leaves_no_tail() {
        let mask = Mask::new(["abc", "abcdefgh"]);
        assert_eq!(mask.hide("abcdefgh abc"), "*** ***");
    }

    #[test]
    fn an_empty_secret_hides_nothing() {
        assert!(Mask::new(["", "\n"]).is_empty());
        assert_eq!(Mask::new([""]).hide("text"), "text");
    }
}
