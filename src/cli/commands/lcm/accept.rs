//! `lcm accept`.

use super::super::{Context, files};
use crate::cli::args::LcmAccept;
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Findings, codes};
use crate::engine::repo::{self, AcceptRequest, RepoError};
use crate::output::exit::Code;

/// Writes an acceptance, or shows it.
pub(super) async fn run(args: &LcmAccept, context: &Context<'_>) -> Outcome {
    let files = context.place.files().await?;
    let request = AcceptRequest {
        id: args.id.clone(),
        vulnerabilities: args.vulnerabilities.clone(),
        products: args.product.clone(),
        images: args.image.clone(),
        packages: args.package.clone(),
        owner: args.owner.clone(),
        reason: args.reason.clone(),
        until: args.until,
        writes: !args.dry_run,
    };
    let accepted = repo::lcm_accept(&files, &request, context.place.now()).await.map_err(failure)?;
    files::show(context, &accepted, &Findings::new())
}

/// What is there is in conflict with what is asked; everything else is wrong.
fn failure(error: RepoError) -> Failure {
    let taken = |findings: &Findings| findings.errors().all(|one| one.code == &codes::ACCEPTANCE_EXISTS);
    match error {
        RepoError::Findings(findings) if taken(&findings) => Failure { exit: Code::Conflict, findings },
        error => error.into(),
    }
}
