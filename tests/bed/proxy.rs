//! The fault proxy before one API server: ends the client's TLS with the run's
//! CA, opens its own to the server, and lets each request meet what
//! `faults.rs` decides. HTTP/1.1, which is what the kube client speaks; one
//! upstream connection per downstream connection, so that a cut is a cut.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::faults::{Fault, Faults, Link, State};
use super::pki::Pki;
use super::trouble::{Doing as _, Outcome};

type Body = BoxBody<Bytes, io::Error>;

/// TLS both ways, made once per run.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
}

impl Tls {
    pub fn new(pki: &Pki) -> Outcome<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivatePkcs8KeyDer::from(pki.server_key_der.clone());
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .doing("TLS versions")?
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(pki.server_cert_der.clone())], key.into())
            .doing("proxy certificate")?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(pki.ca_der.clone())).doing("CA")?;
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .doing("TLS versions")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(server)),
            connector: TlsConnector::from(Arc::new(client)),
        })
    }
}

/// Serves on `port` before the API server at `upstream`, on the runtime of the
/// caller, until it is aborted.
pub async fn serve(port: u16, upstream: u16, tls: Tls, faults: Faults) -> Outcome<AbortHandle> {
    let mut links = faults.0.link.subscribe();
    let mut listener = Some(bind(port).await.doing(format!("proxy on port {port}"))?);
    let serving = tokio::spawn(async move {
        // Connections are children of this task: they end with it.
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (link, _) = *links.borrow_and_update();
            if link == Link::Refuse {
                listener = None;
            } else if listener.is_none() {
                listener = bind(port).await.ok();
            }
            tokio::select! {
                changed = links.changed() => if changed.is_err() { return },
                accepted = accept(listener.as_ref()) => {
                    if link == Link::Reset {
                        let _ = accepted.set_zero_linger();
                        continue;
                    }
                    let connection = connection(accepted, upstream, tls.clone(), faults.clone());
                    connections.spawn(connection);
                }
                Some(_) = connections.join_next() => {}
            }
        }
    });
    Ok(serving.abort_handle())
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    let mut tries = 0;
    loop {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Err(e) if tries == 100 => return Err(e),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            listener => return listener,
        }
        tries += 1;
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    loop {
        match listener {
            None => std::future::pending().await,
            Some(listener) => match listener.accept().await {
                Ok((stream, _)) => return stream,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
}

async fn connection(stream: TcpStream, upstream: u16, tls: Tls, faults: Faults) {
    let mut links = faults.0.link.subscribe();
    let (_, cuts) = *links.borrow();
    let state = Arc::clone(&faults.0);
    let serving = async move {
        let mut open = state.link.subscribe();
        if open.wait_for(|(l, _)| *l != Link::HalfOpen).await.is_err() {
            return;
        }
        let _ = stream.set_nodelay(true);
        let Ok(stream) = tls.acceptor.accept(stream).await else {
            return;
        };
        let server =
            Arc::new(Upstream { port: upstream, connector: tls.connector, sender: Mutex::default() });
        let service = service_fn(move |request| {
            let (state, server) = (Arc::clone(&state), Arc::clone(&server));
            async move { answer(&state, &server, request).await }
        });
        // An error is the fault itself, or a client that went away.
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    };
    tokio::select! {
        () = serving => {}
        _ = links.wait_for(|(_, now)| *now != cuts) => {}
    }
}

/// The connection to the API server that belongs to one client's connection.
struct Upstream {
    port: u16,
    connector: TlsConnector,
    sender: Mutex<Option<SendRequest<Incoming>>>,
}

impl Upstream {
    async fn send(&self, request: Request<Incoming>) -> io::Result<Response<Incoming>> {
        let mut sender = self.sender.lock().await;
        if !sender.as_ref().is_some_and(SendRequest::is_ready) {
            let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream.set_nodelay(true)?;
            let name = ServerName::try_from("127.0.0.1").map_err(io::Error::other)?;
            let stream = self.connector.connect(name, stream).await?;
            let (mut fresh, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                .await
                .map_err(io::Error::other)?;
            tokio::spawn(driver);
            fresh.ready().await.map_err(io::Error::other)?;
            *sender = Some(fresh);
        }
        let answering = match sender.as_mut() {
            Some(sender) => sender.send_request(request),
            None => return Err(io::Error::other("no upstream")),
        };
        drop(sender);
        answering.await.map_err(io::Error::other)
    }
}

async fn answer(
    state: &State,
    upstream: &Upstream,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let agent = request.headers().get(hyper::header::USER_AGENT);
    let agent = agent.and_then(|v| v.to_str().ok()).unwrap_or_default();
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    let fault = state.meet(request.method().as_str(), path, agent);
    let mut links = state.link.subscribe();
    let _ = links.wait_for(|(l, _)| *l != Link::HalfOpen).await;
    tokio::time::sleep(state.current_latency()).await;
    match fault {
        None => forward(upstream, request).await,
        Some(Fault::Delay(wait)) => {
            tokio::time::sleep(wait).await;
            forward(upstream, request).await
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Close) => Err(io::Error::other("closed on purpose")),
        Some(Fault::Answer { status, retry_after, body }) => {
            // Read to the end first, or the client may see a broken pipe instead.
            let _ = request.into_body().collect().await;
            Ok(canned(status, retry_after, body))
        }
        Some(Fault::LoseAnswer) => {
            let answer = upstream.send(request).await?;
            let _ = answer.into_body().collect().await;
            Err(io::Error::other("answer lost on purpose"))
        }
        Some(Fault::Truncate(keep)) => {
            let cut = async { Err(io::Error::other("truncated on purpose")) };
            shorten(upstream.send(request).await?, keep, cut).await
        }
        Some(Fault::Stall(keep)) => {
            shorten(upstream.send(request).await?, keep, std::future::pending()).await
        }
    }
}

async fn forward(upstream: &Upstream, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let answer = upstream.send(request).await?;
    Ok(answer.map(|body| body.map_err(io::Error::other).boxed()))
}

/// The answer's head (with its full length) and first bytes, then `end`.
async fn shorten<E>(answer: Response<Incoming>, keep: usize, end: E) -> io::Result<Response<Body>>
where
    E: Future<Output = io::Result<Frame<Bytes>>> + Send + Sync + 'static,
{
    let (mut head, body) = answer.into_parts();
    let mut bytes = body.collect().await.map_err(io::Error::other)?.to_bytes();
    head.headers.remove(hyper::header::TRANSFER_ENCODING);
    head.headers.insert(hyper::header::CONTENT_LENGTH, bytes.len().into());
    bytes.truncate(keep);
    let first = futures::stream::once(async { Ok(Frame::data(bytes)) });
    let parts = futures::StreamExt::chain(first, futures::stream::once(end));
    Ok(Response::from_parts(head, StreamBody::new(parts).boxed()))
}

/// The answer of an API server that refuses.
fn canned(status: u16, retry_after: Option<u32>, body: Option<String>) -> Response<Body> {
    let reason = match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "Unknown",
    };
    let body = body.unwrap_or_else(|| {
        let details =
            retry_after.map_or(serde_json::json!({}), |s| serde_json::json!({ "retryAfterSeconds": s }));
        serde_json::json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": format!("the fault proxy of the bed answers {status}"),
            "reason": reason, "details": details, "code": status,
        })
        .to_string()
    });
    let body = Full::new(Bytes::from(body)).map_err(|e: Infallible| match e {});
    let mut answer = Response::new(body.boxed());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = hyper::header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(hyper::header::RETRY_AFTER, seconds.into());
    }
    answer
}
