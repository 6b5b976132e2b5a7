//! One connection to an API server that answers as it is told: what is asked, how often and when.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use kube::client::Body;
use serde_json::{Value, json};

use super::{Cluster, Kind, Outcome};
use crate::apply::ObjectId;
use crate::apply::inventory::Entry;
use crate::lcm::live::{Fields, Seen};
use crate::port::Clock;

/// An API server of which it is told what it answers to which path, one after the other; the last
/// answer stays, and a `Status` is a refusal. Clones are the same.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    answers: BTreeMap<&'static str, VecDeque<Value>>,
    asked: Vec<String>,
}

impl Server {
    fn says(self, path: &'static str, answers: impl IntoIterator<Item = Value>) -> Self {
        self.0.lock().unwrap().answers.insert(path, answers.into_iter().collect());
        self
    }

    /// What it was asked since the last time, the last word of each path.
    fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut self.0.lock().unwrap().asked);
        asked.iter().map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
    }

    fn cluster(&self) -> Cluster {
        let (client, clock) =
            (kube::Client::new(self.clone(), "default"), Paused(tokio::time::Instant::now()));
        Cluster::new(client, Arc::new(clock), Duration::from_secs(5))
    }
}

impl tower::Service<Request<Body>> for Server {
    type Response = Response<Full<bytes::Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut said = self.0.lock().unwrap();
        let path = request.uri().path();
        said.asked.push(path.to_owned());
        let answer = said.answers.get_mut(path).and_then(|answers| match answers.len() {
            1 => answers.front().cloned(),
            _ => answers.pop_front(),
        });
        let (code, body) = match answer {
            Some(answer) if answer["kind"] == "Status" => {
                (u16::try_from(answer["code"].as_u64().unwrap()).unwrap(), answer)
            }
            Some(answer) => (200, answer),
            None => (404, json!({"kind": "Status", "code": 404})),
        };
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = http::StatusCode::from_u16(code).unwrap();
        ready(Ok(response))
    }
}

/// The clock of a paused runtime: time passes when everybody waits.
struct Paused(tokio::time::Instant);

