//! Words for what went wrong on the way. Addresses are told without their query (it may hold a signature),
//! and what a stranger says is cut and cleaned before it is told on.

use reqwest::Url;

/// The longest word of a stranger that is told on, in characters.
const LONGEST: usize = 200;

/// Why, down to the first cause, without the address (a query may be long, a user's part secret).
pub(in crate::adapter) fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut inner = std::error::Error::source(&error);
    while let Some(next) = inner {
        words = format!("{words}: {next}");
        inner = next.source();
    }
    words
}

/// An address for people: without user, query and fragment.
pub(super) fn address(url: &Url) -> String {
    let path = url.path().get(..200).unwrap_or(url.path());
    format!("{}{path}", url.origin().ascii_serialization())
}

/// What a stranger said, fit to be told on: one line, no control characters, not long.
pub(in crate::adapter) fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().filter(|c| !c.is_control()).collect();
    if line.chars().count() <= LONGEST {
        return line;
    }
    let cut: String = line.chars().take(LONGEST).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_without_what_may_be_secret() {
        let url: Url = "https://me:word@cdn.example.com:8443/a/b?sig=secret#x".parse().expect("an address");
        assert_eq!(address(&url), "https://cdn.example.com:8443/a/b");
    }

    #[test]
    fn what_a_stranger_says_stays_on_its_line() {
        assert_eq!(plain("denied:\n \u{1b}[2Jno\taccess "), "denied: [2Jno access");
        assert_eq!(plain(&"x".repeat(5000)).chars().count(), LONGEST + 1);
    }
}
