//! Stories on the simulated fleet: those of the demo hold, the same seed tells the same story, and in
//! stories made up from seeds no rule is broken, by the word of the clusters' own audit logs.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod account;
mod checker;
mod crash;
mod failing;
mod fixed;
mod folder;
mod mutants;
mod plot;
mod rehearsal;
mod replays;
mod rig;
mod snapshots;
mod terminal;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use plot::Plot;
use tidegate::engine::Rules;
use tidegate::sim::fleet::Audited;
use tidegate::sim::scenario::{self, Options, Played};

/// As the program itself has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Plays a scenario; its events, each as a line.
fn play(name: &str, text: &str, options: &Options) -> (Played, Vec<String>) {
    let file = scenario::read(name, text.as_bytes()).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
    assert!(scenario::unknown(&file.spec).is_empty(), "{name}: {}", scenario::unknown(&file.spec));
    let mut events = Vec::new();
    let played = scenario::run(&file.spec, options, &mut |event, _| {
        events.push(serde_json::to_string(event).unwrap());
    });
    (played.unwrap_or_else(|error| panic!("{name}: {error}")), events)
}

fn stories() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sim/scenarios");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn every_story_of_the_demo_holds() {
    let stories = stories();
    assert_eq!(stories.len(), 8);
    for (name, text) in stories {
        let (played, events) = play(&name, &text, &Options::default());
        assert!(played.verdict.holds, "{name}: {:#?}", played.verdict);
        assert!(events.len() > 12, "{name}: only {} events", events.len());
    }
}

#[test]
fn the_same_seed_tells_the_same_story_event_by_event() {
    let text = &stories()["test-fails"];
    let told = |seed| play("test-fails", text, &Options { seed: Some(seed), ..Options::default() }).1;
    let first = told(7);
    assert_eq!(first, told(7));
    assert_ne!(first, told(8));
}

#[test]
fn a_story_is_the_same_whether_its_clusters_work_on_a_thread_of_their_own_or_not() {
    let trouble = Plot::of(4, 16).text();
    for (name, text) in [("test-fails", &stories()["test-fails"]), ("seed 4", &trouble)] {
        let told = |beside| {
            let options = Options { audit: true, beside: Some(beside), ..Options::default() };
            let (played, events) = play(name, text, &options);
            // What is written is left out: keys of clusters are made by real chance.
            let line =
                |done: Audited| (done.at, done.agent, done.method, done.path, done.status, done.changed);
            let log = |name| played.fleet.audit(name).into_iter().map(line).collect::<Vec<_>>();
            let logs: Vec<_> = played.fleet.names().map(log).collect();
            (events, logs, played.fleet.requests())
        };
        let (here, beside) = (told(false), told(true));
        assert!(here.0.len() > 100 && here.1.iter().any(|log| log.len() > 10), "{name}");
        assert_eq!(here.0, beside.0, "{name}");
        for (here, beside) in here.1.iter().flatten().zip(beside.1.iter().flatten()) {
            assert_eq!(here, beside, "{name}");
        }
        assert!(here == beside, "{name}");
    }
}

#[test]
fn what_must_hold_and_does_not_is_told() {
    let text = stories()["bad-chart"].replace("state: aborted", "state: succeeded");
    let (played, _) = play("bad-chart", &text, &Options::default());
    assert!(!played.verdict.holds);
    let failed: Vec<_> = played.verdict.checks.iter().filter(|check| !check.holds).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].found.as_deref(), Some("aborted"));
}

