//! Packed charts: the files of an archive as `helm package` makes it. It may come from anybody, so that
//! everything about it has a bound.

use std::io::Read as _;

use crate::model::{File, Tree};

/// The most bytes that a packed chart may unpack to.
const MOST_UNPACKED: u64 = 64 * 1024 * 1024;
/// The most bytes of the archive itself, its headers included, before it is told to be too large.
const MOST_ARCHIVED: u64 = 2 * MOST_UNPACKED;
/// The most entries.
const MOST_ENTRIES: usize = 20_000;

/// Why a packed chart can't be read; a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unpackable {
    /// It is no archive, or it is broken.
    #[error("{0}")]
    Broken(String),
    /// It has too much in it.
    #[error("it unpacks to more than {} MiB", MOST_UNPACKED / 1024 / 1024)]
    TooLarge,
    /// It has too many entries.
    #[error("it has more than {MOST_ENTRIES} entries")]
    TooMany,
    /// The path of an entry leads out of it.
    #[error("the path of an entry leads out of it: `{0}`")]
    Outside(String),
    /// An entry is a link or a device, where none is taken.
    #[error("it holds a {0}: `{1}`")]
    Odd(&'static str, String),
    /// No file is in it.
    #[error("it is empty")]
    Empty,
}

/// The files of a packed chart, below its first folder. Links and devices are left out.
///
/// # Errors
/// When it is no archive, is too large, or has a path that leads out of it.
pub fn unpack(bytes: &[u8]) -> Result<Tree, Unpackable> {
    unpack_files(bytes, false)
}

/// As [`unpack`], of a chart that somebody else published: a link or a device in it is refused. `helm package`
/// makes none.
///
/// # Errors
/// As [`unpack`], and when an entry is neither a file nor a folder.
pub fn unpack_foreign(bytes: &[u8]) -> Result<Tree, Unpackable> {
    unpack_files(bytes, true)
}

fn unpack_files(bytes: &[u8], is_foreign: bool) -> Result<Tree, Unpackable> {
    let broken = |error: std::io::Error| Unpackable::Broken(error.to_string());
    let plain = flate2::read::MultiGzDecoder::new(bytes).take(MOST_ARCHIVED);
    let mut archive = tar::Archive::new(plain);
    let mut tree = Tree::new();
    let mut left = MOST_UNPACKED;
    for (number, entry) in archive.entries().map_err(broken)?.enumerate() {
        let mut entry = entry.map_err(broken)?;
        if number >= MOST_ENTRIES {
            return Err(Unpackable::TooMany);
        }
        if !entry.header().entry_type().is_file() {
            if let Some(kind) = odd(entry.header().entry_type()).filter(|_| is_foreign) {
                return Err(Unpackable::Odd(kind, shown(&String::from_utf8_lossy(&entry.path_bytes()))));
            }
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(inner) = within(&path)? else { continue };
        let mut bytes = Vec::new();
        // What an entry says of its size may be a lie, and holes of sparse files cost no byte of the archive.
        entry.by_ref().take(left + 1).read_to_end(&mut bytes).map_err(broken)?;
        left = left.checked_sub(bytes.len() as u64).ok_or(Unpackable::TooLarge)?;
        tree.insert(inner, File { bytes: bytes.into(), executable: false });
    }
    // An archive that is cut at the end of an entry looks whole.
    if archive.into_inner().limit() == 0 {
        return Err(Unpackable::TooLarge);
    }
    if tree.is_empty() { Err(Unpackable::Empty) } else { Ok(tree) }
}

/// The path below the first folder; nothing for what lies beside it.
fn within(path: &str) -> Result<Option<String>, Unpackable> {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if path.starts_with('/') || path.contains('\\') || path.contains('\0') || parts.contains(&"..") {
        return Err(Unpackable::Outside(shown(path)));
    }
    Ok(parts.get(1..).filter(|inner| !inner.is_empty()).map(|inner| inner.join("/")))
}

/// What an entry is that is neither a file nor a folder nor a note on one.
fn odd(kind: tar::EntryType) -> Option<&'static str> {
    match kind {
        tar::EntryType::Symlink | tar::EntryType::Link => Some("link"),
        tar::EntryType::Char | tar::EntryType::Block | tar::EntryType::Fifo => Some("device"),
        _ => None,
    }
}

