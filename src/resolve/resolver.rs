//! From a release and a cluster to what that cluster shall run. One resolver serves a whole fleet:
//! what clusters have in common (merged values, phases, checks of a set) is worked out once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::affected::Affected;
use super::arrangement::{self, Arrangement, Member, arrange};
use super::images::Fixed;
use super::membership::{ClusterLayers, Layers};
use super::pins::Pins;
use super::{
    Desired, DesiredProduct, EffectiveValues, Exclusion, Ground, HeldProduct, Layer, Observation,
    ProductVersion, Reason, ResolveInput, values,
};
use crate::catalog::{pins, values as checks};
use crate::diag::{Finding, Findings, Place, codes};
use crate::digest::Digest;
use crate::model::{ClusterEntry, ClusterName, Labels, ObservedProduct, PinFile, ProductName};
use crate::version::{KubeVersion, Version};

/// What one cluster shall run, and what is wrong with that.
pub fn desired(input: &ResolveInput<'_>) -> (Desired, Findings) {
    let mut resolver = Resolver::new(input.ground);
    let labels = input.cluster.plain_labels();
    let desired = resolver.cluster(input.cluster, &labels, input.observed);
    (desired, resolver.finish())
}

/// Resolves the clusters of a fleet one after another.
#[derive(Debug)]
pub struct Resolver<'a> {
    ground: Ground<'a>,
    release: Vec<Candidate<'a>>,
    lowers: BTreeSet<&'a ProductName>,
    layers: Layers<'a>,
    pins: Pins<'a>,
    merged: HashMap<ValuesKey<'a>, Arc<EffectiveValues>>,
    fixed: Fixed<'a>,
    sets: HashMap<SetKey, Arranged>,
    findings: Findings,
    affected: Affected,
}

/// What an arrangement depends on: the digests and origins of the set, and the version served.
type SetKey = (Vec<u8>, Option<KubeVersion>);

/// The phases of a set, and what is wrong with it.
type Arranged = (Arc<BTreeMap<ProductName, u32>>, Arc<Arrangement>);

/// What merged values depend on: the content, and the layers that set values of the product.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ValuesKey<'a> {
    digest: Digest,
    environment: Option<String>,
    pool: Option<String>,
    cluster: Option<&'a ClusterName>,
}

/// A version that a product may get.
#[derive(Debug, Clone)]
struct Candidate<'a> {
    name: &'a ProductName,
    version: Version,
    commit: Arc<str>,
    digest: Digest,
    reason: Reason,
    place: &'a Place,
}

impl<'a> Resolver<'a> {
    /// Starts on a ground.
    pub fn new(ground: Ground<'a>) -> Self {
        let release = ground.release;
        let candidates = release.lock.products.iter().map(|(name, locked)| Candidate {
            name,
            version: locked.version.clone(),
            commit: locked.commit.as_str().into(),
            digest: locked.digest,
            reason: Reason::Release { release: release.id.clone() },
            place: release
                .spec()
                .products
                .iter()
                .find(|(product, _)| &product.value == name)
                .map_or(&release.file.metadata.name.place, |(_, version)| &version.place),
        });
        let pins = Pins::new(ground.pins, ground.now);
        let mut resolver = Self {
            ground,
            release: candidates.collect(),
            lowers: release.spec().lowers.iter().map(|name| &name.value).collect(),
            layers: Layers::of(ground.fleet),
            pins,
            merged: HashMap::new(),
            fixed: Fixed::new(&ground),
            sets: HashMap::new(),
            findings: Findings::new(),
            affected: Affected::default(),
        };
        resolver.unused_pins();
        resolver
    }

    /// Pins of products that the release lacks have nothing to hold.
    fn unused_pins(&mut self) {
        let known: BTreeSet<&ProductName> = self.release.iter().map(|c| c.name).collect();
        let unused: BTreeSet<&ProductName> = self.pins.products().filter(|p| !known.contains(p)).collect();
        for pin in self.ground.pins.iter().filter(|pin| unused.contains(&pin.spec.product.value)) {
            self.findings.push(
                Finding::warning(
                    &codes::PIN_WITHOUT_PRODUCT,
                    format!(
                        "pin `{}` holds nothing: release `{}` has no product `{}`",
                        pin.metadata.name.value, self.ground.release.id, pin.spec.product.value
                    ),
                )
                .at(&pin.spec.product.place),
            );
        }
    }

