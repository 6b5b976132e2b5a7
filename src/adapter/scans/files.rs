//! Reports that scanners wrote, as files in a folder: once over all of them for the digests that stand in each,
//! so that a question opens only files that can be about its image. Whether one is, its reader decides.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use memchr::memmem;
use tokio::sync::OnceCell;

use crate::diag::count;
use crate::digest::Digest;
use crate::port::scans::{Scans, Subject};
use crate::port::upstream::{Silence, Unanswered};
use crate::scan::vulnerabilities::bill::{self, Bill};
use crate::scan::vulnerabilities::{Asked, Refusal, Report, enclosed, read};

/// The most files that are read.
const MOST_FILES: usize = 20_000;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 128 * 1024 * 1024;

/// How deep folders are read.
const DEEPEST: usize = 8;

/// The endings of files that may be reports.
const ENDINGS: &[&str] = &["json", "jsonl", "intoto", "sigstore", "att"];

/// What stands in an envelope is written so that no digest can be seen in it: it is opened for them.
const ENVELOPE: &[u8] = b"\"payload\"";

/// A folder of reports.
pub struct Files {
    folder: PathBuf,
    written: String,
    name: String,
    index: OnceCell<Result<Arc<Index>, Unanswered>>,
}

/// Which files may be about which digests.
#[derive(Debug, Default)]
struct Index {
    files: Vec<PathBuf>,
    by_digest: BTreeMap<Digest, Vec<usize>>,
    /// Files that may be about any: they can't be read, or not be opened.
    closed: Vec<usize>,
}

impl Files {
    /// The folder that a file names, relative to the repository's root.
    pub fn new(root: &Path, written: &str) -> Self {
        let name = format!("files {}", written.trim_end_matches('/'));
        Self { folder: root.join(written), written: written.to_owned(), name, index: OnceCell::new() }
    }

    /// What an image is made of, by the first file that says it.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub async fn bill(&self, image: &Subject) -> Result<Option<Bill>, Unanswered> {
        let index = self.index().await?;
        let asked = Asked::of_file(image.digests());
        let read = move || {
            let mut files = index.about(&asked.digests).into_iter();
            files.find_map(|file| bill::read(&bytes(file).ok()?, &asked).ok())
        };
        aside(read).await
    }

    async fn index(&self) -> Result<Arc<Index>, Unanswered> {
        let (folder, written) = (self.folder.clone(), self.written.clone());
        let make = async || aside(move || Index::of(&folder, &written)).await?.map(Arc::new);
        self.index.get_or_init(make).await.clone()
    }
}

#[async_trait]
impl Scans for Files {
    fn name(&self) -> &str {
        &self.name
    }

    async fn report(&self, image: &Subject) -> Result<Report, Unanswered> {
        let index = self.index().await?;
        let (own, digests, folder) = (image.digest, image.digests(), self.folder.clone());
        aside(move || best(&index, &folder, own, digests)).await?
    }
}

/// The report that counts: of several that are about an image, one about the image itself before one about
/// a platform of it, and the newest.
fn best(index: &Index, folder: &Path, own: Digest, digests: BTreeSet<Digest>) -> Result<Report, Unanswered> {
    let asked = Asked::of_file(digests);
    let mut found: Vec<Report> = Vec::new();
    let mut broken: Option<String> = None;
    for file in index.about(&asked.digests) {
        let shown = file.strip_prefix(folder).unwrap_or(file).display();
        match bytes(file).map(|bytes| read(&bytes, &asked)) {
            Ok(Ok(report)) => found.push(report),
            Ok(Err(refusal @ (Refusal::Broken { .. } | Refusal::NotJson { .. }))) => {
                broken = broken.or(Some(format!("`{shown}`: {refusal}")));
            }
            // A file that names the digest for another reason: a bill of materials, another image's base.
            Ok(Err(_)) => {}
            Err(error) => broken = broken.or(Some(format!("`{shown}` can't be read: {error}"))),
        }
    }
    let rank = |one: &Report| (one.tool.name.clone(), !one.about.contains(&own), Reverse(one.knows_until()));
    found.sort_by_cached_key(rank);
    found.into_iter().next().ok_or_else(|| match broken {
        Some(words) => Unanswered::new(Silence::Invalid, words),
        None => Unanswered::new(Silence::Missing, format!("no file is a report about {own}")),
    })
}

impl Index {
    fn of(folder: &Path, written: &str) -> Result<Self, Unanswered> {
        let unread = |error: std::io::Error| {
            let why = match error.kind() {
                std::io::ErrorKind::PermissionDenied => Silence::Forbidden,
                _ => Silence::Invalid,
            };
            Unanswered::new(why, format!("the folder `{written}` can't be read: {error}"))
        };
        let mut index = Self::default();
        let mut open = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = open.pop() {
            let mut entries: Vec<_> =
                std::fs::read_dir(&folder).map_err(unread)?.filter_map(Result::ok).collect();
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                // Links are not followed: they lead anywhere.
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() && depth < DEEPEST {
                    open.push((entry.path(), depth + 1));
                } else if kind.is_file() && is_report(&entry.path()) {
                    index.add(entry.path());
                }
            }
            if index.files.len() > MOST_FILES {
                let words =
                    format!("the folder `{written}` has more than {}", count(MOST_FILES as u64, "file"));
                return Err(Unanswered::new(Silence::TooMuch, words));
            }
        }
        Ok(index)
    }

    fn add(&mut self, file: PathBuf) {
        let place = self.files.len();
        match bytes(&file) {
            Ok(bytes) => {
                let mut named = digests_in(&bytes);
                if memmem::find(&bytes, ENVELOPE).is_some() {
                    match enclosed(&bytes) {
                        Some(statement) => named.append(&mut digests_in(&statement)),
                        None => self.closed.push(place),
                    }
                }
                for digest in named {
                    self.by_digest.entry(digest).or_default().push(place);
                }
            }
            // What is wrong with it is told to whoever asks, for it may be about anything.
            Err(_) => self.closed.push(place),
        }
        self.files.push(file);
    }

    /// The files that may be about one of these digests, in order of their paths.
    fn about(&self, digests: &BTreeSet<Digest>) -> Vec<&Path> {
        let named = digests.iter().filter_map(|digest| self.by_digest.get(digest)).flatten();
        let places: BTreeSet<usize> = named.chain(&self.closed).copied().collect();
        places.into_iter().filter_map(|place| self.files.get(place)).map(PathBuf::as_path).collect()
    }
}

