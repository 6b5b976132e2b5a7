//! Releases that are cut with the digests of their images.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::fake::Memory;
use super::*;
use crate::catalog::testing::lines;
use crate::model::ReleaseId;
use crate::model::image::{Image, Repository as ImageRepository};
use crate::port::upstream::{Registry, Silence, Tags, Unanswered, Wanted};

/// A registry that knows some images, and counts who asks it.
#[derive(Default)]
struct Known {
    digests: BTreeMap<String, Result<String, Silence>>,
    asked: Mutex<Vec<String>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Known {
    fn of(images: &[(&str, char)]) -> Self {
        let of = |(image, c): &(&str, char)| ((*image).to_owned(), Ok(digest_of(*c)));
        Self { digests: images.iter().map(of).collect(), ..Self::default() }
    }

    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }
}

#[async_trait]
impl Registry for Known {
    async fn tags(&self, _: &ImageRepository, _: Wanted) -> Result<Arc<Tags>, Unanswered> {
        unreachable!("nobody has to list tags")
    }
    async fn platforms(&self, _: &Image) -> Result<Vec<String>, Unanswered> {
        unreachable!("nobody has to look into an index")
    }
    async fn chart(&self, _: &Image) -> Result<Vec<u8>, Unanswered> {
        unreachable!("an image is no chart")
    }
    async fn digest(&self, image: &Image) -> Result<String, Unanswered> {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        self.asked.lock().unwrap().push(image.to_string());
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        match self.digests.get(&image.to_string()) {
            Some(Ok(digest)) => Ok(digest.clone()),
            Some(Err(why)) => Err(Unanswered::new(*why, format!("{image}: {}", why.words()))),
            None => Err(Unanswered::new(Silence::Missing, format!("{image} is not there"))),
        }
    }
}

fn digest_of(c: char) -> String {
    format!("sha256:{}", c.to_string().repeat(64))
}

fn id(text: &str) -> ReleaseId {
    text.parse().unwrap()
}

fn pod(images: &[&str]) -> String {
    let containers: String = images
        .iter()
        .enumerate()
        .map(|(n, image)| format!("    - {{ name: c{n}, image: \"{image}\" }}\n"))
        .collect();
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{ name: a }}\nspec:\n  containers:\n{containers}")
}

/// Two products with these images, tagged and committed, and a release that has both.
async fn platform(base: &[&str], app: &[&str]) -> Memory {
    let product = |name: &str| {
        format!(
            "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: {name} }}\nspec:\n  version: 1.0.0\n  owner: team\n  deploy:\n    - manifests: {{ path: manifests }}\n"
        )
    };
    let memory = Memory::with(&[
        ("products/base/product.yaml", product("base").as_str()),
        ("products/base/manifests/pod.yaml", &pod(base)),
        ("products/app/product.yaml", &product("app")),
        ("products/app/manifests/pod.yaml", &pod(app)),
        (
            "releases/R1.yaml",
            "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: { name: R1 }\nspec:\n  kubernetes: \"1.36\"\n  products: { base: 1.0.0, app: 1.0.0 }\n",
        ),
    ]);
    for name in ["base", "app"] {
        product_tag(&memory.repository(), &name.parse().unwrap()).await.unwrap();
    }
    memory
}

#[tokio::test]
async fn each_image_is_asked_for_once_and_stands_in_the_lock_with_its_digest() {
    let fixed = format!("quay.io/org/c:1@{}", digest_of('c'));
    let memory = platform(&["redis:8", "quay.io/org/b:1"], &["docker.io/library/redis:8", &fixed]).await;
    let by_digest = format!("quay.io/org/c@{}", digest_of('c'));
    let registry =
        Known::of(&[("docker.io/library/redis:8", 'a'), ("quay.io/org/b:1", 'b'), (&by_digest, 'c')]);
    let cut = release_cut(&memory.repository(), &id("R1"), Some(&registry)).await.unwrap();
    assert_eq!(registry.asked(), ["docker.io/library/redis:8", "quay.io/org/b:1", &by_digest]);
    let images = [
        format!("docker.io/library/redis:8@{}", digest_of('a')),
        format!("quay.io/org/b:1@{}", digest_of('b')),
        by_digest.clone(),
    ];
    assert_eq!((cut.lock.format, cut.lock.images.as_slice()), (2, images.as_slice()));
    let text = memory.text("releases/R1.yaml").unwrap();
    let lines: String = images.iter().map(|image| format!("    - \"{image}\"\n")).collect();
    assert!(text.contains("\n  format: 2\n") && text.ends_with(&format!("  images:\n{lines}")), "{text}");
    memory.commit();
    let shown = release_show(&memory.repository(), &id("R1")).await.unwrap();
    assert!(shown.row.findings.is_empty() && shown.row.digest.is_some(), "{}", shown.row.findings);
    // A tag that has moved since makes no other release of it, and nobody is asked again.
    let moved = Known::of(&[("docker.io/library/redis:8", 'f')]);
    for registry in [None, Some(&moved as &dyn Registry)] {
        assert!(release_cut(&memory.repository(), &id("R1"), registry).await.unwrap().unchanged);
    }
    assert!(moved.asked().is_empty());
    assert_eq!(memory.text("releases/R1.yaml").unwrap(), text);
}

