//! [`Service`]: puts handlers, middlewares and a port together and runs them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use actix_web::middleware::from_fn;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer, web};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tricircle_config::{Config, Service as Listen};
use tricircle_keystone::Keystone;

use crate::site::{Site, SiteData};
use crate::{Fault, FaultStyle, HealthCheck, SharedVersions, auth, edge, metrics};

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection stays open: longer than the pools of clients
/// and balancers keep theirs, or they meet closed connections.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How often metrics are tidied when nobody reads them.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port can not be had.
    #[error("can not listen on {address}")]
    Bind {
        /// Host and port as configured.
        address: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// An option has a value that can not work.
    #[error("{0}")]
    Config(String),
}

type Configure = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

/// A service that can be started.
pub struct Service {
    site: SiteData,
    listen: Listen,
    shutdown_timeout: Duration,
    configure: Configure,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.site.name)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// A service without routes. The style decides the format of faults, the
    /// API root and the version documents.
    pub fn new(
        name: &'static str,
        style: FaultStyle,
        config: &Config,
        listen: &Listen,
        keystone: Keystone,
    ) -> Result<Self, StartError> {
        let authtoken = &config.keystone_authtoken;
        let uri = match authtoken.www_authenticate_uri.as_str() {
            "" => authtoken.auth_url.as_str(),
            uri => uri,
        };
        let www_authenticate = HeaderValue::from_str(&format!("Keystone uri=\"{uri}\""))
            .map_err(|_| StartError::Config("www_authenticate_uri is no URL".to_owned()))?;
        let service_types = match authtoken.service_type.as_str() {
            "" => own_service_types(style),
            configured => vec![configured.to_owned()],
        };
        Ok(Self {
            site: SiteData {
                name,
                style,
                service_types,
                keystone,
                www_authenticate,
                versions: None,
                public_endpoint: listen.public_endpoint.trim_end_matches('/').to_owned(),
                use_forwarded_headers: config.default.use_forwarded_headers,
                max_body: config.default.max_request_body_size,
                needs_project: style != FaultStyle::Admin,
                resources: Vec::new(),
                health: Vec::new(),
                stopping: CancellationToken::new(),
            },
            listen: listen.clone(),
            shutdown_timeout: config.default.shutdown_timeout,
            configure: Arc::new(|_| {}),
        })
    }

    /// Offers microversions; the service may change the range while it runs.
    #[must_use]
    pub fn versions(mut self, versions: SharedVersions) -> Self {
        self.site.versions = Some(versions);
        self
    }

    /// Adds a line to `/healthcheck`.
    #[must_use]
    pub fn health_check(mut self, check: HealthCheck) -> Self {
        self.site.health.push(check);
        self
    }

    /// The (name, collection) pairs that the version document lists.
    #[must_use]
    pub fn resources(mut self, resources: Vec<(&'static str, &'static str)>) -> Self {
        self.site.resources = resources;
        self
    }

    /// Sets the routes. Called once in each worker thread, so that what belongs
    /// to a worker (an HTTP client's pool) can be made there.
    #[must_use]
    pub fn configure(
        mut self,
        configure: impl Fn(&mut ServiceConfig) + Send + Sync + 'static,
    ) -> Self {
        self.configure = Arc::new(configure);
        self
    }

    /// Binds the port and starts the workers. The service stops gracefully when
    /// `shutdown` is cancelled.
    pub fn start(self, shutdown: &CancellationToken) -> Result<Running, StartError> {
        let Self {
            mut site,
            listen,
            shutdown_timeout,
            configure,
        } = self;
        metrics::install_recorder();
        // A child, so that stopping this service alone leaves the others.
        let stopping = shutdown.child_token();
        site.stopping = stopping.clone();
        let name = site.name;
        let site = Site(Arc::new(site));

        let address = (listen.bind_host.as_str(), listen.bind_port);
        let refused = |source| StartError::Bind {
            address: format!("{}:{}", address.0, address.1),
            source,
        };
        let mut server = HttpServer::new(move || {
            let configure = Arc::clone(&configure);
            App::new()
                .app_data(site.clone())
                .app_data(web::PayloadConfig::new(site.max_body()))
                .wrap(from_fn(auth::authenticate))
                .wrap(from_fn(edge::edge))
                .configure(move |routes| configure(routes))
                .default_service(web::to(unknown))
        })
        .disable_signals()
        .client_request_timeout(HEAD_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(shutdown_timeout.as_secs().max(1))
        .bind(address)
        .map_err(refused)?;
        if listen.workers > 0 {
            server = server.workers(listen.workers);
        }
        let addr = server
            .addrs()
            .first()
            .copied()
            .ok_or_else(|| refused(std::io::Error::other("no address")))?;
        let server = server.run();
        let handle = server.handle();

        let stop = stopping.clone();
        let task = tokio::spawn(async move {
            let mut serving = tokio::spawn(server);
            let mut upkeep = tokio::time::interval(METRICS_UPKEEP);
            loop {
                tokio::select! {
                    () = stop.cancelled() => break,
                    _ = upkeep.tick() => metrics::upkeep(),
                    ended = &mut serving => {
                        tracing::error!(service.name = name, outcome = ?ended, "the server ended by itself");
                        return;
                    }
                }
            }
            tracing::info!(
                service.name = name,
                "no new connections; finishing requests under way"
            );
            handle.stop(true).await;
            if let Err(error) = serving.await {
                tracing::error!(service.name = name, error = %error, "the server's task failed");
            }
        });
        tracing::info!(service.name = name, net.address = %addr, "listening");
        Ok(Running {
            addr,
            stopping,
            task,
        })
    }
}

/// A started service. Dropping it leaves the service running until the token
/// given to [`Service::start`] is cancelled.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    stopping: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// The address it listens on, with the port the system chose for port 0.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://` and the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Begins to stop: no new connections, requests under way are finished.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Waits until it has stopped.
    pub async fn wait(self) {
        if let Err(error) = self.task.await {
            tracing::error!(error = %error, "a service's task failed");
        }
    }
}

/// The service types under which access rules may name the service.
fn own_service_types(style: FaultStyle) -> Vec<String> {
    let names: &[&str] = match style {
        FaultStyle::Nova => &["compute"],
        FaultStyle::Cinder => &["volumev3", "block-storage", "volume"],
        FaultStyle::Neutron => &["network"],
        FaultStyle::Admin => &["multiregion"],
    };
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The answer for a path below the API root that no route has.
async fn unknown(site: Site) -> Result<&'static str, Fault> {
    Err(match site.style() {
        FaultStyle::Nova | FaultStyle::Cinder => Fault::no_such_path(),
        FaultStyle::Neutron | FaultStyle::Admin => {
            Fault::not_found("The resource could not be found.")
        }
    })
}