#[async_trait::async_trait]
impl Clock for Paused {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
    fn boot(&self) -> Duration {
        self.0.elapsed()
    }
    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_a_cluster_is_is_asked_again_after_two_seconds() {
    let named = |uid: &str| json!({"metadata": {"uid": uid}});
    let server = Server::default()
        .says("/version", [json!({"major": "1", "minor": "36", "gitVersion": "v1.36.0"})])
        .says("/api/v1/namespaces/kube-system", [named("one"), named("other")]);
    let cluster = server.cluster();
    let uid = async || cluster.identify().await.unwrap().uid.to_string();
    assert_eq!((uid().await, uid().await), ("one".to_owned(), "one".to_owned()));
    assert_eq!(server.asked().len(), 2);
    tokio::time::sleep(Duration::from_millis(1_999)).await;
    assert_eq!(uid().await, "one");
    assert!(server.asked().is_empty());
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(uid().await, "other");
    assert_eq!(server.asked().len(), 2);
}

/// Namespaces, ready while their phase is `Active`.
fn namespaces(a: &[&str], b: &[&str]) -> Server {
    let phases = |phases: &[&str]| -> Vec<Value> {
        let object =
            |phase: &&str| json!({"apiVersion": "v1", "kind": "Namespace", "status": {"phase": phase}});
        phases.iter().map(object).collect()
    };
    let resource =
        json!({"resource": "namespaces", "responseKind": {"kind": "Namespace"}, "scope": "Cluster"});
    let core = json!({"items": [{"metadata": {}, "versions": [{"version": "v1", "resources": [resource]}]}]});
    let server = Server::default().says("/api", [core]);
    server.says("/api/v1/namespaces/a", phases(a)).says("/api/v1/namespaces/b", phases(b))
}

/// Waits for both, for a minute.
async fn wait_for(server: &Server) -> Outcome<usize> {
    let entries = ["a", "b"].map(|name| Entry {
        id: ObjectId {
            group: String::new(),
            kind: "Namespace".to_owned(),
            namespace: String::new(),
            name: name.to_owned(),
        },
        version: "v1".to_owned(),
        uid: None,
        proof: None,
    });
    let cluster = server.cluster();
    let until = cluster.inner.clock.boot() + Duration::from_secs(60);
    cluster.wait_ready(&entries, until).await
}

#[tokio::test(start_paused = true)]
async fn what_fell_back_while_others_got_ready_is_waited_for_again() {
    let server = namespaces(&["Active", "Terminating", "Active"], &["Terminating", "Active"]);
    assert_eq!(wait_for(&server).await.unwrap(), 2);
    // Both; then the one that was not ready, and whether the other still is; then that one, and whether the
    // first still is.
    assert_eq!(server.asked()[2..], ["a", "b", "b", "a", "a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn who_stays_unready_is_named_when_time_is_over() {
    let server = namespaces(&["Active"], &["Terminating"]);
    let error = wait_for(&server).await.unwrap_err();
    assert_eq!(error.kind, Kind::TimedOut);
    assert!(error.message.starts_with("not ready after 60 s: "), "{error:?}");
    assert!(error.message.contains("Namespace b") && !error.message.contains("Namespace a"), "{error:?}");
}

/// One page of pods, of one Deployment for each ten; the last page says so.
fn pods(page: usize, last: usize) -> Value {
    let pod = |n: usize| {
        let (name, set) = (format!("pod-{page}-{n}"), format!("web-{}", n % 10));
        json!({"metadata": {"name": name, "namespace": "shop", "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": set, "uid": "u", "controller": true}]},
            "spec": {"containers": [{"name": "a", "image": "r.io/web:1", "env": [{"name": "X", "value": "x".repeat(1_000)}]}]},
            "status": {"phase": "Running"}})
    };
    let token = if page < last { "more/of it" } else { "" };
    json!({"metadata": {"continue": token}, "items": (0..200).map(pod).collect::<Vec<_>>()})
}

#[tokio::test(start_paused = true)]
async fn images_of_ten_thousand_pods_come_page_by_page_and_what_is_forbidden_is_told() {
    let server = Server::default()
        .says("/api/v1/pods", (1..=50).map(|page| pods(page, 50)))
        .says("/api/v1/namespaces", [json!({"items": []})])
        .says("/apis/apps/v1/deployments", [json!({"items": "none"})]);
    let mut seen = crate::lcm::live::Seen::new("tidegate.dev/product");
    let lost = server.cluster().images(&Default::default(), &mut seen).await.unwrap();
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].starts_with("listing its Deployment: the answer is no list of objects"), "{lost:?}");
    assert_eq!(server.asked().iter().filter(|word| *word == "pods").count(), 50);
    let (found, unreadable) = seen.found(&|_, _| None);
    assert_eq!((found.len(), unreadable.len()), (10, 0));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_on_for_ever_comes_to_an_end() {
    let server =
        Server::default().says("/api/v1/pods", [json!({"metadata": {"continue": "on"}, "items": []})]);
    let mut seen = crate::lcm::live::Seen::new("tidegate.dev/product");
    let ended = server.cluster().images(&Default::default(), &mut seen).await.unwrap_err();
    assert!(ended.message.contains("the list has no end"), "{ended}");
}

/// What of its images a cluster with this could not be told, or why it all ended.
async fn images(server: Server) -> Result<Vec<String>, String> {
    let page = |items: Value| json!({"metadata": {}, "items": items});
    let server = server.says("/api/v1/namespaces", [page(json!([]))]);
    let seen = server.cluster().images(&Fields::default(), &mut Seen::new("app")).await;
    seen.map_err(|error| error.message)
}

#[tokio::test(start_paused = true)]
async fn a_list_that_breaks_off_between_two_pages_is_not_whole() {
    let page = |next: &str| json!({"metadata": {"continue": next}, "items": []});
    let gone = || json!({"kind": "Status", "code": 404});
    let deployments = "/apis/apps/v1/deployments";
    let server = || Server::default().says("/api/v1/pods", [page("")]);
    // Kinds that are not served are no loss.
    assert_eq!(images(server()).await.unwrap(), [""; 0]);
    let lost = images(server().says(deployments, [page("more"), gone()])).await.unwrap();
    assert!(lost.len() == 1 && lost[0].starts_with("listing its Deployment"), "{lost:?}");
    // Pods there always are.
    for answers in [vec![gone()], vec![page("more"), gone()]] {
        let why = images(Server::default().says("/api/v1/pods", answers)).await.unwrap_err();
        assert!(why.starts_with("listing its pods"), "{why}");
    }
}
