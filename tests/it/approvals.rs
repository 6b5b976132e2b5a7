//! Approvals as people give them and take them back, with the whole binary: ahead of the gate only
//! with an end, and revoked so that the rollout stands still again.

use crate::bed::{Bed, ClusterSpec};
use crate::small::Small;

const GATED: &str = "
apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: { name: main }
spec:
  waves:
    - { name: staging, selector: { env: staging }, tests: all }
    - name: prod
      selector: { env: prod }
      gates:
        before:
          - approval: { by: platform-leads, author: allowed }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_ahead_of_its_gate_needs_an_end_and_counts_until_it_is_revoked() {
    let specs = ["early-1", "early-2"].map(|name| ClusterSpec::complete(name, 1)).into();
    let clusters = Bed::shared().await.clusters(specs).await;
    let told = tokio::task::spawn_blocking(move || {
        let small = Small::new(&clusters.iter().collect::<Vec<_>>(), 1);
        let lab = &small.lab;
        lab.write("pipelines/main.yaml", GATED);
        lab.commit("pipeline: a gate");
        let plan = small.plan("R1");
        lab.run(&["rollout", "start", &plan, "--detach"]).ok();

        // Nothing has run: without an end the yes would outlive what nobody has seen yet.
        let refused = lab.tidegate("rollout approve R1 --wave prod").exits(8);
        assert!(refused.err.contains("TG0708") && refused.err.contains("--expires"), "{}", refused.err);
        lab.tidegate("rollout approve R1 --wave prod --expires 2020-01-01").exits(2);
        lab.tidegate("rollout revoke R1 --wave prod").exits(4);
        lab.tidegate("rollout approve R1 --wave prod --expires 2999-01-01").ok();
        lab.tidegate("rollout revoke R1 --wave prod --reason wrong").ok();
        lab.tidegate("rollout run R1 --until blocked").exits(11);
        assert_eq!(small.work_done().len(), 2, "only staging ran: {:?}", small.work_done());

        // Now the gate is asked: the yes binds to the evidence, end or not.
        lab.tidegate("rollout approve R1 --wave prod --expires 2999-01-01T12:00:00Z").ok();
        lab.tidegate("rollout run R1").ok();
        assert_eq!(small.work_done().len(), 4);
        let given: Vec<_> = lab.events().into_iter().filter(|e| e["event"] == "approval.given").collect();
        let bound: Vec<bool> = given.iter().map(|e| e["evidence"].is_string()).collect();
        assert_eq!(bound, [false, true], "{given:#?}");
        assert_eq!(given[1]["expires"], "2999-01-01T12:00:00Z");
    });
    if let Err(panic) = told.await {
        std::panic::resume_unwind(panic.into_panic());
    }
}
