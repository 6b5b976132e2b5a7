//! A small platform for tests of the driver: a product of manifests, and one whose script writes a
//! line into a file, so that what happened can be counted from outside.
#![allow(clippy::unwrap_used)]

use crate::bed::Cluster;
use crate::lab::Lab;

/// A laboratory with the two products, tagged, and the release R1, cut.
pub struct Small {
    /// The laboratory.
    pub lab: Lab,
}

const BASE: &str = "
apiVersion: tidegate.dev/v1
kind: Product
metadata: { name: base }
spec:
  version: 1.0.0
  owner: platform
  deploy:
    - manifests: { path: manifests, namespace: base }
  tests:
    - run: { name: there, command: [./there.sh] }
";

const MANIFESTS: &str = "
apiVersion: v1
kind: Namespace
metadata: { name: base }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { cluster: '{{ cluster.name }}', edition: '1' }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers: [ { name: web, image: 'registry.example.com/web:1@sha256:0000000000000000000000000000000000000000000000000000000000000000' } ]
";

/// Writes one line when it has worked a while; its `observe` command looks for that line.
const WORK: &str = r#"#!/bin/sh
set -eu
key="$TIDEGATE_ROLLOUT $TIDEGATE_CLUSTER $TIDEGATE_STEP"
if [ "${TIDEGATE_OBSERVE:-}" = 1 ]; then
  grep -qxF "$key" "$LOG" && exit 0
  exit 1
fi
sleep 0.3
echo "$key" >>"$LOG"
sleep 0.2
"#;

impl Small {
    /// For these clusters: the first is staging, the others are production, `at_once` at a time.
    pub fn new(clusters: &[&Cluster], at_once: u32) -> Self {
        let lab = Lab::new();
        let log = lab.around().join("work.log");
        std::fs::write(&log, "").unwrap();
        lab.write("products/base/product.yaml", BASE);
        lab.write("products/base/manifests/base.yaml.j2", MANIFESTS);
        lab.write_script("products/base/there.sh", "#!/bin/sh\ntest -s \"$KUBECONFIG\"\n");
        lab.write(
            "products/work/product.yaml",
            &format!(
                "
apiVersion: tidegate.dev/v1
kind: Product
metadata: {{ name: work }}
spec:
  version: 1.0.0
  owner: platform
  requires: {{ base: ^1.0.0 }}
  deploy:
    - run: {{ name: one, command: [./work.sh], observe: [./work.sh], env: {{ LOG: {log} }} }}
    - run: {{ name: two, command: [./work.sh], observe: [./work.sh], env: {{ LOG: {log} }} }}
  tests:
    - run: {{ name: fine, command: [\"true\"] }}
",
                log = log.display()
            ),
        );
        lab.write_script("products/work/work.sh", WORK);
        let mut fleet = String::from(
            "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: small }\nspec:\n  clusters:\n",
        );
        for (index, cluster) in clusters.iter().enumerate() {
            let env = if index == 0 { "staging" } else { "prod" };
            fleet.push_str(&format!(
                "    - name: {}\n      labels: {{ env: {env} }}\n      kubeconfig: {{ path: {} }}\n",
                cluster.name(),
                cluster.kubeconfig_via_proxy().display()
            ));
        }
        lab.write("pipelines/fleet.yaml", &fleet);
        lab.write(
            "pipelines/main.yaml",
            &format!(
                "
apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: {{ name: main }}
spec:
  waves:
    - {{ name: staging, selector: {{ env: staging }}, tests: all }}
    - {{ name: prod, selector: {{ env: prod }}, atOnce: {at_once} }}
"
            ),
        );
        lab.write(
            "releases/R1.yaml",
            "
apiVersion: tidegate.dev/v1
kind: Release
metadata: { name: R1 }
spec:
  kubernetes: \"1.36\"
  products: { base: 1.0.0, work: 1.0.0 }
",
        );
        lab.commit("a small platform");
        lab.tidegate("product tag --all").ok();
        lab.tidegate("release cut R1").ok();
        lab.commit("release: R1");
        Self { lab }
    }

    /// Plans a release; the plan's file.
    pub fn plan(&self, release: &str) -> String {
        let path = self.lab.around().join(format!("{release}.plan")).display().to_string();
        self.lab.run(&["plan", release, "--out", &path]).ok();
        path
    }

    /// The lines that the scripts wrote, sorted.
    pub fn work_done(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.lab.around().join("work.log")).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }
}
