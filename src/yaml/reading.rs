//! Ways to read a file that is to be edited: as one of ours, as manifests, as JSON, as a template.
//!
//! A template is no YAML before it is rendered. It is read through a stand-in: a text of the same length in
//! bytes that is YAML, so that every place in it is a place in the file. What the stand-in looks like is for
//! those to say who know the template.

use std::sync::Arc;

use super::scalar::Dialect;
use super::{Node, build};
use crate::diag::{Findings, Source};

/// How a file's text becomes trees.
#[derive(Clone, Copy)]
pub struct Reading {
    pub(super) dialect: Dialect,
    /// Whether every string is written in double quotes.
    pub(super) quotes: bool,
    stand_in: Option<fn(&str) -> String>,
}

impl Reading {
    /// A file of ours: one document, YAML 1.2.
    pub const OURS: Self = Self { dialect: Dialect::Core, quotes: false, stand_in: None };
    /// Kubernetes manifests, values of charts: any number of documents, read as kubectl and helm do.
    pub const MANIFESTS: Self = Self { dialect: Dialect::Kubernetes, quotes: false, stand_in: None };
    /// Manifests written as JSON.
    pub const JSON: Self = Self { dialect: Dialect::Kubernetes, quotes: true, stand_in: None };

    /// Manifests written as templates; `blank` gives the text without expressions, as long as before.
    pub const fn template(blank: fn(&str) -> String) -> Self {
        Self { dialect: Dialect::Kubernetes, quotes: false, stand_in: Some(blank) }
    }

    /// The documents of a file, empty ones left out; places are those of the file.
    ///
    /// # Errors
    /// Broken syntax, duplicate keys, bombs, values that the dialect has not.
    pub fn documents(&self, source: &Arc<Source>) -> Result<Vec<Node>, Findings> {
        let Some(stand_in) = self.stand_in else {
            let (documents, findings) = build::documents(source, self.dialect);
            return findings.into_result(documents);
        };
        let other = Source::new(source.path(), stand_in(source.text()));
        let (mut documents, findings) = build::documents(&other, self.dialect);
        documents.iter_mut().for_each(|document| document.put_into(source));
        findings.into_result(documents)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn json_is_yaml_also_with_tabs_and_halves_of_pairs() {
        let source = Source::new("a.json", "{\n\t\"a\": \"\\ud83d\\ude00\",\n\t\"b\\\\\": \"x\"\n}");
        let documents = Reading::JSON.documents(&source).unwrap();
        let b = documents[0].get("b\\").unwrap();
        assert_eq!((b.place.text(), b.place.line()), ("\"x\"", 3));
    }

    #[test]
    fn a_template_is_read_through_its_stand_in_with_its_own_places() {
        let reading = Reading::template(|text| text.replace(['{', '}'], "x"));
        let source = Source::new("a.yaml.j2", "a: {{ b }}\nc: {{d}}\n");
        let documents = reading.documents(&source).unwrap();
        assert_eq!(documents[0].get("c").unwrap().place.text(), "{{d}}");
        assert_eq!(documents[0].get("c").unwrap().as_str(), Some("xxdxx"));
    }
}
