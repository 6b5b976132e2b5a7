//! Charts in registries: the manifest that a tag names, and in it the one layer that is the packed chart
//! (helm.sh/docs/topics/registries). The layer is fetched by its digest, so it is the one that was meant, or
//! none.

use serde::Deserialize;

use super::{LARGEST, MANIFESTS, Registries, words};
use crate::adapter::charts::LARGEST_PACKED;
use crate::adapter::web::{Ask, plain};
use crate::digest::Digest;
use crate::model::image::Repository;
use crate::port::upstream::{Silence, Unanswered};

/// The kind of the layer that is a packed chart; the second is what Helm wrote before 3.7.
const KINDS: [&str; 2] = ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"];

/// A manifest, as far as it tells of a chart.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
    #[serde(default)]
    size: u64,
}

impl Registries {
    /// The packed chart that a tag of a repository names.
    ///
    /// # Errors
    /// Docker Hub is not asked, and what is no chart, too large, or has another digest is no answer.
    pub(super) async fn packed(&self, repository: &Repository, tag: &str) -> Result<Vec<u8>, Unanswered> {
        let what = format!("the chart {repository}:{tag}");
        // Charts name the host itself: `oci://registry-1.docker.io/...`.
        if repository.registry == "docker.io" || repository.registry.ends_with(".docker.io") {
            let words = format!("{what}: Docker Hub counts that as a pull, and pulls are not spent on it");
            return Err(Unanswered::new(Silence::Forbidden, words));
        }
        let manifest = self.part(repository, &format!("manifests/{tag}"), None, &what).await?;
        let (digest, size) =
            layer(&manifest).map_err(|why| Unanswered::new(Silence::Invalid, format!("{what}: {why}")))?;
        if size > LARGEST_PACKED {
            let words = format!("{what}: it has {size} bytes, more than {LARGEST_PACKED}");
            return Err(Unanswered::new(Silence::TooMuch, words));
        }
        self.part(repository, &format!("blobs/{digest}"), Some(digest), &what).await
    }

    /// A manifest, or with a digest the blob that it names.
    async fn part(
        &self,
        repository: &Repository,
        path: &str,
        digest: Option<Digest>,
        what: &str,
    ) -> Result<Vec<u8>, Unanswered> {
        let visit = self.visit(repository)?;
        let url = visit.base.join(&format!("v2/{}/{path}", repository.name));
        let url = url.map_err(|_| Unanswered::new(Silence::Invalid, format!("{what}: that is no path")))?;
        let ask = match digest {
            Some(digest) => Ask::get(url).most(LARGEST_PACKED).sealed(digest),
            None => Ask::get(url).accept(MANIFESTS).most(LARGEST).kept(),
        };
        let mut heard = self.doors.ask(&visit, ask).await?;
        if !heard.answer.status.is_success() {
            if heard.answer.body.is_empty() {
                heard.answer.body = heard.body.all().await.unwrap_or_default();
            }
            return Err(words::of(&heard.answer, what, repository, &heard.found));
        }
        heard.body.all().await
    }
}

/// The layer of a manifest that is a packed chart: its digest, and how large it says to be.
fn layer(bytes: &[u8]) -> Result<(Digest, u64), String> {
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|_| "what came is no manifest".to_owned())?;
    let is_chart = |layer: &&Layer| KINDS.contains(&layer.media_type.as_str());
    let Some(layer) = manifest.layers.iter().find(is_chart) else {
        let found = manifest.layers.first().map(|layer| plain(&layer.media_type)).unwrap_or_default();
        let found = if found.is_empty() { "nothing".to_owned() } else { format!("`{found}`") };
        return Err(format!("it is no chart: {found} is in it"));
    };
    let digest = layer.digest.parse();
    let digest = digest.map_err(|error| format!("its layer `{}`: {error}", plain(&layer.digest)))?;
    Ok((digest, layer.size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(kind: &str, digest: &str) -> Vec<u8> {
        let layer = serde_json::json!({ "mediaType": kind, "digest": digest, "size": 7 });
        let proof = serde_json::json!({ "mediaType": "application/vnd.cncf.helm.chart.provenance.v1.prov", "digest": "x" });
        serde_json::json!({ "schemaVersion": 2, "layers": [proof, layer] }).to_string().into_bytes()
    }

    #[test]
    fn a_chart_is_the_layer_of_its_kind() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for kind in KINDS {
            assert_eq!(layer(&manifest(kind, &digest)), Ok((digest.parse().expect("a digest"), 7)));
        }
        let image = "application/vnd.oci.image.layer.v1.tar+gzip";
        assert!(layer(&manifest(image, &digest)).is_err_and(|why| why.starts_with("it is no chart")));
        assert!(layer(&manifest(KINDS[0], "sha256:../../x")).is_err_and(|why| why.contains("a digest is")));
        assert_eq!(layer(b"{}"), Err("it is no chart: nothing is in it".to_owned()));
        assert_eq!(layer(b"<html>"), Err("what came is no manifest".to_owned()));
    }
}
