//! Scripts as real processes: order, deadlines, crashes, masks.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use super::*;
use crate::adapter::host::tests::wait_until_dead;
use crate::journal::FailureClass;
use crate::model::{Duration as Seconds, File};
use crate::port::Secret;

/// Notes what was spawned, and what a file held at that moment.
#[derive(Default)]
struct Note {
    seen: Mutex<Option<Spawned>>,
    watch: Option<PathBuf>,
    existed: Mutex<Option<bool>>,
    refuse: bool,
}

#[async_trait]
impl SpawnHook for Note {
    async fn spawned(&self, spawned: Spawned) -> Result<(), Fault> {
        *self.seen.lock().unwrap() = Some(spawned);
        if let Some(path) = &self.watch {
            // Long enough for a program that did not wait to have run.
            tokio::time::sleep(Duration::from_millis(200)).await;
            *self.existed.lock().unwrap() = Some(path.exists());
        }
        if self.refuse { Err(Fault::transient("the journal moved on")) } else { Ok(()) }
    }
}

fn request(script: &str) -> ScriptRequest {
    let mut files = Tree::new();
    let text = format!("#!/bin/sh\n{script}\n");
    files.insert("hooks/run.sh", File { bytes: text.into_bytes().into(), executable: true });
    files.insert("words.txt", File { bytes: (*b"words\n").into(), executable: false });
    ScriptRequest {
        files,
        command: vec!["hooks/run.sh".into(), "one two".into()],
        env: BTreeMap::new(),
        secrets: BTreeMap::new(),
        mask: Vec::new(),
        timeout: Seconds::seconds(30),
    }
}

fn scripts() -> LocalScripts {
    LocalScripts::new().with_grace(Duration::from_millis(500))
}

async fn run(request: ScriptRequest) -> ScriptResult {
    scripts().run(request, &Note::default()).await.unwrap()
}

async fn read_pid(file: &Path) -> u32 {
    for _ in 0..1000 {
        if let Some(pid) = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()) {
            return pid;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} was never written", file.display());
}

#[tokio::test]
async fn a_script_runs_in_the_products_folder_and_both_streams_keep_their_order() {
    let result = run(request("echo 1 \"$1\"; echo 2 >&2; cat words.txt; echo 3 >&2; exit 7")).await;
    assert_eq!(result.code, Some(7));
    assert!(!result.timed_out);
    assert_eq!(result.output, ["1 one two", "2", "words", "3"]);
}

#[tokio::test]
async fn the_folder_is_gone_afterwards_and_standard_input_is_empty() {
    let result = run(request("pwd; cat; touch made-here")).await;
    assert_eq!(result.code, Some(0));
    assert_eq!(result.output.len(), 1);
    assert!(!Path::new(&result.output[0]).exists(), "{:?}", result.output);
}

#[tokio::test]
async fn nothing_runs_before_the_group_is_recorded_and_nothing_at_all_if_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ran");
    let script = format!("touch {}", file.display());
    let note = Note { watch: Some(file.clone()), ..Note::default() };
    let result = scripts().run(request(&script), &note).await.unwrap();
    assert_eq!(result.code, Some(0));
    assert_eq!(*note.existed.lock().unwrap(), Some(false));
    assert!(file.exists());

    let file = folder.path().join("never");
    let note = Note { refuse: true, ..Note::default() };
    let fault = scripts().run(request(&format!("touch {}", file.display())), &note).await.unwrap_err();
    assert_eq!(fault.message, "the journal moved on");
    let spawned = note.seen.lock().unwrap().unwrap();
    wait_until_dead(u32::try_from(spawned.group).unwrap()).await;
    assert!(!file.exists());
}

#[tokio::test]
async fn the_recorded_number_is_that_of_the_program_itself() {
    let note = Note::default();
    let result = scripts().run(request("echo $$ $TIDEGATE_GROUP"), &note).await.unwrap();
    let spawned = note.seen.lock().unwrap().unwrap();
    assert_eq!(result.output, [format!("{0} {0}-{1}", spawned.group, spawned.start_ticks)]);
}

#[tokio::test]
async fn a_script_past_its_time_is_asked_to_end_and_then_ended_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!(
        "trap 'echo asked' TERM; (trap '' TERM; echo $(exec sh -c 'echo $PPID') > {}; while :; do sleep 1; done) & \
         while :; do sleep 1; done",
        file.display()
    );
    let mut request = request(&script);
    request.timeout = Seconds::seconds(1);
    let result = scripts().run(request, &Note::default()).await.unwrap();
    assert!(result.timed_out);
    assert_eq!(result.code, None);
    assert!(result.output.iter().any(|line| line == "asked"), "{:?}", result.output);
    wait_until_dead(read_pid(&file).await).await;
}

#[tokio::test]
async fn what_a_script_leaves_behind_ends_with_it_even_outside_the_group() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
    let script = format!(
        "sleep 600 & echo $! > {}; setsid sh -c 'echo $$ > {}; exec sleep 600' & \
         while ! [ -s {} ]; do sleep 0.05; done; echo done",
        inside.display(),
        outside.display(),
        outside.display()
    );
    let started = std::time::Instant::now();
    let result = run(request(&script)).await;
    assert_eq!((result.code, result.output.last().map(String::as_str)), (Some(0), Some("done")));
    assert!(started.elapsed() < Duration::from_secs(10));
    wait_until_dead(read_pid(&inside).await).await;
    wait_until_dead(read_pid(&outside).await).await;
}

