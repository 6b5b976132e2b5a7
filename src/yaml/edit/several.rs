//! Several scalars at once, in files of any number of documents, and in what only looks like YAML.
//!
//! A scalar is named by the way to it and not by its place alone: an alias or a merge key makes one place
//! stand for several values, and all of them have to be meant.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Refused, quoted, refused};
use crate::diag::{Place, Source};
use crate::yaml::Value;
use crate::yaml::reading::Reading;
use crate::yaml::scalar::{self, Dialect};

/// The way to a value: the number of its document, and of the entry or item at every level.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// The number of the document, from 0.
    pub document: usize,
    /// Numbers of entries of mappings and of items of lists, from 0.
    pub steps: Vec<usize>,
}

/// A scalar and the text that it is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Which one.
    pub way: Way,
    /// Its new text.
    pub text: String,
}

/// Sets scalars, each quoted as it was or as its text needs. What was a number stays one if its new text
/// is a number that every reader writes as it stands here; else it becomes a string. Returns the whole
/// new text of the file.
///
/// # Errors
/// When the file is broken, a way leads to no scalar or into a block of text, or other values would
/// change as well.
pub fn set_scalars(source: &Arc<Source>, reading: Reading, settings: &[Setting]) -> Result<String, Refused> {
    let broken = |findings: crate::diag::Findings| {
        let first = findings.errors().next().cloned();
        first.map_or_else(|| refused(source, "the file is broken", None), Box::new)
    };
    let mut expected = reading.documents(source).map_err(broken)?;
    let mut spans: BTreeMap<usize, (usize, String)> = BTreeMap::new();
    for Setting { way, text } in settings {
        let root = expected.get_mut(way.document);
        let Some(node) = root.and_then(|root| root.child_mut(&way.steps)).filter(|node| node.is_scalar())
        else {
            return Err(refused(source, "the value to change is not in the file", None));
        };
        let place = node.place.clone();
        node.value = meant(reading.dialect, &node.value, text);
        // What an alias names changes where it stands; that this is meant, too, is seen below.
        if place.text().starts_with('*') {
            continue;
        }
        let Some(written) = written(reading, &place, &node.value, text) else {
            return Err(refused(source, "the value stands in a block of text", Some(&place)));
        };
        if spans.insert(place.start(), (place.end(), written.clone())).is_some_and(|(_, w)| w != written) {
            return Err(refused(source, "one value would have to become two", Some(&place)));
        }
    }
    let new = spliced(source.text(), &spans);
    match reading.documents(&Source::new(source.path(), new.as_str())) {
        Ok(found) if found == expected => Ok(new),
        _ => {
            let first = spans.first_key_value().map(|(start, (end, _))| Place::new(source, *start, *end));
            let why = "the edit would change more than was intended";
            let refusal = refused(source, why, first.as_ref());
            let shared = source.text().contains('&');
            let hint = "a value with an anchor (`&`) is used more than once: change it by hand";
            Err(if shared { Box::new(refusal.hint(hint)) } else { refusal })
        }
    }
}

fn spliced(text: &str, spans: &BTreeMap<usize, (usize, String)>) -> String {
    let mut new = String::with_capacity(text.len());
    let mut done = 0;
    for (start, (end, written)) in spans {
        new.push_str(text.get(done..*start).unwrap_or_default());
        new.push_str(written);
        done = *end;
    }
    new.push_str(text.get(done..).unwrap_or_default());
    new
}

/// The value that a text means in the place of another one.
fn meant(dialect: Dialect, old: &Value, text: &str) -> Value {
    let was_number = matches!(old, Value::Integer(_) | Value::Unsigned(_) | Value::Float(_));
    if was_number
        && is_written_as_it_is(text)
        && let Ok(number @ (Value::Integer(_) | Value::Float(_))) = scalar::resolve(dialect, text, true, None)
    {
        return number;
    }
    Value::String(text.to_owned())
}

/// Whether a number comes out of every reader as it was written: not `1.10`, not `007`, and not one that
/// helm would write with an exponent.
fn is_written_as_it_is(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "1"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let bare = whole == "0" || !whole.starts_with('0');
    digits(whole) && digits(fraction) && bare && !fraction.ends_with('0') && text.len() <= 6
}

/// A value as it is written in the place of another scalar; nothing for a block of text.
fn written(reading: Reading, place: &Place, value: &Value, text: &str) -> Option<String> {
    Some(match place.text().chars().next() {
        None | Some('|' | '>') => return None,
        Some('\'') if !text.chars().any(char::is_control) => format!("'{}'", text.replace('\'', "''")),
        Some('"' | '\'') => quoted(text),
        _ if !matches!(value, Value::String(_)) => text.to_owned(),
        _ if !reading.quotes && is_bare(text) => text.to_owned(),
        _ => quoted(text),
    })
}

/// Whether a text read bare is that text in either dialect; also where it has a tag or a port.
fn is_bare(text: &str) -> bool {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '+' | ':' | '@');
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let (first, last) = (text.chars().next(), text.chars().next_back());
    text.chars().all(simple)
        && ends(first)
        && (ends(last) || last == Some('_'))
        && [Dialect::Core, Dialect::Kubernetes]
            .into_iter()
            .all(|dialect| matches!(scalar::resolve(dialect, text, true, None), Ok(Value::String(_))))
}
