//! Branches of remotes by the git program: commits are made with an index of their own, which is gone when the
//! tree is written, and are pushed by name. The person's index, working tree and branches are not touched.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::git::{GitCli, named, refused};
use super::git_objects::{is_hex, plain_name, short, strip_newline};
use super::process::Answer;
use crate::model::Tree;
use crate::port::Fault;
use crate::port::branches::{Branches, Changed, Commit, Heads, PushError};

/// What a remote says to those who may not.
const FORBIDDEN: [&str; 7] = [
    "ermission denied",
    "ermission to",
    "uthentication failed",
    "could not read Username",
    "could not read Password",
    "returned error: 401",
    "returned error: 403",
];

/// An index of one's own must be one file that goes away: none that is shared or sparse.
const PLAIN_INDEX: [&str; 6] =
    ["-c", "core.splitIndex=false", "-c", "index.sparse=false", "-c", "core.untrackedCache=false"];

#[async_trait]
impl Branches for GitCli {
    async fn addresses(&self, remote: &str) -> Result<Vec<String>, Fault> {
        let key = format!("remote.{remote}.url");
        let written = if plain_name(remote) { self.config(&key).await? } else { None };
        let Some(written) = written else {
            return Err(Fault::permanent(format!("the repository has no remote `{remote}`")));
        };
        let out = self.must("reading a remote's address", &["remote", "get-url", remote]).await?;
        let asked = String::from_utf8_lossy(strip_newline(&out)).into_owned();
        let mut all = vec![asked, written];
        all.dedup();
        Ok(all)
    }

    async fn heads(&self, remote: &str, prefix: &str) -> Result<Heads, Fault> {
        let pattern = format!("refs/heads/{prefix}*");
        let args = ["ls-remote", "--symref", "--quiet", "--", remote, "HEAD", &pattern];
        let answer = self.over_there(&args).await?;
        if !answer.ok() {
            return Err(unreached(&format!("asking `{remote}` for its branches"), &answer));
        }
        read_heads(&String::from_utf8_lossy(&answer.stdout), prefix).ok_or_else(|| {
            Fault::permanent(format!("`{remote}` has no default branch: it is empty, or says none"))
        })
    }

    async fn fetch(&self, remote: &str, branches: &[&str]) -> Result<(), Fault> {
        let names: Vec<String> = branches.iter().map(|branch| format!("refs/heads/{branch}")).collect();
        let mut args = vec![
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-prune",
            "--no-write-fetch-head",
            "--recurse-submodules=no",
            "--refmap=",
            "--",
            remote,
        ];
        args.extend(names.iter().map(String::as_str));
        let answer = self.over_there(&args).await?;
        if answer.ok() { Ok(()) } else { Err(unreached(&format!("fetching from `{remote}`"), &answer)) }
    }

    async fn since(&self, base: &str, tip: &str, most: usize) -> Result<Vec<Commit>, Fault> {
        let most = format!("--max-count={most}");
        let format = "--format=%H%n%P%n%an <%ae>%n%at%n%B";
        let args = ["log", "-z", "--no-show-signature", &most, format, tip, "--not", base, "--"];
        let out = self.must("reading a branch", &args).await?;
        let records = out.split(|byte| *byte == 0).filter(|record| !record.is_empty());
        records
            .map(|record| {
                let unread = || Fault::permanent(format!("a commit of {} can't be read", short(tip)));
                commit(&String::from_utf8_lossy(record)).ok_or_else(unread)
            })
            .collect()
    }

    async fn is_shallow(&self) -> Result<bool, Fault> {
        let args = ["rev-parse", "--is-shallow-repository"];
        Ok(strip_newline(&self.must("looking at the repository", &args).await?) == b"true")
    }

    async fn changed(&self, from: &str, to: &str) -> Result<Vec<Changed>, Fault> {
        let args = ["diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", from, to, "--"];
        let out = self.must("comparing two trees", &args).await?;
        let mut fields = out.split(|byte| *byte == 0);
        let mut all = Vec::new();
        while let (Some(facts), Some(path)) = (fields.next(), fields.next()) {
            let facts = String::from_utf8_lossy(facts).into_owned();
            let mut facts = facts.trim_start_matches(':').split(' ');
            let (Some(mode), Some(blob)) = (facts.nth(1), facts.nth(1)) else { continue };
            let path = String::from_utf8_lossy(path).into_owned();
            all.push(Changed { path, mode: mode.to_owned(), blob: blob.to_owned() });
        }
        all.sort();
        Ok(all)
    }

    async fn write(&self, base: &str, files: &Tree) -> Result<String, Fault> {
        let folder = tempfile::Builder::new()
            .prefix("tidegate-index-")
            .tempdir()
            .map_err(|error| Fault::transient(format!("making a folder for an index: {error}")))?;
        let index = folder.path().join("index");
        let mut lines: Vec<u8> = Vec::new();
        for (path, file) in files.iter() {
            let blob = self.blob(&file.bytes).await?;
            let mode = if file.executable { "100755" } else { "100644" };
            lines.extend_from_slice(format!("{mode} {blob} 0\t{path}\0").as_bytes());
        }
        let base = format!("{base}^{{tree}}");
        for (args, stdin) in
            [(vec!["read-tree", &base], Vec::new()), (vec!["update-index", "-z", "--index-info"], lines)]
        {
            self.with_index(&index, &args, stdin).await?;
        }
        let tree = self.with_index(&index, &["write-tree"], Vec::new()).await?;
        object(&tree, "writing a tree")
    }

