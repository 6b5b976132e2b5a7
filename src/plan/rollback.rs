//! Making the plan of a rollback: what each cluster ran before a rollout, brought back in reverse
//! order of waves, pools, clusters and phases. One-way steps are left out and named, products that
//! the release added stay unless they are asked to go. What ran where before is an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::back::{PlanKind, PlannedBack, PlannedRollback, SkippedStep, Stay, Stays};
use super::cluster::change;
use super::digest::{self, ClusterInputs, ProductInputs};
use super::{
    Change, FORMAT, Notice, Plan, PlanOptions, PlannedCluster, PlannedPool, PlannedProduct, PlannedStep,
    PlannedWave, Renderers, Target,
};
use crate::catalog::graph::Graph;
use crate::diag::{Finding, Findings, codes};
use crate::digest::{CanonicalError, Digest, of};
use crate::model::{ClusterName, ObservedProduct, ProductName, RecordPhase, ReleaseId};
use crate::resolve::{Affected, Observation, Reason};
use crate::version::Version;

/// What a product was before a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    /// The release that had brought it.
    pub release: ReleaseId,
    /// Its version.
    pub version: Version,
    /// The commit whose tree holds its content.
    pub commit: String,
    /// Its product digest.
    pub digest: Digest,
    /// Its inputs digest there.
    pub inputs: Digest,
    /// Its effective values, secret references unresolved; `None` if nobody knows them.
    pub values: Option<serde_json::Value>,
    /// Whether it had come to be verified: only that is a place to go back to.
    pub verified: bool,
}

/// A cluster that carries what a rollout brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Carrier {
    /// What it ran before, by product.
    pub before: BTreeMap<ProductName, Before>,
    /// What it runs now.
    pub now: Observation,
}

/// What [`make`] reads.
#[derive(Debug, Clone, Copy)]
pub struct RollbackInput<'a> {
    /// The time.
    pub now: jiff::Timestamp,
    /// The git commit that is HEAD.
    pub commit: &'a str,
    /// The plan whose rollout goes back.
    pub original: &'a Plan,
    /// What is asked for.
    pub asked: &'a PlannedRollback,
    /// The clusters in question that carry what it brought.
    pub carriers: &'a BTreeMap<ClusterName, Carrier>,
    /// Product versions by digest, those of [`Before`].
    pub products: &'a BTreeMap<Digest, PlannedProduct>,
    /// What renders, with versions.
    pub renderers: &'a Renderers,
}

/// Makes the plan of a rollback. With it come findings that stop nothing; the plan carries them.
///
/// # Errors
/// When nothing carries what the rollout brought, a cluster ran something before that was never
/// verified (then a person has to choose), or its values or content are not to be found.
pub fn make(input: &RollbackInput<'_>) -> Result<(Plan, Findings), Findings> {
    let mut back =
        Back { input, products: BTreeMap::new(), values: BTreeMap::new(), said: Affected::default() };
    let mut waves = Vec::new();
    let mut whole = input.asked.whole;
    for wave in input.original.waves.iter().rev() {
        let mut pools = Vec::new();
        for pool in wave.pools.iter().rev() {
            let mut clusters = Vec::new();
            for planned in pool.clusters.iter().rev() {
                let Some(carrier) = input.carriers.get(&planned.name) else { continue };
                let made = back.cluster(planned, carrier).map_err(uncanonical)?;
                let goes = made.targets.iter().any(|t| t.change.acts()) || !made.removals.is_empty();
                if goes {
                    clusters.push(made);
                } else {
                    whole = false;
                }
            }
            if !clusters.is_empty() {
                pools.push(PlannedPool { name: pool.name.clone(), at_once: pool.at_once, clusters });
            }
        }
        if !pools.is_empty() {
            // What is broken is brought back as fast as tests allow: neither soak nor gates.
            let (soak, gates_after) = (None, Vec::new());
            let first = waves.is_empty();
            let asked = input.original.pipeline.rollback_gate.iter().filter(|_| first);
            let gates_before = asked.cloned().collect();
            waves.push(PlannedWave { pools, soak, gates_before, gates_after, ..wave.clone() });
        }
    }
    let Back { products, values, said, .. } = back;
    let mut findings = said.finish();
    if waves.is_empty() && !findings.has_errors() {
        findings.push(
            Finding::error(
                &codes::NOTHING_TO_ROLL_BACK,
                format!("no cluster that is asked for carries what {} brought", input.asked.of),
            )
            .next(format!("tidegate rollout status {}", input.asked.of)),
        );
    }
    if findings.has_errors() {
        return Err(findings.sorted());
    }
    let release = &input.original.release;
    for wave in &mut waves {
        wave.digest = digest::wave(release.digest, release.lane, wave, &products).map_err(uncanonical)?;
    }
    let findings = findings.sorted();
    let notice = |f: &Finding| Notice { code: f.code.id.to_owned(), message: f.message.clone() };
    let plan = Plan {
        format: FORMAT,
        digest: digest::plan(waves.iter().map(|wave| &wave.digest)).map_err(uncanonical)?,
        made_at: input.now,
        commit: input.commit.to_owned(),
        kind: PlanKind::Rollback(Box::new(PlannedRollback { whole, ..input.asked.clone() })),
        notices: findings.iter().map(notice).collect(),
        // What is gone back to ran there, verified: that it is smaller is no accident.
        options: PlanOptions { allow_prune: true, reapply: false, ..input.original.options },
        renderers: input.renderers.clone(),
        waves,
        products,
        values,
        unassigned: Vec::new(),
        unknown: Vec::new(),
        release: release.clone(),
        lineage: input.original.lineage.clone(),
        pipeline: input.original.pipeline.clone(),
    };
    Ok((plan, findings))
}

