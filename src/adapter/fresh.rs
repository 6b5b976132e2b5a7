//! A whole tree written into a folder that has nothing of it yet: everything, or nothing. The files
//! are written into a folder beside their place first and then moved, one top-level name after the
//! other; what was moved is taken back if one of them fails.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::Tree;

/// Why a tree was not written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// There is something of this name already.
    #[error("`{0}` is there already")]
    Taken(String),
    /// The file system refused.
    #[error("`{}` can't be written: {error}", path.display())]
    Failed {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

/// Writes a tree into a folder, which is made if it is not there.
///
/// # Errors
/// When a top-level name of the tree is taken, or a file can't be written; nothing of the tree is
/// there then.
pub fn place(folder: &Path, tree: &Tree) -> Result<(), Unwritten> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| Unwritten::Failed { path, error }
    };
    let names = top(tree);
    if let Some(taken) = names.iter().find(|name| is_there(&folder.join(name))) {
        return Err(Unwritten::Taken(taken.clone()));
    }
    let made = outermost_missing(folder);
    let written = (|| {
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let aside =
            tempfile::Builder::new().prefix(".tidegate-init-").tempdir_in(folder).map_err(failed(folder))?;
        for (path, file) in tree.iter() {
            let place = aside.path().join(path);
            write(&place, &file.bytes, file.executable).map_err(failed(&folder.join(path)))?;
        }
        let mut moved: Vec<PathBuf> = Vec::new();
        for name in &names {
            let place = folder.join(name);
            // Somebody may have made it meanwhile; a rename would replace an empty folder.
            let result = if is_there(&place) {
                Err(Unwritten::Taken(name.clone()))
            } else {
                fs::rename(aside.path().join(name), &place).map_err(failed(&place))
            };
            if let Err(error) = result {
                for place in moved {
                    // Back to where all of it goes away.
                    let _ = place.file_name().map(|name| fs::rename(&place, aside.path().join(name)));
                }
                return Err(error);
            }
            moved.push(place);
        }
        Ok(())
    })();
    if let (Err(_), Some(made)) = (&written, made) {
        // Folders that were made on the way and are empty; others may have put something there.
        let mut path = folder;
        while fs::remove_dir(path).is_ok() && path != made {
            let Some(parent) = path.parent() else { break };
            path = parent;
        }
    }
    written
}

fn top(tree: &Tree) -> Vec<String> {
    let mut names: Vec<String> =
        tree.iter().filter_map(|(path, _)| path.split('/').next().map(str::to_owned)).collect();
    names.dedup();
    names
}

/// Also a link that leads nowhere is there.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// The outermost folder on a path that does not exist.
fn outermost_missing(folder: &Path) -> Option<&Path> {
    folder.ancestors().filter(|path| !path.as_os_str().is_empty()).take_while(|path| !path.exists()).last()
}

fn write(path: &Path, bytes: &[u8], executable: bool) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mode = if executable { 0o755 } else { 0o644 };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::File;

    fn tree(paths: &[&str]) -> Tree {
        let mut tree = Tree::new();
        for path in paths {
            tree.insert(*path, File { bytes: path.as_bytes().into(), executable: path.ends_with(".sh") });
        }
        tree
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn everything_is_written_with_its_mode_and_nothing_else_is_left() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        place(&folder, &tree(&["p/x.yaml", "p/t/x.sh", "r/y.yaml"])).unwrap();
        assert_eq!(names(&folder), ["p", "r"]);
        assert_eq!(fs::read_to_string(folder.join("p/x.yaml")).unwrap(), "p/x.yaml");
        assert_eq!(fs::metadata(folder.join("p/t/x.sh")).unwrap().permissions().mode() & 0o111, 0o111);
    }

    #[test]
    fn a_name_that_is_taken_by_anything_stops_it_before_the_first_write() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("r")).unwrap();
        let error = place(root.path(), &tree(&["p/x.yaml", "r/y.yaml"])).unwrap_err();
        assert_eq!(error.to_string(), "`r` is there already");
        fs::remove_dir(root.path().join("r")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("r")).unwrap();
        assert!(place(root.path(), &tree(&["p/x.yaml", "r/y.yaml"])).is_err(), "a link that leads nowhere");
        assert_eq!(names(root.path()), ["r"]);
    }

    #[test]
    fn what_can_t_be_written_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        // A file where a folder has to be.
        let folder = root.path().join("a/b");
        assert!(place(&folder, &tree(&["p", "p/x.yaml"])).is_err());
        assert_eq!(names(root.path()), Vec::<String>::new());
    }
}
