//! The page of commands: what `--help` says of each, from the parser itself.

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::{cell, head};

/// Every command with its flags.
pub fn page() -> String {
    let mut root = tidegate::cli::args::Args::command();
    root.build();
    let mut page = head(
        "Command line",
        "Every command, as `--help` has it. [Commands](../commands.md) says the same in the order of \
         the work, with exit codes and environment.",
    );
    page.push_str("## Flags of every command\n\n");
    page.push_str(&table(root.get_arguments()));
    let mut found = Vec::new();
    collect(&root, "tidegate", &mut found);
    for (path, command) in found {
        page.push_str(&format!("## {path}\n\n"));
        if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
            page.push_str(&format!("{}.\n\n", about.to_string().trim_end_matches('.')));
        }
        page.push_str(&format!("```text\n{path}{}\n```\n\n", usage(command)));
        let own: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_global_set()).collect();
        page.push_str(&table(own));
        if let Some(after) = command.get_after_help() {
            page.push_str(&format!("```text\n{}\n```\n\n", after.to_string().trim()));
        }
    }
    page.trim_end().to_owned() + "\n"
}

/// The commands that do something, in the order of the help.
fn collect<'a>(command: &'a Command, path: &str, found: &mut Vec<(String, &'a Command)>) {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        let path = format!("{path} {}", inner.get_name());
        if inner.has_subcommands() {
            collect(inner, &path, found);
        } else {
            found.push((path, inner));
        }
    }
}

/// What follows the command's name.
fn usage(command: &Command) -> String {
    let mut usage = String::new();
    if command.get_arguments().any(|arg| !arg.is_positional() && !arg.is_global_set() && !is_ours(arg)) {
        usage.push_str(" [OPTIONS]");
    }
    for arg in command.get_positionals() {
        let name = values(arg);
        let many = if arg.get_num_args().is_some_and(|n| n.max_values() > 1) { "..." } else { "" };
        if arg.is_required_set() {
            usage.push_str(&format!(" {name}{many}"));
        } else {
            usage.push_str(&format!(" [{name}]{many}"));
        }
    }
    usage
}

/// Flags that every parser brings along.
fn is_ours(arg: &Arg) -> bool {
    ["help", "version"].contains(&arg.get_id().as_str())
}

fn values(arg: &Arg) -> String {
    arg.get_value_names()
        .unwrap_or_default()
        .iter()
        .map(|name| name.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

fn table<'a>(args: impl IntoIterator<Item = &'a Arg>) -> String {
    let rows: Vec<String> =
        args.into_iter().filter(|arg| !is_ours(arg) && !arg.is_hide_set()).map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("| argument | meaning |\n| --- | --- |\n{}\n\n", rows.join("\n"))
}

fn row(arg: &Arg) -> String {
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let mut name = Vec::new();
    if let Some(short) = arg.get_short() {
        name.push(format!("-{short}"));
    }
    if let Some(long) = arg.get_long() {
        name.push(format!("--{long}"));
    }
    let mut shown = name.join(", ");
    if takes {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(&values(arg));
    }
    let mut about =
        arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut notes = Vec::new();
    let possible: Vec<String> = if takes {
        arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect()
    } else {
        Vec::new()
    };
    if !possible.is_empty() {
        notes.push(format!("one of {}", possible.join(", ")));
    }
    let default: Vec<String> =
        arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    if takes && !default.is_empty() {
        notes.push(format!("default {}", default.join(", ")));
    }
    if let Some(variable) = arg.get_env() {
        notes.push(format!("variable `{}`", variable.to_string_lossy()));
    }
    if arg.is_required_set() && !arg.is_positional() {
        notes.push("needed".to_owned());
    }
    if !notes.is_empty() {
        about = format!("{}. {}", about.trim_end_matches('.'), capital(&notes.join("; ")));
    }
    format!("| `{}` | {} |", cell(&shown), cell(&about))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