fn uncanonical(error: CanonicalError) -> Findings {
    Finding::error(&codes::VALUES_NOT_JSON, format!("the plan can't be digested: {error}")).into()
}

/// A step that is left out on the way back, one-way by the product file of this version.
fn skipped(bad: &Target, step: &PlannedStep, version: &Version) -> SkippedStep {
    SkippedStep { product: bad.product.clone(), step: step.name.clone(), version: version.clone() }
}

/// Plans clusters one after another, and keeps what they share.
struct Back<'a> {
    input: &'a RollbackInput<'a>,
    products: BTreeMap<Digest, PlannedProduct>,
    values: BTreeMap<Digest, serde_json::Value>,
    said: Affected,
}

/// How one product goes back.
enum Way<'b> {
    /// The rollout did not change it, or it is back already: it stays as it runs.
    Same,
    /// Back to this.
    Back(&'b Before),
    /// It stays as it is.
    Stays(Stays),
}

impl Back<'_> {
    fn cluster(
        &mut self,
        planned: &PlannedCluster,
        carrier: &Carrier,
    ) -> Result<PlannedCluster, CanonicalError> {
        let runs = &carrier.now.products;
        let half = ClusterInputs {
            name: planned.name.as_str(),
            labels: &planned.labels,
            provider: planned.provider.as_deref(),
            kubernetes: carrier.now.kubernetes,
        }
        .digest()?;
        let mut back = PlannedBack::default();
        let mut targets = Vec::new();
        for bad in &planned.targets {
            let (before, found) = (carrier.before.get(&bad.product), runs.get(&bad.product));
            match self.way(bad, before, found) {
                Way::Same => targets.extend(self.kept(bad, before, found)?),
                Way::Stays(because) => {
                    let version = found.map_or_else(|| bad.version.clone(), |found| found.version.clone());
                    back.stays.push(Stay { product: bad.product.clone(), version, because });
                }
                Way::Back(before) => {
                    let Some(content) = self.content(&planned.name, &bad.product, before) else { continue };
                    let skipped = self.one_way(bad, &content);
                    if !skipped.is_empty() && skipped.len() == content.steps.len() {
                        back.stays.push(Stay {
                            product: bad.product.clone(),
                            version: bad.version.clone(),
                            because: Stays::OneWay,
                        });
                        continue;
                    }
                    back.skipped.extend(skipped);
                    back.skipped.extend(self.left_behind(bad, &content));
                    targets.extend(self.target(
                        planned,
                        (&bad.product, bad.phase),
                        before,
                        &content,
                        half,
                        found,
                    )?);
                }
            }
        }
        let top = planned.targets.iter().map(|t| t.phase).max().unwrap_or(0);
        for (product, phase) in self.taken_away(planned, carrier, top) {
            let (before, found) = (carrier.before.get(product), runs.get(product));
            let Some(before) = before else { continue };
            let Some(content) = self.content(&planned.name, product, before) else { continue };
            targets.extend(self.target(planned, (product, phase), before, &content, half, found)?);
        }
        targets.sort_by(|a, b| b.phase.cmp(&a.phase).then_with(|| a.product.cmp(&b.product)));
        if self.input.asked.remove_added {
            back.stays.retain(|stay| {
                stay.because != Stays::Added || {
                    let phase = planned.phase_of(&stay.product).unwrap_or(0);
                    back.removals.insert(stay.product.clone(), phase);
                    false
                }
            });
        }
        let mut removals: Vec<ProductName> = back.removals.keys().cloned().collect();
        removals.sort_by_key(|product| std::cmp::Reverse(back.removals.get(product).copied()));
        self.tell(planned, &back);
        Ok(PlannedCluster {
            kubernetes: carrier.now.kubernetes,
            observed_at: carrier.now.at,
            stale: carrier.now.stale,
            from: Arc::clone(runs),
            targets,
            removals,
            orphaned: planned.orphaned.clone(),
            obstacles: Vec::new(),
            back: Some(Box::new(back)),
            ..planned.clone()
        })
    }

    /// How a product goes back whose rollout target is `bad`.
    fn way<'b>(&self, bad: &Target, before: Option<&'b Before>, found: Option<&ObservedProduct>) -> Way<'b> {
        match (before, found) {
            // What was tried again, and had never come to be verified, is no place to go back to.
            (Some(before), _) if before.inputs == bad.inputs && (before.verified || !bad.change.acts()) => {
                Way::Same
            }
            (Some(before), Some(found)) if found.inputs == bad.inputs => Way::Back(before),
            (Some(before), Some(found)) if found.inputs == before.inputs || found.digest == before.digest => {
                Way::Same
            }
            (None, Some(found)) if found.inputs == bad.inputs => Way::Stays(Stays::Added),
            (_, Some(_)) => Way::Stays(Stays::Moved),
            // It was not there before, or is not there any more.
            (_, None) => Way::Same,
        }
    }

    /// What was there before; a person has to choose when that was never verified or can't be found.
    fn content(
        &mut self,
        cluster: &ClusterName,
        product: &ProductName,
        before: &Before,
    ) -> Option<PlannedProduct> {
        let version = &before.version;
        let of = &self.input.asked.of;
        if !before.verified {
            self.said.add(format!("unverified {product} {version}"), cluster, || {
                Finding::error(
                    &codes::BEFORE_UNVERIFIED,
                    format!("`{product}` {version}, which ran before {of}, was never verified: nothing to go back to"),
                )
                .hint("leave the cluster out with --wave or --cluster, or roll a mended release forward")
            });
            return None;
        }
        let known = self.input.products.get(&before.digest).filter(|_| before.values.is_some());
        if known.is_none() {
            self.said.add(format!("unknown {product} {version}"), cluster, || {
                Finding::error(
                    &codes::BEFORE_UNKNOWN,
                    format!("the content or the values of `{product}` {version}, which ran before {of}, are not to be found"),
                )
                .hint("fetch the tag of that version into this repository, or roll a mended release forward")
            });
        }
        known.cloned()
    }

    /// The steps of `content` that are not taken: one-way there, or in what the rollout brought.
    fn one_way(&self, bad: &Target, content: &PlannedProduct) -> Vec<SkippedStep> {
        let brought = self.input.original.products.get(&bad.digest);
        let steps = content.steps.iter().filter_map(|step| {
            let there = brought.and_then(|b| b.steps.iter().find(|s| s.name == step.name && s.one_way));
            let version = match (there, step.one_way) {
                (Some(_), _) => &bad.version,
                (None, true) => &content.version,
                (None, false) => return None,
            };
            Some(skipped(bad, step, version))
        });
        steps.collect()
    }

    /// The one-way steps that only the brought version has: nothing takes back what they did.
    fn left_behind(&self, bad: &Target, content: &PlannedProduct) -> Vec<SkippedStep> {
        let brought = self.input.original.products.get(&bad.digest).into_iter().flat_map(|b| &b.steps);
        let left = brought.filter(|step| step.one_way && content.steps.iter().all(|s| s.name != step.name));
        left.map(|step| skipped(bad, step, &bad.version)).collect()
    }

    /// A product that goes on as it runs: part of the cluster's set, so that nothing of it is taken
    /// for somebody else's, and not touched. Nothing if its content is not known.
    fn kept(
        &mut self,
        bad: &Target,
        before: Option<&Before>,
        found: Option<&ObservedProduct>,
    ) -> Result<Option<Target>, CanonicalError> {
        let original = self.input.original;
        let Some(found) = found else { return Ok(None) };
        let (content, json) = if found.digest == bad.digest {
            (
                original.products.get(&bad.digest),
                original.values.get(&bad.values).cloned().unwrap_or_default(),
            )
        } else {
            let before = before.filter(|before| before.digest == found.digest);
            let Some(json) = before.and_then(|before| before.values.clone()) else { return Ok(None) };
            (self.input.products.get(&found.digest), json)
        };
        let Some(content) = content else { return Ok(None) };
        let values = if found.digest == bad.digest { bad.values } else { of(&json)? };
        self.values.entry(values).or_insert(json);
        self.products.entry(found.digest).or_insert_with(|| content.clone());
        Ok(Some(Target {
            version: found.version.clone(),
            digest: found.digest,
            inputs: found.inputs,
            values,
            change: if found.phase == RecordPhase::Verified { Change::Unchanged } else { Change::Reapply },
            ..bad.clone()
        }))
    }

    fn target(
        &mut self,
        planned: &PlannedCluster,
        (product, phase): (&ProductName, u32),
        before: &Before,
        content: &PlannedProduct,
        half: Digest,
        found: Option<&ObservedProduct>,
    ) -> Result<Option<Target>, CanonicalError> {
        let renderers = self.input.renderers;
        if renderers.helm.is_none() && content.steps.iter().any(|step| step.kind == "helm") {
            self.said.add(format!("helm {product}"), &planned.name, || {
                Finding::error(
                    &codes::NO_HELM,
                    format!("product `{product}` has a chart, and there is no helm"),
                )
                .hint("install helm 4, or put it on the PATH")
            });
            return Ok(None);
        }
        let json = before.values.clone().unwrap_or_default();
        let values = of(&json)?;
        self.values.entry(values).or_insert(json);
        self.products.entry(before.digest).or_insert_with(|| content.clone());
        let own = ProductInputs { product: before.digest, values, renderers: content.renderers(renderers) };
        let inputs = digest::inputs(&half, &own.digest()?);
        Ok(Some(Target {
            product: product.clone(),
            phase,
            version: before.version.clone(),
            digest: before.digest,
            inputs,
            values,
            reason: Reason::Rollback { of: self.input.asked.of.clone(), release: before.release.clone() },
            change: change(found, &before.version, inputs),
        }))
    }

    /// Products that the rollout took away, with phases above all others: the last that went comes
    /// back first, what it requires before it.
    fn taken_away<'b>(
        &self,
        planned: &'b PlannedCluster,
        carrier: &Carrier,
        top: u32,
    ) -> Vec<(&'b ProductName, u32)> {
        let gone: Vec<&ProductName> = planned
            .removals
            .iter()
            .filter(|p| carrier.before.contains_key(*p) && !carrier.now.products.contains_key(*p))
            .collect();
        let requires = |product: &ProductName| {
            let content = carrier.before.get(product).and_then(|b| self.input.products.get(&b.digest));
            content.map(|content| content.requires.iter().collect::<Vec<_>>()).unwrap_or_default()
        };
        let phases = Graph::of(gone.iter().map(|product| (*product, requires(product)))).phases();
        let phase = |product: &ProductName| phases.get(product).copied().unwrap_or(0);
        let highest = gone.iter().map(|product| phase(product)).max().unwrap_or(0);
        gone.iter().map(|product| (*product, top + 1 + highest - phase(product))).collect()
    }

    /// Says what stays and what is skipped.
    fn tell(&mut self, planned: &PlannedCluster, back: &PlannedBack) {
        for skipped in &back.skipped {
            self.said.add(format!("skips {skipped}"), &planned.name, || {
                Finding::warning(
                    &codes::ONE_WAY_SKIPPED,
                    format!("`{skipped}` is not taken on the way back, and what it did stays"),
                )
            });
        }
        let stays: BTreeSet<&Stay> = back.stays.iter().collect();
        for stay in stays {
            self.said.add(format!("stays {stay}"), &planned.name, || {
                let finding = Finding::warning(&codes::STAYS_BEHIND, stay.to_string());
                match stay.because {
                    Stays::Added => finding.hint("--remove-added takes it away"),
                    Stays::OneWay | Stays::Moved => finding,
                }
            });
        }
    }
}
