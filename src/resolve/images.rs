//! What a lock says of images is the last layer of values: what each tag named when the release was cut. So
//! it is in the inputs digest, in plans and in records, and goes where values go: to clusters that come late,
//! back in a rollback. This decides which lock speaks for a product version; putting the digests into objects
//! is `render`'s.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{EffectiveValues, Ground, Layer, ProductVersion, Reason};
use crate::catalog::release::{Family, digest as release_digest};
use crate::diag::Place;
use crate::digest::{self, Digest};
use crate::model::image::Image;
use crate::model::{IMAGES, Lock, ProductName, ReleaseFile, ReleaseId};
use crate::yaml::{Key, Mapping, Node, Value};

/// The contents that locks with digests of images have: of these it has to be known which images they declare.
pub fn fixed_contents<'a>(releases: impl IntoIterator<Item = &'a ReleaseFile>) -> BTreeSet<Digest> {
    let locks = releases.into_iter().filter_map(|release| release.lock.as_ref());
    let fixed = locks.filter(|lock| !lock.value.fixed_images().is_empty());
    fixed.flat_map(|lock| lock.value.products.values().map(|locked| locked.digest)).collect()
}

/// The locks that may speak for product versions.
#[derive(Debug)]
pub(super) struct Fixed<'a> {
    locks: BTreeMap<&'a ReleaseId, Fixing<'a>>,
    /// The release and those that it follows, nearest first.
    line: Vec<&'a ReleaseId>,
    known: HashMap<(Digest, Digest, &'a ReleaseId), Arc<EffectiveValues>>,
}

/// A lock that belongs to its release, with what it says of images.
#[derive(Debug)]
struct Fixing<'a> {
    lock: &'a Lock,
    digests: BTreeMap<Image, String>,
}

impl<'a> Fixed<'a> {
    pub fn new(ground: &Ground<'a>) -> Self {
        let own = std::iter::once(ground.release.file);
        let files = ground.releases.iter().copied().chain(own);
        let locks = files.filter_map(|file| {
            let (id, lock) = (&file.metadata.name.value, &file.lock.as_ref()?.value);
            let images = lock.fixed_images();
            let holds = || {
                release_digest(id, &file.spec, lock.parent.as_ref(), &lock.products, images) == lock.digest
            };
            // The lock that is rolled out was verified; of others that say nothing of images, nothing is taken.
            let counts = id == ground.release.id || images.is_empty() || holds();
            counts.then(|| (id, Fixing { lock, digests: lock.image_digests() }))
        });
        let line = Family::of_files(ground.releases).ancestors(ground.release.id);
        let line = std::iter::once(ground.release.id).chain(line).collect();
        Self { locks: locks.collect(), line, known: HashMap::new() }
    }

    /// The values with the layer of the lock that speaks for this content. That is the release's own lock, else
    /// the nearest one before it with this content. What stays because it is ahead stays as the release fixed
    /// it that brought it.
    pub fn over(
        &mut self,
        values: Arc<EffectiveValues>,
        name: &ProductName,
        content: &ProductVersion,
        reason: &Reason,
        brought_by: Option<&ReleaseId>,
    ) -> Arc<EffectiveValues> {
        if content.images.is_empty() {
            return values;
        }
        let has = |id: &&ReleaseId| {
            let locked = self.locks.get(*id).and_then(|fixing| fixing.lock.products.get(name));
            locked.is_some_and(|locked| locked.digest == content.digest)
        };
        let brought = brought_by.and_then(|id| self.locks.get_key_value(id)).map(|(id, _)| *id);
        let is_ahead = matches!(reason, Reason::Ahead { .. });
        let first = brought.filter(|_| is_ahead).into_iter();
        let speaks = first.chain(self.line.iter().copied()).chain(brought).find(has);
        let Some((id, fixing)) = speaks.and_then(|id| Some((id, self.locks.get(id)?))) else { return values };
        let digests: Vec<(&Image, &String)> =
            content.images.iter().filter_map(|image| fixing.digests.get_key_value(image)).collect();
        if digests.is_empty() {
            return values;
        }
        let key = (values.digest, content.digest, id);
        Arc::clone(self.known.entry(key).or_insert_with(|| Arc::new(with(&values, id, &digests))))
    }
}

/// Values with one more layer.
fn with(values: &EffectiveValues, id: &ReleaseId, digests: &[(&Image, &String)]) -> EffectiveValues {
    let none = Place::none();
    let node = |value: Value| Node { value, place: none.clone() };
    let key = |text: String| Key { text, place: none.clone() };
    let entries = digests
        .iter()
        .map(|(image, digest)| (key(image.to_string()), node(Value::String((*digest).clone()))));
    let own = values.node.as_mapping().into_iter().flat_map(Mapping::iter);
    let others = own.filter(|(key, _)| key.text != IMAGES).map(|(key, value)| (key.clone(), value.clone()));
    let images = node(Value::Mapping(Mapping::new(entries.collect())));
    let all = others.chain([(key(IMAGES.to_owned()), images)]).collect();
    let node = Node { value: Value::Mapping(Mapping::new(all)), place: values.node.place.clone() };
    let digest = match digest::of(&node) {
        Ok(digest) => digest,
        // The values have one, and texts were added.
        Err(error) => unreachable!("values with images are JSON: {error}"),
    };
    let mut layers = values.layers.clone();
    let escaped = |text: &str| text.replace('~', "~0").replace('/', "~1");
    for (image, _) in digests {
        let path = format!("/{}/{}", escaped(IMAGES), escaped(&image.to_string()));
        layers.insert(path, Layer::Lock(id.to_string()));
    }
    EffectiveValues { node, digest, layers }
}
