//! What a lock fixed of images, on its way into plans: which lock speaks, and what becomes another inputs digest
//! by it.

use super::*;
use crate::model::IMAGES;
use crate::plan::Change;
use crate::resolve::Layer;

/// A product whose chart gets its image from the values.
const CHART: &str = "  values: { image: { repository: redis, tag: \"8\" } }\n  deploy:\n    - helm: { chart: chart, namespace: x }\n";

fn digest_of(c: char) -> String {
    format!("sha256:{}", c.to_string().repeat(64))
}

/// `agent` in two versions, and the releases R1 with the first and R2 with the second.
fn world() -> (World, Digest, Digest) {
    let mut world = World::new(&["a"]);
    let first = world.product("agent", "1.0.0", CHART);
    let second = world.product("agent", "2.0.0", CHART);
    world.releases("R2", "  parent: R1\n  products: { agent: 2.0.0 }\n");
    (world, first, second)
}

/// What `agent` of a cluster has for its image.
fn fixed(world: &World) -> Option<String> {
    let (desired, findings) = world.desired("a");
    assert!(!findings.has_errors(), "{findings}");
    let values = desired.products["agent"].values.node.to_json();
    values.get(IMAGES).map(|images| images["docker.io/library/redis:8"].as_str().unwrap().to_owned())
}

fn inputs(world: &World) -> Digest {
    world.plan().unwrap().waves[0].pools[0].clusters[0].targets[0].inputs
}

#[test]
fn a_lock_without_digests_says_nothing_of_images() {
    let (world, ..) = world();
    assert_eq!(fixed(&world), None);
}

#[test]
fn what_the_lock_fixed_is_a_layer_of_values_and_of_the_inputs() {
    let (mut world, ..) = world();
    let plain = inputs(&world);
    world.fix("R2", 'a');
    assert_eq!(fixed(&world), Some(digest_of('a')));
    let (desired, _) = world.desired("a");
    let layers = &desired.products["agent"].values.layers;
    let path = "/tidegate.dev~1images/docker.io~1library~1redis:8";
    assert_eq!(layers.get(path), Some(&Layer::Lock("R2".to_owned())));
    let first = inputs(&world);
    assert_ne!(plain, first);
    assert_eq!(first, inputs(&world), "the same lock gives the same");
    world.fix("R2", 'b');
    assert_ne!(first, inputs(&world));
}

#[test]
fn the_same_content_with_the_same_digests_is_the_same_in_another_release() {
    let (mut world, ..) = world();
    world.fix("R2", 'a');
    let in_second = inputs(&world);
    world.releases("R3", "  parent: R2\n  products: { agent: 2.0.0 }\n");
    world.fix("R3", 'a');
    assert_eq!(inputs(&world), in_second);
    // A release that was cut without digests has what its files say.
    world.digests.remove("R3");
    assert_eq!(fixed(&world), None);
}

#[test]
fn a_pin_and_a_hold_keep_what_the_release_before_fixed() {
    let (mut world, first, _) = world();
    world.fix("R1", 'a');
    world.fix("R2", 'b');
    world.pin("PIN-1", "agent", "1.0.0", first, "2026-12-15", "  clusters: [a]\n");
    assert_eq!(fixed(&world), Some(digest_of('a')), "also where nothing ran before");
    let higher = world.product("agent", "3.0.0", CHART);
    world.pin("PIN-1", "agent", "3.0.0", higher, "2026-12-15", "  clusters: [a]\n");
    assert_eq!(fixed(&world), None, "no release has this version yet");
}

#[test]
fn what_is_ahead_stays_as_the_release_fixed_it_that_brought_it() {
    let (mut world, _, second) = world();
    world.fix("R1", 'a');
    world.fix("R2", 'b');
    world.release = "R1".parse().unwrap();
    world.runs("a", "agent", "2.0.0", second, "R2");
    let (desired, _) = world.desired("a");
    assert!(matches!(desired.products["agent"].reason, crate::resolve::Reason::Ahead { .. }));
    assert_eq!(fixed(&world), Some(digest_of('b')));
}

#[test]
fn a_lock_that_does_not_belong_to_its_release_says_nothing() {
    let (mut world, _, second) = world();
    world.fix("R2", 'b');
    world.release = "R1".parse().unwrap();
    world.runs("a", "agent", "2.0.0", second, "R2");
    world.forged = Some("R2".to_owned());
    assert_eq!(fixed(&world), None);
}

#[test]
fn a_tag_that_moved_is_one_more_reconfiguration_and_nothing_else_is() {
    let (mut world, _, second) = world();
    world.fix("R2", 'a');
    let now = inputs(&world);
    world.runs("a", "agent", "2.0.0", second, "R2");
    let observation = world.observed.values_mut().next().unwrap();
    let products = std::sync::Arc::make_mut(&mut observation.products);
    products.get_mut("agent").unwrap().inputs = now;
    let change =
        |world: &World| world.plan().unwrap().waves[0].pools[0].clusters[0].targets[0].change.clone();
    assert_eq!(change(&world), Change::Unchanged);
    world.releases("R3", "  parent: R2\n  products: { agent: 2.0.0 }\n");
    world.fix("R3", 'a');
    assert_eq!(change(&world), Change::Unchanged);
    world.fix("R3", 'b');
    assert_eq!(change(&world), Change::Reconfigure);
}
