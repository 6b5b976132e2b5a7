//! Numbers with their nouns, for every sentence that counts something: `1 cluster`, `2 clusters`.
//! It knows the plurals of the words that this program uses, and no other English.

use std::fmt::Display;

/// `1 cluster`, `2 clusters`, `0 people`.
pub fn count<N: Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    format!("{n} {}", nouns(n == N::from(1), noun))
}

/// `3 of 4 replicas`, `0 of 1 replica`: the noun follows the whole.
pub fn of<N: Display + PartialEq + From<u8>>(part: N, whole: N, noun: &str) -> String {
    format!("{part} of {}", count(whole, noun))
}

fn nouns(one: bool, noun: &str) -> String {
    if one {
        return noun.to_owned();
    }
    if noun == "person" {
        return "people".to_owned();
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_everything_else_plural() {
        assert_eq!(count(1, "object"), "1 object");
        assert_eq!(count(0, "object"), "0 objects");
        assert_eq!(count(2_u32, "retry"), "2 retries");
        assert_eq!(count(2_u64, "day"), "2 days");
        assert_eq!(count(1_usize, "person"), "1 person");
        assert_eq!(count(3, "person"), "3 people");
        assert_eq!(of(0, 1, "replica"), "0 of 1 replica");
        assert_eq!(of(1, 3, "replica"), "1 of 3 replicas");
    }
}
