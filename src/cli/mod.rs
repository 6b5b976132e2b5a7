//! The command line: parse, wire, print. It decides nothing but words and exit codes.

pub mod args;
mod commands;
mod crash;
mod failure;
mod forge_tokens;
mod place;
mod signals;
mod upstreams;

use std::process::ExitCode;
use std::sync::Arc;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, ValueEnum};

use crate::diag::{Finding, codes};
use crate::output::exit::{Code, Exit};
use crate::output::{ColorMode, Format, ProgressMode, Surface};
use args::Args;
use failure::Failure;

/// What a command failed with, in JSON.
#[derive(serde::Serialize)]
struct Failed<'a> {
    findings: &'a crate::diag::Findings,
}

/// Runs the process's command line to its end.
pub fn main() -> ExitCode {
    // Help and usage errors are printed before the flags are parsed, in colours or not.
    wished_color(std::env::args_os()).apply();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(mut usage) => {
            tell_all_forms(&mut usage, std::env::args_os());
            if !usage.use_stderr() {
                let surface = Surface::of_process(Format::Table, ProgressMode::None);
                surface.data(&usage.render().ansi().to_string());
                return with_answer(&surface, Code::Done).into();
            }
            // Nothing is left to say where not even this can be printed.
            let _ = usage.print();
            if wishes_json(std::env::args_os()) {
                document(&Surface::of_process(Format::Json, ProgressMode::None), &misused(&usage));
            }
            return Code::Usage.into();
        }
    };
    let surface = Arc::new(Surface::of_process(
        Format::from(args.globals.output),
        ProgressMode::from(args.globals.progress),
    ));
    crash::tell_on(&surface);
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(args, &surface)));
    match ended {
        Ok(code) if !crash::happened() => with_answer(&surface, code).into(),
        _ => Code::Unexpected.into(),
    }
}

fn run(args: Args, surface: &Arc<Surface>) -> Code {
    if let Format::Other(_) = surface.format()
        && !args.command.is_report()
    {
        let finding = Finding::error(&codes::USAGE, "this command answers in the forms table and json");
        return tell(surface, &Failure::new(Code::Usage, finding.next("tidegate lcm report --help")));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            surface.talk(&format!("error: threads can't be started: {error}"));
            return Code::Unexpected;
        }
    };
    let outcome = runtime.block_on(async {
        let signals = match signals::Signals::listen(surface) {
            Ok(signals) => signals,
            Err(error) => {
                surface.talk(&format!("error: signals can't be listened to: {error}"));
                return Ok(vec![Code::Unexpected]);
            }
        };
        tokio::select! {
            outcome = commands::run(args, surface, &signals) => outcome,
            () = signals.cut_off() => Ok(vec![Code::Interrupted]),
        }
    });
    // A reader or a script that hangs must not keep the process.
    runtime.shutdown_background();
    match outcome {
        Ok(codes) => Exit::of(codes).code,
        Err(failure) => tell(surface, &failure),
    }
}

/// The code of a command that ended with this one: another where its answer could not be written. What it did
/// stays done, and that is said.
fn with_answer(surface: &Surface, code: Code) -> Code {
    let Some(error) = surface.unwritten() else { return code };
    let did = match code {
        Code::Done => "the command itself did its work, and what it did stays done".to_owned(),
        _ => format!("the command itself ended with exit code {}", code.number()),
    };
    let message = format!("the answer can't be written to standard output: {error}; {did}");
    surface.finding(&Finding::error(&codes::FILE_UNWRITABLE, message));
    Exit::of([code, Code::Unexpected]).code
}

/// Tells a failure on both streams, and names its code.
fn tell(surface: &Surface, failure: &Failure) -> Code {
    surface.findings(&failure.findings);
    if surface.format() == Format::Json {
        document(surface, failure);
    }
    failure.exit
}

/// Prints a failure as the one document of its command.
fn document(surface: &Surface, failure: &Failure) {
    let findings = failure.findings.clone().sorted();
    let now = jiff::Timestamp::now();
    surface.document("Failure", Failed { findings: &findings }, now, &[], Exit::of([failure.exit]));
}

/// A command line that was not understood; what is wrong with it is the parser's first sentence.
fn misused(usage: &clap::Error) -> Failure {
    let told = usage.to_string();
    let sentence = told.lines().next().unwrap_or_default();
    let message = sentence.strip_prefix("error: ").unwrap_or(sentence);
    Failure::new(Code::Usage, Finding::error(&codes::USAGE, message).next("tidegate --help"))
}

/// Whoever wants a report in a form that there is not hears of all that a report has: the parser, which does not
/// know of which command the flag is, lists those of every command.
fn tell_all_forms(usage: &mut clap::Error, args: impl Iterator<Item = std::ffi::OsString>) {
    let args: Vec<_> = args.collect();
    let is_report = args.windows(2).any(|pair| pair[0] == "lcm" && pair[1] == "report");
    let is_form = matches!(usage.get(ContextKind::InvalidArg), Some(ContextValue::String(arg)) if arg.starts_with("--output"));
    if is_report && is_form && usage.kind() == ErrorKind::InvalidValue {
        let names = args::Form::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names = names.map(|value| value.get_name().to_owned()).collect();
        usage.insert(ContextKind::ValidValue, ContextValue::Strings(names));
    }
}

/// Whether a command line that can't be parsed asks for JSON.
fn wishes_json(args: impl Iterator<Item = std::ffi::OsString>) -> bool {
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let joined = args.iter().any(|arg| matches!(arg.as_str(), "-ojson" | "-o=json" | "--output=json"));
    joined || args.windows(2).any(|pair| matches!(pair[0].as_str(), "-o" | "--output") && pair[1] == "json")
}

/// The value of `--color` before anything is parsed; what is wrong with it is for the parser to say.
fn wished_color(args: impl Iterator<Item = std::ffi::OsString>) -> ColorMode {
    let mut mode = ColorMode::Auto;
    let mut value_follows = false;
    for arg in args {
        let arg = arg.to_string_lossy();
        let value = if value_follows { Some(&*arg) } else { arg.strip_prefix("--color=") };
        match value {
            Some("always") => mode = ColorMode::Always,
            Some("never") => mode = ColorMode::Never,
            _ => {}
        }
        value_follows = arg == "--color";
    }
    mode
}

#[cfg(test)]
mod legal_tests;
#[cfg(test)]
mod tests;
