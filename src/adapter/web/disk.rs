//! Answers on the disk, so that next week's run asks only what changed. One file for each address, kind of
//! answer and asker; it is written beside its place and moved there whole, and one that is cut off or bent is
//! as good as none.
//!
//! A file is the body, then what is known of it as JSON, that JSON's length in four bytes, and a mark.

use std::fs::{File, FileTimes};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED, LINK};
use http::{HeaderMap, HeaderValue};
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;

use super::ask::Ask;
use super::settings::Keep;
use crate::digest;

/// The end of every file; another form gets another one.
const MARK: &[u8; 8] = b"tgweb/1\n";

/// Bodies up to this size are held in memory at once.
const SMALL: u64 = 1024 * 1024;

/// How a file begins that is still being written.
const UNFINISHED: &str = ".tg-";

/// The headers that matter for reading an answer again.
static HEADERS: [HeaderName; 5] =
    [CONTENT_TYPE, ETAG, LAST_MODIFIED, LINK, HeaderName::from_static("docker-content-digest")];

/// How much of an answer that is on its way to the disk is held in memory.
const HELD: usize = 128 * 1024;

/// How much of a file is read at once.
const PIECE: u64 = 64 * 1024;

/// How many files are worked at at once. More would not be faster, and each takes a thread, and its memory.
const AT_ONCE: usize = 4;

/// The folder of answers.
pub(super) struct Disk {
    keep: Keep,
    /// The bytes of all answers, once they were counted.
    total: Mutex<Option<u64>>,
    seats: Semaphore,
}

/// What is known of a kept body.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Meta {
    headers: Vec<(String, String)>,
    /// For how many seconds it stays good without asking.
    age: u64,
    length: u64,
    crc: u32,
}

/// A kept answer.
pub(super) struct Kept {
    pub headers: HeaderMap,
    pub body: KeptBody,
    /// Whether it may be given without asking.
    pub fresh: bool,
}

/// The body of a kept answer, already found to be whole.
pub(super) enum KeptBody {
    /// In memory.
    Small(Bytes),
    /// On the disk, from the file's beginning.
    Large(File, u64),
}

/// What tells answers apart: the address, the kind of answer, and who asked. What its digest names is the same
/// at every address.
pub(super) fn key(ask: &Ask) -> String {
    if let Some(sealed) = &ask.sealed {
        return digest::bytes(format!("sealed\0{}\0{}", sealed.digest, sealed.owner).as_bytes()).hex();
    }
    let accept = ask.headers.get(http::header::ACCEPT).map_or(&b""[..], HeaderValue::as_bytes);
    let owner = ask.pass.as_ref().map_or("", |pass| pass.owner());
    let whole = [ask.url.as_str().as_bytes(), accept, owner.as_bytes()].join(&0);
    digest::bytes(&whole).hex()
}

impl Kept {
    /// The bytes of the body.
    pub fn length(&self) -> u64 {
        match &self.body {
            KeptBody::Small(bytes) => bytes.len() as u64,
            KeptBody::Large(_, length) => *length,
        }
    }
}

impl Disk {
    pub fn new(keep: Keep) -> Self {
        Self { keep, total: Mutex::default(), seats: Semaphore::new(AT_ONCE) }
    }

