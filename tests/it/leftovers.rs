//! What a driver that is killed leaves in the temporary folder: files with secrets in them. The next
//! driver on the host removes them, and nothing of a process that lives.
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::bed::{Bed, ClusterSpec};
use crate::tiny::{self, Member};

const STEPS: &str = "  deploy:
    - run: { name: slow, command: [./slow.sh], idempotent: true, env: { AROUND: '@' } }
  tests:
    - run: { name: fine, command: [\"true\"] }
";

/// Waits to be killed, unless it may go on.
const SLOW: &str = r#"#!/bin/sh
set -eu
touch "$AROUND/started"
test -e "$AROUND/go" && exit 0
cp "$KUBECONFIG" "$AROUND/seen.kubeconfig"
exec sleep 600
"#;

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_driver_leaves_is_private_and_the_next_driver_removes_it() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("leftovers")).await;
    tiny::beside(move || {
        let mut lab = tiny::lab(&[Member::of(&cluster, "staging")], tiny::WAVES);
        let around = lab.around().to_owned();
        let temporary = around.join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        lab.set("TMPDIR", temporary.display().to_string());
        let steps = STEPS.replace('@', &around.display().to_string());
        tiny::product(&lab, "slow", "1.0.0", &steps, "");
        lab.write_script("products/slow/slow.sh", SLOW);
        tiny::release(&lab, "R1", None, "{ slow: 1.0.0 }");
        tiny::cut(&lab, "R1");
        let plan = tiny::plan(&lab, "R1");
        assert_eq!(entries(&temporary), Vec::<PathBuf>::new(), "a command left something behind");

        let mut driver = lab.spawn(&["rollout", "start", &plan], "driver.log");
        tiny::until("the script's start", || around.join("seen.kubeconfig").exists().then_some(()));
        let whole = match entries(&temporary).as_slice() {
            [only] => only.clone(),
            all => panic!("one folder was expected: {all:?}"),
        };
        let named = whole.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(named.starts_with(&format!("tidegate-{}-", driver.id())), "{named}");
        assert_eq!(mode(&whole), 0o700);
        let inside = entries(&whole);
        let kubeconfig = inside.iter().find(|p| p.extension().is_some_and(|e| e == "kubeconfig")).unwrap();
        assert_eq!((inside.len(), mode(kubeconfig)), (2, 0o600), "{inside:?}");

        driver.kill().unwrap();
        driver.wait().unwrap();
        assert!(kubeconfig.exists(), "a killed process can't have removed it");
        // The script lives on, and a folder that it works in is not taken from under it: the next
        // driver ends it first.
        std::fs::write(around.join("go"), "").unwrap();
        lab.tidegate("rollout run R1").ok();
        assert_eq!(entries(&temporary), Vec::<PathBuf>::new());
        lab.tidegate("journal verify").ok();
    })
    .await;
}
