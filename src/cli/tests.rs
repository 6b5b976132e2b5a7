//! The command line as people meet it: help, mistakes, colours.

#![allow(clippy::unwrap_used)]

use clap::{CommandFactory, Parser};
use insta::assert_snapshot;

use super::args::Args;
use super::*;

/// What is printed for a command line that does not parse, or asks for help.
fn answer(line: &str) -> String {
    let words = std::iter::once("tidegate").chain(line.split_whitespace());
    Args::command().term_width(100).try_get_matches_from(words).unwrap_err().render().to_string()
}

#[test]
fn every_command_stands_by_itself() {
    Args::command().debug_assert();
}

#[test]
fn the_first_page_of_help_lists_every_noun() {
    assert_snapshot!(answer("-h"), @r"
    Releases for fleets of Kubernetes clusters: versioned bundles of products, rolled out in waves

    Usage: tidegate [OPTIONS] <COMMAND>

    Commands:
      init           Write a small platform to begin with: a product, a release, a pipeline, a fleet
      check          Check every file of the repository; all mistakes at once
      schema         Print the JSON Schemas of the files
      product        List, show, tag and bump products
      release        Cut, show, compare and list releases
      pin            Give clusters their own version of a product, for a while
      freeze         Forbid changes for a while
      cluster        Look at clusters, hold them as they are, or take one over
      plan           Plan how a release reaches every cluster
      rollout        Roll a plan out, watch it, steer it, and ask why it waits
      stop-the-line  Stop everything that could start, for the whole fleet or a part of it
      lcm            Say what is newer upstream
      journal        Look after the journal
      demo           See it work on a simulated fleet; no cluster is needed
      rehearse       Play a release on a simulated copy of the fleet, or a scenario on a made-up one
      explain        Explain a code such as TG0101, offline

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
      -o, --output <FORM>  The form of the answer [default: table] [possible values: table, json]

    Example, from a release to the whole fleet:
      tidegate check                              and commit what it finds well
      tidegate product tag --all
      tidegate release cut R42                    and commit its lock
      tidegate plan R42 --render --out r42.plan
      tidegate rollout start r42.plan

    Exit codes: 0 done, 2 usage, 3 invalid files, 4 nothing selected, 5 not allowed,
    6 unreachable, 7 waited long enough, 8 stale or in conflict, 10 changes pending,
    11 blocked by people or time, 12 aborted, 13 failed or halted, 14 finished with
    tolerated failures, 24 something is unknown, 130 interrupted, 1 unexpected.
    ");
}

#[test]
fn every_command_has_a_help_text_with_an_example() {
    fn visit(command: &clap::Command, path: &str, missing: &mut Vec<String>) {
        let path = format!("{path} {}", command.get_name());
        if command.get_about().is_none() {
            missing.push(format!("{path}: no sentence"));
        }
        if !command.has_subcommands()
            && !command.get_after_help().is_some_and(|h| h.to_string().contains("Example"))
        {
            missing.push(format!("{path}: no example"));
        }
        for argument in command.get_arguments() {
            if argument.get_help().is_none() {
                missing.push(format!("{path} {}: no help", argument.get_id()));
            }
        }
        for inner in command.get_subcommands() {
            visit(inner, &path, missing);
        }
    }
    let mut missing = Vec::new();
    visit(&Args::command(), "", &mut missing);
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_example_in_a_help_text_parses() {
    fn visit(command: &clap::Command, examples: &mut Vec<String>) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        // A line that ends with a backslash goes on in the next one.
        let help = help.replace("\\\n", " ");
        examples.extend(help.lines().filter_map(|line| {
            let start = line.find("tidegate ")?;
            let line = &line[start..];
            let end = line.find("   ").or_else(|| line.find(" > ")).or_else(|| line.find(" && "));
            // What follows three spaces is said about the example, unless it is its continuation.
            Some(match end {
                Some(end) if !line[end..].trim_start().starts_with("--") => line[..end].to_owned(),
                _ => line.to_owned(),
            })
        }));
        for inner in command.get_subcommands() {
            visit(inner, examples);
        }
    }
    let mut examples = Vec::new();
    visit(&Args::command(), &mut examples);
    assert!(examples.len() > 30, "{examples:#?}");
    for example in examples {
        let parsed = Args::try_parse_from(words(&example));
        assert!(parsed.is_ok(), "{example}\n{}", parsed.unwrap_err());
    }
}

#[test]
fn every_help_text_stands_unbroken_at_80_columns() {
    fn visit(command: &clap::Command, path: &str, wide: &mut Vec<String>) {
        let path = format!("{path} {}", command.get_name());
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.lines().filter(|line| line.chars().count() > 80);
        wide.extend(lines.map(|line| format!("{path}: {line}")));
        for inner in command.get_subcommands() {
            visit(inner, &path, wide);
        }
    }
    let mut wide = Vec::new();
    visit(&Args::command(), "", &mut wide);
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn the_first_page_of_help_names_every_exit_code_that_a_command_has() {
    let help = answer("--help");
    let told = help.split("Exit codes:").nth(1).unwrap();
    let numbers: Vec<u8> =
        told.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
    for code in crate::output::exit::Code::ALL {
        // Those from 20 on are reserved for scans, until a command has them.
        let reserved = (20..24).contains(&code.number());
        assert_eq!(numbers.contains(&code.number()), !reserved, "{code:?} in {told}");
    }
}

#[test]
fn every_command_in_the_example_of_a_code_parses() {
    let examples = crate::diag::codes::all().filter_map(|code| code.example());
    // What a command reads may come from another program.
    let typed: Vec<&str> = examples
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("$ "))
        .map(|line| line.split_once(" | ").map_or(line, |(_, reader)| reader))
        .filter(|line| line.starts_with("tidegate "))
        .collect();
    assert!(typed.len() > 40, "{typed:#?}");
    for line in typed {
        let command = line.split(" #").next().unwrap();
        let parsed = Args::try_parse_from(words(command.trim()));
        assert!(parsed.is_ok(), "{line}\n{}", parsed.unwrap_err());
    }
}

/// Splits as a shell does, as far as double quotes go.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

#[test]
fn a_wrong_command_line_says_what_was_meant() {
    assert_snapshot!(answer("rollout stats R42"), @r"
    error: unrecognized subcommand 'stats'

      tip: some similar subcommands exist: 'start', 'status'

    Usage: tidegate rollout [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(answer("release cut R..42"), @r"
    error: invalid value 'R..42' for '<RELEASE>': `R..42` is no release id: expected 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit, without `..` and not ending in `.` or `.lock`

    For more information, try '--help'.
    ");
    assert_snapshot!(answer("rollout run --until wave"), @r"
    error: invalid value 'wave' for '--until <UNTIL>': expected blocked, done or wave:NAME

    For more information, try '--help'.
    ");
    assert_snapshot!(answer("rollout retry R42"), @r"
    error: the following required arguments were not provided:
      <--failed|--skipped|--deferred|--cluster <CLUSTER>>

    Usage: tidegate rollout retry <--failed|--skipped|--deferred|--cluster <CLUSTER>> <ROLLOUT>

    For more information, try '--help'.
    ");
    assert_snapshot!(answer("pin add --product b --version 1.2.0 --owner o --reason r --until 2026-12-15"), @r"
    error: the following required arguments were not provided:
      <--cluster <CLUSTER>|--selector <LABEL=VALUE>>

    Usage: tidegate pin add --product <PRODUCT> --version <VERSION> --owner <TEAM> --reason <TEXT> --until <DAY> <--cluster <CLUSTER>|--selector <LABEL=VALUE>>

    For more information, try '--help'.
    ");
    assert_snapshot!(answer("product tag"), @r"
    error: the following required arguments were not provided:
      <PRODUCT|--all>

    Usage: tidegate product tag <PRODUCT|--all>

    For more information, try '--help'.
    ");
    assert_snapshot!(answer("release hotfix R41"), @r"
    error: the following required arguments were not provided:
      <--product <NAME=VERSION>|--include <HOTFIX>>

    Usage: tidegate release hotfix <--product <NAME=VERSION>|--include <HOTFIX>> <PARENT>

    For more information, try '--help'.
    ");
    assert_snapshot!(answer("rollout approve R42 --wave prod --expires soon"), @r"
    error: invalid value 'soon' for '--expires <TIME>': `soon` is no end: expected a day such as 2026-12-15 or a moment such as 2026-12-15T18:00:00Z

    For more information, try '--help'.
    ");
    assert_snapshot!(answer("pin add --cluster a --product b --version 1.2 --owner o --reason r --until 2026-12-15"), @r"
    error: invalid value '1.2' for '--version <VERSION>': `1.2` has 2 of three numbers; write `1.2.0`

    For more information, try '--help'.
    ");
}

#[test]
fn the_help_of_a_command_is_short_and_ends_with_an_example() {
    assert_snapshot!(answer("plan -h"), @r"
    Plan how a release reaches every cluster

    Usage: tidegate plan [OPTIONS] <RELEASE>

    Arguments:
      <RELEASE>  The release; it must be cut

    Options:
          --out <FILE>           Write the plan to this file, for `rollout start`
          --pipeline <PIPELINE>  The pipeline; the only one if absent
          --render               Render everything for every cluster, and check who owns what
      -c, --cluster <CLUSTER>    Show what changes in this cluster only
          --manifests            Print the manifests that this cluster would get, secrets masked
          --defer-unknown        Leave clusters that were never reached to catch-up instead of failing
          --exit-code            End with exit code 10 when something would change
          --take-over            Take fields over from other field managers
          --allow-prune          Let a product lose more than 30 % of its objects, or all of them
          --reapply              Apply also what runs as planned: what somebody changed is put back
      -h, --help                 Print help (see more with '--help')

    Global options:
      -o, --output <FORM>  The form of the answer [default: table] [possible values: table, json]

    Examples:
      tidegate plan R42 --out r42.plan
      tidegate plan R42 --cluster acme-dev --manifests   what would be applied there
    ");
    assert_snapshot!(answer("rollout -h"), @r"
    Roll a plan out, watch it, steer it, and ask why it waits

    Usage: tidegate rollout [OPTIONS] <COMMAND>

    Commands:
      start      Start a plan and drive it
      run        Drive every open rollout
      watch      Watch rollouts without driving them
      status     Show how far a rollout is
      list       List the rollouts
      why        Say why something waits, who can unblock it, and how
      approve    Say yes to an approval gate
      revoke     Take every yes at an approval gate back
      override   Let a rollout pass a condition without its answer
      verify     Run the tests of a wave again
      pause      Start nothing new until `resume`
      resume     Go on after a pause, or after a halt with a raised budget
      rollback   Take back what a rollout brought: a rollout of its own, in reverse order
      abort      End a rollout where it stands
      supersede  End a rollout in favour of another one
      replan     Go on by a new plan of the same release
      skip       Leave clusters out of a rollout
      retry      Try clusters again
      events     Print what happened, one event a line
      show       Show the plan and the pipeline as they were executed
      export     Write one rollout into a file that proves itself: its events, plan and pipeline
      replay     Show a rollout again from the file of an export

    Options:
      -h, --help  Print help (see more with '--help')

    Global options:
      -o, --output <FORM>  The form of the answer [default: table] [possible values: table, json]
    ");
    assert_snapshot!(answer("rollout why -h"), @r"
    Say why something waits, who can unblock it, and how

    Usage: tidegate rollout why [OPTIONS] [ROLLOUT]

    Arguments:
      [ROLLOUT]  The rollout; the newest open one if absent

    Options:
          --wave <WAVE>        Only this wave
      -c, --cluster <CLUSTER>  Only this cluster
      -h, --help               Print help (see more with '--help')

    Global options:
      -o, --output <FORM>  The form of the answer [default: table] [possible values: table, json]

    Example: tidegate rollout why R42 --wave prod
    ");
}

#[test]
fn the_colour_flag_counts_before_anything_is_parsed() {
    let wished = |line: &str| wished_color(line.split(' ').map(Into::into));
    assert_eq!(wished("tidegate --color never rollout"), ColorMode::Never);
    assert_eq!(wished("tidegate rollout --color=always"), ColorMode::Always);
    assert_eq!(wished("tidegate rollout"), ColorMode::Auto);
}

#[test]
fn a_command_line_that_is_not_understood_answers_json_where_json_was_asked_for() {
    let wishes = |line: &str| wishes_json(line.split(' ').map(Into::into));
    assert!(wishes("tidegate rollout stat -o json"));
    assert!(wishes("tidegate --output=json rollout stat"));
    assert!(!wishes("tidegate rollout stat --reason json"));
    let usage = Args::try_parse_from(["tidegate", "rollout", "stat"]).unwrap_err();
    let failure = misused(&usage);
    assert_eq!(failure.exit, Code::Usage);
    let finding = failure.findings.iter().next().unwrap();
    assert_eq!(finding.message, "unrecognized subcommand 'stat'");
}

#[test]
fn global_flags_stand_anywhere() {
    let args =
        Args::try_parse_from(["tidegate", "rollout", "status", "-o", "json", "--journal", "j.db"]).unwrap();
    assert_eq!(args.globals.output, args::Form::Json);
    assert_eq!(args.globals.journal.unwrap().to_str(), Some("j.db"));
}

#[test]
fn who_wants_a_report_in_a_form_that_is_none_hears_of_all_that_it_has() {
    let told = |line: &str| {
        let mut usage = Args::try_parse_from(line.split(' ')).unwrap_err();
        tell_all_forms(&mut usage, line.split(' ').map(Into::into));
        usage.to_string()
    };
    let all = "[possible values: table, json, ndjson, markdown, html, csv, prometheus, sarif]";
    assert!(told("tidegate lcm report -o xml").contains(all), "{}", told("tidegate lcm report -o xml"));
    assert!(told("tidegate check -o xml").contains("[possible values: table, json]"));
    assert!(!told("tidegate lcm report --packages xml").contains("sarif"));
}