    /// Does something that blocks where that stops nobody else; nothing if it is not done.
    async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        task: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let _seat = self.seats.acquire().await.ok()?;
        let disk = Arc::clone(self);
        tokio::task::spawn_blocking(move || task(&disk)).await.ok()
    }

    fn path(&self, key: &str) -> PathBuf {
        self.keep.folder.join(key)
    }

    /// The answer of this key, if one is there and whole.
    pub async fn find(self: &Arc<Self>, key: String) -> Option<Kept> {
        self.work(move |disk| disk.read(&key)).await.flatten()
    }

    fn read(&self, key: &str) -> Option<Kept> {
        let mut file = File::open(self.path(key)).ok()?;
        let (meta, body) = whole(&mut file)?;
        let changed = file.metadata().and_then(|facts| facts.modified()).ok()?;
        let age = SystemTime::now().duration_since(changed).unwrap_or(Duration::MAX);
        let mut headers = HeaderMap::new();
        for (name, value) in &meta.headers {
            let pair = (HeaderName::try_from(name), HeaderValue::try_from(value));
            if let (Ok(name), Ok(value)) = pair {
                headers.append(name, value);
            }
        }
        let body = match body {
            Some(bytes) => KeptBody::Small(bytes),
            None => KeptBody::Large(file, meta.length),
        };
        Some(Kept { headers, body, fresh: age < Duration::from_secs(meta.age) })
    }

    /// The source said that it is still so: it counts as young again.
    pub async fn touch(self: &Arc<Self>, key: String) {
        self.work(move |disk| {
            let now = FileTimes::new().set_modified(SystemTime::now());
            let opened = File::options().append(true).open(disk.path(&key));
            // An answer that looks older than it is goes earlier: no harm.
            let _ = opened.and_then(|file| file.set_times(now));
        })
        .await;
    }

    /// Forgets an answer.
    pub async fn forget(self: &Arc<Self>, key: String) {
        self.work(move |disk| drop(std::fs::remove_file(disk.path(&key)))).await;
    }

    fn store(&self, keeper: Keeper) -> std::io::Result<()> {
        let meta = serde_json::to_vec(&keeper.meta)?;
        let mut file = self.append(keeper.file, &keeper.rest)?;
        file.write_all(&meta)?;
        file.write_all(&u32::try_from(meta.len()).map_err(std::io::Error::other)?.to_be_bytes())?;
        file.write_all(MARK)?;
        file.persist(self.path(&keeper.key))?;
        self.grown(keeper.meta.length);
        Ok(())
    }

    /// Writes more of an answer, the first time to a new file.
    fn append(&self, file: Option<NamedTempFile>, bytes: &[u8]) -> std::io::Result<NamedTempFile> {
        let mut file = match file {
            Some(file) => file,
            None => self.unfinished()?,
        };
        file.write_all(bytes)?;
        Ok(file)
    }

    fn unfinished(&self) -> std::io::Result<NamedTempFile> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.keep.folder)?;
        tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.keep.folder)
    }

    fn grown(&self, by: u64) {
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        let now = total.map_or_else(|| self.files().iter().map(|file| file.1).sum(), |known| known + by);
        *total = Some(if now > self.keep.most { self.shrink() } else { now });
    }

    /// The files of the folder that are ours, the oldest first, with their sizes.
    fn files(&self) -> Vec<(SystemTime, u64, PathBuf)> {
        let Ok(entries) = std::fs::read_dir(&self.keep.folder) else { return Vec::new() };
        let ours = |name: &str| {
            name.starts_with(UNFINISHED) || (name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        let mut found: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_str().is_some_and(ours))
            .filter_map(|entry| {
                let facts = entry.metadata().ok()?;
                Some((facts.modified().ok()?, facts.len(), entry.path()))
            })
            .collect();
        found.sort();
        found
    }

    /// Removes the oldest until a fifth of the room is free; what is left.
    fn shrink(&self) -> u64 {
        let files = self.files();
        let mut left: u64 = files.iter().map(|file| file.1).sum();
        for (_, size, path) in files {
            if left <= self.keep.most / 5 * 4 {
                break;
            }
            if std::fs::remove_file(path).is_ok() {
                left -= size;
            }
        }
        left
    }
}

