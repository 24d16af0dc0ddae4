//! The job worker's process.

use std::process::ExitCode;

use clap::Parser;
use tricircle_api::systemd;
use tricircle_config::CommonArgs;
use tricircle_config::startup::{self, EXIT_SOFTWARE, fail};

#[derive(Debug, Parser)]
#[command(
    version,
    about = "The worker of Tricircle: brings the pods in step with the top"
)]
struct Arguments {
    #[command(flatten)]
    common: CommonArgs,
}

// Not the common body of the services: the port is optional here, and the process
// lives until the engine has stopped.
#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Arguments = match startup::arguments() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let config = match startup::start(&arguments.common) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let shutdown = match systemd::shutdown_on_signals() {
        Ok(shutdown) => shutdown,
        Err(error) => return fail(&error, EXIT_SOFTWARE),
    };
    match xjob::run(config, shutdown.clone()).await {
        Ok(running) => {
            systemd::ready(&shutdown);
            running.wait().await;
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error, EXIT_SOFTWARE),
    }
}
