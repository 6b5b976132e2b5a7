//! Values on their way into templates: in one canonical form, with secret references resolved or
//! masked. Where a secret comes from is for a port; which values a cluster gets was decided before.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::fixed::FixedImages;
use super::mask::MASK;
use crate::model::SecretRef;
use crate::model::secrets::REFERENCE;

/// Values with their secrets in them. It has no Debug and no Serialize.
#[derive(Clone)]
pub struct Resolved {
    value: Value,
    secrets: Vec<Arc<str>>,
    images: FixedImages,
}

impl Resolved {
    fn of(mut value: Value, secrets: Vec<Arc<str>>) -> Self {
        let images = FixedImages::taken(&mut value);
        Self { value, secrets, images }
    }

    /// Values without any secret reference, or whose references are none of this caller's business.
    pub fn plain(value: &Value) -> Self {
        Self::of(canonical(value), Vec::new())
    }

    /// The values; every use of this name is a place to look at in a review.
    pub fn expose(&self) -> &Value {
        &self.value
    }

    /// The images that are fixed by the release. They are no values of templates and charts.
    pub fn images(&self) -> &FixedImages {
        &self.images
    }

    /// The secrets that were put in, for masking.
    pub fn secrets(&self) -> &[Arc<str>] {
        &self.secrets
    }
}

/// The reference that a value is.
fn reference(value: &Value) -> Option<SecretRef> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    serde_json::from_value(object.get(REFERENCE)?.clone()).ok()
}

/// Every reference in the values.
pub fn references(values: &Value) -> BTreeSet<SecretRef> {
    let mut found = BTreeSet::new();
    collect(values, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<SecretRef>) {
    if let Some(reference) = reference(value) {
        found.insert(reference);
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(object) => object.values().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// Puts the secrets in.
///
/// # Errors
/// The references that `lookup` does not know.
pub fn resolve_refs(
    values: &Value,
    lookup: &dyn Fn(&SecretRef) -> Option<Arc<str>>,
) -> Result<Resolved, BTreeSet<SecretRef>> {
    let mut secrets = Vec::new();
    let mut unknown = BTreeSet::new();
    let value = replace(&canonical(values), &mut |reference| match lookup(reference) {
        Some(secret) => {
            let text = secret.to_string();
            secrets.push(secret);
            text
        }
        None => {
            unknown.insert(reference.clone());
            String::new()
        }
    });
    if unknown.is_empty() { Ok(Resolved::of(value, secrets)) } else { Err(unknown) }
}

/// The values with every secret reference shown as `***`: for what is printed.
pub fn masked(values: &Value) -> Resolved {
    let value = replace(&canonical(values), &mut |_| MASK.to_owned());
    Resolved::of(value, Vec::new())
}

fn replace(value: &Value, with: &mut dyn FnMut(&SecretRef) -> String) -> Value {
    if let Some(reference) = reference(value) {
        return Value::String(with(&reference));
    }
    match value {
        Value::Array(items) => items.iter().map(|item| replace(item, with)).collect(),
        Value::Object(object) => {
            Value::Object(object.iter().map(|(key, item)| (key.clone(), replace(item, with))).collect())
        }
        other => other.clone(),
    }
}

/// The one form that equal values have, so that the same inputs digest always renders the same
/// text: keys in order, whole numbers without a fraction (RFC 8785 hashes 1.0 and 1 alike).
pub(super) fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => whole(number).unwrap_or_else(|| value.clone()),
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(object) => {
            let mut entries: Vec<(&String, &Value)> = object.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            Value::Object(entries.into_iter().map(|(key, item)| (key.clone(), canonical(item))).collect())
        }
        other => other.clone(),
    }
}

/// A float without fraction as the integer it is, within what a double holds exactly.
fn whole(number: &serde_json::Number) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().filter(|_| number.is_f64())?;
    if float.fract() != 0.0 || float.abs() > EXACT {
        return None;
    }
    // In range by the line above.
    #[allow(clippy::cast_possible_truncation)]
    let integer = float as i64;
    Some(Value::from(integer))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn values() -> Value {
        json!({"b": 1.0, "a": {"password": {"secretRef": {"env": "DB"}}, "n": [1.5, {"secretRef": {"file": "x"}}]}})
    }

    #[test]
    fn references_are_found_and_resolved() {
        assert_eq!(references(&values()), [SecretRef::Env("DB".into()), SecretRef::File("x".into())].into());
        let resolved = resolve_refs(&values(), &|reference| match reference {
            SecretRef::Env(name) => Some(format!("value of {name}").into()),
            _ => Some("file".into()),
        })
        .unwrap();
        assert_eq!(resolved.expose(), &json!({"a": {"n": [1.5, "file"], "password": "value of DB"}, "b": 1}));
        assert_eq!(resolved.secrets().len(), 2);
    }

    #[test]
    fn an_unknown_reference_is_named() {
        let unknown = resolve_refs(&values(), &|_| None).err().unwrap();
        assert_eq!(unknown.len(), 2);
    }

    #[test]
    fn masked_values_show_no_secret_and_no_reference() {
        assert_eq!(masked(&values()).expose()["a"]["password"], "***");
    }

    #[test]
    fn equal_values_have_one_form() {
        let one = canonical(&json!({"b": 2, "a": {"d": 1.0, "c": -0.0}}));
        let other = canonical(&json!({"a": {"c": 0, "d": 1}, "b": 2.0}));
        assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&other).unwrap());
        assert_eq!(canonical(&json!(1e300)), json!(1e300));
    }
}
