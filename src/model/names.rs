//! Names as types: what may be called what. A name is checked once, where it is read, and never
//! again. Products, clusters, waves, pools and pipelines carry DNS labels, since their names end
//! up in Kubernetes object names, git tags and label values.

use std::fmt;
use std::str::FromStr;

/// Why a text is no name; the message says what was found and what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no {what}: {expected}")]
pub struct NameError {
    what: &'static str,
    found: String,
    expected: &'static str,
}

/// A DNS label: lower-case letters, digits and dashes, 1 to 63 characters, no dash at either end
/// (RFC 1123, as Kubernetes' "Object Names and IDs" page has it).
fn dns_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// A release or pin id: letters, digits, dots and dashes, 1 to 63 characters, as it stands in a
/// file name and in a git ref component (git-check-ref-format: no `..`, no dot at either end, no
/// `.lock` at the end).
fn identifier(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
    (1..=63).contains(&text.len())
        && text.chars().all(inner)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.ends_with('.')
        && !text.ends_with(".lock")
        && !text.contains("..")
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $check:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $type(std::sync::Arc<str>);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                if $check(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(NameError { what: $what, found: text.to_owned(), expected: $expected })
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string", "minLength": 1, "maxLength": 63, "description": $expected
                })
            }
        }
    };
}

name!(
    /// The name of a product, which is its folder's name under `products/`.
    ProductName, "product name", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of a cluster in the Fleet file, or as its source names it.
    ClusterName, "cluster name", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of a pipeline, which is its file's name under `pipelines/`.
    PipelineName, "pipeline name", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of the fleet.
    FleetName, "fleet name", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of the calendar.
    CalendarName, "calendar name", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of the file of sources.
    SourcesName, "name of sources", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of the support file.
    SupportName, "name of a support file", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of other people's product, as endoflife.date has it.
    UpstreamName, "name of an upstream product", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of a scenario, which is its file's name.
    ScenarioName, "scenario name", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of a window or a freeze in the calendar.
    WindowName, "window name", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of a wave within a pipeline.
    WaveName, "wave name", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of a pool within a wave.
    PoolName, "pool name", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of an environment, that is a value of the cluster label `env`.
    EnvironmentName, "environment name", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The name of a deploy step or a test within its product.
    StepName, "step name", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// A gate's id within its wave, such as `approval` or `api-usage`.
    GateId, "gate id", dns_label,
    "expected 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
);
name!(
    /// The id of a release, such as `R42` or `R41.1`; also its file's name under `releases/`.
    ReleaseId, "release id", identifier,
    "expected 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit, without `..` and not ending in `.` or `.lock`"
);
name!(
    /// The id of a pin, such as `PIN-118`; also its file's name under `pipelines/pins/`.
    PinId, "pin id", identifier,
    "expected 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit, without `..` and not ending in `.` or `.lock`"
);
name!(
    /// The id of an acceptance, such as `RISK-7`; also its file's name under `pipelines/acceptances/`.
    AcceptanceId, "acceptance id", identifier,
    "expected 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit, without `..` and not ending in `.` or `.lock`"
);
name!(
    /// The id of a deferral, such as `DEFER-3`; also its file's name under `pipelines/deferrals/`.
    DeferralId, "deferral id", identifier,
    "expected 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit, without `..` and not ending in `.` or `.lock`"
);
name!(
    /// The id of a rollout: `RELEASE-N`, such as `R42-1`.
    RolloutId, "rollout id", identifier,
    "expected RELEASE-N, such as R42-1"
);

impl RolloutId {
    /// The id of the `n`th rollout of a release, counted from 1.
    ///
    /// # Errors
    /// When release and number together are longer than a name may be.
    pub fn new(release: &ReleaseId, n: u32) -> Result<Self, NameError> {
        format!("{release}-{n}").parse()
    }

    /// Its number, if it is a rollout of this release.
    pub fn number(&self, release: &ReleaseId) -> Option<u32> {
        self.as_str().strip_prefix(release.as_str())?.strip_prefix('-')?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_product_name_is_a_dns_label() {
        assert!("cert-manager".parse::<ProductName>().is_ok());
        for bad in ["", "-a", "a-", "A", "a.b", "a b", &"a".repeat(64)] {
            assert!(bad.parse::<ProductName>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_release_id_can_stand_in_a_git_ref() {
        for good in ["R42", "R41.1", "2026-11"] {
            assert!(good.parse::<ReleaseId>().is_ok(), "{good} was refused");
        }
        for bad in ["", ".a", "a..b", "a.lock", "a/b", "a.", "a~b"] {
            assert!(bad.parse::<ReleaseId>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_wrong_name_says_what_was_expected() {
        let error = "Foo".parse::<WaveName>().unwrap_err().to_string();
        assert!(error.starts_with("`Foo` is no wave name: expected 1 to 63 lower-case"), "{error}");
    }
}
