//! The tags of a repository by git's protocol, version 2: the command `ls-refs` over HTTP
//! (git-scm.com/docs/protocol-v2, gitprotocol-http). One question, and only tags are answered: a listing of
//! all references would hold every pull request there ever was.

use http::{HeaderName, HeaderValue};

use crate::port::upstream::Tags;

/// What the question is written in.
pub(super) const ASKED: &str = "application/x-git-upload-pack-request";
/// What the answer is written in.
pub(super) const ANSWERED: &str = "application/x-git-upload-pack-result";
/// Without it a server answers in another version.
pub(super) const PROTOCOL: (HeaderName, HeaderValue) =
    (HeaderName::from_static("git-protocol"), HeaderValue::from_static("version=2"));

/// The question for all tags.
pub(super) fn question() -> String {
    let line = |text: &str| format!("{:04x}{text}\n", text.len() + 5);
    format!("{}0001{}0000", line("command=ls-refs"), line("ref-prefix refs/tags/"))
}

/// The tags of an answer.
///
/// # Errors
/// With what is wrong with it, in words.
pub(super) fn tags(mut answer: &[u8]) -> Result<Tags, String> {
    let mut tags = Tags::default();
    loop {
        let Some((length, rest)) = answer.split_at_checked(4) else {
            return Err("the answer breaks off".to_owned());
        };
        let length = std::str::from_utf8(length).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        answer = match length {
            Some(0) if rest.is_empty() => return Ok(tags),
            Some(length @ 4..) if length - 4 <= rest.len() => {
                let (line, rest) = rest.split_at(length - 4);
                push(&mut tags, line)?;
                rest
            }
            Some(4..) => return Err("the answer breaks off".to_owned()),
            _ => return Err("the answer is none of git's protocol".to_owned()),
        };
    }
}

/// `OBJECT refs/tags/NAME`, and attributes behind it.
fn push(tags: &mut Tags, line: &[u8]) -> Result<(), String> {
    // A name that is no text can't be anybody's version.
    let Ok(line) = std::str::from_utf8(line) else { return Ok(()) };
    let line = line.trim_end_matches('\n');
    if let Some(words) = line.strip_prefix("ERR ") {
        return Err(words.to_owned());
    }
    if let Some(name) = line.split(' ').nth(1).and_then(|name| name.strip_prefix("refs/tags/")) {
        tags.push(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<u8> {
        let line = |text: &&str| format!("{:04x}{text}\n", text.len() + 5);
        let mut all: String = lines.iter().map(line).collect();
        all.push_str("0000");
        all.into_bytes()
    }

    #[test]
    fn a_question_counts_its_own_length() {
        assert_eq!(question(), "0014command=ls-refs\n0001001aref-prefix refs/tags/\n0000");
    }

    #[test]
    fn tags_are_read_and_other_references_are_not() {
        let answer = lines(&["aaa refs/tags/v1.0.0", "bbb refs/heads/main", "ccc refs/tags/a/v2 peeled:ddd"]);
        assert_eq!(tags(&answer).unwrap().iter().collect::<Vec<_>>(), ["v1.0.0", "a/v2"]);
        assert!(tags(b"0000").unwrap().is_empty(), "a project without tags");
    }

    #[test]
    fn what_is_no_answer_is_none() {
        let whole = lines(&["aaa refs/tags/v1.0.0"]);
        for cut in 0..whole.len() {
            assert!(tags(&whole[..cut]).is_err(), "cut at {cut}");
        }
        assert!(tags(b"<!DOCTYPE html>").is_err());
        assert!(tags(b"0001").is_err());
        assert!(tags(b"0000more").is_err());
        assert_eq!(tags(&lines(&["ERR access denied"])).unwrap_err(), "access denied");
    }
}
