//! Reports that scanners wrote, as files in a folder: once over all of them for the digests that stand in each,
//! so that a question opens only files that can be about its image. Whether one is, its reader decides. A file
//! that is not whole may be about any image: where nothing else is a report about one, nothing is known of it.

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

use super::whole::{Unread, documents, shown};

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
    /// Files that may be about any: they hold what can't be opened.
    closed: Vec<usize>,
    /// Files that are not read, or not all of them.
    unread: Unread,
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
            files.find_map(|file| {
                let bytes = bytes(file).ok()?;
                documents(&bytes).flatten().find_map(|document| bill::read(document, &asked).ok())
            })
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

    async fn partial(&self) -> Option<Unanswered> {
        let words = self.index().await.ok()?.unread.words()?;
        Some(Unanswered::new(Silence::Invalid, words))
    }
}

/// The report that counts: of several that are about an image, one about the image itself before one about
/// a platform of it, and the newest.
fn best(index: &Index, folder: &Path, own: Digest, digests: BTreeSet<Digest>) -> Result<Report, Unanswered> {
    let asked = Asked::of_file(digests);
    let mut found: Vec<Report> = Vec::new();
    let mut broken: Option<String> = None;
    for file in index.about(&asked.digests) {
        let shown = shown(file.strip_prefix(folder).unwrap_or(file));
        let bytes = match bytes(file) {
            Ok(bytes) => bytes,
            Err(error) => {
                broken = broken.or(Some(format!("`{shown}` can't be read: {error}")));
                continue;
            }
        };
        for document in documents(&bytes).flatten() {
            match read(document, &asked) {
                Ok(report) => found.push(report),
                Err(refusal @ (Refusal::Broken { .. } | Refusal::NotJson { .. })) => {
                    broken = broken.or(Some(format!("`{shown}`: {refusal}")));
                }
                // It names the digest for another reason: a bill of materials, another image's base.
                Err(_) => {}
            }
        }
    }
    let rank = |one: &Report| (one.tool.name.clone(), !one.about.contains(&own), Reverse(one.knows_until()));
    found.sort_by_cached_key(rank);
    let none = format!("no file is a report about {own}");
    found.into_iter().next().ok_or_else(|| match (broken, index.unread.words()) {
        (Some(words), _) => Unanswered::new(Silence::Invalid, words),
        // One of them may be.
        (None, Some(words)) => Unanswered::new(Silence::Invalid, format!("{none}, and {words}")),
        (None, None) => Unanswered::new(Silence::Missing, none),
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
        while let Some((within, depth)) = open.pop() {
            let mut entries: Vec<_> =
                std::fs::read_dir(&within).map_err(unread)?.filter_map(Result::ok).collect();
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                // Links are not followed: they lead anywhere.
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() && depth < DEEPEST {
                    open.push((entry.path(), depth + 1));
                } else if kind.is_file() && is_report(&entry.path()) {
                    index.add(folder, entry.path());
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

    fn add(&mut self, folder: &Path, file: PathBuf) {
        let place = self.files.len();
        let within = file.strip_prefix(folder).unwrap_or(&file);
        match bytes(&file) {
            Ok(bytes) => {
                let mut named = BTreeSet::new();
                for document in documents(&bytes) {
                    match document {
                        Ok(document) => self.look(place, document, &mut named),
                        Err(why) => self.unread.add(within, &why),
                    }
                }
                for digest in named {
                    self.by_digest.entry(digest).or_default().push(place);
                }
            }
            Err(error) => self.unread.add(within, &error.to_string()),
        }
        self.files.push(file);
    }

    /// Takes in the digests that a document names, also in its envelope.
    fn look(&mut self, place: usize, document: &[u8], named: &mut BTreeSet<Digest>) {
        named.append(&mut digests_in(document));
        if memmem::find(document, ENVELOPE).is_some() {
            match enclosed(document) {
                Some(statement) => named.append(&mut digests_in(&statement)),
                None => self.closed.push(place),
            }
        }
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
        let files = Files::new(root.path(), "scans");
        assert_eq!(told(&files, 'a').await.as_deref(), Ok("CVE-2026-2222"));
        assert_eq!(told(&files, 'b').await, Err(Silence::Missing));
        assert_eq!(told(&files, 'c').await, Err(Silence::Missing), "not a file of a scanner");
        write("cut.json", &trivy('d', "CVE-2026-4444", "2026-11-20T00:00:00Z")[..250]);
        let files = Files::new(root.path(), "scans");
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
            ("odd.json", r#"{"payloadType": "application/vnd.in-toto+json", "payload": "*"}"#.to_owned()),
            ("lines.jsonl", format!("{}\n{}\n", envelope('d'), envelope('a'))),
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
        assert_eq!(
            about('a'),
            ["a.json", "lines.jsonl", "odd.json"],
            "what can't be opened may be about any"
        );
        assert_eq!(about('c'), ["odd.json"]);
    }

    #[tokio::test]
    async fn each_line_of_a_file_is_a_report() {
        let root = tempfile::tempdir().unwrap();
        let line = |letter, id| format!("{}\n", trivy(letter, id, "2026-11-10T00:00:00Z").replace('\n', " "));
        let whole = format!("{}{}", line('a', "CVE-2026-1111"), line('b', "CVE-2026-2222"));
        std::fs::write(root.path().join("all.jsonl"), &whole).unwrap();
        let files = Files::new(root.path(), ".");
        assert_eq!(told(&files, 'b').await.as_deref(), Ok("CVE-2026-2222"));
        assert_eq!(told(&files, 'c').await, Err(Silence::Missing));
        assert!(files.partial().await.is_none());
        std::fs::write(root.path().join("all.jsonl"), &whole[..whole.len() - 40]).unwrap();
        let files = Files::new(root.path(), ".");
        assert_eq!(told(&files, 'a').await.as_deref(), Ok("CVE-2026-1111"));
        assert_eq!(told(&files, 'b').await, Err(Silence::Invalid), "the line that was cut off");
        assert!(files.partial().await.is_some());
    }

    #[tokio::test]
    async fn a_report_that_lost_its_digest_is_no_image_that_nobody_looked_at() {
        let root = tempfile::tempdir().unwrap();
        let whole = trivy('a', "CVE-2026-1111", "2026-11-10T00:00:00Z");
        for (path, text) in
            [("web-1.1.json", whole.as_str()), ("web-1.2.json", &whole[..60]), ("empty.json", "")]
        {
            std::fs::write(root.path().join(path), text).unwrap();
        }
        let files = Files::new(root.path(), ".");
        assert_eq!(told(&files, 'a').await.as_deref(), Ok("CVE-2026-1111"));
        let silent = files.report(&subject('b')).await.unwrap_err();
        assert_eq!(silent.why, Silence::Invalid);
        let partial = files.partial().await.unwrap();
        assert!(silent.message.contains(&partial.message), "{silent}");
        let words = partial.message;
        assert!(words.starts_with("2 files can't be read: `empty.json`: it is empty; `web-1.2.json`: "));
        assert!(words.contains("no whole JSON"), "{words}");
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
