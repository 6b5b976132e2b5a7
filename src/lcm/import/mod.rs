//! Switching from k8s-platform-lcm (github.com/arminc/k8s-platform-lcm): its config becomes files of ours.
//!
//! Decides what each of its keys means here: a mirror, a host, a policy, something upstream of a product, or
//! nothing, and then what to do instead. No key is lost in silence, and no password or token is taken, shown or
//! written. Reading and writing files is left to others.

mod asked;
mod charts;
mod config;
mod images;
mod places;
mod reader;
mod secret;
mod told;
mod types;
mod write;

pub use types::{Imported, Left, Taken, Target, Upstreams};

use crate::diag::{Findings, Source};
use crate::yaml;
use reader::Reader;

/// What a platform gets from a config.
///
/// # Errors
/// When the file is no YAML, a value has the wrong type or form, or a text is that of a secret in the same
/// file; each with its place. No finding shows a secret.
pub fn import(path: &str, bytes: Vec<u8>, target: &Target) -> Result<Imported, Findings> {
    let source = Source::from_bytes(path, bytes).map_err(secret::unread)?;
    let parsed = yaml::parse_all(&source);
    if parsed.findings.has_errors() {
        return Err(secret::unread(parsed.findings));
    }
    let mut reader = Reader::of(parsed.node.as_ref());
    let found = parsed.node.as_ref().map(|root| resolved(&mut reader, root)).unwrap_or_default();
    reader.done(|taken, left| Imported {
        product: write::product(&found, target),
        sources: write::sources(&found),
        upstreams: found.counts(),
        taken,
        left,
    })
}

fn resolved(reader: &mut Reader, root: &yaml::Node) -> types::Found {
    let config = config::read(reader, root);
    let mut found = types::Found::default();
    places::resolve(&config, reader, &mut found);
    images::resolve(&config, reader, &mut found);
    charts::resolve(&config, reader, &mut found);
    found
}

#[cfg(test)]
mod secret_tests;
#[cfg(test)]
mod tests;
