//! `pod-sim`: a simulated cloud as a process of its own, for manual runs,
//! benches, and tests that kill the processes under test.
//!
//! Prints one JSON line with all URLs once everything listens, and runs until
//! it is interrupted or terminated.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;
use tricircle_pod_sim::{CloudOptions, SimCloud, SimError};

/// One simulated Keystone, one Glance, and pods.
#[derive(Debug, Parser)]
#[command(name = "pod-sim", version)]
struct Args {
    /// Names of the pods, which are their regions.
    #[arg(long, value_delimiter = ',', default_value = "Pod1,Pod2")]
    pods: Vec<String>,
    /// Keystone's port; 0: any.
    #[arg(long, default_value_t = 5000)]
    keystone_port: u16,
    /// Glance's port; 0: any.
    #[arg(long, default_value_t = 9292)]
    glance_port: u16,
    /// The port of the simulator's own API; 0: any.
    #[arg(long, default_value_t = 5999)]
    control_port: u16,
    /// Pod n listens on this plus 1000 (n - 1) plus 774 (Nova), 696 (Neutron),
    /// 776 (Cinder), 778 (Placement); 0: any.
    #[arg(long, default_value_t = 21_000)]
    base_port: u16,
    /// Milliseconds that a server stays in BUILD.
    #[arg(long, default_value_t = 5)]
    build_ms: u64,
    /// Do not make the flavor m1.tiny in the first pod.
    #[arg(long)]
    no_flavor: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done if even this fails.
            let _ = writeln!(std::io::stderr(), "pod-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), SimError> {
    let cloud = SimCloud::start_with(CloudOptions {
        keystone_port: args.keystone_port,
        glance_port: args.glance_port,
        control_port: args.control_port,
        ..CloudOptions::default()
    })
    .await?;
    let mut base = args.base_port;
    for name in &args.pods {
        let pod = cloud.add_pod_at(name, base).await?;
        pod.set_build_time(Some(std::time::Duration::from_millis(args.build_ms)));
        if base != 0 {
            base = base.saturating_add(1000);
        }
    }
    let pods = cloud.pods();
    if let (Some(first), false) = (pods.first(), args.no_flavor) {
        first.add_flavor("1", "m1.tiny", 1, 512, 1);
    }
    let urls: Vec<_> = pods
        .iter()
        .map(|pod| {
            json!({
                "name": pod.name(), "nova": pod.nova_url(), "neutron": pod.neutron_url(),
                "cinder": pod.cinder_url(), "placement": pod.placement_url(),
            })
        })
        .collect();
    let ready = json!({
        "keystone": cloud.keystone_url(), "glance": cloud.glance_url(),
        "control": cloud.control_url(), "image": cloud.image_id(), "pods": urls,
    });
    let mut out = std::io::stdout();
    writeln!(out, "{ready}")
        .and_then(|()| out.flush())
        .map_err(|e| SimError::Invalid(e.to_string()))?;
    wait_for_end()
        .await
        .map_err(|e| SimError::Invalid(e.to_string()))?;
    for pod in pods {
        pod.stop().await;
    }
    cloud.stop_keystone().await;
    Ok(())
}

async fn wait_for_end() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
