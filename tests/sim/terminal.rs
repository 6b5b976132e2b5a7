//! The demo and a replay at a terminal: a person presses Enter, types the command, says yes from a second
//! terminal, or presses Ctrl-C. The terminal is a pseudo terminal; what it shows is read as text.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(900);

/// A terminal with a command in it.
struct Terminal {
    child: Child,
    keys: File,
    seen: Arc<Mutex<Vec<u8>>>,
    home: tempfile::TempDir,
}

fn tidegate(home: &Path) -> Command {
    let mut command = crate::tidegate(home);
    command
        .current_dir(home)
        .env("TZ", "UTC")
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS");
    command
}

impl Terminal {
    fn begin(columns: u16, args: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        // It must not become the terminal of the tests themselves.
        let alone = i32::try_from(OFlags::NOCTTY.bits()).unwrap();
        let slave = || File::options().read(true).write(true).custom_flags(alone).open(&name).unwrap();
        let child = tidegate(home.path())
            .args(args)
            .stdin(Stdio::from(slave()))
            .stdout(Stdio::from(slave()))
            .stderr(Stdio::from(slave()))
            .spawn()
            .unwrap();
        let master = File::from(master);
        let (mut screen, seen) = (master.try_clone().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut some = [0; 4096];
            // It fails when the last one who had the terminal has gone.
            while let Ok(n @ 1..) = screen.read(&mut some) {
                kept.lock().unwrap().extend_from_slice(&some[..n]);
            }
        });
        Self { child, keys: master, seen, home }
    }

    /// What was shown, without colours.
    fn text(&self) -> String {
        let seen = self.seen.lock().unwrap().clone();
        anstream::adapter::strip_str(&String::from_utf8_lossy(&seen)).to_string().replace('\r', "")
    }

    /// Waits until words are shown.
    fn shows(&self, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if text.contains(words) {
                return text;
            }
            assert!(begun.elapsed() < PATIENCE, "`{words}` never came:\n{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until it has asked so often.
    fn asks(&self, times: usize) {
        let begun = Instant::now();
        while self.text().matches(QUESTION).count() < times {
            assert!(begun.elapsed() < PATIENCE, "it did not ask {times} times:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
    }

    /// A signal, as Ctrl-C sends it.
    fn interrupt(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
    }

    /// Waits for the end. Nothing is left in the folder for temporary files.
    fn ends(mut self) -> (ExitStatus, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(50));
        };
        std::thread::sleep(Duration::from_millis(100));
        let left: Vec<_> = std::fs::read_dir(self.home.path()).unwrap().map(|e| e.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
        (status, self.text())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const QUESTION: &str = "press Enter to have it typed for you";

fn healthy(columns: u16) -> Terminal {
    Terminal::begin(columns, &["demo", "--clusters", "3", "--speed", "3600"])
}

/// What every healthy story shows.
fn told(text: &str) {
    for words in [
        "A simulated fleet of 3 clusters gets its first release",
        "$ tidegate plan R42 --out r42.plan",
        "gates-before",
        "$ tidegate rollout why R42 --wave prod",
        "0 of 1 from platform-leads",
        "$ tidegate rollout run R42\n",
        "3/3 clusters done",
        "tag release/R42/prod",
        "$ tidegate journal verify",
        "every hash fits",
    ] {
        assert!(text.contains(words), "`{words}` is missing:\n{text}");
    }
}

#[test]
fn a_person_presses_enter_where_the_demo_asks() {
    let mut terminal = healthy(80);
    let asked = terminal.shows(QUESTION);
    assert!(asked.contains("  tidegate rollout approve R42 --wave prod\n"), "{asked}");
    // No clock but the fleet's is shown.
    assert!(!asked.contains("264 d"), "{asked}");
    terminal.types("\n");
    let (status, text) = terminal.ends();
    assert!(status.success(), "{text}");
    told(&text);
    keep("enter-80", &text);
}

#[test]
fn a_person_types_the_command_that_the_screen_named() {
    let mut terminal = healthy(160);
    terminal.shows(QUESTION);
    // Whoever types something else is asked again, until somebody did what it stopped for.
    terminal.types("rollout why R42 --wave prod\n");
    terminal.asks(2);
    terminal.types("rollout approve R42 --wave nonprod\n");
    terminal.asks(3);
    terminal.types("tidegate rollout approve R42 --wave prod --comment looks-good\n");
    let (status, text) = terminal.ends();
    assert!(status.success(), "{text}");
    told(&text);
    assert!(text.contains("looks-good"), "{text}");
    keep("typed-160", &text);
}

#[test]
fn somebody_says_yes_from_a_second_terminal_by_the_printed_commands() {
    let terminal = healthy(100);
    let asked = terminal.shows(QUESTION);
    let enter =
        asked.lines().find(|line| line.contains("export TIDEGATE_JOURNAL=")).unwrap().trim().to_owned();
    let approve = asked.lines().rev().find(|line| line.starts_with("  tidegate rollout approve")).unwrap();
    let run = |line: &str| {
        let bin = Path::new(env!("CARGO_BIN_EXE_tidegate")).parent().unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let home = tempfile::tempdir().unwrap();
        let line = format!("{enter} && {line}");
        let ran = Command::new("sh").args(["-c", &line]).env("PATH", path).env("HOME", home.path()).output();
        let ran = ran.unwrap();
        let told =
            format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        (ran.status.code(), told)
    };
    let typed = |line: &str| {
        let (code, told) = run(line);
        assert_eq!(code, Some(0), "{line}: {told}");
        told
    };
    // What the clusters are asked for is asked by the demo alone; what else happens is not what it waits for.
    for drives in ["tidegate rollout run", "tidegate plan R42", "tidegate cluster drift"] {
        let (code, told) = run(drives);
        assert!(code == Some(8) && told.contains("TG0808"), "{drives}: {told}");
    }
    typed("tidegate cluster hold prod-1 --reason look");
    typed("tidegate cluster release prod-1 --reason looked");
    std::thread::sleep(Duration::from_secs(1));
    assert!(!terminal.text().contains("somebody did"), "{}", terminal.text());
    let why = typed("tidegate rollout why R42 --wave prod");
    assert!(why.contains("approval") && why.contains("since"), "{why}");
    assert!(!why.contains(" d "), "it is asked at the fleet's time: {why}");
    typed(approve.trim());
    let (status, text) = terminal.ends();
    assert!(status.success(), "{text}");
    assert!(text.contains("somebody did, in another terminal"), "{text}");
    told(&text);
}

#[test]
fn a_question_of_a_command_is_answered_or_cut_off() {
    let bad_chart =
        || Terminal::begin(80, &["demo", "--clusters", "3", "--speed", "3600", "--scenario", "bad-chart"]);
    let (mut answered, mut cut_off) = (bad_chart(), bad_chart());
    for terminal in [&mut answered, &mut cut_off] {
        terminal.shows(QUESTION);
        terminal.types("rollout abort R42\n");
        terminal.shows("[y/N] ");
    }
    cut_off.interrupt();
    let (status, text) = cut_off.ends();
    assert_eq!(status.code(), Some(130), "{text}");
    answered.types("n\n");
    answered.asks(2);
    // What is typed with Enter says yes beforehand.
    answered.types("\n");
    let (status, text) = answered.ends();
    assert!(status.success() && text.matches("[y/N]").count() == 1, "{text}");
    assert!(text.contains("R42-1 · release R42 · ✖ aborted"), "{text}");
}

#[test]
fn a_demo_that_is_interrupted_at_its_beginning_ends_at_once_and_leaves_nothing() {
    let terminal = healthy(80);
    terminal.shows("gets its first release");
    terminal.interrupt();
    let (status, text) = terminal.ends();
    assert_eq!(status.code(), Some(130), "{text}");
    assert!(text.contains("stopped: nothing is left behind, and there is nothing to go on with"), "{text}");
    assert!(!text.contains("goes through all waves"), "the first release went on to its end: {text}");
}

#[test]
fn a_replay_is_live_at_a_terminal_and_can_be_left() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/exports/v2/healthy.jsonl");
    let file = file.display().to_string();
    let terminal = Terminal::begin(80, &["rollout", "replay", &file]);
    // By the clock of then: hours, not the months since.
    terminal.shows("soaks until");
    terminal.interrupt();
    let (status, text) = terminal.ends();
    assert_eq!(status.code(), Some(130), "{text}");
    // It soaks from minute eight on: the clock of then goes on.
    let left = text.split("R42-1 was left at +").nth(1).and_then(|rest| rest.split(';').next()).unwrap();
    assert!(left.contains(['m', 'h']), "{text}");
    assert!(text.contains("--at +"), "{text}");
    assert!(!text.contains("264 d"), "{text}");
    keep("replay-80", &text);
}

/// With `TIDEGATE_SCREENS=FOLDER`, what was shown is kept there, for whoever looks at it.
fn keep(name: &str, text: &str) {
    if let Some(folder) = std::env::var_os("TIDEGATE_SCREENS") {
        std::fs::write(Path::new(&folder).join(name), text).unwrap();
    }
}