#[test]
fn a_wrong_scenario_is_told_with_its_places() {
    let text = stories()["pin"]
        .replace("fleet:", "fleets:")
        .replace("installed: R41", "installed: R40")
        .replace("certificates: 1.1.0", "certificate: 1.1.0");
    let wrong = scenario::read("pin.yaml", text.as_bytes()).err().unwrap().to_string();
    for told in ["unknown field `fleets`", "did you mean `fleet`?", "pin.yaml:10:3"] {
        assert!(wrong.contains(told), "{told}: {wrong}");
    }
    // Pipeline and calendar are specs of other files, and wrong in this one.
    let text = stories()["freeze"].replace("atOnce: 2", "atOnec: 2").replace("author:", "autor:");
    let wrong = scenario::read("freeze.yaml", text.as_bytes()).err().unwrap().to_string();
    for told in ["freeze.yaml:17:", "did you mean `atOnce`?", "freeze.yaml:29:", "did you mean `author`?"] {
        assert!(wrong.contains(told), "{told}: {wrong}");
    }
}

/// Plays the story of a plot, as it is told to an engine with these rules, and holds its clusters' audit
/// logs against what it should have been.
fn judged(
    plot: &Plot,
    told: &Plot,
    rules: Rules,
) -> (std::collections::BTreeSet<checker::Breach>, checker::Activity) {
    let options = Options { audit: true, rules, ..Options::default() };
    let (played, _) = play(&format!("seed {}", plot.seed), &told.text(), &options);
    let names: Vec<String> = played.fleet.names().map(str::to_owned).collect();
    let logs = names.into_iter().map(|name| (name.clone(), played.fleet.audit(&name))).collect();
    let (breaches, activity) = checker::check(plot, &logs);
    let faults = played.verdict.faults.values().sum();
    let ended = played.verdict.rollouts.iter().filter(|end| end.state.starts_with("succeeded")).count();
    (breaches, checker::Activity { faults, rollouts_ended: ended, ..activity })
}

/// The program, with nothing of whoever runs the tests around it.
fn tidegate(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.env("HOME", home).env("TMPDIR", home).env_remove("TIDEGATE_JOURNAL").env_remove("TIDEGATE_REPO");
    command
}

