//! How entries are chained: each carries the hash of its predecessor, and its own hash covers all
//! the rest of it. Decides how an event is written as text, how it is read back, and where a
//! chain is broken. Where the text is kept is for an adapter.

use super::{Body, Event, SCHEMA};
use crate::digest::{self, Digest};
use crate::model::Actor;

/// An entry as it is kept: its position beside the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The position under which it is kept.
    pub seq: u64,
    /// The event as canonical JSON (RFC 8785) on one line, hash included.
    pub text: String,
}

/// Why a text is no event that this build can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A later version of the tool wrote it.
    #[error(
        "event {seq} was written with schema {found} by a newer tidegate, this one reads up to {SCHEMA}: \
         install the newer version"
    )]
    Newer {
        /// The event's position.
        seq: u64,
        /// The schema it was written with.
        found: u64,
    },
    /// It is damaged.
    #[error("event {seq} can't be read: {cause}")]
    Damaged {
        /// The position under which it is kept.
        seq: u64,
        /// What the reader found.
        cause: String,
    },
}

/// Where and how a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("the journal is broken at event {seq}: {fault}")]
pub struct Broken {
    /// The first position at which something is wrong.
    pub seq: u64,
    /// What is wrong there.
    pub fault: ChainFault,
}

/// How a chain can be broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum ChainFault {
    /// Positions don't follow each other.
    #[error("position {expected} was expected, so an event is missing or out of order")]
    Gap {
        /// The position that had to come.
        expected: u64,
    },
    /// The text is no JSON object with the fields of an envelope.
    #[error("it is no event: {cause}")]
    Unreadable {
        /// What the reader found.
        cause: String,
    },
    /// The text says the same in other bytes than the writer wrote.
    #[error("its text is not in the canonical form in which it was written")]
    NotCanonical,
    /// The position in the text is not the one under which it is kept.
    #[error("it says that it is event {claimed}")]
    Moved {
        /// What the text says.
        claimed: u64,
    },
    /// Its content does not have its hash.
    #[error("its content has the hash {computed}, it carries {carried}: it was changed after it was written")]
    Changed {
        /// Of the content as it is.
        computed: Digest,
        /// As written.
        carried: Digest,
    },
    /// It does not follow the event before it.
    #[error(
        "it follows an event with the hash {carried}, the one before it has {expected}: one of the two was replaced"
    )]
    Unlinked {
        /// The hash of the event before (of the journal's UUID for the first).
        expected: Digest,
        /// What it says.
        carried: Digest,
    },
    /// The events carry a fence lower than one before them.
    #[error("its fence {found} is lower than {before} of an event before it")]
    Fence {
        /// The highest fence before.
        before: u64,
        /// Its own.
        found: u64,
    },
}

/// A chain that holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// How many events it has.
    pub events: u64,
    /// The hash of the last one (of the journal's UUID when there is none).
    pub head: Digest,
}

/// What the first event follows: the hash of the journal's UUID in its hyphenated lower-case form.
pub fn origin(journal: uuid::Uuid) -> Digest {
    digest::bytes(journal.hyphenated().to_string().as_bytes())
}

/// An event before it is chained.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// When.
    pub at: jiff::Timestamp,
    /// Who.
    pub actor: Actor,
    /// The driver's fence, for its events.
    pub fence: Option<u64>,
    /// What.
    pub body: Body,
}

/// The event at position `seq` after one whose hash is `prev`, written with this build's schema.
///
/// # Errors
/// When the body has no canonical JSON, which no value that came from JSON or YAML has.
pub fn chain(draft: Draft, seq: u64, prev: Digest) -> Result<Event, digest::CanonicalError> {
    let Draft { at, actor, fence, body } = draft;
    let mut event =
        Event { seq, at, schema: SCHEMA, actor, fence, body, prev, hash: Digest::from_bytes([0; 32]) };
    event.hash = hash(&event)?;
    Ok(event)
}

/// The hash that an event must carry.
///
/// # Errors
/// As [`chain`].
pub fn hash(event: &Event) -> Result<Digest, digest::CanonicalError> {
    /// The event without its hash, in the same shape.
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Unhashed<'a> {
        seq: u64,
        at: jiff::Timestamp,
        schema: u32,
        actor: &'a Actor,
        #[serde(skip_serializing_if = "Option::is_none")]
        fence: Option<u64>,
        #[serde(flatten)]
        body: &'a Body,
        prev: Digest,
    }
    digest::of(&Unhashed {
        seq: event.seq,
        at: event.at,
        schema: event.schema,
        actor: &event.actor,
        fence: event.fence,
        body: &event.body,
        prev: event.prev,
    })
}

