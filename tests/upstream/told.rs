//! What `tidegate lcm report` says where it can't say all: nobody told of versions, a past report is damaged,
//! nothing was selected.

use std::path::Path;

use serde_json::Value;

use super::fake::{Fake, Reply};
use super::report::{answer, certs, run};

/// The code, the envelope and what was said beside it.
fn json(folder: &Path, args: &[&str]) -> (Option<i32>, Value, String) {
    let ran = run(folder, &[&["-o", "json"], args].concat());
    let told = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    (ran.status.code(), told, String::from_utf8_lossy(&ran.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_tells_of_versions_that_is_said_though_others_answered() {
    let fake = Fake::new(|seen| match seen.path.starts_with("/endoflife/") {
        true => answer(seen),
        false => Reply::error(403, "TOOMANYREQUESTS", "later"),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    certs(&folder.path().join("repo"), &fake.address());
    let (code, told, said) = json(folder.path(), &["--product", "certs"]);
    assert_eq!(code, Some(6), "{said}");
    let sources = &told["data"]["sources"];
    assert_eq!(sources["answered"], 1, "the data set of support windows answered: {sources:#}");
    assert!(said.contains("of nothing in use it is known which versions there are"), "{said}");
    let warnings = told["warnings"].to_string();
    assert!(warnings.contains("exit code 6"), "{warnings}");
    // One registry that answers is enough.
    let fake = Fake::new(|seen| match seen.path.starts_with("/quay/v2/jetstack/controller/") {
        true => answer(seen),
        false => Reply::error(403, "DENIED", "no"),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    certs(&folder.path().join("repo"), &fake.address());
    let (code, _, said) = json(folder.path(), &[]);
    assert!(code == Some(0) && !said.contains("of nothing in use"), "{code:?} {said}");
}
