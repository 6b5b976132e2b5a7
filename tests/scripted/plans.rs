//! Plans of any shape, made from a few numbers.

use std::collections::BTreeMap;

use tidegate::digest::{self, Digest};
use tidegate::model::{
    AuthorMay, ClusterName, Conflicts, Duration, Joiners, Labels, Lane, ObservedProduct, ProductName, Push,
    RecordPhase, SoakClock, Tags, TestPolicy,
};
use tidegate::plan::{
    Access, Change, GateKind, Plan, PlanKind, PlanOptions, PlannedCatchUp, PlannedCluster, PlannedGate,
    PlannedLineage, PlannedObstacle, PlannedPipeline, PlannedPool, PlannedProduct, PlannedRate,
    PlannedRelease, PlannedSoak, PlannedStep, PlannedTest, PlannedWave, Repeat, Target,
};
use tidegate::resolve::Reason;

/// What a plan is made from.
#[derive(Clone, Debug)]
pub struct Shape {
    pub release: String,
    /// Clusters are called PREFIX-0, PREFIX-1 and so on.
    pub prefix: String,
    pub global: Option<u32>,
    pub push: Push,
    pub products: Vec<ProductShape>,
    pub waves: Vec<WaveShape>,
    /// Every third cluster pins the first product where it is.
    pub pins: bool,
    /// Every fifth cluster already runs everything.
    pub unchanged: bool,
    /// Whether the release goes through the hotfix lane.
    pub hotfix: bool,
    /// The releases that it contains.
    pub contains: Vec<String>,
    /// The number of the first cluster.
    pub first: usize,
    /// Clusters whose pin misses a hotfix, by number.
    pub blocked: Vec<usize>,
    /// The caps of regions.
    pub regions: BTreeMap<String, u32>,
    /// So many clusters may start within so many seconds.
    pub rate: Option<(u32, u64)>,
    /// So many clusters may fail while they catch up.
    pub late_budget: u32,
}

/// A product: its deploy steps and how many tests it has.
#[derive(Clone, Debug)]
pub struct ProductShape {
    pub steps: Vec<(Repeat, u32)>,
    pub tests: u32,
}

/// A wave.
#[derive(Clone, Debug)]
pub struct WaveShape {
    /// For each pool its number of clusters and its cap.
    pub pools: Vec<(usize, Option<u32>)>,
    pub at_once: Option<u32>,
    pub failures: u32,
    pub deferred: u32,
    pub canary: bool,
    pub all_tests: bool,
    pub soak: Option<u64>,
    /// Looks at most so many seconds apart, if observed time counts.
    pub observed: Option<u64>,
    /// So many seconds may one attempt at a cluster work.
    pub deadline: Option<u64>,
    pub before: bool,
    pub after: bool,
}

impl WaveShape {
    /// One pool of so many clusters, tolerating nothing, without gates or soak.
    pub fn of(clusters: usize) -> Self {
        Self {
            pools: vec![(clusters, None)],
            at_once: None,
            failures: 0,
            deferred: 0,
            canary: false,
            all_tests: false,
            soak: None,
            observed: None,
            deadline: None,
            before: false,
            after: false,
        }
    }
}

impl Shape {
    /// One product with one repeatable step and one test, in these waves.
    pub fn of(waves: Vec<WaveShape>) -> Self {
        Self {
            release: "R1".to_owned(),
            prefix: "c".to_owned(),
            global: None,
            push: Push::Never,
            products: vec![ProductShape { steps: vec![(Repeat::Safe, 2)], tests: 1 }],
            waves,
            pins: false,
            unchanged: false,
            hotfix: false,
            contains: Vec::new(),
            first: 0,
            blocked: Vec::new(),
            regions: BTreeMap::new(),
            rate: None,
            late_budget: 0,
        }
    }
}

fn named<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

fn digest_of(parts: &[&str]) -> Digest {
    digest::bytes(parts.join("/").as_bytes())
}

/// A fixed moment to count from.
pub fn start() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000).unwrap()
}

