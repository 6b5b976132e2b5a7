//! Everything temporary of this process lies in one folder that only its user may enter: kubeconfig
//! files, values of charts, folders of scripts. It decides where that is, that it goes away with the
//! last thing in it, and which folders of other processes may be swept: those of processes that are
//! proved dead on this host.
//!
//! The folder is named `tidegate-PID-START-BOOT` and locked (flock(2)) for as long as its process
//! lives: the lock also tells processes of two containers apart that share a folder and count their
//! processes each for itself, and keeps systemd-tmpfiles away.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, TempDir, TempPath};

use super::host::{self, LocalHost};
use crate::port::{Host, ProcessId};

const PREFIX: &str = "tidegate-";

/// This process's folder, while something is in it.
static OPEN: Mutex<Option<Open>> = Mutex::new(None);

struct Open {
    path: PathBuf,
    /// Where the file system knows no locks, the name alone tells.
    _lock: Option<File>,
    things: usize,
}

fn open() -> MutexGuard<'static, Option<Open>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A part in this process's folder, which goes away with the last one.
#[derive(Debug)]
struct Part(());

impl Part {
    fn take() -> Result<(Self, PathBuf)> {
        let mut open = open();
        // Somebody may have cleaned up in the meantime.
        let folder = match open.take().filter(|known| is_private(&known.path).is_ok()) {
            Some(known) => known,
            None => make(&std::env::temp_dir(), &LocalHost::new().this())?,
        };
        let path = folder.path.clone();
        *open = Some(Open { things: folder.things + 1, ..folder });
        Ok((Self(()), path))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut open = open();
        let Some(known) = open.as_mut() else { return };
        known.things = known.things.saturating_sub(1);
        if known.things == 0 {
            // What can't be removed now is swept later.
            let _ = std::fs::remove_dir_all(&known.path);
            *open = None;
        }
    }
}

/// A folder that goes away with this value.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
    _part: Part,
}

