//! A page of tags as it is read: names go straight to where they are kept, whatever the size of the page, and
//! nothing else of it is held. Small pages are read whole, large ones as they come.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tokio::sync::mpsc::{Receiver, channel};

use crate::adapter::web::Body;
use crate::port::upstream::{Known, Tags, Unanswered};

/// Pages up to this size are read whole.
const SMALL: usize = 1024 * 1024;

/// The longest name of a tag (OCI distribution-spec, "pull").
const LONGEST: usize = 128;

/// Tags as they are found.
pub(super) struct Sink {
    pub tags: Tags,
    /// How many there are.
    pub count: usize,
    /// The most that are taken.
    pub most: usize,
    /// Whether there were more.
    pub over: bool,
    /// Whether digests and dates are wanted, too.
    pub details: bool,
}

/// What a page held beside its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// How many names.
    pub count: usize,
    /// A hash over all of them in their order.
    pub names: u64,
}

/// Why a page is none.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It did not come whole.
    Broken(Unanswered),
    /// It came, and is no list of tags.
    Wrong(String),
    /// More tags than are taken.
    TooMany,
}

impl Sink {
    pub fn new(most: usize, details: bool) -> Self {
        Self { tags: Tags::default(), count: 0, most, over: false, details }
    }

    fn push(&mut self, tag: &str) -> bool {
        if self.count >= self.most {
            self.over = true;
            return false;
        }
        if is_tag(tag) {
            self.count += 1;
            self.tags.push(tag);
        }
        true
    }
}

/// Whether a text can be the name of a tag.
pub(super) fn is_tag(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    let rest = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    first && text.len() <= LONGEST && text.bytes().all(rest)
}

/// Reads a page into the sink. If it fails the sink is as it was before.
pub(super) async fn read(sink: Sink, body: &mut Body) -> (Sink, Result<Page, Trouble>) {
    let (size, count) = (sink.tags.size(), sink.count);
    let (mut sink, read) = fill(sink, body).await;
    if read.is_err() {
        sink.tags.shorten(size);
        sink.count = count;
    }
    (sink, read)
}

async fn fill(mut sink: Sink, body: &mut Body) -> (Sink, Result<Page, Trouble>) {
    let mut begun = Vec::new();
    while begun.len() <= SMALL {
        match body.chunk().await {
            Ok(Some(bytes)) => begun.extend_from_slice(&bytes),
            Ok(None) => {
                let read = parse(&mut sink, &mut serde_json::Deserializer::from_slice(&begun));
                let read = read.map_err(|why| wrong(&sink, &begun, &why));
                return (sink, read);
            }
            Err(broken) => return (sink, Err(Trouble::Broken(broken))),
        }
    }
    let (give, take) = channel::<Bytes>(4);
    let first = begun.get(..64).unwrap_or_default().to_vec();
    let reader = Pieces { now: Bytes::from(begun), take };
    let parser = tokio::task::spawn_blocking(move || {
        let reader = std::io::BufReader::with_capacity(64 * 1024, reader);
        let read = parse(&mut sink, &mut serde_json::Deserializer::from_reader(reader));
        (sink, read)
    });
    let mut broken = None;
    loop {
        match body.chunk().await {
            Ok(Some(bytes)) => {
                // Where nobody takes it the parser stopped: it found something wrong.
                if give.send(bytes).await.is_err() {
                    break;
                }
            }
            Ok(None) => break,
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
    }
    drop(give);
    match parser.await {
        Ok((sink, _)) if broken.is_some() => (sink, Err(broken.map_or(Trouble::TooMany, Trouble::Broken))),
        Ok((sink, read)) => {
            let read = read.map_err(|why| wrong(&sink, &first, &why));
            (sink, read)
        }
        Err(_) => (Sink::new(0, false), Err(Trouble::Wrong("reading it was given up".to_owned()))),
    }
}

fn wrong(sink: &Sink, begun: &[u8], why: &str) -> Trouble {
    let first = begun.iter().find(|b| !b.is_ascii_whitespace());
    match first {
        _ if sink.over => Trouble::TooMany,
        Some(b'<') => Trouble::Wrong("a web page came instead of a list of tags".to_owned()),
        None => Trouble::Wrong("nothing came instead of a list of tags".to_owned()),
        _ => Trouble::Wrong(format!("what came is no list of tags: {why}")),
    }
}

/// Pieces of a body, for a reader that waits for them.
struct Pieces {
    now: Bytes,
    take: Receiver<Bytes>,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.now.is_empty() {
            match self.take.blocking_recv() {
                Some(next) => self.now = next,
                None => return Ok(0),
            }
        }
        let length = self.now.len().min(into.len());
        if let Some(into) = into.get_mut(..length) {
            into.copy_from_slice(&self.now.split_to(length));
        }
        Ok(length)
    }
}

