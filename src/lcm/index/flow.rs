//! Brackets and braces of YAML: where a flow collection ends, over as many lines as it takes.
//!
//! Quotes count only where a value can begin (`[it's]` holds none), and a `#` only behind a blank.

use super::error::Doubt;
use super::lines::closing;

/// Deeper than this nothing is nested that anybody wrote by hand.
const DEEPEST: usize = 255;

/// A flow collection that is not closed yet.
#[derive(Debug, Default)]
pub(super) struct Flow {
    depth: usize,
    /// The quote that is open.
    quote: Option<u8>,
    /// Whether we are inside a plain scalar.
    plain: bool,
    /// Whether something quoted or bracketed has just ended: a `:` may touch it.
    ended: bool,
}

impl Flow {
    /// Reads on in a line. Returns where the collection ends, if it ends here.
    pub(super) fn read(&mut self, line: &[u8]) -> Result<Option<usize>, Doubt> {
        let mut at = 0;
        let mut blank = true;
        while let Some(&byte) = line.get(at) {
            let rest = &line[at..];
            if let Some(quote) = self.quote {
                let Some(length) = closing(quote, rest) else { return Ok(None) };
                self.quote = None;
                self.ended = true;
                at += length;
                blank = false;
                continue;
            }
            let was_blank = std::mem::replace(&mut blank, matches!(byte, b' ' | b'\t'));
            match byte {
                b' ' | b'\t' => {}
                b'#' if was_blank => return Ok(None),
                b'[' | b'{' => self.open()?,
                b']' | b'}' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Ok(Some(at + 1));
                    }
                    (self.plain, self.ended) = (false, true);
                }
                b',' => (self.plain, self.ended) = (false, false),
                b':' if self.ended || divides(rest) => (self.plain, self.ended) = (false, false),
                _ if self.plain => {}
                b'"' | b'\'' => self.quote = Some(byte),
                b'&' | b'!' | b'*' => at += property(rest).saturating_sub(1),
                b'?' if rest.get(1).is_none_or(|next| matches!(next, b' ' | b'\t')) => {}
                _ => (self.plain, self.ended) = (true, false),
            }
            at += 1;
        }
        Ok(None)
    }

    fn open(&mut self) -> Result<(), Doubt> {
        self.depth += 1;
        (self.plain, self.ended) = (false, false);
        if self.depth > DEEPEST { Err(Doubt::Flow) } else { Ok(()) }
    }
}

/// Whether a `:` at the start of `rest` stands between a key and its value.
fn divides(rest: &[u8]) -> bool {
    rest.get(1).is_none_or(|next| matches!(next, b' ' | b'\t' | b',' | b'[' | b']' | b'{' | b'}'))
}

/// The length of an anchor, an alias or a tag.
fn property(text: &[u8]) -> usize {
    let end = |byte: &u8| matches!(byte, b' ' | b'\t' | b',' | b'[' | b']' | b'{' | b'}');
    text.iter().position(end).unwrap_or(text.len())
}
