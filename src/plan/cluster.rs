//! What one cluster gets: targets in the order in which they are brought about, and what each means
//! for what it was last seen to run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::digest::{self, ClusterInputs, ProductInputs, UsedRenderers};
use super::hotfix::{self, Floors};
use super::leaving::{Leaving, leaving};
use super::partition::Member;
use super::pinned;
use super::{Access, Change, PlanInput, PlannedCluster, PlannedProduct, Target};
use crate::diag::{Finding, Findings, codes};
use crate::digest::{CanonicalError, Digest};
use crate::model::{ClusterEntry, ObservedProduct, ProductName, RecordPhase};
use crate::resolve::{Affected, Desired, Observation, Reason, Resolver, served};
use crate::version::Version;

/// Plans clusters one after another, and keeps what they share.
pub(super) struct Clusters<'a> {
    input: PlanInput<'a>,
    resolver: Resolver<'a>,
    removes: BTreeSet<&'a ProductName>,
    floors: Floors<'a>,
    halves: HashMap<(Digest, Digest), Digest>,
    /// Product versions that occur as targets.
    pub products: BTreeMap<Digest, PlannedProduct>,
    /// Effective values by digest.
    pub values: BTreeMap<Digest, serde_json::Value>,
    affected: Affected,
    planned: usize,
    somewhere_ahead: usize,
    ahead: BTreeSet<ProductName>,
}

impl<'a> Clusters<'a> {
    pub fn new(input: PlanInput<'a>) -> Self {
        Self {
            input,
            resolver: Resolver::new(input.ground()),
            removes: input.release.spec().removes.iter().map(|name| &name.value).collect(),
            floors: hotfix::floors(&input),
            halves: HashMap::new(),
            products: BTreeMap::new(),
            values: BTreeMap::new(),
            affected: Affected::default(),
            planned: 0,
            somewhere_ahead: 0,
            ahead: BTreeSet::new(),
        }
    }

    /// The cluster as planned.
    ///
    /// # Errors
    /// Never in practice: see [`super::digest`].
    pub fn plan(
        &mut self,
        member: &Member<'a>,
        observation: &Observation,
    ) -> Result<PlannedCluster, CanonicalError> {
        let entry = member.entry;
        let desired = self.resolver.cluster(entry, &member.labels, Some(observation));
        self.kubernetes(entry, observation);
        self.notice(entry, observation, &desired);
        let half = ClusterInputs {
            name: entry.name.value.as_str(),
            labels: &member.labels,
            provider: entry.provider.as_ref().map(|provider| provider.value.as_str()),
            kubernetes: observation.kubernetes,
        }
        .digest()?;
        let (removals, orphaned) = self.leaving(observation, &desired);
        let found = desired.products.iter().flat_map(|(name, p)| {
            [hotfix::obstacle(&self.floors, name, p), pinned::obstacle(&self.input, name, p)]
        });
        let obstacles: Vec<_> = found.flatten().collect();
        for obstacle in &obstacles {
            let key = format!("obstacle {obstacle}");
            self.affected.add(key, &desired.cluster, || pinned::finding(&self.input, obstacle));
        }
        let targets = self.targets(desired, observation, half)?;
        Ok(PlannedCluster {
            name: entry.name.value.clone(),
            uid: observation.uid.clone(),
            labels: member.labels.clone(),
            provider: entry.provider.as_ref().map(|provider| provider.value.clone()),
            access: Access {
                kubeconfig: entry.kubeconfig.path.value.clone(),
                context: entry.kubeconfig.context.as_ref().map(|context| context.value.clone()),
            },
            kubernetes: observation.kubernetes,
            observed_at: observation.at,
            stale: observation.stale,
            from: Arc::clone(&observation.products),
            targets,
            removals,
            orphaned,
            obstacles,
            back: None,
        })
    }

    /// Everything that was found, and whether the release is behind every cluster.
    pub fn finish(self) -> (BTreeMap<Digest, PlannedProduct>, BTreeMap<Digest, serde_json::Value>, Findings) {
        let mut findings = self.resolver.finish();
        findings.extend(self.affected.finish());
        if self.planned > 0 && self.planned == self.somewhere_ahead {
            let release = self.input.release;
            let names: Vec<String> = self.ahead.iter().map(|name| format!("`{name}`")).collect();
            findings.push(
                Finding::error(
                    &codes::EVERY_CLUSTER_AHEAD,
                    format!(
                        "every cluster runs something higher than release `{}` has: {}",
                        release.id,
                        names.join(", ")
                    ),
                )
                .at(&release.file.metadata.name.place)
                .hint("to go back on purpose, list the products under `lowers`, or roll back")
                .about(&self.ahead),
            );
        }
        (self.products, self.values, findings)
    }

