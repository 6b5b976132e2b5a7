//! The content of locked product versions, read once per driver: from git objects by digest, never
//! from the working tree.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::product::Content;
use crate::digest::Digest;
use crate::plan::PlannedProduct;
use crate::port::{Fault, Packages};

/// Contents by product digest.
pub struct Contents {
    packages: Arc<dyn Packages>,
    known: Mutex<HashMap<Digest, Arc<Content>>>,
}

impl Contents {
    /// Nothing read yet.
    pub fn new(packages: Arc<dyn Packages>) -> Self {
        Self { packages, known: Mutex::default() }
    }

    /// The content of a planned product version.
    ///
    /// # Errors
    /// When neither its commit nor its tag holds it, or it is not what the digest says.
    pub async fn get(&self, product: &PlannedProduct) -> Result<Arc<Content>, Fault> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&product.digest).cloned();
        if let Some(content) = known {
            return Ok(content);
        }
        let tree =
            self.packages.fetch(&product.name, &product.version, &product.commit, &product.digest).await?;
        let content = Content::at(&tree, &format!("products/{}", product.name)).map_err(|findings| {
            Fault::permanent(format!("{} {} can't be read: {findings}", product.name, product.version))
        })?;
        let content = Arc::new(content);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(known.entry(product.digest).or_insert(content)))
    }
}
