//! Secret references of values become secrets, at dispatch and nowhere else. What comes out can't be
//! printed or stored by accident.

use std::collections::BTreeMap;

use crate::model::SecretRef;
use crate::port::{Fault, Secret, Secrets};
use crate::render::Mask;
use crate::render::values::{Resolved, references, resolve_refs};

/// Secrets by the reference that led to them, which is what a record's digest keys them by.
pub type Found = BTreeMap<String, Secret>;

/// Resolves every reference in values.
///
/// # Errors
/// When a secret can't be had; the reference is named, never the value.
pub async fn resolve(secrets: &dyn Secrets, values: &serde_json::Value) -> Result<(Resolved, Found), Fault> {
    let mut by_reference = BTreeMap::new();
    for reference in references(values) {
        let secret = secrets.resolve(&reference).await?;
        by_reference.insert(words(&reference), secret);
    }
    let lookup = |reference: &SecretRef| by_reference.get(&words(reference)).map(Secret::shared);
    let resolved = resolve_refs(values, &lookup).map_err(|unknown| {
        let names: Vec<String> = unknown.iter().map(words).collect();
        Fault::permanent(format!("no secret was found for {}", names.join(", ")))
    })?;
    Ok((resolved, by_reference))
}

/// A script's environment: plain variables, and secret ones.
pub type Environment = (BTreeMap<String, String>, BTreeMap<String, Secret>);

/// Reads an `env` mapping: texts, numbers and booleans as they are, references resolved.
///
/// # Errors
/// As [`resolve`], and when a value is a list or a mapping that is no reference.
pub async fn environment(secrets: &dyn Secrets, env: &serde_json::Value) -> Result<Environment, Fault> {
    let (mut plain, mut hidden) = Environment::default();
    for (name, value) in env.as_object().into_iter().flatten() {
        match value {
            serde_json::Value::String(text) => {
                plain.insert(name.clone(), text.clone());
            }
            serde_json::Value::Number(_) | serde_json::Value::Bool(_) => {
                plain.insert(name.clone(), value.to_string());
            }
            other => match references(other).into_iter().next() {
                Some(reference) => {
                    hidden.insert(name.clone(), secrets.resolve(&reference).await?);
                }
                None => {
                    return Err(Fault::permanent(format!(
                        "env `{name}` is neither a text nor a `secretRef`"
                    )));
                }
            },
        }
    }
    Ok((plain, hidden))
}

/// What hides these secrets in a text.
pub fn mask<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Mask {
    Mask::new(secrets.into_iter().map(Secret::expose))
}

/// A reference as a key and for people: where the secret is, never what it is.
fn words(reference: &SecretRef) -> String {
    match reference {
        SecretRef::Env(name) => format!("env {name}"),
        SecretRef::File(path) => format!("file {path}"),
        SecretRef::Exec(command) => format!("exec {}", command.join(" ")),
    }
}
