//! Which image a report was asked for, and whether a report is about it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::refusal::{Format, Refusal};
use crate::digest::Digest;

/// Which image a report was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Digests that all mean this image: that of the index, of the manifest for its platform, of its
    /// configuration. The more are known, the more reports are recognised.
    pub digests: BTreeSet<Digest>,
    /// What says that a report is about it.
    pub naming: Naming,
    /// When a service answered; its answers mostly don't say it.
    pub at: Option<Timestamp>,
}

/// What says which image a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The report itself must: it is a file that anybody may have put there.
    Report,
    /// The question did: a service was asked by digest. Its answer may be silent, but must not name another.
    Question,
}

impl Asked {
    /// For a file.
    pub fn of_file(digests: impl IntoIterator<Item = Digest>) -> Self {
        Self { digests: digests.into_iter().collect(), naming: Naming::Report, at: None }
    }

    /// For the answer of a service that was asked about these digests.
    pub fn of_service(digests: impl IntoIterator<Item = Digest>, at: Timestamp) -> Self {
        Self { digests: digests.into_iter().collect(), naming: Naming::Question, at: Some(at) }
    }

    /// Whether one of these digests means the image.
    pub fn means(&self, named: &BTreeSet<Digest>) -> bool {
        !self.digests.is_disjoint(named)
    }

    /// Refuses a report that is about another image, or, where it must say it, doesn't say about which.
    pub(super) fn check(&self, format: Format, named: &BTreeSet<Digest>) -> Result<(), Refusal> {
        if self.means(named) || (named.is_empty() && self.naming == Naming::Question) {
            return Ok(());
        }
        let asked = listed(&self.digests);
        if named.is_empty() {
            return Err(Refusal::Unnamed { format, asked });
        }
        Err(Refusal::AnotherImage { named: listed(named), asked })
    }
}

/// The first digests as text, and how many others there are.
fn listed(digests: &BTreeSet<Digest>) -> String {
    const SHOWN: usize = 3;
    let mut words: Vec<String> = digests.iter().take(SHOWN).map(Digest::to_string).collect();
    match digests.len().saturating_sub(SHOWN) {
        0 if words.is_empty() => return "no digest".to_owned(),
        0 => {}
        others => words.push(format!("{others} others")),
    }
    words.join(", ")
}

/// The digest in `sha256:...` or behind the `@` of a name.
pub(super) fn digest_in(text: &str) -> Option<Digest> {
    text.rsplit_once('@').map_or(text, |(_, digest)| digest).trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn digest(digit: char) -> Digest {
        format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
    }

    #[test]
    fn one_digest_in_common_is_enough() {
        let asked = Asked::of_file([digest('a'), digest('b')]);
        assert!(asked.check(Format::Trivy, &BTreeSet::from([digest('b'), digest('c')])).is_ok());
    }

    #[test]
    fn another_image_is_refused_even_from_a_service() {
        for asked in [Asked::of_file([digest('a')]), Asked::of_service([digest('a')], Timestamp::UNIX_EPOCH)]
        {
            let refused = asked.check(Format::Trivy, &BTreeSet::from([digest('c')])).unwrap_err();
            let expected = format!("the report is about {}, and was asked for {}", digest('c'), digest('a'));
            assert_eq!(refused.to_string(), expected);
        }
    }

    #[test]
    fn only_a_service_that_was_asked_may_be_silent() {
        let none = BTreeSet::new();
        assert!(Asked::of_service([digest('a')], Timestamp::UNIX_EPOCH).check(Format::Harbor, &none).is_ok());
        let refused = Asked::of_file([digest('a')]).check(Format::Trivy, &none).unwrap_err().to_string();
        assert!(refused.starts_with("Trivy's JSON that names no digest of its image"), "{refused}");
    }

    #[test]
    fn a_digest_is_found_behind_a_name() {
        let text = format!("quay.io/a/b:1@{}", digest('a'));
        assert_eq!(digest_in(&text), Some(digest('a')));
        assert_eq!(digest_in(&digest('a').to_string()), Some(digest('a')));
        assert_eq!(digest_in("quay.io/a/b:1"), None);
    }
}
