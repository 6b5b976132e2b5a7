//! One finding, and all findings of a run.
//!
//! Decides what a finding is made of and its stable JSON shape. How it looks as text is left to
//! `excerpt`.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{Code, Place, did_you_mean, excerpt};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing goes on with it.
    Error,
    /// It goes on, and somebody should look.
    Warning,
    /// Good to know.
    Info,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        })
    }
}

/// One thing that is wrong or worth knowing, with the place where it shows.
///
/// Serializes as `{code, name, severity, message, file, line, column, excerpt, label,
/// related: [{file, line, column, message}], hints, next}`; what is absent is null or empty.
/// A finding about several named things adds `subjects`, the list of all their names.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What kind of finding it is; explained by `tidegate explain CODE`.
    pub code: &'static Code,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence in lower case without a final stop: what was found and what was expected.
    pub message: String,
    /// Where it shows.
    pub place: Option<Place>,
    /// A few words beside the caret.
    pub label: Option<String>,
    /// Other places that matter to it, each with a few words.
    pub related: Vec<(Place, String)>,
    /// What may help, one sentence each.
    pub hints: Vec<String>,
    /// The command to run next.
    pub next: Option<String>,
    /// The names it is about, all of them, where a program would otherwise read the message.
    pub subjects: Vec<String>,
}

impl Finding {
    /// A finding that stops.
    pub fn error(code: &'static Code, message: impl Into<String>) -> Finding {
        Finding::new(Severity::Error, code, message)
    }

    /// A finding that lets go on.
    pub fn warning(code: &'static Code, message: impl Into<String>) -> Finding {
        Finding::new(Severity::Warning, code, message)
    }

    /// A finding that only tells.
    pub fn info(code: &'static Code, message: impl Into<String>) -> Finding {
        Finding::new(Severity::Info, code, message)
    }

    fn new(severity: Severity, code: &'static Code, message: impl Into<String>) -> Finding {
        Finding {
            code,
            severity,
            message: message.into(),
            place: None,
            label: None,
            related: Vec::new(),
            hints: Vec::new(),
            next: None,
            subjects: Vec::new(),
        }
    }

    /// Says where; a place in no file says nothing.
    #[must_use]
    pub fn at(mut self, place: &Place) -> Finding {
        if !place.is_none() {
            self.place = Some(place.clone());
        }
        self
    }

    /// Puts words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Finding {
        self.label = Some(label.into());
        self
    }

    /// Adds another place with words beside it; a place in no file is left out.
    #[must_use]
    pub fn related(mut self, place: &Place, message: impl Into<String>) -> Finding {
        if !place.is_none() {
            self.related.push((place.clone(), message.into()));
        }
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Finding {
        self.hints.push(hint.into());
        self
    }

    /// Adds the hint "did you mean" when one of the candidates is near to what was found.
    #[must_use]
    pub fn did_you_mean<'a>(self, found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Finding {
        match did_you_mean(found, candidates) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// Names the command to run next.
    #[must_use]
    pub fn next(mut self, command: impl Into<String>) -> Finding {
        self.next = Some(command.into());
        self
    }

    /// Lists the names it is about.
    #[must_use]
    pub fn about(mut self, names: impl IntoIterator<Item = impl fmt::Display>) -> Finding {
        self.subjects.extend(names.into_iter().map(|name| name.to_string()));
        self
    }

    /// Hides the text of these places in every excerpt of the finding.
    #[must_use]
    pub fn masking(mut self, hidden: &[Place]) -> Finding {
        self.place = self.place.map(|place| place.masking(hidden));
        for (place, _) in &mut self.related {
            *place = place.masking(hidden);
        }
        self
    }

    fn sort_key(&self) -> (&str, usize, Severity, &str, &str) {
        let (file, start) = match &self.place {
            Some(place) => (place.file(), place.start()),
            None => ("", 0),
        };
        (file, start, self.severity, self.code.id, &self.message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&excerpt::plain(self))
    }
}

impl std::error::Error for Finding {}

/// A related place as it is serialized.
#[derive(serde::Serialize)]
struct Related<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    message: &'a str,
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = self.place.as_ref();
        let related: Vec<Related<'_>> = self
            .related
            .iter()
            .map(|(place, message)| Related {
                file: place.file(),
                line: place.line(),
                column: place.column(),
                message,
            })
            .collect();
        let subjects = !self.subjects.is_empty();
        let mut out = serializer.serialize_struct("Finding", 12 + usize::from(subjects))?;
        out.serialize_field("code", self.code.id)?;
        out.serialize_field("name", self.code.name)?;
        out.serialize_field("severity", &self.severity)?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("file", &place.map(Place::file))?;
        out.serialize_field("line", &place.map(Place::line))?;
        out.serialize_field("column", &place.map(Place::column))?;
        out.serialize_field("excerpt", &place.map(Place::excerpt))?;
        out.serialize_field("label", &self.label)?;
        out.serialize_field("related", &related)?;
        out.serialize_field("hints", &self.hints)?;
        out.serialize_field("next", &self.next)?;
        if subjects {
            out.serialize_field("subjects", &self.subjects)?;
        }
        out.end()
    }
}

/// All findings of a run, in the order of files and lines when shown or iterated by value.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// No findings yet.
    pub fn new() -> Findings {
        Findings::default()
    }

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// The errors.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.of(Severity::Error)
    }

    /// The warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.of(Severity::Warning)
    }

    fn of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(move |f| f.severity == severity)
    }

    /// `value`, unless there is an error; warnings are dropped with success, so take them first
    /// where they matter.
    ///
    /// # Errors
    /// All findings, sorted, when one of them is an error.
    pub fn into_result<T>(self, value: T) -> Result<T, Findings> {
        if self.has_errors() { Err(self.sorted()) } else { Ok(value) }
    }

    /// Sorted by file, line, column, then severity and code; those without a place come first.
    #[must_use]
    pub fn sorted(mut self) -> Findings {
        self.0.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        self
    }

    /// All of them as one line, for a cause in the journal or in a table: code, place, message, hints.
    pub fn brief(&self) -> String {
        let one = |finding: &Finding| {
            let place = finding.place.as_ref().filter(|place| !place.is_none());
            let at = place.map(|p| format!("{}:{}:{}: ", p.file(), p.line(), p.column())).unwrap_or_default();
            let hints = finding.hints.join("; ");
            let hints = if hints.is_empty() { hints } else { format!(" ({hints})") };
            format!("{}: {at}{}{hints}", finding.code.id, finding.message)
        };
        self.0.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// Hides the text of these places in every excerpt: called by whoever finds a literal secret,
    /// since a finding about something else may show the same line.
    pub fn mask(&mut self, hidden: &[Place]) {
        if !hidden.is_empty() {
            for finding in &mut self.0 {
                *finding = finding.clone().masking(hidden);
            }
        }
    }
}

impl From<Finding> for Findings {
    fn from(finding: Finding) -> Self {
        Findings(vec![finding])
    }
}

impl FromIterator<Finding> for Findings {
    fn from_iter<I: IntoIterator<Item = Finding>>(iter: I) -> Self {
        Findings(iter.into_iter().collect())
    }
}

impl Extend<Finding> for Findings {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, iter: I) {
        self.0.extend(iter);
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.sorted().0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut order: Vec<&Finding> = self.0.iter().collect();
        order.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        for (index, finding) in order.into_iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            fmt::Display::fmt(finding, f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}
