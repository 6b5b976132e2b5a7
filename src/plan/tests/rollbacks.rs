//! Rollback plans from what is known of clusters: where a person has to choose, what stays, what is
//! taken away again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::World;
use crate::diag::Findings;
use crate::digest::{self, Digest};
use crate::model::{ClusterName, Duration, ObservedProduct, ProductName, RecordPhase};
use crate::plan::rollback::{self, Before, Carrier, RollbackInput};
use crate::plan::{Change, Plan, PlannedProduct, PlannedRollback, PlannedStep, Repeat, Stays};
use crate::resolve::Observation;

/// One cluster that ran `agent` 0.9.0 and got what release R1 has: `agent` 1.0.0 and `extra`, new.
struct Case {
    plan: Plan,
    before: PlannedProduct,
    carriers: BTreeMap<ClusterName, Carrier>,
    remove_added: bool,
}

impl Case {
    fn new() -> Self {
        let mut world = World::new(&["a"]);
        world.product("extra", "1.0.0", "  requires: { agent: \"*\" }\n");
        world.releases("R1", "  products: { agent: 1.0.0, extra: 1.0.0 }\n");
        let plan = world.plan().unwrap();
        let (_, _, planned) = plan.clusters().next().unwrap();
        let target = |name: &str| planned.targets.iter().find(|t| t.product.as_str() == name).unwrap();
        let content = &plan.products[&target("agent").digest];
        let before = PlannedProduct {
            version: "0.9.0".parse().unwrap(),
            digest: digest::bytes(b"agent 0.9.0"),
            steps: vec![PlannedStep {
                name: "apply".to_owned(),
                kind: "manifests".to_owned(),
                timeout: Duration::minutes(1),
                deadline: None,
                one_way: false,
                repeat: Repeat::Safe,
                retries: 0,
            }],
            ..content.clone()
        };
        let runs = |name: &str| {
            let t = target(name);
            let found = ObservedProduct {
                release: "R1".parse().unwrap(),
                version: t.version.clone(),
                commit: "c".repeat(40),
                digest: t.digest,
                inputs: t.inputs,
                phase: RecordPhase::Applying,
            };
            (t.product.clone(), found)
        };
        let now = Observation {
            at: plan.made_at,
            uid: planned.uid.clone(),
            kubernetes: planned.kubernetes,
            server: "v1.36.1".to_owned(),
            products: Arc::new([runs("agent"), runs("extra")].into()),
            stale: false,
        };
        let was = Before {
            release: "R0".parse().unwrap(),
            version: before.version.clone(),
            commit: "b".repeat(40),
            digest: before.digest,
            inputs: digest::bytes(b"inputs of agent 0.9.0"),
            values: Some(serde_json::json!({})),
            verified: true,
        };
        let agent: ProductName = "agent".parse().unwrap();
        let carrier = Carrier { before: [(agent, was)].into(), now };
        let carriers = [(planned.name.clone(), carrier)].into();
        Self { carriers, before, remove_added: false, plan }
    }

    fn was(&mut self) -> &mut Before {
        let carrier = self.carriers.values_mut().next().unwrap();
        carrier.before.values_mut().next().unwrap()
    }

    fn make(&self) -> Result<(Plan, Findings), Findings> {
        let asked = PlannedRollback {
            of: "R1-1".parse().unwrap(),
            waves: Vec::new(),
            clusters: Vec::new(),
            whole: true,
            remove_added: self.remove_added,
            reason: "it drops requests".to_owned(),
        };
        let products: BTreeMap<Digest, PlannedProduct> = [(self.before.digest, self.before.clone())].into();
        rollback::make(&RollbackInput {
            now: self.plan.made_at,
            commit: "0",
            original: &self.plan,
            asked: &asked,
            carriers: &self.carriers,
            products: &products,
            renderers: &self.plan.renderers,
        })
    }
}

#[test]
fn apply_a74_only_what_was_verified_is_gone_back_to_and_a_person_chooses_otherwise() {
    let mut case = Case::new();
    assert!(case.make().is_ok());
    case.was().verified = false;
    let refused = case.make().unwrap_err().to_string();
    assert!(refused.contains("TG0394") && refused.contains("`agent` 0.9.0"), "{refused}");
    assert!(refused.contains("never verified") && refused.contains("cluster `a`"), "{refused}");
    // And what can't be found is not made up.
    let mut case = Case::new();
    case.was().values = None;
    assert!(case.make().unwrap_err().to_string().contains("TG0395"));
}

#[test]
fn products_that_the_release_added_stay_unless_they_are_asked_to_go() {
    let mut case = Case::new();
    let (plan, findings) = case.make().unwrap();
    let (_, _, planned) = plan.clusters().next().unwrap();
    let targets: Vec<_> = planned.targets.iter().map(|t| (t.product.as_str(), &t.change)).collect();
    assert_eq!(targets, [("agent", &Change::Lower { from: "1.0.0".parse().unwrap() })]);
    let back = planned.back.as_ref().unwrap();
    assert!(matches!(&back.stays[..], [stay] if stay.because == Stays::Added));
    assert!(planned.removals.is_empty());
    assert!(findings.to_string().contains("extra 1.0.0 stays"), "{findings}");
    assert_eq!(planned.targets[0].release(&plan).as_str(), "R0");

    case.remove_added = true;
    let (plan, _) = case.make().unwrap();
    let (_, _, planned) = plan.clusters().next().unwrap();
    assert_eq!(planned.removals, ["extra".parse().unwrap()]);
    // It builds on the agent, so it goes first.
    assert!(planned.phase_of(&"extra".parse().unwrap()) > planned.phase_of(&"agent".parse().unwrap()));
    assert!(planned.back.as_ref().unwrap().stays.is_empty());
}

#[test]
fn a_product_that_is_one_way_as_a_whole_stays_and_a_plan_that_says_nothing_new_reads_as_before() {
    let mut case = Case::new();
    for step in &mut case.before.steps {
        step.one_way = true;
    }
    let refused = case.make().unwrap_err().to_string();
    assert!(refused.contains("TG0393"), "nothing is left to go back: {refused}");
    // A plan that goes forward is written as it was before there were rollbacks.
    let json = serde_json::to_string(&case.plan).unwrap();
    assert!(!json.contains("\"kind\":\"forward\"") && !json.contains("\"back\""), "{json}");
    let read: Plan = serde_json::from_str(&json).unwrap();
    assert_eq!(read, case.plan);
    let (plan, _) = Case::new().make().unwrap();
    let read: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(read, plan);
}
