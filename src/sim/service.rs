//! The way to a simulated cluster: a `tower` service under the real kube client. It takes its time,
//! loses and breaks what the faults say, and hands the rest to the cluster.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use jiff::Timestamp;
use kube::client::Body;
use tower::{BoxError, Service};

use super::api::{self, Answer, Reply, Watch};
use super::faults::Trouble;
use super::fleet::{Audit, Audited, Fleet, Machine, Road, locked};
use super::life::Life;
use super::store::Key;
use super::worker::Coming;

/// How often an open watch looks for news.
const LOOK: Duration = Duration::from_millis(250);

/// What is said of a cluster that is none of the fleet.
const GONE: &str = "the cluster is gone";

/// What comes back.
type Sent = UnsyncBoxBody<Bytes, BoxError>;

/// The way of one client to one cluster.
#[derive(Clone)]
pub(super) struct Way {
    fleet: Fleet,
    cluster: Arc<str>,
    agent: Arc<str>,
    life: Life,
}

impl Way {
    pub fn new(fleet: Fleet, cluster: &str, agent: &str, life: Life) -> Self {
        Self { fleet, cluster: cluster.into(), agent: agent.into(), life }
    }
}

impl Service<Request<Body>> for Way {
    type Response = Response<Sent>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let way = self.clone();
        Box::pin(async move { way.carry(request).await })
    }
}

impl Way {
    async fn carry(self, request: Request<Body>) -> Result<Response<Sent>, BoxError> {
        self.life.lasting().await;
        let (head, body) = request.into_parts();
        let body = body.collect_bytes().await?;
        let writes = !matches!(head.method, Method::GET | Method::HEAD);
        let number = if writes { Some(self.life.writes_to_cluster().await) } else { None };
        self.fleet.inner.requests.fetch_add(1, Ordering::Relaxed);
        let (trouble, latency) = self.weather(writes, head.uri.path())?;
        if let Some(trouble) = &trouble {
            self.fleet.note(trouble);
        }
        if trouble == Some(Trouble::Refused) {
            return Err(broken(std::io::ErrorKind::ConnectionRefused, "connection refused"));
        }
        tokio::time::sleep(latency / 2).await;
        self.life.lasting().await;
        match &trouble {
            Some(Trouble::Reset) => {
                return Err(broken(std::io::ErrorKind::ConnectionReset, "connection reset by peer"));
            }
            Some(Trouble::HalfOpen) => std::future::pending::<()>().await,
            _ => {}
        }
        let answer = match &trouble {
            Some(Trouble::Status { code, retry_after }) => {
                Coming::Here(Some(api::unwell(*code, *retry_after).into()))
            }
            Some(Trouble::Expired) => Coming::Here(Some(api::unwell(401, None).into())),
            other => {
                let stale = match other {
                    Some(Trouble::Stale(by)) if !writes => Some(*by),
                    _ => None,
                };
                self.ask(head, body, stale)
            }
        };
        if let Some(number) = number {
            self.life.wrote_to_cluster(number).await;
        }
        match &trouble {
            Some(Trouble::Slow(length)) => tokio::time::sleep(*length).await,
            Some(Trouble::AnswerLost) => std::future::pending::<()>().await,
            _ => {}
        }
        tokio::time::sleep(latency - latency / 2).await;
        self.life.lasting().await;
        let answer = answer.wait().flatten().ok_or(GONE)?;
        self.response(answer, trouble == Some(Trouble::Truncated))
    }

    /// What goes wrong with a request, and how long it is on its way.
    fn weather(&self, writes: bool, path: &str) -> Result<(Option<Trouble>, Duration), BoxError> {
        let faults = Arc::clone(&locked(&self.fleet.inner.faults));
        let at = self.fleet.inner.clock.elapsed();
        let mut road = self.fleet.road(&self.cluster).ok_or(GONE)?;
        let Road { fired, chance, distance } = &mut *road;
        let trouble = faults.strike(&self.cluster, writes, path, at, fired, chance);
        Ok((trouble, faults.latency(*distance, chance)))
    }

    /// Has the cluster answer; nothing comes of it if it is gone.
    fn ask(&self, head: Parts, body: Bytes, stale: Option<Duration>) -> Coming<Option<Written>> {
        let inner = &self.fleet.inner;
        let (now, elapsed) = (inner.clock.truth(), inner.clock.elapsed());
        self.fleet.sweep(now);
        let ever_stale = locked(&inner.faults).rules.iter().any(|r| matches!(r.trouble, Trouble::Stale(_)));
        let way = self.clone();
        inner.worker.hand_in(move || {
            let mut machine = way.fleet.machine(&way.cluster)?;
            let asked = Asked { head, body, now, elapsed, stale, ever_stale };
            Some(asked.answer(&mut machine, way.fleet.inner.audit, &way.agent).into())
        })
    }

