//! A release that fixed what tags name, on its way: clusters get just those images, in objects and in tests, a
//! tag that moved moves nothing until a release takes it over, and what is taken back is taken back to the
//! images that ran.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tidegate::engine::repo::{product_tag, release_cut};
use tidegate::model::RolloutId;
use tidegate::model::image::{Image, Repository};
use tidegate::plan::{Change, Plan};
use tidegate::port::upstream::{Registry, Tags, Unanswered, Wanted};
use tidegate::sim::Simulation;
use tidegate::sim::conditions::Conditions;
use tidegate::sim::desk::Desk;
use tidegate::sim::faults::Faults;
use tidegate::sim::fleet::Audit;
use tidegate::sim::life::Life;
use tidegate::sim::ports::ScriptRules;
use tidegate::sim::scenario::desk;
use tidegate::sim::setup::{Group, Setup};
use tidegate::sim::store::Key;

use crate::rig::{Lives, finish};

const PIPELINE: &str = "  waves:\n    - { name: staging, selector: { env: staging }, tests: all }\n    - { name: prod, selector: { env: prod } }\n";
const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: base }\nspec:\n  version: 1.0.0\n  owner: platform\n  deploy:\n    - manifests: { path: manifests, namespace: base, timeout: 5m }\n  tests:\n    - job: { name: answers, manifest: tests/answers.yaml, timeout: 3m }\n";
const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: { name: base }\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: base }\nspec:\n  replicas: 1\n  selector: { matchLabels: { app: base } }\n  template:\n    metadata: { labels: { app: base } }\n    spec:\n      containers:\n        - { name: base, image: \"registry.example.com/base:1.0.0\" }\n";
const TEST: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: { name: answers, namespace: base }\nspec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n        - { name: test, image: \"registry.example.com/test:1\" }\n";

/// A registry whose tags all name one digest.
struct Names(char);

impl Names {
    fn digest(&self) -> String {
        format!("sha256:{}", self.0.to_string().repeat(64))
    }
}

#[async_trait]
impl Registry for Names {
    async fn tags(&self, _: &Repository, _: Wanted) -> Result<Arc<Tags>, Unanswered> {
        Ok(Arc::default())
    }
    async fn digest(&self, _: &Image) -> Result<String, Unanswered> {
        Ok(Names::digest(self))
    }
    async fn platforms(&self, _: &Image) -> Result<Vec<String>, Unanswered> {
        Ok(Vec::new())
    }
    async fn chart(&self, _: &Image) -> Result<Vec<u8>, Unanswered> {
        Ok(Vec::new())
    }
}

fn world() -> Simulation {
    let group = |name: &str| Group {
        prefix: name.to_owned(),
        clusters: 1,
        labels: [("env".to_owned(), name.to_owned())].into_iter().collect(),
        kubernetes: "1.36.3".parse().unwrap(),
        nodes: 1,
        listed: true,
    };
    let setup = Setup {
        seed: 5,
        starts: "2026-03-02T08:00:00Z".parse().unwrap(),
        person: "ann@example.com".to_owned(),
        groups: ["staging", "prod"].map(group).into(),
        pipeline: PIPELINE.to_owned(),
        files: BTreeMap::new(),
        conditions: Conditions::default(),
        faults: Faults::default(),
        scripts: ScriptRules::default(),
        audit: Audit::Writes,
        beside: None,
    };
    setup.simulation().unwrap()
}

/// Writes and cuts a release of the one product version; with a registry also its images.
async fn release(
    simulation: &Simulation,
    desk: &Desk,
    id: &str,
    parent: Option<&str>,
    registry: Option<&Names>,
) {
    let parent = parent.map(|parent| format!("  parent: {parent}\n")).unwrap_or_default();
    let text = format!(
        "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: {{ name: {id} }}\nspec:\n  kubernetes: \"1.36\"\n{parent}  products: {{ base: 1.0.0 }}\n"
    );
    let path = format!("releases/{id}.yaml");
    desk.write(&[(path.as_str(), text.as_str())], id).await.unwrap();
    product_tag(&simulation.repository, &"base".parse().unwrap()).await.unwrap();
    let registry = registry.map(|registry| registry as &dyn Registry);
    release_cut(&simulation.repository, &id.parse().unwrap(), registry).await.unwrap();
    simulation.commits.commit("the lock").await.unwrap();
}

/// What becomes of the product in each cluster of a plan.
fn changes(plan: &Plan) -> Vec<Change> {
    let pools = plan.waves.iter().flat_map(|wave| &wave.pools);
    pools.flat_map(|pool| &pool.clusters).flat_map(|c| &c.targets).map(|t| t.change.clone()).collect()
}

async fn roll(simulation: &Simulation, desk: &mut Desk, id: &str) -> (RolloutId, Vec<Change>) {
    let plan = desk.plan(&id.parse().unwrap()).await.unwrap();
    let changes = changes(&plan);
    let rollout = desk.start(plan).await.unwrap();
    assert!(finish(simulation, &Lives::default(), &rollout, &mut |_, _| {}).await);
    (rollout, changes)
}

/// The image of the deployment in each cluster.
fn images(simulation: &Simulation) -> Vec<String> {
    let key = Key::new("apps", "deployments", "base", "base");
    let of = |name: &str| {
        let object = simulation.fleet.with(name, |cluster| cluster.store.get(&key)).unwrap().unwrap();
        object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
    };
    ["staging-1", "prod-1"].map(of).into()
}

/// The images of the Jobs that were made in a cluster.
fn tests(simulation: &Simulation, cluster: &str) -> Vec<String> {
    let bodies = simulation.fleet.audit(cluster).into_iter().filter_map(|request| request.body);
    let objects = bodies.filter_map(|body| serde_json::from_str::<serde_json::Value>(&body).ok());
    let jobs = objects.filter(|object| object["kind"] == "Job");
    jobs.filter_map(|job| Some(job.pointer("/spec/template/spec/containers/0/image")?.as_str()?.to_owned()))
        .collect()
}

fn both(image: &str) -> Vec<String> {
    vec![image.to_owned(); 2]
}

#[test]
fn clusters_get_the_images_that_the_release_fixed_and_no_others() {
    tidegate::sim::runtime::run(story()).unwrap();
}

async fn story() {
    let simulation = world();
    let people = simulation.process(Life::new());
    let mut desk = desk("ann", &simulation, &people);
    let files = [
        ("products/base/product.yaml", PRODUCT),
        ("products/base/manifests/00-namespace.yaml", NAMESPACE),
        ("products/base/manifests/deployment.yaml", DEPLOYMENT),
        ("products/base/tests/answers.yaml", TEST),
    ];
    desk.write(&files, "base").await.unwrap();
    let tagged = "registry.example.com/base:1.0.0";
    let fixed = |registry: &Names| format!("{tagged}@{}", registry.digest());

    // Without digests everything is as its files say.
    release(&simulation, &desk, "R1", None, None).await;
    assert_eq!(roll(&simulation, &mut desk, "R1").await.1, [Change::Install, Change::Install]);
    assert_eq!(images(&simulation), both(tagged));

    // The same product with what its tags name: everywhere the same, also in the test.
    let (one, two) = (Names('a'), Names('b'));
    release(&simulation, &desk, "R2", Some("R1"), Some(&one)).await;
    assert_eq!(roll(&simulation, &mut desk, "R2").await.1, [Change::Reconfigure, Change::Reconfigure]);
    assert_eq!(images(&simulation), both(&fixed(&one)));
    let jobs = tests(&simulation, "staging-1");
    let test = "registry.example.com/test:1";
    assert_eq!(jobs.first().map(String::as_str), Some(test));
    assert_eq!(jobs.last(), Some(&format!("{test}@{}", one.digest())));

    // Nothing is left to do, wherever the tags went since.
    let again = desk.plan(&"R2".parse().unwrap()).await.unwrap();
    assert_eq!(changes(&again), [Change::Unchanged, Change::Unchanged]);

    // The next release takes over what they name then, and goes back to what ran.
    release(&simulation, &desk, "R3", Some("R2"), Some(&two)).await;
    let (third, changed) = roll(&simulation, &mut desk, "R3").await;
    assert_eq!(changed, [Change::Reconfigure, Change::Reconfigure]);
    assert_eq!(images(&simulation), both(&fixed(&two)));
    let back = desk.roll_back(&third, "it is worse").await.unwrap();
    assert!(finish(&simulation, &Lives::default(), &back, &mut |_, _| {}).await);
    assert_eq!(images(&simulation), both(&fixed(&one)));
}
