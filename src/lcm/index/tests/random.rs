//! Over indexes by chance: a scan finds what the parser of the whole finds, however the chunks are cut.

use proptest::prelude::*;

use super::writer::{Written, index};
use super::*;

const WANTED: [&str; 3] = ["wanted", "entries", "z"];

/// Scans a text in chunks of these sizes, over and over.
fn scan_cut(text: &[u8], cuts: &[usize]) -> Result<Outcome, IndexError> {
    let mut scan = Scan::new(WANTED, Limits::default());
    let mut rest = text;
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let (chunk, more) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
        scan.feed(chunk)?;
        rest = more;
    }
    scan.finish()
}

fn by_parser(text: &[u8]) -> Result<Index, IndexError> {
    whole(text, WANTED, &Limits::default())
}

/// Pieces of which most texts are broken, and some are not.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(
        &[
            "entries:",
            "wanted:",
            "\n",
            "\n",
            "\n",
            "\n  ",
            "\n  ",
            "\n    ",
            "\n  - version: 1",
            "\n- ",
            "\n   ",
            "a: ",
            "a",
            "- ",
            "\"",
            "'",
            "[",
            "]",
            "{",
            "}",
            ", ",
            ": ",
            "|",
            ">-",
            "# x",
            "&x ",
            "*x",
            "!!str ",
            "? ",
            "<<: ",
            "\r",
            "\t",
            "---",
            "...",
            "{}",
            "\\",
            "é",
            "~",
            "\u{FEFF}",
            "%",
        ][..],
    );
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_scan_finds_what_the_parser_finds(Written { text, charts } in index(), cuts in prop::collection::vec(1..40usize, 1..8)) {
        let expected = by_parser(text.as_bytes()).unwrap();
        prop_assert_eq!(scan_cut(text.as_bytes(), &cuts), Ok(Outcome::Found(expected.clone())));
        for (name, versions) in charts.iter().filter(|(name, _)| WANTED.contains(&name.as_str())) {
            let chart = expected.charts[name].as_ref().unwrap();
            prop_assert_eq!(chart.entries.iter().map(|entry| &entry.version).collect::<Vec<_>>(), versions.iter().collect::<Vec<_>>());
        }
        prop_assert_eq!(expected.charts.len(), charts.iter().filter(|(name, _)| WANTED.contains(&name.as_str())).count());
    }

    #[test]
    fn what_was_broken_is_read_alike_or_refused(
        Written { text, .. } in index(),
        at in any::<prop::sample::Index>(),
        gone in 0..6usize,
        piece in pieces(),
        cuts in prop::collection::vec(1..40usize, 1..8),
    ) {
        let at = text.floor_char_boundary(at.index(text.len()));
        let end = text.ceil_char_boundary((at + gone).min(text.len()));
        let text = [&text[..at], &piece, &text[end..]].concat();
        agrees(text.as_bytes(), &cuts)?;
    }

    #[test]
    fn what_is_hardly_yaml_is_read_alike_or_refused(text in pieces(), more in pieces(), cuts in prop::collection::vec(1..9usize, 1..4)) {
        agrees(text.as_bytes(), &cuts)?;
        agrees(format!("entries:\n  a:\n  - b: {text}\n  wanted:\n  - version: 1{more}\n").as_bytes(), &cuts)?;
        agrees(format!("{{\"entries\": {{\"a\": [{text}], \"wanted\": [{{\"version\": \"1\"{more}}}]}}}}").as_bytes(), &cuts)?;
    }
}

/// What the parser reads, a scan reads alike, or asks for the whole. What the parser refuses may be broken
/// where a scan does not look.
fn agrees(text: &[u8], cuts: &[usize]) -> Result<(), TestCaseError> {
    let scanned = scan_cut(text, cuts);
    prop_assert_eq!(&scanned, &scan_cut(text, &[usize::MAX]), "cut in another way");
    if let (Ok(expected), scanned) = (by_parser(text), scanned) {
        match scanned {
            Ok(Outcome::NeedsWhole(_)) => {}
            Ok(Outcome::Found(found)) => prop_assert_eq!(found, expected),
            Err(error) => prop_assert!(false, "{} where the parser reads {:?}", error, expected),
        }
    }
    Ok(())
}
