//! Digests as properties: what they depend on, and what they do not.

use proptest::prelude::*;

use super::*;
use crate::model::Labels;
use crate::plan::digest::{ClusterInputs, ProductInputs, UsedRenderers, inputs};

#[derive(Debug, Clone, PartialEq)]
struct Ingredients {
    product: Digest,
    values: serde_json::Value,
    name: String,
    labels: Labels,
    provider: Option<String>,
    minor: u32,
    manifests: Option<u32>,
    helm: Option<String>,
}

fn digest_of(i: &Ingredients) -> Digest {
    let cluster = ClusterInputs {
        name: &i.name,
        labels: &i.labels,
        provider: i.provider.as_deref(),
        kubernetes: crate::version::KubeMinor::new(1, i.minor),
    };
    let product = ProductInputs {
        product: i.product,
        values: digest::of(&i.values).unwrap(),
        renderers: UsedRenderers { manifests: i.manifests, helm: i.helm.as_deref() },
    };
    inputs(&cluster.digest().unwrap(), &product.digest().unwrap())
}

fn word() -> impl Strategy<Value = String> {
    "[a-z]{1,6}"
}

fn ingredients() -> impl Strategy<Value = Ingredients> {
    let values = prop::collection::btree_map(word(), any::<i32>(), 0..5);
    let labels = prop::collection::btree_map(word(), word(), 0..5);
    (
        any::<[u8; 32]>(),
        values,
        word(),
        labels,
        prop::option::of(word()),
        1..99u32,
        prop::option::of(any::<u32>()),
        prop::option::of(word()),
    )
        .prop_map(|(product, values, name, labels, provider, minor, manifests, helm)| Ingredients {
            product: Digest::from_bytes(product),
            values: serde_json::to_value(values).unwrap(),
            name,
            labels,
            provider,
            minor,
            manifests,
            helm,
        })
}

proptest! {
    #[test]
    fn an_inputs_digest_is_another_one_exactly_when_an_ingredient_is(a in ingredients(), b in ingredients()) {
        prop_assert_eq!(digest_of(&a) == digest_of(&b), a == b);
        // One ingredient alone is enough.
        let mut changed = Vec::new();
        changed.push(Ingredients { product: b.product, ..a.clone() });
        changed.push(Ingredients { values: b.values.clone(), ..a.clone() });
        changed.push(Ingredients { name: b.name.clone(), ..a.clone() });
        changed.push(Ingredients { labels: b.labels.clone(), ..a.clone() });
        changed.push(Ingredients { provider: b.provider.clone(), ..a.clone() });
        changed.push(Ingredients { minor: b.minor, ..a.clone() });
        changed.push(Ingredients { manifests: b.manifests, ..a.clone() });
        changed.push(Ingredients { helm: b.helm.clone(), ..a.clone() });
        for changed in changed {
            prop_assert_eq!(digest_of(&changed) == digest_of(&a), changed == a);
        }
    }

    #[test]
    fn an_inputs_digest_does_not_depend_on_the_order_of_maps(
        a in ingredients(),
        shuffled in prop::collection::vec((word(), any::<i32>()), 0..6).prop_shuffle(),
    ) {
        let object = |entries: &[(String, i32)]| {
            let mut map = serde_json::Map::new();
            for (key, value) in entries {
                map.entry(key.clone()).or_insert_with(|| (*value).into());
            }
            serde_json::Value::Object(map)
        };
        let mut unique = shuffled.clone();
        unique.sort();
        unique.dedup_by(|a, b| a.0 == b.0);
        let reversed: Vec<_> = unique.iter().rev().cloned().collect();
        let one = Ingredients { values: object(&unique), ..a.clone() };
        let other = Ingredients { values: object(&reversed), ..a };
        prop_assert_eq!(digest_of(&one), digest_of(&other));
    }
}

#[test]
fn the_quick_way_to_an_inputs_digest_is_canonical_json() {
    let (cluster, product) = (digest::bytes(b"cluster"), digest::bytes(b"product"));
    let slow = digest::of(&serde_json::json!({"product": product, "cluster": cluster})).unwrap();
    assert_eq!(inputs(&cluster, &product), slow);
}

#[test]
fn the_quick_way_to_a_clusters_part_of_a_wave_is_canonical_json() {
    let plan = World::new(&["a"]).plan().unwrap();
    let cluster = &plan.waves[0].pools[0].clusters[0];
    let list: Vec<Digest> = cluster.targets.iter().map(|target| target.inputs).collect();
    let slow = digest::of(&serde_json::json!({"uid": cluster.uid, "inputs": list})).unwrap();
    assert_eq!(crate::plan::digest::cluster(cluster).unwrap(), slow);
}

