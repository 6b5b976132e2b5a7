//! What only a simulation can show of its API: older minors, time that passes, webhooks, requests that
//! make no sense. Everything else is compared with a real server (tests/it/conformance).

use std::time::Duration;

use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Reply, Request, answer};
use crate::sim::cluster::Cluster;
use crate::sim::conditions::Denial;
use crate::sim::store::Pool;

fn cluster(seed: u64) -> Cluster {
    let now: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
    let mut cluster = Cluster::new("c", "v1.36.3".parse().unwrap(), Pool::default(), seed, now);
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    assert_eq!(ask(&mut cluster, "POST", "/api/v1/namespaces", namespace).status, 201);
    cluster
}

fn send(cluster: &mut Cluster, method: &str, address: &str, content: &str, body: &[u8]) -> Answer {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut headers = HeaderMap::new();
    headers.insert("content-type", content.parse().unwrap());
    let method: Method = method.parse().unwrap();
    answer(cluster, &Request { method: &method, path, query, headers: &headers, body })
}

fn ask(cluster: &mut Cluster, method: &str, address: &str, body: Value) -> Answer {
    let content = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(cluster, method, address, content, body.as_bytes())
}

fn json_of(answer: Answer) -> Value {
    match answer.body {
        Reply::Json(body) => body,
        Reply::Discovery(text) => text.parse().unwrap(),
        Reply::Text(text) => text.into(),
        Reply::Watch(_) => Value::Null,
    }
}

fn map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": "1"}})
}

const MAPS: &str = "/api/v1/namespaces/shop/configmaps";

#[test]
fn what_is_served_depends_on_the_minor_that_is_emulated() {
    let mut cluster = cluster(1);
    let served = |cluster: &mut Cluster, path: &str| ask(cluster, "GET", path, Value::Null).status == 200;
    let classes = "/apis/storage.k8s.io/v1/volumeattributesclasses";
    let old_policies = "/apis/admissionregistration.k8s.io/v1beta1/validatingadmissionpolicies";
    assert!(served(&mut cluster, classes) && !served(&mut cluster, old_policies));
    cluster.served.minor = 33;
    assert!(!served(&mut cluster, classes) && !served(&mut cluster, old_policies));
    cluster.conditions.beta_apis = true;
    assert!(served(&mut cluster, old_policies));
    cluster.served.minor = 34;
    assert!(!served(&mut cluster, old_policies));
    // The version itself stays: another kind is still served in it.
    assert!(served(&mut cluster, "/apis/admissionregistration.k8s.io/v1beta1"));
    let version = json_of(ask(&mut cluster, "GET", "/version", Value::Null));
    let part = |key: &str| version[key].as_str().unwrap().to_owned();
    assert_eq!((part("minor"), part("emulationMinor")), ("36".to_owned(), "34".to_owned()));
    assert_eq!((part("gitVersion"), part("minCompatibilityMinor")), ("v1.36.3".to_owned(), "33".to_owned()));
}

#[test]
fn a_webhook_denies_what_it_is_told_to() {
    let mut cluster = cluster(1);
    cluster.conditions.denied.push(Denial {
        webhook: "policy.example.com".to_owned(),
        resource: "configmaps".to_owned(),
        namespace: Some("shop".to_owned()),
        message: "not today".to_owned(),
    });
    let refused = ask(&mut cluster, "POST", MAPS, map("a"));
    assert_eq!(refused.status, 403);
    let message = json_of(refused)["message"].clone();
    assert_eq!(message, "admission webhook \"policy.example.com\" denied the request: not today");
    cluster.conditions.denied.clear();
    assert_eq!(ask(&mut cluster, "POST", MAPS, map("a")).status, 201);
}

#[test]
fn a_dry_run_of_any_verb_changes_nothing() {
    let mut cluster = cluster(1);
    ask(&mut cluster, "POST", MAPS, map("a"));
    let before = cluster.store.revision();
    let one = format!("{MAPS}/a?dryRun=All");
    let all = format!("{MAPS}?dryRun=All");
    let mut changed = map("a");
    changed["data"]["k"] = "2".into();
    assert_eq!(ask(&mut cluster, "POST", &all, map("b")).status, 201);
    for (method, address, body) in [
        ("PUT", &one, changed.clone()),
        ("PATCH", &one, changed),
        ("DELETE", &one, Value::Null),
        ("DELETE", &all, Value::Null),
    ] {
        assert_eq!(ask(&mut cluster, method, address, body).status, 200, "{method}");
    }
    assert_eq!(cluster.store.revision(), before);
}

