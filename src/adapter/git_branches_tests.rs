//! Branches by git itself: a clone with a person's unfinished work in it, and a bare repository as its remote.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapter::git::tests::Repository;
use crate::engine::propose::{self, Target, Tip};
use crate::model::File;
use crate::report::proposal::Mark;

const BRANCH: &str = "bump/web/agent-1.1";

/// A repository with a remote that has its first commit, and with work that nobody has committed.
struct Desk {
    repo: Repository,
    remote: Repository,
    first: String,
}

impl Desk {
    fn new() -> Self {
        let (repo, remote) = (Repository::new(), Repository::new());
        let path = remote.folder.path().join("origin.git");
        let path = path.to_str().unwrap();
        remote.git(&["init", "-q", "--bare", "-b", "main", path]);
        repo.git(&["remote", "add", "origin", path]);
        repo.write("products/web/product.yaml", "version: 1\n");
        repo.write("products/web/run.sh", "#!/bin/sh\n");
        let script = repo.folder.path().join("products/web/run.sh");
        std::fs::set_permissions(script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let first = repo.commit();
        repo.git(&["push", "-q", "origin", "main"]);
        repo.write("products/web/product.yaml", "version: mine\n");
        repo.write("products/web/staged", "staged");
        repo.git(&["add", "products/web/staged"]);
        repo.write("untracked", "x");
        Self { repo, remote, first }
    }

    /// Everything that a person would notice: what is checked out, the index to the byte, references.
    fn untouched(&self) -> (String, Vec<u8>, String, String) {
        let index = std::fs::read(self.repo.folder.path().join(".git/index")).unwrap();
        let refs = self.repo.git(&["for-each-ref", "refs/heads", "refs/tags"]);
        (self.repo.git(&["status", "--porcelain"]), index, refs, self.repo.git(&["rev-parse", "HEAD"]))
    }

    fn there(&self, args: &[&str]) -> String {
        let path = self.remote.folder.path().join("origin.git");
        let mut all = vec!["-C", path.to_str().unwrap()];
        all.extend(args);
        self.remote.git(&all)
    }

    /// A commit on top of another one with this text, pushed by somebody to the branch.
    async fn pushed(&self, parent: &str, text: &str, was: Option<&str>) -> String {
        let git = self.repo.adapter();
        let tree = git.write(parent, &files(text)).await.unwrap();
        let commit = Branches::commit(&git, &tree, parent, "more\n").await.unwrap();
        git.push("origin", BRANCH, &commit, was).await.unwrap();
        commit
    }
}

fn files(text: &str) -> Tree {
    let mut tree = Tree::new();
    let file = |text: &str| File { bytes: text.as_bytes().into(), executable: false };
    tree.insert("products/web/product.yaml", file(text));
    tree.insert("products/web/deep/größe \"x\".md", file("new\r\n"));
    tree
}

#[tokio::test]
async fn a_branch_is_made_and_pushed_beside_what_a_person_does() {
    let desk = Desk::new();
    let before = desk.untouched();
    let git = desk.repo.adapter();
    let heads = git.heads("origin", "bump/web/").await.unwrap();
    assert_eq!((heads.default.as_str(), &heads.commit, heads.branches.len()), ("main", &desk.first, 0));
    git.fetch("origin", &["main"]).await.unwrap();
    let commit = desk.pushed(&heads.commit, "version: 2\n", None).await;
    assert_eq!(desk.untouched(), before, "nothing of the person's moved");
    assert_eq!(desk.there(&["rev-parse", BRANCH]), commit);
    assert_eq!(desk.there(&["show", &format!("{BRANCH}:products/web/product.yaml")]), "version: 2");
    assert_eq!(desk.there(&["log", "-1", "--format=%an %P", BRANCH]), format!("Ada {}", desk.first));
    let changed = git.changed(&heads.commit, &commit).await.unwrap();
    let paths: Vec<(&str, &str)> = changed.iter().map(|one| (one.path.as_str(), one.mode.as_str())).collect();
    assert_eq!(
        paths,
        [("products/web/deep/größe \"x\".md", "100644"), ("products/web/product.yaml", "100644")]
    );
    assert_eq!(
        desk.there(&["ls-tree", BRANCH, "products/web/run.sh"]).split(' ').next(),
        Some("100755"),
        "what did not change stays as it is"
    );
    let heads = git.heads("origin", "bump/web/").await.unwrap();
    assert_eq!(heads.branches.get(BRANCH), Some(&commit));
    assert!(git.heads("origin", "bump/we/").await.unwrap().branches.is_empty());
}

#[tokio::test]
async fn a_branch_that_is_not_where_it_was_is_not_pushed_over() {
    let desk = Desk::new();
    let git = desk.repo.adapter();
    let mine = desk.pushed(&desk.first, "version: 2\n", None).await;
    let theirs = desk.pushed(&mine, "version: theirs\n", Some(&mine)).await;
    let tree = git.write(&desk.first, &files("version: 3\n")).await.unwrap();
    let other = Branches::commit(&git, &tree, &desk.first, "again\n").await.unwrap();
    for was in [None, Some(mine.as_str())] {
        let error = git.push("origin", BRANCH, &other, was).await.unwrap_err();
        assert!(matches!(error, PushError::Moved(_)), "{error}");
    }
    assert_eq!(desk.there(&["rev-parse", BRANCH]), theirs);
    git.push("origin", BRANCH, &other, Some(&theirs)).await.unwrap();
    assert_eq!(desk.there(&["rev-parse", BRANCH]), other, "whoever saw the commit may go over it");
}

#[tokio::test]
async fn the_commits_of_a_branch_are_read_with_what_they_say() {
    let desk = Desk::new();
    let git = desk.repo.adapter();
    let one = desk.pushed(&desk.first, "version: 2\n", None).await;
    let two = desk.pushed(&one, "version: 3\n", Some(&one)).await;
    let all = git.since(&desk.first, &two, 50).await.unwrap();
    let seen: Vec<(&str, &[String])> =
        all.iter().map(|one| (one.id.as_str(), one.parents.as_slice())).collect();
    assert_eq!(seen, [(two.as_str(), &[one.clone()][..]), (one.as_str(), &[desk.first.clone()][..])]);
    assert_eq!((all[0].author.as_str(), all[0].message.as_str()), ("Ada <ada@example.com>", "more"));
    assert_eq!(git.since(&desk.first, &two, 1).await.unwrap().len(), 1);
    assert!(git.since(&two, &one, 50).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_says_no_and_one_that_is_gone_are_told_apart() {
    let desk = Desk::new();
    let git = desk.repo.adapter();
    let hook = desk.remote.folder.path().join("origin.git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho 'only on Mondays' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let tree = git.write(&desk.first, &files("version: 2\n")).await.unwrap();
    let commit = Branches::commit(&git, &tree, &desk.first, "x\n").await.unwrap();
    let error = git.push("origin", BRANCH, &commit, None).await.unwrap_err();
    assert!(matches!(&error, PushError::Refused(words) if words.contains("only on Mondays")), "{error}");
    let fault = git.addresses("nowhere").await.unwrap_err();
    assert!(fault.message.contains("no remote `nowhere`"), "{fault}");
    desk.repo.git(&["config", "remote.origin.url", "https://github.com/a/b.git"]);
    let folder = format!("url.{}.insteadOf", desk.remote.folder.path().join("origin.git").display());
    desk.repo.git(&["config", &folder, "https://github.com/a/b.git"]);
    let addresses = git.addresses("origin").await.unwrap();
    assert!(
        addresses[0].ends_with("origin.git") && addresses[1] == "https://github.com/a/b.git",
        "{addresses:?}"
    );
    desk.repo.git(&["remote", "add", "empty", desk.repo.folder.path().join("none").to_str().unwrap()]);
    assert!(git.heads("empty", "x").await.is_err());
}

#[tokio::test]
async fn a_hook_of_this_machine_does_not_run() {
    let desk = Desk::new();
    let hook = desk.repo.folder.path().join(".git/hooks/pre-push");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    desk.pushed(&desk.first, "version: 2\n", None).await;
}

#[tokio::test]
async fn a_shallow_clone_does_not_say_whose_commits_a_branch_has() {
    let desk = Desk::new();
    desk.repo.write("untracked", "y");
    let second = desk.repo.commit();
    desk.repo.git(&["push", "-q", "origin", "HEAD:main"]);
    // A bump of the first commit, of somebody else.
    let commit = desk.pushed(&desk.first, "version: 2\n", None).await;
    let from = format!("file://{}", desk.remote.folder.path().join("origin.git").display());
    let copies = tempfile::tempdir().unwrap();
    let tip = async |name: &str, depth: &[&str]| {
        let copy = copies.path().join(name);
        let mut args = vec!["clone", "-q"];
        args.extend(depth);
        args.extend([from.as_str(), copy.to_str().unwrap()]);
        desk.repo.git(&args);
        let target = Target {
            remote: "origin".to_owned(),
            into: "main".to_owned(),
            base: second.clone(),
            branches: [(BRANCH.to_owned(), commit.clone())].into(),
        };
        let bump = "x 2".to_owned();
        let mark = Mark { product: "web".to_owned(), bump, edits: String::new() };
        propose::tip(&GitCli::at(copy), &target, BRANCH, &mark).await
    };
    assert!(matches!(tip("whole", &[]).await, Ok(Tip::Foreign { .. })));
    let why = tip("shallow", &["--depth", "1"]).await.unwrap_err().to_string();
    assert!(why.starts_with("the repository is a shallow clone"), "{why}");
}
