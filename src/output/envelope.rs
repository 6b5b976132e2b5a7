//! The envelope of every JSON document: what kind of data it is, when it was made, whether
//! something is missing from it, and how the command ended. Stable: fields are only ever added.

use super::exit::Exit;

/// The version of all JSON that commands print.
pub const API_VERSION: &str = "cli.tidegate.dev/v1";

/// A document.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<'a, T> {
    /// Always [`API_VERSION`].
    pub api_version: &'static str,
    /// What `data` is, such as `RolloutStatus`.
    pub kind: &'a str,
    /// When it was made.
    pub generated_at: jiff::Timestamp,
    /// Whether something could not be read; `warnings` names it.
    pub partial: bool,
    /// What people should know, each with a code where there is one.
    pub warnings: &'a [Warning],
    /// How the command ended.
    pub exit: Exit,
    /// The data.
    pub data: T,
}

/// What people should know about an answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// The finding's code, if it is one.
    pub code: Option<String>,
    /// One sentence.
    pub message: String,
    /// The source that could not be read, if that is what it is about.
    pub source: Option<String>,
}

impl Warning {
    /// That a source could not be read, so that the answer is partial.
    pub fn missing(source: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: None, message: message.into(), source: Some(source.into()) }
    }
}

impl From<&crate::diag::Finding> for Warning {
    fn from(finding: &crate::diag::Finding) -> Self {
        Self { code: Some(finding.code.id.to_owned()), message: finding.message.clone(), source: None }
    }
}

/// A list as data.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A list on one page.
    pub fn whole(items: impl IntoIterator<Item = T>) -> Self {
        Self { items: items.into_iter().collect(), next_cursor: None }
    }
}
