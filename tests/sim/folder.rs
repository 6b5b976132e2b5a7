//! Every scenario file of `tests/sim/scenarios` holds: each kind of fault fires and the rollout goes on as
//! the design says (`fault-NAME.yaml`), and cases of `tests/cases/fleet.yaml`, named by their ids
//! (`fleet_ID_WORDS.yaml`). `TIDEGATE_SCENARIO=PART` plays only files whose name has that part.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tidegate::model::scenario::FaultKind;
use tidegate::sim::scenario::Options;

/// So many are played side by side.
const SIDE_BY_SIDE: usize = 4;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sim/scenarios");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

#[test]
fn every_scenario_of_the_folder_holds() {
    let part = std::env::var("TIDEGATE_SCENARIO").unwrap_or_default();
    let left = Mutex::new(files().into_iter().filter(|file| name(file).contains(&part)).collect::<Vec<_>>());
    assert!(!left.lock().unwrap().is_empty(), "no scenario has `{part}` in its name");
    let wrong = Mutex::new(Vec::new());
    let play = || {
        while let Some(file) = { left.lock().unwrap().pop() } {
            let text = std::fs::read_to_string(&file).unwrap();
            let file = name(&file);
            // What panics in one does not hide the others.
            let played = std::panic::catch_unwind(|| super::play(&file, &text, &Options::default()).0);
            match played {
                Err(_) => wrong.lock().unwrap().push(format!("{file}: it can't be played, see above")),
                Ok(played) => {
                    let failed = played.verdict.checks.iter().filter(|check| !check.holds);
                    let told = failed.map(|check| {
                        format!("{file}: {}: {}", check.what, check.found.as_deref().unwrap_or_default())
                    });
                    wrong.lock().unwrap().extend(told);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let players: Vec<_> = (0..SIDE_BY_SIDE).map(|_| scope.spawn(play)).collect();
        players.into_iter().for_each(|player| player.join().unwrap());
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Whoever adds a kind of fault adds the scenario in which it fires.
#[test]
fn every_kind_of_fault_has_a_scenario_in_which_it_fires() {
    let texts: Vec<String> = files().iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let schema = serde_json::to_value(schemars::schema_for!(FaultKind)).unwrap();
    let kinds: Vec<String> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind["const"].as_str().unwrap().to_owned())
        .collect();
    assert!(kinds.len() >= 15, "{schema}");
    let in_clusters =
        ["unpullable:", "crashing:", "failing:", "hanging:", "brokenNodes:", "closedBudgets:", "denied:"];
    let deeds = [
        "is: full",
        "is: hangs",
        "is: forgetful",
        "forward:",
        "back:",
        "ends: fails",
        "ends: hangs",
        "join:",
        "leave:",
    ];
    let faults = kinds.iter().map(|kind| format!("what: {kind}"));
    for said in faults.chain(in_clusters.iter().chain(&deeds).map(|said| (*said).to_owned())) {
        let shows = |text: &&String| text.contains(&format!("{said} ")) || text.contains(&format!("{said},"));
        let found = texts.iter().find(shows);
        let text = found.unwrap_or_else(|| panic!("no scenario of the folder has `{said}`"));
        assert!(
            !said.starts_with("what:") || text.contains("struck:"),
            "`{said}`: nothing says that it fired"
        );
    }
}
