//! Jobs and the log of their steps.

diesel::table! {
    jobs (id) {
        id -> Text,
        kind -> Text,
        resource_id -> Text,
        pod_id -> Text,
        active_slot -> Text,
        project_id -> Text,
        payload -> Text,
        payload_version -> Integer,
        state -> Text,
        undoing -> Bool,
        cancel_requested -> Bool,
        wanted_rev -> BigInt,
        run_rev -> BigInt,
        done_rev -> BigInt,
        attempts -> Integer,
        run_after -> Timestamp,
        waiting_for -> Text,
        lease_owner -> Nullable<Text>,
        lease_epoch -> BigInt,
        lease_until -> Nullable<Timestamp>,
        request_id -> Text,
        last_error -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    job_steps (job_id, seq, phase) {
        job_id -> Text,
        seq -> Integer,
        phase -> Text,
        name -> Text,
        output -> Text,
        epoch -> BigInt,
        at -> Timestamp,
    }
}
