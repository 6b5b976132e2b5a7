//! Edits of lists: an item more at the end, or one less.

use std::sync::Arc;

use super::{Refused, read, refused, splice, verify};
use crate::diag::{Place, Source};
use crate::yaml::{Key, Mapping, Node, Value, parse};

/// Adds an item at the end of the list at `path` (keys from the root), which is made if it is not
/// there; all but its last key must be. The item's fields are keys with values in flow style.
/// Returns the whole new text of the file.
///
/// # Errors
/// When the file is broken, the path leads elsewhere, or more than the list would change.
pub fn append(source: &Arc<Source>, path: &[&str], item: &[(&str, String)]) -> Result<String, Refused> {
    let Some(root) = read(source)? else { return Err(refused(source, "the file is empty", None)) };
    let flow = {
        let fields: Vec<String> = item.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        format!("{{ {} }}", fields.join(", "))
    };
    let Ok(Some(new)) = parse(&Source::new(source.path(), flow.as_str())) else {
        return Err(refused(source, "the new item is no YAML", None));
    };
    let Some((key, parents)) = path.split_last() else {
        return Err(refused(source, "the file is not a list", None));
    };
    let Some(parent) = root.at(parents).filter(|node| node.as_mapping().is_some()) else {
        return Err(refused(source, &format!("`{}` is not there", parents.join(".")), None));
    };
    let mut expected = root.clone();
    change(&mut expected, path, |items| items.push(new));
    let (start, end, text) = match parent.get(key).filter(|list| !matches!(list.value, Value::Null)) {
        Some(list) => {
            let Some(items) = list.as_sequence() else {
                return Err(refused(source, &format!("`{key}` is not a list"), Some(&list.place)));
            };
            in_list(source, parent, key, list, items, item, &flow)
        }
        None => new_list(source, parent, key, item, &flow),
    };
    let text = if source.text().contains("\r\n") { text.replace('\n', "\r\n") } else { text };
    verify(source, splice(source, start, end, &text), Some(&expected), None)
}

/// Takes the item with this number out of the list at `path`. Comments above it stay. Returns the
/// whole new text of the file.
///
/// # Errors
/// When the file is broken, there is no such item, or more than the list would change.
pub fn remove(source: &Arc<Source>, path: &[&str], number: usize) -> Result<String, Refused> {
    let root = read(source)?;
    let list = root.as_ref().and_then(|root| root.at(path));
    let items = list.and_then(Node::as_sequence).unwrap_or_default();
    let (Some(root), Some(item)) = (&root, items.get(number)) else {
        return Err(refused(source, "there is no such item", None));
    };
    let mut expected = root.clone();
    change(&mut expected, path, |items| {
        items.remove(number);
    });
    let block = dash(source, item).is_some();
    let (start, end) = if block {
        (source.line_range(item.place.line()).start, after_line(source, &item.place))
    } else if let Some(next) = items.get(number + 1) {
        (item.place.start(), next.place.start())
    } else {
        let before = number.checked_sub(1).and_then(|n| items.get(n));
        (before.map_or(item.place.start(), |item| item.place.end()), item.place.end())
    };
    let mut new = splice(source, start, end, "");
    if block
        && items.len() == 1
        && let Some(at) = key_end(root, path)
    {
        // A key without items has no list any more: it says that the list is empty.
        new.insert_str(at, " []");
    }
    verify(source, new, Some(&expected), None)
}

/// Where a flow or block item goes in a list that is there: start, end and text of the replacement.
fn in_list(
    source: &Arc<Source>,
    parent: &Node,
    key: &str,
    list: &Node,
    items: &[Node],
    item: &[(&str, String)],
    flow: &str,
) -> (usize, usize, String) {
    match items.last() {
        None => {
            let indent = parent.as_mapping().and_then(|map| map.get_key_place(key)).map_or(0, column);
            let start = before_spaces(source, list.place.start());
            (start, list.place.end(), format!("\n{}", block(item, indent + 2)))
        }
        Some(last) => match dash(source, last) {
            Some(indent) => {
                let end = last_line_end(source, &last.place);
                (end, end, format!("\n{}", block(item, indent)))
            }
            None => (last.place.end(), last.place.end(), format!(", {flow}")),
        },
    }
}

