//! The request that a bump is proposed with: where it is, what was done for it, and what it would say.

use crate::engine::propose::{Done, Requested};
use crate::output::mark::{Tone, bold, clean, dim};

/// What was done, below the headline.
pub(super) fn lines(request: &Requested) -> String {
    let Requested { noun, sign, branch, into, .. } = request;
    let number = request.number.map(|number| format!(" {sign}{number}")).unwrap_or_default();
    let done = match request.done {
        Done::Planned => format!("a {noun} would be opened"),
        Done::Opened => format!("{noun}{number} was opened"),
        Done::Updated => format!("{noun}{number} was updated"),
        Done::Unchanged => format!("{noun}{number} is open, and says the same"),
    };
    let mut text = format!("  {done} · {} -> {}\n", clean(branch), clean(into));
    if let Some(url) = &request.url {
        text.push_str(&format!("  {}\n", bold(&clean(url))));
    }
    let warn = Tone::Warn.paint("!");
    for note in &request.notes {
        text.push_str(&format!("{warn} {}\n", clean(note)));
    }
    for other in &request.others {
        let (number, title) = (other.number, clean(&other.title));
        text.push_str(&format!("{warn} {sign}{number} is open as well: {title}\n  {}\n", clean(&other.url)));
    }
    text
}

/// What a request would say.
pub(super) fn planned(request: &Requested) -> String {
    let body: Vec<String> = request.body.lines().map(clean).collect();
    format!("\n{} {}\n\n{}\n", dim("title"), bold(&clean(&request.title)), body.join("\n"))
}

/// What comes next, once it was taken in.
pub(super) fn next(request: &Requested, pull: &str, tag: &str) -> Option<String> {
    (request.done != Done::Planned).then(|| format!("{pull} && {tag}     # when it is taken in"))
}
