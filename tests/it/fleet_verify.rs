//! A soak that is observed on a real cluster, and tests of a wave that run again. Cases E11, E18.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

use crate::bed::{Bed, ClusterSpec};
use crate::lab::Lab;
use crate::tiny::{self, Member};

const WAVES: &str = "
    - { name: staging, selector: { env: staging }, soak: { for: 12s, clock: observed, observeEvery: 10s } }
    - name: prod
      selector: { env: prod }
      gates: { before: [ { approval: { by: leads, author: allowed } } ] }
";

/// The steps that were begun in an attempt at a cluster.
fn steps(lab: &Lab, cluster: &str, attempt: u64) -> Vec<String> {
    let all = lab.events();
    let begun = tiny::events(&all, "step.started", cluster).into_iter();
    begun.filter(|e| e["attempt"] == attempt).map(|e| e["step"].as_str().unwrap().to_owned()).collect()
}

fn wave(lab: &Lab, name: &str) -> Value {
    let status = lab.tidegate("rollout status R1 -o json").json();
    let waves = status["data"]["waves"].as_array().unwrap();
    waves.iter().find(|wave| wave["name"] == name).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_e11_e18_a_soak_is_observed_and_tests_that_run_again_close_the_next_gate() {
    let specs = ["verified-1", "verified-2"].map(ClusterSpec::api_only).into();
    let clusters = Bed::shared().await.clusters(specs).await;
    let members = [Member::of(&clusters[0], "staging"), Member::of(&clusters[1], "prod")];
    tiny::beside(move || {
        let lab = tiny::lab(&members, WAVES);
        let name = members[0].name.clone();
        let well = lab.around().join("well");
        std::fs::write(&well, "").unwrap();
        let product = format!(
            "  deploy:\n    - manifests: {{ path: manifests }}\n  tests:\n    - run: {{ name: probe, command: [test, -e, {}] }}\n",
            well.display()
        );
        tiny::product(&lab, "shop", "1.0.0", &product, &tiny::config("shop", "1"));
        tiny::release(&lab, "R1", None, "{ shop: 1.0.0 }");
        tiny::cut(&lab, "R1");
        let plan = tiny::plan(&lab, "R1");

        // A run need not sit through the soak: it says by when the next one has to look.
        let ran = lab.run(&["rollout", "start", &plan, "--until", "blocked"]).exits(11);
        assert!(ran.err.contains("look again by"), "{}", ran.err);
        let soaking = wave(&lab, "staging");
        assert_eq!(soaking["soakLooks"]["of"], 1, "{soaking}");
        assert!(soaking["soakLooks"]["lookBy"].is_string(), "{soaking}");
        tiny::until("the end of the soak", || {
            lab.run(&["rollout", "run", "R1", "--until", "blocked"]).exits(11);
            (wave(&lab, "staging")["over"] == true).then_some(())
        });
        let all = lab.events();
        let looks = tiny::events(&all, "wave.cluster-observed", &name);
        assert!(looks.len() >= 2, "{looks:?}");
        assert!(looks.iter().all(|look| look["found"] == "well"), "{looks:?}");

        // The tests run again, and now they fail: nothing of production starts any more.
        std::fs::remove_file(&well).unwrap();
        lab.tidegate("rollout approve R1 --wave prod").ok();
        lab.tidegate("rollout verify R1 --wave staging --reason moved").ok();
        lab.run(&["rollout", "run", "R1", "--until", "blocked"]).exits(13);
        let again = steps(&lab, &name, 2);
        assert!(!again.is_empty() && again.iter().all(|step| step.contains("probe")), "{again:?}");
        assert_eq!(wave(&lab, "prod")["clusters"]["done"], 0);
        assert!(steps(&lab, &members[1].name, 1).is_empty());

        // A retry has to pass them, too; then it goes on.
        std::fs::write(&well, "").unwrap();
        lab.tidegate("rollout retry R1 --failed").ok();
        lab.run(&["rollout", "run", "R1", "--until", "blocked"]);
        let retried = steps(&lab, &name, 3);
        assert!(retried.iter().any(|step| step.contains("probe")), "{retried:?}");
        lab.run(&["rollout", "approve", "R1", "--wave", "prod"]);
        lab.tidegate("rollout run R1").ok();
        assert_eq!(wave(&lab, "prod")["clusters"]["done"], 1);
    })
    .await;
}
