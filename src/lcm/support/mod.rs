//! Until when versions of other people's products are supported, and what follows from it: which cycle a
//! version belongs to ([`cycle`]), where it stands on a day ([`standing`]), by when an upgrade must begin
//! ([`countdown`]), and which way there is for Kubernetes ([`kubernetes`]).
//!
//! The facts are endoflife.date's ([`dataset`]) and a file of one's own ([`overrides`]); [`known`] puts both
//! together. What nobody can read or nobody says is unknown, and never supported.

pub mod countdown;
pub mod course;
pub mod cycle;
pub mod dataset;
mod identifiers;
pub mod known;
pub mod kubernetes;
mod loose;
pub mod overrides;
pub mod product;
pub mod standing;

#[cfg(test)]
mod dataset_tests;
#[cfg(test)]
mod known_tests;

/// The days from one to another; below zero if the other lies before it.
fn days(from: jiff::civil::Date, to: jiff::civil::Date) -> i64 {
    from.duration_until(to).as_secs() / 86_400
}

/// What a stranger wrote, fit to be told on: one line, no control characters, not long.
fn tidy(text: &str) -> String {
    const LONGEST: usize = 100;
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}
