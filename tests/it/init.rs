//! `init` from an empty folder to a release on a real cluster, by the commands that it names.
#![allow(clippy::unwrap_used)]

use std::fs;

use crate::bed::{Bed, ClusterSpec};
use crate::lab::Lab;
use crate::tiny::beside;

#[tokio::test(flavor = "multi_thread")]
async fn what_init_writes_is_checked_tagged_cut_and_rolled_out() {
    let bed = Bed::shared().await;
    let kubectl = bed.tool("kubectl").await;
    let cluster = bed.cluster(ClusterSpec::api_only("staging-1")).await;
    let kubeconfig = fs::read(cluster.kubeconfig()).unwrap();
    beside(move || {
        let mut lab = Lab::new();
        lab.add_to_path(kubectl.parent().unwrap());
        let ran = lab.tidegate("init").ok();
        let next = ran.err.lines().rev().find_map(|line| line.strip_prefix("Next: ")).unwrap().to_owned();
        let ran = lab.shell(&next).ok();
        assert!(ran.out.contains("1 product, 1 release, 1 pipeline, 1 cluster"), "{}", ran.out);
        lab.tidegate("product tag --all").ok();
        lab.tidegate("release cut R1").ok();
        lab.commit("release: R1");
        let plan = lab.around().join("r1.plan").display().to_string();
        // The fleet names a file that is not there yet: the plan says so, and not only that it failed.
        let ran = lab.run(&["plan", "R1", "--out", &plan]).exits(3);
        assert!(ran.err.contains("TG0361") && ran.err.contains(".kube/config"), "{}", ran.err);
        fs::create_dir_all(lab.home().join(".kube")).unwrap();
        fs::write(lab.home().join(".kube/config"), kubeconfig).unwrap();
        lab.run(&["plan", "R1", "--render", "--out", &plan]).ok();
        lab.run(&["rollout", "start", &plan]).ok();
        assert_eq!(lab.git(&["tag", "--list", "release/*"]), "release/R1/staging");
    })
    .await;
    cluster.end().await;
}

#[test]
fn init_refuses_what_would_be_overwritten_or_never_read() {
    let lab = Lab::new();
    lab.write("releases/R9.yaml", "kept\n");
    let ran = lab.tidegate("init").exits(8);
    assert!(ran.err.contains("TG0914") && ran.err.contains("`releases`"), "{}", ran.err);
    assert!(ran.err.contains("nothing was written"), "{}", ran.err);
    assert!(!lab.repo().join("products").exists());
    assert_eq!(lab.read("releases/R9.yaml"), "kept\n");
    fs::remove_dir_all(lab.repo().join("releases")).unwrap();

    // Only the root of a repository is read.
    let ran = lab.tidegate("init deep/er").exits(8);
    assert!(ran.err.contains("is not its root"), "{}", ran.err);
    assert!(!lab.repo().join("deep").exists());

    // A second time everything is there.
    lab.tidegate("init").ok();
    lab.tidegate("init").exits(8);
}

#[test]
fn init_begins_a_folder_that_is_no_repository_yet() {
    let lab = Lab::new();
    let folder = lab.around().join("new place");
    let ran = lab.run(&["init", folder.to_str().unwrap(), "-o", "json"]).ok().json();
    assert_eq!(ran["kind"], "Initialized");
    assert!(ran["data"]["files"].as_array().unwrap().contains(&"products/hello/product.yaml".into()));
    fs::remove_dir_all(&folder).unwrap();
    let ran = lab.run(&["init", folder.to_str().unwrap()]).ok();
    let next = ran.err.lines().rev().find_map(|line| line.strip_prefix("Next: ")).unwrap().to_owned();
    assert!(next.contains("git init"), "{next}");
    let ran = lab.shell(&next).ok();
    assert!(ran.out.contains("1 cluster"), "{}", ran.out);
}
