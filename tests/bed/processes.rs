//! Child processes that never outlive the harness. Decides how they are
//! started, signalled and reaped, also after a harness that was killed; what
//! they are is their caller's business.
//!
//! The parent-death signal fires when the *thread* that spawned a child ends,
//! so one thread, which lives as long as the process, spawns them all.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::tools::Tool;
use super::trouble::{Doing as _, Outcome, trouble};

type Order = (Command, mpsc::Sender<std::io::Result<Child>>);

fn spawn(command: Command) -> std::io::Result<Child> {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::Builder::new()
            .name("bed-spawner".into())
            .spawn(move || {
                for (mut command, answer) in inbox {
                    let _ = answer.send(command.spawn());
                }
            })
            .unwrap();
        Mutex::new(orders)
    });
    let (answer, child) = mpsc::channel();
    spawner.lock().unwrap().send((command, answer)).unwrap();
    child.recv().unwrap()
}

/// The folder of one run: pid files, logs, data. Its owner holds a lock on it,
/// so that whoever comes later can tell a dead run from a living one.
pub struct RunFolder {
    pub path: PathBuf,
    _owner: File,
}

impl RunFolder {
    /// Makes a new one, after ending and removing what dead runs left.
    pub fn create(cache: &Path) -> Outcome<Self> {
        let runs = cache.join("runs");
        fs::create_dir_all(&runs).doing(runs.display())?;
        for run in fs::read_dir(&runs).doing(runs.display())?.flatten() {
            bury(&run.path());
        }
        // Locked before it gets its name: nobody may take it for a dead one.
        let fresh =
            tempfile::Builder::new().prefix(".new-").tempdir_in(&runs).doing("making a run folder")?;
        let owner = File::create(fresh.path().join("owner")).doing("owner")?;
        owner.try_lock().doing("locking the run folder")?;
        fs::create_dir(fresh.path().join("pids")).doing("pids")?;
        let path = runs.join(format!(
            "{}-{}",
            std::process::id(),
            start_time(std::process::id()).unwrap_or_default()
        ));
        fs::rename(fresh.keep(), &path).doing(path.display())?;
        Ok(Self { path, _owner: owner })
    }
}

/// Ends what a dead run left running, and removes its folder.
fn bury(run: &Path) {
    let hidden = run.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
    match File::open(run.join("owner")) {
        Ok(owner) if owner.try_lock().is_err() => return,
        // Being made right now, or abandoned in the making: old ones go.
        Err(_) if hidden && young(run) => return,
        Ok(_) if hidden && young(run) => return,
        _ => {}
    }
    for entry in fs::read_dir(run.join("pids")).into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        let started = fs::read_to_string(entry.path()).ok();
        // A pid alone may belong to a stranger by now; with its start time not.
        if started.is_some() && start_time(pid) == started {
            send(pid, Signal::KILL);
        }
    }
    let _ = fs::remove_dir_all(run);
}

fn young(path: &Path) -> bool {
    let age = path.metadata().and_then(|m| m.modified());
    age.is_ok_and(|t| t.elapsed().unwrap_or_default() < Duration::from_secs(60))
}

/// When a process started, in the kernel's ticks since boot; `None` if it has
/// ended, reaped or not. Field 22 of /proc/PID/stat, counted after the name's
/// closing bracket.
pub fn start_time(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat[stat.rfind(')')? + 2..].split(' ');
    let alive = !matches!(fields.next()?, "Z" | "X");
    alive.then(|| fields.nth(18).map(str::to_owned))?
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// A running child, with its log.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    pid_file: PathBuf,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts `tool` in a clean environment, its output appended to
    /// `folder/NAME.log`.
    pub fn start<I, S>(run: &Path, folder: &Path, name: &str, tool: &Tool, args: I) -> Outcome<Self>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let log = folder.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log).doing(log.display())?;
        let mut command = if tool.leashed {
            Command::new(&tool.path)
        } else if let Some(setpriv) = setpriv() {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(&tool.path);
            command
        } else {
            Command::new(&tool.path)
        };
        command
            .args(args)
            .current_dir(folder)
            .env_clear()
            // No proxy, no kubeconfig, no config file of the user's.
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            // Measured: 400 starts an API server 15 % sooner and takes twice
            // the memory.
            .env("GOGC", "50")
            .env("TIDEGATE_BED_PARENT", std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(out.try_clone().doing(log.display())?)
            .stderr(out);
        // A Ctrl-C in the terminal is for the harness, which then ends them.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = spawn(command).doing(format!("starting {}", tool.path.display()))?;
        let pid_file = run.join("pids").join(child.id().to_string());
        if let Some(started) = start_time(child.id()) {
            fs::write(&pid_file, started).doing(pid_file.display())?;
        }
        Ok(Self { name: name.to_owned(), child, log, pid_file, status: None })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails with the end of its log when it is no longer running.
    pub fn check(&mut self) -> Outcome<()> {
        match self.ended() {
            None => Ok(()),
            Some(status) => trouble(format!(
                "{} ended: {status}; the end of {}:\n{}",
                self.name,
                self.log.display(),
                self.tail()
            )),
        }
    }

    /// Its exit status, once it has ended. Never blocks.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
            if self.status.is_some() {
                let _ = fs::remove_file(&self.pid_file);
            }
        }
        self.status
    }

    /// Sends a signal; a process that has ended gets none.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            send(self.child.id(), signal);
        }
    }

    /// SIGKILL, and waits until it is gone: milliseconds.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait(Duration::from_secs(30));
    }

    /// Blocks until it has ended, at most `limit`; whether it has.
    pub fn wait(&mut self, limit: Duration) -> bool {
        let begun = Instant::now();
        while self.ended().is_none() {
            if begun.elapsed() > limit {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// The last lines of its log.
    pub fn tail(&self) -> String {
        let mut text = Vec::new();
        if let Ok(mut file) = File::open(&self.log) {
            let length = file.metadata().map_or(0, |m| m.len());
            let _ = file.seek(SeekFrom::Start(length.saturating_sub(4096)));
            let _ = file.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// util-linux's wrapper, for binaries whose `main` is not ours. Without it they
/// still end with a harness that ends in order, and at the next run otherwise.
fn setpriv() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let path = std::env::var_os("PATH")?;
            std::env::split_paths(&path).map(|d| d.join("setpriv")).find(|p| p.is_file())
        })
        .as_deref()
}

/// One line for the person who waits.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "bed: {line}");
}
