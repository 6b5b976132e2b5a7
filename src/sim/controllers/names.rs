//! Names, addresses and drawn durations. Names and addresses come from what an object belongs to alone,
//! so that clusters share them; durations come from the cluster's seed.

use std::time::Duration;

use serde_json::Value;

use crate::digest;

/// The letters of names that a server makes: no vowels, so that no words come out.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Durations are drawn in whole steps of this, so that what is alike often happens at once.
const STEP: Duration = Duration::from_secs(1);

/// A number that a text stands for.
pub(super) fn hash(text: &str) -> u64 {
    let digest = digest::bytes(text.as_bytes());
    digest.as_bytes().iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

fn letter(number: u64) -> char {
    let at = usize::try_from(number % LETTERS.len() as u64).unwrap_or_default();
    char::from(LETTERS[at])
}

/// The five letters at the end of the n-th name with this beginning.
pub(super) fn suffix(beginning: &str, n: u32) -> String {
    let mut number = hash(&format!("{beginning}/{n}"));
    (0..5)
        .map(|_| {
            let next = letter(number);
            number /= LETTERS.len() as u64;
            next
        })
        .collect()
}

/// What tells a pod template from others: the label `pod-template-hash`, the end of a revision's name.
pub(super) fn template_hash(template: &Value, collisions: i64) -> String {
    let number = hash(&format!("{template}{collisions}")) % (1 << 32);
    number.to_string().bytes().map(|digit| letter(u64::from(digit))).collect()
}

/// The beginning of the names of an object's children: cut so that five letters fit behind it.
pub(super) fn beginning(owner: &str) -> String {
    let kept: String = owner.chars().take(57).collect();
    format!("{kept}-")
}

/// The address of a pod.
pub(super) fn pod_address(namespace: &str, name: &str) -> String {
    let [.., a, b, c] = hash(&format!("pod {namespace}/{name}")).to_be_bytes();
    format!("10.{}.{b}.{c}", 128 | a)
}

/// The address of a node.
pub(super) fn node_address(name: &str) -> String {
    let [.., a, b] = hash(&format!("node {name}")).to_be_bytes();
    format!("172.18.{a}.{b}")
}

/// The n-th choice for the address of a Service inside its cluster.
pub(super) fn service_address(namespace: &str, name: &str, n: u32) -> String {
    let [.., a, b] = hash(&format!("service {namespace}/{name}/{n}")).to_be_bytes();
    // The first ones are kept for what always has the same.
    format!("10.96.{a}.{}", b.clamp(16, 254))
}

/// The address that a load balancer gives.
pub(super) fn public_address(namespace: &str, name: &str) -> String {
    let [.., a, b] = hash(&format!("load balancer {namespace}/{name}")).to_be_bytes();
    format!("198.{}.{a}.{}", 18 + (b & 1), b.clamp(1, 254))
}

/// A duration between two, by the cluster's seed and what it is for.
pub(super) fn draw(seed: u64, what: &str, (shortest, longest): (Duration, Duration)) -> Duration {
    let spread = longest.saturating_sub(shortest);
    let step = if spread >= STEP { STEP } else { spread };
    if step.is_zero() {
        return shortest;
    }
    let steps = u64::try_from(spread.as_nanos() / step.as_nanos()).unwrap_or(u64::MAX);
    let drawn = hash(&format!("{seed}/{what}")) % steps.saturating_add(1);
    shortest + step.saturating_mul(u32::try_from(drawn).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_each_time_and_differ_from_each_other() {
        assert_eq!(suffix("web-", 0), suffix("web-", 0));
        assert_ne!(suffix("web-", 0), suffix("web-", 1));
        assert_eq!(suffix("web-", 0).len(), 5);
        assert_eq!(beginning(&"x".repeat(80)).len(), 58);
        let address = pod_address("shop", "web");
        let second: u8 = address.split('.').nth(1).unwrap().parse().unwrap();
        assert!(second >= 128, "{address}");
    }

    #[test]
    fn what_is_drawn_lies_within_its_bounds_and_depends_on_the_seed() {
        let bounds = (Duration::from_secs(2), Duration::from_secs(12));
        let drawn: Vec<Duration> = (0..200).map(|seed| draw(seed, "shop/web", bounds)).collect();
        assert!(drawn.iter().all(|d| (bounds.0..=bounds.1).contains(d)));
        assert!(drawn.contains(&bounds.0) && drawn.contains(&bounds.1));
        assert_eq!(draw(1, "x", (Duration::ZERO, Duration::ZERO)), Duration::ZERO);
    }
}
