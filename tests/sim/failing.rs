//! What is said of a seed that fails: which one, of which commit, the smallest story that still shows it,
//! and the commands that play both again.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use tidegate::engine::Rules;

use crate::checker::Breach;
use crate::judged;
use crate::plot::Plot;

/// The commit of the tree that this was built from, and whether more than that was in it.
fn commit() -> String {
    let git = |args: &[&str]| {
        let asked = Command::new("git").current_dir(env!("CARGO_MANIFEST_DIR")).args(args).output();
        let answer = asked.ok().filter(|answer| answer.status.success())?;
        Some(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
    };
    match (git(&["rev-parse", "HEAD"]), git(&["status", "--porcelain"])) {
        (Some(head), Some(changed)) if changed.is_empty() => head,
        (Some(head), _) => format!("{head}, dirty"),
        (None, _) => "unknown: this is no git repository".to_owned(),
    }
}

/// The smallest plot of which this still holds.
pub fn smallest(mut plot: Plot, fails: impl Fn(&Plot) -> bool) -> Plot {
    while let Some(smaller) = plot.smaller().into_iter().find(&fails) {
        plot = smaller;
    }
    plot
}

/// Everything that is known of a seed that failed with at least so many clusters.
pub fn report(plot: &Plot, clusters: u32, breaches: &BTreeSet<Breach>) -> String {
    let fails = |plot: &Plot| !judged(plot, plot, Rules::default()).0.is_empty();
    told(&smallest(plot.clone(), fails), clusters, breaches)
}

fn told(small: &Plot, clusters: u32, breaches: &BTreeSet<Breach>) -> String {
    let (seed, text) = (small.seed, small.text());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("seed-{seed}.yaml"));
    // It is printed in any case.
    let _ = std::fs::write(&file, &text);
    format!(
        "seed {seed} of commit {}: {breaches:#?}\n\
         held against the rules again by:\n  \
         TIDEGATE_SIM_FIRST={seed} TIDEGATE_SIM_SEEDS=1 TIDEGATE_SIM_CLUSTERS={clusters} cargo test --test sim stories_made_up\n\
         the smallest story that shows it, played again by:\n  \
         cargo run -- rehearse --scenario {}\n\n{text}",
        commit(),
        file.display()
    )
}

#[test]
fn a_seed_that_fails_is_told_with_commit_story_and_commands() {
    let breaches = [Breach { rule: "7", what: "a Job was made again".to_owned() }].into();
    let small = smallest(Plot::of(3, 16), |plot| !plot.faults.is_empty());
    assert!(small.faults.len() == 1 && small.pins.is_empty() && small.deeds.is_empty());
    let told = told(&small, 16, &breaches);
    for part in ["seed 3 of commit ", "a Job was made again", "TIDEGATE_SIM_FIRST=3 ", "rehearse --scenario "]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(commit().split(", ").next().is_some_and(|head| head.len() == 40), "{}", commit());
}
