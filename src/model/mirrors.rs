//! Mirrors: registries, or folders of registries, that keep copies of others; and which repository a copy
//! comes from. The one place where that is decided.

use std::fmt;
use std::str::FromStr;

use super::Sources;
use super::image::Repository;

/// Copies of what is kept elsewhere: `registry.example.com/quay=quay.io`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Where the copies are: a registry, or a folder of one.
    pub ours: String,
    /// What they are copies of: a registry, or a folder of one.
    pub upstream: String,
    /// Whether it fetches what it has not got as soon as somebody pulls it: what it lists is not all then.
    pub fetches: bool,
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
        Ok(Self { ours, upstream, fetches: false })
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.ours, self.upstream)
    }
}

/// All mirrors of a platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrors(Vec<Mirror>);

impl Mirrors {
    /// Those of a file of sources.
    pub fn of(sources: &Sources) -> Self {
        let read = |mirror: &crate::yaml::Spanned<super::SourceMirror>| {
            let bare = |text: &str| text.trim_end_matches('/').to_owned();
            let super::SourceMirror { at, of, fetches } = &mirror.value;
            Mirror { ours: bare(&at.value), upstream: bare(&of.value), fetches: *fetches }
        };
        sources.mirrors.iter().map(read).collect()
    }

    /// What a repository is a copy of, by the longest mirror that holds it; nothing if it is no copy.
    pub fn origin(&self, repository: &Repository) -> Option<Repository> {
        self.fitting(repository).map(|(_, origin)| origin)
    }

    /// Whether the mirror of a copy lists all that can be pulled there.
    pub fn lists_all(&self, copy: &Repository) -> bool {
        self.fitting(copy).is_some_and(|(mirror, _)| !mirror.fetches)
    }

    fn fitting(&self, repository: &Repository) -> Option<(&Mirror, Repository)> {
        let whole = repository.to_string();
        let read = |mirror: &'_ Mirror| {
            let rest = whole.strip_prefix(&mirror.ours)?;
            // A prefix ends where a part of a name ends. The rest is read as a person's words are, so that
            // `docker.io/redis` is `docker.io/library/redis`.
            let fits = rest.is_empty() || rest.starts_with('/');
            fits.then(|| format!("{}{rest}", mirror.upstream).parse().ok()).flatten()
        };
        let found = self.0.iter().filter_map(|mirror| Some((mirror, read(mirror)?)));
        let (mirror, origin) = found.max_by_key(|(mirror, _)| mirror.ours.len())?;
        (origin != *repository).then_some((mirror, origin))
    }
}

impl FromIterator<Mirror> for Mirrors {
    fn from_iter<I: IntoIterator<Item = Mirror>>(mirrors: I) -> Self {
        Self(mirrors.into_iter().collect())
    }
}

impl Extend<Mirror> for Mirrors {
    fn extend<I: IntoIterator<Item = Mirror>>(&mut self, mirrors: I) {
        self.0.extend(mirrors);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn origin(text: &str) -> Option<String> {
        let mirrors: Mirrors = [
            "registry.example.com/mirror/quay.io=quay.io",
            "registry.example.com/mirror=docker.io",
            "registry.example.com/hub/=docker.io/",
            "registry.example.com/one=ghcr.io/them/two",
            "quay.io=quay.io",
        ]
        .map(|text| text.parse::<Mirror>().unwrap())
        .into_iter()
        .collect();
        mirrors.origin(&text.parse().unwrap()).map(|origin| origin.to_string())
    }

    #[test]
    fn a_mirror_stands_for_what_it_mirrors_by_its_longest_prefix() {
        let of = |text: &str| origin(text).unwrap();
        assert_eq!(of("registry.example.com/mirror/quay.io/jetstack/x"), "quay.io/jetstack/x");
        assert_eq!(of("registry.example.com/mirror/velero/velero"), "docker.io/velero/velero");
        assert_eq!(of("registry.example.com/hub/redis"), "docker.io/library/redis");
        assert_eq!(of("registry.example.com/one"), "ghcr.io/them/two");
    }

    #[test]
    fn a_prefix_ends_where_a_part_of_a_name_ends_and_nothing_is_a_copy_of_itself() {
        assert_eq!(origin("registry.example.com/mirrored/x"), None);
        assert_eq!(origin("quay.io/jetstack/x"), None);
    }

    #[test]
    fn half_a_mirror_is_none() {
        for wrong in ["a", "=b", "a=", "https://a=b"] {
            assert!(wrong.parse::<Mirror>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_lists_all_can_lack_something() {
        let mirror = |fetches| Mirror { fetches, .."r.example.com/quay=quay.io".parse().unwrap() };
        let copy: Repository = "r.example.com/quay/a/b".parse().unwrap();
        assert!(Mirrors::from_iter([mirror(false)]).lists_all(&copy));
        assert!(!Mirrors::from_iter([mirror(true)]).lists_all(&copy));
        assert!(!Mirrors::default().lists_all(&copy));
    }
}
