//! A repository in memory: a working tree, a line of commits, tags. Names of commits follow from what is
//! in them, as in git, so that the same history has the same names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::catalog::product;
use crate::digest::{self, Digest};
use crate::engine::repo::Repository;
use crate::model::{File, ProductName, Tree};
use crate::port::{Commits, Fault, Git, GitTag, Packages, Trees};
use crate::version::Version;

/// How many hexadecimal digits the name of a commit has.
const NAME: usize = 40;

struct Commit {
    name: String,
    author: String,
    tree: Tree,
}

#[derive(Clone, Default)]
struct State {
    working: Tree,
    /// The oldest first; each is the parent of the next.
    commits: Vec<Arc<Commit>>,
    /// Which of them HEAD names.
    head: usize,
    tags: BTreeMap<String, GitTag>,
    pushed: BTreeSet<String>,
    remote: bool,
    identity: Option<String>,
}

impl State {
    fn find(&self, commit: &str) -> Option<usize> {
        self.commits.iter().position(|known| known.name == commit)
    }
}

/// A repository in memory; clones are the same repository.
#[derive(Clone, Default)]
pub struct MemoryRepository(Arc<Mutex<State>>);

impl MemoryRepository {
    /// A repository whose first commit has these files; `identity` is who works in it.
    pub fn new(tree: Tree, identity: &str) -> Self {
        let made = Self::default();
        {
            let mut state = made.state();
            state.working = tree;
            state.identity = Some(identity.to_owned());
        }
        made.commit(identity);
        made
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a file of the working tree.
    pub fn edit(&self, path: &str, text: &str) {
        let mut state = self.state();
        let executable = state.working.get(path).is_some_and(|file| file.executable) || path.ends_with(".sh");
        state.working.insert(path, File { bytes: text.as_bytes().into(), executable });
    }

    /// Commits the working tree on top of HEAD; its name.
    pub fn commit(&self, author: &str) -> String {
        let mut state = self.state();
        let tree = state.working.clone();
        let mut content = format!("{author}\n");
        if let Some(parent) = state.commits.get(state.head) {
            content.push_str(&parent.name);
        }
        for (path, file) in tree.iter() {
            content.push_str(&format!("\n{} {} {path}", digest::bytes(&file.bytes), file.executable));
        }
        let name: String = digest::bytes(content.as_bytes()).hex().chars().take(NAME).collect();
        let keep = (state.head + 1).min(state.commits.len());
        state.commits.truncate(keep);
        state.commits.push(Arc::new(Commit { name: name.clone(), author: author.to_owned(), tree }));
        state.head = state.commits.len() - 1;
        name
    }

    /// Has a remote that tags can be pushed to, or has none (any more).
    pub fn remote(&self, there: bool) {
        self.state().remote = there;
    }

    /// Another repository that is what this one is now.
    pub(super) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }

    /// The repository behind its ports.
    pub fn ports(&self) -> Repository {
        Repository {
            git: Arc::new(self.clone()),
            packages: Arc::new(self.clone()),
            trees: Arc::new(self.clone()),
        }
    }
}

#[async_trait]
impl Commits for MemoryRepository {
    async fn commit(&self, _: &str) -> Result<(), Fault> {
        let author = self.state().identity.clone().unwrap_or_default();
        Self::commit(self, &author);
        Ok(())
    }
}

fn unknown(commit: &str) -> Fault {
    Fault::permanent(format!("the repository has no commit {commit}"))
}

#[async_trait]
impl Git for MemoryRepository {
    async fn head(&self) -> Result<String, Fault> {
        let state = self.state();
        let head = state.commits.get(state.head).map(|commit| commit.name.clone());
        head.ok_or_else(|| Fault::permanent("the repository has no commit yet"))
    }

    async fn first_commit(&self) -> Result<String, Fault> {
        let state = self.state();
        let first = state.commits.first().map(|commit| commit.name.clone());
        first.ok_or_else(|| Fault::permanent("the repository has no commit yet"))
    }

    async fn dirty(&self, under: &[&str]) -> Result<Vec<String>, Fault> {
        let state = self.state();
        let empty = Tree::new();
        let committed = state.commits.get(state.head).map_or(&empty, |commit| &commit.tree);
        let mut paths = changed(committed, &state.working);
        paths.retain(|path| is_under(path, under));
        Ok(paths.into_iter().collect())
    }