fn parse<'de, R: serde_json::de::Read<'de>>(
    sink: &mut Sink,
    text: &mut serde_json::Deserializer<R>,
) -> Result<Page, String> {
    let page = Whole(sink).deserialize(&mut *text).and_then(|page| text.end().map(|()| page));
    // A name may be a stranger's: only where it went wrong is told.
    page.map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => "it ends in the middle".to_owned(),
        _ => super::plain(&error.to_string()),
    })
}

/// The whole document: `{"name": .., "tags": [..]}`, and Google's `manifest`.
struct Whole<'a>(&'a mut Sink);

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Page, D::Error> {
        source.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `tags`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let mut page = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "tags" => page = Some(map.next_value_seed(Names(self.0))?),
                "manifest" if self.0.details => map.next_value_seed(Manifests(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        page.ok_or_else(|| A::Error::custom("it has no `tags`"))
    }
}

/// The list of names; `null` is how some registries write an empty one.
struct Names<'a>(&'a mut Sink);

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Page, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names")
    }

    fn visit_unit<E>(self) -> Result<Page, E> {
        Ok(Page { count: 0, names: 0 })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Page, A::Error> {
        let mut hash = DefaultHasher::new();
        let mut count = 0;
        while list.next_element_seed(Name(self.0, &mut hash))?.is_some() {
            count += 1;
        }
        Ok(Page { count, names: hash.finish() })
    }
}

/// One name, never held by itself.
struct Name<'a>(&'a mut Sink, &'a mut DefaultHasher);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        text.hash(self.1);
        if self.0.push(text) { Ok(()) } else { Err(E::custom("too many tags")) }
    }
}

/// Google's map of manifests: digest to tags and dates.
struct Manifests<'a>(&'a mut Sink);

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    tag: Vec<String>,
    #[serde(default)]
    time_uploaded_ms: Option<String>,
}

impl<'de> DeserializeSeed<'de> for Manifests<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Manifests<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of manifests")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((digest, manifest)) = map.next_entry::<String, Manifest>()? {
            let pushed = manifest.time_uploaded_ms.and_then(|text| text.parse().ok());
            let pushed = pushed.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
            for tag in manifest.tag {
                let digest = Some(digest.clone()).filter(|digest| super::is_digest(digest));
                self.0.tags.known.insert(tag, Known { digest, children: Vec::new(), pushed });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Sink, Result<Page, String>) {
        let mut sink = Sink::new(1000, true);
        let read = parse(&mut sink, &mut serde_json::Deserializer::from_slice(text.as_bytes()));
        (sink, read)
    }

    #[test]
    fn names_are_taken_in_their_order_and_null_is_none() {
        let (sink, page) = parsed(r#"{"name":"a/b","tags":["1.0","latest"],"x":{"y":[1]}}"#);
        assert_eq!(sink.tags.iter().collect::<Vec<_>>(), ["1.0", "latest"]);
        assert_eq!(page.expect("a page").count, 2);
        assert_eq!(parsed(r#"{"name":"a/b","tags":null}"#).1.expect("a page").count, 0);
        assert_eq!(parsed(r#"{"name":"a/b","tags":[]}"#).1.expect("a page").count, 0);
    }

    #[test]
    fn what_can_be_no_tag_is_left_out() {
        let (sink, _) = parsed(r#"{"tags":["ok","a\nb","","-x","\u001b[2J","a/b","1+2"]}"#);
        assert_eq!(sink.tags.iter().collect::<Vec<_>>(), ["ok"]);
        assert!(!is_tag(&"x".repeat(129)) && is_tag(&"x".repeat(128)));
    }

    #[test]
    fn what_is_no_page_says_so() {
        for (text, why) in [
            (r#"{"tags":["1.0""#, "ends in the middle"),
            (r#"{"name":"x"}"#, "no `tags`"),
            ("[]", "expected an object with `tags`"),
            (r#"{"tags":"1.0"}"#, "expected a list of names"),
            (r#"{"tags":[1]}"#, "expected a name"),
            (r#"{"tags":[]} x"#, "trailing"),
        ] {
            let error = parsed(text).1.expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn more_than_is_taken_is_an_error() {
        let mut sink = Sink::new(1, false);
        let text = br#"{"tags":["1","2"]}"#;
        assert!(parse(&mut sink, &mut serde_json::Deserializer::from_slice(text)).is_err());
        assert!(sink.over);
    }

    #[test]
    fn googles_manifests_tell_digests_and_dates() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let text = format!(
            r#"{{"child":[],"manifest":{{"{digest}":{{"imageSizeBytes":"9","tag":["1.0","latest"],"timeCreatedMs":"0","timeUploadedMs":"1700000000000"}}}},"name":"p/x","tags":["1.0","latest"]}}"#
        );
        let (sink, page) = parsed(&text);
        assert!(page.is_ok());
        let known = &sink.tags.known["1.0"];
        assert_eq!(known.digest.as_deref(), Some(digest.as_str()));
        assert_eq!(known.pushed.expect("a date").to_string(), "2023-11-14T22:13:20Z");
    }
}
