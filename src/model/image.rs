//! Names of container images: where an image is kept, and which one of a repository is meant.
//!
//! What people leave out is filled in as container runtimes do: `redis` is `docker.io/library/redis:latest`.
//! Reading is left to `oci-spec`, which keeps to the grammar of the distribution project's references.

use std::fmt;
use std::str::FromStr;

use oci_spec::distribution::{ParseError, Reference};

/// A repository of images: a registry's host (with its port, if one is said) and a name in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    /// `docker.io`, `registry.example.com:5000`.
    pub registry: String,
    /// `library/redis`, `jetstack/cert-manager-controller`.
    pub name: String,
}

impl Repository {
    /// The last part of its name, by which people call it.
    pub fn short(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

/// An image: its repository, and a tag, a digest, or both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Image {
    /// Where it is kept.
    pub repository: Repository,
    /// The tag; `latest` only where neither a tag nor a digest is said.
    pub tag: Option<String>,
    /// The digest of its manifest or index.
    pub digest: Option<String>,
}

/// Why a text is no name of an image; a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no image: {why}")]
pub struct ImageError {
    text: String,
    why: String,
}

impl ImageError {
    fn new(text: &str, why: impl Into<String>) -> Self {
        Self { text: text.to_owned(), why: why.into() }
    }
}

/// Whether a text is a digest of a manifest: `sha256:` with 64 lower-case hexadecimal digits, or `sha512:` with
/// 128 (the algorithms that the image specification registers, "Digests").
pub fn is_digest(text: &str) -> bool {
    let length = |algorithm| match algorithm {
        "sha256" => Some(64),
        "sha512" => Some(128),
        _ => None,
    };
    let hex = |digits: &str| digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    text.split_once(':')
        .is_some_and(|(algorithm, digits)| length(algorithm) == Some(digits.len()) && hex(digits))
}

impl FromStr for Image {
    type Err = ImageError;

    /// Reads `REGISTRY/NAME:TAG@DIGEST`. What a node's status puts before it (`docker-pullable://`,
    /// `docker://`) is left out.
    fn from_str(text: &str) -> Result<Self, ImageError> {
        let bare = text.strip_prefix("docker-pullable://").or_else(|| text.strip_prefix("docker://"));
        let bare = bare.unwrap_or(text);
        if let Some((scheme, rest)) = bare.split_once("://") {
            return Err(ImageError::new(text, format!("an image has no `{scheme}://`; write `{rest}`")));
        }
        let read: Reference = bare.parse().map_err(|error| {
            ImageError::new(
                text,
                match error {
                    ParseError::ReferenceInvalidFormat if bare.contains(char::is_uppercase) => {
                        "names have no capital letters".to_owned()
                    }
                    ParseError::ReferenceInvalidFormat => {
                        "expected REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST".to_owned()
                    }
                    other => other.to_string(),
                },
            )
        })?;
        let repository =
            Repository { registry: read.registry().to_owned(), name: read.repository().to_owned() };
        Ok(Self { repository, tag: read.tag().map(str::to_owned), digest: read.digest().map(str::to_owned) })
    }
}

impl FromStr for Repository {
    type Err = ImageError;

    /// Reads `REGISTRY/NAME`, without a tag and a digest.
    fn from_str(text: &str) -> Result<Self, ImageError> {
        let image: Image = text.parse()?;
        let last = text.rsplit('/').next().unwrap_or(text);
        if image.digest.is_some() || last.contains(':') {
            return Err(ImageError::new(
                text,
                format!("a repository has no tag; write `{}`", image.repository),
            ));
        }
        Ok(image.repository)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

impl serde::Serialize for Repository {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Repository {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Repository {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Repository".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "minLength": 1,
            "description": "A repository of images, such as quay.io/jetstack/cert-manager-controller."
        })
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Image {
        text.parse().expect("an image")
    }

    #[test]
    fn what_is_left_out_is_filled_in_as_runtimes_do() {
        assert_eq!(read("redis").to_string(), "docker.io/library/redis:latest");
        assert_eq!(read("velero/velero:v1.18.0").to_string(), "docker.io/velero/velero:v1.18.0");
        assert_eq!(read("localhost/shop").to_string(), "localhost/shop:latest");
        assert_eq!(read("index.docker.io/redis:8").to_string(), "docker.io/library/redis:8");
    }

    #[test]
    fn a_port_is_no_tag_and_a_digest_stands_for_one() {
        assert_eq!(read("registry.example.com:5000/a/b").tag.as_deref(), Some("latest"));
        let digest = format!("sha256:{}", "5".repeat(64));
        let image = read(&format!("quay.io/a/b@{digest}"));
        assert_eq!((image.tag, image.digest), (None, Some(digest)));
    }

    #[test]
    fn what_a_node_says_ran_is_an_image() {
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(read(&format!("docker-pullable://nginx@{digest}")).repository.name, "library/nginx");
    }

    #[test]
    fn what_is_none_says_what_is_wrong_with_it() {
        let wrong = |text: &str| text.parse::<Image>().expect_err("no image").to_string();
        assert_eq!(wrong("Redis:8"), "`Redis:8` is no image: names have no capital letters");
        assert_eq!(
            wrong("https://quay.io/a/b"),
            "`https://quay.io/a/b` is no image: an image has no `https://`; write `quay.io/a/b`"
        );
        assert_eq!(
            wrong("a b"),
            "`a b` is no image: expected REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST"
        );
        let tagged = "quay.io/a/b:1".parse::<Repository>().expect_err("no repository").to_string();
        assert_eq!(tagged, "`quay.io/a/b:1` is no image: a repository has no tag; write `quay.io/a/b`");
    }

    #[test]
    fn a_digest_has_its_length() {
        assert!(is_digest(&format!("sha256:{}", "0a".repeat(32))));
        for wrong in ["sha256:00", "sha256", "md5:00", &format!("sha256:{}", "0A".repeat(32))] {
            assert!(!is_digest(wrong), "{wrong}");
        }
    }
}