    async fn commit(&self, tree: &str, parent: &str, message: &str) -> Result<String, Fault> {
        let signs = self
            .must("reading the settings", &["config", "--type=bool", "--default=false", "commit.gpgSign"]);
        let signs = strip_newline(&signs.await?) == b"true";
        let mut args = vec!["commit-tree", "-p", parent, "-F", "-"];
        if signs {
            args.push("-S");
        }
        args.push(tree);
        let call = self.local(&args).stdin(message.as_bytes().to_vec());
        let answer = named(self.as_somebody(call).await?.run().await)?;
        match answer.ok() {
            true => object(&answer.stdout, "making a commit"),
            false => Err(refused("making a commit", &answer)),
        }
    }

    async fn push(
        &self,
        remote: &str,
        branch: &str,
        commit: &str,
        was: Option<&str>,
    ) -> Result<(), PushError> {
        if !plain_name(branch) || !is_hex(commit) {
            return Err(Fault::permanent(format!("`{branch}` can't be pushed: no such name")).into());
        }
        // The lease is an exact one: of a branch that is not there, that it is not there.
        let lease = format!("--force-with-lease=refs/heads/{branch}:{}", was.unwrap_or_default());
        let refspec = format!("{commit}:refs/heads/{branch}");
        let args = [
            "push",
            "--porcelain",
            "--no-verify",
            "--no-follow-tags",
            "--recurse-submodules=no",
            &lease,
            "--",
            remote,
            &refspec,
        ];
        let answer = self.over_there(&args).await?;
        if answer.ok() {
            Ok(())
        } else {
            Err(unpushed(&format!("pushing `{branch}` to `{remote}`"), &answer))
        }
    }
}

impl GitCli {
    async fn blob(&self, bytes: &[u8]) -> Result<String, Fault> {
        let call = self.local(&["hash-object", "-w", "--stdin", "--no-filters"]).stdin(bytes.to_vec());
        let answer = named(call.run().await)?;
        match answer.ok() {
            true => object(&answer.stdout, "writing a file"),
            false => Err(refused("writing a file", &answer)),
        }
    }

    /// A call with an index of its own.
    async fn with_index(
        &self,
        index: &std::path::Path,
        args: &[&str],
        stdin: Vec<u8>,
    ) -> Result<Vec<u8>, Fault> {
        let args: Vec<&str> = PLAIN_INDEX.iter().copied().chain(args.iter().copied()).collect();
        let call = self.local(&args).stdin(stdin).env("GIT_INDEX_FILE", index);
        let answer = named(call.run().await)?;
        if answer.ok() { Ok(answer.stdout) } else { Err(refused("writing a tree", &answer)) }
    }
}

/// The name of an object that git printed.
fn object(out: &[u8], doing: &str) -> Result<String, Fault> {
    let text = String::from_utf8_lossy(strip_newline(out)).into_owned();
    if is_hex(&text) { Ok(text) } else { Err(Fault::permanent(format!("{doing}: git named no object"))) }
}

/// What `ls-remote --symref` says.
fn read_heads(text: &str, prefix: &str) -> Option<Heads> {
    let (mut default, mut commit, mut branches) = (None, None, BTreeMap::new());
    for line in text.lines() {
        let Some((what, name)) = line.split_once('\t') else { continue };
        match (what.strip_prefix("ref: refs/heads/"), name.strip_prefix("refs/heads/")) {
            (Some(branch), _) if name == "HEAD" => default = Some(branch.to_owned()),
            (None, None) if name == "HEAD" && is_hex(what) => commit = Some(what.to_owned()),
            (None, Some(branch)) if branch.starts_with(prefix) && is_hex(what) => {
                branches.insert(branch.to_owned(), what.to_owned());
            }
            _ => {}
        }
    }
    Some(Heads { default: default?, commit: commit?, branches })
}

fn commit(record: &str) -> Option<Commit> {
    let mut lines = record.trim_start_matches('\n').splitn(5, '\n');
    let id = lines.next().filter(|id| is_hex(id))?.to_owned();
    let parents = lines.next()?.split(' ').filter(|id| is_hex(id)).map(str::to_owned).collect();
    let author = lines.next()?.to_owned();
    let at = jiff::Timestamp::from_second(lines.next()?.parse().ok()?).ok()?;
    let message = lines.next().unwrap_or_default().trim_end().to_owned();
    Some(Commit { id, parents, author, at, message })
}

fn is_forbidden(words: &str) -> bool {
    FORBIDDEN.iter().any(|word| words.contains(word))
}

/// Why a remote gave nothing.
fn unreached(doing: &str, answer: &Answer) -> Fault {
    let words = answer.words();
    let message = format!("{doing}: {words}");
    let gone = ["does not appear to be a git repository", "not found", "couldn't find remote ref"];
    let stays = is_forbidden(&words) || gone.iter().any(|word| words.contains(word));
    if stays { Fault::permanent(message) } else { Fault::transient(message) }
}

/// Why a push was none: `! REFSPEC [rejected] (stale info)`, `[remote rejected] (pre-receive hook declined)`.
fn unpushed(doing: &str, answer: &Answer) -> PushError {
    let report = String::from_utf8_lossy(&answer.stdout);
    let said = answer.words();
    let Some(line) = report.lines().find(|line| line.starts_with('!')) else {
        return match is_forbidden(&said) {
            true => PushError::Forbidden(format!("{doing}: {said}")),
            false => PushError::Fault(unreached(doing, answer)),
        };
    };
    let line = line.rsplit('\t').next().unwrap_or(line).trim();
    let words = format!("{doing}: {line} ({said})");
    let moved = ["stale info", "fetch first", "non-fast-forward", "already exists", "incorrect old value"];
    match moved.iter().any(|word| line.contains(word)) {
        true => PushError::Moved(words),
        false if is_forbidden(&said) => PushError::Forbidden(words),
        false => PushError::Refused(words),
    }
}

#[cfg(test)]
#[path = "git_branches_tests.rs"]
mod tests;