/// A list that is not there yet, at the end of its mapping.
fn new_list(
    source: &Arc<Source>,
    parent: &Node,
    key: &str,
    item: &[(&str, String)],
    flow: &str,
) -> (usize, usize, String) {
    let mapping = parent.as_mapping();
    if let Some(null) = parent.get(key)
        && let Some(place) = mapping.and_then(|map| map.get_key_place(key))
    {
        let end = last_line_end(source, if null.place.text().is_empty() { place } else { &null.place });
        return (end, end, format!("\n{}", block(item, column(place) + 2)));
    }
    let is_flow = parent.place.text().starts_with('{');
    let keys = mapping.map_or(0, Mapping::len);
    if is_flow && keys > 0 {
        let end = parent.place.end().saturating_sub(1);
        let at = before_spaces(source, end);
        return (at, at, format!(", {key}: [ {flow} ]"));
    }
    if is_flow {
        let line = source.line_range(parent.place.line());
        let text = source.text().get(line).unwrap_or_default();
        let indent = text.len() - text.trim_start().len() + 2;
        let start = before_spaces(source, parent.place.start());
        let block = block(item, indent + 2);
        return (start, parent.place.end(), format!("\n{}{key}:\n{block}", " ".repeat(indent)));
    }
    let first = mapping.and_then(|map| map.get_key_place(map.keys().next()?)).map_or(0, column);
    let end = last_line_end(source, &parent.place);
    (end, end, format!("\n{}{key}:\n{}", " ".repeat(first), block(item, first + 2)))
}

/// An item of a block list, without a line break at its end.
fn block(item: &[(&str, String)], indent: usize) -> String {
    let spaces = " ".repeat(indent);
    let lines = item.iter().enumerate().map(|(n, (key, value))| {
        let mark = if n == 0 { "- " } else { "  " };
        format!("{spaces}{mark}{key}: {value}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The column (from 0) of the dash before a block list's item.
fn dash(source: &Source, item: &Node) -> Option<usize> {
    let line = source.line_range(item.place.line());
    let before = source.text().get(line.start..item.place.start())?;
    before.trim_end().strip_suffix('-').filter(|spaces| spaces.trim().is_empty()).map(str::len)
}

/// The column of a place, from 0.
fn column(place: &Place) -> usize {
    usize::try_from(place.column()).unwrap_or(1).saturating_sub(1)
}

fn before_spaces(source: &Source, at: usize) -> usize {
    source.text().get(..at).unwrap_or_default().trim_end_matches(' ').len()
}

/// The line on which a value ends, up to its line break.
fn last_line_end(source: &Arc<Source>, place: &Place) -> usize {
    let text = source.text().get(place.start()..place.end()).unwrap_or_default();
    let last = (place.start() + text.trim_end().len()).saturating_sub(1).max(place.start());
    source.line_range(Place::new(source, last, last).line()).end
}

/// The same with its line break.
fn after_line(source: &Arc<Source>, place: &Place) -> usize {
    let end = last_line_end(source, place);
    let rest = source.text().get(end..).unwrap_or_default();
    end + ["\r\n", "\n"].iter().find(|b| rest.starts_with(**b)).map_or(0, |b| b.len())
}

/// Behind the colon of the last key of a path.
fn key_end(root: &Node, path: &[&str]) -> Option<usize> {
    let (key, parents) = path.split_last()?;
    let place = root.at(parents)?.as_mapping()?.get_key_place(key)?;
    let rest = place.source().text().get(place.end()..)?;
    Some(place.end() + rest.find(':')? + 1)
}

/// Changes the list at a path, which is made if it is not there.
fn change(node: &mut Node, path: &[&str], how: impl FnOnce(&mut Vec<Node>)) {
    let Some((first, rest)) = path.split_first() else {
        if !matches!(node.value, Value::Sequence(_)) {
            node.value = Value::Sequence(Vec::new());
        }
        if let Value::Sequence(items) = &mut node.value {
            how(items);
        }
        return;
    };
    if let Value::Mapping(mapping) = &mut node.value {
        let place = Place::none();
        let mut child = mapping.get(first).cloned().unwrap_or(Node { value: Value::Null, place });
        change(&mut child, rest, how);
        mapping.insert(Key { text: (*first).to_owned(), place: Place::none() }, child);
    }
}
