//! What of a config is secret: passwords, tokens, who logs in, and addresses with any of them in it. A finding
//! shows the lines of a file; here it is decided what of them is hidden.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diag::{Finding, Findings, Place, Source, codes};
use crate::yaml::{Node, Value};

/// Words in keys whose values are secret.
const WORDS: [&str; 7] = ["password", "passwd", "token", "secret", "apikey", "credential", "privatekey"];

/// What is hidden of a file.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// Places that no excerpt shows.
    pub places: Vec<Place>,
    /// Texts that nothing else in the file may be: an alias can bring them anywhere.
    texts: BTreeSet<String>,
}

impl Secrets {
    /// The secrets of a tree.
    pub fn of(root: &Node) -> Self {
        let mut all = Self { places: comments(root.place.source()), texts: BTreeSet::new() };
        all.look(root);
        all
    }

    /// Whether a text is one of them.
    pub fn contain(&self, text: &str) -> bool {
        self.texts.contains(text)
    }

    fn look(&mut self, node: &Node) {
        match &node.value {
            Value::Sequence(items) => items.iter().for_each(|item| self.look(item)),
            Value::Mapping(mapping) => mapping.iter().for_each(|(key, child)| {
                if is_secret(&key.text) {
                    self.places.push(child.place.clone());
                    self.keep(child);
                } else if key.text.eq_ignore_ascii_case("username") {
                    self.places.push(child.place.clone());
                } else {
                    self.look(child);
                }
            }),
            Value::String(text) if has_credentials(text) => self.places.push(node.place.clone()),
            _ => {}
        }
    }

    fn keep(&mut self, node: &Node) {
        match &node.value {
            Value::Sequence(items) => items.iter().for_each(|item| self.keep(item)),
            Value::Mapping(mapping) => mapping.iter().for_each(|(key, child)| {
                // Who logs in is no secret that would have to differ from every other word.
                if !key.text.eq_ignore_ascii_case("username") {
                    self.keep(child);
                }
            }),
            _ => self.texts.extend(node.as_written().filter(|text| !text.is_empty())),
        }
    }
}

/// The comments of a file: what was in use once, or is to be, is often in one. What only looks like a comment is
/// hidden too.
fn comments(source: &Arc<Source>) -> Vec<Place> {
    let lines = (1..=u32::try_from(source.lines()).unwrap_or(u32::MAX)).map(|line| source.line_range(line));
    let comment = |range: std::ops::Range<usize>| {
        let text = source.text().get(range.clone())?;
        let begins =
            |at: &usize| *at == 0 || text.as_bytes().get(at - 1).is_some_and(u8::is_ascii_whitespace);
        let at = text.match_indices('#').map(|(at, _)| at).find(begins)?;
        Some(Place::new(source, range.start + at, range.start + text.trim_end().len()))
    };
    lines.filter_map(comment).collect()
}

/// Whether the value of a key is secret.
pub(super) fn is_secret(key: &str) -> bool {
    let folded: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    WORDS.iter().any(|word| folded.contains(word))
}

/// Whether an address may say who asks: something stands before an `@` that begins no digest, or it has a query.
pub(super) fn has_credentials(text: &str) -> bool {
    let at = text.split('@').skip(1).any(|behind| !behind.starts_with("sha"));
    at || text.contains('?')
}

/// What is wrong with a file that can't be read as a whole, without its text: nobody knows which of it is
/// secret.
pub(super) fn unread(findings: Findings) -> Findings {
    findings.into_iter().map(wordless).collect()
}

fn wordless(finding: Finding) -> Finding {
    // A key alone is told; the parser's own words may hold a value.
    let keeps = [&codes::DUPLICATE_KEY, &codes::ONE_DOCUMENT, &codes::NOT_UTF8, &codes::FILE_TOO_LARGE];
    let message = match keeps.contains(&finding.code) {
        true => finding.message,
        false => finding.code.summary.trim_end_matches('.').to_owned(),
    };
    let told = Finding::error(finding.code, message);
    let Some(place) = finding.place else { return told };
    let whole = Place::new(place.source(), 0, place.source().text().len());
    told.at(&place)
        .label("here")
        .hint("the text is not shown: it may hold passwords")
        .masking(std::slice::from_ref(&whole))
}
