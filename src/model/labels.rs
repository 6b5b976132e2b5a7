//! Labels and selectors: which clusters are meant. A selector is a map from label to the value,
//! or the list of values, that the label may have; all its entries must hold. The empty selector
//! selects every cluster.

use std::collections::BTreeMap;

use crate::yaml::Spanned;

/// A cluster's labels.
pub type Labels = BTreeMap<String, String>;

/// Which clusters, by their labels: every entry must hold.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct Selector(pub BTreeMap<Spanned<String>, Spanned<Allowed>>);

/// The values that a label may have.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Allowed {
    /// Exactly this value.
    One(String),
    /// Any of these values.
    Any(Vec<Spanned<String>>),
}

/// By hand, since serde's `untagged` loses the places of the values.
impl<'de> serde::Deserialize<'de> for Allowed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrAny;
        impl<'de> serde::de::Visitor<'de> for OneOrAny {
            type Value = Allowed;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a label value or a list of label values")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Allowed, E> {
                Ok(Allowed::One(text.to_owned()))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Allowed, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(Allowed::Any(values))
            }
        }
        deserializer.deserialize_any(OneOrAny)
    }
}

impl Allowed {
    /// The values in written order.
    pub fn values(&self) -> Vec<&str> {
        match self {
            Self::One(value) => vec![value],
            Self::Any(values) => values.iter().map(|v| v.value.as_str()).collect(),
        }
    }
}

impl Selector {
    /// Whether `labels` satisfy every entry.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|(label, allowed)| {
            labels.get(&label.value).is_some_and(|found| allowed.value.values().contains(&found.as_str()))
        })
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
