//! A tree: paths and bytes, read by a port from a working tree or from git objects. Everything
//! that follows works on trees and never on a disk.

use std::collections::BTreeMap;
use std::sync::Arc;

/// One file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its content.
    pub bytes: Arc<[u8]>,
    /// Whether it may be executed (git's mode 100755).
    pub executable: bool,
}

/// Files by path. Paths use `/`, are relative, and never contain `.` or `..`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<String, File>,
}

impl Tree {
    /// A tree without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, or replaces it.
    pub fn insert(&mut self, path: impl Into<String>, file: File) {
        self.files.insert(path.into(), file);
    }

    /// The file at a path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// Every file, in byte order of paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// The files below a folder (`folder/...`), with paths from the tree's root, in byte order.
    pub fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, &'a File)> + use<'a> {
        let prefix =
            if folder.is_empty() { String::new() } else { format!("{}/", folder.trim_end_matches('/')) };
        let start = prefix.clone();
        self.files
            .range(start..)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, file)| (path.as_str(), file))
    }

    /// The tree of one folder, with paths relative to it.
    pub fn subtree(&self, folder: &str) -> Tree {
        let cut = if folder.is_empty() { 0 } else { folder.trim_end_matches('/').len() + 1 };
        let files = self.below(folder).map(|(path, file)| (path[cut..].to_owned(), file.clone()));
        Tree { files: files.collect() }
    }

    /// Whether it holds no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
