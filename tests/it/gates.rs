//! Gates that a script and a real Prometheus answer, and what people can do about them, with the
//! whole binary: asked from cheap to dear, asked again after a no, overridden with a reason that the
//! tag keeps.

use crate::bed::{Bed, ClusterSpec};
use crate::prometheus::Prometheus;
use crate::small::Small;

fn pipeline(prometheus: &str, oncall: &std::path::Path, spied: &std::path::Path) -> String {
    format!(
        "
apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: {{ name: main }}
spec:
  waves:
    - {{ name: staging, selector: {{ env: staging }}, tests: all }}
    - name: prod
      selector: {{ env: prod }}
      gates:
        before:
          - command:
              run: [pipelines/gates/oncall.sh]
              env: {{ ONCALL: {oncall}, SPIED: {spied} }}
              askEvery: 1s
          - metric:
              prometheus: {prometheus}
              query: 'max by (cluster) (errors{{cluster=~\"$clusters\"}})'
              max: 0.5
              compare: {{ percent: 10 }}
              askEvery: 1s
        after:
          - metric:
              prometheus: {prometheus}
              query: 'sum(latency{{cluster=~\"$clusters\"}})'
              max: 1
              askEvery: 1s
",
        oncall = oncall.display(),
        spied = spied.display()
    )
}

const ONCALL: &str = r#"#!/bin/sh
set -eu
echo "$TIDEGATE_ROLLOUT $TIDEGATE_WAVE $TIDEGATE_SIDE $TIDEGATE_CLUSTERS" >>"$SPIED"
if [ -e "$ONCALL" ]; then
  echo '{"open": true, "facts": ["rosa is on call"]}'
else
  echo '{"open": false, "facts": ["nobody is on call"]}'
fi
"#;

#[tokio::test(flavor = "multi_thread")]
async fn fleet_e15_e20_a_script_and_a_metric_open_a_wave_and_an_override_is_kept_in_the_tag() {
    let specs = ["gated-1", "gated-2"].map(|name| ClusterSpec::complete(name, 1)).into();
    let clusters = Bed::shared().await.clusters(specs).await;
    let told = tokio::task::spawn_blocking(move || {
        let small = Small::new(&clusters.iter().collect::<Vec<_>>(), 1);
        let lab = &small.lab;
        let names: Vec<String> = clusters.iter().map(|c| c.name().to_owned()).collect();
        let server = Prometheus::with(&[
            ("errors", &names[0], 0.2),
            ("errors", &names[1], 0.19),
            ("latency", &names[0], 3.0),
            ("latency", &names[1], 4.0),
        ]);
        let (oncall, spied) = (lab.around().join("oncall"), lab.around().join("spied"));
        lab.write("pipelines/main.yaml", &pipeline(&server.address(), &oncall, &spied));
        lab.tidegate("check").exits(3).err.contains("oncall.sh").then_some(()).unwrap();
        lab.write_script("pipelines/gates/oncall.sh", ONCALL);
        lab.commit("pipeline: gates");
        lab.tidegate("check").ok();
        let plan = small.plan("R1");
        lab.run(&["rollout", "start", &plan, "--until", "blocked"]).exits(11);

        // The metric, which costs little, was open before the script was asked at all.
        let answers: Vec<(String, bool)> = lab
            .events()
            .into_iter()
            .filter(|e| e["event"] == "gate.answered")
            .map(|e| (e["gate"].as_str().unwrap().to_owned(), e["answer"]["open"].as_bool().unwrap()))
            .collect();
        assert_eq!(answers[..2], [("metric".to_owned(), true), ("command".to_owned(), false)]);
        let asked = std::fs::read_to_string(&spied).unwrap();
        assert_eq!(asked.lines().next().unwrap(), format!("R1-1 prod before {}", names[0]));
        let why = lab.tidegate("rollout why R1 --wave prod").ok().out;
        assert!(why.contains("nobody is on call") && why.contains("rollout override R1-1 command"), "{why}");

        // Now somebody is; the wave goes, and its after-gate, a latency of 7, does not open.
        std::fs::write(&oncall, "").unwrap();
        // A no that still counts ends a run at once; it is asked again a second after it was given.
        for _ in 0..20 {
            lab.tidegate("rollout run R1 --until blocked").exits(11);
            if small.work_done().len() == 4 {
                break;
            }
        }
        assert_eq!(small.work_done().len(), 4);
        let why = lab.tidegate("rollout why R1 --wave prod").ok().out;
        assert!(why.contains("7 on average") && why.contains("at most 1"), "{why}");
        lab.tidegate("rollout override R1 tests --reason INC-1").exits(2);
        lab.tidegate("rollout override R1 metric --reason INC-1").ok();
        lab.tidegate("rollout run R1").ok();
        let tag = lab.git(&["for-each-ref", "--format=%(contents)", "refs/tags/release/R1/prod"]);
        assert!(tag.contains("metric overridden by") && tag.contains("INC-1"), "{tag}");
    });
    if let Err(panic) = told.await {
        std::panic::resume_unwind(panic.into_panic());
    }
}
