//! Sends a step to both sides and gives back what each answered, made comparable.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::sim::api::{self, Reply};
use tidegate::sim::cluster::Cluster;
use tidegate::sim::store::{Key, Pool};

use super::normal::Names;
use super::script::Step;

/// What one side answered.
#[derive(Debug, Clone)]
pub struct Answered {
    pub status: u16,
    pub content_type: String,
    pub warnings: Vec<String>,
    pub retry_after: Option<String>,
    /// JSON; a list of events for a watch; text as a string. Without what differs by nature.
    pub body: Value,
    raw: String,
}

impl Answered {
    /// As a person reads it.
    pub fn text(&self) -> String {
        let warnings = if self.warnings.is_empty() { String::new() } else { format!(" {:?}", self.warnings) };
        let raw: String = self.raw.chars().take(6_000).collect();
        format!("{} {}{warnings} {raw}", self.status, self.content_type)
    }
}

/// Both sides.
pub struct Both {
    client: kube::Client,
    cluster: Cluster,
    real: Side,
    simulated: Side,
}

/// What is known of one side: kept values, and names for what differs by nature.
#[derive(Default)]
struct Side {
    kept: BTreeMap<String, String>,
    names: Names,
}

impl Both {
    pub fn new(client: kube::Client) -> Self {
        let version = "v1.36.3".parse().unwrap();
        let mut cluster = Cluster::new("conformance", version, Pool::default(), 1, Timestamp::now());
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            let uri = "/api/v1/namespaces";
            let answer =
                ask(&mut cluster, &Method::POST, uri, &HeaderMap::new(), body.to_string().as_bytes());
            assert_eq!(answer.0, 201, "{}", answer.2);
        }
        assert!(cluster.store.has(&Key::new("", "namespaces", "", "default")));
        Self { client, cluster, real: Side::default(), simulated: Side::default() }
    }

    /// Sends a step; nothing comes back of a pause.
    pub async fn send(&mut self, step: &Step) -> Option<(Answered, Answered)> {
        let (method, address) = step.does.split_once(' ').unwrap();
        if method == "PAUSE" {
            tokio::time::sleep(Duration::from_secs_f32(address.parse().unwrap())).await;
            return None;
        }
        let method: Method = method.parse().unwrap();
        let real = self.ask_real(step, &method, address).await;
        let simulated = self.ask_simulation(step, &method, address);
        Some((real, simulated))
    }

    async fn ask_real(&mut self, step: &Step, method: &Method, address: &str) -> Answered {
        let (uri, headers, body) = self.real.request(step, address);
        let mut request = Request::builder().method(method).uri(uri);
        *request.headers_mut().unwrap() = headers;
        let request = request.body(kube::client::Body::from(body)).unwrap();
        let (head, body) = self.client.send(request).await.unwrap().into_parts();
        let bytes = body.collect_bytes().await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()));
        self.real.answered(step, head.status.as_u16(), headers.collect(), text)
    }

    fn ask_simulation(&mut self, step: &Step, method: &Method, address: &str) -> Answered {
        let (uri, headers, body) = self.simulated.request(step, address);
        self.cluster.now = Timestamp::now();
        let (status, headers, text) = ask(&mut self.cluster, method, &uri, &headers, &body);
        self.simulated.answered(step, status, headers, text)
    }
}

type Plain = (u16, Vec<(String, String)>, String);

fn ask(cluster: &mut Cluster, method: &Method, uri: &str, headers: &HeaderMap, body: &[u8]) -> Plain {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let answer = api::answer(cluster, &api::Request { method, path, query, headers, body });
    let mut headers: Vec<(String, String)> =
        answer.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    headers.push(("content-type".to_owned(), answer.body.content_type().to_owned()));
    let text = match answer.body {
        Reply::Json(body) => body.to_string(),
        Reply::Text(text) | Reply::Discovery(text) => text,
        Reply::Watch(mut watch) => watch.events(cluster).iter().map(|event| format!("{event}\n")).collect(),
    };
    (answer.status, headers, text)
}

impl Side {
    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.kept {
            text = text.replace(&format!("${{{name}}}"), value);
        }
        assert!(!text.contains("${"), "nothing was kept for {text}");
        text
    }

    fn request(&self, step: &Step, address: &str) -> (String, HeaderMap, Vec<u8>) {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", HeaderValue::from_static("conformance/1.0"));
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in &step.headers {
            let name: HeaderName = name.parse().unwrap();
            headers.remove(&name);
            if !value.is_empty() {
                headers.insert(name, self.filled(value).parse().unwrap());
            }
        }
        let body = match (&step.body, &step.text) {
            (Some(body), _) => self.filled(&body.to_string()),
            (_, Some(text)) => self.filled(text),
            _ => String::new(),
        };
        (self.filled(address), headers, body.into_bytes())
    }

    fn answered(
        &mut self,
        step: &Step,
        status: u16,
        headers: Vec<(String, String)>,
        text: String,
    ) -> Answered {
        let all = |name: &str| -> Vec<String> {
            headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect()
        };
        let body: Value = match serde_json::from_str(&text) {
            Ok(body) => body,
            Err(_) => events(&text).unwrap_or(Value::String(text.clone())),
        };
        for (name, path) in &step.keep {
            let found = body.pointer(path);
            let found = found.unwrap_or_else(|| panic!("{step}: nothing at {path} in {text}"));
            let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            self.kept.insert(name.clone(), found);
        }
        Answered {
            status,
            content_type: all("content-type").join(", "),
            warnings: all("warning"),
            retry_after: all("retry-after").pop(),
            body: self.names.made_comparable(body),
            raw: text,
        }
    }
}

/// The events of a watch; bookmarks come when they come, but for the one that ends the beginning.
fn events(text: &str) -> Option<Value> {
    let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
    let told =
        |event: &Value| event["type"] != "BOOKMARK" || event.to_string().contains("initial-events-end");
    (text.contains("\"type\":")).then(|| lines.into_iter().filter(told).collect())
}
