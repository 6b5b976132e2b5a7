//! Chance that is none: a sequence of numbers that follows from a seed (SplitMix64, Steele, Lea and
//! Flood 2014), the same on every machine and in every version of this program.

/// A sequence of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The sequence of a seed and a name: things with names of their own have sequences of their own, so
    /// that one more of them changes nothing for the others.
    pub fn named(seed: u64, name: &str) -> Self {
        let digest = crate::digest::bytes(format!("{seed}/{name}").as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&digest.as_bytes()[..8]);
        Self(u64::from_le_bytes(first))
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound; 0 if the bound is.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.draw() % bound }
    }

    /// A part of one, from 0 up to and without 1.
    pub fn part(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether it happens, so often in a thousand.
    pub fn per_mille(&mut self, often: u32) -> bool {
        match often {
            0 => false,
            1_000.. => true,
            _ => self.below(1_000) < u64::from(often),
        }
    }

    /// A length of time between two.
    pub fn between(
        &mut self,
        (least, most): (std::time::Duration, std::time::Duration),
    ) -> std::time::Duration {
        least + most.saturating_sub(least).mul_f64(self.part())
    }
}
