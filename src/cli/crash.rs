//! What happens when tidegate itself is wrong: the panic is told with the journal's position, and
//! the process ends with exit code 1.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::output::Surface;

static PANICKED: AtomicBool = AtomicBool::new(false);
static POSITION: AtomicU64 = AtomicU64::new(0);
static JOURNAL: Mutex<Option<String>> = Mutex::new(None);
static TOLD_TO: OnceLock<std::sync::Arc<Surface>> = OnceLock::new();

/// Remembers which journal is used.
pub fn journal(path: &std::path::Path) {
    if let Ok(mut known) = JOURNAL.lock() {
        *known = Some(path.display().to_string());
    }
}

/// Remembers how far the journal got.
pub fn position(seq: u64) {
    POSITION.fetch_max(seq, Ordering::Relaxed);
}

/// Whether any thread or task panicked.
pub fn happened() -> bool {
    PANICKED.load(Ordering::Relaxed)
}

/// Has panics told on this surface instead of the standard library's way.
pub fn tell_on(surface: &std::sync::Arc<Surface>) {
    if TOLD_TO.set(std::sync::Arc::clone(surface)).is_err() {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        PANICKED.store(true, Ordering::Relaxed);
        if let Some(surface) = TOLD_TO.get() {
            surface.talk(&message(&what(panic), &at()));
        }
    }));
}

/// The panic's own words and place.
fn what(panic: &std::panic::PanicHookInfo<'_>) -> String {
    let words = panic.payload_as_str().unwrap_or("it gave no reason");
    match panic.location() {
        Some(place) => format!("{words} ({}:{})", place.file(), place.line()),
        None => words.to_owned(),
    }
}

fn at() -> String {
    let journal = JOURNAL.try_lock().ok().and_then(|known| known.clone());
    match (journal, POSITION.load(Ordering::Relaxed)) {
        (None, _) => "no journal was open".to_owned(),
        (Some(path), 0) => format!("the journal is {path}"),
        (Some(path), seq) => format!("the journal is {path} at position {seq}"),
    }
}

fn message(what: &str, at: &str) -> String {
    format!(
        "error[TG0901]: unexpected: {what}\n  = {at}; nothing that it holds is lost\n  = try: tidegate journal verify"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_told_with_the_journals_position() {
        insta::assert_snapshot!(message("index out of bounds (src/x.rs:7)", "the journal is /j.db at position 42"), @r"
        error[TG0901]: unexpected: index out of bounds (src/x.rs:7)
          = the journal is /j.db at position 42; nothing that it holds is lost
          = try: tidegate journal verify
        ");
    }
}
