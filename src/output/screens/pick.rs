//! `lcm pick`: the newest tag that counts, and what keeps higher ones out.

use crate::lcm::pick::{Choice, Rule};
use crate::lcm::version::Level;
use crate::output::mark::{Tone, clean};
use crate::output::table::{Column, Table};
use crate::output::{Look, Screen};

/// What was chosen.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PickScreen {
    /// The tag in use.
    pub current: String,
    /// The newest tag that counts; none if nothing newer does.
    pub newest: Option<String>,
    /// How far that is; none where versions have no numbers.
    pub level: Option<Level>,
    /// The newest of each level.
    pub levels: Levels,
    /// Higher tags that do not count, the highest first.
    pub rejected: Vec<Kept>,
    /// Whether people asked for the rejected ones.
    #[serde(skip)]
    pub explains: bool,
}

/// The newest tag of each level.
#[derive(Debug, Default, serde::Serialize)]
pub struct Levels {
    /// Among those with the same two first numbers.
    pub patch: Option<String>,
    /// Among those with the same first number.
    pub minor: Option<String>,
    /// Among those with another first number.
    pub major: Option<String>,
}

/// A higher tag, and what keeps it out.
#[derive(Debug, serde::Serialize)]
pub struct Kept {
    /// The tag.
    pub tag: String,
    /// The rule.
    pub rule: Rule,
    /// The rule in words.
    pub because: &'static str,
}

impl PickScreen {
    /// Of a choice.
    pub fn of(current: &str, choice: &Choice<'_>, explains: bool) -> Self {
        let level = |level: Level| choice.levels.get(&level).map(|tag| (*tag).to_owned());
        let kept = |one: &crate::lcm::pick::Rejected<'_>| Kept {
            tag: one.tag.to_owned(),
            rule: one.rule,
            because: one.rule.words(),
        };
        Self {
            current: current.to_owned(),
            newest: choice.newest.map(str::to_owned),
            level: choice.level,
            levels: Levels {
                patch: level(Level::Patch),
                minor: level(Level::Minor),
                major: level(Level::Major),
            },
            rejected: choice.rejected.iter().map(kept).collect(),
            explains,
        }
    }
}

impl Screen for PickScreen {
    const KIND: &'static str = "Pick";

    fn text(&self, look: &Look) -> String {
        let current = clean(&self.current);
        let mut text = match (&self.newest, self.level) {
            (Some(newest), level) => {
                let far = level.map(|level| format!(" · {}", level.word())).unwrap_or_default();
                format!("{} {current} -> {}{far}\n", Tone::Warn.paint("!"), clean(newest))
            }
            (None, _) => format!("{} {current} is the newest\n", Tone::Good.paint("✔")),
        };
        if self.explains && !self.rejected.is_empty() {
            let mut table =
                Table::new([Column::left("HIGHER"), Column::left("RULE"), Column::text("BECAUSE")]);
            for kept in &self.rejected {
                let rule = serde_json::to_value(kept.rule).ok();
                let rule = rule.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
                table.row([clean(&kept.tag).into(), rule.into(), kept.because.into()]);
            }
            text.push('\n');
            text.push_str(&table.text(look.width));
        }
        text
    }
}
