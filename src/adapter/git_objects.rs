//! What git prints about objects, read: lines of `cat-file`, listings of `ls-tree`, and which names
//! are plain. Pure; running git is for `git`.

use std::path::PathBuf;

pub(super) fn strip_newline(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\n").unwrap_or(bytes)
}

pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// `OID TYPE`, or `NAME missing`, or `NAME ambiguous`.
pub(super) fn object_line(line: &str) -> Option<(String, String)> {
    let (object, kind) = line.split_once(' ')?;
    let known = matches!(kind, "commit" | "tree" | "blob" | "tag");
    (known && is_hex(object)).then(|| (object.to_owned(), kind.to_owned()))
}

pub(super) fn is_hex(text: &str) -> bool {
    text.len() >= 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `OID blob SIZE`, a newline, the bytes, a newline.
pub(super) fn next_blob(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let line_end = bytes.iter().position(|b| *b == b'\n')?;
    let line = std::str::from_utf8(bytes.get(..line_end)?).ok()?;
    let mut words = line.split(' ');
    words.next()?;
    if words.next()? != "blob" {
        return None;
    }
    let size: usize = words.next()?.parse().ok()?;
    let start = line_end + 1;
    let end = start.checked_add(size)?;
    let blob = bytes.get(start..end)?;
    Some((blob, bytes.get(end + 1..)?))
}

/// One file of a tree that may be used.
pub(super) struct Entry {
    pub path: String,
    pub object: String,
    pub executable: bool,
}

/// The usable entries of `ls-tree -r -z -l`, and why the others are refused.
pub(super) fn entries(listing: &[u8]) -> (Vec<Entry>, Vec<String>, u64) {
    let (mut good, mut bad, mut total) = (Vec::new(), Vec::new(), 0_u64);
    for record in listing.split(|b| *b == 0).filter(|record| !record.is_empty()) {
        let Some(tab) = record.iter().position(|b| *b == b'\t') else {
            bad.push("a line of git's listing has no path".to_owned());
            continue;
        };
        let (facts, path) = record.split_at(tab);
        let Ok(path) = std::str::from_utf8(&path[1..]) else {
            bad.push(format!("`{}` has a name that is not UTF-8", String::from_utf8_lossy(&path[1..])));
            continue;
        };
        let facts = String::from_utf8_lossy(facts);
        let mut facts = facts.split_whitespace();
        let (mode, object) = (facts.next().unwrap_or_default(), facts.nth(1).unwrap_or_default());
        total = total.saturating_add(facts.next().and_then(|size| size.parse().ok()).unwrap_or(0));
        let (path, object) = (path.to_owned(), object.to_owned());
        match mode {
            "100644" | "100664" => good.push(Entry { path, object, executable: false }),
            "100755" => good.push(Entry { path, object, executable: true }),
            "120000" => bad.push(format!("`{path}` is a symbolic link")),
            "160000" => bad.push(format!("`{path}` is a submodule")),
            other => bad.push(format!("`{path}` has the mode {other}")),
        }
    }
    (good, bad, total)
}

/// How a pointer of Git LFS begins (git-lfs, docs/spec.md).
pub(super) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < 1024 && bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// Neither an option nor a pattern.
pub(super) fn plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.contains(['*', '?', '[', '\\', '\n', '\0', ' ', '^', ':', '~'])
}

pub(super) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
