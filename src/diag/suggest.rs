//! "Did you mean": the nearest of the names that would have been right.

/// The candidate nearest to `found`, if any is near enough to be a slip of the fingers.
///
/// Near enough: one edit for names of up to four characters, two up to eight, then a third of the
/// length; letter case and the choice between `-`, `_` and camel case count nothing.
pub fn did_you_mean<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // Longer words are no slips, and the distance costs the product of the lengths.
    const LONGEST: usize = 128;
    if found.is_empty() || found.len() > LONGEST {
        return None;
    }
    let plain_found = plain(found);
    let length = plain_found.chars().count();
    let allowed = match length {
        0..=1 => 0,
        2..=4 => 1,
        5..=8 => 2,
        _ => length / 3,
    };
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST && *candidate != found)
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&plain_found, &plain(candidate));
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}
