//! The surface: the process's two streams, who reads them, and in which form. Data goes to
//! standard output, talk to standard error. This is the only place that prints.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use tokio::sync::oneshot;

use super::envelope::{API_VERSION, Envelope, Warning};
use super::exit::{Code, Exit};
use super::time::Viewpoint;
use crate::diag::{Finding, Findings, excerpt};

/// The form of data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Tables and sentences for people.
    #[default]
    Table,
    /// One JSON document in an envelope.
    Json,
    /// Another form, which few answers have.
    Other(Form),
}

/// The forms that a report has beside a table and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON lines.
    Ndjson,
    /// Markdown.
    Markdown,
    /// A static page.
    Html,
    /// Comma-separated values.
    Csv,
    /// Metrics in Prometheus' text format.
    Prometheus,
    /// SARIF 2.1.0.
    Sarif,
}

/// How progress is shown on standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProgressMode {
    /// Live lines at a terminal, one line per event elsewhere.
    #[default]
    Auto,
    /// One line per event.
    Plain,
    /// One JSON object per event.
    Json,
    /// Nothing.
    None,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ColorMode {
    /// At a terminal, unless `NO_COLOR` is set; also elsewhere with `CLICOLOR_FORCE`.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl ColorMode {
    /// Makes it the process's choice, also for help texts and usage errors.
    pub fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// How a person sees: how wide, when, and where.
#[derive(Debug, Clone)]
pub struct Look {
    /// The width of the terminal in columns; `None` when piped, and then nothing is wrapped.
    pub width: Option<u16>,
    /// Now, and the viewer's zone.
    pub view: Viewpoint,
}

/// Something that a command prints: the same data as text and as JSON.
pub trait Screen: serde::Serialize {
    /// The envelope's `kind`.
    const KIND: &'static str;

    /// The text, with colours, each line ended.
    fn text(&self, look: &Look) -> String;

    /// The next command, where there is a sensible one.
    fn next(&self) -> Option<String> {
        None
    }

    /// Another form; whoever has none is never asked for it.
    fn form(&self, form: Form, look: &Look) -> String {
        let _ = form;
        self.text(look)
    }
}

/// Where output goes, so that tests can look at it.
type Sink = Box<dyn Write + Send>;

/// The two streams of a process.
pub struct Surface {
    format: Format,
    progress: ProgressMode,
    stdout: Mutex<Sink>,
    stderr: Mutex<Sink>,
    width: Option<u16>,
    stderr_terminal: bool,
    zone: jiff::tz::TimeZone,
    closed: AtomicBool,
    unwritten: OnceLock<io::Error>,
}

/// The width assumed where a terminal does not tell.
const COLUMNS: u16 = 80;

impl Surface {
    /// The process's own streams. Reads `COLUMNS` and asks the terminals.
    pub fn of_process(format: Format, progress: ProgressMode) -> Self {
        let wished = std::env::var("COLUMNS").ok().and_then(|c| c.trim().parse().ok()).filter(|c| *c > 0);
        let columns = |asked: Option<u16>| wished.or(asked).unwrap_or(COLUMNS);
        let out = io::stdout();
        let err = io::stderr();
        Self {
            format,
            progress,
            width: out.is_terminal().then(|| columns(terminal_width(&out))).or(wished),
            stderr_terminal: err.is_terminal(),
            stdout: Mutex::new(Box::new(anstream::stdout())),
            stderr: Mutex::new(Box::new(anstream::stderr())),
            zone: jiff::tz::TimeZone::system(),
            closed: AtomicBool::new(false),
            unwritten: OnceLock::new(),
        }
    }

    /// Streams of somebody's own, without a terminal.
    pub fn of(format: Format, stdout: Sink, stderr: Sink, width: Option<u16>) -> Self {
        Self {
            format,
            progress: ProgressMode::Plain,
            stdout: Mutex::new(stdout),
            stderr: Mutex::new(stderr),
            width,
            stderr_terminal: false,
            zone: jiff::tz::TimeZone::UTC,
            closed: AtomicBool::new(false),
            unwritten: OnceLock::new(),
        }
    }

    /// The form of data.
    pub fn format(&self) -> Format {
        self.format
    }

    /// How progress is to be shown.
    pub fn progress(&self) -> ProgressMode {
        self.progress
    }

    /// Whether standard error is a terminal.
    pub fn talks_to_a_person(&self) -> bool {
        self.stderr_terminal
    }

    /// How a person sees it now.
    pub fn look(&self, now: jiff::Timestamp) -> Look {
        Look { width: self.width, view: Viewpoint { now, zone: self.zone.clone() } }
    }

    /// Whether nothing more reaches standard output, as its reader went away or it can't be written; a stream
    /// then ends.
    pub fn reader_is_gone(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Why data is missing on standard output, though its reader did not go away.
    pub fn unwritten(&self) -> Option<&io::Error> {
        self.unwritten.get()
    }

    /// Prints a screen as text or as a document, and the next command as talk.
    pub fn show<S: Screen>(
        &self,
        screen: &S,
        now: jiff::Timestamp,
        warnings: &[Warning],
        codes: impl IntoIterator<Item = Code>,
    ) {
        match self.format {
            Format::Json => self.document(S::KIND, screen, now, warnings, Exit::of(codes)),
            Format::Other(form) => self.data(&screen.form(form, &self.look(now))),
            Format::Table => {
                self.data(&screen.text(&self.look(now)));
                if let Some(next) = screen.next() {
                    self.talk(&format!("Next: {next}"));
                }
            }
        }
    }

    /// Prints a JSON document in its envelope. It is partial when a warning names a source.
    pub fn document(
        &self,
        kind: &str,
        data: impl serde::Serialize,
        now: jiff::Timestamp,
        warnings: &[Warning],
        exit: Exit,
    ) {
        let partial = warnings.iter().any(|w| w.source.is_some());
        let envelope =
            Envelope { api_version: API_VERSION, kind, generated_at: now, partial, warnings, exit, data };
        match serde_json::to_string_pretty(&envelope) {
            Ok(text) => self.data(&format!("{text}\n")),
            Err(error) => self.talk(&format!("error: this answer has no form in JSON: {error}")),
        }
    }

    /// Prints one JSON object on one line of standard output.
    pub fn line(&self, value: &impl serde::Serialize) {
        if let Ok(text) = serde_json::to_string(value) {
            self.data(&format!("{text}\n"));
        }
    }

    /// Writes text to standard output as it is.
    pub fn data(&self, text: &str) {
        let Ok(mut out) = self.stdout.lock() else { return };
        let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) else { return };
        self.closed.store(true, Ordering::Relaxed);
        // A reader that has seen enough (`| head`) is no failure. Of several, the first one is the cause.
        if error.kind() != io::ErrorKind::BrokenPipe {
            let _ = self.unwritten.set(error);
        }
    }

    /// Says something on standard error, as a line of its own.
    pub fn talk(&self, text: &str) {
        let Ok(mut err) = self.stderr.lock() else { return };
        // Nobody is left to tell when this fails.
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.write_all(b"\n"));
    }

    /// Says something about progress: as [`Self::talk`], where progress is shown in words.
    pub fn aside(&self, text: &str) {
        if matches!(self.progress, ProgressMode::Auto | ProgressMode::Plain) {
            self.talk(text);
        }
    }

    /// Whether a question would reach a person.
    pub fn asks_a_person(&self) -> bool {
        self.stderr_terminal && io::stdin().is_terminal()
    }

    /// Asks a question that is answered with yes or no. Only at a terminal; elsewhere, and where
    /// the answer can't be read, it is no.
    pub async fn confirm(&self, question: &str) -> bool {
        if !self.asks_a_person() {
            return false;
        }
        if let Ok(mut err) = self.stderr.lock() {
            let _ = err.write_all(format!("{question} [y/N] ").as_bytes()).and_then(|()| err.flush());
        }
        matches!(self.typed().await.unwrap_or_default().trim(), "y" | "Y" | "yes")
    }

    /// The next line that somebody types. Whoever waits for it can be cut off; the reading itself can't: its
    /// thread ends with its line, or with the process.
    pub fn typed(&self) -> oneshot::Receiver<String> {
        let (typed, line) = oneshot::channel();
        let read = move || {
            let mut line = String::new();
            let _ = io::stdin().read_line(&mut line);
            let _ = typed.send(line);
        };
        // Without a thread whoever waits hears at once that nothing is typed.
        let _ = std::thread::Builder::new().name("stdin".to_owned()).spawn(read);
        line
    }

    /// Says what was found, with excerpts, on standard error.
    pub fn findings(&self, findings: &Findings) {
        for (index, finding) in findings.clone().into_iter().enumerate() {
            if index > 0 {
                self.talk("");
            }
            self.finding(&finding);
        }
    }

    /// Says one finding on standard error.
    pub fn finding(&self, finding: &Finding) {
        self.talk(excerpt::styled(finding).trim_end());
    }
}

fn terminal_width(stream: &impl std::os::fd::AsFd) -> Option<u16> {
    rustix::termios::tcgetwinsize(stream).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}