/// The event as it is kept and as it stands in golden files: canonical JSON on one line.
///
/// # Errors
/// As [`chain`].
pub fn encode(event: &Event) -> Result<Entry, digest::CanonicalError> {
    let bytes = digest::canonical_json(event)?;
    // Canonical JSON is UTF-8 by its definition.
    Ok(Entry { seq: event.seq, text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// Reads an event: older schemas are understood, newer ones refused.
///
/// # Errors
/// When a newer build wrote it, or when it is damaged. The hash is not checked here.
pub fn decode(entry: &Entry) -> Result<Event, DecodeError> {
    /// The part of an envelope that every schema has.
    #[derive(serde::Deserialize)]
    struct Envelope {
        schema: u64,
    }
    let damaged =
        |error: serde_json::Error| DecodeError::Damaged { seq: entry.seq, cause: error.to_string() };
    let envelope: Envelope = serde_json::from_str(&entry.text).map_err(damaged)?;
    if envelope.schema > u64::from(SCHEMA) {
        return Err(DecodeError::Newer { seq: entry.seq, found: envelope.schema });
    }
    serde_json::from_str(&entry.text).map_err(damaged)
}

/// Follows a chain, event after event, so that a long journal need not be in memory.
#[derive(Debug, Clone)]
pub struct Verifier {
    next: u64,
    head: Digest,
    fence: u64,
}

impl Verifier {
    /// Before the first event of a journal.
    pub fn new(journal: uuid::Uuid) -> Self {
        Self { next: 1, head: origin(journal), fence: 0 }
    }

    /// Takes the next entry. It is judged by its bytes, so events of newer schemas can be verified
    /// too.
    ///
    /// # Errors
    /// When the chain is broken at this entry.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Broken> {
        let broken = |fault| Err(Broken { seq: entry.seq, fault });
        if entry.seq != self.next {
            return broken(ChainFault::Gap { expected: self.next });
        }
        let mut object: serde_json::Map<String, serde_json::Value> = match serde_json::from_str(&entry.text) {
            Ok(object) => object,
            Err(error) => return broken(ChainFault::Unreadable { cause: error.to_string() }),
        };
        match digest::canonical_json(&object) {
            Ok(bytes) if bytes == entry.text.as_bytes() => {}
            Ok(_) => return broken(ChainFault::NotCanonical),
            Err(error) => return broken(ChainFault::Unreadable { cause: error.to_string() }),
        }
        let field = |object: &serde_json::Map<String, serde_json::Value>, name: &str| {
            object
                .get(name)
                .and_then(|v| v.as_str())
                .ok_or_else(|| format!("`{name}` is missing"))
                .and_then(|text| text.parse::<Digest>().map_err(|e| format!("`{name}`: {e}")))
        };
        let (carried, prev) = match (field(&object, "hash"), field(&object, "prev")) {
            (Ok(hash), Ok(prev)) => (hash, prev),
            (Err(cause), _) | (_, Err(cause)) => return broken(ChainFault::Unreadable { cause }),
        };
        match object.get("seq").and_then(serde_json::Value::as_u64) {
            Some(claimed) if claimed == entry.seq => {}
            Some(claimed) => return broken(ChainFault::Moved { claimed }),
            None => return broken(ChainFault::Unreadable { cause: "`seq` is missing".to_owned() }),
        }
        let fence = object.get("fence").and_then(serde_json::Value::as_u64);
        object.remove("hash");
        let computed = match digest::of(&object) {
            Ok(computed) => computed,
            Err(error) => return broken(ChainFault::Unreadable { cause: error.to_string() }),
        };
        if computed != carried {
            return broken(ChainFault::Changed { computed, carried });
        }
        if prev != self.head {
            return broken(ChainFault::Unlinked { expected: self.head, carried: prev });
        }
        if let Some(found) = fence {
            if found < self.fence {
                return broken(ChainFault::Fence { before: self.fence, found });
            }
            self.fence = found;
        }
        self.next += 1;
        self.head = carried;
        Ok(())
    }

    /// What was followed so far.
    pub fn verified(&self) -> Verified {
        Verified { events: self.next - 1, head: self.head }
    }
}

/// Follows a whole chain from its origin.
///
/// # Errors
/// Where and how it is broken first.
pub fn verify(journal: uuid::Uuid, entries: impl IntoIterator<Item = Entry>) -> Result<Verified, Broken> {
    let mut verifier = Verifier::new(journal);
    for entry in entries {
        verifier.take(&entry)?;
    }
    Ok(verifier.verified())
}
