//! Crash points: one run, and at every place in it at which tidegate could be killed (a write to the
//! journal is durable; a write to a cluster, or a tag, is about to be made, or was made and not heard of)
//! a snapshot, from which a new process goes on. Each continuation ends in the fleet that would have been,
//! and no effect was there twice.
//!
//! A continuation that comes to a quiet moment (an attempt has ended and no other is in flight) with an
//! account that another had at a quiet moment goes on as that one does: objects, effects so far, journal,
//! tags and what people will meet are the same, and moments, identities and fences, which are not, decide
//! nothing that an account tells. So it ends there, and the rest is played once. With
//! `TIDEGATE_CRASH_WHOLE` set, every continuation is played to its own end.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidegate::digest::Digest;
use tidegate::engine::Follower;
use tidegate::journal::{Body, Event};
use tidegate::rollout::FleetState;
use tidegate::sim::life::{Death, Life};
use tidegate::sim::{Simulation, Snapshot, runtime};

use crate::account::Account;
use crate::rig::{self, Lives};

/// Twenty clusters.
const WAVES: [(&str, usize); 3] = [("staging", 2), ("nonprod", 6), ("prod", 12)];

/// Whose test fails until somebody mends it.
const FAILING: &str = "nonprod-2";

const THREADS: usize = 2;

/// A place in the run at which somebody could be killed.
struct Point {
    who: &'static str,
    place: Death,
    at: Duration,
    snapshot: Snapshot,
}

/// How a continuation ended.
enum End {
    /// The rollout is over.
    Over(Box<Account>, Vec<Event>),
    /// At a quiet moment that is known.
    Joined,
}

/// The quiet moments that there were.
#[derive(Clone, Default)]
struct Quiet(Arc<Mutex<HashSet<Digest>>>);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Goes on until the rollout is over, or until a quiet moment that is known if `joins`.
async fn on(simulation: &Simulation, lives: &Lives, quiet: &Quiet, joins: bool) -> End {
    let journal = simulation.journal.of(Life::new());
    let first = journal.head().await.unwrap().0;
    let mut joined = false;
    let mut seen = |event: &Event, state: &FleetState| {
        let ended = event.seq > first && matches!(event.body, Body::AttemptFinished { .. });
        if !ended || state.rollout(&rig::second()).is_none_or(|rollout| rollout.counts().in_flight() > 0) {
            return;
        }
        let new = locked(&quiet.0).insert(Account::of(simulation, state).digest());
        if joins && !new {
            joined = true;
            lives.driver.end();
        }
    };
    let over = rig::finish(simulation, lives, &rig::second(), &mut seen).await;
    assert_eq!(over, !joined, "killed");
    if joined {
        return End::Joined;
    }
    let mut follower = Follower::new(Arc::clone(&journal));
    follower.catch_up(|_, _| {}).await.unwrap();
    let events = journal.read(0, usize::MAX).await.unwrap();
    End::Over(Box::new(Account::of(simulation, follower.state())), events)
}

/// The run that nobody disturbs; `point` is told every place of it, with the world as it is there.
fn undisturbed(
    beginning: &Snapshot,
    quiet: &Quiet,
    point: impl Fn(Point) + Clone + Send + Sync + 'static,
) -> (Account, Vec<Event>) {
    let run = runtime::run(async {
        let simulation = beginning.resume();
        let watched = |who: &'static str| {
            let (world, point) = (simulation.clone(), point.clone());
            Life::watched(move |place| {
                let snapshot = world.snapshot().unwrap();
                point(Point { who, place, at: world.clock.elapsed(), snapshot });
            })
        };
        let lives = Lives { driver: watched("tidegate"), people: watched("a person's command") };
        on(&simulation, &lives, quiet, false).await
    });
    match run.unwrap() {
        End::Over(account, events) => (*account, events),
        End::Joined => unreachable!("it joins nobody"),
    }
}

/// Takes points until there are no more; what is wrong with their continuations.
fn continued(
    points: &Mutex<Receiver<Point>>,
    wanted: &Account,
    quiet: &Quiet,
    wrong: &Mutex<Vec<String>>,
) -> usize {
    let joins = std::env::var_os("TIDEGATE_CRASH_WHOLE").is_none();
    let mut done = 0;
    loop {
        let next = locked(points).recv();
        let Ok(Point { who, place, at, snapshot }) = next else { return done };
        let end = catch_unwind(AssertUnwindSafe(|| {
            runtime::run(async { on(&snapshot.resume(), &Lives::default(), quiet, joins).await }).unwrap()
        }));
        let differences = match end {
            Ok(End::Over(account, _)) => wanted.differences(&account),
            Ok(End::Joined) => Vec::new(),
            Err(_) => vec!["it came to no end: see above".to_owned()],
        };
        if !differences.is_empty() {
            let first: Vec<&str> = differences.iter().take(4).map(String::as_str).collect();
            locked(wrong).push(format!(
                "{who} killed {place:?}, {at:?} after the beginning: {} differences\n  {}",
                differences.len(),
                first.join("\n  ")
            ));
        }
        done += 1;
    }
}

#[test]
fn fleet_i10_killed_at_every_point_of_a_rollout_it_comes_to_the_same_fleet() {
    let began = Instant::now();
    let beginning = runtime::run(async { rig::begin(&WAVES, Some(FAILING)).await.snapshot().unwrap() });
    let beginning = beginning.unwrap();
    let quiet = Quiet::default();
    let (wanted, events) = undisturbed(&beginning, &quiet, |_| {});
    let (alone, moments) = (began.elapsed(), locked(&quiet.0).len());
    let (send, points) = sync_channel(64);
    let points = Mutex::new(points);
    let (wrong, done) = (Mutex::default(), AtomicUsize::new(0));
    let counts = Arc::new(Mutex::new(BTreeMap::<&'static str, usize>::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| done.fetch_add(continued(&points, &wanted, &quiet, &wrong), Ordering::AcqRel));
        }
        let counts = Arc::clone(&counts);
        undisturbed(&beginning, &Quiet::default(), move |point: Point| {
            let kind = match point.place {
                Death::AfterJournalWrite(_) => "after a write to the journal",
                Death::BeforeClusterWrite(_) => "before a write to a cluster",
                Death::AfterClusterWrite(_) => "after a write to a cluster",
                Death::BeforeTag(_) => "before a tag",
                Death::AfterTag(_) => "after a tag",
            };
            *locked(&counts).entry(kind).or_default() += 1;
            send.send(point).unwrap();
        });
    });
    let (wrong, counts) = (wrong.into_inner().unwrap(), locked(&counts).clone());
    let all = counts.values().sum::<usize>();
    println!(
        "{all} points in {:?} (one run in {alone:?}), {} quiet moments besides {moments}: {counts:?}",
        began.elapsed(),
        locked(&quiet.0).len() - moments
    );
    assert!(wrong.is_empty(), "{} of {all} points:\n{}", wrong.len(), wrong[..wrong.len().min(6)].join("\n"));
    assert_eq!(done.into_inner(), all);
    // The run had in it what it is about.
    let said = |name: &str| events.iter().filter(|event| event.body.name() == name).count();
    assert_eq!(said("rollout.halted"), 1, "one failure");
    assert!(said("attempt.retry") == 1 && said("approval.given") >= 2 && said("wave.soaked") >= 2);
    assert_eq!((counts["before a tag"], counts["after a tag"]), (3, 3));
    assert!(counts["after a write to the journal"] > 300 && counts["before a write to a cluster"] > 400);
    assert_eq!(counts["before a write to a cluster"], counts["after a write to a cluster"]);
}
