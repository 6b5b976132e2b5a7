//! `check`: everything that is wrong with the files of the repository, at once.

use super::Context;
use crate::cli::failure::{Outcome, warnings};
use crate::engine::repo;
use crate::output::exit::Code;
use crate::output::screens::CheckScreen;

/// Checks the working tree. Findings are told on standard error, their number on standard output.
pub async fn run(context: &Context<'_>) -> Outcome {
    let repository = context.place.files().await?;
    let (catalog, findings) = repo::check(&repository, context.place.now()).await?;
    context.surface.findings(&findings);
    let code = if findings.has_errors() { Code::Invalid } else { Code::Done };
    let warnings = warnings(&findings);
    let screen = CheckScreen::of(&catalog, findings);
    context.surface.show(&screen, context.place.now(), &warnings, [code]);
    Ok(vec![code])
}
