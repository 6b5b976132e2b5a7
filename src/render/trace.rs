//! Which line of which template a piece of rendered text comes from, and whether an expression
//! wrote it. It marks a template's lines before it is rendered and reads the marks afterwards; if
//! marking changed the text in any way, nothing is known, and nothing is claimed.

use std::ops::Range;

/// Before a line's origin. The marks are noncharacters of Unicode (U+FDD0 and following), which no
/// text for exchange holds.
const LINE: char = '\u{FDD0}';
/// Between a file's name and the line's number.
const NUMBER: char = '\u{FDD1}';
/// After a line's origin.
const END: char = '\u{FDD2}';
/// Before and after what an expression wrote.
pub(super) const OPEN: char = '\u{FDD3}';
/// See `OPEN`.
pub(super) const CLOSE: char = '\u{FDD4}';

/// Where the lines of a rendered text come from.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// By line of the rendered text, from 0: file and line (from 1).
    lines: Vec<Option<(String, u32)>>,
    /// The bytes of the rendered text that expressions wrote, ascending.
    written: Vec<Range<usize>>,
}

/// Whether a text can't be marked because it holds marks.
fn holds_marks(text: &str) -> bool {
    text.contains(['\u{FDD0}', '\u{FDD1}', '\u{FDD2}', '\u{FDD3}', '\u{FDD4}'])
}

