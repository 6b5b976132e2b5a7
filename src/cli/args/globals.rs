//! The flags that every command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::model::Duration;
use crate::output::{self, surface};

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// The form of the answer.
    #[arg(short = 'o', long, global = true, value_enum, default_value = "table", value_name = "FORM")]
    pub output: Form,
    /// The journal's file; one per repository in your state folder if absent.
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "TIDEGATE_JOURNAL",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub journal: Option<PathBuf>,
    /// The repository with products/, releases/ and pipelines/.
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "TIDEGATE_REPO",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub repo: Option<PathBuf>,
    /// When to use colours; NO_COLOR and CLICOLOR_FORCE are honoured.
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub color: Color,
    /// How progress is shown on standard error.
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_enum,
        default_value = "auto",
        value_name = "HOW"
    )]
    pub progress: Progress,
    /// Answer yes to questions; it never passes a gate.
    #[arg(short = 'y', long, global = true, hide_short_help = true)]
    pub yes: bool,
    /// Stop waiting after this time with exit code 7, such as 90s or 2h.
    #[arg(long, global = true, hide_short_help = true, value_name = "TIME")]
    pub wait_timeout: Option<Duration>,
}

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Tables and sentences.
    Table,
    /// One JSON document.
    Json,
    /// JSON lines; of `lcm report`.
    #[value(hide = true)]
    Ndjson,
    /// Markdown; of `lcm report`.
    #[value(hide = true)]
    Markdown,
    /// A static page; of `lcm report`.
    #[value(hide = true)]
    Html,
    /// Comma-separated values; of `lcm report`.
    #[value(hide = true)]
    Csv,
    /// Metrics in Prometheus' text format; of `lcm report`.
    #[value(hide = true)]
    Prometheus,
    /// SARIF 2.1.0; of `lcm report`.
    #[value(hide = true)]
    Sarif,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// At a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// Live at a terminal, else plain.
    Auto,
    /// One line per event.
    Plain,
    /// One JSON object per event.
    Json,
    /// Nothing.
    None,
}

impl From<Form> for output::Format {
    fn from(form: Form) -> Self {
        match form {
            Form::Table => Self::Table,
            Form::Json => Self::Json,
            Form::Ndjson => Self::Other(surface::Form::Ndjson),
            Form::Markdown => Self::Other(surface::Form::Markdown),
            Form::Html => Self::Other(surface::Form::Html),
            Form::Csv => Self::Other(surface::Form::Csv),
            Form::Prometheus => Self::Other(surface::Form::Prometheus),
            Form::Sarif => Self::Other(surface::Form::Sarif),
        }
    }
}

impl From<Color> for output::ColorMode {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

impl From<Progress> for output::ProgressMode {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Auto => Self::Auto,
            Progress::Plain => Self::Plain,
            Progress::Json => Self::Json,
            Progress::None => Self::None,
        }
    }
}
