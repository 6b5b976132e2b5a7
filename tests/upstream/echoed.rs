//! Hosts that repeat what they were shown: nobody who reads what tidegate says reads the secret.

use std::path::Path;
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fake::{Fake, Reply, Seen};
use super::{platform, report};

/// What is shown, and must be read nowhere.
const TOKEN: &str = "sekrit-tok-123";
const PASSWORD: &str = "sekrit-pass-456";

/// Every secret begins so, also a half of one.
const SEKRIT: &str = "sekrit";

/// The password that was shown as `Authorization: Basic`, or nothing.
fn password(seen: &Seen) -> Option<String> {
    let pair = STANDARD.decode(seen.header("authorization").strip_prefix("Basic ")?).unwrap();
    Some(String::from_utf8(pair).unwrap().split_once(':')?.1.to_owned())
}

fn bearer(seen: &Seen) -> Option<&str> {
    seen.header("authorization").strip_prefix("Bearer ")
}

/// A forge and registries that refuse everything, with what they were shown.
fn refusing(seen: &Seen) -> Reply {
    let long = "x".repeat(180);
    if seen.path.starts_with("/api.github.com/") || seen.path.starts_with("/github.com/") {
        let told =
            format!("Bad credentials {} {}", bearer(seen).unwrap_or("(none)"), seen.header("authorization"));
        return Reply::json(serde_json::json!({ "message": told }).to_string()).status(401);
    }
    if seen.path.starts_with("/quay/v2/") {
        let wants = Reply::error(401, "UNAUTHORIZED", "who?").header("WWW-Authenticate", "Basic realm=\"x\"");
        return match password(seen) {
            None => wants,
            Some(shown) if seen.path.contains("/gone/") => {
                Reply::error(403, "DENIED", &format!("{long} {shown}"))
            }
            Some(shown) if seen.path.contains("/private/") => {
                Reply::json(serde_json::json!({ "name": "x", "tags": shown }).to_string())
            }
            Some(shown) => {
                Reply::error(403, "DENIED", &format!("{shown} of {}", seen.header("authorization")))
            }
        };
    }
    report::answer(seen)
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = platform::tidegate(folder, &folder.join("repo"));
    command.args(["lcm", "report"]).args(args).env("GITHUB_TOKEN", TOKEN).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_was_shown_is_hidden_in_what_it_says() {
    let fake = Fake::new(refusing).await;
    let folder = tempfile::tempdir().unwrap();
    report::certs(&folder.path().join("repo"), &fake.address());
    let auth = STANDARD.encode(format!("robot:{PASSWORD}"));
    let config = serde_json::json!({ "auths": { "quay.example.com": { "auth": auth } } });
    platform::write(folder.path(), ".docker/config.json", &config.to_string());
    let answers = folder.path().join("answers.json");
    for args in [&["-o", "json"][..], &["--save-answers", answers.to_str().unwrap()], &["-o", "html"]] {
        let ran = run(folder.path(), args);
        let all = [ran.stdout, ran.stderr].concat();
        let all = String::from_utf8_lossy(&all);
        assert!(!all.contains(SEKRIT) && !all.contains(&auth), "{args:?}: {all}");
        assert!(all.contains("Bad credentials ***") && all.contains("DENIED ***"), "{args:?}: {all}");
    }
    let kept = std::fs::read_to_string(answers).unwrap();
    assert!(!kept.contains(SEKRIT) && kept.contains("***"), "{kept}");
    // They were shown: else nothing was hidden.
    assert!(fake.seen().iter().any(|seen| bearer(seen) == Some(TOKEN)));
    assert!(fake.seen().iter().any(|seen| password(seen).as_deref() == Some(PASSWORD)));
}
