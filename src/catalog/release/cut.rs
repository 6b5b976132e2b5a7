//! Cutting a release: from what it says and what the tags name to the lock that fixes it. It
//! decides whether a release may be cut at all; reading tags and writing the file is `engine`'s.

use std::collections::BTreeMap;

use crate::diag::{Finding, Findings, Place, codes};
use crate::digest::Digest;
use crate::model::image::Image;
use crate::model::{Lock, LockedProduct, ProductName, Release, ReleaseFile, ReleaseId};
use crate::version::Version;

use super::super::product::Content;
use super::super::set::Set;
use super::super::{Catalog, Loaded};
use super::digest::digest;
use super::images::{self, DeclaredImages};
use super::rules::rules;
use super::verify::locked;

/// A product version as its tag names it.
#[derive(Debug, Clone)]
pub struct Tagged {
    /// The commit that the tag names.
    pub commit: String,
    /// The content at that commit.
    pub content: Content,
}

/// The outcome of cutting.
#[derive(Debug, Clone)]
pub struct Cut {
    /// The lock to write.
    pub lock: Lock,
    /// Whether the file has that lock already.
    pub unchanged: bool,
    /// The images that its products declare.
    pub images: DeclaredImages,
    /// What is wrong with references to images, if digests are wanted of them.
    pub unreadable: Findings,
    /// Warnings.
    pub findings: Findings,
}

/// The lock of a release, from the contents that its product versions' tags name.
///
/// # Errors
/// Everything that forbids it: the rules against the parent, a product whose tag is not among
/// `tagged`, a version that is locked elsewhere with another content, a cycle, an unsatisfied
/// requirement, a product that does not fit the Kubernetes version, a literal secret in a content,
/// a parent that was not cut, and an earlier cut with another outcome.
pub fn cut(
    catalog: &Catalog,
    id: &ReleaseId,
    tagged: &BTreeMap<ProductName, Tagged>,
) -> Result<Cut, Findings> {
    let Some(loaded) = catalog.releases.get(id) else {
        return Err(locked(catalog, id).err().unwrap_or_default());
    };
    let mut findings = rules(catalog, id);
    let parent = match &loaded.spec.parent {
        Some(parent) if catalog.releases.contains_key(&parent.value) => {
            parent_digest(catalog, &parent.value, &parent.place, &mut findings)
        }
        // An unknown parent was found by the rules.
        _ => None,
    };
    let mut products = BTreeMap::new();
    let mut all_images = Vec::new();
    let mut contents = BTreeMap::new();
    let mut versions = BTreeMap::new();
    for (name, version) in &loaded.spec.products {
        versions.insert(&name.value, (&version.value, &version.place));
        let Some(tagged) = tagged.get(&name.value) else {
            findings.push(
                missing_tag(&name.value, &version.value, written(catalog, &name.value)).at(&version.place),
            );
            continue;
        };
        let part_folder = format!("products/{}", name.value);
        let part = tagged.content.part(&part_folder);
        findings.extend(secrets_of(&part));
        findings.extend(
            reused(catalog, &name.value, &version.value, &tagged.content.digest)
                .map(|f| f.at(&version.place)),
        );
        all_images.extend(super::super::images::of(&part).into_iter().map(|image| image.reference));
        contents.insert(&name.value, &tagged.content.file.spec);
        products.insert(
            name.value.clone(),
            LockedProduct {
                version: version.value.clone(),
                commit: tagged.commit.clone(),
                digest: tagged.content.digest,
            },
        );
    }
    let kubernetes = Some((&loaded.spec.kubernetes.value, &loaded.spec.kubernetes.place));
    findings.extend(Set { whole: format!("release {id}"), versions, contents, kubernetes }.check());
    all_images.sort();
    all_images.dedup();
    let (images, unreadable) = images::declared(tagged);
    let digest = digest(id, &loaded.spec, parent.as_ref(), &products, &[]);
    let mut lock = Lock { format: Lock::FORMAT, digest, parent, cut_by: None, products, images: all_images };
    // What tags named then is not asked again.
    if let Some(before) = loaded.file.lock.as_ref().filter(|before| images::is_of(before, &images)) {
        fix(id, &loaded.spec, &mut lock, before.images.clone());
    }
    let unchanged = same_as_before(id, loaded, &lock, &mut findings);
    if findings.has_errors() {
        return Err(findings.sorted());
    }
    // What is locked stays as it was written: a tag made anew on another commit with the same
    // content changes nothing.
    let lock = match &loaded.file.lock {
        Some(before) if unchanged => before.value.clone(),
        _ => lock,
    };
    Ok(Cut { lock, unchanged, images, unreadable, findings })
}

