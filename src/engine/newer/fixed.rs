//! What locks say of the images of product versions: which lock speaks for what a release has, and for what a
//! cluster was seen to run.

use std::collections::BTreeMap;

use crate::catalog::Catalog;
use crate::catalog::release::locked;
use crate::digest::Digest;
use crate::model::image::Image;
use crate::model::{ProductName, ReleaseId};

/// The digests that locks have, by release; each lock is read and verified once.
pub(super) struct Fixed<'a> {
    catalog: &'a Catalog,
    known: BTreeMap<ReleaseId, BTreeMap<Image, String>>,
}

impl<'a> Fixed<'a> {
    pub fn new(catalog: &'a Catalog) -> Self {
        Self { catalog, known: BTreeMap::new() }
    }

    /// The release, if its lock fixed the images of this content of a product.
    pub fn by(&mut self, release: &ReleaseId, product: &ProductName, digest: &Digest) -> Option<ReleaseId> {
        let lock = &self.catalog.releases.get(release)?.file.lock.as_ref()?.value;
        let has = lock.products.get(product).is_some_and(|locked| locked.digest == *digest);
        if !self.known.contains_key(release) {
            let lock = locked(self.catalog, release).map(|locked| locked.lock.image_digests());
            self.known.insert(release.clone(), lock.unwrap_or_default());
        }
        let is_fixed = has && self.known.get(release).is_some_and(|digests| !digests.is_empty());
        is_fixed.then(|| release.clone())
    }

    /// What its lock says.
    pub fn digests(&self, release: Option<&ReleaseId>) -> BTreeMap<Image, String> {
        release.and_then(|release| self.known.get(release)).cloned().unwrap_or_default()
    }
}
