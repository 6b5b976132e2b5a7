//! The numbers of a version as one word of the machine: the higher they are, the higher the word.
//!
//! A word has room for four or five small numbers. Numbers that find none are cut off; such words only tell
//! that what begins otherwise is lower or higher.

use super::super::version::{Number, Place, Scheme};
use super::bits::{Bits, LARGE, UNIT};

/// What stands behind numbers that are lower than all that go on.
const END: u64 = 0;
/// What stands behind numbers that are higher than all that go on.
const ABOVE: u64 = (1 << UNIT) - 1;
/// For so many small numbers, and what stands behind them, there is always room.
const PLAIN: u32 = 4;
/// One zero more than there may be small numbers.
const ZEROS: u64 = 1 | 1 << UNIT | 1 << (2 * UNIT) | 1 << (3 * UNIT) | 1 << (4 * UNIT);

/// The numbers of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Them.
    pub(super) word: u64,
    /// How many they are.
    pub(super) places: usize,
    /// Whether some of them found no room.
    pub(super) cut: bool,
}

impl Head {
    /// Reads a text that begins with few small numbers, as most do, and says where they end. What it refuses is
    /// left to [`Head::of`], which says the same of all that it takes.
    #[inline]
    pub(super) fn of_plain(text: &str, scheme: &Scheme) -> Option<(Self, usize)> {
        let bytes = text.as_bytes();
        let begin = usize::from(matches!(bytes.first(), Some(b'v' | b'V')));
        let digit = |at: usize| bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10);
        let (mut row, mut places, mut end) = (0, 0, begin);
        loop {
            let (mut number, first) = (0_u64, end);
            while let Some(digit) = digit(end) {
                number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
                end += 1;
            }
            // With more digits a number may have come full circle.
            if end == first || end > first + 9 || number >= LARGE || places == PLAIN {
                return None;
            }
            row = row << UNIT | (number + 1);
            places += 1;
            match bytes.get(end) {
                Some(b'.') => end += 1,
                // Days begin like this.
                Some(b'-') if places == 1 && end == begin + 4 => return None,
                _ => break,
            }
        }
        let word = if matches!(scheme, Scheme::Docker) {
            (row << UNIT | ABOVE) << (u64::BITS - UNIT * (places + 1))
        } else {
            // Missing numbers are zero, so zeros at the end say nothing.
            let zeros = (row ^ ZEROS).trailing_zeros() / UNIT;
            (row >> (UNIT * zeros)).checked_shl(u64::BITS - UNIT * (places - zeros)).unwrap_or_default()
        };
        Some((Self { word, places: places as usize, cut: false }, end))
    }

    /// Takes the numbers of any tag.
    pub(super) fn of(place: &Place<'_>, scheme: &Scheme) -> Self {
        let rolls = matches!(scheme, Scheme::Docker);
        let mut bits = Bits::new();
        let (mut places, mut zeros) = (0, 0);
        for number in place.numbers() {
            places += 1;
            if number == Number::ZERO && !rolls {
                zeros += 1;
                continue;
            }
            (0..std::mem::take(&mut zeros)).for_each(|_| bits.number(Number::ZERO));
            bits.number(number);
        }
        bits.put(if rolls { ABOVE } else { END }, UNIT);
        Self { word: (bits.row >> u64::BITS) as u64, places, cut: bits.room < u64::BITS }
    }
}
