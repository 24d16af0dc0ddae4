//! The compute gateway as a process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tricircle_runtime::main(nova_apigw::start).await
}