    fn response(&self, written: Written, truncated: bool) -> Result<Response<Sent>, BoxError> {
        let mut response = Response::builder()
            .status(written.status)
            .header(http::header::CONTENT_TYPE, written.content_type);
        for (name, value) in &written.headers {
            response = response.header(*name, value.as_str());
        }
        Ok(response.body(match written.body {
            Text::Whole(bytes) if truncated => cut(bytes),
            Text::Whole(bytes) => whole(bytes),
            Text::Stream(watch) => self.stream(*watch),
        })?)
    }

    /// What happens from now on, a line each.
    fn stream(&self, watch: Watch) -> Sent {
        let lines = futures::stream::unfold((self.clone(), watch), |(way, mut watch)| async move {
            loop {
                way.life.lasting().await;
                let (events, over) = way.fleet.with(&way.cluster, |cluster| {
                    let events = watch.events(cluster);
                    (events, watch.is_over(cluster.now))
                })?;
                if !events.is_empty() {
                    let text: String = events.iter().map(|event| format!("{event}\n")).collect();
                    let frame = http_body::Frame::data(Bytes::from(text));
                    return Some((Ok::<_, BoxError>(frame), (way, watch)));
                }
                if over {
                    return None;
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        StreamBody::new(lines).boxed_unsync()
    }
}

/// An answer as it is sent.
struct Written {
    status: u16,
    headers: Vec<(&'static str, String)>,
    content_type: &'static str,
    body: Text,
}

enum Text {
    Whole(Vec<u8>),
    Stream(Box<Watch>),
}

impl From<Answer> for Written {
    fn from(answer: Answer) -> Self {
        let Answer { status, headers, body } = answer;
        let content_type = body.content_type();
        let body = match body {
            Reply::Json(value) => Text::Whole(value.to_string().into_bytes()),
            Reply::Text(text) | Reply::Discovery(text) => Text::Whole(text.into_bytes()),
            Reply::Watch(watch) => Text::Stream(watch),
        };
        Self { status, headers, content_type, body }
    }
}

/// A request that has arrived.
struct Asked {
    head: Parts,
    body: Bytes,
    now: Timestamp,
    elapsed: Duration,
    /// How old what it reads is.
    stale: Option<Duration>,
    /// Whether there are reads that see what was.
    ever_stale: bool,
}

impl Asked {
    /// What the cluster answers.
    fn answer(&self, machine: &mut Machine, audit: Audit, agent: &str) -> Answer {
        let head = &self.head;
        let request = api::Request {
            method: &head.method,
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            body: &self.body,
        };
        machine.cluster.advance(self.now);
        let before = self.stale.and_then(|by| machine.at(self.elapsed.saturating_sub(by))).cloned();
        if let Some(before) = before {
            let newest = std::mem::replace(&mut machine.cluster.store, before);
            let answer = api::answer(&mut machine.cluster, &request);
            machine.cluster.store = newest;
            return answer;
        }
        let writes = !matches!(head.method, Method::GET | Method::HEAD);
        if writes && self.ever_stale {
            machine.remember(self.elapsed);
        }
        let before = machine.cluster.store.revision();
        let answer = api::answer(&mut machine.cluster, &request);
        let changed = machine.cluster.store.changes_after(before).is_some_and(|mut changes| {
            let asked = |part: &str, key: &Key| *key.resource == *part || *key.name == *part;
            changes.any(|change| request.path.split('/').any(|part| asked(part, &change.key)))
        });
        machine.cluster.advance(self.now);
        if writes && audit == Audit::Writes {
            machine.audit.push(Arc::new(Audited {
                at: self.now,
                agent: agent.to_owned(),
                method: head.method.clone(),
                path: head.uri.to_string(),
                status: answer.status,
                changed,
                body: Some(String::from_utf8_lossy(&self.body).as_ref().into()),
            }));
        }
        answer
    }
}

fn whole(bytes: Vec<u8>) -> Sent {
    Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed_unsync()
}

/// The first half, and then an end that is none.
fn cut(mut bytes: Vec<u8>) -> Sent {
    bytes.truncate(bytes.len() / 2);
    let first = Ok(http_body::Frame::data(Bytes::from(bytes)));
    let end =
        Err(broken(std::io::ErrorKind::UnexpectedEof, "connection closed before the message was complete"));
    StreamBody::new(futures::stream::iter([first, end]).fuse()).boxed_unsync()
}

fn broken(kind: std::io::ErrorKind, words: &str) -> BoxError {
    Box::new(std::io::Error::new(kind, words.to_owned()))
}
