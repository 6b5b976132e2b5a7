//! However large or deep an index is, what is kept of it is not.

use super::*;

const SMALL: Limits = Limits { line: 1000, version: 200, chart: 2000, versions: 50, whole: 4000 };

fn feed_all(
    chunks: impl IntoIterator<Item = impl AsRef<[u8]>>,
    limits: Limits,
) -> Result<Outcome, IndexError> {
    let mut scan = Scan::new(["wanted", "other"], limits);
    for chunk in chunks {
        scan.feed(chunk.as_ref())?;
    }
    scan.finish()
}

fn chart(text: &str) -> Result<Chart, ChartError> {
    match feed_all([text], SMALL) {
        Ok(Outcome::Found(index)) => {
            assert_eq!(versions(&index, "other"), ["3.0.0"]);
            index.charts["wanted"].clone()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_without_end_is_an_error() {
    let head = std::iter::once("entries:\n  a: ".to_owned());
    let rest = (0..1000).map(|_| "x".repeat(1 << 20));
    assert_eq!(
        feed_all(head.chain(rest), Limits::default()),
        Err(IndexError::LongLine { line: 2, limit: 4 << 20 })
    );
    assert_eq!(
        feed_all(vec![" ".repeat(100); 11], SMALL),
        Err(IndexError::LongLine { line: 1, limit: 1000 })
    );
}

#[test]
fn a_line_is_too_long_in_one_chunk_as_in_many() {
    let text = format!("entries:\n  a: {}\n", "x".repeat(2000));
    let error = IndexError::LongLine { line: 2, limit: 1000 };
    assert_eq!(feed_all([&text], SMALL), Err(error.clone()));
    assert_eq!(feed_all(text.as_bytes().chunks(3), SMALL), Err(error));
}

#[test]
fn a_version_that_is_too_large_is_a_problem() {
    let lines = "    - aaaaaaaaaaaaaaaaaaaa\n".repeat(40);
    let text = format!(
        "entries:\n  wanted:\n  - version: 1.0.0\n    urls:\n{lines}  - version: 2.0.0\n  other:\n  - version: 3.0.0\n"
    );
    let read = chart(&text).unwrap();
    assert_eq!(read.problems, [Problem { index: 0, reason: "it takes more than 200 bytes".to_owned() }]);
    assert_eq!(read.entries[0].version, "2.0.0");
}

#[test]
fn a_chart_that_is_too_large_is_lost_and_others_are_not() {
    let lines = "  - version: 1.0.0\n    home: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n".repeat(49);
    let text = format!("entries:\n  wanted:\n{lines}  other:\n  - version: 3.0.0\n");
    assert_eq!(chart(&text), Err(ChartError::TooLarge(2000)));
    let lines = "  - version: 1.0.0\n".repeat(51);
    let text = format!("entries:\n  wanted:\n{lines}  other:\n  - version: 3.0.0\n");
    assert_eq!(chart(&text), Err(ChartError::TooMany(50)));
    let items = vec!["{\"version\":\"1\"}"; 51].join(",");
    let text = format!("{{\"entries\":{{\"wanted\":[{items}],\"other\":[{{\"version\":\"3.0.0\"}}]}}}}");
    assert_eq!(chart(&text), Err(ChartError::TooMany(50)));
}

#[test]
fn a_hundred_thousand_versions_are_read() {
    let mut text = "entries:\n  wanted:\n".to_owned();
    for n in 0..100_000 {
        text.push_str(&format!("  - version: 1.0.{n}\n"));
    }
    let Ok(Outcome::Found(index)) = feed_all(text.as_bytes().chunks(1 << 16), Limits::default()) else {
        panic!()
    };
    assert_eq!(index.charts["wanted"].as_ref().unwrap().entries.len(), 100_000);
    let more = feed_all([text.as_str(), "  - version: 2.0.0\n"], Limits::default());
    let Ok(Outcome::Found(index)) = more else { panic!() };
    assert_eq!(index.charts["wanted"], Err(ChartError::TooMany(100_000)));
}

#[test]
fn of_a_million_problems_the_first_are_told() {
    let items = "  -\n".repeat(99_000);
    let Ok(Outcome::Found(index)) = feed_all(["entries:\n  wanted:\n", items.as_str()], Limits::default())
    else {
        panic!()
    };
    let chart = index.charts["wanted"].as_ref().unwrap();
    assert_eq!((chart.problems.len(), chart.unreadable), (100, 99_000));
}

#[test]
fn what_is_nested_too_deep_is_no_crash() {
    let deep = "[".repeat(100_000);
    assert_eq!(
        feed_all([format!("{{\"entries\":{{\"a\":{deep}")], Limits::default()),
        Err(IndexError::TooDeep(255))
    );
    assert_eq!(
        feed_all([format!("entries:\n  a: {deep}")], Limits::default()),
        Ok(Outcome::NeedsWhole(Doubt::Flow))
    );
    let dashes =
        format!("entries:\n  wanted:\n  - version: 1.0.0\n    x: [{}]\n", "[".repeat(200) + &"]".repeat(200));
    let Ok(Outcome::Found(index)) = feed_all([dashes], Limits::default()) else { panic!() };
    assert_eq!(index.charts["wanted"].as_ref().unwrap().unreadable, 1);
    let dashes = format!("entries:\n  wanted:\n  {}x\n", "- ".repeat(100_000));
    let Ok(Outcome::Found(index)) = feed_all([dashes], Limits::default()) else { panic!() };
    assert_eq!(index.charts["wanted"].as_ref().unwrap().unreadable, 1);
    let text = format!("entries: {deep}");
    assert!(matches!(whole(text.as_bytes(), ["wanted"], &Limits::default()), Err(IndexError::Broken(_))));
}

#[test]
fn a_bomb_is_a_problem_of_its_version() {
    let mut bomb = "    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..10 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb.push_str(&format!("    a{n}: &a{n} [{aliases}]\n"));
    }
    let text = format!("entries:\n  wanted:\n  - version: 1.0.0\n{bomb}  - version: 2.0.0\n");
    let index = found(&text, &["wanted"]);
    let chart = index.charts["wanted"].as_ref().unwrap();
    assert_eq!(chart.entries[0].version, "2.0.0");
    assert!(chart.problems[0].reason.contains("expands to more than"), "{:?}", chart.problems);
}

#[test]
fn an_index_for_the_whole_parser_has_a_size() {
    let text = format!("entries: {{}} # {}", "x".repeat(5000));
    let error = whole(text.as_bytes(), ["wanted"], &SMALL).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the index has more than 4000 bytes, too many for one that must be read as a whole"
    );
}

#[test]
fn a_doubt_is_told_at_once_and_the_rest_is_not_looked_at() {
    let mut scan = Scan::new(["wanted"], Limits::default());
    scan.feed(b"entries:\n  <<: *x\n").unwrap();
    assert_eq!(scan.doubt(), Some(Doubt::Merge));
    scan.feed(b"\xFF\"[{").unwrap();
    assert_eq!(scan.finish(), Ok(Outcome::NeedsWhole(Doubt::Merge)));
}
