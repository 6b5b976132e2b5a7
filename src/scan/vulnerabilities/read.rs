//! A report of whichever scanner: who wrote it is recognised by what is in it, never by the name of a file.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::asked::Asked;
use super::refusal::{Format, Refusal, told, without_mark};
use super::report::Report;
use super::{attestation, cyclonedx, grype, harbor, trivy, xray};

/// Reads a report about the image that was asked about.
///
/// Twice over the bytes: once for the names of its outermost fields, once for what is wanted of it. What is
/// not wanted is never kept, so that a report of 100 MB costs little more than the findings in it.
///
/// # Errors
/// When it is no JSON, of nobody who is known, broken, about another image, or no scan at all.
pub fn read(bytes: &[u8], asked: &Asked) -> Result<Report, Refusal> {
    let bytes = without_mark(bytes);
    match Outline::of(bytes)? {
        Outline::Object(keys) => match written_by(&keys) {
            Some(Writer::Trivy) => trivy::read(bytes, asked),
            Some(Writer::Grype) => grype::read(bytes, asked),
            Some(Writer::Xray) => xray::read(bytes, asked),
            Some(Writer::Harbor) => harbor::read(bytes, asked),
            Some(Writer::HarborReport) => harbor::read_report(bytes, asked),
            Some(Writer::Attestation) => attestation::read(bytes, asked),
            Some(Writer::Predicate) => attestation::read_predicate(bytes, asked),
            Some(Writer::CycloneDx) => cyclonedx::read(bytes, asked),
            None => Err(Refusal::Unrecognised { found: other(&keys) }),
        },
        // Trivy before 0.19 wrote a list of targets.
        Outline::List(keys) if has(&keys, "Target") => trivy::read_list(bytes, asked),
        Outline::List(keys) if keys.is_empty() => {
            Err(Refusal::Unrecognised { found: "a list that says neither who looked nor at what".to_owned() })
        }
        Outline::List(keys) => {
            Err(Refusal::Unrecognised { found: format!("a list whose first entry is {}", fields(&keys)) })
        }
        Outline::Scalar => Err(Refusal::Unrecognised { found: "a single value".to_owned() }),
    }
}

/// Whose a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    Trivy,
    Grype,
    Xray,
    Harbor,
    /// What lies within Harbor's answer, by itself.
    HarborReport,
    Attestation,
    /// What lies within an attestation, by itself.
    Predicate,
    CycloneDx,
}

fn written_by(keys: &[String]) -> Option<Writer> {
    let all = |wanted: &[&str]| wanted.iter().all(|key| has(keys, key));
    let any = |wanted: &[&str]| wanted.iter().any(|key| has(keys, key));
    let mime = |key: &String| harbor::is_report_type(key);
    Some(match () {
        () if all(&["payload", "payloadType"]) || any(&["dsseEnvelope"]) => Writer::Attestation,
        () if all(&["_type", "predicateType"]) => Writer::Attestation,
        () if all(&["bomFormat"]) => Writer::CycloneDx,
        () if all(&["SchemaVersion"]) && any(&["ArtifactName", "ArtifactType", "Results"]) => Writer::Trivy,
        () if all(&["matches"]) && any(&["descriptor", "source"]) => Writer::Grype,
        () if keys.iter().any(mime) => Writer::Harbor,
        () if all(&["generated_at", "vulnerabilities"]) => Writer::HarborReport,
        () if all(&["scanner", "metadata"]) => Writer::Predicate,
        // Syft has artifacts as well, and says which descriptor and schema they have.
        () if any(&["artifacts", "errors"]) && !any(&["descriptor", "schema"]) => Writer::Xray,
        () => return None,
    })
}

fn has(keys: &[String], key: &str) -> bool {
    keys.iter().any(|found| found == key)
}

/// What an object of nobody's is: some that look like a report have a name.
fn other(keys: &[String]) -> String {
    match () {
        () if has(keys, "runs") => {
            "SARIF, which keeps neither packages nor digests in fields; ask the scanner for its own JSON"
                .to_owned()
        }
        () if has(keys, "spdxVersion") => "an SBOM in SPDX, which lists packages only".to_owned(),
        () if has(keys, "artifactRelationships") => "an SBOM of Syft, which lists packages only".to_owned(),
        () if has(keys, "ClusterName") => {
            "Trivy's report about a whole cluster; scan images one by one".to_owned()
        }
        () => fields(keys),
    }
}

/// An object in words, by its first fields.
fn fields(keys: &[String]) -> String {
    const SHOWN: usize = 6;
    let clean = |key: &String| {
        let shown: String = key.chars().filter(|c| !c.is_control()).take(40).collect();
        format!("`{shown}`")
    };
    let shown: Vec<String> = keys.iter().take(SHOWN).map(clean).collect();
    match keys.len() {
        0 => "an object without fields".to_owned(),
        all if all > SHOWN => format!("an object with {} and others", shown.join(", ")),
        _ => format!("an object with {}", shown.join(", ")),
    }
}

