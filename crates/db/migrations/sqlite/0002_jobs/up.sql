-- Jobs: what has still to be done in the pods, written with the change that needs it.

-- active_slot is empty for the live job of a key and the row's id for finished
-- ones: a unique key over "the live ones" that both databases can keep.
-- pod_id and waiting_for are empty, not null, because a unique key ignores nulls.
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    pod_id TEXT NOT NULL,
    active_slot TEXT NOT NULL,
    project_id TEXT NOT NULL,
    payload TEXT NOT NULL,
    payload_version INTEGER NOT NULL,
    state TEXT NOT NULL,
    undoing BOOLEAN NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    wanted_rev BIGINT NOT NULL,
    run_rev BIGINT NOT NULL,
    done_rev BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    run_after TIMESTAMP NOT NULL,
    waiting_for TEXT NOT NULL,
    lease_owner TEXT NULL,
    lease_epoch BIGINT NOT NULL,
    lease_until TIMESTAMP NULL,
    request_id TEXT NOT NULL,
    last_error TEXT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP NULL,
    CONSTRAINT jobs_live UNIQUE (kind, resource_id, pod_id, active_slot)
);
-- What may be claimed now; leases that ran out; finished rows by age.
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (state, run_after);
CREATE INDEX IF NOT EXISTS jobs_lease ON jobs (state, lease_until);
CREATE INDEX IF NOT EXISTS jobs_finished ON jobs (finished_at);

-- The log of jobs that are made of steps. Append-only: a row is the first time
-- that a step reached a phase.
CREATE TABLE IF NOT EXISTS job_steps (
    job_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    phase TEXT NOT NULL,
    name TEXT NOT NULL,
    output TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    at TIMESTAMP NOT NULL,
    PRIMARY KEY (job_id, seq, phase)
);
