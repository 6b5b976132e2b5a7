//! Marks: a glyph and a word for every state, with a colour that never says anything alone.

use anstyle::{AnsiColor, Style};

/// What a state means to who looks at it; decides glyph and colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It is as it should be.
    Good,
    /// Something is being done.
    Busy,
    /// Nothing is done; it waits, and says for what.
    Waits,
    /// Look at it.
    Warn,
    /// It failed.
    Bad,
    /// Its turn has not come, or it does not matter any more.
    Quiet,
}

impl Tone {
    /// The glyph.
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Good => "✔",
            Self::Busy => "▶",
            Self::Waits => "⏸",
            Self::Warn => "!",
            Self::Bad => "✖",
            Self::Quiet => "·",
        }
    }

    /// The style.
    pub const fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Busy => AnsiColor::Cyan.on_default(),
            Self::Waits | Self::Warn => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Quiet => Style::new().dimmed(),
        }
    }

    /// Some text in its colour, with ANSI sequences; whoever prints takes them out where none are
    /// wanted.
    pub fn paint(self, text: &str) -> String {
        let style = self.style();
        format!("{style}{text}{style:#}")
    }

    /// Glyph and word, without colour.
    pub fn mark(self, word: &str) -> String {
        format!("{} {word}", self.glyph())
    }
}

/// Text in bold.
pub fn bold(text: &str) -> String {
    let style = Style::new().bold();
    format!("{style}{text}{style:#}")
}

/// Text that matters less.
pub fn dim(text: &str) -> String {
    Tone::Quiet.paint(text)
}

/// Text from elsewhere made safe for one line of a terminal: line breaks and tabs become spaces,
/// other control characters (an escape sequence could rewrite the screen) become `·`.
pub fn clean(text: &str) -> String {
    text.trim_end()
        .chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() => '·',
            // Overrides of writing direction let text look like other text.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '·',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_steer_the_terminal() {
        assert_eq!(clean("a\x1b[2Jb\nc\td\u{202e}e\n"), "a·[2Jb c d·e");
    }

    #[test]
    fn every_tone_has_a_glyph_of_its_own() {
        let tones = [Tone::Good, Tone::Busy, Tone::Waits, Tone::Warn, Tone::Bad, Tone::Quiet];
        let glyphs: std::collections::BTreeSet<_> = tones.iter().map(|t| t.glyph()).collect();
        assert_eq!(glyphs.len(), tones.len());
    }
}