/// A number that whoever runs the tests may choose.
fn chosen(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

/// After how many stories a line says how far they are.
const TOLD_EVERY: u64 = 250;

/// What happened in stories.
#[derive(Default)]
struct Told {
    stories: AtomicU64,
    /// Those in which faults fired and a rollout came to its end nevertheless.
    counted: AtomicU64,
    complete: AtomicU64,
    faults: AtomicU64,
}

#[test]
fn stories_made_up_from_seeds_break_no_rule() {
    let wanted = chosen("TIDEGATE_SIM_SEEDS", 200);
    let first = chosen("TIDEGATE_SIM_FIRST", 1);
    let clusters = u32::try_from(chosen("TIDEGATE_SIM_CLUSTERS", 50)).unwrap();
    let (next, told) = (AtomicU64::new(first), Told::default());
    let tell = || {
        while told.counted.load(Ordering::Relaxed) < wanted {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let plot = Plot::of(seed, clusters);
            let (breaches, activity) = judged(&plot, &plot, Rules::default());
            if !breaches.is_empty() {
                // Nobody else begins another story.
                told.counted.fetch_add(wanted, Ordering::Relaxed);
                panic!("{}", failing::report(&plot, clusters, &breaches));
            }
            assert!(activity.writes > 100, "seed {seed}: only {activity:?}");
            let stories = told.stories.fetch_add(1, Ordering::Relaxed) + 1;
            told.complete.fetch_add(activity.clusters_complete as u64, Ordering::Relaxed);
            told.faults.fetch_add(activity.faults, Ordering::Relaxed);
            // The installation is one that ended.
            let counts = activity.rollouts_ended > 1 && activity.faults > 0;
            let counted = told.counted.fetch_add(u64::from(counts), Ordering::Relaxed) + u64::from(counts);
            // A night that is cut short has told how far it came.
            if stories.is_multiple_of(TOLD_EVERY) && counted <= wanted {
                println!("{stories} stories, {counted} of {wanted} count, no rule broken; at seed {seed}");
            }
        }
    };
    // Stories have nothing to do with each other: as many are told at once as there are processors.
    std::thread::scope(|scope| {
        let tellers = std::thread::available_parallelism().map_or(1, usize::from);
        let tellers: Vec<_> = (0..tellers).map(|_| scope.spawn(tell)).collect();
        for teller in tellers {
            teller.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
    let Told { stories, counted, complete, faults } = told;
    let (stories, counted) = (stories.into_inner(), counted.into_inner());
    println!(
        "{stories} stories of {clusters} clusters and more from seed {first} on, no rule broken: {} faults \
         fired, {} clusters got a release; in {counted} of them a rollout ended although faults fired",
        faults.into_inner(),
        complete.into_inner(),
    );
    assert!(stories <= 2 * wanted + 8, "of {stories} stories only {counted} count");
}

#[test]
fn every_demo_ends_as_its_story_says() {
    let ends = [
        ("healthy", "R42-1 · release R42 · ✔ succeeded", "every hash fits"),
        ("test-fails", "R42-1 · release R42 · ✔ succeeded", "1 failed (0 tolerated)"),
        ("pin", "certificates  1.0.0    1.0.0  pin PIN-1", "R42-1 · release R42 · ✔ succeeded"),
        ("unreachable", "R42-1 · release R42 · ✔ succeeded", "12/12 clusters done"),
        ("bad-chart", "R42-1 · release R42 · ✖ aborted", "0/12 clusters done"),
        (
            "freeze",
            "R42-1 · release R42 · ✔ succeeded",
            "prod-1 waits, its window is closed, until 2026-03-02T12:00:00Z",
        ),
        ("hotfix-overtakes", "R42.1-1 · release R42.1 · ✔ succeeded", "missing-hotfix"),
        ("rollback", "R42-1    ! rolled-back", "R42-2    ✔ succeeded"),
    ];
    for (story, ends, tells) in ends {
        let folder = tempfile::tempdir().unwrap();
        let args = ["demo", "--yes", "--scenario", story, "--speed", "3600", "--progress", "plain"];
        let told = tidegate(folder.path()).args(args).output().unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&told.stderr), String::from_utf8_lossy(&told.stdout));
        assert!(told.status.success(), "{story}: {text}");
        assert!(text.contains(ends) && text.contains(tells), "{story}: {text}");
    }
}

#[test]
fn the_demo_prints_the_same_bytes_for_the_same_seed_on_a_busy_machine_and_leaves_nothing_behind() {
    let demo = || {
        let folder = tempfile::tempdir().unwrap();
        let told = tidegate(folder.path())
            .args(["demo", "--yes", "--scenario", "bad-chart", "--clusters", "6"])
            .args(["--speed", "3600", "--progress", "json"])
            .output()
            .unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
        String::from_utf8(told.stderr).unwrap()
    };
    // Beside each other they are in each other's way: what takes real time takes another one in each.
    let told: Vec<String> = std::thread::scope(|scope| {
        let demos: Vec<_> = (0..3).map(|_| scope.spawn(demo)).collect();
        demos.into_iter().map(|demo| demo.join().unwrap()).collect()
    });
    assert!(told[0].lines().filter(|line| line.starts_with('{')).count() > 10, "{}", told[0]);
    for other in &told[1..] {
        for (a, b) in told[0].lines().zip(other.lines()) {
            assert_eq!(a, b);
        }
        assert_eq!(told[0].len(), other.len());
    }
}

#[test]
fn a_story_names_clusters_that_are_there_however_many_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let told = tidegate(folder.path())
        .args(["demo", "--yes", "--scenario", "pin", "--clusters", "3", "--speed", "3600"])
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&told.stderr), String::from_utf8_lossy(&told.stdout));
    assert!(told.status.success(), "{text}");
    assert!(text.contains("Why does prod-1 run another version") && !text.contains("prod-3"), "{text}");
    assert!(!text.contains("error["), "{text}");
}
