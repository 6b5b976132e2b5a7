//! Who is asked for an image's versions: a registry that k8s-platform-lcm knows by name, or one of one's own.

use super::config::flag;
use super::reader::{At, Reader, Word};
use super::secret::has_credentials;
use super::told::{REGISTRY, registry_key};
use crate::model::image::Repository;

/// The registries that it knows by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    DockerHub,
    Quay,
    Gcr,
    GcrK8s,
    Zalando,
    Gitlab,
}

impl Known {
    pub const ALL: [Self; 6] =
        [Self::DockerHub, Self::Quay, Self::Gcr, Self::GcrK8s, Self::Zalando, Self::Gitlab];

    /// As `registryName` says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DockerHub => "DockerHub",
            Self::Quay => "Quay",
            Self::Gcr => "Gcr",
            Self::GcrK8s => "GcrK8s",
            Self::Zalando => "Zalando",
            Self::Gitlab => "Gitlab",
        }
    }

    /// As a key of `imageRegistries`.
    pub fn key(self) -> &'static str {
        match self {
            Self::DockerHub => "dockerHub",
            Self::Quay => "quay",
            Self::Gcr => "gcr",
            Self::GcrK8s => "gcrK8s",
            Self::Zalando => "zalando",
            Self::Gitlab => "gitlab",
        }
    }

    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.key() == key)
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// Where it is today.
    pub fn host(self) -> &'static str {
        match self {
            Self::DockerHub => "docker.io",
            Self::Quay => "quay.io",
            Self::Gcr => "gcr.io",
            // k8s.gcr.io has nothing newer since April 2023
            // (kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement).
            Self::GcrK8s => "registry.k8s.io",
            Self::Zalando => "registry.opensource.zalan.do",
            Self::Gitlab => "registry.gitlab.com",
        }
    }
}

/// A registry with, for some, a path before the interface's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub host: String,
    pub path: String,
}

impl Asked {
    pub fn host(host: &str) -> Self {
        Self { host: host.to_owned(), path: String::new() }
    }
}

/// A registry of one's own.
pub(super) struct Own {
    pub asked: Option<Asked>,
    pub by: Option<Word>,
    pub whole: Option<(bool, Word)>,
}

/// Reads `registry`; where `registryName` stands beside it, it does not count.
pub(super) fn registry(reader: &mut Reader, at: &At<'_>, is_named: bool) -> Own {
    let mut own = Own { asked: None, by: None, whole: None };
    let entries = reader.entries(at, &REGISTRY);
    for (key, at) in &entries {
        if *key == "url" {
            own.by = reader.word(at);
        }
    }
    // One with a path stands behind the host that images name, and that is who is logged in to.
    let asked = own.by.as_ref().and_then(|word| address(&word.value));
    let host = asked.filter(|asked| asked.path.is_empty()).map(|asked| asked.host);
    for (key, at) in &entries {
        match *key {
            "url" if is_named => reader.drop(at, "`registryName` beside it counts instead"),
            "url" => {}
            "allowAllReleases" => own.whole = Some((reader.is_on(at), flag(at))),
            key => registry_key(reader, key, at, host.as_deref()),
        }
    }
    if is_named {
        if let Some((_, word)) = own.whole.take() {
            reader.leave_word(
                &word,
                "`registryName` beside it counts instead",
                "say it beside `registryName`",
            );
        }
        return own;
    }
    match &own.by {
        None => reader.lacks(at, "url", "`url`"),
        Some(word) => {
            own.asked = address(&word.value);
            if own.asked.is_none() {
                reader.wrong_form(word, "address of a registry", "`HOST`, `HOST:PORT` or `HOST/PATH`");
            } else if has_credentials(&word.value) {
                let host = host.unwrap_or_else(|| "HOST".to_owned());
                let words = "the name and password in it belong in no file of a repository";
                reader.leave_word(word, words, format!("run `docker login {host}` where the report is made"));
            }
        }
    }
    own
}

/// A registry as `registry.url` says it, without who asks.
pub(super) fn address(text: &str) -> Option<Asked> {
    let bare = text.strip_prefix("https://").unwrap_or(text);
    let bare = bare.split(['?', '#']).next().unwrap_or(bare);
    let (authority, path) = bare.split_once('/').unwrap_or((bare, ""));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let path = path.trim_matches('/');
    let fits = path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'));
    (is_host(host) && fits && !path.split('/').any(|part| part == ".."))
        .then(|| Asked { host: host.to_owned(), path: path.to_owned() })
}

/// Whether an image's name can begin with this as its registry.
pub(super) fn is_host(text: &str) -> bool {
    let image: Result<Repository, _> = format!("{text}/a/b").parse();
    !text.contains('/') && image.is_ok_and(|image| image.registry == text && image.name == "a/b")
}
