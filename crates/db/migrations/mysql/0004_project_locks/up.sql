-- What a project has is counted, and the next thing made, by one transaction at a
-- time: it takes the project's row here first. Only the row's lock matters.
CREATE TABLE IF NOT EXISTS project_locks (
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    turn BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Rows of gone resources by age. MySQL has no IF NOT EXISTS for an index.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'resource_routings'
        AND index_name = 'resource_routings_deleted') = 0,
    'CREATE INDEX resource_routings_deleted ON resource_routings (deleted_at)',
    'DO 0');
PREPARE statement FROM @statement;
EXECUTE statement;
DEALLOCATE PREPARE statement;
