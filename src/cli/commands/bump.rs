//! `product bump`.

use super::{Context, files, propose};
use crate::cli::args::ProductBump;
use crate::cli::failure::{Failure, Outcome, of_source};
use crate::diag::{Finding, codes};
use crate::engine::repo::{self, BumpRequest, Platform, RepoError, Repository, Standpoint};
use crate::lcm::bump::{Asked, Digests, Moving};
use crate::output::exit::Code;

/// Raises a source's version, or shows what that would change.
pub(super) async fn run(args: ProductBump, files: &Repository, context: &Context<'_>) -> Outcome {
    if args.pr {
        return propose::run(args, files, context).await;
    }
    let request = asked(args, context);
    let platform = Platform::working(files).await?;
    let registries = context.place.asking_by(&platform).await?.registries();
    let bumped = repo::product_bump(files, &platform, &request, Some(&registries)).await;
    let mut bumped = bumped.map_err(failure)?;
    bumped.standpoint = standpoint(context).await;
    files::show(context, &bumped, &bumped.findings)
}

/// Where the person stands.
pub(super) async fn standpoint(context: &Context<'_>) -> Standpoint {
    if let Some(named) = &context.place.globals().repo {
        return Standpoint::Elsewhere(named.clone());
    }
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).ok();
    let root = context.place.repository().await.ok().and_then(|git| git.root().canonicalize().ok());
    if here == root { Standpoint::Root } else { Standpoint::Below }
}

/// What is asked, by the flags.
pub(super) fn asked(args: ProductBump, context: &Context<'_>) -> BumpRequest {
    let image = args.image.map(Moving::Image);
    let moving = image.or(args.chart.map(Moving::Chart)).or(args.tool.map(Moving::Tool));
    let moving = moving.or(args.addon.map(Moving::Addon));
    let digest = match args.digest {
        Some(digest) => Digests::Become(digest),
        None if args.drop_digest => Digests::Drop,
        None => Digests::Refuse,
    };
    let asked = Asked {
        from: args.from,
        to: args.to,
        digest,
        app_version: args.app_version,
        mirrors: args.mirror,
        fields: args.field,
        version: args.product_version,
        lower: args.lower,
        keeps_content: args.keep_content,
        on: context.place.now().to_zoned(jiff::tz::TimeZone::UTC).date(),
        evidence: args.note,
    };
    BumpRequest { product: args.product, moving, asked, writes: !args.dry_run }
}

/// The exit code of a refusal: nothing to do, more to say, or in conflict with what is there.
pub(super) fn failure(error: RepoError) -> Failure {
    let RepoError::Findings(findings) = error else { return error.into() };
    let all = |codes: &[&crate::diag::Code]| findings.errors().all(|finding| codes.contains(&finding.code));
    // What was typed stands in no file.
    let typed = |finding: &Finding| finding.code == &codes::INVALID_VALUE && finding.place.is_none();
    let exit = if let Some(exit) = findings.errors().find_map(of_source) {
        exit
    } else if findings.errors().all(typed) {
        Code::Usage
    } else if all(&[&codes::BUMP_ALREADY_THERE, &codes::BUMP_NOT_NAMED, &codes::UNKNOWN_PRODUCT]) {
        Code::NothingSelected
    } else if all(&[&codes::BUMP_AMBIGUOUS, &codes::BUMP_INCOMPARABLE]) {
        Code::Usage
    } else if all(&[
        &codes::BUMP_LOWERS,
        &codes::STALE_DIGEST,
        &codes::PRODUCT_VERSION_TAKEN,
        &codes::CHART_CONTENT_STAYS,
    ]) {
        Code::Conflict
    } else {
        Code::Invalid
    };
    Failure { exit, findings }
}
