//! Reading a config as its own program does (koanf with mapstructure, weakly typed): the case of keys does not
//! count, `"true"` and `1` are true, one value is a list of one, and `a,b` a list of two. What was read, and
//! what became of it, is kept here.

use std::collections::BTreeSet;

use super::secret::{Secrets, has_credentials, is_secret};
use super::types::{Left, Taken};
use crate::diag::{Finding, Findings, Place, codes, did_you_mean};
use crate::yaml::{Key, Mapping, Node, Value};

/// Why credentials are in no file.
const NEVER: &str = "credentials belong in no file of a repository";

/// A value with its way from the root.
#[derive(Debug, Clone)]
pub(super) struct At<'n> {
    pub way: String,
    /// Where its key stands; of an item of a list, the item.
    pub place: Place,
    pub node: &'n Node,
}

/// A text with its way from the root.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub way: String,
    pub value: String,
    pub place: Place,
}

/// Reads, and keeps what became of each key.
#[derive(Debug, Default)]
pub(super) struct Reader {
    secrets: Secrets,
    findings: Findings,
    taken: Vec<Taken>,
    left: Vec<Left>,
}

impl<'n> At<'n> {
    pub fn root(node: &'n Node) -> Self {
        Self { way: String::new(), place: node.place.clone(), node }
    }

    fn below(&self, key: &str, place: &Place, node: &'n Node) -> Self {
        let way = if self.way.is_empty() { key.to_owned() } else { format!("{}.{key}", self.way) };
        Self { way, place: place.clone(), node }
    }
}

impl Reader {
    pub fn of(root: Option<&Node>) -> Self {
        Self { secrets: root.map(Secrets::of).unwrap_or_default(), ..Self::default() }
    }

    /// What came out, unless something was wrong.
    pub fn done<T>(mut self, make: impl FnOnce(Vec<Taken>, Vec<Left>) -> T) -> Result<T, Findings> {
        self.taken.sort_by_key(|one| one.start);
        self.left.sort_by_key(|one| one.start);
        let hidden = self.secrets.places;
        let findings: Findings = self.findings.into_iter().map(|one| one.masking(&hidden)).collect();
        let made = make(self.taken, self.left);
        findings.sorted().into_result(made)
    }

    /// The entries of a mapping by their names; others are told.
    pub fn entries<'n>(&mut self, at: &At<'n>, known: &[&'static str]) -> Vec<(&'static str, At<'n>)> {
        let Some(mapping) = self.mapping(at) else { return Vec::new() };
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        for (key, node) in mapping.iter() {
            let below = at.below(&key.text, &key.place, node);
            let same = |name: &&&str| name.eq_ignore_ascii_case(&key.text);
            let Some(name) = known.iter().find(same).copied() else {
                self.unknown(&below, &key.text, known);
                continue;
            };
            if !seen.insert(name) {
                let words = format!("the key `{name}` stands twice, in other letters");
                self.wrong(Finding::error(&codes::DUPLICATE_KEY, words).at(&key.place));
                continue;
            }
            found.push((name, below));
        }
        found
    }

