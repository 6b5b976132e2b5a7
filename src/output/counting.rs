//! Progress of work that is counted: a bar at a terminal, a line for each piece elsewhere, JSON lines for
//! programs, or nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{ProgressMode, Surface};

/// Counts pieces of work as they end, on any thread.
pub struct Counting {
    surface: Arc<Surface>,
    what: &'static str,
    all: usize,
    done: AtomicUsize,
    bar: Option<ProgressBar>,
}

impl Counting {
    /// So many pieces of work, each called `what`.
    pub fn new(surface: &Arc<Surface>, what: &'static str, all: usize) -> Self {
        let live = surface.progress() == ProgressMode::Auto && surface.talks_to_a_person();
        let bar = live.then(|| {
            let bar = ProgressBar::with_draw_target(Some(all as u64), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(format!("{what}s"));
            bar.tick();
            bar
        });
        Self { surface: Arc::clone(surface), what, all, done: AtomicUsize::new(0), bar }
    }

    /// One more has ended; in words.
    pub fn one(&self, told: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(bar) = &self.bar {
            bar.inc(1);
            return;
        }
        match self.surface.progress() {
            ProgressMode::None => {}
            ProgressMode::Json => {
                let line = serde_json::json!({"done": done, "of": self.all, "what": self.what, "told": told});
                self.surface.talk(&line.to_string());
            }
            ProgressMode::Plain | ProgressMode::Auto => {
                self.surface.talk(&format!("{} {done} of {}: {told}", self.what, self.all));
            }
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
