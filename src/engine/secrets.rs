//! Secret references of values become secrets, at dispatch and nowhere else. What comes out can't be
//! printed or stored by accident.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::catalog::product::Content;
use crate::journal::StepOutcome;
use crate::model::{DeployStep, SecretRef, Test};
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

/// The references in the environments of a product's scripts.
pub fn of_scripts(content: &Content) -> Vec<SecretRef> {
    let steps = content.file.spec.deploy.iter().filter_map(|step| match &step.value {
        DeployStep::Run(step) => step.env.as_ref(),
        _ => None,
    });
    let tests = content.file.spec.tests.iter().filter_map(|test| match &test.value {
        Test::Run(test) => test.env.as_ref(),
        Test::Job(_) => None,
    });
    steps.chain(tests).flat_map(|env| references(&env.to_json())).collect()
}

/// Every secret that products of one cluster are given, by their values and by the environments of
/// their scripts: what must not be shown, whoever says it.
///
/// # Errors
/// When one can't be had: nobody then knows what is to be hidden.
pub async fn of_products<'p>(
    secrets: &dyn Secrets,
    products: impl IntoIterator<Item = (&'p serde_json::Value, &'p Content)>,
) -> Result<Known, Fault> {
    let mut all = std::collections::BTreeSet::new();
    for (values, content) in products {
        all.extend(references(values));
        all.extend(of_scripts(content));
    }
    let known = Known::default();
    for reference in all {
        known.add([&secrets.resolve(&reference).await?]);
    }
    Ok(known)
}

/// The secrets that are known to whoever works on one cluster.
#[derive(Default)]
pub struct Known(Mutex<Vec<Secret>>);

impl Known {
    /// Adds secrets.
    pub fn add<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in secrets {
            if !all.iter().any(|known| known.expose() == secret.expose()) {
                all.push(secret.clone());
            }
        }
    }

    /// All of them.
    pub fn all(&self) -> Vec<Secret> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What hides them.
    pub fn mask(&self) -> Mask {
        Mask::new(self.all().iter().map(Secret::expose))
    }
}

/// An outcome without what is to be hidden.
pub fn hide(mask: &Mask, outcome: StepOutcome) -> StepOutcome {
    match outcome {
        StepOutcome::Done { summary, evidence } => StepOutcome::Done {
            summary: mask.hide(&summary),
            evidence: evidence.into_iter().map(|(name, fact)| (name, hide_in(mask, fact))).collect(),
        },
        StepOutcome::Failed { class, cause, output } => StepOutcome::Failed {
            class,
            cause: mask.hide(&cause),
            output: output.iter().map(|line| mask.hide(line)).collect(),
        },
        StepOutcome::TimedOut { cause } => StepOutcome::TimedOut { cause: mask.hide(&cause) },
        StepOutcome::Unknown { cause } => StepOutcome::Unknown { cause: mask.hide(&cause) },
    }
}

fn hide_in(mask: &Mask, fact: serde_json::Value) -> serde_json::Value {
    match fact {
        serde_json::Value::String(text) => mask.hide(&text).into(),
        serde_json::Value::Array(items) => items.into_iter().map(|item| hide_in(mask, item)).collect(),
        serde_json::Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key, hide_in(mask, value))).collect()
        }
        other => other,
    }
}

/// A reference as a key and for people: where the secret is, never what it is.
fn words(reference: &SecretRef) -> String {
    match reference {
        SecretRef::Env(name) => format!("env {name}"),
        SecretRef::File(path) => format!("file {path}"),
        SecretRef::Exec(command) => format!("exec {}", command.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_shows_no_secret_in_any_of_its_parts() {
        let known = Known::default();
        let secret = Secret::new("k4n4ri3");
        known.add([&secret, &secret]);
        assert_eq!(known.all().len(), 1);
        let text = "pod says k4n4ri3".to_owned();
        let facts = serde_json::json!({"warnings": [text], "more": {"deep": text}, "count": 1});
        let evidence = [("facts".to_owned(), facts)].into();
        let class = crate::journal::FailureClass::Test;
        let outcomes = [
            StepOutcome::Done { summary: text.clone(), evidence },
            StepOutcome::Failed { class, cause: text.clone(), output: vec![text.clone()] },
            StepOutcome::TimedOut { cause: text.clone() },
            StepOutcome::Unknown { cause: text.clone() },
        ];
        for outcome in outcomes {
            let shown = format!("{:?}", hide(&known.mask(), outcome));
            assert!(!shown.contains("k4n4ri3") && shown.contains("pod says ***"), "{shown}");
        }
    }
}
