//! Networks, subnets, ports, addresses, security groups.

diesel::table! {
    networks (id) {
        id -> Text,
        project_id -> Text,
        name -> Text,
        description -> Text,
        state -> Text,
        admin_state_up -> Bool,
        status -> Text,
        shared -> Bool,
        mtu -> Integer,
        router_external -> Bool,
        is_default -> Bool,
        port_security_enabled -> Bool,
        dns_domain -> Text,
        availability_zone_hints -> Text,
        network_type -> Text,
        physical_network -> Nullable<Text>,
        segmentation_id -> Nullable<Integer>,
        pinned_pod_id -> Nullable<Text>,
        revision_number -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    network_segments (network_id) {
        network_id -> Text,
        network_type -> Text,
        physical_network -> Text,
        segmentation_id -> Integer,
    }
}

diesel::table! {
    subnets (id) {
        id -> Text,
        network_id -> Text,
        project_id -> Text,
        name -> Text,
        description -> Text,
        state -> Text,
        ip_version -> Integer,
        cidr -> Text,
        gateway_ip -> Nullable<Text>,
        enable_dhcp -> Bool,
        ipv6_ra_mode -> Nullable<Text>,
        ipv6_address_mode -> Nullable<Text>,
        subnetpool_id -> Nullable<Text>,
        allocation_pools -> Text,
        dns_nameservers -> Text,
        host_routes -> Text,
        service_types -> Text,
        revision_number -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    ports (id) {
        id -> Text,
        network_id -> Text,
        project_id -> Text,
        name -> Text,
        description -> Text,
        state -> Text,
        mac_address -> Text,
        admin_state_up -> Bool,
        status -> Text,
        device_id -> Text,
        device_owner -> Text,
        port_security_enabled -> Bool,
        allowed_address_pairs -> Text,
        extra_dhcp_opts -> Text,
        binding_vnic_type -> Text,
        binding_profile -> Text,
        binding_host_id -> Text,
        dns_name -> Text,
        propagate_uplink_status -> Bool,
        created_by_gateway -> Bool,
        revision_number -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    ip_allocations (subnet_id, ip_key) {
        subnet_id -> Text,
        ip_key -> Text,
        ip_address -> Text,
        network_id -> Text,
        purpose -> Text,
        port_id -> Nullable<Text>,
        pod_id -> Nullable<Text>,
    }
}

diesel::table! {
    security_groups (id) {
        id -> Text,
        project_id -> Text,
        name -> Text,
        description -> Text,
        state -> Text,
        stateful -> Bool,
        revision_number -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    default_security_groups (project_id) {
        project_id -> Text,
        security_group_id -> Text,
    }
}

diesel::table! {
    security_group_rules (id) {
        id -> Text,
        security_group_id -> Text,
        project_id -> Text,
        direction -> Text,
        ethertype -> Text,
        protocol -> Nullable<Text>,
        port_range_min -> Nullable<Integer>,
        port_range_max -> Nullable<Integer>,
        remote_ip_prefix -> Nullable<Text>,
        remote_group_id -> Nullable<Text>,
        description -> Text,
        signature -> Text,
        revision_number -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    port_security_groups (port_id, security_group_id) {
        port_id -> Text,
        security_group_id -> Text,
    }
}

diesel::table! {
    project_quotas (project_id, resource) {
        project_id -> Text,
        resource -> Text,
        hard_limit -> BigInt,
    }
}

diesel::table! {
    project_locks (project_id) {
        project_id -> Text,
        turn -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    networks,
    network_segments,
    subnets,
    ports,
    ip_allocations,
    security_groups,
    default_security_groups,
    security_group_rules,
    port_security_groups,
    project_quotas,
);
