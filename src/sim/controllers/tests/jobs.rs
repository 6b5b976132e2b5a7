//! Jobs to their good and bad ends.

use serde_json::{Value, json};

use super::super::fields::count;
use super::*;

fn job(image: &str, more: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {},
        "spec": {"template": {"metadata": {}, "spec": {
            "restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}}},
    });
    for (key, value) in more.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    object
}

fn key(name: &str) -> Key {
    Key::new("batch", "jobs", "default", name)
}

#[test]
fn a_job_completes() {
    let mut lab = Lab::new();
    lab.put(&key("test"), job("test:1", &json!({"completions": 3, "parallelism": 2})));
    assert!(matches!(lab.verdict(&key("test")), Verdict::NotYet(_)));
    assert_eq!(lab.pods("default").len(), 2);
    lab.wait_ready(&key("test"), 120);
    let status = lab.get(&key("test"))["status"].clone();
    assert_eq!((count(&status, "/succeeded"), count(&status, "/active")), (3, 0));
    assert_eq!(lab.condition(&key("test"), "Complete"), ("True".into(), "CompletionsReached".into()));
    assert_eq!(lab.condition(&key("test"), "SuccessCriteriaMet").0, "True");
    assert_eq!(lab.get(&key("test"))["metadata"]["generation"], 1);
}

#[test]
fn a_job_fails_after_so_many_tries() {
    let mut lab = Lab::with(Conditions { failing: vec!["bad".into()], ..Conditions::default() });
    lab.put(&key("test"), job("bad:1", &json!({"backoffLimit": 1})));
    lab.run(25);
    assert!(matches!(lab.verdict(&key("test")), Verdict::NotYet(_)));
    lab.run(90);
    let Verdict::Failed(cause) = lab.verdict(&key("test")) else { panic!("{:?}", lab.verdict(&key("test"))) };
    assert!(cause.contains("BackoffLimitExceeded"), "{cause}");
    assert_eq!(count(&lab.get(&key("test"))["status"], "/failed"), 2);
    let pods = lab.pods("default");
    assert!(pods.iter().all(|pod| pod["status"]["phase"] == "Failed") && pods.len() == 2);
    assert_eq!(lab.condition(&key("test"), "FailureTarget").1, "BackoffLimitExceeded");
}

#[test]
fn a_job_whose_time_is_over_fails_and_its_pods_go() {
    let mut lab = Lab::with(Conditions { unpullable: vec!["missing".into()], ..Conditions::default() });
    lab.put(&key("test"), job("missing:1", &json!({"activeDeadlineSeconds": 20})));
    lab.run(40);
    let Verdict::Failed(cause) = lab.verdict(&key("test")) else { panic!("{:?}", lab.verdict(&key("test"))) };
    assert!(cause.contains("DeadlineExceeded"), "{cause}");
    assert!(lab.pods("default").is_empty());
}

#[test]
fn a_suspended_job_waits_and_an_old_one_goes() {
    let mut lab = Lab::new();
    lab.put(&key("test"), job("test:1", &json!({"suspend": true, "ttlSecondsAfterFinished": 100})));
    lab.run(30);
    assert!(lab.pods("default").is_empty());
    assert_eq!(lab.condition(&key("test"), "Suspended"), ("True".into(), "JobSuspended".into()));
    lab.edit(&key("test"), |job| job["spec"]["suspend"] = false.into());
    lab.wait_ready(&key("test"), 60);
    assert_eq!(lab.condition(&key("test"), "Suspended"), ("False".into(), "JobResumed".into()));
    lab.run(110);
    assert!(!lab.store.has(&key("test")));
    lab.run(10);
    assert!(lab.pods("default").is_empty(), "its pods went with it");
}

#[test]
fn a_job_that_starts_its_containers_again_fails_too() {
    let mut lab = Lab::with(Conditions { failing: vec!["bad".into()], ..Conditions::default() });
    let mut object = job("bad:1", &json!({"backoffLimit": 2}));
    object["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure".into();
    lab.put(&key("test"), object);
    lab.run(300);
    assert!(matches!(lab.verdict(&key("test")), Verdict::Failed(_)), "{:?}", lab.verdict(&key("test")));
}

#[test]
fn a_job_with_numbers_does_each_once() {
    let mut lab = Lab::new();
    let spec = json!({"completions": 3, "parallelism": 3, "completionMode": "Indexed"});
    lab.put(&key("test"), job("test:1", &spec));
    lab.wait_ready(&key("test"), 120);
    assert_eq!(lab.get(&key("test"))["status"]["completedIndexes"], "0-2");
}
