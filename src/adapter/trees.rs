//! The working tree as a [`Tree`], and files written whole or not at all. It decides what of a
//! folder is content: regular files, and symbolic links to files that lie in the same repository; a
//! link that leaves it is refused, and so is writing through one that leads out of a product's folder.

use std::path::{Path, PathBuf};

use crate::model::{File, Tree};
use crate::port::Fault;

/// The largest file that is read, in bytes; larger ones are no source either (`diag`).
const LARGEST: u64 = 64 * 1024 * 1024;

/// How deep folders may lie in folders.
const DEEPEST: usize = 64;

/// Reads folders of a working tree, with paths from its root; folders that do not exist are left
/// out. Names that begin with `.git` are passed over.
///
/// # Errors
/// Permanent for a symbolic link that leaves the root, a name that is not UTF-8, a file that is too
/// large or no file (a socket, a pipe); transient when a file can't be read.
pub async fn read(root: &Path, folders: &[&str]) -> Result<Tree, Fault> {
    let root = root.to_owned();
    let folders: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
    tokio::task::spawn_blocking(move || {
        let real = root.canonicalize().map_err(|error| failed(&root, &error))?;
        let mut tree = Tree::new();
        for folder in folders {
            let path = if folder.is_empty() { real.clone() } else { real.join(&folder) };
            if path.is_dir() {
                walk(&real, &path, &folder, 0, &mut tree)?;
            }
        }
        Ok(tree)
    })
    .await
    .map_err(|error| Fault::transient(format!("reading the working tree: {error}")))?
}

fn failed(path: &Path, error: &std::io::Error) -> Fault {
    Fault::transient(format!("reading `{}`: {error}", path.display()))
}

fn walk(root: &Path, folder: &Path, shown: &str, depth: usize, tree: &mut Tree) -> Result<(), Fault> {
    use std::os::unix::fs::PermissionsExt;
    if depth > DEEPEST {
        return Err(Fault::permanent(format!("`{shown}` lies more than {DEEPEST} folders deep")));
    }
    for entry in std::fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let entry = entry.map_err(|error| failed(folder, &error))?;
        let Ok(name) = entry.file_name().into_string() else {
            return Err(Fault::permanent(format!(
                "`{shown}/{}` has a name that is not UTF-8",
                entry.file_name().to_string_lossy()
            )));
        };
        if name == ".git" {
            continue;
        }
        let shown = if shown.is_empty() { name } else { format!("{shown}/{name}") };
        let mut path = entry.path();
        let mut kind = entry.file_type().map_err(|error| failed(&path, &error))?;
        if kind.is_symlink() {
            path = follow(root, &path, &shown)?;
            kind = path.metadata().map_err(|error| failed(&path, &error))?.file_type();
            // A linked folder could lead in a circle, and git would not follow it either.
            if kind.is_dir() {
                return Err(Fault::permanent(format!("`{shown}` is a symbolic link to a folder")));
            }
        }
        if kind.is_dir() {
            walk(root, &path, &shown, depth + 1, tree)?;
            continue;
        }
        if !kind.is_file() {
            return Err(Fault::permanent(format!("`{shown}` is neither a file nor a folder")));
        }
        let facts = path.metadata().map_err(|error| failed(&path, &error))?;
        if facts.len() > LARGEST {
            return Err(Fault::permanent(format!(
                "`{shown}` has {} bytes, the limit is {LARGEST}",
                facts.len()
            )));
        }
        let bytes = std::fs::read(&path).map_err(|error| failed(&path, &error))?;
        let executable = facts.permissions().mode() & 0o111 != 0;
        tree.insert(shown, File { bytes: bytes.into(), executable });
    }
    Ok(())
}

/// Where a link leads, if that is in the tree.
fn follow(root: &Path, link: &Path, shown: &str) -> Result<PathBuf, Fault> {
    let target = link.canonicalize().map_err(|_| {
        Fault::permanent(format!("`{shown}` is a symbolic link to something that does not exist"))
    })?;
    if target.starts_with(root) {
        Ok(target)
    } else {
        Err(Fault::permanent(format!("`{shown}` is a symbolic link that leaves the repository")))
    }
}

/// Writes a file whole or not at all: to a file beside it, flushed to the disk, then renamed over
/// it. Its mode stays; folders above it are made.
///
/// # Errors
/// Transient: the disk may be full, or the folder may not be written.
pub async fn write(path: &Path, bytes: Vec<u8>) -> Result<(), Fault> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        whole(&path, &bytes)
            .map_err(|error| Fault::transient(format!("writing `{}`: {error}", path.display())))
    })
    .await
    .map_err(|error| Fault::transient(format!("writing a file: {error}")))?
}

