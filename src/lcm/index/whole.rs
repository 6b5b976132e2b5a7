//! An index read as a whole, by the parser that reads all other YAML: for what lines alone don't tell.

use std::collections::BTreeMap;

use super::entry;
use super::error::IndexError;
use super::gather::{Index, Limits, chart};
use crate::diag::Source;
use crate::yaml::{self, Value};

/// What an index says of the charts of these names.
///
/// Nothing is to be gained from reading more than one byte beyond [`Limits::whole`] before.
///
/// # Errors
/// When it is too large, is broken anywhere, or is no index.
pub fn whole<'w>(
    bytes: &[u8],
    wanted: impl IntoIterator<Item = &'w str>,
    limits: &Limits,
) -> Result<Index, IndexError> {
    if bytes.len() > limits.whole {
        return Err(IndexError::TooLarge { limit: limits.whole });
    }
    let broken = |findings| IndexError::Broken(entry::first(&findings));
    let source = Source::from_bytes("index.yaml", bytes.to_vec()).map_err(broken)?;
    let root = yaml::parse(&source).map_err(broken)?.ok_or(IndexError::Empty)?;
    let Value::Mapping(fields) = &root.value else { return Err(IndexError::NoMapping(root.value.kind())) };
    let entries = fields.get("entries").ok_or(IndexError::NoEntries)?;
    let charts = match &entries.value {
        Value::Null => BTreeMap::new(),
        Value::Mapping(_) => {
            let one = |name: &str| Some((name.to_owned(), chart(entries.get(name)?, limits)));
            wanted.into_iter().filter_map(one).collect()
        }
        _ => return Err(IndexError::BadEntries(entries.value.kind())),
    };
    Ok(Index { charts })
}
