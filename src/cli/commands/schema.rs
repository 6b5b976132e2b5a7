//! `schema get`: the JSON Schema of a kind of file, as editors take it.

use super::Context;
use crate::cli::args::SchemaGet;
use crate::cli::failure::Outcome;
use crate::model::schema;
use crate::output::Format;
use crate::output::exit::{Code, Exit};

/// Prints a schema: bare, so that it can be written to a file; in the envelope with `-o json`.
pub fn get(args: &SchemaGet, context: &Context<'_>) -> Outcome {
    let schema = schema::of(args.kind);
    match context.surface.format() {
        Format::Json => {
            let now = context.place.now();
            context.surface.document("Schema", schema, now, &[], Exit::of([Code::Done]));
        }
        Format::Table | Format::Other(_) => context.surface.data(&format!("{schema:#}\n")),
    }
    Ok(vec![Code::Done])
}