/// Writes several files, all or none: each to a file beside its place, and only when all of them are on the
/// disk they are renamed, one after the other. If one can't be, those before it become what they were. Paths
/// count from the root.
///
/// # Errors
/// Transient, as for one file; nothing has changed then. If what was can't be brought back either, the
/// message names the files that are new. Permanent for a file whose link leads out of its folder: what is there
/// is somebody else's.
pub async fn write_all(root: &Path, files: Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
    let root = root.to_owned();
    tokio::task::spawn_blocking(move || {
        files.iter().try_for_each(|(path, _)| stays(&root, path))?;
        let files: Vec<_> = files.into_iter().map(|(path, bytes)| (root.join(path), bytes)).collect();
        all(&files)
    })
    .await
    .map_err(|error| Fault::transient(format!("writing files: {error}")))?
}

/// That a file, with the links on its way followed, lies in the folder of its own: `products/web` for all
/// that is below it.
fn stays(root: &Path, path: &str) -> Result<(), Fault> {
    let folder: PathBuf = Path::new(path).parent().into_iter().flat_map(Path::components).take(2).collect();
    let real = |path: &Path| path.canonicalize().map_err(|error| failed(path, &error));
    let home = real(root)?.join(&folder);
    // What is not there yet is made in the nearest folder that is.
    let there = root.join(path);
    let there = there.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(root);
    let place = real(there)?;
    let is_above = root.join(&folder).starts_with(there);
    if place.starts_with(&home) || is_above && home.starts_with(&place) {
        return Ok(());
    }
    Err(Fault::permanent(format!("`{path}` is not written: a symbolic link leads out of its folder")))
}

fn all(files: &[(PathBuf, Vec<u8>)]) -> Result<(), Fault> {
    let fault = |path: &Path, error: &std::io::Error| {
        Fault::transient(format!("writing `{}`: {error}", path.display()))
    };
    let mut ready = Vec::new();
    for (path, bytes) in files {
        let before = match std::fs::read(path) {
            Ok(before) => Some(before),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(fault(path, &error)),
        };
        ready.push((path, before, aside(path, bytes).map_err(|error| fault(path, &error))?));
    }
    let mut done: Vec<(&Path, Option<Vec<u8>>)> = Vec::new();
    for (path, before, file) in ready {
        if let Err(error) = file.put() {
            let lost: Vec<String> = done
                .iter()
                .filter(|(path, before)| back(path, before.as_deref()).is_err())
                .map(|(path, _)| path.display().to_string())
                .collect();
            let mut fault = fault(path, &error);
            if !lost.is_empty() {
                fault.message.push_str(&format!("; new already, and not brought back: {}", lost.join(", ")));
            }
            return Err(fault);
        }
        done.push((path, before));
    }
    Ok(())
}

/// Makes a file what it was.
fn back(path: &Path, before: Option<&[u8]>) -> std::io::Result<()> {
    match before {
        Some(before) => whole(path, before),
        None => std::fs::remove_file(path),
    }
}

fn whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    aside(path, bytes)?.put()
}

/// A file that is on the disk, and not yet at its place.
struct Aside {
    file: tempfile::NamedTempFile,
    place: PathBuf,
    folder: PathBuf,
}

