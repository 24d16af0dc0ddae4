//! The five services, to be started in this process or in one of their own.
//!
//! A process of its own is this package's binary `tricircle-test-service`: the same code
//! as the service's own binary, but always built together with the tests.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;
use tricircle_api::StartError;
use tricircle_runtime::{Parts, Started};

use crate::http::Client;
use crate::resources::LIMIT;
use crate::wait::until;

/// The variable that tells the binary which service it is.
pub const SERVICE_VARIABLE: &str = "TRICIRCLE_TEST_SERVICE";

/// One of the services of the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// admin-api
    Admin,
    /// neutron-api
    Network,
    /// nova-apigw
    Compute,
    /// cinder-apigw
    Volume,
    /// xjob
    Jobs,
}

impl Service {
    /// All of them, in the order of their start.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Network,
        Self::Compute,
        Self::Volume,
        Self::Jobs,
    ];

    /// The name of its program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin-api",
            Self::Network => "neutron-api",
            Self::Compute => "nova-apigw",
            Self::Volume => "cinder-apigw",
            Self::Jobs => "xjob",
        }
    }

    /// Its section in the configuration.
    pub fn section(self) -> &'static str {
        match self {
            Self::Admin => "admin_api",
            Self::Network => "neutron_api",
            Self::Compute => "nova_apigw",
            Self::Volume => "cinder_apigw",
            Self::Jobs => "xjob",
        }
    }

    /// Service type and path of its endpoint in the catalog.
    pub fn endpoint(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Admin => Some(("multiregion", "/v1.0")),
            Self::Network => Some(("network", "")),
            Self::Compute => Some(("compute", "/v2.1")),
            Self::Volume => Some(("volumev3", "/v3/$(project_id)s")),
            Self::Jobs => None,
        }
    }

    /// Starts it on these parts.
    pub async fn start(
        self,
        parts: Parts,
        shutdown: CancellationToken,
    ) -> Result<Started, StartError> {
        Ok(match self {
            Self::Admin => admin_api::start(parts, shutdown).await?.into(),
            Self::Network => vec![neutron_api::start(&parts, &shutdown).await?].into(),
            Self::Compute => nova_apigw::start(parts, shutdown).await?.into(),
            Self::Volume => cinder_apigw::start(parts, shutdown).await?.into(),
            Self::Jobs => xjob::start(parts, shutdown).await?,
        })
    }
}

/// A port that nobody listens on, below those that the system gives to outgoing
/// connections: it is still free when the process that is to use it starts again.
pub fn free_port() -> u16 {
    (0..1000)
        .map(|_| 10_000 + u16::try_from(uuid::Uuid::new_v4().as_u128() % 9_000).unwrap_or(0))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

/// A service in a process of its own. It is killed when this value goes.
#[derive(Debug)]
pub struct Process {
    service: Service,
    folder: std::path::PathBuf,
    port: u16,
    child: Child,
}

impl Process {
    /// Starts a service with the configuration file `tricircle.conf` in `folder`, where
    /// its log goes too, and waits until it answers on `port`.
    pub async fn start(service: Service, folder: &Path, port: u16) -> Self {
        let child = spawn(service, folder, &[]);
        let mut process = Self {
            service,
            folder: folder.to_owned(),
            port,
            child,
        };
        process.wait_ready().await;
        process
    }

    /// Kills it as the kernel would: no handler, no last word.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Stops it where it is, as a machine does that is suspended: it holds what it holds
    /// and does not know how time goes by.
    pub async fn pause(&self) {
        self.signal("-STOP").await;
    }

    /// Lets it go on.
    pub async fn resume(&self) {
        self.signal("-CONT").await;
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_file(self.service, &self.folder)).unwrap_or_default()
    }

    async fn signal(&self, signal: &str) {
        // It may have ended by itself.
        let Some(id) = self.child.id().map(|id| id.to_string()) else {
            return;
        };
        let sent = Command::new("kill")
            .args([signal, id.as_str()])
            .status()
            .await;
        assert!(sent.unwrap().success(), "kill {signal} {id}");
    }

    /// Starts it again.
    pub async fn restart(&mut self) {
        self.restart_with(&[]).await;
    }

    /// Ends it, if it still runs, and starts it with these variables in its environment.
    pub async fn restart_with(&mut self, environment: &[(&str, &str)]) {
        if !self.has_ended() {
            self.kill().await;
        }
        self.child = spawn(self.service, &self.folder, environment);
        self.wait_ready().await;
    }

    /// Which service it is.
    pub fn service(&self) -> Service {
        self.service
    }

    /// Whether it ended by itself.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Its resident memory in KiB; none when it does not run.
    pub fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    async fn wait_ready(&mut self) {
        let client = Client::new(&format!("http://127.0.0.1:{}", self.port));
        let what = format!("{} ready", self.service.name());
        until(LIMIT, &what, || async {
            let answer = client.try_raw("GET", "/healthcheck", None).await;
            answer
                .map(|_| ())
                .map_err(|error| format!("{error}; {}", self.last_words()))
        })
        .await;
    }

    fn last_words(&self) -> String {
        let log = self.log();
        let from = log.len().saturating_sub(2000);
        log.get(from..).unwrap_or_default().to_owned()
    }
}

fn log_file(service: Service, folder: &Path) -> std::path::PathBuf {
    folder.join(format!("{}.log", service.name()))
}

fn spawn(service: Service, folder: &Path, environment: &[(&str, &str)]) -> Child {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log_file(service, folder))
        .unwrap();
    Command::new(program())
        .arg("--config-file")
        .arg(folder.join("tricircle.conf"))
        // Options in the environment of the test run are none of its business.
        .env_clear()
        .env(SERVICE_VARIABLE, service.name())
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Cargo builds a package's binaries before its tests and puts them one folder up from
/// these; other binaries are beside it.
fn program() -> std::path::PathBuf {
    let this = std::env::current_exe().unwrap();
    let folders = this.ancestors().skip(1).take(2);
    folders
        .map(|folder| folder.join("tricircle-test-service"))
        .find(|program| program.is_file())
        .unwrap()
}
