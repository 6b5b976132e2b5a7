//! Progress on standard error while something is driven or watched: live lines at a terminal, one
//! line per event elsewhere, JSON lines for programs, or nothing.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::journal::Event;
use crate::report::event::{Weight, sentence, weight};
use crate::report::summary::RolloutSummary;

use super::mark::clean;
use super::screens::words;
use super::time::Viewpoint;
use super::{ProgressMode, Surface, live};

/// So many clusters are shown live.
const CLUSTERS: usize = 8;
/// How often live lines are drawn anew although nothing happened, so that times go on.
const TICK: Duration = Duration::from_secs(1);

/// What time it is where things happen: in a simulation or a recording it is not the real one.
pub type Now = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// Shows what happens, as it happens.
pub struct Progress {
    surface: Arc<Surface>,
    form: Form,
    /// Events up to here had happened before; they are not told again.
    told: u64,
    cost: Duration,
    drawn: Option<Instant>,
}

enum Form {
    Live(Live),
    Plain,
    Json,
    None,
}

impl Progress {
    /// Progress on a surface; events up to position `told` are history.
    pub fn new(surface: &Arc<Surface>, told: u64) -> Self {
        Self::by(surface, told, Arc::new(jiff::Timestamp::now))
    }

    /// The same, by a clock of its own; it is asked on another thread.
    pub fn by(surface: &Arc<Surface>, told: u64, now: Now) -> Self {
        let form = match surface.progress() {
            ProgressMode::None => Form::None,
            ProgressMode::Json => Form::Json,
            ProgressMode::Plain => Form::Plain,
            ProgressMode::Auto if surface.talks_to_a_person() => Form::Live(Live::start(surface, now)),
            ProgressMode::Auto => Form::Plain,
        };
        Self { surface: Arc::clone(surface), form, told, cost: Duration::ZERO, drawn: None }
    }

    /// Tells one event. `summaries` is asked for the rollouts to show, if they are shown now.
    pub fn event(&mut self, event: &Event, summaries: impl FnOnce() -> Vec<RolloutSummary>) {
        if event.seq <= self.told {
            return;
        }
        match &self.form {
            Form::None => {}
            Form::Json => {
                if let Ok(line) = serde_json::to_string(event) {
                    self.surface.talk(&line);
                }
            }
            Form::Plain => {
                let now = self.surface.look(event.at);
                self.surface.talk(&line(event, &now.view));
            }
            Form::Live(shown) => {
                if weight(&event.body) >= Weight::Milestone {
                    let now = self.surface.look(event.at);
                    shown.say(&line(event, &now.view));
                }
                self.refresh(summaries);
            }
        }
    }

    /// Shows how far things are, where that is shown live.
    pub fn refresh(&mut self, summaries: impl FnOnce() -> Vec<RolloutSummary>) {
        // Where a summary takes long (thousands of clusters), it is made less often.
        let soon = || self.drawn.is_none_or(|at| at.elapsed() >= self.cost * 10);
        if matches!(self.form, Form::Live(_)) && soon() {
            self.show(summaries());
        }
    }

    /// Shows how far things are, without an event.
    pub fn show(&mut self, summaries: Vec<RolloutSummary>) {
        if let Form::Live(shown) = &self.form {
            let begun = Instant::now();
            shown.show(summaries);
            self.cost = begun.elapsed();
            self.drawn = Some(Instant::now());
        }
    }
}

/// One event as one line: time, mark, words.
pub fn line(event: &Event, view: &Viewpoint) -> String {
    let tone = words::weight(weight(&event.body));
    format!("{} {} {}", view.log(event.at), tone.paint(tone.glyph()), clean(&sentence(&event.body)))
}

/// Lines at the bottom of a terminal that are drawn in place.
struct Live {
    shared: Arc<Shared>,
    ticker: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    surface: Arc<Surface>,
    now: Now,
    drawing: MultiProgress,
    colors: bool,
    state: Mutex<Shown>,
    ended: std::sync::Condvar,
}

#[derive(Default)]
struct Shown {
    summaries: Vec<RolloutSummary>,
    bars: Vec<ProgressBar>,
    over: bool,
}

impl Live {
    fn start(surface: &Arc<Surface>, now: Now) -> Self {
        let colors =
            !matches!(anstream::AutoStream::choice(&std::io::stderr()), anstream::ColorChoice::Never);
        let shared = Arc::new(Shared {
            surface: Arc::clone(surface),
            now,
            drawing: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)),
            colors,
            state: Mutex::default(),
            ended: std::sync::Condvar::new(),
        });
        let ticking = Arc::clone(&shared);
        let ticker =
            std::thread::Builder::new().name("progress".to_owned()).spawn(move || ticking.tick()).ok();
        Self { shared, ticker }
    }

    fn say(&self, line: &str) {
        // Failing to draw must not stop what is being driven.
        let _ = self.shared.drawing.println(self.shared.shade(line));
    }

    fn show(&self, summaries: Vec<RolloutSummary>) {
        if let Ok(mut shown) = self.shared.state.lock() {
            shown.summaries = summaries;
            self.shared.draw(&mut shown);
        }
    }
}

impl Shared {
    fn tick(&self) {
        let Ok(mut shown) = self.state.lock() else { return };
        while !shown.over {
            let Ok((after, _)) = self.ended.wait_timeout(shown, TICK) else { return };
            shown = after;
            if !shown.over {
                self.draw(&mut shown);
            }
        }
    }

    fn draw(&self, shown: &mut Shown) {
        let look = self.surface.look((self.now)());
        let lines: Vec<String> =
            shown.summaries.iter().flat_map(|summary| live::lines(summary, &look.view, CLUSTERS)).collect();
        while shown.bars.len() > lines.len() {
            if let Some(bar) = shown.bars.pop() {
                bar.finish_and_clear();
                self.drawing.remove(&bar);
            }
        }
        while shown.bars.len() < lines.len() {
            let bar = self.drawing.add(ProgressBar::no_length());
            // A line longer than the terminal would break the drawing: it is cut at the edge.
            if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
                bar.set_style(style);
            }
            shown.bars.push(bar);
        }
        for (bar, line) in shown.bars.iter().zip(&lines) {
            bar.set_message(self.shade(line));
            bar.tick();
        }
    }

    fn shade(&self, line: &str) -> String {
        if self.colors { line.to_owned() } else { anstream::adapter::strip_str(line).to_string() }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Ok(mut shown) = self.shared.state.lock() {
            shown.over = true;
            for bar in shown.bars.drain(..) {
                bar.finish_and_clear();
            }
        }
        self.shared.ended.notify_all();
        if let Some(ticker) = self.ticker.take() {
            // The last tick is over at once; a panic in it was told by the hook.
            let _ = ticker.join();
        }
        let _ = self.shared.drawing.clear();
    }
}
