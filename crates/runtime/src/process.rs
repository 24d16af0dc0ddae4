//! The common body of the binaries.

use std::process::ExitCode;

use clap::Parser;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tricircle_api::{Running, StartError, systemd};
use tricircle_config::logging::Listener;
use tricircle_config::startup::{self, EXIT_SOFTWARE, fail};
use tricircle_config::{CommonArgs, Config};

use tricircle_telemetry::{TelemetryError, Traces};

use crate::Parts;

/// What runs in a process: services on their ports, and tasks beside them.
#[derive(Debug, Default)]
pub struct Started {
    /// Services on ports.
    pub services: Vec<Running>,
    /// Everything else that has to come to its end.
    pub tasks: JoinSet<()>,
}

impl Started {
    /// Waits until all of it has stopped.
    pub async fn wait(mut self) {
        for service in self.services {
            service.wait().await;
        }
        while self.tasks.join_next().await.is_some() {}
    }
}

impl From<Vec<Running>> for Started {
    fn from(services: Vec<Running>) -> Self {
        Self {
            services,
            ..Self::default()
        }
    }
}

#[derive(Debug, Parser)]
#[command(
    version,
    about = "A service of Tricircle: several OpenStack clouds as one"
)]
struct Arguments {
    #[command(flatten)]
    common: CommonArgs,
}

/// Reads the command line and the configuration, builds the parts, starts what `start`
/// starts on them, tells systemd, and runs until the process is told to stop.
pub async fn main<F, Fut, S>(start: F) -> ExitCode
where
    F: FnOnce(Parts, CancellationToken) -> Fut,
    Fut: Future<Output = Result<S, StartError>>,
    S: Into<Started>,
{
    let arguments: Arguments = match startup::arguments() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let mut traces = None;
    let started = startup::start(&arguments.common, |config| {
        traces = Traces::new(&config.opentelemetry, &program())?;
        let listener = traces
            .as_ref()
            .map(|traces| Box::new(traces.layer()) as Listener);
        Ok::<_, TelemetryError>(listener)
    });
    let config = match started {
        Ok(config) => config,
        Err(code) => return code,
    };
    let code = run(config, start).await;
    if let Some(traces) = traces {
        traces.finish().await;
    }
    code
}

/// The name of this program, which is the service's.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

async fn run<F, Fut, S>(config: Config, start: F) -> ExitCode
where
    F: FnOnce(Parts, CancellationToken) -> Fut,
    Fut: Future<Output = Result<S, StartError>>,
    S: Into<Started>,
{
    let shutdown = match systemd::shutdown_on_signals() {
        Ok(shutdown) => shutdown,
        Err(error) => return fail(&error, EXIT_SOFTWARE),
    };
    let running = match Parts::build(config, &shutdown).await {
        Ok(parts) => start(parts, shutdown.clone()).await,
        Err(error) => Err(error),
    };
    match running {
        Ok(started) => {
            systemd::ready(&shutdown);
            shutdown.cancelled().await;
            started.into().wait().await;
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error, EXIT_SOFTWARE),
    }
}
