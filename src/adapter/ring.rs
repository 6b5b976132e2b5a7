//! The last lines of a script's output, masked. It decides how many are kept, how long one may be,
//! and that a secret is hidden before a line is cut.

use std::collections::VecDeque;
use std::io::ErrorKind;

use tokio::net::unix::pipe::Receiver;

use crate::render::Mask;

/// How many lines are kept.
const LINES: usize = 200;

/// The longest line that is kept, in characters.
const LONGEST: usize = 2_000;

/// How many bytes of a line are looked at; what follows up to the line's end is dropped. Far above
/// `LONGEST`, so that a secret that stands across the cut is hidden whole.
const READ: usize = 64 * 1024;

/// The last lines of an output.
pub(super) struct Ring {
    mask: Mask,
    lines: VecDeque<String>,
    line: Vec<u8>,
}

impl Ring {
    pub fn new(mask: Mask) -> Self {
        Self { mask, lines: VecDeque::new(), line: Vec::new() }
    }

    /// Reads until the pipe ends. Nothing is lost when the future is dropped in between.
    pub async fn read(&mut self, from: &Receiver) {
        loop {
            if from.readable().await.is_err() || !self.read_rest(from) {
                return;
            }
        }
    }

    /// Reads what is there without waiting; whether more may come.
    pub fn read_rest(&mut self, from: &Receiver) -> bool {
        let mut buffer = [0_u8; 16 * 1024];
        loop {
            match from.try_read(&mut buffer) {
                Ok(0) => return false,
                Ok(n) => self.take(&buffer[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            let (text, ends) = match part.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (part, false),
            };
            let room = READ.saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let text = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        let hidden = self.mask.hide(text.trim_end_matches('\r'));
        // Colours and cursor movements of a script have no meaning in a journal.
        let mut shown: String =
            hidden.chars().filter(|c| !c.is_control() || *c == '\t').take(LONGEST).collect();
        if hidden.chars().count() > LONGEST {
            shown.push('…');
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(shown);
    }

    /// The lines, oldest first.
    pub fn lines(mut self) -> Vec<String> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.lines.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mask: Mask, parts: &[&[u8]]) -> Vec<String> {
        let mut ring = Ring::new(mask);
        for part in parts {
            ring.take(part);
        }
        ring.lines()
    }

    #[test]
    fn lines_come_together_from_parts() {
        assert_eq!(lines(Mask::default(), &[b"a", b"b\nc\r\n", b"\n", b"d"]), ["ab", "c", "", "d"]);
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let text: String = (0..1000).map(|n| format!("{n}\n")).collect();
        let kept = lines(Mask::default(), &[text.as_bytes()]);
        assert_eq!((kept.len(), kept[0].as_str(), kept[199].as_str()), (200, "800", "999"));
    }

    #[test]
    fn a_secret_across_the_cut_of_a_long_line_is_hidden_whole() {
        let text = format!("{}{}", "x".repeat(LONGEST - 4), "hunter2-hunter2");
        let kept = lines(Mask::new(["hunter2-hunter2"]), &[text.as_bytes()]);
        assert!(kept[0].ends_with("x***"), "{}", &kept[0][LONGEST - 10..]);
        let endless = vec![b'y'; 3 * READ];
        let kept = lines(Mask::default(), &[&endless, b"\nnext\n"]);
        assert_eq!(kept[0].chars().count(), LONGEST + 1);
        assert_eq!(kept[1], "next");
    }

    #[test]
    fn escape_sequences_do_not_reach_a_terminal() {
        assert_eq!(lines(Mask::default(), &[b"\x1b[31mred\x07\n"]), ["[31mred"]);
    }
}
