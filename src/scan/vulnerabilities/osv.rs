//! OSV: what to ask its API about a package, and what it answers (google.github.io/osv.dev/api; the records
//! are those of ossf.github.io/osv-schema). It knows packages, not images: whoever asks has a list of an image's
//! packages. Sending is for an adapter.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::Asked;
use super::package::Purl;
use super::refusal::{Format, Refusal, typed};
use super::report::{Report, Status, Tool, Vulnerability, merged, named};
use super::severity::{Severity, score_in};
use super::wire::{id, ids, moment, or_default};
use crate::json::text;
use crate::model::VulnerabilityId;

/// Where one asks about one package.
pub const QUERY: &str = "/v1/query";
/// Where one asks about many.
pub const QUERY_BATCH: &str = "/v1/querybatch";
/// Where one record is, with its name behind.
pub const RECORD: &str = "/v1/vulns/";
/// The most questions that one batch may have.
pub const MOST_QUESTIONS: usize = 1000;

/// A question about a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its package URL, with its version.
    pub purl: String,
    /// Which further page of the answer is wanted: what the page before says of it.
    pub page: Option<String>,
}

/// A question as it is sent.
pub fn question(question: &Question) -> Value {
    let mut body = json!({"package": {"purl": question.purl}});
    if let (Some(page), Some(fields)) = (&question.page, body.as_object_mut()) {
        fields.insert("page_token".to_owned(), json!(page));
    }
    body
}

/// Many questions as they are sent, at most [`MOST_QUESTIONS`].
pub fn batch(questions: &[Question]) -> Value {
    json!({"queries": questions.iter().map(question).collect::<Vec<_>>()})
}

/// A page of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub found: Vec<T>,
    /// What to ask for the next one, if there is one. A page may be empty and not be the last.
    pub next: Option<String>,
}

/// Nothing found is an object without fields: others are the only sign that this is no answer of OSV.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "T: Deserialize<'de>")]
struct Answer<T> {
    #[serde(default = "Vec::new", deserialize_with = "or_default")]
    vulns: Vec<T>,
    #[serde(default, deserialize_with = "or_default")]
    next_page_token: String,
}

impl<T> Answer<T> {
    fn next(&self) -> Option<String> {
        Some(self.next_page_token.clone()).filter(|token| !token.is_empty())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    #[serde(deserialize_with = "or_default")]
    results: Vec<Option<Answer<Named>>>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// Reads the answer to [`QUERY`] about this package.
///
/// # Errors
/// When it is no such answer, or OSV's word that it could not answer.
pub fn read_query(bytes: &[u8], purl: &str) -> Result<Page<Vulnerability>, Refusal> {
    refuse_error(bytes)?;
    let answer: Answer<Record> = typed(Format::Osv, bytes)?;
    let next = answer.next();
    let mut found = Vec::new();
    for record in answer.vulns {
        found.extend(record.told(purl)?);
    }
    Ok(Page { found: merged(found), next })
}

/// Reads the answer to [`QUERY_BATCH`] of so many questions: names only, in the order of the questions.
///
/// # Errors
/// As [`read_query`], and when answers are missing or too many.
pub fn read_batch(bytes: &[u8], questions: usize) -> Result<Vec<Page<VulnerabilityId>>, Refusal> {
    refuse_error(bytes)?;
    let batch: Batch = typed(Format::Osv, bytes)?;
    if batch.results.len() != questions {
        let what = format!("it has {} answers to {questions} questions", batch.results.len());
        return Err(Refusal::nonsense(Format::Osv, what));
    }
    let page = |answer: Option<Answer<Named>>| {
        let Some(answer) = answer else { return Ok(Page { found: Vec::new(), next: None }) };
        let found: Result<_, Refusal> = answer.vulns.iter().map(|one| id(Format::Osv, &one.id)).collect();
        Ok(Page { found: found?, next: answer.next() })
    };
    batch.results.into_iter().map(page).collect()
}

/// Reads one record about this package; nothing if it was withdrawn.
///
/// # Errors
/// As [`read_query`].
pub fn read_record(bytes: &[u8], purl: &str) -> Result<Vec<Vulnerability>, Refusal> {
    refuse_error(bytes)?;
    typed::<Record>(Format::Osv, bytes)?.told(purl)
}

/// The report about an image whose packages were all asked about.
pub fn report(asked: &Asked, found: impl IntoIterator<Item = Vulnerability>) -> Report {
    Report {
        tool: Tool::new("OSV", ""),
        about: asked.digests.clone(),
        made: asked.at,
        database: None,
        distribution: None,
        vulnerabilities: merged(found),
        set_aside: Vec::new(),
    }
}

/// A record of OSV's schema.
#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    aliases: Vec<String>,
    /// Where a distribution's record comes from: for it, the CVE that it is about.
    #[serde(default, deserialize_with = "or_default")]
    upstream: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    published: String,
    #[serde(default)]
    withdrawn: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    severity: Vec<Rating>,
    #[serde(default, deserialize_with = "or_default")]
    affected: Vec<Affected>,
    #[serde(default, deserialize_with = "or_default")]
    references: Vec<Reference>,
    #[serde(default)]
    database_specific: Value,
}

#[derive(Deserialize)]
struct Rating {
    #[serde(default, deserialize_with = "or_default")]
    score: String,
}

#[derive(Deserialize)]
struct Affected {
    #[serde(default, deserialize_with = "or_default")]
    package: Of,
    #[serde(default, deserialize_with = "or_default")]
    severity: Vec<Rating>,
    #[serde(default, deserialize_with = "or_default")]
    ranges: Vec<Range>,
    #[serde(default)]
    ecosystem_specific: Value,
    #[serde(default)]
    database_specific: Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Of {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    purl: String,
}

#[derive(Deserialize)]
struct Range {
    #[serde(rename = "type", default, deserialize_with = "or_default")]
    kind: String,
    #[serde(default, deserialize_with = "or_default")]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    fixed: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reference {
    #[serde(rename = "type", deserialize_with = "or_default")]
    kind: String,
    #[serde(deserialize_with = "or_default")]
    url: String,
}

impl Record {
    fn told(self, purl: &str) -> Result<Vec<Vulnerability>, Refusal> {
        if self.withdrawn.is_some() {
            return Ok(Vec::new());
        }
        let own = id(Format::Osv, &self.id)?;
        let asked = Purl::read(purl);
        let installed = asked.as_ref().and_then(|purl| purl.version.clone());
        let fixed = self.fixed(asked.as_ref());
        let severity = self.severity(asked.as_ref());
        let page = |wanted: &str| self.references.iter().find(|reference| reference.kind == wanted);
        let link = page("ADVISORY")
            .map_or_else(|| format!("https://osv.dev/vulnerability/{own}"), |page| page.url.clone());
        let of_one = |one| Vulnerability {
            package: asked.as_ref().map(|purl| purl.package.clone()),
            installed: installed.clone(),
            status: if fixed.is_empty() { Status::Unknown } else { Status::Fixed },
            fixed: fixed.clone(),
            severity,
            link: Some(link.clone()),
            published: moment(&self.published),
            ..one
        };
        Ok(named(&own, ids(self.aliases.iter().chain(&self.upstream))).into_iter().map(of_one).collect())
    }

