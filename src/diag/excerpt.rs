//! A finding as text: title, place, source line with caret, hints, next command.
//!
//! Decides the form (`error[TG0312]: ...`, as in the screens); colours are a matter of which of
//! the two functions is called, masking is the places' own.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Finding, Place, Severity};

/// The finding as plain text, without a final line break.
pub fn plain(finding: &Finding) -> String {
    render(finding, &Renderer::plain())
}

/// The finding with ANSI colours, without a final line break.
pub fn styled(finding: &Finding) -> String {
    render(finding, &Renderer::styled())
}

/// The lines of one file that a finding shows.
struct Window {
    file: String,
    first_line: u32,
    text: String,
    /// Where the annotated places are in `text`, with their labels.
    marks: Vec<(Range<usize>, Option<String>, bool)>,
}

fn render(finding: &Finding, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let windows = windows(finding);
    let mut group = level.primary_title(finding.message.as_str()).id(finding.code.id).elements(
        windows.iter().map(|window| {
            Snippet::source(window.text.as_str())
                .path(window.file.as_str())
                .line_start(window.first_line as usize)
                .annotations(window.marks.iter().map(|(range, label, primary)| {
                    let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
                    kind.span(range.clone()).label(label.as_deref())
                }))
        }),
    );
    // What else could be done stands behind what is best.
    let (others, hints): (Vec<&String>, Vec<&String>) =
        finding.hints.iter().partition(|hint| hint.starts_with("or: ") || hint.starts_with("or "));
    let next = finding.next.iter().map(|next| format!("try: {next}"));
    let notes: Vec<String> =
        hints.into_iter().cloned().chain(next).chain(others.into_iter().cloned()).collect();
    let with_snippet = !windows.is_empty();
    if with_snippet {
        group = group.elements(notes.iter().map(|note| Level::NOTE.no_name().message(note.as_str())));
    }
    let mut text = renderer.render(&[group]);
    if !with_snippet {
        for note in &notes {
            let _ = write!(text, "\n  = {note}");
        }
    }
    text
}

/// Groups the places of a finding by file, the finding's own file first.
fn windows(finding: &Finding) -> Vec<Window> {
    let own = finding.place.iter().map(|place| (place, finding.label.as_deref(), true));
    let related = finding.related.iter().map(|(place, message)| (place, Some(message.as_str()), false));
    let all: Vec<(&Place, Option<&str>, bool)> = own.chain(related).collect();
    let mut files: Vec<&str> = Vec::new();
    for (place, _, _) in &all {
        if !files.contains(&place.file()) {
            files.push(place.file());
        }
    }
    files
        .into_iter()
        .filter_map(|file| {
            let here: Vec<_> = all.iter().filter(|(p, _, _)| p.file() == file).collect();
            let (first_place, _, _) = here.first()?;
            let source = first_place.source();
            let first_line = here.iter().map(|(p, _, _)| p.line()).min()?;
            let last_line = here.iter().map(|(p, _, _)| p.line()).max()?;
            let range = source.line_range(first_line).start..source.line_range(last_line).end;
            let mut offsets = Vec::new();
            for (place, _, _) in &here {
                // Only the first line of a long value: the caret says where to look.
                let line = source.line_range(place.line());
                // Another version of the file may have put the place inside a character of this one.
                let whole = |offset: usize| source.text().floor_char_boundary(offset);
                let start = whole(place.start().clamp(line.start, line.end));
                offsets.push(start);
                offsets.push(whole(place.end().clamp(start, line.end)));
            }
            let masks: Vec<Place> = here.iter().flat_map(|(p, _, _)| p.hidden()).collect();
            let (text, offsets) = first_place.masking(&masks).show_marked(range, &offsets);
            let marks = here
                .iter()
                .zip(offsets.chunks_exact(2))
                .map(|((_, label, primary), pair)| {
                    let (start, end) = (pair.first().copied(), pair.last().copied());
                    let range = start.unwrap_or_default()..end.unwrap_or_default();
                    (range, label.map(str::to_owned), *primary)
                })
                .collect();
            Some(Window { file: file.to_owned(), first_line, text, marks })
        })
        .collect()
}
