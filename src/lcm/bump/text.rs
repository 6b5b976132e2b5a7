//! Files that are no YAML before they are rendered: a chart's templates, and templates of ours whose blanked
//! text is none. Only a whole literal reference behind `image:` is a field there.

use std::ops::Range;
use std::sync::Arc;

use super::drafts::{Found, Target, Use};
use super::reference::Wanted;
use super::types::{Left, Reason};
use crate::catalog::blank;
use crate::catalog::images::keys::{Parts, is_templated};
use crate::diag::{Place, Source};

/// Keys whose value is a reference.
const KEYS: [&str; 2] = ["image:", "reference:"];

/// Looks for whole references in a text.
pub(super) fn look(wanted: Wanted<'_>, source: &Arc<Source>, found: &mut Found) {
    let blanked = blank(source.text());
    let mut block = Blocks::default();
    for number in 1..=u32::try_from(source.lines()).unwrap_or(u32::MAX) {
        let range = source.line_range(number);
        let line = blanked.get(range.clone()).unwrap_or_default();
        if block.holds(line) {
            continue;
        }
        for token in tokens(line) {
            let place = Place::new(source, range.start + token.start, range.start + token.end);
            let text = line.get(token.clone()).unwrap_or_default();
            if !follows_key(line.get(..token.start).unwrap_or_default()) {
                continue;
            }
            reference(wanted, place, text, found);
        }
    }
}

fn reference(wanted: Wanted<'_>, place: Place, text: &str, found: &mut Found) {
    // Blanks are letters: what they stand for is seen in the text itself, also right beside the token.
    let written = place.text();
    if written != text || is_templated(&place) {
        if wanted.is_hinted(written) {
            found.left.push(Left::new(&place, written, Reason::Templated));
        }
        return;
    }
    match wanted.is(Parts::of(text).name) {
        Ok(true) => {
            let target =
                Target { place: place.clone(), way: None, field: String::new(), text: text.to_owned() };
            match Use::whole(target) {
                Some(use_) => found.uses.push(use_),
                None => found.left.push(Left::new(&place, text, Reason::NoVersion)),
            }
        }
        Ok(false) => {}
        Err(reason) => found.left.push(Left::new(&place, text, reason)),
    }
}

/// The runs of characters that a reference can have.
fn tokens(line: &str) -> impl Iterator<Item = Range<usize>> {
    let of = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '@' | '-');
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + line.get(from..)?.find(of)?;
        let rest = line.get(start..)?;
        let end = start + rest.find(|c| !of(c)).unwrap_or(rest.len());
        from = end;
        Some(start..end)
    })
}

/// Whether what stands before a token on its line ends with a key of images, and is no comment.
fn follows_key(before: &str) -> bool {
    let bare = before.trim_end_matches(['"', '\'']).trim_end_matches(' ');
    // A quoted key, as in JSON.
    let folded = bare.strip_suffix("\":").map(|key| format!("{key}:"));
    let bare = folded.as_deref().unwrap_or(bare);
    let key = KEYS.iter().find_map(|key| bare.strip_suffix(key));
    let comment = before.starts_with('#') || before.contains(" #");
    !comment && key.is_some_and(|rest| rest.chars().next_back().is_none_or(|c| " \t{,-\"'".contains(c)))
}

/// Blocks of text (`|`, `>`) in a file that is read line by line: what is indented below them.
#[derive(Default)]
pub(super) struct Blocks {
    indent: Option<usize>,
}

impl Blocks {
    /// Whether a line belongs to a block; lines come in order.
    pub fn holds(&mut self, line: &str) -> bool {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if let Some(of_block) = self.indent {
            if line.trim().is_empty() || indent > of_block {
                return true;
            }
            self.indent = None;
        }
        let code = line.split(" #").next().unwrap_or(line).trim_end();
        let header = code.rsplit([' ', '\t']).next().unwrap_or_default();
        let opens = header.starts_with(['|', '>'])
            && header.len() <= 3
            && header.chars().skip(1).all(|c| c.is_ascii_digit() || matches!(c, '+' | '-'));
        let before = code.strip_suffix(header).unwrap_or_default().trim_end();
        if opens && before.ends_with(':') {
            self.indent = Some(line.len() - line.trim_start_matches([' ', '-']).len());
        } else if opens && before.ends_with('-') {
            self.indent = Some(before.len() - 1);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_right_before_its_value() {
        for yes in ["image: ", "  - image: \"", "{ name: a, image: ", "\"image\": \"", "image:'"] {
            assert!(follows_key(yes), "{yes}");
        }
        for no in ["# image: ", "a: b # image: ", "- --image=", "myimage: ", "image: x "] {
            assert!(!follows_key(no), "{no}");
        }
    }

    #[test]
    fn a_block_ends_where_its_indentation_does() {
        let mut blocks = Blocks::default();
        let lines =
            ["a: |-", "  image: x", "", "  y", "b: 1", "- >2 # why", "   z", "- c: |", "    t", "  d: 1"];
        let held: Vec<bool> = lines.iter().map(|line| blocks.holds(line)).collect();
        assert_eq!(held, [false, true, true, true, false, false, true, false, true, false]);
    }
}