    /// The release's Kubernetes version is a constraint: nothing here moves a cluster to it.
    fn kubernetes(&mut self, entry: &ClusterEntry, observation: &Observation) {
        let wanted = &self.input.release.spec().kubernetes;
        let release = self.input.release.id;
        let found = observation.kubernetes;
        if wanted.value.minor() != found {
            self.affected.add(format!("kubernetes {found}"), &entry.name.value, || {
                Finding::error(
                    &codes::OTHER_KUBERNETES,
                    format!(
                        "release `{release}` is for Kubernetes {}, and {found} is served",
                        wanted.value.minor()
                    ),
                )
                .at(&wanted.place)
                .hint("upgrade the cluster first, or cut a release for its version: clusters are not upgraded yet")
            });
            return;
        }
        let server = served(observation);
        if wanted.value.patch().is_some() && server.patch().is_some() && server.patch() < wanted.value.patch()
        {
            self.affected.add(format!("patch {server}"), &entry.name.value, || {
                Finding::warning(
                    &codes::BELOW_PATCH_FLOOR,
                    format!(
                        "release `{release}` wants at least Kubernetes {}, and {server} is served",
                        wanted.value
                    ),
                )
                .at(&wanted.place)
            });
        }
    }

    fn notice(&mut self, entry: &ClusterEntry, observation: &Observation, desired: &Desired) {
        let cluster = &entry.name.value;
        if observation.stale {
            self.affected.add("stale".to_owned(), cluster, || {
                Finding::warning(
                    &codes::PLANNED_FROM_LAST,
                    "not reached now, so planned from what was seen last",
                )
            });
        }
        self.planned += 1;
        let mut any = false;
        for (name, product) in &desired.products {
            if let Reason::Ahead { release_has } = &product.reason {
                any = true;
                self.ahead.insert(name.clone());
                let version = &product.version;
                self.affected.add(format!("ahead {name} {version} {release_has}"), cluster, || {
                    Finding::warning(
                        &codes::STAYS_AHEAD,
                        format!("`{name}` stays at {version}, above {release_has},"),
                    )
                });
            }
        }
        self.somewhere_ahead += usize::from(any);
    }

    /// Installed products that are not wanted any more: those that the release takes away, in
    /// reverse graph order, and those that are left alone.
    fn leaving(
        &mut self,
        observation: &Observation,
        desired: &Desired,
    ) -> (Vec<ProductName>, Vec<ProductName>) {
        let gone: Vec<(&ProductName, &ObservedProduct)> =
            observation.products.iter().filter(|(name, _)| !desired.products.contains_key(*name)).collect();
        if gone.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let Leaving { removals, stays, needed } = leaving(&gone, &self.removes, self.input.versions);
        for name in &stays {
            if let Some(by) = needed.get(name) {
                self.affected.add(format!("needed {name} {by}"), &desired.cluster, || {
                    Finding::warning(
                        &codes::STILL_NEEDED,
                        format!("`{name}` is not taken away: `{by}` stays, and requires it,"),
                    )
                    .hint(format!("take `{by}` away too, or first"))
                });
                continue;
            }
            self.affected.add(format!("orphan {name}"), &desired.cluster, || {
                Finding::info(
                    &codes::ORPHANED,
                    format!("`{name}` is installed, no longer wanted, and left alone"),
                )
            });
        }
        let owned = |names: Vec<&ProductName>| names.into_iter().cloned().collect();
        (owned(removals), owned(stays))
    }

    fn targets(
        &mut self,
        desired: Desired,
        observation: &Observation,
        half: Digest,
    ) -> Result<Vec<Target>, CanonicalError> {
        let durations = self.input.durations;
        let mut targets = Vec::with_capacity(desired.products.len());
        for (name, product) in desired.products {
            let Some(content) = self.input.versions.get(&product.digest) else { continue };
            let key = (product.digest, product.values.digest);
            let own = match self.halves.get(&key) {
                Some(own) => *own,
                None => {
                    let renderers = UsedRenderers::of(&content.file.spec, self.input.renderers);
                    let own = ProductInputs { product: key.0, values: key.1, renderers }.digest()?;
                    self.halves.insert(key, own);
                    self.values.entry(key.1).or_insert_with(|| product.values.node.to_json());
                    self.products
                        .entry(key.0)
                        .or_insert_with(|| super::product::planned(content, &product.commit, durations));
                    own
                }
            };
            let inputs = digest::inputs(&half, &own);
            let change = match change(observation.products.get(&name), &product.version, inputs) {
                Change::Unchanged if self.input.options.reapply => Change::Reapply,
                change => change,
            };
            targets.push(Target {
                phase: desired.phases.get(&name).copied().unwrap_or(0),
                product: name,
                version: product.version,
                digest: product.digest,
                inputs,
                values: product.values.digest,
                reason: product.reason,
                change,
            });
        }
        // They come by name; a stable sort keeps that within a phase.
        targets.sort_by_key(|target| target.phase);
        Ok(targets)
    }
}

/// What a target means for a cluster that runs `found`.
pub fn change(found: Option<&ObservedProduct>, version: &Version, inputs: Digest) -> Change {
    let Some(found) = found else { return Change::Install };
    match found.version.cmp(version) {
        std::cmp::Ordering::Less => Change::Raise { from: found.version.clone() },
        std::cmp::Ordering::Greater => Change::Lower { from: found.version.clone() },
        std::cmp::Ordering::Equal if found.inputs != inputs => Change::Reconfigure,
        std::cmp::Ordering::Equal if found.phase != RecordPhase::Verified => Change::Reapply,
        std::cmp::Ordering::Equal => Change::Unchanged,
    }
}
