//! What lets this program in at a source: a reference to a secret, resolved when the source is first asked. A
//! reference that leads nowhere keeps out one source, and not the report.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::adapter::web::Pass;
use crate::model::SecretRef;
use crate::port::upstream::{Silence, Unanswered};
use crate::port::{Secret, Secrets};
use crate::yaml::Node;

/// A reference, and what it led to.
pub struct Key {
    reference: Option<SecretRef>,
    secrets: Arc<dyn Secrets>,
    found: OnceCell<Result<Secret, Unanswered>>,
}

impl Key {
    /// What a file says; nothing means to ask as nobody.
    pub fn of(node: Option<&Node>, secrets: Arc<dyn Secrets>) -> Self {
        // What is no reference is a finding of `check`, which comes first.
        let reference = node.and_then(SecretRef::of).and_then(Result::ok);
        Self { reference, secrets, found: OnceCell::new() }
    }

    /// What is shown, made of the secret.
    ///
    /// # Errors
    /// When the reference leads to nothing.
    pub(super) async fn pass(&self, made: impl Fn(&Secret) -> Pass) -> Result<Option<Pass>, Unanswered> {
        let Some(reference) = &self.reference else { return Ok(None) };
        let resolve = async || {
            let found = self.secrets.resolve(reference).await;
            found.map_err(|fault| Unanswered::new(Silence::Forbidden, fault.to_string()))
        };
        self.found.get_or_init(resolve).await.as_ref().map(|secret| Some(made(secret))).map_err(Clone::clone)
    }
}
