//! The repository, by the git program: objects, tags, status, identity. Everything is read from
//! git objects by name; only `dirty` looks at the working tree. What the program inherits is
//! cleaned, so that neither a hook's environment nor replace refs nor a prompt can change or stop
//! an answer.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::git_objects::{
    Entry, entries, is_hex, is_lfs_pointer, next_blob, object_line, path_of, plain_name, short, strip_newline,
};
use super::process::{Answer, Call};
use crate::model::{File, Tree};
use crate::port::{Fault, Git, GitTag};

/// How long a call that stays on this machine may take.
const LOCAL: Duration = Duration::from_secs(60);

/// How long a push may take.
const PUSH: Duration = Duration::from_secs(60);

/// The most bytes of one tree.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// Variables of the user that stay: who signs, how to reach a remote, which configuration counts.
/// All others of the family (GIT_DIR, GIT_INDEX_FILE, GIT_TRACE and so on) are removed.
const KEPT: [&str; 16] = [
    "GIT_ASKPASS",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_HTTP_USER_AGENT",
    "GIT_PROXY_COMMAND",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CERT",
];

/// A repository with a working tree.
#[derive(Debug, Clone)]
pub struct GitCli {
    root: PathBuf,
}

impl GitCli {
    /// The repository whose working tree has this root. Nothing is looked at yet.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The repository that a folder lies in.
    ///
    /// # Errors
    /// Permanent when it lies in none, or git is not installed.
    pub async fn discover(folder: &Path) -> Result<Self, Fault> {
        if !folder.is_dir() {
            return Err(Fault::permanent(format!("there is no folder `{}`", folder.display())));
        }
        let answer = Self::at(folder).git(&["rev-parse", "--show-toplevel"]).await?;
        if !answer.ok() {
            return Err(Fault::permanent(format!(
                "`{}` does not lie in a git repository: {}",
                folder.display(),
                answer.words()
            )));
        }
        Ok(Self::at(path_of(strip_newline(&answer.stdout))))
    }

