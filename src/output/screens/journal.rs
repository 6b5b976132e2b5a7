//! `journal verify`: what was verified.

use crate::diag::count;
use crate::digest::Digest;
use crate::output::mark::Tone;
use crate::output::{Look, Screen};

/// A journal whose chain holds.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedScreen {
    /// Its UUID.
    pub journal: uuid::Uuid,
    /// Its file.
    pub path: String,
    /// How many events it has.
    pub events: u64,
    /// The hash of the last one.
    pub head: Digest,
}

impl Screen for VerifiedScreen {
    const KIND: &'static str = "JournalVerification";

    fn text(&self, _: &Look) -> String {
        format!(
            "{} · {}, head {}\n{}\n",
            Tone::Good.paint(&Tone::Good.mark("every hash fits")),
            count(self.events, "event"),
            self.head,
            self.path
        )
    }
}
