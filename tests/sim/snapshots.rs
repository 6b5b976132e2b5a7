//! A world that goes on from a snapshot is the world that would have been.

use std::sync::{Arc, Mutex};

use tidegate::journal::Event;
use tidegate::sim::fleet::Audited;
use tidegate::sim::life::{Death, Life};
use tidegate::sim::{Simulation, Snapshot, runtime};

use crate::rig;

const WAVES: [(&str, usize); 3] = [("staging", 1), ("nonprod", 2), ("prod", 3)];

/// Everything that can be said of a world.
#[derive(PartialEq)]
struct Said {
    elapsed: std::time::Duration,
    events: Vec<Event>,
    tags: Vec<tidegate::port::GitTag>,
    objects: Vec<serde_json::Value>,
    audit: Vec<Audited>,
}

async fn said(simulation: &Simulation) -> Said {
    let mut said = Said {
        elapsed: simulation.clock.elapsed(),
        events: simulation.journal.of(Life::new()).read(0, usize::MAX).await.unwrap(),
        tags: simulation.repository.git.tags("").await.unwrap(),
        objects: Vec::new(),
        audit: Vec::new(),
    };
    for name in simulation.fleet.names() {
        said.audit.extend(simulation.fleet.audit(name));
        let look = |cluster: &mut tidegate::sim::cluster::Cluster| {
            cluster.store.all_keys().filter_map(|key| cluster.store.get(key)).collect::<Vec<_>>()
        };
        said.objects.extend(simulation.fleet.with(name, look).unwrap());
    }
    said
}

/// Lives until it dies there, and another process goes on.
async fn dies(simulation: &Simulation, death: Death) -> Said {
    let over = rig::finish(simulation, simulation.process(Life::until(death)), &rig::second()).await;
    assert!(!over, "{death:?} was never reached");
    goes_on(simulation).await
}

async fn goes_on(simulation: &Simulation) -> Said {
    assert!(rig::finish(simulation, simulation.process(Life::new()), &rig::second()).await);
    said(simulation).await
}

#[test]
fn a_world_goes_on_from_a_snapshot_as_if_it_had_never_stopped() {
    let beginning = runtime::run(async { rig::begin(&WAVES, Some("nonprod-1")).await.snapshot().unwrap() });
    let beginning = beginning.unwrap();
    for death in [Death::AfterJournalWrite(30), Death::BeforeClusterWrite(21), Death::AfterClusterWrite(40)] {
        let died = runtime::run(async { dies(&beginning.resume(), death).await }).unwrap();
        // Nobody dies, and a snapshot is taken on the way.
        let taken: Arc<Mutex<Option<Snapshot>>> = Arc::default();
        let lived = runtime::run(async {
            let simulation = beginning.resume();
            let (world, into) = (simulation.clone(), Arc::clone(&taken));
            let life = Life::watched(move |place| {
                if place == death {
                    *into.lock().unwrap() = world.snapshot();
                }
            });
            assert!(rig::finish(&simulation, simulation.process(life), &rig::second()).await);
            said(&simulation).await
        });
        let snapshot = taken.lock().unwrap().take().unwrap();
        for _ in 0..2 {
            let went_on = runtime::run(async { goes_on(&snapshot.resume()).await }).unwrap();
            assert!(went_on == died, "{death:?}: it is another world");
        }
        assert!(lived.unwrap() != died, "{death:?}: a death that changes nothing shows nothing");
        assert!(died.events.len() > 60 && died.tags.len() > 4 && died.audit.len() > 100, "little happened");
    }
}
