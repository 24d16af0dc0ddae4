//! The job worker's process.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tricircle_api::systemd;
use tricircle_config::{CommonArgs, startup};

/// Brings the pods in step with the top.
#[derive(Parser)]
#[command(name = "xjob", version)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    let config = match startup::start(&Args::parse().common) {
        Ok(config) => Arc::new(config),
        Err(code) => return code,
    };
    let shutdown = match systemd::shutdown_on_signals() {
        Ok(shutdown) => shutdown,
        Err(error) => return startup::fail(&error, startup::EXIT_SOFTWARE),
    };
    match xjob::run(config, shutdown.clone()).await {
        Ok(running) => {
            systemd::ready(&shutdown);
            running.wait().await;
            ExitCode::SUCCESS
        }
        Err(error) => startup::fail(&error, startup::EXIT_SOFTWARE),
    }
}
