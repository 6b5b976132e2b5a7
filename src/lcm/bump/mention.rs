//! Mentions: the version in comments, texts, scripts and addresses. They are listed, and never changed.

use std::ops::Range;
use std::sync::Arc;

use super::types::{Left, Moving, Reason};
use crate::diag::{Place, Source};

/// What is looked for.
pub(super) struct Mentions<'a> {
    /// The version without its `v`.
    version: &'a str,
    /// What has to stand before a version of one number, which alone says too little.
    name: Option<String>,
}

impl<'a> Mentions<'a> {
    /// Mentions of a version of a source.
    pub fn of(moving: &Moving, from: &'a str) -> Self {
        let version = match from.strip_prefix(['v', 'V']) {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
            _ => from,
        };
        let tells = version.contains('.') && version.contains(|c: char| c.is_ascii_digit());
        let name = match moving {
            Moving::Image(repository) => repository.name.clone(),
            Moving::Chart(name) | Moving::Tool(name) | Moving::Addon(name) => name.clone(),
        };
        let name = name.rsplit('/').next().map(str::to_owned).filter(|_| !tells);
        Self { version, name }
    }

    /// Those of a file outside of `known` ranges; `blocks` are its blocks of text.
    pub fn in_file<'s>(
        &'s self,
        source: &'s Arc<Source>,
        known: &'s [Range<usize>],
        blocks: &'s [Range<usize>],
    ) -> impl Iterator<Item = Left> + 's {
        let text = source.text();
        let found = text.match_indices(self.version).filter_map(move |(at, version)| {
            let start = self.start(text, at)?;
            let end = at + version.len();
            let is_known = known.iter().any(|range| range.start < end && start < range.end);
            (!is_known && ends(text.get(end..)?)).then_some(start..end)
        });
        found.map(move |range| {
            let place = Place::new(source, range.start, range.end);
            let block = blocks.iter().any(|block| block.contains(&range.start));
            Left::new(&place, place.text(), if block { Reason::Block } else { Reason::Mentioned })
        })
    }

    /// Where a mention begins, if one does.
    fn start(&self, text: &str, at: usize) -> Option<usize> {
        let before = text.get(..at)?;
        let bare = before.strip_suffix(['v', 'V']).unwrap_or(before);
        if let Some(name) = &self.name {
            return bare.strip_suffix(':').is_some_and(|rest| rest.ends_with(name)).then_some(bare.len());
        }
        let begins = |rest: &str| match rest.chars().next_back() {
            None => true,
            // A range is no mention of the version at its end.
            Some('=') => !rest.ends_with("<=") && !rest.ends_with(">="),
            Some(c) => !c.is_alphanumeric() && !matches!(c, '.' | '+' | '^' | '~' | '<' | '>'),
        };
        [bare, before].into_iter().find(|rest| begins(rest)).map(str::len)
    }
}

/// Whether a version ends here: not in the middle of a longer one.
fn ends(behind: &str) -> bool {
    let mut next = behind.chars();
    match next.next() {
        Some('.') => !next.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => !c.is_alphanumeric() && c != '+',
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(version: &str, text: &str) -> Vec<String> {
        let moving = Moving::Tool("github:a/shop".to_owned());
        let source = Source::new("a", text);
        let mentions = Mentions::of(&moving, version);
        mentions
            .in_file(&source, &[], &[])
            .map(|left| format!("{} {}", left.text, left.place.column()))
            .collect()
    }

    #[test]
    fn a_version_is_mentioned_with_and_without_its_v() {
        let text = "# 1.9.1, v1.9.1. a-1.9.1.tar.gz x=1.9.1";
        assert_eq!(found("v1.9.1", text), ["1.9.1 3", "v1.9.1 10", "1.9.1 20", "1.9.1 35"]);
    }

    #[test]
    fn a_part_of_another_version_and_a_range_are_no_mention() {
        assert!(found("1.9.1", "11.9.1 1.9.10 1.9.1.2 ^1.9.1 >=1.9.1 x1.9.1 1.9.1rc2 0.1.9.1").is_empty());
    }

    #[test]
    fn one_number_alone_needs_the_name_before_it() {
        assert_eq!(found("8", "8 shop:8 top:8 shop:81"), ["8 8"]);
    }
}
