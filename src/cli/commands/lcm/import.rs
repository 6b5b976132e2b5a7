//! `lcm import`.

use std::fs::File;
use std::io::Read as _;

use super::super::{Context, files};
use crate::cli::args::LcmImport;
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Findings, codes};
use crate::engine::repo::{self, ImportRequest, RepoError};
use crate::lcm::import::Target;
use crate::output::exit::Code;

/// More bytes than these are no config.
const MOST: u64 = 4 * 1024 * 1024;

/// Makes files of a config, or shows them.
pub(super) async fn run(args: &LcmImport, context: &Context<'_>) -> Outcome {
    let files = context.place.files().await?;
    let request = ImportRequest {
        path: args.file.display().to_string(),
        bytes: read(args)?,
        target: Target { product: args.product.clone(), owner: args.owner.clone() },
        writes: !args.dry_run,
    };
    let imported = repo::lcm_import(&files, &request).await.map_err(failure)?;
    files::show(context, &imported, &Findings::new())
}

fn read(args: &LcmImport) -> Result<Vec<u8>, Failure> {
    let unread = |error| Failure::unreadable(&args.file, &error);
    let mut bytes = Vec::new();
    // One more is asked for, so that what is too large is seen to be.
    let mut file = File::open(&args.file).map_err(unread)?.take(MOST + 1);
    file.read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > MOST {
        let why = format!("it has more than {MOST} bytes, which is no config");
        return Err(unread(std::io::Error::other(why)));
    }
    Ok(bytes)
}

/// What is there is in conflict with what is asked; everything else is a file that is wrong.
fn failure(error: RepoError) -> Failure {
    match error {
        RepoError::Findings(findings) if findings.errors().all(|one| one.code == &codes::IMPORT_TAKEN) => {
            Failure { exit: Code::Conflict, findings }
        }
        error => error.into(),
    }
}
