//! The admin API as a process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tricircle_runtime::main(admin_api::start).await
}
