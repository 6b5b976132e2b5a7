//! What stands around the numbers of tags: read and ranked once for all tags in which it is the same.
//!
//! Most lists have a few such texts in most of their tags, and many that come once: hashes, days. The first are
//! found again by what their bytes are; the second push nothing of that out.

use super::super::pick::counts;
use super::super::version::{Scheme, Version};
use super::bits::Bits;
use super::order::NONE;
use super::{compare_tails, is_bare};

/// Two to the power of this many tails are found again.
const SLOTS: u32 = 14;
/// A tail that was found again is given up after so many others wanted its slot.
const PATIENCE: u32 = 8;
/// Nothing stands around the numbers of most tags; of those with so many numbers it is found without looking.
const BARE: usize = 8;
/// An odd number with bits like coins: the golden ratio.
const STIR: u64 = 0x9E37_79B9_7F4A_7C15;

/// What stands around the numbers of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail<'t> {
    /// What stands before them, and before their `v`.
    prefix: &'t str,
    /// What stands behind them.
    rest: &'t str,
    /// How many they are.
    places: usize,
}

impl<'t> Tail<'t> {
    #[inline]
    pub(super) fn new(prefix: &'t str, rest: &'t str, places: usize) -> Self {
        Self { prefix, rest, places }
    }

    fn is_empty(&self) -> bool {
        self.prefix.is_empty() && self.rest.is_empty()
    }

    /// Whether all tags that have it count if one of them does: a hash has no points, and what is kept beside
    /// an image is told by its prefix or its end.
    #[inline]
    pub(super) fn decides(&self) -> bool {
        self.prefix.is_empty() && (self.places > 1 || self.rest.is_empty())
    }

    /// What comes first of tags of the same version by their bytes: those without a `v`, then capitals.
    #[inline]
    pub(super) fn style(&self, tag: &str) -> u32 {
        match tag.as_bytes().get(self.prefix.len()) {
            Some(b'V') => 1,
            Some(b'v') => 2,
            _ => 0,
        }
    }

    /// What it is found by; nothing if it is longer than anybody writes.
    #[inline]
    fn mark(&self) -> Option<Mark> {
        if (self.prefix.len() | self.rest.len() | self.places) >> u16::BITS > 0 {
            return None;
        }
        let lengths = (self.prefix.len() << 32 | self.rest.len() << 16 | self.places) as u64;
        let (first, last) = ends(self.rest);
        if self.prefix.is_empty() {
            return Some(Mark { first, last, lengths });
        }
        let (start, end) = ends(self.prefix);
        Some(Mark { first: first.wrapping_mul(STIR) ^ start, last: last.wrapping_mul(STIR) ^ end, lengths })
    }

    /// Whether there is no other one with the same mark: one without a prefix whose rest is in the mark.
    #[inline]
    fn is_short(&self) -> bool {
        self.prefix.is_empty() && self.rest.len() <= 16
    }
}

/// The first bytes of a text and its last ones: all there are up to 16.
#[inline]
fn ends(text: &str) -> (u64, u64) {
    let bytes = text.as_bytes();
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
    } else {
        (bytes.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), 0)
    }
}

/// The lengths of a tail, and some of its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    first: u64,
    last: u64,
    lengths: u64,
}

impl Mark {
    #[inline]
    fn slot(&self) -> usize {
        let stirred = (self.first ^ self.lengths).wrapping_mul(STIR).rotate_left(29);
        ((stirred ^ self.last).wrapping_mul(STIR) >> (u64::BITS - SLOTS)) as usize
    }
}

/// Where a tail is found again.
#[derive(Clone, Copy)]
struct Slot {
    mark: Mark,
    /// Its number, or none.
    number: u32,
    patience: u32,
}

/// A tail that was met.
struct Known<'t> {
    /// How it sorts; nothing if tags that have it are no versions, or don't count.
    bits: Option<Bits>,
    /// The first tag that had it.
    tag: &'t str,
}

/// The tails of a list.
pub(super) struct Tails<'s, 't> {
    scheme: &'s Scheme,
    known: Vec<Known<'t>>,
    slots: Vec<Slot>,
    bare: [u32; BARE],
}

impl<'s, 't> Tails<'s, 't> {
    pub(super) fn new(scheme: &'s Scheme) -> Self {
        let free = Slot { mark: Mark { first: 0, last: 0, lengths: 0 }, number: NONE, patience: 0 };
        Self { scheme, known: Vec::new(), slots: vec![free; 1 << SLOTS], bare: [NONE; BARE] }
    }

