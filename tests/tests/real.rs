//! The scenarios on the real pods that the environment names (`make real`).
//!
//! One after the other: they look at what is in the pods before and after.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tricircle_tests::World;
use tricircle_tests::scenarios::*;

static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

macro_rules! on_real_pods {
    ($($name:ident: $scenario:path;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let _turn = ONE_AT_A_TIME.lock().await;
            if let Some(world) = World::real().await {
                $scenario(&world).await;
            }
        }
    )*};
}

on_real_pods! {
    servers_of_two_pods_on_one_network: main_job::servers_of_two_pods_on_one_network;
    bad_server_creates_are_refused_in_novas_words: refusals::server_creates;
    malformed_calls_are_refused_as_by_a_pod: refusals::malformed_calls;
    what_is_not_there_is_refused_as_by_a_pod: refusals::unknown_resources;
    another_project_in_the_path_is_refused: refusals::other_project_in_the_path;
    local_network_in_another_pod_is_refused: refusals::local_network_in_another_pod;
    attach_across_pods_is_refused: refusals::attach_across_pods;
    interfaces_come_and_go: interfaces::attach_and_detach;
    groups_and_addresses_of_servers: interfaces::groups_and_addresses;
    interfaces_are_refused_in_novas_words: refusals::interfaces;
    nobody_without_a_good_token: isolation::without_a_good_token;
    projects_do_not_see_each_other: isolation::projects_and_readers;
    addresses_are_unique_in_a_crowd: addresses::unique_in_a_crowd;
    used_up_addresses_are_refused: addresses::used_up;
    several_servers_or_none: addresses::several_or_none;
    a_router_over_two_pods_has_one_way_out: routers::one_way_out;
    two_pods_have_a_way_out_each: two_ways_out::two_ways_out;
    a_port_goes_from_pod_to_pod: routers::a_port_goes_from_pod_to_pod;
    security_groups_have_members_in_two_pods: groups::members_in_two_pods;
    pages_over_pods_join: lists::pages_over_pods;
    version_documents_need_no_token: surface::version_documents;
    microversions_are_negotiated: surface::microversions;
    every_answer_has_a_request_id: surface::request_ids;
}
