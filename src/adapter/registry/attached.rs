//! What is attached to an image: found by the referrers of its digest, by the tag that stands for them where a
//! registry has none, and by the tag of cosign (OCI distribution-spec, "Listing Referrers" and "Referrers Tag
//! Schema"; cosign's `sha256-DIGEST.att`). It fetches documents and holds each against its digest; what they
//! say, and whether a signature is good, is for others.

use http::StatusCode;

use super::{LARGEST, MANIFESTS, Registries, door::Visit, words};
use crate::adapter::web::Ask;
use crate::digest::{self, Digest};
use crate::model::image::Repository;
use crate::port::upstream::{Silence, Unanswered};

/// The most manifests that are looked into for one image.
const MOST_MANIFESTS: usize = 32;

/// The most documents of one image.
const MOST_DOCUMENTS: usize = 32;

/// The most bytes of one document.
const MOST: u64 = 32 * 1024 * 1024;

/// Parts of the kinds of documents that are worth fetching.
const KINDS: &[&str] = &["in-toto", "dsse", "sigstore.bundle", "cyclonedx", "spdx"];

/// A manifest or an index, as far as it leads to documents.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listing {
    #[serde(rename = "schemaVersion")]
    _version: u64,
    #[serde(default)]
    manifests: Vec<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    size: u64,
}

impl Descriptor {
    fn is_document(&self) -> bool {
        KINDS.iter().any(|kind| self.media_type.contains(kind)) && self.size <= MOST
    }
}

impl Registries {
    /// The documents that are attached to a digest; none if there are none.
    ///
    /// # Errors
    /// When the registry gives no answer, or they have more bytes than `most` in all. Docker Hub is not asked:
    /// there every one of these is a pull.
    pub async fn attached(
        &self,
        repository: &Repository,
        digest: &Digest,
        most: u64,
    ) -> Result<Vec<Vec<u8>>, Unanswered> {
        let repository = self.settings.upstream(repository);
        if repository.registry == "docker.io" {
            let words = "Docker Hub is not asked what is attached to images: each question is a pull";
            return Err(Unanswered::new(Silence::Missing, words));
        }
        let visit = self.visit(&repository)?;
        let tag = format!("sha256-{}", digest.hex());
        let mut layers: Vec<Descriptor> = Vec::new();
        if let Some(listing) = self.referrers(&visit, digest, &tag).await? {
            for one in listing.manifests.into_iter().take(MOST_MANIFESTS) {
                if let Some(listing) = self.listing(&visit, &manifest(&one.digest)?).await? {
                    layers.extend(listing.layers);
                }
            }
        }
        if let Some(listing) = self.listing(&visit, &format!("manifests/{tag}.att")).await? {
            layers.extend(listing.layers);
        }
        layers.retain(Descriptor::is_document);
        layers.sort_by(|one, other| one.digest.cmp(&other.digest));
        layers.dedup_by(|one, other| one.digest == other.digest);
        let (mut documents, mut left) = (Vec::new(), most);
        for layer in layers.iter().take(MOST_DOCUMENTS) {
            let too_much = || {
                let words = format!("documents of too many bytes are attached to an image of {}", repository);
                Unanswered::new(Silence::Invalid, words)
            };
            left = left.checked_sub(layer.size).ok_or_else(too_much)?;
            let document = self.document(&visit, layer).await?;
            // A manifest may say less than there is.
            let unsaid = (document.len() as u64).saturating_sub(layer.size);
            left = left.checked_sub(unsaid).ok_or_else(too_much)?;
            documents.push(document);
        }
        Ok(documents)
    }

    /// The referrers, or what the tag that stands for them names.
    async fn referrers(
        &self,
        visit: &Visit<'_>,
        digest: &Digest,
        tag: &str,
    ) -> Result<Option<Listing>, Unanswered> {
        match self.listing(visit, &format!("referrers/{digest}")).await? {
            Some(listing) => Ok(Some(listing)),
            None => self.listing(visit, &format!("manifests/{tag}")).await,
        }
    }

    /// A manifest or index; nothing if there is none, or the registry doesn't know such a question.
    async fn listing(&self, visit: &Visit<'_>, path: &str) -> Result<Option<Listing>, Unanswered> {
        let what = format!("what is attached to an image of {}", visit.repository);
        let ask = Ask::get(url(visit, path)?).accept(MANIFESTS).most(LARGEST);
        let mut heard = self.doors.ask(visit, ask).await?;
        if matches!(
            heard.answer.status,
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED
        ) {
            return Ok(None);
        }
        if !heard.answer.status.is_success() {
            if heard.answer.body.is_empty() {
                heard.answer.body = heard.body.all().await.unwrap_or_default();
            }
            return Err(words::of(&heard.answer, &what, visit.repository, &heard.found));
        }
        let bytes = heard.body.all().await?;
        let read = serde_json::from_slice(&bytes).map_err(|_| {
            Unanswered::new(Silence::Invalid, format!("{what}: what came is neither a manifest nor an index"))
        })?;
        Ok(Some(read))
    }

    /// A document, held against its digest.
    async fn document(&self, visit: &Visit<'_>, layer: &Descriptor) -> Result<Vec<u8>, Unanswered> {
        let what = format!("a document that is attached to an image of {}", visit.repository);
        let invalid = |why: &str| Unanswered::new(Silence::Invalid, format!("{what}: {why}"));
        let wanted: Digest =
            layer.digest.parse().map_err(|_| invalid("it is named by no digest of SHA-256"))?;
        let ask = Ask::get(url(visit, &format!("blobs/{wanted}"))?).most(MOST);
        let mut heard = self.doors.ask(visit, ask).await?;
        if !heard.answer.status.is_success() {
            if heard.answer.body.is_empty() {
                heard.answer.body = heard.body.all().await.unwrap_or_default();
            }
            return Err(words::of(&heard.answer, &what, visit.repository, &heard.found));
        }
        let bytes = heard.body.all().await?;
        if digest::bytes(&bytes) != wanted {
            return Err(invalid("what came has another digest than it should"));
        }
        Ok(bytes)
    }
}

/// The path of a manifest that an index names; what is no digest leads nowhere.
fn manifest(digest: &str) -> Result<String, Unanswered> {
    match digest.parse::<Digest>() {
        Ok(digest) => Ok(format!("manifests/{digest}")),
        Err(_) => {
            let words = "what is attached to an image is named by no digest of SHA-256";
            Err(Unanswered::new(Silence::Invalid, words))
        }
    }
}

fn url(visit: &Visit<'_>, path: &str) -> Result<reqwest::Url, Unanswered> {
    let whole = format!("v2/{}/{path}", visit.repository.name);
    visit.base.join(&whole).map_err(|_| Unanswered::new(Silence::Invalid, format!("`{whole}` is no path")))
}