/// What a cluster gets that joins, like another one.
pub fn joined(like: &PlannedCluster, name: &ClusterName) -> PlannedCluster {
    let mut joined = like.clone();
    joined.name = name.clone();
    joined.uid = tidegate::model::ClusterUid::new(&format!("uid-{name}"));
    joined.obstacles.clear();
    joined.targets.iter_mut().for_each(|target| target.change = Change::Install);
    joined
}

/// The plan of a shape. Waves are called w0, w1; pools p0, p1; products a, b, c.
pub fn plan(shape: &Shape) -> Plan {
    let mut products = BTreeMap::new();
    for (n, product) in shape.products.iter().enumerate() {
        let planned = product_of(&shape.release, n, product);
        products.insert(planned.digest, planned);
    }
    let mut number = shape.first;
    let waves: Vec<PlannedWave> = shape
        .waves
        .iter()
        .enumerate()
        .map(|(w, wave)| wave_of(shape, w, wave, &mut number, &products))
        .collect();
    Plan {
        format: tidegate::plan::FORMAT,
        digest: digest_of(&["plan", &shape.release]),
        made_at: start(),
        commit: "0".repeat(40),
        kind: PlanKind::Forward,
        release: PlannedRelease {
            id: named(&shape.release),
            title: None,
            lane: if shape.hotfix { Lane::Hotfix } else { Lane::Normal },
            digest: digest_of(&["release", &shape.release]),
            parent: None,
            kubernetes: named("1.36"),
            authors: std::collections::BTreeSet::new(),
            lowers: Some(std::collections::BTreeSet::new()),
        },
        lineage: PlannedLineage {
            contains: shape.contains.iter().map(|id| named(id)).collect(),
            hotfixes: Vec::new(),
        },
        pipeline: PlannedPipeline {
            name: named("main"),
            digest: digest_of(&["pipeline"]),
            at_once: shape.global,
            regions: shape.regions.clone(),
            start_rate: shape
                .rate
                .map(|(clusters, seconds)| PlannedRate { clusters, per: Duration::seconds(seconds) }),
            catch_up: PlannedCatchUp { budget: shape.late_budget, joiners: Joiners::Follow },
            rollback_gate: None,
            tags: Tags { push: shape.push, remote: None },
        },
        waves,
        products,
        values: [(digest_of(&["values"]), serde_json::json!({}))].into(),
        unassigned: Vec::new(),
        unknown: Vec::new(),
        notices: Vec::new(),
        options: PlanOptions::default(),
        renderers: tidegate::plan::Renderers { manifests: 1, helm: None },
    }
}

/// A change between two plans of one rollout.
#[derive(Clone, Copy, Debug)]
pub enum Revision {
    /// A wave with two new clusters stands before the one at this place.
    WaveAdded(usize),
    /// The cluster at the first place goes to the wave at the second.
    Moved(usize, usize),
    /// The wave at this place has another cap.
    Cap(usize),
    /// The cluster at this place gets other inputs.
    Inputs(usize),
    /// Nothing.
    Same,
}