#[tokio::test]
async fn one_image_that_is_not_resolved_stops_all_and_each_is_told_with_its_places() {
    let gone = format!("quay.io/org/c@{}", digest_of('c'));
    let memory = platform(
        &["redis:8", "quay.io/org/b:1"],
        &["redis:8", "r.example.com/d:1", &gone, "quay.io/org/e:1"],
    )
    .await;
    let before = memory.text("releases/R1.yaml").unwrap();
    let mut registry = Known::of(&[("quay.io/org/b:1", 'b'), (&gone, 'd')]);
    registry.digests.insert("r.example.com/d:1".to_owned(), Err(Silence::Forbidden));
    registry.digests.insert("quay.io/org/e:1".to_owned(), Ok("sha256:no".to_owned()));
    let refused = match release_cut(&memory.repository(), &id("R1"), Some(&registry)).await {
        Err(RepoError::Findings(findings)) => findings,
        other => panic!("{:?}", other.map(|cut| cut.lock)),
    };
    assert_eq!(
        lines(&refused),
        [
            "TG1007 products/app/manifests/pod.yaml:6:26",
            "TG1008 products/app/manifests/pod.yaml:7:26",
            "TG1010 products/app/manifests/pod.yaml:8:26",
            "TG1010 products/app/manifests/pod.yaml:9:26",
        ]
    );
    let first = refused.iter().next().unwrap();
    assert_eq!(first.related.len(), 1, "the other place of the same image");
    assert_eq!(
        first.next.as_deref(),
        Some("tidegate product bump app --image docker.io/library/redis --to TAG")
    );
    let second = refused.iter().nth(1).unwrap();
    assert_eq!(second.next.as_deref(), Some("docker login r.example.com"));
    assert_eq!(memory.text("releases/R1.yaml").unwrap(), before);
}

#[tokio::test]
async fn a_registry_is_not_asked_about_everything_at_once() {
    let images: Vec<String> = (0..300).map(|n| format!("quay.io/org/i{n:03}:1")).collect();
    let names: Vec<&str> = images.iter().map(String::as_str).collect();
    let memory = platform(&names, &names).await;
    let known: Vec<(&str, char)> = names.iter().map(|name| (*name, 'a')).collect();
    let registry = Known::of(&known);
    let cut = release_cut(&memory.repository(), &id("R1"), Some(&registry)).await.unwrap();
    assert_eq!((cut.lock.images.len(), registry.asked().len()), (300, 300));
    assert!(registry.most.load(Ordering::SeqCst) <= 32);
    assert!(cut.lock.images.is_sorted());
}

#[tokio::test]
async fn nobody_is_asked_about_a_release_that_may_not_be_cut() {
    let memory = platform(&["redis:8"], &["redis:8"]).await;
    memory.edit(
        "releases/R1.yaml",
        &memory.text("releases/R1.yaml").unwrap().replace("app: 1.0.0", "app: 1.0.1"),
    );
    memory.commit();
    let registry = Known::default();
    assert!(release_cut(&memory.repository(), &id("R1"), Some(&registry)).await.is_err());
    assert!(registry.asked().is_empty());
}

#[tokio::test]
async fn a_release_without_images_is_cut_as_ever() {
    let memory = platform(&[], &[]).await;
    let cut = release_cut(&memory.repository(), &id("R1"), Some(&Known::default())).await.unwrap();
    assert_eq!((cut.lock.format, cut.lock.images.len()), (1, 0));
}
