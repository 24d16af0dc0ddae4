//! The job worker as a process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tricircle_runtime::main(xjob::start).await
}
