//! The process around [`neutron_api::start`].

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tricircle_runtime::main(|parts, shutdown| async move {
        Ok(vec![neutron_api::start(&parts, &shutdown).await?])
    })
    .await
}