    /// What one cluster shall run. `labels` are the cluster's, without places.
    pub fn cluster(
        &mut self,
        entry: &'a ClusterEntry,
        labels: &Labels,
        observed: Option<&Observation>,
    ) -> Desired {
        let cluster = &entry.name.value;
        let mut chosen: Vec<Chosen<'a>> = Vec::with_capacity(self.release.len());
        let mut excluded: BTreeMap<ProductName, Vec<Exclusion>> = BTreeMap::new();
        let mut places: HashMap<&ProductName, &'a Place> = HashMap::new();
        let layers = self.layers.of_cluster(entry, labels);
        for candidate in &self.release {
            let name = candidate.name;
            let pick = pick(
                &self.ground,
                &self.pins,
                &self.lowers,
                &mut self.affected,
                candidate,
                entry,
                labels,
                observed,
            );
            let Some(content) = self.ground.versions.get(&pick.digest) else {
                let key = format!("content {name} {}", pick.digest);
                self.affected.add(key, cluster, || without_content(&pick));
                continue;
            };
            let mut why = Vec::new();
            if !content.file.spec.selector.matches(labels) {
                why.push(Exclusion::Selector);
            }
            for (exclusion, place) in layers.exclusions(name) {
                places.entry(name).or_insert(place);
                why.push(exclusion);
            }
            if why.is_empty() {
                chosen.push(Chosen { pick, content });
            } else {
                excluded.insert(name.clone(), why);
            }
        }
        let (phases, arrangement) = arranged(&mut self.sets, &chosen, observed, self.ground);
        for problem in &arrangement.problems {
            // An exclusion may be why something is missing: say so, and where it is written.
            let absent: Vec<_> =
                excluded.iter().filter(|(name, _)| arrangement::names(problem, name)).collect();
            let why: Vec<String> = absent
                .iter()
                .map(|(name, exclusions)| {
                    let list: Vec<String> = exclusions.iter().map(ToString::to_string).collect();
                    format!("`{name}` is kept away by {}", list.join(" and "))
                })
                .collect();
            let key = format!("set {} {} {}", problem.message, problem.hints.concat(), why.concat());
            self.affected.add(key, cluster, || {
                let finding = why.iter().fold(problem.clone(), |finding, why| finding.hint(why));
                let written = absent.iter().filter_map(|(name, _)| places.get(*name));
                written.fold(finding, |finding, place| finding.related(place, "excluded here"))
            });
        }
        let mut products = Vec::with_capacity(chosen.len());
        for Chosen { pick, content } in chosen {
            let values = merged(&mut self.merged, &mut self.findings, &layers, pick.name, content, cluster);
            let found = observed.and_then(|observed| observed.products.get(pick.name));
            let brought_by = found.filter(|found| found.digest == pick.digest).map(|found| &found.release);
            let values = self.fixed.over(values, pick.name, content, &pick.reason, brought_by);
            let product = DesiredProduct {
                version: pick.version,
                commit: pick.commit,
                digest: pick.digest,
                reason: pick.reason,
                values,
            };
            products.push((pick.name.clone(), product));
        }
        Desired { cluster: cluster.clone(), products: products.into_iter().collect(), excluded, phases }
    }

    /// Everything that was wrong or is worth knowing.
    pub fn finish(self) -> Findings {
        let mut findings = self.findings;
        findings.extend(self.affected.finish());
        findings
    }
}

/// A version that a cluster gets, with its content.
#[derive(Debug)]
struct Chosen<'a> {
    pick: Candidate<'a>,
    content: &'a ProductVersion,
}

