//! Words of others made fit to be shown: one line of bounded length that steers no terminal, links that
//! lead where they say, and what two tellings of the same change have in common.

use std::sync::LazyLock;

use regex::Regex;

use crate::lcm::artifacthub::Link;

/// The most characters of a text; what is longer ends with an ellipsis.
pub(super) const LONGEST: usize = 200;
/// The most characters of a sentence about a place: places may be long, and what is said of them follows.
pub(super) const LONGEST_OF_PLACES: usize = 400;
/// The most bytes of an address: a longer one is none.
const LONGEST_URL: usize = 300;
/// The most links of a change.
const MOST_LINKS: usize = 2;

/// One line of plain text: white space folded, what can't be seen left out, cut.
pub(super) fn line(text: &str) -> String {
    cut(text, LONGEST)
}

/// As [`line()`], of at most so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let mut begins = true;
        for c in word.chars().filter(|c| is_visible(*c)) {
            if std::mem::take(&mut begins) && length > 0 {
                line.push(' ');
                length += 1;
            }
            if length >= most {
                return format!("{}…", line.trim_end());
            }
            line.push(c);
            length += 1;
        }
    }
    line
}

/// Whether a character is seen where it stands: no control, no change of direction, nothing without width.
fn is_visible(c: char) -> bool {
    !(c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'))
}

/// The address of a page, if it is one that may be shown: of the web, without a user in it.
pub(super) fn url(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '<' | '>' | '`' | '\\' | '|');
    let sound =
        !host.is_empty() && !host.contains('@') && text.len() <= LONGEST_URL && text.chars().all(fits);
    sound.then(|| text.to_owned())
}

/// A link, if its address may be shown.
pub(super) fn link(name: &str, address: &str) -> Option<Link> {
    let url = url(address)?;
    let name = line(name);
    Some(Link { name: if name.is_empty() { url.clone() } else { name }, url })
}

/// Puts links to others: none twice, and not too many.
pub(super) fn add_links(links: &mut Vec<Link>, more: impl IntoIterator<Item = Link>) {
    for link in more {
        if links.len() < MOST_LINKS && !links.iter().any(|known| known.url == link.url) {
            links.push(link);
        }
    }
}

/// What forges and tools put around the words of a change: who made it, its number, its commit.
static AROUND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let number =
        r"\(\s*(?:pull request |pr |issue )?[\w./-]{0,80}#[0-9]+(?:\s*,\s*[@\w./-]{0,80}#?[\w-]+)*\s*\)";
    let commit = r"\([0-9a-f]{7,40}\)";
    let author = r"\(@[\w-]+\)|\bby @[\w\[\]-]+(?: in\b)?|@[\w-]+";
    let address = r"https?://\S+";
    Regex::new(&format!("(?i)(?:{number}|{commit}|{author}|{address})")).ok()
});

/// What is the same in two tellings of a change: its words, in small letters.
pub(super) fn key(text: &str) -> String {
    let bare = AROUND.as_ref().map_or(text.into(), |around| around.replace_all(text, " "));
    let words = |text: &str| -> String {
        let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
        parts.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    };
    let key = words(&bare);
    if key.is_empty() { words(text) } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_one_line_that_steers_no_terminal() {
        assert_eq!(line("  a\n\tb \u{1b}[31mred\u{202e}x\u{200b} "), "a b [31mredx");
        assert_eq!(line(" \n\u{feff} "), "");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let long = line(&"word ".repeat(1000));
        assert!(long.ends_with("word…") && long.chars().count() <= LONGEST + 1, "{long}");
        assert_eq!(line(&"x".repeat(LONGEST)).chars().count(), LONGEST);
        assert!(line(&"é".repeat(LONGEST + 1)).ends_with("é…"));
    }

    #[test]
    fn only_pages_of_the_web_are_links() {
        assert!(url("https://x.example/a?b=c#d").is_some());
        for bad in [
            "javascript:alert(1)",
            "https://",
            "https://user:pw@x.example/",
            "https://x.example/a b",
            "https://x.example/\u{1b}[0m",
            "https://x.example/\"><script>",
            "//x.example",
        ] {
            assert_eq!(url(bad), None, "{bad}");
        }
        assert_eq!(url(&format!("https://x.example/{}", "a".repeat(LONGEST_URL))), None);
    }

    #[test]
    fn the_same_change_told_by_a_release_and_a_changelog_has_one_key() {
        let told = [
            "Fix the leak by @somebody in https://github.com/o/r/pull/12",
            "fix the leak (#12)",
            "Fix the leak. (#12, @somebody)",
            "Fix the leak (0123abc)",
            "fix the leak (o/r#12)",
        ];
        for one in told {
            assert_eq!(key(one), "fix the leak", "{one}");
        }
        assert_ne!(key("#12"), "");
    }

    proptest! {
        #[test]
        fn no_text_gives_more_than_a_line(text in "(?s).{0,400}") {
            let line = line(&text);
            prop_assert!(line.chars().count() <= LONGEST + 1);
            prop_assert!(line.chars().all(is_visible));
            prop_assert_eq!(super::line(&line), line);
        }
    }
}
