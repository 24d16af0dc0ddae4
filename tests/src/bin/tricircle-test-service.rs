//! A service of the top in a process of its own, for tests that kill it. Which one is
//! said by the environment variable `TRICIRCLE_TEST_SERVICE`.

use std::process::ExitCode;

use tricircle_tests::process::{SERVICE_VARIABLE, Service};

#[tokio::main]
async fn main() -> ExitCode {
    let name = std::env::var(SERVICE_VARIABLE).unwrap_or_default();
    match Service::ALL.into_iter().find(|s| s.name() == name) {
        Some(service) => {
            tricircle_runtime::main(|parts, shutdown| service.start(parts, shutdown)).await
        }
        None => ExitCode::from(64),
    }
}