/// A template with a mark at the end of each line that ends in plain text.
pub(super) fn mark(name: &str, text: &str) -> String {
    if holds_marks(text) || holds_marks(name) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut line = 1_u32;
    let mut rest = text;
    // Whether the line so far has anything that a trimming tag before it would not eat.
    let mut may_mark = false;
    let mut raw = false;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = tag(rest).filter(|length| !raw || is_block(&rest[..*length], "endraw")) {
            let (inside, after) = rest.split_at(length);
            raw = is_block(inside, "raw");
            out.push_str(inside);
            line += u32::try_from(inside.matches('\n').count()).unwrap_or_default();
            let trims = ["-}}", "-%}", "-#}"].iter().any(|end| inside.ends_with(end));
            may_mark = !trims;
            rest = after;
            continue;
        }
        if c == '\n' {
            if may_mark {
                origin(&mut out, name, line);
            }
            may_mark = false;
            line += 1;
        } else if !c.is_whitespace() {
            may_mark = true;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    if may_mark {
        origin(&mut out, name, line);
    }
    out
}

fn origin(out: &mut String, name: &str, line: u32) {
    out.push(LINE);
    out.push_str(name);
    out.push(NUMBER);
    out.push_str(&line.to_string());
    out.push(END);
}

/// The length of the tag that a text begins with, if it begins with one.
fn tag(text: &str) -> Option<usize> {
    if let Some(rest) = text.strip_prefix("{#") {
        Some(rest.find("#}").map_or(text.len(), |end| end + 4))
    } else if text.starts_with("{{") {
        Some(closing(text, "}}"))
    } else if text.starts_with("{%") {
        Some(closing(text, "%}"))
    } else {
        None
    }
}

/// Whether a tag is `{% word %}`.
fn is_block(tag: &str, word: &str) -> bool {
    tag.strip_prefix("{%")
        .and_then(|rest| rest.strip_suffix("%}"))
        .is_some_and(|inner| inner.trim_matches(['-', '+']).trim() == word)
}

/// Where a tag ends; its strings may hold what looks like the end.
fn closing(text: &str, end: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(2) {
        match quote {
            Some(q) => {
                if escaped {
                    escaped = false;
                } else if c == '\\' {
                    escaped = true;
                } else if c == q {
                    quote = None;
                }
            }
            None if c == '"' || c == '\'' => quote = Some(c),
            None if text[at..].starts_with(end) => return at + end.len(),
            None => {}
        }
    }
    text.len()
}

impl Trace {
    /// Reads the marks of a marked rendering of `plain`.
    pub fn read(marked: &str, plain: &str) -> Self {
        let mut text = String::with_capacity(plain.len());
        let mut lines = Vec::new();
        // Lines that end before the next origin is known have that one.
        let mut open_lines = 1_usize;
        let mut written = Vec::new();
        let mut depth = 0_usize;
        let mut start = 0;
        let mut rest = marked;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                LINE => {
                    let Some((name, tail)) = rest.split_once(NUMBER) else { return Self::default() };
                    let Some((number, tail)) = tail.split_once(END) else { return Self::default() };
                    let Ok(number) = number.parse() else { return Self::default() };
                    lines.extend(std::iter::repeat_n(Some((name.to_owned(), number)), open_lines));
                    open_lines = 0;
                    rest = tail;
                }
                OPEN => {
                    if depth == 0 {
                        start = text.len();
                    }
                    depth += 1;
                }
                CLOSE => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && start < text.len() {
                        written.push(start..text.len());
                    }
                }
                c => {
                    text.push(c);
                    if c == '\n' {
                        open_lines += 1;
                    }
                }
            }
        }
        // A line whose own mark came in its middle has it; the next one is open from its start.
        lines.extend(std::iter::repeat_n(None, open_lines));
        if text == plain { Self { lines, written } } else { Self::default() }
    }

    /// File and line (from 1) of a line (from 1) of the rendered text.
    pub fn line(&self, line: u32) -> Option<(&str, u32)> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let (name, line) = self.lines.get(index)?.as_ref()?;
        Some((name, *line))
    }

    /// Whether an expression wrote any of these bytes, or none at all is known.
    pub fn was_written(&self, bytes: Range<usize>) -> bool {
        self.lines.is_empty() || self.written.iter().any(|w| w.start < bytes.end && bytes.start < w.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(marked: &str) -> String {
        let mut out = String::new();
        let mut inside = false;
        for c in marked.chars() {
            match c {
                LINE => inside = true,
                END => inside = false,
                c if !inside => out.push(c),
                _ => {}
            }
        }
        out
    }

    #[test]
    fn marks_stand_at_the_ends_of_lines_of_text_and_nowhere_else() {
        let text = "a: {{ x\n }}\n\n{%- if y -%}\nb\n{% raw %}{{ no }}\n{% endraw %}c {# \n #}\nd";
        let marked = mark("f", text);
        assert_eq!(stripped(&marked), text);
        let numbers: Vec<String> = marked
            .split(NUMBER)
            .skip(1)
            .map(|part| part.split(END).next().unwrap_or_default().to_owned())
            .collect();
        // Line 1 ends within a tag; 3 is empty; 4 trims; 6 is text by the raw block; 7 ends within
        // a comment.
        assert_eq!(numbers, ["2", "5", "6", "8", "9"]);
    }

    #[test]
    fn a_closing_brace_in_a_string_does_not_close_a_tag() {
        assert_eq!(tag(r#"{{ "}}" }} x"#), Some(10));
        assert_eq!(tag("{{ open"), Some(7));
        assert_eq!(tag("text"), None);
    }

    #[test]
    fn lines_of_one_expression_belong_to_its_line() {
        let marked = format!("a{LINE}f{NUMBER}1{END}\n{OPEN}x\ny{CLOSE}{LINE}f{NUMBER}2{END}\nz");
        let trace = Trace::read(&marked, "a\nx\ny\nz");
        assert_eq!(trace.line(1), Some(("f", 1)));
        assert_eq!(trace.line(2), Some(("f", 2)));
        assert_eq!(trace.line(3), Some(("f", 2)));
        assert_eq!(trace.line(4), None);
        assert!(trace.was_written(3..4));
        assert!(!trace.was_written(0..1));
    }

    #[test]
    fn a_text_that_marking_changed_is_not_explained() {
        let trace = Trace::read("a", "b");
        assert_eq!(trace.line(1), None);
        assert!(trace.was_written(0..1));
    }
}