fn aside(path: &Path, bytes: &[u8]) -> std::io::Result<Aside> {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    // A link's target is written, not the link replaced.
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mode = place.metadata().map_or(0o644, |facts| facts.permissions().mode() & 0o7777);
    let mut file = tempfile::Builder::new().prefix(".tidegate-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    Ok(Aside { file, place, folder: folder.to_owned() })
}

impl Aside {
    fn put(self) -> std::io::Result<()> {
        self.file.persist(&self.place).map_err(|error| error.error)?;
        // The new name is on the disk only when the folder is.
        std::fs::File::open(self.folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[tokio::test]
    async fn folders_are_read_with_paths_from_the_root() {
        let root = tempfile::tempdir().unwrap();
        for path in
            ["products/web/product.yaml", "products/web/run.sh", "releases/r.yaml", "other/x", ".git/config"]
        {
            put(root.path(), path, path);
        }
        let script = root.path().join("products/web/run.sh");
        std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let tree = read(root.path(), &["products", "releases", "pipelines"]).await.unwrap();
        let found: Vec<(&str, bool)> = tree.iter().map(|(path, file)| (path, file.executable)).collect();
        assert_eq!(
            found,
            [("products/web/product.yaml", false), ("products/web/run.sh", true), ("releases/r.yaml", false)]
        );
        let all = read(root.path(), &[""]).await.unwrap();
        assert!(all.get("other/x").is_some() && all.get(".git/config").is_none());
    }

    #[tokio::test]
    async fn a_link_within_the_tree_is_followed_and_one_that_leaves_it_is_refused() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "p/a", "inside");
        symlink("a", root.path().join("p/b")).unwrap();
        let tree = read(root.path(), &["p"]).await.unwrap();
        assert_eq!(&*tree.get("p/b").unwrap().bytes, b"inside");
        for (target, words) in [
            ("/etc/passwd", "leaves the repository"),
            ("../../../../etc/passwd", "leaves the repository"),
            ("gone", "does not exist"),
            ("..", "to a folder"),
        ] {
            let link = root.path().join("p/link");
            symlink(target, &link).unwrap();
            let fault = read(root.path(), &["p"]).await.unwrap_err();
            assert!(fault.message.contains("`p/link`"), "{fault}");
            let leaves = fault.message.contains(words) || fault.message.contains("does not exist");
            assert!(leaves, "{fault}");
            std::fs::remove_file(link).unwrap();
        }
    }

    #[tokio::test]
    async fn a_pipe_is_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("p")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(root.path().join("p/f")).status().unwrap();
        assert!(made.success());
        let fault = read(root.path(), &["p"]).await.unwrap_err();
        assert!(fault.message.contains("neither a file nor a folder"), "{fault}");
    }

    #[tokio::test]
    async fn a_file_is_replaced_whole_and_keeps_its_mode() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("deep/file");
        write(&path, b"one".to_vec()).await.unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        write(&path, b"two".to_vec()).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "something was left beside it");
        let fault = write(&path.join("below-a-file"), Vec::new()).await.unwrap_err();
        assert!(fault.message.contains("below-a-file"), "{fault}");
    }

    #[tokio::test]
    async fn no_file_is_written_through_a_link_that_leads_out_of_its_folder() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "products/other/a", "theirs");
        put(root.path(), "products/web/deep/b", "ours");
        let link = |target: &str, path: &str| symlink(target, root.path().join(path)).unwrap();
        link("../other/a", "products/web/a");
        link("../../other/a", "products/web/deep/a");
        link("../other", "products/web/folder");
        link("deep/b", "products/web/b");
        for path in ["a", "deep/a", "folder/new", "folder/a"] {
            let path = format!("products/web/{path}");
            let both = vec![("products/web/b".to_owned(), b"new".to_vec()), (path.clone(), b"new".to_vec())];
            let fault = write_all(root.path(), both).await.unwrap_err();
            assert!(
                fault.message.contains(&path) && fault.class == crate::journal::FailureClass::Permanent,
                "{fault}"
            );
        }
        assert_eq!(std::fs::read_to_string(root.path().join("products/other/a")).unwrap(), "theirs");
        assert!(!root.path().join("products/other/new").exists());
        assert_eq!(std::fs::read_to_string(root.path().join("products/web/deep/b")).unwrap(), "ours");
        let within = vec![("products/web/b".to_owned(), b"new".to_vec())];
        write_all(root.path(), within).await.unwrap();
        assert_eq!(std::fs::read_to_string(root.path().join("products/web/deep/b")).unwrap(), "new");
    }

    #[tokio::test]
    async fn several_files_are_written_or_none() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a", "old");
        let at = |path: &str| root.path().join(path);
        let files =
            |last: &str| [("a", "1"), ("b/c", "2"), (last, "")].map(|(p, t)| (p.to_owned(), t.into())).into();
        // A folder stands where the last one has to be: its name is not free.
        std::fs::create_dir(at("d")).unwrap();
        put(root.path(), "d/x", "");
        let fault = write_all(root.path(), files("d")).await.unwrap_err();
        assert!(fault.message.contains("/d`"), "{fault}");
        assert_eq!(std::fs::read_to_string(at("a")).unwrap(), "old");
        assert!(!at("b/c").exists());
        write_all(root.path(), files("e")).await.unwrap();
        let texts: Vec<String> = ["a", "b/c", "e"].map(|p| std::fs::read_to_string(at(p)).unwrap()).into();
        assert_eq!(texts, ["1", "2", ""]);
        let left = std::fs::read_dir(root.path()).unwrap().count();
        assert_eq!(left, 4, "something was left beside them");
    }

    #[test]
    fn what_was_renamed_already_becomes_what_it_was() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a", "old");
        back(&root.path().join("a"), Some(b"older")).unwrap();
        assert_eq!(std::fs::read_to_string(root.path().join("a")).unwrap(), "older");
        back(&root.path().join("a"), None).unwrap();
        assert!(!root.path().join("a").exists());
    }
}
