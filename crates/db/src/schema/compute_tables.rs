//! What the Compute API keeps at the top beside flavors and keypairs.

use super::core::resource_routings;

diesel::table! {
    compute_quotas (project_id, user_id, resource) {
        project_id -> Text,
        user_id -> Text,
        resource -> Text,
        hard_limit -> BigInt,
    }
}

diesel::table! {
    compute_quota_classes (class_name, resource) {
        class_name -> Text,
        resource -> Text,
        hard_limit -> BigInt,
    }
}

diesel::table! {
    server_groups (id) {
        id -> Text,
        project_id -> Text,
        user_id -> Text,
        name -> Text,
        policy -> Text,
        rules -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    server_group_members (routing_id) {
        routing_id -> Text,
        group_id -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(server_group_members, resource_routings);
