//! Commands on what is newer.

use std::io::Read as _;

use super::Context;
use crate::cli::args::{LcmCommand, LcmPick};
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, codes};
use crate::lcm::pick::{NoChoice, pick};
use crate::lcm::policy::Policy;
use crate::lcm::version::Scheme;
use crate::output::exit::Code;
use crate::output::screens::PickScreen;

/// `lcm`.
pub fn run(command: &LcmCommand, context: &Context<'_>) -> Outcome {
    match command {
        LcmCommand::Pick(args) => of_input(args, context),
    }
}

/// Chooses among the tags on standard input, one on a line.
fn of_input(args: &LcmPick, context: &Context<'_>) -> Outcome {
    let mut bytes = Vec::new();
    let unread = |error: std::io::Error| {
        let message = format!("standard input can't be read: {error}");
        Failure::new(Code::Unexpected, Finding::error(&codes::FILE_UNREADABLE, message))
    };
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(unread)?;
    // What is no text is no tag.
    let lines = bytes.split(|b| *b == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let tags: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty()).collect();
    let policy = policy(args)?;
    let choice = pick(&args.current, &tags, &policy).map_err(|why| failure(&why))?;
    let screen = PickScreen::of(&args.current, &choice, args.explain);
    let code = if args.exit_code && screen.newest.is_some() { Code::ChangesPending } else { Code::Done };
    context.surface.show(&screen, context.place.now(), &[], [code]);
    Ok(vec![code])
}

fn policy(args: &LcmPick) -> Result<Policy, Failure> {
    let scheme = match (&args.scheme, &args.layout) {
        (Scheme::Date(_), Some(layout)) => Scheme::Date(layout.clone()),
        (_, Some(_)) => {
            let finding = Finding::error(&codes::USAGE, "only the scheme date has a layout");
            return Err(Failure::new(Code::Usage, finding.hint("add `--scheme date`")));
        }
        (scheme, None) => scheme.clone(),
    };
    let replace = args.replace.as_deref().and_then(|pair| match pair {
        [from, to] => Some((from.clone(), to.clone())),
        _ => None,
    });
    Ok(Policy {
        level: args.level.into(),
        pin: args.pin.unwrap_or_default(),
        range: args.range.clone(),
        allow: args.allow.clone(),
        deny: args.deny.clone(),
        skip_deprecated: args.skip_deprecated.clone(),
        lts: args.lts.clone(),
        prerelease: args.prerelease.into(),
        any_precision: args.any_precision,
        any_variant: args.any_variant,
        max_major_jump: args.max_major_jump,
        replace,
        extract: args.extract.clone(),
        ..Policy::of(scheme)
    })
}

/// Why nothing was chosen.
fn failure(why: &NoChoice) -> Failure {
    let (exit, code) = match why {
        NoChoice::NoTags => (Code::NothingSelected, &codes::NO_TAGS),
        NoChoice::NoValidVersion => (Code::NothingSelected, &codes::NO_VALID_VERSION),
        NoChoice::NoValidDate => (Code::NothingSelected, &codes::NO_VALID_DATE),
        NoChoice::Unversioned => (Code::NothingSelected, &codes::UNVERSIONED),
        NoChoice::Moving => (Code::NothingSelected, &codes::MOVING_TAG),
        NoChoice::Missing { .. } => (Code::NothingSelected, &codes::CURRENT_MISSING_UPSTREAM),
        NoChoice::Range(_) => (Code::Usage, &codes::USAGE),
    };
    let finding = Finding::error(code, why.to_string());
    Failure::new(
        exit,
        match why {
            NoChoice::Missing { latest: Some(latest) } => {
                finding.hint(format!("the newest of its kind is `{latest}`"))
            }
            _ => finding,
        },
    )
}