/// The version of one product for one cluster: a hold's, else a pin's, else the release's, and never below what
/// runs there unless that is allowed (invariant 12 of the design).
#[allow(clippy::too_many_arguments)]
fn pick<'a>(
    ground: &Ground<'a>,
    pins: &Pins<'a>,
    lowers: &BTreeSet<&'a ProductName>,
    affected: &mut Affected,
    candidate: &Candidate<'a>,
    entry: &ClusterEntry,
    labels: &Labels,
    observed: Option<&Observation>,
) -> Candidate<'a> {
    let (name, cluster) = (candidate.name, &entry.name.value);
    let pinned = pins.of(name, cluster, labels);
    for pin in &pinned.ended {
        affected.add(format!("ended {}", pin.metadata.name.value), cluster, || pins::ended(pin));
    }
    for pin in &pinned.holding {
        if let Some(finding) = pins::ends_soon(pin, ground.now) {
            affected.add(format!("ends {}", pin.metadata.name.value), cluster, || finding);
        }
    }
    if let [first, second, ..] = pinned.holding.as_slice() {
        let key = format!("pins {} {}", first.metadata.name.value, second.metadata.name.value);
        affected.add(key, cluster, || contradicting(first, second));
    }
    let held = ground.holds.get(cluster).into_iter().flatten().find(|held| held.product == *name);
    let base = match (held, pinned.chooses()) {
        (Some(held), _) => by_hold(candidate, held),
        (None, Some(pin)) => by_pin(name, pin),
        (None, None) => candidate.clone(),
    };
    let Some(observation) = observed else { return base };
    let running = observation.products.get(name).filter(|found| found.version > base.version);
    let Some(found) = running else { return base };
    let past = ground.past_pins.get(&observation.uid).into_iter().flatten();
    let from_pin = pinned.ended.iter().any(|pin| pin.spec.digest.value == found.digest)
        || past.into_iter().any(|past| past.product == *name && past.digest == found.digest);
    // Whoever holds a product wants it to stay where it is.
    let falls = lowers.contains(name) || (from_pin && !brought_by_release(ground, name, found));
    if held.is_none() && falls {
        return base;
    }
    if pinned.chooses().is_some() {
        let key = format!("below {name} {}", base.version);
        affected.add(key, cluster, || below(&base, &found.version));
    }
    Candidate {
        version: found.version.clone(),
        commit: found.commit.as_str().into(),
        digest: found.digest,
        reason: Reason::Ahead { release_has: base.version.clone() },
        ..base
    }
}

/// Whether the release that the cluster's record names has this very content: then no pin brought
/// it, whatever pins there were.
fn brought_by_release(ground: &Ground<'_>, name: &ProductName, found: &ObservedProduct) -> bool {
    ground
        .releases
        .iter()
        .filter(|release| release.metadata.name.value == found.release)
        .filter_map(|release| release.lock.as_ref()?.value.products.get(name))
        .any(|locked| locked.digest == found.digest)
}

fn by_hold<'a>(candidate: &Candidate<'a>, held: &HeldProduct) -> Candidate<'a> {
    Candidate {
        name: candidate.name,
        version: held.version.clone(),
        commit: held.commit.as_str().into(),
        digest: held.digest,
        reason: Reason::Hold { by: held.by.clone(), until: held.until.clone(), reason: held.reason.clone() },
        place: candidate.place,
    }
}

fn by_pin<'a>(name: &'a ProductName, pin: &'a PinFile) -> Candidate<'a> {
    Candidate {
        name,
        version: pin.spec.version.value.clone(),
        commit: pin.spec.commit.value.as_str().into(),
        digest: pin.spec.digest.value,
        reason: Reason::Pin {
            pin: pin.metadata.name.value.clone(),
            owner: pin.spec.owner.value.clone(),
            until: pin.spec.expires.value.to_string(),
        },
        place: &pin.spec.version.place,
    }
}

