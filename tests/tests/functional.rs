//! The scenarios on simulated pods.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tricircle_tests::process::Service;
use tricircle_tests::scenarios::*;
use tricircle_tests::{Backend, Bus, Simulated, Where};

/// A scenario that runs on every cloud, in a plain world.
macro_rules! in_a_plain_world {
    ($($name:ident: $scenario:path;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let world = Simulated::plain().await;
            $scenario(&world).await;
            world.assert_pods_clean();
            world.end().await;
        }
    )*};
}

in_a_plain_world! {
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
    projects_do_not_see_each_other_and_readers_only_read: isolation::projects_and_readers;
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
    request_ids_reach_the_pods: surface::request_ids_reach_the_pods;
    one_pod_silent: outages::one_pod_silent;
    jobs_wait_for_a_pod: outages::jobs_wait_for_a_pod;
    a_malformed_pod: malformed::a_malformed_pod;
    keystone_away: outages::keystone_away;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_silent_pod_of_twenty_costs_the_others_nothing() {
    let place = Where {
        pods: 20,
        ..Where::default()
    };
    let world = Simulated::new(place).await.unwrap();
    outages::one_of_many_silent(&world).await;
    world.end().await;
}

fn on_services() -> Where {
    Where {
        backend: Backend::MariaDb,
        bus: Bus::Amqp,
        ..Where::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_job_on_mariadb_and_rabbitmq() {
    let Some(world) = Simulated::new(on_services()).await else {
        return;
    };
    main_job::servers_of_two_pods_on_one_network(&world).await;
    addresses::unique_in_a_crowd(&world).await;
    outages::broker_stopped(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database_away() {
    let place = Where {
        backend: Backend::MariaDbBehindRelay,
        ..Where::default()
    };
    let Some(world) = Simulated::new(place).await else {
        return;
    };
    database::away_and_back(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_hangs() {
    let place = Where {
        bus: Bus::Amqp,
        ..Where::default()
    };
    let Some(world) = Simulated::new(place).await else {
        return;
    };
    jobs::a_broker_that_hangs(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn xjob_stopped_past_its_lease() {
    let mut world = mortal(&[Service::Jobs]).await;
    jobs::a_stopped_worker_comes_back(&mut world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warm_show_needs_neither_sql_nor_keystone() {
    let place = Where {
        outside: vec![Service::Jobs],
        ..Where::default()
    };
    let world = Simulated::new(place).await.unwrap();
    warmth::warm_show(&world).await;
    world.end().await;
}

/// A world whose processes can be killed, and whose unfinished creates are soon ended.
async fn mortal(outside: &[Service]) -> Simulated {
    let place = Where {
        outside: outside.to_vec(),
        create_grace: crashes::GRACE,
        ..Where::default()
    };
    Simulated::new(place).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nova_apigw_killed_after_the_pods_create() {
    let mut world = mortal(&[Service::Compute]).await;
    crashes::gateway_dies_after_the_pods_create(&mut world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nova_apigw_killed_before_the_pods_create() {
    let mut world = mortal(&[Service::Compute]).await;
    crashes::gateway_dies_before_the_pods_create(&mut world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nova_apigw_starts_beside_a_silent_pod() {
    let mut world = mortal(&[Service::Compute]).await;
    outages::start_beside_a_silent_pod(&mut world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn xjob_killed_in_a_job() {
    let mut world = mortal(&[Service::Jobs]).await;
    crashes::worker_dies_in_a_job(&mut world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn xjob_killed_in_a_recovery() {
    let mut world = mortal(&[Service::Jobs]).await;
    crashes::worker_dies_in_a_recovery(&mut world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_pod_stopped() {
    // What a create left in the pod that stopped is removed by the job of the create.
    let world = mortal(&[]).await;
    outages::one_pod_stopped(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reply_to_a_create_is_lost() {
    let world = mortal(&[]).await;
    crashes::reply_to_a_create_is_lost(&world).await;
    world.end().await;
}