/// A world with something of everything that digests depend on.
fn rich() -> World {
    let mut world = World::new(&[]);
    world.product(
        "agent",
        "1.0.0",
        "  values: { size: 1 }\n  deploy:\n    - helm: { chart: c, namespace: n }\n",
    );
    world.fleet(
        "",
        &[entry("a", "env: dev, n: \"1\""), entry("b", "env: dev, n: \"2\""), entry("z", "env: x")],
    );
    world.pipeline(WAVES);
    world
}

const WAVES: &str = "  waves:\n    - { name: one, selector: { env: dev }, atOnce: 2, failureBudget: 1, soak: { for: 1h }, \
     gates: { before: [ { approval: { by: leads } } ] } }\n    - { name: two, selector: { env: x } }\n";

#[test]
fn a_wave_digest_does_not_change_with_from_state_ages_and_texts() {
    let mut world = rich();
    let plan = world.plan().unwrap();
    let same = |world: &World, why: &str| {
        let other = world.plan().unwrap();
        assert_eq!(other.digest, plan.digest, "{why}");
    };
    world.runs("a", "agent", "0.9.0", digest::bytes(b"old"), "R0");
    same(&world, "what a cluster runs");
    world.observed.get_mut("a").unwrap().at = "2026-11-01T00:00:00Z".parse().unwrap();
    same(&world, "the age of an observation");
    world.observed.get_mut("a").unwrap().stale = true;
    same(&world, "reachability");
    world.observed.get_mut("a").unwrap().server = "v1.36.9".to_owned();
    same(&world, "the server's patch");
    world.now = "2026-11-22T00:00:00Z".parse().unwrap();
    same(&world, "the time");
    world.releases("R1", "  title: brisk-heron\n  notes: much better\n  products: { agent: 1.0.0 }\n");
    same(&world, "title and notes");
    world.renderers.manifests = 2;
    same(&world, "the renderer of manifests, where there is only a chart");
}

#[test]
fn a_wave_digest_changes_with_each_of_its_ingredients_and_only_that_wave_does() {
    let plan = rich().plan().unwrap();
    let check = |change: &dyn Fn(&mut World), one: bool, two: bool, why: &str| {
        let mut world = rich();
        change(&mut world);
        let other = world.plan().unwrap();
        assert_eq!(other.waves[0].digest != plan.waves[0].digest, one, "{why}, first wave");
        assert_eq!(other.waves[1].digest != plan.waves[1].digest, two, "{why}, second wave");
        assert_eq!(other.digest != plan.digest, one || two, "{why}, plan");
    };
    let pipeline = |from: &str, to: &str| {
        assert!(WAVES.contains(from));
        let text = WAVES.replace(from, to);
        move |world: &mut World| world.pipeline(&text)
    };
    check(&pipeline("atOnce: 2", "atOnce: 3"), true, false, "cap");
    check(&pipeline("failureBudget: 1", "failureBudget: 2"), true, false, "budget");
    check(&pipeline("for: 1h", "for: 2h"), true, false, "soak");
    check(&pipeline("by: leads", "by: owners"), true, false, "gate");
    check(&pipeline("name: one", "name: uno"), true, false, "name");
    check(
        &pipeline("  waves", "  order: { label: x }\n  waves"),
        false,
        false,
        "an order that changes nothing",
    );
    check(
        &pipeline("selector: { env: dev }", "clusters: [b], selector: { env: dev }"),
        true,
        false,
        "order of clusters",
    );
    check(&pipeline("atOnce: 2", "atOnce: 2, pools: { sizes: [1] }"), true, false, "pools");
    check(&|w| w.renderers.helm = Some("v4.1.0".to_owned()), true, true, "helm");
    check(&|w| w.observed.get_mut("z").unwrap().uid = ClusterUid::new("new"), false, true, "identity");
    check(
        &|w| {
            w.product(
                "agent",
                "1.0.0",
                "  values: { size: 2 }\n  deploy:\n    - helm: { chart: c, namespace: n }\n",
            );
        },
        true,
        true,
        "content",
    );
    check(&|w| w.releases("R2", "  parent: R1\n  products: { agent: 1.0.0 }\n"), true, true, "release");
}