    /// The root of the working tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn call(&self, args: &[&str], deadline: Duration) -> Call {
        let foreign: Vec<OsString> = std::env::vars_os()
            .map(|(name, _)| name)
            .filter(|name| {
                name.to_str().is_none_or(|name| {
                    name.starts_with("GIT_")
                        && !KEPT.contains(&name)
                        && !name.starts_with("GIT_CONFIG_KEY_")
                        && !name.starts_with("GIT_CONFIG_VALUE_")
                })
            })
            .collect();
        Call::new("git", deadline)
            .args(["--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"])
            .args(args)
            .dir(&self.root)
            .without(foreign)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("LC_ALL", "C")
    }

    pub(super) async fn git(&self, args: &[&str]) -> Result<Answer, Fault> {
        named(self.call(args, LOCAL).run().await)
    }

    /// A call that stays on this machine.
    pub(super) fn local(&self, args: &[&str]) -> Call {
        self.call(args, LOCAL)
    }

    /// A call that talks to a remote, and never asks a person.
    pub(super) async fn over_there(&self, args: &[&str]) -> Result<Answer, Fault> {
        let mut call = self.call(args, PUSH);
        let own_ssh = ["GIT_SSH", "GIT_SSH_COMMAND"].iter().any(|name| std::env::var_os(name).is_some());
        if !own_ssh && self.config("core.sshCommand").await?.is_none() {
            call = call.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        named(call.run().await)
    }

    /// A call in the name of whoever git is configured for, else of this program.
    pub(super) async fn as_somebody(&self, call: Call) -> Result<Call, Fault> {
        let known = self.git(&["var", "GIT_COMMITTER_IDENT"]).await?.ok()
            && self.git(&["var", "GIT_AUTHOR_IDENT"]).await?.ok();
        if known {
            return Ok(call);
        }
        let roles = ["GIT_COMMITTER", "GIT_AUTHOR"];
        Ok(roles.iter().fold(call, |call, role| {
            call.env(format!("{role}_NAME"), "tidegate").env(format!("{role}_EMAIL"), "tidegate@localhost")
        }))
    }

    async fn git_with(&self, args: &[&str], stdin: Vec<u8>, most: usize) -> Result<Answer, Fault> {
        named(self.call(args, LOCAL).stdin(stdin).most(most).run().await)
    }

    /// Commits what is added, as of a moment.
    pub(super) async fn commit_at(&self, at: &str, message: &str) -> Result<(), Fault> {
        let call = self
            .call(&["commit", "--quiet", "--no-verify", "--message", message], LOCAL)
            .env("GIT_AUTHOR_DATE", at)
            .env("GIT_COMMITTER_DATE", at);
        let answer = named(call.run().await)?;
        if answer.ok() { Ok(()) } else { Err(refused("committing", &answer)) }
    }

    /// The answer of a call that has no reason to fail.
    pub(super) async fn must(&self, doing: &str, args: &[&str]) -> Result<Vec<u8>, Fault> {
        let answer = self.git(args).await?;
        if answer.ok() { Ok(answer.stdout) } else { Err(refused(doing, &answer)) }
    }

    /// Files of some folders that git ignores, with paths from the root.
    ///
    /// # Errors
    /// When git fails.
    pub async fn ignored(&self, folders: &[&str]) -> Result<Vec<String>, Fault> {
        let mut args = vec!["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--"];
        args.extend(folders);
        let out = self.must("asking which files are ignored", &args).await?;
        let paths = out.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect())
    }

    /// The object of each name, with its type; `None` where there is none. Names have no newline.
    async fn objects(&self, names: &[String]) -> Result<Vec<Option<(String, String)>>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut input = names.join("\n").into_bytes();
        input.push(b'\n');
        let answer = self
            .git_with(&["cat-file", "--batch-check=%(objectname) %(objecttype)"], input, 64 * 1024 * 1024)
            .await?;
        if !answer.ok() {
            return Err(refused("looking up objects", &answer));
        }
        let text = String::from_utf8_lossy(&answer.stdout);
        let found: Vec<Option<(String, String)>> = text.lines().map(object_line).collect();
        if found.len() != names.len() {
            return Err(Fault::permanent(format!(
                "git answered {} of {} questions about objects",
                found.len(),
                names.len()
            )));
        }
        Ok(found)
    }

    pub(super) async fn object(&self, name: String) -> Result<Option<(String, String)>, Fault> {
        if name.contains('\n') || name.starts_with('-') {
            return Ok(None);
        }
        Ok(self.objects(&[name]).await?.pop().flatten())
    }

    /// Tags by a pattern of `for-each-ref` that has no glob characters, so a name or a folder.
    async fn list_tags(&self, pattern: &str) -> Result<Vec<GitTag>, Fault> {
        let format = "%(refname)%00%(objecttype)%00%(contents)%00";
        let out = self
            .must("reading tags", &["for-each-ref", &format!("--format={format}"), "--", pattern])
            .await?;
        let mut fields = out.split(|b| *b == 0);
        let mut named = Vec::new();
        while let (Some(name), Some(kind), Some(contents)) = (fields.next(), fields.next(), fields.next()) {
            let name = String::from_utf8_lossy(name);
            let Some(name) = name.trim_start_matches('\n').strip_prefix("refs/tags/") else { continue };
            let message =
                (kind == b"tag").then(|| String::from_utf8_lossy(contents).trim_end_matches('\n').to_owned());
            named.push((name.to_owned(), message));
        }
        let names: Vec<String> =
            named.iter().map(|(name, _)| format!("refs/tags/{name}^{{commit}}")).collect();
        let commits = self.objects(&names).await?;
        Ok(named
            .into_iter()
            .zip(commits)
            .filter_map(|((name, message), object)| {
                let (commit, _) = object?;
                Some(GitTag { name, commit, message })
            })
            .collect())
    }

    pub(super) async fn config(&self, key: &str) -> Result<Option<String>, Fault> {
        let answer = self.git(&["config", "--get", key]).await?;
        match answer.code {
            Some(0) => {
                let value = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
                Ok((!value.is_empty()).then_some(value))
            }
            Some(1) => Ok(None),
            _ => Err(refused(&format!("reading the setting {key}"), &answer)),
        }
    }

    async fn blobs(&self, entries: &[Entry]) -> Result<Vec<Vec<u8>>, Fault> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let input: String = entries.iter().map(|entry| format!("{}\n", entry.object)).collect();
        // Each answer adds a line and a newline to the bytes.
        let most = usize::try_from(MOST_BYTES).unwrap_or(usize::MAX).saturating_add(entries.len() * 128);
        let answer = self.git_with(&["cat-file", "--batch"], input.into_bytes(), most).await?;
        if !answer.ok() {
            return Err(refused("reading blobs", &answer));
        }
        let mut rest = answer.stdout.as_slice();
        let mut blobs = Vec::with_capacity(entries.len());
        for entry in entries {
            let (bytes, tail) = next_blob(rest).ok_or_else(|| {
                Fault::permanent(format!(
                    "the blob {} of `{}` is not in the repository (`git fsck` says more)",
                    entry.object, entry.path
                ))
            })?;
            blobs.push(bytes.to_vec());
            rest = tail;
        }
        Ok(blobs)
    }
}

