//! Pods, where resources are, and the compute resources that the top owns.

diesel::table! {
    sequences (name) {
        name -> Text,
        next_value -> BigInt,
    }
}

diesel::table! {
    pods (id) {
        id -> Text,
        region_name -> Text,
        ordinal -> Integer,
        state -> Text,
        auth_mode -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    pod_availability_zones (pod_id, service, top_az) {
        pod_id -> Text,
        service -> Text,
        top_az -> Text,
        bottom_az -> Text,
    }
}

diesel::table! {
    pod_limits (pod_id) {
        pod_id -> Text,
        mtu -> Nullable<Integer>,
    }
}

diesel::table! {
    pod_bindings (id) {
        id -> Text,
        project_id -> Text,
        pod_id -> Text,
        started_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        active_slot -> Text,
    }
}

diesel::table! {
    resource_routings (id) {
        id -> Text,
        kind -> Text,
        top_id -> Nullable<Text>,
        pod_id -> Text,
        bottom_id -> Nullable<Text>,
        project_id -> Text,
        user_id -> Text,
        name -> Text,
        state -> Text,
        availability_zone -> Nullable<Text>,
        flavor_id -> Nullable<Text>,
        image_id -> Nullable<Text>,
        vcpus -> Integer,
        ram_mb -> Integer,
        size_gb -> Integer,
        reservation_id -> Nullable<Text>,
        request_id -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    pod_realizations (id) {
        id -> Text,
        kind -> Text,
        top_id -> Text,
        pod_id -> Text,
        bottom_id -> Nullable<Text>,
        project_id -> Text,
        state -> Text,
        digest -> Text,
        data -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    flavors (id) {
        id -> Text,
        flavor_id -> Text,
        name -> Text,
        memory_mb -> Integer,
        vcpus -> Integer,
        root_gb -> Integer,
        ephemeral_gb -> Integer,
        swap_mb -> Integer,
        rxtx_factor -> Double,
        is_public -> Bool,
        disabled -> Bool,
        description -> Nullable<Text>,
        extra_specs -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    flavor_access (flavor_id, project_id) {
        flavor_id -> Text,
        project_id -> Text,
    }
}

diesel::table! {
    keypairs (id) {
        id -> Text,
        user_id -> Text,
        name -> Text,
        key_type -> Text,
        fingerprint -> Text,
        public_key -> Text,
        created_at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    pods,
    pod_availability_zones,
    pod_bindings,
    resource_routings,
    pod_realizations,
);
diesel::allow_tables_to_appear_in_same_query!(flavors, flavor_access);