    async fn tree(&self, commit: &str, folder: &str) -> Result<Option<Tree>, Fault> {
        let state = self.state();
        let tree = state.find(commit).map(|at| state.commits[at].tree.subtree(folder));
        Ok(tree.filter(|tree| !tree.is_empty()))
    }

    async fn tag(&self, name: &str) -> Result<Option<GitTag>, Fault> {
        Ok(self.state().tags.get(name).cloned())
    }

    async fn tags(&self, prefix: &str) -> Result<Vec<GitTag>, Fault> {
        let state = self.state();
        Ok(state.tags.values().filter(|tag| tag.name.starts_with(prefix)).cloned().collect())
    }

    async fn create_tag(&self, name: &str, commit: &str, message: &str) -> Result<(), Fault> {
        let mut state = self.state();
        if state.find(commit).is_none() {
            return Err(unknown(commit));
        }
        if state.tags.contains_key(name) {
            return Err(Fault::permanent(format!("the tag {name} exists")));
        }
        let tag =
            GitTag { name: name.to_owned(), commit: commit.to_owned(), message: Some(message.to_owned()) };
        state.tags.insert(name.to_owned(), tag);
        Ok(())
    }

    async fn push_tag(&self, remote: &str, name: &str) -> Result<(), Fault> {
        let mut state = self.state();
        if !state.remote {
            return Err(Fault::transient(format!("the remote `{remote}` can't be reached")));
        }
        state.pushed.insert(name.to_owned());
        Ok(())
    }

    async fn authors(&self, since: Option<&str>, until: &str, under: &[&str]) -> Result<Vec<String>, Fault> {
        let state = self.state();
        let end = state.find(until).ok_or_else(|| unknown(until))?;
        let begin = since.map(|since| state.find(since).ok_or_else(|| unknown(since))).transpose()?;
        let mut authors = BTreeSet::new();
        let empty = Tree::new();
        for at in begin.map_or(0, |at| at + 1)..=end {
            let before = at.checked_sub(1).map_or(&empty, |parent| &state.commits[parent].tree);
            if changed(before, &state.commits[at].tree).iter().any(|path| is_under(path, under)) {
                authors.insert(state.commits[at].author.clone());
            }
        }
        Ok(authors.into_iter().collect())
    }

    async fn descends(&self, commit: &str, from: &str) -> Result<bool, Fault> {
        let state = self.state();
        let from = state.find(from).ok_or_else(|| unknown(from))?;
        Ok(state.find(commit).is_some_and(|at| at >= from))
    }

    async fn identity(&self) -> Result<Option<String>, Fault> {
        Ok(self.state().identity.clone())
    }
}

/// The paths that differ.
fn changed(before: &Tree, after: &Tree) -> BTreeSet<String> {
    let differs = after.iter().filter(|(path, file)| before.get(path) != Some(file));
    let gone = before.iter().filter(|(path, _)| after.get(path).is_none());
    differs.chain(gone).map(|(path, _)| path.to_owned()).collect()
}

fn is_under(path: &str, folders: &[&str]) -> bool {
    folders.iter().any(|folder| {
        let folder = folder.trim_end_matches('/');
        path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    })
}

#[async_trait]
impl Packages for MemoryRepository {
    async fn fetch(
        &self,
        product: &ProductName,
        version: &Version,
        commit: &str,
        wanted: &Digest,
    ) -> Result<Arc<Tree>, Fault> {
        let folder = format!("products/{product}");
        let tree = self.tree(commit, &folder).await?;
        let right = |tree: &Tree| product::Content::of(tree).is_ok_and(|content| content.digest == *wanted);
        tree.filter(right)
            .map(Arc::new)
            .ok_or_else(|| Fault::permanent(format!("{product} {version} is not at commit {commit}")))
    }
}

#[async_trait]
impl Trees for MemoryRepository {
    async fn working(&self, folders: &[&str]) -> Result<Tree, Fault> {
        let state = self.state();
        let mut tree = Tree::new();
        for (path, file) in folders.iter().flat_map(|folder| state.working.below(folder)) {
            tree.insert(path, file.clone());
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
        let mut state = self.state();
        let mut rest = Tree::new();
        for (other, file) in state.working.iter().filter(|(other, _)| *other != path) {
            rest.insert(other, file.clone());
        }
        state.working = rest;
        Ok(())
    }
}