/// Says what is missing when git itself is.
pub(super) fn named(answer: Result<Answer, Fault>) -> Result<Answer, Fault> {
    answer.map_err(|fault| {
        if fault.message.ends_with("was not found") {
            Fault::permanent("git is not installed, or not on PATH: install git 2.30 or newer")
        } else {
            fault
        }
    })
}

pub(super) fn refused(doing: &str, answer: &Answer) -> Fault {
    let words = answer.words();
    // A lock of another git process goes away.
    if words.contains("cannot lock ref") && words.contains("File exists")
        || words.contains(".lock': File exists")
    {
        return Fault::transient(format!("{doing}: {words}"));
    }
    Fault::permanent(format!("{doing}: {words}"))
}

#[async_trait]
impl Git for GitCli {
    async fn head(&self) -> Result<String, Fault> {
        match self.object("HEAD^{commit}".to_owned()).await? {
            Some((commit, _)) => Ok(commit),
            None => Err(Fault::permanent("the repository has no commit yet")),
        }
    }

    async fn first_commit(&self) -> Result<String, Fault> {
        let shallow =
            self.must("looking at the repository", &["rev-parse", "--is-shallow-repository"]).await?;
        if strip_newline(&shallow) == b"true" {
            return Err(Fault::permanent(
                "the repository is a shallow clone, so its first commit is not known: run `git fetch --unshallow`, or name the journal with --journal",
            ));
        }
        if self.object("HEAD^{commit}".to_owned()).await?.is_none() {
            return Err(Fault::permanent("the repository has no commit yet"));
        }
        // Only along first parents: a merged foreign history must not change the identity.
        let out = self
            .must("looking for the first commit", &["rev-list", "--max-parents=0", "--first-parent", "HEAD"])
            .await?;
        let text = String::from_utf8_lossy(&out);
        text.lines()
            .last()
            .filter(|line| is_hex(line))
            .map(str::to_owned)
            .ok_or_else(|| Fault::permanent("the repository has no commit yet"))
    }

