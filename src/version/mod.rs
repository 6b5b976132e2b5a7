//! Versions of products and of Kubernetes, and ranges over both.
//!
//! Decides how they are read, written, ordered and matched. The `semver` crate does the precedence;
//! types of our own stand around it because it takes `1.31.2-gke.1000` for a prerelease and knows
//! neither `1.31`, `v1.2.3` nor `||`. Which version somebody gets is left to `resolve`.

mod kube;
mod product;
mod range;
pub mod skew;

pub use kube::{KubeMinor, KubeRange, KubeVersion};
pub use product::Version;
pub use range::Range;

/// Why a text is no version or no range; a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(String);

impl ParseError {
    fn new(message: impl Into<String>) -> ParseError {
        ParseError(message.into())
    }
}

/// Longer texts are no versions; this bounds what an error message repeats.
const LONGEST: usize = 256;

fn check_length(what: &str, text: &str) -> Result<(), ParseError> {
    if text.len() > LONGEST {
        let bytes = text.len();
        return Err(ParseError::new(format!(
            "a {what} has at most {LONGEST} characters, this one has {bytes}"
        )));
    }
    Ok(())
}

/// Gives a type with `FromStr` and `Display` its serde and schema forms: a string.
macro_rules! as_string {
    ($type:ty, $name:literal, $expecting:literal, $pattern:literal, $examples:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl $type {
            /// What is expected where one is to stand.
            pub const EXPECTED: &'static str = $expecting;
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                    "examples": $examples,
                })
            }
        }
    };
}
use as_string;

#[cfg(test)]
mod tests;
