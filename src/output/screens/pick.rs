//! `lcm pick`: the newest tag that counts, and what keeps higher ones out.

use crate::diag::count;
use crate::lcm::digests::Newer;
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
    /// Whether that is published.
    pub published: bool,
    /// The newest tag that counts; none if nothing newer does.
    pub newest: Option<String>,
    /// How far that is; none where versions have no numbers.
    pub level: Option<Level>,
    /// The newest of each level.
    pub levels: Levels,
    /// Said if the tag names something else than the digest that runs.
    pub moved: Option<Moved>,
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

/// A tag that names something else now.
#[derive(Debug, serde::Serialize)]
pub struct Moved {
    /// What it names now, if that is known.
    pub digest: Option<String>,
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
            published: choice.published,
            newest: choice.newest.map(str::to_owned),
            level: choice.level,
            levels: Levels {
                patch: level(Level::Patch),
                minor: level(Level::Minor),
                major: level(Level::Major),
            },
            rejected: choice.rejected.iter().map(kept).collect(),
            explains,
            ..Self::same(current)
        }
    }

    /// Nothing is newer.
    pub fn same(current: &str) -> Self {
        Self {
            current: current.to_owned(),
            published: true,
            newest: None,
            level: None,
            levels: Levels::default(),
            moved: None,
            rejected: Vec::new(),
            explains: false,
        }
    }

    /// Of what is newer than a digest that runs; `current` is the tag, or the digest where there is none.
    pub fn of_digest(current: &str, newer: &Newer<'_>, explains: bool) -> Self {
        let weighed = |choice: &Option<Box<Choice<'_>>>| match choice {
            Some(choice) => Self::of(current, choice, explains),
            None => Self::same(current),
        };
        match newer {
            Newer::Nothing(choice) => weighed(choice),
            Newer::Tag(choice) => Self::of(current, choice, explains),
            Newer::Moved { digest, choice, .. } => {
                Self { moved: Some(Moved { digest: digest.map(str::to_owned) }), ..weighed(choice) }
            }
            Newer::Versions { from, to, level } => Self::between(from, to, *level),
        }
    }

    /// From the version that a digest is to another.
    pub fn between(from: &str, to: &str, level: Level) -> Self {
        Self { newest: Some(to.to_owned()), level: Some(level), ..Self::same(from) }
    }

    /// Nothing newer counts: that is not always to be the newest.
    fn nothing(&self) -> String {
        let current = clean(&self.current);
        let kept = count(self.rejected.len(), "higher one");
        match (self.published, self.rejected.is_empty()) {
            (true, true) => format!("{current} is the newest"),
            (false, true) => format!("nothing that is published is above {current}"),
            (_, false) if self.explains => format!("nothing newer than {current} counts"),
            (_, false) => {
                format!("nothing newer than {current} counts; --explain names what keeps {kept} out")
            }
        }
    }

    /// Whether there is something to go to.
    pub fn is_newer(&self) -> bool {
        self.newest.is_some() || self.moved.is_some()
    }
}

impl Screen for PickScreen {
    const KIND: &'static str = "Pick";

    fn text(&self, look: &Look) -> String {
        let current = clean(&self.current);
        let warn = Tone::Warn.paint("!");
        let mut text = match (&self.newest, self.level, &self.moved) {
            (Some(newest), level, _) => {
                let far = level.map(|level| format!(" · {}", level.word())).unwrap_or_default();
                format!("{warn} {current} -> {}{far}\n", clean(newest))
            }
            (None, _, Some(Moved { digest: Some(digest) })) => {
                format!("{warn} {current} has moved: it names {} now\n", clean(digest))
            }
            (None, _, Some(_)) => format!("{warn} {current} has moved: it names something else now\n"),
            (None, _, None) => format!("{} {}\n", Tone::Good.paint("✔"), self.nothing()),
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
