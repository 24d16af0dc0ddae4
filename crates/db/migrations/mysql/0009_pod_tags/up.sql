-- A word by which flavors ask for a pod; empty: it has none. MySQL has no IF NOT EXISTS
-- for a column.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'pods'
        AND column_name = 'affinity_tag') = 0,
    'ALTER TABLE pods ADD COLUMN affinity_tag VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ''''',
    'DO 0');
PREPARE statement FROM @statement;
EXECUTE statement;
DEALLOCATE PREPARE statement;
