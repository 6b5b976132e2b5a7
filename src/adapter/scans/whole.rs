//! Whether a file is whole: JSON, or JSON Lines, from its first byte to its last. A report that was cut off may
//! have lost just what says which image it is about, so it can't be told by its digests any more.

use std::path::Path;

use serde::de::IgnoredAny;

use crate::diag::count;

/// Of so many files that can't be read the names are told.
const NAMED: usize = 3;

/// The documents of a file, one after another. The last one is why the rest of it can't be read, if it can't.
pub(super) fn documents(bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], String>> {
    // Some shells write a mark of the byte order before a text.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    let mut begin = 0;
    let is_empty = bytes.trim_ascii().is_empty().then(|| Err("it is empty".to_owned()));
    let next = move || {
        let read = stream.next()?;
        let end = stream.byte_offset();
        let document = bytes.get(begin..end).unwrap_or_default();
        begin = end;
        Some(read.map(|IgnoredAny| document).map_err(|error| format!("no whole JSON: {error}")))
    };
    is_empty.into_iter().chain(std::iter::from_fn(next))
}

/// The files of a folder that can't be read, each with the reason.
#[derive(Debug, Default)]
pub(super) struct Unread {
    all: usize,
    first: Vec<String>,
}

impl Unread {
    /// Takes in a file by its path in the folder.
    pub fn add(&mut self, path: &Path, why: &str) {
        self.all += 1;
        if self.first.len() < NAMED {
            self.first.push(format!("`{}`: {why}", shown(path)));
        }
    }

    /// `2 files can't be read: ...`, if there are any.
    pub fn words(&self) -> Option<String> {
        let more = match self.all - self.first.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let all = count(self.all as u64, "file");
        (self.all > 0).then(|| format!("{all} can't be read: {}{more}", self.first.join("; ")))
    }
}

/// A path for people: whatever is in a name, it commands no terminal.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string().chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// How many documents a text has, and whether it ends as it should.
    fn read(text: &str) -> (usize, bool) {
        let all: Vec<_> = documents(text.as_bytes()).collect();
        (all.iter().filter(|one| one.is_ok()).count(), all.iter().all(Result::is_ok))
    }

    #[test]
    fn json_and_json_lines_are_whole_and_what_was_cut_off_is_not() {
        for (text, documents) in [
            (r#"{"a": [1, 2]}"#, 1),
            ("\u{feff}{\"a\": 1}\r\n", 1),
            ("{\"a\": 1}\n{\"a\": 2}\n\n{\"a\": 3}\n", 3),
            ("[]", 1),
        ] {
            assert_eq!(read(text), (documents, true), "{text}");
        }
        for (text, documents) in [
            ("", 0),
            (" \n", 0),
            (r#"{"a": [1, 2"#, 0),
            ("{\"a\": 1}\n{\"a\":", 1),
            ("<html></html>", 0),
            ("{\"a\": 1}\0", 1),
        ] {
            assert_eq!(read(text), (documents, false), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(read(&deep), (0, false));
    }

    #[test]
    fn each_document_is_its_own_bytes() {
        let text = b"{\"a\": 1}\n{\"b\": 2}\n";
        let all: Vec<&[u8]> = documents(text).map(|one| one.unwrap().trim_ascii()).collect();
        assert_eq!(all, [b"{\"a\": 1}", b"{\"b\": 2}"]);
    }

    #[test]
    fn three_names_are_told_and_how_many_more_there_are() {
        let mut unread = Unread::default();
        assert_eq!(unread.words(), None);
        unread.add(Path::new("a\u{1b}[2J.json"), "it is empty");
        assert_eq!(unread.words().unwrap(), "1 file can't be read: `a[2J.json`: it is empty");
        for _ in 0..4 {
            unread.add(Path::new("b.json"), "it is empty");
        }
        let words = unread.words().unwrap();
        assert!(words.starts_with("5 files can't be read: ") && words.ends_with("; and 2 more"), "{words}");
    }
}
