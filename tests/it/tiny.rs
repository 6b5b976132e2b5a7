//! A tiny platform for tests that need nothing but an API server: products of plain objects, a
//! pipeline with staging and production, and clusters by name and kubeconfig.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use crate::bed::Cluster;
use crate::lab::{Lab, Ran};

/// One member of the fleet.
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its label `env`.
    pub env: &'static str,
    /// Where it is reached.
    pub kubeconfig: PathBuf,
}

impl Member {
    /// A cluster of the bed, reached through its proxy.
    pub fn of(cluster: &Cluster, env: &'static str) -> Self {
        Self { name: cluster.name().to_owned(), env, kubeconfig: cluster.kubeconfig_via_proxy() }
    }
}

/// What a pipeline has beside its waves' names.
pub const WAVES: &str = "
    - { name: staging, selector: { env: staging }, atOnce: 4 }
    - { name: prod, selector: { env: prod }, atOnce: 4 }
";

/// A laboratory with a fleet and a pipeline, committed; products and releases are still to come.
pub fn lab(members: &[Member], waves: &str) -> Lab {
    let lab = Lab::new();
    write_fleet(&lab, members, "");
    lab.write(
        "pipelines/main.yaml",
        &format!(
            "apiVersion: tidegate.dev/v1\nkind: Pipeline\nmetadata: {{ name: main }}\nspec:\n  waves:{waves}"
        ),
    );
    lab
}

/// Writes the Fleet file; `environments` is the text under that field.
pub fn write_fleet(lab: &Lab, members: &[Member], environments: &str) {
    let mut fleet =
        String::from("apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: tiny }\nspec:\n");
    if !environments.is_empty() {
        fleet.push_str(&format!("  environments:\n{environments}"));
    }
    fleet.push_str("  clusters:\n");
    for Member { name, env, kubeconfig } in members {
        fleet.push_str(&format!(
            "    - {{ name: {name}, labels: {{ env: {env} }}, kubeconfig: {{ path: {} }} }}\n",
            kubeconfig.display()
        ));
    }
    lab.write("pipelines/fleet.yaml", &fleet);
}

/// Writes a product: `more` are fields of its `spec`, `objects` its manifests (a template).
pub fn product(lab: &Lab, name: &str, version: &str, more: &str, objects: &str) {
    lab.write(
        &format!("products/{name}/product.yaml"),
        &format!(
            "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: {name} }}\nspec:\n  version: {version}\n  owner: platform\n{more}"
        ),
    );
    lab.write(&format!("products/{name}/manifests/all.yaml.j2"), objects);
}

/// A step that applies the product's manifests, and a test that passes.
pub const PLAIN: &str = "  deploy:
    - manifests: { path: manifests }
  tests:
    - run: { name: fine, command: [\"true\"] }
";

/// A ConfigMap in the namespace `default`, which every cluster has.
pub fn config(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name}, namespace: default }}\ndata: {{ value: '{value}' }}\n"
    )
}

/// Writes a release of these products; `products` is a flow mapping.
pub fn release(lab: &Lab, id: &str, parent: Option<&str>, products: &str) {
    let parent = parent.map(|p| format!("  parent: {p}\n")).unwrap_or_default();
    lab.write(
        &format!("releases/{id}.yaml"),
        &format!(
            "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: {{ name: {id} }}\nspec:\n{parent}  kubernetes: \"1.36\"\n  products: {products}\n"
        ),
    );
}

/// Commits what is written, tags every product, cuts the release, and commits its lock.
pub fn cut(lab: &Lab, id: &str) {
    lab.commit(&format!("products and {id}"));
    lab.tidegate("product tag --all").ok();
    lab.run(&["release", "cut", id]).ok();
    lab.commit(&format!("release: {id}"));
}

/// The first release: R1 with the product `app` at 1.0.0, cut. `more` and `objects` as for [`product`].
pub fn first(lab: &Lab, more: &str, objects: &str) {
    product(lab, "app", "1.0.0", more, objects);
    release(lab, "R1", None, "{ app: 1.0.0 }");
    cut(lab, "R1");
}

/// Plans a release; the plan's file.
pub fn plan(lab: &Lab, id: &str) -> String {
    let path = lab.around().join(format!("{id}.plan")).display().to_string();
    lab.run(&["plan", id, "--out", &path]).ok();
    path
}

/// Plans and starts a release.
pub fn start(lab: &Lab, id: &str) -> Ran {
    let plan = plan(lab, id);
    lab.run(&["rollout", "start", &plan])
}

/// Every event of this name that speaks of this cluster, in order.
pub fn events<'e>(all: &'e [serde_json::Value], event: &str, cluster: &str) -> Vec<&'e serde_json::Value> {
    all.iter().filter(|e| e["event"] == event && e["cluster"] == cluster).collect()
}

/// Runs blocking work beside the proxies.
pub async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Waits until this is there; polls, and panics with `what` after a minute and a half.
#[track_caller]
pub fn until<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(90);
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(std::time::Instant::now() < end, "{what} did not come");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// A file beside the repository, as text.
pub fn beside_text(lab: &Lab, name: &str) -> String {
    std::fs::read_to_string(lab.around().join(Path::new(name))).unwrap_or_default()
}
