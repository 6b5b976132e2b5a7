//! Platforms in a folder, for tests that run the binary as people do: their files, their git, and the binary with
//! a home of its own.

use std::path::Path;
use std::process::Command;

/// Who commits.
const NAME: (&str, &str) = ("a", "a@example.com");

/// Writes a file of a platform, with its folders.
pub fn write(repo: &Path, path: &str, text: &str) {
    let path = repo.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Writes the file of sources.
pub fn sources(repo: &Path, spec: &str) {
    let head = "apiVersion: tidegate.dev/v1\nkind: Sources\nmetadata: { name: fake }\nspec:\n";
    write(repo, "pipelines/sources.yaml", &format!("{head}{spec}"));
}

/// Hosts of the file of sources, with the address that is asked instead of each.
pub fn hosts<'h>(all: impl IntoIterator<Item = (&'h str, &'h str)>, address: &str) -> String {
    let line = |(host, path)| format!("    - {{ host: {host}, endpoint: \"{address}/{path}\" }}\n");
    format!("  hosts:\n{}", all.into_iter().map(line).collect::<String>())
}

/// Runs git, which has to do what it is told.
pub fn git(repo: &Path, args: &[&str]) {
    let (name, mail) = NAME;
    let mut git = Command::new("git");
    git.arg("-c").arg(format!("user.name={name}")).arg("-c").arg(format!("user.email={mail}"));
    let ran = git.args(args).current_dir(repo).output().unwrap();
    assert!(ran.status.success(), "{args:?} {}", String::from_utf8_lossy(&ran.stderr));
}

/// Makes a repository of a folder, with a commit in it.
pub fn begin(repo: &Path) {
    git(repo, &["init", "-q", "."]);
    git(repo, &["commit", "-q", "--allow-empty", "-m", "one"]);
}

/// The binary in a repository, with nothing of whoever runs the tests but the programs that they have.
pub fn tidegate(home: &Path, repo: &Path) -> Command {
    let (name, mail) = NAME;
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command
        .current_dir(repo)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_STATE_HOME", home.join("state"))
        .envs([("GIT_AUTHOR_NAME", name), ("GIT_AUTHOR_EMAIL", mail)])
        .envs([("GIT_COMMITTER_NAME", name), ("GIT_COMMITTER_EMAIL", mail)]);
    command
}
