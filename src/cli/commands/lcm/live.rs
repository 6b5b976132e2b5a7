//! `lcm report --live`: which clusters are asked what they run, and how that is told.

use std::collections::BTreeMap;

use super::super::Context;
use crate::catalog::Catalog;
use crate::cli::args::LcmReport;
use crate::cli::failure::Failure;
use crate::engine::cluster::{Error, Kind};
use crate::engine::newer::{self, Asked, Live};
use crate::engine::survey;
use crate::lcm::live::Fields;
use crate::lcm::upstream::Silence;
use crate::model::{ClusterEntry, ClusterName};
use crate::report::weekly::{LiveClusters, SilentCluster};

/// Asks the clusters that are wanted; nothing if none is to be asked.
pub(super) async fn ask(
    args: &LcmReport,
    catalog: &Catalog,
    members: &BTreeMap<ClusterName, ClusterEntry>,
    context: &Context<'_>,
) -> Result<Option<Live>, Failure> {
    if !args.live {
        return Ok(None);
    }
    context.place.asks_clusters()?;
    for name in &args.cluster {
        if !members.contains_key(name) {
            let known = members.keys().map(ClusterName::as_str);
            return Err(Failure::missing("cluster", name.as_str(), known));
        }
    }
    let (fields, findings) = Fields::of(catalog);
    findings.into_result(())?;
    // Who is switched off on purpose is not waited for, unless that one is asked for by name.
    let wanted = |member: &&ClusterEntry| match args.cluster.is_empty() {
        true => !member.hibernated,
        false => args.cluster.contains(&member.name.value),
    };
    let clusters: Vec<_> =
        members.values().filter(wanted).map(|one| (one.name.value.clone(), survey::access(one))).collect();
    let owners = catalog.products.iter();
    let owners = owners.map(|(name, one)| (name.to_string(), one.file.spec.owner.value.clone())).collect();
    let git = context.place.repository().await?;
    let asked = Asked {
        port: &*context.place.clusters(&git),
        clock: &context.place.clock,
        times: &context.place.times()?,
        limit: args.within.std(),
        clusters: &clusters,
        fields: &fields,
        owners: &owners,
    };
    Ok(Some(newer::live(&asked).await))
}

/// What the report says of who answered.
pub(super) fn told(live: &Live) -> LiveClusters {
    let silent = live.silent.iter().map(|(cluster, error)| SilentCluster {
        cluster: cluster.clone(),
        silence: Some(silence(error)),
        why: error.message.clone(),
    });
    let lost = live.lost.iter().flat_map(|(cluster, lost)| {
        lost.iter().map(|why| SilentCluster { cluster: cluster.clone(), silence: None, why: why.clone() })
    });
    LiveClusters {
        asked: live.observed.len() + live.silent.len(),
        answered: live.observed.len(),
        silent: silent.chain(lost).collect(),
    }
}

fn silence(error: &Error) -> Silence {
    match error.kind {
        Kind::Unauthorized | Kind::Forbidden => Silence::Forbidden,
        Kind::Unreachable | Kind::Busy | Kind::TimedOut => Silence::Unreachable,
        _ => Silence::Invalid,
    }
}