#[tokio::test]
async fn a_script_ends_when_its_caller_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("trap '' TERM; echo $$ > {}; while :; do sleep 1; done", file.display());
    let task = tokio::spawn(async move { scripts().run(request(&script), &Note::default()).await });
    let pid = read_pid(&file).await;
    task.abort();
    wait_until_dead(pid).await;
}

#[tokio::test]
async fn an_heir_ends_the_group_of_a_dead_driver_and_never_a_stranger() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", file.display());
    let note = std::sync::Arc::new(Note::default());
    let theirs = std::sync::Arc::clone(&note);
    let running = tokio::spawn(async move { scripts().run(request(&script), &*theirs).await });
    let child = read_pid(&file).await;
    let spawned = note.seen.lock().unwrap().unwrap();

    let stranger = Spawned { start_ticks: spawned.start_ticks + 1, ..spawned };
    assert!(!scripts().end(stranger).await.unwrap());
    assert!(host::start_ticks(spawned.group).is_some(), "a stranger was ended");

    assert!(scripts().end(spawned).await.unwrap());
    wait_until_dead(child).await;
    let result = running.await.unwrap().unwrap();
    assert_eq!((result.code, result.timed_out), (None, false));
    assert!(!scripts().end(spawned).await.unwrap());
}

#[tokio::test]
async fn an_heir_finds_the_children_of_a_leader_that_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    // A leader that was killed without its children, as by a kill of the driver's container.
    let mut leader = std::process::Command::new("/bin/sh");
    use std::os::unix::process::CommandExt;
    leader
        .args(["-c", GATE, "sh", "sh", "-c"])
        .arg(format!("sleep 600 & echo $! > {}; wait", file.display()));
    let mut leader = leader.process_group(0).stdin(Stdio::piped()).spawn().unwrap();
    let group = i32::try_from(leader.id()).unwrap();
    let spawned = Spawned { group, start_ticks: host::start_ticks(group).unwrap() };
    std::io::Write::write_all(
        &mut leader.stdin.take().unwrap(),
        format!("{}\n", mark_of(spawned)).as_bytes(),
    )
    .unwrap();
    let child = read_pid(&file).await;
    leader.kill().unwrap();
    leader.wait().unwrap();
    assert!(host::start_ticks(i32::try_from(child).unwrap()).is_some());
    assert!(scripts().end(spawned).await.unwrap());
    wait_until_dead(child).await;
}

#[tokio::test]
async fn a_gate_that_never_opens_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ran");
    let status = std::process::Command::new("/bin/sh")
        .args(["-c", GATE, "sh", "touch", file.to_str().unwrap()])
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(126));
    assert!(!file.exists());
}

#[tokio::test]
async fn secrets_reach_the_script_and_never_its_stored_output() {
    let mut request = request("echo \"got $TOKEN\"; printf %s \"$TOKEN\" | base64; echo canary-two");
    request.secrets.insert("TOKEN".into(), Secret::new("canary-one-1234"));
    request.mask.push(Secret::new("canary-two"));
    let result = run(request).await;
    assert_eq!(result.output, ["got ***", "***", "***"]);
}

#[tokio::test]
async fn a_script_sees_what_it_was_given_and_little_else() {
    let mut request = request("env");
    request.env.insert("KUBECONFIG".into(), "/tmp/k".into());
    let result = run(request).await;
    let names: Vec<&str> = result.output.iter().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert!(names.contains(&"KUBECONFIG") && names.contains(&"PATH"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("CARGO")), "{names:?}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_before_anything_starts() {
    let cases = [
        (vec![], "the command is empty"),
        (vec!["no-such-program-x"], "was not found on PATH"),
        (vec!["./nothing.sh"], "`nothing.sh` is no file of the product"),
        (vec!["../../bin/sh"], "is no file of the product"),
        (vec!["./words.txt"], "is not executable in git"),
        (vec!["/no/such"], "does not exist on this host"),
    ];
    for (command, words) in cases {
        let mut request = request("");
        request.command = command.iter().map(|word| (*word).to_owned()).collect();
        let note = Note::default();
        let fault = scripts().run(request, &note).await.unwrap_err();
        assert_eq!(fault.class, FailureClass::Permanent);
        assert!(fault.message.contains(words), "{fault}");
        assert!(note.seen.lock().unwrap().is_none());
    }
}

#[tokio::test]
async fn a_program_on_path_needs_no_file() {
    let mut request = request("");
    request.command = vec!["echo".into(), "a b".into()];
    assert_eq!(run(request).await.output, ["a b"]);
}

#[tokio::test]
async fn much_output_blocks_nobody() {
    let result = run(request("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")).await;
    assert_eq!(result.code, Some(0));
    assert_eq!(result.output.len(), 200);
    assert_eq!(result.output[199], "line 19999");
}