    /// The entries of a mapping whose keys are anybody's.
    pub fn pairs<'n>(&mut self, at: &At<'n>) -> Vec<(String, At<'n>)> {
        let Some(mapping) = self.mapping(at) else { return Vec::new() };
        mapping.iter().map(|(key, node)| (key.text.clone(), at.below(&key.text, &key.place, node))).collect()
    }

    fn mapping<'n>(&mut self, at: &At<'n>) -> Option<&'n Mapping> {
        match &at.node.value {
            Value::Mapping(mapping) => return Some(mapping),
            Value::Null => self.empty(at),
            _ => self.type_of(at, "a mapping"),
        }
        None
    }

    /// The items of a list; one value is a list of one.
    pub fn items<'n>(&mut self, at: &At<'n>) -> Vec<At<'n>> {
        let item = |(number, node): (usize, &'n Node)| At {
            way: format!("{}[{number}]", at.way),
            place: node.place.clone(),
            node,
        };
        match &at.node.value {
            Value::Sequence(items) => {
                if items.is_empty() {
                    self.empty(at);
                }
                items.iter().enumerate().map(item).collect()
            }
            Value::Null => {
                self.empty(at);
                Vec::new()
            }
            _ => vec![at.clone()],
        }
    }

    /// The texts of a list; a text alone is a list with commas.
    pub fn words(&mut self, at: &At<'_>) -> Vec<Word> {
        let items = self.items(at);
        let whole = at.node.as_sequence().is_none();
        let words = items.iter().filter_map(|item| self.word(item)).collect::<Vec<_>>();
        let apart = |word: Word| -> Vec<Word> {
            let part = |text: &str| Word { value: text.trim().to_owned(), ..word.clone() };
            word.value.split(',').map(part).filter(|part| !part.value.is_empty()).collect()
        };
        if whole { words.into_iter().flat_map(apart).collect() } else { words }
    }

    /// A text, or a number as it is written; nothing where nothing stands.
    pub fn word(&mut self, at: &At<'_>) -> Option<Word> {
        let place = at.node.place.clone();
        match at.node.as_written() {
            Some(text) if text.trim().is_empty() => self.empty(at),
            Some(text) if self.secrets.contain(&text) => {
                let words = format!("`{}` holds a secret of this file", at.way);
                let finding = Finding::error(&codes::LITERAL_SECRET, words).at(&place);
                self.wrong(finding.masking(std::slice::from_ref(&place)));
            }
            Some(text) => return Some(Word { way: at.way.clone(), value: text.trim().to_owned(), place }),
            None if at.node.value == Value::Null => self.empty(at),
            None => self.type_of(at, "a string"),
        }
        None
    }

    /// Whether a switch is on, as Go reads one.
    pub fn is_on(&mut self, at: &At<'_>) -> bool {
        let read = match &at.node.value {
            Value::Bool(is) => Some(*is),
            Value::Integer(number) => Some(*number != 0),
            Value::Null => Some(false),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "1" | "t" | "true" | "yes" | "on" => Some(true),
                "" | "0" | "f" | "false" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if read.is_none() {
            self.type_of(at, "a boolean");
        }
        read.unwrap_or_default()
    }

    /// A key that is in the files now.
    pub fn take(&mut self, way: &str, place: &Place, becomes: impl Into<String>) {
        self.taken.push(Taken::new(way, place, becomes));
    }

    /// A key that is in no file.
    pub fn leave(&mut self, at: &At<'_>, because: impl Into<String>, instead: impl Into<String>) {
        self.left.push(Left::new(&at.way, &at.place, because, Some(instead)));
    }

    /// As [`Self::leave`], for a text.
    pub fn leave_word(&mut self, word: &Word, because: impl Into<String>, instead: impl Into<String>) {
        self.left.push(Left::new(&word.way, &word.place, because, Some(instead)));
    }

    /// A key that is in no file, and about which nothing is to be done.
    pub fn drop(&mut self, at: &At<'_>, because: &str) {
        self.left.push(Left::new(&at.way, &at.place, because, None::<String>));
    }

    /// As [`Self::drop`], for a text.
    pub fn drop_word(&mut self, word: &Word, because: &str) {
        self.left.push(Left::new(&word.way, &word.place, because, None::<String>));
    }

    /// Somebody's credentials, of any type.
    pub fn credentials(&mut self, at: &At<'_>, instead: impl Into<String>) {
        match &at.node.value {
            Value::Null => self.empty(at),
            _ => self.leave(at, NEVER, instead),
        }
    }

    /// A mapping that lacks a key that it needs; what is wrong with one that is there has been told before.
    pub fn lacks(&mut self, at: &At<'_>, key: &str, what: &str) {
        let Some(mapping) = at.node.as_mapping() else { return };
        let is_there = |(found, node): (&Key, &Node)| {
            let is_empty = node.as_written().is_some_and(|text| text.trim().is_empty());
            found.text.eq_ignore_ascii_case(key) && node.value != Value::Null && !is_empty
        };
        if !mapping.iter().any(is_there) {
            let words = format!("`{}` lacks {what}", at.way);
            self.wrong(Finding::error(&codes::MISSING_FIELD, words).at(&at.place));
        }
    }

    /// Something that can't be meant.
    pub fn wrong(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// A text of the wrong form. It is shown only where nobody can have written a password into it.
    pub fn wrong_form(&mut self, word: &Word, what: &str, expected: &str) {
        let words = match has_credentials(&word.value) {
            true => format!("`{}` is no {what}", word.way),
            false => format!("`{}` is no {what}", word.value),
        };
        let finding = Finding::error(&codes::INVALID_VALUE, words).at(&word.place);
        self.wrong(finding.label(format!("expected {expected}")));
    }

    fn type_of(&mut self, at: &At<'_>, expected: &str) {
        let words = format!("expected {expected}, found {} in `{}`", at.node.value.kind(), at.way);
        let finding = Finding::error(&codes::WRONG_TYPE, words).at(&at.node.place);
        // What stands where something else is expected may be anything.
        self.secrets.places.push(at.node.place.clone());
        self.wrong(finding.label(format!("expected {expected}")));
    }

    fn empty(&mut self, at: &At<'_>) {
        if !at.way.is_empty() {
            self.drop(at, "nothing stands there");
        }
    }

    fn unknown(&mut self, at: &At<'_>, key: &str, known: &[&'static str]) {
        // A word that was mistyped may have been `password`.
        self.secrets.places.push(at.node.place.clone());
        if is_secret(key) {
            return self
                .credentials(at, "keep it where those who ask have it: `docker login`, the environment");
        }
        let older = match key {
            "tools" => Some("github.repos"),
            "toolRegistries" => Some("github.credentials"),
            "imageScanners" => Some("xray"),
            _ => None,
        };
        let instead = match (older, did_you_mean(key, known.iter().copied())) {
            (Some(newer), _) => format!("only its first releases read it; `{newer}` came in its place"),
            (None, Some(meant)) => format!("did you mean `{meant}`?"),
            (None, None) => "look whether it was meant for something else".to_owned(),
        };
        self.leave(at, "k8s-platform-lcm does not know this key either", instead);
    }
}
