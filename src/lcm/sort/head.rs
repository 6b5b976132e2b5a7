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
        let begin = usize::from(bytes.first().is_some_and(|byte| byte | 0x20 == b'v'));
        let (mut row, mut places, mut end) = (0, 0, begin);
        loop {
            let (number, digits) = number_at(bytes, end);
            // With more digits there may be more than were looked at.
            if digits == 0 || digits == WORD || number >= LARGE || places == PLAIN {
                return None;
            }
            end += digits;
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

/// So many bytes are looked at at once.
const WORD: usize = 8;

/// The number that begins at a place, and how many digits it has, up to [`WORD`]. All digits are taken at once,
/// since machines guess badly how many come.
#[inline]
fn number_at(bytes: &[u8], at: usize) -> (u64, usize) {
    let digits = word_at(bytes, at) ^ each(b'0');
    // What is no digit has its highest bit set here; behind the first of them it may be wrong.
    let others = (digits.wrapping_add(each(0x76)) | digits) & each(0x80);
    let length = others.trailing_zeros() as usize / 8;
    // The last digit becomes the highest byte, and zeros come before the first one.
    let digits = digits.checked_shl(8 * (WORD - length) as u32).unwrap_or_default();
    // Neighbours become numbers of two digits, these numbers of four, and these one.
    let pairs = digits.wrapping_mul(10 << 8 | 1) >> 8 & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_FFFF_0000_FFFF;
    (fours.wrapping_mul(10_000 << 32 | 1) >> 32, length)
}

/// The bytes from a place on, the first of them the lowest; zeros behind the end.
#[inline]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    if let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        return u64::from_le_bytes(*chunk);
    }
    let left = bytes.len().saturating_sub(at);
    match bytes.last_chunk() {
        Some(last) => u64::from_le_bytes(*last).checked_shr(8 * (WORD - left) as u32).unwrap_or_default(),
        None => bytes.iter().skip(at).rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// A byte in all places of a word.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; WORD])
}
