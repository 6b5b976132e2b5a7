//! Recordings of rollouts, by this build and by older ones, are shown again: every event, and the screens
//! as they were recorded in `tests/golden/exports`. What is there is never written again by hand or by a
//! newer build; `TIDEGATE_RECORD_GOLDEN=1` writes what is missing: the demo's stories as exports, and the
//! screens beside each export (delete a `.screens` to have it anew).

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use tidegate::journal::Entry;
use tidegate::journal::export::{ExportedPipeline, FORMAT, Head, PipelineLine, VERSION, export};
use tidegate::sim::scenario::Options;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/exports")
}

fn records() -> bool {
    std::env::var_os("TIDEGATE_RECORD_GOLDEN").is_some()
}

/// Every export, by the version of the format.
fn exports() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["v1", "v2"]
        .iter()
        .flat_map(|version| std::fs::read_dir(folder().join(version)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect();
    found.sort();
    found
}

/// `rollout replay`, far from any repository and journal.
fn replay(file: &Path, args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    crate::tidegate(folder.path())
        .args(["rollout", "replay"])
        .arg(file)
        .args(args)
        .current_dir(folder.path())
        .env("TZ", "UTC")
        .env("COLUMNS", "120")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The lines of an export, each with its kind.
fn lines(file: &Path) -> Vec<Value> {
    std::fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The events that are told: from the one on that planned the rollout.
fn told(file: &Path) -> Vec<Value> {
    let lines = lines(file);
    let rollout = lines[0]["rollout"].clone();
    let events = lines.iter().filter_map(|line| line.get("event").cloned());
    events.skip_while(|event| event["event"] != "rollout.planned" || event["rollout"] != rollout).collect()
}

#[test]
fn every_recording_tells_its_events_again_in_their_order() {
    let exports = exports();
    assert!(exports.len() >= 13, "{exports:?}");
    for file in exports {
        let ran = replay(&file, &["--speed", "max", "--progress", "json"]);
        assert!(ran.status.success(), "{}: {}", file.display(), text(&ran.stderr));
        let again: Vec<Value> =
            text(&ran.stderr).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(again, told(&file), "{}", file.display());
    }
}

#[test]
fn every_recording_looks_as_it_did() {
    for file in exports() {
        let events = told(&file);
        let at = |event: &Value| event["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let starts = at(&events[0]);
        let length = events.iter().map(|event| at(event).duration_since(starts).as_secs()).max().unwrap();
        let plain = replay(&file, &["--speed", "max", "--progress", "plain"]);
        assert!(plain.status.success(), "{}: {}", file.display(), text(&plain.stderr));
        let mut screens = format!("{}{}", text(&plain.stderr), text(&plain.stdout));
        for part in 0..=4 {
            let moment = format!("+{}s", length * part / 4 + i64::from(part == 4));
            let ran = replay(&file, &["--at", &moment]);
            assert!(ran.status.success(), "{}: {}", file.display(), text(&ran.stderr));
            screens
                .push_str(&format!("\n$ tidegate rollout replay FILE --at {moment}\n{}", text(&ran.stdout)));
        }
        let kept = file.with_extension("screens");
        if records() && !kept.exists() {
            std::fs::write(&kept, &screens).unwrap();
        }
        let was = std::fs::read_to_string(&kept).unwrap_or_else(|_| panic!("{} is missing", kept.display()));
        for (number, (now, was)) in screens.lines().zip(was.lines()).enumerate() {
            assert_eq!(now, was, "{}:{}", kept.display(), number + 1);
        }
        assert_eq!(screens.lines().count(), was.lines().count(), "{}", kept.display());
    }
}

/// Stories of the demo, as exports of this build. What is there stays.
#[test]
fn every_story_of_the_demo_is_kept_as_a_recording() {
    for (name, story) in super::stories() {
        let kept = folder().join("v2").join(format!("{name}.jsonl"));
        if records() && !kept.exists() {
            std::fs::write(&kept, record(&name, &story)).unwrap();
        }
        assert!(kept.exists(), "{} is missing", kept.display());
    }
}

/// Plays a story, and exports the first rollout of its release.
fn record(name: &str, story: &str) -> String {
    let (played, _) = super::play(name, story, &Options::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let entries: Vec<Entry> = runtime.block_on(played.journal.entries(0, usize::MAX)).unwrap();
    let event = |entry: &Entry| serde_json::from_str::<Value>(&entry.text).unwrap();
    let planned = entries.iter().map(event).find(|e| e["rollout"] == "R42-1").unwrap();
    let last = event(entries.last().unwrap());
    let pipeline = json!({
        "name": planned["plan"]["pipeline"]["name"],
        "digest": planned["plan"]["pipeline"]["digest"],
        "commit": planned["plan"]["commit"],
        "text": null,
    });
    let pipeline: ExportedPipeline = serde_json::from_value(pipeline).unwrap();
    let head = Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        rollout: "R42-1".parse().unwrap(),
        release: "R42".parse().unwrap(),
        related: Vec::new(),
        journal: played.journal.id(),
        exported_at: last["at"].as_str().unwrap().parse().unwrap(),
        last: last["seq"].as_u64().unwrap(),
        hash: last["hash"].as_str().unwrap().parse().unwrap(),
    };
    export(head, &PipelineLine { pipeline }, &entries).unwrap()
}

#[test]
fn a_moment_has_its_screen_with_why_it_waited() {
    let file = folder().join("v2/healthy.jsonl");
    let waits =
        told(&file).into_iter().find(|e| e["event"] == "wave.reached" && e["wave"] == "prod").unwrap();
    let moment: jiff::Timestamp = waits["at"].as_str().unwrap().parse().unwrap();
    let moment = (moment + jiff::SignedDuration::from_secs(60)).to_string();
    let screen = text(&replay(&file, &["--at", &moment]).stdout);
    for words in ["R42-1 at 2026-03-02", "approval", "platform-leads", "tidegate rollout approve R42"] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    let document: Value =
        serde_json::from_slice(&replay(&file, &["--at", &moment, "-o", "json"]).stdout).unwrap();
    assert_eq!(document["kind"], "RolloutReplay");
    assert_eq!(document["data"]["status"]["wave"], "prod");
    assert_eq!(document["data"]["status"]["waits"][0]["gate"], "approval");
    assert_eq!(document["data"]["ended"], false);

    let before = replay(&file, &["--at", "2026-03-01T00:00:00Z"]);
    assert_eq!(before.status.code(), Some(4), "{}", text(&before.stderr));
    assert!(text(&before.stderr).contains("is before R42-1 was planned"), "{}", text(&before.stderr));
}

#[test]
fn what_is_no_whole_export_is_told_with_its_place_and_nothing_of_it_is_shown() {
    let whole = std::fs::read_to_string(folder().join("v2/bad-chart.jsonl")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let third = lines.iter().position(|line| line.starts_with("{\"event\"")).unwrap();
    let cut = |text: &str, by: usize| text[..text.len() - by].to_owned();
    let without = |at: usize| -> String {
        let kept = lines.iter().enumerate().filter(|(index, _)| *index != at);
        kept.map(|(_, line)| format!("{line}\n")).collect()
    };
    let cases: Vec<(&str, Vec<u8>, i32, &[&str])> = vec![
        ("empty", Vec::new(), 3, &["TG0807", ":1:1:", "no export of a rollout"]),
        ("a picture", vec![0x89, b'P', b'N', b'G', 0xff], 3, &["TG0807", ":1:1:", "not text in UTF-8"]),
        ("another file", b"kind: Fleet\n".to_vec(), 3, &["TG0807", ":1:1:", "no export of a rollout"]),
        ("JSON", b"{\"format\":\"other\"}\n".to_vec(), 3, &["TG0807", "its format is `other`"]),
        ("a plan", b"{\"a\":1}\n".to_vec(), 3, &["TG0807", "does not say that its format"]),
        (
            "a newer format",
            whole.replacen("\"version\":2", "\"version\":3", 1).into_bytes(),
            8,
            &["TG0802", "version 3", "reads up to 2"],
        ),
        (
            "a newer event",
            whole.replacen("\"schema\":1", "\"schema\":7", 1).into_bytes(),
            8,
            &["TG0802", "schema 7"],
        ),
        ("the head alone", format!("{}\n", lines[0]).into_bytes(), 3, &["TG0807", ":2:1:", "ends here"]),
        ("cut within a line", cut(&whole, 40).into_bytes(), 3, &["TG0807", "ends here"]),
        ("cut between lines", without(lines.len() - 1).into_bytes(), 3, &["TG0807", "ends here"]),
        (
            "a character lost",
            whole.replacen("\"fence\":", "\"fence\"", 1).into_bytes(),
            3,
            &["TG0807", "an event was expected"],
        ),
        (
            "another word",
            whole.replacen("staging-1", "staging-2", 3).into_bytes(),
            8,
            &["TG0801", "was changed after it was written"],
        ),
        ("a line taken out", without(third + 3).into_bytes(), 8, &["TG0801", "does not follow"]),
        (
            "another end",
            whole.replacen("\"last\":", "\"last\":1", 1).into_bytes(),
            3,
            &["TG0807", "ends here, before event 1"],
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, code, words) in cases {
        let file = folder.path().join("r.jsonl");
        std::fs::write(&file, bytes).unwrap();
        let ran = replay(&file, &[]);
        let told = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{name}: {told}");
        assert!(ran.stdout.is_empty(), "{name}: {}", text(&ran.stdout));
        for words in words.iter().chain(&["r.jsonl:", "= try: tidegate"]) {
            assert!(told.contains(words), "{name} lacks `{words}`: {told}");
        }
    }
    let none = replay(&folder.path().join("none.jsonl"), &[]);
    assert_eq!(none.status.code(), Some(3));
}

#[test]
fn a_replay_goes_as_fast_as_is_asked_and_ends_when_time_is_up() {
    let file = folder().join("v2/bad-chart.jsonl");
    let begun = std::time::Instant::now();
    let ran = replay(&file, &["--speed", "60", "--progress", "plain", "--wait-timeout", "1s"]);
    assert_eq!(ran.status.code(), Some(7), "{}", text(&ran.stderr));
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1));
    let told = text(&ran.stderr);
    assert!(told.contains("60 times as fast as it was") && told.contains("was left at +"), "{told}");
    assert!(ran.stdout.is_empty());
    let wrong = replay(&file, &["--speed", "-3"]);
    assert_eq!(wrong.status.code(), Some(2));
}
