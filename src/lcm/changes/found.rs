//! What one reader found: it grows within bounds, and what is over them is counted.

use super::change::{Change, Evidence, Kind, Sign, Weight};
use super::plain;
use crate::lcm::artifacthub::Link;

/// So many changes of one reader are kept; grave ones up to twice as many.
const MOST_READ: usize = 5_000;

/// What a reader found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Found {
    /// What is different.
    pub changes: Vec<Change>,
    /// What is dangerous.
    pub evidence: Vec<Evidence>,
    /// Whether something about security is better.
    pub security: bool,
    /// How much was left out because there is too much of it.
    pub cut: usize,
    /// What could not be read, a sentence each.
    pub notes: Vec<String>,
}

impl Found {
    /// Adds a change of a version and, with a weight, the evidence that it is; what has no words is none.
    pub(super) fn tell(&mut self, told: Told<'_>) {
        let text = plain::line(told.text);
        if text.is_empty() {
            return;
        }
        self.security |= told.kind == Kind::Security;
        let mut links = Vec::new();
        plain::add_links(&mut links, told.links);
        let version = plain::line(told.version);
        if let Some(weight) = told.weight {
            self.prove(Evidence {
                weight,
                sign: Sign::of(told.kind),
                version: Some(version.clone()),
                text: text.clone(),
                links: links.clone(),
            });
        }
        let most = if told.kind.is_grave() { 2 * MOST_READ } else { MOST_READ };
        if self.changes.len() < most {
            self.changes.push(Change { version, kind: told.kind, text, links });
        } else {
            self.cut += 1;
        }
    }

    /// Adds evidence.
    pub(super) fn prove(&mut self, evidence: Evidence) {
        if self.evidence.len() < 2 * MOST_READ {
            self.evidence.push(evidence);
        } else {
            self.cut += 1;
        }
    }

    /// Adds evidence from comparing both ends.
    pub(super) fn compare(&mut self, sign: Sign, weight: Weight, text: &str) {
        let text = plain::cut(text, plain::LONGEST_OF_PLACES);
        self.prove(Evidence { weight, sign, version: None, text, links: Vec::new() });
    }

    /// Of rendering with the values that somebody sets, which went well before: why it does not now.
    pub(in crate::lcm) fn refused(why: &str) -> Self {
        let mut found = Self::default();
        let what = format!("with the product's values it can't be rendered any more: {why}");
        found.compare(Sign::Values, Weight::Certain, &what);
        found
    }

    /// The same of what may be anybody's: each text a line, each link one that may be shown.
    pub(in crate::lcm) fn cleaned(mut self) -> Self {
        let clean = |text: &mut String, links: &mut Vec<Link>| {
            *text = plain::cut(text, plain::LONGEST_OF_PLACES);
            *links = links.iter().filter_map(|link| plain::link(&link.name, &link.url)).collect();
        };
        for change in &mut self.changes {
            clean(&mut change.text, &mut change.links);
            change.version = plain::line(&change.version);
        }
        for evidence in &mut self.evidence {
            clean(&mut evidence.text, &mut evidence.links);
            evidence.version = evidence.version.as_deref().map(plain::line);
        }
        self.notes.iter_mut().for_each(|note| *note = plain::cut(note, plain::LONGEST_OF_PLACES));
        self
    }

    /// Gives every piece that leads nowhere a link.
    pub fn linked(mut self, name: &str, address: &str) -> Self {
        let Some(link) = plain::link(name, address) else { return self };
        let changes = self.changes.iter_mut().map(|change| &mut change.links);
        let links = changes.chain(self.evidence.iter_mut().map(|evidence| &mut evidence.links));
        links.filter(|links| links.is_empty()).for_each(|links| links.push(link.clone()));
        self
    }
}

/// A change as a source tells it.
pub(super) struct Told<'a> {
    /// The version that has it.
    pub version: &'a str,
    /// What kind of change it is.
    pub kind: Kind,
    /// In words, which may be long.
    pub text: &'a str,
    /// Where to read more.
    pub links: Vec<Link>,
    /// What it says about a break, if anything.
    pub weight: Option<Weight>,
}

impl FromIterator<Found> for Found {
    fn from_iter<I: IntoIterator<Item = Found>>(all: I) -> Self {
        let mut whole = Self::default();
        for found in all {
            whole.changes.extend(found.changes);
            whole.evidence.extend(found.evidence);
            whole.security |= found.security;
            whole.cut = whole.cut.saturating_add(found.cut);
            whole.notes.extend(found.notes);
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leads_nowhere_is_given_a_link() {
        let mut found = Found::default();
        let own = Link { name: "own".to_owned(), url: "https://x.example/own".to_owned() };
        let told = |text, links| Told { version: "1", kind: Kind::Added, text, links, weight: None };
        found.tell(told("a", vec![own]));
        found.tell(told("b", Vec::new()));
        found.compare(Sign::Crd, Weight::Hint, "c");
        let found = found.linked("chart", "https://x.example/chart");
        let urls =
            found.changes.iter().map(|one| &one.links).chain(found.evidence.iter().map(|one| &one.links));
        let urls: Vec<&str> = urls.map(|links| links[0].url.rsplit('/').next().unwrap()).collect();
        assert_eq!(urls, ["own", "chart", "chart"]);
        assert_eq!(found.clone().linked("bad", "javascript:x"), found);
    }

    #[test]
    fn grave_changes_are_kept_when_there_is_too_much_else() {
        let mut found = Found::default();
        let told = |kind| Told { version: "1", kind, text: "x", links: Vec::new(), weight: None };
        (0..MOST_READ + 5).for_each(|_| found.tell(told(Kind::Other)));
        found.tell(told(Kind::Breaking));
        assert_eq!((found.changes.len(), found.cut), (MOST_READ + 1, 5));
    }
}
