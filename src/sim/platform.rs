//! The platform that simulations bring along: five products that depend on each other, small and
//! without charts, so that they need no other program. Every version of a product renders images of that
//! version; nothing else tells versions apart.

use std::collections::BTreeMap;

use crate::model::{File, ProductName, Tree};
use crate::version::Version;

/// What a version is before it is said.
const UNSAID: &str = "version: 0.0.0";

/// Paths with their texts.
const FILES: [(&str, &str); 22] = [
    ("products/network/product.yaml", include_str!("platform/network/product.yaml")),
    (
        "products/network/manifests/00-namespace.yaml",
        include_str!("platform/network/manifests/00-namespace.yaml"),
    ),
    ("products/network/manifests/agent.yaml.j2", include_str!("platform/network/manifests/agent.yaml.j2")),
    (
        "products/network/tests/reaches-all.yaml.j2",
        include_str!("platform/network/tests/reaches-all.yaml.j2"),
    ),
    ("products/certificates/product.yaml", include_str!("platform/certificates/product.yaml")),
    (
        "products/certificates/manifests/00-namespace.yaml",
        include_str!("platform/certificates/manifests/00-namespace.yaml"),
    ),
    (
        "products/certificates/manifests/kinds.yaml",
        include_str!("platform/certificates/manifests/kinds.yaml"),
    ),
    (
        "products/certificates/manifests/controller.yaml.j2",
        include_str!("platform/certificates/manifests/controller.yaml.j2"),
    ),
    (
        "products/certificates/tests/issues.yaml.j2",
        include_str!("platform/certificates/tests/issues.yaml.j2"),
    ),
    ("products/ingress/product.yaml", include_str!("platform/ingress/product.yaml")),
    (
        "products/ingress/manifests/00-namespace.yaml",
        include_str!("platform/ingress/manifests/00-namespace.yaml"),
    ),
    ("products/ingress/manifests/proxy.yaml.j2", include_str!("platform/ingress/manifests/proxy.yaml.j2")),
    ("products/ingress/tests/answers.yaml.j2", include_str!("platform/ingress/tests/answers.yaml.j2")),
    ("products/monitoring/product.yaml", include_str!("platform/monitoring/product.yaml")),
    (
        "products/monitoring/manifests/00-namespace.yaml",
        include_str!("platform/monitoring/manifests/00-namespace.yaml"),
    ),
    (
        "products/monitoring/manifests/store.yaml.j2",
        include_str!("platform/monitoring/manifests/store.yaml.j2"),
    ),
    ("products/monitoring/tests/scrapes.yaml.j2", include_str!("platform/monitoring/tests/scrapes.yaml.j2")),
    ("products/backup/product.yaml", include_str!("platform/backup/product.yaml")),
    (
        "products/backup/manifests/00-namespace.yaml",
        include_str!("platform/backup/manifests/00-namespace.yaml"),
    ),
    ("products/backup/manifests/backup.yaml.j2", include_str!("platform/backup/manifests/backup.yaml.j2")),
    ("products/backup/tests/can-save.yaml.j2", include_str!("platform/backup/tests/can-save.yaml.j2")),
    ("README.md", "The platform of a simulation.\n"),
];

/// The products' names.
pub const PRODUCTS: [&str; 5] = ["network", "certificates", "ingress", "monitoring", "backup"];

/// The files of these product versions.
pub fn files(versions: &BTreeMap<ProductName, Version>) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in FILES {
        let of = path.strip_prefix("products/").and_then(|rest| rest.split('/').next());
        let text = match of.and_then(|of| versions.iter().find(|(product, _)| product.as_str() == of)) {
            Some((_, version)) => text.replace(UNSAID, &format!("version: {version}")),
            None if of.is_some() => continue,
            None => text.to_owned(),
        };
        tree.insert(path, File { bytes: text.into_bytes().into(), executable: false });
    }
    tree
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog;

    #[test]
    fn it_passes_check_in_any_version() {
        let versions = PRODUCTS.map(|name| (name.parse().unwrap(), "1.2.3".parse().unwrap())).into();
        let (catalog, findings) = catalog::load(&files(&versions));
        assert!(!findings.has_errors(), "{findings}");
        assert_eq!(catalog.products.len(), PRODUCTS.len());
        for product in catalog.products.values() {
            assert_eq!(product.file.spec.version.value.to_string(), "1.2.3");
        }
    }
}
