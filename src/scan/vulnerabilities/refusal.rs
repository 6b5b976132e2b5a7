//! Why bytes are no report about the image that was asked about: sentences that say what was found and what
//! was expected.

use std::fmt;

use serde::de::DeserializeOwned;

/// Who writes what is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Trivy's own JSON.
    Trivy,
    /// The answer of a Trivy server.
    TrivyServer,
    /// Grype's own JSON.
    Grype,
    /// JFrog Xray's summary of artifacts.
    Xray,
    /// Harbor's vulnerabilities of an artifact.
    Harbor,
    /// OSV's answers.
    Osv,
    /// An attestation.
    Attestation,
    /// CycloneDX with vulnerabilities in it.
    CycloneDx,
    /// CISA's catalogue.
    Kev,
    /// A bill of materials.
    Bill,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Trivy => "Trivy's JSON",
            Self::TrivyServer => "a Trivy server's answer",
            Self::Grype => "Grype's JSON",
            Self::Xray => "Xray's summary of artifacts",
            Self::Harbor => "Harbor's vulnerabilities of an artifact",
            Self::Osv => "OSV's answer",
            Self::Attestation => "an attestation",
            Self::CycloneDx => "CycloneDX",
            Self::Bill => "a bill of materials",
            Self::Kev => "CISA's catalogue of known exploited vulnerabilities",
        })
    }
}

/// Why bytes are no report about an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// They are no JSON at all.
    #[error("line {line}, column {column}: no JSON: {what}")]
    NotJson {
        /// Where, counted from 1.
        line: usize,
        /// Where, counted from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// They are JSON, of nobody who is known here.
    #[error(
        "no report of a scanner: it is {found}; expected JSON of Trivy (`--format json`), Grype (`-o json`), \
         Xray, Harbor, CycloneDX with vulnerabilities, or an attestation of one of them"
    )]
    Unrecognised {
        /// What it is instead.
        found: String,
    },
    /// They look as somebody's, and are not written as theirs are.
    #[error("line {line}, column {column}: it looks like {format}, but {what}")]
    Broken {
        /// Whose they seem to be.
        format: Format,
        /// Where, counted from 1.
        line: usize,
        /// Where, counted from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// They are somebody's, and say what can't be.
    #[error("it looks like {format}, but {what}")]
    Nonsense {
        /// Whose they are.
        format: Format,
        /// What can't be.
        what: String,
    },
    /// They are about another image.
    #[error("the report is about {named}, and was asked for {asked}")]
    AnotherImage {
        /// The digests that it names.
        named: String,
        /// Those that would have done.
        asked: String,
    },
    /// They don't say which image they are about.
    #[error(
        "{format} that names no digest of its image: it can't be told whether it is about {asked}; scan the \
         image by its digest"
    )]
    Unnamed {
        /// Whose they are.
        format: Format,
        /// The digests that would have done.
        asked: String,
    },
    /// They say that nobody has looked. That is not the same as having found nothing.
    #[error("{format} that is no scan: {why}")]
    NotScanned {
        /// Whose they are.
        format: Format,
        /// Why nobody has.
        why: String,
    },
}

impl Refusal {
    pub(super) fn nonsense(format: Format, what: impl fmt::Display) -> Self {
        Self::Nonsense { format, what: what.to_string() }
    }

    pub(super) fn not_scanned(format: Format, why: impl Into<String>) -> Self {
        Self::NotScanned { format, why: why.into() }
    }
}

/// Reads an object that seems to be somebody's. Fields that nobody asks for are skipped without being kept.
pub(super) fn typed<T: DeserializeOwned>(format: Format, bytes: &[u8]) -> Result<T, Refusal> {
    let read = any(format, bytes)?;
    // The parser takes a list for an object without names: an empty one would be a clean image.
    match without_mark(bytes).trim_ascii_start().first() {
        Some(b'{') => Ok(read),
        _ => Err(Refusal::nonsense(format, "it is no object")),
    }
}

/// Reads a list of objects that seems to be somebody's.
pub(super) fn typed_list<T: DeserializeOwned>(format: Format, bytes: &[u8]) -> Result<Vec<T>, Refusal> {
    any(format, bytes)
}

fn any<T: DeserializeOwned>(format: Format, bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(without_mark(bytes)).map_err(|error| {
        let (line, column, what) = told(&error);
        if error.is_data() {
            Refusal::Broken { format, line, column, what }
        } else {
            Refusal::NotJson { line, column, what }
        }
    })
}

/// Some shells write a mark of the byte order before a text.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Where and what: the parser puts the place behind the words.
pub(super) fn told(error: &serde_json::Error) -> (usize, usize, String) {
    let (line, column) = (error.line(), error.column());
    let words = error.to_string();
    let place = format!(" at line {line} column {column}");
    let words = words.strip_suffix(&place).unwrap_or(&words);
    // What a hostile file quotes must not fill a terminal, nor command it.
    let shown: String = words.chars().filter(|c| !c.is_control()).take(300).collect();
    (line, column, shown)
}
