-- What a project has is counted, and the next thing made, by one transaction at a
-- time: it takes the project's row here first. Only the row's lock matters.
CREATE TABLE IF NOT EXISTS project_locks (
    project_id TEXT NOT NULL PRIMARY KEY,
    turn BIGINT NOT NULL
);

-- Rows of gone resources by age.
CREATE INDEX IF NOT EXISTS resource_routings_deleted ON resource_routings (deleted_at);
