//! What the tags of a release's images name: each image is asked for once, a few at a time, and all of them
//! have to be there. How politely, and where copies come from, is for the registry's adapter.

use std::collections::BTreeMap;

use futures::StreamExt;

use crate::catalog::release::DeclaredImages;
use crate::diag::{Finding, Findings, Place, codes};
use crate::model::ProductName;
use crate::model::image::{Image, is_digest};
use crate::port::upstream::{Registry, Silence, Unanswered};

/// How many questions are open at once; how many of them a host sees is for the adapter.
const AT_ONCE: usize = 32;

/// The digests of images, in order. Of one that a file fixed by its digest it is looked whether it is there.
///
/// # Errors
/// A finding for every image that has none, with the places that name it.
pub(super) async fn resolve(
    images: &DeclaredImages,
    registry: &dyn Registry,
) -> Result<BTreeMap<Image, String>, Findings> {
    let answers: Vec<_> = futures::stream::iter(images)
        .map(|(image, at)| async move { (image, at, digest(image, registry).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut digests = BTreeMap::new();
    let mut findings = Findings::new();
    for (image, at, answer) in answers {
        match answer {
            Ok(digest) => _ = digests.insert(image.clone(), digest),
            Err(silence) => findings.push(unresolved(image, at, silence)),
        }
    }
    findings.sorted().into_result(digests)
}

/// The digest of one image. A tag beside a digest is not asked for: nobody pulls by it.
async fn digest(image: &Image, registry: &dyn Registry) -> Result<String, Unanswered> {
    let asked = match &image.digest {
        Some(_) => Image { tag: None, ..image.clone() },
        None => image.clone(),
    };
    let named = registry.pulled(&asked).await?;
    let is_other = image.digest.as_ref().is_some_and(|digest| *digest != named);
    if is_other || !is_digest(&named) {
        let words = format!("the digest of {image}: what came is none of it");
        return Err(Unanswered::new(Silence::Invalid, words));
    }
    Ok(named)
}

/// Why an image has no digest, where it is named, and what may be done.
fn unresolved(image: &Image, at: &[(ProductName, Place)], silence: Unanswered) -> Finding {
    let why = silence.why;
    let mut finding = silence.finding();
    let Some(((product, place), others)) = at.split_first() else { return finding };
    finding = finding.at(place).label("this has no digest");
    for (_, other) in others {
        finding = finding.related(other, "and this");
    }
    let is_gone = finding.code == &codes::SOURCE_MISSING;
    match why {
        _ if is_gone => finding
            .hint("a product version never changes: what names another tag is a new one")
            .next(format!("tidegate product bump {product} --image {} --to TAG", image.repository)),
        Silence::Forbidden => finding.next(format!("docker login {}", image.repository.registry)),
        Silence::Limited | Silence::Unreachable => {
            finding.hint("nothing was written: cut it again when the registry answers")
        }
        _ => finding.hint("nothing was written"),
    }
}