/// Phases and problems of a set; worked out once for all clusters that have the same.
fn arranged(
    sets: &mut HashMap<SetKey, Arranged>,
    chosen: &[Chosen<'_>],
    observed: Option<&Observation>,
    ground: Ground<'_>,
) -> Arranged {
    let mut key = Vec::with_capacity(chosen.len() * 33);
    for Chosen { pick, .. } in chosen {
        key.extend_from_slice(pick.digest.as_bytes());
        // The words for where a version comes from are part of what is said about it.
        match &pick.reason {
            Reason::Release { .. } => key.push(0),
            Reason::Ahead { .. } => key.push(1),
            Reason::Hold { .. } => key.push(3),
            Reason::Rollback { .. } => key.push(4),
            Reason::Pin { pin, .. } => {
                key.push(2);
                key.extend_from_slice(pin.as_str().as_bytes());
            }
        }
    }
    let kubernetes = observed.map(served);
    let (phases, arrangement) = sets.entry((key, kubernetes)).or_insert_with_key(|(_, kubernetes)| {
        let members: Vec<Member<'_>> = chosen
            .iter()
            .map(|Chosen { pick, content }| Member {
                name: pick.name,
                content,
                version: &pick.version,
                reason: &pick.reason,
                place: pick.place,
            })
            .collect();
        let mut arrangement = arrange(&members, kubernetes.as_ref(), &ground.release.spec().kubernetes.place);
        (Arc::new(std::mem::take(&mut arrangement.phases)), Arc::new(arrangement))
    });
    (Arc::clone(phases), Arc::clone(arrangement))
}

/// The version that a cluster serves: the server's own where that is of the served minor, else (a
/// server that emulates an older minor) the minor alone.
pub fn served(observation: &Observation) -> KubeVersion {
    match observation.server.parse::<KubeVersion>() {
        Ok(version) if version.minor() == observation.kubernetes => version,
        _ => observation.kubernetes.into(),
    }
}

fn origin(reason: &Reason) -> String {
    match reason {
        Reason::Release { release } => format!("release {release}"),
        Reason::Pin { pin, .. } => format!("pin {pin}"),
        Reason::Ahead { .. } => "installed there".to_owned(),
        Reason::Rollback { of, .. } => format!("before {of}"),
        Reason::Hold { by, .. } => format!("held by {by}"),
    }
}

/// The effective values of a product on a cluster, checked; worked out once for all clusters with
/// the same layers.
fn merged<'a>(
    cache: &mut HashMap<ValuesKey<'a>, Arc<EffectiveValues>>,
    findings: &mut Findings,
    layers: &ClusterLayers<'_, 'a>,
    name: &'a ProductName,
    content: &'a ProductVersion,
    cluster: &'a ClusterName,
) -> Arc<EffectiveValues> {
    let set = layers.values(name);
    let named = |wanted: fn(&Layer) -> Option<&str>| set.iter().find_map(|(view, _)| wanted(&view.layer));
    let key = ValuesKey {
        digest: content.digest,
        environment: named(|layer| match layer {
            Layer::Environment(name) => Some(name),
            _ => None,
        })
        .map(str::to_owned),
        pool: named(|layer| match layer {
            Layer::Pool(name) => Some(name),
            _ => None,
        })
        .map(str::to_owned),
        cluster: set.iter().any(|(view, _)| view.layer == Layer::Cluster).then_some(cluster),
    };
    if let Some(values) = cache.get(&key) {
        return Arc::clone(values);
    }
    let product = &content.file.spec;
    let mut found = Findings::new();
    for (_, node) in &set {
        found.extend(checks::unknown_keys(name, product, node));
    }
    let defaults = product.values.as_ref();
    let values = match values::merge(defaults, set.iter().map(|(view, node)| (view.layer.clone(), *node))) {
        Ok(values) => values,
        Err(error) => {
            let place = set.last().map(|(_, node)| &node.place).or(defaults.map(|node| &node.place));
            let finding = Finding::error(
                &codes::VALUES_NOT_JSON,
                format!("values of `{name}` on `{cluster}`: {error}"),
            );
            found.push(match place {
                Some(place) => finding.at(place),
                None => finding,
            });
            EffectiveValues::none()
        }
    };
    // What is unknown is said already; the schema would say it again in its own words.
    if found.is_empty() {
        found.extend(checks::break_schema(name, product, &values.node, checks::Completeness::Whole));
    }
    // Layers meet in several combinations; a mistake in one of them is said once.
    for finding in &found {
        if !findings.iter().any(|known| known == finding) {
            findings.push(finding.clone());
        }
    }
    let values = Arc::new(values);
    cache.insert(key, Arc::clone(&values));
    values
}

fn contradicting(first: &PinFile, second: &PinFile) -> Finding {
    Finding::error(
        &codes::CONFLICTING_PINS,
        format!(
            "pins `{}` ({}) and `{}` ({}) both hold `{}`",
            first.metadata.name.value,
            first.spec.version.value,
            second.metadata.name.value,
            second.spec.version.value,
            first.spec.product.value
        ),
    )
    .at(&second.spec.product.place)
    .label(format!("held by `{}`", second.metadata.name.value))
    .related(&first.spec.product.place, format!("held by `{}`", first.metadata.name.value))
    .next(format!("tidegate pin remove {}", second.metadata.name.value))
}

fn below(pinned: &Candidate<'_>, running: &Version) -> Finding {
    Finding::warning(
        &codes::PIN_BELOW_RUNNING,
        format!(
            "{} would lower `{}` to {}, so {running} stays",
            origin(&pinned.reason),
            pinned.name,
            pinned.version
        ),
    )
    .at(pinned.place)
    .hint(format!("list `{}` under `lowers` of the release to lower it on purpose", pinned.name))
}

fn without_content(pick: &Candidate<'_>) -> Finding {
    Finding::error(
        &codes::CONTENT_ABSENT,
        format!(
            "the content of `{}` {} ({}, {}) was not found; it is wanted",
            pick.name,
            pick.version,
            origin(&pick.reason),
            pick.digest.short()
        ),
    )
    .at(pick.place)
    .hint(format!("it lies in commit {}, else under the tag `{}/v{}`", pick.commit, pick.name, pick.version))
    .next("git fetch --tags")
}
