//! `journal verify`: the whole chain of hashes, from the first entry to the last.

use super::Context;
use crate::cli::args::JournalVerify;
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, codes};
use crate::journal::{Verifier, export};
use crate::output::exit::Code;
use crate::output::screens::{ExportChecked, VerifiedScreen};

/// How many entries are read at once.
const BATCH: usize = 1_000;

/// Verifies the journal.
pub async fn verify(args: &JournalVerify, context: &Context<'_>) -> Outcome {
    if let Some(file) = &args.export {
        let bytes = tokio::fs::read(file).await.map_err(|error| Failure::unreadable(file, &error))?;
        let checked = export::read(&bytes).map_err(|fault| Failure::export(file, &fault))?.checked;
        context.surface.show(&ExportChecked { checked }, context.place.now(), &[], [Code::Done]);
        return Ok(vec![Code::Done]);
    }
    let path = context.place.journal_path().await?;
    if !path.exists() {
        let message = format!("there is no journal at {}", path.display());
        let finding = Finding::error(&codes::JOURNAL_UNREADABLE, message)
            .hint("the first plan of a repository makes it");
        return Err(Failure::new(Code::NothingSelected, finding));
    }
    let journal = context.place.open_unread(&path).await?;
    let mut verifier = Verifier::new(journal.id());
    let mut after = 0;
    loop {
        let entries = journal.entries(after, BATCH).await.map_err(|fault| Failure::journal(&path, &fault))?;
        for entry in &entries {
            verifier.take(entry).map_err(|broken| {
                let message = format!("the journal {} is broken: {broken}", path.display());
                Failure::new(Code::Conflict, Finding::error(&codes::JOURNAL_BROKEN, message))
            })?;
        }
        match entries.last() {
            Some(last) if entries.len() == BATCH => after = last.seq,
            _ => break,
        }
    }
    let verified = verifier.verified();
    let screen = VerifiedScreen {
        journal: journal.id(),
        path: path.display().to_string(),
        events: verified.events,
        head: verified.head,
    };
    context.surface.show(&screen, context.place.now(), &[], [Code::Done]);
    Ok(vec![Code::Done])
}
