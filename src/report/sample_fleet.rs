//! A fleet for the tests of reports and screens: files with a line of releases that were really
//! cut, and a journal that saw clusters at every place of it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::catalog::fleet;
use crate::catalog::product::Content;
use crate::catalog::release::{Tagged, cut};
use crate::catalog::testing::{catalog, tree};
use crate::journal::Body;
use crate::model::{ClusterEntry, ClusterName, ClusterUid, Observed, ObservedProduct, RecordPhase};

use super::sample::{Story, digest_of};

/// The files, written step by step.
#[derive(Default)]
pub struct Files(Vec<(String, String)>);

fn content(name: &str, version: &str) -> Content {
    let text = format!(
        "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: {name} }}\nspec:\n  version: {version}\n  owner: team\n"
    );
    Content::at(&tree(&[("product.yaml", &text)]), &format!("products/{name}")).unwrap()
}

impl Files {
    /// Their catalog.
    pub fn catalog(&self) -> Catalog {
        catalog(&self.0.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect::<Vec<_>>())
    }

    /// Another file.
    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.0.push((path.to_owned(), text.to_owned()));
        self
    }

    /// A release of these products, cut; `more` are further lines of its spec.
    pub fn release(mut self, id: &str, more: &str, products: &[(&str, &str)]) -> Self {
        let list: Vec<String> = products.iter().map(|(name, version)| format!("{name}: {version}")).collect();
        let text = format!(
            "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: {{ name: {id} }}\nspec:\n  kubernetes: \"1.36\"\n{more}  products: {{ {} }}\n",
            list.join(", ")
        );
        let path = format!("releases/{id}.yaml");
        self.0.push((path.clone(), text.clone()));
        let tagged = products.iter().map(|(name, version)| {
            (name.parse().unwrap(), Tagged { commit: "c".repeat(40), content: content(name, version) })
        });
        let done = cut(&self.catalog(), &id.parse().unwrap(), &tagged.collect()).unwrap();
        self.0.pop();
        self.0.push((path, format!("{text}lock: {}\n", serde_json::to_string(&done.lock).unwrap())));
        self
    }

    /// A fleet of clusters with these labels.
    pub fn fleet(self, clusters: &[(&str, &str)]) -> Self {
        let clusters: String = clusters
            .iter()
            .map(|(name, labels)| {
                format!("    - {{ name: {name}, labels: {{ {labels} }}, kubeconfig: {{ path: k, context: {name} }} }}\n")
            })
            .collect();
        self.with(
            "pipelines/fleet.yaml",
            &format!("apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: {{ name: f }}\nspec:\n  clusters:\n{clusters}"),
        )
    }
}

/// The members of a catalog's fleet.
pub fn members(catalog: &Catalog) -> BTreeMap<ClusterName, ClusterEntry> {
    fleet::members(&catalog.fleet.as_ref().unwrap().file.spec, Vec::new()).0
}

/// A cluster is seen to run these versions, each with the release that brought it.
pub fn sees(story: &mut Story, cluster: &str, products: &[(&str, &str, &str)]) {
    let products = products.iter().map(|(name, version, release)| {
        let found = ObservedProduct {
            release: release.parse().unwrap(),
            version: version.parse().unwrap(),
            commit: "c".repeat(40),
            digest: content(name, version).digest,
            inputs: digest_of(version),
            phase: RecordPhase::Verified,
        };
        (name.parse().unwrap(), found)
    });
    let observed = Observed {
        at: story.now,
        uid: ClusterUid::new(&format!("uid-{cluster}")),
        kubernetes: "1.36".parse().unwrap(),
        server: "v1.36.1".into(),
        products: Arc::new(products.collect()),
    };
    story.push(
        None,
        Body::ClusterObserved { cluster: cluster.parse().unwrap(), observed: Box::new(observed) },
    );
}