/// The outermost names of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outline {
    /// An object with these fields.
    Object(Vec<String>),
    /// A list; the fields of its first entry.
    List(Vec<String>),
    /// Anything else.
    Scalar,
}

/// The most fields of an object that are looked at: none of the scanners has so many.
const MOST_FIELDS: usize = 64;

impl Outline {
    /// Reads all of a document for the names of its outermost fields.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(bytes).map_err(|error| {
            let (line, column, what) = told(&error);
            Refusal::NotJson { line, column, what }
        })
    }
}

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Outermost)
    }
}

struct Outermost;

macro_rules! scalars {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E>(self, _: $type) -> Result<Outline, E> { Ok(Outline::Scalar) })*
    };
}

impl<'de> Visitor<'de> for Outermost {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Outline, E> {
        Ok(Outline::Scalar)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<IgnoredAny>()?;
            if keys.len() < MOST_FIELDS {
                keys.push(key);
            }
        }
        Ok(Outline::Object(keys))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Outline, A::Error> {
        let first = list.next_element::<Outline>()?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Outline::List(match first {
            Some(Outline::Object(keys)) => keys,
            _ => Vec::new(),
        }))
    }
}

/// The outline of what lies at a path of fields within a document: absent if there is nothing.
pub(super) fn outline_within(
    format: Format,
    bytes: &[u8],
    path: &[&str],
) -> Result<Option<Outline>, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde::de::DeserializeSeed::deserialize(Within(path), &mut deserializer).map_err(|error| {
        let (line, column, what) = told(&error);
        Refusal::Broken { format, line, column, what }
    })
}

struct Within<'p>(&'p [&'p str]);

impl<'de> serde::de::DeserializeSeed<'de> for Within<'_> {
    type Value = Option<Outline>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.0 {
            [] => Outline::deserialize(deserializer).map(Some),
            _ => deserializer.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for Within<'_> {
    type Value = Option<Outline>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [first, ..] => write!(f, "an object with the field `{first}`"),
            [] => f.write_str("a document"),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(None) };
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == *first {
                found = map.next_value_seed(Within(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(text: &str) -> String {
        let digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        read(text.as_bytes(), &Asked::of_file([digest])).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        assert_eq!(refused(""), "line 1, column 0: no JSON: EOF while parsing a value");
        assert!(refused("<html>").starts_with("line 1, column 1: no JSON: "), "{}", refused("<html>"));
        let cut = "{\"SchemaVersion\": 2,\n\"Results\": [{";
        assert!(refused(cut).starts_with("line 2, column 13: no JSON: "), "{}", refused(cut));
        assert!(
            refused("{}\n{}").starts_with("line 2, column 1: no JSON: trailing"),
            "{}",
            refused("{}\n{}")
        );
    }

    #[test]
    fn what_is_nobodys_is_told_by_its_fields() {
        let start = "no report of a scanner: it is ";
        let ends = [
            ("{}", "an object without fields; expected JSON of Trivy"),
            ("{\"a\": 1, \"b\": 2}", "an object with `a`, `b`; expected"),
            ("[]", "a list that says neither who looked nor at what;"),
            ("[1]", "a list that says neither who looked nor at what;"),
            ("[{\"x\": 1}]", "a list whose first entry is an object with `x`;"),
            ("null", "a single value;"),
            ("3.5", "a single value;"),
            ("{\"version\": \"2.1.0\", \"runs\": []}", "SARIF, which keeps"),
            ("{\"spdxVersion\": \"SPDX-2.3\"}", "an SBOM in SPDX"),
            ("{\"artifacts\": [], \"artifactRelationships\": [], \"schema\": {}}", "an SBOM of Syft"),
        ];
        for (text, end) in ends {
            let told = refused(text);
            assert!(told.starts_with(&format!("{start}{end}")), "{text}: {told}");
        }
    }

    #[test]
    fn a_mark_of_the_byte_order_is_no_content() {
        assert!(refused("\u{feff}{}").contains("an object without fields"));
    }

    #[test]
    fn depth_and_width_do_no_harm() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(refused(&deep).contains("recursion limit exceeded"), "{}", refused(&deep));
        let deep_inside = format!("{{\"a\": {}", "[".repeat(1_000_000));
        assert!(refused(&deep_inside).contains("EOF"), "{}", refused(&deep_inside));
        let keys: Vec<String> = (0..100_000).map(|n| format!("\"k{n}\": 0")).collect();
        assert!(refused(&format!("{{{}}}", keys.join(","))).contains("and others"));
    }
}
