//! Serves the explorer to this machine alone.

use crate::explore::files::{file, names};
use crate::explore::scene::Scene;
use autoencoders::{Error, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Connections at once; a browser opens six. Of more the oldest is closed: many that do not read what
/// they asked for must not keep others out.
const CONNECTIONS: usize = 64;
/// How long a connection takes questions, and then how long an answer may take to be read: whoever does
/// not read holds a place that others want. A browser opens a new one.
const LONGEST: Duration = Duration::from_secs(60);
/// A browser sends its question at once; whoever does not is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The page's own rule, and that no other page shows it in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A server that is bound to its port.
pub(crate) struct Server {
    runtime: tokio::runtime::Runtime,
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Takes a port of this machine, a free one where none is named.
    pub(crate) fn bind(port: Option<u16>) -> Result<Self> {
        let failed = |error| Error::io(Path::new("the server"), error);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))))
            .map_err(|error| match port {
                Some(port) => Error::setting(
                    "port",
                    port,
                    format!("one that is free ({error}); without --port one is found"),
                ),
                None => failed(error),
            })?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { runtime, listener, address })
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers until the process ends.
    pub(crate) fn run(self, scene: Scene) -> Result<()> {
        let Self { runtime, listener, address } = self;
        let mut open = VecDeque::<AbortHandle>::with_capacity(CONNECTIONS);
        let made = Arc::new(Made::new(scene));
        runtime.block_on(async move {
            loop {
                let stream = match listener.accept().await {
                    Ok((stream, _)) => stream,
                    // One that gave up, or no file handle left for it: the next may go well.
                    Err(_) => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                };
                open.retain(|connection| !connection.is_finished());
                if open.len() == CONNECTIONS
                    && let Some(oldest) = open.pop_front()
                {
                    oldest.abort();
                }
                let made = Arc::clone(&made);
                let connection = tokio::spawn(async move {
                    let service =
                        service_fn(move |request| answer(Arc::clone(&made), address, request));
                    let mut builder = http1::Builder::new();
                    builder
                        .timer(TokioTimer::new())
                        .header_read_timeout(PATIENCE)
                        .max_buf_size(16 << 10);
                    // An error here is a connection that broke; nobody is left to be told.
                    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
                    if timeout(LONGEST, served.as_mut()).await.is_err() {
                        served.as_mut().graceful_shutdown();
                        timeout(LONGEST, served).await.ok();
                    }
                });
                open.push_back(connection.abort_handle());
            }
        })
    }
}

type Answer = Response<Full<Bytes>>;

/// The files of a scene, each of which is made once, however many ask for it: others wait for it.
struct Made {
    scene: Scene,
    files: BTreeMap<&'static str, Mutex<Option<Bytes>>>,
}

impl Made {
    fn new(scene: Scene) -> Self {
        Self { scene, files: names().map(|name| (name, Mutex::default())).collect() }
    }

    /// A file by its name; none where there is no such file.
    fn file(&self, name: &str) -> Option<Result<Bytes>> {
        let mut made = self.files.get(name)?.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = made.as_ref() {
            return Some(Ok(bytes.clone()));
        }
        let bytes = file(&self.scene, name)?.map(|bytes| Bytes::from(bytes.into_owned()));
        Some(bytes.inspect(|bytes| *made = Some(bytes.clone())))
    }
}

async fn answer(
    made: Arc<Made>,
    address: SocketAddr,
    request: Request<Incoming>,
) -> std::result::Result<Answer, Infallible> {
    if !is_ours(&request, address) {
        return Ok(words(StatusCode::FORBIDDEN, "this server answers to its own address alone"));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(words(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered"));
    }
    let name = match request.uri().path().trim_start_matches('/') {
        "" => "index.html".to_owned(),
        name => name.to_owned(),
    };
    let kind = content_type(&name);
    let made = tokio::task::spawn_blocking(move || made.file(&name)).await;
    Ok(match made {
        Ok(Some(Ok(bytes))) => respond(StatusCode::OK, kind, bytes),
        Ok(Some(Err(error))) => words(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Ok(None) => words(StatusCode::NOT_FOUND, "there is no such file"),
        Err(_) => words(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be computed"),
    })
}

/// Whether the request names this server: a page of elsewhere whose name leads here (DNS rebinding)
/// sends its own name.
fn is_ours(request: &Request<Incoming>, address: SocketAddr) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    // Of two it is not known which one another program would go by.
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    host == address.to_string().as_str() || host == format!("localhost:{}", address.port()).as_str()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

fn words(status: StatusCode, text: &str) -> Answer {
    respond(status, "text/plain; charset=utf-8", text.to_owned().into())
}

fn respond(status: StatusCode, kind: &'static str, bytes: Bytes) -> Answer {
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Another model may be at the same address tomorrow.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