/// A path, fit to be told.
fn shown(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write as _;

    use super::*;

    /// A packed chart of these files.
    pub(crate) fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(gzip);
        for (path, bytes) in files {
            let mut header = tar::Header::new_gnu();
            // The name as it is: `set_path` would refuse what a stranger may write.
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_entry_type(tar::EntryType::Regular);
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn zipped(tar: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(tar).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn files_are_found_below_the_first_folder() {
        let tree =
            unpack(&packed(&[("web/Chart.yaml", b"name: web"), ("./web/./a//b.yaml", b"x"), ("stray", b"")]))
                .unwrap();
        let paths: Vec<&str> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["Chart.yaml", "a/b.yaml"]);
    }

    #[test]
    fn a_path_that_leads_out_is_refused() {
        for path in ["web/../../etc/passwd", "/etc/passwd", "web\\..\\x", "../x"] {
            let answer = unpack(&packed(&[("web/Chart.yaml", b""), (path, b"x")]));
            assert_eq!(answer, Err(Unpackable::Outside(path.to_owned())));
        }
    }

    #[test]
    fn what_others_published_holds_no_links() {
        let mut header = tar::Header::new_gnu();
        header.set_path("web/values.yaml").unwrap();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_link_name("/etc/passwd").unwrap();
        header.set_size(0);
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, std::io::empty()).unwrap();
        let archive = zipped(&builder.into_inner().unwrap());
        assert_eq!(unpack(&archive), Err(Unpackable::Empty), "it is left out");
        let refused = unpack_foreign(&archive).unwrap_err();
        assert_eq!(refused.to_string(), "it holds a link: `web/values.yaml`");
        let plain = packed(&[("web/Chart.yaml", b"name: web")]);
        assert_eq!(unpack_foreign(&plain), unpack(&plain));
    }

    #[test]
    fn bombs_are_refused_before_they_go_off() {
        let zeros = vec![0; 40 * 1024 * 1024];
        let answer = unpack(&packed(&[("web/a", zeros.as_slice()), ("web/b", zeros.as_slice())]));
        assert_eq!(answer, Err(Unpackable::TooLarge));
        let empty: Vec<(String, &[u8])> =
            (0..=MOST_ENTRIES).map(|n| (format!("web/{n}"), &b""[..])).collect();
        let empty: Vec<(&str, &[u8])> = empty.iter().map(|(path, bytes)| (path.as_str(), *bytes)).collect();
        assert_eq!(unpack(&packed(&empty)), Err(Unpackable::TooMany));
    }

    #[test]
    fn an_archive_that_goes_on_for_ever_is_not_taken_for_a_short_one() {
        // Folders have no bytes of their own; these claim some, which are passed over.
        let zeros = vec![0; 50 * 1024 * 1024];
        let mut builder =
            tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for name in ["web/a/", "web/b/", "web/c/"] {
            let mut header = tar::Header::new_gnu();
            header.set_path(name).unwrap();
            header.set_entry_type(tar::EntryType::Directory);
            header.set_size(zeros.len() as u64);
            header.set_cksum();
            builder.append(&header, zeros.as_slice()).unwrap();
        }
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        assert!(matches!(unpack(&bytes), Err(Unpackable::TooLarge | Unpackable::Broken(_))));
    }

    #[test]
    fn a_sparse_file_of_a_tebibyte_is_refused() {
        let mut header = tar::Header::new_gnu();
        header.set_path("web/values.yaml").unwrap();
        header.set_entry_type(tar::EntryType::GNUSparse);
        header.set_size(0);
        header.set_mode(0o644);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.set_real_size(1 << 40);
        gnu.sparse[0].set_offset(1 << 40);
        gnu.sparse[0].set_length(0);
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, std::io::empty()).unwrap();
        let answer = unpack(&zipped(&builder.into_inner().unwrap()));
        assert!(answer.is_err(), "{answer:?}");
    }

    #[test]
    fn what_is_no_archive_says_so() {
        for bytes in [&b"no archive"[..], b"", &zipped(b"no archive either, though packed"), &[0x1f, 0x8b]] {
            assert!(matches!(unpack(bytes), Err(Unpackable::Broken(_) | Unpackable::Empty)), "{bytes:?}");
        }
        let whole = packed(&[("web/Chart.yaml", &[b'x'; 4000])]);
        assert!(unpack(&whole[..whole.len() / 2]).is_err());
    }
}
