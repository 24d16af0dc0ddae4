//! Sockets: listeners that can be closed and opened again on the same port, and
//! the one handler that turns HTTP into [`Request`]s, plays faults and writes
//! the journal.
//!
//! A node (the Keystone with its Glance, or a pod) is one actix server with a
//! listener per service, run on a thread of its own, so that it serves while a
//! test's single-threaded runtime is busy. To cut a connection for real, each
//! one keeps a duplicate of its socket: shutting that down is seen by the
//! caller as an end without an answer.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use actix_web::dev::{Extensions, ServerHandle};
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use rand::RngExt;
use tokio::sync::oneshot;

use crate::faults::{Fault, Faults};
use crate::ids;
use crate::journal::{Call, Journal};
use crate::request::{Body, Query, Reply, Request, Service};

const BODY_LIMIT: usize = 64 * 1024 * 1024;
const WORKERS: usize = 2;
const OWN_PORTS: std::ops::Range<u16> = 26_000..32_000;
const TRIES: usize = 50;

/// Why the simulator itself could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A listener could not be opened.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The server's thread ended early.
    #[error("the server did not start")]
    NotStarted,
    /// An argument makes no sense.
    #[error("invalid: {0}")]
    Invalid(String),
}

/// Who made a call, for the journal.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallerName {
    pub(crate) user: Option<String>,
    pub(crate) project: Option<String>,
}

/// What a node does with requests.
pub(crate) trait Backend: Send + Sync + 'static {
    fn answer(&self, request: &Request) -> (Reply, CallerName);

    /// The simulator's own API, which may have to wait for servers to stop.
    fn control(&self, _request: Request) -> LocalReply {
        std::future::ready(Reply::not_found_page()).boxed_local()
    }
}

/// A reply to come.
pub(crate) type LocalReply = LocalBoxFuture<'static, Reply>;

/// One actix server with its listeners, journal and faults.
pub(crate) struct Node {
    inner: Arc<Inner>,
    ports: BTreeMap<Service, SocketAddr>,
    running: Mutex<Option<Running>>,
}

struct Inner {
    by_port: BTreeMap<u16, Service>,
    backend: Arc<dyn Backend>,
    journal: Journal,
    faults: Faults,
}

struct Running {
    handle: ServerHandle,
    thread: std::thread::JoinHandle<()>,
    connections: Arc<Connections>,
}

/// A duplicate of a connection's socket.
struct Connection(Option<Arc<TcpStream>>);

/// The connections of one run of a server. Its stop does not wait for idle
/// workers, which would go on answering on connections that are kept alive.
#[derive(Default)]
struct Connections {
    closed: AtomicBool,
    sockets: Mutex<Vec<Weak<TcpStream>>>,
}

impl Connections {
    fn add(&self, socket: &Arc<TcpStream>) {
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        sockets.retain(|socket| socket.strong_count() > 0);
        sockets.push(Arc::downgrade(socket));
        drop(sockets);
        if self.closed.load(Ordering::SeqCst) {
            shut(socket);
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        for socket in sockets.iter().filter_map(Weak::upgrade) {
            shut(&socket);
        }
    }
}

fn shut(socket: &TcpStream) {
    if let Err(error) = socket.shutdown(Shutdown::Both) {
        tracing::debug!(%error, "the connection was gone already");
    }
}

impl Node {
    /// Chooses the ports (0 = any free one) and starts to serve.
    pub(crate) async fn start(
        services: &[(Service, u16)],
        backend: Arc<dyn Backend>,
    ) -> Result<Self, SimError> {
        let mut listeners = Vec::new();
        let mut ports = BTreeMap::new();
        let mut by_port = BTreeMap::new();
        for (service, port) in services {
            let listener = listen(*port)?;
            let address = listener
                .local_addr()
                .map_err(|e| SimError::Listen(local(*port), e))?;
            ports.insert(*service, address);
            by_port.insert(address.port(), *service);
            listeners.push(listener);
        }
        let node = Node {
            inner: Arc::new(Inner {
                by_port,
                backend,
                journal: Journal::default(),
                faults: Faults::default(),
            }),
            ports,
            running: Mutex::new(None),
        };
        node.serve(listeners).await?;
        Ok(node)
    }

