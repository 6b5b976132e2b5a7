//! Attestations about vulnerabilities, as they are attached to images: a statement of in-toto
//! (github.com/in-toto/attestation), by itself, in an envelope (DSSE) or in a bundle of Sigstore. The
//! statement says which image it is about; what lies in it is a scanner's own report, or in-toto's short list. Whether
//! its signature is good is for whoever fetched it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::asked::Asked;
use super::package::Purl;
use super::read::{Outline, outline_within};
use super::refusal::{Format, Refusal, typed};
use super::report::{Report, Tool, Vulnerability, merged, named};
use super::severity::{Severity, score_in};
use super::wire::{id, moment, or_default};
use super::{cyclonedx, grype, trivy};
use crate::digest::Digest;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
/// Envelopes are written in either alphabet (DSSE, "Envelope").
const ALPHABETS: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT),
    GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    dsse_envelope: Option<Envelope>,
    #[serde(default)]
    payload: Option<String>,
    #[serde(default)]
    payload_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
}

impl Document {
    /// The envelope: of a bundle, or the document itself.
    fn envelope(self) -> Option<Envelope> {
        match (self.dsse_envelope, self.payload, self.payload_type) {
            (Some(envelope), _, _) => Some(envelope),
            (None, Some(payload), Some(payload_type)) => Some(Envelope { payload, payload_type }),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(default, deserialize_with = "or_default")]
    subject: Vec<Subject>,
    predicate_type: String,
    // Must be there; what is in it is read by its own type.
    #[serde(rename = "predicate")]
    _predicate: IgnoredAny,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default, deserialize_with = "or_default")]
    digest: BTreeMap<String, String>,
}

/// A statement of which only the predicate is wanted.
#[derive(Deserialize)]
struct Wrapped<P> {
    predicate: P,
}

/// A scan as cosign and in-toto write it. `T` is the scanner's own report.
#[derive(Deserialize)]
struct Predicate<T> {
    scanner: Scanner<T>,
    #[serde(default, deserialize_with = "or_default")]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Scanner<T> {
    #[serde(default, deserialize_with = "or_default")]
    uri: String,
    #[serde(default, deserialize_with = "or_default")]
    version: String,
    #[serde(default, deserialize_with = "or_default")]
    db: Database,
    result: T,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Database {
    #[serde(deserialize_with = "or_default")]
    last_update: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    #[serde(deserialize_with = "or_default")]
    scan_finished_on: String,
}

/// An entry of in-toto's list: its fields are its own (version 0.2), or one step deeper (version 0.1).
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    vulnerability: Option<Rated>,
    #[serde(flatten)]
    own: Option<Rated>,
}

#[derive(Deserialize)]
struct Rated {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    severity: Vec<Score>,
}

#[derive(Deserialize)]
struct Score {
    #[serde(default, deserialize_with = "or_default")]
    score: String,
}

/// A statement about the image that was asked about.
pub(super) struct Opened<'b> {
    bytes: Cow<'b, [u8]>,
    about: BTreeSet<Digest>,
    /// The type of its predicate.
    pub(super) kind: String,
}

impl Opened<'_> {
    /// What it says of the image.
    pub(super) fn predicate<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        Ok(typed::<Wrapped<T>>(Format::Attestation, &self.bytes)?.predicate)
    }
}

/// Reads an attestation: an envelope, a bundle with one, or a statement.
pub(super) fn read(bytes: &[u8], asked: &Asked) -> Result<Report, Refusal> {
    report(&open(bytes, asked)?)
}

/// What lies in an envelope or in a bundle with one, whatever that is; nothing if it can't be opened.
pub fn enclosed(bytes: &[u8]) -> Option<Vec<u8>> {
    let document: Document = typed(Format::Attestation, bytes).ok()?;
    document.envelope()?.open().ok()
}

/// Opens an attestation, whatever it says of the image.
pub(super) fn open<'b>(bytes: &'b [u8], asked: &Asked) -> Result<Opened<'b>, Refusal> {
    let document: Document = typed(Format::Attestation, bytes)?;
    match document.envelope() {
        Some(envelope) => statement(envelope.open()?.into(), asked),
        None => statement(bytes.into(), asked),
    }
}

/// Reads what lies within a statement, by itself (`trivy image --format cosign-vuln`).
pub(super) fn read_predicate(bytes: &[u8], asked: &Asked) -> Result<Report, Refusal> {
    let report = scan(bytes, &["scanner", "result"], Form::Bare)?;
    asked.check(Format::Attestation, &report.about)?;
    Ok(report)
}

impl Envelope {
    fn open(&self) -> Result<Vec<u8>, Refusal> {
        if !self.payload_type.starts_with("application/vnd.in-toto") {
            let kind: String = self.payload_type.chars().filter(|c| !c.is_control()).take(100).collect();
            let what = format!("its payload is `{kind}`; expected `application/vnd.in-toto+json`");
            return Err(Refusal::nonsense(Format::Attestation, what));
        }
        ALPHABETS
            .iter()
            .find_map(|alphabet| alphabet.decode(self.payload.trim()).ok())
            .ok_or_else(|| Refusal::nonsense(Format::Attestation, "its payload is not in base64"))
    }
}

