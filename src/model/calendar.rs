//! The calendar: when the fleet may change and when it must not, in `pipelines/calendar.yaml`.
//! It parses today and its windows and freezes are refused at plan time, so that nobody believes
//! in a freeze that does not hold.

use super::{CalendarName, Document};
use crate::yaml::{Node, Spanned};

/// `pipelines/calendar.yaml`.
pub type CalendarFile = Document<CalendarName, Calendar>;

/// Windows and freezes.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// When changes are allowed.
    #[serde(default)]
    pub windows: Vec<Spanned<Node>>,
    /// When changes are forbidden.
    #[serde(default)]
    pub freezes: Vec<Spanned<Node>>,
}