    async fn dirty(&self, under: &[&str]) -> Result<Vec<String>, Fault> {
        let mut args = vec![
            "status",
            "--porcelain=v1",
            "-z",
            "--untracked-files=all",
            "--no-renames",
            "--ignore-submodules=none",
            "--",
        ];
        args.extend(under.iter().copied().filter(|path| !path.is_empty()));
        let out = self.must("looking for changes", &args).await?;
        let mut paths: Vec<String> = out
            .split(|b| *b == 0)
            .filter_map(|record| record.get(3..))
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    async fn tree(&self, commit: &str, folder: &str) -> Result<Option<Tree>, Fault> {
        let folder = folder.trim_matches('/');
        let Some((commit, _)) = self.object(format!("{commit}^{{commit}}")).await? else { return Ok(None) };
        let name =
            if folder.is_empty() { format!("{commit}^{{tree}}") } else { format!("{commit}:{folder}") };
        let Some((tree, kind)) = self.object(name).await? else { return Ok(None) };
        if kind != "tree" {
            return Ok(None);
        }
        let listing = self.must("listing a folder", &["ls-tree", "-r", "-z", "-l", &tree]).await?;
        let (files, mut bad, total) = entries(&listing);
        if total > MOST_BYTES {
            return Err(Fault::permanent(format!(
                "`{folder}` at {} holds {total} bytes, the limit is {MOST_BYTES}",
                short(&commit)
            )));
        }
        let blobs = self.blobs(&files).await?;
        let mut found = Tree::new();
        for (entry, bytes) in files.into_iter().zip(blobs) {
            if is_lfs_pointer(&bytes) {
                bad.push(format!("`{}` is a pointer to Git LFS, not the content", entry.path));
            }
            found.insert(entry.path, File { bytes: bytes.into(), executable: entry.executable });
        }
        if bad.is_empty() {
            return Ok(Some(found));
        }
        bad.sort();
        Err(Fault::permanent(format!(
            "`{}` at {} has content that can't be fixed by a digest: {}",
            if folder.is_empty() { "." } else { folder },
            short(&commit),
            bad.join("; ")
        )))
    }

    async fn tag(&self, name: &str) -> Result<Option<GitTag>, Fault> {
        if !plain_name(name) {
            return Ok(None);
        }
        let tags = self.list_tags(&format!("refs/tags/{name}")).await?;
        Ok(tags.into_iter().find(|tag| tag.name == name))
    }

    async fn tags(&self, prefix: &str) -> Result<Vec<GitTag>, Fault> {
        // `for-each-ref` takes whole folders only; the rest of the prefix is compared here.
        let folder = prefix.rfind('/').map_or("", |at| &prefix[..at]);
        let pattern = if folder.is_empty() || !plain_name(folder) {
            "refs/tags/".to_owned()
        } else {
            format!("refs/tags/{folder}/")
        };
        let tags = self.list_tags(&pattern).await?;
        Ok(tags.into_iter().filter(|tag| tag.name.starts_with(prefix)).collect())
    }

    async fn create_tag(&self, name: &str, commit: &str, message: &str) -> Result<(), Fault> {
        if !plain_name(name) || !self.git(&["check-ref-format", &format!("refs/tags/{name}")]).await?.ok() {
            return Err(Fault::permanent(format!("`{name}` is no name for a git tag")));
        }
        if let Some(tag) = self.tag(name).await? {
            return Err(Fault::permanent(format!(
                "the tag `{name}` exists and names {}",
                short(&tag.commit)
            )));
        }
        if self.object(format!("{commit}^{{commit}}")).await?.is_none() {
            return Err(Fault::permanent(format!("the commit {} is not in the repository", short(commit))));
        }
        let mut text = message.to_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let call = self
            .call(
                &[
                    "tag",
                    "--annotate",
                    "--no-sign",
                    "--cleanup=verbatim",
                    "--file=-",
                    "--end-of-options",
                    name,
                    commit,
                ],
                LOCAL,
            )
            .stdin(text.into_bytes());
        let answer = named(self.as_somebody(call).await?.run().await)?;
        if answer.ok() { Ok(()) } else { Err(refused(&format!("making the tag `{name}`"), &answer)) }
    }

    async fn push_tag(&self, remote: &str, name: &str) -> Result<(), Fault> {
        if !plain_name(name) || remote.is_empty() || remote.starts_with('-') {
            return Err(Fault::permanent(format!("`{name}` can't be pushed to `{remote}`: no such names")));
        }
        let refspec = format!("refs/tags/{name}:refs/tags/{name}");
        let answer =
            self.over_there(&["push", "--porcelain", "--no-follow-tags", "--", remote, &refspec]).await?;
        if answer.ok() {
            return Ok(());
        }
        let report = String::from_utf8_lossy(&answer.stdout);
        let rejected = report.lines().find(|line| line.starts_with('!'));
        let words = match rejected {
            Some(line) => format!("{} ({})", line.trim_start_matches('!').trim(), answer.words()),
            None => answer.words(),
        };
        let message = format!("pushing the tag `{name}` to `{remote}`: {words}");
        const STAYS: [&str; 7] = [
            "does not appear to be a git repository",
            "ermission denied",
            "uthentication failed",
            "could not read Username",
            "epository not found",
            "not found",
            "denied",
        ];
        let stays = rejected.is_some() || STAYS.iter().any(|word| words.contains(word));
        Err(if stays { Fault::permanent(message) } else { Fault::transient(message) })
    }

    async fn authors(&self, since: Option<&str>, until: &str, under: &[&str]) -> Result<Vec<String>, Fault> {
        self.authors_between(since, until, under).await
    }

    async fn descends(&self, commit: &str, from: &str) -> Result<bool, Fault> {
        self.comes_after(commit, from).await
    }

    async fn identity(&self) -> Result<Option<String>, Fault> {
        match self.config("user.email").await? {
            Some(email) => Ok(Some(email)),
            None => self.config("user.name").await,
        }
    }
}

/// Several folders of one commit as one tree with paths from the root; a folder that does not exist
/// is left out. `None` if none of them does.
///
/// # Errors
/// As [`Git::tree`].
pub async fn folders(git: &dyn Git, commit: &str, folders: &[&str]) -> Result<Option<Tree>, Fault> {
    let mut all = Tree::new();
    for folder in folders {
        let Some(tree) = git.tree(commit, folder).await? else { continue };
        for (path, file) in tree.iter() {
            all.insert(format!("{folder}/{path}"), file.clone());
        }
    }
    Ok((!all.is_empty()).then_some(all))
}

#[cfg(test)]
#[path = "git_tests.rs"]
pub(super) mod tests;
