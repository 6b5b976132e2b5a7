//! Scripts of products, each in a process group of its own. It decides what a script's world is
//! (folder, environment, no terminal), that the group is recorded before the script's first
//! instruction, and that a group always ends: at the deadline, when its leader ends, when the
//! caller goes away, and by an heir after a crash. What an exit code means is for the engine.
//!
//! The gate: the group starts as `/bin/sh`, which waits for a line on its standard input and then
//! becomes the program (`exec`, so the number stays). The line is written only after the record
//! was made; if we die before, the shell reads the end of file and leaves without running anything.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;

use super::host;
use super::process::Group;
use super::ring::Ring;
use super::temporary::Folder;
use crate::model::Tree;
use crate::port::{Fault, ScriptRequest, ScriptResult, Scripts, SpawnHook, Spawned};
use crate::render::Mask;

/// The variable that marks every process of a group, so that an heir can tell it from a stranger
/// that got the same number.
const MARK: &str = "TIDEGATE_GROUP";

/// What a script inherits of our environment, if it is set there. Nothing else: credentials of the
/// driver are no business of a product.
const INHERITED: [&str; 14] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TZ",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// The gate: becomes the program only after a line was read, with the line as its mark.
const GATE: &str = r#"IFS= read -r TIDEGATE_GROUP || exit 126; export TIDEGATE_GROUP; exec "$@" </dev/null"#;

/// Runs scripts on this host.
#[derive(Debug, Clone)]
pub struct LocalScripts {
    /// Between the request to end and the end.
    grace: Duration,
}

impl Default for LocalScripts {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalScripts {
    /// Runs scripts on this host; a script that is to end gets 10 s from SIGTERM to SIGKILL.
    pub fn new() -> Self {
        Self { grace: Duration::from_secs(10) }
    }

    /// Sets the time from SIGTERM to SIGKILL.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Asks a group to end, then ends it; returns when no process of it is left, or a kill did not
    /// help for ten seconds (a process in an uninterruptible wait); whether it is gone.
    async fn end_group(&self, members: &Members) -> bool {
        members.signal(Signal::TERM);
        if members.gone_within(self.grace, None).await {
            return true;
        }
        members.gone_within(Duration::from_secs(10), Some(Signal::KILL)).await
    }
}

/// The processes of a script: those that bear its mark, wherever they went, and, where the group's
/// number is known to be still its own, all of the group, marked or not.
struct Members {
    group: i32,
    mark: String,
    whole_group: bool,
}

impl Members {
    #[cfg(target_os = "linux")]
    fn alive(&self) -> Vec<i32> {
        host::processes()
            .into_iter()
            .filter(|(pid, stat)| {
                (self.whole_group && stat.group == self.group) || host::started_with(*pid, MARK, &self.mark)
            })
            .map(|(pid, _)| pid)
            .collect()
    }

    /// Without `/proc` the group is all that is known.
    #[cfg(not(target_os = "linux"))]
    fn alive(&self) -> Vec<i32> {
        let alive = self.whole_group
            && rustix::process::Pid::from_raw(self.group)
                .is_some_and(|group| rustix::process::test_kill_process_group(group).is_ok());
        if alive { vec![-self.group] } else { Vec::new() }
    }

    fn signal(&self, signal: Signal) {
        let group = rustix::process::Pid::from_raw(self.group).filter(|_| self.whole_group);
        if let Some(group) = group {
            // All at once, so that none can fork away in between. It may have ended by itself.
            let _ = rustix::process::kill_process_group(group, signal);
        }
        for pid in self.alive().into_iter().filter(|pid| *pid > 0) {
            if let Some(pid) = rustix::process::Pid::from_raw(pid)
                && (group.is_none() || !in_group(pid.as_raw_pid(), self.group))
            {
                let _ = rustix::process::kill_process(pid, signal);
            }
        }
    }

