//! A repository in memory for the tests of commands: a working tree, commits, tags.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::Repository;
use crate::catalog::product::digest;
use crate::catalog::testing;
use crate::digest::Digest;
use crate::model::{ProductName, Tree};
use crate::port::{Fault, Git, GitTag, Packages, Trees};
use crate::version::Version;

/// What is in it.
#[derive(Default)]
pub struct State {
    /// The working tree.
    pub working: Tree,
    /// The trees of commits, by their names.
    pub commits: BTreeMap<String, Tree>,
    /// The commit that HEAD names.
    pub head: String,
    /// Tags by name.
    pub tags: BTreeMap<String, GitTag>,
}

/// A repository in memory.
#[derive(Clone, Default)]
pub struct Memory(pub Arc<Mutex<State>>);

impl Memory {
    /// A repository whose first commit has these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let memory = Self::default();
        memory.0.lock().unwrap().working = testing::tree(files);
        memory.commit();
        memory
    }

    /// Writes a file of the working tree.
    pub fn edit(&self, path: &str, text: &str) {
        let executable = path.ends_with(".sh");
        let file = crate::model::File { executable, ..testing::file(text) };
        self.0.lock().unwrap().working.insert(path, file);
    }

    /// The text of a file of the working tree.
    pub fn text(&self, path: &str) -> Option<String> {
        let state = self.0.lock().unwrap();
        let file = state.working.get(path)?;
        Some(String::from_utf8(file.bytes.to_vec()).unwrap())
    }

    /// Commits the working tree.
    pub fn commit(&self) {
        let mut state = self.0.lock().unwrap();
        let name = format!("{:040x}", state.commits.len() + 0xabc0);
        let tree = state.working.clone();
        state.commits.insert(name.clone(), tree);
        state.head = name;
    }

    /// Has HEAD name another commit.
    pub fn check_out(&self, commit: &str) {
        self.0.lock().unwrap().head = commit.to_owned();
    }

    /// The commit that HEAD names.
    pub fn head(&self) -> String {
        self.0.lock().unwrap().head.clone()
    }

    /// The repository behind its ports.
    pub fn repository(&self) -> Repository {
        Repository {
            git: Arc::new(self.clone()),
            packages: Arc::new(self.clone()),
            trees: Arc::new(self.clone()),
        }
    }
}

#[async_trait]
impl Git for Memory {
    async fn head(&self) -> Result<String, Fault> {
        Ok(Self::head(self))
    }

    async fn first_commit(&self) -> Result<String, Fault> {
        Ok(self.0.lock().unwrap().commits.keys().next().unwrap().clone())
    }

    async fn dirty(&self, under: &[&str]) -> Result<Vec<String>, Fault> {
        let state = self.0.lock().unwrap();
        let committed = &state.commits[&state.head];
        let mut paths: Vec<String> = state
            .working
            .iter()
            .filter(|(path, file)| committed.get(path) != Some(file))
            .map(|(path, _)| path)
            .chain(committed.iter().map(|(path, _)| path).filter(|path| state.working.get(path).is_none()))
            .filter(|path| under.iter().any(|folder| path.starts_with(&format!("{folder}/"))))
            .map(str::to_owned)
            .collect();
        paths.sort();
        Ok(paths)
    }

    async fn tree(&self, commit: &str, folder: &str) -> Result<Option<Tree>, Fault> {
        let state = self.0.lock().unwrap();
        let tree = state.commits.get(commit).map(|tree| tree.subtree(folder));
        Ok(tree.filter(|tree| !tree.is_empty()))
    }

    async fn tag(&self, name: &str) -> Result<Option<GitTag>, Fault> {
        Ok(self.0.lock().unwrap().tags.get(name).cloned())
    }

    async fn tags(&self, prefix: &str) -> Result<Vec<GitTag>, Fault> {
        let state = self.0.lock().unwrap();
        Ok(state.tags.values().filter(|tag| tag.name.starts_with(prefix)).cloned().collect())
    }

    async fn create_tag(&self, name: &str, commit: &str, message: &str) -> Result<(), Fault> {
        let tag =
            GitTag { name: name.to_owned(), commit: commit.to_owned(), message: Some(message.to_owned()) };
        match self.0.lock().unwrap().tags.insert(name.to_owned(), tag) {
            None => Ok(()),
            Some(_) => Err(Fault::permanent("the tag exists")),
        }
    }

    async fn push_tag(&self, _: &str, _: &str) -> Result<(), Fault> {
        Err(Fault::permanent("there is no remote"))
    }

    async fn authors(&self, _: Option<&str>, _: &str, _: &[&str]) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }
    /// Commits follow each other in one line.
    async fn descends(&self, commit: &str, from: &str) -> Result<bool, Fault> {
        let known = self.0.lock().unwrap().commits.contains_key(from);
        if known { Ok(from <= commit) } else { Err(Fault::permanent("that commit is not here")) }
    }
    async fn identity(&self) -> Result<Option<String>, Fault> {
        Ok(None)
    }
}

#[async_trait]
impl Packages for Memory {
    async fn fetch(
        &self,
        product: &ProductName,
        version: &Version,
        commit: &str,
        wanted: &Digest,
    ) -> Result<Arc<Tree>, Fault> {
        let folder = format!("products/{product}");
        let state = self.0.lock().unwrap();
        let tree = state.commits.get(commit).map(|tree| tree.subtree(&folder));
        tree.filter(|tree| digest(tree, &folder).is_ok_and(|found| found == *wanted))
            .map(Arc::new)
            .ok_or_else(|| Fault::permanent(format!("{product} {version} is not at {commit}")))
    }
}

#[async_trait]
impl Trees for Memory {
    async fn working(&self, folders: &[&str]) -> Result<Tree, Fault> {
        let state = self.0.lock().unwrap();
        let mut tree = Tree::new();
        for folder in folders {
            for (path, file) in state.working.below(folder) {
                tree.insert(path, file.clone());
            }
        }
        Ok(tree)
    }

    async fn write(&self, path: &str, text: &str) -> Result<(), Fault> {
        self.edit(path, text);
        Ok(())
    }

    async fn write_all(&self, files: &[(&str, &str)]) -> Result<(), Fault> {
        files.iter().for_each(|(path, text)| self.edit(path, text));
        Ok(())
    }

    async fn remove(&self, path: &str) -> Result<(), Fault> {
        let mut state = self.0.lock().unwrap();
        let mut rest = Tree::new();
        for (other, file) in state.working.iter().filter(|(other, _)| *other != path) {
            rest.insert(other, file.clone());
        }
        state.working = rest;
        Ok(())
    }
}