    /// What it says of this package; of all, if it names this one in no way that is understood.
    fn about(&self, asked: Option<&Purl>) -> Vec<&Affected> {
        let is_it = |affected: &&Affected| {
            asked.is_some_and(|asked| match Purl::read(&affected.package.purl) {
                Some(purl) => purl.package == asked.package,
                None => affected.package.name.eq_ignore_ascii_case(&asked.package.name),
            })
        };
        let own: Vec<&Affected> = self.affected.iter().filter(is_it).collect();
        if own.is_empty() { self.affected.iter().collect() } else { own }
    }

    /// The versions that mend it. Where versions are semantic, those below the installed one mend another
    /// line than its own.
    fn fixed(&self, asked: Option<&Purl>) -> BTreeSet<String> {
        let installed = asked.and_then(|purl| semantic(purl.version.as_deref()?));
        let mends = |version: &String| match (&installed, semantic(version)) {
            (Some(installed), Some(version)) => version > *installed,
            _ => true,
        };
        let ranges = self.about(asked).into_iter().flat_map(|affected| &affected.ranges);
        // In a range of git the events are commits.
        let events = ranges.filter(|range| range.kind != "GIT").flat_map(|range| &range.events);
        events.filter_map(|event| event.fixed.clone()).filter(mends).collect()
    }

    /// In words, by the database or the distribution; else by scores, those about the package first.
    fn severity(&self, asked: Option<&Purl>) -> Severity {
        let about = self.about(asked);
        let specific = about.iter().flat_map(|affected| {
            let (of_ecosystem, of_database) = (&affected.ecosystem_specific, &affected.database_specific);
            [text(of_ecosystem, "/severity"), text(of_ecosystem, "/urgency"), text(of_database, "/severity")]
        });
        let ratings: Vec<&Rating> = about.iter().flat_map(|affected| &affected.severity).collect();
        let ratings = if ratings.is_empty() { self.severity.iter().collect() } else { ratings };
        // Ubuntu's rating is a word.
        let words = std::iter::once(text(&self.database_specific, "/severity"))
            .chain(specific)
            .chain(ratings.iter().map(|rating| rating.score.as_str()));
        let by_word = words.map(Severity::of_word).find(|severity| *severity != Severity::Unknown);
        let scores = ratings.iter().filter_map(|rating| score_in(&rating.score));
        by_word.unwrap_or_else(|| Severity::of("", scores))
    }
}

fn semantic(version: &str) -> Option<semver::Version> {
    version.strip_prefix('v').unwrap_or(version).parse().ok()
}

/// Errors of its interface are those of gRPC, as JSON.
fn refuse_error(bytes: &[u8]) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Error {
        code: i64,
        message: String,
    }
    match serde_json::from_slice::<Error>(bytes) {
        Ok(Error { code, message }) => {
            let words: String = format!("{message} (code {code})");
            let words = words.chars().filter(|c| !c.is_control()).take(300).collect::<String>();
            Err(Refusal::not_scanned(Format::Osv, words))
        }
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
#[path = "osv_tests.rs"]
mod tests;
