//! The block storage gateway as a process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tricircle_runtime::main(cinder_apigw::start).await
}
