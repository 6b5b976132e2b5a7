//! One cluster with the reason of every version and the layer of every value, and one that was
//! taken over. The fleet as a whole is for `fleet`.

use std::collections::BTreeMap;

use crate::engine::adoption::Adopted;
use crate::model::{ClusterName, Labels, Observed, ProductName, ReleaseId};
use crate::output::mark::{Tone, bold, clean};
use crate::output::table::{Column, Table};
use crate::output::{Look, Screen};
use crate::report::age::Seen;
use crate::resolve::{Desired, Exclusion, Layer, Reason};

use super::plan::reason;

/// What one cluster shall run, and why.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterScreen {
    /// The cluster.
    pub cluster: ClusterName,
    /// Its labels.
    pub labels: Labels,
    /// The release that is looked at.
    pub release: ReleaseId,
    /// When it was last seen.
    pub seen: Seen,
    /// The Kubernetes minor it served then.
    pub kubernetes: Option<String>,
    /// Its products.
    pub products: Vec<ClusterProduct>,
    /// Products of the release that it does not get, and why.
    pub excluded: BTreeMap<ProductName, Vec<Exclusion>>,
    /// What was seen of it, whole: the records with their digests.
    pub observed: Option<Observed>,
}

/// One product of a cluster.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterProduct {
    /// The product.
    pub product: ProductName,
    /// The version it shall have.
    pub version: String,
    /// Why.
    pub reason: Reason,
    /// The version it was last seen to have.
    pub running: Option<String>,
    /// The effective values, secret references unresolved.
    pub values: serde_json::Value,
    /// The layer of every value, by its path.
    pub layers: BTreeMap<String, Layer>,
}

impl ClusterScreen {
    /// Of what was resolved and seen.
    pub fn of(
        desired: &Desired,
        labels: Labels,
        release: ReleaseId,
        observed: Option<&Observed>,
        seen: Seen,
    ) -> Self {
        let products = desired.products.iter().map(|(name, product)| ClusterProduct {
            product: name.clone(),
            version: product.version.to_string(),
            reason: product.reason.clone(),
            running: observed.and_then(|o| o.products.get(name)).map(|p| p.version.to_string()),
            values: product.values.node.to_json(),
            layers: product.values.layers.clone(),
        });
        Self {
            cluster: desired.cluster.clone(),
            labels,
            release,
            seen,
            kubernetes: observed.map(|o| o.kubernetes.to_string()),
            products: products.collect(),
            excluded: desired.excluded.clone(),
            observed: observed.cloned(),
        }
    }
}

impl Screen for ClusterScreen {
    const KIND: &'static str = "Cluster";

    fn text(&self, look: &Look) -> String {
        let labels: Vec<String> = self.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let seen = match self.seen.at {
            Some(at) => format!("seen {}", look.view.relative(at)),
            None => "never seen".to_owned(),
        };
        let kubernetes = self.kubernetes.as_ref().map_or_else(String::new, |k| format!(" · Kubernetes {k}"));
        let mut text = format!(
            "{} · {}{kubernetes} · {seen}\nwith release {}\n\n",
            bold(self.cluster.as_str()),
            clean(&labels.join(" ")),
            self.release
        );
        let mut products = Table::new([
            Column::left("PRODUCT"),
            Column::left("VERSION"),
            Column::left("RUNS"),
            Column::text("BECAUSE"),
        ]);
        for product in &self.products {
            products.row([
                product.product.as_str().into(),
                product.version.as_str().into(),
                product.running.as_deref().unwrap_or_default().into(),
                reason(&product.reason).into(),
            ]);
        }
        text.push_str(&products.text(look.width));
        for (product, why) in &self.excluded {
            let why: Vec<String> = why.iter().map(ToString::to_string).collect();
            text.push_str(&format!("{} {product} not here: {}\n", Tone::Quiet.glyph(), why.join(", ")));
        }
        let mut values = Table::new([
            Column::left("PRODUCT"),
            Column::left("VALUE"),
            Column::text("IS"),
            Column::text("FROM"),
        ]);
        for product in &self.products {
            for (path, from) in &product.layers {
                let value = product.values.pointer(path).map(ToString::to_string).unwrap_or_default();
                values.row([
                    product.product.as_str().into(),
                    dotted(path).into(),
                    value.into(),
                    from.to_string().into(),
                ]);
            }
        }
        if !values.is_empty() {
            text.push_str(&format!("\n{}", values.text(look.width)));
        }
        text
    }
}

/// The path of a value with dots: its keys, unescaped (RFC 6901).
fn dotted(path: &str) -> String {
    path.trim_start_matches('/').replace('/', ".").replace("~1", "/").replace("~0", "~")
}

/// A cluster that was taken over.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdoptedScreen {
    /// Which, from whom, with what.
    #[serde(flatten)]
    pub adopted: Adopted,
    /// Why.
    pub reason: String,
}

impl Screen for AdoptedScreen {
    const KIND: &'static str = "ClusterAdopted";

    fn text(&self, _: &Look) -> String {
        let adopted = &self.adopted;
        let from = adopted
            .from
            .as_ref()
            .map_or_else(|| "nobody held it".to_owned(), |f| format!("from {}", clean(f)));
        format!(
            "{} {} is adopted · {from} · {}\n",
            Tone::Good.paint(Tone::Good.glyph()),
            bold(adopted.cluster.as_str()),
            crate::diag::count(adopted.products.len(), "record")
        )
    }

    fn next(&self) -> Option<String> {
        Some(format!("tidegate cluster show {}", self.adopted.cluster))
    }
}
