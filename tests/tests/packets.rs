//! Packets between servers of the real pods that the environment names (`make packets`).
//!
//! One after the other: they look at what is in the pods before and after.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tricircle_tests::packets::scenarios::*;
use tricircle_tests::packets::{Stage, play};

static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

macro_rules! by_packets {
    ($($name:ident: $scenario:path;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let _turn = ONE_AT_A_TIME.lock().await;
            if let Some(stage) = Stage::real().await {
                play(&stage, async |stage: &Stage| $scenario(stage).await).await;
            }
        }
    )*};
}

by_packets! {
    servers_of_two_pods_reach_each_other: vlan::servers_of_two_pods_reach_each_other;
    each_pod_serves_its_own_servers: vlan::each_pod_serves_its_own_servers;
    two_networks_of_two_pods: routed::two_networks_of_two_pods;
    interfaces_come_after_servers: routed::interfaces_come_after_servers;
    snat_and_floating_ips: outside::snat_and_floating_ips;
    remote_group_spans_pods: members::remote_group_spans_pods;
}
