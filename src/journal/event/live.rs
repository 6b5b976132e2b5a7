//! What is said about the fleet while rollouts run: over what a stop-the-line reaches, and who is a
//! member.

use crate::model::{Labels, RolloutId};

/// A member of the fleet, as far as rollouts look at it while they run.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Its labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Whether it is switched off on purpose.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hibernated: bool,
    /// Whether the fleet's source lists it, instead of the file.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sourced: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Over what a stop-the-line reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(tag = "over", rename_all = "kebab-case")]
pub enum StopScope {
    /// Every cluster of every rollout.
    Fleet,
    /// Every cluster of one rollout.
    Rollout {
        /// Which.
        rollout: RolloutId,
    },
    /// The clusters that have all these labels, in every rollout.
    Clusters {
        /// Label and value; never empty.
        labels: Labels,
    },
}

impl std::fmt::Display for StopScope {
    /// As it is typed: `fleet`, `rollout:R42-1`, `env=prod,region=eu`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fleet => f.write_str("fleet"),
            Self::Rollout { rollout } => write!(f, "rollout:{rollout}"),
            Self::Clusters { labels } => {
                let pairs: Vec<String> =
                    labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
                f.write_str(&pairs.join(","))
            }
        }
    }
}

impl std::str::FromStr for StopScope {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "fleet" {
            return Ok(Self::Fleet);
        }
        if let Some(id) = text.strip_prefix("rollout:") {
            return id
                .parse()
                .map(|rollout| Self::Rollout { rollout })
                .map_err(|error: crate::model::NameError| error.to_string());
        }
        let mut labels = Labels::new();
        for pair in text.split(',') {
            match pair.split_once('=') {
                Some((label, value)) if !label.is_empty() && !value.is_empty() => {
                    if labels.insert(label.to_owned(), value.to_owned()).is_some_and(|old| old != value) {
                        return Err(format!("no cluster has two values of the label {label}"));
                    }
                }
                _ => return Err("expected fleet, rollout:ID, or LABEL=VALUE[,LABEL=VALUE...]".to_owned()),
            }
        }
        Ok(Self::Clusters { labels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_as_it_is_printed() {
        for text in ["fleet", "rollout:R42-1", "env=prod", "env=prod,region=eu"] {
            assert_eq!(text.parse::<StopScope>().map(|scope| scope.to_string()), Ok(text.to_owned()));
        }
        for bad in ["", "prod", "env=", "=prod", "env=prod,", "rollout:", "env=prod,env=qa"] {
            assert!(bad.parse::<StopScope>().is_err(), "{bad:?} was taken");
        }
    }
}
