-- Jobs: what has still to be done in the pods, written with the change that needs it.

-- active_slot is empty for the live job of a key and the row's id for finished
-- ones: a unique key over "the live ones" that both databases can keep.
-- pod_id and waiting_for are empty, not null, because a unique key ignores nulls.
CREATE TABLE IF NOT EXISTS jobs (
    id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    kind VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    resource_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    pod_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    active_slot VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payload MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    payload_version INTEGER NOT NULL,
    state VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    undoing BOOLEAN NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    wanted_rev BIGINT NOT NULL,
    run_rev BIGINT NOT NULL,
    done_rev BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    run_after DATETIME(6) NOT NULL,
    waiting_for VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    lease_owner VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    lease_epoch BIGINT NOT NULL,
    lease_until DATETIME(6) NULL,
    request_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    last_error MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    finished_at DATETIME(6) NULL,
    CONSTRAINT jobs_live UNIQUE (kind, resource_id, pod_id, active_slot),
    INDEX jobs_due (state, run_after),
    INDEX jobs_lease (state, lease_until),
    INDEX jobs_finished (finished_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- What may be claimed now; leases that ran out; finished rows by age.

-- The log of jobs that are made of steps. Append-only: a row is the first time
-- that a step reached a phase.
CREATE TABLE IF NOT EXISTS job_steps (
    job_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    seq INTEGER NOT NULL,
    phase VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    output MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    epoch BIGINT NOT NULL,
    at DATETIME(6) NOT NULL,
    PRIMARY KEY (job_id, seq, phase)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
