//! What the tests of this module share: trees from texts, and findings as short lines.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use crate::diag::Findings;
use crate::model::{File, Tree};

use super::{Catalog, load};

/// A file that may not be executed.
pub(crate) fn file(text: &str) -> File {
    File { bytes: Arc::from(text.as_bytes()), executable: false }
}

/// A tree of such files; `*.sh` may be executed.
pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in files {
        tree.insert(*path, File { executable: path.ends_with(".sh"), ..file(text) });
    }
    tree
}

/// The catalog of a tree without mistakes in its files.
pub(crate) fn catalog(files: &[(&str, &str)]) -> Catalog {
    let (catalog, findings) = load(&tree(files));
    assert!(!findings.has_errors(), "{findings}");
    catalog
}

/// `CODE FILE:LINE:COLUMN`, sorted.
pub(crate) fn lines(findings: &Findings) -> Vec<String> {
    let mut lines: Vec<String> = findings
        .iter()
        .map(|f| {
            let place = f.place.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
            format!("{} {place}", f.code.id)
        })
        .collect();
    lines.sort();
    lines
}
