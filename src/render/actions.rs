//! The actions of Go templates: which names and fields stand between `{{` and `}}`, and where.
//! Comments, strings and the text around them are passed over. It reads as much of the language
//! as finding names needs (text/template/parse/lex.go); it does not judge.

/// One word of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// A function's or keyword's name (`lookup`), or a field chain with its dots and dollar
    /// (`.Release.IsInstall`, `$x.y`).
    pub text: &'a str,
    /// Its first byte in the template.
    pub at: usize,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Text outside of actions, with its first byte.
    Text(&'a str, usize),
    /// The words of one action, and the contents of its strings.
    Action(Vec<Word<'a>>, Vec<Word<'a>>),
}

/// The parts of a template, comments left out. An action that never ends goes to the end.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find("{{")).map(|found| at + found) {
        if open > at {
            parts.push(Part::Text(&text[at..open], at));
        }
        let inside = open + 2;
        let body = &text[inside..];
        let trimmed = body.strip_prefix('-').unwrap_or(body).trim_start();
        if trimmed.starts_with("/*") {
            let end = body.find("*/").map_or(text.len(), |found| inside + found + 2);
            at = text[end..].find("}}").map_or(text.len(), |found| end + found + 2);
            continue;
        }
        let (end, words, strings) = action(text, inside);
        parts.push(Part::Action(words, strings));
        at = end;
    }
    if at < text.len() {
        parts.push(Part::Text(&text[at..], at));
    }
    parts
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Reads one action from behind its `{{`; the byte behind its `}}`, its words and its strings.
fn action(text: &str, start: usize) -> (usize, Vec<Word<'_>>, Vec<Word<'_>>) {
    let (mut words, mut strings) = (Vec::new(), Vec::new());
    let mut at = start;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("}}") {
            return (at + 2, words, strings);
        }
        match c {
            '"' | '\'' => {
                let length = quoted(rest, c);
                strings.push(Word {
                    text: rest.get(1..length.saturating_sub(1)).unwrap_or_default(),
                    at: at + 1,
                });
                at += length;
            }
            '`' => {
                let length = rest[1..].find('`').map_or(rest.len(), |end| end + 2);
                strings.push(Word {
                    text: rest.get(1..length.saturating_sub(1)).unwrap_or_default(),
                    at: at + 1,
                });
                at += length;
            }
            c if is_name(c) || c == '.' || c == '$' => {
                let length = rest.find(|c: char| !is_name(c) && c != '.' && c != '$').unwrap_or(rest.len());
                words.push(Word { text: &rest[..length], at });
                at += length;
            }
            c => at += c.len_utf8(),
        }
    }
    (text.len(), words, strings)
}

/// The length of a quoted string with its quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        parts(text)
            .into_iter()
            .flat_map(|part| match part {
                Part::Action(words, _) => words,
                Part::Text(..) => Vec::new(),
            })
            .map(|word| word.text)
            .collect()
    }

    #[test]
    fn names_and_fields_of_actions_are_read() {
        assert_eq!(
            words("a {{- if (eq .Values.x $.y) | quote -}} now {{ $z := lookup \"v1\" `now` 'n' }}"),
            ["if", "eq", ".Values.x", "$.y", "quote", "$z", "lookup"]
        );
    }

    #[test]
    fn comments_strings_and_text_are_no_words() {
        assert!(words("now {{/* now */}} {{- /* now }} now */ -}} text").is_empty());
        assert_eq!(words(r#"{{ print "now }} \" now" }}"#), ["print"]);
        assert_eq!(words("{{ print `}} now` }}{{x}}"), ["print", "x"]);
    }

    #[test]
    fn open_ends_are_survived() {
        for text in ["{{", "{{ now", "{{ \"", "{{ `", "{{/*", "}}", "{{ 'ü", "é{{é", "{{-"] {
            let _ = parts(text);
        }
        assert_eq!(words("{{ now"), ["now"]);
    }
}