/// Puts images with their digests into a lock.
fn fix(id: &ReleaseId, spec: &Release, lock: &mut Lock, images: Vec<String>) {
    lock.digest = digest(id, spec, lock.parent.as_ref(), &lock.products, &images);
    lock.format = Lock::WITH_DIGESTS;
    lock.images = images;
}

impl Cut {
    /// The images whose digests have to be asked for, and the digests that a hotfix takes over from its
    /// parent. Nothing is to be asked for a release that was cut with digests before.
    ///
    /// # Errors
    /// When the release was cut before without digests, or a reference is no image.
    pub fn unresolved(
        &self,
        catalog: &Catalog,
        id: &ReleaseId,
    ) -> Result<(DeclaredImages, BTreeMap<Image, String>), Findings> {
        let mut findings: Findings = self.unreadable.errors().cloned().collect();
        if self.unchanged && self.lock.format == Lock::WITH_DIGESTS {
            return findings.into_result((DeclaredImages::new(), BTreeMap::new()));
        }
        if self.unchanged && self.names_tags() {
            let message = format!("the release `{id}` was cut before, without digests of images");
            findings.push(already_cut(catalog, id, message));
        }
        let inherited = images::inherited(catalog, id);
        let asked = self.images.iter().filter(|(image, _)| !inherited.contains_key(image));
        let asked = asked.map(|(image, at)| (image.clone(), at.clone())).collect();
        findings.into_result((asked, inherited))
    }

    /// Whether an image is declared by its tag alone.
    fn names_tags(&self) -> bool {
        self.images.keys().any(|image| image.digest.is_none())
    }

    /// The same with the digests of images in the lock. Where no tag is named, it stays of format 1.
    #[must_use]
    pub fn with_digests(
        mut self,
        catalog: &Catalog,
        id: &ReleaseId,
        digests: &BTreeMap<Image, String>,
    ) -> Self {
        if let Some(loaded) = catalog.releases.get(id).filter(|_| !self.unchanged) {
            if self.names_tags() {
                fix(id, &loaded.spec, &mut self.lock, images::written(&self.images, digests));
            }
            self.findings.extend(self.unreadable.warnings().cloned());
        }
        self
    }

    /// The same with what a hotfix takes over from its parent, where no registry is asked: an urgent change
    /// moves nothing that it is not about, however it is cut.
    ///
    /// # Errors
    /// When it has an image that its parent did not fix: half a lock would put tags back into the clusters.
    pub fn keeping(self, catalog: &Catalog, id: &ReleaseId) -> Result<Self, Findings> {
        if self.unchanged || !self.names_tags() || images::inherited(catalog, id).is_empty() {
            return Ok(self);
        }
        let (new, inherited) = self.unresolved(catalog, id)?;
        let new = new.iter().filter(|(image, _)| image.digest.is_none());
        let unfixed: Findings = new.map(|(image, at)| images::unfixed(id, image, at)).collect();
        unfixed.into_result(())?;
        Ok(self.with_digests(catalog, id, &inherited))
    }

    /// A warning where the parent's lock has digests of images and this one has none.
    pub fn lost_digests(&self, catalog: &Catalog, id: &ReleaseId) -> Option<Finding> {
        let loaded = catalog.releases.get(id)?;
        let parent = loaded.spec.parent.as_ref()?;
        let before = catalog.releases.get(&parent.value)?.file.lock.as_ref()?;
        let lost = before.format == Lock::WITH_DIGESTS
            && self.lock.format != Lock::WITH_DIGESTS
            && self.names_tags();
        lost.then(|| {
            let message = format!("`{}` has the digests of its images, and `{id}` has none", parent.value);
            Finding::warning(&codes::IMAGES_NOT_FIXED, message)
                .at(&parent.place)
                .label("with this release, clusters get what tags name again")
                .hint("remove its `lock` and cut it again, before anybody uses it")
                .next(format!("tidegate release cut {id} --resolve-images"))
        })
    }
}

