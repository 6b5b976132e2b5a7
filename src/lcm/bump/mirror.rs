//! Mirrors: registries, or folders of registries, that keep copies of others.

use std::fmt;
use std::str::FromStr;

use crate::model::image::Repository;

/// Copies of what is kept elsewhere: `registry.example.com/quay=quay.io`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Where the copies are: a registry, or a folder of one.
    pub ours: String,
    /// What they are copies of: a registry, or a folder of one.
    pub upstream: String,
}

impl FromStr for Mirror {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = |side: &str| {
            let side = side.trim_end_matches('/');
            let plain = !side.is_empty() && !side.contains("://") && !side.contains(char::is_whitespace);
            plain.then(|| side.to_owned())
        };
        let sides = text.split_once('=').and_then(|(ours, upstream)| Some((read(ours)?, read(upstream)?)));
        let (ours, upstream) =
            sides.ok_or("expected MIRROR=UPSTREAM, such as registry.example.com/quay=quay.io")?;
        Ok(Self { ours, upstream })
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.ours, self.upstream)
    }
}

/// What a repository is a copy of, by the longest mirror that holds it; itself if none does.
pub(super) fn upstream(mirrors: &[Mirror], repository: &Repository) -> Repository {
    let whole = repository.to_string();
    let below = |mirror: &Mirror| {
        let rest = whole.strip_prefix(&mirror.ours)?.strip_prefix('/')?;
        format!("{}/{rest}", mirror.upstream).parse::<Repository>().ok()
    };
    let mut fitting: Vec<&Mirror> = mirrors.iter().collect();
    fitting.sort_by_key(|mirror| std::cmp::Reverse(mirror.ours.len()));
    fitting.into_iter().find_map(below).unwrap_or_else(|| repository.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_longest_mirror_says_where_a_copy_comes_from() {
        let mirrors: Vec<Mirror> = ["r.example.com=docker.io", "r.example.com/quay=quay.io"]
            .map(|text| text.parse().unwrap())
            .into();
        let of = |text: &str| upstream(&mirrors, &text.parse().unwrap()).to_string();
        assert_eq!(of("r.example.com/quay/a/b"), "quay.io/a/b");
        assert_eq!(of("r.example.com/quayx/b"), "docker.io/quayx/b");
        assert_eq!(of("r.example.com/redis"), "docker.io/library/redis");
        assert_eq!(of("ghcr.io/a/b"), "ghcr.io/a/b");
    }

    #[test]
    fn half_a_mirror_is_none() {
        for wrong in ["a", "=b", "a=", "https://a=b"] {
            assert!(wrong.parse::<Mirror>().is_err(), "{wrong}");
        }
    }
}
