//! Images that a config lists since they run elsewhere: sources upstream of the product, with the version in use.

use std::collections::BTreeSet;

use super::config::Config;
use super::reader::Reader;
use super::types::Found;
use crate::model::image::Image;

/// An image as the config writes it; nothing where it is none.
pub(super) fn read(text: &str) -> Option<Image> {
    let mut image: Image = if text.contains("://") { None } else { text.parse().ok() }?;
    let last = text.rsplit('/').next().unwrap_or(text);
    let named = last.split('@').next().unwrap_or(last);
    // What nobody wrote is no version in use.
    if !named.contains(':') {
        image.tag = None;
    }
    Some(image)
}

/// Resolves the images of a config.
pub(super) fn resolve(config: &Config, reader: &mut Reader, found: &mut Found) {
    let mut seen = BTreeSet::new();
    for word in &config.images {
        let Some(image) = read(&word.value) else {
            reader.wrong_form(word, "image", "`REGISTRY/NAME:TAG`");
            continue;
        };
        let one = (image.repository.to_string(), image.tag);
        if !seen.insert(one.clone()) {
            reader.drop_word(word, "it stands in the list before");
            continue;
        }
        let (repository, tag) = &one;
        let digest = if image.digest.is_some() { ", without its digest" } else { "" };
        let becomes = match tag {
            Some(tag) => format!("image {repository} at {tag}{digest}"),
            None => format!("image {repository} without a version{digest}"),
        };
        reader.take(&word.way, &word.place, becomes);
        found.images.push(one);
    }
}
