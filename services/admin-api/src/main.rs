//! The admin API as a process.

use std::process::ExitCode;

use clap::Parser;
use tricircle_api::systemd;
use tricircle_config::CommonArgs;
use tricircle_config::startup::{EXIT_SOFTWARE, arguments, fail, start};

/// Tricircle's admin API: pods, bindings, routings, jobs.
#[derive(Debug, Parser)]
#[command(name = "admin-api", version)]
struct Arguments {
    #[command(flatten)]
    common: CommonArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    let started = arguments().and_then(|arguments: Arguments| start(&arguments.common));
    let config = match started {
        Ok(config) => config,
        Err(code) => return code,
    };
    let shutdown = match systemd::shutdown_on_signals() {
        Ok(shutdown) => shutdown,
        Err(error) => return fail(&error, EXIT_SOFTWARE),
    };
    match admin_api::run(config, &shutdown).await {
        Ok(running) => {
            systemd::ready(&shutdown);
            running.wait().await;
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error, EXIT_SOFTWARE),
    }
}