/// What a file says of its body, and the body itself if it is small; nothing if the file is not whole.
fn whole(file: &mut File) -> Option<(Meta, Option<Bytes>)> {
    let end = u64::try_from(MARK.len() + 4).ok()?;
    let length = file.metadata().ok()?.len();
    let mut tail = [0_u8; MARK.len() + 4];
    file.seek(SeekFrom::Start(length.checked_sub(end)?)).ok()?;
    file.read_exact(&mut tail).ok()?;
    let (size, mark) = tail.split_first_chunk::<4>()?;
    let size = u64::from(u32::from_be_bytes(*size));
    let body = length.checked_sub(end + size)?;
    if mark != MARK || size > SMALL {
        return None;
    }
    file.seek(SeekFrom::Start(body)).ok()?;
    let mut text = Vec::new();
    Read::by_ref(file).take(size).read_to_end(&mut text).ok()?;
    let meta: Meta = serde_json::from_slice(&text).ok().filter(|meta: &Meta| meta.length == body)?;
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut crc = flate2::Crc::new();
    let mut small = Vec::with_capacity(if body <= SMALL { usize::try_from(body).ok()? } else { 0 });
    let mut piece = vec![0_u8; usize::try_from(body.clamp(1, PIECE)).ok()?];
    let mut source = Read::by_ref(file).take(body);
    loop {
        let read = source.read(&mut piece).ok()?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        crc.update(bytes);
        if body <= SMALL {
            small.extend_from_slice(bytes);
        }
    }
    file.seek(SeekFrom::Start(0)).ok()?;
    let is_whole = crc.sum() == meta.crc;
    is_whole.then(|| (meta, (body <= SMALL).then(|| Bytes::from(small))))
}

/// An answer on its way to the disk.
pub(super) struct Keeper {
    disk: Arc<Disk>,
    key: String,
    meta: Meta,
    crc: flate2::Crc,
    file: Option<NamedTempFile>,
    rest: Vec<u8>,
}

impl Keeper {
    /// Begins to keep an answer, unless its source wants that nobody does, or it says nothing by which it
    /// could be asked for again; what is `sealed` needs nothing of that.
    pub fn begin(disk: &Arc<Disk>, key: &str, headers: &HeaderMap, sealed: bool) -> Option<Self> {
        let said = control(headers);
        let dated = headers.contains_key(ETAG) || headers.contains_key(LAST_MODIFIED) || said.age > 0;
        let again = sealed || dated;
        if said.no_store || !again {
            return None;
        }
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let headers = HEADERS.iter().flat_map(|name| headers.get_all(name).iter().map(move |v| (name, v)));
        let headers = headers.filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect();
        Some(Self {
            disk: Arc::clone(disk),
            key: key.to_owned(),
            meta: Meta { headers, age: said.age, length: 0, crc: 0 },
            crc: flate2::Crc::new(),
            file: None,
            rest: Vec::new(),
        })
    }

    /// Takes a piece of the body; `false` if it can't be kept after all.
    pub async fn take(&mut self, bytes: &[u8]) -> bool {
        self.crc.update(bytes);
        self.meta.length += bytes.len() as u64;
        self.rest.extend_from_slice(bytes);
        if self.meta.length > self.disk.keep.most / 2 {
            return false;
        }
        self.rest.len() < HELD || self.flush().await.is_some()
    }

    async fn flush(&mut self) -> Option<()> {
        let (file, rest) = (self.file.take(), std::mem::take(&mut self.rest));
        let written = self.disk.work(move |disk| disk.append(file, &rest)).await;
        self.file = Some(written?.ok()?);
        Some(())
    }

    /// The body is whole: it may be found from now on. What can't be written is not kept.
    pub async fn finish(mut self) {
        self.meta.crc = self.crc.sum();
        let disk = Arc::clone(&self.disk);
        disk.work(move |disk| drop(disk.store(self))).await;
    }
}

struct Control {
    no_store: bool,
    age: u64,
}

fn control(headers: &HeaderMap) -> Control {
    let mut said = Control { no_store: false, age: 0 };
    let mut always_asks = false;
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    for word in values.flat_map(|value| value.split(',')) {
        let word = word.trim().to_ascii_lowercase();
        match word.split_once('=') {
            None if word == "no-store" => said.no_store = true,
            None if word == "no-cache" => always_asks = true,
            Some(("max-age", seconds)) => said.age = seconds.trim_matches('"').parse().unwrap_or(0),
            _ => {}
        }
    }
    if always_asks {
        said.age = 0;
    }
    said
}
