//! Secret references of values become secrets, at dispatch and nowhere else. What comes out can't be
//! printed or stored by accident.

use std::collections::BTreeMap;

use crate::diag::Place;
use crate::model::secrets::references;
use crate::port::{Fault, Secret, Secrets};
use crate::render::Mask;
use crate::yaml::Node;

/// Values whose secret references are resolved: no Debug, no Serialize.
pub struct Values(serde_json::Value);

impl Values {
    /// The values; every use of this name is a place to look at in a review.
    pub fn expose(&self) -> &serde_json::Value {
        &self.0
    }
}

/// Resolves every reference in values; beside them, the secrets by their path (RFC 6901).
///
/// # Errors
/// When a reference is malformed or its secret can't be had; the path is named, never the value.
pub async fn resolve(
    secrets: &dyn Secrets,
    values: &serde_json::Value,
) -> Result<(Values, BTreeMap<String, Secret>), Fault> {
    let node = Node::from_json(values, &Place::none());
    let (found, findings) = references(&node);
    if let Some(finding) = findings.iter().next() {
        return Err(Fault::permanent(finding.message.clone()));
    }
    let mut values = values.clone();
    let mut by_path = BTreeMap::new();
    for (path, reference, _) in found {
        let secret = secrets
            .resolve(&reference)
            .await
            .map_err(|fault| Fault::new(fault.class, format!("the secret at {path} can't be had: {fault}")))?;
        if let Some(place) = values.pointer_mut(&path) {
            *place = serde_json::Value::String(secret.expose().to_owned());
        }
        by_path.insert(path, secret);
    }
    Ok((Values(values), by_path))
}

/// A script's environment: plain variables, and secret ones.
pub type Environment = (BTreeMap<String, String>, BTreeMap<String, Secret>);

/// Reads an `env` mapping: texts, numbers and booleans as they are, references resolved.
///
/// # Errors
/// As [`resolve`], and when a value is a list or a mapping that is no reference.
pub async fn environment(secrets: &dyn Secrets, env: &serde_json::Value) -> Result<Environment, Fault> {
    let (values, by_path) = resolve(secrets, env).await?;
    let (mut plain, mut hidden) = Environment::default();
    for (name, value) in values.expose().as_object().into_iter().flatten() {
        let path = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        match (by_path.get(&path), value) {
            (Some(secret), _) => {
                hidden.insert(name.clone(), secret.clone());
            }
            (None, serde_json::Value::String(text)) => {
                plain.insert(name.clone(), text.clone());
            }
            (None, serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => {
                plain.insert(name.clone(), value.to_string());
            }
            (None, _) => {
                return Err(Fault::permanent(format!("env `{name}` is neither a text nor a `secretRef`")));
            }
        }
    }
    Ok((plain, hidden))
}

/// What hides these secrets in a text.
pub fn mask<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Mask {
    Mask::new(secrets.into_iter().map(Secret::expose))
}
