//! Rows of integers, sorted without being compared: digit by digit from the lowest to the highest, all rows at
//! each, as punched cards were. The time grows with the rows alone, whatever is in them.

use super::head::Head;

/// What stands for no rank.
pub(super) const NONE: u32 = u32::MAX;

/// So many bits are a digit: as many as those of a small number, so that most digits are the same in all rows,
/// and nothing is to be done for them.
const DIGIT: u32 = super::bits::UNIT;
/// What a digit can be.
const VALUES: usize = 1 << DIGIT;
/// So many digits has a head: they begin where its numbers do.
const OF_HEAD: usize = u64::BITS.div_ceil(DIGIT) as usize;
/// So many digits has a row. Those behind the head end where the ranks do: a low rank has few.
const DIGITS: usize = OF_HEAD + u32::BITS.div_ceil(DIGIT) as usize;

/// A tag that is to be sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Entry {
    head: u64,
    /// First the number of what stands around the numbers of the tag, then its rank; behind it the style.
    tail: u32,
    at: u32,
}

impl Entry {
    /// Of the tag at a place of the list.
    #[inline]
    pub(super) fn new(head: Head, tail: u32, style: u32, at: usize) -> Self {
        // Where numbers are missing, no rank of what stands behind them may count.
        let tail = if head.cut { NONE } else { tail << 2 | style };
        Self { head: head.word, tail, at: at as u32 }
    }

    /// Puts a rank in the place of the number; nothing must be left of an entry without any.
    pub(super) fn rank(&mut self, ranks: &[u32]) -> bool {
        if self.is_cut() {
            return true;
        }
        let rank = ranks[self.tail as usize >> 2];
        self.tail = rank << 2 | self.tail & 3;
        rank != NONE
    }

    /// Where its tag stands in the list.
    #[inline]
    pub(super) fn at(&self) -> usize {
        self.at as usize
    }

    /// Whether some of its numbers are missing.
    pub(super) fn is_cut(&self) -> bool {
        self.tail == NONE
    }

    /// Whether another one can't be told apart from it.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.row() == other.row()
    }

    #[inline]
    fn row(&self) -> u128 {
        u128::from(self.head) << u32::BITS | u128::from(self.tail)
    }

    /// A digit of its row, zero being the highest one.
    #[inline]
    fn digit(&self, place: usize) -> usize {
        if place < OF_HEAD {
            return (self.head << (DIGIT * place as u32) >> (u64::BITS - DIGIT)) as usize;
        }
        self.tail as usize >> (DIGIT * (DIGITS - 1 - place) as u32) & (VALUES - 1)
    }
}

/// Sorts entries by their rows; those that are alike keep their order.
pub(super) fn sort(entries: &mut Vec<Entry>) {
    let mut counts = vec![[0_u32; VALUES]; DIGITS];
    for entry in entries.iter() {
        counts.iter_mut().enumerate().for_each(|(place, counts)| counts[entry.digit(place)] += 1);
    }
    let mut sorted = vec![Entry::default(); entries.len()];
    for (place, counts) in counts.iter_mut().enumerate().rev() {
        if counts.iter().any(|count| *count as usize == entries.len()) {
            continue;
        }
        let mut before = 0;
        counts.iter_mut().for_each(|count| before += std::mem::replace(count, before));
        for entry in entries.iter() {
            let to = &mut counts[entry.digit(place)];
            sorted[*to as usize] = *entry;
            *to += 1;
        }
        std::mem::swap(entries, &mut sorted);
    }
}
