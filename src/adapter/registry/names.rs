//! What the name of a manifest stands for: the digest that a registry says, or, where it is written down, that of
//! what it sends. Which repository is asked is decided before.

use http::StatusCode;
use reqwest::Url;

use super::door::Visit;
use super::{DIGEST, LARGEST, MANIFESTS, Manifest, Registries, words};
use crate::adapter::web::Ask;
use crate::digest;
use crate::model::image::{Repository, is_digest};
use crate::port::upstream::{Silence, Unanswered};

/// How a digest is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    /// By the registry's word: one question without content.
    Word,
    /// By the manifest itself.
    Content,
}

/// Whether a manifest may be asked for. On Docker Hub that counts as a pull, and the question for its headers does
/// not (docs.docker.com/docker-hub/usage/pulls).
fn may_get(repository: &Repository) -> bool {
    repository.registry != "docker.io"
}

impl Registries {
    /// The digest of what a tag names.
    pub(super) async fn resolve(
        &self,
        repository: &Repository,
        tag: &str,
        proof: Proof,
    ) -> Result<String, Unanswered> {
        let visit = self.visit(repository)?;
        let what = format!("the digest of {repository}:{tag}");
        let url = manifest(&visit, tag, &what)?;
        if proof == Proof::Content && may_get(repository) {
            return self.hash(&visit, url, &what).await;
        }
        let heard = self.doors.ask(&visit, Ask::head(url.clone()).accept(MANIFESTS)).await?;
        match heard.answer.header(&DIGEST).filter(|digest| is_digest(digest)) {
            Some(digest) if heard.answer.status.is_success() => {
                if proof == Proof::Content {
                    of_sha256(digest, &what)?;
                }
                return Ok(digest.to_owned());
            }
            _ if heard.answer.status == StatusCode::METHOD_NOT_ALLOWED && may_get(repository) => {}
            _ if !heard.answer.status.is_success() => {
                return Err(words::of(&heard.answer, &what, repository, &heard.found));
            }
            _ if may_get(repository) => {}
            _ => {
                let words = format!("{what}: Docker Hub did not tell it, and pulls are not spent on it");
                return Err(Unanswered::new(Silence::Invalid, words));
            }
        }
        self.hash(&visit, url, &what).await
    }

    /// The digest, if the repository has it.
    pub(super) async fn present(
        &self,
        repository: &Repository,
        digest: &str,
        proof: Proof,
    ) -> Result<String, Unanswered> {
        let what = format!("{repository}@{digest}");
        let invalid = |words: &str| Unanswered::new(Silence::Invalid, format!("{what}: {words}"));
        if !is_digest(digest) {
            return Err(invalid("that is no digest"));
        }
        if proof == Proof::Content {
            of_sha256(digest, &what)?;
        }
        let visit = self.visit(repository)?;
        let url = manifest(&visit, digest, &what)?;
        let named = match proof {
            Proof::Content if may_get(repository) => self.hash(&visit, url, &what).await?,
            _ => self.said(&visit, url, digest, &what).await?,
        };
        if named != digest { Err(invalid("what came has another digest")) } else { Ok(named) }
    }

    /// What a registry calls the manifest that was asked for by a digest.
    async fn said(
        &self,
        visit: &Visit<'_>,
        url: Url,
        digest: &str,
        what: &str,
    ) -> Result<String, Unanswered> {
        let heard = self.doors.ask(visit, Ask::head(url.clone()).accept(MANIFESTS)).await?;
        match heard.answer.header(&DIGEST) {
            _ if heard.answer.status == StatusCode::METHOD_NOT_ALLOWED
                && may_get(visit.repository)
                && digest.starts_with("sha256:") =>
            {
                self.hash(visit, url, what).await
            }
            _ if !heard.answer.status.is_success() => {
                Err(words::of(&heard.answer, what, visit.repository, &heard.found))
            }
            Some(named) => Ok(named.to_owned()),
            None => Ok(digest.to_owned()),
        }
    }

    /// The digest of a manifest, of its bytes; the registry must not call it by another.
    async fn hash(&self, visit: &Visit<'_>, url: Url, what: &str) -> Result<String, Unanswered> {
        let ask = Ask::get(url).accept(MANIFESTS).most(LARGEST);
        let mut heard = self.doors.ask(visit, ask).await?;
        if !heard.answer.status.is_success() {
            if heard.answer.body.is_empty() {
                heard.answer.body = heard.body.all().await.unwrap_or_default();
            }
            return Err(words::of(&heard.answer, what, visit.repository, &heard.found));
        }
        let said = heard.answer.header(&DIGEST).map(str::to_owned);
        let bytes = heard.body.all().await?;
        let is_manifest = serde_json::from_slice::<Manifest>(&bytes).is_ok();
        if !is_manifest {
            return Err(Unanswered::new(Silence::Invalid, format!("{what}: what came is no manifest")));
        }
        agreed(said.as_deref(), digest::bytes(&bytes).to_string(), what)
    }
}

/// Where a manifest is, by its tag or digest.
fn manifest(visit: &Visit<'_>, named: &str, what: &str) -> Result<Url, Unanswered> {
    let path = format!("v2/{}/manifests/{named}", visit.repository.name);
    let url = visit.base.join(&path);
    url.map_err(|_| Unanswered::new(Silence::Invalid, format!("{what}: `{path}` is no path")))
}

/// The digest of what came, if the registry says no other one.
fn agreed(said: Option<&str>, came: String, what: &str) -> Result<String, Unanswered> {
    let Some(said) = said else { return Ok(came) };
    // Only words of a digest's form are repeated.
    if !is_digest(said) {
        let words =
            format!("{what}: the registry calls it something that is no digest; what it sent has {came}");
        return Err(Unanswered::new(Silence::Invalid, words));
    }
    of_sha256(said, what)?;
    if said != came {
        let words =
            format!("{what}: the registry says {said}, and what it sent has {came}: neither can be trusted");
        return Err(Unanswered::new(Silence::Invalid, words));
    }
    Ok(came)
}

/// Refuses what can't be compared with content here.
fn of_sha256(digest: &str, what: &str) -> Result<(), Unanswered> {
    if digest.starts_with("sha256:") {
        return Ok(());
    }
    let algorithm = digest.split(':').next().unwrap_or_default();
    let words = format!("{what}: it is named by {algorithm}, and only digests of sha256 are written");
    Err(Unanswered::new(Silence::Invalid, words))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_digest_is_that_of_what_came_and_the_registry_says_no_other() {
        let of = |c: char| format!("sha256:{}", c.to_string().repeat(64));
        let refused = |said: &str| agreed(Some(said), of('a'), "it").unwrap_err().message;
        assert_eq!(agreed(Some(&of('a')), of('a'), "it"), Ok(of('a')));
        assert_eq!(agreed(None, of('a'), "it"), Ok(of('a')));
        let words = refused(&of('0'));
        assert!(words.contains(&format!("says {}, and what it sent has {}", of('0'), of('a'))), "{words}");
        assert!(refused(&format!("sha512:{}", "a".repeat(128))).contains("only digests of sha256"));
        assert!(!refused("\u{1b}[2J").contains('\u{1b}'));
    }
}
