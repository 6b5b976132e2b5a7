//! An HTTP server on loopback whose answers a test writes as a function. It decides nothing about
//! registries; it can be slow, drip, break off, and it remembers what it was asked.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// A question as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// The path, without the query.
    pub path: String,
    pub query: String,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Seen {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// A parameter of the query.
    pub fn param(&self, name: &str) -> Option<String> {
        let url = reqwest::Url::parse(&format!("http://x/?{}", self.query)).ok()?;
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// How the body of an answer comes.
#[derive(Clone)]
enum Shape {
    Whole(Bytes),
    /// So much of it, then the connection ends.
    Cut(Bytes, usize),
    /// A byte at a time, with a pause before each.
    Drip(Bytes, Duration),
    /// The same piece so many times, without a length, after and before two others.
    Long {
        first: Bytes,
        piece: Bytes,
        times: usize,
        last: Bytes,
    },
}

/// An answer.
#[derive(Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    shape: Shape,
    wait: Duration,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), shape: Shape::Whole(body.into()), wait: Duration::ZERO }
    }

    pub fn json(body: impl Into<Bytes>) -> Self {
        Self::new(200, body).header("Content-Type", "application/json")
    }

    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "errors": [{ "code": code, "message": message }] });
        Self::new(status, body.to_string()).header("Content-Type", "application/json")
    }

    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn after(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Breaks off after so many bytes of what was promised.
    pub fn cut(mut self, at: usize) -> Self {
        if let Shape::Whole(body) = self.shape {
            self.shape = Shape::Cut(body, at);
        }
        self
    }

    pub fn drip(mut self, pause: Duration) -> Self {
        if let Shape::Whole(body) = self.shape {
            self.shape = Shape::Drip(body, pause);
        }
        self
    }

    pub fn long(piece: impl Into<Bytes>, times: usize) -> Self {
        let shape = Shape::Long { first: Bytes::new(), piece: piece.into(), times, last: Bytes::new() };
        Self { shape, ..Self::new(200, "") }
    }

    /// What stands around the pieces of a long body.
    pub fn around(mut self, before: impl Into<Bytes>, behind: impl Into<Bytes>) -> Self {
        if let Shape::Long { first, last, .. } = &mut self.shape {
            (*first, *last) = (before.into(), behind.into());
        }
        self
    }

    fn response(self, head: bool) -> http::Response<UnsyncBoxBody<Bytes, std::io::Error>> {
        let mut response = http::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let one = |bytes: Bytes| Ok::<_, std::io::Error>(Frame::data(bytes));
        let pieces = match self.shape {
            Shape::Whole(body) => {
                response = response.header("Content-Length", body.len());
                let body = if head { Bytes::new() } else { body };
                stream::iter([one(body)]).boxed()
            }
            Shape::Cut(body, at) => {
                response = response.header("Content-Length", body.len());
                let end = Err(std::io::Error::other("cut"));
                let rest = stream::once(async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    end
                });
                stream::iter([one(body.slice(..at))]).chain(rest).boxed()
            }
            Shape::Drip(body, pause) => {
                response = response.header("Content-Length", body.len());
                stream::iter(0..body.len())
                    .then(move |at| {
                        let byte = body.slice(at..=at);
                        async move {
                            tokio::time::sleep(pause).await;
                            one(byte)
                        }
                    })
                    .boxed()
            }
            Shape::Long { first, piece, times, last } => {
                let pieces = stream::iter(0..times).map(move |_| one(piece.clone()));
                stream::iter([one(first)]).chain(pieces).chain(stream::iter([one(last)])).boxed()
            }
        };
        response.body(StreamBody::new(pieces).boxed_unsync()).unwrap()
    }
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A server; it ends with this value.
pub struct Fake {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    peak: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Fake {
    /// A server that answers so.
    pub async fn new(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::at(|_| handler).await
    }

    /// A server that has to know its own address (`http://127.0.0.1:PORT`) to answer.
    pub async fn at<H: Fn(&Seen) -> Reply + Send + Sync + 'static>(make: impl FnOnce(&str) -> H) -> Self {
        Self::start(make, None).await
    }

    /// A server that is reached by TLS alone, as `https://localhost:PORT`.
    pub async fn secured(
        tls: tokio_rustls::TlsAcceptor,
        handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(|_| handler, Some(tls)).await
    }

    async fn start<H: Fn(&Seen) -> Reply + Send + Sync + 'static>(
        make: impl FnOnce(&str) -> H,
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let handler: Arc<Handler> = Arc::new(make(&format!("http://127.0.0.1:{port}")));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (log, most) = (Arc::clone(&seen), Arc::clone(&peak));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let (handler, log, now, most) =
                    (Arc::clone(&handler), Arc::clone(&log), Arc::clone(&now), Arc::clone(&most));
                let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let (handler, log, now, most) =
                        (Arc::clone(&handler), Arc::clone(&log), Arc::clone(&now), Arc::clone(&most));
                    async move {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
                        let seen = Seen {
                            method: parts.method.to_string(),
                            path: parts.uri.path().to_owned(),
                            query: parts.uri.query().unwrap_or_default().to_owned(),
                            headers: parts.headers,
                            body: String::from_utf8_lossy(&body).into_owned(),
                        };
                        log.lock().unwrap().push(seen.clone());
                        let reply = handler(&seen);
                        tokio::time::sleep(reply.wait).await;
                        now.fetch_sub(1, Ordering::SeqCst);
                        Ok::<_, Infallible>(reply.response(seen.method == "HEAD"))
                    }
                });
                let tls = tls.clone();
                connections.spawn(async move {
                    let server = hyper::server::conn::http1::Builder::new();
                    match tls {
                        None => drop(server.serve_connection(TokioIo::new(stream), service).await),
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                let _ = server.serve_connection(TokioIo::new(stream), service).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, seen, peak, task }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `localhost:PORT`, the name in certificates.
    pub fn name(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What it was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Forgets what it was asked.
    pub fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }

    /// How many of its questions had a path that begins so.
    pub fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path.starts_with(path)).count()
    }

    /// The most questions that it worked at in one moment.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A port where nobody listens.
pub fn nobody() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
