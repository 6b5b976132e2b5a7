//! Parts of versions as rows of bits: what comes first among the rows comes first among the versions. No row is
//! the beginning of another one, so that of two rows that are alike as far as there is room, either both are
//! complete or none is.

use super::super::version::{Number, Part};

/// So many bits are a small number, which is written one higher than it is: zero is the end of all numbers.
pub(super) const UNIT: u32 = 11;
/// Numbers from here on are large: behind how many bytes they take. Years are small for a while.
pub(super) const LARGE: u64 = 2036;
/// What stands for a number that no machine counts with.
const HUGE: u64 = 2046;
/// So many bits are a letter, one higher than it is: zero is the end of a text.
const LETTER: u32 = 7;
/// What stands for all letters from here on.
const FOREIGN: u64 = 127;
/// So many bits say what kind of part comes.
const KIND: u32 = 3;

/// A row of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bits {
    /// They themselves, the first of them the highest.
    pub(super) row: u128,
    /// For how many more there is room.
    pub(super) room: u32,
    /// Whether all found room.
    pub(super) complete: bool,
}

impl Bits {
    pub(super) fn new() -> Self {
        Self { row: 0, room: u128::BITS, complete: true }
    }

    /// Writes a value of so many bits; of those that find no room, the lowest are left out.
    pub(super) fn put(&mut self, value: u64, width: u32) {
        let lost = width.saturating_sub(self.room);
        self.room -= width - lost;
        self.row |= u128::from(value.checked_shr(lost).unwrap_or_default()) << self.room;
        self.complete &= lost == 0;
    }

    /// Leaves out whatever comes.
    fn cut(&mut self) {
        (self.room, self.complete) = (0, false);
    }

    pub(super) fn number(&mut self, number: Number<'_>) {
        match number.value() {
            Some(small @ ..LARGE) => self.put(small + 1, UNIT),
            Some(large) => {
                let bytes = large.ilog2() / 8 + 1;
                self.put(LARGE + u64::from(bytes), UNIT);
                self.put(large, 8 * bytes);
            }
            None => {
                self.put(HUGE, UNIT);
                self.cut();
            }
        }
    }

    /// How many there are of something.
    pub(super) fn length(&mut self, length: usize) {
        let said = u16::try_from(length).unwrap_or(u16::MAX);
        self.put(u64::from(said), u16::BITS);
        if said == u16::MAX {
            self.cut();
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        for byte in text.bytes() {
            let letter = u64::from(byte) + 1;
            self.put(letter.min(FOREIGN), LETTER);
            if letter >= FOREIGN {
                self.cut();
            }
            if self.room == 0 {
                return self.cut();
            }
        }
        self.put(0, LETTER);
    }

    /// Writes parts in the order of their kinds, zero being the end of them.
    pub(super) fn parts(&mut self, parts: &[Part<'_>]) {
        for part in parts {
            match part {
                Part::End => self.put(1, KIND),
                Part::Number(number) => {
                    self.put(2, KIND);
                    self.number(*number);
                }
                Part::Rank(rank) => {
                    self.put(3, KIND);
                    self.put(u64::from(*rank), u8::BITS);
                }
                Part::Moment(_) => {
                    self.put(4, KIND);
                    self.cut();
                }
                Part::Text(text) => {
                    self.put(5, KIND);
                    self.text(text);
                }
            }
        }
        self.put(0, KIND);
    }
}
