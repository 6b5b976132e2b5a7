//! Where the journal of a repository lies: never in the tree, one for each repository, in the
//! user's state folder unless somebody names a file. Flag and variable are read by `cli`.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

use crate::digest;
use crate::port::{Fault, Git};

/// The journal's file.
///
/// `named` is what `--journal` or `TIDEGATE_JOURNAL` says; else it is
/// `STATE/tidegate/HASH/journal.db`, where STATE is `$XDG_STATE_HOME`, else `~/.local/state` (XDG
/// Base Directory Specification), and HASH is of the repository's first commit. The folder is made
/// (mode 0700).
///
/// # Errors
/// Permanent when there is neither a name nor a home folder, or the first commit is not known;
/// transient when the folder can't be made.
pub async fn journal(named: Option<&Path>, git: &dyn Git) -> Result<PathBuf, Fault> {
    if let Some(named) = named {
        return std::path::absolute(named)
            .map_err(|error| Fault::permanent(format!("the journal `{}`: {error}", named.display())));
    }
    let strategy = etcetera::base_strategy::Xdg::new().map_err(|_| {
        Fault::permanent(
            "there is no home folder for the journal: name a file with --journal or TIDEGATE_JOURNAL",
        )
    })?;
    // XDG always has one; the fallback is what it would be.
    let state = strategy.state_dir().unwrap_or_else(|| strategy.home_dir().join(".local/state"));
    in_state(&state, &git.first_commit().await?)
}

fn in_state(state: &Path, first_commit: &str) -> Result<PathBuf, Fault> {
    use std::os::unix::fs::DirBuilderExt;
    let folder = state.join("tidegate").join(&digest::bytes(first_commit.as_bytes()).hex()[..16]);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| {
        Fault::transient(format!("making the journal's folder `{}`: {error}", folder.display()))
    })?;
    Ok(folder.join("journal.db"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::adapter::git::tests::Repository;

    #[tokio::test]
    async fn a_named_journal_is_taken_as_it_is_and_needs_no_repository() {
        let nowhere = crate::adapter::git::GitCli::at("/nowhere");
        let found = journal(Some(Path::new("/a/b.db")), &nowhere).await.unwrap();
        assert_eq!(found, Path::new("/a/b.db"));
        assert!(journal(Some(Path::new("b.db")), &nowhere).await.unwrap().is_absolute());
    }

    #[tokio::test]
    async fn every_repository_has_a_journal_of_its_own_and_its_clones_share_it() {
        use std::os::unix::fs::PermissionsExt;
        let state = tempfile::tempdir().unwrap();
        let repo = Repository::new();
        repo.write("a", "1");
        repo.commit();
        let first = repo.adapter().first_commit().await.unwrap();
        let mine = in_state(state.path(), &first).unwrap();
        repo.commit();
        assert_eq!(in_state(state.path(), &repo.adapter().first_commit().await.unwrap()).unwrap(), mine);
        assert_ne!(in_state(state.path(), "another").unwrap(), mine);
        let folder = mine.parent().unwrap();
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(folder.starts_with(state.path()));
    }
}
