//! What people mistype who know the tool from its pages alone: each mistake is told before anything is
//! done, with what to type instead. No cluster is needed.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN, WAVES};

/// The sample platform, and a journal that knows R41-1 and R42-1.
fn lab() -> Lab {
    let lab = Lab::with_sample();
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/spine.db");
    std::fs::copy(golden, lab.around().join("journal.db")).unwrap();
    lab.commit("platform: the sample");
    lab
}

fn stop(lab: &Lab, scope: &str) -> crate::lab::Ran {
    lab.run(&["stop-the-line", "on", "--scope", scope, "--reason", "packets are lost"])
}

#[test]
fn a_line_that_nobody_stands_on_is_not_stopped() {
    let lab = lab();
    for (scope, told) in [
        ("region=er", &["TG0312", "label value `er`", "did you mean `eu`?"][..]),
        ("envv=prod", &["TG0311", "label `envv`", "did you mean `env`?"]),
        ("env=prod,region=er", &["TG0312", "label value `er`"]),
        ("env=staging,pool=prod-2", &["TG0313", "selects no cluster"]),
    ] {
        let ran = stop(&lab, scope).exits(4);
        for words in told {
            assert!(ran.err.contains(words), "{scope} lacks {words}:\n{}", ran.err);
        }
    }
    assert!(lab.tidegate("stop-the-line list").ok().out.contains("no line is stopped"));
    stop(&lab, "env=prod,region=eu").ok();
}

#[test]
fn a_line_is_stopped_although_the_fleet_can_not_be_read() {
    let lab = lab();
    lab.write("pipelines/fleet.yaml", "nonsense: true\n");
    let ran = stop(&lab, "region=er").ok();
    assert!(ran.out.contains("the line of region=er is stopped"), "{}", ran.out);
    assert!(ran.err.contains("warning") && ran.err.contains("is not known"), "{}", ran.err);
    assert!(ran.err.contains("the line is stopped all the same"), "{}", ran.err);

    // A source that hangs costs a few seconds, and not its whole minute.
    lab.write(
        "pipelines/fleet.yaml",
        "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: main }\nspec:\n  source: { command: { command: [sleep, \"55\"] } }\n",
    );
    let begun = std::time::Instant::now();
    let ran = stop(&lab, "region=us").ok();
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(ran.err.contains("did not answer"), "{}", ran.err);
    assert!(lab.tidegate("stop-the-line list").ok().out.contains("region=us"));
}

#[test]
fn a_release_is_its_newest_rollout_where_a_line_is_stopped() {
    let lab = lab();
    let ran = stop(&lab, "rollout:R41").ok();
    assert!(ran.out.contains("the line of rollout:R41-1 is stopped"), "{}", ran.out);
    lab.tidegate("stop-the-line off --scope rollout:R41 --reason over").ok();
    let ran = stop(&lab, "rollout:R77").exits(4);
    assert!(ran.err.contains("TG0701"), "{}", ran.err);
}

#[test]
fn drift_of_nobody_is_no_answer() {
    let lab = lab();
    let ran = lab.tidegate("cluster drift -c payments-eu -l env=staging").exits(4);
    assert!(ran.err.contains("none of payments-eu has env=staging"), "{}", ran.err);
}

#[test]
fn a_file_that_is_no_plan_is_named_with_what_makes_one() {
    let lab = lab();
    lab.write("README.md", "# A platform\n");
    let ran = lab.tidegate("rollout start README.md").exits(3);
    assert!(
        ran.err.contains("README.md: this is no plan: it was not written by `tidegate plan`"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("try: tidegate plan RELEASE --out FILE"), "{}", ran.err);
}

#[test]
fn a_plan_says_why_it_has_nothing_to_say_about_a_cluster() {
    let member = |n: usize| Member {
        name: if n == 0 { "payments-eu".to_owned() } else { format!("other-{n}") },
        env: "staging",
        kubeconfig: PathBuf::from("/nowhere/kubeconfig"),
    };
    let members: Vec<Member> = (0..33).map(member).collect();
    let lab = tiny::lab(&members, WAVES);
    tiny::first(&lab, PLAIN, &tiny::config("app", "1"));
    let ran = lab.tidegate("plan R1 -c payments-ue").exits(4);
    assert!(ran.err.contains("the fleet of the last commit has no cluster `payments-ue`"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `payments-eu`?"), "{}", ran.err);

    // All that are never reached are listed for programs, and shortened for people.
    let ran = lab.tidegate("plan R1").exits(3);
    let line = ran.err.lines().find(|line| line.contains("never reached")).unwrap();
    assert!(line.contains(" and 28 more"), "{line}");

    // A wave of nobody but those would be passed over with its gates.
    let ran = lab.tidegate("plan R1 --defer-unknown").exits(3);
    assert!(ran.err.contains("wave `staging` has 33 clusters, and none was ever reached"), "{}", ran.err);
}

#[test]
fn a_version_without_a_tag_makes_no_hotfix() {
    let lab = lab();
    lab.tidegate("product tag --all").ok();
    lab.tidegate("release cut R41").ok();
    lab.commit("release: R41");
    let ran = lab.tidegate("release hotfix R41 --product ingress=9.1.1").exits(3);
    assert!(ran.err.contains("there is no tag `ingress/v9.1.1`"), "{}", ran.err);
    assert!(ran.err.contains("tagged versions are 4.1.0"), "{}", ran.err);
    assert!(!lab.repo().join("releases/R41.1.yaml").exists());
}