/// The plan with a change; only waves that it touches get another digest.
pub fn revised(plan: &Plan, how: Revision) -> Plan {
    let mut new = plan.clone();
    let count = new.waves.len();
    match how {
        Revision::Same => return new,
        Revision::WaveAdded(at) => {
            let Some(model) = plan.clusters().next().map(|(w, _, c)| (w.clone(), c.clone())) else {
                return new;
            };
            let number = count + plan.clusters().count();
            let mut wave = model.0;
            wave.name = named(&format!("x{number}"));
            let clusters = (0..2).map(|n| {
                let name = format!("x-{number}-{n}");
                let uid = tidegate::model::ClusterUid::new(&format!("uid-{name}"));
                PlannedCluster { name: named(&name), uid, obstacles: Vec::new(), ..model.1.clone() }
            });
            wave.pools = vec![PlannedPool { name: named("p0"), at_once: None, clusters: clusters.collect() }];
            new.waves.insert(at % (count + 1), wave);
        }
        Revision::Moved(from, to) => {
            let of = |w: &PlannedWave| w.pools.iter().map(|p| p.clusters.len()).sum::<usize>();
            let Some(from) = (0..count).map(|n| (from + n) % count).find(|w| of(&new.waves[*w]) > 0) else {
                return new;
            };
            let Some(pool) = new.waves[from].pools.iter_mut().find(|p| !p.clusters.is_empty()) else {
                return new;
            };
            let cluster = pool.clusters.remove(0);
            let target = &mut new.waves[to % count].pools;
            if target.is_empty() {
                target.push(PlannedPool { name: named("p0"), at_once: None, clusters: Vec::new() });
            }
            target[0].clusters.push(cluster);
        }
        Revision::Cap(at) => {
            let wave = &mut new.waves[at % count];
            wave.at_once = if wave.at_once == Some(2) { Some(3) } else { Some(2) };
        }
        Revision::Inputs(at) => {
            let all = plan.clusters().count().max(1);
            let clusters = new.waves.iter_mut().flat_map(|w| &mut w.pools).flat_map(|p| &mut p.clusters);
            if let Some(target) = clusters.into_iter().nth(at % all).and_then(|c| c.targets.first_mut()) {
                target.inputs = digest_of(&["other", &target.inputs.to_string()]);
                target.change = Change::Reconfigure;
            }
        }
    }
    for wave in &mut new.waves {
        if plan.wave(&wave.name) != Some(wave) {
            let release = new.release.digest;
            wave.digest = digest::bytes(
                tidegate::plan::digest::wave(release, new.release.lane, wave, &new.products)
                    .unwrap()
                    .to_string()
                    .as_bytes(),
            );
        }
    }
    new.digest = tidegate::plan::digest::plan(new.waves.iter().map(|wave| &wave.digest)).unwrap();
    new
}

fn product_name(n: usize) -> String {
    char::from(b'a' + u8::try_from(n).unwrap()).to_string()
}

fn product_of(release: &str, n: usize, shape: &ProductShape) -> PlannedProduct {
    let name = product_name(n);
    let steps = shape.steps.iter().enumerate().map(|(s, (repeat, retries))| PlannedStep {
        name: format!("s{s}"),
        kind: if *repeat == Repeat::Safe { "manifests" } else { "run" }.to_owned(),
        timeout: Duration::minutes(10),
        deadline: None,
        // What can't be repeated is taken for what can't be undone.
        one_way: *repeat == Repeat::Never,
        repeat: *repeat,
        retries: *retries,
    });
    let tests = (0..shape.tests).map(|t| PlannedTest {
        name: format!("t{t}"),
        kind: "run".to_owned(),
        timeout: Duration::minutes(5),
        deadline: None,
        retries: 1,
    });
    PlannedProduct {
        version: named(if release == BEFORE { "1.0.0" } else { "1.1.0" }),
        commit: "0".repeat(40),
        digest: digest_of(&["product", release, &name]),
        owner: "platform".to_owned(),
        conflicts: Conflicts::default(),
        requires: Vec::new(),
        steps: steps.collect(),
        settle: None,
        tombstones: Vec::new(),
        tests: tests.collect(),
        test_digest: digest_of(&["tests", &name]),
        name: named(&name),
    }
}

fn wave_of(
    shape: &Shape,
    w: usize,
    wave: &WaveShape,
    number: &mut usize,
    products: &BTreeMap<Digest, PlannedProduct>,
) -> PlannedWave {
    let gate = PlannedGate {
        id: named("approval"),
        kind: GateKind::Approval {
            by: "leads".to_owned(),
            quorum: 1,
            valid_for: None,
            author: AuthorMay::Refused,
            signed: false,
        },
    };
    let gates = |wanted: bool| if wanted { vec![gate.clone()] } else { Vec::new() };
    let pools = wave.pools.iter().enumerate().map(|(p, (clusters, cap))| PlannedPool {
        name: named(&format!("p{p}")),
        at_once: *cap,
        clusters: (0..*clusters)
            .map(|_| {
                let cluster = cluster_of(shape, *number, products);
                *number += 1;
                cluster
            })
            .collect(),
    });
    PlannedWave {
        name: named(&format!("w{w}")),
        digest: digest_of(&["wave", &shape.release, &w.to_string()]),
        pools: pools.collect(),
        at_once: wave.at_once,
        failure_budget: if wave.canary { 0 } else { wave.failures },
        deferred_budget: if wave.canary { 0 } else { wave.deferred },
        canary: wave.canary,
        cluster_deadline: wave.deadline.map(Duration::seconds),
        tests: if wave.all_tests { TestPolicy::All } else { TestPolicy::Changed },
        soak: wave.soak.map(|s| PlannedSoak {
            length: Duration::seconds(s),
            clock: if wave.observed.is_some() { SoakClock::Observed } else { SoakClock::Wall },
            observe_every: wave.observed.map(Duration::seconds),
        }),
        gates_before: gates(wave.before),
        gates_after: gates(wave.after),
    }
}

