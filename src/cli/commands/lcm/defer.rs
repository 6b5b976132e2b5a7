//! `lcm defer`.

use super::super::Context;
use super::super::files::show;
use crate::cli::args::LcmDefer;
use crate::cli::failure::{Failure, Outcome};
use crate::diag::codes;
use crate::engine::repo::{self, DeferralRequest, RepoError};
use crate::output::exit::Code;

/// Puts something off until a day.
pub(super) async fn run(args: &LcmDefer, context: &Context<'_>) -> Outcome {
    let files = context.place.files().await?;
    let request = DeferralRequest {
        id: args.id.clone(),
        thing: args.thing.clone(),
        product: args.product.clone(),
        up_to: args.up_to.clone(),
        owner: args.owner.clone(),
        reason: args.reason.clone(),
        until: args.until,
    };
    let added = repo::defer(&files, &request, context.place.now()).await.map_err(failure)?;
    show(context, &added, &added.findings)
}

/// What is called so by nothing selects nothing; what is not clear is a matter of how it was said.
fn failure(error: RepoError) -> Failure {
    let RepoError::Findings(findings) = error else { return error.into() };
    let exit = match findings.errors().next().map(|finding| finding.code) {
        Some(code) if code == &codes::NO_SUCH_THING => Code::NothingSelected,
        Some(code) if code == &codes::USAGE => Code::Usage,
        _ => Code::Invalid,
    };
    Failure { exit, findings }
}
