//! The all-in-one process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tricircle_runtime::main(allinone::start).await
}
