//! Indexes written by hand and by chance: what a scan finds is what a parser of the whole finds.

mod bounds;
mod json;
mod kept;
mod random;
mod refused;
mod traps;
mod writer;

use super::*;

/// Scans a text in chunks of that size.
fn scan_in(text: &[u8], wanted: &[&str], size: usize) -> Result<Outcome, IndexError> {
    let mut scan = Scan::new(wanted.iter().copied(), Limits::default());
    for chunk in text.chunks(size) {
        scan.feed(chunk)?;
    }
    scan.finish()
}

/// Scans a text whole and cut in many ways: the answer is the same.
fn scan(text: impl AsRef<[u8]>, wanted: &[&str]) -> Result<Outcome, IndexError> {
    let text = text.as_ref();
    let found = scan_in(text, wanted, text.len().max(1));
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(scan_in(text, wanted, size), found, "in chunks of {size}");
    }
    found
}

/// What a scan finds, where it needs no help.
fn found(text: impl AsRef<[u8]>, wanted: &[&str]) -> Index {
    match scan(text, wanted) {
        Ok(Outcome::Found(index)) => index,
        other => panic!("{other:?}"),
    }
}

/// What a scan finds, which is also what the parser of the whole finds.
fn same(text: &str, wanted: &[&str]) -> Index {
    let index = found(text, wanted);
    assert_eq!(whole(text.as_bytes(), wanted.iter().copied(), &Limits::default()), Ok(index.clone()));
    index
}

/// The versions of a chart.
fn versions<'i>(index: &'i Index, chart: &str) -> Vec<&'i str> {
    let chart = index.charts[chart].as_ref().unwrap();
    assert_eq!(chart.problems, []);
    chart.entries.iter().map(|entry| entry.version.as_str()).collect()
}

/// Why a scan needs the whole.
fn doubt(text: &str) -> Doubt {
    match scan(text, &["wanted"]) {
        Ok(Outcome::NeedsWhole(doubt)) => doubt,
        other => panic!("{other:?}"),
    }
}