    /// Waits until none is left, sending the signal again and again if there is one.
    async fn gone_within(&self, limit: Duration, again: Option<Signal>) -> bool {
        let gone = async {
            while !self.alive().is_empty() {
                if let Some(signal) = again {
                    self.signal(signal);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(limit, gone).await.is_ok()
    }
}

fn in_group(pid: i32, group: i32) -> bool {
    host::stat(pid).is_some_and(|stat| stat.group == group)
}

fn mark_of(spawned: Spawned) -> String {
    format!("{}-{}", spawned.group, spawned.start_ticks)
}

/// Lays a tree out in a folder, with the executable bits.
///
/// # Errors
/// Transient: the disk may be full.
pub(super) fn lay_out(files: &Tree, folder: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::OpenOptionsExt;
    let broken = |path: &Path, error: std::io::Error| {
        Fault::transient(format!("laying out `{}`: {error}", path.display()))
    };
    for (path, file) in files.iter() {
        let clean = !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !clean {
            return Err(Fault::permanent(format!("`{path}` is no path within a product's folder")));
        }
        let target = folder.join(path);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(|e| broken(parent, e))?;
        }
        let mode = if file.executable { 0o755 } else { 0o644 };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        options
            .open(&target)
            .and_then(|mut to| std::io::Write::write_all(&mut to, &file.bytes))
            .map_err(|e| broken(&target, e))?;
    }
    Ok(())
}

/// The program to start: a file of the product when it has a slash and is relative, else found on
/// PATH. Found out before anything starts, so that the words are ours and not a shell's.
fn program(
    command: &[String],
    files: &Tree,
    folder: &Path,
    path: &std::ffi::OsStr,
) -> Result<PathBuf, Fault> {
    let Some(name) = command.first().filter(|name| !name.is_empty()) else {
        return Err(Fault::permanent("the command is empty: it needs a program"));
    };
    if name.starts_with('/') {
        let path = PathBuf::from(name);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(Fault::permanent(format!("the program `{name}` does not exist on this host")))
        };
    }
    if name.contains('/') {
        let inside = name.strip_prefix("./").unwrap_or(name);
        return match files.get(inside) {
            Some(file) if file.executable => Ok(folder.join(inside)),
            Some(_) => Err(Fault::permanent(format!(
                "`{inside}` is not executable in git: run `git update-index --chmod=+x` on it and tag a new version"
            ))),
            None => Err(Fault::permanent(format!("`{inside}` is no file of the product"))),
        };
    }
    std::env::split_paths(path)
        .map(|dir| dir.join(name))
        .find(|candidate| is_program(candidate))
        .ok_or_else(|| Fault::permanent(format!("the program `{name}` was not found on PATH")))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

fn environment(request: &ScriptRequest) -> BTreeMap<OsString, OsString> {
    let mut env: BTreeMap<OsString, OsString> = INHERITED
        .iter()
        .flat_map(|name| [(*name).to_owned(), name.to_lowercase()])
        .filter(|name| name.to_uppercase() == *name || name.ends_with("_proxy"))
        .filter_map(|name| Some((OsString::from(&name), std::env::var_os(&name)?)))
        .collect();
    env.entry("PATH".into()).or_insert_with(|| "/usr/local/bin:/usr/bin:/bin".into());
    env.extend(request.env.iter().map(|(name, value)| (name.into(), value.into())));
    env.extend(request.secrets.iter().map(|(name, value)| (name.into(), value.expose().into())));
    env
}

fn sane(name: &OsString, value: &OsString) -> bool {
    let name = name.as_encoded_bytes();
    !name.is_empty() && !name.contains(&b'=') && !name.contains(&0) && !value.as_encoded_bytes().contains(&0)
}

#[async_trait]
impl Scripts for LocalScripts {
    async fn run(
        &self,
        request: ScriptRequest,
        spawned: &(dyn SpawnHook + Sync),
    ) -> Result<ScriptResult, Fault> {
        let folder = Folder::new("run-")
            .map_err(|error| Fault::transient(format!("making a folder for a script: {error}")))?;
        lay_out(&request.files, folder.path())?;
        let env = environment(&request);
        if let Some((name, _)) = env.iter().find(|(name, value)| !sane(name, value)) {
            return Err(Fault::permanent(format!(
                "the environment variable `{}` has a name or a value that no process can get",
                name.to_string_lossy()
            )));
        }
        let path = env.get(std::ffi::OsStr::new("PATH")).cloned().unwrap_or_default();
        let program = program(&request.command, &request.files, folder.path(), &path)?;
        let mask = Mask::new(request.secrets.values().chain(&request.mask).map(|secret| secret.expose()));

        // One pipe for both streams keeps their order.
        let (reader, writer) =
            std::io::pipe().map_err(|error| Fault::transient(format!("making a pipe: {error}")))?;
        let other =
            writer.try_clone().map_err(|error| Fault::transient(format!("making a pipe: {error}")))?;
        let mut command = tokio::process::Command::new("/bin/sh");
        command
            .args(["-c", GATE, "sh"])
            .arg(&program)
            .args(request.command.iter().skip(1))
            .current_dir(folder.path())
            .env_clear()
            .envs(&env)
            .stdin(Stdio::piped())
            .stdout(Stdio::from(writer))
            .stderr(Stdio::from(other))
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| Fault::transient(format!("starting `{}`: {error}", request.command[0])))?;
        // Our copies of the pipe's writing end go, or its end would never come.
        drop(command);
        let group = Group::of(child.id());
        let gate = child.stdin.take();
        let (Some(id), Some(mut gate)) = (group.id(), gate) else {
            return Err(Fault::transient("a script was started without number or gate"));
        };
        let Some(start_ticks) = host::start_ticks(id) else {
            return Err(Fault::transient("a script ended before it was recorded"));
        };
        let us = Spawned { group: id, start_ticks };
        spawned.spawned(us).await?;

        let members = Members { group: id, mark: mark_of(us), whole_group: true };
        let members = KillOnDrop(Some(members));
        let output = pipe::Receiver::from_owned_fd(reader.into())
            .map_err(|error| Fault::transient(format!("reading a script's output: {error}")))?;
        let mut ring = Ring::new(mask);
        // If the gate is gone, so is the shell; the wait below says how.
        let _ = gate.write_all(format!("{}\n", mark_of(us)).as_bytes()).await;
        drop(gate);

        let mut timed_out = false;
        let status = {
            let end = async {
                tokio::select! {
                    status = child.wait() => status.map(Some),
                    // The pipe may close long before the program ends.
                    never = async { ring.read(&output).await; std::future::pending().await } => never,
                }
            };
            match tokio::time::timeout(request.timeout.std(), end).await {
                Ok(Ok(status)) => status,
                Ok(Err(error)) => {
                    return Err(Fault::transient(format!("waiting for a script: {error}")));
                }
                Err(_) => {
                    timed_out = true;
                    None
                }
            }
        };
        // What the leader left behind ends with it, and so does everything at the deadline. The
        // output is read on meanwhile, so that nobody hangs in a write.
        let last = async {
            let (gone, late) = tokio::join!(members.end(self), async {
                // A leader that nobody waited for stays in its group.
                if status.is_none() { child.wait().await.ok() } else { None }
            });
            (gone, status.or(late))
        };
        let (gone, status) = tokio::select! {
            ended = last => ended,
            never = async { ring.read(&output).await; std::future::pending().await } => never,
        };
        if !gone {
            return Err(Fault::transient(format!("the process group {id} of a script can't be ended")));
        }
        ring.read_rest(&output);
        members.gone();
        group.gone();
        Ok(ScriptResult {
            code: status.and_then(|status| status.code()).filter(|_| !timed_out),
            timed_out,
            output: ring.lines(),
        })
    }

    async fn end(&self, spawned: Spawned) -> Result<bool, Fault> {
        // Before the gate opened there is a leader without mark, known by its start. After it ended,
        // a marked process in the group proves that the group's number was not used again.
        let leader = host::start_ticks(spawned.group) == Some(spawned.start_ticks);
        let mut members = Members { group: spawned.group, mark: mark_of(spawned), whole_group: leader };
        let alive = members.alive();
        if alive.is_empty() {
            return Ok(false);
        }
        members.whole_group = leader || alive.iter().any(|pid| in_group(*pid, spawned.group));
        if self.end_group(&members).await {
            return Ok(true);
        }
        Err(Fault::transient(format!(
            "the process group {} of an earlier driver can't be ended",
            spawned.group
        )))
    }
}

/// Kills a script's processes when the caller goes away.
struct KillOnDrop(Option<Members>);

impl KillOnDrop {
    async fn end(&self, scripts: &LocalScripts) -> bool {
        match &self.0 {
            Some(members) => scripts.end_group(members).await,
            None => true,
        }
    }

    fn gone(mut self) {
        self.0 = None;
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(members) = &self.0 {
            members.signal(Signal::KILL);
        }
    }
}

#[cfg(test)]
#[path = "exec_tests.rs"]
mod tests;
