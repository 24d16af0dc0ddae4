-- Pods, where resources are, and the compute resources that the top owns.

CREATE TABLE IF NOT EXISTS sequences (
    name TEXT NOT NULL PRIMARY KEY,
    next_value BIGINT NOT NULL
);

-- An ordinal is never given again: ids derived from it must not change their pod.
CREATE TABLE IF NOT EXISTS pods (
    id TEXT NOT NULL PRIMARY KEY,
    region_name TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    state TEXT NOT NULL,
    auth_mode TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    CONSTRAINT pods_region UNIQUE (region_name),
    CONSTRAINT pods_ordinal UNIQUE (ordinal)
);

CREATE TABLE IF NOT EXISTS pod_availability_zones (
    pod_id TEXT NOT NULL,
    service TEXT NOT NULL,
    top_az TEXT NOT NULL,
    bottom_az TEXT NOT NULL,
    PRIMARY KEY (pod_id, service, top_az)
);

-- active_slot is empty for the binding in force and the row's id for ended ones:
-- a unique key over "the active ones" that both databases can keep.
CREATE TABLE IF NOT EXISTS pod_bindings (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    pod_id TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP NULL,
    active_slot TEXT NOT NULL,
    CONSTRAINT pod_bindings_active UNIQUE (project_id, pod_id, active_slot)
);

-- Resources that a pod owns. A row without top_id is an intent: the pod was or
-- will be asked, and the answer is not recorded yet.
CREATE TABLE IF NOT EXISTS resource_routings (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    top_id TEXT NULL,
    pod_id TEXT NOT NULL,
    bottom_id TEXT NULL,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    availability_zone TEXT NULL,
    flavor_id TEXT NULL,
    image_id TEXT NULL,
    vcpus INTEGER NOT NULL,
    ram_mb INTEGER NOT NULL,
    size_gb INTEGER NOT NULL,
    reservation_id TEXT NULL,
    request_id TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    deleted_at TIMESTAMP NULL,
    CONSTRAINT resource_routings_top UNIQUE (kind, top_id)
);
-- Lists and quotas of a project; what a pod holds.
CREATE INDEX IF NOT EXISTS resource_routings_project ON resource_routings (project_id, kind, created_at);
CREATE INDEX IF NOT EXISTS resource_routings_pod ON resource_routings (pod_id, kind);

-- Resources that the top owns, made in a pod. A row without bottom_id is an intent.
CREATE TABLE IF NOT EXISTS pod_realizations (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    top_id TEXT NOT NULL,
    pod_id TEXT NOT NULL,
    bottom_id TEXT NULL,
    project_id TEXT NOT NULL,
    state TEXT NOT NULL,
    digest TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    CONSTRAINT pod_realizations_top UNIQUE (kind, top_id, pod_id)
);
-- Ids in a pod's answer are translated back by this one.
CREATE INDEX IF NOT EXISTS pod_realizations_bottom ON pod_realizations (pod_id, bottom_id);

CREATE TABLE IF NOT EXISTS flavors (
    id TEXT NOT NULL PRIMARY KEY,
    flavor_id TEXT NOT NULL,
    name TEXT NOT NULL,
    memory_mb INTEGER NOT NULL,
    vcpus INTEGER NOT NULL,
    root_gb INTEGER NOT NULL,
    ephemeral_gb INTEGER NOT NULL,
    swap_mb INTEGER NOT NULL,
    rxtx_factor DOUBLE NOT NULL,
    is_public BOOLEAN NOT NULL,
    disabled BOOLEAN NOT NULL,
    description TEXT NULL,
    extra_specs TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    CONSTRAINT flavors_flavor_id UNIQUE (flavor_id),
    CONSTRAINT flavors_name UNIQUE (name)
);

CREATE TABLE IF NOT EXISTS flavor_access (
    flavor_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    PRIMARY KEY (flavor_id, project_id)
);

CREATE TABLE IF NOT EXISTS keypairs (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    key_type TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    public_key TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    CONSTRAINT keypairs_name UNIQUE (user_id, name)
);
