//! Edits that keep comments, order and everything else of a file of ours.
//!
//! Text is replaced by place; the result is read again and compared with what the edit meant to
//! change, so that an edit either does exactly that or is refused.

mod list;
mod several;

use std::sync::Arc;

use super::{Key, Mapping, Node, Value, parse};
use crate::diag::{Finding, Place, Source, codes};

pub use list::{append, remove};
pub use several::{Setting, Way, set_scalars};

/// Why an edit was refused; boxed, as findings are large.
pub type Refused = Box<Finding>;

/// Replaces the scalar at `place` by a string, quoted as it was before or as the text needs.
/// Returns the whole new text of the file.
///
/// # Errors
/// When the place is not a scalar's, the file is broken, or more than that value would change.
pub fn set_scalar(source: &Arc<Source>, place: &Place, new_text: &str) -> Result<String, Refused> {
    let mut expected = read(source)?;
    let intended = Value::String(new_text.to_owned());
    if expected.as_mut().is_none_or(|root| replace_at(root, place, &intended) != 1) {
        return Err(refused(source, "the value to change is not in the file", Some(place)));
    }
    let old = place.text();
    let before = source.text().get(..place.start()).unwrap_or_default();
    let space = if old.is_empty() && before.ends_with([':', '-']) { " " } else { "" };
    let scalar = match old.chars().next() {
        Some('\'') if !new_text.chars().any(char::is_control) => {
            format!("'{}'", new_text.replace('\'', "''"))
        }
        Some('"') => quoted(new_text),
        _ if is_plain(new_text) => new_text.to_owned(),
        _ => quoted(new_text),
    };
    let new = splice(source, place.start(), place.end(), &format!("{space}{scalar}"));
    verify(source, new, expected.as_ref(), Some(place))
}

/// Replaces a top-level key with its value by `block` (which begins with the key), or adds the
/// block at the end when the key is absent. Returns the whole new text of the file.
///
/// Comments above the key stay; those inside the old block go with it.
///
/// # Errors
/// When the file or the block is broken, or more than that key would change.
pub fn replace_block(source: &Arc<Source>, key: &str, block: &str) -> Result<String, Refused> {
    let mut expected = read(source)?;
    let inserted = read(&Source::new(source.path(), block))?;
    let Some(value) = inserted.as_ref().and_then(|node| node.get(key)) else {
        return Err(refused(source, &format!("the new text does not begin with `{key}`"), None));
    };
    if inserted.as_ref().and_then(Node::as_mapping).is_none_or(|mapping| mapping.len() != 1) {
        return Err(refused(source, "the new text has other keys as well", None));
    }
    let new_entry = (Key { text: key.to_owned(), place: Place::none() }, value.clone());
    let old = expected.as_ref().and_then(|root| block_range(root, key));
    match expected.as_mut().map(|root| &mut root.value) {
        Some(Value::Mapping(mapping)) => mapping.insert(new_entry.0, new_entry.1),
        None => {
            let value = Value::Mapping(Mapping::new(vec![new_entry]));
            expected = Some(Node { value, place: Place::none() });
        }
        Some(_) => return Err(refused(source, "the file is not a mapping", None)),
    }
    let break_ = if source.text().contains("\r\n") { "\r\n" } else { "\n" };
    let mut block = block.replace("\r\n", "\n").trim_end_matches('\n').replace('\n', break_);
    let new = match old {
        Some((start, end)) => splice(source, start, end, &block),
        None => {
            let text = source.text();
            if !text.is_empty() && !text.ends_with('\n') {
                block.insert_str(0, break_);
            }
            block.push_str(break_);
            splice(source, text.len(), text.len(), &block)
        }
    };
    verify(source, new, expected.as_ref(), None)
}

/// Removes a top-level key with its value; a file without it stays as it is. Returns the whole new
/// text of the file.
///
/// # Errors
/// When the file is broken, or more than that key would change.
pub fn remove_block(source: &Arc<Source>, key: &str) -> Result<String, Refused> {
    let mut expected = read(source)?;
    let Some((start, end)) = expected.as_ref().and_then(|root| block_range(root, key)) else {
        return Ok(source.text().to_owned());
    };
    if let Some(Value::Mapping(mapping)) = expected.as_mut().map(|root| &mut root.value) {
        mapping.remove(key);
        if mapping.is_empty() {
            expected = None;
        }
    }
    let rest = source.text().get(end..).unwrap_or_default();
    let line_break = ["\r\n", "\n"].iter().find(|b| rest.starts_with(**b)).map_or(0, |b| b.len());
    let new = splice(source, start, end + line_break, "");
    verify(source, new, expected.as_ref(), None)
}

fn read(source: &Arc<Source>) -> Result<Option<Node>, Refused> {
    parse(source).map_err(|findings| {
        let first = findings.errors().next().cloned();
        first.map_or_else(|| refused(source, "the file is broken", None), Box::new)
    })
}

/// From the start of the key's line to the end of the line on which its value ends.
fn block_range(root: &Node, key: &str) -> Option<(usize, usize)> {
    let mapping = root.as_mapping()?;
    let key_place = mapping.get_key_place(key)?;
    let value = mapping.get(key)?;
    let source = key_place.source();
    let start = source.line_range(key_place.line()).start;
    let last = value.place.end().max(key_place.end()).saturating_sub(1);
    let last = Place::new(source, last, last).line();
    Some((start, source.line_range(last).end))
}

fn splice(source: &Source, start: usize, end: usize, new: &str) -> String {
    let text = source.text();
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    format!("{before}{new}{after}")
}

fn verify(
    source: &Arc<Source>,
    new: String,
    expected: Option<&Node>,
    place: Option<&Place>,
) -> Result<String, Refused> {
    match parse(&Source::new(source.path(), new.as_str())) {
        Ok(found) if found.as_ref() == expected => Ok(new),
        _ => Err(refused(source, "the edit would change more than was intended", place)),
    }
}

fn refused(source: &Arc<Source>, why: &str, place: Option<&Place>) -> Refused {
    let start = Place::new(source, 0, 0);
    Box::new(Finding::error(&codes::EDIT_REFUSED, why).at(place.unwrap_or(&start)))
}

/// Sets every scalar at the place to the value; returns how many there were. An aliased value shows
/// up more than once, and changing it would change the others.
fn replace_at(node: &mut Node, place: &Place, new: &Value) -> usize {
    match &mut node.value {
        Value::Sequence(items) => items.iter_mut().map(|item| replace_at(item, place, new)).sum(),
        Value::Mapping(mapping) => mapping.values_mut().map(|item| replace_at(item, place, new)).sum(),
        value if node.place == *place => {
            *value = new.clone();
            1
        }
        _ => 0,
    }
}

/// Whether the text read bare, in a flow or a block, is that text.
fn is_plain(text: &str) -> bool {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '+');
    if text.is_empty() || !text.chars().all(simple) || !text.starts_with(|c: char| c.is_ascii_alphanumeric())
    {
        return false;
    }
    // Text in either dialect, so that other readers agree.
    [super::scalar::Dialect::Core, super::scalar::Dialect::Kubernetes].into_iter().all(|dialect| {
        let value = super::scalar::resolve(dialect, text, true, None);
        matches!(value, Ok(Value::String(_)))
    })
}

/// A double-quoted scalar: JSON's strings are YAML's, too.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}
