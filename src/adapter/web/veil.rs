//! What was shown to a host is hidden in what it says: some repeat the token that they refuse. What a host says
//! is told on only through here, whoever reads it.

use super::words::plain;
use crate::port::Secret;
use crate::port::upstream::Unanswered;
use crate::render::Mask;

/// What was shown for an answer. It is never printed.
#[derive(Clone, Default)]
pub struct Veil {
    shown: Vec<Secret>,
}

impl Veil {
    /// Hides these, too.
    pub(super) fn add(&mut self, secrets: impl IntoIterator<Item = Secret>) {
        self.shown.extend(secrets);
    }

    /// A text without what was shown, however it is written there (plain, between quotes, as base64).
    pub fn hide(&self, text: &str) -> String {
        if self.shown.is_empty() {
            return text.to_owned();
        }
        Mask::new(self.shown.iter().map(Secret::expose)).hide(text)
    }

    /// What a stranger said, fit to be told on: one short line, without what was shown. Hidden before it is cut,
    /// so that no half of a secret stays; and after what could stand within one was taken out.
    pub fn plain(&self, text: &str) -> String {
        self.hide(&plain(&self.hide(text)))
    }

    /// A silence, in words without what was shown.
    pub fn silence(&self, silence: Unanswered) -> Unanswered {
        Unanswered { message: self.hide(&silence.message), ..silence }
    }
}

impl std::fmt::Debug for Veil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Veil(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_secret_stays_where_a_text_is_cut_or_cleaned() {
        let mut veil = Veil::default();
        veil.add([Secret::new("sekrit-tok-123")]);
        let long = format!("{} sekrit-tok-123", "x".repeat(190));
        assert!(!veil.plain(&long).contains("sek"), "{}", veil.plain(&long));
        assert_eq!(veil.plain("no sekrit-\u{7}tok-123 here"), "no *** here");
        assert_eq!(veil.plain("c2Vrcml0LXRvay0xMjM="), "***");
        assert_eq!(Veil::default().plain("as it is"), "as it is");
    }
}
