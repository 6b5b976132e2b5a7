//! A question for a host, and a whole answer. Built in one line by who asks; the defaults are those of a
//! small JSON document that anybody may read.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use reqwest::Url;

use super::lead::{Lead, Whence};
use super::pass::Pass;
use super::veil::Veil;
use super::words::address;
use crate::digest::Digest;
use crate::port::Secret;
use crate::port::upstream::{Silence, Unanswered};

/// The most bytes of an answer, unless the question says otherwise.
const MOST: u64 = 16 * 1024 * 1024;

/// What is wanted is named by its digest.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    pub digest: Digest,
    /// Whose answer it is: that of who asked first, wherever the question is led.
    pub owner: String,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) pass: Option<Pass>,
    pub(super) veil: Veil,
    pub(super) most: u64,
    pub(super) within: Option<Duration>,
    pub(super) kept: bool,
    pub(super) fresh: bool,
    pub(super) sealed: Option<Sealed>,
    pub(super) led: Option<(Whence, Lead)>,
}

impl Ask {
    fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            pass: None,
            veil: Veil::default(),
            most: MOST,
            within: None,
            kept: false,
            fresh: false,
            sealed: None,
            led: None,
        }
    }

    /// For a document.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// For the headers of a document alone.
    pub fn head(url: Url) -> Self {
        Self::new(Method::HEAD, url)
    }

    /// With something to read for the host. It may be sent more than once: only for questions that change
    /// nothing.
    pub fn post(url: Url, kind: &'static str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(Method::POST, url) }
            .header(CONTENT_TYPE, HeaderValue::from_static(kind))
    }

    /// With something that the host keeps. It may be sent more than once: only where a second one is refused, or
    /// changes nothing. It leads to no other host.
    pub fn change(method: Method, url: Url, kind: &'static str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(method, url) }
            .header(CONTENT_TYPE, HeaderValue::from_static(kind))
    }

    /// What kinds of answers are understood.
    pub fn accept(self, kinds: &'static str) -> Self {
        self.header(ACCEPT, HeaderValue::from_static(kinds))
    }

    /// Another header; not for anything secret.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Shows this to the host, and to no other that it leads to.
    pub fn pass(mut self, pass: Option<Pass>) -> Self {
        if let Some(sealed) = &mut self.sealed {
            sealed.owner = owner(pass.as_ref());
        }
        self.veil.add(pass.iter().flat_map(Pass::secrets));
        self.pass = pass;
        self
    }

    /// Nothing that is said about it tells this: it stands in what is sent, or was shown for what is.
    pub fn hiding<'s>(mut self, secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        self.veil.add(secrets.into_iter().cloned());
        self
    }

    /// The most bytes that the answer may have.
    pub fn most(mut self, bytes: u64) -> Self {
        self.most = bytes;
        self
    }

    /// How long the answer may take, its last byte included.
    pub fn within(mut self, length: Duration) -> Self {
        self.within = Some(length);
        self
    }

    /// Keeps the answer on the disk, and asks next time only whether it changed.
    pub fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    /// Does not even ask that, as long as the answer itself said that it stays good (`max-age`).
    pub fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// For something that never changes, because its digest names it. What comes with another digest is no
    /// answer; what is kept on the disk is taken from there without asking.
    pub fn sealed(mut self, digest: Digest) -> Self {
        self.sealed = Some(Sealed { digest, owner: owner(self.pass.as_ref()) });
        self.kept()
    }

    /// This address was named by an answer of a host, not by a person. A pass does not go along to another
    /// host, unless it is put in after this.
    pub fn led(mut self, whence: &Whence, lead: Lead) -> Self {
        if !whence.is_home(&self.url) {
            self.pass = None;
        }
        self.led = Some((whence.clone(), lead));
        self
    }

    /// Whether it only asks.
    pub(super) fn is_plain_question(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// `GET https://host/path`, for people.
    pub(super) fn words(&self) -> String {
        format!("{} {}", self.method, address(&self.url))
    }

    /// No answer, in words that begin with what was asked.
    pub(super) fn unanswered(&self, why: Silence, words: impl std::fmt::Display) -> Unanswered {
        Unanswered::new(why, format!("{}: {words}", self.words()))
    }
}

fn owner(pass: Option<&Pass>) -> String {
    pass.map(Pass::owner).unwrap_or_default().to_owned()
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status; 200 also where the disk answered.
    pub status: StatusCode,
    /// Its headers; where the disk answered only those that matter for reading it.
    pub headers: HeaderMap,
    /// What it says.
    pub body: Vec<u8>,
    /// Who answered.
    pub whence: Whence,
    /// What was shown for it, which nothing that is told of it may tell.
    pub veil: Veil,
}

impl Answer {
    /// This answer if it is one (2xx), else what kind of silence its status means.
    ///
    /// # Errors
    /// With the status, and the first words of the answer if they are text.
    pub fn good(self) -> Result<Self, Unanswered> {
        if self.status.is_success() {
            return Ok(self);
        }
        let said = match std::str::from_utf8(&self.body) {
            Ok(text) if !text.trim().is_empty() && !text.trim_start().starts_with('<') => {
                format!(": {}", self.veil.plain(text))
            }
            _ => String::new(),
        };
        let words = format!("{} answered {}{said}", address(&self.whence.url), self.status);
        Err(self.veil.silence(Unanswered::new(silence(self.status), words)))
    }

    /// A header, if it is there and is text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What kind of silence a status means.
pub(super) fn silence(status: StatusCode) -> Silence {
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Silence::Missing,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Silence::Forbidden
        }
        StatusCode::TOO_MANY_REQUESTS => Silence::Limited,
        status if status.is_server_error() => Silence::Unreachable,
        _ => Silence::Invalid,
    }
}