impl Folder {
    /// A fresh folder; `what` begins its name.
    ///
    /// # Errors
    /// When the disk is full, or the temporary folder is not this user's to write.
    pub fn new(what: &str) -> Result<Self> {
        let (part, whole) = Part::take()?;
        Ok(Self { folder: Builder::new().prefix(what).tempdir_in(whole)?, _part: part })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A file that goes away with this value.
#[derive(Debug)]
pub(super) struct Document {
    file: TempPath,
    _part: Part,
}

impl Document {
    /// A fresh file of mode 0600 with this content; `ending` ends its name.
    ///
    /// # Errors
    /// As [`Folder::new`].
    pub fn new(ending: &str, content: &[u8]) -> Result<Self> {
        let (part, whole) = Part::take()?;
        let mut made = Builder::new().prefix("").suffix(ending).tempfile_in(whole)?;
        made.as_file_mut().write_all(content)?;
        Ok(Self { file: made.into_temp_path(), _part: part })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.file
    }
}

fn name(process: &ProcessId) -> String {
    format!("{PREFIX}{}-{}-{}", process.pid, process.start_ticks, process.boot)
}

/// Id, start and boot of the process that a folder's name names.
fn owner(name: &OsStr) -> Option<(i32, u64, &str)> {
    let mut parts = name.to_str()?.strip_prefix(PREFIX)?.splitn(3, '-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?))
}

/// That this is a folder, no link to one, of this user, and that nobody else may enter it.
fn is_private(path: &Path) -> Result<()> {
    let facts = std::fs::symlink_metadata(path)?;
    let own = facts.uid() == rustix::process::geteuid().as_raw();
    if facts.is_dir() && own && facts.mode() & 0o077 == 0 {
        return Ok(());
    }
    let why = format!("`{}` is there and is no private folder of this user", path.display());
    Err(Error::new(ErrorKind::PermissionDenied, why))
}

/// The folder itself, never what a link leads to.
fn handle(path: &Path) -> Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::DIRECTORY;
    let flags = i32::try_from(flags.bits()).map_err(|_| Error::from(ErrorKind::Unsupported))?;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

fn make(root: &Path, process: &ProcessId) -> Result<Open> {
    let path = root.join(name(process));
    for _ in 0..3 {
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => is_private(&path)?,
        }
        let file = handle(&path)?;
        let lock = match file.try_lock() {
            Ok(()) => Some(file),
            Err(TryLockError::WouldBlock) => {
                let why = format!("`{}` is locked by another process", path.display());
                return Err(Error::new(ErrorKind::ResourceBusy, why));
            }
            Err(TryLockError::Error(_)) => None,
        };
        // Between the two steps a sweeper that counts its processes otherwise may have come.
        if is_private(&path).is_ok() {
            return Ok(Open { path, _lock: lock, things: 0 });
        }
    }
    Err(Error::new(ErrorKind::NotFound, format!("`{}` goes away again and again", path.display())))
}

/// Removes what processes of this user left behind that are proved dead on this host: their boot is
/// over, or no process of their id and start lives. What a living process still works in (a script
/// that outlived its driver) stays until that has ended. Returns how many were removed; what can't be
/// removed stays for the next time.
pub fn sweep() -> usize {
    sweep_in(&std::env::temp_dir(), &LocalHost::new())
}

fn sweep_in(root: &Path, host: &dyn Host) -> usize {
    let this = host.this();
    // Where boots have no id nothing proves a death.
    if this.boot.is_empty() {
        return 0;
    }
    let Ok(entries) = std::fs::read_dir(root) else { return 0 };
    let is_dead = |name: &OsStr| {
        owner(name).is_some_and(|(pid, start, boot)| boot != this.boot || !host.lives(pid, start))
    };
    entries
        .flatten()
        .filter(|entry| is_dead(&entry.file_name()))
        .map(|entry| entry.path())
        .filter(|path| is_private(path).is_ok())
        .filter(|path| {
            let Ok(file) = handle(path) else { return false };
            // The lock is held until the folder is gone: of two sweepers one is enough.
            file.try_lock().is_ok() && !is_used(path) && std::fs::remove_dir_all(path).is_ok()
        })
        .count()
}

/// Whether a living process works in a folder or was started with a path into it.
fn is_used(folder: &Path) -> bool {
    let text = folder.as_os_str().as_encoded_bytes();
    host::processes().into_keys().any(|pid| {
        let works = std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        works
            || std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|all| all.windows(text.len()).any(|window| window == text))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn folder_of(root: &Path, pid: i32, start: u64, boot: &str) -> PathBuf {
        let path = root.join(format!("{PREFIX}{pid}-{start}-{boot}"));
        DirBuilder::new().mode(0o700).create(&path).unwrap();
        std::fs::write(path.join("x.kubeconfig"), "secret").unwrap();
        path
    }

    #[test]
    fn all_that_is_temporary_is_private_and_goes_away_with_the_last_of_it() {
        let file = Document::new(".kubeconfig", b"text").unwrap();
        let folder = Folder::new("run-").unwrap();
        let whole = file.path().parent().unwrap().to_owned();
        assert_eq!(folder.path().parent().unwrap(), whole);
        assert_eq!(std::fs::metadata(&whole).unwrap().mode() & 0o777, 0o700);
        assert_eq!(std::fs::metadata(file.path()).unwrap().mode() & 0o777, 0o600);
        let this = LocalHost::new().this();
        let named = whole.file_name().unwrap();
        assert_eq!(owner(named), Some((this.pid, this.start_ticks, this.boot.as_str())));
        let (file, folder) = (file.path().to_owned(), {
            drop(file);
            folder
        });
        assert!(!file.exists() && folder.path().exists());
        // Tests beside this one may keep the whole; this one's part is gone.
        let own = folder.path().to_owned();
        drop(folder);
        assert!(!own.exists());
    }

    #[test]
    fn only_folders_of_the_dead_of_this_user_are_swept() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let host = LocalHost::new();
        let ProcessId { pid, start_ticks, boot, .. } = host.this();
        let mut dead = std::process::Command::new("/bin/true").spawn().unwrap();
        let number = i32::try_from(dead.id()).unwrap();
        dead.wait().unwrap();

        let swept = [
            folder_of(root, number, 1, &boot),
            folder_of(root, pid, start_ticks + 1, &boot),
            folder_of(root, pid, start_ticks, "an-earlier-boot"),
        ];
        let alive = folder_of(root, pid, start_ticks, &boot);
        let locked = folder_of(root, number, 2, &boot);
        let lock = handle(&locked).unwrap();
        lock.try_lock().unwrap();
        let open_to_all = folder_of(root, number, 3, &boot);
        std::fs::set_permissions(&open_to_all, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let other = tempfile::tempdir().unwrap();
        let link = root.join(format!("{PREFIX}{number}-4-{boot}"));
        std::os::unix::fs::symlink(other.path(), &link).unwrap();
        let strange = root.join("tidegate-lab-x");
        std::fs::create_dir(&strange).unwrap();
        let worked_in = folder_of(root, number, 5, &boot);
        let mut script =
            std::process::Command::new("sleep").arg("600").current_dir(&worked_in).spawn().unwrap();
        let told = folder_of(root, number, 6, &boot);
        let mut other_script = std::process::Command::new("sleep")
            .arg("600")
            .env("KUBECONFIG", told.join("x.kubeconfig"))
            .spawn()
            .unwrap();

        let count = sweep_in(root, &host);
        for child in [&mut script, &mut other_script] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(count, swept.len());
        assert!(swept.iter().all(|path| !path.exists()));
        for kept in [&alive, &locked, &open_to_all, &link, &strange, &worked_in, &told] {
            assert!(kept.exists(), "{} was swept", kept.display());
        }
        assert!(other.path().exists());
        drop(lock);
        // A child that another test is just starting holds what this process holds, until its exec.
        let mut later = 0;
        for _ in 0..400 {
            later += sweep_in(root, &host);
            if later == 3 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        assert_eq!(later, 3, "what is not used any more goes at the next time");
    }

    #[test]
    fn a_folder_that_is_not_private_is_not_used() {
        let root = tempfile::tempdir().unwrap();
        let process = LocalHost::new().this();
        let path = root.path().join(name(&process));
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        assert!(make(root.path(), &process).is_err());
        std::fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/", &path).unwrap();
        assert!(make(root.path(), &process).is_err());
    }
}
