//! SHA-256 digests: of bytes, of values as canonical JSON, of folders as archives.
//!
//! Decides how a digest is written and over which bytes it is taken. Which fields go into a
//! release's, plan's or product's digest is left to the modules that own them.

pub mod archive;

use std::fmt;
use std::str::FromStr;

use ::hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

const PREFIX: &str = "sha256:";

/// A SHA-256 digest, written `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// A digest from its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 digits alone.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// For people: `sha256:9c41..e7`, the first four and the last two digits.
    pub fn short(&self) -> String {
        let [first, second, .., last] = self.0;
        format!("{PREFIX}{first:02x}{second:02x}..{last:02x}")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{PREFIX}{}", self.hex()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.hex())
    }
}

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is `sha256:` and 64 lower-case hexadecimal digits: {0}")]
pub struct ParseError(String);

impl FromStr for Digest {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let Some(digits) = text.strip_prefix(PREFIX) else {
            return Err(ParseError(format!("this one does not start with `{PREFIX}`")));
        };
        if digits.len() != 64 {
            let found = digits.chars().count();
            return Err(ParseError(format!("this one has {found} digits")));
        }
        // One digest has one spelling, so that texts can be compared.
        if digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ParseError("this one has upper-case digits".to_owned()));
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes)
            .map_err(|_| ParseError("this one has other characters".to_owned()))?;
        Ok(Digest(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Digest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a digest like `sha256:9c41...`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Digest, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl schemars::JsonSchema for Digest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" })
    }
}

/// The digest of bytes.
pub fn bytes(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Why a value has no canonical JSON.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// It is no JSON: keys that are not text, infinity, NaN, or a `Serialize` that failed.
    #[error("the value has no canonical JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// A whole number from 2^53 up: JSON's numbers are doubles (RFC 8785, section 3.2.2.3), so
    /// that two such numbers could have one digest.
    #[error("the number {0} is beyond what JSON holds exactly; write it as text")]
    TooLarge(String),
}

/// A value as canonical JSON (RFC 8785, JSON Canonicalization Scheme).
///
/// # Errors
/// When the value is no JSON, or has a whole number from 2^53 up.
pub fn canonical_json(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, CanonicalError> {
    let json = serde_json_canonicalizer::to_vec(&value).map_err(CanonicalError::NotJson)?;
    match too_large(&json) {
        Some(number) => Err(CanonicalError::TooLarge(number)),
        None => Ok(json),
    }
}

/// The first whole number from 2^53 up in canonical JSON. Looked for in the text, since the numbers
/// were rounded by then and a second serializer would cost as much as the first.
fn too_large(json: &[u8]) -> Option<String> {
    const LIMIT: u128 = 1 << 53;
    let mut in_string = false;
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'0'..=b'9' if !in_string => {
                let rest = json.get(at..)?;
                let end = rest.iter().position(|b| matches!(b, b',' | b']' | b'}')).unwrap_or(rest.len());
                let number = std::str::from_utf8(rest.get(..end)?).ok()?;
                if number.parse::<u128>().is_ok_and(|number| number >= LIMIT) {
                    return Some(number.to_owned());
                }
                at += end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The digest of a value's canonical JSON.
///
/// # Errors
/// As [`canonical_json`].
pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Digest, CanonicalError> {
    canonical_json(value).map(|json| bytes(&json))
}

/// HMAC-SHA-256 (RFC 2104) of bytes under a key of any length.
pub fn hmac(key: &[u8], bytes: &[u8]) -> Digest {
    // RFC 2104 takes keys of any length; the error type is the trait's, for other MACs.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { unreachable!("HMAC takes keys of any length") };
    Digest(mac.chain_update(bytes).finalize().into_bytes().into())
}

#[cfg(test)]
mod tests;