    /// The number of a tail that a tag has. A tail that was not found again has several.
    #[inline]
    pub(super) fn number(&mut self, tail: Tail<'t>, tag: &'t str) -> u32 {
        if tail.is_empty() && tail.places < BARE {
            if self.bare[tail.places] == NONE {
                self.bare[tail.places] = self.learn(tag);
            }
            return self.bare[tail.places];
        }
        let Some(mark) = tail.mark() else { return self.learn(tag) };
        let slot = &mut self.slots[mark.slot()];
        if slot.number != NONE && slot.mark == mark {
            let found = tail.is_short() || self.known[slot.number as usize].has(&tail);
            if found {
                slot.patience = PATIENCE;
                return slot.number;
            }
        }
        self.meet(mark, tag)
    }

    /// Takes up a tail that was not found.
    #[inline(never)]
    fn meet(&mut self, mark: Mark, tag: &'t str) -> u32 {
        let number = self.learn(tag);
        let slot = &mut self.slots[mark.slot()];
        match slot.patience.checked_sub(1) {
            Some(patience) => slot.patience = patience,
            None => *slot = Slot { mark, number, patience: 0 },
        }
        number
    }

    fn learn(&mut self, tag: &'t str) -> u32 {
        let version = self.scheme.read(tag).filter(|_| counts(tag, self.scheme));
        self.known.push(Known { bits: version.map(|version| bits(&version, self.scheme)), tag });
        self.known.len() as u32 - 1
    }

    /// The rank of each by its number, the lowest first: equal tails have the same one.
    pub(super) fn ranks(&self) -> Vec<u32> {
        let bits = self.known.iter().zip(0..).filter_map(|(known, number)| Some((known.bits?, number)));
        let mut order: Vec<(u128, bool, u32)> =
            bits.map(|(bits, number)| (bits.row, bits.complete, number)).collect();
        order.sort_unstable();
        let mut ranks = vec![NONE; self.known.len()];
        let mut rank = 0;
        for alike in order.chunk_by(|one, other| one.0 == other.0) {
            let numbers = alike.iter().map(|(.., number)| *number);
            if alike.len() == 1 || alike[0].1 {
                numbers.for_each(|number| ranks[number as usize] = rank);
            } else {
                rank = self.settle(numbers, rank, &mut ranks);
            }
            rank += 1;
        }
        ranks
    }

    /// Ranks tails that are alike as far as there is room for them, from a rank on; the last rank that was given.
    fn settle(&self, numbers: impl Iterator<Item = u32>, mut rank: u32, ranks: &mut [u32]) -> u32 {
        let read = |number| Some((self.scheme.read(self.known[number as usize].tag)?, number));
        let mut read: Vec<(Version<'_>, u32)> = numbers.filter_map(read).collect();
        let compare = |one: &Version<'_>, other: &Version<'_>| compare_tails(one, other, self.scheme);
        read.sort_unstable_by(|(one, _), (other, _)| compare(one, other));
        for equal in read.chunk_by(|(one, _), (other, _)| compare(one, other).is_eq()) {
            equal.iter().for_each(|(_, number)| ranks[*number as usize] = rank);
            rank += 1;
        }
        rank.saturating_sub(1)
    }
}

impl Known<'_> {
    /// Whether it is the same as another one with the same lengths.
    fn has(&self, tail: &Tail<'_>) -> bool {
        self.tag.starts_with(tail.prefix) && self.tag.ends_with(tail.rest)
    }
}

/// A version but for its numbers, in the order of [`compare_tails`]. How exactly versions are written is the
/// same kind of thing in all of a scheme.
fn bits(version: &Version<'_>, scheme: &Scheme) -> Bits {
    let mut bits = Bits::new();
    bits.put(u64::from(version.stage.is_none()), 1);
    if let Some(stage) = &version.stage {
        bits.parts(&stage.parts);
    }
    if matches!(scheme, Scheme::Docker) {
        bits.put(u64::from(is_bare(version)), 1);
    }
    bits.parts(&version.build);
    bits.length(version.numbers.len());
    for word in &version.variant {
        bits.put(1, 1);
        bits.text(word);
    }
    bits.put(0, 1);
    bits
}