fn is_report(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Every run of 64 hexadecimal digits: digests with their algorithm and without.
fn digests_in(bytes: &[u8]) -> BTreeSet<Digest> {
    let is_inner = |byte: &u8| byte.is_ascii_hexdigit();
    let runs = bytes.split(|byte| !is_inner(byte)).filter(|run| run.len() == 64);
    let text = runs.filter_map(|run| std::str::from_utf8(run).ok());
    text.filter_map(|hex| format!("sha256:{}", hex.to_ascii_lowercase()).parse().ok()).collect()
}

/// A file's content, if it is no larger than any report.
fn bytes(file: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(std::io::Error::other(format!("it has more than {}", count(LARGEST, "byte"))));
    }
    Ok(bytes)
}

/// Does what takes a while where nobody waits for it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unanswered> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Unanswered::new(Silence::Invalid, "reading files of scans ended too early"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn subject(letter: char) -> Subject {
        Subject {
            repository: "quay.io/acme/shop".parse().unwrap(),
            tag: None,
            digest: format!("sha256:{}", letter.to_string().repeat(64)).parse().unwrap(),
            platforms: BTreeSet::new(),
        }
    }

    fn trivy(letter: char, id: &str, at: &str) -> String {
        let digest = subject(letter).digest;
        format!(
            r#"{{"SchemaVersion": 2, "ArtifactName": "shop", "CreatedAt": "{at}", "Metadata": {{"RepoDigests": ["quay.io/acme/shop@{digest}"]}},
                "Results": [{{"Class": "os-pkgs", "Vulnerabilities": [{{"VulnerabilityID": "{id}", "PkgName": "x", "Severity": "HIGH"}}]}}]}}"#
        )
    }

    async fn told(files: &Files, letter: char) -> Result<String, Silence> {
        let report = files.report(&subject(letter)).await.map_err(|silent| silent.why)?;
        Ok(report.vulnerabilities[0].id.to_string())
    }

    #[tokio::test]
    async fn the_newest_report_about_an_image_counts_wherever_it_lies() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("scans/week/47")).unwrap();
        let write =
            |path: &str, text: &str| std::fs::write(root.path().join("scans").join(path), text).unwrap();
        write("a.json", &trivy('a', "CVE-2026-1111", "2026-11-10T00:00:00Z"));
        write("week/47/a.json", &trivy('a', "CVE-2026-2222", "2026-11-20T00:00:00Z"));
        write("notes.txt", &trivy('c', "CVE-2026-3333", "2026-11-20T00:00:00Z"));
        write("cut.json", &trivy('d', "CVE-2026-4444", "2026-11-20T00:00:00Z")[..250]);
        let files = Files::new(root.path(), "scans");
        assert_eq!(told(&files, 'a').await.as_deref(), Ok("CVE-2026-2222"));
        assert_eq!(told(&files, 'b').await, Err(Silence::Missing));
        assert_eq!(told(&files, 'c').await, Err(Silence::Missing), "not a file of a scanner");
        assert_eq!(told(&files, 'd').await, Err(Silence::Invalid), "half a report is no clean image");
    }

    #[test]
    fn envelopes_are_opened_to_see_what_they_are_about() {
        use base64::prelude::{BASE64_STANDARD, Engine as _};
        let root = tempfile::tempdir().unwrap();
        let envelope = |letter: char| {
            let statement = trivy(letter, "CVE-2026-1111", "2026-11-10T00:00:00Z");
            let payload = BASE64_STANDARD.encode(statement);
            format!(r#"{{"payloadType": "application/vnd.in-toto+json", "payload": "{payload}"}}"#)
        };
        for (path, text) in [
            ("a.json", envelope('a')),
            ("b.json", envelope('b')),
            ("cut.json", envelope('b')[..90].to_owned()),
        ] {
            std::fs::write(root.path().join(path), text).unwrap();
        }
        let index = Index::of(root.path(), ".").unwrap();
        let about = |letter| {
            let files = index.about(&subject(letter).digests());
            files
                .iter()
                .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(about('a'), ["a.json", "cut.json"], "what can't be opened may be about any");
        assert_eq!(about('c'), ["cut.json"]);
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_said() {
        let files = Files::new(Path::new("."), "no/such/folder");
        let silent = files.report(&subject('a')).await.unwrap_err();
        assert!(silent.why == Silence::Invalid && silent.message.contains("no/such/folder"), "{silent}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_lead_nowhere() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("scans")).unwrap();
        std::fs::write(root.path().join("a.json"), trivy('a', "CVE-2026-1111", "2026-11-10T00:00:00Z"))
            .unwrap();
        std::os::unix::fs::symlink(root.path().join("a.json"), root.path().join("scans/a.json")).unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("scans/up")).unwrap();
        let files = Files::new(root.path(), "scans");
        assert_eq!(told(&files, 'a').await, Err(Silence::Missing));
    }
}
