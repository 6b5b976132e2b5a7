//! A product as the rules about single products see it, wherever it came from.

use std::sync::Arc;

use crate::diag::Source;
use crate::model::{Product, ProductFile, ProductName, Tree};

use super::ProductSource;
use super::product::{folder_of, join};

/// A product's file and folder, from the working tree or from git.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    /// `product.yaml`.
    pub file: &'a ProductFile,
    /// The folder's files.
    pub tree: &'a Tree,
    /// The folder as people read it; may be empty.
    pub folder: &'a str,
}

impl<'a> Part<'a> {
    /// The product's name as its file says.
    pub fn name(&self) -> &'a ProductName {
        &self.file.metadata.name.value
    }

    /// What the file says.
    pub fn spec(&self) -> &'a Product {
        &self.file.spec
    }

    /// A text file of the folder as a source, if it is there and is UTF-8.
    pub fn source(&self, path: &str) -> Option<Arc<Source>> {
        let file = self.tree.get(path)?;
        Source::from_bytes(join(self.folder, path), file.bytes.to_vec()).ok()
    }

    /// The files at a path: the file itself, or every file below the folder, in byte order.
    pub fn files_at(&self, path: &str) -> Vec<&'a str> {
        let path = path.trim_start_matches("./").trim_end_matches('/');
        if let Some((path, _)) = self.tree.iter().find(|(found, _)| *found == path) {
            return vec![path];
        }
        self.tree.below(if path == "." { "" } else { path }).map(|(path, _)| path).collect()
    }
}

impl ProductSource {
    /// Calls `look` with the parts that rules about a single product look at.
    pub(crate) fn with_part<T>(&self, look: impl FnOnce(Part<'_>) -> T) -> T {
        let folder = folder_of(&self.source);
        look(Part { file: &self.file, tree: &self.folder, folder: &folder })
    }
}
