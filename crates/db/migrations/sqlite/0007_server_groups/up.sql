-- Server groups, and the servers in them: by the rows of their routings, so that a server
-- counts from before its pod is asked until it is gone.
CREATE TABLE IF NOT EXISTS server_groups (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    policy TEXT NOT NULL,
    rules TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX IF NOT EXISTS server_groups_project ON server_groups (project_id, created_at);

CREATE TABLE IF NOT EXISTS server_group_members (
    routing_id TEXT NOT NULL PRIMARY KEY,
    group_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS server_group_members_group ON server_group_members (group_id);