fn secrets_of(part: &super::super::part::Part<'_>) -> Findings {
    super::super::secrets::of_product(part)
}

fn parent_digest(
    catalog: &Catalog,
    parent: &ReleaseId,
    place: &crate::diag::Place,
    findings: &mut Findings,
) -> Option<Digest> {
    let has_lock = catalog.releases.get(parent).is_some_and(|loaded| loaded.file.lock.is_some());
    if !has_lock {
        findings.push(
            Finding::error(&codes::PARENT_NOT_CUT, format!("the parent `{parent}` was not cut"))
                .at(place)
                .next(format!("tidegate release cut {parent}")),
        );
        return None;
    }
    match locked(catalog, parent) {
        Ok(locked) => Some(*locked.digest()),
        Err(wrong) => {
            findings.extend(wrong);
            None
        }
    }
}

/// The finding about a product version that has no tag. `written` is the version that the product's
/// file has: only that one can be tagged.
pub(crate) fn missing_tag(name: &ProductName, version: &Version, written: Option<&Version>) -> Finding {
    let finding = Finding::error(&codes::MISSING_TAG, format!("there is no tag `{name}/v{version}`"))
        .label(format!("no commit is known to hold `{name}` {version}"));
    match written {
        Some(other) if other != version => finding
            .hint(format!("products/{name}/product.yaml has {other}, and only that can be tagged now"))
            .next(format!("tidegate product show {name}")),
        _ => finding.next(format!("tidegate product tag {name}")),
    }
}

/// The version that a product's file has.
pub(crate) fn written<'a>(catalog: &'a Catalog, name: &ProductName) -> Option<&'a Version> {
    catalog.products.get(name).map(|product| &product.file.spec.version.value)
}

/// Findings for every lock and pin that has the same version with another content.
pub(crate) fn reused(
    catalog: &Catalog,
    name: &ProductName,
    version: &Version,
    digest: &Digest,
) -> Option<Finding> {
    let in_locks = catalog.releases.iter().find_map(|(id, loaded)| {
        let locked = loaded.file.lock.as_ref()?.value.products.get(name)?;
        let differs = locked.version == *version && locked.digest != *digest;
        let place = loaded.node.at(&["lock", "products", name.as_str(), "digest"]).map(|node| &node.place);
        differs.then(|| (format!("release `{id}` locked"), place, locked.digest))
    });
    let in_pins = || {
        catalog.pins.iter().find_map(|(id, loaded)| {
            let pin = &loaded.spec;
            let differs =
                pin.product.value == *name && pin.version.value == *version && pin.digest.value != *digest;
            differs.then(|| (format!("pin `{id}` has"), Some(&pin.digest.place), pin.digest.value))
        })
    };
    let (who, place, other) = in_locks.or_else(in_pins)?;
    let finding = Finding::error(
        &codes::VERSION_REUSED,
        format!("`{name}` {version} is {}, and {who} it as {}", digest.short(), other.short()),
    )
    .hint(format!("raise `spec.version` in products/{name}/product.yaml"));
    Some(match place {
        Some(place) => finding.related(place, "the other content"),
        None => finding,
    })
}

/// Whether the release was cut before with this outcome; another one is a finding.
fn same_as_before(
    id: &ReleaseId,
    loaded: &Loaded<ReleaseFile>,
    lock: &Lock,
    findings: &mut Findings,
) -> bool {
    let Some(before) = &loaded.file.lock else { return false };
    if before.value.digest == lock.digest && before.value.format == lock.format {
        return true;
    }
    let message = format!("the release `{id}` was cut before, with another content");
    findings.push(
        written_before(loaded, &before.place, message)
            .label(format!("now it would be {}", lock.digest.short())),
    );
    false
}

fn already_cut(catalog: &Catalog, id: &ReleaseId, message: String) -> Finding {
    match catalog.releases.get(id) {
        Some(loaded) => written_before(loaded, &loaded.metadata.name.place, message),
        None => Finding::error(&codes::ALREADY_CUT, message),
    }
}

fn written_before(loaded: &Loaded<ReleaseFile>, place: &Place, message: String) -> Finding {
    Finding::error(&codes::ALREADY_CUT, message)
        .at(loaded.node.at(&["lock", "digest"]).map_or(place, |node| &node.place))
        .hint("write a new release; or remove the `lock` if nobody has used this one")
}