#[test]
fn who_comes_too_late_is_told_so() {
    let mut cluster = cluster(1);
    for name in ["a", "b", "c"] {
        ask(&mut cluster, "POST", MAPS, map(name));
    }
    let page = json_of(ask(&mut cluster, "GET", &format!("{MAPS}?limit=1"), Value::Null));
    let token = page["metadata"]["continue"].as_str().unwrap().to_owned();
    let revision = page["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    ask(&mut cluster, "DELETE", &format!("{MAPS}/c"), Value::Null);
    cluster.store.compact(cluster.store.revision());
    let late = ask(&mut cluster, "GET", &format!("{MAPS}?limit=1&continue={token}"), Value::Null);
    assert_eq!(late.status, 410);
    let next = json_of(late)["metadata"]["continue"].as_str().unwrap().to_owned();
    let rest = json_of(ask(&mut cluster, "GET", &format!("{MAPS}?continue={next}"), Value::Null));
    assert_eq!(rest["items"][0]["metadata"]["name"], "b");
    let begun = ask(&mut cluster, "GET", &format!("{MAPS}?watch=1&resourceVersion={revision}"), Value::Null);
    let Reply::Watch(mut watch) = begun.body else { panic!("no watch") };
    let events = watch.events(&mut cluster);
    assert_eq!((events.len(), &events[0]["object"]["code"]), (1, &json!(410)));
    assert!(watch.is_over(cluster.now));
}

#[test]
fn a_watch_tells_what_happens_and_now_and_then_how_far_it_is() {
    let mut cluster = cluster(1);
    let begun = ask(&mut cluster, "GET", &format!("{MAPS}?watch=1&allowWatchBookmarks=true"), Value::Null);
    let Reply::Watch(mut watch) = begun.body else { panic!("no watch") };
    let kinds = |events: Vec<Value>| -> Vec<String> {
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    };
    ask(&mut cluster, "POST", MAPS, map("a"));
    ask(&mut cluster, "DELETE", &format!("{MAPS}/a"), Value::Null);
    assert_eq!(kinds(watch.events(&mut cluster)), ["ADDED", "DELETED"]);
    assert_eq!(kinds(watch.events(&mut cluster)), Vec::<String>::new());
    cluster.now += Duration::from_secs(61);
    assert_eq!(kinds(watch.events(&mut cluster)), ["BOOKMARK"]);
    cluster.now += Duration::from_secs(3_600);
    assert!(watch.is_over(cluster.now));
}

#[test]
fn a_kind_is_served_some_time_after_its_definition() {
    let mut cluster = cluster(1);
    cluster.conditions.definition = Duration::from_secs(5);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com", "scope": "Cluster", "names": {"plural": "things", "kind": "Thing"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}}}],
        },
    });
    let all = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    assert_eq!(ask(&mut cluster, "POST", all, definition).status, 201);
    assert_eq!(ask(&mut cluster, "GET", "/apis/example.com/v1/things", Value::Null).status, 404);
    cluster.now += Duration::from_secs(7);
    assert_eq!(ask(&mut cluster, "GET", "/apis/example.com/v1/things", Value::Null).status, 200);
    let thing = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}});
    assert_eq!(ask(&mut cluster, "POST", "/apis/example.com/v1/things", thing).status, 201);
    assert_eq!(ask(&mut cluster, "DELETE", &format!("{all}/things.example.com"), Value::Null).status, 200);
    assert_eq!(ask(&mut cluster, "GET", "/apis/example.com/v1/things", Value::Null).status, 404);
    assert_eq!(cluster.store.keys("example.com", "things", None).count(), 0);
}

#[test]
fn names_and_addresses_are_the_same_in_every_cluster() {
    let made = |seed: u64| {
        let mut cluster = cluster(seed);
        let generated = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "g-"}});
        let first = json_of(ask(&mut cluster, "POST", MAPS, generated.clone()));
        let second = json_of(ask(&mut cluster, "POST", MAPS, generated));
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
            "spec": {"ports": [{"port": 80}]}});
        let service = json_of(ask(&mut cluster, "POST", "/api/v1/namespaces/shop/services", service));
        let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
        (name(&first), name(&second), service["spec"]["clusterIP"].as_str().unwrap().to_owned())
    };
    let (one, two) = (made(1), made(2));
    assert_eq!(one, two);
    assert_ne!(one.0, one.1);
    assert!(one.2.starts_with("10.96."));
}

#[test]
fn nothing_that_is_sent_brings_it_down() {
    let mut cluster = cluster(1);
    ask(&mut cluster, "POST", MAPS, map("a"));
    let bodies: [&[u8]; 12] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\"x\"",
        b"\xff\xfe",
        b"{\"metadata\":5,\"spec\":[]}",
        b"{\"metadata\":{\"name\":7,\"labels\":[],\"finalizers\":{}}}",
        b"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":null,\"data\":[1]}",
        b"[{\"op\":\"remove\",\"path\":\"\"},{\"op\":\"add\",\"path\":\"/-/x/\",\"value\":null}]",
        b"{\"metadata\":{\"managedFields\":[{\"fieldsV1\":7}]}}",
        b"a: [\n",
    ];
    let mut paths = Vec::new();
    for plural in ["configmaps", "pods", "services", "secrets", "%2F", "", "\u{f6}"] {
        for rest in ["", "/", "/a", "/a/status", "/a/scale", "/a/eviction", "/a/b/c/d"] {
            paths.push(format!("/api/v1/namespaces/shop/{plural}{rest}"));
        }
    }
    for rest in ["deployments", "deployments/a", "deployments/a/scale", "jobs/a"] {
        paths.push(format!("/apis/apps/v1/namespaces/shop/{rest}"));
    }
    paths.extend(
        ["", "/", "//", "/api", "/apis/", "/apis/%", "/api/v1/namespaces//configmaps"].map(str::to_owned),
    );
    let queries =
        ["", "?", "?limit=-1&continue=%00", "?labelSelector=%21%21%28&watch=1", "?dryRun=All&fieldManager=m"];
    let contents = [
        "application/json",
        "application/apply-patch+yaml",
        "application/merge-patch+json",
        "application/json-patch+json",
        "application/strategic-merge-patch+json",
        "",
    ];
    let mut answered = 0;
    for path in &paths {
        for query in queries {
            for (method, contents) in [
                ("GET", &contents[..1]),
                ("POST", &contents[..2]),
                ("PUT", &contents[..1]),
                ("PATCH", &contents[1..]),
                ("DELETE", &contents[..1]),
                ("BREW", &contents[..1]),
            ] {
                for content in contents {
                    for body in bodies {
                        let answer = send(&mut cluster, method, &format!("{path}{query}"), content, body);
                        assert!((200..600).contains(&answer.status));
                        answered += 1;
                    }
                }
            }
        }
    }
    assert!(answered > 10_000);
}