fn statement<'b>(bytes: Cow<'b, [u8]>, asked: &Asked) -> Result<Opened<'b>, Refusal> {
    let statement: Statement = typed(Format::Attestation, &bytes)?;
    if !statement.kind.starts_with("https://in-toto.io/Statement/") {
        return Err(Refusal::nonsense(Format::Attestation, "it is no statement of in-toto"));
    }
    let about: BTreeSet<Digest> = statement.subject.iter().filter_map(Subject::sha256).collect();
    if about.is_empty() {
        // A statement about nothing binds to nothing, whoever was asked for it.
        return Err(Refusal::nonsense(Format::Attestation, "none of its subjects has a digest of SHA-256"));
    }
    asked.check(Format::Attestation, &about)?;
    Ok(Opened { bytes, about, kind: statement.predicate_type })
}

fn report(opened: &Opened<'_>) -> Result<Report, Refusal> {
    let (bytes, kind) = (&*opened.bytes, opened.kind.as_str());
    let report = match () {
        () if kind.starts_with("https://cosign.sigstore.dev/attestation/vuln/")
            || kind.starts_with("https://in-toto.io/attestation/vulns") =>
        {
            scan(bytes, &["predicate", "scanner", "result"], Form::Wrapped)?
        }
        () if kind.starts_with("https://cyclonedx.org/") => {
            opened.predicate::<cyclonedx::File>()?.report()?
        }
        () => {
            let kind: String = kind.chars().filter(|c| !c.is_control()).take(100).collect();
            let what = format!(
                "its predicate `{kind}` tells of no vulnerabilities; expected \
                 https://cosign.sigstore.dev/attestation/vuln/v1, \
                 https://in-toto.io/attestation/vulns/v0.2 or \
                 https://cyclonedx.org/bom"
            );
            return Err(Refusal::nonsense(Format::Attestation, what));
        }
    };
    Ok(Report { about: opened.about.clone(), ..report })
}

impl Subject {
    fn sha256(&self) -> Option<Digest> {
        format!("sha256:{}", self.digest.get("sha256")?).parse().ok()
    }
}

/// Whether a predicate stands in its statement or by itself.
#[derive(Clone, Copy)]
enum Form {
    Wrapped,
    Bare,
}

/// Reads a scan; whose report it holds is told by what is in it.
fn scan(bytes: &[u8], path: &[&str], form: Form) -> Result<Report, Refusal> {
    let has = |keys: &[String], key: &str| keys.iter().any(|found| found == key);
    match outline_within(Format::Attestation, bytes, path)? {
        Some(Outline::Object(keys)) if has(&keys, "SchemaVersion") => {
            scanned(bytes, form, |_, file: trivy::File| file.report())
        }
        Some(Outline::Object(keys)) if has(&keys, "matches") => {
            scanned(bytes, form, |_, file: grype::File| file.report())
        }
        Some(Outline::List(_)) => scanned(bytes, form, listed),
        _ => {
            let what = "the result of its scanner is neither Trivy's nor Grype's JSON nor a list";
            Err(Refusal::nonsense(Format::Attestation, what))
        }
    }
}

fn scanned<T: DeserializeOwned>(
    bytes: &[u8],
    form: Form,
    report: fn(Tool, T) -> Result<Report, Refusal>,
) -> Result<Report, Refusal> {
    let predicate: Predicate<T> = match form {
        Form::Wrapped => typed::<Wrapped<Predicate<T>>>(Format::Attestation, bytes)?.predicate,
        Form::Bare => typed(Format::Attestation, bytes)?,
    };
    let Predicate { scanner, metadata } = predicate;
    // A package URL names the scanner (`pkg:github/aquasecurity/trivy@0.60.0`), or any other address does.
    let name = Purl::read(&scanner.uri).map(|purl| purl.package.name);
    let name = name.as_deref().unwrap_or(&scanner.uri);
    let tool = Tool::new(name.rsplit('/').next().unwrap_or(name), &scanner.version);
    let inner = report(tool, scanner.result)?;
    Ok(Report {
        made: moment(&metadata.scan_finished_on).or(inner.made),
        database: moment(&scanner.db.last_update).or(inner.database),
        ..inner
    })
}

/// In-toto's list: names and ratings, without packages.
fn listed(tool: Tool, entries: Vec<Entry>) -> Result<Report, Refusal> {
    let mut found = Vec::new();
    for entry in entries {
        let Some(rated) = entry.vulnerability.or(entry.own) else {
            return Err(Refusal::nonsense(Format::Attestation, "an entry of its list has no `id`"));
        };
        let texts = || rated.severity.iter().map(|one| one.score.as_str());
        let by_word = texts().map(Severity::of_word).max().unwrap_or_default();
        let severity = Severity::of(by_word.word(), texts().filter_map(score_in));
        let own = id(Format::Attestation, &rated.id)?;
        found.extend(named(&own, []).into_iter().map(|one| Vulnerability { severity, ..one }));
    }
    Ok(Report {
        tool,
        about: BTreeSet::new(),
        made: None,
        database: None,
        distribution: None,
        vulnerabilities: merged(found),
        set_aside: Vec::new(),
    })
}

#[cfg(test)]
#[path = "attestation_tests.rs"]
mod tests;
