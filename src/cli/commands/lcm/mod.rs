//! Commands on what is newer.

mod accept;
mod answered;
mod defer;
mod import;
mod live;
mod past;
mod report;
mod shelf;

use std::io::Read as _;

pub(super) use report::{members, standings};

use super::Context;
use crate::cli::args::{LcmCommand, LcmPick};
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, codes, count};
use crate::engine::newer::now;
use crate::lcm::digests::{newer, published};
use crate::lcm::pick::{NoChoice, pick, rejected};
use crate::lcm::policy::Policy;
use crate::lcm::pushed;
use crate::lcm::version::Scheme;
use crate::model::image::Image;
use crate::output::exit::Code;
use crate::output::screens::PickScreen;
use crate::port::upstream::{Registry as _, Tags, Wanted};

/// How many tags that do not count a finding names.
const MOST_KEPT: usize = 20;

/// `lcm`.
pub async fn run(command: &LcmCommand, context: &Context<'_>) -> Outcome {
    match command {
        LcmCommand::Accept(args) => accept::run(args, context).await,
        LcmCommand::Defer(args) => defer::run(args, context).await,
        LcmCommand::Import(args) => import::run(args, context).await,
        LcmCommand::Report(args) => report::run(args, context).await,
        LcmCommand::Pick(args) => {
            let policy = policy(args)?;
            let screen = match &args.image {
                Some(image) => of_registry(args, image, &policy, context).await?,
                None => of_input(args, &policy)?,
            };
            let code = if args.exit_code && screen.is_newer() { Code::ChangesPending } else { Code::Done };
            context.surface.show(&screen, context.place.now(), &[], [code]);
            Ok(vec![code])
        }
    }
}

/// Chooses among the tags on standard input, one on a line.
fn of_input(args: &LcmPick, policy: &Policy) -> Result<PickScreen, Failure> {
    let mut bytes = Vec::new();
    let unread = |error: std::io::Error| {
        let message = format!("standard input can't be read: {error}");
        Failure::new(Code::Unexpected, Finding::error(&codes::FILE_UNREADABLE, message))
    };
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(unread)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    // What is no text is no tag.
    let lines = bytes.split(|b| *b == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let tags: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty()).collect();
    let current = args.current.as_deref().unwrap_or_default();
    chosen(args, current, &tags, policy)
}

/// Chooses among the tags that a registry has. A digest that runs is compared with what tags name now.
async fn of_registry(
    args: &LcmPick,
    image: &Image,
    policy: &Policy,
    context: &Context<'_>,
) -> Result<PickScreen, Failure> {
    let registries = context.place.asking().await?.registries();
    let current = args.current.as_ref().or(image.tag.as_ref()).map(String::as_str).unwrap_or_default();
    let is_by_push = matches!(policy.scheme, Scheme::Pushed);
    let wanted = if image.digest.is_some() || is_by_push { Wanted::Digests } else { Wanted::Names };
    let tags = registries.tags(&image.repository, wanted).await?;
    if is_by_push {
        let choice = pushed::pick(current, &tags, policy).map_err(|why| failure(&why))?;
        return Ok(PickScreen::of(current, &choice, args.explain));
    }
    let Some(digest) = &image.digest else {
        let all: Vec<&str> = tags.iter().collect();
        return chosen(args, current, &all, policy);
    };
    let mut tags = Tags::clone(&tags);
    if tags.iter().any(|tag| tag == current)
        && let Some(known) = now(&image.repository, current, digest, &tags, &registries).await?
    {
        tags.known.insert(current.to_owned(), known);
    }
    let found =
        newer(&format!("{current}@{digest}"), &published(&tags), policy).map_err(|why| match why {
            NoChoice::Unversioned if current.is_empty() => {
                let words = format!("no published version is {digest}");
                Failure::new(Code::NothingSelected, Finding::error(&codes::UNVERSIONED, words))
            }
            why => failure(&why),
        })?;
    let named = if current.is_empty() { digest } else { current };
    Ok(PickScreen::of_digest(named, &found, args.explain))
}

/// Chooses among some tags. What keeps higher ones out is also said where nothing can be chosen.
fn chosen(args: &LcmPick, current: &str, tags: &[&str], policy: &Policy) -> Result<PickScreen, Failure> {
    let why = match pick(current, tags, policy) {
        Ok(choice) => return Ok(PickScreen::of(current, &choice, args.explain)),
        Err(why) => why,
    };
    let mut failed = failure(&why);
    let kept = rejected(current, tags, policy);
    if matches!(why, NoChoice::Missing { .. }) && !kept.is_empty() {
        let lines: Vec<String> = match args.explain {
            true => kept
                .iter()
                .take(MOST_KEPT)
                .map(|one| format!("`{}`: {}", one.tag, one.rule.words()))
                .collect(),
            false => vec![format!("--explain names what keeps {} out", count(kept.len(), "higher one"))],
        };
        let more = kept.len().saturating_sub(lines.len());
        let more = (args.explain && more > 0).then(|| format!("and {more} more"));
        let hinted = |finding: Finding| lines.iter().chain(&more).cloned().fold(finding, Finding::hint);
        failed.findings = failed.findings.into_iter().map(hinted).collect();
    }
    Err(failed)
}

fn policy(args: &LcmPick) -> Result<Policy, Failure> {
    let scheme = match (&args.scheme, &args.layout) {
        (Scheme::Date(_), Some(layout)) => {
            let any = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
            if layout.is_empty() || jiff::fmt::strtime::format(layout, &any).is_err() {
                let finding = Finding::error(&codes::USAGE, format!("`{layout}` is no layout of strptime"));
                return Err(Failure::new(Code::Usage, finding.hint("write one such as %Y%m%d")));
            }
            Scheme::Date(layout.clone())
        }
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
        NoChoice::NoValidDate | NoChoice::Undated => (Code::NothingSelected, &codes::NO_VALID_DATE),
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
            NoChoice::Undated => finding.hint("registries tell it of `--image`, and not all of them do"),
            _ => finding,
        },
    )
}
