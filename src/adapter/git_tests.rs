//! The git adapter against real repositories.
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::journal::FailureClass;

/// A repository with one commit per call.
pub struct Repository {
    pub folder: tempfile::TempDir,
}

impl Repository {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let it = Self { folder };
        it.git(&["init", "-q", "-b", "main"]);
        it.git(&["config", "user.email", "ada@example.com"]);
        it.git(&["config", "user.name", "Ada"]);
        it
    }

    pub fn git(&self, args: &[&str]) -> String {
        let output = std::process::Command::new("git")
            .args(args)
            .current_dir(self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn commit(&self) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "more"]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub fn adapter(&self) -> GitCli {
        GitCli::at(self.folder.path())
    }
}

#[tokio::test]
async fn a_tree_is_read_from_objects_and_not_from_the_working_tree() {
    let repo = Repository::new();
    repo.write("products/web/product.yaml", "a: 1\n");
    repo.write("products/web/run.sh", "#!/bin/sh\n");
    repo.write("products/web/deep/empty", "");
    repo.write("products/website/other", "not ours");
    std::fs::set_permissions(
        repo.folder.path().join("products/web/run.sh"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let commit = repo.commit();
    repo.write("products/web/product.yaml", "a: 2\n");
    let tree = repo.adapter().tree(&commit, "products/web").await.unwrap().unwrap();
    let seen: Vec<(&str, bool, &[u8])> =
        tree.iter().map(|(path, file)| (path, file.executable, &*file.bytes)).collect();
    assert_eq!(
        seen,
        [
            ("deep/empty", false, &b""[..]),
            ("product.yaml", false, b"a: 1\n"),
            ("run.sh", true, b"#!/bin/sh\n")
        ]
    );
    let whole = repo.adapter().tree(&commit, "").await.unwrap().unwrap();
    assert!(whole.get("products/website/other").is_some());
}

#[tokio::test]
async fn what_is_not_there_is_none() {
    let repo = Repository::new();
    repo.write("file", "x");
    let commit = repo.commit();
    let git = repo.adapter();
    assert!(git.tree(&commit, "products/web").await.unwrap().is_none());
    assert!(git.tree(&commit, "file").await.unwrap().is_none());
    assert!(git.tree(&"a".repeat(40), "").await.unwrap().is_none());
    assert!(git.tree("--all", "").await.unwrap().is_none());
    assert!(git.tag("web/v1.0.0").await.unwrap().is_none());
}

#[tokio::test]
async fn symbolic_links_submodules_and_lfs_pointers_are_refused_by_name() {
    let repo = Repository::new();
    repo.write("p/a.yaml", "a: 1\n");
    repo.write("p/big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    std::os::unix::fs::symlink("/etc/passwd", repo.folder.path().join("p/link")).unwrap();
    let first = repo.commit();
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},p/sub")]);
    repo.git(&["commit", "-q", "-m", "submodule"]);
    let commit = repo.git(&["rev-parse", "HEAD"]);
    let fault = repo.adapter().tree(&commit, "p").await.unwrap_err();
    assert_eq!(fault.class, FailureClass::Permanent);
    for word in ["`link` is a symbolic link", "`sub` is a submodule", "`big.bin` is a pointer to Git LFS"] {
        assert!(fault.message.contains(word), "{word}: {fault}");
    }
}

#[tokio::test]
async fn names_with_blanks_and_umlauts_come_back_as_they_are() {
    let repo = Repository::new();
    repo.write("p/größe \"x\".yaml", "a");
    repo.write("p/[glob]*.yaml", "b");
    let commit = repo.commit();
    let tree = repo.adapter().tree(&commit, "p").await.unwrap().unwrap();
    let names: Vec<&str> = tree.iter().map(|(path, _)| path).collect();
    assert_eq!(names, ["[glob]*.yaml", "größe \"x\".yaml"]);
}

#[tokio::test]
async fn an_annotated_tag_names_its_commit_and_keeps_its_message() {
    let repo = Repository::new();
    let commit = repo.commit();
    let git = repo.adapter();
    let message = "release R1\n\n# not a comment\nplan: sha256:1";
    git.create_tag("release/R1/staging", &commit, message).await.unwrap();
    git.create_tag("release/R1/prod", &commit, "x").await.unwrap();
    repo.git(&["tag", "web/v1.0.0"]);
    repo.git(&["tag", "-a", "-m", "outer", "nested", "release/R1/prod"]);
    let tag = git.tag("release/R1/staging").await.unwrap().unwrap();
    assert_eq!(
        tag,
        GitTag { name: "release/R1/staging".into(), commit: commit.clone(), message: Some(message.into()) }
    );
    let light = git.tag("web/v1.0.0").await.unwrap().unwrap();
    assert_eq!((light.commit.as_str(), light.message), (commit.as_str(), None));
    assert_eq!(git.tag("nested").await.unwrap().unwrap().commit, commit);
    let names: Vec<String> = git.tags("release/R1/").await.unwrap().into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["release/R1/prod", "release/R1/staging"]);
    assert_eq!(git.tags("release/R1/st").await.unwrap().len(), 1);
    assert_eq!(git.tags("").await.unwrap().len(), 4);
    assert!(git.tag("release/R1").await.unwrap().is_none(), "a folder of tags is no tag");
}

#[tokio::test]
async fn a_tag_is_made_once_and_only_on_a_commit_that_exists() {
    let repo = Repository::new();
    let commit = repo.commit();
    let git = repo.adapter();
    git.create_tag("a/b", &commit, "x").await.unwrap();
    assert!(git.create_tag("a/b", &commit, "x").await.unwrap_err().message.contains("exists"));
    assert!(git.create_tag("a", &commit, "x").await.is_err(), "git can't hold `a` beside `a/b`");
    assert!(
        git.create_tag("c", &"0".repeat(40), "x")
            .await
            .unwrap_err()
            .message
            .contains("not in the repository")
    );
    for bad in ["-d", "a b", "x..y", "", "x.lock"] {
        assert!(git.create_tag(bad, &commit, "x").await.is_err(), "`{bad}` was taken");
    }
}

#[tokio::test]
async fn a_tag_is_made_without_a_configured_identity_and_is_never_signed() {
    let repo = Repository::new();
    let commit = repo.commit();
    repo.git(&["config", "--unset", "user.email"]);
    repo.git(&["config", "--unset", "user.name"]);
    repo.git(&["config", "user.useConfigOnly", "true"]);
    repo.git(&["config", "tag.gpgSign", "true"]);
    repo.adapter().create_tag("t", &commit, "x").await.unwrap();
    assert!(repo.git(&["cat-file", "tag", "t"]).contains("tagger "));
}

#[tokio::test]
async fn a_pushed_tag_arrives_and_a_second_one_of_that_name_is_rejected_for_good() {
    let remote = tempfile::tempdir().unwrap();
    let repo = Repository::new();
    repo.git(&["init", "-q", "--bare", remote.path().to_str().unwrap()]);
    repo.git(&["remote", "add", "origin", remote.path().to_str().unwrap()]);
    let commit = repo.commit();
    let git = repo.adapter();
    git.create_tag("release/R1/w", &commit, "x").await.unwrap();
    git.push_tag("origin", "release/R1/w").await.unwrap();
    git.push_tag("origin", "release/R1/w").await.unwrap();
    assert!(GitCli::at(remote.path()).tag("release/R1/w").await.unwrap().is_some());
    repo.git(&["tag", "-d", "release/R1/w"]);
    let other = repo.commit();
    git.create_tag("release/R1/w", &other, "y").await.unwrap();
    let fault = git.push_tag("origin", "release/R1/w").await.unwrap_err();
    assert_eq!(fault.class, FailureClass::Permanent, "{fault}");
    let fault = git.push_tag("nowhere", "release/R1/w").await.unwrap_err();
    assert_eq!(fault.class, FailureClass::Permanent, "{fault}");
}

#[tokio::test]
async fn dirty_names_changed_staged_removed_and_new_files_below_a_folder() {
    let repo = Repository::new();
    for path in ["products/a", "products/b", "products/c", "releases/r", "other"] {
        repo.write(path, "1");
    }
    repo.commit();
    let git = repo.adapter();
    assert!(git.dirty(&[]).await.unwrap().is_empty());
    repo.write("products/a", "2");
    repo.write("products/b", "2");
    repo.git(&["add", "products/b"]);
    std::fs::remove_file(repo.folder.path().join("products/c")).unwrap();
    repo.write("products/new/x y", "1");
    repo.write("other", "2");
    assert_eq!(
        git.dirty(&["products", "releases"]).await.unwrap(),
        ["products/a", "products/b", "products/c", "products/new/x y"]
    );
    assert_eq!(git.dirty(&[]).await.unwrap().len(), 5);
}

#[tokio::test]
async fn head_first_commit_and_identity_are_told() {
    let repo = Repository::new();
    let git = repo.adapter();
    assert!(git.head().await.unwrap_err().message.contains("no commit yet"));
    assert_eq!(git.first_commit().await.unwrap_err().message, "the repository has no commit yet");
    let first = repo.commit();
    let second = repo.commit();
    assert_eq!(git.head().await.unwrap(), second);
    assert_eq!(git.first_commit().await.unwrap(), first);
    assert_eq!(git.identity().await.unwrap().as_deref(), Some("ada@example.com"));
    let found = GitCli::discover(repo.folder.path()).await.unwrap();
    assert_eq!(found.root().canonicalize().unwrap(), repo.folder.path().canonicalize().unwrap());
    let nowhere = tempfile::tempdir().unwrap();
    let fault = GitCli::discover(nowhere.path()).await.unwrap_err();
    assert!(fault.message.contains("does not lie in a git repository"), "{fault}");
    let fault = GitCli::discover(&nowhere.path().join("x")).await.unwrap_err();
    assert!(fault.message.starts_with("there is no folder"), "{fault}");
}

#[tokio::test]
async fn the_first_commit_of_a_shallow_clone_is_not_guessed() {
    let repo = Repository::new();
    repo.commit();
    repo.commit();
    let copy = tempfile::tempdir().unwrap();
    let from = format!("file://{}", repo.folder.path().display());
    repo.git(&["clone", "-q", "--depth", "1", &from, copy.path().join("c").to_str().unwrap()]);
    let fault = GitCli::at(copy.path().join("c")).first_commit().await.unwrap_err();
    assert!(fault.message.contains("git fetch --unshallow"), "{fault}");
}

#[tokio::test]
async fn replace_refs_change_nothing() {
    let repo = Repository::new();
    repo.write("p/f", "true content");
    let commit = repo.commit();
    repo.write("p/f", "forged");
    let forged = repo.commit();
    repo.git(&["replace", &commit, &forged]);
    let tree = repo.adapter().tree(&commit, "p").await.unwrap().unwrap();
    assert_eq!(&*tree.get("f").unwrap().bytes, b"true content");
}

#[tokio::test]
async fn several_folders_become_one_tree() {
    let repo = Repository::new();
    repo.write("products/a", "1");
    repo.write("releases/r", "2");
    repo.write("other", "3");
    let commit = repo.commit();
    let git = repo.adapter();
    let tree = folders(&git, &commit, &["products", "releases", "pipelines"]).await.unwrap().unwrap();
    let names: Vec<&str> = tree.iter().map(|(path, _)| path).collect();
    assert_eq!(names, ["products/a", "releases/r"]);
    assert!(folders(&git, &commit, &["pipelines"]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_commit_descends_from_itself_and_from_those_before_it_and_one_that_is_not_there_is_a_fault() {
    let repo = Repository::new();
    repo.write("a", "1");
    let first = repo.commit();
    let second = repo.commit();
    repo.git(&["checkout", "-q", "-b", "side", &first]);
    repo.write("a", "2");
    let side = repo.commit();
    let git = repo.adapter();
    assert!(git.descends(&first, &first).await.unwrap());
    assert!(git.descends(&second, &first).await.unwrap());
    assert!(!git.descends(&first, &second).await.unwrap());
    assert!(!git.descends(&side, &second).await.unwrap());
    for absent in ["d".repeat(40), "-x".to_owned()] {
        let fault = git.descends(&second, &absent).await.unwrap_err();
        assert!(fault.message.contains("git fetch"), "{fault}");
    }
}
