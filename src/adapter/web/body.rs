//! A body as it comes, piece by piece: from the network or from the disk, never more than was agreed, never
//! later. What comes from the network is kept on the way if that is wanted, and only once it is whole.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};

use super::budget::{Host, Seat};
use super::disk::{Keeper, KeptBody};
use super::words::cause;
use crate::diag::count;
use crate::digest::Digest;
use crate::port::upstream::{Silence, Unanswered};

/// How much of a file is read at once.
const PIECE: usize = 256 * 1024;

/// A body. As long as it is not read to its end it takes a seat at its host.
pub struct Body {
    pub(super) source: Source,
    pub(super) most: u64,
    pub(super) read: u64,
    pub(super) until: Instant,
    /// What was asked, for people.
    pub(super) words: String,
    pub(super) keeper: Option<Keeper>,
    /// If its digest is known before: what came of it so far.
    pub(super) seal: Option<Seal>,
}

/// A digest that is wanted, and that of what came.
pub(super) struct Seal {
    wanted: Digest,
    hash: Sha256,
    broken: bool,
}

impl Seal {
    pub fn new(wanted: Digest) -> Self {
        Self { wanted, hash: Sha256::new(), broken: false }
    }
}

/// Where a body comes from.
pub(super) enum Source {
    /// The seat is given back with it.
    Wire {
        response: Box<reqwest::Response>,
        host: Arc<Host>,
        _seat: Seat,
    },
    Memory(Bytes),
    File(tokio::fs::File, u64),
    End,
}

impl From<KeptBody> for Source {
    fn from(body: KeptBody) -> Self {
        match body {
            KeptBody::Small(bytes) => Self::Memory(bytes),
            KeptBody::Large(file, length) => Self::File(tokio::fs::File::from_std(file), length),
        }
    }
}

impl Body {
    /// The next piece; nothing once all was read.
    ///
    /// # Errors
    /// `TooMuch` past the agreed size, `Invalid` if it breaks off or has another digest than was wanted,
    /// `Unreachable` if it takes too long. After an error there is no next piece.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Unanswered> {
        let next = self.next().await;
        match &next {
            Ok(Some(bytes)) => {
                self.read += bytes.len() as u64;
                if self.read > self.most {
                    self.abandon();
                    return Err(self.too_much());
                }
                if let Some(seal) = &mut self.seal {
                    seal.hash.update(bytes);
                }
                self.keep(bytes).await;
            }
            Ok(None) => {
                self.source = Source::End;
                self.check()?;
                if let Some(keeper) = self.keeper.take() {
                    keeper.finish().await;
                }
            }
            Err(_) => self.abandon(),
        }
        next
    }

    /// All that is left, as one.
    ///
    /// # Errors
    /// As [`Body::chunk`].
    pub async fn all(&mut self) -> Result<Vec<u8>, Unanswered> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.chunk().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Unanswered> {
        match &mut self.source {
            Source::Wire { response, host, .. } => match timeout_at(self.until, response.chunk()).await {
                Ok(Ok(bytes)) => Ok(bytes),
                Ok(Err(error)) if error.is_timeout() => {
                    host.failed("it stopped in the middle of an answer");
                    Err(self.silent("it said nothing more for too long"))
                }
                Ok(Err(error)) => {
                    let read = count(self.read, "byte");
                    let words =
                        format!("{}: the answer broke off after {read}: {}", self.words, cause(error));
                    Err(Unanswered::new(Silence::Invalid, words))
                }
                Err(_) => Err(self.silent("the answer took longer than there is time")),
            },
            Source::Memory(bytes) => Ok(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty())),
            Source::File(file, left) => {
                let mut piece = BytesMut::with_capacity(PIECE);
                let read = file.take(*left).read_buf(&mut piece).await.unwrap_or(0);
                if read == 0 && *left > 0 {
                    return Err(self.silent("what was kept of it can't be read any more"));
                }
                *left -= read as u64;
                Ok(Some(piece.freeze()).filter(|bytes| !bytes.is_empty()))
            }
            Source::End => Ok(None),
        }
    }

    /// Whether what came whole is what was wanted; else it is not kept either.
    fn check(&mut self) -> Result<(), Unanswered> {
        let Some(seal) = &mut self.seal else { return Ok(()) };
        let found = Digest::from_bytes(std::mem::take(&mut seal.hash).finalize().into());
        if found == seal.wanted {
            self.seal = None;
            return Ok(());
        }
        seal.broken = true;
        self.keeper = None;
        let words =
            format!("{}: what came has the digest {found}, where {} is told", self.words, seal.wanted);
        Err(Unanswered::new(Silence::Invalid, words))
    }

    /// Whether something else came than was wanted: to ask again would bring the same.
    pub(super) fn is_other(&self) -> bool {
        self.seal.as_ref().is_some_and(|seal| seal.broken)
    }

    async fn keep(&mut self, bytes: &Bytes) {
        if let Some(keeper) = &mut self.keeper
            && !keeper.take(bytes).await
        {
            self.keeper = None;
        }
    }

    fn abandon(&mut self) {
        self.source = Source::End;
        self.keeper = None;
    }

    fn silent(&self, why: &str) -> Unanswered {
        Unanswered::new(Silence::Unreachable, format!("{}: {why}", self.words))
    }

    pub(super) fn too_much(&self) -> Unanswered {
        let words = format!("{}: the answer has more than {}", self.words, count(self.most, "byte"));
        Unanswered::new(Silence::TooMuch, words)
    }
}

/// Reads what is left of an answer that nobody needs, if it is little: its connection is then used again.
pub(super) async fn drain(mut response: reqwest::Response) {
    let until = Instant::now() + Duration::from_millis(200);
    let mut read = 0;
    while let Ok(Ok(Some(bytes))) = timeout_at(until, response.chunk()).await {
        read += bytes.len();
        if read > 64 * 1024 {
            return;
        }
    }
}
