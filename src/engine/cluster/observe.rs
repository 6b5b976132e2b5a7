//! Seeing what a cluster is and what it runs. Only reads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::apply::record::{self, Record};
use crate::diag::codes;
use crate::json::At as _;
use crate::model::{ClusterUid, Observed, ProductName, RolloutId};
use crate::version::{KubeMinor, KubeVersion};

use super::wire::JSON;
use super::{Cluster, Error, Guard, Holding, Kind, Outcome};

/// Who a cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The UID of its `kube-system` namespace.
    pub uid: ClusterUid,
    /// The minor that the API server serves (the emulated one, where it emulates).
    pub kubernetes: KubeMinor,
    /// `gitVersion`.
    pub server: String,
}

/// What one visit saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// As events carry it.
    pub observed: Observed,
    /// The whole records.
    pub records: BTreeMap<ProductName, Record>,
    /// What the cluster's lease says, if it has one.
    pub lease: Option<Holding>,
}

impl Sight {
    /// Why the cluster is not this journal's to touch, if it is not; `knows` tells the rollouts that
    /// the journal knows. A cluster with neither lease nor record is everybody's.
    pub fn foreign(&self, journal: Uuid, knows: &dyn Fn(&RolloutId) -> bool) -> Option<String> {
        match &self.lease {
            Some(lease) if lease.journal != Some(journal) => {
                Some(format!("{} holds the cluster's lease", lease.holder))
            }
            _ => record::admit(&self.records, journal, knows).err().map(|why| why.to_string()),
        }
    }
}

/// For so long an answer holds: whoever has just asked who a cluster is need not ask again.
const JUST_ASKED: Duration = Duration::from_secs(2);

impl Cluster {
    /// Asks who the cluster is; what it answered in the last two seconds still holds.
    ///
    /// # Errors
    /// When it can't be reached or does not let us in.
    pub async fn identify(&self) -> Outcome<Identity> {
        let known = || self.inner.identity.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let asked = self.inner.clock.boot();
        if let Some((at, identity)) = known().as_ref()
            && asked.saturating_sub(*at) < JUST_ASKED
        {
            return Ok(identity.clone());
        }
        let identity = self.ask_identity().await?;
        *known() = Some((asked, identity.clone()));
        Ok(identity)
    }

    async fn ask_identity(&self) -> Outcome<Identity> {
        let doing = "asking the cluster who it is";
        let namespace = self.look_at("/api/v1/namespaces/kube-system", doing);
        let version = self.read("/version", JSON, doing);
        let (namespace, version) = futures::future::join(namespace, version).await;
        let (namespace, version) = (namespace?, version?.unwrap_or_default());
        let uid = namespace.as_ref().and_then(|n| n.at("/metadata/uid")).and_then(Value::as_str);
        let uid =
            uid.ok_or_else(|| Error::new(Kind::Other, format!("{doing}: it has no namespace kube-system")))?;
        let server = version.get("gitVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
        let kubernetes = served_minor(&version, &server)
            .ok_or_else(|| Error::new(Kind::Other, format!("{doing}: it calls its version `{server}`")))?;
        Ok(Identity { uid: ClusterUid::new(uid), kubernetes, server })
    }

    /// Sees what it runs: identity, version, records.
    ///
    /// # Errors
    /// As [`Cluster::identify`], and when a record can't be read or is of a higher format.
    pub async fn observe(&self) -> Outcome<Sight> {
        let (identity, rest) =
            futures::future::join(self.identify(), futures::future::join(self.stored(), self.holding()))
                .await;
        let (identity, stored, lease) = (identity?, rest.0?, rest.1?);
        let records: BTreeMap<_, _> =
            stored.into_iter().map(|(product, stored)| (product, stored.record)).collect();
        Ok(Sight { observed: self.observed(identity, &records), records, lease })
    }

    fn observed(&self, identity: Identity, records: &BTreeMap<ProductName, Record>) -> Observed {
        let Identity { uid, kubernetes, server } = identity;
        let products = records.iter().map(|(product, r)| (product.clone(), r.current.observed()));
        let products = Arc::new(products.collect());
        Observed { at: self.inner.clock.now(), uid, kubernetes, server, products }
    }

    /// [`Cluster::identify`], and that it is the cluster that was planned.
    ///
    /// # Errors
    /// `Foreign` when it is another one.
    pub async fn expect(&self, uid: &ClusterUid) -> Outcome<Identity> {
        let identity = self.identify().await?;
        if identity.uid == *uid {
            return Ok(identity);
        }
        let code = codes::OTHER_CLUSTER.id;
        let why = format!(
            "{code}: this is another cluster: its kube-system has UID {}, expected {uid}",
            identity.uid
        );
        Err(Error { class: crate::journal::FailureClass::Permanent, ..Error::new(Kind::Other, why) })
    }
}

impl Guard {
    /// What the cluster runs, as it was when its lease was taken and has become since by this hand.
    ///
    /// # Errors
    /// As [`Cluster::identify`].
    pub async fn observe(&self) -> Outcome<Observed> {
        let identity = self.cluster.identify().await?;
        Ok(self.cluster.observed(identity, &self.records()))
    }
}

/// The minor that a server serves, from `/version`: the emulated one where it emulates.
fn served_minor(version: &Value, git: &str) -> Option<KubeMinor> {
    let number = |key: &str| {
        let text = version.get(key)?.as_str()?;
        // Some clouds write `34+`.
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    };
    let pair = |major: &str, minor: &str| Some(KubeMinor::new(number(major)?, number(minor)?));
    pair("emulationMajor", "emulationMinor")
        .or_else(|| pair("major", "minor"))
        .or_else(|| git.parse::<KubeVersion>().ok().map(|version| version.minor()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_emulated_minor_counts_and_a_plus_does_not() {
        let emulating = json!({"major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "34"});
        assert_eq!(served_minor(&emulating, "v1.36.3"), Some(KubeMinor::new(1, 34)));
        assert_eq!(served_minor(&json!({"major": "1", "minor": "34+"}), ""), Some(KubeMinor::new(1, 34)));
        assert_eq!(served_minor(&json!({}), "v1.31.2-gke.1000"), Some(KubeMinor::new(1, 31)));
        assert_eq!(served_minor(&json!({}), "unknown"), None);
    }
}
