//! The digest of a folder: SHA-256 of an uncompressed ustar with everything incidental removed.
//!
//! Paths sorted by bytes, modes 0644 or 0755, uid, gid and mtime 0, no owner names: byte for byte
//! what GNU tar makes of the sorted files, so that anybody can check a digest with `tar
//! --format=ustar -b1 --mtime=@0 --owner=:0 --group=:0 --numeric-owner -cf - FILES | sha256sum`.
//! Where the files come from (git blobs), and that links are refused, is left to others.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::Digest;

/// One file of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Relative, with `/` between its parts.
    pub path: &'a str,
    /// Whether its mode is 0755 in place of 0644.
    pub executable: bool,
    /// Its content.
    pub bytes: &'a [u8],
}

/// Why a folder has no digest.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A path is absolute, empty, or has an empty part, `.`, `..`, a backslash or a NUL.
    #[error("`{0}` is not a relative path of plain names")]
    Path(String),
    /// A path stands twice.
    #[error("the path `{0}` stands twice")]
    Twice(String),
    /// A path is too long for ustar: 100 bytes, or 155 before and 100 after one of its slashes.
    #[error("the path `{0}` is too long: at most 100 bytes, or 155 before and 100 after a slash")]
    TooLong(String),
    /// The archive could not be written.
    #[error("the archive could not be written: {0}")]
    Write(#[from] io::Error),
}

/// The digest of the archive of these files; their order does not matter.
///
/// # Errors
/// When a path is unfit, too long for ustar, or stands twice.
pub fn digest<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> Result<Digest, ArchiveError> {
    let mut hasher = Hashing(Sha256::new());
    write(entries, &mut hasher)?;
    Ok(Digest::from_bytes(hasher.0.finalize().into()))
}

/// Writes the archive itself: what [`digest`] is the digest of.
///
/// # Errors
/// As [`digest`], and when `out` fails.
pub fn write<'a>(
    entries: impl IntoIterator<Item = Entry<'a>>,
    out: &mut impl Write,
) -> Result<(), ArchiveError> {
    let mut entries: Vec<Entry<'a>> = entries.into_iter().collect();
    entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    let mut archive = Builder::new(out);
    let mut last = None;
    for entry in &entries {
        check_path(entry.path)?;
        if last.replace(entry.path) == Some(entry.path) {
            return Err(ArchiveError::Twice(entry.path.to_owned()));
        }
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(if entry.executable { 0o755 } else { 0o644 });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(entry.bytes.len() as u64);
        // POSIX leaves the device of a file open; zero is what GNU tar writes.
        header.set_device_major(0).and_then(|()| header.set_device_minor(0))?;
        // Paths were checked, so that length is the only thing that can be wrong.
        header.set_path(entry.path).map_err(|_| ArchiveError::TooLong(entry.path.to_owned()))?;
        header.set_cksum();
        // The customary form (six digits, NUL, space) in place of the crate's seven and NUL.
        let sum = format!("{:06o}\0 ", header.cksum()?);
        header.as_old_mut().cksum.copy_from_slice(sum.as_bytes());
        archive.append(&header, entry.bytes)?;
    }
    archive.finish()?;
    Ok(())
}

fn check_path(path: &str) -> Result<(), ArchiveError> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if path.split('/').all(plain) && !path.contains(['\\', '\0']) {
        Ok(())
    } else {
        Err(ArchiveError::Path(path.to_owned()))
    }
}

/// Hashes what is written to it.
struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