/// Every second cluster is `half: even`; the regions are r0, r1 and r2 in turn.
fn labels(number: usize) -> Labels {
    let half = if number.is_multiple_of(2) { "even" } else { "odd" };
    let region = format!("r{}", number % 3);
    [("half".to_owned(), half.to_owned()), ("region".to_owned(), region)].into()
}

fn cluster_of(shape: &Shape, number: usize, products: &BTreeMap<Digest, PlannedProduct>) -> PlannedCluster {
    let name = format!("{}-{number}", shape.prefix);
    let mut targets: Vec<Target> = products
        .values()
        .map(|product| {
            let pinned = shape.pins && number.is_multiple_of(3) && product.name.as_str() == "a";
            let still = pinned || (shape.unchanged && number.is_multiple_of(5));
            Target {
                product: product.name.clone(),
                phase: phase(&product.name),
                version: product.version.clone(),
                digest: product.digest,
                inputs: digest_of(&["inputs", &shape.release, product.name.as_str()]),
                values: digest_of(&["values"]),
                reason: if pinned {
                    Reason::Pin {
                        pin: named("PIN-1"),
                        owner: "payments".to_owned(),
                        until: "2030-01-01".to_owned(),
                    }
                } else {
                    Reason::Release { release: named(&shape.release) }
                },
                change: if still { Change::Unchanged } else { Change::Raise { from: named("1.0.0") } },
            }
        })
        .collect();
    targets.sort_by(|a, b| a.product.cmp(&b.product));
    let from = targets.iter().map(|t| (t.product.clone(), found(t, t.change.acts()))).collect();
    PlannedCluster {
        uid: tidegate::model::ClusterUid::new(&format!("uid-{name}")),
        labels: labels(number),
        provider: None,
        access: Access { kubeconfig: "kubeconfig".to_owned(), context: None },
        kubernetes: named("1.36"),
        observed_at: start(),
        stale: false,
        from: std::sync::Arc::new(from),
        targets,
        removals: Vec::new(),
        orphaned: Vec::new(),
        obstacles: shape.blocked.contains(&number).then(pin_misses_hotfix).into_iter().collect(),
        back: None,
        name: named(&name),
    }
}

/// The release that ran everywhere before.
pub const BEFORE: &str = "R0";

/// The products of that release, by digest: what a rollback of the first rollout brings back.
pub fn before(shape: &Shape) -> BTreeMap<Digest, PlannedProduct> {
    let products = shape.products.iter().enumerate();
    products.map(|(n, product)| product_of(BEFORE, n, product)).map(|p| (p.digest, p)).collect()
}

/// Products build on each other in the order of their names.
fn phase(product: &ProductName) -> u32 {
    u32::from(product.as_str().as_bytes()[0] - b'a')
}

/// What ran there: what the plan brings, or what was there before.
fn found(target: &Target, before: bool) -> ObservedProduct {
    let name = target.product.as_str();
    let release = if before { BEFORE } else { "R" };
    ObservedProduct {
        release: named(release),
        version: if before { named("1.0.0") } else { target.version.clone() },
        commit: "0".repeat(40),
        digest: if before { digest_of(&["product", BEFORE, name]) } else { target.digest },
        inputs: if before { digest_of(&["inputs", BEFORE, name]) } else { target.inputs },
        phase: RecordPhase::Verified,
    }
}

fn pin_misses_hotfix() -> PlannedObstacle {
    PlannedObstacle::PinMissesHotfix {
        pin: named("PIN-1"),
        owner: "payments".to_owned(),
        until: "2030-01-01".to_owned(),
        product: named("a"),
        version: named("1.0.0"),
        hotfix: named("R41.1"),
        raised: named("1.0.1"),
    }
}
