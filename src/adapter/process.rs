//! Runs a program to its end for an answer: with a deadline over everything, a limit on what it
//! prints, no terminal, and a process group of its own that goes away with the call. Long-running
//! scripts of products are for `exec`; what an exit code means is for the caller.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::port::Fault;

/// The most that a program may print before it is ended, in bytes, unless the call says otherwise.
const MOST_OUTPUT: usize = 64 * 1024 * 1024;

/// The most of its error output that is kept, in bytes.
const MOST_WORDS: usize = 64 * 1024;

/// One call of a program.
pub(super) struct Call {
    program: PathBuf,
    command: Command,
    stdin: Vec<u8>,
    deadline: Duration,
    most: usize,
}

/// How the program ended and what it printed.
pub(super) struct Answer {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, its first bytes.
    pub stderr: Vec<u8>,
}

impl Answer {
    /// Whether it exited with 0.
    pub fn ok(&self) -> bool {
        self.code == Some(0)
    }

    /// The last six lines of its standard error as one, with credentials in addresses masked.
    pub fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = lines.get(lines.len().saturating_sub(6)..).unwrap_or_default().join("; ");
        let last: String = without_credentials(&last).chars().filter(|c| !c.is_control()).take(600).collect();
        match self.code {
            _ if !last.is_empty() => last,
            Some(code) => format!("it exited with {code} and said nothing"),
            None => "a signal ended it".to_owned(),
        }
    }
}

/// `https://user:token@host/` becomes `https://***@host/`.
fn without_credentials(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c == '/' || c == '\'' || c == '"' || c.is_whitespace());
        let authority = &after[..end.unwrap_or(after.len())];
        rest = match authority.rfind('@') {
            Some(sign) => {
                out.push_str("***");
                &after[sign..]
            }
            None => after,
        };
    }
    out.push_str(rest);
    out
}

impl Call {
    /// A call of a program, found on PATH unless it has a slash.
    pub fn new(program: impl AsRef<Path>, deadline: Duration) -> Self {
        let program = program.as_ref().to_owned();
        Self { command: Command::new(&program), program, stdin: Vec::new(), deadline, most: MOST_OUTPUT }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets the working folder.
    pub fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Removes inherited environment variables.
    pub fn without(mut self, names: impl IntoIterator<Item = OsString>) -> Self {
        for name in names {
            self.command.env_remove(name);
        }
        self
    }

    /// Starts from an empty environment.
    pub fn bare(mut self) -> Self {
        self.command.env_clear();
        self
    }

    /// Gives it this on standard input.
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = bytes;
        self
    }

    /// Sets the most that it may print.
    pub fn most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    fn name(&self) -> String {
        self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy().into_owned()
    }

    /// Runs it.
    ///
    /// # Errors
    /// Permanent when the program can't be started or prints too much, transient when its time
    /// passes. No error carries an argument, an environment value or output.
    pub async fn run(mut self) -> Result<Answer, Fault> {
        let name = self.name();
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = self.command.spawn().map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                Fault::permanent(format!("the program `{}` was not found", self.program.display()))
            } else {
                Fault::permanent(format!(
                    "the program `{}` can't be started: {error}",
                    self.program.display()
                ))
            }
        })?;
        let group = Group::of(child.id());
        let broken = |error: std::io::Error| Fault::transient(format!("talking to {name}: {error}"));
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Fault::transient(format!("{name} was started without its pipes")));
        };
        let input = std::mem::take(&mut self.stdin);
        let most = self.most;
        let whole = async {
            let feed = async move {
                // A program that does not read to the end has its reasons; its exit code tells.
                let _ = stdin.write_all(&input).await;
                drop(stdin);
                Ok::<(), std::io::Error>(())
            };
            let ((), stdout, stderr) =
                tokio::try_join!(feed, read_some(stdout, most.saturating_add(1)), read_words(stderr))?;
            if stdout.len() > most {
                return Ok(None);
            }
            let status = child.wait().await?;
            Ok::<_, std::io::Error>(Some(Answer { code: status.code(), stdout, stderr }))
        };
        match tokio::time::timeout(self.deadline, whole).await {
            Ok(Ok(Some(answer))) => {
                group.gone();
                Ok(answer)
            }
            Ok(Ok(None)) => Err(Fault::permanent(format!("{name} printed more than {most} bytes"))),
            Ok(Err(error)) => Err(broken(error)),
            Err(_) => Err(Fault::transient(format!(
                "{name} did not answer within {} s and was ended",
                self.deadline.as_secs_f32()
            ))),
        }
    }
}

async fn read_some(from: impl tokio::io::AsyncRead + Unpin, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most as u64).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// Keeps the first bytes and reads on, so that the program never waits for a full pipe.
async fn read_words(mut from: impl tokio::io::AsyncRead + Unpin) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut buffer = [0_u8; 8192];
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return Ok(kept);
        }
        let room = MOST_WORDS.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..n.min(room)]);
    }
}

/// A process group that is killed when this value goes away before [`Group::gone`] was said.
pub(super) struct Group(Option<rustix::process::Pid>);

impl Group {
    /// The group that this process leads.
    pub fn of(leader: Option<u32>) -> Self {
        Self(leader.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw))
    }

    /// Its leader ended and was waited for: its number may soon be another's.
    pub fn gone(mut self) {
        self.0 = None;
    }

    /// Sends a signal to every member; whether there was one.
    pub fn signal(&self, signal: rustix::process::Signal) -> bool {
        self.0.is_some_and(|group| rustix::process::kill_process_group(group, signal).is_ok())
    }

    /// The group's number.
    pub fn id(&self) -> Option<i32> {
        self.0.map(rustix::process::Pid::as_raw_pid)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::journal::FailureClass;

    fn sh(script: &str, deadline: u64) -> Call {
        Call::new("/bin/sh", Duration::from_millis(deadline)).args(["-c", script])
    }

    #[tokio::test]
    async fn input_goes_in_and_output_comes_out() {
        let answer = sh("cat; echo done >&2; exit 3", 10_000).stdin(vec![b'x'; 300_000]).run().await.unwrap();
        assert_eq!(answer.stdout.len(), 300_000);
        assert_eq!(answer.code, Some(3));
        assert_eq!(answer.words(), "done");
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", file.display());
        let started = std::time::Instant::now();
        let error = sh(&script, 500).run().await.err().unwrap();
        assert_eq!(error.class, FailureClass::Transient);
        assert!(started.elapsed() < Duration::from_secs(5));
        let pid: u32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        crate::adapter::host::tests::wait_until_dead(pid).await;
    }

    #[tokio::test]
    async fn endless_output_is_refused() {
        let error = sh("yes", 10_000).most(1000).run().await.err().unwrap();
        assert!(error.message.contains("more than 1000 bytes"), "{error}");
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let error = Call::new("no-such-program-x", Duration::from_secs(1)).run().await.err().unwrap();
        assert_eq!(error.class, FailureClass::Permanent);
        assert!(error.message.contains("no-such-program-x"));
    }

    #[test]
    fn credentials_in_addresses_are_masked() {
        assert_eq!(
            without_credentials("fatal: 'https://me:tok@en@host/x' and ssh://git@h/y, http://plain/z"),
            "fatal: 'https://***@host/x' and ssh://***@h/y, http://plain/z"
        );
    }
}