    pub(crate) fn url(&self, service: Service) -> String {
        self.ports
            .get(&service)
            .map(|address| format!("http://{address}"))
            .unwrap_or_default()
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    pub(crate) fn is_running(&self) -> bool {
        self.slot().is_some()
    }

    /// Closes the listeners and all connections; the state stays.
    pub(crate) async fn stop(&self) {
        let running = self.slot().take();
        if let Some(running) = running {
            running.connections.close();
            running.handle.stop(false).await;
            let joined = tokio::task::spawn_blocking(move || running.thread.join()).await;
            if joined.is_err() {
                tracing::warn!("the simulator's server thread did not end cleanly");
            }
        }
    }

    /// Serves again on the same ports.
    pub(crate) async fn restart(&self) -> Result<(), SimError> {
        if self.is_running() {
            return Ok(());
        }
        let mut listeners = Vec::new();
        for address in self.ports.values() {
            listeners.push(TcpListener::bind(address).map_err(|e| SimError::Listen(*address, e))?);
        }
        self.serve(listeners).await
    }

    async fn serve(&self, listeners: Vec<TcpListener>) -> Result<(), SimError> {
        let (tell, told) = oneshot::channel();
        let inner = Arc::clone(&self.inner);
        let connections = Arc::new(Connections::default());
        let theirs = Arc::clone(&connections);
        let thread = std::thread::Builder::new()
            .name("pod-sim".into())
            .spawn(move || run(inner, listeners, theirs, tell))
            .map_err(|_| SimError::NotStarted)?;
        let handle = told.await.map_err(|_| SimError::NotStarted)?;
        *self.slot() = Some(Running {
            handle,
            thread,
            connections,
        });
        Ok(())
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The stop command is sent when the future is made; nobody need await it.
        if let Some(running) = self.slot().take() {
            running.connections.close();
            drop(running.handle.stop(false));
        }
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Listens on `port`, or on one of our choice for 0. That one is below the
/// ports that systems give to outgoing connections and to listeners on 0, so
/// that a stopped pod finds its port free when it starts again.
fn listen(port: u16) -> Result<TcpListener, SimError> {
    if port == 0 {
        let mut rng = rand::rng();
        for _ in 0..TRIES {
            let candidate = rng.random_range(OWN_PORTS);
            if let Ok(listener) = TcpListener::bind(local(candidate)) {
                return Ok(listener);
            }
        }
    }
    TcpListener::bind(local(port)).map_err(|e| SimError::Listen(local(port), e))
}

fn run(
    inner: Arc<Inner>,
    listeners: Vec<TcpListener>,
    connections: Arc<Connections>,
    tell: oneshot::Sender<ServerHandle>,
) {
    actix_web::rt::System::new().block_on(async move {
        let data = web::Data::from(inner);
        let mut server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(BODY_LIMIT))
                .default_service(web::to(handle))
        })
        .on_connect(move |io, extensions| keep_socket(&connections, io, extensions))
        .workers(WORKERS)
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(30))
        .disable_signals();
        for listener in listeners {
            server = match server.listen(listener) {
                Ok(server) => server,
                Err(error) => {
                    tracing::error!(%error, "the simulator cannot listen");
                    return;
                }
            };
        }
        let server = server.run();
        if tell.send(server.handle()).is_ok()
            && let Err(error) = server.await
        {
            tracing::error!(%error, "the simulator's server ended");
        }
    });
}

fn keep_socket(connections: &Connections, io: &dyn Any, extensions: &mut Extensions) {
    let duplicate = io
        .downcast_ref::<actix_web::rt::net::TcpStream>()
        .and_then(|stream| stream.as_fd().try_clone_to_owned().ok())
        .map(|owned| Arc::new(TcpStream::from(owned)));
    if let Some(socket) = &duplicate {
        connections.add(socket);
    }
    extensions.insert(Connection(duplicate));
}

