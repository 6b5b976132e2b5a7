//! A laboratory: a git repository of its own, a journal of its own, and the real binary, run as a
//! user would run it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A repository with everything that the binary needs around it.
pub struct Lab {
    folder: TempDir,
    env: BTreeMap<String, String>,
}

/// What a run of the binary left behind.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// The same, if it ended with 0; panics with everything it said otherwise.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// The same, if it ended with this code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("no JSON ({e}):\n{}\n{}", self.out, self.err))
    }
}

impl Lab {
    /// An empty repository with one commit, so that it has an identity.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("tidegate-lab-").tempdir().unwrap();
        let repo = folder.path().join("repo");
        fs::create_dir_all(&repo).unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir_all(path("home")).unwrap();
        let mut env: BTreeMap<String, String> = [
            ("HOME", path("home")),
            ("XDG_STATE_HOME", path("state")),
            ("TIDEGATE_JOURNAL", path("journal.db")),
            ("TIDEGATE_LEASE", "6s".to_owned()),
            ("TIDEGATE_REQUEST_TIMEOUT", "3s".to_owned()),
            ("TIDEGATE_REACH_TIMEOUT", "4s".to_owned()),
            ("TIDEGATE_VERIFY_TIMEOUT", "20s".to_owned()),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("GIT_AUTHOR_NAME", "Rosa".to_owned()),
            ("GIT_AUTHOR_EMAIL", "rosa@example.com".to_owned()),
            ("GIT_COMMITTER_NAME", "Rosa".to_owned()),
            ("GIT_COMMITTER_EMAIL", "rosa@example.com".to_owned()),
            ("NO_COLOR", "1".to_owned()),
            ("COLUMNS", "120".to_owned()),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v))
        .collect();
        env.insert("PATH".to_owned(), std::env::var("PATH").unwrap());
        let lab = Self { folder, env };
        lab.git(&["init", "--quiet", "--initial-branch=main"]);
        lab.git(&["config", "user.email", "rosa@example.com"]);
        lab.git(&["config", "user.name", "Rosa"]);
        lab.git(&["commit", "--quiet", "--allow-empty", "-m", "begin"]);
        lab
    }

    /// A repository that holds the sample platform of this one.
    pub fn with_sample() -> Self {
        Self::with_copies(&["products", "releases", "pipelines", "docs/examples"])
    }

    /// A repository with the products and releases of the sample platform: its fleet has clusters
    /// that nobody can reach, and its calendar and pins are made for them.
    pub fn with_products() -> Self {
        Self::with_copies(&["products", "releases"])
    }

    fn with_copies(folders: &[&str]) -> Self {
        let lab = Self::new();
        for folder in folders {
            copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &lab.repo().join(folder));
        }
        fs::create_dir_all(lab.repo().join("pipelines")).unwrap();
        lab
    }

    /// Lets nothing out of this machine: every way there ends at nobody.
    pub fn alone(mut self) -> Self {
        self.set("HTTPS_PROXY", "http://127.0.0.1:1");
        self.set("HTTP_PROXY", "http://127.0.0.1:1");
        self
    }

    /// Sets a variable of every run to come.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.insert(name.to_owned(), value.into());
    }

    /// The repository.
    pub fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// The folder around the repository: for logs and other things that are not to be committed.
    pub fn around(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the repository.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.repo().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a file that may be executed.
    pub fn write_script(&self, path: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        self.write(path, text);
        fs::set_permissions(self.repo().join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Reads a file of the repository.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.repo().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Replaces text in a file; it must be there.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} does not contain {from:?}:\n{text}");
        self.write(path, &text.replace(from, to));
    }

    /// Commits everything.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
    }

    /// Runs git, and returns what it printed.
    pub fn git(&self, args: &[&str]) -> String {
        let out = Command::new("git")
            .args(args)
            .current_dir(self.repo())
            .env_clear()
            .envs(&self.env)
            .output()
            .unwrap();
        assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    /// The binary, ready to be started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(args).current_dir(self.repo()).env_clear().envs(&self.env).stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        let out = self.command(args).output().unwrap();
        Ran {
            code: out.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&out.stdout).into_owned(),
            err: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// Runs a line as it would be typed, split at spaces.
    pub fn tidegate(&self, line: &str) -> Ran {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs a line of a shell in the repository, both streams as one, as a person would see them.
    pub fn shell(&self, line: &str) -> Ran {
        let mut env = self.env.clone();
        let binary = Path::new(env!("CARGO_BIN_EXE_tidegate")).parent().unwrap();
        env.insert("PATH".to_owned(), format!("{}:{}", binary.display(), self.env["PATH"]));
        // The journal lies where it usually does: in the state folder, which is this laboratory's.
        env.remove("TIDEGATE_JOURNAL");
        let mut command = Command::new("bash");
        command.args(["-c", &format!("exec 2>&1\n{line}")]).current_dir(self.repo());
        let out = command.env_clear().envs(env).stdin(Stdio::null()).output().unwrap();
        Ran {
            code: out.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&out.stdout).into_owned(),
            err: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// Puts a folder with programs in front of the others.
    pub fn add_to_path(&mut self, folder: &Path) {
        let path = format!("{}:{}", folder.display(), self.env["PATH"]);
        self.env.insert("PATH".to_owned(), path);
    }

    /// The home folder of whoever works here.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Starts the binary and leaves it running; its output goes to a file beside the repository.
    pub fn spawn(&self, args: &[&str], log: &str) -> Child {
        let file = fs::OpenOptions::new().create(true).append(true).open(self.around().join(log)).unwrap();
        self.command(args).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap()
    }

    /// The journal's events, as `rollout events -o json` streams them.
    pub fn events(&self) -> Vec<serde_json::Value> {
        let ran = self.tidegate("rollout events -o json").ok();
        ran.out.lines().filter(|l| !l.trim().is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())) {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
