//! Routers, floating IPs, bridge networks.

use super::ip_allocations;

diesel::table! {
    routers (id) {
        id -> Text,
        project_id -> Text,
        name -> Text,
        description -> Text,
        state -> Text,
        admin_state_up -> Bool,
        status -> Text,
        availability_zone_hints -> Text,
        gateway_network_id -> Nullable<Text>,
        gateway_port_id -> Nullable<Text>,
        enable_snat -> Bool,
        routes -> Text,
        revision_number -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    floating_ips (id) {
        id -> Text,
        project_id -> Text,
        description -> Text,
        state -> Text,
        floating_network_id -> Text,
        floating_ip_address -> Text,
        floating_port_id -> Text,
        port_id -> Nullable<Text>,
        fixed_ip_address -> Nullable<Text>,
        router_id -> Nullable<Text>,
        status -> Text,
        dns_name -> Text,
        dns_domain -> Text,
        revision_number -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    bridge_networks (project_id) {
        project_id -> Text,
        network_id -> Text,
        cidr -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(floating_ips, ip_allocations);