/// Ends the connection under the caller; the returned answer never arrives.
fn cut(http: &HttpRequest) -> HttpResponse {
    if let Some(Connection(Some(socket))) = http.conn_data::<Connection>() {
        shut(socket);
    }
    HttpResponse::new(StatusCode::BAD_GATEWAY)
}

async fn handle(http: HttpRequest, body: Bytes, inner: web::Data<Inner>) -> HttpResponse {
    let address = http.app_config().local_addr();
    let Some(service) = inner.by_port.get(&address.port()).copied() else {
        return HttpResponse::new(StatusCode::MISDIRECTED_REQUEST);
    };
    let request = read(&http, body, service, address);
    if service == Service::Control {
        let reply = inner.backend.control(request.clone()).await;
        return write(&request, reply);
    }
    let fault = inner.faults.take(service, &request.method, &request.path);
    let mut call = start_call(&request, fault.as_ref());
    match &fault {
        Some(Fault::ResetBefore) => {
            inner.journal.record(call);
            return cut(&http);
        }
        Some(Fault::HangForever) => {
            inner.journal.record(call);
            return std::future::pending().await;
        }
        Some(Fault::DelayThen(time)) => tokio::time::sleep(*time).await,
        _ => {}
    }
    let (reply, caller) = match &fault {
        Some(Fault::Status(code, body)) => {
            (Reply::json(*code, body.clone()), CallerName::default())
        }
        _ => inner.backend.answer(&request),
    };
    call.status = reply.status;
    call.user = caller.user;
    call.project = caller.project;
    inner.journal.record(call);
    match fault {
        Some(Fault::DropReplyAfterCommit) => return cut(&http),
        Some(Fault::CommitThenDelay(time)) => tokio::time::sleep(time).await,
        Some(Fault::CommitThenStatus(code, body)) => {
            return write(&request, Reply::json(code, body));
        }
        _ => {}
    }
    write(&request, reply)
}

fn read(http: &HttpRequest, body: Bytes, service: Service, address: SocketAddr) -> Request {
    let headers: BTreeMap<String, String> = http
        .headers()
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    let host = headers
        .get("host")
        .cloned()
        .unwrap_or_else(|| address.to_string());
    let global_request_id = headers
        .get("x-openstack-request-id")
        .filter(|id| ids::is_request_id(id))
        .cloned();
    Request {
        service,
        method: http.method().as_str().to_owned(),
        path: http.path().to_owned(),
        raw_query: http.query_string().to_owned(),
        query: Query::parse(http.query_string()),
        headers,
        body,
        base: format!("http://{host}"),
        request_id: ids::request_id(),
        global_request_id,
    }
}

fn start_call(request: &Request, fault: Option<&Fault>) -> Call {
    let body = if request.service == Service::Keystone {
        None
    } else {
        request.json()
    };
    Call {
        service: request.service,
        method: request.method.clone(),
        path: request.path.clone(),
        query: request.raw_query.clone(),
        status: 0,
        request_id: request.request_id.clone(),
        global_request_id: request.global_request_id.clone(),
        microversion: request
            .header("openstack-api-version")
            .or_else(|| request.header("x-openstack-nova-api-version"))
            .map(str::to_owned),
        user: None,
        project: None,
        service_token: request.header("x-service-token").is_some(),
        body,
        fault: fault.map(Fault::label),
    }
}

fn write(request: &Request, reply: Reply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.insert_header(("x-openstack-request-id", request.request_id.as_str()));
    if matches!(request.service, Service::Nova | Service::Cinder) {
        response.insert_header(("x-compute-request-id", request.request_id.as_str()));
    }
    for (name, value) in &reply.headers {
        response.append_header((name.as_str(), value.as_str()));
    }
    match reply.body {
        Body::Empty => response.finish(),
        Body::Json(value) => response
            .insert_header(("content-type", "application/json"))
            .body(value.to_string()),
        Body::JsonUtf8(value) => response
            .insert_header(("content-type", "application/json; charset=UTF-8"))
            .body(value.to_string()),
        Body::Html(text) => response
            .insert_header(("content-type", "text/html; charset=UTF-8"))
            .body(text),
    }
}
