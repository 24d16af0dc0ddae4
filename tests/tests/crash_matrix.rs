//! Every point between two side effects, one after the other: see
//! `tricircle_tests::crash_matrix`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tricircle_tests::crash_matrix::{Flow, survives};
use tricircle_tests::process::Service;

macro_rules! matrix {
    ($($name:ident: $flow:ident, $dying:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            survives(Flow::$flow, Service::$dying).await;
        }
    )*};
}

matrix! {
    server_create_in_nova_apigw: CreateServer, Compute;
    server_recovery_in_xjob: RecoverServer, Jobs;
    server_delete_in_nova_apigw: DeleteServer, Compute;
    server_delete_in_xjob: DeleteServer, Jobs;
    volume_attach_in_nova_apigw: AttachVolume, Compute;
    interface_attach_in_nova_apigw: AttachInterface, Compute;
    interface_attach_in_xjob: AttachInterface, Jobs;
    interface_detach_in_nova_apigw: DetachInterface, Compute;
    interface_detach_in_xjob: DetachInterface, Jobs;
    volume_create_in_cinder_apigw: CreateVolume, Volume;
    volume_delete_in_cinder_apigw: DeleteVolume, Volume;
    volume_delete_in_xjob: DeleteVolume, Jobs;
    network_create_in_neutron_api: CreateNetwork, Network;
    network_delete_in_neutron_api: DeleteNetwork, Network;
    network_delete_in_xjob: DeleteNetwork, Jobs;
}
